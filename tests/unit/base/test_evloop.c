/* Runs on pipes and the real clock, without waiting: turns poll, and timers lie in the past or are
 * waited for by the turn itself (a few ms). */
#include "base/evloop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clk.h"

struct owner {
	struct ev_source source;
	struct ev_timer timer;
	int write_fd;
	int n_calls, n_fired;
	uint32_t events;
	struct owner *other; /* what the callback acts on */
};

static struct evloop *loop;

static void on_event(struct ev_source *s, uint32_t events)
{
	struct owner *o = CONTAINER_OF(s, struct owner, source);

	o->n_calls++;
	o->events = events;
}

static void on_timer(struct ev_timer *t)
{
	CONTAINER_OF(t, struct owner, timer)->n_fired++;
}

static void open_owner(struct owner *o)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	*o = (struct owner){.source = {.fd = fds[0], .fn = on_event},
			    .timer = {.fn = on_timer},
			    .write_fd = fds[1]};
}

static void push(struct owner *o)
{
	cr_assert_eq(write(o->write_fd, "x", 1), 1);
}

static void begin(struct owner *o, int n)
{
	loop = evloop_new();
	cr_assert_not_null(loop);
	for (int i = 0; i < n; i++) {
		open_owner(&o[i]);
		cr_assert_eq(evloop_watch(loop, &o[i].source, EPOLLIN), 0);
	}
}

static void end(struct owner *o, int n)
{
	for (int i = 0; i < n; i++) {
		evloop_timer_stop(&o[i].timer);
		evloop_unwatch(loop, &o[i].source);
		close(o[i].source.fd);
		close(o[i].write_fd);
	}
	evloop_free(loop);
}

Test(evloop, null_is_freed)
{
	evloop_free(NULL);
}

Test(evloop, ready_source_is_called_idle_one_is_not)
{
	struct owner o[2];

	begin(o, 2);
	push(&o[1]);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_calls, 0);
	cr_assert_eq(o[1].n_calls, 1);
	cr_assert_eq(o[1].events, EPOLLIN);
	/* level-triggered: again until it is read */
	evloop_turn(loop, 0);
	cr_assert_eq(o[1].n_calls, 2);
	end(o, 2);
}

Test(evloop, changed_events_take_effect)
{
	struct owner o[1];

	begin(o, 1);
	push(&o[0]);
	cr_assert_eq(evloop_watch(loop, &o[0].source, EPOLLPRI), 0);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_calls, 0);
	cr_assert_eq(evloop_watch(loop, &o[0].source, EPOLLIN), 0);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_calls, 1);
	end(o, 1);
}

Test(evloop, unwatched_source_is_silent_and_may_be_watched_again)
{
	struct owner o[1];

	begin(o, 1);
	push(&o[0]);
	evloop_unwatch(loop, &o[0].source);
	evloop_unwatch(loop, &o[0].source);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_calls, 0);
	cr_assert_eq(evloop_watch(loop, &o[0].source, EPOLLIN), 0);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_calls, 1);
	end(o, 1);
}

Test(evloop, descriptor_that_cannot_be_watched_is_an_error)
{
	struct ev_source s = {.fd = -1, .fn = on_event};

	loop = evloop_new();
	cr_assert_eq(evloop_watch(loop, &s, EPOLLIN), -EBADF);
	cr_assert_eq(s.events, 0);
	evloop_free(loop);
}

static void remove_other(struct ev_source *s, uint32_t events)
{
	struct owner *o = CONTAINER_OF(s, struct owner, source);

	on_event(s, events);
	evloop_unwatch(loop, &o->other->source);
}

Test(evloop, event_collected_for_a_removed_source_is_not_delivered)
{
	struct owner o[2];

	begin(o, 2);
	for (int i = 0; i < 2; i++) {
		o[i].source.fn = remove_other;
		o[i].other = &o[1 - i];
		push(&o[i]);
	}
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_calls + o[1].n_calls, 1);
	end(o, 2);
}

static void remove_self(struct ev_source *s, uint32_t events)
{
	on_event(s, events);
	evloop_unwatch(loop, s);
}

Test(evloop, source_may_remove_itself)
{
	struct owner o[1];

	begin(o, 1);
	o[0].source.fn = remove_self;
	push(&o[0]);
	evloop_turn(loop, 0);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_calls, 1);
	end(o, 1);
}

Test(evloop, more_ready_sources_than_one_turn_takes_are_all_served)
{
	static struct owner o[200];

	begin(o, 200);
	for (int i = 0; i < 200; i++)
		push(&o[i]);
	for (int i = 0; i < 4; i++)
		evloop_turn(loop, 0);
	for (int i = 0; i < 200; i++)
		cr_assert_geq(o[i].n_calls, 1);
	end(o, 200);
}

