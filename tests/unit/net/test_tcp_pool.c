#include "net/tcp_pool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clk.h"
#include "lib/peer.h"

enum { WAIT_MS = 2000 };

static struct tcp_pool pool;
static int epoll_fd, listener;
static uint16_t port;
static uint64_t now = 1000 * CLK_S;
static const struct tcp_want plain;

static void set_up(uint32_t max_open)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listener = peer_listen("127.0.0.1", &port);
	cr_assert_eq(tcp_pool_init(&pool, epoll_fd, max_open, now), 0);
}

static void tear_down(void)
{
	tcp_pool_deinit(&pool);
	close(epoll_fd);
	close(listener);
}

static uint32_t take(bool is_v4, bool is_bound, uint32_t user)
{
	uint32_t slot = TCP_SOCK_UNUSED;

	cr_assert_eq(tcp_pool_take(&pool, is_v4, is_bound, user, &slot).kind, TCP_FAULT_NONE);
	cr_assert_eq(tcp_pool_at(&pool, slot)->user, user);
	return slot;
}

static void give(uint32_t slot)
{
	tcp_pool_give(&pool, slot, TCP_END_CONNECTED, now);
}

static void dial(uint32_t slot)
{
	struct addr a;

	cr_assert_eq(addr_parse("127.0.0.1", 9, &a), ADDR_OK);
	cr_assert_eq(tcp_sock_connect(tcp_pool_at(&pool, slot), &plain, &a, port).kind,
		     TCP_FAULT_NONE);
}

static uint32_t next_event(uint64_t *ret_slot, int ms)
{
	struct epoll_event e;

	if (epoll_wait(epoll_fd, &e, 1, ms) != 1)
		return 0;
	*ret_slot = e.data.u64;
	return e.events;
}

Test(tcp_pool, last_given_is_taken_first)
{
	uint32_t a, b, c;

	set_up(10);
	a = take(true, false, 1);
	b = take(true, false, 2);
	c = take(true, false, 3);
	give(b);
	give(c);
	give(a);
	cr_assert_eq(take(true, false, 4), a);
	cr_assert_eq(take(true, false, 5), c);
	cr_assert_eq(take(true, false, 6), b);
	cr_assert_eq(pool.n_made, 3);
	cr_assert_eq(pool.n_reused, 3);
	cr_assert_eq(pool.n_in_use, 3);
	tear_down();
}

Test(tcp_pool, families_and_bound_sockets_never_mix)
{
	uint32_t slots[4];

	set_up(10);
	for (unsigned i = 0; i < 4; i++)
		slots[i] = take(i & 1, i & 2, i);
	for (unsigned i = 0; i < 4; i++)
		give(slots[i]);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(take(i & 1, i & 2, i), slots[i]);
		cr_assert_eq(tcp_pool_at(&pool, slots[i])->is_v4, (bool)(i & 1));
		cr_assert_eq(tcp_pool_at(&pool, slots[i])->is_bound, (bool)(i & 2));
	}
	cr_assert_eq(pool.n_made, 4);
	tear_down();
}

Test(tcp_pool, budget_is_kept)
{
	uint32_t slot = 77;

	set_up(2);
	take(true, false, 1);
	take(true, false, 2);
	cr_assert_eq(tcp_pool_take(&pool, true, false, 3, &slot).kind, TCP_FAULT_BUDGET);
	cr_assert_eq(slot, 77, "untouched");
	cr_assert_eq(pool.n_open, 2);
	tear_down();
}

Test(tcp_pool, idle_sockets_of_another_list_make_room)
{
	set_up(2);
	give(take(true, false, 1));
	now += CLK_S;
	take(false, false, 2);
	cr_assert_eq(pool.n_open, 2);
	take(false, false, 3);
	cr_assert_eq(pool.n_open, 2, "the idle IPv4 socket was closed");
	cr_assert_eq(pool.n_in_use, 2);
	tear_down();
}

Test(tcp_pool, emfile_closes_an_idle_socket_and_tries_again)
{
	struct rlimit few;
	uint32_t slot;

	set_up(10);
	give(take(true, false, 1));
	getrlimit(RLIMIT_NOFILE, &few);
	few.rlim_cur = (rlim_t)dup(0);
	close((int)few.rlim_cur);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	take(false, false, 2);
	cr_assert_eq(pool.n_open, 1);
	struct tcp_fault f = tcp_pool_take(&pool, false, false, 3, &slot);

	cr_assert_eq(f.kind, TCP_FAULT_SOCKET);
	cr_assert_eq(f.error, EMFILE);
	tear_down();
}

Test(tcp_pool, surprise_closes_the_socket)
{
	uint32_t slot;

	set_up(2);
	slot = take(true, false, 1);
	tcp_pool_give(&pool, slot, TCP_END_SURPRISE, now);
	cr_assert_eq(pool.n_open, 0);
	cr_assert_eq(pool.n_discarded, 1);
	cr_assert_eq(tcp_pool_at(&pool, slot)->fd, -1);
	cr_assert_eq(take(false, true, 2), slot, "its slot is used again");
	tear_down();
}

