/* Commands that change something: reload, rs set, panic release. */
#pragma once

#include "ctl/ctl_cmd.h"

enum ctl_exit ctl_set_reload(const struct ctl_opts *o, int argc, char **argv);
enum ctl_exit ctl_set_real(const struct ctl_opts *o, int argc, char **argv);
enum ctl_exit ctl_set_release_panic(const struct ctl_opts *o, int argc, char **argv);
