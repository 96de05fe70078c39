#include "ctl/ctl_cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/version.h"
#include "ctl/ctl_announce.h"
#include "ctl/ctl_announce_print.h"
#include "ctl/ctl_announce_verify.h"
#include "ctl/ctl_config.h"
#include "ctl/ctl_doctor.h"
#include "ctl/ctl_set.h"
#include "ctl/ctl_show.h"
#include "ctl/ctl_tun.h"

enum { MAX_ARGS = 16, NAME_BYTES = 64, MAX_DISTANCE = 3 };

static enum ctl_exit run_help(const struct ctl_opts *o, int argc, char **argv);
static enum ctl_exit run_version(const struct ctl_opts *o, int argc, char **argv);

#define VS_HELP                                                                                \
	"VS is a virtual server: PROTO/VIP:PORT, as tcp/192.0.2.1:80, udp/[2001:db8::1]:53,\n" \
	"or tcp/192.0.2.1 if it has no port.\n\n"

static const struct ctl_cmd cmds[] = {
	{{"status"},
	 "",
	 "the daemon at a glance; exit 1 if it is not well",
	 "Shows counts by state, balancer, announcer and threads. Exits 1 while the daemon is "
	 "blind,\n"
	 "its balancer is away, announcements wait, or a thread gives no sign of life.\n",
	 0,
	 0,
	 ctl_show_status},
	{{"services"},
	 "[VS]",
	 "virtual servers with weight, quorum and announcement",
	 VS_HELP
	 "WEIGHT is what counts toward the quorum: that of reals whose enable the balancer\n"
	 "took.\n",
	 0,
	 1,
	 ctl_show_services},
	{{"reals"},
	 "[VS]",
	 "real servers with state, weight, reason and last check",
	 VS_HELP "W is the weight wanted; a second number is what the balancer has meanwhile.\n",
	 0,
	 1,
	 ctl_show_reals},
	{{"reload"},
	 "",
	 "read services.conf again",
	 "The daemon keeps what it has if the file has errors, and says which.\n",
	 0,
	 0,
	 ctl_set_reload},
	{{"config", "check"},
	 "[FILE]",
	 "check alived.yaml and the services file, without a daemon",
	 "FILE is a services file, checked with the settings of /etc/alived/alived.yaml (all "
	 "defaults\n"
	 "where there is none), or, if it ends in .yaml, an alived.yaml together with the "
	 "services\n"
	 "file that it names; --services FILE checks another. Nothing is changed.\n",
	 0,
	 1,
	 ctl_config_check},
	{{"doctor"},
	 "[-c FILE]",
	 "look for what keeps checks, balancer or announcements from working",
	 "Looks at the files, the daemon, its rights, the netfilter queue and host rules, routes,\n"
	 "packet sizes, descriptors, sockets and the VIPs' local addresses, in the network\n"
	 "namespace it runs in; best as root. One line per finding, with the command that repairs\n"
	 "it. Exits 1 if there is an error or a warning. FILE is alived.yaml (default\n"
	 "/etc/alived/alived.yaml).\n",
	 0,
	 0,
	 ctl_doctor_run},
	{{"tun", "rules"},
	 "[-c FILE] [--print iptables|ip6tables] [--apply | --remove]",
	 "the host rules of tunnelled checks: print, apply or remove",
	 "Without --apply and --remove the commands are printed, for both tools or the one named.\n"
	 "--apply adds what is missing and removes what is out of date, all at once, and touches\n"
	 "no rules but those with the comment 'alived'. --remove takes these out. Reads "
	 "alived.yaml\n"
	 "(-c FILE) and the services file; needs no daemon.\n",
	 0,
	 0,
	 ctl_tun_rules},
	{{"announce", "list"},
	 "",
	 "prefixes: announced or not, since when and why, what the backends accepted",
	 "ACCEPTED is what every announce backend that is not away has taken; with several there\n"
	 "is a column for what each took last. REASON says what holds a prefix: services_up,\n"
	 "service_down, no_verdict, no_local_address (it is not on\n"
	 "announcer.require_local_address), address_unknown, announce_hold, withdrawal_frozen.\n",
	 0,
	 0,
	 ctl_announce_list},
	{{"announce", "verify"},
	 "[-c FILE]",
	 "ask BIRD itself and compare; exit 1 on a difference",
	 "Reads announcer.backend and BIRD's control socket from alived.yaml (-c FILE), asks that\n"
	 "BIRD for its routes, and names each prefix that is not as the daemon wants it.\n"
	 "Backend bird cannot be asked: what it has not accepted is named.\n",
	 0,
	 0,
	 ctl_announce_verify},
	{{"announce", "print-bird-config"},
	 "GROUP [-c FILE]",
	 "what to paste into bird.conf for this group",
	 "Reads alived.yaml (-c FILE); needs no daemon. For the backends bird2 and bird_list.\n",
	 1,
	 1,
	 ctl_announce_print},
	{{"rs", "set"},
	 "VS RS state up|drain|down|auto\n       alivectl rs set VS RS weight N|N%|auto",
	 "override a real server's verdict or weight",
	 VS_HELP "RS is a real server: IP:PORT, or IP if it has no port.\n\n"
		 "  state up      enabled with the configured weight, whatever the checks say\n"
		 "  state drain   enabled with weight 0: no new connections\n"
		 "  state down    disabled\n"
		 "  weight N      this weight instead of the configured one, while it is up\n"
		 "  weight N%     that part of its weight\n"
		 "  auto          the checks decide again\n\n"
		 "The override stays over reloads and restarts until it is set to auto.\n",
	 4,
	 4,
	 ctl_set_real},
	{{"panic", "release"},
	 "",
	 "let the removals go that the panic threshold holds",
	 "See panic_threshold and safety.max_remove in the manual.\n",
	 0,
	 0,
	 ctl_set_release_panic},
	{{"version"}, "", "print alivectl's version", "", 0, 0, run_version},
	{{"help"}, "[COMMAND]", "this text, or that of a command", "", 0, 2, run_help},
};

