/* What agg has published, as records. */
#include "agg/snapshot_take.h"

#include <pthread.h>

#include "two_lives.h"

static const char pair[] = "vs 1/80 q1 g1; rs 1 w5; ck f2; rs 2 w5; ck f2; vs 1/81 g1; rs 3; ck";

/* Records of the last frame, by tag. */
struct tally_of {
	unsigned services, reals, checks, prefixes;
};

static struct tally_of count(const struct snapshot_bytes *b)
{
	struct tally_of n = {0};
	struct snapshot_cursor c;
	union snapshot_record r;
	struct snapshot s;

	cr_assert_eq(snapshot_open(b->data, b->len, &s), SNAPSHOT_OK);
	c = SNAPSHOT_FIRST(&s);
	while (snapshot_next(&c, &r)) {
		if (c.at <= b->head_at)
			continue;
		n.services += r.tag == SNAPSHOT_SERVICE;
		n.reals += r.tag == SNAPSHOT_REAL;
		n.checks += r.tag == SNAPSHOT_CHECK;
		n.prefixes += r.tag == SNAPSHOT_PREFIX;
	}
	return n;
}

/* The last record of that real. */
static struct snapshot_real real_of(struct fx *x, const struct snapshot_bytes *b, uint32_t r)
{
	const struct addr ip = x->gen->reals[fx_real(x, r)].ip;
	struct snapshot_real found = {.tag = 0};
	struct snapshot_cursor c;
	union snapshot_record record;
	struct snapshot s;

	cr_assert_eq(snapshot_open(b->data, b->len, &s), SNAPSHOT_OK);
	c = SNAPSHOT_FIRST(&s);
	while (snapshot_next(&c, &record)) {
		if (record.tag == SNAPSHOT_REAL && addr_eq(&record.real.ip, &ip))
			found = record.real;
	}
	cr_assert_eq(found.tag, SNAPSHOT_REAL);
	return found;
}

Test(snapshot_take, the_first_take_holds_everything)
{
	struct fx *x = fx_new(NULL, pair);
	struct snapshot_bytes *b;
	struct tally_of n;

	fx_all_up(x);
	b = lives_file(x);
	n = count(b);
	cr_assert_eq(n.services, 2);
	cr_assert_eq(n.reals, 3);
	cr_assert_eq(n.checks, 0, "they are as their reals");
	cr_assert_eq(n.prefixes, 1);
	cr_assert_eq(real_of(x, b, 1).held_weight, 5);
	cr_assert_eq(real_of(x, b, 1).state, STATE_UP);
	snapshot_bytes_free(b);
	fx_free(x);
}

Test(snapshot_take, later_takes_hold_what_changed)
{
	struct fx *x = fx_new(NULL, pair);
	struct snapshot_bytes *b = snapshot_bytes_new();
	struct snapshot_take *t;
	struct tally_of n;

	fx_all_up(x);
	cr_assert_eq(snapshot_take_new(&x->tables, &t), 0);
	lives_take(t, x, b);
	lives_take(t, x, b);
	n = count(b);
	cr_assert_eq(n.services + n.reals + n.prefixes, 0);
	fx_bad(x, 2);
	lives_take(t, x, b);
	cr_assert_eq(count(b).reals, 0, "one bad of two is no change");
	fx_bad(x, 2);
	lives_take(t, x, b);
	n = count(b);
	cr_assert_eq(n.services, 1);
	cr_assert_eq(n.reals, 1);
	cr_assert_eq(real_of(x, b, 2).state, STATE_DOWN);
	cr_assert_eq(real_of(x, b, 2).held_weight, 0);
	snapshot_take_forget(t);
	lives_take(t, x, b);
	cr_assert_eq(count(b).reals, 3);
	snapshot_take_free(t);
	snapshot_bytes_free(b);
	fx_free(x);
}

Test(snapshot_take, checks_that_differ_from_their_real_are_named)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck t1; ck t2; ck t3");
	struct snapshot_bytes *b;

	fx_all_up(x);
	fx_code(x, 1, 1, CODE_REFUSED);
	b = lives_file(x);
	cr_assert_eq(count(b).checks, 2);
	snapshot_bytes_free(b);
	fx_free(x);
}

Test(snapshot_take, an_enable_that_is_not_acknowledged_is_not_held)
{
	struct fx *x = fx_new(NULL, pair);
	struct snapshot_bytes *b;

	fleet_connection(x->fleet, true);
	fx_find(x);
	fx_good(x, 1);
	b = lives_file(x);
	cr_assert_eq(real_of(x, b, 1).state, STATE_UP);
	cr_assert_eq(real_of(x, b, 1).held_weight, 0);
	snapshot_bytes_free(b);
	fx_free(x);
}

