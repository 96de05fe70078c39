#include "local_addr_bytes.h"

struct seen {
	struct local_addr_msg at[16];
	uint32_t n;
};

static void see(void *ctx, const struct local_addr_msg *m)
{
	struct seen *s = ctx;

	cr_assert_lt(s->n, 16u);
	s->at[s->n++] = *m;
}

static struct seen read_rec(const struct rec *r)
{
	struct seen s = {.n = 0};

	local_addr_msg_each(r->b, r->len, see, &s);
	return s;
}

static struct seen read_hex(const char *hex)
{
	struct rec r = rec_of(hex);

	return read_rec(&r);
}

static void is_entry(const struct local_addr_msg *m, enum local_addr_kind kind, const char *local,
		     const char *address, uint8_t len)
{
	struct addr l = rec_addr(local), a = rec_addr(address);

	cr_assert_eq(m->kind, kind);
	cr_assert(addr_eq(&m->entry.local, &l));
	cr_assert(addr_eq(&m->entry.address, &a));
	cr_assert_eq(m->entry.prefix_len, len);
}

Test(local_addr_msg, added_and_removed)
{
	struct seen s = read_hex(REC_ADD_V4 REC_DEL_V4);

	cr_assert_eq(s.n, 2);
	is_entry(&s.at[0], LOCAL_ADDR_NEW, "192.0.2.10", "192.0.2.10", 32);
	cr_assert(s.at[0].is_usable);
	cr_assert_eq(s.at[0].ifindex, 1);
	cr_assert_neq(s.at[0].port, (uint32_t)REC_PORT, "caused by another process");
	is_entry(&s.at[1], LOCAL_ADDR_GONE, "192.0.2.10", "192.0.2.10", 32);
}

Test(local_addr_msg, local_address_is_not_the_peers)
{
	struct seen s = read_hex(REC_ADD_PEER);

	is_entry(&s.at[0], LOCAL_ADDR_NEW, "192.0.2.11", "192.0.2.12", 32);
}

/* A deprecated address is one that nothing new is sent from: VIPs often are. */
Test(local_addr_msg, tentative_is_not_usable_deprecated_is)
{
	struct seen s = read_hex(REC_ADD_V6_TENTATIVE REC_ADD_V6);

	cr_assert_eq(s.n, 2);
	is_entry(&s.at[0], LOCAL_ADDR_NEW, "2001:db8::10", "2001:db8::10", 128);
	cr_assert(!s.at[0].is_usable);
	cr_assert(s.at[1].is_usable);
}

Test(local_addr_msg, failed_duplicate_detection_is_not_usable)
{
	struct rec r = rec_of(REC_ADD_V6);
	struct seen s;

	r.b[r.len - 4] |= 0x08; /* IFA_F_DADFAILED in IFA_FLAGS */
	s = read_rec(&r);
	cr_assert(!s.at[0].is_usable);
}

Test(local_addr_msg, flags_of_an_old_kernel_stand_in_the_fixed_part)
{
	struct rec r = rec_of(REC_ADD_V6_TENTATIVE);
	struct seen s;

	r.b[r.len - 6] = 0xff; /* no IFA_FLAGS, but an unknown attribute */
	s = read_rec(&r);
	cr_assert_eq(s.n, 1);
	cr_assert(!s.at[0].is_usable);
}

Test(local_addr_msg, a_list_and_its_end)
{
	struct seen s = read_hex(REC_LIST REC_LIST_END);

	cr_assert_eq(s.n, 6);
	is_entry(&s.at[0], LOCAL_ADDR_NEW, "127.0.0.1", "127.0.0.1", 8);
	is_entry(&s.at[2], LOCAL_ADDR_NEW, "192.0.2.11", "192.0.2.12", 32);
	is_entry(&s.at[3], LOCAL_ADDR_NEW, "2001:db8::10", "2001:db8::10", 128);
	cr_assert_eq(s.at[5].kind, LOCAL_ADDR_DONE);
	for (uint32_t i = 0; i < s.n; i++) {
		cr_assert_eq(s.at[i].seq, (uint32_t)REC_LIST_SEQ);
		cr_assert_eq(s.at[i].port, (uint32_t)REC_PORT);
		cr_assert(!s.at[i].is_interrupted);
	}
}

