#include "ctl/ctl_announce.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl_announce_rows.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_rows.h"
#include "ctl/ctl_table.h"

static json_t *fetch_backends(const struct ctl_opts *o, enum ctl_exit *ret_exit)
{
	_cleanup_(ctl_http_answer_deinit) struct ctl_http_answer a = {0};
	json_t *j;

	*ret_exit = ctl_http_get(o, "/v1/announcer", &a);
	j = *ret_exit == CTL_EXIT_OK ? json_loadb(a.body, a.len, 0, NULL) : NULL;
	if (*ret_exit == CTL_EXIT_OK && !json_is_object(j)) {
		fputs("alivectl: the daemon's answer is not understood; versions may differ\n",
		      stderr);
		*ret_exit = CTL_EXIT_REFUSED;
	}
	return j;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *json_of(const struct ctl_announce_row *row)
{
	char prefix[CTL_ANNOUNCE_PREFIX_BYTES];
	json_t *accepted = NULL;

	for (unsigned i = 0; i < ANNOUNCE_MAX_BACKENDS; i++) {
		if (!*row->accepted[i])
			continue;
		accepted = accepted ? accepted : json_object();
		json_object_set_new(accepted, app_config_announcer_text(1u << i),
				    json_string(row->accepted[i]));
	}
	ctl_announce_rows_prefix(&row->vip, prefix);
	return json_pack("{s:s,s:s,s:s,s:s,s:o*,s:s,s:o}", "prefix", prefix, "group", row->group,
			 "state", row->state, "sent", row->sent, "accepted", accepted, "reason",
			 row->reason, "since", *row->since ? json_string(row->since) : json_null());
}

static void print_json(const struct ctl_announce_rows *r, const json_t *announcer)
{
	json_t *all = json_array(), *j;

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(all, json_of(&r->at[i]));
	j = json_pack("{s:o,s:O}", "prefixes", all, "backends",
		      json_object_get(announcer, "backends"));
	ASSERT(j);
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

/* --- text ------------------------------------------------------------------------------------ */

static void print_group(const char *backend, const json_t *g)
{
	static const char *const families[] = {"ipv4", "ipv6"};

	printf("%s group %s: %s, %lld not accepted yet", backend,
	       *ctl_rows_str(g, "group") ? ctl_rows_str(g, "group") : "(all)",
	       ctl_rows_bool(g, "synced") ? "in sync" : "NOT in sync", ctl_rows_int(g, "unsent"));
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const json_t *f = json_object_get(g, families[i]);

		printf("; %s %lld accepted", families[i], ctl_rows_int(f, "expected"));
		if (json_is_integer(json_object_get(f, "seen")))
			printf(", %lld counted", ctl_rows_int(f, "seen"));
	}
	puts(ctl_rows_bool(g, "disabled") ? "; DISABLED" : "");
}

static void print_backends(const json_t *announcer)
{
	const json_t *backends = json_object_get(announcer, "backends"), *b, *g;

	putchar('\n');
	for (size_t i = 0; (b = json_array_get(backends, i)); i++) {
		const char *name = ctl_rows_str(b, "backend");

		if (ctl_rows_bool(b, "error"))
			printf("%s: %s\n", name, ctl_rows_str(b, "last_error"));
		for (size_t k = 0; (g = json_array_get(json_object_get(b, "groups"), k)); k++)
			print_group(name, g);
	}
}

/* Bits of the backends that have a column. */
static unsigned backends_of(const struct ctl_announce_rows *r)
{
	unsigned set = 0;

	for (size_t i = 0; i < r->n; i++)
		for (unsigned bit = 0; bit < ANNOUNCE_MAX_BACKENDS; bit++)
			set |= *r->at[i].accepted[bit] ? 1u << bit : 0;
	return set;
}

static void add_word(struct ctl_table *t, const struct ctl_announce_row *row, const char *word)
{
	bool is_behind = strcmp(word, row->state) != 0;

	ctl_table_cell(t, is_behind ? CTL_TABLE_YELLOW : CTL_TABLE_PLAIN, "%s", word);
}

static void add_row(struct ctl_table *t, const struct ctl_announce_row *row, unsigned backends)
{
	char prefix[CTL_ANNOUNCE_PREFIX_BYTES], age[CTL_ROWS_AGE_BYTES] = "never";

	ctl_announce_rows_prefix(&row->vip, prefix);
	if (*row->since)
		ctl_rows_age(row->now_s - ctl_rows_time(row->since), age);
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", prefix);
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", row->group);
	ctl_table_cell(t, ctl_table_colour_of(row->state), "%s", row->state);
	add_word(t, row, row->sent);
	for (unsigned bit = 0; bit < ANNOUNCE_MAX_BACKENDS; bit++) {
		if (backends & 1u << bit)
			add_word(t, row, row->accepted[bit]);
	}
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", age);
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", row->reason);
}

static void print_table(const struct ctl_opts *o, const struct ctl_announce_rows *r)
{
	static const char *const names[ANNOUNCE_MAX_BACKENDS] = {"BIRD", "BIRD2", "BIRD_LIST"};
	const char *headers[6 + ANNOUNCE_MAX_BACKENDS] = {"PREFIX", "GROUP", "STATE", "ACCEPTED"};
	unsigned backends = backends_of(r), n = 4;
	struct ctl_table *t;

	for (unsigned bit = 0; bit < ANNOUNCE_MAX_BACKENDS; bit++) {
		if (backends & 1u << bit)
			headers[n++] = names[bit];
	}
	headers[n++] = "SINCE";
	headers[n++] = "REASON";
	t = ctl_table_new(headers, n);
	for (size_t i = 0; i < r->n; i++)
		add_row(t, &r->at[i], backends);
	ctl_table_print(t, stdout, o->is_coloured);
	ctl_table_free(t);
}

enum ctl_exit ctl_announce_list(const struct ctl_opts *o, int argc, char **argv)
{
	_cleanup_(ctl_announce_rows_deinit) struct ctl_announce_rows r = {0};
	enum ctl_exit e = ctl_announce_rows_get(o, &r);
	json_t *announcer = NULL;

	(void)argc;
	(void)argv;
	if (e == CTL_EXIT_OK)
		announcer = fetch_backends(o, &e);
	if (e == CTL_EXIT_OK && o->is_json) {
		print_json(&r, announcer);
	} else if (e == CTL_EXIT_OK) {
		print_table(o, &r);
		print_backends(announcer);
	}
	json_decref(announcer);
	return e;
}
