#include "net/h1_field.h"

#include <criterion/criterion.h>

static struct h1_parse parse;

static void begin(void)
{
	h1_parse_init(&parse, 1000, 1000, "rs-weight");
	parse.minor = 1;
}

/* One field as the parser would give it; name and value in two pieces each. */
static void field(const char *name, const char *value)
{
	struct h1_parse_slice in;

	h1_field_begin(&parse);
	for (size_t at = 0, half = strlen(name) / 2; at <= half; at += half ? half : 1) {
		in = (struct h1_parse_slice){(const unsigned char *)name + at,
					     at ? strlen(name) - half : half};
		h1_field_name(&parse, &in);
		cr_assert_eq(in.len, 0);
	}
	h1_field_recognise(&parse);
	for (size_t i = 0; value[i]; i++) {
		in = (struct h1_parse_slice){(const unsigned char *)value + i, 1};
		h1_field_value(&parse, &in);
		cr_assert_eq(in.len, 0);
	}
	h1_field_end(&parse);
}

static unsigned length_of(const char *a, const char *b)
{
	begin();
	field("Content-Length", a);
	if (b)
		field("CONTENT-LENGTH", b);
	return parse.length_state;
}

static unsigned coding_of(const char *a, const char *b)
{
	begin();
	field("Transfer-Encoding", a);
	if (b)
		field("Transfer-Encoding", b);
	return parse.coding;
}

Test(h1_field, name_stops_at_what_is_no_token)
{
	static const char token[] = "!#$%&'*+-.^_`|~09azAZ";

	for (unsigned c = 1; c < 256; c++) {
		unsigned char byte = (unsigned char)c;
		struct h1_parse_slice in = {&byte, 1};
		bool is_token = strchr(token, (int)c) || (c >= '0' && c <= '9') ||
				(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		begin();
		h1_field_begin(&parse);
		h1_field_name(&parse, &in);
		cr_expect_eq(in.len, is_token ? 0u : 1u, "byte %u", c);
		cr_expect_eq(parse.name_len, is_token ? 1u : 0u, "byte %u", c);
		if (is_token && c != '^' && c != '_')
			cr_expect_eq(parse.name[0], (char)(c | (c >= 'A' && c <= 'Z' ? 0x20 : 0)));
	}
}

Test(h1_field, names_are_recognised_without_case_and_whole)
{
	static const struct {
		const char *name;
		enum h1_field_kind kind;
	} rows[] = {
		{"content-length", H1_FIELD_LENGTH},
		{"CONTENT-LENGTH", H1_FIELD_LENGTH},
		{"Transfer-Encoding", H1_FIELD_TRANSFER},
		{"Content-Encoding", H1_FIELD_ENCODING},
		{"RS-Weight", H1_FIELD_WANTED},
		{"Content-Lengt", H1_FIELD_OTHER},
		{"Content-Lengths", H1_FIELD_OTHER},
		{"X-RS-Weight", H1_FIELD_OTHER},
		{"Transfer-Encoding-Transfer-Encoding", H1_FIELD_OTHER},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin();
		field(rows[i].name, "1");
		cr_expect_eq(parse.field, rows[i].kind, "%s", rows[i].name);
	}
}

Test(h1_field, nothing_is_wanted_without_a_name)
{
	h1_parse_init(&parse, 1000, 1000, NULL);
	field("RS-Weight", "5");
	cr_assert(!parse.has_wanted);
}

Test(h1_field, length_is_one_number)
{
	cr_assert_eq(length_of("10", NULL), H1_FIELD_LENGTH_KNOWN);
	cr_assert_eq(parse.length, 10);
	cr_assert_eq(length_of(" 0010\t", "10, 10"), H1_FIELD_LENGTH_KNOWN);
	cr_assert_eq(parse.length, 10);
	cr_assert_eq(length_of("10", "11"), H1_FIELD_LENGTH_INVALID);
	cr_assert_eq(length_of("x", "11"), H1_FIELD_LENGTH_INVALID);
	cr_assert_eq(length_of("", NULL), H1_FIELD_LENGTH_INVALID);
	cr_assert_eq(length_of("9223372036854775807", NULL), H1_FIELD_LENGTH_KNOWN);
	cr_assert_eq(length_of("9223372036854775808", NULL), H1_FIELD_LENGTH_INVALID);
}

Test(h1_field, last_coding_counts)
{
	cr_assert_eq(coding_of("chunked", NULL), H1_FIELD_CODING_CHUNKED);
	cr_assert(!parse.is_encoded);
	cr_assert_eq(coding_of("gzip,CHUNKED", NULL), H1_FIELD_CODING_CHUNKED);
	cr_assert(parse.is_encoded);
	cr_assert_eq(coding_of("chunked", "gzip"), H1_FIELD_CODING_OTHER);
	cr_assert_eq(coding_of("chunked", "chunked"), H1_FIELD_CODING_INVALID);
	cr_assert_eq(coding_of("chunked, chunked", "gzip"), H1_FIELD_CODING_INVALID);
	cr_assert_eq(coding_of("identity , ,", NULL), H1_FIELD_CODING_NONE);
	cr_assert_eq(coding_of("chunked;q=1", NULL), H1_FIELD_CODING_OTHER);
}

Test(h1_field, coding_says_nothing_in_1_0)
{
	begin();
	parse.minor = 0;
	field("Transfer-Encoding", "gzip");
	cr_assert_eq(parse.coding, H1_FIELD_CODING_NONE);
	cr_assert(!parse.is_encoded);
}

Test(h1_field, unreadably_long_encoding_counts_as_one)
{
	static const char commas[] =
		",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,";
	char value[H1_PARSE_VALUE_BYTES + 3];

	static_assert(sizeof(commas) == H1_PARSE_VALUE_BYTES + 1, "nothing is named in the room");
	begin();
	field("Content-Encoding", commas);
	cr_assert(!parse.is_encoded);
	snprintf(value, sizeof(value), "%sbr", commas);
	begin();
	field("Content-Encoding", value);
	cr_assert(parse.is_encoded);
}

Test(h1_field, value_of_exactly_the_room_is_kept)
{
	char value[H1_PARSE_VALUE_BYTES + 2] = {0};

	memset(value, '7', H1_PARSE_VALUE_BYTES);
	begin();
	field("RS-Weight", value);
	cr_assert_eq(parse.wanted_len, H1_PARSE_VALUE_BYTES);
	value[H1_PARSE_VALUE_BYTES] = '7';
	begin();
	field("RS-Weight", value);
	cr_assert(parse.has_wanted);
	cr_assert_eq(parse.wanted_len, 0);
}

Test(h1_field, fold_is_one_space_between_bytes_only)
{
	struct h1_parse_slice in = {(const unsigned char *)"a", 1};

	begin();
	h1_field_begin(&parse);
	parse.field = H1_FIELD_WANTED;
	h1_field_fold(&parse);
	h1_field_value(&parse, &in);
	h1_field_fold(&parse);
	h1_field_fold(&parse);
	in = (struct h1_parse_slice){(const unsigned char *)"b\r", 2};
	h1_field_value(&parse, &in);
	cr_assert_eq(in.len, 1, "the line end is not the value's");
	h1_field_fold(&parse);
	h1_field_end(&parse);
	cr_assert_eq(parse.wanted_len, 3);
	cr_assert(!memcmp(parse.wanted, "a b", 3));
}
