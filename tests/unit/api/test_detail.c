#include <criterion/criterion.h>

#include <errno.h>

#include "api/detail.h"

static void reads(enum check_code code, uint16_t detail, const char *expected)
{
	char text[DETAIL_TEXT_BYTES];

	detail_text(code, detail, text);
	cr_assert_str_eq(text, expected);
}

Test(detail, each_kind_has_its_words)
{
	reads(CODE_HTTP_STATUS, 503, "status 503");
	reads(CODE_UNREACHABLE, EHOSTUNREACH, "EHOSTUNREACH");
	reads(CODE_REFUSED_LOCALLY, EACCES, "EACCES");
	reads(CODE_OK, 503, "status 503");
	reads(CODE_RESPONSE_SLOW, 1200, "1200 ms");
	reads(CODE_LATE, 250, "250 ms");
	reads(CODE_TLS_ALERT, 40, "handshake_failure");
	reads(CODE_TLS_VERIFY, 10, "certificate has expired");
	reads(CODE_TLS_PROTOCOL, 267, "wrong version number");
	reads(CODE_TLS_SETUP, EINVAL, "EINVAL");
	reads(CODE_GRPC_STATUS, 14, "status 14");
	reads(CODE_H2_RESET, 7, "error 7");
	reads(CODE_INTERNAL, 9999, "errno 9999");
}

Test(detail, nothing_to_say_is_empty)
{
	reads(CODE_REFUSED, 0, "");
	reads(CODE_REFUSED, 7, "");
	reads(CODE_HTTP_STATUS, 0, "");
	/* 16 bits do not hold a byte count */
	reads(CODE_BODY_SIZE, 1234, "");
	reads((enum check_code)250, 1, "");
}
