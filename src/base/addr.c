#include "base/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/hash.h"

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

int addr_parse(const char *text, size_t len, struct addr *ret_addr)
{
	char copy[ADDR_TEXT_BYTES];
	struct addr a;

	if (len == 0 || len >= sizeof(copy) || memchr(text, 0, len))
		return ADDR_BAD_TEXT;
	memcpy(copy, text, len);
	copy[len] = 0;
	if (strchr(copy, ':')) {
		if (inet_pton(AF_INET6, copy, a.b) != 1)
			return ADDR_BAD_TEXT;
	} else {
		memcpy(a.b, v4_prefix, sizeof(v4_prefix));
		if (inet_pton(AF_INET, copy, a.b + 12) != 1)
			return ADDR_BAD_TEXT;
	}
	*ret_addr = a;
	return ADDR_OK;
}

/* By hand: requests and log lines are full of addresses, and printf costs more than the rest of a
 * request does. */
static char *put_number(char *at, uint32_t v)
{
	char digits[10];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static size_t format_v4(const struct addr *a, char *out)
{
	char *at = out;

	for (int i = 12; i < 16; i++) {
		at = put_number(at, a->b[i]);
		*at++ = i < 15 ? '.' : '\0';
	}
	return (size_t)(at - out) - 1;
}

size_t addr_format(const struct addr *a, char out[ADDR_TEXT_BYTES])
{
	if (addr_is_v4(a))
		return format_v4(a, out);
	inet_ntop(AF_INET6, a->b, out, ADDR_TEXT_BYTES);
	return strlen(out);
}

size_t addr_format_port(const struct addr *a, uint16_t port, char out[ADDR_PORT_TEXT_BYTES])
{
	bool has_brackets = !addr_is_v4(a);
	char *at = out;

	if (has_brackets)
		*at++ = '[';
	at += addr_format(a, at);
	if (has_brackets)
		*at++ = ']';
	*at++ = ':';
	at = put_number(at, port);
	*at = '\0';
	return (size_t)(at - out);
}

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool addr_is_unset(const struct addr *a)
{
	return addr_eq(a, &ADDR_UNSET);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	bool a4 = addr_is_v4(a), b4 = addr_is_v4(b);

	if (a4 != b4)
		return a4 ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

uint64_t addr_hash(const struct addr *a, uint64_t seed)
{
	return hash_bytes(a->b, sizeof(a->b), seed);
}

uint32_t addr_v4_u32(const struct addr *a)
{
	ASSERT(addr_is_v4(a));
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 |
	       a->b[15];
}

struct addr addr_from_v4_u32(uint32_t v)
{
	struct addr a;

	memcpy(a.b, v4_prefix, sizeof(v4_prefix));
	a.b[12] = (uint8_t)(v >> 24);
	a.b[13] = (uint8_t)(v >> 16);
	a.b[14] = (uint8_t)(v >> 8);
	a.b[15] = (uint8_t)v;
	return a;
}

socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (addr_is_v4(a)) {
		memcpy(&v4.sin_addr, a->b + 12, 4);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, a->b, 16);
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}
