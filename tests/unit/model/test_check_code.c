#include "model/check_code.h"

#include <criterion/criterion.h>

Test(check_code, own_faults_are_unknown)
{
	static const enum check_code own[] = {
		CODE_LATE,     CODE_STALLED,       CODE_CANCELLED,      CODE_INTERNAL,
		CODE_FD_LIMIT, CODE_NO_MEMORY,     CODE_NO_LOCAL_PORT,  CODE_NO_LOCAL_ADDR,
		CODE_TUNNEL,   CODE_SOCKET_OPTION, CODE_REFUSED_LOCALLY};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		cr_assert_eq(check_code_verdict(own[i]), VERDICT_UNKNOWN, "%s",
			     check_code_text(own[i]));
}

Test(check_code, errors_from_outside_are_bad)
{
	static const enum check_code outside[] = {CODE_REFUSED,     CODE_CONNECT_TIMEOUT,
						  CODE_UNREACHABLE, CODE_RESET,
						  CODE_HTTP_STATUS, CODE_TLS_ALERT};

	for (size_t i = 0; i < ARRAY_LEN(outside); i++)
		cr_assert_eq(check_code_verdict(outside[i]), VERDICT_BAD);
}

Test(check_code, every_code_has_a_text_of_its_own)
{
	for (int a = 0; a < CODE__N; a++) {
		cr_assert_str_neq(check_code_text((enum check_code)a), "?");
		for (int b = 0; b < a; b++)
			cr_assert_str_neq(check_code_text((enum check_code)a),
					  check_code_text((enum check_code)b));
	}
	cr_assert_str_eq(check_code_text((enum check_code)CODE__N), "?");
}

Test(check_code, labels_are_the_references)
{
	cr_assert_str_eq(check_code_label(CHECK_TCP, CODE_REFUSED), "tcp_dial");
	cr_assert_str_eq(check_code_label(CHECK_HTTP, CODE_REFUSED), "http_process_request");
	cr_assert_str_eq(check_code_label(CHECK_HTTPS, CODE_TLS_ALERT), "http_process_request");
	cr_assert_str_eq(check_code_label(CHECK_HTTP, CODE_HTTP_STATUS), "http_status_code");
	cr_assert_str_eq(check_code_label(CHECK_HTTP, CODE_BODY_CLOSED), "http_read_response");
	cr_assert_str_eq(check_code_label(CHECK_HTTP, CODE_BODY_DIGEST), "http_digest");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_REFUSED), "grpc_check");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_TLS_ALPN), "grpc_check");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_H2_GOAWAY), "grpc_check");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_GRPC_STATUS), "grpc_check");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_GRPC_NOT_SERVING), "grpc_status_code");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_GRPC_UNKNOWN), "grpc_status_code");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_GRPC_SERVICE_UNKNOWN),
			 "grpc_status_code");
	cr_assert_str_eq(check_code_label(CHECK_GRPC, CODE_GRPC_HEALTH), "grpc_status_code");
	cr_assert_str_eq(check_code_label(CHECK_TCP, CODE_LATE), "unknown");
}
