#include "base/thr.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/rcu.h"

#define PROMPT_SLICE_NS UINT64_C(100000) /* the least that the kernel takes */

/* Version 0 of the kernel's struct sched_attr: its header and glibc's <sched.h> exclude each other.
 */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};
static_assert(sizeof(struct scheduling) == 48, "as the kernel knows it");

static _Atomic bool refusal_told;

static void tell_refusal_once(const char *what, int error)
{
	/* relaxed: only the flag itself matters */
	if (atomic_exchange_explicit(&refusal_told, true, memory_order_relaxed))
		return;
	LOG(LOG_INFO, "thr", "placement_refused", LF_STR("what", what),
	    LF_STR("error", strerrorname_np(error)));
}

static void place(const struct thr *t)
{
	if (t->has_cpus) {
		int r = pthread_setaffinity_np(pthread_self(), sizeof(t->cpus), &t->cpus);

		if (r)
			tell_refusal_once("cpu", r);
	}
	if (t->nice && setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), t->nice) < 0)
		tell_refusal_once("nice", errno);
}

/* The policy stays what it is for everybody (no real-time class: decisions 9); older kernels ignore
 * the slice. Best effort: nothing depends on it but microseconds. */
static void be_prompt(void)
{
	pid_t id = (pid_t)syscall(SYS_gettid);
	struct scheduling attr = {.size = sizeof(attr),
				  .policy = SCHED_OTHER,
				  .nice = getpriority(PRIO_PROCESS, (id_t)id),
				  .runtime_ns = PROMPT_SLICE_NS};

	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	(void)syscall(SYS_sched_setattr, id, &attr, 0);
}

static void *run(void *arg)
{
	struct thr *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	rcu_thread_register();
	log_thread_attach(t->name);
	place(t);
	if (t->is_prompt)
		be_prompt();
	t->fn(t->ctx);
	log_thread_detach();
	rcu_thread_unregister();
	return NULL;
}

int thr_start(struct thr *t)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&t->id, NULL, run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return err_origin(-r);
	t->is_running = true;
	return 0;
}

void thr_join(struct thr *t)
{
	if (!t->is_running)
		return;
	pthread_join(t->id, NULL);
	t->is_running = false;
}
