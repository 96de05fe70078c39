#include "quorum/tls_facts.h"

enum { DAY_S = 86400 };

/* One that has ended already, too. */
static bool ends_soon(uint32_t expiry_s, uint16_t warn_days, uint64_t wall_s)
{
	return warn_days && expiry_s && expiry_s <= wall_s + (uint64_t)warn_days * DAY_S;
}

static bool is_equal(const struct tls_row *a, const struct tls_row *b)
{
	return a->cert_expiry_s == b->cert_expiry_s && a->version == b->version &&
	       a->cipher == b->cipher && a->flags == b->flags;
}

enum tls_facts_change tls_facts_note(struct tls_facts *f, const struct result *r,
				     uint16_t warn_days, uint64_t wall_s)
{
	struct tls_row *at = state_tls(f->tables, r->check);
	struct tls_row row = {
		.cert_expiry_s = r->cert_expiry_s,
		.version = r->tls_version,
		.cipher = r->tls_cipher,
		.flags = r->flags & RESULT_TLS_RESUMED ? TLS_ROW_RESUMED : 0,
	};
	bool was_soon, is_soon;

	if (!r->tls_version)
		return TLS_FACTS_SAME;
	was_soon = at->flags & TLS_ROW_EXPIRES;
	is_soon = ends_soon(row.cert_expiry_s, warn_days, wall_s);
	row.flags |= is_soon ? TLS_ROW_EXPIRES : 0;
	/* most results say what the one before said */
	if (!is_equal(at, &row))
		seqrow_publish(at, &row, sizeof(row));
	f->n_expiring += (uint32_t)is_soon - (uint32_t)was_soon;
	if (is_soon == was_soon)
		return TLS_FACTS_SAME;
	return is_soon ? TLS_FACTS_EXPIRES_SOON : TLS_FACTS_RENEWED;
}

void tls_facts_forget(struct tls_facts *f, uint32_t check)
{
	static const struct tls_row zero;
	struct tls_row *at = state_tls(f->tables, check);

	if (!at->version)
		return;
	f->n_expiring -= (at->flags & TLS_ROW_EXPIRES) != 0;
	seqrow_publish(at, &zero, sizeof(zero));
}
