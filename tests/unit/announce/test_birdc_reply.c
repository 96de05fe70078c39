/* The parser of BIRD's control stream against bytes of a real BIRD 2.0.12 (tests/vectors/bird). */
#include <criterion/criterion.h>

#include "announce/birdc_reply.h"

enum { TEXT_BYTES = 8192 };

/* Writes each event as a line: "D 1007 text" or "F 0003 text", ends with "BAD" if it comes to that.
 * The stream comes in pieces of step bytes, the first of them `first` long. */
static void read_all(const char *stream, size_t len, size_t first, size_t step, char *out)
{
	struct birdc_reply r = {0};
	size_t at = 0, room = first;

	out[0] = 0;
	while (at < len) {
		size_t used, piece = MIN(room, len - at);
		enum birdc_reply_event event = birdc_reply_feed(&r, stream + at, piece, &used);
		size_t n = strlen(out);

		cr_assert(used > 0 && used <= piece);
		at += used;
		room -= used;
		if (room == 0)
			room = step;
		if (event == BIRDC_REPLY_BAD) {
			snprintf(out + n, TEXT_BYTES - n, "BAD");
			return;
		}
		if (event != BIRDC_REPLY_MORE)
			snprintf(out + n, TEXT_BYTES - n, "%c %04u %s\n",
				 event == BIRDC_REPLY_DATA ? 'D' : 'F', r.code, r.text);
	}
}

static void says(const char *stream, size_t len, const char *want)
{
	char got[TEXT_BYTES];

	for (size_t split = 1; split <= len; split++) {
		read_all(stream, len, split, len, got);
		cr_assert_str_eq(got, want, "split at %zu: %s", split, got);
	}
	read_all(stream, len, 1, 1, got);
	cr_assert_str_eq(got, want, "byte by byte: %s", got);
}

static void vector_says(const char *name, const char *want)
{
	char path[128], stream[1024];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/bird/ctl_%s.bin", name);
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s", path);
	len = fread(stream, 1, sizeof(stream), f);
	fclose(f);
	says(stream, len, want);
}

#define GREETING "F 0001 BIRD 2.0.12 ready.\n"
#define READING  "D 0002 Reading configuration from /tmp/lab/a/bird.conf\n"

Test(birdc_reply, accepted_configurations)
{
	vector_says("configure_ok", GREETING READING "F 0003 Reconfigured\n");
	vector_says("configure_soft_ok", GREETING READING "F 0003 Reconfigured\n");
	vector_says("configure_check_ok", GREETING READING "F 0020 Configuration OK\n");
	vector_says("configure_in_progress_0004",
		    GREETING READING "F 0004 Reconfiguration in progress\n");
	vector_says("configure_queued_0005", GREETING READING
		    "F 0005 Reconfiguration already in progress, queueing new config\n");
}

Test(birdc_reply, refused_commands)
{
	vector_says("configure_error_torn",
		    GREETING READING "F 8002 /tmp/lab/a/inc/acast4.conf:1:44 syntax error, "
				     "unexpected NUM, expecting IP4 or IP6\n");
	vector_says("configure_error_missing_include", GREETING READING
		    "F 8002 /tmp/lab/a/bird.conf:2:10 Unable to open included file "
		    "/tmp/lab/a/inc/acast4.conf: No such file or directory\n");
	vector_says("parse_error", GREETING "F 9001 syntax error, unexpected CF_SYM_UNDEFINED\n");
	vector_says("restricted", GREETING "F 0016 Access restricted\nF 8007 Access denied\n");
	vector_says("route_not_found", GREETING "F 8001 Network not found\n");
}

Test(birdc_reply, continuation_lines_have_the_code_of_the_line_before)
{
	vector_says("show_route_count",
		    GREETING "D 1007 1 of 1 routes for 1 networks in table master4\n"
			     "D 1007 1 of 1 routes for 1 networks in table master6\n"
			     "F 0014 Total: 2 of 2 routes for 2 networks in 2 tables\n");
	vector_says("show_status_in_progress",
		    GREETING "D 1000 BIRD 2.0.12\n"
			     "D 1011 Router ID is 10.255.0.1\n"
			     "D 1011 Hostname is vm\n"
			     "D 1011 Current server time is 2026-11-20 06:59:56.129\n"
			     "D 1011 Last reboot on 2026-11-20 06:59:52.682\n"
			     "D 1011 Last reconfiguration on 2026-11-20 06:59:56.108\n"
			     "F 0013 Reconfiguration in progress\n");
}

