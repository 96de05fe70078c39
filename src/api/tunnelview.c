#include "api/tunnelview.h"

#include <string.h>

#include "api/overview.h"
#include "base/clk.h"
#include "base/nfqueue.h"
#include "base/str.h"

enum { NUMBER_BYTES = 24 };

/* Why a queued packet was dropped without being sent. */
static const struct {
	const char *reason;
	enum counter counter;
} drops[] = {
	{"truncated", CTR_TUN_TRUNCATED},
	{"malformed", CTR_TUN_MALFORMED},
	{"fragment", CTR_TUN_FRAGMENTS},
	{"no_option", CTR_TUN_NO_OPTION},
	{"unknown_real", CTR_TUN_UNKNOWN_REAL},
	{"unknown_mark", CTR_TUN_UNKNOWN_MARK},
	{"unknown_method", CTR_TUN_UNKNOWN_METHOD},
};

static bool is_open(const struct tunnel *t)
{
	return tunnel_get32(&t->state) == TUNNEL_OPEN;
}

static enum tunnel_rule rule_of(const struct tunnel *t, enum tunnel_family f)
{
	return (enum tunnel_rule)tunnel_get32(&t->rules[f]);
}

/* Since the sending of the last test datagram that came through; 0 if none ever did. */
static uint64_t proof_age_ms(const struct tunnel *t, enum tunnel_family f, uint64_t now_ns)
{
	uint64_t proven_ns = tunnel_get64(&t->proven_ns[f]);

	return proven_ns && now_ns > proven_ns ? (now_ns - proven_ns) / CLK_MS : 0;
}

