/* A list that anybody may have written: whatever it says, only host prefixes of its family come
 * out, never the dummy, and what was read can be written and read back. */
#include "announce/bird_list_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(vip_set_deinit) struct vip_set vips = {0}, again = {0};
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(64 << 20);
	struct bird_list_text t = {.variable = "ACAST_PS_ADVERTISE"};
	struct bird_list_found found;
	char *copy;

	if (size == 0)
		return 0;
	t.is_v4 = data[0] & 1;
	t.dummy = t.is_v4 ? addr_from_v4_u32(UINT32_C(0x0abdc8ff)) : (struct addr){{0x20, 1}};
	copy = malloc(size); /* of its exact size: ASan sees one byte over */
	ASSERT(copy);
	memcpy(copy, data, size);
	ASSERT(bird_list_text_parse(&t, copy + 1, size - 1, &vips, &found) == 0);
	free(copy);
	for (uint32_t i = 0; i < vips.n; i++)
		ASSERT(addr_is_v4(&vips.at[i]) == t.is_v4 && !addr_eq(&vips.at[i], &t.dummy));
	t.vips = vips.at;
	t.n = vips.n;
	ASSERT(bird_list_text_format(&t, &text) == 0);
	ASSERT(bird_list_text_parse(&t, (const char *)buf_head(&text), buf_len(&text), &again,
				    &found) == 0);
	ASSERT(found.has_variable && !found.n_unreadable && !found.n_not_hosts);
	ASSERT(vip_set_eq(&vips, &again));
	return 0;
}
