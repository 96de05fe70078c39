#include "ctl/ctl_finding.h"

#include <jansson.h>

#include "unit/ctl/ctl_test.h"

static char text[8192];

static const char *printed(const struct ctl_findings *f,
			   void (*print)(const struct ctl_findings *, FILE *))
{
	FILE *to = fmemopen(text, sizeof(text), "w");

	print(f, to);
	fclose(to);
	return text;
}

Test(ctl_finding, nothing_found_is_good)
{
	struct ctl_findings *f = ctl_findings_new();

	cr_assert(ctl_findings_are_good(f));
	cr_assert_str_eq(printed(f, ctl_findings_print), "nothing is wrong\n");
	ctl_findings_free(f);
}

Test(ctl_finding, notes_do_not_make_it_bad)
{
	struct ctl_findings *f = ctl_findings_new();

	ctl_findings_add(f, CTL_FINDING_NOTE, "a", "say %d", 1);
	cr_assert(ctl_findings_are_good(f));
	ctl_findings_add(f, CTL_FINDING_WARNING, "b", "beware");
	cr_assert(!ctl_findings_are_good(f));
	ctl_findings_free(f);
}

Test(ctl_finding, errors_come_first_with_their_command)
{
	struct ctl_findings *f = ctl_findings_new();

	ctl_findings_add(f, CTL_FINDING_NOTE, "a", "one");
	ctl_findings_add(f, CTL_FINDING_ERROR, "b", "two");
	ctl_findings_repair(f, "do %s", "this");
	cr_assert_str_eq(printed(f, ctl_findings_print),
			 "error: two; repair: do this\nnote: one\n");
	ctl_findings_free(f);
}

Test(ctl_finding, many_alike_are_counted_and_the_same_is_said_once)
{
	struct ctl_findings *f = ctl_findings_new();

	for (int i = 0; i < 100; i++) {
		ctl_findings_add(f, CTL_FINDING_ERROR, "a", "n %d", i / 2);
		ctl_findings_repair(f, "fix %d", i / 2);
	}
	cr_assert_str_eq(printed(f, ctl_findings_print),
			 "error: n 0; repair: fix 0\nerror: n 1; repair: fix 1\n"
			 "error: n 2; repair: fix 2\nerror: n 3; repair: fix 3\n"
			 "error: n 4; repair: fix 4\nand 90 more like a\n");
	ctl_findings_free(f);
}

Test(ctl_finding, json_has_every_field)
{
	struct ctl_findings *f = ctl_findings_new();
	json_t *j, *expected;

	ctl_findings_add(f, CTL_FINDING_ERROR, "a", "x \"y\"");
	ctl_findings_repair(f, "z");
	ctl_findings_add(f, CTL_FINDING_NOTE, "b", "w");
	j = json_loads(printed(f, ctl_findings_print_json), 0, NULL);
	expected = json_pack("{s:b,s:[{ssssssss}{ssssss}],s:{}}", "ok", 0, "findings", "severity",
			     "error", "id", "a", "text", "x \"y\"", "repair", "z", "severity",
			     "note", "id", "b", "text", "w", "omitted");
	cr_assert(json_equal(j, expected), "%s", text);
	json_decref(expected);
	json_decref(j);
	ctl_findings_free(f);
}
