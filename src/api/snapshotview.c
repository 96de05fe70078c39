#include "api/snapshotview.h"

#include "base/clk.h"
#include "base/seqrow.h"

/* False: no state file is kept. */
static bool read_row(const struct api_args *args, struct snapshot_row *ret)
{
	return args->snapshot && *args->app->state.path &&
	       seqrow_read(args->snapshot, ret, sizeof(*ret));
}

static uint64_t age_ms(const struct snapshot_row *row)
{
	uint64_t now = clk_mono_ns();

	return row->written_ns && now > row->written_ns ? (now - row->written_ns) / CLK_MS : 0;
}

void snapshotview_json(const struct api_args *args, struct jsonout *j)
{
	struct snapshot_row row = {.seq = 0};

	jsonout_key(j, "state");
	if (!read_row(args, &row)) {
		jsonout_null(j);
		return;
	}
	jsonout_open(j, '{');
	jsonout_kstr(j, "path", args->app->state.path);
	jsonout_kbool(j, "kept", row.is_kept);
	jsonout_ku64(j, "age_ms", age_ms(&row));
	jsonout_ku64(j, "bytes", row.bytes);
	jsonout_ku64(j, "writes", row.writes);
	jsonout_ku64(j, "rewrites", row.bases);
	jsonout_ku64(j, "errors", row.errors);
	jsonout_kstr(j, "error", row.last_error ? strerrordesc_np(row.last_error) : "");
	jsonout_ku64(j, "write_us", row.write_us);
	jsonout_ku64(j, "write_max_us", row.write_max_us);
	jsonout_close(j, '}');
}

static void put_counter(struct prom *p, const char *name, const char *help, uint64_t value)
{
	prom_head(p, name, "counter", help);
	prom_u64(p, name, "", NULL, 0, value);
}

static void put_seconds(struct prom *p, const char *name, const char *help, uint64_t ms)
{
	prom_head(p, name, "gauge", help);
	prom_milli(p, name, "", NULL, 0, ms);
}

void snapshotview_metrics(const struct api_args *args, struct prom *p)
{
	struct snapshot_row row = {.seq = 0};

	if (!read_row(args, &row))
		return;
	prom_gauge(p, "alived_state_kept", "1 while the state file says what is", row.is_kept);
	put_seconds(p, "alived_state_age_seconds", "since the state file was last written",
		    age_ms(&row));
	prom_gauge(p, "alived_state_bytes", "size of the state file", row.bytes);
	prom_gauge(p, "alived_state_write_microseconds", "how long its last write took",
		   row.write_us);
	prom_gauge(p, "alived_state_write_max_microseconds", "how long its longest write took",
		   row.write_max_us);
	put_counter(p, "alived_state_writes_total", "writes of the state file, additions too",
		    row.writes);
	put_counter(p, "alived_state_rewrites_total", "times the state file was written anew",
		    row.bases);
	put_counter(p, "alived_state_errors_total", "writes of the state file that failed",
		    row.errors);
}