static void name_of(const struct ctl_cmd *c, char out[NAME_BYTES])
{
	snprintf(out, NAME_BYTES, "%s%s%s", c->words[0], c->words[1] ? " " : "",
		 c->words[1] ? c->words[1] : "");
}

static void print_usage(FILE *to)
{
	char name[NAME_BYTES];

	fputs("usage: alivectl [-s SOCK] [--json] COMMAND [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
		name_of(&cmds[i], name);
		fprintf(to, "  %-26s %s\n", name, cmds[i].summary);
	}
	fputs("\n  -s, --socket SOCK    the daemon's socket (" CTL_DEFAULT_SOCK ")\n"
	      "      --json           the daemon's answer as it is\n"
	      "  -h, --help           this text; after a command, that command's\n\n"
	      "Exit status: 0 ok, 1 refused or unhealthy, 2 usage, 3 no daemon.\n",
	      to);
}

static void print_help(const struct ctl_cmd *c, FILE *to)
{
	char name[NAME_BYTES];

	name_of(c, name);
	fprintf(to, "usage: alivectl [-s SOCK] [--json] %s%s%s\n\n%s\n", name, *c->args ? " " : "",
		c->args, c->summary);
	if (*c->help)
		fprintf(to, "\n%s", c->help);
}

const struct ctl_cmd *ctl_cmd_find(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
		int n = cmds[i].words[1] ? 2 : 1;

		if (argc < n || strcmp(argv[0], cmds[i].words[0]) != 0)
			continue;
		if (n == 2 && strcmp(argv[1], cmds[i].words[1]) != 0)
			continue;
		*ret_words = n;
		return &cmds[i];
	}
	return NULL;
}

const struct ctl_cmd *ctl_cmd_nearest(const char *typed)
{
	unsigned best = MAX_DISTANCE + 1;
	const struct ctl_cmd *found = NULL;
	char name[NAME_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(cmds); i++) {
		unsigned d, whole;

		name_of(&cmds[i], name);
		whole = str_distance(typed, strlen(typed), name, strlen(name));
		d = str_distance(typed, strlen(typed), cmds[i].words[0], strlen(cmds[i].words[0]));
		d = MIN(d, whole);
		if (d < best) {
			best = d;
			found = &cmds[i];
		}
	}
	return found;
}

static enum ctl_exit unknown_command(int argc, char **argv)
{
	const struct ctl_cmd *near;
	char typed[NAME_BYTES], name[NAME_BYTES];

	snprintf(typed, sizeof(typed), "%s%s%s", argv[0], argc > 1 ? " " : "",
		 argc > 1 ? argv[1] : "");
	near = ctl_cmd_nearest(typed);
	if (!near)
		near = ctl_cmd_nearest(argv[0]);
	fprintf(stderr, "alivectl: unknown command '%s'\n", typed);
	if (near) {
		name_of(near, name);
		fprintf(stderr, "did you mean '%s'?\n", name);
	} else {
		fputs("`alivectl help` lists the commands\n", stderr);
	}
	return CTL_EXIT_USAGE;
}

static enum ctl_exit run_help(const struct ctl_opts *o, int argc, char **argv)
{
	const struct ctl_cmd *c;
	int n_words;

	(void)o;
	if (argc == 0) {
		print_usage(stdout);
		return CTL_EXIT_OK;
	}
	c = ctl_cmd_find(argc, argv, &n_words);
	if (!c)
		return unknown_command(argc, argv);
	print_help(c, stdout);
	return CTL_EXIT_OK;
}

