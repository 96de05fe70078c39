/* As much of HTTP/2 as a server needs that answers one gRPC health check per connection. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	H2_PREFACE_BYTES = 24,
	H2_FRAME_BYTES = 9,
	H2_ANSWER_BYTES = 128,
	H2_DATA = 0,
	H2_HEADERS = 1,
	H2_SETTINGS = 4,
	H2_END_STREAM = 1,
	H2_ACK = 1,
	H2_END_HEADERS = 4,
};

struct h2_reader {
	uint32_t n_preface; /* bytes of it seen */
	uint32_t left;      /* of the frame's payload */
	uint8_t head[H2_FRAME_BYTES], n_head;
	bool is_last; /* the frame ends the request */
};

static bool h2_take_head(struct h2_reader *r, uint8_t byte)
{
	r->head[r->n_head++] = byte;
	if (r->n_head < H2_FRAME_BYTES)
		return false;
	r->n_head = 0;
	r->left = (uint32_t)r->head[0] << 16 | (uint32_t)r->head[1] << 8 | r->head[2];
	r->is_last = r->head[3] <= H2_HEADERS && (r->head[4] & H2_END_STREAM);
	return r->is_last && r->left == 0;
}

/* True once the request is complete. Nothing but the frames' borders is looked at. */
static inline bool h2_read(struct h2_reader *r, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t n = r->left < len - i ? r->left : (uint32_t)(len - i);

		if (r->n_preface < H2_PREFACE_BYTES) {
			r->n_preface++, i++;
		} else if (r->left == 0) {
			if (h2_take_head(r, data[i++]))
				return true;
		} else {
			i += n;
			r->left -= n;
			if (r->left == 0 && r->is_last)
				return true;
		}
	}
	return false;
}

static size_t h2_frame(uint8_t *out, size_t len, uint8_t type, uint8_t flags, uint8_t stream)
{
	const uint8_t head[H2_FRAME_BYTES] = {0, 0, (uint8_t)len, type, flags, 0, 0, 0, stream};

	memcpy(out, head, sizeof(head));
	return sizeof(head);
}

static size_t h2_put(uint8_t *out, size_t at, const void *data, size_t len, uint8_t type,
		     uint8_t flags, uint8_t stream)
{
	at += h2_frame(out + at, len, type, flags, stream);
	memcpy(out + at, data, len);
	return at + len;
}

/* SETTINGS, its ACK, the response with one message (1 SERVING, 2 NOT_SERVING), trailers. */
static inline size_t h2_answer(uint8_t out[H2_ANSWER_BYTES], uint8_t serving, uint32_t grpc_status)
{
	static const char head[] = "\x88\x0f\x10\x10"
				   "application/grpc";
	const uint8_t message[] = {0, 0, 0, 0, 2, 0x08, serving};
	char trailer[] = "\x00\x0bgrpc-status\x02"
			 "00";
	size_t n = h2_frame(out, 0, H2_SETTINGS, 0, 0);

	trailer[sizeof(trailer) - 3] = (char)('0' + grpc_status / 10 % 10);
	trailer[sizeof(trailer) - 2] = (char)('0' + grpc_status % 10);
	n += h2_frame(out + n, 0, H2_SETTINGS, H2_ACK, 0);
	n = h2_put(out, n, head, sizeof(head) - 1, H2_HEADERS, H2_END_HEADERS, 1);
	n = h2_put(out, n, message, sizeof(message), H2_DATA, 0, 1);
	return h2_put(out, n, trailer, sizeof(trailer) - 1, H2_HEADERS,
		      H2_END_HEADERS | H2_END_STREAM, 1);
}
