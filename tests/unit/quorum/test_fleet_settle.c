/* Services and prefixes: joined members, undecided, announce_hold (decisions 26-30). */
#include "quorum_fixture.h"

/* two services on VIP 1 */
static const char pair[] = "vs 1/80 g1; rs 1; ck; vs 1/81 g1; rs 2; ck";

static enum state port_state(struct fx *x, uint16_t port)
{
	return state_service(&x->tables, fx_service_port(x, 1, port))->state;
}
static bool port_joined(struct fx *x, uint16_t port)
{
	return state_service(&x->tables, fx_service_port(x, 1, port))->flags & SERVICE_ROW_JOINED;
}

static void revive(struct fx *x, uint32_t r)
{
	fx_good(x, r);
	fx_deliver(x);
}

Test(fleet_settle, d27_announced_only_if_every_joined_member_is_up)
{
	struct fx *x = fx_new(NULL, pair);

	fx_find(x);
	revive(x, 1);
	cr_assert_eq(port_state(x, 80), STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UNDECIDED);
	revive(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->n_joined_up, 2);
	fx_bad(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_settle, d28_undecided_until_one_is_down)
{
	struct fx *x = fx_new(NULL, pair);

	fx_find(x);
	revive(x, 1);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), SLOT_NONE, "nothing is said yet");
	fx_bad(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), fx_prefix(x, 1),
		     "withdrawn, though we never announced it");
	fx_free(x);
}

Test(fleet_settle, a25_a_service_added_to_an_announced_vip_does_not_withdraw_it)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck");

	fx_all_up(x);
	x->n_events = 0;
	fx_load(x, pair);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert(!port_joined(x, 81));
	cr_assert_eq(fx_count(x, 'a', true), 1, "announced, never served");
	fx_find(x);
	fx_bad(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP, "it neither withdraws nor blocks");
	revive(x, 2);
	cr_assert(port_joined(x, 81));
	cr_assert_eq(fx_count(x, 'a', false), 1);
	fx_bad(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN, "from now on it counts");
	fx_free(x);
}

Test(fleet_settle, d27_unjoined_does_not_block_a_new_announcement)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck");

	fx_all_up(x);
	fx_load(x, pair);
	fx_bad(x, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_deliver(x);
	revive(x, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, d27_a_member_of_a_withdrawn_prefix_joins_at_once)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck");

	fx_all_up(x);
	fx_bad(x, 1);
	fx_deliver(x);
	fx_load(x, pair);
	cr_assert(port_joined(x, 81));
	revive(x, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN, "it blocks");
	fx_free(x);
}

Test(fleet_settle, a10_a_group_added_to_an_alive_service_announces)
{
	struct fx *x = fx_new(NULL, "vs 1 g0; rs 1; ck");

	fx_all_up(x);
	fx_load(x, "vs 1 g1; rs 1; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), fx_prefix(x, 1));
	fx_load(x, "vs 1; rs 1; ck");
	cr_assert_eq(fx_prefix(x, 1), SLOT_NONE);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	fx_load(x, "vs 1 g1; rs 1; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP, "removed and added again");
	fx_free(x);
}

Test(fleet_settle, a10_an_up_service_that_gets_a_group_joins_an_announced_prefix_at_once)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck; vs 1/81; rs 2; ck");

	fx_all_up(x);
	fx_load(x, pair);
	cr_assert(port_joined(x, 81));
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, d27_without_joined_member_it_stays_until_the_verdict_of_each)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck");

	fx_all_up(x);
	fx_load(x, "vs 1/81 g1; rs 2; ck; vs 1/82 g1; rs 3; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 0);
	fx_find(x);
	revive(x, 2);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 0, "not each has a verdict");
	fx_bad(x, 3);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_settle, d27_without_joined_member_and_all_up_it_never_flaps)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck");

	fx_all_up(x);
	fx_load(x, "vs 1/81 g1; rs 2; ck");
	x->n_events = 0;
	fx_find(x);
	revive(x, 2);
	cr_assert_eq(fx_prow(x, 1)->n_joined_up, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_count(x, 'p', -1), 0);
	fx_free(x);
}

