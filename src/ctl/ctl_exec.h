/* Runs a program with arguments as they are: no shell. */
#pragma once

#include "base/cc.h"

enum { CTL_EXEC_TIMEOUT_S = 30 };

struct ctl_exec {
	int status;      /* exit status; 128 + signal */
	char *out, *err; /* what it wrote, NUL-terminated, never NULL after success */
};

/* argv ends with NULL; the program is looked for in PATH, then in /usr/sbin and /sbin. input may
 * be NULL. Returns 0 or a negative errno: -ENOENT if there is no such program, -ETIMEDOUT if it
 * was ended after CTL_EXEC_TIMEOUT_S. */
MUST_CHECK int ctl_exec_run(const char *const *argv, const char *input, struct ctl_exec *ret);
void ctl_exec_deinit(struct ctl_exec *e);
