#include "extras_fixture.h"

/* --- what needs none ------------------------------------------------------------------------- */

Test(services_extras, what_the_profile_says_needs_no_extras)
{
	static const struct {
		const char *kind, *check;
	} plain[] = {
		{"TCP_CHECK", ""},
		{"HTTP_GET", ""},
		{"HTTP_GET", "url {\npath /a\nstatus_code 200\nvirtualhost x\n"
			     "digest 0123456789abcdef0123456789abcdef\n}"},
		{"HTTP_GET", "url {\nstatus_code 0\n}"},
		{"HTTP_GET", "url {\nstatus_code 200 200-200\n}"},
		{"HTTP_GET", "method GET\nhttp_protocol 1.1\nmax_body_size 64m\n"
			     "max_response_time 0"},
		{"SSL_GET", "virtualhost a.example\nurl {\n}"},
		{"SSL_GET", "verify off\nsession_reuse off\nexpire_warn 0\ntls_max_version 1.3\n"
			    "tls_min_version 1.1\nsni off\nenable_sni on"},
		{"GRPC_CHECK", "virtualhost a.example"},
		{"GRPC_CHECK", "tls off"},
	};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		struct parsed p = parse_kind(plain[i].kind, "", plain[i].check);

		reports(&p, 0, 0, "");
		cr_assert_null(extras_of(&p), "%s: %s", plain[i].check,
			       p.draft->services->reals->checks->extras->text);
		parsed_free(&p);
	}
}

Test(services_extras, tcp_and_clear_checks_do_not_take_inherited_tls)
{
	static const char *const kinds[] = {"TCP_CHECK", "HTTP_GET"};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct parsed p = parse_kind(
			kinds[i], "verify on\nsession_reuse on\nsni a\ntls_min_version 1.3", "");

		reports(&p, 0, 0, "");
		cr_assert_null(extras_of(&p));
		cr_assert_eq(p.draft->services->reals->checks->profile.tls_min_version, 0);
		parsed_free(&p);
	}
}

/* --- HTTP ------------------------------------------------------------------------------------ */

Test(services_extras, http_parameters_are_effective)
{
	struct parsed p = parse_kind("HTTP_GET", "",
				     "method HEAD\nheader X-A \"b c\"\nheader x-d \"\"\n"
				     "max_response_time 0.25\nmax_body_size 2k\n"
				     "drain_status 503 429\nhttp_protocol auto");
	const struct check_extras *e = extras_of(&p);

	reports(&p, 0, 0, "");
	cr_assert_str_eq(e->method, "HEAD");
	cr_assert_str_eq(e->headers, "X-A: b c\r\nx-d: \r\n");
	cr_assert_eq(e->max_response_ns, 250000000);
	cr_assert_eq(e->max_body_bytes, 2048);
	cr_assert_eq(e->http_protocol, HTTP_PROTOCOL_AUTO);
	cr_assert(status_set_has(&e->drain_status, 503) && status_set_has(&e->drain_status, 429));
	cr_assert(!status_set_has(&e->drain_status, 500));
	cr_assert_eq(e->n_urls, 0);
	cr_assert_null(e->tls);
	cr_assert_null(e->sni);
	parsed_free(&p);
}

Test(services_extras, one_url_of_a_list_of_statuses)
{
	struct parsed p = parse_kind("HTTP_GET", "virtualhost up",
				     "url {\npath /x\nstatus_code 301 200-299 250-300\n}");
	const struct check_extras *e = extras_of(&p);

	reports(&p, 0, 0, "");
	cr_assert_eq(e->n_urls, 1);
	cr_assert_eq(e->urls[0].status.n, 1);
	cr_assert_eq(e->urls[0].status.at[0].first, 200);
	cr_assert_eq(e->urls[0].status.at[0].last, 301);
	cr_assert_str_eq(e->urls[0].path, "/x");
	cr_assert_str_eq(e->urls[0].virtualhost, "up");
	cr_assert(!e->urls[0].has_digest);
	cr_assert_eq(p.draft->services->reals->checks->profile.status_code, 0);
	cr_assert_str_eq(p.draft->services->reals->checks->path, "/x");
	parsed_free(&p);
}

