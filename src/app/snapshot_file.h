/* The state file on disk: written whole beside its place and renamed into it, or added to. Blocks
 * on the disk: the state thread alone calls it, and main before the threads run. */
#pragma once

#include "agg/snapshot.h"

struct snapshot_file {
	char *path;
	char *temporary; /* always the same name: a crash leaves at most one behind */
	int fd;          /* of the file at path, or of the one that is being made; -1 */
	uint64_t size;   /* of its finished frames */
	uint64_t base_bytes;
	uint64_t at; /* where the next piece goes */
	bool is_new; /* the open frame is the base of the file at temporary */
};

MUST_CHECK int snapshot_file_init(struct snapshot_file *f, const char *path);
void snapshot_file_deinit(struct snapshot_file *f);

/* True if a frame can be added: the file at path is still the one that was written, and not yet
 * more additions than base. */
bool snapshot_file_can_add(const struct snapshot_file *f);

/* A frame is begun, gets its pieces (a snapshot_sink_fn with the file as ctx), and is finished with
 * its head. A base replaces the file at path when it is finished. with_sync: it outlives a power
 * cut; a base does in any case. On failure the frame is gone, and the next has to be a base.
 * Return 0 or a negative errno. */
MUST_CHECK int snapshot_file_begin(struct snapshot_file *f, enum snapshot_kind kind);
MUST_CHECK int snapshot_file_piece(void *file, const void *bytes, size_t len);
MUST_CHECK int snapshot_file_finish(struct snapshot_file *f, const struct snapshot_head *head,
				    bool with_sync);
void snapshot_file_abandon(struct snapshot_file *f);

/* The whole file; free with free(). Returns 0, SNAPSHOT_FILE_NONE or a negative errno. */
enum { SNAPSHOT_FILE_NONE = 1 };
MUST_CHECK int snapshot_file_read(const char *path, uint8_t **ret_data, size_t *ret_len);

/* The clocks and the boot of this moment. */
struct snapshot_stamp snapshot_file_stamp(void);
