#include "services_fixture.h"

/* A service with one real with one check of a kind; the texts stand inside each block. */
static struct parsed parse_kind(const struct app_config *app, const char *kind, const char *service,
				const char *real, const char *check)
{
	struct parsed p;
	char *conf = NULL;

	cr_assert(asprintf(&conf,
			   "virtual_server 192.0.2.1 80 {\n%s\n"
			   "real_server 198.51.100.1 8080 {\n%s\n%s {\n%s\n}\n}\n}\n",
			   service, real, kind, check) > 0);
	p = parse_with(app, conf);
	free(conf);
	reports(&p, 0, 0, "");
	return p;
}

static struct parsed parse_tcp(const char *service, const char *real, const char *check)
{
	struct app_config app = app_for_tests();

	return parse_kind(&app, "TCP_CHECK", service, real, check);
}

static const struct draft_check *check_of(const struct parsed *p)
{
	return p->draft->services->reals->checks;
}

static const struct check_profile *profile_of(const struct parsed *p)
{
	return &check_of(p)->profile;
}

Test(services_inherit, decision_12_and_17_defaults)
{
	struct parsed p = parse_tcp("", "", "");
	const struct draft_service *s = p.draft->services;
	const struct check_profile *c = profile_of(&p);

	cr_assert_eq(s->quorum, 1);
	cr_assert_eq(s->hysteresis, 0);
	cr_assert_eq(s->lvs_method, LVS_TUN);
	cr_assert_eq(s->proto, L4_TCP);
	cr_assert_eq(s->group, 0);
	cr_assert_eq(s->panic_threshold, 0);
	cr_assert_str_eq(s->scheduler, "");
	cr_assert_str_eq(s->quorum_up, "");
	cr_assert_str_eq(s->ipv4_outer_source_network, "");
	cr_assert_str_eq(s->ipv6_outer_source_network, "");
	cr_assert_null(s->version);
	cr_assert_null(s->virtualhost);
	cr_assert_eq(s->reals->weight, 1);
	cr_assert_eq(s->reals->flags, REAL_HAS_PORT);
	cr_assert_eq(c->interval_ns, 60000000000);
	cr_assert_eq(c->retry_delay_ns, 3000000000);
	cr_assert_eq(c->jitter_ns, 0);
	cr_assert_eq(c->connect_timeout_ns, 5000000000);
	cr_assert_eq(c->check_timeout_ns, 5000000000);
	cr_assert_eq(c->retry, 1);
	cr_assert_eq(c->fall, 2);
	cr_assert_eq(c->rise, 1);
	cr_assert_eq(c->flags, 0);
	cr_assert_null(check_of(&p)->path);
	cr_assert_null(check_of(&p)->virtualhost);
	parsed_free(&p);
}

static const struct {
	const char *line;
	size_t offset;
	size_t size;
	uint64_t value;
} inherited[] = {
#define FIELD(name) offsetof(struct check_profile, name), sizeof(((struct check_profile *)0)->name)
	{"delay_loop %u", FIELD(interval_ns), 1000000000},
	{"delay_before_retry %u", FIELD(retry_delay_ns), 1000000000},
	{"connect_timeout %u", FIELD(connect_timeout_ns), 1000000000},
	{"jitter %u", FIELD(jitter_ns), 1000000000},
	{"retry %u", FIELD(retry), 1},
	{"nb_get_retry %u", FIELD(retry), 1},
	{"rise %u", FIELD(rise), 1},
	{"fall %u", FIELD(fall), 1},
#undef FIELD
};

static uint64_t field_of(const struct parsed *p, size_t i)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)profile_of(p) + inherited[i].offset, inherited[i].size);
	return value;
}

