/* What the metrics listener prints: ours under /metrics, the reference's names, labels and buckets
 * under /v1/metrics (spec/monalive §12). Thread: api only. */
#pragma once

#include "api/api.h"
#include "api/walk.h"

struct buf;

/* GET /metrics: everything. Returns 0 or -ENOBUFS, like those below. */
MUST_CHECK int metrics_all(const struct api_args *args, struct buf *out);
/* GET /v1/metrics/global: the reference's five series. */
MUST_CHECK int metrics_global(const struct api_args *args, struct buf *out);
/* GET /v1/metrics/debug: the standard collectors of a process. */
MUST_CHECK int metrics_debug(const struct api_args *args, struct buf *out);
/* GET /v1/metrics/per_service: gauges by service. */
extern const struct walk_view metrics_per_service;
