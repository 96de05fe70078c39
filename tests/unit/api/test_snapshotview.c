#include <criterion/criterion.h>

#include "api/snapshotview.h"

#include <errno.h>
#include <jansson.h>

#include "base/clk.h"
#include "base/seqrow.h"

static char path[] = "/var/lib/alived/state";
static struct snapshot_row published;
static struct app_config app;
static struct api_args args;

static void begin(void)
{
	const struct snapshot_row row = {
		.written_ns = clk_mono_ns() - 3500 * CLK_MS,
		.bytes = 4096,
		.writes = 20,
		.bases = 2,
		.errors = 5,
		.write_us = 70,
		.write_max_us = 900,
		.last_error = ENOSPC,
	};

	app.state.path = path;
	args = (struct api_args){.app = &app, .snapshot = &published};
	seqrow_publish(&published, &row, sizeof(row));
}

TestSuite(snapshotview, .init = begin);

static json_t *state(void)
{
	struct buf out = BUF_INIT(1 << 16);
	struct jsonout j = JSONOUT_TO(&out);
	json_t *doc, *found;

	jsonout_open(&j, '{');
	snapshotview_json(&args, &j);
	jsonout_close(&j, '}');
	cr_assert_not(j.is_full);
	doc = json_loadb((const char *)out.mem + out.start, buf_len(&out), 0, NULL);
	buf_deinit(&out);
	cr_assert_not_null(doc);
	found = json_incref(json_object_get(doc, "state"));
	json_decref(doc);
	return found;
}

static json_int_t number(const json_t *s, const char *key)
{
	return json_integer_value(json_object_get(s, key));
}

Test(snapshotview, says_how_the_file_fares)
{
	json_t *s = state();

	cr_assert_str_eq(json_string_value(json_object_get(s, "path")), path);
	cr_assert(json_is_false(json_object_get(s, "kept")));
	cr_assert_geq(number(s, "age_ms"), 3500);
	cr_assert_eq(number(s, "bytes"), 4096);
	cr_assert_eq(number(s, "writes"), 20);
	cr_assert_eq(number(s, "rewrites"), 2);
	cr_assert_eq(number(s, "errors"), 5);
	cr_assert_eq(number(s, "write_us"), 70);
	cr_assert_eq(number(s, "write_max_us"), 900);
	cr_assert_str_eq(json_string_value(json_object_get(s, "error")), strerrordesc_np(ENOSPC));
	json_decref(s);
}

Test(snapshotview, null_if_none_is_kept)
{
	static char empty[] = "";
	json_t *s;

	app.state.path = empty;
	s = state();
	cr_assert(json_is_null(s));
	json_decref(s);
	app.state.path = path;
	args.snapshot = NULL;
	s = state();
	cr_assert(json_is_null(s));
	json_decref(s);
}

static bool has_metric(const char *line)
{
	struct buf out = BUF_INIT(1 << 16);
	struct prom p = {.to = &out};
	bool is_there;

	snapshotview_metrics(&args, &p);
	cr_assert_not(p.is_full);
	is_there = buf_len(&out) &&
		   memmem(out.mem + out.start, buf_len(&out), line, strlen(line)) != NULL;
	buf_deinit(&out);
	return is_there;
}

Test(snapshotview, metrics_say_the_same)
{
	cr_assert(has_metric("\nalived_state_kept 0\n"));
	cr_assert(has_metric("\nalived_state_bytes 4096\n"));
	cr_assert(has_metric("\nalived_state_age_seconds 3.5"));
	cr_assert(has_metric("\nalived_state_write_microseconds 70\n"));
	cr_assert(has_metric("\nalived_state_write_max_microseconds 900\n"));
	cr_assert(has_metric("\nalived_state_writes_total 20\n"));
	cr_assert(has_metric("\nalived_state_rewrites_total 2\n"));
	cr_assert(has_metric("\nalived_state_errors_total 5\n"));
	args.snapshot = NULL;
	cr_assert_not(has_metric("alived_state"));
}
