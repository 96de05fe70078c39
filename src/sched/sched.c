/* The scheduler's thread: sleeps to the next due time, runs a turn, obeys main.
 *
 * It owns the pace table and the wheel (turn.h). Jobs leave through the workers' job rings, dones
 * come back through theirs, main's messages through control. It waits in one place, on two
 * descriptors: its bell, which only main rings, and a timer with an absolute time. A timerfd
 * because poll() and epoll_wait() may be late by 0.1 % of a long wait, whatever the timer slack;
 * setting it empties it too, so it is never read. It is set again only if the time changed.
 *
 * When to wake: turn.c, next_turn(). A busy scheduler makes 500 turns per second, one without
 * work two (the beat).
 *
 * A full job ring never blocks it: the check stays due, is counted, and is tried again in the
 * next turn. After a standstill of its own (SIGSTOP, a stolen CPU) it makes nothing up: each check
 * goes on at its own next grid point, and one line says how many points went by.
 *
 * Removed checks: adoption takes them out of the wheel, so no job of them is issued after the
 * acknowledgement; one in flight ends by itself and is then only counted for its generation.
 */
#include "sched/sched.h"

#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/thr.h"
#include "sched/turn.h"

enum { SCHED_NICE = -10 };
#define BEAT_NS       (500 * CLK_MS)
#define LOG_PERIOD_NS (10 * CLK_S)

struct sched {
	struct turn turn;
	struct control *control;
	struct wake *bell;
	struct beat *beat;
	int timer_fd;
	uint64_t timer_ns;      /* what the timer is set to */
	uint64_t paused_told;   /* CTR_GRID_PAUSED when it was last logged */
	uint64_t paused_log_ns; /* when */
	struct thr thr;
};

static void set_timer(struct sched *s, uint64_t at_ns)
{
	struct itimerspec at = {
		.it_value = {.tv_sec = (time_t)(at_ns / CLK_S), .tv_nsec = (long)(at_ns % CLK_S)}};

	if (at_ns == s->timer_ns)
		return;
	ASSERT(timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
	s->timer_ns = at_ns;
}

static void sleep_until(struct sched *s, uint64_t at_ns)
{
	struct pollfd fds[] = {{.fd = wake_fd(s->bell), .events = POLLIN},
			       {.fd = s->timer_fd, .events = POLLIN}};

	wake_arm(s->bell);
	if (!control_peek(s->control)) {
		set_timer(s, at_ns);
		poll(fds, ARRAY_LEN(fds), -1);
	}
	wake_disarm(s->bell);
}

/* False: end the thread. */
static bool obey(struct sched *s, uint64_t now_ns)
{
	const struct control_msg *msg;

	while ((msg = control_peek(s->control))) {
		bool is_quit = msg->kind == CONTROL_QUIT;

		if (msg->kind == CONTROL_ADOPT)
			turn_adopt(&s->turn, msg->generation, msg->diff, now_ns);
		control_finish(s->control);
		if (is_quit)
			return false;
	}
	return true;
}

static void tell_pause(struct sched *s, uint64_t now_ns)
{
	uint64_t paused = counter_get(s->turn.counters, CTR_GRID_PAUSED);

	if (paused == s->paused_told || now_ns < s->paused_log_ns)
		return;
	LOG(LOG_WARN, "sched", "stood_still",
	    LF_U64("grid_points_passed", paused - s->paused_told));
	s->paused_told = paused;
	s->paused_log_ns = now_ns + LOG_PERIOD_NS;
}

static void run(void *ctx)
{
	struct sched *s = ctx;

	for (;;) {
		uint64_t now = clk_mono_ns(), next;

		beat_mark(s->beat, now);
		if (!obey(s, now))
			return;
		next = turn_run(&s->turn, now);
		tell_pause(s, now);
		sleep_until(s, MIN(next, now + BEAT_NS));
	}
}

static void sched_freep(struct sched **s)
{
	sched_free(*s);
}

int sched_new(const struct sched_args *args, struct sched **ret)
{
	_cleanup_(sched_freep) struct sched *s = calloc(1, sizeof(*s));

	if (!s)
		return err_origin(-ENOMEM);
	s->timer_fd = -1;
	s->control = args->control;
	s->bell = args->bell;
	s->beat = args->beat;
	s->thr = (struct thr){
		.fn = run, .ctx = s, .name = "sched", .nice = SCHED_NICE, .is_prompt = true};
	if (args->cpu >= 0) {
		s->thr.has_cpus = true;
		CPU_SET((size_t)args->cpu, &s->thr.cpus);
	}
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timer_fd < 0)
		return err_origin(-errno);
	TRY(turn_init(&s->turn, args->ports, args->n_workers, args->tables, args->counters,
		      clk_mono_ns()));
	*ret = TAKE(s);
	return 0;
}

int sched_start(struct sched *s)
{
	return thr_start(&s->thr);
}

void sched_join(struct sched *s)
{
	thr_join(&s->thr);
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	turn_deinit(&s->turn);
	free(s);
}

uint32_t sched_in_flight(const struct sched *s, uint32_t generation)
{
	return turn_in_flight(&s->turn, generation);
}

uint32_t sched_worker_of(uint32_t real, uint32_t n_workers)
{
	return turn_worker_of(real, n_workers);
}
