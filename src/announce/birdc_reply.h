/* Parser of what BIRD says on its control socket (spec/announce.md §2.4). Pure: bytes in, lines
 * out, in any split; a line longer than the buffer is cut, never refused.
 *
 *   dddd-text   data line                       BIRDC_REPLY_DATA
 *   <SP>text    data line, code of the last one BIRDC_REPLY_DATA
 *   dddd text   last line of this reply         BIRDC_REPLY_FINAL
 *   +text       belongs to no reply             skipped
 * Anything else is BIRDC_REPLY_BAD: the stream cannot be followed any more.
 */
#pragma once

#include "base/cc.h"

enum { BIRDC_REPLY_LINE_BYTES = 512 };

enum birdc_reply_event {
	BIRDC_REPLY_MORE,
	BIRDC_REPLY_DATA,
	BIRDC_REPLY_FINAL,
	BIRDC_REPLY_BAD,
};

/* Codes of final lines that we tell apart. */
enum birdc_reply_code {
	BIRDC_WELCOME = 1,
	BIRDC_RECONFIGURED = 3,
	BIRDC_IN_PROGRESS = 4,
	BIRDC_QUEUED = 5,
	BIRDC_STATUS = 13,
	BIRDC_ROUTE_COUNT = 1007, /* data line */
	BIRDC_FIRST_ERROR = 8000,
	BIRDC_STOPPED = 8004, /* a count, by a reconfiguration */
};

/* All zero: the start of a stream. code and text are valid after DATA and FINAL. */
struct birdc_reply {
	unsigned code;
	const char *text; /* NUL-terminated, in line */
	bool has_code;    /* a continuation line has something to continue */
	bool was_line;    /* line holds the last event's line: cleared by the next byte */
	size_t len;
	char line[BIRDC_REPLY_LINE_BYTES];
};

/* Takes bytes until one event is complete or all are used; *ret_used tells how many. Never uses
 * zero bytes of a non-empty block. */
enum birdc_reply_event birdc_reply_feed(struct birdc_reply *r, const char *data, size_t len,
					size_t *ret_used);

/* 2 and 14 of "BIRD 2.14.1 ready.". Returns false if the greeting does not say it. */
MUST_CHECK bool birdc_reply_version(const char *text, unsigned *ret_major, unsigned *ret_minor);
/* The n of "n of m routes ...". Returns false if the text does not begin so. */
MUST_CHECK bool birdc_reply_count(const char *text, uint64_t *ret_n);
