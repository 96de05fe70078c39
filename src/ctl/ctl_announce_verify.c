/* BIRD itself is asked, over its control socket: for bird2 the routes of the protocols hc_GROUP_4
 * and _6, for bird_list the routes that its lists let out. They are held against the prefixes that
 * the daemon wants announced or withdrawn; undecided ones are no matter. A change that is under way
 * is no difference: what differs is looked at again after a moment, and only what still does is
 * told. For backend bird nobody can be asked: what was not accepted is told. */
#include "ctl/ctl_announce_verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_announce_rows.h"
#include "ctl/ctl_birdc.h"
#include "ctl/ctl_files.h"

enum { COMMAND_BYTES = 256, TEXT_BYTES = 1400, AGAIN_US = 700 * 1000 };

struct addr_list {
	struct addr *at;
	size_t n, cap;
};

struct verify {
	const struct app_config *app;
	struct ctl_announce_rows rows;
	const char *backend;
	struct ctl_birdc bird;
	struct addr_list seen; /* at BIRD, sorted */
	json_t *differences;
	size_t n_compared;
};

static void tell(struct verify *v, const char *prefix, const char *group, const char *text)
{
	json_array_append_new(v->differences,
			      json_pack("{s:s,s:s,s:s,s:s}", "backend", v->backend, "prefix",
					prefix, "group", group, "text", text));
}

/* --- what BIRD has --------------------------------------------------------------------------- */

static void take_route(void *ctx, const char *text)
{
	struct addr_list *l = ctx;
	char word[ADDR_TEXT_BYTES + 8];
	size_t len = strcspn(text, " \t");
	struct addr vip;

	if (len == 0 || len >= sizeof(word))
		return; /* another route of the same prefix, or a heading */
	memcpy(word, text, len);
	word[len] = 0;
	if (!ctl_announce_rows_parse_prefix(word, &vip))
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->at = realloc(l->at, l->cap * sizeof(*l->at));
		ASSERT(l->at);
	}
	l->at[l->n++] = vip;
}

