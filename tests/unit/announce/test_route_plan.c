#include "announce/route_plan.h"

#include "base/clk.h"
#include "unit/announce/announce_fixture.h"

static struct announce_fixture *fix;
static struct route_plan *plan;
static const uint64_t t0 = 1000 * CLK_S;

static void adopt_added(uint32_t n)
{
	struct gen_diff *d = fixture_diff(fixture_added, 0, n);

	cr_assert_eq(route_plan_adopt(plan, &fix->gen, d), 0);
	gen_diff_free(d);
}

static void setup(void)
{
	fix = fixture_new(4);
	plan = route_plan_new(&fix->tables, 2, 0);
	cr_assert(plan);
	adopt_added(4);
}

static void teardown(void)
{
	route_plan_free(plan);
	fixture_free(fix);
}

TestSuite(route_plan, .init = setup, .fini = teardown);

static struct route_list collect(uint16_t group, bool with_announcements, uint64_t now)
{
	struct route_list list;

	cr_assert_eq(route_plan_collect(plan, group, with_announcements, now, &list), 0);
	return list;
}

/* Collects and accepts everything; returns how many there were. */
static uint32_t flush(uint16_t group, uint64_t now)
{
	struct route_list list = collect(group, true, now);

	route_plan_accepted(plan, group, list.at, list.n, now);
	return list.n;
}

static void want(uint32_t prefix, enum state state)
{
	fixture_want(fix, prefix, state);
	route_plan_mark(plan, prefix);
}

Test(route_plan, d28_undecided_prefixes_are_in_no_message)
{
	route_plan_mark_all(plan, 1);
	cr_assert_eq(collect(1, true, t0).n, 0);
	want(1, STATE_UP);
	route_plan_mark_all(plan, 1);
	cr_assert_eq(collect(1, true, t0).n, 1);
}

Test(route_plan, change_is_sent_once)
{
	want(0, STATE_UP);
	cr_assert_eq(flush(1, t0), 1);
	cr_assert_eq(flush(1, t0), 0);
	cr_assert_eq(route_plan_pending(plan, 1), 0);
}

Test(route_plan, a23_unaccepted_change_stays)
{
	want(0, STATE_UP);
	cr_assert_eq(collect(1, true, t0).n, 1); /* the send failed: nothing is accepted */
	cr_assert_eq(collect(1, true, t0).n, 1);
	cr_assert_eq(route_plan_pending(plan, 1), 1);
}

Test(route_plan, up_and_down_before_a_send_cancel_out)
{
	want(0, STATE_DOWN);
	flush(1, t0);
	want(0, STATE_UP);
	want(0, STATE_DOWN);
	cr_assert_eq(collect(1, true, t0).n, 0);
}

Test(route_plan, withdrawals_come_first_and_sorted)
{
	struct route_list list;

	want(3, STATE_UP);
	want(0, STATE_UP);
	want(2, STATE_DOWN);
	want(1, STATE_DOWN);
	list = collect(1, true, t0);
	cr_assert_eq(list.n, 4);
	cr_assert(!list.at[0].announce && list.at[0].prefix == 1);
	cr_assert(!list.at[1].announce && list.at[1].prefix == 2);
	cr_assert(list.at[2].announce && list.at[2].prefix == 0);
	cr_assert(list.at[3].announce && list.at[3].prefix == 3);
}

Test(route_plan, withheld_announcement_stays_pending)
{
	want(0, STATE_UP);
	want(1, STATE_DOWN);
	cr_assert(route_plan_has_withdrawal(plan, 1));
	cr_assert_eq(collect(1, false, t0).n, 1);
	cr_assert_eq(route_plan_pending(plan, 1), 2);
}

Test(route_plan, snapshot_repeats_known_states)
{
	want(0, STATE_UP);
	want(1, STATE_DOWN);
	flush(1, t0);
	route_plan_mark_all(plan, 1);
	cr_assert_eq(flush(1, t0), 2);
	cr_assert_eq(flush(1, t0), 0);
}

Test(route_plan, removed_prefix_is_withdrawn_until_it_was_in_a_snapshot)
{
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *d = fixture_diff(fixture_removed, 2, 1);

	want(2, STATE_UP);
	flush(1, t0);
	next->prefixes[2].first_service = SLOT_NONE;
	cr_assert_eq(route_plan_adopt(plan, &next->gen, d), 0);
	cr_assert_eq(collect(1, true, t0).n, 1);
	cr_assert_eq(flush(1, t0), 1);
	cr_assert_eq(flush(1, t0), 0);
	route_plan_mark_all(plan, 1);
	cr_assert_eq(flush(1, t0), 1, "the withdrawal is part of the first snapshot");
	route_plan_mark_all(plan, 1);
	cr_assert_eq(flush(1, t0), 0, "and of no later one");
	gen_diff_free(d);
	route_plan_free(plan);
	plan = NULL;
	free(next);
}