Test(services_inherit, each_level_overrides_the_one_around_it)
{
	char lines[3][64];

	for (size_t i = 0; i < ARRAY_LEN(inherited); i++) {
		for (unsigned from = 0; from < 3; from++) {
			struct parsed p;

			/* level k sets 20 + k; the innermost that sets it wins */
			for (unsigned k = 0; k < 3; k++) {
				snprintf(lines[k], sizeof(lines[k]), inherited[i].line, 20 + k);
				if (k > from)
					lines[k][0] = 0;
			}
			p = parse_tcp(lines[0], lines[1], lines[2]);
			cr_assert_eq(field_of(&p, i), (20 + from) * inherited[i].value,
				     "%s from level %u", inherited[i].line, from);
			parsed_free(&p);
		}
	}
}

Test(services_inherit, a_keyword_behind_the_blocks_counts_as_well)
{
	struct parsed p = parse_clean("virtual_server 192.0.2.1 80 {\n"
				      "real_server 198.51.100.1 80 {\nTCP_CHECK {\n}\nretry 7\n}\n"
				      "delay_loop 33\n}\n");

	cr_assert_eq(profile_of(&p)->retry, 7);
	cr_assert_eq(profile_of(&p)->interval_ns, 33000000000);
	parsed_free(&p);
}

Test(services_inherit, the_last_of_repeated_keywords_wins)
{
	struct parsed p = parse_tcp("delay_loop 10\ndelay_loop 20", "", "nb_get_retry 3\nretry 4");

	cr_assert_eq(profile_of(&p)->interval_ns, 20000000000);
	cr_assert_eq(profile_of(&p)->retry, 4);
	parsed_free(&p);
}

Test(services_inherit, services_do_not_inherit_from_each_other)
{
	struct parsed p = parse_clean(
		"virtual_server 192.0.2.1 80 {\ndelay_loop 7\nquorum 2\nvirtualhost a\nfwmark 3\n"
		"lvs_method GRE\nreal_server 198.51.100.1 80 {\nweight 9\nTCP_CHECK {\n}\n}\n"
		"real_server 198.51.100.2 80 {\nTCP_CHECK {\n}\n}\n}\n"
		"virtual_server 192.0.2.2 80 {\nreal_server 198.51.100.1 80 {\nTCP_CHECK "
		"{\n}\n}\n}\n");
	const struct draft_service *s = p.draft->services;

	cr_assert_eq(s->reals->weight, 9);
	cr_assert_eq(s->reals->next->weight, 1);
	cr_assert_eq(s->reals->checks->profile.fwmark, 0); /* the service's is another thing */
	cr_assert_eq(s->fwmark, 3);
	s = s->next;
	cr_assert_eq(s->reals->checks->profile.interval_ns, 60000000000);
	cr_assert_eq(s->quorum, 1);
	cr_assert_eq(s->fwmark, 0);
	cr_assert_eq(s->lvs_method, LVS_TUN);
	cr_assert_null(s->reals->checks->virtualhost);
	parsed_free(&p);
}

static void virtualhost_is(const char *service, const char *real, const char *check,
			   const char *expected)
{
	struct app_config app = app_for_tests();
	struct parsed p = parse_kind(&app, "HTTP_GET", service, real, check);

	if (expected)
		cr_assert_str_eq(check_of(&p)->virtualhost, expected);
	else
		cr_assert_null(check_of(&p)->virtualhost);
	parsed_free(&p);
}

Test(services_inherit, the_innermost_virtualhost_wins)
{
	virtualhost_is("", "", "", NULL);
	virtualhost_is("virtualhost s", "", "", "s");
	virtualhost_is("virtualhost s", "virtualhost r", "", "r");
	virtualhost_is("virtualhost s", "virtualhost r", "virtualhost c", "c");
	virtualhost_is("virtualhost s", "virtualhost r", "url { virtualhost u }\nvirtualhost c",
		       "u");
	virtualhost_is("virtualhost s", "", "url {\nvirtualhost \"\"\n}", "");
}

