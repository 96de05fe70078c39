/* What the latest handshakes have shown, for status and metrics. api thread. */
#pragma once

#include "api/walk.h"

/* Writes "tls": null or an object for the check that the walk stands at. */
void tlsview_json(struct walk *w);
/* The earliest end of a certificate among the service's checks, s since 1970; 0: none is known. */
uint32_t tlsview_earliest_expiry(const struct walk *w, const struct service_spec *service);
