#include "services_fixture.h"

static struct parsed parse_in(const struct app_config *app, const char *service, const char *real,
			      const char *check)
{
	char *conf = conf_of(service, real, check);
	struct parsed p = parse_with(app, conf);

	free(conf);
	return p;
}

static void gives(const char *service, const char *real, const char *check, unsigned errors,
		  unsigned warnings, const char *text)
{
	struct app_config app = app_for_tests();
	struct parsed p = parse_in(&app, service, real, check);

	reports(&p, errors, warnings, text);
	parsed_free(&p);
}

#define SERVICE(head) "virtual_server " head " { real_server 198.51.100.1 80 { TCP_CHECK { } } }\n"

Test(services_check, a20_a_repeated_service_names_both_lines)
{
	struct parsed p = parse(SERVICE("192.0.2.1 80") SERVICE("192.0.2.2 80")
					SERVICE("::ffff:192.0.2.1 80"));

	reports(&p, 1, 0,
		"s.conf:3:1: error: a service with this address, port and protocol exists already");
	cr_assert_not_null(strstr(p.text, "note: it was defined at s.conf:1\n"));
	parsed_free(&p);
}

Test(services_check, services_differ_by_port_and_protocol)
{
	struct parsed p = parse_clean(
		SERVICE("192.0.2.1 80") SERVICE("192.0.2.1 81") SERVICE("192.0.2.1")
			SERVICE("192.0.2.1 0") "virtual_server 192.0.2.1 80 { protocol udp\n"
					       "real_server 198.51.100.1 80 { TCP_CHECK { } } }\n");

	cr_assert_eq(p.draft->n_services, 5);
	parsed_free(&p);
}

Test(services_check, a20_a_repeated_real_names_both_lines)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\n"
				"real_server 198.51.100.1 80 { TCP_CHECK { } }\n"
				"real_server 198.51.100.1 { TCP_CHECK { } }\n"
				"real_server 198.51.100.1 81 { TCP_CHECK { } }\n"
				"real_server 198.51.100.1 80 { HTTP_GET { } }\n}\n");

	reports(&p, 1, 0, "s.conf:5:1: error: this service has a real server with this address");
	cr_assert_not_null(strstr(p.text, "note: it was defined at s.conf:2\n"));
	parsed_free(&p);
	p = parse_clean(SERVICE("192.0.2.1 80") SERVICE("192.0.2.2 80")); /* in two services */
	parsed_free(&p);
}

Test(services_check, a20_identical_checks_are_kept_once)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\n"
				"real_server 198.51.100.1 80 {\n"
				"TCP_CHECK { }\n"
				"HTTP_GET { }\n"
				"TCP_CHECK { delay_loop 60 }\n"
				"TCP_CHECK { connect_port 81 }\n"
				"HTTP_GET { url { path / } }\n"
				"TCP_CHECK { retry 2 }\n}\n}\n");

	reports(&p, 0, 1, "s.conf:5:1: warning: the same check stands there twice: one is kept");
	cr_assert_not_null(strstr(p.text, "note: the other is at s.conf:3\n"));
	cr_assert_eq(p.draft->n_checks, 5);
	parsed_free(&p);
	p = parse_clean("virtual_server 192.0.2.1 80 {\n"
			"real_server 198.51.100.1 80 { TCP_CHECK { }\nHTTP_GET { } }\n"
			"real_server 198.51.100.2 80 { TCP_CHECK { }\nHTTP_GET { } }\n}\n");
	cr_assert_eq(p.draft->n_checks, 4); /* of two reals */
	parsed_free(&p);
}

static void scheduler_gives(const char *conf, const char *replace_mh_with, unsigned errors,
			    const char *text)
{
	struct app_config app = app_for_tests();
	char path[] = "/x", *copy = strdup(replace_mh_with);
	struct parsed p;

	app.services_config.dump_path = path;
	app.experiments.enabled = true;
	app.experiments.replace_mh_with = copy;
	p = parse_in(&app, conf, "", "");
	reports(&p, errors, 0, text);
	parsed_free(&p);
	free(copy);
}

