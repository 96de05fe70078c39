#include <criterion/criterion.h>
#include <string.h>

#include "base/clk.h"
#include "config/app_check.h"
#include "lib/app_maker.h"

static struct app_run loads(const char *yaml, unsigned n_warnings)
{
	struct app_run r = app_maker_run(yaml);

	cr_assert_eq(r.result, 0, "%s", r.report);
	cr_assert_eq(diag_warnings(r.diag), n_warnings, "%s", r.report);
	return r;
}

static void fails(const char *yaml, const char *text)
{
	struct app_run r = app_maker_run(yaml);

	cr_assert_eq(r.result, APP_CONFIG_BAD, "taken: %s", yaml);
	cr_assert_eq(diag_errors(r.diag), 1, "%s", r.report);
	cr_assert_not_null(strstr(r.report, text), "wanted %s, is %s", text, r.report);
	app_maker_end(&r);
}

Test(app_check, decision_38_backends_follow_their_sections)
{
	struct app_run r = loads("", 0);

	cr_assert_eq(r.config->balancer.backend, BALANCER_NONE);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_NONE);
	app_maker_end(&r);
	r = loads("yanet:\nbird:\n", 0);
	cr_assert_eq(r.config->balancer.backend, BALANCER_YANET);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD);
	app_maker_end(&r);
	r = loads("yanet:\nbird:\nbalancer: {backend: none}\nannouncer: {backend: none}\n", 0);
	cr_assert_eq(r.config->balancer.backend, BALANCER_NONE);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_NONE);
	app_maker_end(&r);
	r = loads("balancer: {backend: yanet}\nannouncer: {backend: bird}\n", 0);
	cr_assert_eq(r.config->balancer.backend, BALANCER_YANET);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD);
	cr_assert_str_eq(r.config->yanet.control_plane_sock_path,
			 "/run/yanet/protocontrolplane.sock");
	cr_assert_str_eq(r.config->bird.sock_dir, "/run/bird");
	cr_assert_eq(r.config->bird.batch_size, 1024);
	app_maker_end(&r);
}

Test(app_check, decision_38_section_bird2_chooses_its_backend)
{
	struct app_run r = loads("yanet:\nbird2: {dir: /run/x, ctl_sock: /run/y.ctl, durable: yes, "
				 "coalesce_up: 10ms, on_config_error: disable_group}\n",
				 0);

	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD2);
	cr_assert_str_eq(r.config->bird2.dir, "/run/x");
	cr_assert_str_eq(r.config->bird2.ctl_sock, "/run/y.ctl");
	cr_assert(r.config->bird2.durable);
	cr_assert(r.config->bird2.disables_group);
	cr_assert_eq(r.config->bird2.coalesce_up_ns, 10 * CLK_MS);
	app_maker_end(&r);
	r = loads("yanet:\nannouncer: {backend: bird2}\n", 0);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD2);
	cr_assert_str_eq(r.config->bird2.dir, "/run/alived/bird");
	cr_assert_str_eq(r.config->bird2.ctl_sock, "/run/bird/bird.ctl");
	cr_assert(!r.config->bird2.durable);
	cr_assert(!r.config->bird2.disables_group);
	cr_assert_eq(r.config->bird2.coalesce_up_ns, 100 * CLK_MS);
	app_maker_end(&r);
}

Test(app_check, two_bird_sections_need_a_written_backend)
{
	struct app_run r;

	fails("yanet:\nbird:\nbird2:\n", "a.yaml:3:1: error: there are bird and bird2");
	fails("bird2:\n  dir: /x\n", "a.yaml:1:1: error: prefixes would be announced while");
	fails("yanet:\nbird2: {on_config_error: panic}\n", "a.yaml:2:26: error:");
	r = loads("yanet:\nbird:\nbird2:\nannouncer: {backend: bird2}\n", 0);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD2);
	app_maker_end(&r);
}

Test(app_check, several_backends_stand_in_a_list)
{
	struct app_run r = loads("yanet:\nbird:\nbird2:\nannouncer: {backend: [bird2, bird]}\n", 0);

	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD | ANNOUNCER_BIRD2);
	app_maker_end(&r);
	r = loads("announcer:\n  backend:\n    - none\n", 0);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_NONE);
	app_maker_end(&r);
	r = loads("yanet:\nannouncer: {backend: [bird_list, bird2, bird]}\n", 0);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_ALL);
	app_maker_end(&r);
	fails("yanet:\nannouncer: {backend: [bird, bird]}\n",
	      "a.yaml:2:29: error: announcer.backend: 'bird' is listed twice");
	fails("yanet:\nannouncer: {backend: [bird, none]}\n",
	      "a.yaml:2:29: error: announcer.backend: 'none' must stand alone");
	fails("yanet:\nannouncer: {backend: [none, bird]}\n", "a.yaml:2:29: error: ");
	fails("yanet:\nannouncer: {backend: [bird, bird3]}\n",
	      "a.yaml:2:29: error: announcer.backend: 'bird3' is not one of: none bird bird2 "
	      "bird_list");
	fails("yanet:\nannouncer: {backend: []}\n",
	      "a.yaml:2:22: error: announcer.backend is an empty list");
	fails("announcer: {backend: [bird, bird2]}\n",
	      "a.yaml:1:22: error: prefixes would be announced while");
}

