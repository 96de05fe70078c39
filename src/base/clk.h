/* Time. Pure code never reads a clock: it takes now_ns as a parameter, so tests run on virtual
 * time. Threads read CLOCK_MONOTONIC here once per loop turn.
 */
#pragma once

#include <stdint.h>

#define CLK_US UINT64_C(1000)
#define CLK_MS UINT64_C(1000000)
#define CLK_S  UINT64_C(1000000000)

/* CLOCK_MONOTONIC in ns. Any thread. */
uint64_t clk_mono_ns(void);
/* CPU time of the calling thread in ns: what it worked, without the time it was not let to. A
 * system call. Any thread. */
uint64_t clk_thread_ns(void);
/* CLOCK_REALTIME in ns since 1970. Any thread. */
uint64_t clk_wall_ns(void);
/* CLOCK_BOOTTIME in ns: as CLOCK_MONOTONIC, but suspended time counts. Any thread. */
uint64_t clk_boot_ns(void);
/* Writes "2026-11-20T06:51:58.123456Z" of wall_ns (28 bytes with the NUL). Any thread. */
enum { CLK_TEXT_BYTES = 40 };
void clk_format_utc(uint64_t wall_ns, char out[CLK_TEXT_BYTES]);
