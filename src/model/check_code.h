/* The outcomes of a check and their three-valued verdict. */
#pragma once

#include "base/cc.h"

enum verdict { VERDICT_UNKNOWN, VERDICT_GOOD, VERDICT_BAD };

enum check_layer {
	LAYER_LOCAL,
	LAYER_CONNECT,
	LAYER_TLS,
	LAYER_HTTP,
	LAYER_BODY,
	LAYER_GRPC,
	LAYER__N
};

enum check_code {
#define X(name, verdict, layer, text) CODE_##name,
#include "model/check_code.tbl"
#undef X
	CODE__N
};
static_assert(CODE__N <= 256, "a code is stored in one byte");

enum check_kind { CHECK_TCP, CHECK_HTTP, CHECK_HTTPS, CHECK_GRPC, CHECK_KIND__N };

enum verdict check_code_verdict(enum check_code code);
enum check_layer check_code_layer(enum check_code code);
/* "refused"; "?" for a number that is no code. Static storage. */
const char *check_code_text(enum check_code code);
/* "connect" */
const char *check_layer_text(enum check_layer layer);
/* The reference's error label for a failed check: tcp_dial tcp_close http_create_request
 * http_process_request http_status_code http_read_response http_digest grpc_create_conn grpc_check
 * grpc_status_code unknown (spec/monalive §3.6). */
const char *check_code_label(enum check_kind kind, enum check_code code);
/* "TCP" "HTTP" "HTTPS" "GRPC", as the reference's API prints them. */
const char *check_kind_text(enum check_kind kind);
