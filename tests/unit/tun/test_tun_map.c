#include "tun/tun_map.h"

#include "tun_packets.h"

static struct gen_fixture f;
static struct tunnel tunnel;

static void fresh(void)
{
	static const struct service_names no_names;

	gen_fixture_init(&f, 1);
	f.gen.service_names = &no_names;
}

static void begin(void)
{
	fresh();
	cr_assert_eq(tunnel_init(&tunnel), 0);
}

/* A real with one check of connect:port; its slot. */
static uint32_t add_real(const char *ip, enum lvs_method method, const char *connect, uint16_t port)
{
	uint32_t check = gen_fixture_check(&f, CHECK_TCP, connect, port);
	uint32_t real = f.checks[check].real;

	f.reals[real].ip = gen_fixture_addr(ip);
	f.reals[real].lvs_method = (uint8_t)method;
	return real;
}

static struct tun_map *make(const struct tun_map *before)
{
	struct tun_map *m;

	cr_assert_eq(tun_map_new(&f.gen, before, &m), 0);
	return m;
}

static uint32_t find(const struct tun_map *m, const char *ip)
{
	struct addr a = gen_fixture_addr(ip);

	return tun_map_find(m, &a);
}

TestSuite(tun_map, .init = begin);

Test(tun_map, reals_with_one_address_are_one_host)
{
	add_real("10.0.0.1", LVS_TUN, "192.0.2.1", 80);
	add_real("10.0.0.2", LVS_GRE, "192.0.2.1", 80);
	add_real("10.0.0.1", LVS_GRE, "192.0.2.1", 81);
	struct tun_map *m = make(NULL);

	cr_assert_eq(m->n_hosts, 2);
	cr_assert_eq(tun_map_real(m, 0)->host, tun_map_real(m, 2)->host);
	cr_assert_eq(m->hosts[find(m, "10.0.0.1")].first, 0);
	cr_assert_eq(tun_map_real(m, 0)->next, 2);
	cr_assert_eq(tun_map_real(m, 2)->next, TUN_MAP_NONE);
	cr_assert_eq(tun_map_real(m, 0)->method, TUNNEL_IPIP);
	cr_assert_eq(tun_map_real(m, 2)->method, TUNNEL_GRE);
	cr_assert_eq(find(m, "10.0.0.3"), TUN_MAP_NONE);
	tun_map_free(m);
}

Test(tun_map, rule_40_nat_is_never_tunnelled)
{
	add_real("10.0.0.1", LVS_NAT, "10.0.0.1", 80);
	add_real("10.0.0.2", LVS_DR, "192.0.2.1", 80);
	struct tun_map *m = make(NULL);

	cr_assert_null(tun_map_real(m, 0));
	cr_assert_eq(find(m, "10.0.0.1"), TUN_MAP_NONE);
	cr_assert_eq(tun_map_real(m, 1)->method, TUNNEL_DR);
	cr_assert_null(tun_map_real(m, 2));
	cr_assert_null(tun_map_real(m, UINT32_MAX));
	tun_map_free(m);
}

Test(tun_map, many_hosts_are_all_found)
{
	char ip[32];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250, i % 250);
		add_real(ip, LVS_TUN, "192.0.2.1", 80);
	}
	struct tun_map *m = make(NULL);

	cr_assert_eq(m->n_hosts, 3000);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250, i % 250);
		cr_assert_eq(m->hosts[find(m, ip)].first, i);
	}
	tun_map_free(m);
}

Test(tun_map, rule_41_a_removed_real_keeps_its_row_until_its_slot_is_given_again)
{
	add_real("10.0.0.1", LVS_TUN, "192.0.2.1", 80);
	uint32_t gone = add_real("10.0.0.2", LVS_GRE, "192.0.2.1", 80);
	struct tun_map *first = make(NULL), *second, *third;

	f.reals[gone].service = SLOT_NONE;
	f.checks[1].real = SLOT_NONE;
	second = make(first);
	tun_map_free(first);
	cr_assert_not_null(tun_map_real(second, gone));
	cr_assert_eq(tun_map_real(second, gone)->method, TUNNEL_GRE);
	cr_assert_neq(find(second, "10.0.0.2"), TUN_MAP_NONE);
	f.reals[gone].service = 0;
	f.reals[gone].ip = gen_fixture_addr("10.0.0.3");
	f.reals[gone].lvs_method = LVS_TUN;
	third = make(second);
	tun_map_free(second);
	cr_assert_eq(find(third, "10.0.0.2"), TUN_MAP_NONE);
	cr_assert_eq(tun_map_real(third, gone)->host, find(third, "10.0.0.3"));
	tun_map_free(third);
}

Test(tun_map, a_smaller_generation_keeps_the_rows_beyond_its_end)
{
	add_real("10.0.0.1", LVS_TUN, "192.0.2.1", 80);
	add_real("10.0.0.2", LVS_TUN, "192.0.2.1", 80);
	struct tun_map *first = make(NULL), *second;

	f.gen.end_reals = 1;
	f.gen.end_checks = 1;
	second = make(first);
	cr_assert_not_null(tun_map_real(second, 1));
	tun_map_free(first);
	tun_map_free(second);
}

