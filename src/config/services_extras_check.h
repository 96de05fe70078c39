/* What a check's extras may not be, and what looks like a mistake in them. What is inherited by
 * many checks is reported once. */
#pragma once

#include "config/services_check.h"

struct services_url;
struct tls_setting;

/* One url {} of an HTTP check; node is where its values stand. */
void services_extras_check_url(struct services_run *run, const struct services_subject *s,
			       uint32_t node, const struct services_url *url);
void services_extras_check_http(struct services_run *run, const struct services_subject *s,
				const struct draft_check *check);
/* A GRPC_CHECK, of what has no effect in it. */
void services_extras_check_grpc(struct services_run *run, const struct services_subject *s,
				const struct draft_check *check);
/* What is in force for a check that uses TLS. 0 or -ENOMEM. */
MUST_CHECK int services_extras_check_tls(struct services_run *run, const struct services_subject *s,
					 const struct tls_setting *t);