Test(app_check, decision_38_section_bird_list_chooses_its_backend)
{
	struct app_run r = loads("yanet:\nbird_list: {dummy_ip_prefix: 10.0.0.1, "
				 "dummy_ip6_prefix: '', bird_variable: VIPS_4}\n",
				 0);

	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD_LIST);
	cr_assert_str_eq(r.config->bird_list.conf[0],
			 "/var/lib/anycast-healthchecker/anycast-prefixes.conf");
	cr_assert_str_eq(r.config->bird_list.conf[1],
			 "/var/lib/anycast-healthchecker/6/anycast-prefixes.conf");
	cr_assert_str_eq(r.config->bird_list.variable[0], "VIPS_4");
	cr_assert_str_eq(r.config->bird_list.variable[1], "ACAST6_PS_ADVERTISE");
	cr_assert(addr_is_v4(&r.config->bird_list.dummy[0]));
	cr_assert(addr_is_unset(&r.config->bird_list.dummy[1]));
	cr_assert_eq(r.config->bird_list.changes_counter, 128);
	cr_assert(r.config->bird_list.purges);
	cr_assert(!r.config->bird_list.keep_changes);
	cr_assert(r.config->bird_list.durable);
	app_maker_end(&r);
	fails("yanet:\nbird:\nbird_list:\n", "a.yaml:3:1: error: there are bird and bird_list");
}

Test(app_check, bird_list_says_nothing_to_bird_that_could_end_early)
{
	fails("yanet:\nbird_list:\n  bird_variable: 'A; B'\n",
	      "a.yaml:3:18: error: bird_list.bird_variable: ';' must not stand in");
	fails("yanet:\nbird_list:\n  bird6_variable: 6A\n", "a.yaml:3:19: error:");
	fails("yanet:\nbird_list:\n  bird6_variable: ACAST_PS_ADVERTISE\n",
	      "a.yaml:3:19: error: bird_list.bird6_variable is the name of the IPv4 list too");
	fails("yanet:\nbird_list:\n  disable_on_config_error: 'x\"'\n", "a.yaml:3:28: error:");
	fails("yanet:\nbird_list:\n  dummy_ip_prefix: 10.0.0.0/24\n",
	      "a.yaml:3:20: error: bird_list.dummy_ip_prefix: '10.0.0.0/24' must have the length "
	      "/32");
	fails("yanet:\nbird_list:\n  dummy_ip_prefix: '::1/128'\n", "a.yaml:3:20: error:");
	fails("yanet:\nbird_list:\n  dummy_ip6_prefix: 10.0.0.1\n", "is not an IPv6 address");
	fails("yanet:\nbird_list: {bird_conf: /a/x, bird6_conf: /a/x}\n",
	      "a.yaml:2:42: error: bird_list.bird6_conf is the file of bird_list.bird_conf too");
	fails("yanet:\nbird_list: {bird_conf: /a/x, bird6_conf: /a/y, keep_changes: yes}\n",
	      "needs another directory");
	fails("yanet:\nbird_list: {bird_conf: x}\n",
	      "a.yaml:2:24: error: bird_list.bird_conf must");
}

Test(app_check, decision_38_announcing_without_a_balancer_must_be_written_out)
{
	struct app_run r;

	fails("bird:\n  batch_size: 5\n", "a.yaml:1:1: error: prefixes would be announced while");
	fails("announcer: {backend: bird}\n", "a.yaml:1:22: error: prefixes would be announced");
	r = loads("bird:\nbalancer: {backend: none}\n", 0);
	cr_assert_eq(r.config->announcer.backend, ANNOUNCER_BIRD);
	app_maker_end(&r);
}

Test(app_check, announce_socket_paths_must_fit)
{
	char yaml[400] = "balancer: {backend: none}\nannouncer: {announce_group: [ab]}\nbird: "
			 "{sock_dir: /";
	size_t fixed = strlen(yaml) - 1;
	struct app_run r;

	/* 107 bytes = directory + "/ab_b2m" */
	memset(yaml + fixed + 1, 'd', 99);
	memcpy(yaml + fixed + 100, "}", 2);
	r = loads(yaml, 0);
	app_maker_end(&r);
	memcpy(yaml + fixed + 100, "d}", 3);
	fails(yaml, "the socket path of group 'ab' has 108 bytes");
}

Test(app_check, fault_a13_zero_periods_do_not_crash)
{
	struct app_run r = loads("announcer: {update_period: 0}\nbalancer: {flush_period: 0, "
				 "sync_states_period: 0}\n",
				 1);

	cr_assert_eq(r.config->announcer.update_period_ns, 0, "no limit");
	cr_assert_eq(r.config->balancer.flush_period_ns, 0);
	cr_assert_eq(r.config->balancer.sync_states_period_ns, 10 * CLK_MS);
	cr_assert_not_null(strstr(r.report, "sync_states_period is raised to 10ms"));
	app_maker_end(&r);
}

