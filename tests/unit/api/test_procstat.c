#include <criterion/criterion.h>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "api/procstat.h"

#define TAIL                                                                     \
	" S 1 10 10 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 7 0 12345 1048576 256 " \
	"18446744073709551615 1"

Test(procstat, fields_are_found_by_number)
{
	struct procstat s = {0};

	cr_assert(procstat_parse("10 (alived)" TAIL, 100, 4096, 1000, &s));
	cr_assert_eq(s.cpu_ms, 2000);
	cr_assert_eq(s.n_threads, 7);
	cr_assert_eq(s.start_wall_s, 1123);
	cr_assert_eq(s.virtual_bytes, 1048576);
	cr_assert_eq(s.resident_bytes, 256 * 4096);
}

Test(procstat, name_may_hold_parentheses_and_blanks)
{
	struct procstat s = {0};

	cr_assert(procstat_parse("10 (a) S 9 ( b)" TAIL, 100, 4096, 0, &s));
	cr_assert_eq(s.n_threads, 7);
}

Test(procstat, malformed_lines_are_refused)
{
	struct procstat s;

	cr_assert_not(procstat_parse("", 100, 4096, 0, &s));
	cr_assert_not(procstat_parse("10 (alived)", 100, 4096, 0, &s));
	cr_assert_not(procstat_parse("10 (alived) ", 100, 4096, 0, &s));
	cr_assert_not(procstat_parse("10 (alived) S 1 2 3", 100, 4096, 0, &s));
	cr_assert_not(procstat_parse("no parenthesis", 100, 4096, 0, &s));
}

Test(procstat, own_process_is_plausible)
{
	struct procstat before, s;
	int fd;

	procstat_read(&before);
	fd = open("/dev/null", O_RDONLY);
	procstat_read(&s);
	close(fd);
	cr_assert_eq(s.open_fds, before.open_fds + 1);
	cr_assert_gt(s.resident_bytes, 100 * 1024);
	cr_assert_geq(s.n_threads, 1);
	cr_assert_gt(s.max_fds, s.open_fds);
	cr_assert_leq(s.start_wall_s, (uint64_t)time(NULL) + 1);
	cr_assert_gt(s.start_wall_s, (uint64_t)time(NULL) - 3600);
}
