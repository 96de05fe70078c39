#include <criterion/criterion.h>

#include "api/listing.h"

#include <jansson.h>

#include "unit/api/fleet_fixture.h"

static struct fleet_fixture f;

static void setup(void)
{
	fleet_fixture_init(&f);
}

static void teardown(void)
{
	fleet_fixture_deinit(&f);
}

TestSuite(listing, .init = setup, .fini = teardown);

static void lists(const struct walk_view *view, uint32_t only, const char *expected)
{
	char *text = fleet_fixture_text(&f, view, only);
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	cr_assert_str_eq(text, expected);
	cr_assert_not_null(j);
	json_decref(j);
	free(text);
}

Test(listing, service_tells_its_quorum_and_prefix)
{
	lists(&listing_services, f.tcp,
	      "{\"generation\":1,\"now\":\"2025-12-04T12:33:20Z\",\"services\":["
	      "{\"vs\":\"tcp/"
	      "192.0.2.1:80\",\"method\":\"TUN\",\"scheduler\":\"wrr\",\"state\":\"up\","
	      "\"since\":\"2025-12-04T12:33:09Z\",\"quorum\":2,\"hysteresis\":1,\"weight\":5,"
	      "\"weight_pending\":0,\"reals\":2,\"enabled\":2,\"up\":1,\"undecided\":0,\"absent\":"
	      "0,"
	      "\"transitions\":1,\"panic\":false,\"joined\":true,\"scaled\":false,"
	      "\"announce_group\":\"g-1\",\"prefix\":{\"state\":\"announced\",\"sent\":"
	      "\"announced\","
	      "\"reason\":\"services_up\",\"members\":1,\"joined\":1,\"joined_up\":1,\"since\":"
	      "null}}]}");
}

Test(listing, prefix_tells_what_each_of_several_backends_accepted)
{
	struct prefix_row *at = state_prefix(&f.tables, f.gen->services[f.tcp].prefix);
	struct prefix_row row = *at;
	char *text;

	row.accepted[1] = STATE_DOWN;
	seqrow_publish(at, &row, sizeof(row));
	f.app.announcer.backend = ANNOUNCER_BIRD | ANNOUNCER_BIRD2;
	text = fleet_fixture_text(&f, &listing_services, f.tcp);
	cr_assert_not_null(strstr(text, "\"sent\":\"announced\",\"accepted\":{\"bird\":"
					"\"undecided\",\"bird2\":\"withdrawn\"},\"reason\""));
	free(text);
	f.app.announcer.backend = ANNOUNCER_BIRD2;
	text = fleet_fixture_text(&f, &listing_services, f.tcp);
	cr_assert_null(strstr(text, "accepted"), "sent says it");
	free(text);
}

Test(listing, service_without_group_has_no_prefix)
{
	char *text = fleet_fixture_text(&f, &listing_services, f.udp);

	cr_assert_not_null(strstr(text, "\"vs\":\"udp/2001:db8::1\""));
	cr_assert_not_null(strstr(text, "\"announce_group\":\"\",\"prefix\":null}"));
	cr_assert_not_null(strstr(text, "\"state\":\"undecided\",\"since\":null,"));
	free(text);
}

Test(listing, real_tells_its_state_reason_and_last_results)
{
	char *text = fleet_fixture_text(&f, &listing_reals, f.tcp);
	static const char head[] =
		"{\"generation\":1,\"now\":\"2025-12-04T12:33:20Z\",\"reals\":["
		"{\"vs\":\"tcp/192.0.2.1:80\",\"rs\":\"10.0.0.1:80\",\"method\":\"TUN\","
		"\"state\":\"up\",\"since\":\"2025-12-04T12:32:59Z\",\"reason\":\"checks_up\","
		"\"override\":\"auto\",\"enabled\":true,\"held\":true,\"kept\":false,"
		"\"inhibited\":false,\"frozen\":false,\"static\":false,\"listed\":2,\"in_sync\":1,"
		"\"weight\":5,\"wanted_weight\":4,\"acked_weight\":4,\"checks_not_up\":0,"
		"\"transitions\":3,\"checks\":[{\"type\":\"HTTP\",\"connect\":\"192.0.2.1:80\","
		"\"path\":\"/health?a=\\\"b\\\"\",\"tunnelled\":true,\"state\":\"up\","
		"\"since\":\"2025-12-04T12:32:59Z\",\"weight\":4,\"drained\":false,\"fall\":2,"
		"\"rise\":1,\"bad_run\":"
		"1,"
		"\"good_run\":0,\"unknown_run\":0,\"failures\":9,\"tls\":null,\"last\":{\"code\":"
		"\"http_"
		"status\","
		"\"duration_us\":1834,\"layer\":\"http\",\"detail\":503,\"text\":\"status 503\","
		"\"at\":\"2025-12-04T12:33:19.620Z\"},\"history\":[";

	cr_assert_eq(strncmp(text, head, strlen(head)), 0, "%s", text);
	/* the check that never ran */
	cr_assert_not_null(strstr(
		text, "\"weight\":null,\"drained\":false,\"fall\":2,\"rise\":1,\"bad_run\":0,"
		      "\"good_run\":0,\"unknown_run\":0,\"failures\":0,"
		      "\"tls\":null,\"last\":null,\"history\":[]}"));
	cr_assert_not_null(strstr(text,
				  "\"rs\":\"10.0.0.2:80\",\"method\":\"TUN\",\"state\":\"down\","
				  "\"since\":null,\"reason\":\"check_down\","
				  "\"override\":\"weight 50%\",\"enabled\":true,\"held\":false,"
				  "\"kept\":false,\"inhibited\":true,"));
	free(text);
}

Test(listing, history_is_newest_first)
{
	char *text = fleet_fixture_text(&f, &listing_reals, f.tcp);
	json_t *j = json_loads(text, 0, NULL);
	json_t *real = json_array_get(json_object_get(j, "reals"), 0);
	json_t *history =
		json_object_get(json_array_get(json_object_get(real, "checks"), 0), "history");
	json_int_t us =
		json_integer_value(json_object_get(json_array_get(history, 0), "duration_us"));

	cr_assert_eq(json_array_size(history), 2);
	cr_assert_str_eq(json_string_value(json_object_get(json_array_get(history, 0), "code")),
			 "http_status");
	cr_assert_str_eq(json_string_value(json_object_get(json_array_get(history, 1), "code")),
			 "ok");
	cr_assert(us > 1834 * 15 / 16 && us < 1834 * 17 / 16, "%lld", (long long)us);
	json_decref(j);
	free(text);
}

Test(listing, overrides_have_words)
{
	static const struct {
		enum real_override kind;
		const char *text;
	} rows[] = {{OVERRIDE_NONE, "auto"},       {OVERRIDE_UP, "up"},
		    {OVERRIDE_DRAIN, "drain"},     {OVERRIDE_DOWN, "down"},
		    {OVERRIDE_WEIGHT, "weight 7"}, {OVERRIDE_PERCENT, "weight 7%"},
		    {(enum real_override)99, "?"}};
	char text[LISTING_OVERRIDE_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		listing_override_text(real_override_make(rows[i].kind, 7), text);
		cr_assert_str_eq(text, rows[i].text);
	}
}
