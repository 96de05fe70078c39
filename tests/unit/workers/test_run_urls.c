/* Checks of several urls: one run, one result, a connection for each url. */
#include "workers/run_urls.h"

#include <errno.h>

#include "bed.h"

enum { MAX_URLS = 4 };

static struct check_extras extras;
static struct check_url urls[MAX_URLS];
static int listener;
static uint32_t check;
static char asked[MAX_URLS][512];
static uint32_t n_asked;

static void begin(uint32_t n_urls)
{
	static const char *const paths[] = {"/a", "/b", "/c", "/d"};
	uint16_t port;

	bed_begin(8);
	listener = peer_listen("127.0.0.1", &port);
	check = gen_fixture_check(&bed.gen, CHECK_HTTP, "127.0.0.1", port);
	extras = (struct check_extras){.method = "",
				       .headers = "",
				       .max_body_bytes = 1000,
				       .n_urls = n_urls,
				       .urls = urls};
	for (uint32_t i = 0; i < n_urls; i++)
		urls[i] = (struct check_url){
			.path = paths[i],
			.virtualhost = "h",
			.status = {.at = {{200, 200}}, .n = 1},
		};
	bed.gen.gen.extras = &extras;
	bed.gen.gen.n_extras = 1;
	bed.gen.profiles[check].extras = 1;
	n_asked = 0;
}

static void end(void)
{
	cr_expect_eq(bed.runs.in_flight, 0);
	cr_expect_eq(bed.runs.pool.n_in_use, 0, "every socket was given back");
	bed_expect_none();
	bed_end();
	close(listener);
}

