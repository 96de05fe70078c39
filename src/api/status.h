/* GET /v1/status: the reference's document, field by field (spec/monalive §11.4, §11.5).
 *
 * Where the reference and this daemon know different things: quorum_state is 1 for a service that
 * is up; alive of a real is 1 if the balancer is told to send it traffic (not if it is inhibited);
 * weight is what it is enabled with, for a disabled or inhibited one what it will come back with,
 * and 0 before its first verdict; failed_attempts is the present run of bad results.
 */
#pragma once

#include "api/walk.h"

extern const struct walk_view status_view;

/* Names as the reference prints them: "TUN" "GRE" "DR" "NAT"; "TCP" "UDP". */
const char *status_method_text(unsigned lvs_method);
const char *status_proto_text(unsigned l4_proto);
/* The announce group of a service, "" if it has none. */
const char *status_group_name(const struct app_config *app, unsigned group);