Test(birdc_reply, asynchronous_lines_belong_to_no_reply)
{
	char got[TEXT_BYTES];
	static const char between[] = "+one\n1007-a\n+two\n b\n+three\n0000 \n+four\n";

	vector_says("timeout_async_undo",
		    GREETING READING "D 0022 Undo scheduled in 1 s\n"
				     "F 0003 Reconfigured\n"
				     "D 1000 BIRD 2.0.12\n"
				     "D 1011 Router ID is 10.255.0.1\n"
				     "D 1011 Hostname is vm\n"
				     "D 1011 Current server time is 2026-11-20 06:59:55.244\n"
				     "D 1011 Last reboot on 2026-11-20 06:59:52.681\n"
				     "D 1011 Last reconfiguration on 2026-11-20 06:59:53.724\n"
				     "F 0013 Daemon is up and running\n");
	says(between, sizeof(between) - 1, "D 1007 a\nD 1007 b\nF 0000 \n");
	read_all("+no end", 7, 7, 7, got);
	cr_assert_str_empty(got);
}

Test(birdc_reply, final_line_may_be_empty_and_a_blank_line_may_be_inside)
{
	says("0009-x: disabled\n \n0000 \n", 25, "D 0009 x: disabled\nD 0009 \nF 0000 \n");
}

Test(birdc_reply, what_is_no_reply_is_bad)
{
	static const char *const streams[] = {
		"\n",   "hello\n",     "12 x\n",  "00x3 Reconfigured\n", "0003\n", "0003:x\n",
		" y\n", "0000 \n y\n", "1-2-3\n", "\0\0\0\0\n",
	};

	for (unsigned i = 0; i < ARRAY_LEN(streams); i++) {
		char got[TEXT_BYTES];
		size_t len = i == ARRAY_LEN(streams) - 1 ? 5 : strlen(streams[i]);

		read_all(streams[i], len, len, len, got);
		cr_assert_not_null(strstr(got, "BAD"), "stream %u: %s", i, got);
	}
}

Test(birdc_reply, too_long_line_is_cut_and_the_next_one_is_whole)
{
	char stream[3000], got[TEXT_BYTES];
	size_t len;

	memset(stream, 'x', sizeof(stream));
	memcpy(stream, "8002 ", 5);
	len = 2900;
	memcpy(stream + len, "\n0003 ok\n", 9);
	read_all(stream, len + 9, 700, 700, got);
	cr_assert_eq(strlen(got), strlen("F 8002 ") + BIRDC_REPLY_LINE_BYTES - 1 - 5 + 1 +
					  strlen("F 0003 ok\n"));
	cr_assert_str_eq(got + strlen(got) - strlen("F 0003 ok\n"), "F 0003 ok\n");
}

Test(birdc_reply, count_is_the_first_number)
{
	uint64_t n = 9;

	cr_assert(birdc_reply_count("12 of 345 routes for 345 networks in table master4", &n));
	cr_assert_eq(n, 12);
	cr_assert(birdc_reply_count("0 of 0 routes for 0 networks in table master6", &n));
	cr_assert_eq(n, 0);
	cr_assert(!birdc_reply_count("", &n));
	cr_assert(!birdc_reply_count(" of 5", &n));
	cr_assert(!birdc_reply_count("5", &n));
	cr_assert(!birdc_reply_count("x of 5", &n));
	cr_assert(!birdc_reply_count("99999999999 of 5", &n));
}

Test(birdc_reply, version_is_read_from_the_greeting)
{
	unsigned major = 9, minor = 9;

	cr_assert(birdc_reply_version("BIRD 2.0.12 ready.", &major, &minor));
	cr_assert(major == 2 && minor == 0);
	cr_assert(birdc_reply_version("BIRD 2.15.1 ready.", &major, &minor));
	cr_assert(major == 2 && minor == 15);
	cr_assert(birdc_reply_version("BIRD v3.0-alpha2 ready.", &major, &minor));
	cr_assert(major == 3 && minor == 0);
	cr_assert(!birdc_reply_version("BIRD ready.", &major, &minor));
	cr_assert(!birdc_reply_version("BIRD 2", &major, &minor));
	cr_assert(!birdc_reply_version("BIRD 2.x", &major, &minor));
	cr_assert(!birdc_reply_version("", &major, &minor));
	cr_assert(major == 3 && minor == 0, "untouched by a failure");
}
