#include "services_fixture.h"

static const char example[] = "# two real servers behind one address\n"
			      "virtual_server 2001:db8::80 80 {\n"
			      "\tprotocol tcp\n"
			      "\tlvs_method TUN\n"
			      "\tlvs_sched wrr\n"
			      "\tquorum 1\n"
			      "\thysteresis 0\n"
			      "\tvirtualhost www.example.org\n"
			      "\tops\n"
			      "\tannounce_group g-1\n"
			      "\tdelay_loop 10\n"
			      "\tversion v2\n"
			      "\treal_server 2001:db8::a 80 {\n"
			      "\t\tweight 4\n"
			      "\t\tinhibit_on_failure\n"
			      "\t\tvirtualhost other.example.org\n"
			      "\t\tlvs_method GRE\n"
			      "\t\tHTTP_GET {\n"
			      "\t\t\turl {\n"
			      "\t\t\t\tpath /\n"
			      "\t\t\t\tstatus_code 200\n"
			      "\t\t\t}\n"
			      "\t\t\tconnect_ip 2001:db8::80\n"
			      "\t\t\tconnect_port 80\n"
			      "\t\t\tbindto 2001:db8::ff\n"
			      "\t\t\tconnect_timeout 1.5\n"
			      "\t\t\tnb_get_retry 2\n"
			      "\t\t\tdelay_before_retry 1\n"
			      "\t\t}\n"
			      "\t}\n"
			      "\treal_server 2001:db8::b 80 {\n"
			      "\t\tweight 10\n"
			      "\t\tinhibit_on_failure false\n"
			      "\t\tTCP_CHECK {\n"
			      "\t\t\tconnect_timeout 2\n"
			      "\t\t}\n"
			      "\t}\n"
			      "}\n";

Test(services_parse, a_whole_service_arrives)
{
	struct parsed p = parse_clean(example);
	const struct draft_service *s = p.draft->services;
	const struct draft_real *r = s->reals;
	const struct draft_check *c = r->checks;

	cr_assert_eq(p.draft->n_services, 1);
	cr_assert_eq(p.draft->n_reals, 2);
	cr_assert_eq(p.draft->n_checks, 2);
	cr_assert_eq(s->port, 80);
	cr_assert_eq(s->proto, L4_TCP);
	cr_assert_eq(s->flags, SERVICE_HAS_PORT | SERVICE_OPS);
	cr_assert_str_eq(s->scheduler, "wrr");
	cr_assert_str_eq(s->version, "v2");
	cr_assert_str_eq(s->virtualhost, "www.example.org");
	cr_assert_eq(s->group, 2);
	cr_assert_eq(r->weight, 4);
	cr_assert_eq(r->lvs_method, LVS_GRE);
	cr_assert_eq(r->flags, REAL_HAS_PORT | REAL_INHIBIT);
	cr_assert_eq(c->profile.kind, CHECK_HTTP);
	cr_assert_eq(c->profile.interval_ns, 10000000000);
	cr_assert_eq(c->profile.connect_timeout_ns, 1500000000);
	cr_assert_eq(c->profile.check_timeout_ns, 1500000000);
	cr_assert_eq(c->profile.retry, 2);
	cr_assert_eq(c->profile.fall, 3);
	cr_assert_eq(c->profile.status_code, 200);
	cr_assert_str_eq(c->path, "/");
	cr_assert_str_eq(c->virtualhost, "other.example.org");
	cr_assert(c->is_tunnelled);
	cr_assert(addr_eq(&c->connect_ip, &s->vip));
	r = r->next;
	cr_assert_eq(r->flags, REAL_HAS_PORT);
	cr_assert_null(r->next);
	cr_assert_eq(r->checks->profile.kind, CHECK_TCP);
	cr_assert(addr_eq(&r->checks->connect_ip, &s->vip));
	cr_assert_eq(r->checks->connect_port, 80);
	parsed_free(&p);
}

