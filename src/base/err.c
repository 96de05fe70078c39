#include "base/err.h"

#include <stdio.h>
#include <string.h>

enum { TRACE_MAX = 6 };

struct place {
	const char *file;
	int line;
};

static _Thread_local struct {
	int error;
	unsigned n_places;
	struct place places[TRACE_MAX];
	char text[256];
} last;

static void note(const char *file, int line)
{
	if (last.n_places < TRACE_MAX)
		last.places[last.n_places++] = (struct place){file, line};
}

int err_origin_at(int r, const char *file, int line)
{
	ASSERT(r < 0);
	last.error = r;
	last.n_places = 0;
	note(file, line);
	return r;
}

int err_trace_at(int r, const char *file, int line)
{
	if (r < 0)
		note(file, line);
	return r;
}

const char *err_last(void)
{
	const char *name = last.error ? strerrorname_np(-last.error) : "no error";
	size_t used;
	int n;

	if (name)
		n = snprintf(last.text, sizeof(last.text), "%s", name);
	else
		n = snprintf(last.text, sizeof(last.text), "error %d", -last.error);
	used = n > 0 ? (size_t)n : 0;
	for (unsigned i = 0; i < last.n_places && used < sizeof(last.text); i++) {
		n = snprintf(last.text + used, sizeof(last.text) - used, "%s%s:%d",
			     i ? " < " : " at ", last.places[i].file, last.places[i].line);
		used += n > 0 ? (size_t)n : 0;
	}
	return last.text;
}
