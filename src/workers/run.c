#include "workers/run.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/clk.h"
#include "base/err.h"
#include "workers/outcome.h"
#include "workers/run_secure.h"
#include "workers/run_talk.h"
#include "workers/run_tunnel.h"
#include "workers/run_urls.h"
#include "workers/run_vip.h"

enum {
	SCRATCH_BYTES = 256 << 10, /* requests are far smaller */
	KEPT_OUT_BYTES = 4 << 10,
	DEFAULT_FIRST_LOCAL = 32768,
	DEFAULT_LAST_LOCAL = 60999,
};

static struct run *row_at(const struct run_ctx *c, uint32_t i)
{
	return table_row(&c->runs, i);
}

static uint32_t row_of(const struct run_ctx *c, const struct run *r)
{
	return (uint32_t)(((const unsigned char *)r - c->runs.rows) / c->runs.row_bytes);
}

static uint32_t cut_u32(uint64_t v)
{
	return (uint32_t)MIN(v, UINT32_MAX);
}

/* --- worker's start and end ------------------------------------------------------------------- */

static void read_local_ports(struct run_ctx *c)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned first, last;

	c->first_local_port = DEFAULT_FIRST_LOCAL;
	c->last_local_port = DEFAULT_LAST_LOCAL;
	if (!f)
		return;
	if (fscanf(f, "%u %u", &first, &last) == 2 && first <= last && last <= UINT16_MAX) {
		c->first_local_port = (uint16_t)first;
		c->last_local_port = (uint16_t)last;
	}
	fclose(f);
}

int run_ctx_init(struct run_ctx *c, const struct run_args *args, uint64_t now_ns)
{
	c->outbox = (struct outbox){args->port, args->tables, args->counters, false};
	c->counters = args->counters;
	c->tunnel = args->tunnel;
	c->lag_guard_ns = args->lag_guard_ns;
	c->out = BUF_INIT(SCRATCH_BYTES);
	c->plain = BUF_INIT(SCRATCH_BYTES);
	standstill_init(&c->standstill, args->lag_guard_ns, now_ns);
	read_local_ports(c);
	c->contexts.counters = args->counters;
	TRY(tls_sessions_init(&c->sessions));
	TRY(tcp_pool_init(&c->pool, args->epoll_fd, args->max_sockets, now_ns));
	/* one more than sockets: a run is made before its socket is refused */
	TRY(table_init(&c->runs, sizeof(struct run), args->max_sockets + 1));
	wheel_init(&c->wheel, c->runs.rows + offsetof(struct run, timer), sizeof(struct run),
		   CLK_MS, now_ns);
	return 0;
}

void run_ctx_deinit(struct run_ctx *c)
{
	ASSERT(c->in_flight == 0);
	for (uint32_t i = 0; i < c->n_rows; i++) {
		check_talk_free(&row_at(c, i)->talk);
		buf_deinit(&row_at(c, i)->out);
	}
	check_expect_free(&c->expect);
	tls_sessions_deinit(&c->sessions);
	tls_contexts_deinit(&c->contexts);
	table_deinit(&c->runs);
	tcp_pool_deinit(&c->pool);
	buf_deinit(&c->out);
	buf_deinit(&c->plain);
}

/* --- a run's end ------------------------------------------------------------------------------ */

enum run_step run_over(struct run *r, enum check_code code, uint32_t detail)
{
	r->code = (uint16_t)code;
	r->detail = detail;
	return RUN_OVER;
}

/* A phase that was reached lasted at least 1 µs. */
static uint32_t phase_us(uint64_t begin_ns, uint64_t end_ns, uint64_t now_ns)
{
	uint64_t end = end_ns ? end_ns : now_ns;

	return cut_u32(MAX((end - begin_ns) / CLK_US, 1));
}

static void fill_times(const struct run *r, struct result *res, uint64_t now_ns)
{
	if (r->start_ns > r->job.due_ns)
		res->lateness_us = cut_u32((r->start_ns - r->job.due_ns) / CLK_US);
	if (r->phase == RUN_FREE)
		return;
	res->total_us = cut_u32((now_ns - r->start_ns) / CLK_US);
	res->connect_us = phase_us(r->dial_ns, r->connected_ns, now_ns);
	if (r->tls)
		res->tls_us = phase_us(r->connected_ns, r->secured_ns, now_ns);
}

static void fill_talk(const struct run *r, struct result *res)
{
	if (r->secured_ns) {
		res->tls_version = tls_version(r->tls);
		res->tls_cipher = tls_cipher(r->tls);
		res->cert_expiry_s = tls_cert_expiry_s(r->tls);
		if (tls_is_resumed(r->tls))
			res->flags |= RESULT_TLS_RESUMED;
	}
	if (r->said.url || (r->has_talk && r->talk.extras)) {
		run_urls_fill(r, res);
	} else if (r->has_talk) {
		res->bytes_read = r->talk.outcome.bytes_read;
		if (check_code_verdict((enum check_code)r->code) == VERDICT_GOOD)
			res->weight = r->talk.outcome.weight;
	}
}

