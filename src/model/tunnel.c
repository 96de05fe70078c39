#include "model/tunnel.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"

enum {
	MAX_MSS = 32767, /* of TCP_MAXSEG */
	MIN_MSS = 88,
};
#define OPTION_MARK UINT32_MAX
/* decisions 39 */
#define PROOF_NS (2 * CLK_S)
#define HOLD_NS  CLK_S
/* tun's beat is younger than this unless the thread hangs; it beats every 100 ms */
#define BEAT_NS (300 * CLK_MS)

static const uint32_t latency_us[TUNNEL_LATENCY_BUCKETS] = {5,   10,  20,   50,   100,
							    200, 500, 1000, 5000, UINT32_MAX};

int tunnel_init(struct tunnel *t)
{
	memset(t, 0, sizeof(*t));
	return table_init(&t->reals, sizeof(struct tunnel_real), MAX_REALS);
}

void tunnel_deinit(struct tunnel *t)
{
	table_deinit(&t->reals);
}

struct tunnel_real *tunnel_host(const struct tunnel *t, uint32_t slot)
{
	uint32_t host = tunnel_get32(&tunnel_real(t, slot)->host);

	return host ? tunnel_real(t, host - 1) : NULL;
}

/* --- marks ------------------------------------------------------------------------------------ */

uint32_t tunnel_proof_mark(const struct tunnel *t)
{
	return t->by_mark ? t->mark_mask : OPTION_MARK;
}

uint32_t tunnel_mark_of(const struct tunnel *t, uint32_t real)
{
	uint64_t mark = (uint64_t)t->mark_base + real;

	if (!t->by_mark)
		return OPTION_MARK;
	return mark < t->mark_mask ? (uint32_t)mark : 0;
}

uint32_t tunnel_real_of(const struct tunnel *t, uint32_t mark)
{
	uint32_t value = mark & t->mark_mask;

	if (value < t->mark_base || value >= t->mark_mask || value - t->mark_base >= MAX_REALS)
		return SLOT_NONE;
	return value - t->mark_base;
}

/* --- proof ------------------------------------------------------------------------------------ */

bool tunnel_is_proven(const struct tunnel *t, enum tunnel_family family, uint64_t now_ns)
{
	uint64_t proven_ns = tunnel_get64(&t->proven_ns[family]);

	/* a stamp from after now_ns: the caller read the clock a moment ago */
	return proven_ns && (proven_ns > now_ns || now_ns - proven_ns <= PROOF_NS);
}

/* A datagram or a packet of its own went the way after the check began. */
static bool has_proof(const struct tunnel *t, const struct tunnel_case *c,
		      const struct tunnel_real *host)
{
	return tunnel_get64(&host->sent_ns) >= c->start_ns ||
	       tunnel_get64(&t->proven_ns[c->family]) >= c->start_ns;
}

static enum tunnel_word doubt_or_hold(const struct tunnel_case *c, uint64_t now_ns, int *ret_error)
{
	if (now_ns < c->end_ns + HOLD_NS)
		return TUNNEL_HOLD;
	*ret_error = 0;
	return TUNNEL_DOUBT;
}

enum tunnel_word tunnel_judge(const struct tunnel *t, const struct tunnel_case *c, uint64_t now_ns,
			      int *ret_error)
{
	const struct tunnel_real *host = tunnel_host(t, c->real);

	if (!host) {
		*ret_error = ENOENT;
		return TUNNEL_DOUBT;
	}
	if (c->is_bad) {
		if (tunnel_get64(&host->fault_ns) >= c->start_ns) {
			*ret_error = tunnel_get16(&host->error);
			return TUNNEL_DOUBT;
		}
		if (tunnel_get64(&t->lost_ns) >= c->start_ns) {
			*ret_error = ENOBUFS;
			return TUNNEL_DOUBT;
		}
		if (tunnel_get64(&t->stalled_ns) >= c->start_ns) {
			*ret_error = ETIME;
			return TUNNEL_DOUBT;
		}
		/* a thread that stands still has not yet said so */
		if (beat_last(t->beat) + BEAT_NS < now_ns)
			return doubt_or_hold(c, now_ns, ret_error);
	}
	return has_proof(t, c, host) ? TUNNEL_BELIEVE : doubt_or_hold(c, now_ns, ret_error);
}

/* --- tun's side ------------------------------------------------------------------------------- */

void tunnel_note_fault(struct tunnel_real *host, int error, uint64_t now_ns)
{
	/* relaxed: a reader that sees the new time with an old errno has a fault anyway */
	atomic_store_explicit(&host->error, (uint16_t)error, memory_order_relaxed);
	tunnel_set64(&host->fault_ns, now_ns);
}

void tunnel_set_mss(struct tunnel_real *r, uint32_t mss)
{
	/* relaxed: a value of its own */
	atomic_store_explicit(&r->mss, (uint16_t)MAX(MIN(mss, MAX_MSS), MIN_MSS),
			      memory_order_relaxed);
}

uint32_t tunnel_latency_us(unsigned bucket)
{
	return latency_us[MIN(bucket, TUNNEL_LATENCY_BUCKETS - 1)];
}

static void add64(_Atomic uint64_t *field, uint64_t n)
{
	tunnel_set64(field, tunnel_get64(field) + n);
}

void tunnel_count_latency(struct tunnel *t, uint64_t latency_ns, uint32_t n_packets)
{
	unsigned i = 0;

	while (i < TUNNEL_LATENCY_BUCKETS - 1 && latency_ns > latency_us[i] * CLK_US)
		i++;
	add64(&t->latency[i], n_packets);
	add64(&t->latency_sum_ns, latency_ns * n_packets);
}

void tunnel_count_packet(struct tunnel *t, enum tunnel_way way, enum tunnel_fate fate, int error)
{
	add64(&t->packets[way][fate], 1);
	if (fate == TUNNEL_REFUSED)
		add64(&t->send_errors[MIN((unsigned)error, TUNNEL_ERRNOS - 1U)], 1);
}

/* --- words ------------------------------------------------------------------------------------ */

const char *tunnel_state_text(enum tunnel_state s)
{
	static const char *const texts[TUNNEL_STATE__N] = {"closed", "open"};

	return s < TUNNEL_STATE__N ? texts[s] : "?";
}

const char *tunnel_rule_text(enum tunnel_rule r)
{
	static const char *const texts[TUNNEL_RULE__N] = {"untried", "proven", "missing", "silent"};

	return r < TUNNEL_RULE__N ? texts[r] : "?";
}

const char *tunnel_family_text(enum tunnel_family f)
{
	return f == TUNNEL_V4 ? "ipv4" : "ipv6";
}

const char *tunnel_way_text(enum tunnel_way w)
{
	static const char *const texts[TUNNEL_WAY__N] = {"ipip", "gre", "dr"};

	return w < TUNNEL_WAY__N ? texts[w] : "?";
}

const char *tunnel_fate_text(enum tunnel_fate f)
{
	static const char *const texts[TUNNEL_FATE__N] = {"sent", "refused", "unresolved"};

	return f < TUNNEL_FATE__N ? texts[f] : "?";
}