Test(services_extras, each_url_says_for_itself)
{
	struct parsed p = parse_kind("SSL_GET", "",
				     "virtualhost mine\n"
				     "url { path /a\nstatus_code 204\nvirtualhost other\n}\n"
				     "url { path /b\nexpect_body \"^ok$\"\n}\n"
				     "url { digest 0123456789abcdef0123456789abcdef\n}");
	const struct check_extras *e = extras_of(&p);
	const struct draft_check *c = p.draft->services->reals->checks;

	reports(&p, 0, 0, "");
	cr_assert_eq(e->n_urls, 3);
	cr_assert_str_eq(e->urls[0].path, "/a");
	cr_assert_str_eq(e->urls[0].virtualhost, "other");
	cr_assert(status_set_has(&e->urls[0].status, 204));
	cr_assert_str_eq(e->urls[1].path, "/b");
	cr_assert_str_eq(e->urls[1].virtualhost, "mine");
	cr_assert_eq(e->urls[1].status.n, 0);
	cr_assert_str_eq(e->urls[1].expect_body_text, "^ok$");
	cr_assert_str_eq(e->urls[2].path, "");
	cr_assert(e->urls[2].has_digest && e->urls[2].digest[1] == 0x23);
	cr_assert_eq(e->max_body_bytes, EXTRAS_EXPECT_BODY_BYTES);
	cr_assert_str_eq(c->path, "/a");
	cr_assert_str_eq(c->virtualhost, "other");
	cr_assert_eq(c->profile.status_code, 204);
	parsed_free(&p);
}

Test(services_extras, sixteen_urls_and_no_more)
{
	char check[1024];
	struct str s = STR_OVER(check, sizeof(check));
	struct parsed p;

	for (int i = 0; i < EXTRAS_MAX_URLS; i++)
		str_putf(&s, "url { path /%d\n}\n", i);
	p = parse_kind("HTTP_GET", "", check);
	reports(&p, 0, 0, "");
	cr_assert_eq(extras_of(&p)->n_urls, 16);
	cr_assert_str_eq(extras_of(&p)->urls[15].path, "/15");
	parsed_free(&p);
	str_puts(&s, "url { }\nurl { }\n");
	faulty("HTTP_GET", check, "s.conf:37:1: error: a check has at most 16 urls");
}

/* --- TLS ------------------------------------------------------------------------------------- */

Test(services_extras, tls_settings_are_inherited_and_overridden)
{
	struct parsed p = parse_kind("GRPC_CHECK",
				     "verify on\nverify_name up.example\nsession_reuse on\n"
				     "expire_warn 14\ntls_max_version 1.2\nsni up.example",
				     "verify_name 192.0.2.7\nsession_reuse auto\n"
				     "tls_min_version 1.1");
	const struct check_extras *e = extras_of(&p);

	reports(&p, 0, 0, "");
	cr_assert_eq(e->session_reuse, SESSION_REUSE_AUTO);
	cr_assert_eq(e->expire_warn_days, 14);
	cr_assert_str_eq(e->verify_name, "192.0.2.7");
	cr_assert_str_eq(e->sni, "up.example");
	cr_assert_eq(e->tls->min_version, 0x0302);
	cr_assert_eq(e->tls->max_version, 0x0303);
	cr_assert(e->tls->verify);
	cr_assert_null(e->tls->ca);
	cr_assert_null(e->tls->cert);
	cr_assert_eq(e->max_body_bytes, EXTRAS_MAX_BODY_BYTES);
	parsed_free(&p);
}

Test(services_extras, sni_off_sends_none)
{
	static const char *const off[] = {"sni off", "enable_sni off", "sni_name off"};

	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		struct parsed p = parse_kind("SSL_GET", "virtualhost a.example\nverify on", off[i]);

		reports(&p, 0, 0, "");
		cr_assert(!(p.draft->services->reals->checks->profile.flags & PROFILE_SNI));
		cr_assert_str_eq(extras_of(&p)->sni, "", "%s", off[i]);
		parsed_free(&p);
	}
}

