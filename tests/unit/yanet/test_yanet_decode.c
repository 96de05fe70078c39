#include "yanet/yanet_decode.h"

#include <errno.h>

#include "base/str.h"
#include "fixture.h"

/* What came out, as text: "M name;S ip:port/proto;R ip:port on weight;..." */
struct heard {
	struct str text;
	char mem[4096];
	unsigned n_reals;
};

static void hear_port(struct str *s, const struct addr *ip, bool has_port, uint16_t port)
{
	char text[ADDR_TEXT_BYTES];

	addr_format(ip, text);
	str_puts(s, text);
	if (has_port)
		str_putf(s, "#%u", port);
}

static void hear(struct heard *h, const struct yanet_decode *d, int event)
{
	struct str *s = &h->text;

	if (event == YANET_DECODE_MODULE) {
		str_puts(s, d->module.is_usable ? "M " : "M?");
		if (d->module.is_usable)
			str_putn(s, d->module.name.text, d->module.name.len);
	} else if (event == YANET_DECODE_SERVICE) {
		str_puts(s, d->service.is_usable ? "S " : "S?");
		if (d->service.is_usable)
			hear_port(s, &d->service.vip, d->service.has_port, d->service.port);
		str_puts(s, d->service.proto == L4_TCP ? "/tcp" : "/udp");
	} else {
		h->n_reals++;
		str_puts(s, d->real.is_usable ? "R " : "R?");
		if (d->real.is_usable)
			hear_port(s, &d->real.ip, d->real.has_port, d->real.port);
		str_putf(s, " %s %u", d->real.is_enabled ? "on" : "off", d->real.weight);
	}
	str_putc(s, ';');
}

/* Feeds body in pieces of `step` bytes, each a heap block of its exact size. Returns END or an
 * error. */
static int decode(const uint8_t *body, size_t len, uint64_t says, size_t step, struct heard *h)
{
	struct yanet_decode d;
	int event = YANET_DECODE_MORE;

	*h = (struct heard){.n_reals = 0};
	h->text = STR_OVER(h->mem, sizeof(h->mem));
	yanet_decode_begin(&d, says);
	for (size_t at = 0; at <= len; at += step) {
		size_t n = MIN(step, len - at);
		uint8_t *piece = malloc(n ? n : 1);
		struct yanet_input in = {.at = piece, .len = n};

		memcpy(piece, body + at, n);
		do {
			event = yanet_decode_next(&d, &in);
			if (event > YANET_DECODE_MORE && event != YANET_DECODE_END)
				hear(h, &d, event);
		} while (event > YANET_DECODE_MORE && event != YANET_DECODE_END);
		free(piece);
		if (event != YANET_DECODE_MORE)
			break;
	}
	return event;
}

/* Body of a reply vector. */
static size_t reply_body(const char *name, uint8_t *body, size_t size, uint64_t *ret_says)
{
	uint8_t frame[1024];
	size_t n = world_vector(name, frame, sizeof(frame));

	memcpy(ret_says, frame, 8);
	cr_assert_leq(n - 8, size);
	memcpy(body, frame + 8, n - 8);
	return n - 8;
}

static void expect_vector(const char *name, const char *want)
{
	uint8_t body[1024];
	struct heard h;
	uint64_t says;
	size_t n = reply_body(name, body, sizeof(body), &says);

	/* every split gives the same */
	for (size_t step = 1; step <= n + 1; step++) {
		cr_assert_eq(decode(body, n, says, step, &h), YANET_DECODE_END, "%s step %zu", name,
			     step);
		cr_assert_str_eq(h.mem, want, "step %zu", step);
	}
}

static void expect_error(const char *name)
{
	uint8_t body[1024];
	struct heard h;
	uint64_t says;
	size_t n = reply_body(name, body, sizeof(body), &says);

	for (size_t step = 1; step <= n; step++)
		cr_assert_eq(decode(body, n, says, step, &h), -EPROTO, "%s step %zu", name, step);
}

static int decode_text(const char *bytes, size_t n, struct heard *h)
{
	return decode((const uint8_t *)bytes, n, n, n ? n : 1, h);
}
#define DECODE(text, h) decode_text("" text, sizeof(text) - 1, h)

Test(yanet_decode, vector_06_empty_reply)
{
	expect_vector("06_empty_reply", "");
}