static void answer(int fd, const char *text)
{
	char request[512];
	ssize_t n = peer_recv(fd, request, sizeof(request) - 1, BED_WAIT_MS);

	cr_assert_gt(n, 0);
	request[n] = 0;
	memcpy(asked[n_asked++ % MAX_URLS], request, (size_t)n + 1);
	cr_assert_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* One turn of the loop, as the worker makes it: events, then deadlines. */
static void turn(int ms)
{
	bed_turn(ms);
	run_deadlines(&bed.runs, clk_mono_ns(), 100);
}

/* The check from start to result; connection i gets answers[i]. */
static struct result run_check(const char *const *answers)
{
	uint64_t limit = clk_mono_ns() + BED_WAIT_MS * CLK_MS;
	struct result r = {0};
	struct done d;
	uint32_t i = 0;

	bed_start(check);
	while (!bed_take(&r, &d)) {
		int fd = peer_accept(listener, 0);

		cr_assert_lt(clk_mono_ns(), limit, "no result");
		turn(1);
		if (fd < 0)
			continue;
		cr_assert_leq(bed.runs.pool.n_in_use, 1);
		answer(fd, answers[i++]);
		for (int k = 0; k < 20; k++)
			turn(1);
		close(fd);
	}
	return r;
}

#define OK200 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

TestSuite(run_urls, .timeout = 30);

Test(run_urls, all_are_asked_each_on_its_own_connection)
{
	struct result r;

	begin(3);
	for (int round = 1; round <= 2; round++) {
		r = run_check((const char *const[]){OK200, OK200, OK200});
		cr_expect_eq(r.code, CODE_OK);
		cr_expect_eq(n_asked, 3u * (uint32_t)round);
		cr_expect_eq(r.bytes_read, 3 * strlen(OK200));
		cr_expect_eq(r.flags >> RESULT_URL_SHIFT, 2);
		cr_expect_gt(r.connect_us, 0);
		cr_expect_lt(r.connect_us, r.total_us);
		n_asked = 3u * (uint32_t)round;
	}
	cr_expect_eq(bed.runs.pool.n_made, 1, "the same socket, again and again");
	cr_expect_eq(bed.runs.n_rows, 1);
	end();
}

Test(run_urls, the_first_that_fails_ends_the_check)
{
	struct result r;

	begin(3);
	r = run_check(
		(const char *const[]){OK200, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", OK200});
	cr_expect_eq(r.code, CODE_HTTP_STATUS);
	cr_expect_eq(r.detail, 404);
	cr_expect_eq(r.flags >> RESULT_URL_SHIFT, 1);
	cr_expect_eq(n_asked, 2);
	cr_expect(!memcmp(asked[0], "GET /a ", 7));
	cr_expect(!memcmp(asked[1], "GET /b ", 7));
	end();
}

Test(run_urls, the_smallest_weight_counts)
{
	struct result r;

	begin(3);
	bed.gen.profiles[check].flags = PROFILE_DYNAMIC_WEIGHT;
	r = run_check((const char *const[]){
		"HTTP/1.1 200 x\r\nContent-Length: 12\r\n\r\nrs_weight=30",
		"HTTP/1.1 200 x\r\nContent-Length: 12\r\n\r\nrs_weight=20", OK200});
	cr_expect_eq(r.code, CODE_OK);
	cr_expect_eq(r.weight, 20);
	r = run_check(
		(const char *const[]){"HTTP/1.1 200 x\r\nContent-Length: 12\r\n\r\nrs_weight=30",
				      OK200, "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"});
	cr_expect_eq(r.code, CODE_HTTP_STATUS);
	cr_expect_eq(r.weight, -1, "a bad check says none");
	end();
}

Test(run_urls, one_drained_url_drains_the_check)
{
	struct result r;

	begin(2);
	extras.drain_status = (struct status_set){.at = {{503, 503}}, .n = 1};
	r = run_check((const char *const[]){"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", OK200});
	cr_expect_eq(r.code, CODE_OK);
	cr_expect(r.flags & RESULT_DRAIN);
	cr_expect_eq(n_asked, 2, "the others are asked all the same");
	r = run_check((const char *const[]){OK200, OK200});
	cr_expect(!(r.flags & RESULT_DRAIN));
	r = run_check((const char *const[]){"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n",
					    "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"});
	cr_expect_eq(r.code, CODE_HTTP_STATUS);
	cr_expect(!(r.flags & RESULT_DRAIN));
	end();
}

/* The second url hears nothing: check_timeout counts from the run's start. */
Test(run_urls, check_timeout_bounds_all_of_them)
{
	struct result r = {0};
	struct done d;
	int fd, second = -1;

	begin(2);
	bed.gen.profiles[check].check_timeout_ns = 300 * CLK_MS;
	bed_start(check);
	fd = -1;
	for (int i = 0; i < 1000 && fd < 0; i++) {
		turn(1);
		fd = peer_accept(listener, 0);
	}
	cr_assert_geq(fd, 0);
	for (int i = 0; i < 100; i++)
		turn(1);
	answer(fd, OK200);
	for (int i = 0; i < 1000 && second < 0; i++) {
		turn(1);
		second = peer_accept(listener, 0);
	}
	cr_assert_geq(second, 0);
	bed_expect_none();
	while (!bed_take(&r, &d))
		turn(5);
	cr_expect_eq(r.code, CODE_RESPONSE_TIMEOUT, "%s", check_code_text(r.code));
	cr_expect_geq(r.total_us, 299000);
	cr_expect_lt(r.total_us, 500000);
	cr_expect_eq(r.flags >> RESULT_URL_SHIFT, 1);
	close(fd);
	close(second);
	end();
}

Test(run_urls, a_port_closed_between_two_is_refused_with_its_url)
{
	struct result r = {0};
	struct done d;
	int fd = -1;

	begin(2);
	bed_start(check);
	for (int i = 0; i < 1000 && fd < 0; i++) {
		turn(1);
		fd = peer_accept(listener, 0);
	}
	close(listener);
	answer(fd, OK200);
	for (int i = 0; i < 1000 && !bed_take(&r, &d); i++)
		turn(1);
	cr_expect_eq(r.code, CODE_REFUSED);
	cr_expect_eq(r.flags >> RESULT_URL_SHIFT, 1);
	cr_expect_eq(r.bytes_read, strlen(OK200));
	close(fd);
	listener = -1;
	end();
}

Test(run_urls, cancelled_between_two_urls_ends_once)
{
	struct result r = {0};
	struct done d;
	int fd = -1;

	begin(2);
	bed_start(check);
	for (int i = 0; i < 1000 && fd < 0; i++) {
		turn(1);
		fd = peer_accept(listener, 0);
	}
	answer(fd, OK200);
	/* events alone: the next url waits for the wheel */
	for (int i = 0; i < 1000 && bed.runs.pool.n_in_use; i++)
		bed_turn(1);
	cr_assert_eq(bed.runs.pool.n_in_use, 0, "between two it has no socket");
	cr_assert_eq(bed.runs.in_flight, 1);
	run_cancel_all(&bed.runs);
	cr_assert(bed_take(&r, &d));
	cr_expect_eq(r.code, CODE_CANCELLED);
	close(fd);
	end();
}

/* --- max_response_time --- */

static struct result answered_after(unsigned ms)
{
	uint64_t ready_ns;
	struct result r = {0};
	struct done d;
	int fd = -1;

	bed_start(check);
	for (int i = 0; i < 1000 && fd < 0; i++) {
		turn(1);
		fd = peer_accept(listener, 0);
	}
	cr_assert_geq(fd, 0);
	ready_ns = clk_mono_ns() + ms * CLK_MS;
	while (clk_mono_ns() < ready_ns)
		turn(1);
	answer(fd, OK200);
	while (!bed_take(&r, &d))
		turn(1);
	close(fd);
	return r;
}

Test(run_urls, an_answer_over_max_response_time_is_bad)
{
	struct result r;

	begin(0);
	extras.max_response_ns = 100 * CLK_MS;
	bed.gen.profiles[check].check_timeout_ns = 3 * CLK_S;
	cr_expect_eq(answered_after(0).code, CODE_OK);
	r = answered_after(150);
	cr_expect_eq(r.code, CODE_RESPONSE_SLOW, "%s", check_code_text(r.code));
	cr_expect_eq(r.verdict, VERDICT_BAD);
	cr_expect_geq(r.detail, 150);
	cr_expect_lt(r.detail, 1000);
	end();
}

/* It was there in time; we did not look. */
Test(run_urls, a_slow_answer_that_our_own_standstill_explains_is_unknown)
{
	struct result r = {0};
	struct done d;
	uint64_t until_ns;
	int fd = -1;

	begin(0);
	extras.max_response_ns = 50 * CLK_MS;
	bed.gen.profiles[check].check_timeout_ns = 3 * CLK_S;
	bed_start(check);
	for (int i = 0; i < 1000 && fd < 0; i++) {
		turn(1);
		fd = peer_accept(listener, 0);
	}
	turn(1);
	answer(fd, OK200);
	/* below lag_guard: doubt() would believe it */
	until_ns = clk_mono_ns() + 100 * CLK_MS;
	while (clk_mono_ns() < until_ns)
		;
	while (!bed_take(&r, &d))
		turn(1);
	cr_expect_eq(r.code, CODE_STALLED, "%s", check_code_text(r.code));
	cr_expect_eq(r.verdict, VERDICT_UNKNOWN);
	cr_expect_geq(r.detail, 50);
	close(fd);
	end();
}