Test(snapshot_take, held_weight_is_what_was_acknowledged)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck dyn; rs 2 w10; ck");
	struct snapshot_bytes *b;

	fx_all_up(x);
	fx_weight(x, 1, 0, 30);
	b = lives_file(x);
	cr_assert_eq(real_of(x, b, 1).held_weight, 10, "the increase is on its way");
	snapshot_bytes_free(b);
	fx_deliver(x);
	b = lives_file(x);
	cr_assert_eq(real_of(x, b, 1).held_weight, 30);
	cr_assert_eq(count(b).checks, 1);
	snapshot_bytes_free(b);
	fx_free(x);
}

Test(snapshot_take, held_weight_is_unscaled)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w300; ck; rs 2 w100; ck");
	struct snapshot_bytes *b;

	fx_all_up(x);
	cr_assert_lt(fx_rrow(x, 1)->acked_weight, 300);
	b = lives_file(x);
	cr_assert_eq(real_of(x, b, 1).held_weight, 300);
	snapshot_bytes_free(b);
	fx_free(x);
}

Test(snapshot_take, d44_what_panic_holds_is_written_as_up)
{
	struct fx *x = fx_new(NULL, "vs 1 p1 g1; rs 1 w5; ck; rs 2 w5; ck");
	struct snapshot_bytes *b;

	fx_all_up(x);
	fx_bad(x, 1);
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_FROZEN);
	b = lives_file(x);
	cr_assert_eq(real_of(x, b, 1).state, STATE_UP);
	cr_assert_eq(real_of(x, b, 1).held_weight, 5);
	cr_assert_eq(count(b).checks, 0);
	snapshot_bytes_free(b);
	fx_free(x);
}

Test(snapshot_take, objects_that_left_are_not_written)
{
	struct fx *x = fx_new(NULL, pair);
	struct snapshot_bytes *b;

	fx_all_up(x);
	fx_load(x, "vs 1/80 q1 g1; rs 1 w5; ck f2");
	b = lives_file(x);
	cr_assert_eq(count(b).reals, 1);
	cr_assert_eq(count(b).services, 1);
	snapshot_bytes_free(b);
	fx_free(x);
}

/* A generation that agg has not adopted: its rows are not in use. */
Test(snapshot_take, objects_that_are_not_adopted_are_not_written)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck"), *y = fx_new(NULL, pair);
	struct snapshot_bytes *b = snapshot_bytes_new();
	struct snapshot_take *t;

	cr_assert_eq(snapshot_take_new(&x->tables, &t), 0);
	snapshot_bytes_begin(b, SNAPSHOT_BASE, false);
	snapshot_take_changes(t, y->gen, &b->out);
	snapshot_bytes_end(b);
	cr_assert_eq(count(b).reals, 1);
	snapshot_take_free(t);
	snapshot_bytes_free(b);
	fx_free(x);
	fx_free(y);
}

/* --- while agg writes --------------------------------------------------------------------------
 */

enum { FLAPS = 20000 };

/* The one real that carries the service changes with it, each time with the service first up. */
static void *flap(void *ctx)
{
	struct fx *x = ctx;

	for (int i = 0; i < FLAPS; i++) {
		fx_bad(x, 1);
		fx_deliver(x);
		fx_good(x, 1);
		fx_deliver(x);
	}
	return NULL;
}

Test(snapshot_take, rows_that_move_end_in_the_state_of_the_end, .timeout = 60)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1 w5; ck");
	struct snapshot_bytes *b = snapshot_bytes_new();
	struct snapshot_take *t;
	pthread_t thread;

	fx_all_up(x);
	x->n_events = FX_EVENTS; /* not noted */
	cr_assert_eq(snapshot_take_new(&x->tables, &t), 0);
	cr_assert_eq(pthread_create(&thread, NULL, flap, x), 0);
	for (int i = 0; i < 200; i++)
		lives_take(t, x, b);
	pthread_join(thread, NULL);
	lives_take(t, x, b);
	cr_assert_eq(real_of(x, b, 1).state, STATE_UP);
	cr_assert_eq(real_of(x, b, 1).held_weight, 5);
	snapshot_take_free(t);
	snapshot_bytes_free(b);
	fx_free(x);
}
