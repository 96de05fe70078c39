/* alivectl announce verify: does BIRD have what the daemon wants? */
#pragma once

#include "ctl/ctl_cmd.h"

enum ctl_exit ctl_announce_verify(const struct ctl_opts *o, int argc, char **argv);
