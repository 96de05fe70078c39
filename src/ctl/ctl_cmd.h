/* alivectl's commands: one table, from which dispatch, usage and help are made. */
#pragma once

#include "base/cc.h"

enum ctl_exit {
	CTL_EXIT_OK = 0,
	CTL_EXIT_REFUSED = 1, /* or unhealthy */
	CTL_EXIT_USAGE = 2,
	CTL_EXIT_NO_DAEMON = 3,
};

#define CTL_DEFAULT_SOCK "/run/alived/alived.sock"

/* Options that stand before or after the command. */
struct ctl_opts {
	const char *sock;
	const char *services; /* --services FILE, or NULL */
	const char *config;   /* -c FILE, or NULL */
	const char *tool;     /* --print iptables|ip6tables, or NULL: both */
	bool applies, removes;
	bool is_json;
	bool is_coloured; /* standard output is a terminal, and NO_COLOR is unset or empty */
	bool wants_help;
	bool wants_version;
};

typedef enum ctl_exit (*ctl_cmd_fn)(const struct ctl_opts *o, int argc, char **argv);

struct ctl_cmd {
	const char *words[2]; /* "rs", "set"; the second may be NULL */
	const char *args;     /* for usage */
	const char *summary;
	const char *help; /* paragraphs */
	int min_args, max_args;
	ctl_cmd_fn run; /* gets the arguments behind its words */
};

/* The whole program but main(). argv[0] is skipped. */
enum ctl_exit ctl_cmd_main(int argc, char **argv);

/* Parts, for tests. */
const struct ctl_cmd *ctl_cmd_find(int argc, char **argv, int *ret_words);
/* The command most like what was typed, or NULL if none is near. */
const struct ctl_cmd *ctl_cmd_nearest(const char *typed);
