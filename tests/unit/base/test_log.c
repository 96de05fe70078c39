#include "base/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/thr.h"

static int read_fd;

/* The log writes into a pipe that holds all a test writes. */
static void begin(void)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	(void)fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
	read_fd = fds[0];
	log_set_fd(fds[1]);
}

static const char *written(void)
{
	static char text[1 << 20];
	ssize_t n = read(read_fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

Test(log, before_start_lines_come_at_once)
{
	begin();
	LOG(LOG_INFO, "test", "hello", LF_U64("n", 1));
	const char *text = written();

	cr_assert_not_null(strstr(text, "level=info"));
	cr_assert_not_null(strstr(text, "mod=test event=hello n=1\n"));
}

Test(log, event_without_fields_is_a_line)
{
	begin();
	LOG(LOG_ERROR, "test", "alone");
	cr_assert_not_null(strstr(written(), "event=alone\n"));
}

Test(log, level_filters)
{
	begin();
	LOG(LOG_DEBUG, "test", "quiet");
	cr_assert_str_eq(written(), "");
	log_set_level(LOG_DEBUG);
	LOG(LOG_DEBUG, "test", "loud");
	cr_assert_eq(count(written(), "event=loud"), 1);
	log_set_level(LOG_ERROR);
	cr_assert_not(log_enabled(LOG_WARN));
	cr_assert(log_enabled(LOG_ERROR));
}

Test(log, json_is_chosen_by_encoding)
{
	begin();
	log_set_encoding(LOG_JSON);
	LOG(LOG_WARN, "test", "hello", LF_STR("a", "b"));
	const char *text = written();

	cr_assert_eq(text[0], '{');
	cr_assert_not_null(strstr(text, "\"event\":\"hello\",\"a\":\"b\"}\n"));
}

static void write_some(void *ctx)
{
	char value[32];

	for (int i = 0; i < *(int *)ctx; i++) {
		snprintf(value, sizeof(value), "value %d", i);
		LOG(LOG_INFO, "test", "tick", LF_U64("i", (uint64_t)i), LF_STR("text", value));
		memset(value, '#', sizeof(value)); /* values are copied */
	}
}

Test(log, threads_records_are_written_by_the_stop_in_order)
{
	int n = 100;
	struct thr t[3] = {0};
	const char *text, *at;

	begin();
	cr_assert_eq(log_start(), 0);
	for (int i = 0; i < 3; i++) {
		t[i] = (struct thr){.fn = write_some, .ctx = &n};
		snprintf(t[i].name, sizeof(t[i].name), "writer%c", (char)(48 + i));
		cr_assert_eq(thr_start(&t[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		thr_join(&t[i]);
	log_stop();
	text = written();
	cr_assert_eq(count(text, "event=tick"), 300);
	cr_assert_eq(count(text, "thread=writer1"), 100);
	cr_assert_null(strchr(text, '#'));
	at = text;
	for (int i = 0; i < 100; i++) {
		char line[64];

		snprintf(line, sizeof(line), "thread=writer2 mod=test event=tick i=%d ", i);
		at = strstr(at, line);
		cr_assert_not_null(at, "%s", line);
	}
	cr_assert_eq(log_dropped(), 0);
}

Test(log, full_ring_drops_counts_and_says_so)
{
	int n = 20000;
	struct thr t = {.fn = write_some, .ctx = &n, .name = "flood"};

	begin();
	cr_assert_eq(log_start(), 0);
	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	log_stop();
	const char *text = written();
	uint64_t dropped = log_dropped();

	cr_assert_gt(dropped, 0);
	cr_assert_eq(count(text, "event=tick") + dropped, 20000);
	cr_assert_geq(count(text, "event=records_dropped"), 1);
}

Test(log, after_stop_lines_come_at_once_again)
{
	begin();
	cr_assert_eq(log_start(), 0);
	log_stop();
	log_stop();
	LOG(LOG_INFO, "test", "late");
	cr_assert_eq(count(written(), "event=late"), 1);
}

/* Tools start threads without a log thread: their lines must not wait for one for ever. */
Test(log, thread_without_log_thread_writes_at_once)
{
	int n = 3;
	struct thr t = {.fn = write_some, .ctx = &n, .name = "alone"};

	begin();
	cr_assert_eq(thr_start(&t), 0);
	thr_join(&t);
	cr_assert_eq(count(written(), "thread=alone mod=test event=tick"), 3);
}

Test(log, slots_of_ended_threads_are_used_again)
{
	int n = 1;

	begin();
	cr_assert_eq(log_start(), 0);
	for (int i = 0; i < 500; i++) {
		struct thr t = {.fn = write_some, .ctx = &n, .name = "short"};

		cr_assert_eq(thr_start(&t), 0);
		thr_join(&t);
	}
	log_stop();
	cr_assert_eq(count(written(), "event=tick"), 500);
}
