/* Duration in one byte: 1/8-octave logarithm of microseconds. 0 = under 1 µs, 255 = over an hour;
 * the error of history_us(history_log(us)) is at most 1/16 of the value. Pure. */
#pragma once

#include <stdint.h>

uint8_t history_log(uint32_t us);
uint32_t history_us(uint8_t log_duration);
