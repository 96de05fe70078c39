/* Are we blind (decisions 31, 32)? A sample of the newest attempts, one per host, says whether most
 * of what carries traffic failed at once. Pure: time comes in.
 *
 * The window is a list by age of at most 100 hosts. A new result moves its host to the front; the
 * oldest falls out at the other end. Counts are kept at each step, and only when they are bad
 * enough to matter are the entries looked at one by one (100 of them) and the outdated dropped.
 */
#pragma once

#include "base/table.h"
#include "model/ids.h"

enum { BLIND_WINDOW = 100 };

struct blind_config {
	uint64_t max_hold_ns; /* 0: never blind */
	uint64_t max_hold_answered_ns;
	uint32_t min_hosts;
	uint32_t percent;
};

struct blind_sample {
	uint32_t host;
	bool is_bad;
	bool is_answer; /* bad, but an answer */
	uint64_t
		until_ns; /* counts until then: 1.5 spans after it, or after its real was removed */
	uint64_t span_ns; /* 1.5 spans of the check */
};

struct blind_entry {
	uint64_t until_ns;
	uint64_t bad_since_ns; /* first bad one in a row that the window saw; 0: good */
	uint64_t span_ns;
	uint32_t host;
	uint8_t newer, older; /* entry + 1, 0: none */
	bool is_answer;
};

struct blind_counts {
	uint32_t n, n_bad, n_answers;
};

struct blind {
	struct blind_config config;
	struct table places; /* uint8_t by host: entry + 1, 0: not in the window */
	struct blind_entry entries[BLIND_WINDOW];
	uint8_t newest, oldest, free_head; /* entry + 1; free ones are linked by older */
	struct blind_counts counts;        /* of all entries, outdated ones too */
	bool is_active;
	bool is_armed; /* less than half was bad since the last time */
	uint64_t begun_ns;
	uint64_t next_ns; /* when time alone may end it; UINT64_MAX: never */
};

/* Returns 0 or -ENOMEM. */
MUST_CHECK int blind_init(struct blind *b, const struct blind_config *config);
void blind_deinit(struct blind *b);

enum blind_event { BLIND_SAME, BLIND_BEGINS, BLIND_ENDS };
/* One known result of a check whose real carries traffic or did within the last 1.5 spans. */
enum blind_event blind_note(struct blind *b, const struct blind_sample *s, uint64_t now_ns);
/* At blind_next_ns() or later. */
enum blind_event blind_tick(struct blind *b, uint64_t now_ns);
/* The host number is free for another. */
void blind_forget(struct blind *b, uint32_t host);

/* Start of the window's badness: its first bad result, not older than what the window may hold. */
uint64_t blind_first_bad_ns(const struct blind *b, uint64_t now_ns);
