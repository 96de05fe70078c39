/* One route as Monalive's BIRD reads it: 19 bytes, no header, no padding (spec/announce.md §1.2).
 *   0  version 4|6   1  address, 16 bytes, IPv4 as ::ffff:a.b.c.d   17 prefix length   18 state 1|0
 * Only host routes exist here: /32 for IPv4, /128 for IPv6. Pure. */
#pragma once

#include "base/addr.h"

enum { BIRD_RECORD_BYTES = 19 };

/* Writes one record. vip must be set: the zero address would be the default route. */
void bird_record_write(uint8_t out[BIRD_RECORD_BYTES], const struct addr *vip, bool announce);
