/* What the kernel says about our own process, from /proc/self. */
#pragma once

#include "base/cc.h"

struct procstat {
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t cpu_ms;       /* user and system */
	uint64_t start_wall_s; /* since 1970; 0 if unknown */
	uint64_t n_threads;
	uint64_t open_fds;
	uint64_t max_fds;
};

/* What cannot be read stays 0. Any thread; a few system calls and one directory. */
void procstat_read(struct procstat *ret);
/* The part of it that is text: the fields after the command name in a line of /proc/PID/stat. Pure;
 * returns false if the line is malformed. */
MUST_CHECK bool procstat_parse(const char *line, long ticks_per_s, long page_bytes,
			       uint64_t boot_wall_s, struct procstat *ret);
