/* An IP address in one form: 16 bytes, network order; IPv4 as ::ffff:a.b.c.d.
 *
 * The services file un-maps IPv4-mapped IPv6 addresses to IPv4 (spec/monalive §2.3), so the mapped
 * form stands for IPv4 and nothing else, and 16 bytes carry the family too. :: means "unset".
 * Text follows RFC 5952, with brackets before a port (RFC 3986).
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cc.h"

struct addr {
	uint8_t b[16];
};
static_assert(sizeof(struct addr) == 16, "crosses rings and lives in packed tables");

#define ADDR_UNSET ((struct addr){{0}})

enum {
	ADDR_TEXT_BYTES = INET6_ADDRSTRLEN,          /* longest address with its NUL */
	ADDR_PORT_TEXT_BYTES = INET6_ADDRSTRLEN + 8, /* "[...]:65535" with its NUL */
};

enum addr_parse_result { ADDR_OK = 0, ADDR_BAD_TEXT = 1 };

/* Parses len bytes of text ("192.0.2.1", "2001:db8::1"; no zone, no brackets). Any thread.
 * Returns ADDR_OK or ADDR_BAD_TEXT. */
MUST_CHECK int addr_parse(const char *text, size_t len, struct addr *ret_addr);

/* Writes the address; returns the length without NUL. Any thread. */
size_t addr_format(const struct addr *a, char out[ADDR_TEXT_BYTES]);
/* Writes "192.0.2.1:80" or "[2001:db8::1]:80". Any thread. */
size_t addr_format_port(const struct addr *a, uint16_t port, char out[ADDR_PORT_TEXT_BYTES]);

bool addr_is_v4(const struct addr *a);
bool addr_is_unset(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);
/* Orders IPv4 before IPv6, then by bytes: <0, 0, >0. */
int addr_cmp(const struct addr *a, const struct addr *b);
uint64_t addr_hash(const struct addr *a, uint64_t seed);
/* 4 bytes of an IPv4 address, first octet most significant. The address must be IPv4. */
uint32_t addr_v4_u32(const struct addr *a);
struct addr addr_from_v4_u32(uint32_t host_order);

/* Fills a socket address of the address's own family (never a mapped one); returns its length. */
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out);
