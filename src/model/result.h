/* worker → agg: the outcome of one job. Ids and values only, no pointer, no text: the text is made
 * from code and detail (decisions 51). */
#pragma once

#include "model/check_code.h"

enum result_flag {
	RESULT_TLS_RESUMED = 1 << 0,
	RESULT_DRAIN = 1 << 1, /* good, with a status of drain_status */
	RESULT_URL_SHIFT = 4,  /* upper half: which url decided, from 0 */
};

struct result {
	uint32_t check;    /* slot */
	uint32_t sequence; /* of the slot */
	uint64_t due_ns;
	uint32_t lateness_us; /* pick-up minus due */
	uint32_t connect_us;  /* 0: that phase was not reached */
	uint32_t tls_us;
	uint32_t total_us;      /* from pick-up to the end */
	uint16_t code;          /* enum check_code */
	uint8_t verdict;        /* enum verdict */
	uint8_t attempt;        /* of the job */
	uint32_t detail;        /* errno, status, alert...: check_code.tbl */
	int32_t weight;         /* as the server said it, 0..; -1: it said none */
	uint32_t cert_expiry_s; /* days matter: seconds since 1970, 0 unknown */
	uint16_t tls_version;
	uint16_t tls_cipher;
	uint8_t flags;   /* enum result_flag */
	uint8_t layer;   /* enum check_layer */
	uint16_t gap_ms; /* longest standstill of the worker's loop during the check */
	uint32_t bytes_read;
	uint32_t generation; /* number */
};
static_assert(sizeof(struct result) == 64, "one cache line (decisions 51)");
