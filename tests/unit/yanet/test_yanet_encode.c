#include "yanet/yanet_encode.h"

#include "fixture.h"

/* What the vectors are made of. */
static struct addr v4(uint32_t n)
{
	return addr_from_v4_u32(n);
}
static struct addr v6(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

static struct yanet_key key_of(struct addr vip, enum l4_proto proto, int vport, struct addr rip,
			       int rport)
{
	struct service_spec s = {.vip = vip,
				 .proto = (uint8_t)proto,
				 .port = (uint16_t)MAX(vport, 0),
				 .flags = vport >= 0 ? SERVICE_HAS_PORT : 0};
	struct real_spec r = {.ip = rip,
			      .port = (uint16_t)MAX(rport, 0),
			      .flags = rport >= 0 ? REAL_HAS_PORT : 0};
	struct yanet_key key;

	cr_assert(yanet_key_make(&s, &r, &key));
	return key;
}

static struct yanet_name name_of(const char *text)
{
	struct yanet_name name;

	cr_assert(yanet_name_make(text, strlen(text), &name));
	return name;
}

static struct yanet_request request;

static void setup(void)
{
	cr_assert_eq(yanet_encode_init(&request), 0);
}

static void teardown(void)
{
	yanet_encode_deinit(&request);
}

static void equals_vector(const char *name)
{
	uint8_t want[1024];
	size_t n_want = world_vector(name, want, sizeof(want)), n = yanet_encode_end(&request);

	cr_assert_eq(n, n_want, "%s: %zu bytes, not %zu", name, n, n_want);
	cr_assert_arr_eq(request.mem, want, n_want);
}

static void update(const char *module, struct yanet_key key, struct yanet_update u)
{
	struct yanet_name name = name_of(module);

	yanet_encode_update(&request, &name, &key, &u);
}

TestSuite(yanet_encode, .init = setup, .fini = teardown);

#define VIP4 v4(0xc0000210)
#define VIP6 v6("2001:db8:10::1")
#define RIP4 v4(0xc6336407)
#define RIP6 v6("2001:db8:20::5")

Test(yanet_encode, vector_01_enable_ipv4_tcp_weight)
{
	yanet_encode_begin(&request, YANET_REAL);
	update("balancer0", key_of(VIP4, L4_TCP, 443, RIP4, 8443),
	       (struct yanet_update){true, true, 10});
	equals_vector("01_real_enable_ipv4_tcp_weight");
}

Test(yanet_encode, vector_02_disable_ipv6_udp_noports)
{
	yanet_encode_begin(&request, YANET_REAL);
	/* a weight is never sent with a disable */
	update("balancer0", key_of(VIP6, L4_UDP, -1, RIP6, -1),
	       (struct yanet_update){false, true, 7});
	equals_vector("02_real_disable_ipv6_udp_noports");
}

Test(yanet_encode, vector_03_flush)
{
	yanet_encode_begin(&request, YANET_FLUSH);
	equals_vector("03_real_flush");
}

Test(yanet_encode, vector_04_find_all)
{
	yanet_encode_begin(&request, YANET_FIND);
	equals_vector("04_real_find_all");
}

Test(yanet_encode, vector_05_find_filtered)
{
	struct yanet_name name = name_of("balancer1");
	struct yanet_key key = key_of(VIP6, L4_TCP, 80, v4(0xc6336409), 0);

	yanet_encode_begin(&request, YANET_FIND);
	yanet_encode_filter(&request, &name, &key);
	equals_vector("05_real_find_filtered");
}

Test(yanet_encode, vector_08_zero_ports_and_weight_are_written)
{
	yanet_encode_begin(&request, YANET_REAL);
	update("balancer0", key_of(VIP4, L4_UDP, 0, RIP4, 0), (struct yanet_update){true, true, 0});
	equals_vector("08_real_enable_zero_values");
}

Test(yanet_encode, vector_09_batch_of_three)
{
	yanet_encode_begin(&request, YANET_REAL);
	update("balancer0", key_of(VIP4, L4_TCP, 443, RIP4, 8443),
	       (struct yanet_update){true, true, 10});
	update("balancer0", key_of(VIP4, L4_TCP, 443, RIP6, 8443), (struct yanet_update){0});
	update("balancer1", key_of(VIP6, L4_UDP, 53, v4(0xc6336408), 53),
	       (struct yanet_update){true, false, 0});
	equals_vector("09_real_batch_three");
	cr_assert_eq(request.n_updates, 3);
}

Test(yanet_encode, vector_10_inspect)
{
	struct yanet_name name = name_of("balancer0");
	struct yanet_key key = key_of(VIP4, L4_TCP, 443, RIP4, 8443);

	yanet_encode_begin(&request, YANET_INSPECT);
	yanet_encode_inspect(&request, &name, &key);
	equals_vector("10_inspect_lookup");
}

Test(yanet_encode, longest_batch_fits_and_its_length_agrees)
{
	char longest[YANET_NAME_MAX + 1];
	uint64_t header = 0, body = 0;
	size_t n;

	memset(longest, 'm', YANET_NAME_MAX);
	longest[YANET_NAME_MAX] = 0;
	yanet_encode_begin(&request, YANET_REAL);
	for (unsigned i = 0; i < YANET_BATCH_MAX; i++)
		update(longest, key_of(VIP6, L4_UDP, 65535, RIP6, 65535),
		       (struct yanet_update){true, true, UINT32_MAX});
	n = yanet_encode_end(&request);
	cr_assert_leq(n, YANET_REQUEST_BYTES);
	memcpy(&header, request.mem, 8);
	memcpy(&body, request.mem + 8 + header, 8);
	cr_assert_eq(8 + header + 8 + body, n);
}

Test(yanet_encode, begin_starts_anew)
{
	yanet_encode_begin(&request, YANET_REAL);
	update("balancer0", key_of(VIP4, L4_TCP, 443, RIP4, 8443), (struct yanet_update){0});
	yanet_encode_end(&request);
	yanet_encode_begin(&request, YANET_FLUSH);
	equals_vector("03_real_flush");
}
