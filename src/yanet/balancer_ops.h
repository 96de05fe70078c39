/* What a backend of balancer.h is made of: each embeds struct balancer first in its own struct. */
#pragma once

#include "yanet/balancer.h"

struct balancer_ops {
	void (*free)(struct balancer *b);
	int (*adopt)(struct balancer *b, const struct generation *gen, const struct gen_diff *diff);
	void (*dirty)(struct balancer *b, uint32_t real);
	void (*disable_all)(struct balancer *b);
	bool (*is_idle)(const struct balancer *b);
	void (*status)(const struct balancer *b, struct balancer_status *ret);
};

struct balancer {
	const struct balancer_ops *ops;
};
