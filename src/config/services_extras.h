/* What a check says beyond the reference's parameters, in its effective form: HTTP extras, further
 * urls, TLS settings (extras.h), with the contradictions in them reported. */
#pragma once

#include "config/services_check.h"

/* Sets check->extras, for a check whose profile, path and virtualhost are set; NULL if the profile
 * says it all. Equal extras of a run are one object. 0 or -ENOMEM. */
MUST_CHECK int services_extras_resolve(struct services_run *run, const struct services_subject *s,
				       struct draft_check *check);
