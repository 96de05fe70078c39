#include "config/app_value.h"

#include <string.h>
#include <strings.h>

#include "base/clk.h"
#include "base/str.h"

const char *app_value_text(enum app_value_result r)
{
	static const char *const texts[] = {
		[APP_VALUE_OK] = "is right",
		[APP_VALUE_MALFORMED] = "is malformed",
		[APP_VALUE_NEGATIVE] = "must not be negative",
		[APP_VALUE_TOO_LARGE] = "is too large",
		[APP_VALUE_NO_UNIT] = "lacks a unit (ns us ms s m h)",
		[APP_VALUE_OCTAL] = "begins with 0, which YAML 1.1 reads as octal",
		[APP_VALUE_BAD_PORT] = "has no port in 0..65535",
		[APP_VALUE_NO_PORT] = "lacks a port",
		[APP_VALUE_NO_BRACKETS] = "needs brackets around an IPv6 address",
	};

	return texts[r];
}

int app_value_bool(const char *text, size_t len, bool *ret)
{
	static const char *const words[] = {"true", "yes", "on", "y", "false", "no", "off", "n"};

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i]) == len && strncasecmp(text, words[i], len) == 0) {
			*ret = i < ARRAY_LEN(words) / 2;
			return 0;
		}
	}
	return APP_VALUE_MALFORMED;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned digit_of(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Takes "0x" and its kin off. */
static unsigned base_of(const char **text, size_t *len)
{
	static const char letters[] = "xob";
	static const unsigned bases[] = {16, 8, 2};
	const char *found;

	if (*len < 3 || (*text)[0] != '0')
		return 10;
	found = memchr(letters, (*text)[1] | 0x20, sizeof(letters) - 1);
	if (!found)
		return 10;
	*text += 2;
	*len -= 2;
	return bases[found - letters];
}

int app_value_number(const char *text, size_t len, uint64_t *ret)
{
	unsigned base = base_of(&text, &len), digit;
	uint64_t v = 0;

	if (len > 1 && text[0] == '-' && is_digit(text[1]))
		return APP_VALUE_NEGATIVE;
	if (len == 0 || text[0] == '_' || text[len - 1] == '_')
		return APP_VALUE_MALFORMED;
	if (base == 10 && len > 1 && text[0] == '0' && is_digit(text[1]))
		return APP_VALUE_OCTAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '_')
			continue;
		digit = digit_of(text[i]);
		if (digit >= base)
			return APP_VALUE_MALFORMED;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return APP_VALUE_TOO_LARGE;
	}
	*ret = v;
	return 0;
}

/* Longest first, so that "m" does not take the m of "ms"; both ways to write the micro sign. */
static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1},      {"us", CLK_US}, {"\xc2\xb5s", CLK_US}, {"\xce\xbcs", CLK_US},
	{"ms", CLK_MS}, {"s", CLK_S},   {"m", 60 * CLK_S},     {"h", 3600 * CLK_S},
};

static const struct unit *unit_at(const char *text, size_t len)
{
	for (unsigned i = 0; i < ARRAY_LEN(units); i++) {
		size_t n = strlen(units[i].name);

		if (n <= len && memcmp(text, units[i].name, n) == 0)
			return &units[i];
	}
	return NULL;
}

/* One "1.5s" of a duration. */
struct part {
	uint64_t whole;
	uint64_t fraction; /* below scale: nine digits at most, more are below any unit's ns */
	uint64_t scale;
	size_t len; /* of number and unit */
	const struct unit *unit;
};

static int part_read(const char *text, size_t len, struct part *p)
{
	size_t i = 0, n_digits = 0;

	*p = (struct part){.scale = 1};
	for (; i < len && is_digit(text[i]); i++, n_digits++)
		if (__builtin_mul_overflow(p->whole, 10, &p->whole) ||
		    __builtin_add_overflow(p->whole, (uint64_t)(text[i] - '0'), &p->whole))
			return APP_VALUE_TOO_LARGE;
	if (i < len && text[i] == '.') {
		for (i++; i < len && is_digit(text[i]); i++, n_digits++) {
			if (p->scale == CLK_S)
				continue;
			p->fraction = p->fraction * 10 + (uint64_t)(text[i] - '0');
			p->scale *= 10;
		}
	}
	if (n_digits == 0)
		return APP_VALUE_MALFORMED;
	p->unit = unit_at(text + i, len - i);
	p->len = i + (p->unit ? strlen(p->unit->name) : 0);
	return 0;
}