/* The reference's example as it was shipped: one keyword misspelt, the last brace missing. */
Test(services_parse, a14_two_faults_give_two_precise_reports)
{
	char text[sizeof(example)];
	struct parsed p;
	char *group;

	memcpy(text, example, sizeof(example));
	text[strlen(text) - 2] = 0;
	group = strstr(text, "announce_group");
	memcpy(group, "annuonce_group", 14);
	p = parse(text);
	cr_assert_str_eq(p.text, "s.conf:2:1: error: block 'virtual_server' has no closing '}'\n"
				 "    2 | virtual_server 2001:db8::80 80 {\n"
				 "      | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
				 "note: the file ends at s.conf:38\n"
				 "s.conf:10:2: error: unknown keyword 'annuonce_group' in block "
				 "virtual_server\n"
				 "   10 | \tannuonce_group g-1\n"
				 "      | \t^~~~~~~~~~~~~~\n"
				 "hint: did you mean 'announce_group'?\n");
	parsed_free(&p);
}

Test(services_parse, an_empty_file_has_no_services)
{
	struct parsed p = parse_clean("");

	cr_assert_eq(p.draft->n_services, 0);
	cr_assert_null(p.draft->services);
	parsed_free(&p);
	p = parse_clean("# nothing\n\n! here\n");
	cr_assert_eq(p.draft->n_services, 0);
	parsed_free(&p);
}

Test(services_parse, every_layout_means_the_same)
{
	static const char *const layouts[] = {
		"virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\nTCP_CHECK {\n"
		"connect_timeout 1\n}\n}\n}\n",
		"virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { TCP_CHECK { "
		"connect_timeout 1 } } }",
		"virtual_server 192.0.2.1 80\n{\n\treal_server 198.51.100.1 80\n\n\t{\n# x\n"
		"TCP_CHECK # {\n{ connect_timeout 1\n}}}",
		"virtual_server 192.0.2.1 80{#a\r\nreal_server \"198.51.100.1\" 80 {! b\r\n"
		"TCP_CHECK{connect_timeout 1}\r\n}\r\n}\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		struct parsed p = parse_clean(layouts[i]);

		cr_assert_eq(p.draft->n_checks, 1, "layout %zu", i);
		cr_assert_eq(p.draft->services->reals->checks->profile.connect_timeout_ns,
			     1000000000);
		parsed_free(&p);
	}
}

#define IN_SERVICE(text)                                                                      \
	"virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 { TCP_CHECK { } }\n" text \
	"\n}\n"

Test(services_parse, unknown_keywords_are_errors_with_a_hint)
{
	gives_error(IN_SERVICE("quorom 1"), "s.conf:3:1: error: unknown keyword 'quorom' in block "
					    "virtual_server");
	gives_error(IN_SERVICE("quorom 1"), "hint: did you mean 'quorum'?");
	gives_error(IN_SERVICE("path /"), "hint: it belongs into block url");
	gives_error(IN_SERVICE("xyzzy 1"), "unknown keyword 'xyzzy'");
	gives_error("virtual_sever 192.0.2.1 80 { }\n", "hint: did you mean 'virtual_server'?");
	gives_error(IN_SERVICE("a.b 1"), "'a.b' is no keyword");
	gives_error("$W=9\n", "definitions and conditions are not supported");
	gives_error("\"\" x\n", "'' is no keyword");
}

Test(services_parse, an_unknown_block_is_skipped_whole_with_one_error)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\n"
				"FOO_CHECK {\nweight 5\nbar { baz \"}\" } # }\n}\n"
				"TCP_CHECK { }\nweigt 3\n}\n}\n");

	reports(&p, 2, 0, "unknown keyword 'FOO_CHECK' in block real_server");
	cr_assert_not_null(strstr(p.text, "unknown keyword 'weigt' in block real_server"));
	parsed_free(&p);
	gives_error("foo\n{\nbar\n}\n" IN_SERVICE(""), "unknown keyword 'foo'");
	p = parse("foo {\nbar\n");
	reports(&p, 2, 0, "block 'foo' has no closing '}'");
	parsed_free(&p);
}

