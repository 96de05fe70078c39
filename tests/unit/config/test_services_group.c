#include "services_fixture.h"

#define SERVICE(vip, port, text)                   \
	"virtual_server " vip " " port " {\n" text \
	"\nreal_server 198.51.100.1 80 { TCP_CHECK { } }\n}\n"
#define SCRIPT "/etc/keepalived/quorum-handler2.sh"

static void group_is(const char *lines, uint16_t group)
{
	char conf[512];
	struct parsed p;

	snprintf(conf, sizeof(conf), SERVICE("192.0.2.1", "80", "%s"), lines);
	p = parse_clean(conf);
	cr_assert_eq(p.draft->services->group, group, "%s: %u", lines, p.draft->services->group);
	parsed_free(&p);
}

Test(services_group, the_group_is_an_index_from_one)
{
	group_is("", 0);
	group_is("announce_group \"\"", 0);
	group_is("announce_group default", 1);
	group_is("announce_group g-1", 2);
	group_is("announce_group \"g-2\"", 3);
}

Test(services_group, decision_48_quorum_ups_second_to_last_part_is_the_group)
{
	group_is("quorum_up \"" SCRIPT " up 2001:db8::1,g-1,1\"", 2);
	group_is("quorum_up \"" SCRIPT "  up\t192.0.2.1,x,y,g-2,1\"", 3);
	group_is("quorum_up \"" SCRIPT " up g-1,1\"", 2);
	group_is("quorum_up \"" SCRIPT " up 192.0.2.1,,1\"", 0);
	group_is("announce_group g-2\nquorum_up \"" SCRIPT " up a,g-1,1\"", 3);
	group_is("announce_group \"\"\nquorum_up \"" SCRIPT " up a,g-1,1\"", 2);
}

Test(services_group, the_script_is_kept_verbatim)
{
	struct parsed p =
		parse_clean(SERVICE("192.0.2.1", "80", "quorum_up \"" SCRIPT "  up a,g-1,1\""));

	cr_assert_str_eq(p.draft->services->quorum_up, SCRIPT "  up a,g-1,1");
	parsed_free(&p);
}

Test(services_group, decision_48_another_script_is_a_warning)
{
	gives_warning(SERVICE("192.0.2.1", "80", "quorum_up \"/bin/x up a,g-1,1\""),
		      "s.conf:2:12: warning: quorum_up is never run");
	gives_warning(SERVICE("192.0.2.1", "80", "quorum_up \" \""), "quorum_up is never run");
	gives_error(SERVICE("192.0.2.1", "80", "quorum_up \"" SCRIPT " up\""),
		    "s.conf:2:12: error: quorum_up has not the arguments");
	gives_error(SERVICE("192.0.2.1", "80", "quorum_up \"" SCRIPT " up a,b,c d\""),
		    "quorum_up has not the arguments");
	gives_error(SERVICE("192.0.2.1", "80", "quorum_up \"" SCRIPT " up g-1\""),
		    "hint: " SCRIPT " up ADDRESS,GROUP,WEIGHT");
}

Test(services_group, decision_29_an_unknown_group_is_an_error)
{
	gives_error(SERVICE("192.0.2.1", "80", "announce_group g-3"),
		    "s.conf:2:16: error: unknown announce group 'g-3'");
	gives_error(SERVICE("192.0.2.1", "80", "announce_group g-3"),
		    "hint: did you mean 'g-1'? announcer.announce_group has default, g-1, g-2");
	gives_error(SERVICE("192.0.2.1", "80", "announce_group other"),
		    "hint: announcer.announce_group has default, g-1, g-2");
	gives_error(SERVICE("192.0.2.1", "80", "quorum_up \"" SCRIPT " up a,g-9,1\""),
		    "s.conf:2:12: error: unknown announce group 'g-9'");
}

Test(services_group, decision_29_the_first_group_on_a_vip_wins)
{
	struct parsed p = parse(
		SERVICE("192.0.2.1", "80", "") SERVICE("192.0.2.1", "81", "announce_group g-2")
			SERVICE("192.0.2.1", "82", "announce_group g-1")
				SERVICE("192.0.2.1", "83", "announce_group g-2")
					SERVICE("192.0.2.2", "80", "announce_group g-1"));
	const struct draft_service *s;

	reports(&p, 0, 1, "s.conf:10:16: warning: another group was named first for this VIP");
	cr_assert_not_null(strstr(p.text, "note: 'g-2' was named by the service at s.conf:5\n"));
	s = p.draft->services;
	cr_assert_eq(s->group, 0); /* names none: no member */
	cr_assert_eq(s->next->group, 3);
	cr_assert_eq(s->next->next->group, 3);
	cr_assert_eq(s->next->next->next->group, 3);
	cr_assert_eq(s->next->next->next->next->group, 2);
	parsed_free(&p);
}

Test(services_group, all_groups_fit_into_the_hint)
{
	struct app_config app = app_for_tests();
	struct parsed p;

	app.announcer.n_groups = APP_MAX_GROUPS;
	for (unsigned i = 0; i < APP_MAX_GROUPS; i++)
		snprintf(app.announcer.groups[i], APP_GROUP_NAME_BYTES,
			 "a-group-with-a-rather-long-nm-%02u", i);
	p = parse_with(&app, SERVICE("192.0.2.1", "80", "announce_group a"));
	reports(&p, 1, 0, "announcer.announce_group has a-group-with-a-rather-long-nm-00,");
	cr_assert_not_null(strstr(p.text, "...\n"));
	parsed_free(&p);
}
