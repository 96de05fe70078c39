/* Words → values, each type with its own checks. Every refusal is reported at the word. */
#pragma once

#include "config/services_run.h"

enum { SERVICES_VALUE_BAD = 1 };

/* The value that a statement of row gives; texts go to the run's arena. Returns 0,
 * SERVICES_VALUE_BAD (reported) or -ENOMEM. */
MUST_CHECK int services_value_parse(struct services_run *run, const struct services_row *row,
				    const struct services_lex_statement *st,
				    union services_value *ret);
/* Address and port in the head of a service or real. Return 0 or SERVICES_VALUE_BAD (reported). */
MUST_CHECK int services_value_addr(struct services_run *run, const struct services_lex_word *w,
				   struct addr *ret);
/* An empty word is no port. */
MUST_CHECK int services_value_port(struct services_run *run, const struct services_lex_word *w,
				   uint16_t *ret_port, bool *ret_has_port);
/* A decimal number, with or without + before it. */
bool services_value_number(const struct services_lex_word *w, uint64_t *ret);

struct services_choice {
	const char *name;
	uint8_t value;
};
/* The one of n choices that the word is, or NULL. */
const struct services_choice *services_value_choose(const struct services_lex_word *w,
						    const struct services_choice *from, size_t n,
						    bool any_case);
/* The same as a warning. */
void services_value_warn(struct services_run *run, const struct services_lex_word *w,
			 const char *hint, const char *problem);
/* Reports "'WORD' PROBLEM" at the word. Returns SERVICES_VALUE_BAD. */
int services_value_refuse(struct services_run *run, const struct services_lex_word *w,
			  const char *hint, const char *problem);
