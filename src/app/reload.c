#include "app/reload.h"

#include <errno.h>
#include <stdlib.h>

#include "app/load.h"
#include "app/notify.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

enum {
	HTTP_OK = 200,
	HTTP_INTERNAL = 500,
	GRPC_INTERNAL = 13, /* the reference's error code for a failed reload */
	MAX_MERGED = 64,
};

/* {"code":13,"message":"...","details":[...]}: the reference's shape, our diagnostics. */
static char *error_body(const char *message, const char *details_json)
{
	char *body = NULL;

	if (asprintf(&body, "{\"code\":%d,\"message\":\"%s\",\"details\":%s}", GRPC_INTERNAL,
		     message, details_json ? details_json : "[]") < 0)
		return NULL;
	return body;
}

static struct reload_outcome refuse(struct engine *e, const struct load_report *report, int r)
{
	counter_add(&e->counters[BLOCK_MAIN], CTR_RELOADS_REFUSED, 1);
	LOG(LOG_ERROR, "main", "reload_refused", LF_U64("errors", report->n_errors),
	    LF_STR("cause", r < 0 ? err_last() : "the services file has errors"));
	if (report->text)
		fputs(report->text, stderr);
	return (struct reload_outcome){
		HTTP_INTERNAL,
		error_body(
			r < 0 ? "out of memory; the running configuration is kept"
			      : "the services file has errors; the running configuration is kept",
			report->json),
	};
}

static struct reload_outcome commit_dump(struct dump *dump)
{
	int r = dump ? dump_commit(dump) : 0;

	if (r == 0)
		return (struct reload_outcome){.http_status = HTTP_OK};
	LOG(LOG_ERROR, "main", "dump_failed", LF_STR("error", strerrorname_np(-r)));
	return (struct reload_outcome){
		HTTP_INTERNAL,
		error_body("the configuration is active, but the dump could not be written", NULL),
	};
}

/* alived.yaml is only compared: a faulty one does not stop the services file's reload. */
static void look_at_config(const struct engine *e, const char *path)
{
	struct load_report report = {0};
	struct app_config *now = NULL;
	char *keys;

	if (load_app_config(path, &report, &now) != 0) {
		LOG(LOG_WARN, "main", "config_faulty", LF_STR("file", path),
		    LF_U64("errors", report.n_errors));
		load_report_free(&report);
		return;
	}
	keys = app_config_restart_keys(e->app, now);
	if (keys && keys[0])
		LOG(LOG_WARN, "main", "restart_needed", LF_STR("keys", keys));
	log_set_level(now->logging.level);
	free(keys);
	app_config_free(now);
	load_report_free(&report);
}

struct reload_outcome reload_services(struct engine *e, const struct reload_paths *paths)
{
	uint64_t begin = clk_mono_ns();
	struct load_report report = {0};
	struct reload_outcome outcome;
	struct loaded l;
	int r;

	notify_reloading();
	look_at_config(e, paths->config);
	r = load_services(paths->services, e->app, engine_current(e), &e->books, true, &report, &l);
	if (r != 0) {
		outcome = refuse(e, &report, r);
	} else {
		uint32_t n_added = l.diff->checks.added.n, n_removed = l.diff->checks.removed.n;

		engine_adopt(e, l.generation, l.diff);
		outcome = commit_dump(l.dump);
		counter_add(&e->counters[BLOCK_MAIN], CTR_RELOADS, 1);
		if (report.n_warnings)
			fputs(report.text, stderr);
		LOG(LOG_INFO, "main", "reloaded", LF_U64("generation", l.generation->number),
		    LF_U64("services", l.generation->n_services),
		    LF_U64("reals", l.generation->n_reals),
		    LF_U64("checks", l.generation->n_checks), LF_U64("added", n_added),
		    LF_U64("removed", n_removed), LF_U64("warnings", report.n_warnings),
		    LF_U64("took_ms", (clk_mono_ns() - begin) / CLK_MS));
	}
	load_report_free(&report);
	notify_ready();
	return outcome;
}

static void serve_override(struct engine *e, struct command *c)
{
	struct control_msg msg = {
		.kind = c->kind == COMMAND_OVERRIDE ? CONTROL_OVERRIDE : CONTROL_RELEASE_PANIC,
		.real = c->real,
		.override = c->override,
	};

	/* the slot was found by the api in a generation that may have been replaced since */
	if (c->kind == COMMAND_OVERRIDE && !gen_real_in_use(engine_current(e), c->real)) {
		command_answer(&e->commands, c, 404,
			       error_body("the real was removed meanwhile", NULL));
		return;
	}
	engine_tell_agg(e, msg);
	command_answer(&e->commands, c, HTTP_OK, NULL);
}

void reload_serve_commands(struct engine *e, const struct reload_paths *paths)
{
	struct command *reloads[MAX_MERGED], *c;
	struct reload_outcome outcome;
	int n = 0;

	while (n < MAX_MERGED && (c = command_take(&e->commands))) {
		if (c->kind == COMMAND_RELOAD)
			reloads[n++] = c;
		else
			serve_override(e, c);
	}
	if (n == 0)
		return;
	outcome = reload_services(e, paths);
	for (int i = 0; i < n; i++) {
		bool is_last = i == n - 1;

		command_answer(&e->commands, reloads[i], outcome.http_status,
			       is_last        ? outcome.body
			       : outcome.body ? strdup(outcome.body)
					      : NULL);
	}
}
