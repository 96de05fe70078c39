/* When in its interval a check is due: phase and jitter from numbers alone. Pure.
 *
 * Phases of consecutive slots follow an additive sequence (slot × irrational mod 1), so each short
 * stretch of time carries its even share of the checks: of all, of a contiguous run of slots (one
 * service), and of every k-th slot (one worker, one kind of check out of several per real). The
 * sum over checks of different intervals is then even too.
 */
#pragma once

#include <stdint.h>

/* 0 <= phase < interval_ns. The same slot and interval give the same phase for ever. */
uint64_t spread_phase_ns(uint32_t slot, uint64_t interval_ns);

/* Uniform in [0, max_ns], its own for each grid point of each slot; nothing adds up. */
uint64_t spread_jitter_ns(uint32_t slot, uint64_t grid_ns, uint64_t max_ns);
