#include <criterion/criterion.h>
#include <string.h>

#include "base/clk.h"
#include "config/app_set.h"
#include "lib/app_maker.h"

static struct app_run loads(const char *yaml)
{
	struct app_run r = app_maker_run(yaml);

	cr_assert_eq(r.result, 0, "%s", r.report);
	return r;
}

static void fails(const char *yaml, const char *text)
{
	struct app_run r = app_maker_run(yaml);

	cr_assert_eq(r.result, APP_CONFIG_BAD, "taken: %s", yaml);
	cr_assert_not_null(strstr(r.report, text), "wanted %s, is %s", text, r.report);
	app_maker_end(&r);
}

Test(app_set, numbers_are_typed_and_ranged)
{
	struct app_run r = loads("check_tun: {nfqueue: 65535, mark_mask: 0xffff}\n"
				 "safety: {max_remove: OFF}\n");

	cr_assert_eq(r.config->check_tun.nfqueue, 65535);
	cr_assert_eq(r.config->check_tun.mark_mask, 0xffff);
	cr_assert_eq(r.config->safety.max_remove, 0);
	app_maker_end(&r);
	fails("check_tun: {nfqueue: 65536}",
	      "check_tun.nfqueue: '65536' is not within 0 and 65535");
	fails("check_tun: {nfqueue: '1'}", "must be a whole number, without quotes");
	fails("check_tun: {nfqueue: 1.5}", "must be a whole number");
	fails("check_tun: {nfqueue: -1}", "must not be negative");
	fails("check_tun: {nfqueue: 010}", "octal");
	fails("check_tun: {nfqueue: 99999999999999999999}", "is too large");
	fails("blind: {min_hosts: off}", "must be a whole number");
}

Test(app_set, durations_in_every_form)
{
	struct app_run r = loads("announcer: {announce_hold: 1m30s, withdraw_wait: '1.5s'}\n"
				 "balancer: {flush_period: 0}\nblind: {max_hold: 0s}\n");

	cr_assert_eq(r.config->announcer.announce_hold_ns, 90 * CLK_S);
	app_maker_end(&r);
}

Test(app_set, bare_number_is_nanoseconds_with_a_warning_but_zero_is_fine)
{
	struct app_run r = loads("balancer: {flush_period: 20000000}\n");

	cr_assert_eq(r.config->balancer.flush_period_ns, 20 * CLK_MS);
	cr_assert_eq(diag_warnings(r.diag), 1);
	cr_assert_not_null(strstr(r.report, "a number without a unit is taken as nanoseconds"));
	app_maker_end(&r);
	r = loads("balancer: {flush_period: 0}\n");
	cr_assert_eq(r.config->balancer.flush_period_ns, 0);
	cr_assert_eq(diag_warnings(r.diag), 0, "%s", r.report);
	app_maker_end(&r);
}

Test(app_set, decision_35_negative_periods_are_errors)
{
	fails("balancer: {flush_period: -20ms}", "'-20ms' must not be negative");
	fails("announcer: {update_period: -1}", "'-1' must not be negative");
	fails("checks: {lag_guard: 1us}", "is not within 1ms and 1m");
	fails("checks: {lag_guard: soon}", "must be a duration such as 20ms");
	fails("checks: {lag_guard: 1.5}", "lacks a unit");
}

Test(app_set, booleans_are_those_of_yaml_11)
{
	struct app_run r = loads("metrics: {enable_per_service_metrics: Yes}\n"
				 "experiments: {enabled: on, enable_tls_sni: off}\n");

	cr_assert(r.config->enable_per_service_metrics);
	cr_assert(r.config->experiments.enabled);
	cr_assert(!r.config->experiments.enable_tls_sni);
	app_maker_end(&r);
	fails("experiments: {enabled: 1}", "must be true or false");
	fails("experiments: {enabled: 'true'}", "must be true or false, without quotes");
}

