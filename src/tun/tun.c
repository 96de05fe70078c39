/* The tunnel thread.
 *
 * It owns the netfilter queue, the raw sockets, the test datagrams' sockets, its view of the
 * kernel's neighbour table and the map of reals;
 * nobody else touches them. Packets come in through the queue because a host rule sends marked
 * packets there; they leave through the raw sockets, encapsulated; the originals are dropped in the
 * kernel, all of them, a batch at a time. What workers must know (is the way proven, what segment
 * size fits, was a packet refused) stands in struct tunnel, which they read without asking.
 *
 * One turn: wait for the queue, main's bell or a chore → batches of packets → main's messages →
 * chores (tun_watch). Chores are bounded, so that a packet waits for microseconds.
 *
 * Nothing from the queue can end the thread: a packet that is not understood is counted and
 * dropped. When the queue itself breaks, everything is closed and opened again after RETRY_NS;
 * until then nothing is proven and the checks that need the tunnel are unknown (decisions 39). The
 * kernel drops marked packets meanwhile, since the rule has no bypass: none leaves bare.
 */
#include "tun/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/thr.h"
#include "tun/tun_watch.h"

enum {
	NICE = -5, /* decisions 9 */
	MAX_BATCHES = 16,
};
#define RETRY_NS     (5 * CLK_S)
#define MAX_SLEEP_NS (100 * CLK_MS) /* the beat: model/tunnel.c counts on it */

struct tun {
	struct tun_args args;
	struct thr thread;
	struct tun_relay relay;
	struct tun_watch watch;
	struct tun_map *staged; /* main's, until ADOPT */
	struct tun_map *left;   /* replaced: freed by main */
	bool is_open;
	uint64_t open_at_ns;
	int told_error;
	/* across threads */
	_Atomic bool is_left;   /* main's: nobody waits for this thread any more */
	_Atomic bool has_ended; /* this thread's last word */
	_Atomic int queue_fd;   /* -1: none, or taken; who takes it out answers for it */
};

static bool is_left(const struct tun *t)
{
	/* acquire: the queue was taken after it was set; pairs with tun_leave() */
	return atomic_load_explicit(&t->is_left, memory_order_acquire);
}

