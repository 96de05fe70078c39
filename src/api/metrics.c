#include "api/metrics.h"

#include <errno.h>

#include "api/announceview.h"
#include "api/overview.h"
#include "api/procstat.h"
#include "api/prom.h"
#include "api/snapshotview.h"
#include "api/status.h"
#include "api/tlsview.h"
#include "api/tunnelview.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/version.h"

enum { NAME_MAX_BYTES = 64 };

static int finish(const struct prom *p)
{
	return p->is_full ? err_origin(-ENOBUFS) : 0;
}

/* --- the reference's names ------------------------------------------------------------------- */

static void put_errors(struct prom *p, const struct summary *s)
{
	const char *label;

	prom_head(p, "reals_error", "counter", "observe reals errors");
	for (unsigned i = 0; (label = summary_error_label(i)); i++)
		prom_u64(p, "reals_error", "", &(struct prom_label){"error", label}, 1,
			 s->errors[i]);
}

static void put_histograms(struct prom *p, const struct summary *s)
{
	uint32_t transition_milli[ARRAY_LEN(summary_transition_s)];

	for (size_t i = 0; i < ARRAY_LEN(transition_milli); i++)
		transition_milli[i] = summary_transition_s[i] * 1000;
	prom_histogram(p, &(struct prom_histogram){.name = "reals_response_duration",
						   .help = "observe reals response time",
						   .bounds = summary_response_ms,
						   .digits = 3,
						   .n_bounds = ARRAY_LEN(summary_response_ms),
						   .counts = s->response_buckets,
						   .sum_micro = s->response_sum_us});
	prom_histogram(p, &(struct prom_histogram){.name = "reals_transitions",
						   .help = "observe reals transition period",
						   .bounds = transition_milli,
						   .digits = 3,
						   .n_bounds = ARRAY_LEN(transition_milli),
						   .counts = s->transition_buckets,
						   .sum_micro = s->transition_sum_s * 1000000});
}

static void put_reference(struct prom *p, const struct overview_gen *gen, const struct summary *s)
{
	prom_gauge(p, "reals", "number of reals", gen->n_reals);
	prom_gauge(p, "reals_enabled", "number of enabled reals", s->reals_enabled);
	put_errors(p, s);
	put_histograms(p, s);
}

int metrics_global(const struct api_args *args, struct buf *out)
{
	struct prom p = {.to = out};
	struct overview_gen gen;
	struct summary s;

	overview_gen(args, &gen);
	overview_summary(args, &s);
	put_reference(&p, &gen, &s);
	return finish(&p);
}

/* --- ours ------------------------------------------------------------------------------------ */

static void put_states(struct prom *p, const char *name, const char *help,
		       const char *const words[3], const uint32_t counts[3])
{
	prom_head(p, name, "gauge", help);
	for (int i = 0; i < 3; i++)
		prom_u64(p, name, "", &(struct prom_label){"state", words[i]}, 1, counts[i]);
}

static void put_objects(struct prom *p, const struct summary *s)
{
	static const char *const states[] = {"up", "down", "undecided"};
	static const char *const routes[] = {"announced", "withdrawn", "undecided"};

	put_states(p, "alived_checks", "checks by state", states,
		   (const uint32_t[]){s->checks_up, s->checks_down, s->checks_undecided});
	put_states(p, "alived_reals", "real servers by state", states,
		   (const uint32_t[]){s->reals_up, s->reals_down, s->reals_undecided});
	put_states(p, "alived_services", "virtual servers by state", states,
		   (const uint32_t[]){s->services_up, s->services_down, s->services_undecided});
	put_states(p, "alived_prefixes", "host routes by what is wanted of the announcer", routes,
		   (const uint32_t[]){s->prefixes_announced, s->prefixes_withdrawn,
				      s->prefixes_undecided});
}

static void put_gauges(struct prom *p, const struct summary *s)
{
	const struct {
		const char *name, *help;
		uint32_t value;
	} gauges[] = {
		{"alived_reals_enabled", "real servers enabled in the balancer, inhibited ones too",
		 s->reals_enabled},
		{"alived_tls_certs_expiring",
		 "checks whose certificate has ended or ends within expire_warn",
		 s->certs_expiring},
		{"alived_blind", "1 while removals are frozen because most hosts fail at once",
		 s->is_blind},
		{"alived_warm", "1 when every first verdict is known", s->is_warm},
		{"alived_balancer_connected", "1 while the balancer answers",
		 s->balancer_connected},
		{"alived_balancer_modules", "balancer modules listed", s->balancer_modules},
		{"alived_balancer_undelivered", "changes that the balancer has not acknowledged",
		 s->balancer_undelivered},
		{"alived_balancer_absent_reals", "real servers that no balancer module lists",
		 s->balancer_absent},
		{"alived_balancer_foreign_reals",
		 "real servers in the balancer that are not configured here", s->balancer_foreign},
		{"alived_announcer_groups", "announce groups", s->announcer_groups},
		{"alived_announcer_groups_synced", "announce groups whose state is accepted",
		 s->announcer_groups_synced},
		{"alived_announcer_unsent", "announcements and withdrawals not accepted yet",
		 s->announcer_unsent},
		{"alived_generation_adopted", "configuration the verdicts are made with",
		 s->generation},
	};

	for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
		prom_gauge(p, gauges[i].name, gauges[i].help, gauges[i].value);
}

static void put_backend(struct prom *p, const char *name, const char *help, const char *backend)
{
	prom_head(p, name, "gauge", help);
	prom_u64(p, name, "", &(struct prom_label){"backend", backend}, 1, 1);
}

