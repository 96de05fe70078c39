/* The doctor's look at the daemon: does it answer, is it well, what may it do, what are its limits,
 * does it read its queue? */
#pragma once

#include "ctl/ctl_doctor.h"

/* Sets d->sock, and d->summary and d->pid if it answers. */
void ctl_doctor_daemon(struct ctl_doctor *d);
void ctl_doctor_daemon_limits(struct ctl_doctor *d);
/* Rights and queue of tunnelled checks. */
void ctl_doctor_daemon_tunnel(struct ctl_doctor *d);
