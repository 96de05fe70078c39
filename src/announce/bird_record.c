#include "announce/bird_record.h"

void bird_record_write(uint8_t out[BIRD_RECORD_BYTES], const struct addr *vip, bool announce)
{
	bool is_v4 = addr_is_v4(vip);

	ASSERT(!addr_is_unset(vip));
	out[0] = is_v4 ? 4 : 6;
	memcpy(out + 1, vip->b, sizeof(vip->b));
	out[17] = is_v4 ? 32 : 128;
	out[18] = announce;
}
