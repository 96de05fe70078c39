/* The names an operator reads and types (design §11): a service is PROTO/VIP:PORT, as
 * tcp/192.0.2.1:80, udp/[2001:db8::1]:53 or tcp/192.0.2.1 without a port; a real is IP:PORT or IP.
 */
#pragma once

#include "config/gen.h"

enum { NAME_BYTES = 64 };

/* Writes the name of a slot in use; returns its length. Any thread that holds g. */
size_t name_service(const struct generation *g, uint32_t service, char out[NAME_BYTES]);
size_t name_real(const struct generation *g, uint32_t real, char out[NAME_BYTES]);
/* Address with brackets only if a port follows. */
size_t name_address(const struct addr *a, bool has_port, uint16_t port, char out[NAME_BYTES]);

/* Finds what was typed; SLOT_NONE if the text is malformed or there is no such object. */
uint32_t name_find_service(const struct generation *g, const char *text);
uint32_t name_find_real(const struct generation *g, uint32_t service, const char *text);
