/* A generation made by hand for tests of what uses one: one service, one real per check, one
 * profile per check, everything open to change before use. Needs base alone. */
#pragma once

#include "config/gen.h"

enum { GEN_FIXTURE_CHECKS = 4096, GEN_FIXTURE_TEXT_BYTES = 4096 };

/* Large: static or on the heap. Never moves after init. */
struct gen_fixture {
	struct generation gen;
	uint32_t text_len;
	struct service_spec service;
	struct real_spec reals[GEN_FIXTURE_CHECKS];
	struct check_spec checks[GEN_FIXTURE_CHECKS];
	struct check_profile profiles[GEN_FIXTURE_CHECKS];
	uint32_t sequences[GEN_FIXTURE_CHECKS];
	char text[GEN_FIXTURE_TEXT_BYTES];
};

/* Empty, with generation number. */
void gen_fixture_init(struct gen_fixture *f, uint32_t number);
/* Adds a check of ip:port; returns its slot. Interval 1 s, timeouts 1 s, rise and fall 1, status
 * 200, minimum TLS 1.2. Its sequence number is 100 + slot. */
uint32_t gen_fixture_check(struct gen_fixture *f, enum check_kind kind, const char *ip,
			   uint16_t port);
/* A string for gen_strref fields. */
gen_strref gen_fixture_text(struct gen_fixture *f, const char *text);
/* An address from text that is right. */
struct addr gen_fixture_addr(const char *text);
