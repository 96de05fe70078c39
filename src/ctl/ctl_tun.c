#include "ctl/ctl_tun.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_files.h"

/* One run over one or both tools. */
struct run {
	const struct ctl_opts *o;
	const struct ctl_steer *steer;
	bool is_good;
};

int ctl_tun_list(enum ctl_steer_tool tool, const char *table, struct ctl_exec *ret)
{
	const char *const argv[] = {ctl_steer_tool_text(tool), "-w", "5", "-t", table, "-S", NULL};

	return ctl_exec_run(argv, NULL, ret);
}

static void complain(const char *tool, int error, const struct ctl_exec *e)
{
	if (error < 0)
		fprintf(stderr, "alivectl: %s: %s\n", tool, strerrordesc_np(-error));
	else
		fprintf(stderr, "alivectl: %s ended with %d: %s", tool, e->status,
			*e->err ? e->err : "\n");
}

static bool restore(enum ctl_steer_tool tool, const char *script)
{
	const char *name = tool == CTL_STEER_V4 ? "iptables-restore" : "ip6tables-restore";
	const char *const argv[] = {name, "-w", "5", "--noflush", NULL};
	_cleanup_(ctl_exec_deinit) struct ctl_exec e = {0};
	int r = ctl_exec_run(argv, script, &e);

	if (r == 0 && e.status == 0)
		return true;
	complain(name, r, &e);
	return false;
}

static bool change(const struct run *run, enum ctl_steer_tool tool)
{
	_cleanup_(ctl_exec_deinit) struct ctl_exec listing = {0};
	struct ctl_steer_change c;
	char *script = NULL;
	size_t len = 0;
	FILE *to;
	int r = ctl_tun_list(tool, "mangle", &listing);
	bool is_good;

	if (r < 0 || listing.status != 0) {
		complain(ctl_steer_tool_text(tool), r, &listing);
		return false;
	}
	to = open_memstream(&script, &len);
	ASSERT(to);
	c = run->o->applies ? ctl_steer_apply(run->steer, tool, listing.out, to)
			    : ctl_steer_remove(listing.out, to);
	fclose(to);
	is_good = len == 0 || restore(tool, script);
	free(script);
	if (is_good)
		printf("%s: %u rules added, %u removed\n", ctl_steer_tool_text(tool), c.n_added,
		       c.n_removed);
	return is_good;
}

/* A machine without IPv6 needs no rules for it, unless some check goes to an IPv6 VIP. */
static bool is_needed(const struct run *run, enum ctl_steer_tool tool)
{
	const struct addr *vips;

	return run->o->tool || !run->steer || ctl_steer_vips(run->steer, tool, &vips) > 0;
}

static void one_tool(struct run *run, enum ctl_steer_tool tool)
{
	if (run->o->applies || run->o->removes) {
		if (!change(run, tool) && is_needed(run, tool))
			run->is_good = false;
	} else {
		ctl_steer_print(run->steer, tool, stdout);
	}
}

static void each_tool(struct run *run)
{
	for (int t = 0; t < CTL_STEER__N; t++) {
		enum ctl_steer_tool tool = (enum ctl_steer_tool)t;

		if (!run->o->tool || strcmp(run->o->tool, ctl_steer_tool_text(tool)) == 0)
			one_tool(run, tool);
	}
}

static enum ctl_exit with_files(const struct ctl_opts *o, const struct ctl_files *f)
{
	_cleanup_(ctl_steer_deinit) struct ctl_steer steer = {0};
	struct run run = {.o = o, .steer = &steer, .is_good = true};

	if (!f->services.is_good) {
		diag_print(f->yaml.diag, STDERR_FILENO);
		diag_print(f->services.diag, STDERR_FILENO);
		return CTL_EXIT_REFUSED;
	}
	if (ctl_steer_init(&steer, f->app, f->draft) < 0) {
		fputs("alivectl: out of memory\n", stderr);
		return CTL_EXIT_REFUSED;
	}
	if (!steer.is_on)
		fputs("alivectl: check_tun is off: no rules are needed\n", stderr);
	each_tool(&run);
	return run.is_good ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}

enum ctl_exit ctl_tun_rules(const struct ctl_opts *o, int argc, char **argv)
{
	struct run run = {.o = o, .is_good = true};
	struct ctl_files f;
	enum ctl_exit e = CTL_EXIT_REFUSED;

	(void)argc;
	(void)argv;
	if (o->applies && o->removes) {
		fputs("alivectl: --apply or --remove, not both\n", stderr);
		return CTL_EXIT_USAGE;
	}
	/* removing must work whatever the files say */
	if (o->removes) {
		each_tool(&run);
		return run.is_good ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
	}
	if (ctl_files_read(&f, o->config, o->services))
		e = with_files(o, &f);
	ctl_files_free(&f);
	return e;
}
