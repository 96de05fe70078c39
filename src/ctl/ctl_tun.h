/* tun rules: the host rules of tunnelled checks, printed, applied or removed; no daemon needed. */
#pragma once

#include "ctl/ctl_cmd.h"
#include "ctl/ctl_exec.h"
#include "ctl/ctl_steer.h"

enum ctl_exit ctl_tun_rules(const struct ctl_opts *o, int argc, char **argv);

/* `TOOL -w -t TABLE -S`. Returns 0 or a negative errno; the status may be bad. */
MUST_CHECK int ctl_tun_list(enum ctl_steer_tool tool, const char *table, struct ctl_exec *ret);
