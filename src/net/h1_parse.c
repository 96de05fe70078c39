/* A table of handlers, one per state; each takes as much input as it can and names the next state.
 * A handler sees the bytes one after another and keeps in struct h1_parse all it must remember, so
 * the end of the input may fall anywhere. Counted states see no more input than the head's budget,
 * so that also the limits are met at the same byte however the input was cut.
 */
#include "net/h1_parse.h"

#include "net/h1_field.h"

enum state {
	ST_VERSION,
	ST_MINOR,
	ST_GAP,
	ST_STATUS,
	ST_STATUS_END,
	ST_REASON,
	ST_LINE,
	ST_NAME,
	ST_COLON,
	ST_VALUE,
	ST_LENGTH_BODY,
	ST_CLOSE_BODY,
	ST_CHUNK_SIZE,
	ST_CHUNK_EXT,
	ST_CHUNK_DATA,
	ST_CHUNK_END,
	ST_TRAILER,
	ST_TRAILER_LINE,
	ST_DONE,
	ST_BAD,
	ST__N
};

/* A handler answers with an enum h1_parse_event, or: no event yet, the loop goes on. */
enum { GO_ON = -1 };

typedef int (*handler_fn)(struct h1_parse *p, struct h1_parse_slice *in,
			  struct h1_parse_slice *ret_body);

static const char version_literal[] = "HTTP/1.";

static int bad(struct h1_parse *p, enum h1_parse_reason reason)
{
	p->reason = (uint8_t)reason;
	p->state = ST_BAD;
	return H1_PARSE_BAD;
}

static int go_to(struct h1_parse *p, enum state state)
{
	p->state = (uint8_t)state;
	return GO_ON;
}

