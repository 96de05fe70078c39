#include "ctl/ctl_show.h"

#include "unit/api/api_rig.h"
#include "unit/ctl/ctl_test.h"

static struct api_rig rig;

static void setup(void)
{
	api_rig_start(&rig);
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void teardown(void)
{
	api_rig_stop(&rig);
}

TestSuite(ctl_show, .init = setup, .fini = teardown);

/* Ages depend on the machine's uptime: a row's times are monotonic. */
static void forget_times(void)
{
	struct service_row s = *state_service(&rig.fleet.tables, rig.fleet.tcp);
	struct check_row c = *state_check(&rig.fleet.tables, rig.fleet.first_check);
	struct real_row r = *state_real(&rig.fleet.tables, rig.fleet.first_real);

	s.since_s = r.since_s = c.since_s = c.last_end_10ms = 0;
	seqrow_publish(state_service(&rig.fleet.tables, rig.fleet.tcp), &s, sizeof(s));
	seqrow_publish(state_real(&rig.fleet.tables, rig.fleet.first_real), &r, sizeof(r));
	seqrow_publish(state_check(&rig.fleet.tables, rig.fleet.first_check), &c, sizeof(c));
}

Test(ctl_show, services_are_a_table)
{
	forget_times();
	cr_assert_eq(CTL("-s", rig.sock, "services"), CTL_EXIT_OK);
	cr_assert_stdout_eq_str(
		"SERVICE           STATE      SINCE  WEIGHT  QUORUM   UP  PREFIX     NOTES\n"
		"tcp/192.0.2.1:80  up         never       5    2+-1  1/2  announced\n"
		"udp/2001:db8::1   undecided  never       0       1  0/1  -\n");
}

Test(ctl_show, reals_are_a_table)
{
	forget_times();
	cr_assert_eq(CTL("reals", "tcp/192.0.2.1:80", "-s", rig.sock), CTL_EXIT_OK);
	cr_assert_stdout_eq_str("SERVICE           REAL         STATE  SINCE  W  BALANCER   REASON "
				"                      "
				"LAST CHECK\n"
				"tcp/192.0.2.1:80  10.0.0.1:80  up     never  4  held       "
				"checks_up                    "
				"TCP not checked yet\n"
				"tcp/192.0.2.1:80  10.0.0.2:80  down   never  0  inhibited  "
				"check_down, set: weight 50%  "
				"HTTP not checked yet\n");
}

Test(ctl_show, last_check_tells_code_detail_and_duration)
{
	struct check_row c = *state_check(&rig.fleet.tables, rig.fleet.first_check);
	char text[2048] = "";
	size_t n;

	c.word = check_word_make(STATE_DOWN, CHECK_ROW_IN_USE, 0);
	c.last_end_10ms = (uint32_t)(clk_mono_ns() / (10 * CLK_MS));
	seqrow_publish(state_check(&rig.fleet.tables, rig.fleet.first_check), &c, sizeof(c));
	cr_assert_eq(CTL("reals", "tcp/192.0.2.1:80", "-s", rig.sock), CTL_EXIT_OK);
	n = fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout());
	cr_assert_gt(n, 0);
	/* now or 1s ago, as the clock falls */
	cr_assert_not_null(strstr(text, "HTTP http_status status 503 1.8 ms, "), "%s", text);
}

Test(ctl_show, short_checks_are_shown_in_microseconds)
{
	struct check_row c = *state_check(&rig.fleet.tables, rig.fleet.first_check);
	char text[2048] = "";

	c.word = check_word_make(STATE_DOWN, CHECK_ROW_IN_USE, 0);
	c.last_code = CODE_REFUSED;
	c.last_total_us = 41;
	seqrow_publish(state_check(&rig.fleet.tables, rig.fleet.first_check), &c, sizeof(c));
	cr_assert_eq(CTL("reals", "tcp/192.0.2.1:80", "-s", rig.sock), CTL_EXIT_OK);
	cr_assert_gt(fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout()), 0);
	cr_assert_not_null(strstr(text, "HTTP refused 41 us, "), "%s", text);
}

Test(ctl_show, unknown_service_is_refused)
{
	cr_assert_eq(CTL("-s", rig.sock, "reals", "tcp/192.0.2.9:80"), CTL_EXIT_REFUSED);
	cr_assert_stderr_eq_str("alivectl: no such service; names look like tcp/192.0.2.1:80\n");
}

Test(ctl_show, json_is_the_daemons_own)
{
	char text[64 * 1024] = "", *wire;
	size_t n;

	forget_times();
	cr_assert_eq(CTL("-s", rig.sock, "--json", "services"), CTL_EXIT_OK);
	n = fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout());
	cr_assert_gt(n, 2);
	cr_assert_eq(text[n - 1], '\n');
	text[n - 1] = 0;
	wire = rig_get(&rig, API_UNIX, "/v1/services");
	/* all but the moment */
	cr_assert_str_eq(strstr(rig_body(wire), "\"services\":"), strstr(text, "\"services\":"));
	free(wire);
}

Test(ctl_show, status_is_exit_0_when_well_and_1_when_not)
{
	struct summary s = rig.summary;

	beat_mark(&rig.beats[1], clk_mono_ns());
	cr_assert_eq(CTL("-s", rig.sock, "status"), CTL_EXIT_OK);
	s.is_blind = 1;
	seqrow_publish(&rig.summary, &s, sizeof(s));
	cr_assert_eq(CTL("-s", rig.sock, "status"), CTL_EXIT_REFUSED);
	cr_assert_eq(CTL("-s", rig.sock, "status", "--json"), CTL_EXIT_REFUSED);
}