Test(local_addr_msg, interrupted_list_is_marked)
{
	struct rec r = rec_answer(REC_LIST_END, 9, NLM_F_DUMP_INTR);
	struct seen s = read_rec(&r);

	cr_assert(s.at[0].is_interrupted);
}

Test(local_addr_msg, no_such_interface)
{
	struct seen s = read_hex(REC_NO_LINK);

	cr_assert_eq(s.n, 1);
	cr_assert_eq(s.at[0].kind, LOCAL_ADDR_ERROR);
	cr_assert_eq(s.at[0].error, -ENODEV);
	cr_assert_eq(s.at[0].seq, 8);
}

Test(local_addr_msg, links)
{
	struct rec r = rec_link(RTM_NEWLINK, AF_UNSPEC, 7, "vip0", 3, REC_PORT);
	struct seen s = read_rec(&r);

	cr_assert_eq(s.at[0].kind, LOCAL_ADDR_LINK);
	cr_assert_eq(s.at[0].ifindex, 7);
	cr_assert_str_eq(s.at[0].name, "vip0");
	r = rec_link(RTM_DELLINK, AF_UNSPEC, 7, "vip0", 0, 0);
	s = read_rec(&r);
	cr_assert_eq(s.at[0].kind, LOCAL_ADDR_LINK_GONE);
}

/* Otherwise a port that leaves a bridge would take its addresses' prefixes with it. */
Test(local_addr_msg, a_bridge_that_loses_a_port_is_no_lost_interface)
{
	struct rec r = rec_link(RTM_DELLINK, AF_BRIDGE, 7, "vip0", 0, 0);

	cr_assert_eq(read_rec(&r).n, 0);
}

Test(local_addr_msg, a_name_without_end_is_cut)
{
	struct rec r = rec_link(RTM_NEWLINK, AF_UNSPEC, 7, "0123456789abcde", 0, 0);
	struct seen s;

	r.b[r.len - 1] = 'f';
	s = read_rec(&r);
	cr_assert_str_eq(s.at[0].name, "0123456789abcde");
}

Test(local_addr_msg, mapped_addresses_are_none_of_ours)
{
	struct rec r = rec_of(REC_ADD_V6);
	const unsigned char mapped[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 10};

	memcpy(r.b + 28, mapped, sizeof(mapped));
	cr_assert_eq(read_rec(&r).n, 0, "::ffff:192.0.2.10 is not 192.0.2.10");
}

Test(local_addr_msg, cut_and_false_lengths_end_the_reading)
{
	struct rec r = rec_of(REC_ADD_V4 REC_DEL_V4), cut;

	for (size_t len = 0; len < r.len; len++) {
		cut = r;
		cut.len = len;
		cr_assert_eq(read_rec(&cut).n, len >= 76u ? 1u : 0u);
	}
	for (uint32_t len = 0; len < 28; len++) {
		cut = r;
		memcpy(cut.b, &len, sizeof(len));
		cr_assert_leq(read_rec(&cut).n, 1u, "a fixed part is missing at %u", len);
	}
	memset(r.b, 0xff, 4);
	cr_assert_eq(read_rec(&r).n, 0);
}

static uint32_t u32_at(const unsigned char *b)
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

Test(local_addr_msg, requests_are_what_the_kernel_answered)
{
	alignas(4) unsigned char out[LOCAL_ADDR_REQUEST_BYTES];
	/* RTM_GETLINK for lo; RTM_GETADDR, a dump of all families */
	const char link[] = "280000001200010007000000000000000000000000000000"
			    "0000000000000000070003006c6f0000";
	struct rec want = rec_of(link);
	size_t len = local_addr_msg_ask_link("lo", 7, out);

	cr_assert_eq(len, want.len);
	cr_assert_eq(memcmp(out, want.b, len), 0);
	len = local_addr_msg_ask_addresses(9, out);
	cr_assert_eq(len, 24u);
	cr_assert_eq(u32_at(out), 24u);
	cr_assert_eq(u32_at(out + 4), RTM_GETADDR | (NLM_F_REQUEST | NLM_F_DUMP) << 16);
	cr_assert_eq(u32_at(out + 8), 9u);
}
