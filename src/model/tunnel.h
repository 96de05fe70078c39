/* What the tun thread publishes: workers ask it before and after each tunnelled check, the API and
 * alivectl show it. One of these per process, made by main, at a fixed address.
 *
 * Family here is the inner one, the VIP's: it decides which host rule (iptables or ip6tables)
 * leads a packet into the queue.
 *
 * field                writer      readers   order
 * set-up, real rows    main, before the threads start
 * real rows: asked     workers     workers   relaxed: a value of its own
 * everything else      tun         workers,  relaxed: time stamps and figures of their own; a real
 *                                  api       row's `host` is published before a check of it starts
 *                                            (adoption: tun before sched, through control rings)
 *
 * Times are CLOCK_MONOTONIC ns; 0: never.
 */
#pragma once

#include "base/table.h"
#include "model/beat.h"
#include "model/ids.h"

enum tunnel_family { TUNNEL_V4, TUNNEL_V6, TUNNEL_FAMILY__N };

enum tunnel_state {
	TUNNEL_CLOSED, /* no queue or no raw sockets: error says why; tried again every 5 s */
	TUNNEL_OPEN,
	TUNNEL_STATE__N
};

/* What became of the family's last test datagram. */
enum tunnel_rule {
	TUNNEL_RULE_UNTRIED,
	TUNNEL_RULE_PROVEN,  /* it came through the queue */
	TUNNEL_RULE_MISSING, /* it arrived: no rule leads it into the queue */
	TUNNEL_RULE_SILENT,  /* neither: dropped, or a queue without its reader */
	TUNNEL_RULE__N
};

/* Tunnel methods as figures are kept by; the wire's codes are in tunnel_option.h. */
enum tunnel_way { TUNNEL_WAY_IPIP, TUNNEL_WAY_GRE, TUNNEL_WAY_DR, TUNNEL_WAY__N };

/* What became of a packet that was understood. */
enum tunnel_fate {
	TUNNEL_SENT,
	TUNNEL_REFUSED,    /* by our own kernel: send_errors says why */
	TUNNEL_UNRESOLVED, /* direct routing: nobody answers for the real's hardware address */
	TUNNEL_FATE__N
};

/* By real slot. Several reals with one address share the `host` row for what is known by address
 * alone. */
struct tunnel_real {
	_Atomic uint64_t sent_ns;  /* host row: a packet for it left last */
	_Atomic uint64_t fault_ns; /* host row: our own kernel refused a packet for it last */
	_Atomic uint32_t host;     /* slot of the host row + 1; 0: tun does not know this real */
	_Atomic uint16_t mss;      /* TCP_MAXSEG for its checks; 0: not known yet */
	_Atomic uint16_t error;    /* host row: errno of fault_ns */
	_Atomic uint32_t asked;    /* workers': run_vip.h */
};
static_assert(sizeof(struct tunnel_real) == 32, "one per tunnelled real");

enum {
	TUNNEL_LATENCY_BUCKETS = 10,
	TUNNEL_ERRNOS = 136, /* Linux has 133; the last one is for all beyond */
};

struct tunnel {
	/* read-only once the threads run */
	bool by_mark; /* steering: one mark per real; else one mark and an option */
	uint32_t mark_base, mark_mask;
	uint16_t queue;
	const struct beat *beat; /* tun's */
	struct table reals;      /* struct tunnel_real */
	/* tun's */
	alignas(CACHELINE) _Atomic uint64_t proven_ns[TUNNEL_FAMILY__N]; /* sending of the last test
									    datagram that came */
	_Atomic uint64_t stalled_ns; /* end of tun's last standstill beyond the lag guard */
	_Atomic uint64_t lost_ns;    /* packets were found lost between kernel and us */
	_Atomic uint32_t state;      /* enum tunnel_state */
	_Atomic uint32_t error;      /* errno of TUNNEL_CLOSED */
	_Atomic uint32_t rules[TUNNEL_FAMILY__N]; /* enum tunnel_rule */
	_Atomic uint32_t needs[TUNNEL_FAMILY__N]; /* reals whose checks go that way */
	_Atomic uint64_t packets[TUNNEL_WAY__N][TUNNEL_FATE__N];
	_Atomic uint64_t send_errors[TUNNEL_ERRNOS]; /* by errno */
	/* packets by the time from the receipt of their batch to the sending of its last packet;
	 * bounds in µs are tunnel_latency_us() */
	_Atomic uint64_t latency[TUNNEL_LATENCY_BUCKETS];
	_Atomic uint64_t latency_sum_ns;
};

