#include "h2_server.h"

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *arg)
{
	struct h2_server *s = arg;
	int n = snprintf(s->fields + s->fields_len, sizeof(s->fields) - s->fields_len,
			 "%.*s: %.*s\n", (int)name_len, (const char *)name, (int)value_len,
			 (const char *)value);

	(void)session, (void)frame, (void)flags;
	ASSERT(n > 0 && (size_t)n < sizeof(s->fields) - s->fields_len);
	s->fields_len += (size_t)n;
	return 0;
}

static int on_body(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data,
		   size_t len, void *arg)
{
	struct h2_server *s = arg;

	(void)session, (void)flags, (void)stream;
	ASSERT(len <= sizeof(s->body) - s->body_len);
	memcpy(s->body + s->body_len, data, len);
	s->body_len += len;
	return 0;
}

static size_t to_nv(const struct h2_server_field *fields, nghttp2_nv *nv)
{
	size_t n = 0;

	for (; n < H2_SERVER_FIELDS && fields[n].name; n++)
		nv[n] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[n].name,
				     (uint8_t *)(uintptr_t)fields[n].value, strlen(fields[n].name),
				     strlen(fields[n].value), NGHTTP2_NV_FLAG_NONE};
	return n;
}

static ssize_t give_body(nghttp2_session *session, int32_t stream, uint8_t *out, size_t room,
			 uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2_server *s = arg;
	size_t len = MIN(room, s->answer->body_len - s->body_at);
	nghttp2_nv nv[H2_SERVER_FIELDS];
	size_t n = to_nv(s->answer->trailers, nv);

	(void)source;
	if (len)
		memcpy(out, (const uint8_t *)s->answer->body + s->body_at, len);
	s->body_at += len;
	if (s->body_at == s->answer->body_len) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (n) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			ASSERT(nghttp2_submit_trailer(session, stream, nv, n) == 0);
		}
	}
	return (ssize_t)len;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2_server *s = arg;
	nghttp2_data_provider body = {.read_callback = give_body};
	nghttp2_nv nv[H2_SERVER_FIELDS];
	size_t n = to_nv(s->answer->head, nv);

	if (frame->hd.stream_id == 0 || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	ASSERT(nghttp2_submit_response(session, frame->hd.stream_id, nv, n,
				       s->answer->ends_with_head ? NULL : &body) == 0);
	return 0;
}

void h2_server_init(struct h2_server *s, const struct h2_server_answer *answer)
{
	nghttp2_session_callbacks *c;

	*s = (struct h2_server){.answer = answer};
	ASSERT(nghttp2_session_callbacks_new(&c) == 0);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_body);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	ASSERT(nghttp2_session_server_new(&s->session, c, s) == 0);
	nghttp2_session_callbacks_del(c);
	ASSERT(nghttp2_submit_settings(s->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0);
}

void h2_server_deinit(struct h2_server *s)
{
	nghttp2_session_del(s->session);
}

void h2_server_take(struct h2_server *s, const void *data, size_t len)
{
	ASSERT(nghttp2_session_mem_recv(s->session, data, len) == (ssize_t)len);
}

void h2_server_give(struct h2_server *s, struct buf *out)
{
	const uint8_t *data;
	ssize_t len;
	int r;

	while ((len = nghttp2_session_mem_send(s->session, &data)) > 0) {
		r = buf_append(out, data, (size_t)len);
		ASSERT(r == 0);
	}
	ASSERT(len == 0);
}

void h2_server_frame_header(struct buf *out, uint32_t len, uint8_t type, uint8_t flags,
			    uint32_t stream)
{
	const uint8_t head[9] = {(uint8_t)(len >> 16),
				 (uint8_t)(len >> 8),
				 (uint8_t)len,
				 type,
				 flags,
				 (uint8_t)(stream >> 24),
				 (uint8_t)(stream >> 16),
				 (uint8_t)(stream >> 8),
				 (uint8_t)stream};
	int r = buf_append(out, head, sizeof(head));

	ASSERT(r == 0);
}

void h2_server_frame(struct buf *out, uint8_t type, uint8_t flags, uint32_t stream,
		     const void *payload, size_t len)
{
	int r;

	h2_server_frame_header(out, (uint32_t)len, type, flags, stream);
	r = len ? buf_append(out, payload, len) : 0;
	ASSERT(r == 0);
}
