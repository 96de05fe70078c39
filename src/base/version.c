#include "base/version.h"

#ifndef ALIVED_VERSION
#define ALIVED_VERSION "unknown"
#endif

const char *version_text(void)
{
	return ALIVED_VERSION;
}
