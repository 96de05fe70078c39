#include <criterion/criterion.h>

#include "api/route.h"

#include <ctype.h>

#include "unit/api/api_rig.h"

static struct api_rig rig;

static void setup(void)
{
	api_rig_start(&rig);
}

static void teardown(void)
{
	api_rig_stop(&rig);
}

TestSuite(route, .init = setup, .fini = teardown);

Test(route, unknown_path_is_404_with_code_5)
{
	rig_expect(rig_get(&rig, API_HTTP, "/v2/status"), 404,
		   "{\"code\":5,\"message\":\"Not Found\",\"details\":[]}");
	rig_expect(rig_get(&rig, API_HTTP, "/v1/status/"), 404, NULL);
	rig_expect(rig_post(&rig, API_UNIX, "/", "x"), 404, NULL);
}

Test(route, wrong_method_is_501_with_code_12)
{
	rig_expect(rig_get(&rig, API_HTTP, "/v1/reload"), 501,
		   "{\"code\":12,\"message\":\"Method Not Allowed\",\"details\":[]}");
	rig_expect(rig_post(&rig, API_HTTP, "/v1/status", ""), 501, NULL);
	rig_expect(
		rig_exchange(rig_connect_tcp(&rig, API_HTTP), "DELETE /v1/status HTTP/1.0\r\n\r\n"),
		501, NULL);
}

Test(route, each_listener_has_its_own_paths)
{
	rig_expect(rig_get(&rig, API_HTTP, "/metrics"), 404, NULL);
	rig_expect(rig_get(&rig, API_METRICS, "/v1/status"), 404, NULL);
	rig_expect(rig_post(&rig, API_METRICS, "/v1/reload", ""), 404, NULL);
	rig_expect(rig_get(&rig, API_METRICS, "/metrics"), 200, NULL);
	rig_expect(rig_get(&rig, API_METRICS, "/v1/metrics/global"), 200, NULL);
	rig_expect(rig_get(&rig, API_METRICS, "/v1/metrics/debug"), 200, NULL);
	rig_expect(rig_get(&rig, API_METRICS, "/v1/metrics/per_service"), 200, NULL);
	rig_expect(rig_get(&rig, API_UNIX, "/metrics"), 200, NULL);
}

Test(route, per_service_metrics_are_off_unless_enabled)
{
	rig.fleet.app.enable_per_service_metrics = false;
	rig_expect(rig_get(&rig, API_METRICS, "/v1/metrics/per_service"), 404, NULL);
}

Test(route, override_is_refused_over_the_network)
{
	static const char body[] =
		"{\"vs\":\"tcp/192.0.2.1:80\",\"rs\":\"10.0.0.1:80\",\"state\":\"down\"}";
	char *text = rig_post(&rig, API_HTTP, "/v1/override", body);

	cr_assert_eq(rig_status(text), 403);
	cr_assert_not_null(strstr(rig_body(text), "\"code\":7,"));
	free(text);
	cr_assert_null(command_take(&rig.port));
}

Test(route, malformed_bodies_are_400_with_code_3)
{
	rig_expect(rig_post(&rig, API_HTTP, "/v1/reload", "{\"x\":1}"), 400,
		   "{\"code\":3,\"message\":\"unknown field in request body\",\"details\":[]}");
	rig_expect(rig_post(&rig, API_HTTP, "/v1/reload", "[]"), 400, NULL);
	rig_expect(rig_post(&rig, API_HTTP, "/v1/reload", "{"), 400, NULL);
	rig_expect(rig_post(&rig, API_UNIX, "/v1/override", "{}"), 400, NULL);
	cr_assert_null(command_take(&rig.port));
}

Test(route, names_that_nobody_has_are_404)
{
	rig_expect(rig_get(&rig, API_UNIX, "/v1/reals?vs=tcp/192.0.2.9:80"), 404, NULL);
	rig_expect(rig_get(&rig, API_UNIX, "/v1/reals?vs=nonsense"), 404, NULL);
	rig_expect(
		rig_post(&rig, API_UNIX, "/v1/override",
			 "{\"vs\":\"tcp/192.0.2.9:80\",\"rs\":\"10.0.0.1:80\",\"state\":\"up\"}"),
		404, NULL);
	rig_expect(
		rig_post(&rig, API_UNIX, "/v1/override",
			 "{\"vs\":\"tcp/192.0.2.1:80\",\"rs\":\"10.0.0.9:80\",\"state\":\"up\"}"),
		404, NULL);
	cr_assert_null(command_take(&rig.port));
}

Test(route, reals_of_one_service_are_chosen_by_name)
{
	char *text = rig_get(&rig, API_UNIX, "/v1/reals?vs=udp%2F2001:db8::1");

	cr_assert_eq(rig_status(text), 200);
	cr_assert_not_null(strstr(text, "\"rs\":\"2001:db8::2\""));
	cr_assert_null(strstr(text, "10.0.0.1"));
	free(text);
}

Test(route, head_is_answered_without_body)
{
	char *text =
		rig_exchange(rig_connect_tcp(&rig, API_HTTP),
			     "HEAD /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

	rig_expect(text, 200, "");
	text = rig_exchange(rig_connect_tcp(&rig, API_HTTP),
			    "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	rig_expect(text, 200, "");
	rig_await(&rig.fleet.gen->api_holds, 0);
}

static void copy_id(const char *response, char out[37])
{
	const char *at = strstr(response, "X-Request-ID: ");

	cr_assert_not_null(at, "%s", response);
	memcpy(out, at + 14, 36);
	out[36] = 0;
	cr_assert_eq(at[50], '\r');
}

Test(route, every_answer_has_its_own_uuid4)
{
	char *a = rig_exchange(rig_connect_tcp(&rig, API_HTTP),
			       "GET /healthz HTTP/1.0\r\nX-Request-ID: mine\r\n\r\n");
	char *b = rig_get(&rig, API_HTTP, "/nowhere");
	char id_a[37], id_b[37];

	copy_id(a, id_a);
	copy_id(b, id_b);
	cr_assert_str_neq(id_a, id_b);
	for (int i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		cr_assert(is_dash ? id_a[i] == '-' : isxdigit((unsigned char)id_a[i]));
	}
	cr_assert_eq(id_a[14], '4');
	cr_assert_not_null(strchr("89ab", id_a[19]));
	free(a);
	free(b);
}

Test(route, requests_and_refusals_are_counted)
{
	uint64_t requests = counter_get(&rig.counters, CTR_API_REQUESTS);

	rig_expect(rig_get(&rig, API_HTTP, "/healthz"), 200, NULL);
	rig_expect(rig_get(&rig, API_HTTP, "/nowhere"), 404, NULL);
	cr_assert_eq(counter_get(&rig.counters, CTR_API_REQUESTS), requests + 2);
	cr_assert_eq(counter_get(&rig.counters, CTR_API_REFUSED), 1);
}
