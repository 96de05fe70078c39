#include <criterion/criterion.h>

#include "api/big.h"

#include <jansson.h>

#include "unit/api/api_rig.h"

static struct api_rig rig;

/* Some 1.3 MB of answer: more than the socket holds. */
enum { MANY = 3000 };

static void setup(void)
{
	rig.fleet.n_extra = MANY;
	api_rig_prepare(&rig);
}

static void teardown(void)
{
	api_rig_stop(&rig);
}

TestSuite(big, .init = setup, .fini = teardown);

/* Begins an answer and reads its first byte only. */
static int begin(void)
{
	int fd = rig_connect_unix(&rig);
	char c;

	rig_send(fd, "GET /v1/reals HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	cr_assert_eq(recv(fd, &c, 1, 0), 1);
	cr_assert_eq(c, 'H');
	return fd;
}

Test(big, whole_fleet_arrives)
{
	json_t *j, *list;
	char *text;

	cr_assert_eq(api_start(rig.api), 0);
	text = rig_get(&rig, API_UNIX, "/v1/reals");
	j = json_loads(rig_body(text), JSON_REJECT_DUPLICATES, NULL);
	list = json_object_get(j, "reals");
	cr_assert_eq(json_array_size(list), 3 + MANY);
	json_decref(j);
	free(text);
	rig_await(&rig.fleet.gen->api_holds, 0);
}

Test(big, decisions_49_four_at_once_then_503)
{
	int fds[BIG_AT_ONCE];
	char *text;

	cr_assert_eq(api_start(rig.api), 0);
	for (int i = 0; i < BIG_AT_ONCE; i++)
		fds[i] = begin();
	rig_await(&rig.fleet.gen->api_holds, BIG_AT_ONCE);
	text = rig_get(&rig, API_HTTP, "/v1/status");
	cr_assert_eq(rig_status(text), 503);
	cr_assert_not_null(strstr(text, "Retry-After: 1\r\n"));
	cr_assert_not_null(strstr(text, "\"code\":14,"));
	free(text);
	/* small ones are served */
	rig_expect(rig_get(&rig, API_HTTP, "/v1/summary"), 200, NULL);
	rig_expect(rig_get(&rig, API_METRICS, "/metrics"), 200, NULL);
	/* one client leaves, another is finished: both make room */
	close(fds[0]);
	rig_await(&rig.fleet.gen->api_holds, BIG_AT_ONCE - 1);
	rig_expect(rig_get(&rig, API_HTTP, "/v1/status"), 200, NULL);
	free(rig_read_all(fds[1]));
	rig_await(&rig.fleet.gen->api_holds, BIG_AT_ONCE - 2);
	for (int i = 1; i < BIG_AT_ONCE; i++)
		close(fds[i]);
	rig_await(&rig.fleet.gen->api_holds, 0);
}

Test(big, decisions_7_slow_client_is_dropped_and_lets_the_generation_go)
{
	char *text;
	int fd;

	api_set_deadlines(rig.api, 10 * CLK_S, 200 * CLK_MS);
	cr_assert_eq(api_start(rig.api), 0);
	fd = begin();
	rig_await(&rig.fleet.gen->api_holds, 1);
	rig_await(&rig.fleet.gen->api_holds, 0);
	text = rig_read_all(fd);
	/* it sees that the answer is not whole: no last chunk */
	cr_assert_null(strstr(text, "\r\n0\r\n\r\n"));
	free(text);
	close(fd);
	cr_assert_geq(counter_get(&rig.counters, CTR_API_REFUSED), 1);
	rig_expect(rig_get(&rig, API_UNIX, "/healthz"), 200, NULL);
}

Test(big, decisions_7_dribbling_client_is_dropped_too)
{
	char c;
	int fd;

	api_set_deadlines(rig.api, 10 * CLK_S, 300 * CLK_MS);
	cr_assert_eq(api_start(rig.api), 0);
	fd = begin();
	rig_await(&rig.fleet.gen->api_holds, 1);
	for (int i = 0; i < 400; i++) {
		if (recv(fd, &c, 1, 0) != 1)
			break;
		usleep(2000);
		if (atomic_load_explicit(&rig.fleet.gen->api_holds, memory_order_acquire) == 0)
			break;
	}
	rig_await(&rig.fleet.gen->api_holds, 0);
	close(fd);
}

Test(big, decisions_8_torn_rows_are_left_out)
{
	_Atomic uint32_t *seq =
		(_Atomic uint32_t *)&state_real(&rig.fleet.tables, rig.fleet.first_real)->seq;
	json_t *j, *service;
	char *text;

	cr_assert_eq(api_start(rig.api), 0);
	atomic_fetch_add_explicit(seq, 1, memory_order_release);
	text = rig_get(&rig, API_HTTP, "/v1/status");
	j = json_loads(rig_body(text), 0, NULL);
	cr_assert_not_null(j);
	service = json_array_get(json_object_get(j, "status"), 0);
	cr_assert_eq(json_array_size(json_object_get(service, "rs")), 1);
	cr_assert_null(strstr(text, "\"ip\":\"10.0.0.1\""));
	json_decref(j);
	free(text);
	/* whole again, shown again */
	atomic_fetch_add_explicit(seq, 1, memory_order_release);
	text = rig_get(&rig, API_HTTP, "/v1/status");
	cr_assert_not_null(strstr(text, "\"ip\":\"10.0.0.1\""));
	free(text);
}

Test(big, stop_cuts_answers_and_drops_their_holds)
{
	int fd;

	cr_assert_eq(api_start(rig.api), 0);
	fd = begin();
	rig_await(&rig.fleet.gen->api_holds, 1);
	api_stop(rig.api);
	api_free(rig.api);
	cr_assert_eq(atomic_load_explicit(&rig.fleet.gen->api_holds, memory_order_acquire), 0);
	close(fd);
	cr_assert_eq(api_new(&rig.args, &rig.api), 0);
}
