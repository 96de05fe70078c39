#include "announce/local_addr_msg.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum { ATTRIBUTES = IFA_FLAGS + 1 }; /* none beyond it is read */

static size_t aligned(size_t len)
{
	return (len + NLMSG_ALIGNTO - 1) & ~(size_t)(NLMSG_ALIGNTO - 1);
}

struct attributes {
	const struct nlattr *at[ATTRIBUTES];
};

static int take(const struct nlattr *a, void *ctx)
{
	struct attributes *into = ctx;

	if (mnl_attr_get_type(a) < ATTRIBUTES)
		into->at[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

/* The message's fixed part, and its attributes; NULL if it is too short. mnl_attr_parse() would
 * look up to three bytes beyond a message of odd length. */
static const void *parts_of(const struct nlmsghdr *h, size_t fixed, struct attributes *ret)
{
	size_t len = h->nlmsg_len - sizeof(*h);
	const char *payload = mnl_nlmsg_get_payload(h);

	*ret = (struct attributes){.at = {NULL}};
	if (len < aligned(fixed))
		return NULL;
	(void)mnl_attr_parse_payload(payload + aligned(fixed), len - aligned(fixed), take, ret);
	return payload;
}

/* --- addresses ---------------------------------------------------------------------------------
 */

static bool read_address(const struct nlattr *a, uint8_t family, struct addr *ret)
{
	size_t len = a ? mnl_attr_get_payload_len(a) : 0;
	const uint8_t *b = len ? mnl_attr_get_payload(a) : NULL;

	if (family == AF_INET && len == 4) {
		*ret = addr_from_v4_u32((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
					(uint32_t)b[2] << 8 | b[3]);
		return true;
	}
	if (family != AF_INET6 || len != sizeof(ret->b))
		return false;
	memcpy(ret->b, b, sizeof(ret->b));
	return !addr_is_v4(ret); /* the mapped form stands for IPv4 here */
}

static bool is_usable(const struct ifaddrmsg *fixed, const struct attributes *parts)
{
	const struct nlattr *a = parts->at[IFA_FLAGS];
	uint32_t flags = fixed->ifa_flags;

	if (a && mnl_attr_get_payload_len(a) == sizeof(flags))
		memcpy(&flags, mnl_attr_get_payload(a), sizeof(flags));
	return !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
}

static bool read_entry(const struct nlmsghdr *h, struct local_addr_msg *m)
{
	struct attributes parts;
	struct ifaddrmsg fixed;
	const void *payload = parts_of(h, sizeof(fixed), &parts);
	struct local_addr_entry *e = &m->entry;
	bool has_local, has_address;

	if (!payload)
		return false;
	memcpy(&fixed, payload, sizeof(fixed));
	has_local = read_address(parts.at[IFA_LOCAL], fixed.ifa_family, &e->local);
	has_address = read_address(parts.at[IFA_ADDRESS], fixed.ifa_family, &e->address);
	if (!has_local && !has_address)
		return false;
	if (!has_local)
		e->local = e->address;
	if (!has_address)
		e->address = e->local;
	e->prefix_len = fixed.ifa_prefixlen;
	m->ifindex = fixed.ifa_index;
	m->is_usable = is_usable(&fixed, &parts);
	return true;
}

/* --- links and answers -------------------------------------------------------------------------
 */

/* A bridge tells in its own family that a port has left it: the interface itself is still there. */
static bool read_link(const struct nlmsghdr *h, struct local_addr_msg *m)
{
	struct attributes parts;
	struct ifinfomsg fixed;
	const void *payload = parts_of(h, sizeof(fixed), &parts);
	const struct nlattr *name = parts.at[IFLA_IFNAME];

	if (!payload)
		return false;
	memcpy(&fixed, payload, sizeof(fixed));
	if (fixed.ifi_family != AF_UNSPEC || fixed.ifi_index <= 0)
		return false;
	m->ifindex = (uint32_t)fixed.ifi_index;
	if (name) {
		size_t len = MIN((size_t)mnl_attr_get_payload_len(name), sizeof(m->name) - 1);

		memcpy(m->name, mnl_attr_get_payload(name), len);
	}
	return m->kind == LOCAL_ADDR_LINK_GONE || m->name[0];
}

static bool read_error(const struct nlmsghdr *h, struct local_addr_msg *m)
{
	if (h->nlmsg_len < sizeof(*h) + sizeof(m->error))
		return false;
	memcpy(&m->error, mnl_nlmsg_get_payload(h), sizeof(m->error));
	return m->error <= 0 && m->error > -4096;
}

/* The end of a list may carry its error. */
static bool read_done(const struct nlmsghdr *h, struct local_addr_msg *m)
{
	if (h->nlmsg_len >= sizeof(*h) + sizeof(m->error))
		return read_error(h, m);
	return true;
}

static const struct reader {
	uint16_t type;
	enum local_addr_kind kind;
	bool (*read)(const struct nlmsghdr *h, struct local_addr_msg *m);
} readers[] = {
	{RTM_NEWADDR, LOCAL_ADDR_NEW, read_entry}, {RTM_DELADDR, LOCAL_ADDR_GONE, read_entry},
	{RTM_NEWLINK, LOCAL_ADDR_LINK, read_link}, {RTM_DELLINK, LOCAL_ADDR_LINK_GONE, read_link},
	{NLMSG_DONE, LOCAL_ADDR_DONE, read_done},  {NLMSG_ERROR, LOCAL_ADDR_ERROR, read_error},
};

static void one(const struct nlmsghdr *h, local_addr_msg_fn fn, void *ctx)
{
	struct local_addr_msg m = {.seq = h->nlmsg_seq,
				   .port = h->nlmsg_pid,
				   .is_interrupted = h->nlmsg_flags & NLM_F_DUMP_INTR};

	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		if (readers[i].type != h->nlmsg_type)
			continue;
		m.kind = readers[i].kind;
		if (readers[i].read(h, &m))
			fn(ctx, &m);
		return;
	}
}

void local_addr_msg_each(const void *bytes, size_t len, local_addr_msg_fn fn, void *ctx)
{
	const char *at = bytes;

	/* mnl_nlmsg_ok() takes a length beyond 2 GB for a small one */
	while (len >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)at;
		size_t whole;

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len)
			return;
		one(h, fn, ctx);
		whole = MIN(aligned(h->nlmsg_len), len);
		at += whole;
		len -= whole;
	}
}

/* --- requests ----------------------------------------------------------------------------------
 */

static struct nlmsghdr *request(uint16_t type, uint16_t flags, uint32_t seq, unsigned char *out)
{
	struct nlmsghdr *h;

	memset(out, 0, LOCAL_ADDR_REQUEST_BYTES);
	h = mnl_nlmsg_put_header(out);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = seq;
	return h;
}

size_t local_addr_msg_ask_link(const char *ifname, uint32_t seq,
			       unsigned char out[LOCAL_ADDR_REQUEST_BYTES])
{
	struct nlmsghdr *h = request(RTM_GETLINK, 0, seq, out);

	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, ifname);
	return h->nlmsg_len;
}

size_t local_addr_msg_ask_addresses(uint32_t seq, unsigned char out[LOCAL_ADDR_REQUEST_BYTES])
{
	struct nlmsghdr *h = request(RTM_GETADDR, NLM_F_DUMP, seq, out);

	mnl_nlmsg_put_extra_header(h, sizeof(struct ifaddrmsg));
	return h->nlmsg_len;
}
