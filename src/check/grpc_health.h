/* The two messages of grpc.health.v1.Health/Check (proto/grpc_health.proto) in gRPC's framing: one
 * byte "compressed", four bytes length, the protobuf message. By hand: a request is one string and
 * a response one number, which a reader of bytes finds without holding the message.
 */
#pragma once

#include "base/buf.h"

enum grpc_health_status {
	GRPC_HEALTH_UNKNOWN,
	GRPC_HEALTH_SERVING,
	GRPC_HEALTH_NOT_SERVING,
	GRPC_HEALTH_SERVICE_UNKNOWN,
};

/* Why a response is none; the numbers are told as details. */
enum grpc_health_fault {
	GRPC_HEALTH_FINE,
	GRPC_HEALTH_NO_MESSAGE,
	GRPC_HEALTH_CUT,        /* the stream ended inside the message */
	GRPC_HEALTH_COMPRESSED, /* we offered no compression */
	GRPC_HEALTH_SECOND,     /* bytes after the one message */
	GRPC_HEALTH_PROTOBUF,   /* not the encoding of any message */
	GRPC_HEALTH__N
};

/* Reads the response as it comes, in any pieces. Visible to be embedded. */
struct grpc_health {
	uint64_t varint;  /* as far as read */
	uint64_t skip;    /* bytes of a value that is not ours, still to come */
	uint32_t left;    /* bytes of the message still to come */
	uint32_t status;  /* field 1 */
	uint32_t tag;     /* of the field being read */
	uint8_t state;    /* what the next byte is */
	uint8_t n_prefix; /* bytes of the prefix read */
	uint8_t n_varint; /* bytes of the varint read */
	uint8_t fault;    /* enum grpc_health_fault */
};

/* Appends the framed request. Returns 0, -ENOMEM or -ENOBUFS. */
MUST_CHECK int grpc_health_request(const char *service, struct buf *out);

void grpc_health_begin(struct grpc_health *g);
void grpc_health_feed(struct grpc_health *g, const void *data, size_t len);
/* The stream has ended: GRPC_HEALTH_FINE and *ret_status, any 32-bit number, or a fault. */
enum grpc_health_fault grpc_health_end(const struct grpc_health *g, uint32_t *ret_status);
