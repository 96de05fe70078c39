/* What TLS a run speaks: the context for its setting, names, the session it offers and the one it
 * leaves behind. */
#pragma once

#include "workers/run.h"

/* Makes r->tls for the connection that is up. */
MUST_CHECK enum run_step run_secure_begin(struct run_ctx *c, struct run *r);
/* The run is over (code is set): keeps its newest session if the check resumes, frees r->tls. */
void run_secure_end(struct run_ctx *c, struct run *r);
