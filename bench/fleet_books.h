/* fleet's books: its targets, who came when, and what that makes against an interval. */
#pragma once

#include <math.h>

#include "base/addr.h"
#include "base/clk.h"
#include "base/str.h"

enum {
	MAX_GROUPS = 32,
	MAX_TARGETS = 1 << 20,
	MAX_SAMPLES = 1 << 23,
	MAX_TICKS = 1 << 21, /* ms: 35 minutes of arrivals per tick */
};

/* Addresses from base on, on one port. */
struct group {
	struct addr base;
	uint32_t count, first; /* of targets */
	uint16_t port;
	uint8_t kind;
	bool is_own;
};

struct target {
	uint64_t first_ns, last_ns;
	uint32_t n_arrivals;
	uint16_t value; /* ms or status */
	uint8_t behaviour;
	uint8_t group;
	int listen_fd; /* its own, -1: the shared one */
};

struct sample {
	uint32_t target, gap_us;
};

static struct group groups[MAX_GROUPS];
static struct target *targets;
static struct sample *samples; /* one per arrival but the first of a target */
static uint16_t *ticks;        /* arrivals per ms since start_ns */
static uint32_t n_groups, n_targets, n_samples;
static uint32_t n_strangers; /* connections to nobody's address */
static uint32_t n_no_fd;     /* connections thrown away for want of a descriptor */
static uint64_t start_ns, n_arrivals;
static bool counts_syns; /* arrivals are SYNs, not accepted connections */

static uint32_t low32(const struct addr *a)
{
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 |
	       a->b[15];
}

static struct addr target_addr(uint32_t t)
{
	const struct group *g = &groups[targets[t].group];
	uint32_t low = low32(&g->base) + (t - g->first);
	struct addr a = g->base;

	for (int i = 0; i < 4; i++)
		a.b[12 + i] = (uint8_t)(low >> (24 - 8 * i));
	return a;
}

/* port 0: any. Returns UINT32_MAX if it is nobody's. */
static uint32_t find_target(const struct addr *a, uint16_t port)
{
	for (uint32_t i = 0; i < n_groups; i++) {
		const struct group *g = &groups[i];

		if ((port == 0 || port == g->port) && memcmp(a->b, g->base.b, 12) == 0 &&
		    low32(a) - low32(&g->base) < g->count)
			return g->first + (low32(a) - low32(&g->base));
	}
	return UINT32_MAX;
}

static void note_arrival(uint32_t i, uint64_t now_ns)
{
	struct target *t = &targets[i];
	/* a SYN may be looked at later than it came */
	uint64_t tick = now_ns < start_ns ? MAX_TICKS : (now_ns - start_ns) / CLK_MS;

	if (t->n_arrivals++ == 0)
		t->first_ns = now_ns;
	else if (n_samples < MAX_SAMPLES)
		samples[n_samples++] = (struct sample){
			.target = i, .gap_us = (uint32_t)((now_ns - t->last_ns) / CLK_US)};
	t->last_ns = now_ns;
	n_arrivals++;
	if (tick < MAX_TICKS)
		ticks[tick]++;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void put_quantiles(struct str *s, const char *name, double *v, size_t n)
{
	static const struct {
		const char *name;
		double at;
	} points[] = {{"min", 0}, {"p50", 0.5}, {"p99", 0.99}, {"max", 1}};

	qsort(v, n, sizeof(*v), by_value);
	str_putf(s, ",\"%s\":{", name);
	for (size_t i = 0; i < ARRAY_LEN(points); i++)
		str_putf(s, "%s\"%s\":%.1f", i ? "," : "", points[i].name,
			 n ? v[(size_t)(points[i].at * (double)(n - 1))] : 0.0);
	str_puts(s, "}");
}

/* How much more than its even share the fullest 10 ms carried: between the first and the last
 * arrival, of all targets. */
static double worst_window(void)
{
	uint32_t in_window = 0, most = 0;
	uint64_t first = UINT64_MAX, last = 0;

	for (uint32_t i = 0; i < MAX_TICKS; i++) {
		in_window += ticks[i];
		in_window -= i >= 10 ? ticks[i - 10] : 0;
		most = MAX(most, in_window);
		if (ticks[i] && first == UINT64_MAX)
			first = i;
		if (ticks[i])
			last = i;
	}
	if (last < first + 10)
		return 0;
	return most / ((double)n_arrivals * 10 / (double)(last - first + 1));
}

struct range {
	uint32_t first, end;
};

static bool is_in(const struct range *r, uint32_t i)
{
	return i >= r->first && i < r->end;
}

static void put_stats(struct str *s, const struct range *r, double interval_s, uint32_t n_lost)
{
	double *v = calloc(MAX((size_t)n_samples, (size_t)n_targets) + 1, sizeof(*v));
	uint64_t first = UINT64_MAX, last_first = 0, sum = 0, n = 0;
	double drift = 0;

	if (!v)
		return;
	for (uint32_t i = r->first; i < r->end; i++) {
		if (targets[i].n_arrivals == 0)
			continue;
		n++;
		sum += targets[i].n_arrivals;
		first = MIN(first, targets[i].first_ns);
		last_first = MAX(last_first, targets[i].first_ns);
	}
	str_putf(s,
		 "{\"targets\":%u,\"seen\":%llu,\"arrivals\":%llu,\"strangers\":%u,\"no_fd\":%u,"
		 "\"by\":\"%s\",\"lost\":%u,\"first_s\":%.6f,\"first_spread\":%.4f,\"worst_10ms\":%"
		 ".3f",
		 r->end - r->first, (unsigned long long)n, (unsigned long long)sum, n_strangers,
		 n_no_fd, counts_syns ? "syn" : "accept", n_lost,
		 n ? (double)first / 1e9 : 0.0, /* CLOCK_MONOTONIC */
		 n ? (double)(last_first - first) / 1e9 / interval_s : 0.0, worst_window());
	n = 0;
	for (uint32_t i = 0; i < n_samples; i++)
		if (is_in(r, samples[i].target))
			v[n++] = fabs(samples[i].gap_us - interval_s * 1e6);
	put_quantiles(s, "gap_error_us", v, n);
	n = 0;
	for (uint32_t i = r->first; i < r->end; i++) {
		const struct target *t = &targets[i];
		double ppm;

		if (t->n_arrivals < 2)
			continue;
		ppm = ((double)(t->last_ns - t->first_ns) / (t->n_arrivals - 1) /
			       (interval_s * 1e9) -
		       1) *
		      1e6;
		drift += ppm;
		v[n++] = fabs(ppm);
	}
	/* of all together, signed: the lateness of single arrivals cancels out */
	str_putf(s, ",\"mean_drift_ppm\":%.1f", n ? drift / (double)n : 0.0);
	put_quantiles(s, "drift_ppm", v, n);
	str_puts(s, "}\n");
	free(v);
}

static bool open_books(void)
{
	start_ns = clk_mono_ns();
	targets = calloc(n_targets, sizeof(*targets));
	samples = calloc(MAX_SAMPLES, sizeof(*samples));
	ticks = calloc(MAX_TICKS, sizeof(*ticks));
	return targets && samples && ticks;
}

/* Gaps from now on only; each begins with the arrival before. */
static void forget_gaps(void)
{
	memset(ticks, 0, MAX_TICKS * sizeof(*ticks));
	n_samples = 0;
	n_arrivals = 0;
	start_ns = clk_mono_ns();
}

static void forget_arrivals(void)
{
	for (uint32_t i = 0; i < n_targets; i++)
		targets[i].n_arrivals = 0;
	n_strangers = n_no_fd = 0;
	forget_gaps();
}
