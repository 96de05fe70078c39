#include "base/thr.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

struct seen {
	char name[16];
	sigset_t blocked;
	int cpu_count;
	pthread_t id;
};

static void look(void *ctx)
{
	struct seen *s = ctx;
	cpu_set_t cpus;

	s->id = pthread_self();
	pthread_getname_np(s->id, s->name, sizeof(s->name));
	pthread_sigmask(SIG_BLOCK, NULL, &s->blocked);
	pthread_getaffinity_np(s->id, sizeof(cpus), &cpus);
	s->cpu_count = CPU_COUNT(&cpus);
}

Test(thr, runs_under_its_name_with_signals_blocked)
{
	struct seen seen;
	struct thr t = {.fn = look, .ctx = &seen, .name = "worker0"};
	sigset_t mine;

	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	cr_assert_str_eq(seen.name, "worker0");
	cr_assert(sigismember(&seen.blocked, SIGTERM));
	cr_assert(sigismember(&seen.blocked, SIGHUP));
	cr_assert_not(pthread_equal(seen.id, pthread_self()));
	/* the caller's own mask is as it was */
	pthread_sigmask(SIG_BLOCK, NULL, &mine);
	cr_assert_not(sigismember(&mine, SIGHUP));
}

Test(thr, pinned_thread_has_its_cpu)
{
	struct seen seen;
	struct thr t = {.fn = look, .ctx = &seen, .name = "pinned", .has_cpus = true};
	cpu_set_t allowed;
	size_t cpu = 0;

	pthread_getaffinity_np(pthread_self(), sizeof(allowed), &allowed);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_SET(cpu, &t.cpus);
	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	cr_assert_eq(seen.cpu_count, 1);
}

struct promptness {
	int slack_ns, policy, nice;
};

static void look_at_promptness(void *ctx)
{
	struct promptness *p = ctx;

	p->slack_ns = prctl(PR_GET_TIMERSLACK);
	p->policy = sched_getscheduler(0);
	p->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
}

Test(thr, prompt_one_has_exact_timers_and_nobodys_class)
{
	struct promptness is;
	struct thr t = {.fn = look_at_promptness,
			.ctx = &is,
			.name = "prompt",
			.nice = 3,
			.is_prompt = true};

	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	cr_assert_eq(is.slack_ns, 1);
	cr_assert_eq(is.policy, SCHED_OTHER);
	cr_assert_eq(is.nice, 3, "the slice must not cost the nice value");
	t.is_prompt = false;
	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	cr_assert_gt(is.slack_ns, 1);
}

Test(thr, refused_placement_does_not_stop_it)
{
	struct seen seen = {0};
	struct thr t = {.fn = look, .ctx = &seen, .name = "nowhere", .has_cpus = true};

	CPU_SET(CPU_SETSIZE - 1, &t.cpus); /* a CPU that is not there */
	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	cr_assert_str_eq(seen.name, "nowhere");
}

Test(thr, join_without_start_and_twice_does_nothing)
{
	struct seen seen;
	struct thr t = {.fn = look, .ctx = &seen, .name = "x"};

	thr_join(&t);
	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	thr_join(&t);
}