Test(yanet_decode, vector_07_two_modules)
{
	expect_vector("07_real_find_reply_two_modules",
		      "M balancer0;S 192.0.2.16#443/tcp;R 198.51.100.7#8443 on 10;"
		      "R 2001:db8:20::5#8443 off 100;S 2001:db8:10::1/udp;R 2001:db8:20::5 on 0;"
		      "R 198.51.100.8 off 1;M balancer1;S 192.0.2.16#0/udp;R 0.0.0.0#0 on 1;"
		      "S 192.0.2.17#53/tcp;");
}

/* Another message, read as a reply of RealFind: its fields have other wire types and are skipped.
 */
Test(yanet_decode, vector_11_other_wire_types_are_skipped)
{
	expect_vector("11_inspect_lookup_reply", "M?;M?;");
}

Test(yanet_decode, vector_12_unknown_fields_are_skipped)
{
	expect_vector("12_real_find_reply_unknown_fields", "M balancer0;");
}

Test(yanet_decode, vector_13_captured)
{
	expect_vector("13_real_find_reply_captured",
		      "M balancer0;S 192.0.2.16#443/tcp;R 198.51.100.7#8443 on 10;"
		      "R 2001:db8:20::5#8443 off 4;S 192.0.2.16#0/udp;R 198.51.100.7#0 on 100;"
		      "S 2001:db8:10::1/udp;R 2001:db8:20::5 off 1;R 198.51.100.8 off 1;"
		      "M balancer1;S 192.0.2.16#443/tcp;R 198.51.100.7#8443 off 1;"
		      "S 2001:db8:10::1#53/udp;R 198.51.100.8#53 on 0;");
}

Test(yanet_decode, vector_90_a_short_reply_is_not_complete)
{
	uint8_t body[64];
	struct heard h;
	uint64_t says;
	size_t n = reply_body("90_bad_reply_truncated_body", body, sizeof(body), &says);

	cr_assert_eq(decode(body, n, says, n, &h), YANET_DECODE_MORE);
}

Test(yanet_decode, vector_91_inner_length_beyond_the_end_is_refused)
{
	expect_error("91_bad_reply_inner_length");
}

Test(yanet_decode, vector_92_overlong_varint_is_refused)
{
	expect_error("92_bad_reply_overlong_varint");
}

Test(yanet_decode, vector_93_a_short_address_is_not_used)
{
	expect_vector("93_bad_reply_short_ipv6", "M balancer0;S?/tcp;");
}

/* The one split that matters most: a message that ends inside a field of its own. */
Test(yanet_decode, an_end_inside_a_field_is_refused)
{
	struct heard h;

	cr_assert_eq(DECODE("\x0a", &h), -EPROTO);             /* no length */
	cr_assert_eq(DECODE("\x0a\x01\x08", &h), -EPROTO);     /* no value */
	cr_assert_eq(DECODE("\x0a\x02\x08\xff", &h), -EPROTO); /* half a value */
	cr_assert_eq(DECODE("\x0a\x80", &h), -EPROTO);         /* half a length */
	cr_assert_eq(DECODE("\x09\x01\x02", &h), -EPROTO);     /* half a 64-bit field */
	cr_assert_eq(DECODE("\x0d\x01", &h), -EPROTO);         /* half a 32-bit field */
}

Test(yanet_decode, groups_field_zero_and_reserved_types_are_refused)
{
	struct heard h;

	cr_assert_eq(DECODE("\x7b", &h), -EPROTO);     /* group begins */
	cr_assert_eq(DECODE("\x7c", &h), -EPROTO);     /* group ends */
	cr_assert_eq(DECODE("\x02\x00", &h), -EPROTO); /* field 0 */
	cr_assert_eq(DECODE("\x7e", &h), -EPROTO);     /* wire type 6 */
}

Test(yanet_decode, an_inner_message_may_not_outgrow_its_parent)
{
	struct heard h;

	/* module of 4 bytes that says it has a service of 9; enough bytes follow in the reply */
	cr_assert_eq(DECODE("\x0a\x04\x1a\x09\x0a\x00"
			    "\x0a\x00\x0a\x00\x0a\x00",
			    &h),
		     -EPROTO);
}