/* A bad result is not believed if our own loop did not look for longer than lag_guard (decisions
 * 15); a good one always is. */
static void doubt(const struct run_ctx *c, const struct run *r, struct result *res, uint64_t now_ns)
{
	uint64_t gap_ns = standstill_since(&c->standstill, r->start_ns, now_ns);

	res->gap_ms = (uint16_t)MIN(gap_ns / CLK_MS, UINT16_MAX);
	if (gap_ns <= c->lag_guard_ns ||
	    check_code_verdict((enum check_code)res->code) != VERDICT_BAD)
		return;
	res->code = CODE_STALLED;
	res->detail = cut_u32(gap_ns / CLK_MS);
}

static void free_row(struct run_ctx *c, struct run *r)
{
	buf_consume(&r->out, buf_len(&r->out));
	if (r->out.cap > KEPT_OUT_BYTES)
		buf_reset(&r->out);
	r->phase = RUN_FREE;
	r->next_free = c->free_row;
	c->free_row = row_of(c, r) + 1;
	c->in_flight--;
}

/* The disconnect also sends the RST. */
static void hang_up(struct run_ctx *c, struct run *r, uint64_t now_ns)
{
	if (r->has_talk)
		check_talk_close(&r->talk);
	/* with extras also one that never came to TLS: it may be of a check that resumes */
	if (r->tls || (r->spec && r->profile->extras))
		run_secure_end(c, r);
	if (r->sock != TCP_SOCK_UNUSED)
		tcp_pool_give(&c->pool, r->sock, (enum tcp_end)r->sock_end, now_ns);
}

/* The one way out: result and done, then the disconnect. */
static void end(struct run_ctx *c, struct run *r)
{
	uint64_t now_ns = clk_mono_ns();
	struct result res = {.code = r->code, .detail = r->detail, .weight = -1};

	wheel_disarm(&c->wheel, row_of(c, r));
	fill_times(r, &res, r->over_ns ? r->over_ns : now_ns);
	fill_talk(r, &res);
	doubt(c, r, &res, now_ns);
	outbox_put(&c->outbox, &r->job, &res, now_ns);
	run_vip_end(c, r);
	hang_up(c, r, now_ns);
	free_row(c, r);
}

static void no_connection(struct run *r)
{
	r->connected_ns = r->secured_ns = r->over_ns = 0;
	r->tls = NULL;
	r->sock = TCP_SOCK_UNUSED;
	r->sock_end = TCP_END_FAILED;
	r->send_error = 0;
	r->has_talk = false;
}

/* The next url is dialled by the wheel: the socket that was given back may be taken again only when
 * the events at hand have been handled (tcp_pool.h). */
static void go_on(struct run_ctx *c, struct run *r, uint64_t now_ns)
{
	hang_up(c, r, now_ns);
	buf_consume(&r->out, buf_len(&r->out));
	no_connection(r);
	r->phase = RUN_NEXT;
	wheel_arm(&c->wheel, row_of(c, r), now_ns);
}

static bool has_answered(const struct run *r)
{
	return r->code == CODE_OK && r->has_talk && r->talk.extras && r->phase != RUN_HELD;
}

/* It is over; a tunnelled one ends only when it is known whether it can be believed. */
static void finish(struct run_ctx *c, struct run *r)
{
	uint64_t now_ns = clk_mono_ns();
	bool is_tunnelled = r->spec && (r->spec->flags & CHECK_TUNNELLED);

	if (has_answered(r) && run_urls_answered(c, r, now_ns) == RUN_WAIT) {
		go_on(c, r, now_ns);
		return;
	}
	if (!r->over_ns)
		r->over_ns = now_ns;
	if (!is_tunnelled ||
	    (run_tunnel_end(c, r, now_ns) == RUN_OVER && !run_vip_holds(c, r, now_ns))) {
		end(c, r);
		return;
	}
	if (r->phase != RUN_HELD)
		counter_add(c->counters, CTR_TUN_HELD, 1);
	r->phase = RUN_HELD;
	wheel_arm(&c->wheel, row_of(c, r), now_ns + RUN_TUNNEL_ASK_MS * CLK_MS);
}

static enum run_step held_event(struct run_ctx *c, struct run *r, uint32_t events)
{
	(void)c;
	(void)r;
	(void)events;
	return RUN_WAIT;
}

/* Time to ask again. */
static enum run_step held_timeout(struct run_ctx *c, struct run *r)
{
	(void)c;
	(void)r;
	return RUN_OVER;
}

