#include "gen_fixture.h"

#include "base/clk.h"
#include "config/app_config.h"

struct addr gen_fixture_addr(const char *text)
{
	struct addr a;
	int r = addr_parse(text, strlen(text), &a);

	ASSERT(r == ADDR_OK);
	return a;
}

void gen_fixture_init(struct gen_fixture *f, uint32_t number)
{
	memset(f, 0, sizeof(*f));
	f->text_len = 1; /* offset 0 is "unset" and reads as "" */
	f->service = (struct service_spec){
		.vip = gen_fixture_addr("192.0.2.1"),
		.prefix = SLOT_NONE,
		.next_on_prefix = SLOT_NONE,
		.quorum = 1,
		.port = 80,
		.flags = SERVICE_HAS_PORT,
	};
	f->gen = (struct generation){
		.number = number,
		.end_services = 1,
		.n_services = 1,
		.services = &f->service,
		.reals = f->reals,
		.checks = f->checks,
		.check_sequence = f->sequences,
		.profiles = f->profiles,
		.text = f->text,
	};
}

static struct check_profile usual_profile(enum check_kind kind)
{
	return (struct check_profile){
		.interval_ns = CLK_S,
		.connect_timeout_ns = CLK_S,
		.check_timeout_ns = CLK_S,
		.status_code = kind == CHECK_HTTP || kind == CHECK_HTTPS ? 200 : 0,
		.kind = (uint8_t)kind,
		.rise = 1,
		.fall = 1,
		.tls_min_version = kind == CHECK_HTTPS || kind == CHECK_GRPC ? TLS_V1_2 : 0,
	};
}

uint32_t gen_fixture_check(struct gen_fixture *f, enum check_kind kind, const char *ip,
			   uint16_t port)
{
	uint32_t slot = f->gen.n_checks;

	ASSERT(slot < GEN_FIXTURE_CHECKS);
	f->reals[slot] = (struct real_spec){
		.ip = gen_fixture_addr(ip),
		.first_check = slot,
		.weight = 1,
		.port = port,
		.flags = REAL_HAS_PORT,
	};
	f->checks[slot] = (struct check_spec){
		.connect_ip = gen_fixture_addr(ip),
		.profile = slot,
		.real = slot,
		.next = SLOT_NONE,
		.connect_port = port,
		.kind = (uint8_t)kind,
	};
	f->profiles[slot] = usual_profile(kind);
	f->sequences[slot] = 100 + slot;
	f->gen.end_checks = f->gen.n_checks = f->gen.end_reals = f->gen.n_reals = slot + 1;
	f->gen.n_profiles = f->service.n_reals = slot + 1;
	return slot;
}

gen_strref gen_fixture_text(struct gen_fixture *f, const char *text)
{
	uint32_t at = f->text_len;
	size_t size = strlen(text) + 1;

	ASSERT(at + size <= sizeof(f->text));
	memcpy(f->text + at, text, size);
	f->text_len += (uint32_t)size;
	return at;
}