Test(services_extras, highest_version_of_the_daemon)
{
	struct app_config app = app_for_tests();
	char *conf = conf_with("SSL_GET", "", "");
	struct parsed p;

	app.tls_max_version = TLS_V1_2;
	app.tls_max_version_is_set = true;
	p = parse_with(&app, conf);
	reports(&p, 0, 0, "");
	cr_assert_eq(extras_of(&p)->tls->max_version, 0x0303);
	cr_assert_eq(extras_of(&p)->tls->min_version, 0x0303);
	parsed_free(&p);
	free(conf);
	conf = conf_with("SSL_GET", "tls_min_version 1.3", "");
	p = parse_with(&app, conf);
	reports(&p, 1, 0, "s.conf:2:17: error: lowest TLS version 1.3, highest 1.2 (alived.yaml)");
	parsed_free(&p);
	free(conf);
}

/* --- identity -------------------------------------------------------------------------------- */

Test(services_extras, each_parameter_is_part_of_the_identity)
{
	static const char *const lines[] = {
		"",
		"method HEAD",
		"method OPTIONS",
		"header a b",
		"header a b\nheader a b",
		"max_response_time 1",
		"max_body_size 1",
		"drain_status 503",
		"drain_status 503-504",
		"http_protocol 2",
		"http_protocol auto",
		"session_reuse on",
		"session_reuse auto",
		"expire_warn 1",
		"sni a",
		"sni b",
		"tls_max_version 1.2",
		"verify on",
		"verify on\nverify_name a",
		"url { status_code 200-201\n}",
		"url { expect_body a\n}",
		"url { expect_body b\n}",
		"url { path /\n}\nurl { path /b\n}",
		"url { path /\n}\nurl { path /c\n}",
		"url { path /\n}\nurl { path /b\nvirtualhost x\n}",
		"url { path /\n}\nurl { path /b\nstatus_code 200\n}",
		"url { path /\n}\nurl { path /b\ndigest 0123456789abcdef0123456789abcdef\n}",
	};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct parsed p;

	fputs("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\n", f);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		fprintf(f, "SSL_GET {\n%s\n}\n", lines[i]);
	fputs("}\n}\n", f);
	fclose(f);
	p = parse(text);
	reports(&p, 0, 0, "");
	cr_assert_eq(p.draft->n_checks, ARRAY_LEN(lines));
	parsed_free(&p);
	free(text);
}

Test(services_extras, equal_ones_are_one_object)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\n"
				"real_server 198.51.100.1 80 {\nHTTP_GET { method HEAD\n}\n}\n"
				"real_server 198.51.100.2 80 {\nHTTP_GET { header a b\n}\n}\n"
				"real_server 198.51.100.3 80 {\nHTTP_GET { method HEAD\n}\n}\n}\n");
	const struct draft_real *r = p.draft->services->reals;

	cr_assert_not_null(r->checks->extras);
	cr_assert_neq(r->checks->extras, r->next->checks->extras);
	cr_assert_eq(r->checks->extras, r->next->next->checks->extras);
	parsed_free(&p);
	gives_warning("virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 {\n"
		      "HTTP_GET { method HEAD\n}\nHTTP_GET { method HEAD\n}\n}\n}\n",
		      "the same check stands there twice");
}

/* --- what is shared -------------------------------------------------------------------------- */

static void apart(const char *a, const char *b)
{
	char *text = NULL;
	struct parsed p;
	const struct draft_real *r;

	cr_assert(asprintf(&text,
			   "virtual_server 192.0.2.1 80 {\n"
			   "real_server 198.51.100.1 80 {\nSSL_GET {\n%s\n}\n}\n"
			   "real_server 198.51.100.2 80 {\nSSL_GET {\n%s\n}\n}\n}\n",
			   a, b) > 0);
	p = parse(text);
	free(text);
	cr_assert_not_null(p.draft, "%s", p.text);
	r = p.draft->services->reals;
	cr_assert_neq(r->checks->extras, r->next->checks->extras, "%s / %s", a, b);
	parsed_free(&p);
}

Test(services_extras, lowest_version_and_name_are_not_shared_with_others)
{
	apart("tls_max_version 1.2\ntls_min_version 1.0", "tls_max_version 1.2");
	apart("expire_warn 5\nsni off", "expire_warn 5");
	apart("method HEAD\ntls_min_version 1.3", "method HEAD");
}