Test(services_inherit, decision_12_fall_follows_retry_unless_given)
{
	struct parsed p = parse_tcp("retry 4", "", "");

	cr_assert_eq(profile_of(&p)->fall, 5);
	parsed_free(&p);
	p = parse_tcp("fall 3", "retry 6", "");
	cr_assert_eq(profile_of(&p)->fall, 3);
	cr_assert_eq(profile_of(&p)->retry, 6);
	parsed_free(&p);
	p = parse_tcp("retry 0", "", "");
	cr_assert_eq(profile_of(&p)->fall, 1);
	parsed_free(&p);
	p = parse_tcp("retry 100", "", "");
	cr_assert_eq(profile_of(&p)->fall, 101);
	parsed_free(&p);
}

Test(services_inherit, decision_17_timeouts)
{
	struct parsed p = parse_tcp("", "", "connect_timeout 0\ncheck_timeout 0");

	cr_assert_eq(profile_of(&p)->connect_timeout_ns, 5000000000);
	cr_assert_eq(profile_of(&p)->check_timeout_ns, 5000000000);
	parsed_free(&p);
	p = parse_tcp("", "", "connect_timeout 2");
	cr_assert_eq(profile_of(&p)->check_timeout_ns, 2000000000);
	parsed_free(&p);
	p = parse_tcp("", "", "connect_timeout 2\ncheck_timeout 7.5");
	cr_assert_eq(profile_of(&p)->connect_timeout_ns, 2000000000);
	cr_assert_eq(profile_of(&p)->check_timeout_ns, 7500000000);
	parsed_free(&p);
}

static void target_is(bool tunnels, const char *real, const char *check, const char *ip,
		      uint16_t port)
{
	struct app_config app = app_for_tests();
	struct addr expected;
	struct parsed p;

	app.check_tun.run_check_tun = tunnels;
	p = parse_kind(&app, "TCP_CHECK", "", real, check);
	cr_assert_eq(addr_parse(ip, strlen(ip), &expected), ADDR_OK);
	cr_assert(addr_eq(&check_of(&p)->connect_ip, &expected));
	cr_assert_eq(check_of(&p)->connect_port, port);
	parsed_free(&p);
}

Test(services_inherit, decision_17_the_default_target)
{
	target_is(true, "", "", "192.0.2.1", 8080);
	target_is(false, "", "", "198.51.100.1", 8080);
	target_is(true, "lvs_method NAT", "", "198.51.100.1", 8080);
	target_is(true, "lvs_method DR", "", "192.0.2.1", 8080);
	target_is(false, "", "connect_ip 203.0.113.9\nconnect_port 99", "203.0.113.9", 99);
	target_is(false, "", "connect_port 0", "198.51.100.1", 8080);
	target_is(false, "", "connect_ip \"\"\nconnect_port \"\"", "198.51.100.1", 8080);
}

Test(services_inherit, decision_17_the_service_gives_the_port_last)
{
	struct parsed p = parse_clean("virtual_server 192.0.2.1 443 {\n"
				      "real_server 198.51.100.1 { TCP_CHECK { } }\n"
				      "real_server 198.51.100.1 0 { TCP_CHECK { } }\n}\n");

	cr_assert_eq(check_of(&p)->connect_port, 443);
	cr_assert_eq(p.draft->services->reals->flags & REAL_HAS_PORT, 0);
	cr_assert_eq(p.draft->services->reals->next->checks->connect_port, 443);
	parsed_free(&p);
}

static bool is_tunnelled(bool tunnels, const char *method)
{
	struct app_config app = app_for_tests();
	bool answer;
	struct parsed p;

	app.check_tun.run_check_tun = tunnels;
	p = parse_kind(&app, "TCP_CHECK", method, "", "");
	answer = check_of(&p)->is_tunnelled;
	parsed_free(&p);
	return answer;
}

Test(services_inherit, decision_40_which_checks_are_tunnelled)
{
	cr_assert(is_tunnelled(true, "lvs_method TUN"));
	cr_assert(is_tunnelled(true, "lvs_method GRE"));
	cr_assert(is_tunnelled(true, "lvs_method DR"));
	cr_assert_not(is_tunnelled(true, "lvs_method NAT"));
	cr_assert_not(is_tunnelled(false, "lvs_method TUN"));
	cr_assert_not(is_tunnelled(false, "lvs_method DR"));
}

