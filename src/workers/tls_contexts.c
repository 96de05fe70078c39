#include "workers/tls_contexts.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/hash.h"
#include "config/extras.h"
#include "model/counter.h"
#include "net/tls_ctx.h"

struct tls_contexts_row {
	uint64_t key;
	struct tls_ctx *ctx;
	uint64_t trust_hash; /* meaning only with verify */
	uint32_t used_s;
	uint32_t generation; /* newest that used it */
	bool verifies;
};

/* 0 stands for the system's store: a file's hash that happened to be 0 would share it, so none is.
 */
struct tls_contexts_trust {
	uint64_t hash;
	struct tls_trust *trust;
};

static uint64_t trust_hash(const struct tls_setting *s)
{
	return s->ca ? s->ca->hash | 1 : 0;
}

static uint64_t key_of(const struct tls_contexts_want *w)
{
	return hash_u64((uintptr_t)w->alpn + w->resumes, w->setting->hash);
}

/* --- trust ------------------------------------------------------------------------------------ */

static const struct tls_trust *known_trust(const struct tls_contexts *c, uint64_t hash)
{
	for (uint32_t i = 0; i < c->n_trusts; i++)
		if (c->trusts[i].hash == hash)
			return c->trusts[i].trust;
	return NULL;
}

/* Room for one more row; NULL if there is no memory for it. */
static void *grown(void *rows, uint32_t n, uint32_t *cap, size_t row_bytes)
{
	void *more;

	if (n < *cap)
		return rows;
	more = reallocarray(rows, *cap ? 2 * *cap : 8, row_bytes);
	if (more)
		*cap = *cap ? 2 * *cap : 8;
	return more;
}

static int make_room(struct tls_contexts *c)
{
	struct tls_contexts_row *rows = grown(c->rows, c->n, &c->cap, sizeof(*rows));
	struct tls_contexts_trust *trusts;

	if (!rows)
		return err_origin(-ENOMEM);
	c->rows = rows;
	trusts = grown(c->trusts, c->n_trusts, &c->cap_trusts, sizeof(*trusts));
	if (!trusts)
		return err_origin(-ENOMEM);
	c->trusts = trusts;
	return 0;
}

static int get_trust(struct tls_contexts *c, const struct tls_setting *s,
		     const struct tls_trust **ret_trust)
{
	struct tls_contexts_trust t = {.hash = trust_hash(s)};

	*ret_trust = s->verify ? known_trust(c, t.hash) : NULL;
	if (*ret_trust || !s->verify)
		return 0;
	TRY(tls_trust_new(s->ca ? s->ca->pem : NULL, s->ca ? s->ca->n_bytes : 0, &t.trust));
	c->trusts[c->n_trusts++] = t;
	*ret_trust = t.trust;
	return 0;
}

static bool is_trust_used(const struct tls_contexts *c, uint64_t hash)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->rows[i].verifies && c->rows[i].trust_hash == hash)
			return true;
	return false;
}

static void drop_unused_trusts(struct tls_contexts *c)
{
	for (uint32_t i = 0; i < c->n_trusts;) {
		if (is_trust_used(c, c->trusts[i].hash)) {
			i++;
			continue;
		}
		tls_trust_free(c->trusts[i].trust);
		c->trusts[i] = c->trusts[--c->n_trusts];
	}
}

/* --- contexts --------------------------------------------------------------------------------- */

static struct tls_contexts_row *find(const struct tls_contexts *c, uint64_t key)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->rows[i].key == key)
			return &c->rows[i];
	return NULL;
}

static void drop(struct tls_contexts *c, uint32_t i)
{
	bool verified = c->rows[i].verifies;

	tls_ctx_free(c->rows[i].ctx);
	c->rows[i] = c->rows[--c->n];
	if (verified)
		drop_unused_trusts(c);
}

static void drop_oldest(struct tls_contexts *c)
{
	uint32_t oldest = 0;

	for (uint32_t i = 1; i < c->n; i++)
		if (c->rows[i].used_s < c->rows[oldest].used_s)
			oldest = i;
	drop(c, oldest);
}

static struct tls_bytes bytes_of(const struct tls_file *f)
{
	return f ? (struct tls_bytes){f->pem, f->n_bytes} : (struct tls_bytes){NULL, 0};
}

/* The new one stands last. */
static int make(struct tls_contexts *c, const struct tls_contexts_want *w)
{
	const struct tls_setting *s = w->setting;
	struct tls_contexts_row row = {
		.key = key_of(w), .trust_hash = trust_hash(s), .verifies = s->verify};
	struct tls_options o = {
		.min_version = s->min_version,
		.max_version = s->max_version,
		.resumes = w->resumes,
		.alpn = w->alpn,
		.cert = bytes_of(s->cert),
		.key = bytes_of(s->key),
	};

	if (c->n == TLS_CONTEXTS_MAX)
		drop_oldest(c);
	TRY(make_room(c));
	TRY(get_trust(c, s, &o.trust));
	TRY(tls_ctx_new(&o, &row.ctx));
	counter_add(c->counters, CTR_TLS_CONTEXTS, 1);
	c->rows[c->n++] = row;
	return 0;
}

int tls_contexts_get(struct tls_contexts *c, const struct tls_contexts_want *want, uint64_t now_ns,
		     struct tls_ctx **ret_ctx)
{
	struct tls_contexts_row *row = find(c, key_of(want));

	if (!row) {
		TRY(make(c, want));
		row = &c->rows[c->n - 1];
	}
	row->used_s = (uint32_t)(now_ns / CLK_S);
	row->generation = MAX(row->generation, want->generation);
	c->newest = MAX(c->newest, want->generation);
	*ret_ctx = row->ctx;
	return 0;
}

void tls_contexts_trim(struct tls_contexts *c, uint64_t now_ns)
{
	uint32_t now_s = (uint32_t)(now_ns / CLK_S);

	for (uint32_t i = 0; i < c->n;) {
		const struct tls_contexts_row *row = &c->rows[i];

		if (row->generation < c->newest && now_s - row->used_s >= TLS_CONTEXTS_IDLE_S)
			drop(c, i);
		else
			i++;
	}
}

void tls_contexts_deinit(struct tls_contexts *c)
{
	while (c->n)
		drop(c, c->n - 1);
	drop_unused_trusts(c);
	free(c->rows);
	free(c->trusts);
}
