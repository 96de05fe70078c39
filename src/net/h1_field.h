/* Header fields of a response for h1_parse: collects name and value byte by byte, and says what the
 * few fields mean that a check must understand. Part of the parser; nobody else includes it.
 */
#pragma once

#include "net/h1_parse.h"

enum h1_field_kind {
	H1_FIELD_OTHER,
	H1_FIELD_LENGTH,
	H1_FIELD_TRANSFER,
	H1_FIELD_ENCODING,
	H1_FIELD_WANTED
};

enum h1_field_length { H1_FIELD_LENGTH_NONE, H1_FIELD_LENGTH_KNOWN, H1_FIELD_LENGTH_INVALID };

enum h1_field_coding {
	H1_FIELD_CODING_NONE,
	H1_FIELD_CODING_CHUNKED,
	H1_FIELD_CODING_OTHER,
	H1_FIELD_CODING_INVALID
};

/* A new field line. */
void h1_field_begin(struct h1_parse *p);
/* Takes the bytes of the name; stops before the first byte that no name has. */
void h1_field_name(struct h1_parse *p, struct h1_parse_slice *in);
/* The name is complete: decides whether its value is wanted. */
void h1_field_recognise(struct h1_parse *p);
/* Takes the bytes of the value; stops before CR, LF or NUL. */
void h1_field_value(struct h1_parse *p, struct h1_parse_slice *in);
/* The next line goes on with the value. */
void h1_field_fold(struct h1_parse *p);
/* The field is complete, if one was begun: notes what it says in p. */
void h1_field_end(struct h1_parse *p);
