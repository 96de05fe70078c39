#include "config/slots.h"

#include <stdlib.h>

#include "base/clk.h"
#include "base/table.h"

/* A slot below `end` is in use, or free (its bit is set), or resting (in the queue). Slots from
 * `end` on were never used, so their memory was never touched: books cost what was freed, not what
 * could be. Free slots are found through bitmaps over bitmaps; all rest equally long, so the
 * resting ones leave the queue in the order they came. */

enum { WORD_BITS = 64, LEVELS = 4 }; /* 64^4 slots and more */

struct row {
	uint64_t rested_ns; /* when it may be given again, while it rests */
	uint32_t sequence;
	uint32_t next; /* in the queue: slot + 1, 0 at the end */
};

struct slots {
	uint32_t max;
	uint32_t end;
	uint32_t first_resting, last_resting; /* slot + 1, 0: none */
	struct table rows;
	uint64_t *level[LEVELS]; /* bit i of level[k + 1]: word i of level[k] has a bit set */
};

static size_t words_for(size_t bits)
{
	return (bits + WORD_BITS - 1) / WORD_BITS;
}

static struct row *row_of(const struct slots *s, uint32_t slot)
{
	return table_row(&s->rows, slot);
}

struct slots *slots_new(uint32_t max)
{
	struct slots *s = calloc(1, sizeof(*s));
	size_t bits = max;

	if (!s)
		return NULL;
	s->max = max;
	for (unsigned k = 0; k < LEVELS; k++) {
		bits = words_for(bits);
		s->level[k] = calloc(bits, sizeof(uint64_t));
		if (!s->level[k])
			goto fail;
	}
	if (table_init(&s->rows, sizeof(struct row), max) == 0)
		return s;
fail:
	slots_free(s);
	return NULL;
}

void slots_free(struct slots *s)
{
	if (!s)
		return;
	for (unsigned k = 0; k < LEVELS; k++)
		free(s->level[k]);
	table_deinit(&s->rows);
	free(s);
}

static bool is_free(const struct slots *s, uint32_t slot)
{
	return s->level[0][slot / WORD_BITS] >> slot % WORD_BITS & 1;
}

static void set_free(struct slots *s, uint32_t slot)
{
	for (unsigned k = 0; k < LEVELS; k++, slot /= WORD_BITS)
		s->level[k][slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
}

static void clear_free(struct slots *s, uint32_t slot)
{
	for (unsigned k = 0; k < LEVELS; k++, slot /= WORD_BITS) {
		uint64_t *word = &s->level[k][slot / WORD_BITS];

		*word &= ~(UINT64_C(1) << slot % WORD_BITS);
		if (*word)
			return;
	}
}

/* Lowest free slot, or SLOT_NONE. */
static uint32_t lowest_free(const struct slots *s)
{
	uint32_t at = 0;

	if (s->level[LEVELS - 1][0] == 0)
		return SLOT_NONE;
	for (unsigned k = LEVELS; k-- > 0;)
		at = at * WORD_BITS + (uint32_t)__builtin_ctzll(s->level[k][at]);
	return at;
}

static void end_rests(struct slots *s, uint64_t now_ns)
{
	while (s->first_resting) {
		uint32_t slot = s->first_resting - 1;
		struct row *r = row_of(s, slot);

		if (r->rested_ns > now_ns)
			return;
		s->first_resting = r->next;
		r->rested_ns = 0;
		set_free(s, slot);
	}
	s->last_resting = 0;
}

int slots_take(struct slots *s, uint64_t now_ns, uint32_t *ret_slot)
{
	uint32_t slot;

	end_rests(s, now_ns);
	slot = lowest_free(s);
	if (slot != SLOT_NONE) {
		clear_free(s, slot);
	} else {
		if (s->end == s->max)
			return SLOTS_FULL;
		slot = s->end++;
	}
	*ret_slot = slot;
	return 0;
}

void slots_give(struct slots *s, uint32_t slot, uint64_t now_ns)
{
	struct row *r = row_of(s, slot);

	ASSERT(slot < s->end && !is_free(s, slot) && r->rested_ns == 0);
	r->sequence++;
	r->rested_ns = now_ns + SLOT_REST_S * CLK_S;
	r->next = 0;
	if (s->last_resting)
		row_of(s, s->last_resting - 1)->next = slot + 1;
	else
		s->first_resting = slot + 1;
	s->last_resting = slot + 1;
}

void slots_untake(struct slots *s, uint32_t slot)
{
	ASSERT(slot < s->end && !is_free(s, slot) && row_of(s, slot)->rested_ns == 0);
	set_free(s, slot);
}

uint32_t slots_sequence(const struct slots *s, uint32_t slot)
{
	return row_of(s, slot)->sequence;
}

uint32_t slots_end(const struct slots *s)
{
	return s->end;
}
