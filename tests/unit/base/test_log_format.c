#include "base/log_format.h"

#include <criterion/criterion.h>
#include <jansson.h>

static char line[LOG_LINE_BYTES];

static const char *format_n(enum log_encoding encoding, const struct log_field *fields, size_t n)
{
	struct log_record rec = {.wall_ns = UINT64_C(1795157518123456789),
				 .mod = "quorum",
				 .event = "real_down",
				 .level = LOG_WARN};
	size_t len;

	log_format_pack(&rec, fields, n);
	len = log_format_line(&rec, "agg", encoding, line);
	cr_assert_eq(len, strlen(line));
	cr_assert_lt(len, LOG_LINE_BYTES);
	cr_assert_eq(line[len - 1], '\n');
	cr_assert_eq(strchr(line, '\n'), line + len - 1, "more than one line");
	return line;
}

#define FORMAT(encoding, ...)                                       \
	format_n(encoding, (const struct log_field[]){__VA_ARGS__}, \
		 sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* Value of a key of the JSON line, parsed by somebody else's parser. */
static json_t *json_of(void)
{
	json_error_t error;
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(j, "%s in %s", error.text, line);
	return j;
}

static void assert_json_str(const char *key, const char *expected)
{
	json_t *j = json_of();

	cr_assert_str_eq(json_string_value(json_object_get(j, key)), expected);
	json_decref(j);
}

Test(log_format, logfmt_line_has_its_fixed_keys_first)
{
	struct addr a = addr_from_v4_u32(0xc6336407);

	cr_assert_str_eq(FORMAT(LOG_LOGFMT, LF_ADDR("real", &a, 8443), LF_STR("code", "refused"),
				LF_U64("status", 503), LF_I64("delta", -5), LF_BOOL("held", true)),
			 "ts=2026-11-20T06:51:58.123456Z level=warn thread=agg mod=quorum "
			 "event=real_down real=198.51.100.7:8443 code=refused status=503 "
			 "delta=-5 held=true\n");
}

Test(log_format, json_line_has_the_same_keys)
{
	struct addr a = addr_from_v4_u32(0xc6336407);

	cr_assert_str_eq(FORMAT(LOG_JSON, LF_ADDR("real", &a, 0), LF_U64("n", UINT64_MAX),
				LF_BOOL("held", false)),
			 "{\"ts\":\"2026-11-20T06:51:58.123456Z\",\"level\":\"warn\",\"thread\":"
			 "\"agg\",\"mod\":\"quorum\",\"event\":\"real_down\",\"real\":"
			 "\"198.51.100.7\",\"n\":18446744073709551615,\"held\":false}\n");
}

Test(log_format, ipv6_with_port_is_bracketed)
{
	struct addr a;

	cr_assert_eq(addr_parse("2001:db8::1", 11, &a), ADDR_OK);
	cr_assert_not_null(
		strstr(FORMAT(LOG_LOGFMT, LF_ADDR("real", &a, 80)), " real=[2001:db8::1]:80\n"));
}

Test(log_format, values_are_quoted_only_when_needed)
{
	cr_assert_not_null(strstr(FORMAT(LOG_LOGFMT, LF_STR("k", "plain-value_1.2:3/")),
				  " k=plain-value_1.2:3/\n"));
	cr_assert_not_null(
		strstr(FORMAT(LOG_LOGFMT, LF_STR("k", "two words")), " k=\"two words\"\n"));
	cr_assert_not_null(strstr(FORMAT(LOG_LOGFMT, LF_STR("k", "")), " k=\"\"\n"));
	cr_assert_not_null(strstr(FORMAT(LOG_LOGFMT, LF_STR("k", "a=b")), " k=\"a=b\"\n"));
	cr_assert_not_null(strstr(FORMAT(LOG_LOGFMT, LF_STR("k", "\"\\")), " k=\"\\\"\\\\\"\n"));
	cr_assert_not_null(strstr(FORMAT(LOG_LOGFMT, LF_STR("k", NULL)), " k=\"\"\n"));
}

/* Text from outside must not forge a line or a key. */
Test(log_format, control_characters_are_escaped)
{
	cr_assert_not_null(strstr(FORMAT(LOG_LOGFMT, LF_STR("k", "a\nlevel=error\tb\x1b[31m\x7f")),
				  " k=\"a\\nlevel=error\\u0009b\\u001b[31m\\u007f\"\n"));
	FORMAT(LOG_JSON, LF_STR("k", "a\n\r\t\x01\"}"));
	assert_json_str("k", "a\n\r\t\x01\"}");
}

Test(log_format, utf8_passes_and_what_is_none_is_replaced)
{
	static const char *const pairs[][2] = {
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xe2\x82\xac\xf0\x9f\x90\x9f", "\xe2\x82\xac\xf0\x9f\x90\x9f"},
		{"\xff", "\xef\xbf\xbd"},
		{"a\x80z", "a\xef\xbf\xbdz"},
		{"\xc3", "\xef\xbf\xbd"},                 /* cut */
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"}, /* cut */
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
		{"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
		{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		FORMAT(LOG_JSON, LF_STR("k", pairs[i][0]));
		assert_json_str("k", pairs[i][1]);
	}
	/* C1 control characters: terminals obey them */
	FORMAT(LOG_LOGFMT, LF_STR("k", "a\xc2\x9b"
				       "31m"));
	cr_assert_null(strstr(line, "\xc2\x9b"));
}

Test(log_format, long_values_are_cut)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[999] = 0;
	FORMAT(LOG_JSON, LF_STR("a", text), LF_STR("b", text), LF_STR("c", text));
	json_t *j = json_of();

	cr_assert_eq(json_string_length(json_object_get(j, "a")), 200);
	cr_assert_eq(json_string_length(json_object_get(j, "b")), 200);
	cr_assert_eq(json_string_length(json_object_get(j, "c")), 0);
	json_decref(j);
}

Test(log_format, value_cut_within_a_character_stays_valid)
{
	char text[302];

	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'a', sizeof(text));
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		text[301] = 0;
		FORMAT(LOG_JSON, LF_STR("k", text));
		json_decref(json_of());
	}
}

