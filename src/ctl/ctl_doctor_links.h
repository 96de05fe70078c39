/* The doctor's look at the sockets of balancer and BIRD. */
#pragma once

#include "ctl/ctl_doctor.h"

void ctl_doctor_links(struct ctl_doctor *d);
/* Connects a unix socket and closes it. Returns 0 or a negative errno. */
MUST_CHECK int ctl_doctor_links_try(const char *path, int type);
