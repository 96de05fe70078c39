/* The announce backends as the API shows them: /v1/announcer, and a part of /v1/summary and of
 * /metrics. API thread. */
#pragma once

#include "api/api.h"
#include "api/jsonout.h"
#include "api/prom.h"

/* "backends": [...] of /v1/summary's announcer: without the groups. */
void announceview_brief(const struct api_args *args, struct jsonout *j);
/* The whole answer of /v1/announcer. Returns 0 or -ENOBUFS. */
MUST_CHECK int announceview_json(const struct api_args *args, struct buf *out);
/* alived_announcer_* by backend, group and family. */
void announceview_metrics(const struct api_args *args, struct prom *p);
