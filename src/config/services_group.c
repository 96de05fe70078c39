#include "config/services_group.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { GROUP_SHOWN = 64, SCRIPT_FIELDS = 3, HINT_BYTES = 2400 };

static const char script[] = "/etc/keepalived/quorum-handler2.sh";
static const char script_form[] =
	"/etc/keepalived/quorum-handler2.sh up ADDRESS,GROUP,WEIGHT names an announce group";

struct span {
	const char *at;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Returns the number of fields, the first n_max of which are in fields. */
static unsigned split(const char *text, struct span *fields, unsigned n_max)
{
	unsigned n = 0;

	for (const char *p = text; *p;) {
		const char *start = p;

		while (*p && !is_blank(*p))
			p++;
		if (p > start && n++ < n_max)
			fields[n - 1] = (struct span){start, (size_t)(p - start)};
		while (is_blank(*p))
			p++;
	}
	return n;
}

/* The second-to-last of the comma-separated parts. Returns false if there is one part only. */
static bool group_part(struct span arg, struct span *ret)
{
	const char *last = memrchr(arg.at, ',', arg.len), *before;

	if (!last)
		return false;
	before = memrchr(arg.at, ',', (size_t)(last - arg.at));
	ret->at = before ? before + 1 : arg.at;
	ret->len = (size_t)(last - ret->at);
	return true;
}

/* Empty if quorum_up names no group. */
static struct span mine_script(struct services_run *run, const struct services_subject *s)
{
	size_t offset = offsetof(struct services_values, service.quorum_up);
	struct span fields[SCRIPT_FIELDS], group = {"", 0};
	unsigned n = split(s->values->service.quorum_up, fields, SCRIPT_FIELDS);

	if (n == 0 || !str_is(fields[0].at, fields[0].len, script))
		services_check_report(
			run, DIAG_WARNING, s->node, offset, script_form,
			"quorum_up is never run, and this one names no announce group");
	else if (n != SCRIPT_FIELDS || !group_part(fields[2], &group))
		services_check_report(run, DIAG_ERROR, s->node, offset, script_form,
				      "quorum_up has not the arguments of quorum-handler2.sh");
	return group;
}

static void put_nearest(const struct app_config *app, struct span name, struct str *hint)
{
	unsigned best = (unsigned)MIN(name.len / 3, 3U) + 1;
	const char *nearest = NULL;

	for (uint32_t i = 0; i < app->announcer.n_groups; i++) {
		const char *group = app->announcer.groups[i];
		unsigned d = str_distance(group, strlen(group), name.at, name.len);

		if (d < best) {
			best = d;
			nearest = group;
		}
	}
	if (nearest)
		str_putf(hint, "did you mean '%s'? ", nearest);
}

static void report_unknown(struct services_run *run, uint32_t node, size_t offset, struct span name)
{
	const struct app_config *app = run->app;
	char hint[HINT_BYTES] = "", message[GROUP_SHOWN + 80];
	struct str s = STR_OVER(hint, sizeof(hint));

	put_nearest(app, name, &s);
	str_puts(&s, "announcer.announce_group has");
	for (uint32_t i = 0; i < app->announcer.n_groups; i++)
		str_putf(&s, "%s %s", i ? "," : "", app->announcer.groups[i]);
	snprintf(message, sizeof(message), "unknown announce group '%.*s'",
		 (int)MIN(name.len, (size_t)GROUP_SHOWN), name.at);
	services_check_report(run, DIAG_ERROR, node, offset, hint, message);
}

static uint16_t find_group(const struct app_config *app, struct span name)
{
	for (uint32_t i = 0; i < app->announcer.n_groups; i++)
		if (str_is(name.at, name.len, app->announcer.groups[i]))
			return (uint16_t)(i + 1);
	return 0;
}

static bool same_vip(const void *a, const void *b)
{
	const struct draft_service *x = a, *y = b;

	return addr_eq(&x->vip, &y->vip);
}

int services_group_resolve(struct services_run *run, const struct services_subject *s,
			   struct draft_service *service)
{
	const char *group = s->values->service.announce_group;
	const char *quorum_up = s->values->service.quorum_up;
	size_t offset = offsetof(struct services_values, service.announce_group);
	struct span name = {group ? group : "", group ? strlen(group) : 0};
	const struct draft_service *first;
	const void *found;

	if (name.len == 0 && quorum_up && quorum_up[0]) {
		name = mine_script(run, s);
		offset = offsetof(struct services_values, service.quorum_up);
	}
	if (name.len == 0)
		return 0;
	service->group = find_group(run->app, name);
	if (service->group == 0)
		report_unknown(run, s->node, offset, name);
	if (service->group == 0 || run->tree.nodes[s->node].is_broken)
		return 0;
	TRY(services_seen_add(&run->vips, addr_hash(&service->vip, 0), service, same_vip, &found));
	first = found;
	if (!first || first->group == service->group)
		return 0;
	services_check_report(
		run, DIAG_WARNING, s->node, offset, NULL,
		"another group was named first for this VIP and holds for all its services");
	diag_note(run->diag, first->pos, "'%s' was named by the service",
		  run->app->announcer.groups[first->group - 1]);
	service->group = first->group;
	return 0;
}
