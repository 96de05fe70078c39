#include "ctl/ctl_rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, KEY_BYTES = 32 };

int64_t ctl_rows_time(const char *text)
{
	struct tm tm = {0};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!end || (*end != '.' && *end != 'Z'))
		return -1;
	return timegm(&tm);
}

void ctl_rows_age(int64_t s, char out[CTL_ROWS_AGE_BYTES])
{
	long long n = s;

	if (n < 0)
		snprintf(out, CTL_ROWS_AGE_BYTES, "never");
	else if (n == 0)
		snprintf(out, CTL_ROWS_AGE_BYTES, "now");
	else if (n < MINUTE)
		snprintf(out, CTL_ROWS_AGE_BYTES, "%llds", n);
	else if (n < HOUR)
		snprintf(out, CTL_ROWS_AGE_BYTES, "%lldm%02llds", n / MINUTE, n % MINUTE);
	else if (n < DAY)
		snprintf(out, CTL_ROWS_AGE_BYTES, "%lldh%02lldm", n / HOUR, n % HOUR / MINUTE);
	else
		snprintf(out, CTL_ROWS_AGE_BYTES, "%lldd%02lldh", n / DAY, n % DAY / HOUR);
}

void ctl_rows_age_of(const json_t *row, const char *key, int64_t now_s,
		     char out[CTL_ROWS_AGE_BYTES])
{
	int64_t at = ctl_rows_time(json_string_value(json_object_get(row, key)));

	/* a result may be a moment younger than the answer's "now" */
	ctl_rows_age(at < 0 ? -1 : MAX(now_s - at, 0), out);
}

const char *ctl_rows_str(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

long long ctl_rows_int(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

bool ctl_rows_bool(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

/* The text behind "key": in the document's own fields, which all come before its first row. */
static const char *find_value(const char *text, size_t len, const char *key)
{
	char quoted[KEY_BYTES];
	int n = snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	const char *at = memmem(text, len, quoted, (size_t)n);

	return at ? at + n : NULL;
}

static int64_t read_now(const char *text, size_t len)
{
	const char *at = find_value(text, len, "now");

	return at && *at == '"' ? ctl_rows_time(at + 1) : -1;
}

/* One row at *at; moves behind it and the comma. Returns false if there is none or it is malformed.
 */
static bool take_row(const char **at, const char *end, ctl_rows_fn fn, void *ctx, int64_t now_s)
{
	json_error_t where;
	json_t *row = json_loadb(*at, (size_t)(end - *at), JSON_DISABLE_EOF_CHECK, &where);

	if (!json_is_object(row)) {
		json_decref(row);
		return false;
	}
	fn(ctx, row, now_s);
	json_decref(row);
	*at += where.position;
	if (*at < end && **at == ',')
		(*at)++;
	return true;
}

bool ctl_rows_each(const char *text, size_t len, const char *key, ctl_rows_fn fn, void *ctx)
{
	const char *at = find_value(text, len, key), *end = text + len;
	int64_t now_s = read_now(text, len);

	if (!at || at == end || *at != '[' || now_s < 0)
		return false;
	at++;
	while (at < end && *at != ']') {
		if (!take_row(&at, end, fn, ctx, now_s))
			return false;
	}
	return at < end;
}