static unsigned flags_of(const struct app_config *app, const char *kind, const char *service,
			 const char *check)
{
	struct parsed p = parse_kind(app, kind, service, "", check);
	unsigned flags = profile_of(&p)->flags;

	parsed_free(&p);
	return flags;
}

Test(services_inherit, decision_18_sni_is_the_virtualhost_unless_switched_off)
{
	struct app_config app = app_for_tests();

	cr_assert_eq(flags_of(&app, "SSL_GET", "", ""), 0);
	cr_assert_eq(flags_of(&app, "SSL_GET", "virtualhost a", ""), PROFILE_SNI);
	cr_assert_eq(flags_of(&app, "GRPC_CHECK", "virtualhost a", ""), PROFILE_SNI);
	cr_assert_eq(flags_of(&app, "SSL_GET", "virtualhost \"\"", ""), 0);
	cr_assert_eq(flags_of(&app, "HTTP_GET", "virtualhost a", ""), 0);
	cr_assert_eq(flags_of(&app, "TCP_CHECK", "virtualhost a", ""), 0);
	app.experiments.enable_tls_sni_is_set = true;
	cr_assert_eq(flags_of(&app, "SSL_GET", "virtualhost a", ""), 0);
	cr_assert_eq(flags_of(&app, "GRPC_CHECK", "virtualhost a", ""), 0);
	app.experiments.enable_tls_sni = true;
	cr_assert_eq(flags_of(&app, "SSL_GET", "virtualhost a", ""), PROFILE_SNI);
}

Test(services_inherit, a26_grpc_without_tls_has_no_server_name_and_no_tls_version)
{
	struct app_config app = app_for_tests();
	struct parsed p = parse_kind(&app, "GRPC_CHECK", "virtualhost a", "", "tls off");

	cr_assert_eq(profile_of(&p)->flags, PROFILE_TLS_OFF);
	cr_assert_eq(profile_of(&p)->tls_min_version, 0);
	parsed_free(&p);
}

Test(services_inherit, grpc_is_encrypted_unless_switched_off)
{
	struct app_config app = app_for_tests();

	cr_assert_eq(flags_of(&app, "GRPC_CHECK", "", ""), 0);
	cr_assert_eq(flags_of(&app, "GRPC_CHECK", "", "tls"), 0);
	cr_assert_eq(flags_of(&app, "GRPC_CHECK", "", "tls on"), 0);
	cr_assert_eq(flags_of(&app, "GRPC_CHECK", "", "tls off"), PROFILE_TLS_OFF);
	cr_assert_eq(flags_of(&app, "HTTP_GET", "", ""), 0, "the others have no such keyword");
}

Test(services_inherit, flags_follow_the_keywords)
{
	struct app_config app = app_for_tests();

	cr_assert_eq(flags_of(&app, "TCP_CHECK", "half_open", ""), PROFILE_HALF_OPEN);
	cr_assert_eq(flags_of(&app, "TCP_CHECK", "half_open", "half_open off"), 0);
	cr_assert_eq(flags_of(&app, "HTTP_GET", "half_open", ""), 0);
	cr_assert_eq(flags_of(&app, "HTTP_GET", "", "dynamic_weight_enable"),
		     PROFILE_DYNAMIC_WEIGHT);
	cr_assert_eq(
		flags_of(&app, "HTTP_GET", "", "dynamic_weight_enable\ndynamic_weight_in_header"),
		PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER);
	cr_assert_eq(flags_of(&app, "HTTP_GET", "", "dynamic_weight_enable no"), 0);
}

Test(services_inherit, a_dynamic_check_marks_its_real)
{
	struct app_config app = app_for_tests();
	struct parsed p = parse_kind(&app, "GRPC_CHECK", "", "",
				     "dynamic_weight_enable\ndynamic_weight_coefficient 30");

	cr_assert(p.draft->services->reals->flags & REAL_HAS_DYNAMIC);
	cr_assert_eq(profile_of(&p)->weight_coefficient, 30);
	parsed_free(&p);
}