Test(services_parse, keywords_of_keepalived_are_named_in_one_warning)
{
	gives_warning("global_defs {\nrouter_id x\nvrrp_version 3\n}\n"
		      "vrrp_instance V1\n{\nvirtual_ipaddress { 192.0.2.1 }\n}\n"
		      "virtual_server 192.0.2.1 80 {\npersistence_timeout 50\nalpha\n"
		      "sorry_server 192.0.2.9 80\nquorum_down \"/bin/x\"\n"
		      "real_server 198.51.100.1 80 {\nnotify_up \"/bin/y\"\nuthreshold 3\n"
		      "HTTP_GET {\nwarmup 1\nfast_recovery\n}\n}\n}\n",
		      "s.conf:1:1: warning: keywords without effect here: global_defs, "
		      "vrrp_instance, warmup, alpha, sorry_server, persistence_timeout, "
		      "notify_up, uthreshold, fast_recovery\n");
}

Test(services_parse, checks_that_cannot_be_run_are_errors)
{
	static const char *const names[] = {"SMTP_CHECK", "DNS_CHECK",  "MISC_CHECK", "UDP_CHECK",
					    "PING_CHECK", "FILE_CHECK", "BFD_CHECK"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char conf[256], text[128];

		snprintf(conf, sizeof(conf),
			 "virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\nTCP_CHECK "
			 "{}\n"
			 "%s {\nmisc_path \"/x {\"\n}\n}\n}\n",
			 names[i]);
		snprintf(text, sizeof(text),
			 "s.conf:4:1: error: %s is not supported: the real server would count as "
			 "up unchecked",
			 names[i]);
		gives_error(conf, text);
	}
	gives_error("virtual_server_group g {\n192.0.2.1 80\n}\n", "write one virtual_server");
	gives_error("virtual_server 192.0.2.1 80 { real_server 198.51.100.1 { HTTP_GET { url {\n"
		    "regex_no_match \"a{2}\"\n} } } }\n",
		    "regex_no_match is not supported: the check would pass");
}

Test(services_parse, a_keyword_that_opens_no_block_gets_none)
{
	gives_error(IN_SERVICE("quorum 1 {\nfoo\n}"),
		    "s.conf:3:10: error: 'quorum' opens no block");
	gives_error(IN_SERVICE("{ foo }"), "'{' without a keyword that opens a block");
	gives_error(IN_SERVICE("quorum 1\n{\nfoo\n}"), "'{' without a keyword");
}

Test(services_parse, a_nul_byte_is_an_error_at_its_place)
{
	static const char text[] = "virtual_server 192.0.2.1 80 {\n\0}\n";
	struct parsed p = {.app = app_for_tests(), .source = source_new()};

	p.diag = diag_new(p.source);
	parsed_finish(&p, services_parse_text("s.conf", text, sizeof(text) - 1, &p.app, p.source,
					      p.diag, &p.draft));
	reports(&p, 1, 0, "s.conf:2:1: error: a NUL byte");
	parsed_free(&p);
}

Test(services_parse, a_missing_quote_is_an_error_at_its_place)
{
	gives_error(IN_SERVICE("quorum_up \"/bin/x"),
		    "s.conf:3:11: error: missing closing '\"'\n    3 | quorum_up \"/bin/x\n"
		    "      |           ^~~~~~~");
}

Test(services_parse, an_unreadable_file_is_an_error)
{
	struct parsed p = parse_path("/nonexistent/services.conf");

	reports(&p, 1, 0,
		"error: cannot read /nonexistent/services.conf: No such file or directory\n");
	parsed_free(&p);
}

Test(services_parse, all_errors_of_a_run_are_reported)
{
	struct parsed p = parse(IN_SERVICE("quorum x\nfoo\nhysteresis -1"));

	reports(&p, 3, 0, "");
	cr_assert_null(p.draft);
	parsed_free(&p);
}

Test(services_parse, a_real_server_without_checks_says_so)
{
	gives_warning("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\n}\n}\n",
		      "s.conf:2:1: warning: this real server has no check: it always counts as up");
	gives_warning("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\n}\n"
		      "real_server 198.51.100.2 80 {\n}\n}\n",
		      "s.conf:2:1: warning: 2 real servers have no check");
}

Test(services_parse, the_draft_outlives_its_text)
{
	struct parsed p = parse_clean(example);

	source_free(p.source);
	p.source = NULL;
	cr_assert_str_eq(p.draft->services->virtualhost, "www.example.org");
	cr_assert_str_eq(p.draft->services->reals->checks->path, "/");
	parsed_free(&p);
}