Test(fleet_settle, d27_the_last_joined_leaves_and_a_dead_one_is_left)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck");

	fx_all_up(x);
	fx_load(x, pair);
	fx_find(x);
	fx_bad(x, 2);
	fx_load(x, "vs 1/81 g1; rs 2; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN, "its verdict is known: nothing serves");
	fx_free(x);
}

Test(fleet_settle, removing_the_blocking_member_announces)
{
	struct fx *x = fx_new(NULL, pair);

	fx_all_up(x);
	fx_bad(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_load(x, "vs 1/80 g1; rs 1; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, d29_group_change_is_published_and_dirty)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck");

	fx_all_up(x);
	cr_assert_eq(fx_prow(x, 1)->group, 1);
	fx_load(x, "vs 1 g2; rs 1; ck");
	cr_assert_eq(fx_prow(x, 1)->group, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), fx_prefix(x, 1));
	fx_free(x);
}

Test(fleet_settle, removed_prefix_is_withdrawn_until_it_retires)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck");
	uint32_t p = fx_prefix(x, 1);

	fx_all_up(x);
	fx_adopt(x, "vs 1; rs 1; ck");
	cr_assert_eq(state_prefix(&x->tables, p)->state, STATE_DOWN);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), p);
	cr_assert_eq(fx_count(x, 'p', STATE_DOWN), 1);
	fx_retire(x);
	cr_assert_eq(state_prefix(&x->tables, p)->state, STATE_UNDECIDED);
	cr_assert_eq(state_prefix(&x->tables, p)->flags, 0);
	fx_free(x);
}

Test(fleet_settle, b1_a_storm_of_results_leaves_one_consistent_verdict)
{
	struct fx *x = fx_new(NULL, "vs 1 q2 g1; rs 1; ck; rs 2; ck; rs 3; ck");

	fx_all_up(x);
	for (int i = 0; i < 1000; i++) {
		fx_code(x, 1 + (uint32_t)i % 3, 0, i * 7 % 3 ? CODE_OK : CODE_REFUSED);
		if (i % 5 == 0)
			fx_deliver(x);
		cr_assert_eq(fx_srow(x, 1)->state == STATE_UP, fx_prow(x, 1)->state == STATE_UP);
		cr_assert_eq(fx_srow(x, 1)->state == STATE_UP, fx_srow(x, 1)->weight >= 2);
	}
	fx_free(x);
}

/* --- decisions 30 --- */

static struct fx *holding(const char *text)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.announce_hold_ns = 10 * FX_S;
	x = fx_new(&config, text);
	fx_all_up(x);
	return x;
}

static void fail(struct fx *x, uint32_t r)
{
	fx_bad(x, r);
	fx_deliver(x);
}

Test(fleet_settle, d30_not_at_start)
{
	struct fx *x = holding("vs 1 g1; rs 1; ck");

	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fleet_next_ns(x->fleet), UINT64_MAX);
	fx_free(x);
}

Test(fleet_settle, d30_after_a_failure_it_must_be_ready_that_long)
{
	struct fx *x = holding("vs 1 g1; rs 1; ck");

	fail(x, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN, "a withdrawal never waits");
	x->now += FX_S;
	revive(x, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(fleet_next_ns(x->fleet), x->now + 10 * FX_S);
	x->now += 10 * FX_S - 1;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	x->now += 1;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fleet_next_ns(x->fleet), UINT64_MAX);
	fx_free(x);
}

