/* Several backends behind one contract: scripted ones, whose peers come and go. */
#include "announce/announce_multi.h"

#include <errno.h>

#include "announce/announce_backend.h"
#include "unit/announce/announce_fixture.h"

struct script {
	struct announcer base;
	bool is_there, is_idle, is_refusing;
	unsigned n_dirty, n_warm, n_withdraw, n_adopt, n_freed;
};

static struct script scripts[2] = {{.is_there = true}, {.is_there = true}};
static struct announce_fixture *fix;
static struct app_config app;
static struct counters counters;
static struct announcer *multi;
static unsigned n_told[3], n_peer;
static enum state accepted[4][ANNOUNCE_MAX_BACKENDS];

static struct script *of(struct announcer *a)
{
	return CONTAINER_OF(a, struct script, base);
}

static void script_free(struct announcer *a)
{
	of(a)->n_freed++;
}

static int script_adopt(struct announcer *a, const struct generation *gen,
			const struct gen_diff *diff)
{
	(void)gen;
	(void)diff;
	of(a)->n_adopt++;
	return of(a)->is_refusing ? -ENOMEM : 0;
}

static void script_dirty(struct announcer *a, uint32_t prefix)
{
	(void)prefix;
	of(a)->n_dirty++;
}

static void script_warm(struct announcer *a)
{
	of(a)->n_warm++;
}

static void script_withdraw(struct announcer *a)
{
	of(a)->n_withdraw++;
}

static bool script_is_idle(const struct announcer *a)
{
	return CONTAINER_OF(a, struct script, base)->is_idle;
}

static bool script_is_there(const struct announcer *a, uint16_t group)
{
	(void)group;
	return CONTAINER_OF(a, struct script, base)->is_there;
}

static uint32_t script_rows(const struct announcer *a,
			    struct announce_row rows[ANNOUNCE_MAX_BACKENDS])
{
	bool is_first = CONTAINER_OF(a, struct script, base) == &scripts[0];

	rows[0] = (struct announce_row){.backend = is_first ? ANNOUNCER_BIRD : ANNOUNCER_BIRD2,
					.n_groups = 2};
	rows[0].groups[0] = (struct announce_group_row){.is_synced = 1, .unsent = 3};
	rows[0].groups[1].is_synced = is_first;
	return 1;
}

static const struct announcer_ops script_ops = {
	.free = script_free,
	.adopt = script_adopt,
	.dirty = script_dirty,
	.warm = script_warm,
	.withdraw_all = script_withdraw,
	.is_idle = script_is_idle,
	.peer_is_there = script_is_there,
	.rows = script_rows,
};

static int make(enum announcer_backend backend, const struct announcer_args *args,
		struct announcer **ret)
{
	struct script *s = &scripts[backend == ANNOUNCER_BIRD ? 0 : 1];

	s->base = (struct announcer){.ops = &script_ops, .args = *args};
	*ret = &s->base;
	return 0;
}

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	(void)ctx;
	(void)prefix;
	n_told[state]++;
}

static void on_accepted(void *ctx, uint32_t prefix, unsigned backend, enum state state)
{
	(void)ctx;
	cr_assert_lt(backend, ANNOUNCE_MAX_BACKENDS);
	accepted[prefix][backend] = state;
}

static void on_peer(void *ctx)
{
	(void)ctx;
	n_peer++;
}

static void setup(void)
{
	struct announcer_args args = {
		.counters = &counters,
		.app = &app,
		.hooks = {.sent = on_sent, .accepted = on_accepted, .peer_changed = on_peer}};
	struct gen_diff *d = fixture_diff(fixture_added, 0, 4);

	fix = fixture_new(4);
	args.tables = &fix->tables;
	app.announcer.backend = ANNOUNCER_BIRD | ANNOUNCER_BIRD_LIST;
	cr_assert_eq(announce_multi_new(&args, make, &multi), 0);
	cr_assert_eq(announcer_adopt(multi, &fix->gen, d), 0);
	gen_diff_free(d);
}

static void teardown(void)
{
	announcer_free(multi);
	cr_assert(scripts[0].n_freed == 1 && scripts[1].n_freed == 1);
	fixture_free(fix);
}

TestSuite(announce_multi, .init = setup, .fini = teardown);

static void sent(unsigned who, uint32_t prefix, enum state state)
{
	const struct announcer_hooks *h = &scripts[who].base.args.hooks;

	h->sent(h->ctx, prefix, state);
}

static void peer(unsigned who, bool is_there)
{
	scripts[who].is_there = is_there;
	announcer_peer_changed(&scripts[who].base);
}

Test(announce_multi, orders_go_to_every_backend)
{
	announcer_dirty(multi, 1);
	announcer_warm(multi);
	announcer_withdraw_all(multi);
	for (unsigned i = 0; i < 2; i++)
		cr_assert(scripts[i].n_dirty == 1 && scripts[i].n_warm == 1 &&
			  scripts[i].n_withdraw == 1 && scripts[i].n_adopt == 1);
}

