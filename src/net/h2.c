/* libnghttp2's errors come back in three ways: as what nghttp2_session_mem_recv() returns, as
 * frames it wants to send (GOAWAY, RST_STREAM: it found a fault), and as the close of our stream.
 * The first that is seen sets the end, for the others follow from it.
 *
 * A library out of memory is out of its budget (h2_memory.h), which is the peer's doing, unless
 * malloc itself refused.
 */
#include "net/h2.h"

#include <errno.h>

#include <nghttp2/nghttp2.h>

#include "base/err.h"
#include "base/str.h"
#include "net/h2_memory.h"

/* Newer than the oldest libnghttp2 we take: NULL there. */
extern void nghttp2_option_set_max_continuations(nghttp2_option *option, size_t val)
	__attribute__((weak));

enum block { BLOCK_NONE, BLOCK_HEAD, BLOCK_INTERIM, BLOCK_TRAILER };

struct h2 {
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	nghttp2_session *session; /* NULL: closed */
	struct h2_sink sink;
	struct buf request; /* body not yet taken by the library */
	struct h2_memory memory;
	uint64_t control_bytes; /* received, no body */
	uint32_t n_frames, n_fields, field_bytes;
	uint32_t body_bytes, max_body_bytes;
	int32_t stream;
	uint32_t detail;
	uint32_t goaway_code;
	uint16_t status;
	uint8_t end;   /* enum h2_end */
	uint8_t block; /* enum block */
	bool has_head;
	bool has_goaway;
};

/* Anything but a complete response may be a lack of memory in disguise: the library closes a stream
 * whose frames it cannot make. */
static void set_end(struct h2 *h, enum h2_end end, uint32_t detail)
{
	if (h->end != H2_GOES_ON)
		return;
	if (end != H2_COMPLETE && h->memory.is_starved) {
		end = H2_NO_MEMORY;
		detail = ENOMEM;
	} else if (end != H2_COMPLETE && h->memory.is_over_budget) {
		end = H2_LIMIT;
		detail = H2_LIMIT_MEMORY;
	}
	h->end = (uint8_t)end;
	h->detail = detail;
}

/* The library stops at once. */
static int stop(struct h2 *h, enum h2_limit limit)
{
	set_end(h, H2_LIMIT, limit);
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* --- what the library tells ------------------------------------------------------------------- */

static bool carries_no_body(const nghttp2_frame_hd *hd)
{
	return hd->type != NGHTTP2_DATA || hd->length == 0;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *arg)
{
	struct h2 *h = arg;

	(void)session;
	if (carries_no_body(hd) && ++h->n_frames > H2_MAX_FRAMES)
		return stop(h, H2_LIMIT_FRAMES);
	return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;

	(void)session;
	/* a PUSH_PROMISE stands on our stream and is none of it */
	if (frame->hd.type != NGHTTP2_HEADERS || frame->hd.stream_id != h->stream)
		h->block = BLOCK_NONE;
	else
		h->block = h->status ? BLOCK_TRAILER : BLOCK_HEAD;
	return 0;
}

/* The library lets three digits through and nothing else. */
static void on_status(struct h2 *h, const char *digits)
{
	int status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');

	if (status >= 100 && status < 200)
		h->block = BLOCK_INTERIM;
	else
		h->status = (uint16_t)status;
}

static struct h2_field field_of(nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
	nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);

	return (struct h2_field){(const char *)n.base, (const char *)v.base, n.len, v.len};
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		     nghttp2_rcbuf *value, uint8_t flags, void *arg)
{
	struct h2 *h = arg;
	struct h2_field f = field_of(name, value);

	(void)session, (void)frame, (void)flags;
	if (++h->n_fields > H2_MAX_FIELDS)
		return stop(h, H2_LIMIT_FIELDS);
	h->field_bytes += (uint32_t)MIN(f.name_len + f.value_len + 32, H2_MAX_FIELD_BYTES + 1u);
	if (h->field_bytes > H2_MAX_FIELD_BYTES)
		return stop(h, H2_LIMIT_FIELD_BYTES);
	if (h->block == BLOCK_HEAD && f.value_len == 3 && str_is(f.name, f.name_len, ":status"))
		on_status(h, f.value);
	else if (h->block == BLOCK_HEAD || h->block == BLOCK_TRAILER)
		h->sink.field(h->sink.arg, &f, h->block == BLOCK_TRAILER);
	return 0;
}

static int on_body(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
		   size_t len, void *arg)
{
	struct h2 *h = arg;

	(void)session, (void)flags;
	if (stream != h->stream || !len)
		return 0;
	if (len > h->max_body_bytes - h->body_bytes)
		return stop(h, H2_LIMIT_BODY);
	h->body_bytes += (uint32_t)len;
	h->sink.body(h->sink.arg, data, len);
	return 0;
}

