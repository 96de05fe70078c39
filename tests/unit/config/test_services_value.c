#include "services_fixture.h"

/* A service with one TCP check; texts stand in its service, real and check block. */
static struct parsed parse_in(const char *service, const char *real, const char *check)
{
	char *conf = conf_of(service, real, check);
	struct parsed p = parse(conf);

	free(conf);
	return p;
}

static const struct check_profile *profile_of(const struct parsed *p)
{
	reports(p, 0, 0, "");
	return &p->draft->services->reals->checks->profile;
}

static void refuses(const char *service, const char *check, const char *text)
{
	struct parsed p = parse_in(service, "", check);

	reports(&p, 1, 0, text);
	parsed_free(&p);
}

static void warns(const char *service, const char *text)
{
	struct parsed p = parse_in(service, "", "");

	reports(&p, 0, 1, text);
	parsed_free(&p);
}

static void delay_is(const char *text, uint64_t ns)
{
	char line[128];
	struct parsed p;

	snprintf(line, sizeof(line), "check_timeout 0.001\nconnect_timeout 1\ndelay_loop %s", text);
	p = parse_in("", "", line);
	cr_assert_eq(profile_of(&p)->interval_ns, ns, "%s: %ju", text,
		     (uintmax_t)profile_of(&p)->interval_ns);
	parsed_free(&p);
}

Test(services_value, a17_fractions_of_seconds_are_kept)
{
	delay_is("10", 10000000000);
	delay_is("0.5", 500000000);
	delay_is("1.9", 1900000000);
	delay_is("0.01", 10000000);
	delay_is("1.", 1000000000);
	delay_is("000001", 1000000000);
	delay_is("1.000000001", 1000000001);
	delay_is("31536000", UINT64_C(31536000000000000));
}

Test(services_value, seconds_may_be_any_float_of_the_reference)
{
	delay_is("1e1", 10000000000);
	delay_is("+2.5", 2500000000);
	delay_is(".5", 500000000);
	delay_is("1.00000000000001", 1000000000);
	delay_is("\"10\"", 10000000000);
}

Test(services_value, bad_seconds_are_errors_at_their_place)
{
	refuses("delay_loop 10s", "", "s.conf:2:12: error: '10s' is no time");
	refuses("delay_loop inf", "", "'inf' is not finite");
	refuses("delay_loop nan", "", "'nan' is not finite");
	refuses("delay_loop -1", "", "'-1' is out of range: 0.01 to 3.1536e+07 seconds");
	refuses("delay_loop 0", "", "'0' is out of range");
	refuses("delay_loop 0.009", "", "'0.009' is out of range");
	refuses("delay_loop 1e99", "", "'1e99' is out of range");
	refuses("delay_loop 99999999999999999999999", "", "is out of range");
	refuses("delay_loop 0x10", "", "'0x10' is no time");
	refuses("delay_loop \"\"", "", "'' is no time");
	refuses("delay_loop .", "", "'.' is no time");
	refuses("delay_loop 1,5", "", "'1,5' is no time");
	refuses("delay_loop \" 1\"", "", "' 1' is no time");
	refuses("", "connect_timeout -0.5", "out of range");
}

Test(services_value, decision_47_numbers_have_ranges)
{
	refuses("retry -1", "", "'-1' is out of range: 0 to 100");
	refuses("retry 101", "", "'101' is out of range: 0 to 100");
	refuses("nb_get_retry 101", "", "'101' is out of range: 0 to 100");
	refuses("rise 0", "", "'0' is out of range: 1 to 255");
	refuses("fall 256", "", "'256' is out of range: 1 to 255");
	refuses("quorum -5", "", "'-5' is out of range");
	refuses("hysteresis -1", "", "'-1' is out of range");
	refuses("panic_threshold 101", "", "'101' is out of range: 0 to 100");
	refuses("quorum 99999999999999999999", "", "out of range");
	refuses("quorum 1.5", "", "'1.5' is no whole number");
	refuses("quorum x", "", "'x' is no whole number");
	refuses("quorum \"\"", "", "'' is no whole number");
	refuses("quorum +", "", "'+' is no whole number");
	refuses("", "fwmark 4294967296", "out of range: 0 to 4294967295");
	refuses("", "connect_port 65536", "out of range: 0 to 65535");
	refuses("", "connect_port http", "'http' is no whole number");
}

Test(services_value, a_value_is_needed_and_one_is_enough)
{
	refuses("quorum", "", "s.conf:2:1: error: 'quorum' needs a value");
	refuses("quorum 1 2", "", "s.conf:2:10: error: 'quorum' takes one value, not 2");
	refuses("virtualhost a b c d e f g h i j", "", "'virtualhost' takes one value, not 10");
	refuses("ops on off", "", "'ops' takes one value, not 2");
	refuses("lvs_method TUN a b c d e f g h i", "", "takes one value, not 10");
}

