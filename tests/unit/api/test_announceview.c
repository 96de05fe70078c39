#include <criterion/criterion.h>

#include "api/announceview.h"

#include <jansson.h>

#include "base/clk.h"

static struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
static struct app_config app;
static struct api_args args = {.app = &app, .announcers = rows};
static struct buf out = BUF_INIT(1 << 20);

static void setup(void)
{
	snprintf(app.announcer.groups[0], sizeof(app.announcer.groups[0]), "default");
	snprintf(app.announcer.groups[1], sizeof(app.announcer.groups[1]), "edge");
	seqrow_publish(&rows[0],
		       &(struct announce_row){
			       .backend = ANNOUNCER_BIRD2,
			       .is_connected = 1,
			       .n_groups = 2,
			       .configure_us = 812,
			       .configured_wall_ns = CLK_S,
			       .version = "2.0",
			       .last_error = "no reply in time",
			       .error_wall_ns = CLK_S,
			       .groups = {{.is_synced = 1, .expected = {3, 4}, .seen = {3, 4}},
					  {.unsent = 5,
					   .expected = {1, 0},
					   .seen = {0, ANNOUNCE_NOT_COUNTED}}},
		       },
		       sizeof(rows[0]));
}

static void teardown(void)
{
	buf_deinit(&out);
}

TestSuite(announceview, .init = setup, .fini = teardown);

static json_t *document(void)
{
	json_t *j;

	cr_assert_eq(announceview_json(&args, &out), 0);
	j = json_loadb((char *)buf_head(&out), buf_len(&out), JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(j);
	return j;
}

Test(announceview, row_is_shown_with_its_groups)
{
	const char *backend, *version, *last, *group;
	json_int_t us, synced, expected, seen;
	int connected, refused;
	json_t *j = document(), *uncounted;

	cr_assert_eq(json_array_size(json_object_get(j, "backends")), 1,
		     "unused rows are left out");
	cr_assert_eq(json_unpack(j,
				 "{s:[{s:s,s:b,s:s,s:I,s:b,s:s,s:I,s:[{s:s},{s:s,s:{s:I,s:I},"
				 "s:{s:o}}]}]}",
				 "backends", "backend", &backend, "connected", &connected,
				 "version", &version, "groups_synced", &synced, "refused", &refused,
				 "last_error", &last, "configure_us", &us, "groups", "group",
				 &group, "group", &group, "ipv4", "expected", &expected, "seen",
				 &seen, "ipv6", "seen", &uncounted),
		     0);
	cr_assert_str_eq(backend, "bird2");
	cr_assert_str_eq(version, "2.0");
	cr_assert_str_eq(last, "no reply in time");
	cr_assert_str_eq(group, "edge");
	cr_assert_eq(us, 812);
	cr_assert_eq(synced, 1);
	cr_assert_eq(expected, 1);
	cr_assert_eq(seen, 0);
	cr_assert(connected && !refused);
	cr_assert(json_is_null(uncounted), "never counted is not zero");
	json_decref(j);
}

Test(announceview, no_backend_is_an_empty_list)
{
	json_t *j;

	args.announcers = NULL;
	j = document();
	cr_assert_eq(json_array_size(json_object_get(j, "backends")), 0);
	json_decref(j);
}

static bool has(const char *line)
{
	return memmem(buf_head(&out), buf_len(&out), line, strlen(line)) != NULL;
}

Test(announceview, metrics_are_by_backend_group_and_family)
{
	struct prom p = {.to = &out};

	announceview_metrics(&args, &p);
	cr_assert(!p.is_full);
	cr_assert(has("alived_announcer_connected{backend=\"bird2\"} 1\n"));
	cr_assert(has("alived_announcer_refused{backend=\"bird2\"} 0\n"));
	cr_assert(has("alived_announcer_error{backend=\"bird2\"} 0\n"));
	cr_assert(has("alived_announcer_configure_microseconds{backend=\"bird2\"} 812\n"));
	cr_assert(has("alived_announcer_routes_expected{backend=\"bird2\",group=\"default\","
		      "family=\"ipv6\"} 4\n"));
	cr_assert(has("alived_announcer_routes_seen{backend=\"bird2\",group=\"edge\","
		      "family=\"ipv4\"} 0\n"));
	cr_assert(!has("alived_announcer_routes_seen{backend=\"bird2\",group=\"edge\","
		       "family=\"ipv6\"}"),
		  "what was never counted has no sample");
}
