#include "yanet/yanet_tombs.h"

#include <errno.h>

#include "base/err.h"

void yanet_tombs_deinit(struct yanet_tombs *t)
{
	free(t->at);
	slotset_deinit(&t->waiting);
	*t = (struct yanet_tombs){0};
}

int yanet_tombs_reserve(struct yanet_tombs *t, uint32_t n, uint32_t end)
{
	uint32_t need = t->n + n;
	struct yanet_tomb *at;

	TRY(slotset_reserve(&t->waiting, end));
	if (need <= t->cap)
		return 0;
	at = realloc(t->at, need * sizeof(*at));
	if (!at)
		return err_origin(-ENOMEM);
	t->at = at;
	t->cap = need;
	return 0;
}

void yanet_tombs_add(struct yanet_tombs *t, const struct yanet_tomb *tomb, bool is_waiting)
{
	ASSERT(t->n < t->cap);
	t->at[t->n++] = *tomb;
	if (is_waiting)
		slotset_add(&t->waiting, tomb->slot);
}

/* Keeps order and the border between sent and unsent. */
static void keep_if(struct yanet_tombs *t, bool (*keeps)(struct yanet_tomb *, const void *),
		    const void *ctx)
{
	uint32_t n = 0, n_sent = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (keeps(&t->at[i], ctx)) {
			n_sent += i < t->n_sent;
			t->at[n++] = t->at[i];
		} else {
			slotset_remove(&t->waiting, t->at[i].slot);
		}
	}
	t->n = n;
	t->n_sent = n_sent;
}

static bool is_gone(struct yanet_tomb *tomb, const void *ctx)
{
	const struct generation *gen = ctx;
	const struct yanet_key *k = &tomb->key;
	uint32_t service =
		gen_find_service(gen, &k->vip, k->has_vport, k->vport, (enum l4_proto)k->proto);

	return service == SLOT_NONE ||
	       gen_find_real(gen, service, &k->rip, k->has_rport, k->rport) == SLOT_NONE;
}

void yanet_tombs_revive(struct yanet_tombs *t, const struct generation *gen)
{
	keep_if(t, is_gone, gen);
}

void yanet_tombs_release(struct yanet_tombs *t, uint32_t slot)
{
	slotset_remove(&t->waiting, slot);
}

static bool may_go(const struct yanet_tombs *t, uint32_t i, uint64_t now_ns)
{
	return now_ns >= t->wait_until_ns || !slotset_has(&t->waiting, t->at[i].slot);
}

bool yanet_tombs_has_unsent(const struct yanet_tombs *t, uint64_t now_ns)
{
	/* a waiting slot may belong to a sent one: then this asks once too often */
	return t->n > t->n_sent && (now_ns >= t->wait_until_ns || t->n - t->n_sent > t->waiting.n);
}

const struct yanet_tomb *yanet_tombs_next(const struct yanet_tombs *t, uint64_t now_ns,
					  uint32_t *from)
{
	for (uint32_t i = MAX(*from, t->n_sent); i < t->n; i++) {
		if (may_go(t, i, now_ns)) {
			*from = i;
			return &t->at[i];
		}
	}
	*from = t->n;
	return NULL;
}

void yanet_tombs_mark_sent(struct yanet_tombs *t, uint32_t i)
{
	struct yanet_tomb tomb = t->at[i];

	ASSERT(i >= t->n_sent && i < t->n);
	slotset_remove(&t->waiting, tomb.slot);
	t->at[i] = t->at[t->n_sent];
	t->at[t->n_sent++] = tomb;
}

void yanet_tombs_flushed(struct yanet_tombs *t)
{
	if (!t->n_sent)
		return;
	t->n -= t->n_sent;
	memmove(t->at, t->at + t->n_sent, t->n * sizeof(*t->at));
	t->n_sent = 0;
	if (!t->n) {
		free(t->at);
		t->at = NULL;
		t->cap = 0;
	}
}

void yanet_tombs_lost(struct yanet_tombs *t)
{
	t->n_sent = 0;
}

static bool has_modules(struct yanet_tomb *tomb, const void *ctx)
{
	tomb->modules &= ~*(const uint32_t *)ctx;
	return tomb->modules != 0;
}

void yanet_tombs_forget_modules(struct yanet_tombs *t, uint32_t modules)
{
	if (modules)
		keep_if(t, has_modules, &modules);
}
