/* Asks the kernel for the route to an address, as `ip route get` does. */
#pragma once

#include "base/addr.h"

enum { CTL_ROUTE_REQUEST_BYTES = 96 };

struct ctl_route {
	bool is_local;      /* the address is this machine's own */
	bool has_gateway;   /* not on this link */
	uint32_t ifindex;   /* leaves by it */
	uint32_t mtu;       /* of the route; 0: the interface's */
	struct addr source; /* that the kernel would choose; ADDR_UNSET: none */
};

/* Opens a socket for ctl_route_get, or a negative errno. */
MUST_CHECK int ctl_route_open(void);
/* mark 0: none. Returns 0, or what the kernel says: -ENETUNREACH and -EHOSTUNREACH without route,
 * -EACCES and -EINVAL for a route that refuses. */
MUST_CHECK int ctl_route_get(int fd, const struct addr *to, uint32_t mark, struct ctl_route *ret);

/* Parts, for tests. The request's length; an answer as ctl_route_get gives it, -EBADMSG for one
 * that is malformed. */
size_t ctl_route_request(const struct addr *to, uint32_t mark,
			 unsigned char out[CTL_ROUTE_REQUEST_BYTES]);
MUST_CHECK int ctl_route_read(const unsigned char *answer, size_t len, struct ctl_route *ret);
