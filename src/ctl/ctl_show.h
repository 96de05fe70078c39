/* Commands that look: status, services, reals. */
#pragma once

#include "ctl/ctl_cmd.h"

enum ctl_exit ctl_show_status(const struct ctl_opts *o, int argc, char **argv);
enum ctl_exit ctl_show_services(const struct ctl_opts *o, int argc, char **argv);
enum ctl_exit ctl_show_reals(const struct ctl_opts *o, int argc, char **argv);
