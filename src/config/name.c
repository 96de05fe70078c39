#include "config/name.h"

#include "base/str.h"

size_t name_address(const struct addr *a, bool has_port, uint16_t port, char out[NAME_BYTES])
{
	static_assert(NAME_BYTES >= ADDR_PORT_TEXT_BYTES + sizeof("tcp/"), "room for the longest");

	return has_port ? addr_format_port(a, port, out) : addr_format(a, out);
}

size_t name_service(const struct generation *g, uint32_t service, char out[NAME_BYTES])
{
	const struct service_spec *s = &g->services[service];
	char address[NAME_BYTES];
	struct str text = STR_OVER(out, NAME_BYTES);

	name_address(&s->vip, s->flags & SERVICE_HAS_PORT, s->port, address);
	str_puts(&text, s->proto == L4_UDP ? "udp/" : "tcp/");
	str_puts(&text, address);
	return text.len;
}

size_t name_real(const struct generation *g, uint32_t real, char out[NAME_BYTES])
{
	const struct real_spec *r = &g->reals[real];

	return name_address(&r->ip, r->flags & REAL_HAS_PORT, r->port, out);
}

struct typed {
	struct addr ip;
	bool has_port;
	uint16_t port;
};

/* "[v6]:port", "v4:port", "v6", "[v6]", "v4". A bare IPv6 address has at least two colons. */
static bool parse_typed(const char *text, struct typed *ret)
{
	const char *end = text + strlen(text), *colon = strrchr(text, ':');
	const char *ip = text, *ip_end = end;
	uint64_t port = 0;

	ret->has_port = false;
	if (*text == '[') {
		const char *close = strchr(text, ']');

		if (!close || (close[1] && close[1] != ':'))
			return false;
		ip = text + 1;
		ip_end = close;
		colon = close[1] ? close + 1 : NULL;
	} else if (colon && strchr(text, ':') == colon) {
		ip_end = colon;
	} else {
		colon = NULL;
	}
	if (colon) {
		if (!str_to_u64(colon + 1, (size_t)(end - colon - 1), UINT16_MAX, &port))
			return false;
		ret->has_port = true;
	}
	ret->port = (uint16_t)port;
	return addr_parse(ip, (size_t)(ip_end - ip), &ret->ip) == ADDR_OK;
}

uint32_t name_find_service(const struct generation *g, const char *text)
{
	enum l4_proto proto = strncmp(text, "udp/", 4) == 0 ? L4_UDP : L4_TCP;
	struct typed t;

	if (strncmp(text, "udp/", 4) != 0 && strncmp(text, "tcp/", 4) != 0)
		return SLOT_NONE;
	if (!parse_typed(text + 4, &t))
		return SLOT_NONE;
	return gen_find_service(g, &t.ip, t.has_port, t.port, proto);
}

uint32_t name_find_real(const struct generation *g, uint32_t service, const char *text)
{
	struct typed t;

	if (!parse_typed(text, &t))
		return SLOT_NONE;
	return gen_find_real(g, service, &t.ip, t.has_port, t.port);
}
