#include "config/gen.h"

#include "base/arena.h"
#include "config/gen_extras.h"
#include "config/gen_index.h"

static uint64_t sat_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t sat_mul(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* A down takes `fall` bad attempts. They come in bursts of retry + 1, each burst at a grid point:
 * at most one interval and its jitter after the end of what was before. Inside a burst attempts
 * are one retry delay apart, end to start. */
uint64_t gen_detection_ns(const struct check_profile *p)
{
	uint32_t fall = MAX(p->fall, 1), per_burst = p->retry + 1u;
	uint32_t bursts = (fall + per_burst - 1) / per_burst;
	uint64_t waits = sat_mul(bursts, sat_add(p->interval_ns, p->jitter_ns));
	uint64_t delays = sat_mul(fall - bursts, p->retry_delay_ns);

	return sat_add(sat_add(waits, delays), sat_mul(fall, p->check_timeout_ns));
}

uint32_t gen_find_service(const struct generation *g, const struct addr *vip, bool has_port,
			  uint16_t port, enum l4_proto proto)
{
	const struct service_spec key = {
		.vip = *vip,
		.port = has_port ? port : 0,
		.proto = (uint8_t)proto,
		.flags = has_port ? SERVICE_HAS_PORT : 0,
	};

	return gen_index_find_service(g, &key,
				      gen_index_hash_service(vip, has_port, port, (uint8_t)proto));
}

uint32_t gen_find_real(const struct generation *g, uint32_t service, const struct addr *ip,
		       bool has_port, uint16_t port)
{
	const struct real_spec key = {
		.ip = *ip,
		.service = service,
		.port = has_port ? port : 0,
		.flags = has_port ? REAL_HAS_PORT : 0,
	};

	return gen_index_find_real(g, &key, gen_index_hash_real(service, ip, has_port, port));
}

uint32_t gen_find_prefix(const struct generation *g, const struct addr *vip)
{
	return gen_index_find_prefix(g, vip, gen_index_hash_prefix(vip));
}

void gen_free(struct generation *g)
{
	if (!g)
		return;
	gen_extras_free(g);
	arena_free(g->arena);
}