static int by_address(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

/* Returns false if BIRD could not say, which is told. */
static bool ask(struct verify *v, const char *group, const char *command)
{
	char text[TEXT_BYTES];
	int code = ctl_birdc_ask(&v->bird, command, take_route, &v->seen);

	if (code >= 0 && code < CTL_BIRDC_FIRST_ERROR)
		return true;
	snprintf(text, sizeof(text), "BIRD does not answer '%s': %s", command,
		 code < 0 ? strerrordesc_np(-code) : v->bird.final);
	tell(v, "", group, text);
	if (code < 0)
		ctl_birdc_close(&v->bird);
	return false;
}

static bool connect_bird(struct verify *v, const char *path)
{
	char text[TEXT_BYTES];
	int r = ctl_birdc_open(&v->bird, path);

	if (r == 0)
		return true;
	snprintf(text, sizeof(text), "BIRD cannot be asked at %s: %s", path, strerrordesc_np(-r));
	tell(v, "", "", text);
	return false;
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool is_seen(const struct verify *v, const struct addr *vip)
{
	return v->seen.n && bsearch(vip, v->seen.at, v->seen.n, sizeof(*vip), by_address);
}

static void compare_row(struct verify *v, const struct ctl_announce_row *row, bool is_at_bird)
{
	char prefix[CTL_ANNOUNCE_PREFIX_BYTES];

	ctl_announce_rows_prefix(&row->vip, prefix);
	if (strcmp(row->state, "undecided") == 0)
		return;
	v->n_compared++;
	if (strcmp(row->state, "announced") == 0 && !is_at_bird)
		tell(v, prefix, row->group, "wanted announced, BIRD has no route");
	else if (strcmp(row->state, "withdrawn") == 0 && is_at_bird)
		tell(v, prefix, row->group, "wanted withdrawn, BIRD has a route");
}

static bool is_configured(const struct verify *v, const char *group, const struct addr *vip)
{
	for (size_t i = 0; i < v->rows.n; i++) {
		if ((!group || strcmp(v->rows.at[i].group, group) == 0) &&
		    addr_eq(&v->rows.at[i].vip, vip))
			return true;
	}
	return false;
}

/* group NULL: of all groups. Strangers: routes that no service asks for. */
static void compare(struct verify *v, const char *group)
{
	char prefix[CTL_ANNOUNCE_PREFIX_BYTES];
	size_t n_rows = 0;

	if (v->seen.n)
		qsort(v->seen.at, v->seen.n, sizeof(*v->seen.at), by_address);
	for (size_t i = 0; i < v->rows.n; i++) {
		const struct ctl_announce_row *row = &v->rows.at[i];

		if (group && strcmp(row->group, group) != 0)
			continue;
		n_rows += is_seen(v, &row->vip);
		compare_row(v, row, is_seen(v, &row->vip));
	}
	for (size_t i = 0; n_rows < v->seen.n && i < v->seen.n; i++) {
		if (is_configured(v, group, &v->seen.at[i]))
			continue;
		ctl_announce_rows_prefix(&v->seen.at[i], prefix);
		tell(v, prefix, group ? group : "", "BIRD has a route, no service asks for it");
	}
}

/* --- backends -------------------------------------------------------------------------------- */

static void verify_bird2(struct verify *v)
{
	char command[COMMAND_BYTES];

	if (!connect_bird(v, v->app->bird2.ctl_sock))
		return;
	for (uint32_t i = 0; i < v->app->announcer.n_groups && v->bird.stream; i++) {
		const char *group = v->app->announcer.groups[i];
		bool is_complete = true;

		v->seen.n = 0;
		for (int family = 4; family <= 6 && v->bird.stream; family += 2) {
			snprintf(command, sizeof(command), "show route protocol 'hc_%s_%d'", group,
				 family);
			is_complete = ask(v, group, command) && is_complete;
		}
		if (is_complete)
			compare(v, group);
	}
}

static void drop_dummies(struct verify *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->seen.n; i++) {
		if (!addr_eq(&v->seen.at[i], &v->app->bird_list.dummy[0]) &&
		    !addr_eq(&v->seen.at[i], &v->app->bird_list.dummy[1]))
			v->seen.at[n++] = v->seen.at[i];
	}
	v->seen.n = n;
}

static void verify_bird_list(struct verify *v)
{
	char command[COMMAND_BYTES];
	bool is_complete = true;

	if (!connect_bird(v, v->app->bird_list.ctl_sock))
		return;
	v->seen.n = 0;
	for (int i = 0; i < 2 && v->bird.stream; i++) {
		snprintf(command, sizeof(command), "show route where net ~ %s",
			 v->app->bird_list.variable[i]);
		is_complete = ask(v, "", command) && is_complete;
	}
	drop_dummies(v);
	if (is_complete)
		compare(v, NULL);
}

static void verify_bird(struct verify *v)
{
	char prefix[CTL_ANNOUNCE_PREFIX_BYTES];

	for (size_t i = 0; i < v->rows.n; i++) {
		const struct ctl_announce_row *row = &v->rows.at[i];

		if (strcmp(row->state, "undecided") == 0)
			continue;
		v->n_compared++;
		ctl_announce_rows_prefix(&row->vip, prefix);
		if (strcmp(row->state, row->sent) != 0)
			tell(v, prefix, row->group, "not accepted yet");
	}
}

static const struct {
	uint32_t backend;
	void (*verify)(struct verify *v);
} backends[] = {
	{ANNOUNCER_BIRD, verify_bird},
	{ANNOUNCER_BIRD2, verify_bird2},
	{ANNOUNCER_BIRD_LIST, verify_bird_list},
};

/* --- the command ----------------------------------------------------------------------------- */

/* Fetches the daemon's side and compares once. */
static enum ctl_exit look(const struct ctl_opts *o, struct verify *v)
{
	enum ctl_exit e = ctl_announce_rows_get(o, &v->rows);

	json_array_clear(v->differences);
	v->n_compared = 0;
	for (size_t i = 0; e == CTL_EXIT_OK && i < ARRAY_LEN(backends); i++) {
		if (!(v->app->announcer.backend & backends[i].backend))
			continue;
		v->backend = app_config_announcer_text(backends[i].backend);
		backends[i].verify(v);
		ctl_birdc_close(&v->bird);
	}
	ctl_announce_rows_deinit(&v->rows);
	return e;
}

static void print_text(const struct verify *v)
{
	const json_t *d;

	for (size_t i = 0; (d = json_array_get(v->differences, i)); i++) {
		const char *prefix = json_string_value(json_object_get(d, "prefix"));
		const char *group = json_string_value(json_object_get(d, "group"));

		printf("%s%s%s: ", json_string_value(json_object_get(d, "backend")),
		       *group ? " group " : "", group);
		printf("%s%s%s\n", prefix, *prefix ? ": " : "",
		       json_string_value(json_object_get(d, "text")));
	}
	printf("%zu compared, %zu differ\n", v->n_compared, json_array_size(v->differences));
}

static void print_json(const struct verify *v)
{
	json_t *j = json_pack("{s:I,s:O}", "compared", (json_int_t)v->n_compared, "differences",
			      v->differences);

	ASSERT(j);
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

static enum ctl_exit verify(const struct ctl_opts *o, const struct app_config *app)
{
	struct verify v = {.app = app, .differences = json_array()};
	enum ctl_exit e = look(o, &v);

	if (e == CTL_EXIT_OK && json_array_size(v.differences)) {
		usleep(AGAIN_US);
		e = look(o, &v);
	}
	if (e == CTL_EXIT_OK) {
		(o->is_json ? print_json : print_text)(&v);
		e = json_array_size(v.differences) ? CTL_EXIT_REFUSED : CTL_EXIT_OK;
	}
	json_decref(v.differences);
	free(v.seen.at);
	return e;
}

enum ctl_exit ctl_announce_verify(const struct ctl_opts *o, int argc, char **argv)
{
	enum ctl_exit e = CTL_EXIT_REFUSED;
	struct ctl_files f;

	(void)argc;
	(void)argv;
	if (ctl_files_read(&f, o->config, o->services)) {
		if (f.yaml.is_good)
			e = verify(o, f.app);
		else
			diag_print(f.yaml.diag, STDERR_FILENO);
	}
	ctl_files_free(&f);
	return e;
}
