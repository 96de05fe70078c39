#include "announce/local_addr_view.h"

#include "local_addr_bytes.h"

struct watch {
	struct local_addr_view v;
	struct addr changed[16];
	uint32_t n_changed, n_all;
};

static void on_changed(void *ctx, const struct addr *local)
{
	struct watch *w = ctx;

	cr_assert(w->v.is_known);
	if (!local)
		w->n_all++;
	else if (w->n_changed < 16)
		w->changed[w->n_changed++] = *local;
}

static void take_rec(struct watch *w, struct rec r)
{
	local_addr_view_take(&w->v, r.b, r.len);
}

static void take(struct watch *w, const char *hex)
{
	take_rec(w, rec_of(hex));
}

static bool has(const struct watch *w, const char *text)
{
	struct addr a = rec_addr(text);

	return local_addr_view_has(&w->v, &a);
}

/* The type of the request that is to be sent; 0: none. */
static unsigned asks(struct watch *w)
{
	alignas(4) unsigned char out[LOCAL_ADDR_REQUEST_BYTES];
	struct nlmsghdr h;

	if (local_addr_view_request(&w->v, out) == 0)
		return 0;
	memcpy(&h, out, sizeof(h));
	cr_assert_eq(h.nlmsg_seq, w->v.seq);
	return h.nlmsg_type;
}

static void answer(struct watch *w, const char *hex)
{
	take_rec(w, rec_answer(hex, w->v.seq, 0));
}

static void found(struct watch *w)
{
	take_rec(w, rec_link(RTM_NEWLINK, AF_UNSPEC, 1, "lo", w->v.seq, REC_PORT));
}

static struct watch *new_watch(void)
{
	struct watch *w = calloc(1, sizeof(*w));

	cr_assert(w);
	local_addr_view_init(&w->v, "lo");
	w->v.ctx = w;
	w->v.changed = on_changed;
	w->v.port = REC_PORT;
	local_addr_view_begin(&w->v);
	return w;
}

static struct watch *listed(void)
{
	struct watch *w = new_watch();

	cr_assert_eq(asks(w), RTM_GETLINK);
	found(w);
	cr_assert_eq(asks(w), RTM_GETADDR);
	answer(w, REC_LIST);
	answer(w, REC_LIST_END);
	return w;
}

static void free_watch(struct watch *w)
{
	local_addr_view_deinit(&w->v);
	free(w);
}

Test(local_addr_view, nothing_is_known_before_the_list_is_complete)
{
	struct watch *w = new_watch();

	cr_assert_eq(asks(w), RTM_GETLINK);
	cr_assert_eq(asks(w), 0u, "once");
	found(w);
	asks(w);
	answer(w, REC_LIST);
	cr_assert(!w->v.is_known);
	cr_assert_eq(w->n_all + w->n_changed, 0u);
	answer(w, REC_LIST_END);
	cr_assert(w->v.is_known && w->v.step == LOCAL_ADDR_REST);
	cr_assert_eq(w->n_all, 1u);
	cr_assert(has(w, "192.0.2.10") && has(w, "192.0.2.11") && has(w, "2001:db8::10"));
	cr_assert(!has(w, "192.0.2.12"), "the peer's address is not ours");
	cr_assert(!w->v.must_repeat && !w->v.has_failed);
	free_watch(w);
}

Test(local_addr_view, events_change_one_address)
{
	struct watch *w = listed();
	struct addr ten = rec_addr("192.0.2.10");

	take(w, REC_DEL_V4);
	cr_assert(!has(w, "192.0.2.10"));
	take(w, REC_ADD_V4);
	cr_assert(has(w, "192.0.2.10"));
	cr_assert_eq(w->n_changed, 2u);
	cr_assert(addr_eq(&w->changed[0], &ten) && addr_eq(&w->changed[1], &ten));
	take(w, REC_ADD_V4);
	cr_assert_eq(w->n_changed, 2u, "what is repeated changes nothing");
	free_watch(w);
}

Test(local_addr_view, a_tentative_address_is_not_there_yet)
{
	struct watch *w = listed();

	take(w, REC_ADD_V6_TENTATIVE);
	cr_assert(!has(w, "2001:db8::10"), "it is looked at again");
	take(w, REC_ADD_V6);
	cr_assert(has(w, "2001:db8::10"));
	free_watch(w);
}

Test(local_addr_view, other_interfaces_do_not_matter)
{
	struct watch *w = listed();
	struct rec r = rec_of(REC_DEL_V4);

	r.b[20] = 2; /* ifa_index */
	take_rec(w, r);
	cr_assert(has(w, "192.0.2.10"));
	take_rec(w, rec_link(RTM_DELLINK, AF_UNSPEC, 2, "lo2", 0, 0));
	take_rec(w, rec_link(RTM_NEWLINK, AF_UNSPEC, 2, "lo2", 0, 0));
	cr_assert(has(w, "192.0.2.10"));
	cr_assert_eq(asks(w), 0u);
	free_watch(w);
}

Test(local_addr_view, interface_that_is_missing_has_no_addresses)
{
	struct watch *w = new_watch();

	asks(w);
	answer(w, REC_NO_LINK);
	cr_assert(w->v.is_known && w->v.ifindex == 0);
	cr_assert_eq(w->n_all, 1u);
	cr_assert(!has(w, "192.0.2.10"));
	take_rec(w, rec_link(RTM_NEWLINK, AF_UNSPEC, 1, "lo", 0, 0));
	cr_assert_eq(asks(w), RTM_GETADDR, "it appears");
	answer(w, REC_LIST);
	answer(w, REC_LIST_END);
	cr_assert(has(w, "192.0.2.10"));
	free_watch(w);
}