Test(route_plan, sent_tombstone_is_dropped_when_the_peer_has_it_all)
{
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *d = fixture_diff(fixture_removed, 0, 2);

	next->prefixes[0].first_service = SLOT_NONE;
	next->prefixes[1].first_service = SLOT_NONE;
	cr_assert_eq(route_plan_adopt(plan, &next->gen, d), 0);
	route_plan_drop_sent_tombstones(plan, 1);
	cr_assert_eq(route_plan_pending(plan, 1), 2, "not sent yet");
	route_plan_accepted(plan, 1, collect(1, true, t0).at, 1, t0);
	route_plan_drop_sent_tombstones(plan, 1);
	cr_assert_eq(flush(1, t0), 1);
	route_plan_drop_sent_tombstones(plan, 1);
	route_plan_mark_all(plan, 1);
	cr_assert_eq(route_plan_pending(plan, 1), 0, "both are forgotten");
	gen_diff_free(d);
	free(next);
}

Test(route_plan, removed_prefix_that_comes_back_is_not_withdrawn)
{
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *gone = fixture_diff(fixture_removed, 2, 1);
	struct gen_diff *back = fixture_diff(fixture_added, 2, 1);
	struct route_list list;

	want(2, STATE_UP);
	flush(1, t0);
	next->prefixes[2].first_service = SLOT_NONE;
	cr_assert_eq(route_plan_adopt(plan, &next->gen, gone), 0);
	cr_assert_eq(route_plan_adopt(plan, &fix->gen, back), 0);
	list = collect(1, true, t0);
	cr_assert_eq(list.n, 1);
	cr_assert(list.at[0].announce);
	gen_diff_free(gone);
	gen_diff_free(back);
	free(next);
}

Test(route_plan, d29_moved_prefix_is_announced_in_the_new_group_first)
{
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *d = fixture_diff(fixture_changed, 1, 1);

	want(1, STATE_UP);
	flush(1, t0);
	next->prefixes[1].group = 2;
	cr_assert_eq(route_plan_adopt(plan, &next->gen, d), 0);
	cr_assert_eq(collect(1, true, t0).n, 0, "the old group waits");
	cr_assert_eq(flush(2, t0), 1);
	cr_assert_eq(flush(1, t0), 1, "now it is withdrawn there");
	gen_diff_free(d);
	route_plan_free(plan);
	plan = NULL;
	free(next);
}

Test(route_plan, moved_prefix_that_goes_down_waits_for_nobody)
{
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *d = fixture_diff(fixture_changed, 1, 1);

	want(1, STATE_UP);
	flush(1, t0);
	next->prefixes[1].group = 2;
	cr_assert_eq(route_plan_adopt(plan, &next->gen, d), 0);
	want(1, STATE_DOWN);
	cr_assert_eq(flush(1, t0), 1);
	gen_diff_free(d);
	route_plan_free(plan);
	plan = NULL;
	free(next);
}

Test(route_plan, accepted_routes_are_counted_by_family)
{
	struct announce_fixture *next;
	struct gen_diff *d;
	uint32_t n[ANNOUNCE_FAMILY__N];

	fix->prefixes[3].vip.b[0] = 0x20; /* an IPv6 one */
	for (uint32_t i = 0; i < 4; i++)
		want(i, STATE_UP);
	flush(1, t0);
	flush(1, t0);
	route_plan_count(plan, 1, n);
	cr_assert(n[ANNOUNCE_V4] == 3 && n[ANNOUNCE_V6] == 1);
	want(0, STATE_DOWN);
	flush(1, t0);
	next = fixture_next(fix);
	next->prefixes[1].group = 2;
	d = fixture_diff(fixture_changed, 1, 1);
	cr_assert_eq(route_plan_adopt(plan, &next->gen, d), 0);
	gen_diff_free(d);
	route_plan_count(plan, 1, n);
	cr_assert(n[ANNOUNCE_V4] == 1 && n[ANNOUNCE_V6] == 1, "one down, one moved");
	flush(2, t0);
	route_plan_count(plan, 2, n);
	cr_assert(n[ANNOUNCE_V4] == 1 && n[ANNOUNCE_V6] == 0);
	d = fixture_diff(fixture_removed, 2, 2);
	cr_assert_eq(route_plan_adopt(plan, &next->gen, d), 0);
	gen_diff_free(d);
	route_plan_count(plan, 1, n);
	cr_assert(n[ANNOUNCE_V4] == 0 && n[ANNOUNCE_V6] == 0);
	free(next);
}

