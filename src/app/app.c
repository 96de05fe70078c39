#include "app/app.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/load.h"
#include "app/notify.h"
#include "app/opts.h"
#include "app/reload.h"
#include "app/signals.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rcu.h"
#include "base/version.h"
#include "net/tls_memory.h"

enum { HOUSEKEEPING_MS = 200 };

static const char default_services[] = "/etc/alived/services.conf";

struct app {
	struct opts opts;
	struct app_config *config;
	const char *services_path;
	struct evloop *loop;
	struct signals signals;
	struct engine engine;
};

static void print_report(const struct load_report *report)
{
	if (report->text)
		fputs(report->text, stderr);
}

/* Reads alived.yaml; errors are printed. */
static int read_config(struct app *a)
{
	struct load_report report = {0};
	int r = load_app_config(a->opts.config_path, &report, &a->config);

	print_report(&report);
	load_report_free(&report);
	if (r < 0)
		fprintf(stderr, "alived: %s\n", err_last());
	if (r != 0)
		return r;
	a->services_path = a->opts.services_path;
	if (!a->services_path)
		a->services_path = a->config->services_config.path;
	if (!a->services_path)
		a->services_path = default_services;
	return 0;
}

/* Reads services.conf on top of nothing; errors are printed. */
static int read_services(struct app *a, struct slot_books *books, bool with_dump,
			 struct loaded *ret)
{
	struct load_report report = {0};
	int r = load_services(a->services_path, a->config, NULL, books, with_dump, &report, ret);

	print_report(&report);
	load_report_free(&report);
	if (r < 0)
		fprintf(stderr, "alived: %s\n", err_last());
	return r;
}

/* alived -t */
static int test_files(struct app *a)
{
	struct slot_books books;
	struct loaded l;
	int status = 1;

	if (slot_books_init(&books) < 0)
		return 1;
	if (read_services(a, &books, false, &l) == 0) {
		printf("%s: ok: %u services, %u reals, %u checks\n", a->services_path,
		       l.generation->n_services, l.generation->n_reals, l.generation->n_checks);
		gen_diff_free(l.diff);
		gen_free(l.generation);
		status = 0;
	}
	slot_books_deinit(&books);
	return status;
}

static void start_log(const struct app_config *config)
{
	enum log_encoding encoding = isatty(2) ? LOG_LOGFMT : LOG_JSON;

	if (config->logging.encoding_is_set)
		encoding = config->logging.encoding;
	log_set_encoding(encoding);
	log_set_level(config->logging.level);
	if (log_start() < 0)
		fprintf(stderr, "alived: the log thread cannot start: %s\n", err_last());
}

static void log_started(const struct app *a, const struct generation *g)
{
	LOG(LOG_INFO, "main", "started", LF_STR("version", version_text()),
	    LF_U64("services", g->n_services), LF_U64("reals", g->n_reals),
	    LF_U64("checks", g->n_checks), LF_U64("workers", a->engine.placement.n_workers),
	    LF_STR("balancer", a->config->balancer.backend == BALANCER_YANET ? "yanet" : "none"),
	    LF_STR("announcer", app_config_announcer_text(a->config->announcer.backend)),
	    LF_STR("services_file", a->services_path));
}

/* What the life before left, if anything. */
static bool read_past(const struct app *a, struct snapshot_past *ret)
{
	const char *path = a->config->state.path;

	return *path && snapshot_keep_read(path, a->config->state.max_age_ns, ret);
}

