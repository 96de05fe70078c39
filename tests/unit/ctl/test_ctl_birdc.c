#include "ctl/ctl_birdc.h"

#include <errno.h>
#include <string.h>

#include "unit/ctl/ctl_test.h"

struct heard {
	char text[4096];
	char final[CTL_BIRDC_LINE_BYTES];
	int code;
};

static void hear(void *ctx, const char *text)
{
	struct heard *h = ctx;

	snprintf(h->text + strlen(h->text), sizeof(h->text) - strlen(h->text), "%s|", text);
}

static struct heard answer(const char *stream)
{
	struct heard h = {.text = ""};
	FILE *f = fmemopen((char *)(uintptr_t)stream, strlen(stream), "r");

	cr_assert(f);
	h.code = ctl_birdc_read(f, h.final, hear, &h);
	fclose(f);
	return h;
}

Test(ctl_birdc, routes_are_data_and_the_final_line_ends_them)
{
	struct heard h =
		answer("1007-Table master4:\n"
		       " 192.0.2.10/32        blackhole [hc_default_4 13:07:10.045] * (200)\n"
		       "                      blackhole [other 13:07:10.045] (200)\n"
		       "0000 \n"
		       "0003 of the next answer\n");

	cr_assert_eq(h.code, 0);
	cr_assert_str_eq(h.final, "");
	cr_assert_str_eq(h.text,
			 "Table master4:|"
			 "192.0.2.10/32        blackhole [hc_default_4 13:07:10.045] * (200)|"
			 "                     blackhole [other 13:07:10.045] (200)|");
}

Test(ctl_birdc, asynchronous_lines_belong_to_no_answer)
{
	struct heard h = answer("0022-Undo scheduled in 1 s\n+Config timeout expired, starting "
				"undo\n0003 Reconfigured\n");

	cr_assert_eq(h.code, 3);
	cr_assert_str_eq(h.final, "Reconfigured");
	cr_assert_str_eq(h.text, "Undo scheduled in 1 s|");
}

Test(ctl_birdc, refusals_have_their_text)
{
	struct heard h = answer("9001 syntax error, unexpected CF_SYM_UNDEFINED\n");

	cr_assert_eq(h.code, 9001);
	cr_assert_str_eq(h.final, "syntax error, unexpected CF_SYM_UNDEFINED");
}

Test(ctl_birdc, what_ends_too_early_is_a_lost_connection)
{
	cr_assert_eq(answer("1007-Table master4:\n 192.0.2.1").code, -ECONNRESET);
	cr_assert_eq(answer("0003 Reconfi").code, -ECONNRESET);
	cr_assert_eq(answer("+a\n").code, -ECONNRESET);
}

Test(ctl_birdc, what_is_no_answer_is_told)
{
	cr_assert_eq(answer("HTTP/1.1 400 Bad Request\n").code, -EPROTO);
	cr_assert_eq(answer("\n").code, -EPROTO);
	cr_assert_eq(answer("003 x\n").code, -EPROTO);
	cr_assert_eq(answer("00031x\n").code, -EPROTO);
}

Test(ctl_birdc, long_lines_are_cut)
{
	char stream[4096];
	struct heard h;

	snprintf(stream, sizeof(stream), "1007-%02000d\n0000 end\n", 7);
	h = answer(stream);
	cr_assert_eq(h.code, 0);
	cr_assert_str_eq(h.final, "end");
	cr_assert_lt(strlen(h.text), (size_t)CTL_BIRDC_LINE_BYTES);
}

Test(ctl_birdc, nobody_there_is_told)
{
	struct ctl_birdc b;

	cr_assert_eq(ctl_birdc_open(&b, "/nonexistent/bird.ctl"), -ENOENT);
	cr_assert_null(b.stream);
}