static void bool_is(const char *line, bool expected)
{
	struct parsed p = parse_in("", line, "");

	reports(&p, 0, 0, "");
	cr_assert_eq(!!(p.draft->services->reals->flags & REAL_INHIBIT), expected, "%s", line);
	parsed_free(&p);
}

Test(services_value, a16_booleans_honour_their_value)
{
	bool_is("", false);
	bool_is("inhibit_on_failure", true);
	bool_is("inhibit_on_failure on", true);
	bool_is("inhibit_on_failure true", true);
	bool_is("inhibit_on_failure yes", true);
	bool_is("inhibit_on_failure 1", true);
	bool_is("inhibit_on_failure TRUE", true);
	bool_is("inhibit_on_failure off", false);
	bool_is("inhibit_on_failure false", false);
	bool_is("inhibit_on_failure no", false);
	bool_is("inhibit_on_failure 0", false);
	bool_is("inhibit_on_failure\ninhibit_on_failure no", false);
	refuses("inhibit_on_failure maybe", "", "'maybe' is neither true nor false");
	refuses("inhibit_on_failure \"\"", "", "'' is neither true nor false");
}

static uint8_t method_of(const char *line)
{
	struct parsed p = parse_in("", line, "");
	uint8_t method;

	reports(&p, 0, 0, "");
	method = p.draft->services->reals->lvs_method;
	parsed_free(&p);
	return method;
}

Test(services_value, a18_methods_are_known_or_refused_at_each_level)
{
	cr_assert_eq(method_of(""), LVS_TUN);
	cr_assert_eq(method_of("lvs_method gre"), LVS_GRE);
	cr_assert_eq(method_of("lvs_method Gre"), LVS_GRE);
	cr_assert_eq(method_of("lvs_method IPIP"), LVS_TUN);
	cr_assert_eq(method_of("lvs_method tun"), LVS_TUN);
	cr_assert_eq(method_of("lb_kind DR"), LVS_DR);
	cr_assert_eq(method_of("lvs_method nat"), LVS_NAT);
	refuses("lvs_method TUNNEL", "",
		"'TUNNEL' is no forwarding method: TUN, IPIP, GRE, DR or NAT");
	refuses("lvs_method \"\"", "", "'' is no forwarding method");
}

Test(services_value, keepalived_tunnel_types_are_understood)
{
	cr_assert_eq(method_of("lvs_method TUN type gre"), LVS_GRE);
	cr_assert_eq(method_of("lvs_method TUN type ipip nocsum"), LVS_TUN);
	cr_assert_eq(method_of("lvs_method TUN csum"), LVS_TUN);
	refuses("lvs_method TUN type gue port 6080", "", "'gue' is no tunnel type: ipip or gre");
	refuses("lvs_method TUN type", "", "'type' is no tunnel type");
	refuses("lvs_method DR type gre", "", "'type' is one value too many");
}

static uint8_t proto_of(const char *line)
{
	struct parsed p = parse_in(line, "", "");
	uint8_t proto;

	reports(&p, 0, 0, "");
	proto = p.draft->services->proto;
	parsed_free(&p);
	return proto;
}

Test(services_value, decision_48_empty_protocol_is_tcp_and_others_are_refused_for_yanet)
{
	struct app_config app = app_for_tests();
	char *conf = conf_of("protocol sctp", "", "");
	struct parsed p;

	cr_assert_eq(proto_of(""), L4_TCP);
	cr_assert_eq(proto_of("protocol \"\""), L4_TCP);
	cr_assert_eq(proto_of("protocol tcp"), L4_TCP);
	cr_assert_eq(proto_of("protocol UDP"), L4_UDP);
	refuses("protocol sctp", "", "'sctp' is no protocol of YANET: TCP or UDP");
	app.balancer.backend = BALANCER_NONE;
	p = parse_with(&app, conf);
	reports(&p, 0, 1, "'sctp' is taken as TCP");
	parsed_free(&p);
	free(conf);
}

static uint16_t weight_of(const struct parsed *p)
{
	return p->draft->services->reals->weight;
}

Test(services_value, a19_a_bad_weight_is_an_error)
{
	struct parsed p = parse_in("", "weight -1", "");

	reports(&p, 1, 0, "s.conf:4:8: error: '-1' is out of range");
	parsed_free(&p);
	p = parse_in("", "weight ten", "");
	reports(&p, 1, 0, "s.conf:4:8: error: 'ten' is no whole number");
	parsed_free(&p);
	p = parse_in("", "weight \"\"", "");
	reports(&p, 1, 0, "'' is no whole number");
	parsed_free(&p);
}

