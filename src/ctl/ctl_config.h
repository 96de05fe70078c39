/* config check: the daemon's own parsers, without a daemon. */
#pragma once

#include "ctl/ctl_cmd.h"

enum ctl_exit ctl_config_check(const struct ctl_opts *o, int argc, char **argv);
