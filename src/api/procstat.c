#include "api/procstat.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clk.h"

/* proc(5): numbered from 1 */
enum {
	FIELD_STATE = 3,
	FIELD_UTIME = 14,
	FIELD_STIME = 15,
	FIELD_THREADS = 20,
	FIELD_START = 22,
	FIELD_VSIZE = 23,
	FIELD_RSS = 24,
	FIELD__N,
};

bool procstat_parse(const char *line, long ticks_per_s, long page_bytes, uint64_t boot_wall_s,
		    struct procstat *ret)
{
	/* the command name stands in parentheses and may hold anything, ')' too */
	const char *at = strrchr(line, ')');
	uint64_t fields[FIELD__N] = {0}, ticks = (uint64_t)ticks_per_s;

	if (!at || at[1] != ' ' || at[2] == 0)
		return false;
	at += 3;
	for (int i = FIELD_STATE + 1; i < FIELD__N; i++) {
		char *end;

		fields[i] = strtoull(at, &end, 10);
		if (end == at)
			return false;
		at = end;
	}
	ret->cpu_ms = (fields[FIELD_UTIME] + fields[FIELD_STIME]) * 1000 / ticks;
	ret->n_threads = fields[FIELD_THREADS];
	ret->start_wall_s = boot_wall_s + fields[FIELD_START] / ticks;
	ret->virtual_bytes = fields[FIELD_VSIZE];
	ret->resident_bytes = fields[FIELD_RSS] * (uint64_t)page_bytes;
	return true;
}

static void read_stat(struct procstat *ret)
{
	/* process start times count from boot, suspended time included */
	uint64_t boot_s;
	struct timespec since_boot;
	char line[1024];
	ssize_t n;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return;
	line[n] = 0;
	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	boot_s = (clk_wall_ns() - (uint64_t)since_boot.tv_nsec) / CLK_S -
		 (uint64_t)since_boot.tv_sec;
	if (!procstat_parse(line, sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE), boot_s, ret))
		*ret = (struct procstat){0};
}

static uint64_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	/* the stream is ours alone: NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while (readdir(dir))
		n++;
	closedir(dir);
	/* ".", ".." and the directory's own */
	return n > 3 ? n - 3 : 0;
}

void procstat_read(struct procstat *ret)
{
	struct rlimit limit;

	*ret = (struct procstat){0};
	read_stat(ret);
	ret->open_fds = count_fds();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		ret->max_fds = limit.rlim_cur;
}
