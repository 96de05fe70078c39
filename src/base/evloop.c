#include "base/evloop.h"

#include <errno.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"

enum { EVENTS_PER_TURN = 64 };

struct evloop {
	int epoll_fd;
	uint64_t now_ns;
	struct ev_timer *timers; /* unordered: there are a few dozen */
	struct epoll_event ready[EVENTS_PER_TURN];
	int n_ready;
};

struct evloop *evloop_new(void)
{
	struct evloop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		free(l);
		return NULL;
	}
	l->now_ns = clk_mono_ns();
	return l;
}

void evloop_free(struct evloop *l)
{
	if (!l)
		return;
	close(l->epoll_fd);
	free(l);
}

int evloop_watch(struct evloop *l, struct ev_source *s, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = s};

	ASSERT(events != 0);
	if (s->events == events)
		return 0;
	if (epoll_ctl(l->epoll_fd, s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return err_origin(-errno);
	s->events = events;
	return 0;
}

void evloop_unwatch(struct evloop *l, struct ev_source *s)
{
	if (!s->events)
		return;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	s->events = 0;
	for (int i = 0; i < l->n_ready; i++) {
		if (l->ready[i].data.ptr == s)
			l->ready[i].data.ptr = NULL;
	}
}

void evloop_timer_stop(struct ev_timer *t)
{
	struct ev_timer **link;

	if (!t->due_ns)
		return;
	for (link = &t->loop->timers; *link != t; link = &(*link)->next)
		ASSERT(*link);
	*link = t->next;
	t->due_ns = 0;
}

void evloop_timer_at(struct evloop *l, struct ev_timer *t, uint64_t due_ns)
{
	if (!t->due_ns) {
		t->next = l->timers;
		t->loop = l;
		l->timers = t;
	}
	/* later than this turn, so that a timer that arms itself cannot hold run_timers() */
	t->due_ns = MAX(due_ns, l->now_ns + 1);
}

uint64_t evloop_now(const struct evloop *l)
{
	return l->now_ns;
}

static struct ev_timer *earliest(const struct evloop *l)
{
	struct ev_timer *first = l->timers;

	for (struct ev_timer *t = first; t; t = t->next) {
		if (t->due_ns < first->due_ns)
			first = t;
	}
	return first;
}

static void run_timers(struct evloop *l)
{
	struct ev_timer *t;

	while ((t = earliest(l)) && t->due_ns <= l->now_ns) {
		evloop_timer_stop(t);
		t->fn(t);
	}
}

static struct timespec wait_of(const struct evloop *l, uint64_t max_wait_ns)
{
	const struct ev_timer *t = earliest(l);
	uint64_t now = clk_mono_ns(), wait = max_wait_ns;

	if (t)
		wait = MIN(wait, t->due_ns > now ? t->due_ns - now : 0);
	return (struct timespec){.tv_sec = (time_t)(wait / CLK_S), .tv_nsec = (long)(wait % CLK_S)};
}

void evloop_turn(struct evloop *l, uint64_t max_wait_ns)
{
	struct timespec wait = wait_of(l, max_wait_ns);

	l->n_ready = epoll_pwait2(l->epoll_fd, l->ready, EVENTS_PER_TURN, &wait, NULL);
	l->now_ns = clk_mono_ns();
	for (int i = 0; i < l->n_ready; i++) {
		struct ev_source *s = l->ready[i].data.ptr;

		if (s)
			s->fn(s, l->ready[i].events);
	}
	l->n_ready = 0;
	run_timers(l);
}
