#include "quorum/marks.h"

#include <errno.h>

#include "base/err.h"

int marks_init(struct marks *m, uint32_t max)
{
	uint32_t n_words = max;

	*m = (struct marks){.n = 0};
	for (int level = 0; level < MARKS_LEVELS; level++) {
		n_words = n_words / 64 + 1;
		if (table_init(&m->levels[level], sizeof(uint64_t), n_words) < 0) {
			marks_deinit(m);
			return err_origin(-ENOMEM);
		}
	}
	return 0;
}

void marks_deinit(struct marks *m)
{
	for (int level = 0; level < MARKS_LEVELS; level++)
		table_deinit(&m->levels[level]);
}

void marks_add(struct marks *m, uint32_t slot)
{
	uint64_t *word = marks_word(m, 0, slot / 64);

	if (*word >> slot % 64 & 1)
		return;
	m->n++;
	for (int level = 0; level < MARKS_LEVELS; level++, slot /= 64)
		*marks_word(m, level, slot / 64) |= UINT64_C(1) << slot % 64;
}

void marks_remove(struct marks *m, uint32_t slot)
{
	if (!marks_has(m, slot))
		return;
	m->n--;
	for (int level = 0; level < MARKS_LEVELS; level++, slot /= 64) {
		uint64_t *word = marks_word(m, level, slot / 64);

		*word &= ~(UINT64_C(1) << slot % 64);
		if (*word)
			return;
	}
}

/* First non-zero word of the topmost level at or after word i, as a bit position of that level;
 * SLOT_NONE: none. */
static uint32_t next_on_top(const struct marks *m, uint32_t i)
{
	for (; i < m->levels[MARKS_LEVELS - 1].max_rows; i++) {
		uint64_t word = *marks_word(m, MARKS_LEVELS - 1, i);

		if (word)
			return i * 64 + (uint32_t)__builtin_ctzll(word);
	}
	return SLOT_NONE;
}

static uint32_t descend(const struct marks *m, int level, uint32_t at)
{
	while (level-- > 0)
		at = at * 64 + (uint32_t)__builtin_ctzll(*marks_word(m, level, at));
	return at;
}

uint32_t marks_next(const struct marks *m, uint32_t from)
{
	uint32_t at = from;

	if (!m->n)
		return SLOT_NONE;
	for (int level = 0; level < MARKS_LEVELS; level++) {
		uint64_t word = 0;

		if (at / 64 < m->levels[level].max_rows)
			word = *marks_word(m, level, at / 64) & ~UINT64_C(0) << at % 64;
		if (word) {
			at = at / 64 * 64 + (uint32_t)__builtin_ctzll(word);
			return descend(m, level, at);
		}
		at = at / 64 + 1;
	}
	at = next_on_top(m, at);
	return at == SLOT_NONE ? SLOT_NONE : descend(m, MARKS_LEVELS - 1, at);
}

uint32_t marks_take(struct marks *m)
{
	uint32_t slot = marks_next(m, 0);

	if (slot != SLOT_NONE)
		marks_remove(m, slot);
	return slot;
}