Test(services_value, weights_above_what_the_balancer_takes_are_warned_of)
{
	struct app_config app = app_for_tests();
	char *conf = conf_of("", "weight 101", "");
	struct parsed p = parse(conf);

	reports(&p, 0, 1, "'101' is more than YANET's nominal maximum of 100");
	cr_assert_eq(weight_of(&p), 101);
	parsed_free(&p);
	app.balancer.backend = BALANCER_NONE;
	p = parse_with(&app, conf);
	reports(&p, 0, 0, "");
	parsed_free(&p);
	free(conf);
	p = parse_in("", "weight 70000", "");
	reports(&p, 0, 1, "'70000' is cut to 65535");
	cr_assert_eq(weight_of(&p), 65535);
	parsed_free(&p);
	p = parse_in("quorum 0\nhysteresis 0", "weight 0", "");
	reports(&p, 0, 1, "quorum 0");
	cr_assert_eq(weight_of(&p), 0);
	parsed_free(&p);
}

Test(services_value, decision_21_init_state_up_is_a_warning)
{
	struct parsed p = parse_in("", "init_state down", "");

	reports(&p, 0, 0, "");
	cr_assert_eq(p.draft->services->reals->flags & (REAL_INIT_UP | REAL_INIT_DOWN),
		     REAL_INIT_DOWN);
	parsed_free(&p);
	p = parse_in("init_state down", "init_state auto", "");
	reports(&p, 0, 0, "");
	cr_assert_eq(p.draft->services->reals->flags & (REAL_INIT_UP | REAL_INIT_DOWN), 0);
	parsed_free(&p);
	p = parse_in("init_state up", "", "");
	reports(&p, 0, 1, "'up' lets a new server take traffic before its first check");
	cr_assert(p.draft->services->reals->flags & REAL_INIT_UP);
	parsed_free(&p);
	warns("init_state UP", "before its first check");
	refuses("init_state maybe", "", "'maybe' is no initial state");
}

static uint16_t status_of(const char *status)
{
	char conf[256];
	struct parsed p;
	uint16_t code;

	snprintf(conf, sizeof(conf),
		 "virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { HTTP_GET { url {\n"
		 "status_code %s\n} } } }\n",
		 status);
	p = parse_clean(conf);
	code = p.draft->services->reals->checks->profile.status_code;
	parsed_free(&p);
	return code;
}

#define URL(text)                                                                             \
	"virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { HTTP_GET { url {\n" text \
	"\n} } } }\n"

Test(services_value, one_status_code_stands_in_the_profile)
{
	cr_assert_eq(status_of("0"), 0);
	cr_assert_eq(status_of("100"), 100);
	cr_assert_eq(status_of("599"), 599);
	gives_error(URL("status_code 99"), "'99' is no status code: 100 to 599");
	gives_error(URL("status_code 600"), "'600' is no status code");
	gives_error(URL("status_code ok"), "'ok' is no whole number");
}

Test(services_value, addresses_are_ipv4_or_ipv6)
{
	struct parsed p = parse_in("", "", "connect_ip ::ffff:192.0.2.1\nbindto \"\"");
	struct addr vip;

	cr_assert_eq(addr_parse("192.0.2.1", 9, &vip), ADDR_OK);
	reports(&p, 0, 0, "");
	cr_assert(addr_eq(&p.draft->services->reals->checks->connect_ip, &vip));
	cr_assert(addr_is_unset(&profile_of(&p)->bindto));
	parsed_free(&p);
	refuses("", "connect_ip 192.0.2.256", "'192.0.2.256' is no IP address");
	refuses("", "connect_ip fe80::1%eth0", "has a zone");
	refuses("", "bindto 192.0.2.0/24", "hint: no prefix length here");
	refuses("", "connect_ip www.example.org", "'www.example.org' is no IP address");
}

Test(services_value, the_same_text_gives_the_same_value_again)
{
	char conf[2048];
	struct str s = STR_OVER(conf, sizeof(conf));
	struct parsed p;

	str_puts(&s, "virtual_server 192.0.2.1 80 {\n");
	for (unsigned i = 1; i <= 9; i++)
		str_putf(&s,
			 "real_server 198.51.100.%u 80 { HTTP_GET { delay_loop %s\n"
			 "url { path /x\n virtualhost \"a\\#\"\n} } }\n",
			 i, i % 3 ? "0.5e1" : "7");
	str_puts(&s, "}\n");
	p = parse_clean(conf);
	for (const struct draft_real *r = p.draft->services->reals; r; r = r->next) {
		cr_assert_eq(r->checks->profile.interval_ns,
			     (r->ip.b[15] % 3 ? 5 : 7) * UINT64_C(1000000000));
		cr_assert_str_eq(r->checks->path, "/x");
		cr_assert_str_eq(r->checks->virtualhost, "a\\#");
	}
	parsed_free(&p);
}

Test(services_value, a_repeated_mistake_is_reported_each_time)
{
	struct parsed p = parse("virtual_server 192.0.2.1 80 {\n"
				"real_server 198.51.100.1 80 {\nweight 101\nTCP_CHECK {}\n}\n"
				"real_server 198.51.100.2 80 {\nweight 101\nTCP_CHECK {}\n}\n}\n");

	reports(&p, 0, 2, "s.conf:3:8: warning");
	cr_assert_not_null(strstr(p.text, "s.conf:7:8: warning"));
	parsed_free(&p);
}
