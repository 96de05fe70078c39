#include "model/tunnel_option.h"

#include <string.h>

enum { V4_VALUE = 4 + 1, V6_VALUE = 16 + 1, PAD_N = 1 };

/* The real's address in network order; returns 4 or 16. */
static size_t put_addr(const struct addr *real, unsigned char *out)
{
	if (addr_is_v4(real)) {
		memcpy(out, real->b + 12, 4);
		return 4;
	}
	memcpy(out, real->b, 16);
	return 16;
}

static size_t build_v4(const struct addr *real, enum tunnel_method method, unsigned char *out)
{
	size_t n = put_addr(real, out + 2);

	out[0] = TUNNEL_OPTION_TYPE;
	out[1] = (unsigned char)(n + 3); /* counts type and length too */
	out[2 + n] = (unsigned char)method;
	return n + 3;
}

/* A destination options header: next header (the kernel fills it in), length in 8 bytes after the
 * first 8, our option, padding. */
static size_t build_v6(const struct addr *real, enum tunnel_method method, unsigned char *out)
{
	size_t n = put_addr(real, out + 4), used = n + 5, total = (used + 7) & ~(size_t)7;

	out[0] = 0;
	out[1] = (unsigned char)(total / 8 - 1);
	out[2] = TUNNEL_OPTION_TYPE;
	out[3] = (unsigned char)(n + 1); /* counts the value alone */
	out[4 + n] = (unsigned char)method;
	/* 9 of 16 or 21 of 24 bytes are used: PadN always fits */
	memset(out + used, 0, total - used);
	out[used] = PAD_N;
	out[used + 1] = (unsigned char)(total - used - 2);
	return total;
}

size_t tunnel_option_build(bool vip_is_v4, const struct addr *real, enum tunnel_method method,
			   unsigned char out[TUNNEL_OPTION_BYTES])
{
	return vip_is_v4 ? build_v4(real, method, out) : build_v6(real, method, out);
}

bool tunnel_option_read(const unsigned char *value, size_t n_bytes, struct addr *ret_real,
			uint8_t *ret_method)
{
	struct addr a = ADDR_UNSET;

	if (n_bytes == V4_VALUE) {
		a.b[10] = a.b[11] = 0xff;
		memcpy(a.b + 12, value, 4);
	} else if (n_bytes == V6_VALUE) {
		memcpy(a.b, value, 16);
	} else {
		return false;
	}
	*ret_real = a;
	*ret_method = value[n_bytes - 1];
	return true;
}
