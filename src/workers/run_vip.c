#include "workers/run_vip.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/log.h"

enum { AGAIN_S = 60 };

/* tunnel_real.asked: when, in s, and in the lowest bit whether the real answered. Workers of
 * several checks of a real may write it at one time: the last one wins, the others have asked in
 * vain. */
#define ANSWERED 1U

static _Atomic uint32_t *row_of(const struct run_ctx *c, const struct run *r)
{
	return &tunnel_real(c->tunnel, r->spec->real)->asked;
}

static const struct real_spec *real_of(const struct run *r)
{
	return &r->job.generation->reals[r->spec->real];
}

static uint32_t second(uint64_t now_ns)
{
	return (uint32_t)(now_ns / CLK_S) << 1;
}

static bool is_direct(const struct run_ctx *c, const struct run *r)
{
	return c->tunnel && r->spec && (r->spec->flags & CHECK_TUNNELLED) &&
	       real_of(r)->lvs_method == LVS_DR;
}

static bool is_asked(const struct run_ctx *c, const struct run *r, uint64_t now_ns)
{
	uint32_t asked = tunnel_get32(row_of(c, r));

	return asked && second(now_ns) - (asked & ~ANSWERED) < AGAIN_S << 1;
}

bool run_vip_may_ask(const struct run_ctx *c, const struct run *r)
{
	return is_direct(c, r) && !is_asked(c, r, r->start_ns);
}

/* --- the look --------------------------------------------------------------------------------- */

static void close_own(struct run_ctx *c, struct run *r)
{
	struct linger at_once = {.l_onoff = 1};

	(void)setsockopt(r->own_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(r->own_fd);
	r->own_fd = -1;
	c->n_own_fds--;
}

/* What fails here says nothing. */
static bool dial_own(const struct run *r, int fd)
{
	const struct addr *ip = &real_of(r)->ip, *source = &r->profile->bindto;
	struct sockaddr_storage sa;
	socklen_t len;
	int on = 1;

	if (!addr_is_unset(source) && addr_is_v4(source) == addr_is_v4(ip)) {
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		len = addr_to_sockaddr(source, 0, &sa);
		if (bind(fd, (const struct sockaddr *)&sa, len) < 0)
			return false;
	}
	len = addr_to_sockaddr(ip, r->spec->connect_port, &sa);
	return connect(fd, (const struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS ||
	       errno == ECONNREFUSED;
}

void run_vip_ask(struct run_ctx *c, struct run *r)
{
	uint64_t now_ns = clk_mono_ns();
	int family = addr_is_v4(&real_of(r)->ip) ? AF_INET : AF_INET6;

	if (c->n_own_fds >= RUN_VIP_MAX || is_asked(c, r, now_ns))
		return;
	r->own_fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->own_fd < 0)
		return;
	c->n_own_fds++;
	tunnel_set32(row_of(c, r), MAX(second(now_ns), 2U));
	if (!dial_own(r, r->own_fd))
		close_own(c, r);
}

/* Accepted or refused: somebody is there. */
static bool has_answered(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&p, 1, 0) <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return false;
	return error == 0 || error == ECONNREFUSED;
}

void run_vip_explain(const struct run_ctx *c, struct run *r)
{
	uint32_t asked;

	if ((r->code != CODE_CONNECT_TIMEOUT && r->code != CODE_UNREACHABLE) || !is_direct(c, r))
		return;
	asked = tunnel_get32(row_of(c, r));
	if (r->own_fd >= 0 && !(asked & ANSWERED) && has_answered(r->own_fd)) {
		asked |= ANSWERED;
		tunnel_set32(row_of(c, r), asked);
		counter_add(c->counters, CTR_TUN_VIPS_SILENT, 1);
		LOG(LOG_WARN, "worker", "no_reply_for_vip",
		    LF_ADDR("real", &real_of(r)->ip, r->spec->connect_port),
		    LF_ADDR("vip", &r->spec->connect_ip, r->spec->connect_port),
		    LF_STR("hint", "the real answers on its own address: is the VIP on its "
				   "loopback?"));
	}
	if (asked & ANSWERED)
		run_over(r, CODE_NO_REPLY_FOR_VIP, 0);
}

bool run_vip_holds(struct run_ctx *c, struct run *r, uint64_t now_ns)
{
	if (r->code != CODE_UNREACHABLE || !is_direct(c, r))
		return false;
	if (r->own_fd < 0 && r->phase != RUN_HELD)
		run_vip_ask(c, r);
	run_vip_explain(c, r);
	return r->code == CODE_UNREACHABLE && r->own_fd >= 0 &&
	       now_ns < r->over_ns + RUN_VIP_HOLD_MS * CLK_MS;
}

void run_vip_end(struct run_ctx *c, struct run *r)
{
	if (r->own_fd >= 0)
		close_own(c, r);
	if (r->code == CODE_OK && is_direct(c, r) && tunnel_get32(row_of(c, r)))
		tunnel_set32(row_of(c, r), 0);
}
