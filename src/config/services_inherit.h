/* A service as written → its draft with every value in force: defaults, inheritance service →
 * real → check (spec/monalive §2.7), effective addresses, ports and timeouts (decisions 17). */
#pragma once

#include "config/services_run.h"

/* Adds the service that run->tree holds to the draft, with its reals and checks, and validates
 * it on the way. Returns 0 (problems are reported) or -ENOMEM. */
MUST_CHECK int services_inherit_service(struct services_run *run);
