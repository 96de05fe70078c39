#include "api/detail.h"

#include "net/tls_text.h"

/* What the detail field of a code holds, as model/check_code.tbl says. Byte counts are not shown:
 * 16 bits do not hold them. */
enum meaning {
	MEANS_NOTHING,
	MEANS_ERRNO,
	MEANS_MS,
	MEANS_TLS,
	MEANS_STATUS,
	MEANS_ERROR,
};

static const uint8_t meanings[CODE__N] = {
	[CODE_OK] = MEANS_STATUS, /* of drain_status */
	[CODE_LATE] = MEANS_MS,
	[CODE_STALLED] = MEANS_MS,
	[CODE_INTERNAL] = MEANS_ERRNO,
	[CODE_FD_LIMIT] = MEANS_ERRNO,
	[CODE_NO_MEMORY] = MEANS_ERRNO,
	[CODE_NO_LOCAL_PORT] = MEANS_ERRNO,
	[CODE_NO_LOCAL_ADDR] = MEANS_ERRNO,
	[CODE_REFUSED_LOCALLY] = MEANS_ERRNO,
	[CODE_SOCKET_OPTION] = MEANS_ERRNO,
	[CODE_TUNNEL] = MEANS_ERRNO,
	[CODE_NO_ROUTE] = MEANS_ERRNO,
	[CODE_UNREACHABLE] = MEANS_ERRNO,
	[CODE_CONNECT_ERROR] = MEANS_ERRNO,
	[CODE_TLS_SETUP] = MEANS_ERRNO,
	[CODE_TLS_ALERT] = MEANS_TLS,
	[CODE_TLS_PROTOCOL] = MEANS_TLS,
	[CODE_TLS_VERIFY] = MEANS_TLS,
	[CODE_TLS_CLOSED] = MEANS_ERRNO,
	[CODE_RESET] = MEANS_ERRNO,
	[CODE_HTTP_STATUS] = MEANS_STATUS,
	[CODE_RESPONSE_SLOW] = MEANS_MS,
	[CODE_H2_MALFORMED] = MEANS_ERROR,
	[CODE_H2_RESET] = MEANS_ERROR,
	[CODE_H2_GOAWAY] = MEANS_ERROR,
	[CODE_GRPC_STATUS] = MEANS_STATUS,
	[CODE_GRPC_HEALTH] = MEANS_STATUS,
};

static void errno_text(uint16_t detail, char out[DETAIL_TEXT_BYTES])
{
	const char *name = strerrorname_np(detail);

	if (name)
		snprintf(out, DETAIL_TEXT_BYTES, "%s", name);
	else
		snprintf(out, DETAIL_TEXT_BYTES, "errno %u", detail);
}

void detail_text(enum check_code code, uint16_t detail, char out[DETAIL_TEXT_BYTES])
{
	enum meaning m = code < CODE__N ? (enum meaning)meanings[code] : MEANS_NOTHING;

	out[0] = 0;
	if (code == CODE_NO_REPLY_FOR_VIP)
		snprintf(out, DETAIL_TEXT_BYTES, "the real answers on its own address: %s",
			 "is the VIP on its loopback?");
	if (detail == 0)
		return;
	if (m == MEANS_ERRNO)
		errno_text(detail, out);
	else if (m == MEANS_MS)
		snprintf(out, DETAIL_TEXT_BYTES, "%u ms", detail);
	else if (m == MEANS_TLS)
		snprintf(out, DETAIL_TEXT_BYTES, "%s", tls_text_detail(code, detail));
	else if (m == MEANS_STATUS)
		snprintf(out, DETAIL_TEXT_BYTES, "status %u", detail);
	else if (m == MEANS_ERROR)
		snprintf(out, DETAIL_TEXT_BYTES, "error %u", detail);
}
