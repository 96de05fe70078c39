#include "app/opts.h"

#include <getopt.h>
#include <stdio.h>

#include "base/version.h"

static const char usage[] =
	"usage: alived [-c FILE] [--services FILE] [-t]\n"
	"\n"
	"Checks the real servers behind a load balancer, keeps the balancer (YANET) in that state "
	"and\n"
	"lets BIRD announce a virtual IP only while it can be served. Runs in the foreground.\n"
	"\n"
	"  -c, --config FILE    configuration, default /etc/alived/alived.yaml\n"
	"      --services FILE  services file, instead of service.services_config.path\n"
	"  -t, --test           check both files: exit 0, or print the errors and exit 1\n"
	"  -V, --version        print the version\n"
	"  -h, --help           print this\n"
	"\n"
	"Signals: HUP reloads the services file, TERM and INT stop (on_exit), USR2 stops and "
	"keeps\n"
	"balancer and announcements as they are. Exit status: 0 after a stop, 1 on an error, 2 on "
	"bad\n"
	"usage. See alivectl(1) for the operator's tool.\n";

int opts_parse(int argc, char **argv, struct opts *ret_opts)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"services", required_argument, NULL, 's'},
		{"test", no_argument, NULL, 't'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct opts o = {.config_path = "/etc/alived/alived.yaml"};
	int c;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet */
	while ((c = getopt_long(argc, argv, "c:tVh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config_path = optarg;
			break;
		case 's':
			o.services_path = optarg;
			break;
		case 't':
			o.is_test = true;
			break;
		case 'V':
			printf("alived %s\n", version_text());
			return OPTS_DONE;
		case 'h':
			fputs(usage, stdout);
			return OPTS_DONE;
		default:
			fputs(usage, stderr);
			return OPTS_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "alived: unexpected argument '%s'\n%s", argv[optind], usage);
		return OPTS_USAGE;
	}
	*ret_opts = o;
	return OPTS_RUN;
}
