#include <criterion/criterion.h>

#include "api/tunnelview.h"

#include <errno.h>
#include <jansson.h>

#include "base/clk.h"

static struct tunnel tunnel;
static struct counters counters;
static const struct counters *const all[] = {&counters};
static struct api_args args = {.all_counters = all, .n_counters = 1};

/* Queue 65431 is nobody's; IPv4 was proven just now; two packets sent, one refused. */
static void begin(void)
{
	cr_assert_eq(tunnel_init(&tunnel), 0);
	tunnel.queue = 65431;
	tunnel_set32(&tunnel.state, TUNNEL_OPEN);
	tunnel_set64(&tunnel.proven_ns[TUNNEL_V4], clk_mono_ns());
	tunnel_set32(&tunnel.rules[TUNNEL_V4], TUNNEL_RULE_PROVEN);
	tunnel_set32(&tunnel.rules[TUNNEL_V6], TUNNEL_RULE_MISSING);
	tunnel_set32(&tunnel.needs[TUNNEL_V4], 9);
	tunnel_count_packet(&tunnel, TUNNEL_WAY_GRE, TUNNEL_SENT, 0);
	tunnel_count_packet(&tunnel, TUNNEL_WAY_GRE, TUNNEL_SENT, 0);
	tunnel_count_packet(&tunnel, TUNNEL_WAY_DR, TUNNEL_REFUSED, EMSGSIZE);
	tunnel_count_latency(&tunnel, 7 * CLK_US, 2);
	tunnel_count_latency(&tunnel, 60 * CLK_MS, 1);
	counter_add(&counters, CTR_TUN_MALFORMED, 5);
	args.tunnel = &tunnel;
}

static void end(void)
{
	tunnel_deinit(&tunnel);
}

TestSuite(tunnelview, .init = begin, .fini = end);

static json_t *document(void)
{
	struct buf out = BUF_INIT(1 << 16);
	struct jsonout j = JSONOUT_TO(&out);
	json_t *doc;

	jsonout_open(&j, '{');
	tunnelview_json(&args, &j);
	jsonout_close(&j, '}');
	cr_assert(!j.is_full);
	doc = json_loadb((char *)buf_head(&out), buf_len(&out), JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(doc);
	buf_deinit(&out);
	return doc;
}

static char *metrics(void)
{
	struct buf out = BUF_INIT(1 << 16);
	struct prom p = {.to = &out};
	char *text;

	tunnelview_metrics(&args, &p);
	cr_assert(!p.is_full);
	text = strndup((char *)buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	return text;
}

static void has(const char *text, const char *line)
{
	cr_assert_not_null(strstr(text, line), "%s\nnot in\n%s", line, text);
}

Test(tunnelview, summary_names_state_packets_and_reasons)
{
	json_int_t reals, sent, refused, dropped, errors, n, sum;
	const char *rule4, *rule6, *state;
	int proven4, proven6;
	json_t *doc = document(), *t = json_object_get(doc, "tunnel");

	cr_assert_eq(json_unpack(t, "{s:s,s:{s:I,s:s,s:b},s:{s:s,s:b}}", "state", &state, "ipv4",
				 "reals", &reals, "rule", &rule4, "proven", &proven4, "ipv6",
				 "rule", &rule6, "proven", &proven6),
		     0);
	cr_assert_str_eq(state, "open");
	cr_assert_str_eq(rule4, "proven");
	cr_assert_str_eq(rule6, "missing");
	cr_assert(proven4 && !proven6 && reals == 9);
	cr_assert_eq(json_unpack(t, "{s:{s:{s:I},s:{s:I}},s:{s:I},s:{s:I},s:{s:I,s:I}}", "packets",
				 "gre", "sent", &sent, "dr", "refused", &refused, "drops",
				 "malformed", &dropped, "send_errors", "EMSGSIZE", &errors,
				 "latency", "packets", &n, "sum_us", &sum),
		     0);
	cr_assert_eq(sent, 2);
	cr_assert_eq(refused, 1);
	cr_assert_eq(dropped, 5);
	cr_assert_eq(errors, 1);
	cr_assert_eq(n, 3);
	cr_assert_eq(sum, 60014);
	cr_assert(json_is_null(json_object_get(t, "kernel_queue")), "nobody has it open");
	json_decref(doc);
}

Test(tunnelview, error_of_a_closed_tunnel_is_named)
{
	json_t *doc;

	tunnel_set32(&tunnel.state, TUNNEL_CLOSED);
	tunnel_set32(&tunnel.error, EPERM);
	doc = document();
	cr_assert_str_eq(
		json_string_value(json_object_get(json_object_get(doc, "tunnel"), "error")),
		"EPERM");
	json_decref(doc);
}

Test(tunnelview, without_a_thread_it_is_null)
{
	json_t *doc;
	char *text;

	args.tunnel = NULL;
	doc = document();
	cr_assert(json_is_null(json_object_get(doc, "tunnel")));
	json_decref(doc);
	text = metrics();
	cr_assert_null(strstr(text, "alived_tunnel_open"));
	has(text, "\nalived_tunnel_enabled 0\n");
	free(text);
}

Test(tunnelview, metrics_have_labels_for_method_result_reason_and_errno)
{
	char *text = metrics();

	has(text, "\nalived_tunnel_enabled 1\n");
	has(text, "\nalived_tunnel_open 1\n");
	has(text, "\nalived_tunnel_proven{family=\"ipv4\"} 1\n");
	has(text, "\nalived_tunnel_proven{family=\"ipv6\"} 0\n");
	has(text, "\nalived_tunnel_rule{family=\"ipv6\",state=\"missing\"} 1\n");
	has(text, "\nalived_tunnel_rule{family=\"ipv6\",state=\"proven\"} 0\n");
	has(text, "\nalived_tunnel_packets_total{method=\"gre\",result=\"sent\"} 2\n");
	has(text, "\nalived_tunnel_packets_total{method=\"dr\",result=\"unresolved\"} 0\n");
	has(text, "\nalived_tunnel_drops_total{reason=\"malformed\"} 5\n");
	has(text, "\nalived_tunnel_send_errors_total{errno=\"EMSGSIZE\"} 1\n");
	cr_assert_null(strstr(text, "alived_tunnel_queue_packets"), "no queue, no figures");
	free(text);
}

Test(tunnelview, histogram_is_in_seconds_and_cumulative)
{
	char *text = metrics();

	has(text, "\n# TYPE alived_tunnel_latency_seconds histogram\n");
	has(text, "\nalived_tunnel_latency_seconds_bucket{le=\"0.000005\"} 0\n");
	has(text, "\nalived_tunnel_latency_seconds_bucket{le=\"0.00001\"} 2\n");
	has(text, "\nalived_tunnel_latency_seconds_bucket{le=\"0.005\"} 2\n");
	has(text, "\nalived_tunnel_latency_seconds_bucket{le=\"+Inf\"} 3\n");
	has(text, "\nalived_tunnel_latency_seconds_sum 0.060014\n");
	has(text, "\nalived_tunnel_latency_seconds_count 3\n");
	free(text);
}