Test(announce_multi, decision_36_withdrawal_counts_when_every_backend_took_it)
{
	sent(0, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 0);
	sent(1, 2, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 0, "another prefix");
	sent(1, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 1);
}

Test(announce_multi, what_each_backend_accepted_is_told_by_its_bit)
{
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *d = fixture_diff(fixture_changed, 1, 1);

	sent(0, 1, STATE_UP);
	sent(1, 1, STATE_DOWN);
	cr_assert(accepted[1][0] == STATE_UP && accepted[1][2] == STATE_DOWN);
	cr_assert(accepted[1][1] == STATE_UNDECIDED && accepted[2][0] == STATE_UNDECIDED);
	next->prefixes[1].group = 2;
	cr_assert_eq(announcer_adopt(multi, &next->gen, d), 0);
	cr_assert(accepted[1][0] == STATE_UNDECIDED && accepted[1][2] == STATE_UNDECIDED,
		  "nothing of the new group yet");
	gen_diff_free(d);
	free(next);
}

Test(announce_multi, backends_that_disagree_say_nothing)
{
	sent(0, 1, STATE_UP);
	sent(1, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_UP] + n_told[STATE_DOWN], 0);
	sent(1, 1, STATE_UP);
	cr_assert_eq(n_told[STATE_UP], 1);
}

Test(announce_multi, dead_backend_holds_nobody)
{
	scripts[1].is_there = false;
	sent(0, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 1);
	cr_assert(announcer_peer_is_there(multi, 1));
	scripts[0].is_there = false;
	cr_assert(!announcer_peer_is_there(multi, 1), "nobody is there to wait for");
}

Test(announce_multi, backend_that_dies_meanwhile_is_waited_for_no_longer)
{
	sent(0, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 0);
	peer(1, false);
	cr_assert_eq(n_told[STATE_DOWN], 1);
	cr_assert_eq(n_peer, 1, "and agg hears that one went");
}

Test(announce_multi, backend_that_comes_back_counts_when_it_has_caught_up)
{
	scripts[1].is_there = false;
	sent(0, 1, STATE_UP);
	cr_assert_eq(n_told[STATE_UP], 1);
	peer(1, true);
	sent(0, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 0, "it may still announce it");
	sent(1, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 1);
}

Test(announce_multi, speaker_counts_even_before_it_is_known_to_be_there)
{
	scripts[0].is_there = false;
	scripts[1].is_there = false;
	sent(0, 1, STATE_UP);
	cr_assert_eq(n_told[STATE_UP], 1);
}

Test(announce_multi, prefix_in_another_group_begins_anew)
{
	struct announce_fixture *next = fixture_next(fix);
	struct gen_diff *d = fixture_diff(fixture_changed, 1, 2);

	sent(0, 1, STATE_DOWN);
	sent(0, 2, STATE_DOWN);
	next->prefixes[1].group = 2;
	cr_assert_eq(announcer_adopt(multi, &next->gen, d), 0);
	sent(1, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 0, "the first one spoke of the old group");
	sent(1, 2, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 1, "that one did not move");
	sent(0, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 2);
	gen_diff_free(d);
	free(next);
}

Test(announce_multi, slot_of_a_removed_prefix_begins_anew)
{
	struct gen_diff *d = fixture_diff(fixture_removed, 1, 1);

	sent(0, 1, STATE_DOWN);
	cr_assert_eq(announcer_adopt(multi, &fix->gen, d), 0);
	gen_diff_free(d);
	d = fixture_diff(fixture_added, 1, 1);
	cr_assert_eq(announcer_adopt(multi, &fix->gen, d), 0);
	gen_diff_free(d);
	sent(1, 1, STATE_DOWN);
	cr_assert_eq(n_told[STATE_DOWN], 0);
}

Test(announce_multi, idle_when_all_are)
{
	scripts[0].is_idle = true;
	cr_assert(!announcer_is_idle(multi));
	scripts[1].is_idle = true;
	cr_assert(announcer_is_idle(multi));
}

Test(announce_multi, group_is_synced_if_it_is_everywhere)
{
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	struct announcer_status status;
	uint32_t n = announcer_rows(multi, rows);

	cr_assert_eq(n, 2);
	cr_assert(rows[0].backend == ANNOUNCER_BIRD && rows[1].backend == ANNOUNCER_BIRD2);
	announcer_status(rows, n, &status);
	cr_assert_eq(status.n_groups, 2);
	cr_assert_eq(status.n_groups_synced, 1);
	cr_assert_eq(status.n_unsent, 6);
	rows[1].n_groups = 1; /* one list for all */
	announcer_status(rows, n, &status);
	cr_assert_eq(status.n_groups_synced, 2);
}

Test(announce_multi, adoption_that_fails_is_told)
{
	struct gen_diff *d = fixture_diff(fixture_added, 0, 0);

	scripts[1].is_refusing = true;
	cr_assert_eq(announcer_adopt(multi, &fix->gen, d), -ENOMEM);
	gen_diff_free(d);
}
