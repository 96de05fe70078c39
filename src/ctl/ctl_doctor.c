#include "ctl/ctl_doctor.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "base/str.h"
#include "ctl/ctl_doctor_address.h"
#include "ctl/ctl_doctor_daemon.h"
#include "ctl/ctl_doctor_links.h"
#include "ctl/ctl_doctor_routes.h"
#include "ctl/ctl_doctor_rules.h"
#include "ctl/ctl_rows.h"

static void look_at_reports(struct ctl_doctor *d)
{
	json_t *reports = ctl_files_reports(&d->files);
	const json_t *r;

	for (size_t i = 0; (r = json_array_get(reports, i)); i++) {
		bool is_error = strcmp(ctl_rows_str(r, "severity"), "error") == 0;

		ctl_findings_add(d->findings, is_error ? CTL_FINDING_ERROR : CTL_FINDING_NOTE,
				 is_error ? "config_error" : "config_warning", "%s:%lld: %s",
				 ctl_rows_str(r, "file"), ctl_rows_int(r, "line"),
				 ctl_rows_str(r, "message"));
		if (is_error)
			ctl_findings_repair(d->findings, "alivectl config check%s", d->self);
	}
	json_decref(reports);
}

/* Certificates are judged by the wall clock, and logs are read by it. */
static void look_at_clock(struct ctl_doctor *d)
{
	const char *yaml = d->o->config ? d->o->config : CTL_FILES_YAML;
	struct timex t = {0};
	struct stat st;

	if (stat(yaml, &st) == 0 && st.st_mtime > time(NULL) + 60)
		ctl_findings_add(d->findings, CTL_FINDING_WARNING, "clock_behind",
				 "the clock is behind: %s was changed in the future", yaml);
	else if (adjtimex(&t) == TIME_ERROR)
		ctl_findings_add(d->findings, CTL_FINDING_NOTE, "clock_unsynchronised",
				 "nothing keeps the clock right");
	else
		return;
	ctl_findings_repair(d->findings, "timedatectl set-ntp true");
}

/* In single quotes, for a shell. A path with a quote in it is left as it is. */
static void put_option(struct str *s, const char *option, const char *value)
{
	bool is_plain = !value || strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789/._-"
						"ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(value);

	if (value)
		str_putf(s, is_plain ? " %s %s" : " %s '%s'", option, value);
}

static void name_self(struct ctl_doctor *d)
{
	struct str s = STR_OVER(d->self, sizeof(d->self));

	put_option(&s, "-c", d->o->config);
	put_option(&s, "--services", d->o->services);
}

static void look_at_all(struct ctl_doctor *d)
{
	name_self(d);
	look_at_reports(d);
	look_at_clock(d);
	if (!d->files.app)
		return;
	ctl_doctor_daemon(d);
	ctl_doctor_links(d);
	if (!d->files.draft || ctl_steer_init(&d->steer, d->files.app, d->files.draft) < 0)
		return;
	ctl_doctor_address(d);
	ctl_doctor_daemon_limits(d);
	if (d->steer.n_vips > 0) {
		ctl_doctor_daemon_tunnel(d);
		ctl_doctor_rules(d);
	}
	ctl_doctor_routes(d);
}

enum ctl_exit ctl_doctor_run(const struct ctl_opts *o, int argc, char **argv)
{
	struct ctl_doctor d = {.o = o, .findings = ctl_findings_new()};
	bool is_good = false;

	(void)argc;
	(void)argv;
	if (ctl_files_read(&d.files, o->config, o->services)) {
		look_at_all(&d);
		is_good = ctl_findings_are_good(d.findings);
		if (o->is_json)
			ctl_findings_print_json(d.findings, stdout);
		else
			ctl_findings_print(d.findings, stdout);
	}
	json_decref(d.summary);
	ctl_steer_deinit(&d.steer);
	ctl_files_free(&d.files);
	ctl_findings_free(d.findings);
	return is_good ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}
