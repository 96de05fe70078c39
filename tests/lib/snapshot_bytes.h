/* A state file in memory: frames are appended as the state thread appends them to the disk. */
#pragma once

#include <criterion/criterion.h>

#include "agg/snapshot.h"

struct snapshot_bytes {
	uint8_t *data;
	size_t len;
	struct snapshot_out out;
	size_t head_at;
	size_t n_pieces;
};

static inline int snapshot_bytes_sink(void *ctx, const void *bytes, size_t len)
{
	struct snapshot_bytes *b = ctx;

	b->data = realloc(b->data, b->len + len + 1);
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->n_pieces++;
	return 0;
}

static inline struct snapshot_bytes *snapshot_bytes_new(void)
{
	struct snapshot_bytes *b = calloc(1, sizeof(*b));

	b->out.sink = snapshot_bytes_sink;
	b->out.ctx = b;
	return b;
}

static inline void snapshot_bytes_free(struct snapshot_bytes *b)
{
	free(b->data);
	free(b);
}

static inline void snapshot_bytes_begin(struct snapshot_bytes *b, enum snapshot_kind kind,
					bool is_withdrawn)
{
	const struct snapshot_stamp stamp = {
		.wall_ns = 1000, .boot_ns = 100 + b->len, .boot_id = {7}};
	static const struct snapshot_head hole;

	b->head_at = b->len;
	snapshot_bytes_sink(b, &hole, sizeof(hole));
	b->n_pieces = 0;
	snapshot_begin(&b->out, kind, is_withdrawn, &stamp);
}

static inline void snapshot_bytes_end(struct snapshot_bytes *b)
{
	cr_assert_eq(snapshot_end(&b->out), 0);
	memcpy(b->data + b->head_at, &b->out.head, sizeof(b->out.head));
}
