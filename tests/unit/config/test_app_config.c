#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clk.h"
#include "config/services_parse.h"
#include "lib/app_maker.h"

Test(app_config, fault_a13_empty_file_has_the_documented_defaults)
{
	struct app_run r = app_maker_run("");
	const struct app_config *c = r.config;

	cr_assert_eq(r.result, 0, "%s", r.report);
	cr_assert_eq(c->logging.level, LOG_INFO);
	cr_assert(!c->logging.encoding_is_set);
	cr_assert(!c->enable_per_service_metrics);
	cr_assert_eq(c->tls_min_version, TLS_V1_2);
	cr_assert(!c->stop_keeps);
	cr_assert_eq(c->announcer.update_period_ns, 50 * CLK_MS);
	cr_assert_eq(c->announcer.withdraw_wait_ns, 500 * CLK_MS);
	cr_assert_eq(c->announcer.announce_hold_ns, 0);
	cr_assert_eq(c->announcer.max_announces_per_min, 0);
	cr_assert_eq(c->announcer.n_groups, 1);
	cr_assert_str_eq(c->announcer.groups[0], "default");
	cr_assert_eq(c->bird.batch_size, 1024);
	cr_assert_str_eq(c->bird.sock_dir, "/run/bird");
	cr_assert_eq(c->balancer.flush_period_ns, 50 * CLK_MS);
	cr_assert_eq(c->balancer.sync_states_period_ns, 5 * CLK_S);
	cr_assert_str_eq(c->yanet.control_plane_sock_path, "/run/yanet/protocontrolplane.sock");
	cr_assert_str_eq(c->services_config.path, "/etc/alived/services.conf");
	cr_assert_null(c->services_config.dump_path);
	cr_assert_str_eq(c->server.http_addr, "[::1]:14080");
	cr_assert_str_eq(c->server.grpc_addr, "[::1]:14081");
	cr_assert_str_eq(c->server.metrics_addr, "[::1]:14082");
	cr_assert_str_eq(c->server.unix_sock, "/run/alived/alived.sock");
	cr_assert(addr_is_unset(&c->check_tun.ipv4_bind));
	cr_assert(addr_is_unset(&c->check_tun.ipv6_bind));
	cr_assert_eq(c->check_tun.steering, STEERING_OPTION);
	cr_assert_eq(c->check_tun.mark_mask, 0x00ffffff);
	cr_assert_eq(c->check_tun.mark_base, 1);
	cr_assert_eq(c->checks.lag_guard_ns, 200 * CLK_MS);
	cr_assert_eq(c->checks.unknown_max, 5);
	cr_assert_eq(c->workers.count, 0);
	cr_assert(!c->workers.has_cpus);
	cr_assert_eq(c->blind.max_hold_ns, 60 * CLK_S);
	cr_assert_eq(c->blind.max_hold_answered_ns, 10 * CLK_S);
	cr_assert_eq(c->blind.min_hosts, 20);
	cr_assert_eq(c->blind.percent, 80);
	cr_assert_eq(c->safety.max_remove, 0);
	cr_assert_str_eq(c->state.path, "/var/lib/alived/state");
	cr_assert_eq(c->state.period_ns, 10 * CLK_S);
	cr_assert_eq(c->state.max_age_ns, 300 * CLK_S);
	cr_assert(!c->experiments.enabled);
	cr_assert_str_eq(c->experiments.replace_mh_with, "");
	cr_assert(!c->experiments.enable_tls_sni_is_set);
	app_maker_end(&r);
}

/* What an installation of the reference has: every key it reads, and a tab where its own example
 * has one. */
