/* rtnetlink messages about one machine's interfaces and addresses: bytes to meaning and back.
 * Pure. Bytes come from the kernel, but are read as if they did not: whatever is malformed, or is
 * about something else, is passed over. */
#pragma once

#include <net/if.h>

#include "base/addr.h"

enum local_addr_kind {
	LOCAL_ADDR_NEW,  /* an address is there, or changed */
	LOCAL_ADDR_GONE, /* an address is not */
	LOCAL_ADDR_LINK, /* an interface is there, or changed its name */
	LOCAL_ADDR_LINK_GONE,
	LOCAL_ADDR_DONE,  /* end of what was asked for */
	LOCAL_ADDR_ERROR, /* an answer: 0 or a negative errno */
};

/* What makes an address of one interface this one: IPv4 allows the same local address with several
 * prefix lengths and peers. */
struct local_addr_entry {
	struct addr local, address; /* address: the peer's, else the same */
	uint8_t prefix_len;
};

struct local_addr_msg {
	enum local_addr_kind kind;
	uint32_t seq, port;  /* of the request that it answers, or that caused it */
	bool is_interrupted; /* the kernel's tables changed while it listed them */
	int error;
	uint32_t ifindex;
	struct local_addr_entry entry; /* NEW, GONE */
	bool is_usable;                /* NEW: duplicate address detection has passed it */
	char name[IFNAMSIZ];           /* LINK */
};

typedef void (*local_addr_msg_fn)(void *ctx, const struct local_addr_msg *m);
/* Calls fn for each message that means something; bytes must be aligned for struct nlmsghdr. */
void local_addr_msg_each(const void *bytes, size_t len, local_addr_msg_fn fn, void *ctx);

enum { LOCAL_ADDR_REQUEST_BYTES = 128 };
/* Requests; out is aligned for struct nlmsghdr. They return the length. */
size_t local_addr_msg_ask_link(const char *ifname, uint32_t seq,
			       unsigned char out[LOCAL_ADDR_REQUEST_BYTES]);
size_t local_addr_msg_ask_addresses(uint32_t seq, unsigned char out[LOCAL_ADDR_REQUEST_BYTES]);
