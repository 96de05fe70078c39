#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>

#include "base/err.h"

enum { FIRST_BYTES = 512 };

void buf_deinit(struct buf *b)
{
	free(b->mem);
	b->mem = NULL;
	b->start = b->end = b->cap = 0;
}

void buf_reset(struct buf *b)
{
	buf_deinit(b);
}

static int grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : FIRST_BYTES;
	unsigned char *mem;

	while (cap < need)
		cap *= 2;
	mem = realloc(b->mem, cap);
	if (!mem)
		return err_origin(-ENOMEM);
	b->mem = mem;
	b->cap = cap;
	return 0;
}

static int make_room(struct buf *b, size_t bytes)
{
	size_t len = buf_len(b);

	if (bytes > b->max_bytes || len > b->max_bytes - bytes)
		return err_origin(-ENOBUFS);
	if (b->cap - b->end >= bytes)
		return 0;
	if (b->start) {
		memmove(b->mem, b->mem + b->start, len);
		b->start = 0;
		b->end = len;
	}
	return b->cap - b->end >= bytes ? 0 : grow(b, b->end + bytes);
}

unsigned char *buf_reserve(struct buf *b, size_t bytes)
{
	return make_room(b, bytes) < 0 ? NULL : b->mem + b->end;
}

void buf_fill(struct buf *b, size_t bytes)
{
	ASSERT(b->cap - b->end >= bytes);
	b->end += bytes;
}

int buf_append(struct buf *b, const void *data, size_t bytes)
{
	if (bytes == 0)
		return 0;
	TRY(make_room(b, bytes));
	memcpy(b->mem + b->end, data, bytes);
	b->end += bytes;
	return 0;
}

int buf_putf(struct buf *b, const char *format, ...)
{
	char line[BUF_LINE_BYTES];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	ASSERT(n >= 0 && (size_t)n < sizeof(line));
	return buf_append(b, line, (size_t)n);
}

void buf_consume(struct buf *b, size_t bytes)
{
	ASSERT(bytes <= buf_len(b));
	b->start += bytes;
	if (b->start == b->end)
		b->start = b->end = 0;
}