Test(app_set, decision_18_sni_knows_whether_it_was_written)
{
	struct app_run r = loads("experiments: {enabled: false}\n");

	cr_assert(r.config->experiments.enable_tls_sni);
	cr_assert(!r.config->experiments.enable_tls_sni_is_set);
	app_maker_end(&r);
	r = loads("experiments: {enable_tls_sni: false}\n");
	cr_assert(!r.config->experiments.enable_tls_sni);
	cr_assert(r.config->experiments.enable_tls_sni_is_set);
	app_maker_end(&r);
}

Test(app_set, tls_version_is_taken_as_number_or_text)
{
	static const char *const files[] = {"tls_min_version: 1.0\n", "tls_min_version: \"1.1\"\n",
					    "tls_min_version: 1.2\n", "tls_min_version: '1.3'\n"};

	for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
		struct app_run r = loads(files[i]);

		cr_assert_eq(r.config->tls_min_version, TLS_V1_0 + i);
		app_maker_end(&r);
	}
	fails("tls_min_version: 1\n", "'1' is not one of: 1.0 1.1 1.2 1.3");
	fails("tls_min_version: 1.4\n", "is not one of");
}

Test(app_set, decision_48_levels_and_encodings_of_the_reference)
{
	static const struct {
		const char *yaml;
		enum log_level level;
	} levels[] = {
		{"logging: {level: debug}", LOG_DEBUG},  {"logging: {level: Info}", LOG_INFO},
		{"logging: {level: WARN}", LOG_WARN},    {"logging: {level: error}", LOG_ERROR},
		{"logging: {level: dpanic}", LOG_ERROR}, {"logging: {level: panic}", LOG_ERROR},
		{"logging: {level: fatal}", LOG_ERROR},
	};
	struct app_run r;

	for (unsigned i = 0; i < ARRAY_LEN(levels); i++) {
		r = loads(levels[i].yaml);
		cr_assert_eq(r.config->logging.level, levels[i].level);
		cr_assert(!r.config->logging.encoding_is_set);
		app_maker_end(&r);
	}
	r = loads("logging: {encoding: console}");
	cr_assert_eq(r.config->logging.encoding, LOG_LOGFMT);
	cr_assert(r.config->logging.encoding_is_set);
	app_maker_end(&r);
	r = loads("logging: {encoding: json}");
	cr_assert_eq(r.config->logging.encoding, LOG_JSON);
	app_maker_end(&r);
	fails("logging: {level: verbose}", "'verbose' is not one of: debug info warn error");
	fails("logging: {encoding: xml}", "'xml' is not one of: json logfmt console");
}

Test(app_set, decision_48_services_format_json_is_an_error)
{
	struct app_run r = loads("service: {services_config: {format: keepalived}}");

	app_maker_end(&r);
	fails("service: {services_config: {format: json}}", "'json' must be keepalived");
}

Test(app_set, group_names_are_file_name_parts)
{
	struct app_run r = loads("announcer: {announce_group: [a, B-2, c_d.e, 1]}");

	cr_assert_eq(r.config->announcer.n_groups, 4);
	cr_assert_str_eq(r.config->announcer.groups[1], "B-2");
	cr_assert_str_eq(r.config->announcer.groups[3], "1");
	app_maker_end(&r);
	r = loads("announcer: {announce_group: []}");
	cr_assert_eq(r.config->announcer.n_groups, 0,
		     "a list that is written replaces the default");
	app_maker_end(&r);
	fails("announcer: {announce_group: [a/b]}", "is no name for an announce group");
	fails("announcer: {announce_group: ['']}", "is no name");
	fails("announcer: {announce_group: [..]}", "is no name");
	fails("announcer: {announce_group: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]}", "is no name");
	fails("announcer: {announce_group: [\"a\\0b\"]}", "contains a NUL byte");
	fails("announcer: {announce_group: [a, b, a]}", "'a' is listed twice");
}