Test(services_check, decision_48_a_scheduler_that_yanet_refuses_is_an_error_with_a_dump)
{
	static const char *const known[] = {"rr", "wrr", "wlc", "chash", "purr", "mh", "WRR"};
	char conf[64];

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		snprintf(conf, sizeof(conf), "lvs_sched %s", known[i]);
		scheduler_gives(conf, "", 0, "");
	}
	scheduler_gives("lvs_sched mh", "chash", 0, "");
	scheduler_gives("lvs_sched mh", "ch", 1,
			"s.conf:2:11: error: YANET refuses the dumped file with this scheduler");
	scheduler_gives("lvs_sched lc", "", 1, "YANET knows rr, wrr, wlc, chash and purr");
	scheduler_gives("", "", 1,
			"s.conf:1:1: error: YANET refuses the dumped file with a service");
	gives("lvs_sched lc", "", "", 0, 0, ""); /* no dump is written */
}

Test(services_check, wlc_without_a_port_is_an_error_with_a_dump)
{
	struct app_config app = app_for_tests();
	char path[] = "/x";
	struct parsed p;

	app.services_config.dump_path = path;
	p = parse_with(&app, "virtual_server 192.0.2.1 {\nlvs_sched wlc\n"
			     "real_server 198.51.100.1 80 { TCP_CHECK { } }\n}\n");
	reports(&p, 1, 0, "s.conf:2:11: error: wlc on a service without a port kills");
	parsed_free(&p);
	p = parse_with(&app, "virtual_server 192.0.2.1 {\nlvs_sched wlc\nops\n" /* becomes wrr */
			     "real_server 198.51.100.1 80 { TCP_CHECK { } }\n}\n");
	reports(&p, 0, 0, "");
	parsed_free(&p);
}

Test(services_check, decision_26_quorums_that_cannot_work_are_warned_of)
{
	gives("quorum 0", "", "", 0, 1, "s.conf:2:8: warning: quorum 0 without hysteresis");
	gives("quorum 2", "", "", 0, 1,
	      "s.conf:2:8: warning: quorum and hysteresis are more than all");
	gives("quorum 4\nhysteresis 1", "weight 5", "", 0, 0, "");
	gives("quorum 4\nhysteresis 2", "weight 5", "", 0, 1, "the service never comes up");
	gives("quorum 2\nhysteresis 2", "weight 5", "", 0, 1,
	      "s.conf:3:12: warning: hysteresis is not below quorum");
	gives("quorum 0\nhysteresis 1", "weight 5", "", 0, 1, "hysteresis is not below quorum");
}

Test(services_check, times_that_cannot_work)
{
	gives("delay_loop 2\njitter 2", "", "connect_timeout 1", 1, 0,
	      "s.conf:3:8: error: jitter must be less than delay_loop");
	gives("delay_loop 2\njitter 1.9", "", "connect_timeout 1", 0, 0, "");
	gives("delay_loop 2", "", "", 0, 1,
	      "s.conf:2:12: warning: a check may take longer than delay_loop");
	gives("delay_loop 5", "", "", 0, 0, "");
}

Test(services_check, decision_40_an_untunnelled_check_of_the_vip_is_an_error)
{
	static const char *const methods[] = {"TUN", "GRE", "DR", "IPIP"};
	struct app_config app = app_for_tests();
	char method[32];
	struct parsed p;

	app.check_tun.run_check_tun = false;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		snprintf(method, sizeof(method), "lvs_method %s", methods[i]);
		p = parse_in(&app, method, "", "connect_ip 192.0.2.1");
		reports(&p, 1, 0, "s.conf:6:12: error: an untunnelled check of the VIP");
		parsed_free(&p);
		p = parse_in(&app, method, "", "");
		reports(&p, 0, 0, "");
		parsed_free(&p);
	}
	p = parse_in(&app, "lvs_method NAT", "", "connect_ip 192.0.2.1");
	reports(&p, 0, 0, "");
	parsed_free(&p);
	p = parse_with(&app, "virtual_server 192.0.2.1 80 { real_server 192.0.2.1 80 {\n"
			     "TCP_CHECK { connect_ip 192.0.2.1 } } }\n"); /* the VIP is the real */
	reports(&p, 0, 0, "");
	parsed_free(&p);
}

