#include "ctl/ctl_show.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/ctl_health.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_rows.h"
#include "ctl/ctl_table.h"

enum { PATH_BYTES = 512, ESCAPED_BYTES = 400, NOTE_BYTES = 200, CHECK_BYTES = 160 };

#define NOT_UNDERSTOOD "alivectl: the daemon's answer is not understood; versions may differ\n"

/* --- status ---------------------------------------------------------------------------------- */

enum ctl_exit ctl_show_status(const struct ctl_opts *o, int argc, char **argv)
{
	_cleanup_(ctl_http_answer_deinit) struct ctl_http_answer a = {0};
	enum ctl_exit e = ctl_http_get(o, "/v1/summary", &a);
	json_t *j;
	bool is_well;

	(void)argc;
	(void)argv;
	if (e != CTL_EXIT_OK)
		return e;
	j = json_loadb(a.body, a.len, 0, NULL);
	if (!json_is_object(j)) {
		json_decref(j);
		fputs(NOT_UNDERSTOOD, stderr);
		return CTL_EXIT_REFUSED;
	}
	is_well = ctl_health_problems(j, NULL);
	if (o->is_json)
		puts(a.body);
	else
		ctl_health_print(j, stdout, o->is_coloured);
	json_decref(j);
	return is_well ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}

/* --- lists ----------------------------------------------------------------------------------- */

struct list {
	const char *path, *key;
	const char *const *headers;
	unsigned n_columns;
	ctl_rows_fn add_row; /* ctx: the table */
};

static enum ctl_exit show_list(const struct ctl_opts *o, const struct list *l, const char *vs)
{
	_cleanup_(ctl_http_answer_deinit) struct ctl_http_answer a = {0};
	char path[PATH_BYTES], escaped[ESCAPED_BYTES];
	struct ctl_table *t;
	enum ctl_exit e;

	ctl_http_escape(vs ? vs : "", escaped, sizeof(escaped));
	snprintf(path, sizeof(path), "%s%s%s", l->path, vs ? "?vs=" : "", escaped);
	e = ctl_http_get(o, path, &a);
	if (e != CTL_EXIT_OK)
		return e;
	if (o->is_json) {
		puts(a.body);
		return CTL_EXIT_OK;
	}
	t = ctl_table_new(l->headers, l->n_columns);
	if (ctl_rows_each(a.body, a.len, l->key, l->add_row, t)) {
		ctl_table_print(t, stdout, o->is_coloured);
	} else {
		fputs(NOT_UNDERSTOOD, stderr);
		e = CTL_EXIT_REFUSED;
	}
	ctl_table_free(t);
	return e;
}

static void add_state(struct ctl_table *t, const json_t *row, int64_t now_s)
{
	const char *state = ctl_rows_str(row, "state");
	char age[CTL_ROWS_AGE_BYTES];

	ctl_rows_age_of(row, "since", now_s, age);
	ctl_table_cell(t, ctl_table_colour_of(state), "%s", state);
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", age);
}

/* --- services -------------------------------------------------------------------------------- */

static void add_word(struct str *s, bool is_there, const char *word)
{
	if (!is_there)
		return;
	if (s->len)
		str_puts(s, ", ");
	str_puts(s, word);
}

static void add_service_notes(struct ctl_table *t, const json_t *row)
{
	char text[NOTE_BYTES] = "";
	struct str s = STR_OVER(text, sizeof(text));
	const char *group = ctl_rows_str(row, "announce_group");
	long long undecided = ctl_rows_int(row, "undecided"), absent = ctl_rows_int(row, "absent");

	add_word(&s, ctl_rows_bool(row, "panic"), "panic hold");
	add_word(&s, *group && !ctl_rows_bool(row, "joined"), "not joined");
	add_word(&s, ctl_rows_bool(row, "scaled"), "weights scaled");
	add_word(&s, undecided > 0, "");
	if (undecided > 0)
		str_putf(&s, "%lld undecided", undecided);
	add_word(&s, absent > 0, "");
	if (absent > 0)
		str_putf(&s, "%lld absent from the balancer", absent);
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", text);
}

static void add_quorum(struct ctl_table *t, const json_t *row)
{
	long long hysteresis = ctl_rows_int(row, "hysteresis");

	ctl_table_cell(t, CTL_TABLE_PLAIN, "%lld", ctl_rows_int(row, "weight"));
	if (hysteresis)
		ctl_table_cell(t, CTL_TABLE_PLAIN, "%lld+-%lld", ctl_rows_int(row, "quorum"),
			       hysteresis);
	else
		ctl_table_cell(t, CTL_TABLE_PLAIN, "%lld", ctl_rows_int(row, "quorum"));
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%lld/%lld", ctl_rows_int(row, "up"),
		       ctl_rows_int(row, "reals"));
}

static void add_service(void *ctx, const json_t *row, int64_t now_s)
{
	struct ctl_table *t = ctx;
	const json_t *prefix = json_object_get(row, "prefix");
	const char *state = ctl_rows_str(prefix, "state");

	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", ctl_rows_str(row, "vs"));
	add_state(t, row, now_s);
	add_quorum(t, row);
	ctl_table_cell(t, ctl_table_colour_of(state), "%s", *state ? state : "-");
	add_service_notes(t, row);
}