Test(log_format, address_is_never_cut_by_long_texts)
{
	struct addr a = addr_from_v4_u32(0xc0000201);
	char text[300];

	memset(text, 'x', sizeof(text));
	text[299] = 0;
	FORMAT(LOG_JSON, LF_STR("a", text), LF_STR("b", text), LF_ADDR("real", &a, 80));
	assert_json_str("real", "192.0.2.1:80");
}

/* Escapes make six bytes of one: such a line does not fit, but must stay one valid record. */
Test(log_format, line_that_does_not_fit_loses_whole_fields)
{
	char text[201];

	memset(text, 1, sizeof(text));
	text[200] = 0;
	FORMAT(LOG_JSON, LF_STR("a", text), LF_STR("b", text), LF_U64("c", 7));
	json_t *j = json_of();

	cr_assert_eq(json_string_length(json_object_get(j, "a")), 200);
	cr_assert_null(json_object_get(j, "b"));
	cr_assert(json_is_true(json_object_get(j, "cut")));
	json_decref(j);
	FORMAT(LOG_LOGFMT, LF_STR("a", text), LF_STR("b", text), LF_U64("c", 7));
	cr_assert_not_null(strstr(line, " cut=true\n"));
	cr_assert_null(strstr(line, " b="));
}

Test(log_format, fields_past_the_most_are_dropped)
{
	struct log_field f[20];

	for (int i = 0; i < 20; i++)
		f[i] = LF_U64("key", 7);
	format_n(LOG_LOGFMT, f, 20);
	int n = 0;

	for (const char *p = line; (p = strstr(p, "key=7")); p++)
		n++;
	cr_assert_eq(n, LOG_MAX_FIELDS);
}

Test(log_format, levels_have_names)
{
	cr_assert_str_eq(log_format_level(LOG_DEBUG), "debug");
	cr_assert_str_eq(log_format_level(LOG_INFO), "info");
	cr_assert_str_eq(log_format_level(LOG_WARN), "warn");
	cr_assert_str_eq(log_format_level(LOG_ERROR), "error");
	cr_assert_str_eq(log_format_level((enum log_level)99), "?");
}
