/* A RealFind reply as a stream: bytes go in as they arrive, modules, services and reals come out
 * one by one. Memory is this struct, whatever the reply's size: a service with a million reals is
 * not held as a whole (spec/yanet §5 sets no upper limit).
 *
 * Accepted: unknown fields of the wire types that protobuf still has, known fields of another wire
 * type (skipped, as protobuf does), repeated fields, an empty reply. Refused with -EPROTO: lengths
 * beyond what contains them, varints of more than 10 bytes, field number 0, groups, an end inside a
 * field, and a name or key that follows what it belongs to (every protobuf library writes
 * fields in ascending order; a stream cannot wait for them).
 *
 * What is well-formed but of no use to us comes out with its is_usable false: an address that is no
 * IPv4 or 16-byte IPv6 one, an IPv4-mapped one (another key in YANET, spec §3; the same in ours), a
 * port above 65535, a protocol that is neither TCP nor UDP, a name that could not be sent back.
 */
#pragma once

#include "config/gen.h"
#include "yanet/yanet_name.h"

enum yanet_decode_event {
	YANET_DECODE_MORE = 1, /* the input is used up, the reply is not complete */
	YANET_DECODE_MODULE,   /* `module` is complete; its services follow */
	YANET_DECODE_SERVICE,  /* `service` is complete; its reals follow */
	YANET_DECODE_REAL,     /* `real` is complete */
	YANET_DECODE_END,      /* the reply is complete */
};

/* Bytes not yet read; the decoder moves it on. */
struct yanet_input {
	const uint8_t *at;
	size_t len;
};

struct yanet_found_ip {
	struct addr ip;
	bool is_usable;
};

struct yanet_found_module {
	bool is_usable;
	struct yanet_name name;
};

struct yanet_found_service {
	bool is_usable;
	enum l4_proto proto;
	bool has_port;
	uint16_t port;
	struct addr vip;
};

struct yanet_found_real {
	bool is_usable;
	bool has_port;
	uint16_t port;
	bool is_enabled;
	uint32_t weight;
	struct addr ip;
};

enum { YANET_DECODE_DEPTH = 5 };

struct yanet_decode {
	/* what the last event was about */
	struct yanet_found_module module;
	struct yanet_found_service service;
	struct yanet_found_real real;

	/* the parser's own */
	uint64_t at;                      /* bytes of the reply read so far */
	uint64_t end[YANET_DECODE_DEPTH]; /* where each open message ends */
	uint8_t message[YANET_DECODE_DEPTH];
	uint8_t depth;
	uint8_t phase;
	uint8_t wire;
	uint8_t n_varint; /* bytes of it read */
	uint64_t varint;
	uint64_t field;
	uint64_t left; /* bytes of a field to skip or to take */
	bool is_module_told, is_service_told;
	/* raw values of the open messages */
	struct yanet_found_ip ip;
	uint64_t key_proto, key_port, real_port;
	bool key_has_port;
	struct yanet_found_ip vip, rip;
	uint32_t n_taken;
	uint8_t taken[YANET_NAME_MAX];
};

/* A reply of body_bytes begins. */
void yanet_decode_begin(struct yanet_decode *d, uint64_t body_bytes);
/* Reads on until something is complete. Returns an event, or -EPROTO: the reply is malformed, and
 * nothing more may be read. */
MUST_CHECK int yanet_decode_next(struct yanet_decode *d, struct yanet_input *in);
