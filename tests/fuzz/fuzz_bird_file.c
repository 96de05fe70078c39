/* A file in our directory that may be anybody's: it is read back only if it is exactly what we
 * would write, so writing what was read gives the same text, but for the group's name. */
#include "announce/bird_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(vip_set_deinit) struct vip_set vips = {0}, again = {0};
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(BIRD_FILE_MAX_BYTES);
	char *copy = malloc(size ? size : 1);
	int r;

	ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	r = bird_file_parse(copy, size, &vips);
	ASSERT(r == 0 || (r == BIRD_FILE_FOREIGN && vips.n == 0));
	ASSERT(r != 0 || bird_file_is_ours(copy, size));
	free(copy);
	ASSERT(bird_file_format("x", &vips, &text) == 0);
	ASSERT(bird_file_parse((const char *)buf_head(&text), buf_len(&text), &again) == 0);
	ASSERT(vip_set_eq(&vips, &again));
	return 0;
}
