#include "model/counter.h"

static const struct {
	const char *metric;
	const char *help;
} rows[CTR__N] = {
#define X(name, metric, help) [CTR_##name] = {metric, help},
#include "model/counter.tbl"
#undef X
};

const char *counter_metric(enum counter which)
{
	return rows[which].metric;
}

const char *counter_help(enum counter which)
{
	return rows[which].help;
}
