#include "ctl/ctl_announce_rows.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_http.h"
#include "ctl/ctl_rows.h"

void ctl_announce_rows_deinit(struct ctl_announce_rows *r)
{
	free(r->at);
	*r = (struct ctl_announce_rows){0};
}

void ctl_announce_rows_prefix(const struct addr *vip, char out[CTL_ANNOUNCE_PREFIX_BYTES])
{
	char text[ADDR_TEXT_BYTES];

	addr_format(vip, text);
	snprintf(out, CTL_ANNOUNCE_PREFIX_BYTES, "%s/%d", text, addr_is_v4(vip) ? 32 : 128);
}

bool ctl_announce_rows_parse_prefix(const char *text, struct addr *ret)
{
	const char *slash = strchr(text, '/');
	struct addr a;

	if (!slash || addr_parse(text, (size_t)(slash - text), &a) != ADDR_OK ||
	    strcmp(slash, addr_is_v4(&a) ? "/32" : "/128") != 0)
		return false;
	*ret = a;
	return true;
}

/* PROTO/VIP or PROTO/VIP:PORT; an IPv6 VIP with a port stands in brackets. */
bool ctl_announce_rows_parse_service(const char *text, struct addr *ret)
{
	const char *at = strchr(text, '/'), *end;

	if (!at)
		return false;
	at++;
	end = at + strlen(at);
	if (*at == '[') {
		at++;
		end = strchr(at, ']');
	} else if (strchr(at, ':') && strchr(at, ':') == strrchr(at, ':')) {
		end = strchr(at, ':');
	}
	return end && addr_parse(at, (size_t)(end - at), ret) == ADDR_OK;
}

static void put(char *out, size_t bytes, const char *text)
{
	snprintf(out, bytes, "%s", text);
}

static void read_accepted(const json_t *accepted, struct ctl_announce_row *row)
{
	for (unsigned i = 0; i < ANNOUNCE_MAX_BACKENDS; i++)
		put(row->accepted[i], sizeof(row->accepted[i]),
		    ctl_rows_str(accepted, app_config_announcer_text(1u << i)));
}

static void add(void *ctx, const json_t *service, int64_t now_s)
{
	struct ctl_announce_rows *r = ctx;
	const json_t *prefix = json_object_get(service, "prefix");
	struct ctl_announce_row row = {.now_s = now_s};

	if (!json_is_object(prefix) ||
	    !ctl_announce_rows_parse_service(ctl_rows_str(service, "vs"), &row.vip))
		return;
	put(row.group, sizeof(row.group), ctl_rows_str(service, "announce_group"));
	put(row.state, sizeof(row.state), ctl_rows_str(prefix, "state"));
	put(row.sent, sizeof(row.sent), ctl_rows_str(prefix, "sent"));
	read_accepted(json_object_get(prefix, "accepted"), &row);
	put(row.reason, sizeof(row.reason), ctl_rows_str(prefix, "reason"));
	put(row.since, sizeof(row.since), ctl_rows_str(prefix, "since"));
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->at = realloc(r->at, r->cap * sizeof(*r->at));
		ASSERT(r->at);
	}
	r->at[r->n++] = row;
}

static int compare(const void *a, const void *b)
{
	const struct ctl_announce_row *x = a, *y = b;
	int r = strcmp(x->group, y->group);

	return r ? r : addr_cmp(&x->vip, &y->vip);
}

/* Several services share a prefix, and the first group on a VIP wins (decisions 29), so they agree
 * on it: one row is left of them. */
static void unite(struct ctl_announce_rows *r)
{
	size_t n = 0;

	if (r->n)
		qsort(r->at, r->n, sizeof(*r->at), compare);
	for (size_t i = 0; i < r->n; i++) {
		if (n == 0 || compare(&r->at[n - 1], &r->at[i]) != 0)
			r->at[n++] = r->at[i];
	}
	r->n = n;
}

bool ctl_announce_rows_read(const char *text, size_t len, struct ctl_announce_rows *r)
{
	*r = (struct ctl_announce_rows){0};
	if (!ctl_rows_each(text, len, "services", add, r))
		return false;
	unite(r);
	return true;
}

enum ctl_exit ctl_announce_rows_get(const struct ctl_opts *o, struct ctl_announce_rows *r)
{
	_cleanup_(ctl_http_answer_deinit) struct ctl_http_answer a = {0};
	enum ctl_exit e = ctl_http_get(o, "/v1/services", &a);

	*r = (struct ctl_announce_rows){0};
	if (e == CTL_EXIT_OK && !ctl_announce_rows_read(a.body, a.len, r)) {
		fputs("alivectl: the daemon's answer is not understood; versions may differ\n",
		      stderr);
		e = CTL_EXIT_REFUSED;
	}
	return e;
}
