#include "quorum/hosts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

enum { FIRST_INDEX = 64 };
#define HOSTS_TOMB UINT32_MAX
#define HASH_SEED  UINT64_C(0x5eed0f0a11ed)

struct host {
	uint32_t fingerprint; /* upper half of the hash; next free row + 1 while unused */
	uint32_t n_reals;
};

static struct host *row(const struct hosts *h, uint32_t host)
{
	return table_row(&h->rows, host);
}

int hosts_init(struct hosts *h)
{
	*h = (struct hosts){.n_hosts = 0};
	return table_init(&h->rows, sizeof(struct host), MAX_REALS);
}

void hosts_deinit(struct hosts *h)
{
	table_deinit(&h->rows);
	free(h->index);
	h->index = NULL;
}

/* Puts a host into a fresh index unless it is there. */
static void put_again(uint32_t *index, uint32_t mask, uint64_t hash, uint32_t host)
{
	uint32_t i = (uint32_t)hash & mask;

	while (index[i] && index[i] != host + 1)
		i = (i + 1) & mask;
	index[i] = host + 1;
}

int hosts_reserve(struct hosts *h, uint32_t n, const struct generation *g,
		  const struct state_tables *t)
{
	uint64_t needed = (uint64_t)h->n_hosts + n;
	uint32_t size = MAX(h->n_index, (uint32_t)FIRST_INDEX);
	uint32_t *index;

	if (((uint64_t)h->n_entries + n) * 3 <= (uint64_t)h->n_index * 2)
		return 0;
	while (needed * 3 > (uint64_t)size * 2)
		size *= 2;
	index = calloc(size, sizeof(*index));
	if (!index)
		return err_origin(-ENOMEM);
	for (uint32_t real = 0; g && real < g->end_reals; real++) {
		if (gen_real_in_use(g, real))
			put_again(index, size - 1, addr_hash(&g->reals[real].ip, HASH_SEED),
				  state_real(t, real)->host);
	}
	free(h->index);
	h->index = index;
	h->n_index = size;
	h->n_entries = h->n_hosts;
	return 0;
}

/* Place of the address in the index, or of the first entry that it could take. */
static uint32_t find(const struct hosts *h, uint64_t hash)
{
	uint32_t mask = h->n_index - 1, i = (uint32_t)hash & mask, tomb = UINT32_MAX;

	for (; h->index[i]; i = (i + 1) & mask) {
		if (h->index[i] == HOSTS_TOMB)
			tomb = MIN(tomb, i);
		else if (row(h, h->index[i] - 1)->fingerprint == (uint32_t)(hash >> 32))
			return i;
	}
	return tomb == UINT32_MAX ? i : tomb;
}

static uint32_t new_row(struct hosts *h, uint32_t fingerprint)
{
	uint32_t host = h->free_head - 1;

	if (h->free_head)
		h->free_head = row(h, host)->fingerprint;
	else
		host = h->end++;
	*row(h, host) = (struct host){.fingerprint = fingerprint};
	h->n_hosts++;
	return host;
}

uint32_t hosts_take(struct hosts *h, const struct addr *ip)
{
	uint64_t hash = addr_hash(ip, HASH_SEED);
	uint32_t i = find(h, hash), entry = h->index[i];

	if (entry == 0 || entry == HOSTS_TOMB) {
		h->n_entries += entry == 0;
		ASSERT(h->n_entries < h->n_index);
		h->index[i] = new_row(h, (uint32_t)(hash >> 32)) + 1;
	}
	row(h, h->index[i] - 1)->n_reals++;
	return h->index[i] - 1;
}

bool hosts_give(struct hosts *h, uint32_t host, const struct addr *ip)
{
	uint32_t i;

	if (--row(h, host)->n_reals > 0)
		return false;
	i = find(h, addr_hash(ip, HASH_SEED));
	ASSERT(h->index[i] == host + 1);
	h->index[i] = HOSTS_TOMB;
	h->n_hosts--;
	row(h, host)->fingerprint = h->free_head;
	h->free_head = host + 1;
	return true;
}