Test(app_check, tunnel_runs_if_its_section_is_there)
{
	struct app_run r = loads("", 0);

	cr_assert(!r.config->check_tun.is_present);
	cr_assert(!r.config->check_tun.run_check_tun);
	app_maker_end(&r);
	r = loads("check_tun:\n", 0);
	cr_assert(r.config->check_tun.is_present);
	cr_assert(r.config->check_tun.run_check_tun);
	app_maker_end(&r);
	r = loads("check_tun: {run_check_tun: false}\n", 0);
	cr_assert(r.config->check_tun.is_present);
	cr_assert(!r.config->check_tun.run_check_tun, "fault A15: the key is honoured");
	app_maker_end(&r);
}

Test(app_check, tunnel_sizes_are_sane)
{
	struct app_run r = loads("check_tun: {max_packet_len: 0, receive_buffer: 0}\n", 0);

	cr_assert_eq(r.config->check_tun.max_packet_len, 65535);
	cr_assert_geq(r.config->check_tun.receive_buffer, 65535);
	cr_assert_geq(r.config->check_tun.max_queue_len, 16384);
	app_maker_end(&r);
	r = loads("check_tun: {max_queue_len: 1000, worker_num: 2}\n", 2);
	cr_assert_not_null(strstr(r.report, "max_queue_len below 16384 loses packets"));
	cr_assert_not_null(strstr(r.report, "worker_num has no effect"));
	app_maker_end(&r);
}

Test(app_check, decision_41_marks_lie_in_the_mask)
{
	struct app_run r = loads("check_tun: {steering: mark, mark_mask: 0xff, mark_base: 255}", 0);

	cr_assert_eq(r.config->check_tun.steering, STEERING_MARK);
	app_maker_end(&r);
	r = loads("check_tun: {mark_mask: 0xffffffff}", 0);
	app_maker_end(&r);
	fails("check_tun: {mark_mask: 0xff00}", "must be a run of ones");
	fails("check_tun: {mark_mask: 0xff, mark_base: 256}", "is outside of check_tun.mark_mask");
	fails("check_tun: {mark_base: 0}", "is not within 1 and");
}

Test(app_check, two_listeners_on_one_address_are_refused)
{
	struct app_run r = loads("server: {http_addr: '127.0.0.1:0', grpc_addr: '127.0.0.1:0', "
				 "metrics_addr: ''}",
				 0);

	app_maker_end(&r);
	r = loads("server: {http_addr: '', grpc_addr: '', metrics_addr: ''}", 0);
	app_maker_end(&r);
	fails("server: {http_addr: '127.0.0.1:80', metrics_addr: 'localhost:80'}",
	      "server.metrics_addr is the address of server.http_addr too");
	fails("server: {grpc_addr: '[::1]:14080'}",
	      "server.grpc_addr is the address of server.http_addr too");
}

Test(app_check, empty_dump_path_is_no_dump)
{
	struct app_run r = loads("service: {services_config: {dump_path: ''}}", 0);

	cr_assert_null(r.config->services_config.dump_path);
	app_maker_end(&r);
	r = loads("service: {services_config: {dump_path: /x}}", 0);
	cr_assert_str_eq(r.config->services_config.dump_path, "/x");
	app_maker_end(&r);
}

Test(app_check, replacement_without_the_master_switch_is_a_warning)
{
	struct app_run r = loads("experiments: {replace_mh_with: ch}", 1);

	cr_assert_not_null(strstr(r.report, "no effect without experiments.enabled"));
	app_maker_end(&r);
	r = loads("experiments: {enabled: true, replace_mh_with: ch}", 0);
	app_maker_end(&r);
}

Test(app_check, interface_has_a_name_that_the_kernel_takes)
{
	struct app_run r = loads("announcer: {require_local_address: lo}\n", 0);

	cr_assert_str_eq(r.config->announcer.require_local_address, "lo");
	app_maker_end(&r);
	r = loads("", 0);
	cr_assert_str_eq(r.config->announcer.require_local_address, "");
	app_maker_end(&r);
	fails("announcer: {require_local_address: \"a/b\"}\n", "cannot be the name");
	fails("announcer: {require_local_address: \"eth0:1\"}\n", "cannot be the name");
	fails("announcer: {require_local_address: \"..\"}\n", "cannot be the name");
	fails("announcer: {require_local_address: \"sixteencharacter\"}\n", "too long");
}

Test(app_check, highest_tls_version_is_not_below_the_lowest)
{
	struct app_run r = loads("tls_min_version: 1.2\ntls_max_version: 1.2\n", 0);

	cr_assert(r.config->tls_max_version_is_set);
	cr_assert_eq(r.config->tls_max_version, TLS_V1_2);
	app_maker_end(&r);
	r = loads("", 0);
	cr_assert(!r.config->tls_max_version_is_set);
	app_maker_end(&r);
	fails("tls_max_version: 1.1\n", "tls_max_version 1.1 is below tls_min_version 1.2");
}
