#include <criterion/criterion.h>

#include "api/api.h"

#include <errno.h>
#include <sys/stat.h>

#include "unit/api/api_rig.h"

static struct api_rig rig;

Test(api, status_is_the_same_on_http_and_unix_socket)
{
	char *tcp, *local;

	api_rig_start(&rig);
	tcp = rig_get(&rig, API_HTTP, "/v1/status");
	local = rig_get(&rig, API_UNIX, "/v1/status");
	cr_assert_eq(rig_status(tcp), 200);
	cr_assert_not_null(strstr(tcp, "Content-Type: application/json\r\n"));
	cr_assert_not_null(strstr(rig_body(tcp),
				  "{\"update_timestamp\":\"2025-12-04T12:31:54.123456789Z\","
				  "\"status\":[{\"vip\":\"192.0.2.1\",\"port\":80,"));
	cr_assert_eq(strlen(rig_body(tcp)), strlen(rig_body(local)));
	free(tcp);
	free(local);
	api_rig_stop(&rig);
}

Test(api, stop_ends_open_connections_and_removes_the_socket)
{
	char *text;
	int fd;

	api_rig_start(&rig);
	fd = rig_connect_unix(&rig);
	rig_send(fd, "GET /v1/sta");
	free(rig_get(&rig, API_HTTP, "/healthz"));
	api_rig_stop(&rig); /* rmdir of its directory succeeds */
	text = rig_read_all(fd);
	cr_assert_str_empty(text);
	free(text);
	close(fd);
}

Test(api, unused_api_can_be_freed)
{
	api_rig_prepare(&rig);
	api_rig_stop(&rig);
}

Test(api, empty_addresses_switch_listeners_off)
{
	struct api *api;

	api_rig_prepare(&rig);
	rig.fleet.app.server.http_addr = rig.fleet.app.server.metrics_addr = (char *)(uintptr_t) "";
	rig.args.app = &(struct app_config){.server = {.http_addr = (char *)(uintptr_t) ""}};
	cr_assert_eq(api_new(&rig.args, &api), 0);
	cr_assert_eq(api_port(api, API_HTTP), 0);
	cr_assert_eq(api_port(api, API_METRICS), 0);
	api_free(api);
	api_rig_stop(&rig);
}

Test(api, address_in_use_is_an_error)
{
	struct app_config app = {0};
	char address[32];
	struct api *api;

	api_rig_prepare(&rig);
	snprintf(address, sizeof(address), "127.0.0.1:%u", api_port(rig.api, API_HTTP));
	app.server.http_addr = address;
	rig.args.app = &app;
	log_set_fd(dup(1)); /* the expected error line is not the test's output */
	cr_assert_eq(api_new(&rig.args, &api), -EADDRINUSE);
	api_rig_stop(&rig);
}

Test(api, the_thread_beats)
{
	api_rig_start(&rig);
	for (int i = 0; i < 200; i++) {
		beat_mark(&rig.beats[0], 1);
		free(rig_get(&rig, API_HTTP, "/healthz"));
		if (beat_last(&rig.beats[0]) > 1)
			break;
	}
	cr_assert_gt(beat_last(&rig.beats[0]), 1);
	api_rig_stop(&rig);
}

Test(api, healthz_names_a_thread_without_sign_of_life)
{
	char *text;

	api_rig_start(&rig);
	rig_expect(rig_get(&rig, API_HTTP, "/healthz"), 200, "ok\n");
	beat_mark(&rig.beats[1], clk_mono_ns() - 3 * CLK_S);
	text = rig_get(&rig, API_HTTP, "/healthz");
	cr_assert_eq(rig_status(text), 503);
	cr_assert_str_eq(rig_body(text), "thread sched: no sign of life for 3 s\n");
	free(text);
	/* it is alive again */
	beat_mark(&rig.beats[1], clk_mono_ns());
	rig_expect(rig_get(&rig, API_UNIX, "/healthz"), 200, "ok\n");
	/* and one that never beat is not */
	beat_mark(&rig.beats[1], 0);
	rig_expect(rig_get(&rig, API_METRICS, "/healthz"), 503, NULL);
	api_rig_stop(&rig);
}

Test(api, nothing_is_answered_from_before_the_first_generation)
{
	api_rig_start(&rig);
	atomic_store_explicit(&rig.current, NULL, memory_order_release);
	rig_expect(rig_get(&rig, API_HTTP, "/v1/status"), 503, NULL);
	rig_expect(rig_get(&rig, API_HTTP, "/v1/summary"), 200, NULL);
	rig_expect(rig_get(&rig, API_METRICS, "/metrics"), 200, NULL);
	api_rig_stop(&rig);
}