/* A response may end before our request has left: what the peer says then, a RST_STREAM with
 * NO_ERROR (RFC 9113 §8.1), is no part of it. The library tells of no END_STREAM that contradicts
 * the Content-Length. */
static void on_response_frame(struct h2 *h, const nghttp2_frame_hd *hd)
{
	if (hd->type != NGHTTP2_HEADERS && hd->type != NGHTTP2_DATA)
		return;
	h->has_head |= h->status != 0;
	if (h->has_head && (hd->flags & NGHTTP2_FLAG_END_STREAM))
		set_end(h, H2_COMPLETE, 0);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;

	(void)session;
	if (frame->hd.stream_id == h->stream)
		on_response_frame(h, &frame->hd);
	if (frame->hd.type == NGHTTP2_RST_STREAM && frame->hd.stream_id == h->stream) {
		set_end(h, H2_RESET, frame->rst_stream.error_code);
	} else if (frame->hd.type == NGHTTP2_GOAWAY) {
		h->has_goaway = true;
		h->goaway_code = frame->goaway.error_code;
		if (frame->goaway.last_stream_id < h->stream)
			set_end(h, H2_GOAWAY, h->goaway_code);
	}
	return 0;
}

/* We say these only to a peer that broke the protocol. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h = arg;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		set_end(h, H2_MALFORMED, frame->goaway.error_code);
	else if (frame->hd.type == NGHTTP2_RST_STREAM && frame->hd.stream_id == h->stream)
		set_end(h, H2_MALFORMED, frame->rst_stream.error_code);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error_code, void *arg)
{
	struct h2 *h = arg;

	(void)session;
	if (stream == h->stream)
		set_end(h, error_code ? H2_MALFORMED : H2_COMPLETE, error_code);
	return 0;
}

static ssize_t give_body(nghttp2_session *session, int32_t stream, uint8_t *out, size_t room,
			 uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2 *h = arg;
	size_t len = MIN(room, buf_len(&h->request));

	(void)session, (void)stream, (void)source;
	if (len)
		memcpy(out, buf_head(&h->request), len);
	buf_consume(&h->request, len);
	if (!buf_len(&h->request))
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* --- life ------------------------------------------------------------------------------------- */

static void set_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_body);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
}

/* Frames, bytes and fields are counted here. The library's own limit of CONTINUATION frames counts
 * each piece of a frame's header as a frame, and so depends on how the bytes arrive. */
static void set_options(nghttp2_option *o)
{
	nghttp2_option_set_max_outbound_ack(o, H2_MAX_FRAMES);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_max_send_header_block_length(o, H2_MAX_MEMORY_BYTES / 2);
	if (nghttp2_option_set_max_continuations)
		nghttp2_option_set_max_continuations(o, H2_MAX_CONTROL_BYTES);
}

struct h2 *h2_new(void)
{
	struct h2 *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->request = BUF_INIT(H2_MAX_REQUEST_BYTES);
	if (nghttp2_session_callbacks_new(&h->callbacks) != 0 ||
	    nghttp2_option_new(&h->option) != 0) {
		h2_free(h);
		return NULL;
	}
	set_callbacks(h->callbacks);
	set_options(h->option);
	return h;
}

void h2_free(struct h2 *h)
{
	if (!h)
		return;
	h2_close(h);
	nghttp2_session_callbacks_del(h->callbacks);
	nghttp2_option_del(h->option);
	buf_deinit(&h->request);
	free(h);
}

void h2_close(struct h2 *h)
{
	nghttp2_session_del(h->session);
	h->session = NULL;
	buf_consume(&h->request, buf_len(&h->request));
	ASSERT(h->memory.bytes == 0);
}

static int error_of(const struct h2 *h, int error)
{
	return h->memory.is_starved || error == NGHTTP2_ERR_NOMEM ? -ENOMEM : -ENOBUFS;
}

/* Moves what the library has to send into out. Returns 0, -ENOMEM or -ENOBUFS. */
static int drain(struct h2 *h, struct buf *out)
{
	for (;;) {
		const uint8_t *data;
		ssize_t len = nghttp2_session_mem_send(h->session, &data);

		if (len == 0)
			return 0;
		if (len < 0)
			return err_origin(error_of(h, (int)len));
		TRY(buf_append(out, data, (size_t)len));
	}
}

