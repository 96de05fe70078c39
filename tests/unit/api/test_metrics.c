#include <criterion/criterion.h>

#include "api/metrics.h"

#include <ctype.h>

#include "base/rcu.h"
#include "unit/api/fleet_fixture.h"

static struct fleet_fixture f;
static struct generation *_Atomic current;
static struct summary summary;
static struct counters block;
static const struct counters *const all[] = {&block};
static struct beat beat;
static const struct api_beat names[] = {{"sched", &beat}};
static struct api_args args = {.app = &f.app,
			       .tables = &f.tables,
			       .generation = &current,
			       .all_counters = all,
			       .n_counters = 1,
			       .beats = names,
			       .n_beats = 1,
			       .summary = &summary,
			       .n_workers = 2};

static void setup(void)
{
	rcu_thread_register();
	fleet_fixture_init(&f);
	/* relaxed: one thread */
	atomic_store_explicit(&current, f.gen, memory_order_relaxed);
	summary = (struct summary){.reals_enabled = 2,
				   .checks_down = 4,
				   .prefixes_announced = 1,
				   .is_blind = 1,
				   .response_buckets = {1, 2, 0, 0, 0, 0, 3, 4},
				   .response_sum_us = 4294967296000500,
				   .transition_buckets = {0, 1, 0, 0, 2},
				   .transition_sum_s = 700,
				   .errors = {6}};
}

static void teardown(void)
{
	fleet_fixture_deinit(&f);
	rcu_thread_unregister();
}

TestSuite(metrics, .init = setup, .fini = teardown);

