/* The directory, or the files, of a backend that writes files for BIRD: whose they are. Two daemons
 * must not write the same ones. */
#pragma once

#include "announce/bird2_kind.h"

struct bird2_dir {
	const struct app_config *app;
	const struct bird2_kind *kind;
	int lock_fds[BIRD2_MAX_FILES]; /* -1: not held */
	bool is_held;
	bool is_told;
};

void bird2_dir_init(struct bird2_dir *d, const struct app_config *app,
		    const struct bird2_kind *kind);
void bird2_dir_deinit(struct bird2_dir *d);
/* Makes the directories and locks what the kind says. Returns false, telling it once, as long as
 * that fails. */
bool bird2_dir_lock(struct bird2_dir *d);