static void put_configuration(struct prom *p, const struct api_args *args,
			      const struct overview_gen *gen, const struct summary *s)
{
	prom_head(p, "alived_build_info", "gauge", "1, with the version as a label");
	prom_u64(p, "alived_build_info", "", &(struct prom_label){"version", version_text()}, 1, 1);
	put_backend(p, "alived_balancer_info", "1, with the balancer backend as a label",
		    s->balancer_backend == BALANCER_YANET ? "yanet" : "none");
	put_backend(p, "alived_announcer_info", "1, with the announcer backend as a label",
		    app_config_announcer_text(s->announcer_backend));
	prom_gauge(p, "alived_generation", "number of the active configuration", gen->number);
	prom_head(p, "alived_config_load_timestamp_seconds", "gauge",
		  "when the active configuration was read");
	prom_milli(p, "alived_config_load_timestamp_seconds", "", NULL, 0,
		   gen->loaded_wall_ns / CLK_MS);
	prom_gauge(p, "alived_workers", "worker threads", args->n_workers);
}

static void put_threads(struct prom *p, const struct api_args *args)
{
	static const char name[] = "alived_thread_silence_seconds";
	uint64_t now_ns = clk_mono_ns();

	prom_head(p, name, "gauge", "time since a thread's last sign of life");
	for (uint32_t i = 0; i < args->n_beats; i++)
		prom_milli(p, name, "", &(struct prom_label){"thread", args->beats[i].name}, 1,
			   overview_silence_ns(&args->beats[i], now_ns) / CLK_MS);
}

static void put_counters(struct prom *p, const struct api_args *args)
{
	char name[NAME_MAX_BYTES];

	for (unsigned i = 0; i < CTR__N; i++) {
		snprintf(name, sizeof(name), "alived_%s_total", counter_metric((enum counter)i));
		prom_head(p, name, "counter", counter_help((enum counter)i));
		prom_u64(p, name, "", NULL, 0, overview_counter(args, (enum counter)i));
	}
	prom_head(p, "alived_log_dropped_total", "counter", "log records lost to full rings");
	prom_u64(p, "alived_log_dropped_total", "", NULL, 0, log_dropped());
}

static void put_process(struct prom *p)
{
	struct procstat s;

	procstat_read(&s);
	prom_head(p, "process_cpu_seconds_total", "counter", "user and system CPU time");
	prom_milli(p, "process_cpu_seconds_total", "", NULL, 0, s.cpu_ms);
	prom_gauge(p, "process_resident_memory_bytes", "resident memory", s.resident_bytes);
	prom_gauge(p, "process_virtual_memory_bytes", "virtual memory", s.virtual_bytes);
	prom_gauge(p, "process_open_fds", "open file descriptors", s.open_fds);
	prom_gauge(p, "process_max_fds", "limit of open file descriptors", s.max_fds);
	prom_gauge(p, "process_threads", "threads", s.n_threads);
	prom_gauge(p, "process_start_time_seconds", "start, in seconds since 1970", s.start_wall_s);
}

int metrics_debug(const struct api_args *args, struct buf *out)
{
	struct prom p = {.to = out};

	(void)args;
	put_process(&p);
	return finish(&p);
}

int metrics_all(const struct api_args *args, struct buf *out)
{
	struct prom p = {.to = out};
	struct overview_gen gen;
	struct summary s;

	overview_gen(args, &gen);
	overview_summary(args, &s);
	put_configuration(&p, args, &gen, &s);
	put_objects(&p, &s);
	put_gauges(&p, &s);
	announceview_metrics(args, &p);
	put_threads(&p, args);
	tunnelview_metrics(args, &p);
	snapshotview_metrics(args, &p);
	put_counters(&p, args);
	put_reference(&p, &gen, &s);
	put_process(&p);
	return finish(&p);
}

/* --- per service ----------------------------------------------------------------------------- */

static const struct {
	const char *name, *help;
} per_service[] = {
	{"reals", "number of reals for service"},
	{"reals_enabled", "number of enabled reals for service"},
	{"alived_tls_cert_expiry_timestamp_seconds",
	 "earliest end of a certificate among the service's checks"},
};

static void begin_pass(struct walk *w)
{
	struct prom p = {.to = w->out.to, .is_full = w->out.is_full};

	prom_head(&p, per_service[w->pass].name, "gauge", per_service[w->pass].help);
	w->out.is_full = p.is_full;
}

/* False: nothing to tell. */
static bool value_of(const struct walk *w, uint64_t *ret_value)
{
	const struct service_spec *spec = w->service.spec;

	if (w->pass == 0)
		*ret_value = spec->n_reals;
	else if (w->pass == 1)
		*ret_value = w->service.row.alive_count;
	else
		*ret_value = tlsview_earliest_expiry(w, spec);
	return w->pass < 2 || *ret_value;
}

static void put_service(struct walk *w)
{
	const struct service_spec *spec = w->service.spec;
	struct prom p = {.to = w->out.to, .is_full = w->out.is_full};
	char vip[ADDR_TEXT_BYTES], port[8] = "";
	const struct prom_label labels[] = {
		{"proto", status_proto_text(spec->proto)},
		{"vip", vip},
		{"vport", port},
	};
	uint64_t value;

	if (!value_of(w, &value))
		return;
	addr_format(&spec->vip, vip);
	if (spec->flags & SERVICE_HAS_PORT)
		snprintf(port, sizeof(port), "%u", spec->port);
	prom_u64(&p, per_service[w->pass].name, "", labels, ARRAY_LEN(labels), value);
	w->out.is_full = p.is_full;
}

const struct walk_view metrics_per_service = {
	.begin = begin_pass,
	.service = put_service,
	.n_passes = ARRAY_LEN(per_service),
};
