/* rtnetlink bytes from anywhere, into a view that waits for a link and then for a list: it stays
 * consistent, and what it knows can be asked for. */
#include <stdlib.h>
#include <string.h>

#include "announce/local_addr_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *ctx, const struct addr *local)
{
	const struct local_addr_view *v = ctx;

	ASSERT(v->is_known);
	if (local)
		(void)local_addr_view_has(v, local);
}

static void check_order(const struct local_addr_set *s)
{
	for (uint32_t i = 1; i < s->n; i++)
		ASSERT(memcmp(&s->at[i - 1], &s->at[i], sizeof(*s->at)) != 0);
}

static void feed(struct local_addr_view *v, const uint8_t *data, size_t size)
{
	alignas(4) unsigned char request[LOCAL_ADDR_REQUEST_BYTES];
	unsigned char *copy = malloc(size); /* of its exact size: ASan sees one byte over */

	ASSERT(copy);
	memcpy(copy, data, size);
	local_addr_view_take(v, copy, size);
	free(copy);
	while (local_addr_view_request(v, request))
		continue;
	for (uint32_t i = 0; i < v->live.n; i++)
		ASSERT(!v->ifindex || local_addr_view_has(v, &v->live.at[i].local));
	check_order(&v->live);
	check_order(&v->next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct local_addr_view v;

	if (size < 2)
		return 0;
	local_addr_view_init(&v, "lo");
	v.ctx = &v;
	v.changed = look;
	v.port = 1234;
	v.seq = data[0] % 16; /* answers in the corpus have small numbers */
	local_addr_view_begin(&v);
	if (data[1] % 2) {
		v.ifindex = 1;
		v.step = LOCAL_ADDR_LIST;
	}
	feed(&v, data, size);
	feed(&v, data + 2, size - 2);
	local_addr_view_deinit(&v);
	return 0;
}