/* --- connecting ------------------------------------------------------------------------------- */

/* decisions 14: before the world is blamed, is the source address still ours? */
static enum run_step not_connected(struct run *r, enum check_code code, int error)
{
	const struct addr *source = &r->profile->bindto;

	if (outcome_asks_for_source(code) && !addr_is_unset(source)) {
		int gone = tcp_sock_test_source(source);

		if (gone) {
			code = outcome_of_fault((struct tcp_fault){TCP_FAULT_BIND, gone});
			error = gone;
		}
	}
	return run_over(r, code, (uint32_t)error);
}

static bool may_be_self(const struct run_ctx *c, uint16_t port)
{
	return port >= c->first_local_port && port <= c->last_local_port;
}

/* The last moment of the whole check. */
static uint64_t end_of_check(const struct run *r)
{
	return r->start_ns + r->profile->check_timeout_ns;
}

static void arm(struct run_ctx *c, struct run *r, uint64_t at_ns)
{
	wheel_arm(&c->wheel, row_of(c, r), at_ns);
}

static uint64_t end_of_connect(const struct run *r)
{
	return MIN(r->dial_ns + r->profile->connect_timeout_ns, end_of_check(r));
}

static uint64_t half_of_connect(const struct run *r)
{
	return r->dial_ns + (end_of_connect(r) - MIN(r->dial_ns, end_of_connect(r))) / 2;
}

static enum run_step connected(struct run_ctx *c, struct run *r, uint32_t events)
{
	const struct check_spec *s = r->spec;
	enum run_step step;

	bool is_half_time = r->is_half_time;

	r->connected_ns = clk_mono_ns();
	r->is_half_time = false;
	r->sock_end = TCP_END_CONNECTED;
	if (may_be_self(c, s->connect_port) &&
	    tcp_sock_is_self(run_sock(c, r), &s->connect_ip, s->connect_port))
		return run_over(r, CODE_REFUSED, 0);
	if (!check_has_talk((enum check_kind)s->kind))
		return run_over(r, CODE_OK, 0);
	if (is_half_time || r->said.url ||
	    r->profile->check_timeout_ns > r->profile->connect_timeout_ns)
		arm(c, r, end_of_check(r));
	step = run_talk_begin(c, r);
	/* these edges were for the data behind the handshake and come only once */
	if (step == RUN_WAIT && (events & (EPOLLIN | EPOLLRDHUP)))
		step = run_talk_event(c, r, events);
	return step;
}

static enum run_step connect_event(struct run_ctx *c, struct run *r, uint32_t events)
{
	struct tcp_sock *s = run_sock(c, r);
	int error;

	switch (tcp_sock_progress(s, events, &error)) {
	case TCP_PENDING:
		return RUN_WAIT;
	case TCP_CONNECTED:
		return connected(c, r, events);
	default:
		if (!error)
			r->sock_end = TCP_END_SURPRISE;
		return not_connected(r, outcome_of_connect(error), error);
	}
}

static enum run_step connect_timeout(struct run_ctx *c, struct run *r)
{
	uint32_t events = tcp_sock_poll(run_sock(c, r), true);
	enum run_step step = events ? connect_event(c, r, events) : RUN_WAIT;

	if (step == RUN_WAIT && r->phase == RUN_CONNECT && r->is_half_time) {
		r->is_half_time = false;
		run_vip_ask(c, r);
		arm(c, r, end_of_connect(r));
		return RUN_WAIT;
	}
	if (step == RUN_WAIT && r->phase == RUN_CONNECT) {
		step = not_connected(r, CODE_CONNECT_TIMEOUT, 0);
		run_vip_explain(c, r);
	}
	if (step == RUN_WAIT && !wheel_is_armed(&c->wheel, row_of(c, r)))
		arm(c, r, end_of_check(r));
	return step;
}

static struct tcp_want want_of(const struct check_profile *p)
{
	return (struct tcp_want){
		.source = p->bindto,
		.mark = p->fwmark,
		/* who speaks first lets its request carry the ACK */
		.late_ack =
			check_has_talk((enum check_kind)p->kind) || (p->flags & PROFILE_HALF_OPEN),
	};
}

static enum run_step dial(struct run_ctx *c, struct run *r)
{
	const struct check_spec *s = r->spec;
	const struct check_profile *p = r->profile;
	bool is_tunnelled = s->flags & CHECK_TUNNELLED;
	struct tcp_want want = want_of(p);
	struct tcp_fault f = tcp_pool_take(&c->pool, addr_is_v4(&s->connect_ip),
					   !addr_is_unset(&p->bindto), row_of(c, r), &r->sock);
	enum check_code code;

