#include <criterion/criterion.h>

#include <string.h>

#include "api/body.h"
#include "model/state.h"

static const char *why;

static int empty(const char *text)
{
	return body_empty(text, strlen(text), &why);
}

Test(body, nothing_blanks_and_an_empty_object_are_empty)
{
	cr_assert_eq(empty(""), BODY_OK);
	cr_assert_eq(empty(" \r\n\t"), BODY_OK);
	cr_assert_eq(empty("{}"), BODY_OK);
	cr_assert_eq(empty(" { } "), BODY_OK);
}

Test(body, fields_arrays_and_garbage_are_not_empty)
{
	static const char *const texts[] = {"{\"a\":1}", "[]", "null", "0", "{", "{}{}", "\"\""};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		why = NULL;
		cr_assert_eq(empty(texts[i]), BODY_BAD, "%s", texts[i]);
		cr_assert_not_null(why);
	}
	cr_assert_eq(body_empty("\0", 1, &why), BODY_BAD);
}

static int parse(const char *tail, struct body_override *ret)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"vs\":\"tcp/192.0.2.1:80\",\"rs\":\"10.0.0.1:80\"%s}",
		 tail);
	return body_override(text, strlen(text), ret, &why);
}

static void means(const char *tail, enum real_override kind, unsigned value)
{
	struct body_override o = {.override = UINT32_MAX};

	cr_assert_eq(parse(tail, &o), BODY_OK, "%s: %s", tail, why);
	cr_assert_str_eq(o.vs, "tcp/192.0.2.1:80");
	cr_assert_str_eq(o.rs, "10.0.0.1:80");
	cr_assert_eq(real_override_kind(o.override), kind, "%s", tail);
	cr_assert_eq(real_override_value(o.override), value, "%s", tail);
}

Test(body, override_takes_a_state_or_a_weight)
{
	means(",\"state\":\"up\"", OVERRIDE_UP, 0);
	means(",\"state\":\"drain\"", OVERRIDE_DRAIN, 0);
	means(",\"state\":\"down\"", OVERRIDE_DOWN, 0);
	means(",\"state\":\"auto\"", OVERRIDE_NONE, 0);
	means(",\"weight\":0", OVERRIDE_WEIGHT, 0);
	means(",\"weight\":65535", OVERRIDE_WEIGHT, 65535);
	means(",\"weight\":\"17\"", OVERRIDE_WEIGHT, 17);
	means(",\"weight\":\"50%\"", OVERRIDE_PERCENT, 50);
	means(",\"weight\":\"1000%\"", OVERRIDE_PERCENT, 1000);
	means(",\"weight\":\"auto\"", OVERRIDE_NONE, 0);
}

Test(body, anything_else_is_refused)
{
	static const char *const tails[] = {
		"",
		",\"state\":\"up\",\"weight\":1",
		",\"state\":\"sideways\"",
		",\"state\":1",
		",\"state\":null",
		",\"weight\":-1",
		",\"weight\":65536",
		",\"weight\":1.5",
		",\"weight\":\"\"",
		",\"weight\":\"%\"",
		",\"weight\":\"1001%\"",
		",\"weight\":\"-1%\"",
		",\"weight\":\"5 %\"",
		",\"weight\":true",
		",\"state\":\"up\",\"x\":1",
		",\"state\":\"up\",\"vs\":\"udp/192.0.2.1:80\"",
		",\"weight\":99999999999999999999",
	};
	struct body_override o;

	for (size_t i = 0; i < ARRAY_LEN(tails); i++)
		cr_assert_eq(parse(tails[i], &o), BODY_BAD, "%s", tails[i]);
}

Test(body, names_must_be_short_texts)
{
	static const char *const texts[] = {
		"{\"vs\":1,\"rs\":\"a\",\"state\":\"up\"}",
		"{\"vs\":\"\",\"rs\":\"a\",\"state\":\"up\"}",
		"{\"rs\":\"a\",\"state\":\"up\"}",
		"{\"vs\":\"a\",\"state\":\"up\"}",
		"{\"vs\":\"0123456789012345678901234567890123456789012345678901234567890123\","
		"\"rs\":\"a\",\"state\":\"up\"}",
		"[1]",
		"",
	};
	struct body_override o;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cr_assert_eq(body_override(texts[i], strlen(texts[i]), &o, &why), BODY_BAD, "%s",
			     texts[i]);
}
