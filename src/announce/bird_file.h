/* The file of one announce group that an unmodified BIRD includes (spec/announce.md §2.2-2.3).
 *
 *   # alived: generated, group default, 2 up; changes are overwritten
 *   protocol static 'hc_default_4' {
 *   	ipv4;
 *   	route 192.0.2.10/32 blackhole;
 *   }
 *   protocol static 'hc_default_6' {
 *   	ipv6;
 *   	route 2001:db8::10/128 blackhole;
 *   }
 *
 * Both protocols are always there, so that a change never adds or removes one. A file is replaced
 * whole, by rename; its temporary name begins with a dot and does not match BIRD's `*.conf`. */
#pragma once

#include <sys/stat.h>

#include "announce/vip_set.h"
#include "base/buf.h"

enum { BIRD_FILE_PATH_BYTES = 256, BIRD_FILE_NAME_BYTES = 48, BIRD_FILE_MAX_BYTES = 64 << 20 };

/* "hc_default_4". */
void bird_file_protocol(const char *group, bool is_v4, char out[BIRD_FILE_NAME_BYTES]);
/* Replaces *ret_text. Returns 0, -ENOMEM or -ENOBUFS. */
MUST_CHECK int bird_file_format(const char *group, const struct vip_set *vips,
				struct buf *ret_text);

/* Reads a text that bird_file_format made, of whatever group, and adds its addresses to *vips.
 * Returns 0, BIRD_FILE_FOREIGN (anything else: nothing is added) or -ENOMEM. */
enum { BIRD_FILE_FOREIGN = 1 };
MUST_CHECK int bird_file_parse(const char *text, size_t len, struct vip_set *vips);
/* True if the text carries our first line. */
bool bird_file_is_ours(const char *text, size_t len);

/* What a file was when we wrote it: tells whether somebody else touched it. */
struct bird_file_mark {
	bool is_set;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

/* <dir>/<group>.conf. */
void bird_file_path(const char *dir, const char *group, char out[BIRD_FILE_PATH_BYTES]);
/* The directory part of an absolute path. */
void bird_file_dir(const char *path, char out[BIRD_FILE_PATH_BYTES]);
/* Makes the directory, and those above it, if they are missing. Returns 0 or a negative errno. */
MUST_CHECK int bird_file_make_dir(const char *dir);
/* Replaces the file at path, making its directory if there is none. durable: the file is synced
 * before the rename (the directory is not: bird_file_sync_dir, once BIRD was told). Returns 0 with
 * the mark, or a negative errno. */
MUST_CHECK int bird_file_write(const char *path, const struct buf *text, bool durable,
			       struct bird_file_mark *ret_mark);
void bird_file_sync_dir(const char *dir);
/* Replaces *ret by the bytes of a regular file; no symbolic link is followed. Returns 0 or a
 * negative errno. */
MUST_CHECK int bird_file_read(const char *path, struct buf *ret);
/* False if the file is not the one that the mark was made of. */
bool bird_file_is_untouched(const char *path, const struct bird_file_mark *mark);

/* Calls fn for each file <dir>/<group>.conf with our first line; fn returns true to remove it. Also
 * removes temporary files of a life that ended. Returns how many were removed. */
typedef bool (*bird_file_fn)(void *ctx, const char *group, const char *text, size_t len);
uint32_t bird_file_each(const char *dir, bird_file_fn fn, void *ctx);