/* Threads, first generation, API. The first dump is committed like any other. */
static int start_engine(struct app *a)
{
	struct snapshot_past past = {.data = NULL};
	struct slot_books books = {0};
	struct loaded l;
	bool has_past;
	int r;

	if (slot_books_init(&books) < 0 || read_services(a, &books, true, &l) != 0) {
		slot_books_deinit(&books);
		return 1;
	}
	has_past = read_past(a, &past);
	r = engine_start(&a->engine, a->config, a->loop, &books, has_past ? &past : NULL);
	if (r < 0) {
		snapshot_keep_forget(&past);
		gen_diff_free(l.diff);
		gen_free(l.generation);
		dump_abandon(l.dump);
		return err_trace(r);
	}
	log_started(a, l.generation);
	engine_adopt(&a->engine, l.generation, l.diff);
	engine_start_keeping(&a->engine, l.generation, has_past ? &past : NULL);
	snapshot_keep_forget(&past);
	if (l.dump && dump_commit(l.dump) < 0)
		LOG(LOG_ERROR, "main", "dump_failed", LF_STR("cause", err_last()));
	return engine_start_api(&a->engine);
}

static void keep_house(struct app *a, uint64_t *watchdog_due_ns)
{
	uint64_t period = notify_watchdog_period_ns(), now = clk_mono_ns();

	beat_mark(&a->engine.beats[BLOCK_MAIN], now);
	engine_watch(&a->engine);
	engine_reap(&a->engine);
	if (period && now >= *watchdog_due_ns && engine_is_alive(&a->engine)) {
		notify_watchdog();
		*watchdog_due_ns = now + period;
	}
}

static void serve(struct app *a)
{
	const struct reload_paths paths = {.config = a->opts.config_path,
					   .services = a->services_path};
	uint64_t watchdog_due_ns = 0;

	while (a->signals.stop == STOP_NO) {
		struct ring *commands = &a->engine.commands.to_main;

		if (a->signals.is_reload_wanted) {
			a->signals.is_reload_wanted = false;
			free(reload_services(&a->engine, &paths).body);
		}
		reload_serve_commands(&a->engine, &paths);
		keep_house(a, &watchdog_due_ns);
		wake_arm(&a->engine.main_bell);
		evloop_turn(a->loop, ring_pending(commands) ? 0 : HOUSEKEEPING_MS * CLK_MS);
		wake_disarm(&a->engine.main_bell);
	}
}

static enum quit_kind quit_of(const struct app *a)
{
	bool keeps = a->signals.stop == STOP_KEEP || a->config->stop_keeps;

	return keeps ? QUIT_KEEP : QUIT_WITHDRAW;
}

static int run(struct app *a)
{
	int r;

	rcu_thread_register();
	a->loop = evloop_new();
	if (!a->loop || signals_init(&a->signals, a->loop) < 0) {
		fprintf(stderr, "alived: %s\n", err_last());
		return 1;
	}
	start_log(a->config);
	log_thread_attach("main");
	r = start_engine(a);
	if (r != 0) {
		if (r < 0)
			LOG(LOG_ERROR, "main", "start_failed", LF_STR("cause", err_last()));
		log_thread_detach();
		log_stop();
		signals_deinit(&a->signals, a->loop);
		evloop_free(a->loop);
		rcu_thread_unregister();
		return 1;
	}
	notify_ready();
	serve(a);
	notify_stopping();
	engine_stop(&a->engine, quit_of(a));
	LOG(LOG_INFO, "main", "stopped");
	log_thread_detach();
	log_stop();
	signals_deinit(&a->signals, a->loop);
	evloop_free(a->loop);
	rcu_thread_unregister();
	return 0;
}

int app_main(int argc, char **argv)
{
	struct app *a = calloc(1, sizeof(*a));
	int status = 1, r;

	if (!a)
		return 1;
	/* before anything uses OpenSSL: its want of memory must not count against a real */
	if (tls_memory_watch(realloc) < 0)
		fprintf(stderr, "alived: OpenSSL's memory cannot be watched\n");
	r = opts_parse(argc, argv, &a->opts);
	if (r != OPTS_RUN)
		status = r == OPTS_DONE ? 0 : 2;
	else if (read_config(a) == 0)
		status = a->opts.is_test ? test_files(a) : run(a);
	app_config_free(a->config);
	free(a);
	return status;
}
