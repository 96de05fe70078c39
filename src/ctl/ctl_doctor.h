/* doctor: looks at everything that has to be right for checks, balancer and announcements to work,
 * and names the command that repairs what is not. Reads only; one thread. */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "ctl/ctl_cmd.h"
#include "ctl/ctl_files.h"
#include "ctl/ctl_finding.h"
#include "ctl/ctl_steer.h"

enum { CTL_DOCTOR_SELF_BYTES = 600 };

/* What the parts (ctl_doctor_*.h) work on. */
struct ctl_doctor {
	const struct ctl_opts *o;
	struct ctl_findings *findings;
	struct ctl_files files; /* app and draft are there while the parts run */
	struct ctl_steer steer;
	const char *sock;
	json_t *summary; /* NULL: no daemon answers */
	pid_t pid;       /* the daemon's; 0 */
	/* options to append to an alivectl command, with a leading space, so that it means the same
	 * files */
	char self[CTL_DOCTOR_SELF_BYTES];
};

enum ctl_exit ctl_doctor_run(const struct ctl_opts *o, int argc, char **argv);
