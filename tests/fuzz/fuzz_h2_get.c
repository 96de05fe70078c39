/* The HTTP/2 driver with all that a check may ask for (extras_talk.h). Bit 7 of byte 0: the lengths
 * of the frames are put right, so that the way inside is short. */
#include "extras_talk.h"

enum { FRAME_HEAD = 9 };

/* Each frame's length becomes the one that is there: the low bits of what it says, as far as the
 * input goes. */
static void mend_frames(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + FRAME_HEAD <= size;) {
		size_t left = size - at - FRAME_HEAD;
		size_t len = MIN((size_t)(data[at + 1] << 8 | data[at + 2]) % 512u, left);

		data[at] = 0;
		data[at + 1] = (uint8_t)(len >> 8);
		data[at + 2] = (uint8_t)len;
		at += FRAME_HEAD + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < OPTION_BYTES)
		return 0;
	copy = malloc(size);
	memcpy(copy, data, size);
	if (data[0] & 0x80)
		mend_frames(copy + OPTION_BYTES, size - OPTION_BYTES);
	try_input(copy, size, HTTP_PROTOCOL_2);
	free(copy);
	return 0;
}
