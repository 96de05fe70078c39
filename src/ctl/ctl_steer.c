#include "ctl/ctl_steer.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ctl/ctl_rule_way.h"

enum { RULE_BYTES = 2048 };
#define OPTION_MARK UINT32_MAX

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
	bool is_first = s->last == UINT32_MAX;

	if (s->first == s->last) {
		str_putf(out, "-m mark --mark 0x%x", s->first);
		return;
	}
	if (s->last != UINT32_MAX)
		str_putf(out, "-m mark --mark 0x0/0x%x", ~s->last);
	for (uint32_t bits = s->first; bits; bits &= bits - 1, is_first = false) {
		uint32_t low = bits & -bits;

		str_putf(out, "%s-m mark ! --mark 0x%x/0x%x", is_first ? "" : " ", bits ^ low,
			 ~(low - 1));
	}
}

static void put_steering(const struct ctl_steer *s, struct str *out)
{
	put_marks(s, out);
	str_putf(out, " -m comment --comment " CTL_RULE_OWNER " -j NFQUEUE --queue-num %u",
		 s->queue);
}

/* Test datagrams are UDP: they must be able to come back and show that the steering rule is gone.
 */
static void put_backstop(const struct ctl_steer *s, struct str *out)
{
	str_puts(out, "-p tcp ");
	put_marks(s, out);
	str_puts(out, " -m comment --comment " CTL_RULE_OWNER " -j DROP");
}

static void put_reset(const struct addr *vip, struct str *out)
{
	char text[ADDR_TEXT_BYTES];

	addr_format(vip, text);
	str_putf(out, "-d %s/%d -p tcp -m tcp --tcp-flags RST RST -m mark --mark 0x0", text,
		 addr_is_v4(vip) ? 32 : 128);
	str_puts(out, " -m comment --comment " CTL_RULE_OWNER " -j DROP");
}

/* The wanted rules by number: drops of resets, one per VIP, then these, so that the steering rule
 * is inserted last and stands in front. */
enum { BACKSTOP, STEERING, N_FIXED };

static const char *put_rule(const struct ctl_steer *s, enum ctl_steer_tool tool, size_t i,
			    struct str *out)
{
	const struct addr *vips;
	size_t n = ctl_steer_vips(s, tool, &vips);

	if (i < n)
		put_reset(&vips[i], out);
	else if (i == n + BACKSTOP)
		put_backstop(s, out);
	else
		put_steering(s, out);
	return i == n + BACKSTOP ? "POSTROUTING" : "OUTPUT";
}

void ctl_steer_print(const struct ctl_steer *s, enum ctl_steer_tool tool, FILE *to)
{
	const struct addr *vips;
	size_t n = ctl_steer_vips(s, tool, &vips) + N_FIXED;
	char text[RULE_BYTES] = "";

	for (size_t i = 0; i < n && s->is_on; i++) {
		struct str body = STR_OVER(text, sizeof(text));
		const char *chain = put_rule(s, tool, i, &body);

		fprintf(to, "%s -w -t mangle -I %s %s\n", ctl_steer_tool_text(tool), chain, text);
	}
}

/* --- what is there ---------------------------------------------------------------------------- */

struct plan {
	const struct ctl_steer *s; /* NULL: nothing is wanted */
	enum ctl_steer_tool tool;
	const struct addr *vips;
	size_t n_vips;
	bool *is_there;      /* by number of the wanted rule */
	bool moves_steering; /* one that is there stands too late */
	FILE *script;
	struct ctl_steer_change change;
};

static void put_line(struct plan *p, const char *verb, const char *chain, const char *text,
		     size_t len)
{
	if (p->change.n_added + p->change.n_removed == 0)
		fputs("*mangle\n", p->script);
	fprintf(p->script, "%s%s%.*s\n", verb, chain, (int)len, text);
}

static void del(struct plan *p, const char *line, size_t len)
{
	/* behind the listing's "-A" stands the rule itself */
	put_line(p, "-D", "", line + 2, len - 2);
	p->change.n_removed++;
}

