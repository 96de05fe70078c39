#include "workers/run_tunnel.h"

#include <errno.h>

#include "model/tunnel_option.h"

enum { INNER_HOPS = 2 }; /* spec/monalive §4.1: a packet that escaped its tunnel does not get far */

static enum tunnel_family family_of(const struct run *r)
{
	return addr_is_v4(&r->spec->connect_ip) ? TUNNEL_V4 : TUNNEL_V6;
}

static enum tunnel_method method_of(const struct real_spec *s)
{
	switch ((enum lvs_method)s->lvs_method) {
	case LVS_GRE:
		return TUNNEL_GRE;
	case LVS_DR:
		return TUNNEL_DR;
	default:
		return TUNNEL_IPIP;
	}
}

enum run_step run_tunnel_begin(const struct run_ctx *c, struct run *r)
{
	const struct tunnel *t = c->tunnel;

	if (!t)
		return run_over(r, CODE_TUNNEL, 0);
	if (!tunnel_is_proven(t, family_of(r), r->start_ns)) {
		counter_add(c->counters, CTR_TUN_DOUBTED, 1);
		return run_over(r, CODE_TUNNEL, tunnel_get32(&t->error));
	}
	if (!tunnel_host(t, r->spec->real))
		return run_over(r, CODE_TUNNEL, ENOENT);
	if (tunnel_mark_of(t, r->spec->real) == 0)
		return run_over(r, CODE_TUNNEL, ERANGE);
	return RUN_WAIT;
}

void run_tunnel_want(const struct run_ctx *c, const struct run *r, struct tcp_want *want)
{
	const struct tunnel *t = c->tunnel;
	uint32_t slot = r->spec->real;
	const struct real_spec *real = &r->job.generation->reals[slot];

	want->mark = tunnel_mark_of(t, slot);
	want->hops = INNER_HOPS;
	want->mss = tunnel_get16(&tunnel_real(t, slot)->mss);
	if (!t->by_mark)
		want->n_option = (uint8_t)tunnel_option_build(
			addr_is_v4(&r->spec->connect_ip), &real->ip, method_of(real), want->option);
}

/* Only a result that can change a verdict has to wait for anything. */
static bool may_change(const struct run *r)
{
	switch (check_code_verdict((enum check_code)r->code)) {
	case VERDICT_BAD:
		return true;
	case VERDICT_GOOD:
		return !(r->job.flags & JOB_CHECK_WAS_UP);
	default:
		return false;
	}
}

/* What our own kernel said about its packets: a missing route is judged by other reals'
 * (decisions 14), everything else is our fault. */
static enum run_step doubted(const struct run_ctx *c, struct run *r, int error)
{
	bool is_route = error == ENETUNREACH || error == EHOSTUNREACH;

	counter_add(c->counters, CTR_TUN_DOUBTED, 1);
	return run_over(r, is_route ? CODE_NO_ROUTE : CODE_TUNNEL, (uint32_t)error);
}

enum run_step run_tunnel_end(const struct run_ctx *c, struct run *r, uint64_t now_ns)
{
	struct tunnel_case what = {
		.real = r->spec->real,
		.family = family_of(r),
		.is_bad = check_code_verdict((enum check_code)r->code) == VERDICT_BAD,
		.start_ns = r->start_ns,
		.end_ns = r->over_ns,
	};
	int error = 0;

	if (!may_change(r))
		return RUN_OVER;
	switch (tunnel_judge(c->tunnel, &what, now_ns, &error)) {
	case TUNNEL_BELIEVE:
		return RUN_OVER;
	case TUNNEL_HOLD:
		return RUN_WAIT;
	default:
		return doubted(c, r, error);
	}
}
