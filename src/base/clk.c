#include "base/clk.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * CLK_S + (uint64_t)t.tv_nsec;
}

uint64_t clk_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clk_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clk_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clk_boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

void clk_format_utc(uint64_t wall_ns, char out[CLK_TEXT_BYTES])
{
	time_t s = (time_t)(wall_ns / CLK_S);
	struct tm tm;
	char date[24];

	gmtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, CLK_TEXT_BYTES, "%s.%06uZ", date, (unsigned)(wall_ns % CLK_S / CLK_US));
}
