/* What a service, real or check may not be, and what looks like a mistake: ranges between values,
 * families, duplicates (spec/monalive §14 D). Each report stands at the value that is at fault. */
#pragma once

#include "config/services_run.h"

/* A block of the tree with the values in force in it. */
struct services_subject {
	uint32_t node;
	const struct services_values *values;
};

/* Reports at the value at this offset of struct services_values that is in force in node. */
void services_check_report(struct services_run *run, enum diag_severity severity, uint32_t node,
			   size_t offset, const char *hint, const char *message);
/* The service itself, before its reals. 0 or -ENOMEM. */
MUST_CHECK int services_check_service(struct services_run *run, const struct services_subject *s,
				      const struct draft_service *service);
/* The service with all its reals: quorum against weights. */
void services_check_quorum(struct services_run *run, uint32_t node,
			   const struct draft_service *service);
/* A real; its checks come later. 0 or -ENOMEM. */
MUST_CHECK int services_check_real(struct services_run *run, const struct services_subject *s,
				   const struct draft_service *service,
				   const struct draft_real *real);
/* One check. */
void services_check_check(struct services_run *run, const struct services_subject *s,
			  const struct draft_service *service, const struct draft_real *real,
			  const struct draft_check *check);
/* Whether the real has the same check already (reported then). 0 or -ENOMEM. */
MUST_CHECK int services_check_repeated(struct services_run *run, uint32_t node,
				       const struct draft_check *check, bool *ret_is_repeated);
