#include "config/app_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "config/app_value.h"

static void *field_of(const struct app_load *l, const struct app_key *k)
{
	return (char *)l->config + k->offset;
}

static void store(const struct app_load *l, const struct app_key *k, uint64_t value)
{
	void *field = field_of(l, k);
	uint32_t v32 = (uint32_t)value;
	uint16_t v16 = (uint16_t)value;
	uint8_t v8 = (uint8_t)value;

	if (k->size == sizeof(value))
		memcpy(field, &value, sizeof(value));
	else if (k->size == sizeof(v32))
		memcpy(field, &v32, sizeof(v32));
	else if (k->size == sizeof(v16))
		memcpy(field, &v16, sizeof(v16));
	else if (k->size == sizeof(v8))
		memcpy(field, &v8, sizeof(v8));
}

static void store_text(struct app_load *l, const struct app_key *k, const char *text, size_t len)
{
	char **field = field_of(l, k), *copy = strndup(text, len);

	if (!copy) {
		l->error = err_origin(-ENOMEM);
		return;
	}
	free(*field);
	*field = copy;
}

static void wrong(struct app_load *l, const struct app_key *k, const struct app_scalar *v,
		  const char *hint, const char *what)
{
	diag_report(l->diag, DIAG_ERROR, v->at.pos, v->at.len, hint, "%s: '%.*s' %s", k->path,
		    (int)MIN(v->len, 64), v->text, what);
}

static void out_of_range(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	char low[APP_VALUE_DURATION_BYTES], high[APP_VALUE_DURATION_BYTES], text[128];
	struct str s = STR_OVER(text, sizeof(text));

	if (k->type == APP_DURATION) {
		app_value_format_duration(k->min, low);
		app_value_format_duration(k->max, high);
		str_putf(&s, "is not within %s and %s", low, high);
	} else {
		str_putf(&s, "is not within %llu and %llu", (unsigned long long)k->min,
			 (unsigned long long)k->max);
	}
	wrong(l, k, v, NULL, text);
}

static void set_number(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	uint64_t n = 0;
	int r = 0;

	if (k->type == APP_NUMBER_OR_OFF && v->len == 3 && strncasecmp(v->text, "off", 3) == 0) {
		store(l, k, 0);
		return;
	}
	if (v->is_plain)
		r = app_value_number(v->text, v->len, &n);
	if (!v->is_plain || r == APP_VALUE_MALFORMED)
		wrong(l, k, v, NULL, "must be a whole number, without quotes");
	else if (r != 0)
		wrong(l, k, v, NULL, app_value_text((enum app_value_result)r));
	else if (n < k->min || n > k->max)
		out_of_range(l, k, v);
	else
		store(l, k, n);
}

static void set_duration(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	bool is_bare = false;
	uint64_t ns = 0;
	int r = app_value_duration(v->text, v->len, &ns, &is_bare);

	if (r == APP_VALUE_MALFORMED) {
		wrong(l, k, v, NULL, "must be a duration such as 20ms, 1.5s or 1m30s");
	} else if (r != 0) {
		wrong(l, k, v, NULL, app_value_text((enum app_value_result)r));
	} else if (ns < k->min || ns > k->max) {
		out_of_range(l, k, v);
	} else {
		store(l, k, ns);
		if (is_bare && ns)
			diag_report(l->diag, DIAG_WARNING, v->at.pos, v->at.len,
				    "write the unit: ns us ms s m h",
				    "%s: a number without a unit is taken as nanoseconds", k->path);
	}
}

static void set_bool(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	bool value = false;

	if (!v->is_plain || app_value_bool(v->text, v->len, &value) != 0)
		wrong(l, k, v, NULL, "must be true or false, without quotes");
	else
		store(l, k, value);
}

static const struct app_word *word_of(const struct app_key *k, const struct app_scalar *v)
{
	for (const struct app_word *w = k->words; w->text; w++) {
		if (strlen(w->text) == v->len && strncasecmp(w->text, v->text, v->len) == 0)
			return w;
	}
	return NULL;
}

static void tell_words(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	char text[128];
	struct str s = STR_OVER(text, sizeof(text));

	str_puts(&s, k->words[1].text ? "is not one of:" : "must be");
	for (const struct app_word *w = k->words; w->text; w++)
		str_putf(&s, " %s", w->text);
	wrong(l, k, v, NULL, text);
}

static void set_word(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	const struct app_word *w = word_of(k, v);

	if (w)
		store(l, k, w->value);
	else
		tell_words(l, k, v);
}

static void set_text(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	if (v->len < k->min)
		wrong(l, k, v, NULL, "must not be empty");
	else if (v->len > k->max)
		wrong(l, k, v, NULL, "is too long");
	else
		store_text(l, k, v->text, v->len);
}

