/* GRPC_CHECK: one grpc.health.v1.Health/Check (spec/monalive §3.3), over TLS with ALPN h2 or, with
 * `tls off`, in the clear with prior knowledge.
 *
 * Judged when the stream has ended, in this order: HTTP status → content-type → grpc-status → the
 * one message → its status. Only a wrong HTTP status ends the talk before. What makes the stream
 * end otherwise (RST_STREAM, GOAWAY, a broken frame, a limit) has a code of its own.
 */
#pragma once

struct check_driver;
struct check_grpc;

extern const struct check_driver check_grpc_driver;

/* Why an answer is not gRPC's: detail of CODE_GRPC_MALFORMED above enum grpc_health_fault. */
enum check_grpc_fault {
	CHECK_GRPC_BAD_STATUS = 16, /* grpc-status is no number */
	CHECK_GRPC_TWO_STATUSES,
};

enum { CHECK_GRPC_MAX_BODY_BYTES = 64 << 10 };

/* NULL is fine. */
void check_grpc_free(struct check_grpc *g);
