#include <criterion/criterion.h>

#include <string.h>

#include "api/prom.h"

static struct buf out;
static struct prom p;

static void setup(void)
{
	out = BUF_INIT(4096);
	p = (struct prom){.to = &out};
}

static void teardown(void)
{
	buf_deinit(&out);
}

TestSuite(prom, .init = setup, .fini = teardown);

static void wrote(const char *expected)
{
	cr_assert_eq(buf_append(&out, "", 1), 0);
	cr_assert_str_eq((char *)buf_head(&out), expected);
	buf_consume(&out, buf_len(&out));
}

Test(prom, label_values_and_help_are_escaped)
{
	const struct prom_label labels[] = {{"a", "x\"y\\z\n"}, {"b", ""}};

	prom_head(&p, "m", "gauge", "line\nwith \\ and \"");
	prom_u64(&p, "m", "", labels, 2, 7);
	wrote("# HELP m line\\nwith \\\\ and \"\n# TYPE m gauge\nm{a=\"x\\\"y\\\\z\\n\",b=\"\"} "
	      "7\n");
}

Test(prom, sample_without_labels_has_no_braces)
{
	prom_gauge(&p, "g", "h", UINT64_MAX);
	wrote("# HELP g h\n# TYPE g gauge\ng 18446744073709551615\n");
}

Test(prom, thousandths_lose_their_zeros)
{
	prom_milli(&p, "m", "", NULL, 0, 1500);
	prom_milli(&p, "m", "", NULL, 0, 50);
	prom_milli(&p, "m", "", NULL, 0, 1);
	prom_milli(&p, "m", "", NULL, 0, 60000);
	wrote("m 1.5\nm 0.05\nm 0.001\nm 60\n");
}

Test(prom, histogram_is_cumulative)
{
	static const uint32_t bounds[] = {10, 50, 1000};
	static const uint64_t counts[] = {1, 0, 2, 4};

	prom_histogram(&p, &(struct prom_histogram){.name = "h",
						    .help = "x",
						    .bounds = bounds,
						    .digits = 3,
						    .n_bounds = 3,
						    .counts = counts,
						    .sum_micro = 12345678});
	wrote("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"0.01\"} 1\nh_bucket{le=\"0.05\"} 1\n"
	      "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 7\nh_sum 12.345678\nh_count 7\n");
}

Test(prom, text_that_does_not_fit_is_noticed)
{
	buf_deinit(&out);
	out = BUF_INIT(8);
	prom_gauge(&p, "name", "help", 1);
	cr_assert(p.is_full);
}
