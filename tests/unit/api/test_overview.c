#include <criterion/criterion.h>

#include "api/overview.h"

#include <jansson.h>

#include "base/clk.h"
#include "base/rcu.h"

static struct summary summary;
static struct counters blocks[2];
static const struct counters *const all[] = {&blocks[0], &blocks[1]};
static struct beat beats[2];
static const struct api_beat names[] = {{"sched", &beats[0]}, {"worker0", &beats[1]}};
static struct generation gen = {.number = 4, .n_reals = 9, .loaded_wall_ns = CLK_S};
static struct generation *_Atomic current;

static struct api_args args = {.generation = &current,
			       .all_counters = all,
			       .n_counters = 2,
			       .beats = names,
			       .n_beats = 2,
			       .summary = &summary,
			       .n_workers = 3};

static void setup(void)
{
	rcu_thread_register();
	/* relaxed: one thread */
	atomic_store_explicit(&current, &gen, memory_order_relaxed);
}

TestSuite(overview, .init = setup, .fini = rcu_thread_unregister);

Test(overview, counters_are_summed_over_threads)
{
	counter_add(&blocks[0], CTR_RESULTS_GOOD, 5);
	counter_add(&blocks[1], CTR_RESULTS_GOOD, 7);
	cr_assert_eq(overview_counter(&args, CTR_RESULTS_GOOD), 12);
	cr_assert_eq(overview_counter(&args, CTR_RESULTS_BAD), 0);
}

Test(overview, decisions_43_thread_is_dead_after_two_seconds)
{
	uint64_t now = 100 * CLK_S;

	beat_mark(&beats[0], now - 2 * CLK_S + 1);
	beat_mark(&beats[1], now);
	cr_assert_null(overview_dead_thread(&args, now));
	cr_assert_str_eq(overview_dead_thread(&args, now + 1)->name, "sched");
	/* of several, the longest silent one */
	cr_assert_str_eq(overview_dead_thread(&args, now + 9 * CLK_S)->name, "sched");
	beat_mark(&beats[1], 0);
	cr_assert_str_eq(overview_dead_thread(&args, now + 9 * CLK_S)->name, "worker0");
}

Test(overview, beat_from_the_future_is_no_silence)
{
	beat_mark(&beats[0], 10 * CLK_S);
	cr_assert_eq(overview_silence_ns(&names[0], 9 * CLK_S), 0);
}

static void tear(int by)
{
	/* release: as a writer's odd store */
	atomic_fetch_add_explicit((_Atomic uint32_t *)&summary.seq, (uint32_t)by,
				  memory_order_release);
}

Test(overview, torn_summary_reads_as_zero)
{
	struct summary s = {.reals_up = 1};

	seqrow_publish(&summary, &(struct summary){.reals_up = 8}, sizeof(summary));
	overview_summary(&args, &s);
	cr_assert_eq(s.reals_up, 8);
	tear(1);
	overview_summary(&args, &s);
	cr_assert_eq(s.reals_up, 0);
	tear(-1);
}

static json_t *document(void)
{
	struct buf out = BUF_INIT(1 << 16);
	json_t *j;

	cr_assert_eq(overview_json(&args, CLK_S, &out), 0);
	j = json_loadb((char *)buf_head(&out), buf_len(&out), JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(j);
	buf_deinit(&out);
	return j;
}

Test(overview, summary_names_everything)
{
	json_int_t up, generation, silent;
	const char *backend;
	int connected, dead = -1;
	json_t *j;

	seqrow_publish(&summary,
		       &(struct summary){.generation = 3,
					 .reals_up = 8,
					 .balancer_backend = BALANCER_YANET,
					 .balancer_connected = 1},
		       sizeof(summary));
	beat_mark(&beats[0], clk_mono_ns());
	j = document();
	cr_assert_eq(json_unpack(j, "{s:{s:I},s:I,s:{s:s,s:b},s:[{},{s:I,s:b}],s:{s:I}}", "reals",
				 "up", &up, "generation", &generation, "balancer", "backend",
				 &backend, "connected", &connected, "threads", "silent_ms", &silent,
				 "alive", &dead, "counters", "results_good", &silent),
		     0);
	cr_assert_eq(up, 8);
	cr_assert_eq(generation, 4);
	cr_assert_str_eq(backend, "yanet");
	cr_assert_eq(connected, 1);
	cr_assert_eq(dead, 0);
	cr_assert_eq(json_integer_value(json_object_get(j, "adopted")), 3);
	cr_assert_eq(json_integer_value(json_object_get(j, "workers")), 3);
	cr_assert_str_eq(json_string_value(json_object_get(j, "loaded")), "1970-01-01T00:00:01Z");
	json_decref(j);
}

Test(overview, document_that_does_not_fit_is_an_error)
{
	struct buf out = BUF_INIT(64);

	cr_assert_lt(overview_json(&args, CLK_S, &out), 0);
	buf_deinit(&out);
}
