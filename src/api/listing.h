/* GET /v1/services and /v1/reals: what an operator wants to know, for alivectl and scripts.
 *
 * {"generation":N,"now":TIME,"services":[...]} and {...,"reals":[...]}; times are RFC 3339 or null
 * for never; durations are microseconds. Names as in config/name.h. New keys may be added, the
 * present ones stay.
 */
#pragma once

#include "api/walk.h"

extern const struct walk_view listing_services;
extern const struct walk_view listing_reals;

/* "auto" "up" "drain" "down" "weight 10" "weight 50%" */
enum { LISTING_OVERRIDE_BYTES = 24 };
void listing_override_text(uint32_t override, char out[LISTING_OVERRIDE_BYTES]);