	if (f.kind != TCP_FAULT_NONE)
		return run_over(r, outcome_of_fault(f), (uint32_t)f.error);
	if (is_tunnelled)
		run_tunnel_want(c, r, &want);
	f = tcp_sock_connect(run_sock(c, r), &want, &s->connect_ip, s->connect_port);
	if (f.kind == TCP_FAULT_NONE) {
		r->phase = RUN_CONNECT;
		r->is_half_time = run_vip_may_ask(c, r);
		arm(c, r, r->is_half_time ? half_of_connect(r) : end_of_connect(r));
		return RUN_WAIT;
	}
	code = outcome_of_fault(f);
	if (f.kind != TCP_FAULT_CONNECT || code == CODE_INTERNAL)
		r->sock_end = TCP_END_SURPRISE;
	/* the VIP's route only has to exist; it says nothing about the real */
	if (is_tunnelled && code == CODE_NO_ROUTE)
		code = CODE_TUNNEL;
	return not_connected(r, code, f.error);
}

static enum run_step next_timeout(struct run_ctx *c, struct run *r)
{
	r->dial_ns = clk_mono_ns();
	return dial(c, r);
}

/* --- a run's start ---------------------------------------------------------------------------- */

static struct run *new_row(struct run_ctx *c)
{
	uint32_t i = c->free_row ? c->free_row - 1 : c->n_rows++;
	struct run *r = row_at(c, i);

	if (c->free_row)
		c->free_row = r->next_free;
	else
		r->out = BUF_INIT(SCRATCH_BYTES);
	c->in_flight++;
	return r;
}

static enum run_step begin(struct run_ctx *c, struct run *r)
{
	const struct generation *g = r->job.generation;
	uint64_t late_ns = r->start_ns > r->job.due_ns ? r->start_ns - r->job.due_ns : 0;

	if (c->is_stopping)
		return run_over(r, CODE_CANCELLED, 0);
	if (late_ns > c->lag_guard_ns) {
		counter_add(c->counters, CTR_WORKER_LATE, 1);
		return run_over(r, CODE_LATE, cut_u32(late_ns / CLK_MS));
	}
	if (!gen_check_in_use(g, r->job.check) ||
	    addr_is_unset(&g->checks[r->job.check].connect_ip))
		return run_over(r, CODE_INTERNAL, EINVAL);
	r->spec = &g->checks[r->job.check];
	r->profile = gen_profile(g, r->job.check);
	if ((r->spec->flags & CHECK_TUNNELLED) && run_tunnel_begin(c, r) == RUN_OVER)
		return RUN_OVER;
	standstill_expect(&c->standstill, r->profile->check_timeout_ns);
	return dial(c, r);
}

void run_start(struct run_ctx *c, const struct job *job)
{
	struct run *r = new_row(c);

	r->job = *job;
	r->start_ns = r->dial_ns = clk_mono_ns();
	r->spec = NULL;
	r->said = (struct run_said){0};
	no_connection(r);
	r->own_fd = -1;
	r->is_half_time = false;
	counter_add(c->counters, CTR_JOBS_TAKEN, 1);
	tls_sessions_sweep(&c->sessions, job->generation);
	if (begin(c, r) == RUN_OVER)
		finish(c, r);
}

/* --- events ----------------------------------------------------------------------------------- */

static const struct {
	enum run_step (*event)(struct run_ctx *c, struct run *r, uint32_t events);
	enum run_step (*timeout)(struct run_ctx *c, struct run *r);
} phases[RUN__N] = {
	[RUN_CONNECT] = {connect_event, connect_timeout},
	[RUN_TLS] = {run_talk_event, run_talk_timeout},
	[RUN_TALK] = {run_talk_event, run_talk_timeout},
	[RUN_HELD] = {held_event, held_timeout},
	[RUN_NEXT] = {held_event, next_timeout},
};

void run_event(struct run_ctx *c, uint32_t slot, uint32_t events)
{
	uint32_t user = tcp_pool_at(&c->pool, slot)->user;
	struct run *r;

	if (user == TCP_SOCK_UNUSED)
		return;
	r = row_at(c, user);
	if (phases[r->phase].event(c, r, events) == RUN_OVER)
		finish(c, r);
}

void run_deadlines(struct run_ctx *c, uint64_t now_ns, uint32_t max)
{
	wheel_advance(&c->wheel, now_ns);
	while (max--) {
		uint32_t i = wheel_pop(&c->wheel);
		struct run *r;

		if (i == WHEEL_NONE)
			return;
		r = row_at(c, i);
		if (phases[r->phase].timeout(c, r) == RUN_OVER)
			finish(c, r);
	}
}

void run_cancel_all(struct run_ctx *c)
{
	for (uint32_t i = 0; i < c->n_rows && c->in_flight; i++) {
		struct run *r = row_at(c, i);

		if (r->phase == RUN_FREE)
			continue;
		run_over(r, CODE_CANCELLED, 0);
		end(c, r);
	}
}
