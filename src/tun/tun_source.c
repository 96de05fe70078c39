#include "tun/tun_source.h"

#include <string.h>

#include "base/str.h"

enum { V6_BITS = 128, SPREAD_BYTES = 4, KEEPS_TAIL_BITS = 80 };

static bool read_prefix(const char *text, bool is_v4, struct addr *ret, uint8_t *ret_bits)
{
	const char *slash = strchrnul(text, '/');
	uint64_t bits = is_v4 ? 32 : V6_BITS;
	struct addr a;

	if (addr_parse(text, (size_t)(slash - text), &a) != ADDR_OK || addr_is_v4(&a) != is_v4)
		return false;
	if (*slash && !str_to_u64(slash + 1, strlen(slash + 1), bits, &bits))
		return false;
	*ret = a;
	*ret_bits = (uint8_t)bits;
	return true;
}

bool tun_source_read(const char *v4, const char *v6, struct tun_source *ret)
{
	struct tun_source s = {.has_v4 = v4[0], .has_v6 = v6[0]};
	uint8_t unused;

	if ((s.has_v4 && !read_prefix(v4, true, &s.v4, &unused)) ||
	    (s.has_v6 && !read_prefix(v6, false, &s.v6, &s.v6_bits)))
		return false;
	*ret = s;
	return true;
}

static struct addr spread(const struct tun_source *s, const struct addr *inner,
			  const struct addr *base)
{
	size_t from = (s->v6_bits + 7U) / 8, n = MIN(sizeof(s->v6.b) - from, (size_t)SPREAD_BYTES);
	struct addr a = s->v6;
	unsigned char noise[SPREAD_BYTES];

	for (size_t i = 0; i < SPREAD_BYTES; i++)
		noise[i] =
			addr_is_v4(inner) ? inner->b[12 + i] : inner->b[8 + i] ^ inner->b[12 + i];
	memcpy(a.b + from, noise, n);
	if (s->v6_bits <= KEEPS_TAIL_BITS)
		memcpy(a.b + 14, base->b + 14, 2);
	return a;
}

struct addr tun_source_pick(const struct tun_source *s, bool outer_is_v4,
			    const struct addr *inner_source, const struct addr *base)
{
	if (s && outer_is_v4 && s->has_v4)
		return s->v4;
	if (s && !outer_is_v4 && s->has_v6)
		return spread(s, inner_source, base);
	return *base;
}
