/* Which path and method does what, on which listener, for whom. Thread: api only. */
#pragma once

#include "api/big.h"
#include "api/order.h"

enum route_listener {
	ROUTE_HTTP = 1 << 0,    /* server.http_addr */
	ROUTE_METRICS = 1 << 1, /* server.metrics_addr */
	ROUTE_UNIX = 1 << 2,    /* server.unix_sock */
};

struct route_env {
	const struct api_args *args;
	struct orders orders;
	struct big_slots big;
	uint64_t start_wall_ns;
};

/* One per listener: the context of its requests. */
struct route_door {
	struct route_env *env;
	enum route_listener listener;
};

/* An httpd_handler_fn; ctx: a struct route_door. */
void route_handle(void *ctx, struct httpd_request *r);
