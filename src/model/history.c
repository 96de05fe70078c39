#include "model/history.h"

/* value v ≥ 8 lies in octave o = floor(log2 v); its step is the three bits below the top one:
 * code = (o - 2) × 8 + step. Values under 8 are their own code. */
uint8_t history_log(uint32_t us)
{
	unsigned octave, step, code;

	if (us < 8)
		return (uint8_t)us;
	octave = 31 - (unsigned)__builtin_clz(us);
	step = us >> (octave - 3) & 7;
	code = (octave - 2) * 8 + step;
	return (uint8_t)code;
}

uint32_t history_us(uint8_t log_duration)
{
	unsigned octave = log_duration / 8 + 2, step = log_duration % 8;
	uint64_t low, width;

	if (log_duration < 8)
		return log_duration;
	if (octave > 31)
		return UINT32_MAX;
	width = UINT64_C(1) << (octave - 3);
	low = (8 + step) * width;
	return (uint32_t)(low + width / 2);
}
