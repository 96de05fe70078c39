#include "extras_fixture.h"

Test(services_extras_check, keepalived_regex_is_expect_body_unless_more_stands_beside_it)
{
	struct parsed p = parse_kind("HTTP_GET", "", "url {\nregex \"a{2}\\\"#\"\n}");

	reports(&p, 0, 0, "");
	cr_assert_str_eq(extras_of(&p)->urls[0].expect_body_text, "a{2}\\\"#");
	parsed_free(&p);
	faulty("HTTP_GET", "url {\nregex a\nregex_options caseless dotall\n}",
	       "s.conf:7:15: error: not supported beside a pattern");
	faulty("HTTP_GET", "url {\nregex_min_offset 3\nregex a\n}",
	       "s.conf:6:18: error: not supported beside a pattern");
	faulty("HTTP_GET", "url {\npath /\n}\nurl {\nregex a\nregex_max_offset 3\n}",
	       "s.conf:10:18: error: not supported beside a pattern");
	warned("HTTP_GET", "url {\nregex_options caseless\n}", "no effect without a pattern");
}

Test(services_extras_check, contradictions_of_http)
{
	faulty("HTTP_GET", "method HEAD\nurl {\nexpect_body a\n}",
	       "s.conf:7:13: error: an answer to HEAD has no body");
	faulty("HTTP_GET", "method HEAD\nurl {\ndigest 0123456789abcdef0123456789abcdef\n}",
	       "s.conf:7:8: error: an answer to HEAD has no body");
	warned("HTTP_GET", "method HEAD\ndynamic_weight_enable",
	       "no body that could give a weight");
	warned("HTTP_GET", "check_timeout 2\nmax_response_time 2",
	       "s.conf:6:19: warning: has no effect: check_timeout");
}

Test(services_extras_check, contradictions_of_tls)
{
	struct parsed p;

	faulty("SSL_GET", "tls_max_version 1.1",
	       "s.conf:5:17: error: lowest TLS version 1.2 (alived.yaml), highest 1.1");
	warned("SSL_GET", "verify_name a.example", "verify_name has no effect");
	warned("GRPC_CHECK", "tls off\nverify on", "s.conf:6:8: warning: has no effect");
	p = parse_kind("SSL_GET", "verify_name a.example", "verify off");
	reports(&p, 0, 0, ""); /* switched off on purpose */
	parsed_free(&p);
}

Test(services_extras_check, what_is_inherited_is_reported_once)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\ntls_max_version 1.0\n"
				"real_server 198.51.100.1 80 {\nSSL_GET { }\n}\n"
				"real_server 198.51.100.2 80 {\nSSL_GET { }\n}\n}\n");

	reports(&p, 1, 0, "s.conf:2:17: error: lowest");
	parsed_free(&p);
}

Test(services_extras_check, sni_switched_off_by_another_keyword_is_a_warning)
{
	struct app_config app = app_for_tests();
	char *conf = conf_with("SSL_GET", "", "enable_sni on");
	struct parsed p;

	warned("SSL_GET", "sni a.example\nenable_sni no", "sni has no effect: enable_sni is off");
	app.experiments.enable_tls_sni_is_set = true;
	p = parse_with(&app, conf);
	reports(&p, 0, 1, "has no effect: experiments.enable_tls_sni is off");
	parsed_free(&p);
	free(conf);
}

Test(services_extras_check, what_grpc_has_no_use_for_is_a_warning)
{
	warned("GRPC_CHECK", "url {\nexpect_body a\n}", "has no effect in GRPC_CHECK");
	warned("GRPC_CHECK", "tls off\nexpire_warn 7", "this check is without TLS");
	warned("GRPC_CHECK", "tls off\nsni off", "this check is without TLS");
}
