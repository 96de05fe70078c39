/* Encoding and decoding of balancer messages: ns per real. One JSON line per case. */
#include "base/clk.h"
#include "base/version.h"
#include "yanet/yanet_decode.h"
#include "yanet/yanet_encode.h"

enum { WARM_UP = 20, ROUNDS = 200, DECODE_ROUNDS = 10, REALS = 100000, REAL_BYTES_MAX = 64 };

static void tell(const char *name, uint64_t n, uint64_t ns)
{
	printf("{\"name\":\"%s\",\"n\":%llu,\"ns_per_op\":%.1f,\"version\":\"%s\"}\n", name,
	       (unsigned long long)n, (double)ns / (double)n, version_text());
}

static void make_key(uint32_t i, bool is_v6, struct yanet_key *ret)
{
	struct service_spec s = {.vip = {{0x20, 1, 0xd, 0xb8, [15] = 1}},
				 .proto = L4_TCP,
				 .port = 443,
				 .flags = SERVICE_HAS_PORT};
	struct real_spec r = {
		.ip = {{0x20, 1, 0xd, 0xb8, 1}}, .port = 8443, .flags = REAL_HAS_PORT};

	r.ip.b[14] = (uint8_t)(i >> 8);
	r.ip.b[15] = (uint8_t)i;
	if (!is_v6) {
		s.vip = addr_from_v4_u32(0xc0000210);
		r.ip = addr_from_v4_u32(0xc6336400 + i);
	}
	ASSERT(yanet_key_make(&s, &r, ret));
}

static void bench_encode(const char *name, bool is_v6)
{
	const struct yanet_update u = {true, true, 10};
	struct yanet_key keys[YANET_BATCH_MAX];
	struct yanet_request q;
	struct yanet_name module;
	uint64_t begin = 0;

	ASSERT(yanet_encode_init(&q) == 0 && yanet_name_make("balancer0", 9, &module));
	for (uint32_t i = 0; i < YANET_BATCH_MAX; i++)
		make_key(i, is_v6, &keys[i]);
	for (unsigned round = 0; round < WARM_UP + ROUNDS; round++) {
		if (round == WARM_UP)
			begin = clk_mono_ns();
		yanet_encode_begin(&q, YANET_REAL);
		for (unsigned i = 0; i < YANET_BATCH_MAX; i++)
			yanet_encode_update(&q, &module, &keys[i], &u);
		ASSERT(yanet_encode_end(&q) > 0);
	}
	tell(name, (uint64_t)ROUNDS * YANET_BATCH_MAX, clk_mono_ns() - begin);
	yanet_encode_deinit(&q);
}

static uint8_t *put_varint(uint8_t *at, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (uint8_t)(v | 0x80);
	*at++ = (uint8_t)v;
	return at;
}

/* One module with one service of REALS reals, IPv6, with counters. */
static size_t make_reply(uint8_t *reply)
{
	static const uint8_t real[] =
		"\x1a\x26\x0a\x12\x12\x10\x20\x01\x0d\xb8\x00\x20\x00\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x05\x10\xfb\x41\x18\x01\x20\x64\x30\x95\x9a"
		"\xef\x3a\x38\xa4\xca\x83\xf7\x02";
	static const uint8_t key[] = "\x0a\x0d\x0a\x06\x08\x90\x84\x80\x80\x0c\x10\x01\x18\xbb\x03";
	uint64_t service = sizeof(key) - 1 + (uint64_t)REALS * (sizeof(real) - 1);
	uint8_t *at = reply;

	*at++ = 0x0a;
	at = put_varint(at, 11 + 1 + 4 + service);
	memcpy(at,
	       "\x12\x09"
	       "balancer0\x1a",
	       12);
	at = put_varint(at + 12, service);
	memcpy(at, key, sizeof(key) - 1);
	at += sizeof(key) - 1;
	for (unsigned i = 0; i < REALS; i++, at += sizeof(real) - 1)
		memcpy(at, real, sizeof(real) - 1);
	return (size_t)(at - reply);
}

static uint64_t decode_once(const uint8_t *reply, size_t len)
{
	struct yanet_input in = {reply, len};
	struct yanet_decode d;
	uint64_t begin = clk_mono_ns(), n_reals = 0;
	int event;

	yanet_decode_begin(&d, len);
	while ((event = yanet_decode_next(&d, &in)) > YANET_DECODE_MORE &&
	       event != YANET_DECODE_END)
		n_reals += event == YANET_DECODE_REAL;
	ASSERT(event == YANET_DECODE_END && n_reals == REALS);
	return clk_mono_ns() - begin;
}

/* The best of some rounds: others use the machine too. */
static void bench_decode(void)
{
	uint8_t *reply = malloc((size_t)REALS * REAL_BYTES_MAX);
	size_t len = make_reply(reply);
	uint64_t best = UINT64_MAX;

	for (unsigned round = 0; round < DECODE_ROUNDS; round++) {
		uint64_t ns = decode_once(reply, len);

		best = MIN(best, ns);
	}
	tell("yanet_decode_real", REALS, best);
	free(reply);
}

int main(void)
{
	bench_encode("yanet_encode_ipv4", false);
	bench_encode("yanet_encode_ipv6", true);
	bench_decode();
	return 0;
}
