#include "api/announceview.h"

#include <errno.h>
#include <sched.h>

#include "base/clk.h"
#include "base/err.h"

enum { TORN_ROUNDS = 32 };

static const char *const families[ANNOUNCE_FAMILY__N] = {"ipv4", "ipv6"};

/* Returns false if there is no such backend. */
static bool read_row(const struct api_args *args, uint32_t i, struct announce_row *ret)
{
	for (int i_round = 0; args->announcers && i_round < TORN_ROUNDS; i_round++) {
		if (seqrow_read(&args->announcers[i], ret, sizeof(*ret)))
			return ret->backend != ANNOUNCER_NONE;
		sched_yield();
	}
	return false;
}

static uint32_t n_synced(const struct announce_row *row)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < row->n_groups; i++)
		n += row->groups[i].is_synced != 0;
	return n;
}

static uint32_t n_unsent(const struct announce_row *row)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < row->n_groups; i++)
		n += row->groups[i].unsent;
	return n;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void put_backend(struct jsonout *j, const struct announce_row *row)
{
	jsonout_kstr(j, "backend", app_config_announcer_text(row->backend));
	jsonout_kbool(j, "connected", row->is_connected);
	jsonout_kstr(j, "version", row->version);
	jsonout_ku64(j, "groups_synced", n_synced(row));
	jsonout_ku64(j, "unsent", n_unsent(row));
	jsonout_kbool(j, "refused", row->is_refused);
	jsonout_kbool(j, "error", row->has_error);
	jsonout_kstr(j, "last_error", row->last_error);
	jsonout_ktime(j, "last_error_at", row->error_wall_ns / CLK_MS * CLK_MS);
	jsonout_ktime(j, "configured", row->configured_wall_ns / CLK_MS * CLK_MS);
	jsonout_ku64(j, "configure_us", row->configure_us);
	jsonout_ktime(j, "verified", row->verified_wall_ns / CLK_MS * CLK_MS);
}

static void put_family(struct jsonout *j, const struct announce_group_row *g, unsigned family)
{
	jsonout_key(j, families[family]);
	jsonout_open(j, '{');
	jsonout_ku64(j, "expected", g->expected[family]);
	jsonout_key(j, "seen");
	if (g->seen[family] == ANNOUNCE_NOT_COUNTED)
		jsonout_null(j);
	else
		jsonout_u64(j, g->seen[family]);
	jsonout_close(j, '}');
}

static void put_groups(const struct api_args *args, struct jsonout *j,
		       const struct announce_row *row)
{
	jsonout_key(j, "groups");
	jsonout_open(j, '[');
	for (uint32_t i = 0; i < row->n_groups; i++) {
		const struct announce_group_row *g = &row->groups[i];

		jsonout_open(j, '{');
		/* one list has the VIPs of all groups */
		jsonout_kstr(j, "group",
			     row->backend == ANNOUNCER_BIRD_LIST ? ""
								 : args->app->announcer.groups[i]);
		jsonout_kbool(j, "synced", g->is_synced);
		jsonout_ku64(j, "unsent", g->unsent);
		jsonout_kbool(j, "disabled", g->is_disabled);
		for (unsigned f = 0; f < ANNOUNCE_FAMILY__N; f++)
			put_family(j, g, f);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void put_backends(const struct api_args *args, struct jsonout *j, bool with_groups)
{
	struct announce_row row;

	jsonout_key(j, "backends");
	jsonout_open(j, '[');
	for (uint32_t i = 0; i < ANNOUNCE_MAX_BACKENDS; i++) {
		if (!read_row(args, i, &row))
			continue;
		jsonout_open(j, '{');
		put_backend(j, &row);
		if (with_groups)
			put_groups(args, j, &row);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

void announceview_brief(const struct api_args *args, struct jsonout *j)
{
	put_backends(args, j, false);
}

int announceview_json(const struct api_args *args, struct buf *out)
{
	struct jsonout j = JSONOUT_TO(out);

	jsonout_open(&j, '{');
	jsonout_ktime(&j, "now", clk_wall_ns() / CLK_MS * CLK_MS);
	put_backends(args, &j, true);
	jsonout_close(&j, '}');
	return j.is_full ? err_origin(-ENOBUFS) : 0;
}

/* --- metrics --------------------------------------------------------------------------------- */

static uint64_t connected_of(const struct announce_row *row)
{
	return row->is_connected != 0;
}

static uint64_t refused_of(const struct announce_row *row)
{
	return row->is_refused != 0;
}

static uint64_t error_of(const struct announce_row *row)
{
	return row->has_error != 0;
}

static const struct {
	const char *name, *help;
	uint64_t (*value)(const struct announce_row *row);
} by_backend[] = {
	{"alived_announcer_connected", "1 while the backend's BIRD is there", connected_of},
	{"alived_announcer_refused", "1 while BIRD refuses its configuration", refused_of},
	{"alived_announcer_error", "1 while something is wrong with the backend", error_of},
};

static void put_by_backend(struct prom *p, const struct announce_row *rows, uint32_t n)
{
	for (size_t m = 0; m < ARRAY_LEN(by_backend); m++) {
		prom_head(p, by_backend[m].name, "gauge", by_backend[m].help);
		for (uint32_t i = 0; i < n; i++)
			prom_u64(p, by_backend[m].name, "",
				 &(struct prom_label){"backend",
						      app_config_announcer_text(rows[i].backend)},
				 1, by_backend[m].value(&rows[i]));
	}
}

static void put_durations(struct prom *p, const struct announce_row *rows, uint32_t n)
{
	static const char name[] = "alived_announcer_configure_microseconds";

	prom_head(p, name, "gauge", "how long BIRD took to accept the last configuration");
	for (uint32_t i = 0; i < n; i++) {
		if (rows[i].configured_wall_ns)
			prom_u64(p, name, "",
				 &(struct prom_label){"backend",
						      app_config_announcer_text(rows[i].backend)},
				 1, rows[i].configure_us);
	}
}

/* which: offset of expected or seen in the group's row. */
static void put_routes(const struct api_args *args, struct prom *p, const char *name,
		       const struct announce_row *row, size_t which)
{
	for (uint32_t i = 0; i < row->n_groups; i++) {
		const uint32_t *counts = (const void *)((const char *)&row->groups[i] + which);

		for (unsigned f = 0; f < ANNOUNCE_FAMILY__N; f++) {
			const struct prom_label labels[] = {
				{"backend", app_config_announcer_text(row->backend)},
				{"group", row->backend == ANNOUNCER_BIRD_LIST
						  ? ""
						  : args->app->announcer.groups[i]},
				{"family", families[f]},
			};

			if (counts[f] != ANNOUNCE_NOT_COUNTED)
				prom_u64(p, name, "", labels, ARRAY_LEN(labels), counts[f]);
		}
	}
}

void announceview_metrics(const struct api_args *args, struct prom *p)
{
	static const char expected[] = "alived_announcer_routes_expected",
			  seen[] = "alived_announcer_routes_seen";
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < ANNOUNCE_MAX_BACKENDS; i++)
		n += read_row(args, i, &rows[n]);
	put_by_backend(p, rows, n);
	put_durations(p, rows, n);
	prom_head(p, expected, "gauge", "routes that the backend's BIRD has accepted");
	for (uint32_t i = 0; i < n; i++)
		put_routes(args, p, expected, &rows[i],
			   offsetof(struct announce_group_row, expected));
	prom_head(p, seen, "gauge", "routes that were counted in BIRD last");
	for (uint32_t i = 0; i < n; i++)
		put_routes(args, p, seen, &rows[i], offsetof(struct announce_group_row, seen));
}
