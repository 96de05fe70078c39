#include "api/overview.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "api/announceview.h"
#include "api/jsonout.h"
#include "api/snapshotview.h"
#include "api/tunnelview.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rcu.h"
#include "base/version.h"

enum { TORN_ROUNDS = 32 };

void overview_gen(const struct api_args *args, struct overview_gen *ret)
{
	const struct generation *g;

	*ret = (struct overview_gen){0};
	rcu_enter();
	g = rcu_get(args->generation);
	if (g)
		*ret = (struct overview_gen){.number = g->number,
					     .n_services = g->n_services,
					     .n_reals = g->n_reals,
					     .n_checks = g->n_checks,
					     .n_prefixes = g->n_prefixes,
					     .loaded_wall_ns = g->loaded_wall_ns};
	rcu_leave();
}

void overview_summary(const struct api_args *args, struct summary *ret)
{
	for (int i_round = 0; i_round < TORN_ROUNDS; i_round++) {
		if (seqrow_read(args->summary, ret, sizeof(*ret)))
			return;
		sched_yield();
	}
	*ret = (struct summary){0};
}

uint64_t overview_counter(const struct api_args *args, enum counter which)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < args->n_counters; i++)
		sum += counter_get(args->all_counters[i], which);
	return sum;
}

uint64_t overview_silence_ns(const struct api_beat *b, uint64_t now_ns)
{
	uint64_t last = beat_last(b->beat);

	return now_ns > last ? now_ns - last : 0;
}

const struct api_beat *overview_dead_thread(const struct api_args *args, uint64_t now_ns)
{
	uint64_t longest = OVERVIEW_SILENCE_S * CLK_S;
	const struct api_beat *dead = NULL;

	for (uint32_t i = 0; i < args->n_beats; i++) {
		uint64_t silence = overview_silence_ns(&args->beats[i], now_ns);

		if (silence >= longest) {
			longest = silence;
			dead = &args->beats[i];
		}
	}
	return dead;
}

static void put_objects(struct jsonout *j, const struct summary *s)
{
	const struct {
		const char *key;
		const char *names[3];
		uint32_t counts[3];
	} kinds[] = {
		{"checks",
		 {"up", "down", "undecided"},
		 {s->checks_up, s->checks_down, s->checks_undecided}},
		{"reals",
		 {"up", "down", "undecided"},
		 {s->reals_up, s->reals_down, s->reals_undecided}},
		{"services",
		 {"up", "down", "undecided"},
		 {s->services_up, s->services_down, s->services_undecided}},
		{"prefixes",
		 {"announced", "withdrawn", "undecided"},
		 {s->prefixes_announced, s->prefixes_withdrawn, s->prefixes_undecided}},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		jsonout_key(j, kinds[i].key);
		jsonout_open(j, '{');
		for (int k = 0; k < 3; k++)
			jsonout_ku64(j, kinds[i].names[k], kinds[i].counts[k]);
		jsonout_close(j, '}');
	}
	jsonout_ku64(j, "reals_enabled", s->reals_enabled);
	jsonout_ku64(j, "certs_expiring", s->certs_expiring);
}

static void put_balancer(struct jsonout *j, const struct summary *s)
{
	jsonout_key(j, "balancer");
	jsonout_open(j, '{');
	jsonout_kstr(j, "backend", s->balancer_backend == BALANCER_YANET ? "yanet" : "none");
	jsonout_kbool(j, "connected", s->balancer_connected);
	jsonout_ku64(j, "modules", s->balancer_modules);
	jsonout_ku64(j, "undelivered", s->balancer_undelivered);
	jsonout_ku64(j, "absent", s->balancer_absent);
	jsonout_ku64(j, "foreign", s->balancer_foreign);
	jsonout_close(j, '}');
}

static void put_announcer(struct jsonout *j, const struct api_args *args, const struct summary *s)
{
	jsonout_key(j, "announcer");
	jsonout_open(j, '{');
	jsonout_kstr(j, "backend", app_config_announcer_text(s->announcer_backend));
	jsonout_ku64(j, "groups", s->announcer_groups);
	jsonout_ku64(j, "groups_synced", s->announcer_groups_synced);
	jsonout_ku64(j, "unsent", s->announcer_unsent);
	announceview_brief(args, j);
	jsonout_close(j, '}');
}

static void put_threads(struct jsonout *j, const struct api_args *args, uint64_t now_ns)
{
	jsonout_key(j, "threads");
	jsonout_open(j, '[');
	for (uint32_t i = 0; i < args->n_beats; i++) {
		uint64_t silence = overview_silence_ns(&args->beats[i], now_ns);

		jsonout_open(j, '{');
		jsonout_kstr(j, "name", args->beats[i].name);
		jsonout_ku64(j, "silent_ms", silence / CLK_MS);
		jsonout_kbool(j, "alive", silence < OVERVIEW_SILENCE_S * CLK_S);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void put_counters(struct jsonout *j, const struct api_args *args)
{
	jsonout_key(j, "counters");
	jsonout_open(j, '{');
	for (unsigned i = 0; i < CTR__N; i++)
		jsonout_ku64(j, counter_metric((enum counter)i),
			     overview_counter(args, (enum counter)i));
	jsonout_ku64(j, "log_dropped", log_dropped());
	jsonout_close(j, '}');
}

int overview_json(const struct api_args *args, uint64_t start_wall_ns, struct buf *out)
{
	struct jsonout j = JSONOUT_TO(out);
	struct overview_gen gen;
	struct summary s;

	overview_gen(args, &gen);
	overview_summary(args, &s);
	jsonout_open(&j, '{');
	jsonout_kstr(&j, "version", version_text());
	jsonout_ku64(&j, "pid", (uint64_t)getpid());
	jsonout_ktime(&j, "now", clk_wall_ns() / CLK_MS * CLK_MS);
	jsonout_ktime(&j, "started", start_wall_ns / CLK_MS * CLK_MS);
	jsonout_ktime(&j, "loaded", gen.loaded_wall_ns);
	jsonout_ku64(&j, "generation", gen.number);
	jsonout_ku64(&j, "adopted", s.generation);
	jsonout_kbool(&j, "warm", s.is_warm);
	jsonout_kbool(&j, "blind", s.is_blind);
	jsonout_ku64(&j, "workers", args->n_workers);
	put_objects(&j, &s);
	put_balancer(&j, &s);
	put_announcer(&j, args, &s);
	tunnelview_json(args, &j);
	snapshotview_json(args, &j);
	put_threads(&j, args, clk_mono_ns());
	put_counters(&j, args);
	jsonout_close(&j, '}');
	return j.is_full ? err_origin(-ENOBUFS) : 0;
}