static const char reference_file[] = "logging:\n"
				     "  level: info\n"
				     "  sinks:\n"
				     "    - stderr\n"
				     "  encoding: json\n"
				     "tls_min_version: 1.0\n"
				     "announcer:\n"
				     "  update_period: 20ms\n"
				     "  announce_group:\n"
				     "    - red\n"
				     "    - blue-nodisable\n"
				     "    \n"
				     "bird:\n"
				     "  batch_size: 4096\n"
				     "  sock_dir: \"/run/bird\"\n"
				     "balancer:\n"
				     "  flush_period: 20ms\n"
				     "  sync_states_period: 5s\n"
				     "yanet:\n"
				     "  control_plane_sock_path: \"/run/yanet/pcp.sock\"\n"
				     "service:\n"
				     "  services_config:\n"
				     "    format: keepalived\n"
				     "    path: /etc/x/services.conf\n"
				     "    dump_path: /var/lib/x/services.json\n"
				     "server:\n"
				     "  http_addr: \"[::1]:14080\"\n"
				     "  grpc_addr: \"[::1]:14081\"\n"
				     "check_tun:\n"
				     "  run_check_tun: true\n"
				     "  nfqueue: 1\n"
				     "  max_queue_len: 25000\n"
				     "  max_packet_len: 65535\n"
				     "  write_timeout: 50us\n"
				     "  ipv4_bind: \"127.0.0.1\"\n"
				     "  ipv6_bind: \"2001:db8::1\"\n"
				     "  worker_num: 1\n"
				     "  socket_buffer: 10485760\n"
				     "  receive_buffer: 1500\n"
				     "experiments:\n"
				     "  enabled: false\n"
				     "  # The scheduler that stands for mh.\n"
				     "\t# Only with the switch above.\n"
				     "  enable_tls_sni: false\n";

Test(app_config, announcer_has_a_text_for_each_backend)
{
	cr_assert_str_eq(app_config_announcer_text(ANNOUNCER_NONE), "none");
	cr_assert_str_eq(app_config_announcer_text(ANNOUNCER_BIRD), "bird");
	cr_assert_str_eq(app_config_announcer_text(ANNOUNCER_BIRD2), "bird2");
	cr_assert_str_eq(app_config_announcer_text(ANNOUNCER_BIRD_LIST), "bird_list");
	for (uint32_t set = 0; set <= ANNOUNCER_ALL; set++)
		cr_assert_not_null(app_config_announcer_text(set));
	cr_assert_str_eq(app_config_announcer_text(ANNOUNCER_ALL), "bird,bird2,bird_list");
}

Test(app_config, file_of_the_reference_loads_unchanged)
{
	struct app_run r = app_maker_run(reference_file);
	const struct app_config *c = r.config;

	cr_assert_eq(r.result, 0, "%s", r.report);
	cr_assert_eq(diag_warnings(r.diag), 1, "sinks only: %s", r.report);
	cr_assert_eq(c->tls_min_version, TLS_V1_0);
	cr_assert_eq(c->announcer.n_groups, 2);
	cr_assert_eq(c->balancer.backend, BALANCER_YANET);
	cr_assert_eq(c->announcer.backend, ANNOUNCER_BIRD);
	cr_assert_eq(c->bird.batch_size, 4096);
	cr_assert_eq(c->check_tun.nfqueue, 1);
	cr_assert_eq(c->check_tun.write_timeout_ns, 50 * CLK_US);
	cr_assert(c->check_tun.run_check_tun);
	cr_assert_str_eq(c->server.metrics_addr, "[::1]:14082", "missing there, not port 80");
	cr_assert(c->experiments.enable_tls_sni_is_set && !c->experiments.enable_tls_sni);
	app_maker_end(&r);
}

Test(app_config, unreadable_file_is_reported_and_returned)
{
	struct source *s = source_new();
	struct diag *d = diag_new(s);
	struct app_config *c = NULL;
	char *text;

	cr_assert_eq(app_config_load("/nonexistent/alived.yaml", s, d, &c), -ENOENT);
	cr_assert_null(c);
	text = diag_text(d);
	cr_assert_not_null(strstr(text, "/nonexistent/alived.yaml: No such file"), "%s", text);
	free(text);
	diag_free(d);
	source_free(s);
}

Test(app_config, huge_file_is_refused)
{
	size_t len = (1 << 20) + 1;
	char *text = malloc(len);
	struct app_run r;

	memset(text, '\n', len);
	r = app_maker_run_n(text, len);
	cr_assert_eq(r.result, APP_CONFIG_BAD);
	cr_assert_not_null(strstr(r.report, "are too many for this file"));
	app_maker_end(&r);
	free(text);
}

