/* The command line of alived. */
#pragma once

#include "base/cc.h"

struct opts {
	const char *config_path;   /* -c, default /etc/alived/alived.yaml */
	const char *services_path; /* --services: replaces service.services_config.path; or NULL */
	bool is_test;              /* -t */
};

enum opts_result {
	OPTS_RUN = 0,
	OPTS_DONE = 1,  /* --help or --version was printed: exit 0 */
	OPTS_USAGE = 2, /* the error was printed: exit 2 */
};

/* Main thread. argv's strings are borrowed by ret_opts. */
MUST_CHECK int opts_parse(int argc, char **argv, struct opts *ret_opts);
