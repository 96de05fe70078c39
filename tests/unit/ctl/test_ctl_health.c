#include "ctl/ctl_health.h"

#include "base/str.h"
#include "unit/ctl/ctl_test.h"

#define WELL                                                                        \
	"{\"version\":\"1\",\"pid\":7,\"now\":\"2025-12-04T12:31:54Z\","            \
	"\"started\":\"2025-12-04T12:30:54Z\",\"loaded\":\"2025-12-04T12:31:54Z\"," \
	"\"generation\":4,\"warm\":true,\"blind\":false,"                           \
	"\"checks\":{\"up\":1,\"down\":2,\"undecided\":3},"                         \
	"\"prefixes\":{\"announced\":5,\"withdrawn\":0,\"undecided\":0},"           \
	"\"balancer\":{\"backend\":\"yanet\",\"connected\":true,\"modules\":2},"    \
	"\"announcer\":{\"backend\":\"bird\",\"groups\":2,\"groups_synced\":2},"    \
	"\"threads\":[{\"name\":\"sched\",\"alive\":true,\"silent_ms\":3}]}"

static json_t *summary(const char *key, const char *value)
{
	json_t *j = json_loads(WELL, 0, NULL);

	cr_assert_not_null(j);
	if (key)
		json_object_set_new(j, key, json_loads(value, JSON_DECODE_ANY, NULL));
	return j;
}

static void says(const char *key, const char *value, const char *expected)
{
	char text[256] = "";
	struct str s = STR_OVER(text, sizeof(text));
	json_t *j = summary(key, value);

	cr_assert_eq(ctl_health_problems(j, &s), *expected == 0);
	cr_assert_eq(ctl_health_problems(j, NULL), *expected == 0);
	cr_assert_str_eq(text, expected);
	json_decref(j);
}

Test(ctl_health, each_problem_is_named)
{
	says(NULL, NULL, "");
	says("blind", "true", "blind: most hosts fail at once, removals are frozen");
	says("balancer", "{\"backend\":\"yanet\",\"connected\":false}",
	     "the balancer does not answer");
	says("announcer", "{\"backend\":\"bird\",\"groups\":2,\"groups_synced\":1}",
	     "the announcer does not take every group");
	says("threads",
	     "[{\"name\":\"a\",\"alive\":false,\"silent_ms\":2500},{\"name\":\"b\",\"alive\":false}"
	     "]",
	     "no sign of life from thread a for 2 s; no sign of life from thread b");
}

#define FAMILY(reals, proven) "{\"reals\":" #reals ",\"proven\":" #proven ",\"rule\":\"missing\"}"
#define TUNNEL(state, v4, v6)                                                              \
	"{\"state\":\"" state "\",\"error\":\"EPERM\",\"queue\":7,\"lost\":3,\"ipv4\":" v4 \
	",\"ipv6\":" v6 ",\"kernel_queue\":{\"waiting\":2},"                               \
	"\"latency\":{\"packets\":4,\"sum_us\":48}}"

Test(ctl_health, a_tunnel_that_no_check_needs_is_no_problem)
{
	says("tunnel", "null", "");
	says("tunnel", TUNNEL("closed", FAMILY(0, false), FAMILY(0, false)), "");
	says("tunnel", TUNNEL("open", FAMILY(2, true), FAMILY(0, false)), "");
	says("tunnel", TUNNEL("open", FAMILY(2, true), FAMILY(1, false)),
	     "tunnelled checks are unknown, not proven: ipv6");
	says("tunnel", TUNNEL("closed", FAMILY(0, false), FAMILY(1, false)),
	     "tunnelled checks are unknown, the tunnel is closed: EPERM");
}

Test(ctl_health, page_shows_the_tunnel)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	json_t *j = summary("tunnel", TUNNEL("open", FAMILY(2, true), FAMILY(0, false)));

	ctl_health_print(j, to, false);
	fclose(to);
	cr_assert_not_null(strstr(text, "\ntunnel     open, queue 7, ipv4 missing for 2 reals; "
					"4 packets, 12 us each, 2 waiting, 3 lost\n"),
			   "%s", text);
	json_decref(j);
	free(text);
}

Test(ctl_health, absent_backends_are_no_problem)
{
	says("balancer", "{\"backend\":\"none\",\"connected\":false}", "");
	says("announcer", "{\"backend\":\"none\",\"groups\":1,\"groups_synced\":0}", "");
}

Test(ctl_health, page_shows_counts_and_backends)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	json_t *j = summary("reals", "{\"up\":9,\"down\":1,\"undecided\":0}");

	json_object_set_new(j, "reals_enabled", json_integer(8));
	ctl_health_print(j, to, true);
	fclose(to);
	cr_assert_str_eq(text, "alived     1, pid 7, up 1m00s\n"
			       "config     generation 4, read now\n"
			       "health     \033[32mok\033[0m\n"
			       "checks     1 up, 2 down, 3 undecided\n"
			       "reals      9 up, 1 down, 0 undecided; 8 enabled\n"
			       "services   0 up, 0 down, 0 undecided\n"
			       "prefixes   5 announced, 0 withdrawn, 0 undecided\n"
			       "balancer   yanet, connected, 2 modules, 0 undelivered, 0 absent, "
			       "0 foreign\n"
			       "announcer  bird, 2 of 2 groups synced, 0 unsent\n");
	json_decref(j);
	free(text);
}
