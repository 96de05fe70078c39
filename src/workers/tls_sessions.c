#include "workers/tls_sessions.h"

#include "config/gen.h"
#include "net/tls.h"

struct tls_sessions_row {
	struct ssl_session_st *session;
	uint64_t key;
	uint32_t sequence;
	uint32_t cert_expiry_s;
	uint32_t n_resumed; /* since the last full handshake */
	uint32_t spare;
};
static_assert(sizeof(struct tls_sessions_row) == 32, "no padding");

int tls_sessions_init(struct tls_sessions *s)
{
	return table_init(&s->rows, sizeof(struct tls_sessions_row), MAX_CHECKS);
}

static struct tls_sessions_row *row_at(const struct tls_sessions *s, uint32_t check)
{
	return table_row(&s->rows, check);
}

static void drop(struct tls_sessions *s, struct tls_sessions_row *row)
{
	if (!row->session)
		return;
	tls_session_free(row->session);
	*row = (struct tls_sessions_row){0};
	s->n_kept--;
}

void tls_sessions_deinit(struct tls_sessions *s)
{
	for (uint32_t i = 0; i < s->end; i++)
		drop(s, row_at(s, i));
	table_deinit(&s->rows);
}

static bool is_usable(const struct tls_sessions_row *row, const struct tls_sessions_owner *o,
		      uint32_t wall_s)
{
	if (row->sequence != o->sequence || row->key != o->key)
		return false;
	return !o->ends_with_cert || row->cert_expiry_s > wall_s;
}

struct ssl_session_st *tls_sessions_get(struct tls_sessions *s, const struct tls_sessions_owner *o,
					uint32_t wall_s)
{
	struct tls_sessions_row *row;

	if (o->check >= s->end)
		return NULL;
	row = row_at(s, o->check);
	if (!row->session)
		return NULL;
	if (!is_usable(row, o, wall_s)) {
		drop(s, row);
		return NULL;
	}
	if (o->reuse == SESSION_REUSE_AUTO && row->n_resumed >= TLS_SESSIONS_FULL_EACH - 1)
		return NULL;
	return row->session;
}

static bool is_to_forget(const struct tls_sessions_owner *o, const struct tls_sessions_end *end)
{
	return end->was_tls_fault || (o->reuse == SESSION_REUSE_AUTO && !end->was_good);
}

void tls_sessions_put(struct tls_sessions *s, const struct tls_sessions_owner *o,
		      const struct tls_sessions_end *end)
{
	struct tls_sessions_row *row = row_at(s, o->check);
	uint32_t n_resumed = end->was_resumed ? row->n_resumed + 1 : 0;

	if (is_to_forget(o, end)) {
		tls_session_free(end->session);
		if (o->check < s->end)
			drop(s, row);
		return;
	}
	if (!end->session)
		return;
	/* the row's own one may come back: it has two references then, and loses one here */
	if (row->session)
		drop(s, row);
	*row = (struct tls_sessions_row){
		.session = end->session,
		.key = o->key,
		.sequence = o->sequence,
		.cert_expiry_s = end->cert_expiry_s,
		.n_resumed = n_resumed,
	};
	s->n_kept++;
	s->end = MAX(s->end, o->check + 1);
}

void tls_sessions_sweep(struct tls_sessions *s, const struct generation *gen)
{
	if (s->n_kept == 0)
		return;
	for (int i = 0; i < TLS_SESSIONS_SWEEP_ROWS; i++) {
		uint32_t check = s->cursor < s->end ? s->cursor : 0;
		struct tls_sessions_row *row = row_at(s, check);

		s->cursor = check + 1;
		if (row->session &&
		    (!gen_check_in_use(gen, check) || gen->check_sequence[check] != row->sequence))
			drop(s, row);
	}
}