Test(app_set, longest_group_name_and_largest_number_of_groups_fit)
{
	char yaml[4000] = "announcer: {announce_group: [";
	struct app_run r;

	for (int i = 0; i < APP_MAX_GROUPS; i++)
		snprintf(yaml + strlen(yaml), 50, "%032d, ", i);
	snprintf(yaml + strlen(yaml), 3, "]}");
	r = loads(yaml);
	cr_assert_eq(r.config->announcer.n_groups, APP_MAX_GROUPS);
	cr_assert_eq(strlen(r.config->announcer.groups[63]), 32);
	app_maker_end(&r);
	snprintf(yaml + strlen(yaml) - 2, 4, "x]}");
	fails(yaml, "one group too many");
}

Test(app_set, addresses_are_of_their_family)
{
	struct app_run r = loads("check_tun: {ipv4_bind: 192.0.2.1, ipv6_bind: '2001:db8::1'}");

	cr_assert(addr_is_v4(&r.config->check_tun.ipv4_bind));
	cr_assert(!addr_is_v4(&r.config->check_tun.ipv6_bind));
	app_maker_end(&r);
	r = loads("check_tun: {ipv4_bind: ''}");
	cr_assert(addr_is_unset(&r.config->check_tun.ipv4_bind));
	app_maker_end(&r);
	fails("check_tun: {ipv4_bind: '::1'}", "is not an IPv4 address");
	fails("check_tun: {ipv6_bind: 192.0.2.1}", "is not an IPv6 address");
	fails("check_tun: {ipv6_bind: nowhere}", "is not an IP address");
}

Test(app_set, listeners_are_addresses_or_off)
{
	struct app_run r =
		loads("server: {http_addr: '', grpc_addr: '[0::1]:5', metrics_addr: ':9',"
		      " unix_sock: ''}");

	cr_assert_str_eq(r.config->server.http_addr, "");
	cr_assert_str_eq(r.config->server.grpc_addr, "[::1]:5");
	cr_assert_str_eq(r.config->server.metrics_addr, "[::]:9");
	cr_assert_str_eq(r.config->server.unix_sock, "");
	app_maker_end(&r);
	fails("server: {http_addr: '::1:80'}", "needs brackets around an IPv6 address");
	fails("server: {http_addr: '127.0.0.1:99999'}", "has no port in 0..65535");
	fails("server: {http_addr: '127.0.0.1'}", "lacks a port");
}

Test(app_set, texts_have_lengths)
{
	fails("bird: {sock_dir: ''}\nbalancer: {backend: none}", "must not be empty");
	fails("yanet: {control_plane_sock_path: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}",
	      "is too long");
	fails("state: {path: \"/a\\0b\"}", "contains a NUL byte");
}

Test(app_set, cpus_are_a_text_or_a_list)
{
	struct app_run r = loads("workers: {cpus: 0-2}");

	cr_assert(r.config->workers.has_cpus);
	cr_assert_eq(r.config->workers.cpus[0], 7);
	app_maker_end(&r);
	r = loads("workers: {cpus: [1, 8-9]}");
	cr_assert_eq(r.config->workers.cpus[0], 2);
	cr_assert_eq(r.config->workers.cpus[1], 3);
	app_maker_end(&r);
	fails("workers: {cpus: 1024}", "is too large");
	fails("workers: {cpus: all}", "is malformed");
}

Test(app_set, every_default_of_the_schema_is_taken)
{
	struct source *s = source_new();
	struct diag *d = diag_new(s);
	struct app_config *c = calloc(1, sizeof(*c));
	struct app_load l = {.config = c, .diag = d};

	app_set_defaults(&l);
	cr_assert_eq(diag_errors(d), 0);
	cr_assert_eq(diag_warnings(d), 0);
	cr_assert_eq(l.error, 0);
	app_config_free(c);
	diag_free(d);
	source_free(s);
}
