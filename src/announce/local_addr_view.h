/* What is known of one interface's addresses, from rtnetlink messages alone. Pure: no socket, no
 * clock. agg's thread.
 *
 * Lists and events come over one socket, in the order in which the kernel queued them, so events
 * apply at once to what is known and to a list that is being read. Two things break the order, and
 * both ask for another list: the kernel says that a list was interrupted; or an event came while
 * the list was made, since it may have been queued before a part of the list that is older. After
 * some such lists in a row the last one is taken, and another follows later.
 *
 *   find the interface ──► list its addresses ──► events ──► (interface renamed, gone, new: again)
 */
#pragma once

#include "announce/local_addr_set.h"

enum local_addr_step {
	LOCAL_ADDR_REST, /* nothing is asked: events tell all */
	LOCAL_ADDR_FIND, /* where is the interface? */
	LOCAL_ADDR_LIST, /* which addresses are there? */
};

struct local_addr_view {
	char ifname[IFNAMSIZ];
	uint32_t port;    /* of our socket: tells answers from events */
	uint32_t ifindex; /* 0: there is no such interface */
	bool is_known;    /* a list was complete, or the interface is known to be missing */
	struct local_addr_set live, next;
	enum local_addr_step step;
	uint32_t seq;        /* of the request under way */
	bool must_send;      /* step's request is to be sent */
	bool is_disturbed;   /* next may be wrong */
	uint8_t n_disturbed; /* lists in a row */
	bool must_repeat;    /* another list is needed, not at once */
	bool has_failed;     /* the kernel refused, or no memory: begin anew, later */
	/* The answer of local_addr_view_has may differ for this address; NULL: for any. */
	void *ctx;
	void (*changed)(void *ctx, const struct addr *local);
};

void local_addr_view_init(struct local_addr_view *v, const char *ifname);
void local_addr_view_deinit(struct local_addr_view *v);
/* Asks for everything: at the start, after messages were lost, and when must_repeat or has_failed.
 * What is known stays until the answer. */
void local_addr_view_begin(struct local_addr_view *v);
/* The request to be sent now, its length; 0: none. */
size_t local_addr_view_request(struct local_addr_view *v,
			       unsigned char out[LOCAL_ADDR_REQUEST_BYTES]);
/* One datagram from the kernel, aligned for struct nlmsghdr. */
void local_addr_view_take(struct local_addr_view *v, const void *bytes, size_t len);
/* Only if is_known. */
bool local_addr_view_has(const struct local_addr_view *v, const struct addr *local);