Test(evloop, timer_fires_once_and_not_early)
{
	struct owner o[1];
	uint64_t due;

	begin(o, 1);
	due = clk_mono_ns() + 3 * CLK_MS;
	evloop_timer_at(loop, &o[0].timer, due);
	cr_assert(evloop_timer_is_armed(&o[0].timer));
	while (o[0].n_fired == 0) {
		evloop_turn(loop, CLK_S);
		cr_assert(o[0].n_fired == 0 || evloop_now(loop) >= due);
	}
	cr_assert_not(evloop_timer_is_armed(&o[0].timer));
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_fired, 1);
	end(o, 1);
}

Test(evloop, timer_of_the_past_fires_in_this_turn_without_a_wait)
{
	struct owner o[1];
	uint64_t before = clk_mono_ns();

	begin(o, 1);
	evloop_timer_at(loop, &o[0].timer, 1);
	evloop_turn(loop, 100 * CLK_S);
	cr_assert_eq(o[0].n_fired, 1);
	cr_assert_lt(clk_mono_ns() - before, 10 * CLK_S);
	end(o, 1);
}

Test(evloop, moved_timer_fires_at_the_new_time_only)
{
	struct owner o[1];

	begin(o, 1);
	evloop_timer_at(loop, &o[0].timer, 1);
	evloop_timer_at(loop, &o[0].timer, clk_mono_ns() + 1000 * CLK_S);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_fired, 0);
	evloop_timer_at(loop, &o[0].timer, 1);
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_fired, 1);
	end(o, 1);
}

static int order[3];
static int n_order;

static void note_order(struct ev_timer *t)
{
	order[n_order++] = CONTAINER_OF(t, struct owner, timer)->n_calls;
}

Test(evloop, due_timers_fire_in_the_order_of_their_times)
{
	struct owner o[3];

	begin(o, 3);
	for (int i = 0; i < 3; i++) {
		o[i].timer.fn = note_order;
		o[i].n_calls = i;
	}
	uint64_t now = clk_mono_ns();

	evloop_timer_at(loop, &o[1].timer, now + 2 * CLK_MS);
	evloop_timer_at(loop, &o[0].timer, now + 1 * CLK_MS);
	evloop_timer_at(loop, &o[2].timer, now + 3 * CLK_MS);
	while (clk_mono_ns() < now + 4 * CLK_MS)
		continue;
	evloop_turn(loop, 0);
	cr_assert_eq(n_order, 3);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(order[i], i);
	end(o, 3);
}

static void stop_other(struct ev_timer *t)
{
	struct owner *o = CONTAINER_OF(t, struct owner, timer);

	o->n_fired++;
	evloop_timer_stop(&o->other->timer);
}

Test(evloop, timer_stopped_by_another_does_not_fire)
{
	struct owner o[2];

	begin(o, 2);
	for (int i = 0; i < 2; i++) {
		o[i].timer.fn = stop_other;
		o[i].other = &o[1 - i];
		evloop_timer_at(loop, &o[i].timer, 1);
	}
	evloop_turn(loop, 0);
	cr_assert_eq(o[0].n_fired + o[1].n_fired, 1);
	end(o, 2);
}

static void arm_again(struct ev_timer *t)
{
	CONTAINER_OF(t, struct owner, timer)->n_fired++;
	evloop_timer_at(loop, t, 0);
}

Test(evloop, timer_that_arms_itself_for_now_fires_once_per_turn)
{
	struct owner o[1];

	begin(o, 1);
	o[0].timer.fn = arm_again;
	evloop_timer_at(loop, &o[0].timer, 0);
	for (int i = 1; i <= 5; i++) {
		evloop_turn(loop, 0);
		cr_assert_eq(o[0].n_fired, i);
	}
	end(o, 1);
}

static void arm_other(struct ev_source *s, uint32_t events)
{
	struct owner *o = CONTAINER_OF(s, struct owner, source);

	on_event(s, events);
	evloop_timer_at(loop, &o->timer, evloop_now(loop) + 10 * CLK_S);
}

Test(evloop, timer_armed_by_a_source_is_waited_for)
{
	struct owner o[1];

	begin(o, 1);
	o[0].source.fn = arm_other;
	push(&o[0]);
	evloop_turn(loop, 0);
	cr_assert(evloop_timer_is_armed(&o[0].timer));
	cr_assert_eq(o[0].n_fired, 0);
	end(o, 1);
}

Test(evloop, turn_without_work_returns_after_its_limit)
{
	uint64_t before = clk_mono_ns();

	loop = evloop_new();
	evloop_turn(loop, 2 * CLK_MS);
	cr_assert_geq(clk_mono_ns() - before, 2 * CLK_MS);
	cr_assert_geq(evloop_now(loop), before);
	evloop_free(loop);
}