static int part_add(const struct part *p, uint64_t *sum)
{
	/* an hour in ns times a fraction of nine digits needs 72 bits */
	__extension__ unsigned __int128 ns =
		(unsigned __int128)p->unit->ns * p->fraction / p->scale;
	uint64_t whole;

	if (__builtin_mul_overflow(p->whole, p->unit->ns, &whole) ||
	    __builtin_add_overflow(*sum, whole, sum) ||
	    __builtin_add_overflow(*sum, (uint64_t)ns, sum) || *sum > INT64_MAX)
		return APP_VALUE_TOO_LARGE;
	return 0;
}

int app_value_duration(const char *text, size_t len, uint64_t *ret_ns, bool *ret_is_bare)
{
	uint64_t sum = 0;
	struct part p;
	size_t at = 0;
	int r;

	if (app_value_number(text, len, &sum) == 0 && sum <= INT64_MAX) {
		*ret_ns = sum;
		*ret_is_bare = true;
		return 0;
	}
	if (len && text[0] == '-')
		return APP_VALUE_NEGATIVE;
	sum = 0;
	if (len && text[0] == '+')
		at++;
	if (at == len)
		return APP_VALUE_MALFORMED;
	for (; at < len; at += p.len) {
		r = part_read(text + at, len - at, &p);
		if (r == 0 && !p.unit)
			r = at + p.len == len ? APP_VALUE_NO_UNIT : APP_VALUE_MALFORMED;
		if (r == 0)
			r = part_add(&p, &sum);
		if (r != 0)
			return r;
	}
	*ret_ns = sum;
	*ret_is_bare = false;
	return 0;
}

void app_value_format_duration(uint64_t ns, char out[APP_VALUE_DURATION_BYTES])
{
	static const struct unit large_first[] = {{"h", 3600 * CLK_S}, {"m", 60 * CLK_S},
						  {"s", CLK_S},        {"ms", CLK_MS},
						  {"us", CLK_US},      {"ns", 1}};
	struct str s = STR_OVER(out, APP_VALUE_DURATION_BYTES);

	if (ns == 0)
		str_puts(&s, "0");
	for (unsigned i = 0; i < ARRAY_LEN(large_first); i++) {
		uint64_t n = ns / large_first[i].ns;

		if (n)
			str_putf(&s, "%llu%s", (unsigned long long)n, large_first[i].name);
		ns %= large_first[i].ns;
	}
}

static int listen_ip(const char *text, size_t len, struct addr *ret)
{
	if (len == 0)
		return addr_parse("::", 2, ret);
	if (str_is(text, len, "localhost"))
		return addr_parse("127.0.0.1", strlen("127.0.0.1"), ret);
	if (text[0] == '[') {
		if (text[len - 1] != ']' || !memchr(text, ':', len))
			return APP_VALUE_MALFORMED;
		return addr_parse(text + 1, len - 2, ret);
	}
	if (memchr(text, ':', len))
		return APP_VALUE_NO_BRACKETS;
	return addr_parse(text, len, ret);
}

int app_value_listen(const char *text, size_t len, char out[ADDR_PORT_TEXT_BYTES])
{
	const char *colon = memrchr(text, ':', len);
	uint64_t port;
	struct addr ip;
	size_t ip_len;
	int r;

	if (!colon || memchr(colon, ']', (size_t)(text + len - colon)))
		return APP_VALUE_NO_PORT;
	ip_len = (size_t)(colon - text);
	if (!str_to_u64(colon + 1, len - ip_len - 1, UINT16_MAX, &port))
		return APP_VALUE_BAD_PORT;
	r = listen_ip(text, ip_len, &ip);
	if (r == APP_VALUE_NO_BRACKETS)
		return r;
	if (r != 0)
		return APP_VALUE_MALFORMED;
	addr_format_port(&ip, (uint16_t)port, out);
	return 0;
}

static int cpu_range(const char *text, size_t len, uint8_t *bits, uint32_t n_bits)
{
	const char *dash = memchr(text, '-', len);
	size_t first_len = dash ? (size_t)(dash - text) : len;
	uint64_t first, last;

	if (!str_to_u64(text, first_len, UINT32_MAX, &first))
		return APP_VALUE_MALFORMED;
	last = first;
	if (dash && !str_to_u64(dash + 1, len - first_len - 1, UINT32_MAX, &last))
		return APP_VALUE_MALFORMED;
	if (last < first)
		return APP_VALUE_MALFORMED;
	if (last >= n_bits)
		return APP_VALUE_TOO_LARGE;
	for (; first <= last; first++)
		bits[first / 8] |= (uint8_t)(1u << first % 8);
	return 0;
}

int app_value_cpus(const char *text, size_t len, uint8_t *bits, uint32_t n_bits)
{
	const char *end = text + len, *comma;
	int r = 0;

	do {
		comma = memchr(text, ',', (size_t)(end - text));
		if (!comma)
			comma = end;
		r = cpu_range(text, (size_t)(comma - text), bits, n_bits);
		text = comma + 1;
	} while (r == 0 && comma < end);
	return r;
}