static int make_session(struct h2 *h)
{
	nghttp2_mem mem = h2_memory_functions(&h->memory);

	if (nghttp2_session_client_new3(&h->session, h->callbacks, h, h->option, &mem) == 0)
		return 0;
	h->session = NULL;
	return err_origin(-ENOMEM);
}

static int submit(struct h2 *h, const struct h2_request *r)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_MAX_FIELD_BYTES},
	};
	nghttp2_data_provider body = {.read_callback = give_body};
	nghttp2_nv nv[H2_MAX_REQUEST_FIELDS];

	if (r->n_fields > H2_MAX_REQUEST_FIELDS)
		return err_origin(-ENOBUFS);
	for (size_t i = 0; i < r->n_fields; i++)
		nv[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)r->fields[i].name,
				     (uint8_t *)(uintptr_t)r->fields[i].value,
				     r->fields[i].name_len, r->fields[i].value_len,
				     NGHTTP2_NV_FLAG_NONE};
	TRY(buf_append(&h->request, r->body, r->body_len));
	if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings)) !=
	    0)
		return err_origin(-ENOMEM);
	h->stream = nghttp2_submit_request(h->session, NULL, nv, r->n_fields,
					   r->body_len ? &body : NULL, NULL);
	return h->stream < 0 ? err_origin(error_of(h, h->stream)) : 0;
}

static void begin(struct h2 *h, const struct h2_request *r, const struct h2_sink *sink)
{
	*h = (struct h2){
		.callbacks = h->callbacks,
		.option = h->option,
		.sink = *sink,
		.request = h->request,
		.memory = {.max_bytes = H2_MAX_MEMORY_BYTES},
		.max_body_bytes = r->max_body_bytes,
	};
}

int h2_open(struct h2 *h, const struct h2_request *request, const struct h2_sink *sink,
	    struct buf *out)
{
	int error;

	ASSERT(!h->session);
	begin(h, request, sink);
	error = make_session(h);
	if (error == 0)
		error = submit(h, request);
	if (error == 0)
		error = drain(h, out);
	if (error == 0 && h->end != H2_GOES_ON)
		error = err_origin(error_of(h, 0));
	if (error == 0)
		return 0;
	h2_close(h);
	return err_trace(error);
}

/* --- input ------------------------------------------------------------------------------------ */

static void note_library_error(struct h2 *h, int error)
{
	if (error == NGHTTP2_ERR_FLOODED)
		set_end(h, H2_LIMIT, H2_LIMIT_FRAMES);
	else if (error == NGHTTP2_ERR_NOMEM)
		set_end(h, H2_NO_MEMORY, ENOMEM);
	else
		set_end(h, H2_MALFORMED, NGHTTP2_PROTOCOL_ERROR);
}

/* All that came, less what of it was body. */
static void count_bytes(struct h2 *h, size_t len, uint32_t body_before)
{
	h->control_bytes += len - (h->body_bytes - body_before);
	if (h->control_bytes > H2_MAX_CONTROL_BYTES + h->body_bytes / H2_BODY_PER_CONTROL_BYTE)
		set_end(h, H2_LIMIT, H2_LIMIT_CONTROL_BYTES);
}

/* A library that wants neither to read nor to write gave up without a word about our stream. */
static void drain_after_input(struct h2 *h, struct buf *out)
{
	int error = drain(h, out);

	if (error == -ENOMEM)
		note_library_error(h, NGHTTP2_ERR_NOMEM);
	else if (error < 0)
		set_end(h, H2_NO_ROOM, 0);
	else if (!nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session))
		set_end(h, H2_MALFORMED, NGHTTP2_PROTOCOL_ERROR);
}

enum h2_end h2_input(struct h2 *h, const void *data, size_t len, struct buf *out)
{
	uint32_t body_before = h->body_bytes;
	ssize_t n;

	if (h->end != H2_GOES_ON)
		return (enum h2_end)h->end;
	n = nghttp2_session_mem_recv(h->session, data, len);
	if (n < 0)
		note_library_error(h, (int)n);
	count_bytes(h, len, body_before);
	if (h->end == H2_GOES_ON)
		drain_after_input(h, out);
	return (enum h2_end)h->end;
}

uint32_t h2_detail(const struct h2 *h)
{
	return h->detail;
}

uint16_t h2_status(const struct h2 *h)
{
	return h->status;
}

bool h2_has_head(const struct h2 *h)
{
	return h->has_head;
}

uint32_t h2_body_bytes(const struct h2 *h)
{
	return h->body_bytes;
}

bool h2_was_told_to_leave(const struct h2 *h, uint32_t *ret_code)
{
	if (h->has_goaway)
		*ret_code = h->goaway_code;
	return h->has_goaway;
}