Test(local_addr_view, removed_interface_takes_all_along)
{
	struct watch *w = listed();

	take_rec(w, rec_link(RTM_DELLINK, AF_UNSPEC, 1, "lo", 0, 0));
	cr_assert(!has(w, "192.0.2.10"));
	cr_assert_eq(w->n_all, 2u);
	take(w, REC_ADD_V4);
	cr_assert(!has(w, "192.0.2.10"), "an index without a name is nobody's");
	free_watch(w);
}

Test(local_addr_view, renamed_interface_is_another)
{
	struct watch *w = listed();

	take_rec(w, rec_link(RTM_NEWLINK, AF_UNSPEC, 1, "old", 0, 0));
	cr_assert(!has(w, "192.0.2.10"));
	take_rec(w, rec_link(RTM_NEWLINK, AF_UNSPEC, 1, "lo", 0, 0));
	cr_assert_eq(asks(w), RTM_GETADDR);
	answer(w, REC_LIST);
	answer(w, REC_LIST_END);
	cr_assert(has(w, "192.0.2.10"));
	free_watch(w);
}

Test(local_addr_view, another_interface_under_the_name_has_other_addresses)
{
	struct watch *w = listed();

	take_rec(w, rec_link(RTM_NEWLINK, AF_UNSPEC, 5, "lo", 0, 0));
	cr_assert(!has(w, "192.0.2.10"));
	cr_assert_eq(asks(w), RTM_GETADDR);
	free_watch(w);
}

/* An event may be queued before a part of the list that is older than it. */
Test(local_addr_view, a_list_that_events_disturbed_is_made_again)
{
	struct watch *w = listed();

	local_addr_view_begin(&w->v);
	asks(w);
	found(w);
	asks(w);
	take(w, REC_DEL_V4);
	cr_assert(!has(w, "192.0.2.10"), "a withdrawal waits for no list");
	answer(w, REC_LIST); /* still with it */
	answer(w, REC_LIST_END);
	cr_assert(!has(w, "192.0.2.10"), "such a list is not believed");
	cr_assert_eq(asks(w), RTM_GETADDR);
	answer(w, REC_LIST_END);
	cr_assert(!w->v.must_repeat);
	cr_assert(!has(w, "192.0.2.11"), "the undisturbed one is");
	free_watch(w);
}

Test(local_addr_view, events_without_end_do_not_keep_it_from_knowing)
{
	struct watch *w = new_watch();
	int n = 0;

	asks(w);
	found(w);
	while (asks(w) == RTM_GETADDR && n < 100) {
		n++;
		answer(w, REC_LIST);
		take(w, REC_ADD_V4);
		answer(w, REC_LIST_END);
	}
	cr_assert_eq(n, 5);
	cr_assert(w->v.is_known && w->v.must_repeat);
	cr_assert(has(w, "192.0.2.10") && has(w, "192.0.2.11"));
	free_watch(w);
}

Test(local_addr_view, an_interrupted_list_is_made_again)
{
	struct watch *w = new_watch();

	asks(w);
	found(w);
	asks(w);
	take_rec(w, rec_answer(REC_LIST, w->v.seq, NLM_F_DUMP_INTR));
	answer(w, REC_LIST_END);
	cr_assert(!w->v.is_known);
	cr_assert_eq(asks(w), RTM_GETADDR);
	answer(w, REC_LIST);
	answer(w, REC_LIST_END);
	cr_assert(w->v.is_known);
	free_watch(w);
}

/* What is known stays until the new list is there: a lost event must not flap anything. */
Test(local_addr_view, beginning_anew_forgets_nothing)
{
	struct watch *w = listed();
	uint32_t n_all = w->n_all;

	local_addr_view_begin(&w->v);
	cr_assert(has(w, "192.0.2.10") && w->v.is_known);
	asks(w);
	found(w);
	asks(w);
	cr_assert(has(w, "192.0.2.10"));
	cr_assert_eq(w->n_all, n_all);
	answer(w, REC_LIST_END);
	cr_assert(!has(w, "192.0.2.10"));
	cr_assert_eq(w->n_all, n_all + 1);
	free_watch(w);
}

Test(local_addr_view, answers_to_earlier_requests_are_passed_over)
{
	struct watch *w = listed();

	take_rec(w, rec_answer(REC_LIST_END, w->v.seq, 0));
	local_addr_view_begin(&w->v);
	take_rec(w, rec_answer(REC_NO_LINK, w->v.seq - 1, 0));
	cr_assert_eq(w->v.ifindex, 1u);
	cr_assert(has(w, "192.0.2.10"));
	free_watch(w);
}

Test(local_addr_view, refusals_are_failures)
{
	struct watch *w = new_watch();
	struct rec r;
	int busy = -EBUSY;

	asks(w);
	found(w);
	asks(w);
	r = rec_answer(REC_NO_LINK, w->v.seq, 0);
	memcpy(r.b + 16, &busy, sizeof(busy));
	take_rec(w, r);
	cr_assert(w->v.has_failed && !w->v.is_known);
	local_addr_view_begin(&w->v);
	cr_assert(!w->v.has_failed);
	cr_assert_eq(asks(w), RTM_GETLINK);
	free_watch(w);
}