static enum ctl_exit run_version(const struct ctl_opts *o, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (o->is_json)
		printf("{\"version\":\"%s\"}\n", version_text());
	else
		printf("alivectl %s\n", version_text());
	return CTL_EXIT_OK;
}

/* --- options --------------------------------------------------------------------------------- */

struct option_row {
	const char *name;
	bool has_value;
	bool (*set)(struct ctl_opts *o, const char *value);
};

static bool set_sock(struct ctl_opts *o, const char *value)
{
	o->sock = value;
	return *value != 0;
}

static bool set_services(struct ctl_opts *o, const char *value)
{
	o->services = value;
	return *value != 0;
}

static bool set_config(struct ctl_opts *o, const char *value)
{
	o->config = value;
	return *value != 0;
}

static bool set_tool(struct ctl_opts *o, const char *value)
{
	o->tool = value;
	return strcmp(value, "iptables") == 0 || strcmp(value, "ip6tables") == 0;
}

static bool set_applies(struct ctl_opts *o, const char *value)
{
	(void)value;
	o->applies = true;
	return true;
}

static bool set_removes(struct ctl_opts *o, const char *value)
{
	(void)value;
	o->removes = true;
	return true;
}

static bool set_json(struct ctl_opts *o, const char *value)
{
	(void)value;
	o->is_json = true;
	return true;
}

static bool set_help(struct ctl_opts *o, const char *value)
{
	(void)value;
	o->wants_help = true;
	return true;
}

static bool set_version(struct ctl_opts *o, const char *value)
{
	(void)value;
	o->wants_version = true;
	return true;
}

static const struct option_row options[] = {
	{"-s", true, set_sock},
	{"--socket", true, set_sock},
	{"--services", true, set_services},
	{"-c", true, set_config},
	{"--config", true, set_config},
	{"--print", true, set_tool},
	{"--apply", false, set_applies},
	{"--remove", false, set_removes},
	{"--json", false, set_json},
	{"-h", false, set_help},
	{"--help", false, set_help},
	{"-V", false, set_version},
	{"--version", false, set_version},
};

/* Takes the option at argv[0], with its value. Returns how many arguments it took, 0 if it is none
 * or malformed. "--name=value" is understood. */
static int take_option(struct ctl_opts *o, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option_row *row = &options[i];
		size_t len = strlen(row->name);

		if (strncmp(argv[0], row->name, len) != 0)
			continue;
		if (argv[0][len] == '=' && row->has_value && len > 2)
			return row->set(o, argv[0] + len + 1) ? 1 : 0;
		if (argv[0][len] != 0)
			continue;
		if (!row->has_value)
			return row->set(o, NULL) ? 1 : 0;
		return argc > 1 && row->set(o, argv[1]) ? 2 : 0;
	}
	return 0;
}

/* Splits options from words. Returns the number of words, or -1 after a message. */
static int split(struct ctl_opts *o, int argc, char **argv, char *words[MAX_ARGS])
{
	int n = 0;

	for (int i = 1; i < argc;) {
		int took = argv[i][0] == '-' ? take_option(o, argc - i, argv + i) : 0;

		if (argv[i][0] == '-' && took == 0) {
			fprintf(stderr, "alivectl: bad option '%s'\n", argv[i]);
			return -1;
		}
		if (took == 0 && n == MAX_ARGS) {
			fputs("alivectl: too many arguments\n", stderr);
			return -1;
		}
		if (took == 0) {
			words[n++] = argv[i];
			took = 1;
		}
		i += took;
	}
	return n;
}

static enum ctl_exit dispatch(const struct ctl_opts *o, int argc, char **argv)
{
	int n_words = 0;
	const struct ctl_cmd *c = ctl_cmd_find(argc, argv, &n_words);

	if (!c)
		return unknown_command(argc, argv);
	if (o->wants_help) {
		print_help(c, stdout);
		return CTL_EXIT_OK;
	}
	argc -= n_words;
	if (argc < c->min_args || argc > c->max_args) {
		print_help(c, stderr);
		return CTL_EXIT_USAGE;
	}
	return c->run(o, argc, argv + n_words);
}

enum ctl_exit ctl_cmd_main(int argc, char **argv)
{
	const char *no_color = secure_getenv("NO_COLOR");
	struct ctl_opts o = {.sock = CTL_DEFAULT_SOCK,
			     .is_coloured = isatty(STDOUT_FILENO) && !(no_color && *no_color)};
	char *words[MAX_ARGS];
	int n = split(&o, argc, argv, words);

	if (n < 0)
		return CTL_EXIT_USAGE;
	if (o.wants_version)
		return run_version(&o, 0, NULL);
	if (n > 0)
		return dispatch(&o, n, words);
	print_usage(o.wants_help ? stdout : stderr);
	return o.wants_help ? CTL_EXIT_OK : CTL_EXIT_USAGE;
}
