/* A growable byte queue with a ceiling: bytes are added at the end and consumed at the front. */
#pragma once

#include "base/cc.h"

struct buf {
	unsigned char *mem;
	size_t start; /* first unread byte */
	size_t end;   /* one past the last */
	size_t cap;
	size_t max_bytes;
};

/* An empty queue that never holds more than max_bytes unread. No allocation yet. */
#define BUF_INIT(max) ((struct buf){.max_bytes = (max)})
void buf_deinit(struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}
static inline unsigned char *buf_head(const struct buf *b)
{
	return b->mem + b->start;
}

/* Makes room for bytes more at the end and returns where to write them, or NULL (ceiling met, or
 * out of memory: errno-free, the caller counts it). */
unsigned char *buf_reserve(struct buf *b, size_t bytes);
/* bytes of the reserved room were filled. */
void buf_fill(struct buf *b, size_t bytes);
/* Appends a copy. Returns 0 or -ENOBUFS (ceiling) or -ENOMEM. */
MUST_CHECK int buf_append(struct buf *b, const void *data, size_t bytes);
/* Appends formatted text of less than BUF_LINE_BYTES. Returns 0, -ENOBUFS or -ENOMEM. */
enum { BUF_LINE_BYTES = 160 };
MUST_CHECK int PRINTF_LIKE(2, 3) buf_putf(struct buf *b, const char *format, ...);
/* Drops bytes at the front; bytes <= buf_len(). An emptied buffer keeps its memory. */
void buf_consume(struct buf *b, size_t bytes);
/* Drops everything and gives the memory back. */
void buf_reset(struct buf *b);
