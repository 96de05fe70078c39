/* Texts of the kernel and of systemd, read for the doctor. Pure but for ctl_proc_read. */
#pragma once

#include "base/cc.h"

/* CapEff of /proc/PID/status. */
MUST_CHECK bool ctl_proc_caps(const char *status, uint64_t *ret);
/* Soft limit "Max open files" of /proc/PID/limits; UINT64_MAX: unlimited. */
MUST_CHECK bool ctl_proc_open_files(const char *limits, uint64_t *ret);

/* Capabilities that a unit's process gets: "systemctl show -p LoadState -p User
 * -p AmbientCapabilities -p CapabilityBoundingSet". Returns false if there is no such unit. */
MUST_CHECK bool ctl_proc_unit_has(const char *show, const char *capability, bool *ret_has);

/* A whole small file as malloc'd text. Returns 0 or a negative errno. */
MUST_CHECK int ctl_proc_read(const char *path, char **ret);
