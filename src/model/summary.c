#include "model/summary.h"

#include <string.h>

const uint32_t summary_response_ms[7] = {10, 50, 100, 150, 300, 500, 1000};
const uint32_t summary_transition_s[4] = {10, 30, 60, 180};

static const char *const labels[] = {
	"tcp_dial",
	"tcp_close",
	"http_create_request",
	"http_process_request",
	"http_status_code",
	"http_read_response",
	"http_digest",
	"grpc_create_conn",
	"grpc_check",
	"grpc_status_code",
	"unknown",
};

const char *summary_error_label(unsigned i)
{
	return i < ARRAY_LEN(labels) ? labels[i] : NULL;
}

unsigned summary_error_index(const char *label)
{
	for (unsigned i = 0; i < ARRAY_LEN(labels); i++) {
		if (strcmp(labels[i], label) == 0)
			return i;
	}
	return ARRAY_LEN(labels) - 1;
}
