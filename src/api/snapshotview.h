/* The state file in answers: /v1/summary and /metrics. Thread: api only. */
#pragma once

#include "api/api.h"
#include "api/jsonout.h"
#include "api/prom.h"

/* "state": {...}; null if none is kept. */
void snapshotview_json(const struct api_args *args, struct jsonout *j);
void snapshotview_metrics(const struct api_args *args, struct prom *p);