static int take_queue(struct tun *t)
{
	/* acq_rel: the descriptor has one owner, whose earlier use of it is over */
	return atomic_exchange_explicit(&t->queue_fd, -1, memory_order_acq_rel);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_all(struct tun *t)
{
	const struct app_config *app = t->args.app;
	struct tun_queue_args queue = {
		.number = app->check_tun.nfqueue,
		.max_packets = app->check_tun.max_queue_len,
		.max_packet_bytes = app->check_tun.max_packet_len,
		.socket_bytes = app->check_tun.socket_buffer,
		.receive_bytes = app->check_tun.receive_buffer,
		.write_timeout_ns = app->check_tun.write_timeout_ns,
	};

	TRY(tun_raw_open(&t->relay.raw, &t->relay.binds[0], &t->relay.binds[1]));
	TRY(tun_neigh_open(&t->relay.link.neigh));
	TRY(tun_proof_open(&t->relay.proof, tunnel_proof_mark(t->args.tunnel)));
	TRY(tun_queue_open(&t->relay.queue, &queue));
	/* release: it is open; pairs with take_queue() */
	atomic_store_explicit(&t->queue_fd, t->relay.queue.fd, memory_order_release);
	return 0;
}

static void close_all(struct tun *t)
{
	/* taken: another file stands at its number until tun_free() */
	if (take_queue(t) >= 0)
		tun_queue_close(&t->relay.queue);
	tun_proof_close(&t->relay.proof);
	tun_neigh_close(&t->relay.link.neigh);
	tun_raw_close(&t->relay.raw);
}

static void note_closed(struct tun *t, int error, uint64_t now_ns)
{
	/* what is shared belongs to another thread now */
	if (is_left(t))
		return;
	close_all(t);
	t->is_open = false;
	t->open_at_ns = now_ns + RETRY_NS;
	tunnel_set32(&t->args.tunnel->error, (uint32_t)-error);
	tunnel_set32(&t->args.tunnel->state, TUNNEL_CLOSED);
	tun_watch_end(&t->watch);
	if (error == t->told_error)
		return;
	t->told_error = error;
	LOG(LOG_ERROR, "tun", "tunnel_closed", LF_U64("queue", t->args.tunnel->queue),
	    LF_STR("error", strerrorname_np(-error)), LF_STR("where", err_last()),
	    LF_STR("effect", "tunnelled checks are unknown"),
	    LF_U64("retry_ms", RETRY_NS / CLK_MS));
}

static void try_to_open(struct tun *t, uint64_t now_ns)
{
	int r;

	if (t->is_open || now_ns < t->open_at_ns)
		return;
	r = open_all(t);
	if (r < 0) {
		note_closed(t, r, now_ns);
		return;
	}
	t->is_open = true;
	t->told_error = 0;
	t->relay.told_lost = 0;
	tunnel_set32(&t->args.tunnel->error, 0);
	tunnel_set32(&t->args.tunnel->state, TUNNEL_OPEN);
	counter_add(t->args.counters, CTR_TUN_BINDS, 1);
	tun_watch_begin(&t->watch, now_ns);
	LOG(LOG_INFO, "tun", "tunnel_open", LF_U64("queue", t->args.tunnel->queue),
	    LF_STR("steering", t->args.tunnel->by_mark ? "mark" : "option"));
}

/* --- messages --------------------------------------------------------------------------------- */

static void adopt(struct tun *t, uint64_t now_ns)
{
	if (!t->staged)
		return;
	t->left = t->relay.map;
	t->relay.map = TAKE(t->staged);
	if (t->left)
		tun_map_inherit(t->relay.map, t->left);
	tun_map_publish(t->relay.map, t->args.tunnel);
	tun_watch_new_map(&t->watch, now_ns);
}

/* False: end the thread. */
static bool obey(struct tun *t, uint64_t now_ns)
{
	const struct control_msg *msg;

	while ((msg = control_peek(t->args.control))) {
		bool is_quit = msg->kind == CONTROL_QUIT;

		if (msg->kind == CONTROL_ADOPT)
			adopt(t, now_ns);
		control_finish(t->args.control);
		if (is_quit)
			return false;
	}
	return true;
}

/* --- the loop --------------------------------------------------------------------------------- */

static uint64_t sleep_ns(const struct tun *t, uint64_t now_ns)
{
	uint64_t next = t->is_open ? tun_watch_next_ns(&t->watch) : t->open_at_ns;

	return next <= now_ns ? 0 : MIN(next - now_ns, MAX_SLEEP_NS);
}

static void wait_for_work(struct tun *t, bool has_more)
{
	uint64_t now_ns = clk_mono_ns(), timeout_ns = has_more ? 0 : sleep_ns(t, now_ns);
	int link_fd = tun_link_is_used(&t->relay) ? t->relay.link.neigh.event_fd : -1;
	struct pollfd fds[] = {
		{.fd = wake_fd(t->args.bell), .events = POLLIN},
		{.fd = t->relay.queue.fd, .events = POLLIN},
		{.fd = t->relay.proof.fds[TUNNEL_V4], .events = POLLIN},
		{.fd = t->relay.proof.fds[TUNNEL_V6], .events = POLLIN},
		{.fd = link_fd, .events = POLLIN},
	};
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / CLK_S),
		.tv_nsec = (long)(timeout_ns % CLK_S),
	};

	wake_arm(t->args.bell);
	if (control_peek(t->args.control))
		timeout = (struct timespec){0};
	tun_watch_sleeps(&t->watch, now_ns, timeout_ns);
	ppoll(fds, ARRAY_LEN(fds), &timeout, NULL);
	wake_disarm(t->args.bell);
}

/* True if packets may still wait. */
static bool serve_queue(struct tun *t, uint64_t now_ns)
{
	int r = TUN_RELAY_MORE;

	for (int i = 0; i < MAX_BATCHES && r == TUN_RELAY_MORE; i++)
		r = tun_relay_batch(&t->relay);
	if (r < 0)
		note_closed(t, r, now_ns);
	return r == TUN_RELAY_MORE;
}

/* Results from the time without a thread are not believed. */
static void take_over(struct tun *t)
{
	struct tunnel *shared = t->args.tunnel;

	tunnel_set64(&shared->stalled_ns, clk_mono_ns());
	tunnel_set32(&shared->state, TUNNEL_CLOSED);
	tun_watch_end(&t->watch);
}

