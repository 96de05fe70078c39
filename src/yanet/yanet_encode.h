/* Requests to the balancer's control plane, byte for byte (spec/yanet §2, §3): two frames, each an
 * 8-byte little-endian length and a protobuf message. A request is written into memory that is
 * allocated once; its length fields are patched by yanet_encode_end(), so length and body always
 * agree. What it takes (keys, names) excludes every message that the control plane does not
 * survive.
 */
#pragma once

#include "yanet/yanet_key.h"
#include "yanet/yanet_name.h"

enum yanet_method { YANET_REAL, YANET_FLUSH, YANET_FIND, YANET_INSPECT };

enum {
	YANET_BATCH_MAX = 512, /* updates in one request (decisions 4) */
	/* one update at its longest: tag and length 3, name 258, addresses 2 x 20, protocol 2,
	 * ports 2 x 4, enable 2, weight 6 */
	YANET_UPDATE_BYTES_MAX = 319,
	YANET_REQUEST_BYTES = 64 + YANET_BATCH_MAX * YANET_UPDATE_BYTES_MAX,
};

struct yanet_request {
	uint8_t *mem; /* YANET_REQUEST_BYTES */
	uint8_t *at;
	uint8_t *body; /* after the body's length field */
	uint32_t n_updates;
};

struct yanet_update {
	bool enable;
	bool has_weight; /* absent: the weight of YANET's services file */
	uint32_t weight; /* not sent with a disable */
};

/* Returns 0 or -ENOMEM. */
MUST_CHECK int yanet_encode_init(struct yanet_request *q);
void yanet_encode_deinit(struct yanet_request *q);

/* Starts a request anew: the call header and an empty body. */
void yanet_encode_begin(struct yanet_request *q, enum yanet_method method);
/* Adds one update to a YANET_REAL request. At most YANET_BATCH_MAX of them. */
void yanet_encode_update(struct yanet_request *q, const struct yanet_name *module,
			 const struct yanet_key *key, const struct yanet_update *u);
/* The filter of a YANET_FIND request: this real only. Without it: everything. */
void yanet_encode_filter(struct yanet_request *q, const struct yanet_name *module,
			 const struct yanet_key *key);
/* The question of a YANET_INSPECT request: what the data plane has for the VIP of key. */
void yanet_encode_inspect(struct yanet_request *q, const struct yanet_name *module,
			  const struct yanet_key *key);
/* Completes the request; returns its length. The bytes begin at q->mem. */
size_t yanet_encode_end(struct yanet_request *q);
