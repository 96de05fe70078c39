#include "net/h1_field.h"

#include "base/str.h"

/* RFC 9110 §5.6.2: the characters of a token, in lower case; 0 for all others. */
static const char token_lower[256] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				     "\0!\0#$%&'\0\0*+\0-.\0"
				     "0123456789\0\0\0\0\0\0"
				     "\0abcdefghijklmno"
				     "pqrstuvwxyz\0\0\0^_"
				     "`abcdefghijklmno"
				     "pqrstuvwxyz\0|\0~\0";

void h1_field_begin(struct h1_parse *p)
{
	p->in_field = true;
	p->field = H1_FIELD_OTHER;
	p->name_len = 0;
	p->value_len = 0;
	p->is_long = false;
	p->has_blank = false;
}

void h1_field_name(struct h1_parse *p, struct h1_parse_slice *in)
{
	const unsigned char *at = in->at, *end = in->at + in->len;
	char *to = p->name + MIN(p->name_len, H1_PARSE_NAME_BYTES),
	     *full = p->name + H1_PARSE_NAME_BYTES;
	char c;

	for (; at < end && to < full && (c = token_lower[*at]); at++)
		*to++ = c;
	p->name_len = (uint8_t)MAX(p->name_len, to - p->name);
	if (at < end && to == full && token_lower[*at]) {
		while (at < end && token_lower[*at])
			at++;
		p->name_len = H1_PARSE_NAME_BYTES + 1;
	}
	in->len = (size_t)(end - at);
	in->at = at;
}

static bool is_named(const struct h1_parse *p, const char *name)
{
	return p->name_len <= H1_PARSE_NAME_BYTES && str_is(p->name, p->name_len, name);
}

void h1_field_recognise(struct h1_parse *p)
{
	if (is_named(p, "content-length"))
		p->field = H1_FIELD_LENGTH;
	else if (is_named(p, "transfer-encoding"))
		p->field = H1_FIELD_TRANSFER;
	else if (is_named(p, "content-encoding"))
		p->field = H1_FIELD_ENCODING;
	else if (p->wanted_name && is_named(p, p->wanted_name))
		p->field = H1_FIELD_WANTED;
}

static void put(struct h1_parse *p, char c)
{
	if (p->value_len < H1_PARSE_VALUE_BYTES)
		p->value[p->value_len++] = c;
	else
		p->is_long = true;
}

void h1_field_fold(struct h1_parse *p)
{
	p->has_blank = true;
}

/* Blanks are stored only between two other bytes: so the value is trimmed wherever it is cut. */
void h1_field_value(struct h1_parse *p, struct h1_parse_slice *in)
{
	for (; in->len; in->at++, in->len--) {
		unsigned char c = *in->at;

		if (c == '\r' || c == '\n' || c == '\0')
			return;
		if (c == ' ' || c == '\t') {
			p->has_blank = true;
			continue;
		}
		if (p->has_blank && p->value_len)
			put(p, ' ');
		p->has_blank = false;
		put(p, (char)c);
	}
}

/* Cuts the next element, trimmed, from a comma-separated list. Returns false at its end. */
static bool next_element(const char **at, const char *end, const char **ret_text, size_t *ret_len)
{
	const char *from = *at, *to;

	if (from > end)
		return false;
	to = from < end ? memchr(from, ',', (size_t)(end - from)) : NULL;
	to = to ? to : end;
	*at = to + 1;
	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	*ret_text = from;
	*ret_len = (size_t)(to - from);
	return true;
}

static bool says(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(text, word, len);
}

/* RFC 9110 §8.6: one number, or a list of equal ones; several fields likewise. */
static void end_length(struct h1_parse *p)
{
	const char *at = p->value, *end = p->value + p->value_len, *text;
	bool is_bad = p->is_long;
	uint64_t length;
	size_t len;

	while (!is_bad && next_element(&at, end, &text, &len)) {
		is_bad = !str_to_u64(text, len, INT64_MAX, &length) ||
			 (p->length_state == H1_FIELD_LENGTH_KNOWN && p->length != length);
		if (!is_bad && p->length_state == H1_FIELD_LENGTH_NONE) {
			p->length_state = H1_FIELD_LENGTH_KNOWN;
			p->length = length;
		}
	}
	if (is_bad)
		p->length_state = H1_FIELD_LENGTH_INVALID;
}

static void add_coding(struct h1_parse *p, const char *text, size_t len)
{
	if (!len || says(text, len, "identity"))
		return;
	if (says(text, len, "chunked")) {
		bool is_again = p->coding == H1_FIELD_CODING_CHUNKED;

		p->coding = is_again ? H1_FIELD_CODING_INVALID : H1_FIELD_CODING_CHUNKED;
		return;
	}
	p->coding = H1_FIELD_CODING_OTHER;
	p->is_encoded = true;
}

static void end_transfer(struct h1_parse *p)
{
	const char *at = p->value, *end = p->value + p->value_len, *text;
	size_t len;

	if (p->minor == 0)
		return;
	if (p->is_long)
		p->coding = H1_FIELD_CODING_INVALID;
	while (p->coding != H1_FIELD_CODING_INVALID && next_element(&at, end, &text, &len))
		add_coding(p, text, len);
}

static void end_encoding(struct h1_parse *p)
{
	const char *at = p->value, *end = p->value + p->value_len, *text;
	size_t len;

	if (p->is_long)
		p->is_encoded = true;
	while (next_element(&at, end, &text, &len))
		if (len && !says(text, len, "identity"))
			p->is_encoded = true;
}

static void end_wanted(struct h1_parse *p)
{
	if (p->has_wanted)
		return;
	p->has_wanted = true;
	p->wanted_len = p->is_long ? 0 : p->value_len;
	memcpy(p->wanted, p->value, p->wanted_len);
}

typedef void (*end_fn)(struct h1_parse *p);

void h1_field_end(struct h1_parse *p)
{
	static const end_fn ends[] = {
		[H1_FIELD_LENGTH] = end_length,
		[H1_FIELD_TRANSFER] = end_transfer,
		[H1_FIELD_ENCODING] = end_encoding,
		[H1_FIELD_WANTED] = end_wanted,
	};

	if (p->in_field && p->field != H1_FIELD_OTHER)
		ends[p->field](p);
	p->in_field = false;
}