static unsigned char take(struct h1_parse_slice *in)
{
	in->len--;
	return *in->at++;
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static void forget_head(struct h1_parse *p)
{
	p->status = 0;
	p->n_matched = 0;
	p->in_field = false;
	p->is_encoded = false;
	p->has_wanted = false;
	p->wanted_len = 0;
	p->length_state = H1_FIELD_LENGTH_NONE;
	p->coding = H1_FIELD_CODING_NONE;
	p->state = ST_VERSION;
}

void h1_parse_init(struct h1_parse *p, uint32_t max_head, uint64_t max_body,
		   const char *wanted_name)
{
	p->body_bytes = 0;
	p->reason = H1_PARSE_BAD_NONE;
	p->has_head = false;
	p->is_bodiless = false;
	p->saw_cr = false;
	p->wanted_name = wanted_name;
	p->max_body = max_body;
	p->head_left = max_head;
	p->n_interim = 0;
	forget_head(p);
}

/* Ends a line at LF. A CR is remembered: h1_parse_step() sees to it that LF follows. */
static int line_end(struct h1_parse *p, unsigned char c, enum state next)
{
	if (c == '\n')
		return go_to(p, next);
	p->saw_cr = true;
	return GO_ON;
}

static bool is_line_end(unsigned char c)
{
	return c == '\n' || c == '\r';
}

static int on_version(struct h1_parse *p, struct h1_parse_slice *in,
		      struct h1_parse_slice *ret_body)
{
	(void)ret_body;
	while (in->len && version_literal[p->n_matched]) {
		if (take(in) != (unsigned char)version_literal[p->n_matched])
			return bad(p, H1_PARSE_BAD_NOT_HTTP);
		p->n_matched++;
	}
	return version_literal[p->n_matched] ? GO_ON : go_to(p, ST_MINOR);
}

static int on_minor(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	unsigned char c = take(in);

	(void)ret_body;
	if (!is_digit(c))
		return bad(p, H1_PARSE_BAD_NOT_HTTP);
	p->minor = (uint8_t)(c - '0');
	p->n_matched = 0;
	return go_to(p, ST_GAP);
}

/* RFC 9112 §4: any run of blanks may separate the words of a status line. */
static int on_gap(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	(void)ret_body;
	if (is_blank(*in->at)) {
		take(in);
		p->n_matched = 1;
		return GO_ON;
	}
	if (!p->n_matched)
		return bad(p, H1_PARSE_BAD_NOT_HTTP);
	p->n_matched = 0;
	return go_to(p, ST_STATUS);
}

static int on_status(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	unsigned char c = take(in);

	(void)ret_body;
	if (!is_digit(c))
		return bad(p, H1_PARSE_BAD_STATUS);
	p->status = (uint16_t)(p->status * 10 + c - '0');
	if (++p->n_matched < 3)
		return GO_ON;
	return p->status < 100 ? bad(p, H1_PARSE_BAD_STATUS) : go_to(p, ST_STATUS_END);
}

static int on_status_end(struct h1_parse *p, struct h1_parse_slice *in,
			 struct h1_parse_slice *ret_body)
{
	unsigned char c = take(in);

	(void)ret_body;
	if (is_line_end(c))
		return line_end(p, c, ST_LINE);
	return is_blank(c) ? go_to(p, ST_REASON) : bad(p, H1_PARSE_BAD_STATUS);
}

/* A byte of CR or below is among these eight. */
static bool has_low_byte(const unsigned char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return (v - ones * ('\r' + 1)) & ~v & ones * 0x80;
}

/* Passes over text up to the end of the line, which is left in the input. */
static void skip_text(struct h1_parse_slice *in)
{
	const unsigned char *at = in->at, *end = in->at + in->len;

	while (end - at >= 8 && !has_low_byte(at))
		at += 8;
	while (at < end && !(*at <= '\r' && (*at == '\r' || *at == '\n' || *at == '\0')))
		at++;
	in->len = (size_t)(end - at);
	in->at = at;
}

static int skip_line(struct h1_parse *p, struct h1_parse_slice *in, enum state next)
{
	unsigned char c;

	skip_text(in);
	if (!in->len)
		return GO_ON;
	c = take(in);
	if (c == '\r' && in->len && *in->at == '\n')
		c = take(in);
	return c ? line_end(p, c, next) : bad(p, H1_PARSE_BAD_NUL);
}

static int on_reason(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	(void)ret_body;
	return skip_line(p, in, ST_LINE);
}

static int end_interim(struct h1_parse *p)
{
	if (p->status == 101)
		return bad(p, H1_PARSE_BAD_UPGRADE);
	if (++p->n_interim > H1_PARSE_MAX_INTERIM)
		return bad(p, H1_PARSE_BAD_INTERIM);
	forget_head(p);
	return GO_ON;
}

/* RFC 9112 §6.3. */
static int choose_body(struct h1_parse *p)
{
	if (p->is_bodiless || p->status == 204 || p->status == 304)
		return go_to(p, ST_DONE);
	if (p->coding == H1_FIELD_CODING_INVALID)
		return bad(p, H1_PARSE_BAD_TRANSFER);
	if (p->coding == H1_FIELD_CODING_CHUNKED) {
		p->n_matched = 0;
		p->remaining = 0;
		return go_to(p, ST_CHUNK_SIZE);
	}
	if (p->coding == H1_FIELD_CODING_OTHER || p->length_state == H1_FIELD_LENGTH_NONE)
		return go_to(p, ST_CLOSE_BODY);
	if (p->length_state == H1_FIELD_LENGTH_INVALID)
		return bad(p, H1_PARSE_BAD_LENGTH);
	p->remaining = p->length;
	return go_to(p, ST_LENGTH_BODY);
}

static int end_head(struct h1_parse *p)
{
	if (p->status < 200)
		return end_interim(p);
	if (choose_body(p) == H1_PARSE_BAD)
		return H1_PARSE_BAD;
	/* the caller learns the status first, the limit at its next step */
	if (p->state == ST_LENGTH_BODY && p->remaining > p->max_body)
		bad(p, H1_PARSE_BAD_BODY_SIZE);
	p->has_head = true;
	return H1_PARSE_HEAD;
}

/* At the first byte of a line only now is clear whether the field before has ended. */
static int on_line(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	unsigned char c = *in->at;

	(void)ret_body;
	if (is_blank(c) && p->in_field) {
		h1_field_fold(p);
		return go_to(p, ST_VALUE);
	}
	if (c == '\r') {
		take(in);
		return line_end(p, c, ST_LINE);
	}
	h1_field_end(p);
	if (c == '\n') {
		take(in);
		return end_head(p);
	}
	h1_field_begin(p);
	return go_to(p, ST_NAME);
}

/* The usual field goes through the following in one step: each calls the next while there is input.
 */
static int on_value(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	(void)ret_body;
	if (p->field != H1_FIELD_OTHER)
		h1_field_value(p, in);
	return in->len ? skip_line(p, in, ST_LINE) : GO_ON;
}

static int on_colon(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	unsigned char c = take(in);

	if (is_blank(c))
		return GO_ON;
	if (c != ':')
		return bad(p, H1_PARSE_BAD_FIELD);
	h1_field_recognise(p);
	p->state = ST_VALUE;
	return in->len ? on_value(p, in, ret_body) : GO_ON;
}

static int on_name(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	h1_field_name(p, in);
	if (!in->len)
		return GO_ON;
	if (!p->name_len)
		return bad(p, H1_PARSE_BAD_FIELD);
	p->state = ST_COLON;
	return on_colon(p, in, ret_body);
}

static int give_body(struct h1_parse *p, struct h1_parse_slice *in, size_t len,
		     struct h1_parse_slice *ret_body)
{
	*ret_body = (struct h1_parse_slice){in->at, len};
	in->at += len;
	in->len -= len;
	p->body_bytes += len;
	return H1_PARSE_BODY;
}

static int give_counted(struct h1_parse *p, struct h1_parse_slice *in,
			struct h1_parse_slice *ret_body)
{
	size_t len = (size_t)MIN((uint64_t)in->len, p->remaining);

	p->remaining -= len;
	return give_body(p, in, len, ret_body);
}

static int on_length_body(struct h1_parse *p, struct h1_parse_slice *in,
			  struct h1_parse_slice *ret_body)
{
	if (!p->remaining) {
		p->state = ST_DONE;
		return H1_PARSE_DONE;
	}
	return in->len ? give_counted(p, in, ret_body) : H1_PARSE_MORE;
}

static int on_close_body(struct h1_parse *p, struct h1_parse_slice *in,
			 struct h1_parse_slice *ret_body)
{
	uint64_t room = p->max_body - p->body_bytes;

	if (!room)
		return bad(p, H1_PARSE_BAD_BODY_SIZE);
	return give_body(p, in, (size_t)MIN((uint64_t)in->len, room), ret_body);
}

static int hex_value(unsigned char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int begin_chunk(struct h1_parse *p)
{
	p->n_matched = 0;
	if (!p->remaining)
		return go_to(p, ST_TRAILER);
	if (p->remaining > p->max_body - p->body_bytes)
		return bad(p, H1_PARSE_BAD_BODY_SIZE);
	return go_to(p, ST_CHUNK_DATA);
}

static int on_chunk_size(struct h1_parse *p, struct h1_parse_slice *in,
			 struct h1_parse_slice *ret_body)
{
	unsigned char c = take(in);
	int digit = hex_value(c);

	(void)ret_body;
	if (digit >= 0 && p->n_matched < 16) {
		p->remaining = p->remaining << 4 | (unsigned)digit;
		p->n_matched++;
		return GO_ON;
	}
	if (digit >= 0 || !p->n_matched)
		return bad(p, H1_PARSE_BAD_CHUNK_SIZE);
	if (c == '\n')
		return begin_chunk(p);
	if (c == '\r')
		return line_end(p, c, ST_CHUNK_SIZE);
	return c == ';' || is_blank(c) ? go_to(p, ST_CHUNK_EXT) : bad(p, H1_PARSE_BAD_CHUNK_SIZE);
}

static int on_chunk_ext(struct h1_parse *p, struct h1_parse_slice *in,
			struct h1_parse_slice *ret_body)
{
	int r = skip_line(p, in, ST_CHUNK_DATA);

	(void)ret_body;
	return p->state == ST_CHUNK_DATA ? begin_chunk(p) : r;
}

static int on_chunk_data(struct h1_parse *p, struct h1_parse_slice *in,
			 struct h1_parse_slice *ret_body)
{
	int r = give_counted(p, in, ret_body);

	if (!p->remaining)
		p->state = ST_CHUNK_END;
	return r;
}

static int on_chunk_end(struct h1_parse *p, struct h1_parse_slice *in,
			struct h1_parse_slice *ret_body)
{
	unsigned char c = take(in);

	(void)ret_body;
	return is_line_end(c) ? line_end(p, c, ST_CHUNK_SIZE) : bad(p, H1_PARSE_BAD_CHUNK_END);
}

/* Trailer fields are bounded and passed over: nothing we judge by may stand there. */
static int on_trailer(struct h1_parse *p, struct h1_parse_slice *in,
		      struct h1_parse_slice *ret_body)
{
	unsigned char c = *in->at;

	(void)ret_body;
	if (!is_line_end(c))
		return go_to(p, ST_TRAILER_LINE);
	take(in);
	line_end(p, c, ST_DONE);
	return c == '\n' ? H1_PARSE_DONE : GO_ON;
}

static int on_trailer_line(struct h1_parse *p, struct h1_parse_slice *in,
			   struct h1_parse_slice *ret_body)
{
	(void)ret_body;
	return skip_line(p, in, ST_TRAILER);
}

static int on_done(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	(void)p, (void)in, (void)ret_body;
	return H1_PARSE_DONE;
}

static int on_bad(struct h1_parse *p, struct h1_parse_slice *in, struct h1_parse_slice *ret_body)
{
	(void)p, (void)in, (void)ret_body;
	return H1_PARSE_BAD;
}

enum { COUNTED = 1, NO_INPUT = 2 };

static const struct {
	handler_fn handle;
	uint8_t flags; /* COUNTED: against head_left. NO_INPUT: may run without any. */
} rows[ST__N] = {
	[ST_VERSION] = {on_version, COUNTED},
	[ST_MINOR] = {on_minor, COUNTED},
	[ST_GAP] = {on_gap, COUNTED},
	[ST_STATUS] = {on_status, COUNTED},
	[ST_STATUS_END] = {on_status_end, COUNTED},
	[ST_REASON] = {on_reason, COUNTED},
	[ST_LINE] = {on_line, COUNTED},
	[ST_NAME] = {on_name, COUNTED},
	[ST_COLON] = {on_colon, COUNTED},
	[ST_VALUE] = {on_value, COUNTED},
	[ST_LENGTH_BODY] = {on_length_body, NO_INPUT},
	[ST_CLOSE_BODY] = {on_close_body, 0},
	[ST_CHUNK_SIZE] = {on_chunk_size, 0},
	[ST_CHUNK_EXT] = {on_chunk_ext, COUNTED},
	[ST_CHUNK_DATA] = {on_chunk_data, 0},
	[ST_CHUNK_END] = {on_chunk_end, 0},
	[ST_TRAILER] = {on_trailer, COUNTED},
	[ST_TRAILER_LINE] = {on_trailer_line, COUNTED},
	[ST_DONE] = {on_done, NO_INPUT},
	[ST_BAD] = {on_bad, NO_INPUT},
};

/* One handler within the head's budget. */
static int step_counted(struct h1_parse *p, struct h1_parse_slice *in,
			struct h1_parse_slice *ret_body)
{
	struct h1_parse_slice view = {in->at, MIN(in->len, p->head_left)};
	size_t used;
	int r;

	if (!view.len)
		return bad(p, H1_PARSE_BAD_HEAD_SIZE);
	r = rows[p->state].handle(p, &view, ret_body);
	used = (size_t)(view.at - in->at);
	in->at += used;
	in->len -= used;
	p->head_left -= (uint32_t)used;
	return r;
}

enum h1_parse_event h1_parse_step(struct h1_parse *p, struct h1_parse_slice *in,
				  struct h1_parse_slice *ret_body)
{
	int r = GO_ON;

	while (r == GO_ON) {
		if (!in->len && !(rows[p->state].flags & NO_INPUT))
			return H1_PARSE_MORE;
		if (p->saw_cr) {
			p->saw_cr = false;
			if (*in->at != '\n')
				return (enum h1_parse_event)bad(p, H1_PARSE_BAD_BARE_CR);
		}
		if (rows[p->state].flags & COUNTED)
			r = step_counted(p, in, ret_body);
		else
			r = rows[p->state].handle(p, in, ret_body);
	}
	return (enum h1_parse_event)r;
}

bool h1_parse_ends_by_close(const struct h1_parse *p)
{
	return p->state == ST_CLOSE_BODY;
}

const char *h1_parse_reason_text(enum h1_parse_reason reason)
{
	static const char *const texts[H1_PARSE_BAD__N] = {
#define X(name, text) [H1_PARSE_BAD_##name] = text,
		H1_PARSE_REASONS(X)
#undef X
	};

	return reason < H1_PARSE_BAD__N ? texts[reason] : "?";
}
