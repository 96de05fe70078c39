/* Push parser for one HTTP/1.x response (RFC 9112): bytes in, events out. No allocation, no copy of
 * the body, no socket, no clock. How the input is cut into pieces never changes what comes out.
 *
 * Taken liberally, as RFC 9112 lets a client and as the reference's library does: a lone LF ends a
 * line, the reason phrase may be missing, blanks before the colon and folded lines (obs-fold, §5.2:
 * a user agent replaces it by a space) are read, leading zeros in lengths, equal Content-Lengths.
 * Refused: a CR without LF, a NUL, contradictory lengths, a chunk that is none.
 *
 * Framing is RFC 9112 §6.3: 204, 304 and the answer to a HEAD have no body; a final chunked coding
 * rules over Content-Length; another final transfer coding and neither field mean "until the peer
 * closes". Transfer-Encoding in an HTTP/1.0 message is ignored, as the reference does.
 * 1xx responses are skipped, H1_PARSE_MAX_INTERIM of them; 101 is malformed, for nobody asked.
 */
#pragma once

#include "base/cc.h"

enum {
	H1_PARSE_MAX_INTERIM = 5,
	H1_PARSE_NAME_BYTES = 24,  /* longer field names are not looked at */
	H1_PARSE_VALUE_BYTES = 64, /* longer values of the fields we read count as unreadable */
};

/* Why a response is refused; the number is the detail of CODE_HTTP_MALFORMED and
 * CODE_BODY_MALFORMED. Append only. */
#define H1_PARSE_REASONS(X)                                                     \
	X(NONE, "none")                                                         \
	X(NOT_HTTP, "does not begin with HTTP/1.x")                             \
	X(STATUS, "status is not three digits from 100 on")                     \
	X(FIELD, "header line is not name, colon, value")                       \
	X(BARE_CR, "carriage return without line feed")                         \
	X(NUL, "NUL byte in the header")                                        \
	X(LENGTH, "Content-Length is no number, too big or contradicts itself") \
	X(TRANSFER, "Transfer-Encoding cannot be understood")                   \
	X(INTERIM, "too many 1xx responses")                                    \
	X(UPGRADE, "101 without a request to upgrade")                          \
	X(CHUNK_SIZE, "chunk size is not a hexadecimal number")                 \
	X(CHUNK_END, "chunk is longer than its size")                           \
	X(HEAD_SIZE, "header or trailer is too long")                           \
	X(BODY_SIZE, "body is too long")

enum h1_parse_reason {
#define X(name, text) H1_PARSE_BAD_##name,
	H1_PARSE_REASONS(X)
#undef X
		H1_PARSE_BAD__N
};

enum h1_parse_event {
	H1_PARSE_MORE, /* the input is used up */
	H1_PARSE_HEAD, /* the final response's status and fields are known */
	H1_PARSE_BODY, /* *ret_body: some bytes of the body, inside the input */
	H1_PARSE_DONE, /* complete; what is left of the input does not belong to it */
	H1_PARSE_BAD,  /* h1_parse.reason says why */
};

struct h1_parse_slice {
	const unsigned char *at;
	size_t len;
};

/* Visible to be embedded (and to h1_field). The caller reads the first group, and only after
 * H1_PARSE_HEAD (reason: after H1_PARSE_BAD); everything else is the parser's own. */
struct h1_parse {
	uint64_t body_bytes; /* given out so far */
	uint16_t status;
	uint8_t reason; /* enum h1_parse_reason */
	bool has_head;
	bool is_encoded; /* a content or transfer coding other than chunked: not the plain body */
	bool has_wanted; /* the wanted field was there */
	uint8_t wanted_len;
	char wanted[H1_PARSE_VALUE_BYTES]; /* its first value, trimmed, blanks inside
					    * as one space; empty if it does not fit */

	const char *wanted_name; /* lower case, or NULL */
	uint64_t max_body;
	uint64_t length;    /* Content-Length */
	uint64_t remaining; /* bytes of the body or the chunk to come */
	uint32_t head_left; /* bytes that header, extensions and trailer may still take */
	uint8_t state;
	uint8_t n_matched; /* bytes of the literal, digits of a number */
	uint8_t minor;
	uint8_t n_interim;
	uint8_t field;        /* enum h1_field_kind of the value being read */
	uint8_t length_state; /* enum h1_field_length */
	uint8_t coding;       /* enum h1_field_coding: the last one named */
	bool saw_cr;          /* the next byte must be LF */
	bool in_field;        /* a field was begun: the next line may continue it */
	bool is_long;         /* the value does not fit */
	bool has_blank;       /* met inside the value, not yet stored */
	bool is_bodiless;     /* it answers a HEAD */
	uint8_t name_len;     /* H1_PARSE_NAME_BYTES + 1: too long */
	uint8_t value_len;
	char name[H1_PARSE_NAME_BYTES];
	char value[H1_PARSE_VALUE_BYTES];
};
static_assert(sizeof(struct h1_parse) <= 256, "one per check in flight");

/* Begins a response. max_head bounds status line, header fields, those of the 1xx responses before,
 * chunk extensions and trailer together; max_body the decoded body; both in bytes. wanted_name: the
 * one more field to keep, in lower case, at most H1_PARSE_NAME_BYTES long, or NULL; borrowed. */
void h1_parse_init(struct h1_parse *p, uint32_t max_head, uint64_t max_body,
		   const char *wanted_name);

/* After h1_parse_init: the request is a HEAD, so that the response ends with its head. */
static inline void h1_parse_expect_no_body(struct h1_parse *p)
{
	p->is_bodiless = true;
}

/* Goes on with the input: moves *in past what it used and returns at the first event. Call again
 * until it returns MORE, DONE or BAD; DONE and BAD are final. */
enum h1_parse_event h1_parse_step(struct h1_parse *p, struct h1_parse_slice *in,
				  struct h1_parse_slice *ret_body);

/* True if the end of the peer's stream at this point completes the response. */
bool h1_parse_ends_by_close(const struct h1_parse *p);

/* Static storage; "?" for a number that is no reason. */
const char *h1_parse_reason_text(enum h1_parse_reason reason);
