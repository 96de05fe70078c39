#include "ctl/ctl_steer.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ctl/ctl_rule_way.h"

enum { RULE_BYTES = 2048 };
#define OPTION_MARK UINT32_MAX
#define CHAIN       "OUTPUT"

/* --- what is wanted --------------------------------------------------------------------------- */

static int by_addr(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static void collect(struct ctl_steer *s, const struct draft_service *service)
{
	for (const struct draft_real *r = service->reals; r; r = r->next)
		for (const struct draft_check *c = r->checks; c; c = c->next)
			if (c->is_tunnelled)
				s->vips[s->n_vips++] = c->connect_ip;
}

static void sort_unique(struct ctl_steer *s)
{
	size_t n = 0;

	qsort(s->vips, s->n_vips, sizeof(*s->vips), by_addr);
	for (size_t i = 0; i < s->n_vips; i++) {
		if (n && addr_eq(&s->vips[n - 1], &s->vips[i]))
			continue;
		s->vips[n++] = s->vips[i];
		s->n_v4 += addr_is_v4(&s->vips[i]);
	}
	s->n_vips = n;
}

int ctl_steer_init(struct ctl_steer *s, const struct app_config *app, const struct draft *draft)
{
	bool by_mark = app->check_tun.steering == STEERING_MARK;

	*s = (struct ctl_steer){
		.is_on = app->check_tun.run_check_tun,
		.queue = app->check_tun.nfqueue,
		.first = by_mark ? app->check_tun.mark_base : OPTION_MARK,
		.last = by_mark ? app->check_tun.mark_mask : OPTION_MARK,
	};
	s->vips = calloc(draft->n_checks + 1, sizeof(*s->vips));
	if (!s->vips)
		return err_origin(-ENOMEM);
	for (const struct draft_service *v = draft->services; v && s->is_on; v = v->next)
		collect(s, v);
	sort_unique(s);
	return 0;
}

void ctl_steer_deinit(struct ctl_steer *s)
{
	free(s->vips);
	*s = (struct ctl_steer){0};
}

const char *ctl_steer_tool_text(enum ctl_steer_tool tool)
{
	return tool == CTL_STEER_V4 ? "iptables" : "ip6tables";
}

size_t ctl_steer_vips(const struct ctl_steer *s, enum ctl_steer_tool tool, const struct addr **ret)
{
	*ret = s->vips + (tool == CTL_STEER_V4 ? 0 : s->n_v4);
	return tool == CTL_STEER_V4 ? s->n_v4 : s->n_vips - s->n_v4;
}

struct ctl_rule_packets ctl_steer_packets(const struct ctl_steer *s, enum ctl_steer_tool tool)
{
	struct ctl_rule_packets p = {.first = s->first, .last = s->last};

	p.n_to = ctl_steer_vips(s, tool, &p.to);
	return p;
}

/* --- rules as text: as `iptables -S` prints them behind the chain ------------------------------
 */

/* Marks below first are [0, first): one aligned block per bit that is set in it. */
static void put_marks(const struct ctl_steer *s, struct str *out)
{
	if (s->first == s->last) {
		str_putf(out, "-m mark --mark 0x%x", s->first);
		return;
	}
	if (s->last != UINT32_MAX)
		str_putf(out, "-m mark --mark 0x0/0x%x", ~s->last);
	for (uint32_t bits = s->first; bits; bits &= bits - 1) {
		uint32_t low = bits & -bits;

		str_putf(out, "%s-m mark ! --mark 0x%x/0x%x", out->len ? " " : "", bits ^ low,
			 ~(low - 1));
	}
}

static void put_steering(const struct ctl_steer *s, struct str *out)
{
	put_marks(s, out);
	str_putf(out, " -m comment --comment " CTL_RULE_OWNER " -j NFQUEUE --queue-num %u",
		 s->queue);
}

static void put_reset(const struct addr *vip, struct str *out)
{
	char text[ADDR_TEXT_BYTES];

	addr_format(vip, text);
	str_putf(out, "-d %s/%d -p tcp -m tcp --tcp-flags RST RST -m mark --mark 0x0", text,
		 addr_is_v4(vip) ? 32 : 128);
	str_puts(out, " -m comment --comment " CTL_RULE_OWNER " -j DROP");
}

/* The rule as the parser sees it. */
static struct ctl_rule parsed(const struct str *body)
{
	char line[RULE_BYTES + 16];
	struct ctl_rule r;
	int n = snprintf(line, sizeof(line), "-A " CHAIN " %s", body->at);

	ASSERT(ctl_rule_parse(line, (size_t)n, &r));
	return r;
}

void ctl_steer_print(const struct ctl_steer *s, enum ctl_steer_tool tool, FILE *to)
{
	const char *name = ctl_steer_tool_text(tool);
	const struct addr *vips;
	size_t n = ctl_steer_vips(s, tool, &vips);
	char text[RULE_BYTES];

	if (!s->is_on)
		return;
	for (size_t i = 0; i <= n; i++) {
		struct str body = STR_OVER(text, sizeof(text));

		if (i < n)
			put_reset(&vips[i], &body);
		else
			put_steering(s, &body);
		fprintf(to, "%s -w -t mangle -I " CHAIN " %s\n", name, text);
	}
}

/* --- what is there ---------------------------------------------------------------------------- */

struct plan {
	const struct ctl_steer *s;
	const struct addr *vips;
	size_t n_vips;
	bool *has_vip; /* by vips */
	bool has_steering, wants_steering;
	FILE *script; /* NULL: only count */
	struct ctl_steer_change change;
};

static void put_line(struct plan *p, const char *verb, size_t len, const char *text)
{
	if (!p->script)
		return;
	if (p->change.n_added + p->change.n_removed == 0)
		fputs("*mangle\n", p->script);
	fprintf(p->script, "%s %.*s\n", verb, (int)len, text);
}

static void del(struct plan *p, const char *line, size_t len)
{
	/* the listing's "-A ..." is the rule itself */
	put_line(p, "-D", len - 3, line + 3);
	p->change.n_removed++;
}

static void add(struct plan *p, const struct str *body)
{
	put_line(p, "-I " CHAIN " 1", body->len, body->at);
	p->change.n_added++;
}

static bool is_steering(const struct plan *p, const struct ctl_rule *r)
{
	char text[RULE_BYTES];
	struct str body = STR_OVER(text, sizeof(text));
	struct ctl_rule want;

	put_steering(p->s, &body);
	want = parsed(&body);
	return ctl_rule_eq(r, &want);
}

/* Index of the VIP whose resets this rule drops; n_vips: none of ours. */
static size_t reset_of(const struct plan *p, const struct ctl_rule *r)
{
	char text[RULE_BYTES];
	struct str body = STR_OVER(text, sizeof(text));
	const struct addr *vip;
	struct ctl_rule want;

	vip = p->n_vips ? bsearch(&r->to, p->vips, p->n_vips, sizeof(*p->vips), by_addr) : NULL;
	if (!vip)
		return p->n_vips;
	put_reset(vip, &body);
	want = parsed(&body);
	return ctl_rule_eq(r, &want) ? (size_t)(vip - p->vips) : p->n_vips;
}

/* A rule of ours: does it stay? */
static bool keeps(struct plan *p, const struct ctl_rule *r)
{
	size_t i_vip;

	if (!p->s->is_on)
		return false;
	if (p->wants_steering && !p->has_steering && is_steering(p, r)) {
		p->has_steering = true;
		return true;
	}
	i_vip = reset_of(p, r);
	if (i_vip == p->n_vips || p->has_vip[i_vip])
		return false;
	p->has_vip[i_vip] = true;
	return true;
}

static void go_through(struct plan *p, const char *listing)
{
	const char *line;
	struct ctl_rule r;
	size_t len;

	while (ctl_rule_next_line(&listing, &line, &len)) {
		if (!ctl_rule_parse(line, len, &r) || !ctl_rule_is_ours(&r))
			continue;
		if (!p->s || !keeps(p, &r))
			del(p, line, len);
	}
}

static void add_missing(struct plan *p)
{
	char text[RULE_BYTES];

	for (size_t i = 0; i < p->n_vips; i++) {
		struct str body = STR_OVER(text, sizeof(text));

		if (p->has_vip[i])
			continue;
		put_reset(&p->vips[i], &body);
		add(p, &body);
	}
	if (!p->has_steering && p->s->is_on) {
		struct str body = STR_OVER(text, sizeof(text));

		put_steering(p->s, &body);
		add(p, &body);
	}
}

static struct ctl_steer_change finish(struct plan *p)
{
	if (p->script && p->change.n_added + p->change.n_removed)
		fputs("COMMIT\n", p->script);
	free(p->has_vip);
	return p->change;
}

static struct plan plan_of(const struct ctl_steer *s, enum ctl_steer_tool tool, FILE *script)
{
	struct plan p = {.s = s, .script = script};

	p.n_vips = ctl_steer_vips(s, tool, &p.vips);
	p.has_vip = calloc(p.n_vips + 1, sizeof(*p.has_vip));
	ASSERT(p.has_vip);
	return p;
}

struct ctl_steer_change ctl_steer_apply(const struct ctl_steer *s, enum ctl_steer_tool tool,
					const char *listing, FILE *script)
{
	struct ctl_rule_packets packets = ctl_steer_packets(s, tool);
	struct plan p = plan_of(s, tool, script);
	struct ctl_rule_way way = ctl_rule_way(listing, &packets, s->queue);

	/* one that stands too late is taken out and put in front */
	p.wants_steering = way.end == CTL_RULE_QUEUED && !way.line;
	go_through(&p, listing);
	add_missing(&p);
	return finish(&p);
}

struct ctl_steer_change ctl_steer_remove(const char *listing, FILE *script)
{
	struct plan p = {.script = script};

	go_through(&p, listing);
	return finish(&p);
}

size_t ctl_steer_resets_missing(const struct ctl_steer *s, enum ctl_steer_tool tool,
				const char *listing)
{
	struct plan p = plan_of(s, tool, NULL);

	p.wants_steering = true;
	go_through(&p, listing);
	p.has_steering = true;
	p.change = (struct ctl_steer_change){0};
	add_missing(&p);
	return finish(&p).n_added;
}
