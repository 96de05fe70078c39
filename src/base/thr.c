#include "base/thr.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/rcu.h"

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

static void *run(void *arg)
{
	struct thr *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	rcu_thread_register();
	log_thread_attach(t->name);
	place(t);
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
