#include "announce/local_addr_view.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { MAX_DISTURBED = 5 };

void local_addr_view_init(struct local_addr_view *v, const char *ifname)
{
	*v = (struct local_addr_view){0};
	snprintf(v->ifname, sizeof(v->ifname), "%s", ifname);
}

void local_addr_view_deinit(struct local_addr_view *v)
{
	local_addr_set_deinit(&v->live);
	local_addr_set_deinit(&v->next);
}

static void ask(struct local_addr_view *v, enum local_addr_step step)
{
	v->step = step;
	v->seq++;
	v->must_send = true;
	v->is_disturbed = false;
	v->must_repeat = false;
	v->has_failed = false;
	local_addr_set_clear(&v->next);
}

void local_addr_view_begin(struct local_addr_view *v)
{
	ask(v, LOCAL_ADDR_FIND);
}

size_t local_addr_view_request(struct local_addr_view *v,
			       unsigned char out[LOCAL_ADDR_REQUEST_BYTES])
{
	if (!v->must_send)
		return 0;
	v->must_send = false;
	return v->step == LOCAL_ADDR_FIND ? local_addr_msg_ask_link(v->ifname, v->seq, out)
					  : local_addr_msg_ask_addresses(v->seq, out);
}

static void fail(struct local_addr_view *v)
{
	v->step = LOCAL_ADDR_REST;
	v->has_failed = true;
}

static void tell_all(struct local_addr_view *v)
{
	if (v->changed && v->is_known)
		v->changed(v->ctx, NULL);
}

static bool is_answer(const struct local_addr_view *v, const struct local_addr_msg *m)
{
	return m->seq == v->seq && m->port == v->port && v->step != LOCAL_ADDR_REST;
}

/* --- the interface -----------------------------------------------------------------------------
 */

static void lose_interface(struct local_addr_view *v)
{
	v->step = LOCAL_ADDR_REST;
	v->must_send = false;
	v->ifindex = 0;
	v->is_known = true;
	local_addr_set_clear(&v->live);
	tell_all(v);
}

/* Another one under the name has other addresses. */
static void find_interface(struct local_addr_view *v, uint32_t ifindex)
{
	bool was_there = v->ifindex != 0;

	if (ifindex != v->ifindex) {
		v->ifindex = ifindex;
		local_addr_set_clear(&v->live);
		if (was_there)
			tell_all(v);
	}
	v->n_disturbed = 0;
	ask(v, LOCAL_ADDR_LIST);
}

static void on_link(struct local_addr_view *v, const struct local_addr_msg *m)
{
	bool is_ours = strcmp(m->name, v->ifname) == 0;

	if (is_ours &&
	    (m->ifindex != v->ifindex || (v->step == LOCAL_ADDR_FIND && is_answer(v, m))))
		find_interface(v, m->ifindex);
	else if (!is_ours && m->ifindex == v->ifindex)
		lose_interface(v);
}

static void on_error(struct local_addr_view *v, const struct local_addr_msg *m)
{
	if (!is_answer(v, m) || m->error == 0)
		return;
	if (v->step == LOCAL_ADDR_FIND && m->error == -ENODEV)
		lose_interface(v);
	else
		fail(v);
}

/* --- addresses ---------------------------------------------------------------------------------
 */

static int put(struct local_addr_set *s, const struct local_addr_msg *m)
{
	if (m->kind == LOCAL_ADDR_NEW && m->is_usable)
		return local_addr_set_add(s, &m->entry);
	local_addr_set_remove(s, &m->entry);
	return 0;
}

/* Before the first list is complete, there is nothing to compare with. */
static void on_event(struct local_addr_view *v, const struct local_addr_msg *m)
{
	bool had = local_addr_set_has(&v->live, &m->entry.local);
	int r = 0;

	if (v->step == LOCAL_ADDR_LIST) {
		v->is_disturbed = true;
		r = put(&v->next, m);
	}
	if (r == 0)
		r = put(&v->live, m);
	if (r < 0)
		fail(v);
	if (v->is_known && v->changed && had != local_addr_set_has(&v->live, &m->entry.local))
		v->changed(v->ctx, &m->entry.local);
}

static void on_address(struct local_addr_view *v, const struct local_addr_msg *m)
{
	bool is_of_list = is_answer(v, m);

	if (is_of_list && v->step == LOCAL_ADDR_LIST && m->is_interrupted)
		v->is_disturbed = true;
	if (m->ifindex != v->ifindex)
		return;
	if (!is_of_list)
		on_event(v, m);
	else if (v->step == LOCAL_ADDR_LIST && put(&v->next, m) < 0)
		fail(v);
}

static void on_done(struct local_addr_view *v, const struct local_addr_msg *m)
{
	struct local_addr_set before = v->live;
	bool is_doubtful = v->is_disturbed || m->is_interrupted;

	if (!is_answer(v, m) || v->step != LOCAL_ADDR_LIST)
		return;
	if (m->error < 0) {
		fail(v);
		return;
	}
	if (is_doubtful && ++v->n_disturbed < MAX_DISTURBED) {
		ask(v, LOCAL_ADDR_LIST);
		return;
	}
	v->step = LOCAL_ADDR_REST;
	v->must_repeat = is_doubtful;
	v->is_known = true;
	v->live = v->next;
	v->next = before;
	tell_all(v);
}

static void on_message(void *ctx, const struct local_addr_msg *m)
{
	struct local_addr_view *v = ctx;

	switch (m->kind) {
	case LOCAL_ADDR_NEW:
	case LOCAL_ADDR_GONE:
		on_address(v, m);
		break;
	case LOCAL_ADDR_LINK:
		on_link(v, m);
		break;
	case LOCAL_ADDR_LINK_GONE:
		if (v->ifindex && m->ifindex == v->ifindex)
			lose_interface(v);
		break;
	case LOCAL_ADDR_DONE:
		on_done(v, m);
		break;
	case LOCAL_ADDR_ERROR:
		on_error(v, m);
		break;
	}
}

void local_addr_view_take(struct local_addr_view *v, const void *bytes, size_t len)
{
	local_addr_msg_each(bytes, len, on_message, v);
}

bool local_addr_view_has(const struct local_addr_view *v, const struct addr *local)
{
	return v->ifindex && local_addr_set_has(&v->live, local);
}