static char *text_of(int (*make)(const struct api_args *, struct buf *))
{
	struct buf out = BUF_INIT(1 << 18);
	char *text;

	cr_assert_eq(make(&args, &out), 0);
	text = strndup((char *)buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	return text;
}

Test(metrics, global_has_the_references_names_labels_and_buckets)
{
	char *text = text_of(metrics_global);

	cr_assert_str_eq(
		text,
		"# HELP reals number of reals\n# TYPE reals gauge\nreals 3\n"
		"# HELP reals_enabled number of enabled reals\n# TYPE reals_enabled gauge\n"
		"reals_enabled 2\n"
		"# HELP reals_error observe reals errors\n# TYPE reals_error counter\n"
		"reals_error{error=\"tcp_dial\"} 6\nreals_error{error=\"tcp_close\"} 0\n"
		"reals_error{error=\"http_create_request\"} 0\n"
		"reals_error{error=\"http_process_request\"} 0\n"
		"reals_error{error=\"http_status_code\"} 0\n"
		"reals_error{error=\"http_read_response\"} 0\n"
		"reals_error{error=\"http_digest\"} 0\nreals_error{error=\"grpc_create_conn\"} 0\n"
		"reals_error{error=\"grpc_check\"} 0\nreals_error{error=\"grpc_status_code\"} 0\n"
		"reals_error{error=\"unknown\"} 0\n"
		"# HELP reals_response_duration observe reals response time\n"
		"# TYPE reals_response_duration histogram\n"
		"reals_response_duration_bucket{le=\"0.01\"} 1\n"
		"reals_response_duration_bucket{le=\"0.05\"} 3\n"
		"reals_response_duration_bucket{le=\"0.1\"} 3\n"
		"reals_response_duration_bucket{le=\"0.15\"} 3\n"
		"reals_response_duration_bucket{le=\"0.3\"} 3\n"
		"reals_response_duration_bucket{le=\"0.5\"} 3\n"
		"reals_response_duration_bucket{le=\"1\"} 6\n"
		"reals_response_duration_bucket{le=\"+Inf\"} 10\n"
		"reals_response_duration_sum 4294967296.0005\nreals_response_duration_count 10\n"
		"# HELP reals_transitions observe reals transition period\n"
		"# TYPE reals_transitions histogram\n"
		"reals_transitions_bucket{le=\"10\"} 0\nreals_transitions_bucket{le=\"30\"} 1\n"
		"reals_transitions_bucket{le=\"60\"} 1\nreals_transitions_bucket{le=\"180\"} 1\n"
		"reals_transitions_bucket{le=\"+Inf\"} 3\n"
		"reals_transitions_sum 700\nreals_transitions_count 3\n");
	free(text);
}

Test(metrics, per_service_has_the_references_labels)
{
	char *text = fleet_fixture_text(&f, &metrics_per_service, SLOT_NONE);

	cr_assert_str_eq(text, "# HELP reals number of reals for service\n# TYPE reals gauge\n"
			       "reals{proto=\"TCP\",vip=\"192.0.2.1\",vport=\"80\"} 2\n"
			       "reals{proto=\"UDP\",vip=\"2001:db8::1\",vport=\"\"} 1\n"
			       "# HELP reals_enabled number of enabled reals for service\n"
			       "# TYPE reals_enabled gauge\n"
			       "reals_enabled{proto=\"TCP\",vip=\"192.0.2.1\",vport=\"80\"} 2\n"
			       "reals_enabled{proto=\"UDP\",vip=\"2001:db8::1\",vport=\"\"} 0\n"
			       "# HELP alived_tls_cert_expiry_timestamp_seconds earliest end of a "
			       "certificate among the service's checks\n"
			       "# TYPE alived_tls_cert_expiry_timestamp_seconds gauge\n");
	free(text);
}

Test(metrics, per_service_has_the_earliest_end_of_a_certificate)
{
	const struct tls_row early = {.cert_expiry_s = 1700000000, .version = 0x0304};
	const struct tls_row late = {.cert_expiry_s = 1800000000, .version = 0x0303};
	struct check_spec *checks = (struct check_spec *)f.gen->checks;
	uint32_t second = f.gen->reals[f.second_real].first_check;
	char *text;

	checks[f.first_check].kind = checks[second].kind = CHECK_HTTPS;
	seqrow_publish(state_tls(&f.tables, f.first_check), &late, sizeof(late));
	seqrow_publish(state_tls(&f.tables, second), &early, sizeof(early));
	text = fleet_fixture_text(&f, &metrics_per_service, SLOT_NONE);
	cr_assert_not_null(strstr(text, "\nalived_tls_cert_expiry_timestamp_seconds"
					"{proto=\"TCP\",vip=\"192.0.2.1\",vport=\"80\"} "
					"1700000000\n"));
	cr_assert_null(strstr(text, "_seconds{proto=\"UDP\""));
	free(text);
}

Test(metrics, a27_reals_follow_the_configuration)
{
	char *text;

	/* relaxed: one thread */
	atomic_store_explicit(&current, NULL, memory_order_relaxed);
	text = text_of(metrics_global);
	cr_assert_not_null(strstr(text, "\nreals 0\n"));
	free(text);
}

/* name{labels} value, with HELP and TYPE before the first of each name; no name twice. */
static void check_format(char *text)
{
	char names_seen[16384] = "\n", name[128], *save = NULL;
	const char *current_name = NULL;

	cr_assert_eq(text[strlen(text) - 1], '\n');
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			size_t n = strcspn(line + 7, " ");

			snprintf(name, sizeof(name), "\n%.*s\n", (int)n, line + 7);
			cr_assert_null(strstr(names_seen, name), "%s twice", name);
			cr_assert_lt(strlen(names_seen) + n + 2, sizeof(names_seen));
			memmove(names_seen + strlen(names_seen), name + 1, n + 2);
			name[n + 1] = 0;
			current_name = name + 1;
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			cr_assert_eq(strncmp(line + 7, current_name, strlen(current_name)), 0);
		} else {
			const char *value = strrchr(line, ' ');

			cr_assert_eq(strncmp(line, current_name, strlen(current_name)), 0, "%s",
				     line);
			cr_assert(value && isdigit((unsigned char)value[1]), "%s", line);
		}
	}
}

Test(metrics, everything_is_one_valid_text)
{
	char *text = text_of(metrics_all);
	static const char *const parts[] = {
		"\nalived_checks{state=\"down\"} 4\n",
		"\nalived_prefixes{state=\"announced\"} 1\n",
		"\nalived_blind 1\n",
		"\nalived_generation 1\n",
		"\nalived_workers 2\n",
		"\nalived_balancer_info{backend=\"none\"} 1\n",
		"\nalived_config_load_timestamp_seconds 1764851514.123\n",
		"\nalived_thread_silence_seconds{thread=\"sched\"} ",
		"\nalived_jobs_issued_total 0\n",
		"\nalived_api_refused_total 0\n",
		"\nreals_enabled 2\n",
		"\nprocess_open_fds ",
		"alived_build_info{version=\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		cr_assert_not_null(strstr(text, parts[i]), "lacks %s", parts[i]);
	check_format(text);
	free(text);
}

Test(metrics, every_counter_is_there)
{
	char *text, name[128];

	for (unsigned i = 0; i < CTR__N; i++)
		counter_add(&block, (enum counter)i, i + 1);
	text = text_of(metrics_all);
	for (unsigned i = 0; i < CTR__N; i++) {
		snprintf(name, sizeof(name), "\nalived_%s_total %u\n",
			 counter_metric((enum counter)i), i + 1);
		cr_assert_not_null(strstr(text, name), "%s", name);
	}
	free(text);
}