Test(services_inherit, a12_the_tls_version_arrives_at_tls_checks)
{
	static const struct {
		const char *keyword;
		enum check_kind kind;
		bool has_tls;
	} kinds[] = {
		{"TCP_CHECK", CHECK_TCP, false},
		{"HTTP_GET", CHECK_HTTP, false},
		{"SSL_GET", CHECK_HTTPS, true},
		{"GRPC_CHECK", CHECK_GRPC, true},
	};
	struct app_config app = app_for_tests();

	app.tls_min_version = TLS_V1_3;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct parsed p = parse_kind(&app, kinds[i].keyword, "", "", "");

		cr_assert_eq(profile_of(&p)->kind, kinds[i].kind);
		cr_assert_eq(profile_of(&p)->tls_min_version, kinds[i].has_tls ? TLS_V1_3 : 0);
		parsed_free(&p);
	}
}

Test(services_inherit, profiles_are_equal_as_bytes)
{
	struct parsed p = parse_clean(
		"virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.1 80 { HTTP_GET {\n"
		"delay_loop 5\nurl { path /a\nstatus_code 200\n}\nfwmark 0\n} }\n}\n"
		"virtual_server 2001:db8::1 80 {\nreal_server 2001:db8::2 80 { HTTP_GET {\n"
		"url { status_code 200 }\n} }\ndelay_loop 5.0\n}\n");
	const struct draft_service *s = p.draft->services;

	cr_assert_eq(memcmp(&s->reals->checks->profile, &s->next->reals->checks->profile,
			    sizeof(struct check_profile)),
		     0);
	cr_assert_eq(profile_of(&p)->path, GEN_STR_UNSET);
	cr_assert_eq(profile_of(&p)->virtualhost, GEN_STR_UNSET);
	parsed_free(&p);
}

Test(services_inherit, weight_and_inhibit_may_stand_at_the_service)
{
	struct parsed p =
		parse_clean("virtual_server 192.0.2.1 80 {\nweight 5\ninhibit_on_failure\n"
			    "real_server 198.51.100.1 80 { TCP_CHECK { } }\n"
			    "real_server 198.51.100.2 80 { TCP_CHECK { }\nweight 6\n"
			    "inhibit_on_failure off\n}\n}\n");
	const struct draft_real *r = p.draft->services->reals;

	cr_assert_eq(r->weight, 5);
	cr_assert(r->flags & REAL_INHIBIT);
	cr_assert_eq(r->next->weight, 6);
	cr_assert_not(r->next->flags & REAL_INHIBIT);
	parsed_free(&p);
}

Test(services_inherit, order_and_counts_are_the_files)
{
	struct parsed p = parse_clean(
		"virtual_server 192.0.2.9 80 {\nreal_server 198.51.100.3 80 { TCP_CHECK { }\n"
		"HTTP_GET { }\nSSL_GET { } }\nreal_server 198.51.100.1 80 { GRPC_CHECK { } }\n}\n"
		"virtual_server 192.0.2.1 80 {\nreal_server 198.51.100.2 80 { TCP_CHECK { } "
		"}\n}\n");
	const struct draft_service *s = p.draft->services;
	const struct draft_check *c = s->reals->checks;

	cr_assert_eq(p.draft->n_services, 2);
	cr_assert_eq(p.draft->n_reals, 3);
	cr_assert_eq(p.draft->n_checks, 5);
	cr_assert_eq(s->vip.b[15], 9);
	cr_assert_eq(s->reals->ip.b[15], 3);
	cr_assert_eq(s->reals->next->ip.b[15], 1);
	cr_assert_eq(c->profile.kind, CHECK_TCP);
	cr_assert_eq(c->next->profile.kind, CHECK_HTTP);
	cr_assert_eq(c->next->next->profile.kind, CHECK_HTTPS);
	cr_assert_null(c->next->next->next);
	cr_assert_null(s->next->next);
	parsed_free(&p);
}
