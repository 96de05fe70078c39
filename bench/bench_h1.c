/* User code of one HTTP check without sockets: parsing a typical response, and a whole talk
 * (request, response, verdict). One JSON line each; ns per operation as median and 99th percentile
 * of rounds. */
#include <time.h>

#include "base/version.h"
#include "check/check.h"
#include "net/h1_parse.h"

enum { ROUNDS = 500, PER_ROUND = 2000 };

static const char response[] = "HTTP/1.1 200 OK\r\n"
			       "Server: nginx/1.22.1\r\n"
			       "Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
			       "Content-Type: text/plain; charset=utf-8\r\n"
			       "Content-Length: 13\r\n"
			       "Last-Modified: Thu, 19 Nov 2026 08:00:00 GMT\r\n"
			       "Connection: close\r\n"
			       "ETag: \"5f3c8a2b-d\"\r\n"
			       "Accept-Ranges: bytes\r\n"
			       "\r\n"
			       "rs_weight=10\n";

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

typedef void (*work_fn)(void *arg);

static void measure(const char *name, work_fn work, void *arg)
{
	static double ns[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = now_ns();

		for (int i = 0; i < PER_ROUND; i++)
			work(arg);
		ns[round] = (double)(now_ns() - begin) / PER_ROUND;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	printf("{\"name\":\"%s\",\"n\":%d,\"ns_op\":%.1f,\"p99\":%.1f,\"version\":\"%s\"}\n", name,
	       ROUNDS * PER_ROUND, ns[ROUNDS / 2], ns[ROUNDS * 99 / 100], version_text());
}

static void parse(void *arg)
{
	struct h1_parse *p = arg;
	struct h1_parse_slice in = {(const unsigned char *)response, sizeof(response) - 1}, body;
	enum h1_parse_event event;

	h1_parse_init(p, CHECK_MAX_HEADER_BYTES, CHECK_MAX_BODY_BYTES, NULL);
	do
		event = h1_parse_step(p, &in, &body);
	while (event == H1_PARSE_HEAD || event == H1_PARSE_BODY);
	ASSERT(event == H1_PARSE_DONE);
}

struct talk_bench {
	struct check_talk talk;
	struct job job;
	struct buf out;
};

static void talk(void *arg)
{
	struct talk_bench *b = arg;
	int r = check_talk_begin(&b->talk, &b->job);

	ASSERT(r == 0 && check_talk_open(&b->talk, &b->out) == CHECK_WAIT);
	ASSERT(check_talk_input(&b->talk, response, sizeof(response) - 1, &b->out) == CHECK_DONE);
	ASSERT(b->talk.outcome.code == CODE_OK);
	check_talk_close(&b->talk);
	buf_consume(&b->out, buf_len(&b->out));
}

int main(void)
{
	/* MD5 of the body above */
	static const uint8_t digest[16] = {0x36, 0x73, 0x82, 0x8d, 0x11, 0x82, 0xda, 0xda,
					   0x7b, 0xed, 0x56, 0x73, 0x32, 0x58, 0x5a, 0x61};
	struct check_spec spec = {.kind = CHECK_HTTP, .connect_port = 80};
	struct check_profile profile = {.status_code = 200, .path = 1, .virtualhost = 7};
	struct generation generation = {
		.checks = &spec, .profiles = &profile, .text = "\0/ping\0www.example.com"};
	struct talk_bench b = {.job = {.generation = &generation, .weight = 10},
			       .out = BUF_INIT(1 << 16)};
	struct h1_parse p;

	measure("h1_parse", parse, &p);
	measure("http_talk", talk, &b);
	profile.flags = PROFILE_DYNAMIC_WEIGHT;
	measure("http_talk_weight", talk, &b);
	profile.flags = PROFILE_HAS_DIGEST;
	memcpy(profile.digest, digest, sizeof(digest));
	measure("http_talk_digest", talk, &b);
	check_talk_free(&b.talk);
	buf_deinit(&b.out);
	return 0;
}
