#include "ctl/ctl_announce.h"

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

TestSuite(ctl_announce, .init = setup, .fini = teardown);

Test(ctl_announce, list_is_one_document_in_json)
{
	cr_assert_eq(CTL("-s", rig.sock, "--json", "announce", "list"), CTL_EXIT_OK);
	cr_assert_stdout_eq_str(
		"{\"prefixes\":[{\"prefix\":\"192.0.2.1/32\",\"group\":\"g-1\",\"state\":"
		"\"announced\",\"sent\":\"announced\",\"reason\":\"services_up\",\"since\":null}],"
		"\"backends\":[]}\n");
}

Test(ctl_announce, list_is_a_table)
{
	cr_assert_eq(CTL("-s", rig.sock, "announce", "list"), CTL_EXIT_OK);
	cr_assert_stdout_eq_str("PREFIX        GROUP  STATE      ACCEPTED   SINCE  REASON\n"
				"192.0.2.1/32  g-1    announced  announced  never  services_up\n"
				"\n");
}

/* One more than accepted: what the rig's fleet says of its one prefix. */
static void two_backends(void)
{
	struct prefix_row *at =
		state_prefix(&rig.fleet.tables, rig.fleet.gen->services[rig.fleet.tcp].prefix);
	struct prefix_row row = *at;

	rig.fleet.app.announcer.backend = ANNOUNCER_BIRD | ANNOUNCER_BIRD_LIST;
	row.accepted[0] = STATE_UP;
	row.accepted[1] = STATE_UP; /* of a backend that is not in use */
	row.accepted[2] = STATE_DOWN;
	seqrow_publish(at, &row, sizeof(row));
}

Test(ctl_announce, several_backends_have_a_column_each)
{
	two_backends();
	cr_assert_eq(CTL("-s", rig.sock, "announce", "list"), CTL_EXIT_OK);
	cr_assert_stdout_eq_str(
		"PREFIX        GROUP  STATE      ACCEPTED   BIRD       BIRD_LIST  SINCE  REASON\n"
		"192.0.2.1/32  g-1    announced  announced  announced  withdrawn  never  "
		"services_up\n\n");
}

Test(ctl_announce, several_backends_are_named_in_json)
{
	two_backends();
	cr_assert_eq(CTL("-s", rig.sock, "--json", "announce", "list"), CTL_EXIT_OK);
	cr_assert_stdout_eq_str(
		"{\"prefixes\":[{\"prefix\":\"192.0.2.1/32\",\"group\":\"g-1\",\"state\":"
		"\"announced\",\"sent\":\"announced\",\"accepted\":{\"bird\":\"announced\","
		"\"bird_list\":\"withdrawn\"},\"reason\":\"services_up\",\"since\":null}],"
		"\"backends\":[]}\n");
}

Test(ctl_announce, without_a_daemon_it_is_3)
{
	cr_assert_eq(CTL("-s", "/nonexistent", "announce", "list"), CTL_EXIT_NO_DAEMON);
}

Test(ctl_announce, print_needs_a_group)
{
	cr_assert_eq(CTL("announce", "print-bird-config"), CTL_EXIT_USAGE);
	cr_assert_eq(CTL("announce", "verify", "more"), CTL_EXIT_USAGE);
}
