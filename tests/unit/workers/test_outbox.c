#include "workers/outbox.h"

#include <criterion/criterion.h>

#include "base/clk.h"
#include "lib/gen_fixture.h"

static struct port port;
static struct wake agg_bell;
static struct state_tables tables;
static struct counters counters;
static struct generation gen = {.number = 0x1234};
static struct outbox box;

static void begin(uint32_t slots)
{
	cr_assert_eq(wake_init(&agg_bell), 0);
	cr_assert_eq(port_init(&port, slots, &agg_bell), 0);
	cr_assert_eq(state_tables_init(&tables), 0);
	box = (struct outbox){&port, &tables, &counters, false};
}

static void put(enum check_code code, int32_t weight)
{
	struct job j = {.check = 3, .sequence = 9, .generation = &gen, .number = 5, .attempt = 2};
	struct result r = {.code = (uint16_t)code, .weight = weight};

	outbox_put(&box, &j, &r, 77);
}

static void is_word(enum state s, uint8_t flags, uint16_t weight)
{
	state_check(&tables, 3)->word = check_word_make(s, flags, weight);
}

/* Publishes; true if agg was woken. */
static bool rings(void)
{
	uint64_t before = counter_get(&counters, CTR_DOORBELLS);

	wake_arm(&agg_bell);
	outbox_publish(&box);
	wake_disarm(&agg_bell);
	return counter_get(&counters, CTR_DOORBELLS) > before;
}

Test(outbox, decisions_3_result_and_done_come_in_pairs_with_the_jobs_numbers)
{
	const struct result *r;
	const struct done *d;

	begin(8);
	put(CODE_HTTP_STATUS, -1);
	cr_assert_null(ring_peek(&port.results), "staged only");
	cr_assert_null(ring_peek(&port.dones));
	outbox_publish(&box);
	r = ring_peek(&port.results);
	d = ring_peek(&port.dones);
	cr_assert_eq(r->check, 3);
	cr_assert_eq(r->sequence, 9);
	cr_assert_eq(r->attempt, 2);
	cr_assert_eq(r->generation, 0x1234);
	cr_assert_eq(r->verdict, VERDICT_BAD);
	cr_assert_eq(r->layer, LAYER_HTTP);
	cr_assert_eq(d->check, 3);
	cr_assert_eq(d->number, 5);
	cr_assert_eq(d->generation, 0x34);
	cr_assert_eq(d->verdict, VERDICT_BAD);
	cr_assert_eq(d->end_ns, 77);
}

Test(outbox, decisions_3_room_is_asked_of_both_rings)
{
	begin(4);
	cr_assert(outbox_has_room(&box, 3));
	cr_assert(!outbox_has_room(&box, 4));
	for (int i = 0; i < 4; i++)
		put(CODE_OK, -1);
	cr_assert(!outbox_has_room(&box, 0));
	outbox_publish(&box);
	for (int i = 0; i < 2; i++) {
		cr_assert_not_null(ring_peek(&port.results));
		ring_release(&port.results);
	}
	cr_assert(!outbox_has_room(&box, 0), "dones are still full");
	cr_assert_not_null(ring_peek(&port.dones));
	ring_release(&port.dones);
	cr_assert(outbox_has_room(&box, 0));
	cr_assert(!outbox_has_room(&box, 1), "one of the two rings has one slot");
}

/* The producer's copy of the consumer's index is old, but not full: room for all that is in flight
 * must be seen at once, not when the ring looks full. */
Test(outbox, freed_slots_are_seen_before_the_ring_looks_full)
{
	begin(8);
	for (int i = 0; i < 3; i++) {
		put(CODE_OK, -1);
		outbox_publish(&box);
		ring_peek(&port.results);
		ring_release(&port.results);
		ring_peek(&port.dones);
		ring_release(&port.dones);
	}
	cr_assert(outbox_has_room(&box, 7));
}

Test(outbox, decisions_4_bad_rings_the_bell)
{
	begin(16);
	is_word(STATE_DOWN, 0, 0);
	put(CODE_REFUSED, -1);
	cr_assert(rings());
}

Test(outbox, decisions_4_good_rings_only_if_the_check_is_not_up)
{
	begin(16);
	is_word(STATE_UNDECIDED, 0, 0);
	put(CODE_OK, -1);
	cr_assert(rings());
	is_word(STATE_DOWN, 0, 0);
	put(CODE_OK, -1);
	cr_assert(rings());
	is_word(STATE_UP, 0, 0);
	put(CODE_OK, -1);
	cr_assert(!rings());
	cr_assert_not_null(ring_peek(&port.results), "published all the same");
}

Test(outbox, decisions_4_new_weight_rings)
{
	begin(16);
	is_word(STATE_UP, 0, 10);
	put(CODE_OK, 10);
	cr_assert(rings(), "none was known");
	is_word(STATE_UP, CHECK_ROW_WEIGHT_KNOWN, 10);
	put(CODE_OK, 10);
	cr_assert(!rings());
	put(CODE_OK, 11);
	cr_assert(rings());
	put(CODE_OK, -1);
	cr_assert(!rings());
}

Test(outbox, unknown_rings_only_for_a_missing_route)
{
	begin(16);
	put(CODE_FD_LIMIT, -1);
	cr_assert(!rings());
	put(CODE_NO_ROUTE, -1);
	cr_assert(rings(), "agg may believe it (decisions 14)");
}

Test(outbox, batch_rings_once_if_any_of_it_is_urgent)
{
	begin(16);
	is_word(STATE_UP, 0, 0);
	put(CODE_OK, -1);
	put(CODE_REFUSED, -1);
	put(CODE_OK, -1);
	cr_assert(rings());
	cr_assert_eq(counter_get(&counters, CTR_DOORBELLS), 1);
	put(CODE_OK, -1);
	cr_assert(!rings(), "urgency does not outlive its batch");
}