Test(tun_map, lookups_are_inherited_by_address)
{
	add_real("10.0.0.1", LVS_TUN, "192.0.2.1", 80);
	add_real("10.0.0.2", LVS_TUN, "192.0.2.1", 80);
	struct tun_map *first = make(NULL), *second;

	first->hosts[find(first, "10.0.0.2")].mtu = 1400;
	f.reals[0].ip = gen_fixture_addr("10.0.0.9");
	second = make(first);
	tun_map_inherit(second, first);
	cr_assert_eq(second->hosts[find(second, "10.0.0.2")].mtu, 1400);
	cr_assert_eq(second->hosts[find(second, "10.0.0.9")].mtu, 0);
	tun_map_free(first);
	tun_map_free(second);
}

/* --- segment sizes ---------------------------------------------------------------------------- */

Test(tun_map, segments_fit_the_route_less_the_headers)
{
	static const struct {
		const char *ip, *vip;
		enum lvs_method method;
		uint32_t mss;
	} cases[] = {
		{"10.0.0.1", "192.0.2.1", LVS_TUN, 1440},
		{"2001:db8::1", "192.0.2.1", LVS_TUN, 1420},
		{"10.0.0.1", "2001:db8::9", LVS_TUN, 1420},
		{"2001:db8::1", "2001:db8::9", LVS_TUN, 1400},
		{"10.0.0.1", "192.0.2.1", LVS_GRE, 1436},
		{"2001:db8::1", "2001:db8::9", LVS_GRE, 1396},
		{"10.0.0.1", "192.0.2.1", LVS_DR, 1460},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fresh();
		add_real(cases[i].ip, cases[i].method, cases[i].vip, 80);
		f.service.vip = gen_fixture_addr(cases[i].vip);
		struct tun_map *m = make(NULL);

		m->hosts[0].mtu = 1500;
		cr_assert_eq(tun_map_mss(tun_map_real(m, 0), &m->hosts[0]), cases[i].mss, "%zu", i);
		m->hosts[0].mtu = 0;
		cr_assert_eq(tun_map_mss(tun_map_real(m, 0), &m->hosts[0]), cases[i].mss,
			     "1500 if nothing is known");
		m->hosts[0].mtu = 30;
		cr_assert_eq(tun_map_mss(tun_map_real(m, 0), &m->hosts[0]), 0);
		tun_map_free(m);
	}
}

Test(tun_map, publishing_names_the_host_row_and_the_segment_size)
{
	add_real("10.0.0.1", LVS_TUN, "192.0.2.1", 80);
	add_real("10.0.0.2", LVS_NAT, "10.0.0.2", 80);
	add_real("10.0.0.1", LVS_GRE, "192.0.2.1", 81);
	f.service.vip = gen_fixture_addr("192.0.2.1");
	struct tun_map *m = make(NULL);

	tun_map_publish(m, &tunnel);
	cr_assert_eq(tunnel_host(&tunnel, 0), tunnel_real(&tunnel, 0));
	cr_assert_eq(tunnel_host(&tunnel, 2), tunnel_real(&tunnel, 0));
	cr_assert_null(tunnel_host(&tunnel, 1));
	cr_assert_eq(tunnel_get16(&tunnel_real(&tunnel, 0)->mss), 1440);
	cr_assert_eq(tunnel_get16(&tunnel_real(&tunnel, 2)->mss), 1436);
	cr_assert_eq(m->n_inner[TUNNEL_V4], 2);
	cr_assert_eq(m->n_inner[TUNNEL_V6], 0);
	tun_map_free(m);
}

/* --- sources ---------------------------------------------------------------------------------- */

Test(tun_map, source_networks_are_found_by_real_and_by_target)
{
	struct service_names names = {0};

	add_real("10.0.0.1", LVS_TUN, "192.0.2.1", 80);
	add_real("10.0.0.2", LVS_TUN, "192.0.2.1", 81);
	names.ipv4_outer_source_network = gen_fixture_text(&f, "203.0.113.0/24");
	f.gen.service_names = &names;
	struct tun_map *m = make(NULL);
	struct addr vip = gen_fixture_addr("192.0.2.1"), want = gen_fixture_addr("203.0.113.0");
	const struct tun_source *s = tun_map_source_of(m, &vip, 81);

	cr_assert_eq(m->n_sources, 1, "equal networks are shared");
	cr_assert_not_null(s);
	cr_assert(addr_eq(&s->v4, &want));
	cr_assert_eq(tun_map_source(m, tun_map_real(m, 0)->source), s);
	cr_assert_null(tun_map_source_of(m, &vip, 82));
	cr_assert_null(tun_map_source_of(m, &want, 80));
	tun_map_free(m);
}

Test(tun_map, without_source_networks_there_is_nothing_to_find)
{
	struct service_names names = {0};
	struct addr vip = gen_fixture_addr("192.0.2.1");

	add_real("10.0.0.1", LVS_TUN, "192.0.2.1", 80);
	f.gen.service_names = &names;
	struct tun_map *m = make(NULL);

	cr_assert_null(tun_map_source_of(m, &vip, 80));
	cr_assert_null(tun_map_source(m, 0));
	tun_map_free(m);
}

Test(tun_map, no_reals_at_all_is_a_map_too)
{
	struct tun_map *m = make(NULL);

	cr_assert_eq(m->n_hosts, 0);
	cr_assert_eq(find(m, "10.0.0.1"), TUN_MAP_NONE);
	tun_map_free(m);
}
