/* alivectl announce list: what is announced, and why not. */
#pragma once

#include "ctl/ctl_cmd.h"

enum ctl_exit ctl_announce_list(const struct ctl_opts *o, int argc, char **argv);
