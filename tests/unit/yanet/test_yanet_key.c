#include "yanet/yanet_key.h"

#include "fixture.h"

static const struct service_spec service = {
	.vip = {{0x20, 1}}, .proto = L4_TCP, .port = 443, .flags = SERVICE_HAS_PORT};
static const struct real_spec real = {.ip = {{0x20, 2}}, .port = 80};

Test(yanet_key, copies_the_identity)
{
	struct yanet_key k;

	cr_assert(yanet_key_make(&service, &real, &k));
	cr_assert(addr_eq(&k.vip, &service.vip) && addr_eq(&k.rip, &real.ip));
	cr_assert(k.has_vport && k.vport == 443 && k.proto == L4_TCP);
	cr_assert(!k.has_rport, "a real without port has none, whatever its port field says");
}

/* Each of these aborts YANET's control plane or acts on another real (spec/yanet §6). */
Test(yanet_key, deadly_keys_cannot_be_made)
{
	struct service_spec s = service;
	struct real_spec r = real;
	struct yanet_key k;

	s.vip = ADDR_UNSET;
	cr_assert_not(yanet_key_make(&s, &real, &k));
	r.ip = ADDR_UNSET;
	cr_assert_not(yanet_key_make(&service, &r, &k));
	s = service;
	s.proto = 2;
	cr_assert_not(yanet_key_make(&s, &real, &k));
}