Test(fleet_settle, d30_a_break_starts_the_wait_anew)
{
	struct fx *x = holding("vs 1 g1; rs 1; ck");

	fail(x, 1);
	revive(x, 1);
	x->now += 6 * FX_S;
	fail(x, 1);
	revive(x, 1);
	x->now += 6 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(fleet_next_ns(x->fleet), x->now + 4 * FX_S);
	x->now += 4 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, d30_not_after_a_reload)
{
	struct fx *x = holding(pair);

	fail(x, 2);
	fx_load(x, "vs 1/80 g1; rs 1; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, d30_a_reload_does_not_cut_a_wait_short)
{
	struct fx *x = holding("vs 1/80 g1; rs 1; ck");

	fail(x, 1);
	revive(x, 1);
	fx_load(x, "vs 1/80 g1; rs 1; ck; rs 9; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	x->now += 10 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, d30_not_after_the_operators_own_withdrawal)
{
	struct fx *x = holding("vs 1 g1; rs 1; ck");

	fleet_override(x->fleet, fx_real(x, 1), OVERRIDE_DOWN, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_deliver(x);
	fleet_override(x->fleet, fx_real(x, 1), OVERRIDE_NONE, x->now);
	fx_deliver(x);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

/* --- announcer.require_local_address --- */

static struct fx *with_addresses(uint64_t announce_hold_ns, const char *text)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.needs_address = true;
	config.announce_hold_ns = announce_hold_ns;
	x = fx_new(&config, text);
	fx_all_up(x);
	return x;
}

static void address(struct fx *x, bool is_there)
{
	fleet_address(x->fleet, fx_prefix(x, 1), is_there, x->now);
}

static const char *reason(struct fx *x)
{
	return prefix_reason_text(fx_prow(x, 1));
}

Test(fleet_settle, address_unknown_announces_nothing)
{
	struct fx *x = with_addresses(0, "vs 1 g1; rs 1; ck");

	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UNDECIDED);
	cr_assert_str_eq(reason(x), "address_unknown");
	address(x, true);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_str_eq(reason(x), "services_up");
	fx_free(x);
}

Test(fleet_settle, address_unknown_does_not_hinder_a_first_withdrawal)
{
	struct fx *x = with_addresses(0, "vs 1 g1; rs 1; ck");

	fail(x, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_str_eq(reason(x), "service_down");
	fx_free(x);
}

Test(fleet_settle, address_missing_withdraws_and_leaves_the_reals_alone)
{
	struct fx *x = with_addresses(0, "vs 1 g1; rs 1; ck");

	address(x, true);
	fx_deliver(x);
	address(x, false);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_str_eq(reason(x), "no_local_address");
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_wish(x, 1).want, FLEET_ENABLE);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), fx_prefix(x, 1));
	address(x, true);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, address_missing_is_a_verdict_for_undecided_services)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.needs_address = true;
	x = fx_new(&config, "vs 1 g1; rs 1; ck");
	address(x, false);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_all_up(x);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN, "up services do not bring the address");
	fx_free(x);
}

Test(fleet_settle, d30_a_missing_address_is_no_failure)
{
	struct fx *x = with_addresses(10 * FX_S, "vs 1 g1; rs 1; ck");

	address(x, true);
	address(x, false);
	address(x, true);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP, "at once");
	fx_free(x);
}

Test(fleet_settle, d30_the_hold_runs_while_the_address_is_away)
{
	struct fx *x = with_addresses(10 * FX_S, "vs 1 g1; rs 1; ck");

	address(x, true);
	fail(x, 1);
	address(x, false);
	revive(x, 1);
	cr_assert_str_eq(reason(x), "no_local_address");
	x->now += 4 * FX_S;
	address(x, true);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN, "the failure counts");
	cr_assert_str_eq(reason(x), "announce_hold");
	address(x, false);
	x->now += 6 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	address(x, true);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP, "the services were ready for 10 s");
	fx_free(x);
}

Test(fleet_settle, address_of_a_prefix_that_a_reload_adds_is_unknown_first)
{
	struct fx *x = with_addresses(0, "vs 1 g1; rs 1; ck");

	address(x, true);
	fx_load(x, "vs 1 g1; rs 1; ck; vs 2 g1; rs 2; ck");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_good(x, 2);
	fx_find(x);
	fx_deliver(x);
	cr_assert_eq(fx_prow(x, 2)->state, STATE_UNDECIDED);
	fleet_address(x->fleet, fx_prefix(x, 2), true, x->now);
	cr_assert_eq(fx_prow(x, 2)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_settle, address_of_a_removed_prefix_says_nothing)
{
	struct fx *x = with_addresses(0, "vs 1 g1; rs 1; ck; vs 2 g1; rs 2; ck");
	uint32_t gone = fx_prefix(x, 2);

	address(x, true);
	fx_load(x, "vs 1 g1; rs 1; ck");
	fleet_address(x->fleet, gone, true, x->now);
	cr_assert_eq(state_prefix(&x->tables, gone)->flags, 0);
	fx_free(x);
}

Test(fleet_settle, address_is_no_matter_unless_it_is_asked_for)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck");

	fx_all_up(x);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}