static bool is_rule(const struct plan *p, size_t i, const struct ctl_rule *r)
{
	char text[RULE_BYTES] = "", line[RULE_BYTES + 32];
	struct str body = STR_OVER(text, sizeof(text));
	const char *chain = put_rule(p->s, p->tool, i, &body);
	struct ctl_rule want;
	int n = snprintf(line, sizeof(line), "-A %s %s", chain, text);

	ASSERT(ctl_rule_parse(line, (size_t)n, &want));
	return ctl_rule_eq(r, &want);
}

/* Number of the wanted rule that this one is; n_vips + N_FIXED: none. */
static size_t number_of(const struct plan *p, const struct ctl_rule *r)
{
	const struct addr *vip = bsearch(&r->to, p->vips, p->n_vips, sizeof(*vip), by_addr);
	size_t i_vip = vip ? (size_t)(vip - p->vips) : p->n_vips;

	if (vip && is_rule(p, i_vip, r))
		return i_vip;
	for (size_t i = p->n_vips; i < p->n_vips + N_FIXED; i++)
		if (is_rule(p, i, r))
			return i;
	return p->n_vips + N_FIXED;
}

/* A rule of ours: does it stay? */
static bool keeps(struct plan *p, const struct ctl_rule *r)
{
	size_t i;

	if (!p->s || !p->s->is_on)
		return false;
	i = number_of(p, r);
	if (i == p->n_vips + N_FIXED || p->is_there[i])
		return false;
	if (i == p->n_vips + STEERING && p->moves_steering)
		return false;
	p->is_there[i] = true;
	return true;
}

static void go_through(struct plan *p, const char *listing)
{
	const char *line;
	struct ctl_rule r;
	size_t len;

	while (ctl_rule_next_line(&listing, &line, &len))
		if (ctl_rule_parse(line, len, &r) && ctl_rule_is_ours(&r) && !keeps(p, &r))
			del(p, line, len);
}

static void add_missing(struct plan *p)
{
	char text[RULE_BYTES] = "", chain[CTL_RULE_NAME_BYTES];

	for (size_t i = 0; i < p->n_vips + N_FIXED && p->s->is_on; i++) {
		struct str body = STR_OVER(text, sizeof(text));

		if (p->is_there[i])
			continue;
		snprintf(chain, sizeof(chain), "%s 1 ", put_rule(p->s, p->tool, i, &body));
		put_line(p, "-I ", chain, body.at, body.len);
		p->change.n_added++;
	}
}

static struct plan plan_of(const struct ctl_steer *s, enum ctl_steer_tool tool, FILE *script)
{
	struct plan p = {.s = s, .tool = tool, .script = script};

	p.n_vips = ctl_steer_vips(s, tool, &p.vips);
	p.is_there = calloc(p.n_vips + N_FIXED, sizeof(*p.is_there));
	ASSERT(p.is_there);
	return p;
}

static struct ctl_steer_change finish(struct plan *p)
{
	if (p->change.n_added + p->change.n_removed)
		fputs("COMMIT\n", p->script);
	free(p->is_there);
	return p->change;
}

struct ctl_steer_change ctl_steer_apply(const struct ctl_steer *s, enum ctl_steer_tool tool,
					const char *listing, FILE *script)
{
	struct ctl_rule_packets packets = ctl_steer_packets(s, tool);
	struct plan p = plan_of(s, tool, script);
	struct ctl_rule_way way = ctl_rule_way(listing, &packets, s->queue);

	p.moves_steering = way.end != CTL_RULE_QUEUED || way.line;
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

size_t ctl_steer_drops_missing(const struct ctl_steer *s, enum ctl_steer_tool tool,
			       const char *listing)
{
	struct plan p = plan_of(s, tool, NULL);
	const char *line;
	struct ctl_rule r;
	size_t len, n = 0;

	while (ctl_rule_next_line(&listing, &line, &len))
		if (ctl_rule_parse(line, len, &r) && ctl_rule_is_ours(&r))
			keeps(&p, &r);
	for (size_t i = 0; i < p.n_vips + STEERING; i++)
		n += !p.is_there[i];
	finish(&p);
	return n;
}