Test(services_check, decision_40_a_tunnelled_check_of_another_address_is_a_warning)
{
	gives("", "", "connect_ip 192.0.2.9", 0, 1,
	      "s.conf:6:12: warning: a tunnelled check goes to another address than the VIP");
	gives("", "", "connect_ip 2001:db8::1", 1, 0, "is not of the VIP's address family");
	gives("", "lvs_method NAT", "connect_ip 192.0.2.9", 0, 0, "");
}

Test(services_check, families_must_fit)
{
	struct parsed p;

	gives("", "", "bindto 2001:db8::1", 1, 0,
	      "s.conf:6:8: error: bindto is not of connect_ip's address family");
	gives("", "", "bindto 192.0.2.77", 0, 0, "");
	p = parse("virtual_server 2001:db8::1 80 { lvs_method DR\n"
		  "real_server 198.51.100.1 80 { TCP_CHECK { } } }\n");
	reports(&p, 1, 0, "s.conf:2:1: error: the real server's address family is not the VIP's");
	parsed_free(&p);
	p = parse_clean("virtual_server 2001:db8::1 80 { lvs_method GRE\n"
			"real_server 198.51.100.1 80 { TCP_CHECK { } } }\n");
	parsed_free(&p);
}

Test(services_check, decision_17_a_check_needs_a_port)
{
	gives_error(
		"virtual_server 192.0.2.1 {\nreal_server 198.51.100.1 {\nTCP_CHECK {\n}\n}\n}\n",
		"s.conf:3:1: error: nothing says which port to check");
	gives_error(
		"virtual_server 192.0.2.1 0 {\nreal_server 198.51.100.1 {\nTCP_CHECK {\n}\n}\n}\n",
		"hint: write connect_port");
}

Test(services_check, decision_18_a_mark_on_a_tunnelled_check_is_warned_of)
{
	struct app_config app = app_for_tests();
	struct parsed p;

	gives("", "", "fwmark 5", 0, 1,
	      "s.conf:6:8: warning: fwmark has no effect on a tunnelled check");
	app.check_tun.run_check_tun = false;
	p = parse_in(&app, "", "", "fwmark 5");
	reports(&p, 0, 0, "");
	cr_assert_eq(p.draft->services->reals->checks->profile.fwmark, 5);
	parsed_free(&p);
}

Test(services_check, keywords_that_a_tcp_check_cannot_obey_are_warned_of)
{
	gives("", "", "dynamic_weight_enable", 0, 1, "a TCP check gives no weight");
	gives("", "", "url { path / }", 0, 1, "url has no effect in TCP_CHECK");
}

Test(services_check, one_mistake_in_a_head_is_one_report)
{
	gives_error("virtual_server 192.0.2.300 80 {\nreal_server 198.51.100.1 80 {\n"
		    "TCP_CHECK { connect_ip 192.0.2.1 }\n}\n}\n",
		    "'192.0.2.300' is no IP address");
	gives_error("virtual_server 192.0.2.1 http {\nreal_server 198.51.100.1 {\n"
		    "TCP_CHECK { }\n}\n}\n",
		    "'http' is no port");
	gives_error("virtual_server 192.0.2.1 80 {\nreal_server x 80 {\nTCP_CHECK { bindto ::1 }\n"
		    "}\nreal_server 198.51.100.1 80 {\nTCP_CHECK { }\n}\n}\n",
		    "'x' is no IP address");
}
