#include "tun/tun_watch.h"

#include "base/clk.h"
#include "base/log.h"

enum {
	HOSTS_PER_TURN = 64, /* four system calls each */
};
#define PROOF_PERIOD_NS CLK_S /* decisions 39 */
#define DROPS_PERIOD_NS CLK_S
#define PASS_PERIOD_NS  (10 * CLK_S)
#define SLICE_NS        (2 * CLK_MS)

static const char *const family_names[TUNNEL_FAMILY__N] = {"ipv4", "ipv6"};

/* --- proof ------------------------------------------------------------------------------------ */

static enum tunnel_rule rule_of(const struct tun_watch *w, int f)
{
	return (enum tunnel_rule)tunnel_get32(&w->relay->tunnel->rules[f]);
}

static bool is_needed(const struct tun_watch *w, int f)
{
	return w->relay->map && w->relay->map->n_inner[f] > 0;
}

/* One line per change, and only about a family that some check needs. */
static void tell_rule(struct tun_watch *w, int f)
{
	enum tunnel_rule rule = rule_of(w, f);
	bool need = is_needed(w, f);

	if (rule == TUNNEL_RULE_UNTRIED ||
	    (w->told_rules[f] == (uint32_t)rule && w->told_need[f] == need))
		return;
	w->told_rules[f] = rule;
	w->told_need[f] = need;
	if (!need)
		return;
	if (rule == TUNNEL_RULE_PROVEN)
		LOG(LOG_INFO, "tun", "tunnel_proven", LF_STR("family", family_names[f]));
	else
		LOG(LOG_ERROR, "tun", "tunnel_unproven", LF_STR("family", family_names[f]),
		    LF_STR("rule", tunnel_rule_text(rule)),
		    LF_U64("mark", tunnel_proof_mark(w->relay->tunnel)),
		    LF_U64("queue", w->relay->tunnel->queue),
		    LF_STR("effect", "tunnelled checks of this family are unknown"));
}

static void note_came_back(struct tun_watch *w, int f)
{
	struct tun_relay *r = w->relay;

	counter_add(r->counters, CTR_TUN_PROOFS_BYPASSED, 1);
	r->proof.is_open[f] = false;
	tunnel_set64(&r->tunnel->proven_ns[f], 0);
	tunnel_set32(&r->tunnel->rules[f], TUNNEL_RULE_MISSING);
}

static void prove(struct tun_watch *w, int f, uint64_t now_ns)
{
	struct tun_proof *p = &w->relay->proof;

	if (p->fds[f] < 0)
		return;
	if (p->is_open[f] && tun_proof_came_back(p, (enum tunnel_family)f))
		note_came_back(w, f);
	if (p->sent_ns[f] && now_ns - p->sent_ns[f] < PROOF_PERIOD_NS) {
		tell_rule(w, f);
		return;
	}
	if (p->is_open[f])
		tunnel_set32(&w->relay->tunnel->rules[f], TUNNEL_RULE_SILENT);
	tell_rule(w, f);
	tun_proof_send(p, (enum tunnel_family)f, now_ns);
	counter_add(w->relay->counters, CTR_TUN_PROOFS_SENT, 1);
}

/* --- losses ----------------------------------------------------------------------------------- */

static void look_at_drops(struct tun_watch *w, uint64_t now_ns)
{
	struct tun_relay *r = w->relay;
	uint64_t drops;

	if (now_ns < w->drops_at_ns)
		return;
	w->drops_at_ns = now_ns + DROPS_PERIOD_NS;
	drops = tun_queue_kernel_drops(&r->queue);
	if (drops <= w->told_drops)
		return;
	LOG(LOG_WARN, "tun", "packets_lost", LF_U64("queue", r->tunnel->queue),
	    LF_U64("packets", drops - w->told_drops));
	counter_add(r->counters, CTR_TUN_LOST, drops - w->told_drops);
	w->told_drops = drops;
	tunnel_set64(&r->tunnel->lost_ns, now_ns);
}

/* --- routes ----------------------------------------------------------------------------------- */

static bool has_route_work(const struct tun_watch *w)
{
	return w->relay->map && w->next_host < w->relay->map->n_hosts;
}

static void look_up_routes(struct tun_watch *w, uint64_t now_ns)
{
	if (now_ns >= w->routes_at_ns) {
		w->routes_at_ns = now_ns + PASS_PERIOD_NS;
		if (!has_route_work(w))
			w->next_host = 0;
	}
	for (int i = 0; i < HOSTS_PER_TURN && has_route_work(w); i++)
		tun_relay_look_up(w->relay, w->next_host++);
}

/* --- standstills ------------------------------------------------------------------------------ */

void tun_watch_sleeps(struct tun_watch *w, uint64_t now_ns, uint64_t timeout_ns)
{
	w->slept_ns = now_ns;
	w->timeout_ns = timeout_ns;
}

void tun_watch_woke(struct tun_watch *w, uint64_t now_ns)
{
	uint64_t busy_ns = w->slept_ns - w->awake_ns, over_ns = now_ns - w->slept_ns;

	over_ns -= MIN(over_ns, w->timeout_ns);
	if (w->awake_ns && MAX(busy_ns, over_ns) > w->lag_guard_ns) {
		counter_add(w->relay->counters, CTR_TUN_STALLS, 1);
		tunnel_set64(&w->relay->tunnel->stalled_ns, now_ns);
		LOG(LOG_WARN, "tun", "loop_stalled", LF_U64("ms", MAX(busy_ns, over_ns) / CLK_MS));
	}
	w->awake_ns = now_ns;
}

/* --- all -------------------------------------------------------------------------------------- */

void tun_watch_begin(struct tun_watch *w, uint64_t now_ns)
{
	w->told_drops = tun_queue_kernel_drops(&w->relay->queue);
	w->drops_at_ns = now_ns + DROPS_PERIOD_NS;
	tun_watch_new_map(w, now_ns);
}

void tun_watch_end(struct tun_watch *w)
{
	struct tunnel *t = w->relay->tunnel;

	for (int f = 0; f < TUNNEL_FAMILY__N; f++) {
		tunnel_set64(&t->proven_ns[f], 0);
		tunnel_set32(&t->rules[f], TUNNEL_RULE_UNTRIED);
		w->told_rules[f] = TUNNEL_RULE_UNTRIED;
	}
}

void tun_watch_new_map(struct tun_watch *w, uint64_t now_ns)
{
	w->next_host = 0;
	w->routes_at_ns = now_ns + PASS_PERIOD_NS;
}

void tun_watch_turn(struct tun_watch *w, uint64_t now_ns)
{
	for (int f = 0; f < TUNNEL_FAMILY__N; f++)
		prove(w, f, now_ns);
	look_at_drops(w, now_ns);
	look_up_routes(w, now_ns);
}

uint64_t tun_watch_next_ns(const struct tun_watch *w)
{
	const struct tun_proof *p = &w->relay->proof;
	uint64_t next = MIN(w->drops_at_ns, w->routes_at_ns);

	for (int f = 0; f < TUNNEL_FAMILY__N; f++)
		if (p->fds[f] >= 0)
			next = MIN(next, p->sent_ns[f] + PROOF_PERIOD_NS);
	return has_route_work(w) ? MIN(next, w->awake_ns + SLICE_NS) : next;
}