/* What a stream cannot wait for; no protobuf library writes it so. */
Test(yanet_decode, a_name_or_key_after_its_contents_is_refused)
{
	struct heard h;

	cr_assert_eq(DECODE("\x0a\x05\x1a\x00\x12\x01"
			    "a",
			    &h),
		     -EPROTO);
	cr_assert_eq(DECODE("\x0a\x06\x1a\x04\x1a\x00\x0a\x00", &h), -EPROTO);
}

Test(yanet_decode, the_last_of_repeated_fields_counts)
{
	struct heard h;

	/* two names; an address that is set as IPv4 and then as a short IPv6, then as IPv4 */
	cr_assert_eq(
		DECODE("\x0a\x1a\x12\x01"
		       "a\x12\x01"
		       "b"
		       "\x1a\x12\x0a\x10\x0a\x0c\x08\x01\x12\x02\x01\x02\x12\x00\x08\x82\x80\x04"
		       "\x10\x02",
		       &h),
		YANET_DECODE_END);
	cr_assert_str_eq(h.mem, "M b;S 0.1.0.2/udp;");
}

/* An IPv4-mapped address is another key than the IPv4 one in YANET, and in ours it is the same. */
Test(yanet_decode, a_mapped_address_is_not_taken_for_ipv4)
{
	struct heard h;

	cr_assert_eq(DECODE("\x0a\x1d\x12\x01"
			    "a\x1a\x18\x0a\x16\x0a\x12\x12\x10"
			    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01\x10\x01",
			    &h),
		     YANET_DECODE_END);
	cr_assert_str_eq(h.mem, "M a;S?/tcp;");
}

Test(yanet_decode, impossible_ports_and_protocols_are_not_used)
{
	struct heard h;

	/* protocol 0; then protocol 3; then port 65536 */
	cr_assert_eq(DECODE("\x0a\x27\x12\x01"
			    "a"
			    "\x1a\x08\x0a\x06\x0a\x04\x08\x81\x80\x04"
			    "\x1a\x0a\x0a\x08\x0a\x04\x08\x81\x80\x04\x10\x03"
			    "\x1a\x0c\x0a\x0a\x0a\x02\x08\x01\x10\x01\x18\x80\x80\x04\x00\x00",
			    &h),
		     -EPROTO); /* the zeros at the end are no field */
	cr_assert_str_eq(h.mem, "M a;S?/udp;S?/udp;S?/tcp;");
}

Test(yanet_decode, bad_module_names_are_not_used)
{
	struct heard h;
	char reply[400] = "\x0a\x83\x02\x12\x80\x02";

	memset(reply + 6, 'x', 256);
	cr_assert_eq(decode_text(reply, 6 + 256, &h), YANET_DECODE_END);
	cr_assert_str_eq(h.mem, "M?;");
	cr_assert_eq(DECODE("\x0a\x03\x12\x01\xff", &h), YANET_DECODE_END);
	cr_assert_str_eq(h.mem, "M?;");
}

/* A service of 100,000 reals, 1.2 MB, in pieces of 7 bytes: memory is the struct. */
Test(yanet_decode, a_service_larger_than_any_buffer_is_read)
{
	enum { N = 100000, REAL_BYTES = 12 };
	static uint8_t body[64 + N * REAL_BYTES];
	uint8_t *at = body;
	struct heard h;
	uint64_t inner = 9 + (uint64_t)N * REAL_BYTES, outer = 3 + 1 + 3 + inner;

	*at++ = 0x0a;
	for (uint64_t v = outer; v; v >>= 7)
		*at++ = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
	memcpy(at,
	       "\x12\x01"
	       "a\x1a",
	       4);
	at += 4;
	for (uint64_t v = inner; v; v >>= 7)
		*at++ = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
	memcpy(at, "\x0a\x07\x0a\x03\x08\x80\x01\x10\x01", 9);
	at += 9;
	for (unsigned i = 0; i < N; i++, at += REAL_BYTES)
		memcpy(at, "\x1a\x0a\x0a\x04\x08\x81\x80\x04\x18\x01\x20\x05", REAL_BYTES);
	cr_assert_eq(decode(body, (size_t)(at - body), (uint64_t)(at - body), 7, &h),
		     YANET_DECODE_END);
	cr_assert_eq(h.n_reals, N);
}