Test(route_plan, withdraw_all_covers_undecided_prefixes)
{
	want(0, STATE_UP);
	flush(1, t0);
	route_plan_withdraw_all(plan);
	cr_assert_eq(flush(1, t0), 4);
}

Test(route_plan, b11_nothing_is_announced_after_withdraw_all)
{
	struct route_list list;

	route_plan_withdraw_all(plan);
	want(0, STATE_UP);
	list = collect(1, true, t0);
	for (uint32_t i = 0; i < list.n; i++)
		cr_assert(!list.at[i].announce);
}

Test(route_plan, announcements_per_minute_are_limited_withdrawals_are_not)
{
	uint64_t now = t0;

	route_plan_free(plan);
	plan = route_plan_new(&fix->tables, 1, 2);
	adopt_added(4);
	for (int i = 0; i < 2; i++) {
		want(0, STATE_UP);
		cr_assert_eq(flush(1, now), 1);
		want(0, STATE_DOWN);
		cr_assert_eq(flush(1, now), 1);
	}
	want(0, STATE_UP);
	cr_assert_eq(flush(1, now), 0, "the third announcement within the minute waits");
	cr_assert_eq(route_plan_pending(plan, 1), 1);
	cr_assert_eq(flush(1, now + 61 * CLK_S), 1);
}

Test(route_plan, repetitions_are_no_announcements_of_the_minute)
{
	route_plan_free(plan);
	plan = route_plan_new(&fix->tables, 1, 1);
	adopt_added(4);
	want(0, STATE_UP);
	cr_assert_eq(flush(1, t0), 1);
	for (int i = 0; i < 3; i++) {
		route_plan_mark_all(plan, 1);
		cr_assert_eq(flush(1, t0), 1, "the peer asks again");
	}
	want(0, STATE_DOWN);
	cr_assert_eq(flush(1, t0), 1);
	want(0, STATE_UP);
	route_plan_mark_all(plan, 1);
	cr_assert_eq(flush(1, t0), 0, "no way round the limit");
}

Test(route_plan, ten_thousand_prefixes_are_sent_once)
{
	struct announce_fixture *big = fixture_new(10000);
	struct gen_diff *d = fixture_diff(fixture_added, 0, 10000);

	route_plan_free(plan);
	plan = route_plan_new(&big->tables, 1, 0);
	cr_assert_eq(route_plan_adopt(plan, &big->gen, d), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		fixture_want(big, i, i % 3 ? STATE_UP : STATE_DOWN);
		route_plan_mark(plan, i);
	}
	cr_assert_eq(flush(1, t0), 10000);
	cr_assert_eq(flush(1, t0), 0);
	gen_diff_free(d);
	route_plan_free(plan);
	plan = NULL;
	fixture_free(big);
}

Test(route_plan, merged_groups_are_one)
{
	struct route_plan *merged = route_plan_new(&fix->tables, 2, 0);
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *d = fixture_diff(fixture_added, 0, 4);
	struct route_list list;

	route_plan_merge_groups(merged);
	fix->prefixes[1].group = 2;
	cr_assert_eq(route_plan_adopt(merged, &fix->gen, d), 0);
	gen_diff_free(d);
	for (uint32_t i = 0; i < 4; i++) {
		fixture_want(fix, i, STATE_UP);
		cr_assert_eq(route_plan_mark(merged, i), 1);
	}
	cr_assert_eq(route_plan_collect(merged, 1, true, t0, &list), 0);
	cr_assert_eq(list.n, 4);
	route_plan_accepted(merged, 1, list.at, list.n, t0);
	next->prefixes[0].group = 2; /* to another group: nothing is to be done */
	d = fixture_diff(fixture_changed, 0, 1);
	cr_assert_eq(route_plan_adopt(merged, &next->gen, d), 0);
	gen_diff_free(d);
	cr_assert_eq(route_plan_collect(merged, 1, true, t0, &list), 0);
	cr_assert_eq(list.n, 0, "neither announced again nor withdrawn");
	d = fixture_diff(fixture_removed, 3, 1);
	cr_assert_eq(route_plan_adopt(merged, &next->gen, d), 0);
	gen_diff_free(d);
	cr_assert_eq(route_plan_collect(merged, 1, true, t0, &list), 0);
	cr_assert(list.n == 1 && !list.at[0].announce, "removed");
	route_plan_free(merged);
	free(next);
}
