/* The thread around turn.c: it starts, obeys, beats and ends. What it issues when is tested on
 * virtual time in test_turn.c. */
#include "sched/sched.h"

#include <poll.h>

#include "unit/sched/bed.h"

static struct bed b;
static struct control control;
static struct wake bell, main_bell;
static struct beat beat;
static struct sched *s;

static void begin(void)
{
	struct sched_args args = {
		.ports = b.ports,
		.n_workers = 1,
		.control = &control,
		.bell = &bell,
		.tables = &b.tables,
		.counters = &b.counters,
		.beat = &beat,
		.cpu = -1,
	};

	b.profiles[0] = bed_profile(0.01);
	bed_init(&b, 100, 1, 1, 1024);
	cr_assert_eq(wake_init(&bell), 0);
	cr_assert_eq(wake_init(&main_bell), 0);
	cr_assert_eq(control_init(&control, &bell, &main_bell), 0);
	cr_assert_eq(sched_new(&args, &s), 0);
}

static void end(void)
{
	sched_free(s);
	control_deinit(&control);
	wake_deinit(&bell);
	wake_deinit(&main_bell);
	bed_deinit(&b);
}

/* Sends and waits for the acknowledgement, as main does. */
static void tell(struct control_msg msg)
{
	uint32_t number = control_send(&control, msg);

	for (;;) {
		struct pollfd fd = {.fd = wake_fd(&main_bell), .events = POLLIN};

		wake_arm(&main_bell);
		if (control_is_done(&control, number))
			break;
		cr_assert_eq(poll(&fd, 1, 10000), 1);
		wake_disarm(&main_bell);
	}
	wake_disarm(&main_bell);
}

Test(sched, never_started_is_freed)
{
	begin();
	sched_join(s);
	end();
}

Test(sched, null_is_freed)
{
	sched_free(NULL);
}

Test(sched, adopts_issues_rings_beats_and_quits)
{
	struct pollfd fd = {.events = POLLIN};

	begin();
	fd.fd = wake_fd(&b.ports[0].bell);
	wake_arm(&b.ports[0].bell);
	cr_assert_eq(sched_start(s), 0);
	tell((struct control_msg){.kind = CONTROL_ADOPT, .generation = &b.gen});
	cr_assert_eq(poll(&fd, 1, 10000), 1);
	cr_assert_not_null(ring_peek(&b.ports[0].jobs));
	cr_assert_gt(sched_in_flight(s, 1), 0);
	cr_assert_gt(beat_last(&beat), 0);
	tell((struct control_msg){.kind = CONTROL_RETIRE});
	tell((struct control_msg){.kind = CONTROL_QUIT});
	sched_join(s);
	uint64_t issued = counter_get(&b.counters, CTR_JOBS_ISSUED);

	/* nothing is issued after the acknowledgement of QUIT */
	cr_assert_eq(issued, ring_pending(&b.ports[0].jobs));
	end();
}

Test(sched, worker_of_a_real_is_the_same_everywhere)
{
	for (uint32_t real = 0; real < 100; real++)
		cr_assert_eq(sched_worker_of(real, 3), turn_worker_of(real, 3));
}