enum ctl_exit ctl_show_services(const struct ctl_opts *o, int argc, char **argv)
{
	static const char *const headers[] = {"SERVICE", "STATE", "SINCE",  ">WEIGHT",
					      ">QUORUM", ">UP",   "PREFIX", "NOTES"};
	static const struct list list = {"/v1/services", "services", headers, ARRAY_LEN(headers),
					 add_service};

	return show_list(o, &list, argc ? argv[0] : NULL);
}

/* --- reals ----------------------------------------------------------------------------------- */

/* The check to show: the first that is not up, else the first. */
static const json_t *telling_check(const json_t *checks)
{
	const json_t *c;

	for (size_t i = 0; (c = json_array_get(checks, i)); i++) {
		if (strcmp(ctl_rows_str(c, "state"), "up") != 0)
			return c;
	}
	return json_array_get(checks, 0);
}

static void put_duration(struct str *s, long long us)
{
	if (us < 1000)
		str_putf(s, "%lld us", us);
	else
		str_putf(s, "%lld.%lld ms", us / 1000, us % 1000 / 100);
}

static void add_check(struct ctl_table *t, const json_t *row, int64_t now_s)
{
	const json_t *c = telling_check(json_object_get(row, "checks"));
	const json_t *last = json_object_get(c, "last");
	const char *detail = ctl_rows_str(last, "text"), *url = ctl_rows_str(last, "url");
	char text[CHECK_BYTES] = "-", age[CTL_ROWS_AGE_BYTES];
	struct str s = STR_OVER(text, sizeof(text));

	if (c)
		str_putf(&s, "%s ", ctl_rows_str(c, "type"));
	if (json_is_object(last)) {
		ctl_rows_age_of(last, "at", now_s, age);
		str_putf(&s, "%s%s%s ", ctl_rows_str(last, "code"), *detail ? " " : "", detail);
		if (*url)
			str_putf(&s, "of %s ", url);
		put_duration(&s, ctl_rows_int(last, "duration_us"));
		str_putf(&s, ", %s%s", age, strcmp(age, "now") == 0 ? "" : " ago");
	} else if (c) {
		str_puts(&s, "not checked yet");
	}
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", text);
}

static void add_weight(struct ctl_table *t, const json_t *row)
{
	long long wanted = ctl_rows_int(row, "wanted_weight");
	long long acked = ctl_rows_int(row, "acked_weight");

	if (ctl_rows_bool(row, "held") && acked != wanted)
		ctl_table_cell(t, CTL_TABLE_PLAIN, "%lld (%lld)", wanted, acked);
	else
		ctl_table_cell(t, CTL_TABLE_PLAIN, "%lld", wanted);
}

static void add_balancer(struct ctl_table *t, const json_t *row)
{
	const char *text = "disabled";

	if (ctl_rows_bool(row, "kept"))
		text = "kept";
	else if (ctl_rows_bool(row, "inhibited"))
		text = "inhibited";
	else if (ctl_rows_bool(row, "held"))
		text = "held";
	else if (ctl_rows_bool(row, "enabled"))
		text = ctl_rows_int(row, "listed") ? "pending" : "absent";
	else if (strcmp(ctl_rows_str(row, "state"), "undecided") == 0)
		text = "untouched";
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", text);
}

/* The certificate that ends first, of those that end soon. */
static void add_certificate(struct str *s, const json_t *checks, int64_t now_s)
{
	int64_t first = INT64_MAX;
	const json_t *c;

	for (size_t i = 0; (c = json_array_get(checks, i)); i++) {
		const json_t *tls = json_object_get(c, "tls");

		if (ctl_rows_bool(tls, "cert_expires_soon"))
			first = MIN(first, ctl_rows_time(ctl_rows_str(tls, "cert_expiry")));
	}
	if (first == INT64_MAX)
		return;
	add_word(s, true, first <= now_s ? "certificate has expired" : "certificate ends in ");
	if (first > now_s)
		str_putf(s, "%lld d", (long long)(first - now_s) / 86400);
}

static void add_real_notes(struct ctl_table *t, const json_t *row, int64_t now_s)
{
	const char *override = ctl_rows_str(row, "override");
	char text[NOTE_BYTES] = "";
	struct str s = STR_OVER(text, sizeof(text));

	str_puts(&s, ctl_rows_str(row, "reason"));
	if (strcmp(override, "auto") != 0) {
		str_puts(&s, ", set: ");
		str_puts(&s, override);
	}
	add_word(&s, ctl_rows_bool(row, "frozen"), "removal held");
	add_certificate(&s, json_object_get(row, "checks"), now_s);
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", text);
}

static void add_real(void *ctx, const json_t *row, int64_t now_s)
{
	struct ctl_table *t = ctx;

	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", ctl_rows_str(row, "vs"));
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%s", ctl_rows_str(row, "rs"));
	add_state(t, row, now_s);
	add_weight(t, row);
	add_balancer(t, row);
	add_real_notes(t, row, now_s);
	add_check(t, row, now_s);
}

enum ctl_exit ctl_show_reals(const struct ctl_opts *o, int argc, char **argv)
{
	static const char *const headers[] = {"SERVICE", "REAL",     "STATE",  "SINCE",
					      ">W",      "BALANCER", "REASON", "LAST CHECK"};
	static const struct list list = {"/v1/reals", "reals", headers, ARRAY_LEN(headers),
					 add_real};

	return show_list(o, &list, argc ? argv[0] : NULL);
}