static const char *error_name(int error, char text[NUMBER_BYTES])
{
	const char *name = strerrorname_np(error);

	if (name)
		return name;
	snprintf(text, NUMBER_BYTES, "%d", error);
	return text;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_families(struct jsonout *j, const struct tunnel *t, uint64_t now_ns)
{
	for (enum tunnel_family f = 0; f < TUNNEL_FAMILY__N; f++) {
		jsonout_key(j, tunnel_family_text(f));
		jsonout_open(j, '{');
		jsonout_ku64(j, "reals", tunnel_get32(&t->needs[f]));
		jsonout_kstr(j, "rule", tunnel_rule_text(rule_of(t, f)));
		jsonout_kbool(j, "proven", tunnel_is_proven(t, f, now_ns));
		jsonout_ku64(j, "proof_age_ms", proof_age_ms(t, f, now_ns));
		jsonout_close(j, '}');
	}
}

static void put_packets(struct jsonout *j, const struct tunnel *t)
{
	jsonout_key(j, "packets");
	jsonout_open(j, '{');
	for (enum tunnel_way w = 0; w < TUNNEL_WAY__N; w++) {
		jsonout_key(j, tunnel_way_text(w));
		jsonout_open(j, '{');
		for (enum tunnel_fate f = 0; f < TUNNEL_FATE__N; f++)
			jsonout_ku64(j, tunnel_fate_text(f), tunnel_get64(&t->packets[w][f]));
		jsonout_close(j, '}');
	}
	jsonout_close(j, '}');
}

static void put_drops(struct jsonout *j, const struct api_args *args)
{
	jsonout_key(j, "drops");
	jsonout_open(j, '{');
	for (size_t i = 0; i < ARRAY_LEN(drops); i++)
		jsonout_ku64(j, drops[i].reason, overview_counter(args, drops[i].counter));
	jsonout_close(j, '}');
}

static void put_errors(struct jsonout *j, const struct tunnel *t)
{
	char text[NUMBER_BYTES];

	jsonout_key(j, "send_errors");
	jsonout_open(j, '{');
	for (int i = 0; i < TUNNEL_ERRNOS; i++) {
		uint64_t n = tunnel_get64(&t->send_errors[i]);

		if (n)
			jsonout_ku64(j, error_name(i, text), n);
	}
	jsonout_close(j, '}');
}

static void put_queue(struct jsonout *j, const struct tunnel *t)
{
	struct nfqueue_row row;
	bool is_there = nfqueue_read(t->queue, &row) > 0;

	jsonout_key(j, "kernel_queue");
	if (!is_there) {
		jsonout_null(j);
		return;
	}
	jsonout_open(j, '{');
	jsonout_ku64(j, "waiting", row.waiting);
	jsonout_ku64(j, "dropped_full", row.dropped_full);
	jsonout_ku64(j, "dropped_buffer", row.dropped_buffer);
	jsonout_close(j, '}');
}

static void put_latency(struct jsonout *j, const struct tunnel *t)
{
	uint64_t n = 0;

	jsonout_key(j, "latency");
	jsonout_open(j, '{');
	jsonout_key(j, "buckets");
	jsonout_open(j, '[');
	for (unsigned i = 0; i < TUNNEL_LATENCY_BUCKETS; i++) {
		uint64_t here = tunnel_get64(&t->latency[i]);

		n += here;
		jsonout_open(j, '{');
		jsonout_key(j, "le_us");
		if (i < TUNNEL_LATENCY_BUCKETS - 1)
			jsonout_u64(j, tunnel_latency_us(i));
		else
			jsonout_null(j);
		jsonout_ku64(j, "packets", here);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
	jsonout_ku64(j, "packets", n);
	jsonout_ku64(j, "sum_us", tunnel_get64(&t->latency_sum_ns) / CLK_US);
	jsonout_close(j, '}');
}

void tunnelview_json(const struct api_args *args, struct jsonout *j)
{
	const struct tunnel *t = args->tunnel;
	uint32_t error;
	char text[NUMBER_BYTES];

	jsonout_key(j, "tunnel");
	if (!t) {
		jsonout_null(j);
		return;
	}
	error = tunnel_get32(&t->error);
	jsonout_open(j, '{');
	jsonout_kstr(j, "state", tunnel_state_text((enum tunnel_state)tunnel_get32(&t->state)));
	jsonout_kstr(j, "error", error ? error_name((int)error, text) : "");
	jsonout_kstr(j, "steering", t->by_mark ? "mark" : "option");
	jsonout_ku64(j, "queue", t->queue);
	put_families(j, t, clk_mono_ns());
	put_packets(j, t);
	put_drops(j, args);
	put_errors(j, t);
	jsonout_ku64(j, "lost", overview_counter(args, CTR_TUN_LOST));
	jsonout_ku64(j, "restarts", overview_counter(args, CTR_TUN_RESTARTS));
	put_queue(j, t);
	put_latency(j, t);
	jsonout_close(j, '}');
}

/* --- metrics ---------------------------------------------------------------------------------- */

static void metric_families(struct prom *p, const struct tunnel *t)
{
	static const char proven[] = "alived_tunnel_proven", rule[] = "alived_tunnel_rule",
			  age[] = "alived_tunnel_proof_age_seconds";
	uint64_t now_ns = clk_mono_ns();

	prom_head(p, proven, "gauge", "1 while the family's way through the queue is proven");
	for (enum tunnel_family f = 0; f < TUNNEL_FAMILY__N; f++)
		prom_u64(p, proven, "", &(struct prom_label){"family", tunnel_family_text(f)}, 1,
			 tunnel_is_proven(t, f, now_ns));
	prom_head(p, age, "gauge", "time since the last test datagram that came through was sent");
	for (enum tunnel_family f = 0; f < TUNNEL_FAMILY__N; f++)
		prom_milli(p, age, "", &(struct prom_label){"family", tunnel_family_text(f)}, 1,
			   proof_age_ms(t, f, now_ns));
	prom_head(p, rule, "gauge", "1 for what became of the family's last test datagram");
	for (enum tunnel_family f = 0; f < TUNNEL_FAMILY__N; f++)
		for (enum tunnel_rule r = 0; r < TUNNEL_RULE__N; r++)
			prom_u64(p, rule, "",
				 (struct prom_label[]){{"family", tunnel_family_text(f)},
						       {"state", tunnel_rule_text(r)}},
				 2, rule_of(t, f) == r);
}

static void metric_packets(struct prom *p, const struct api_args *args)
{
	static const char packets[] = "alived_tunnel_packets_total",
			  dropped[] = "alived_tunnel_drops_total",
			  errors[] = "alived_tunnel_send_errors_total";
	const struct tunnel *t = args->tunnel;
	char text[NUMBER_BYTES];

	prom_head(p, packets, "counter", "packets of checks by tunnel method and result");
	for (enum tunnel_way w = 0; w < TUNNEL_WAY__N; w++)
		for (enum tunnel_fate f = 0; f < TUNNEL_FATE__N; f++)
			prom_u64(p, packets, "",
				 (struct prom_label[]){{"method", tunnel_way_text(w)},
						       {"result", tunnel_fate_text(f)}},
				 2, tunnel_get64(&t->packets[w][f]));
	prom_head(p, dropped, "counter", "queued packets dropped unsent, by reason");
	for (size_t i = 0; i < ARRAY_LEN(drops); i++)
		prom_u64(p, dropped, "", &(struct prom_label){"reason", drops[i].reason}, 1,
			 overview_counter(args, drops[i].counter));
	prom_head(p, errors, "counter", "packets that our own kernel refused, by errno");
	for (int i = 0; i < TUNNEL_ERRNOS; i++) {
		uint64_t n = tunnel_get64(&t->send_errors[i]);

		if (n)
			prom_u64(p, errors, "", &(struct prom_label){"errno", error_name(i, text)},
				 1, n);
	}
}

static void metric_queue(struct prom *p, const struct tunnel *t)
{
	static const char dropped[] = "alived_tunnel_queue_dropped_total";
	struct nfqueue_row row;

	/* nobody has it open: no figures, rather than zeros */
	if (nfqueue_read(t->queue, &row) <= 0)
		return;
	prom_gauge(p, "alived_tunnel_queue_packets", "packets waiting in the netfilter queue",
		   row.waiting);
	prom_head(p, dropped, "counter",
		  "packets that the kernel dropped since the queue was opened");
	prom_u64(p, dropped, "", &(struct prom_label){"cause", "queue_full"}, 1, row.dropped_full);
	prom_u64(p, dropped, "", &(struct prom_label){"cause", "buffer_full"}, 1,
		 row.dropped_buffer);
}

static void metric_latency(struct prom *p, const struct tunnel *t)
{
	uint32_t bounds[TUNNEL_LATENCY_BUCKETS - 1];
	uint64_t counts[TUNNEL_LATENCY_BUCKETS];

	for (unsigned i = 0; i < TUNNEL_LATENCY_BUCKETS; i++)
		counts[i] = tunnel_get64(&t->latency[i]);
	for (unsigned i = 0; i < ARRAY_LEN(bounds); i++)
		bounds[i] = tunnel_latency_us(i);
	prom_histogram(p, &(struct prom_histogram){
				  .name = "alived_tunnel_latency_seconds",
				  .help = "time a packet spends in the tunnel thread",
				  .bounds = bounds,
				  .n_bounds = ARRAY_LEN(bounds),
				  .digits = 6,
				  .counts = counts,
				  .sum_micro = tunnel_get64(&t->latency_sum_ns) / CLK_US});
}

void tunnelview_metrics(const struct api_args *args, struct prom *p)
{
	const struct tunnel *t = args->tunnel;

	prom_gauge(p, "alived_tunnel_enabled", "1 if there is a tunnel thread", t != NULL);
	if (!t)
		return;
	prom_gauge(p, "alived_tunnel_open", "1 while the netfilter queue and raw sockets are open",
		   is_open(t));
	metric_families(p, t);
	metric_packets(p, args);
	metric_queue(p, t);
	metric_latency(p, t);
}
