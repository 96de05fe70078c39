#include "model/check_code.h"

struct code_row {
	uint8_t verdict;
	uint8_t layer;
	const char *text;
};

#define VERDICT_OF_GOOD    VERDICT_GOOD
#define VERDICT_OF_BAD     VERDICT_BAD
#define VERDICT_OF_UNKNOWN VERDICT_UNKNOWN

static const struct code_row rows[CODE__N] = {
#define X(name, verdict, layer, text) [CODE_##name] = {VERDICT_OF_##verdict, LAYER_##layer, text},
#include "model/check_code.tbl"
#undef X
};

static const char *const layer_texts[LAYER__N] = {
	[LAYER_LOCAL] = "local", [LAYER_CONNECT] = "connect", [LAYER_TLS] = "tls",
	[LAYER_HTTP] = "http",   [LAYER_BODY] = "body",       [LAYER_GRPC] = "grpc",
};

static const char *const kind_texts[CHECK_KIND__N] = {
	[CHECK_TCP] = "TCP",
	[CHECK_HTTP] = "HTTP",
	[CHECK_HTTPS] = "HTTPS",
	[CHECK_GRPC] = "GRPC",
};

enum verdict check_code_verdict(enum check_code code)
{
	return code < CODE__N ? (enum verdict)rows[code].verdict : VERDICT_UNKNOWN;
}

enum check_layer check_code_layer(enum check_code code)
{
	return code < CODE__N ? (enum check_layer)rows[code].layer : LAYER_LOCAL;
}

const char *check_code_text(enum check_code code)
{
	return code < CODE__N ? rows[code].text : "?";
}

const char *check_layer_text(enum check_layer layer)
{
	return layer < LAYER__N ? layer_texts[layer] : "?";
}

const char *check_kind_text(enum check_kind kind)
{
	return kind < CHECK_KIND__N ? kind_texts[kind] : "?";
}

static const char *http_label(enum check_code code)
{
	if (code == CODE_HTTP_STATUS)
		return "http_status_code";
	if (code == CODE_BODY_DIGEST || code == CODE_BODY_ENCODED)
		return "http_digest";
	return check_code_layer(code) == LAYER_BODY ? "http_read_response" : "http_process_request";
}

/* The reference's grpc_status_code is the health service's status, not gRPC's. */
static const char *grpc_label(enum check_code code)
{
	bool is_health = code == CODE_GRPC_UNKNOWN || code == CODE_GRPC_NOT_SERVING ||
			 code == CODE_GRPC_SERVICE_UNKNOWN || code == CODE_GRPC_HEALTH;

	return is_health ? "grpc_status_code" : "grpc_check";
}

const char *check_code_label(enum check_kind kind, enum check_code code)
{
	if (check_code_verdict(code) == VERDICT_UNKNOWN && code != CODE_NO_ROUTE)
		return "unknown";
	switch (kind) {
	case CHECK_TCP:
		return "tcp_dial";
	case CHECK_HTTP:
	case CHECK_HTTPS:
		return http_label(code);
	case CHECK_GRPC:
		return grpc_label(code);
	case CHECK_KIND__N:
		break;
	}
	return "unknown";
}