static void loop(struct tun *t)
{
	bool has_more = false;

	while (!is_left(t)) {
		uint64_t now_ns = clk_mono_ns();

		beat_mark(t->args.beat, now_ns);
		tun_watch_woke(&t->watch, now_ns);
		has_more = t->is_open && serve_queue(t, now_ns);
		if (!obey(t, now_ns))
			return;
		try_to_open(t, now_ns);
		if (t->is_open) {
			tun_link_turn(&t->relay, now_ns);
			tun_watch_turn(&t->watch, now_ns);
		}
		wait_for_work(t, has_more);
	}
}

static void run(void *ctx)
{
	struct tun *t = ctx;

	if (t->args.takes_over)
		take_over(t);
	loop(t);
	/* release: nothing is touched behind it; pairs with tun_has_ended() */
	atomic_store_explicit(&t->has_ended, true, memory_order_release);
}

/* --- life ------------------------------------------------------------------------------------- */

static void set_up_shared(const struct tun *t)
{
	const struct app_config *app = t->args.app;
	struct tunnel *shared = t->args.tunnel;

	shared->by_mark = app->check_tun.steering == STEERING_MARK;
	shared->mark_base = app->check_tun.mark_base;
	shared->mark_mask = app->check_tun.mark_mask;
	shared->queue = app->check_tun.nfqueue;
	shared->beat = t->args.beat;
}

static void set_up(struct tun *t)
{
	const struct app_config *app = t->args.app;

	/* relaxed: one thread as yet */
	atomic_store_explicit(&t->queue_fd, -1, memory_order_relaxed);
	t->relay.tunnel = t->args.tunnel;
	t->relay.counters = t->args.counters;
	t->relay.binds[0] = app->check_tun.ipv4_bind;
	t->relay.binds[1] = app->check_tun.ipv6_bind;
	t->relay.queue.fd = -1;
	t->relay.proof.fds[0] = t->relay.proof.fds[1] = -1;
	t->relay.link.neigh.query_fd = t->relay.link.neigh.event_fd = -1;
	for (size_t i = 0; i < ARRAY_LEN(t->relay.raw.lanes); i++)
		t->relay.raw.lanes[i].fd = t->relay.raw.lanes[i].route_fd = -1;
	t->watch.relay = &t->relay;
	t->watch.lag_guard_ns = app->checks.lag_guard_ns;
}

int tun_new(const struct tun_args *args, struct tun **ret)
{
	struct tun *t = calloc(1, sizeof(*t));

	if (!t)
		return err_origin(-ENOMEM);
	t->args = *args;
	set_up(t);
	if (!args->takes_over)
		set_up_shared(t);
	*ret = t;
	return 0;
}

int tun_start(struct tun *t)
{
	t->thread = (struct thr){.fn = run, .ctx = t, .name = "tun", .nice = NICE};
	if (t->args.cpu >= 0) {
		t->thread.has_cpus = true;
		CPU_ZERO(&t->thread.cpus);
		CPU_SET((unsigned)t->args.cpu, &t->thread.cpus);
	}
	return err_trace(thr_start(&t->thread));
}

int tun_stage(struct tun *t, const struct generation *g)
{
	/* the thread touches neither of the two between messages, and of its own map it writes
	 * nothing that tun_map_new() reads */
	tun_map_free(TAKE(t->left));
	tun_map_free(TAKE(t->staged));
	return err_trace(tun_map_new(g, t->relay.map, &t->staged));
}

/* The queue's socket goes when its last descriptor does. The number stays in use, by a file that
 * is no socket: whatever the thread still does with it fails, and hits nobody else's. */
void tun_leave(struct tun *t)
{
	int fd, nothing;

	/* release: set before the queue is taken; pairs with is_left() */
	atomic_store_explicit(&t->is_left, true, memory_order_release);
	fd = take_queue(t);
	if (fd < 0)
		return;
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0 || dup3(nothing, fd, O_CLOEXEC) < 0)
		LOG(LOG_ERROR, "main", "queue_not_taken", LF_STR("error", strerrorname_np(errno)));
	if (nothing >= 0)
		close(nothing);
}

bool tun_has_ended(const struct tun *t)
{
	/* acquire: the thread's work is over; pairs with its release in run() */
	return atomic_load_explicit(&t->has_ended, memory_order_acquire);
}

void tun_join(struct tun *t)
{
	thr_join(&t->thread);
}

void tun_free(struct tun *t)
{
	if (!t)
		return;
	close_all(t);
	tun_queue_close(&t->relay.queue);
	tun_map_free(t->relay.map);
	tun_map_free(t->staged);
	tun_map_free(t->left);
	free(t);
}