Test(tcp_pool, socket_that_cannot_be_disconnected_is_closed)
{
	uint32_t slot;

	set_up(2);
	slot = take(true, false, 1);
	/* no kernel refuses it here, so the descriptor is taken away */
	close(tcp_pool_at(&pool, slot)->fd);
	give(slot);
	cr_assert_eq(pool.n_discarded, 1);
	tear_down();
}

Test(tcp_pool, events_name_the_slot)
{
	uint32_t slots[3];
	uint64_t which;

	set_up(4);
	for (uint32_t i = 0; i < 3; i++)
		slots[i] = take(true, false, i);
	while (next_event(&which, 0))
		;
	dial(slots[1]);
	cr_assert_eq(next_event(&which, WAIT_MS), EPOLLOUT);
	cr_assert_eq(which, slots[1]);
	tear_down();
}

/* kept-sockets §3: an idle slot reports once; its old connection's bits never show on the next. */
Test(tcp_pool, given_back_socket_shows_only_its_hangup_to_nobody)
{
	uint64_t which;
	uint32_t slot, events;

	set_up(4);
	slot = take(true, false, 9);
	dial(slot);
	peer_wait(tcp_pool_at(&pool, slot)->fd, POLLOUT, WAIT_MS);
	give(slot);
	events = next_event(&which, WAIT_MS);
	cr_assert(events & EPOLLHUP);
	cr_assert_eq(tcp_pool_at(&pool, (uint32_t)which)->user, TCP_SOCK_UNUSED);
	cr_assert_eq(next_event(&which, 0), 0, "once");
	tear_down();
}

Test(tcp_pool, pending_edge_of_the_old_connection_never_shows_on_the_new_one)
{
	struct peer_deaf deaf = peer_deaf_start();
	uint64_t which;
	uint32_t slot;
	struct addr a;

	set_up(4);
	slot = take(true, false, 1);
	dial(slot);
	peer_wait(tcp_pool_at(&pool, slot)->fd, POLLOUT, WAIT_MS);
	give(slot);
	cr_assert_eq(take(true, false, 2), slot);
	cr_assert_eq(addr_parse("127.0.0.1", 9, &a), ADDR_OK);
	cr_assert_eq(tcp_sock_connect(tcp_pool_at(&pool, slot), &plain, &a, deaf.port).kind,
		     TCP_FAULT_NONE);
	cr_assert_eq(next_event(&which, 50), 0, "no OUT that would be a false up");
	peer_deaf_stop(&deaf);
	tear_down();
}

static void use_at_once(uint32_t n)
{
	uint32_t slots[64];

	for (uint32_t i = 0; i < n; i++)
		slots[i] = take(true, false, i);
	for (uint32_t i = 0; i < n; i++)
		give(slots[i]);
}

Test(tcp_pool, decisions_19_idle_beyond_the_last_minutes_peak_are_closed)
{
	set_up(100);
	use_at_once(20);
	tcp_pool_trim(&pool, now);
	cr_assert_eq(pool.n_open, 20);
	for (int s = 1; s < 60; s++) {
		now += CLK_S;
		use_at_once(3);
		tcp_pool_trim(&pool, now);
		cr_assert_eq(pool.n_open, 20, "still within 60 s, second %d", s);
	}
	now += CLK_S;
	tcp_pool_trim(&pool, now);
	cr_assert_eq(pool.n_open, 3);
	tear_down();
}

Test(tcp_pool, decisions_19_oldest_idle_go_first)
{
	uint32_t slots[4];

	set_up(100);
	for (uint32_t i = 0; i < 4; i++)
		slots[i] = take(i % 2, false, i);
	for (uint32_t i = 0; i < 4; i++) {
		now += CLK_MS;
		give(slots[i]);
	}
	now += 120 * CLK_S;
	tcp_pool_trim(&pool, now); /* turns the seconds */
	cr_assert_eq(pool.n_open, 0, "nothing was in use for two minutes");
	for (uint32_t i = 0; i < 4; i++)
		slots[i] = take(i % 2, false, i);
	for (uint32_t i = 0; i < 4; i++) {
		now += CLK_MS;
		give(slots[i]);
	}
	now += 59 * CLK_S;
	use_at_once(1);
	now += 3 * CLK_S;
	tcp_pool_trim(&pool, now);
	cr_assert_leq(pool.n_open, 2);
	cr_assert_eq(tcp_pool_at(&pool, slots[0])->fd, -1, "given first");
	tear_down();
}

Test(tcp_pool, trim_is_bounded_and_spares_what_is_in_use)
{
	uint32_t used;

	set_up(100);
	use_at_once(64);
	used = take(true, false, 1);
	now += 120 * CLK_S;
	tcp_pool_trim(&pool, now);
	cr_assert_eq(pool.n_open, 64 - TCP_POOL_TRIM_MAX);
	tcp_pool_trim(&pool, now);
	tcp_pool_trim(&pool, now);
	cr_assert_eq(pool.n_open, 1);
	cr_assert_geq(tcp_pool_at(&pool, used)->fd, 0);
	give(used);
	tear_down();
}