/* The example must be safe to start anywhere. */
Test(app_config, example_starts_anywhere)
{
	struct source *s = source_new();
	struct diag *d = diag_new(s);
	struct app_config *c = NULL;
	int r = app_config_load("packaging/alived.yaml.example", s, d, &c);
	char *text = diag_text(d);

	cr_assert_eq(r, 0, "%s", text);
	cr_assert_eq(diag_warnings(d), 0, "%s", text);
	cr_assert_eq(c->balancer.backend, BALANCER_NONE);
	cr_assert_eq(c->announcer.backend, ANNOUNCER_NONE);
	cr_assert(!c->check_tun.run_check_tun);
	cr_assert_gt(c->safety.max_remove, 0, "panic hold is on in the example: design 9");
	app_config_free(c);
	free(text);
	diag_free(d);
	source_free(s);
}

/* With the comment signs off, what is behind them loads too. */
Test(app_config, example_without_comment_signs_loads)
{
	FILE *f = fopen("packaging/alived.yaml.example", "re");
	char line[300], text[20000] = "";
	struct app_run r;

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *hash = strchr(line, '#');
		bool is_key = hash && hash[1] != ' ' && strchr(hash, ':');

		if (hash && strncmp(hash, "#  ", 3) == 0)
			is_key = true;
		if (is_key)
			snprintf(text + strlen(text), 300, "%.*s%s", (int)(hash - line), line,
				 hash + 1);
		else
			snprintf(text + strlen(text), 300, "%s", line);
	}
	fclose(f);
	r = app_maker_run(text);
	cr_assert_eq(r.result, 0, "%s", r.report);
	cr_assert_eq(diag_warnings(r.diag), 0, "%s", r.report);
	cr_assert(r.config->check_tun.run_check_tun);
	cr_assert(r.config->workers.has_cpus);
	app_maker_end(&r);
}

Test(app_config, services_example_is_valid)
{
	struct app_run app = app_maker_run("");
	struct source *s = source_new();
	struct diag *d = diag_new(s);
	struct draft *draft = NULL;
	int r = services_parse("packaging/services.conf.example", app.config, s, d, &draft);
	char *text = diag_text(d);

	cr_assert_eq(r, 0, "%s", text);
	cr_assert_eq(diag_warnings(d), 0, "%s", text);
	cr_assert_eq(draft->n_services, 2);
	cr_assert_eq(draft->n_reals, 4);
	cr_assert_eq(draft->n_checks, 4);
	for (const struct draft_service *v = draft->services; v; v = v->next)
		cr_assert_gt(v->panic_threshold, 0, "on in the example: design 9");
	draft_free(draft);
	free(text);
	diag_free(d);
	source_free(s);
	app_maker_end(&app);
}

static void differ(const char *before, const char *after, const char *keys)
{
	struct app_run a = app_maker_run(before), b = app_maker_run(after);
	char *text;

	cr_assert_eq(a.result, 0, "%s", a.report);
	cr_assert_eq(b.result, 0, "%s", b.report);
	text = app_config_restart_keys(a.config, b.config);
	cr_assert_str_eq(text, keys);
	free(text);
	app_maker_end(&a);
	app_maker_end(&b);
}

Test(app_config, decision_46_changed_keys_are_named)
{
	differ("", "", "");
	differ(reference_file, reference_file, "");
	differ("", "server: {http_addr: '127.0.0.1:1'}\nworkers: {count: 2}",
	       "server.http_addr, workers.count");
	differ("workers: {cpus: 1}", "workers: {cpus: 2}", "workers.cpus");
	differ("announcer: {announce_group: [a]}", "announcer: {announce_group: [a, b]}",
	       "announcer.announce_group");
	differ("announcer: {announce_group: [a, b]}", "announcer: {announce_group: [b, a]}",
	       "announcer.announce_group");
	differ("service: {services_config: {dump_path: /a}}", "",
	       "service.services_config.dump_path");
	differ("", "logging: {encoding: logfmt}", "logging.encoding");
	differ("check_tun: {ipv4_bind: 192.0.2.1}", "check_tun:", "check_tun.ipv4_bind");
	differ("check_tun:", "", "check_tun.run_check_tun");
	differ("yanet:", "", "balancer.backend");
	differ("safety: {max_remove: off}", "safety: {max_remove: 0}", "");
	differ("announcer: {update_period: 1000ms}", "announcer: {update_period: 1s}", "");
	differ("", "tls_max_version: 1.2", "tls_max_version");
	differ("", "experiments: {enable_tls_sni: true}", "experiments.enable_tls_sni");
}
