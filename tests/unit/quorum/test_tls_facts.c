#include "quorum/tls_facts.h"

#include <criterion/criterion.h>

enum { DAY_S = 86400, NOW_S = 2000000 };

static struct state_tables tables;
static struct tls_facts facts;

static void setup(void)
{
	cr_assert_eq(state_tables_init(&tables), 0);
	facts = (struct tls_facts){.tables = &tables};
}

static void teardown(void)
{
	state_tables_deinit(&tables);
}

TestSuite(tls_facts, .init = setup, .fini = teardown);

static enum tls_facts_change note(uint32_t check, uint32_t expiry_s, uint16_t warn_days)
{
	const struct result r = {.check = check,
				 .code = CODE_HTTP_STATUS,
				 .cert_expiry_s = expiry_s,
				 .tls_version = 0x0304,
				 .tls_cipher = 0x1301};

	return tls_facts_note(&facts, &r, warn_days, NOW_S);
}

Test(tls_facts, latest_handshake_is_kept)
{
	struct result r = {.check = 7,
			   .cert_expiry_s = 5,
			   .tls_version = 0x0303,
			   .tls_cipher = 0xc02f,
			   .flags = RESULT_TLS_RESUMED | RESULT_DRAIN};
	const struct tls_row *row = state_tls(&tables, 7);
	uint32_t seq;

	tls_facts_note(&facts, &r, 0, NOW_S);
	cr_assert_eq(row->cert_expiry_s, 5);
	cr_assert_eq(row->version, 0x0303);
	cr_assert_eq(row->cipher, 0xc02f);
	cr_assert_eq(row->flags, TLS_ROW_RESUMED);
	/* nothing new: nothing written */
	seq = row->seq;
	tls_facts_note(&facts, &r, 0, NOW_S);
	cr_assert_eq(row->seq, seq);
	r.flags = 0;
	tls_facts_note(&facts, &r, 0, NOW_S);
	cr_assert_neq(row->seq, seq);
	cr_assert_eq(row->flags, 0);
}

Test(tls_facts, failure_before_the_handshake_keeps_what_is_known)
{
	note(7, 5 * DAY_S + NOW_S, 10);
	cr_assert_eq(tls_facts_note(&facts, &(struct result){.check = 7, .code = CODE_REFUSED}, 10,
				    NOW_S),
		     TLS_FACTS_SAME);
	cr_assert_eq(state_tls(&tables, 7)->version, 0x0304);
	cr_assert_eq(facts.n_expiring, 1);
}

Test(tls_facts, warning_begins_and_ends_once)
{
	cr_assert_eq(note(7, NOW_S + 10 * DAY_S + 1, 10), TLS_FACTS_SAME);
	cr_assert_eq(note(7, NOW_S + 10 * DAY_S, 10), TLS_FACTS_EXPIRES_SOON);
	cr_assert_eq(note(7, NOW_S + 9 * DAY_S, 10), TLS_FACTS_SAME);
	cr_assert_eq(note(7, NOW_S - 1, 10), TLS_FACTS_SAME, "one that has ended is no news");
	cr_assert_eq(note(8, 1, 10), TLS_FACTS_EXPIRES_SOON, "ended before it was seen");
	cr_assert_eq(facts.n_expiring, 2);
	cr_assert_eq(note(7, NOW_S + 90 * DAY_S, 10), TLS_FACTS_RENEWED);
	cr_assert_eq(note(8, 1, 0), TLS_FACTS_RENEWED, "no warning is asked for any more");
	cr_assert_eq(facts.n_expiring, 0);
}

Test(tls_facts, nobody_is_warned_unasked)
{
	cr_assert_eq(note(7, 1, 0), TLS_FACTS_SAME);
	cr_assert_eq(note(8, 0, UINT16_MAX), TLS_FACTS_SAME, "an unknown end is no end");
	cr_assert_eq(note(9, NOW_S + 65535u * DAY_S, UINT16_MAX), TLS_FACTS_EXPIRES_SOON);
	cr_assert_eq(facts.n_expiring, 1);
}

Test(tls_facts, check_that_is_gone_warns_no_more)
{
	note(7, 1, 10);
	note(8, 1, 10);
	tls_facts_forget(&facts, 7);
	tls_facts_forget(&facts, 7);
	tls_facts_forget(&facts, 1000);
	cr_assert_eq(facts.n_expiring, 1);
	cr_assert_eq(state_tls(&tables, 7)->version, 0);
	cr_assert_eq(note(7, 1, 10), TLS_FACTS_EXPIRES_SOON);
}
