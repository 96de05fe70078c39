#include "yanet/slotset.h"

#include <errno.h>

#include "base/err.h"

static uint32_t count_bits(uint64_t word)
{
	return (uint32_t)__builtin_popcountll(word);
}

int slotset_reserve(struct slotset *s, uint32_t end)
{
	uint32_t n_words = (end + 63) / 64;
	uint64_t *words;

	if (n_words <= s->n_words)
		return 0;
	words = realloc(s->words, n_words * sizeof(*words));
	if (!words)
		return err_origin(-ENOMEM);
	memset(words + s->n_words, 0, (n_words - s->n_words) * sizeof(*words));
	s->words = words;
	s->n_words = n_words;
	return 0;
}

void slotset_deinit(struct slotset *s)
{
	free(s->words);
	*s = (struct slotset){0};
}

void slotset_add(struct slotset *s, uint32_t slot)
{
	ASSERT(slot / 64 < s->n_words);
	s->n += !slotset_has(s, slot);
	s->words[slot / 64] |= UINT64_C(1) << (slot % 64);
}

void slotset_remove(struct slotset *s, uint32_t slot)
{
	if (!slotset_has(s, slot))
		return;
	s->n--;
	s->words[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

uint32_t slotset_next(const struct slotset *s, uint32_t from)
{
	uint32_t i = from / 64;
	uint64_t word;

	if (!s->n || i >= s->n_words)
		return SLOT_NONE;
	word = s->words[i] & ~UINT64_C(0) << (from % 64);
	while (!word) {
		if (++i == s->n_words)
			return SLOT_NONE;
		word = s->words[i];
	}
	return i * 64 + (uint32_t)__builtin_ctzll(word);
}

void slotset_clear(struct slotset *s)
{
	if (s->n)
		memset(s->words, 0, s->n_words * sizeof(*s->words));
	s->n = 0;
}

void slotset_fill(struct slotset *s, uint32_t end)
{
	ASSERT(end <= s->n_words * 64);
	for (uint32_t i = 0; i < end / 64; i++)
		s->words[i] = ~UINT64_C(0);
	if (end % 64)
		s->words[end / 64] |= ~(~UINT64_C(0) << (end % 64));
	s->n = 0;
	for (uint32_t i = 0; i < s->n_words; i++)
		s->n += count_bits(s->words[i]);
}

void slotset_move(struct slotset *to, struct slotset *from)
{
	if (!from->n)
		return;
	ASSERT(to->n_words >= from->n_words);
	for (uint32_t i = 0; i < from->n_words; i++) {
		to->n += count_bits(from->words[i] & ~to->words[i]);
		to->words[i] |= from->words[i];
	}
	slotset_clear(from);
}

void slotset_subtract(struct slotset *s, const struct slotset *other)
{
	for (uint32_t i = 0; i < MIN(s->n_words, other->n_words) && s->n && other->n; i++) {
		s->n -= count_bits(s->words[i] & other->words[i]);
		s->words[i] &= ~other->words[i];
	}
}

uint32_t slotset_count_any(const struct slotset *const *sets, unsigned n)
{
	uint32_t n_words = 0, count = 0;

	for (unsigned k = 0; k < n; k++)
		n_words = MAX(n_words, sets[k]->n ? sets[k]->n_words : 0);
	for (uint32_t i = 0; i < n_words; i++) {
		uint64_t word = 0;

		for (unsigned k = 0; k < n; k++)
			word |= i < sets[k]->n_words ? sets[k]->words[i] : 0;
		count += count_bits(word);
	}
	return count;
}
