/* alivectl announce print-bird-config GROUP: what bird.conf needs for it. */
#pragma once

#include <stdio.h>

#include "config/app_config.h"
#include "ctl/ctl_cmd.h"

enum ctl_exit ctl_announce_print(const struct ctl_opts *o, int argc, char **argv);

/* Part, for tests: the text for one backend (enum announcer_backend), to be pasted as it is. */
void ctl_announce_print_text(const struct app_config *app, uint32_t backend, const char *group,
			     FILE *to);
