#include "net/tcp_pool.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/clk.h"
#include "base/err.h"

enum { INTEREST = EPOLLIN | EPOLLOUT | EPOLLRDHUP };

static unsigned list_of(bool is_v4, bool is_bound)
{
	return (is_v4 ? 0U : 2U) + (is_bound ? 1U : 0U);
}

int tcp_pool_init(struct tcp_pool *p, int epoll_fd, uint32_t max_open, uint64_t now_ns)
{
	*p = (struct tcp_pool){
		.epoll_fd = epoll_fd,
		.max_open = max_open,
		.peak_s = now_ns / CLK_S,
	};
	TRY(table_init(&p->socks, sizeof(struct tcp_sock), MAX(max_open, 1)));
	return 0;
}

static void link_newest(struct tcp_pool *p, uint32_t slot)
{
	struct tcp_sock *s = tcp_pool_at(p, slot);
	unsigned list = list_of(s->is_v4, s->is_bound);
	uint32_t before = p->idle[list].newest;

	s->next = before;
	s->prev = 0;
	if (before)
		tcp_pool_at(p, before - 1)->prev = slot + 1;
	else
		p->idle[list].oldest = slot + 1;
	p->idle[list].newest = slot + 1;
}

static void unlink_idle(struct tcp_pool *p, uint32_t slot)
{
	struct tcp_sock *s = tcp_pool_at(p, slot);
	unsigned list = list_of(s->is_v4, s->is_bound);

	if (s->prev)
		tcp_pool_at(p, s->prev - 1)->next = s->next;
	else
		p->idle[list].newest = s->next;
	if (s->next)
		tcp_pool_at(p, s->next - 1)->prev = s->prev;
	else
		p->idle[list].oldest = s->prev;
}

/* Closes a socket that is in no list and gives its slot back. */
static void drop(struct tcp_pool *p, uint32_t slot)
{
	struct tcp_sock *s = tcp_pool_at(p, slot);

	tcp_sock_close(s);
	s->user = TCP_SOCK_UNUSED;
	s->next = p->free_slot;
	p->free_slot = slot + 1;
	p->n_open--;
}

/* The idle socket that waits longest, or TCP_SOCK_UNUSED. */
static uint32_t oldest_idle(const struct tcp_pool *p)
{
	uint32_t best = TCP_SOCK_UNUSED;

	for (unsigned i = 0; i < TCP_POOL_LISTS; i++) {
		uint32_t slot = p->idle[i].oldest - 1;

		if (!p->idle[i].oldest)
			continue;
		if (best == TCP_SOCK_UNUSED ||
		    tcp_pool_at(p, slot)->idle_since_ns < tcp_pool_at(p, best)->idle_since_ns)
			best = slot;
	}
	return best;
}

static bool drop_oldest(struct tcp_pool *p)
{
	uint32_t slot = oldest_idle(p);

	if (slot == TCP_SOCK_UNUSED)
		return false;
	unlink_idle(p, slot);
	drop(p, slot);
	return true;
}

void tcp_pool_deinit(struct tcp_pool *p)
{
	if (!p->socks.rows)
		return;
	for (uint32_t i = 0; i < p->n_slots; i++)
		if (tcp_pool_at(p, i)->fd >= 0)
			tcp_sock_close(tcp_pool_at(p, i));
	table_deinit(&p->socks);
}

static int register_sock(const struct tcp_pool *p, uint32_t slot)
{
	struct epoll_event e = {.events = INTEREST | EPOLLET, .data.u64 = slot};

	if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, tcp_pool_at(p, slot)->fd, &e) < 0)
		return err_origin(-errno);
	return 0;
}

static struct tcp_fault open_sock(struct tcp_pool *p, bool is_v4, bool is_bound, struct tcp_sock *s)
{
	struct tcp_fault f = tcp_sock_open(s, is_v4, is_bound);

	/* another list's idle sockets hold what the process is short of */
	if (f.kind == TCP_FAULT_SOCKET && f.error == EMFILE && drop_oldest(p))
		f = tcp_sock_open(s, is_v4, is_bound);
	return f;
}

static struct tcp_fault make(struct tcp_pool *p, bool is_v4, bool is_bound, uint32_t *ret_slot)
{
	uint32_t slot;
	struct tcp_sock s;
	struct tcp_fault f;
	int r;

	if (p->n_open >= p->max_open && !drop_oldest(p))
		return (struct tcp_fault){TCP_FAULT_BUDGET, 0};
	f = open_sock(p, is_v4, is_bound, &s);
	if (f.kind != TCP_FAULT_NONE)
		return f;
	slot = p->free_slot ? p->free_slot - 1 : p->n_slots++;
	if (p->free_slot)
		p->free_slot = tcp_pool_at(p, slot)->next;
	*tcp_pool_at(p, slot) = s;
	p->n_open++;
	p->n_made++;
	r = register_sock(p, slot);
	if (r < 0) {
		drop(p, slot);
		return (struct tcp_fault){TCP_FAULT_SOCKET, -r};
	}
	*ret_slot = slot;
	return f;
}

/* Zeroes the seconds that passed since the last call. */
static void turn_peaks(struct tcp_pool *p, uint64_t now_ns)
{
	uint64_t now_s = now_ns / CLK_S;

	if (now_s >= p->peak_s + TCP_POOL_PEAK_S)
		p->peak_s = now_s - TCP_POOL_PEAK_S;
	while (p->peak_s < now_s)
		p->peaks[++p->peak_s % TCP_POOL_PEAK_S] = p->n_in_use;
}

struct tcp_fault tcp_pool_take(struct tcp_pool *p, bool is_v4, bool is_bound, uint32_t user,
			       uint32_t *ret_slot)
{
	uint32_t newest = p->idle[list_of(is_v4, is_bound)].newest;
	uint32_t *peak = &p->peaks[p->peak_s % TCP_POOL_PEAK_S];
	uint32_t slot = newest - 1;

	if (newest) {
		unlink_idle(p, slot);
		p->n_reused++;
	} else {
		struct tcp_fault f = make(p, is_v4, is_bound, &slot);

		if (f.kind != TCP_FAULT_NONE)
			return f;
	}
	tcp_pool_at(p, slot)->user = user;
	p->n_in_use++;
	*peak = MAX(*peak, p->n_in_use);
	*ret_slot = slot;
	return (struct tcp_fault){TCP_FAULT_NONE, 0};
}

void tcp_pool_give(struct tcp_pool *p, uint32_t slot, enum tcp_end how, uint64_t now_ns)
{
	struct tcp_sock *s = tcp_pool_at(p, slot);
	bool is_clean = tcp_sock_disconnect(s) == 0 && how != TCP_END_SURPRISE &&
			(how != TCP_END_FAILED || tcp_sock_scrub(s) == 0);

	ASSERT(s->user != TCP_SOCK_UNUSED);
	s->user = TCP_SOCK_UNUSED;
	p->n_in_use--;
	if (!is_clean) {
		p->n_discarded++;
		drop(p, slot);
		return;
	}
	s->idle_since_ns = now_ns;
	link_newest(p, slot);
}

void tcp_pool_trim(struct tcp_pool *p, uint64_t now_ns)
{
	uint32_t peak = p->n_in_use;

	turn_peaks(p, now_ns);
	for (unsigned i = 0; i < TCP_POOL_PEAK_S; i++)
		peak = MAX(peak, p->peaks[i]);
	for (unsigned n = 0; n < TCP_POOL_TRIM_MAX && p->n_open > peak; n++)
		if (!drop_oldest(p))
			break;
}