static void set_listen(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	char text[ADDR_PORT_TEXT_BYTES] = "";
	int r = v->len ? app_value_listen(v->text, v->len, text) : 0;

	if (r != 0)
		wrong(l, k, v, "write ADDRESS:PORT, as 192.0.2.1:14080 or [::1]:14080",
		      app_value_text((enum app_value_result)r));
	else
		store_text(l, k, text, strlen(text));
}

/* One more bit of a set; "none" is no bit and stands alone. */
static void add_word(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	const struct app_word *w = word_of(k, v);
	uint32_t set = 0;

	memcpy(&set, field_of(l, k), sizeof(set));
	if (!w) {
		tell_words(l, k, v);
	} else if (set && (w->value == 0 || (set & w->value))) {
		wrong(l, k, v, NULL, w->value ? "is listed twice" : "must stand alone");
	} else if (l->has_none && !set) {
		wrong(l, k, v, NULL, "stands beside one that must stand alone");
	} else {
		l->has_none = w->value == 0;
		store(l, k, set | w->value);
	}
}

static void set_ip(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	bool is_v4 = k->type == APP_IPV4 || k->type == APP_HOST4;
	struct addr a = ADDR_UNSET;

	if (v->len && addr_parse(v->text, v->len, &a) != ADDR_OK)
		wrong(l, k, v, NULL, "is not an IP address");
	else if (v->len && addr_is_v4(&a) != is_v4)
		wrong(l, k, v, NULL, is_v4 ? "is not an IPv4 address" : "is not an IPv6 address");
	else
		memcpy(field_of(l, k), &a, sizeof(a));
}

/* The length of one address may stand behind it, and no other. */
static void set_host(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	const char *tail = k->type == APP_HOST4 ? "/32" : "/128";
	const char *slash = memchr(v->text, '/', v->len);
	size_t at = slash ? (size_t)(slash - v->text) : v->len;
	struct app_scalar address = *v;

	address.len = at;
	if (slash && !str_is(slash, v->len - at, tail))
		wrong(l, k, v, NULL,
		      k->type == APP_HOST4 ? "must have the length /32"
					   : "must have the length /128");
	else
		set_ip(l, k, &address);
}

/* spec/announce §1.1: the name becomes part of a file name. */
static bool is_group_name(const char *text, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	if (len == 0 || len >= APP_GROUP_NAME_BYTES || text[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!memchr(allowed, text[i], sizeof(allowed) - 1))
			return false;
	return true;
}

static void add_group(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	struct app_config *c = l->config;
	uint32_t n = c->announcer.n_groups;

	if (!is_group_name(v->text, v->len)) {
		wrong(l, k, v, "letters, digits, _ . -, at most 32, not beginning with a dot",
		      "is no name for an announce group");
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (str_is(v->text, v->len, c->announcer.groups[i])) {
			wrong(l, k, v, NULL, "is listed twice");
			return;
		}
	}
	if (n == APP_MAX_GROUPS) {
		wrong(l, k, v, NULL, "is one group too many: 64 are possible");
		return;
	}
	memcpy(c->announcer.groups[n], v->text, v->len);
	l->group[n] = v->at;
	c->announcer.n_groups++;
}

static void add_cpus(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	struct app_config *c = l->config;
	int r = app_value_cpus(v->text, v->len, c->workers.cpus, APP_MAX_CPUS);

	if (r != 0)
		wrong(l, k, v, "write CPU numbers below 1024, as 0-3,6",
		      app_value_text((enum app_value_result)r));
}

void app_set_value(struct app_load *l, const struct app_key *k, const struct app_scalar *v)
{
	static void (*const setters[])(struct app_load *, const struct app_key *,
				       const struct app_scalar *) = {
		[APP_BOOL] = set_bool,
		[APP_NUMBER] = set_number,
		[APP_NUMBER_OR_OFF] = set_number,
		[APP_DURATION] = set_duration,
		[APP_TEXT] = set_text,
		[APP_WORD] = set_word,
		[APP_WORDS] = add_word,
		[APP_IPV4] = set_ip,
		[APP_IPV6] = set_ip,
		[APP_HOST4] = set_host,
		[APP_HOST6] = set_host,
		[APP_LISTEN] = set_listen,
		[APP_GROUPS] = add_group,
		[APP_CPUS] = add_cpus,
	};

	if (memchr(v->text, 0, v->len))
		wrong(l, k, v, NULL, "contains a NUL byte");
	else
		setters[k->type](l, k, v);
}

void app_set_defaults(struct app_load *l)
{
	uint32_t n;
	const struct app_key *keys = app_schema_keys(&n);

	for (uint32_t i = 0; i < n; i++) {
		const struct app_scalar v = {
			.text = keys[i].default_text,
			.len = keys[i].default_text ? strlen(keys[i].default_text) : 0,
			.is_plain = true,
			.at.pos = SOURCE_NOWHERE,
		};

		if (v.text)
			app_set_value(l, &keys[i], &v);
	}
}
