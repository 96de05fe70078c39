/* The directory of backend bird2's files: whose it is, and what an earlier life left in it. */
#pragma once

#include "announce/bird_file.h"
#include "config/app_config.h"

struct bird2_dir {
	const struct app_config *app;
	int lock_fd; /* -1: not held */
	bool is_told;
};

void bird2_dir_init(struct bird2_dir *d, const struct app_config *app);
void bird2_dir_deinit(struct bird2_dir *d);
/* Makes the directory and locks it: two daemons must not write the same files. Returns false,
 * telling it once, as long as that fails. */
bool bird2_dir_lock(struct bird2_dir *d);
/* Adds to *vips what our own files there announce, of whatever group. */
void bird2_dir_read(const struct bird2_dir *d, struct vip_set *vips);
/* Removes our own files of groups that are configured no more; returns how many. */
uint32_t bird2_dir_purge(const struct bird2_dir *d);
