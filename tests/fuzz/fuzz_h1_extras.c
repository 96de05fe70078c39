/* The HTTP/1.1 driver with all that a check may ask for (extras_talk.h). */
#include "extras_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= OPTION_BYTES)
		try_input(data, size, HTTP_PROTOCOL_1_1);
	return 0;
}
