#include "base/cc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/version.h"

void cc_assert_failed(const char *expr, const char *file, int line)
{
	char thread[17] = "?";

	prctl(PR_GET_NAME, thread, 0, 0, 0);
	fprintf(stderr, "alived: assertion failed: %s at %s:%d in thread %s (%s)\n", expr, file,
		line, thread, version_text());
	abort();
}
