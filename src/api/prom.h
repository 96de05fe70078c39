/* Prometheus text format 0.0.4, appended to a byte queue. Pure. */
#pragma once

#include "base/buf.h"

#define PROM_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { PROM_MAX_LABELS = 4 };

struct prom_label {
	const char *key;
	const char *value; /* any bytes; escaped as the format asks */
};

struct prom {
	struct buf *to;
	bool is_full; /* sticky: something did not fit, the text is useless */
};

/* # HELP and # TYPE lines. type: "gauge" "counter" "histogram". */
void prom_head(struct prom *p, const char *name, const char *type, const char *help);
/* One sample. suffix is added to the name (""; "_bucket"). */
void prom_u64(struct prom *p, const char *name, const char *suffix, const struct prom_label *labels,
	      size_t n_labels, uint64_t value);
/* The same with a value in thousandths: 1234 prints 1.234. */
void prom_milli(struct prom *p, const char *name, const char *suffix,
		const struct prom_label *labels, size_t n_labels, uint64_t thousandths);
/* Head and one sample without labels. */
void prom_gauge(struct prom *p, const char *name, const char *help, uint64_t value);

/* A whole histogram: counts[n_bounds + 1] per bucket, not cumulative, the last is +Inf. Bounds are
 * integers in units of 10^-digits. */
struct prom_histogram {
	const char *name, *help;
	const uint32_t *bounds;
	int digits;
	size_t n_bounds;
	const uint64_t *counts;
	uint64_t sum_micro;
};
void prom_histogram(struct prom *p, const struct prom_histogram *h);