/* Returns 0 or -ENOMEM. The caller sets by_mark, mark_*, queue, beat. */
MUST_CHECK int tunnel_init(struct tunnel *t);
void tunnel_deinit(struct tunnel *t);

/* Row of a real. Any thread. */
static inline struct tunnel_real *tunnel_real(const struct tunnel *t, uint32_t slot)
{
	return table_row(&t->reals, slot);
}

/* The host row of a real; NULL if tun does not know it. Any thread. */
struct tunnel_real *tunnel_host(const struct tunnel *t, uint32_t slot);

/* Mark of the family's test datagram: in mark steering the highest value of the mask, which no
 * real gets. */
uint32_t tunnel_proof_mark(const struct tunnel *t);
/* Mark of a real's packets; 0: the slot lies beyond the mask, it cannot be steered. */
uint32_t tunnel_mark_of(const struct tunnel *t, uint32_t real);
/* The reverse; SLOT_NONE: no real's mark. */
uint32_t tunnel_real_of(const struct tunnel *t, uint32_t mark);

/* May a check start: was the way proven within the last 2 s? Any thread. */
bool tunnel_is_proven(const struct tunnel *t, enum tunnel_family family, uint64_t now_ns);

/* A check that is over and whose result may change a verdict. */
struct tunnel_case {
	uint32_t real;
	enum tunnel_family family;
	bool is_bad;
	uint64_t start_ns, end_ns;
};
enum tunnel_word {
	TUNNEL_BELIEVE,
	TUNNEL_HOLD,  /* ask again in a few ms */
	TUNNEL_DOUBT, /* *ret_error says why, 0: the way was not proven */
};
/* Did its packets go through the tunnel (decisions 39)? The way was there if a test datagram sent
 * after the check's start came through, or a packet for that very real did; a bad result also
 * needs a tun thread that did not stand still, no lost packets and no refusal by our own kernel
 * since the start. Holds for at most 1 s after the end. Any thread. */
enum tunnel_word tunnel_judge(const struct tunnel *t, const struct tunnel_case *c, uint64_t now_ns,
			      int *ret_error);

/* Upper bound of a latency bucket in µs; UINT32_MAX for the last. */
uint32_t tunnel_latency_us(unsigned bucket);
/* "closed" "open"; "untried" "proven" "missing" "silent". Static storage. */
const char *tunnel_state_text(enum tunnel_state s);
const char *tunnel_rule_text(enum tunnel_rule r);
/* "ipv4" "ipv6"; "ipip" "gre" "dr"; "sent" "refused" "unresolved". Static storage. */
const char *tunnel_family_text(enum tunnel_family f);
const char *tunnel_way_text(enum tunnel_way w);
const char *tunnel_fate_text(enum tunnel_fate f);

/* --- tun's side: one writer ------------------------------------------------------------------- */

static inline void tunnel_set64(_Atomic uint64_t *field, uint64_t value)
{
	/* relaxed: a value of its own */
	atomic_store_explicit(field, value, memory_order_relaxed);
}
static inline uint64_t tunnel_get64(const _Atomic uint64_t *field)
{
	/* relaxed: a value of its own */
	return atomic_load_explicit(field, memory_order_relaxed);
}
static inline void tunnel_set32(_Atomic uint32_t *field, uint32_t value)
{
	/* relaxed: a value of its own */
	atomic_store_explicit(field, value, memory_order_relaxed);
}
static inline uint32_t tunnel_get32(const _Atomic uint32_t *field)
{
	/* relaxed: a value of its own */
	return atomic_load_explicit(field, memory_order_relaxed);
}
static inline uint16_t tunnel_get16(const _Atomic uint16_t *field)
{
	/* relaxed: a value of its own */
	return atomic_load_explicit(field, memory_order_relaxed);
}
/* Our kernel refused a packet for the host of this row. */
void tunnel_note_fault(struct tunnel_real *host, int error, uint64_t now_ns);
void tunnel_set_mss(struct tunnel_real *r, uint32_t mss);
void tunnel_count_latency(struct tunnel *t, uint64_t latency_ns, uint32_t n_packets);
/* A packet's fate; error with TUNNEL_REFUSED. */
void tunnel_count_packet(struct tunnel *t, enum tunnel_way way, enum tunnel_fate fate, int error);
