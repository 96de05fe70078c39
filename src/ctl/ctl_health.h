/* The daemon's summary (GET /v1/summary) for people. Pure but for printing. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/cc.h"

struct str;

/* True if nothing is wrong; else, if ret is given, the problems as text, separated by "; ". */
bool ctl_health_problems(const json_t *summary, struct str *ret);
void ctl_health_print(const json_t *summary, FILE *to, bool is_coloured);
