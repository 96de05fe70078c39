#include "workers/outcome.h"

#include <criterion/criterion.h>
#include <errno.h>

static enum check_code of_fault(enum tcp_fault_kind kind, int error)
{
	return outcome_of_fault((struct tcp_fault){kind, error});
}

static void expect_unknown(enum check_code code)
{
	cr_assert_eq(check_code_verdict(code), VERDICT_UNKNOWN, "%s", check_code_text(code));
}

static void expect_bad(enum check_code code)
{
	cr_assert_eq(check_code_verdict(code), VERDICT_BAD, "%s", check_code_text(code));
}

/* Whatever our own kernel says before a packet came back never counts against the real. */
Test(outcome, decisions_13_no_fault_of_ours_is_bad)
{
	static const enum tcp_fault_kind kinds[] = {TCP_FAULT_BUDGET, TCP_FAULT_SOCKET,
						    TCP_FAULT_OPTION, TCP_FAULT_BIND,
						    TCP_FAULT_AT_ONCE};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (int error = 0; error < 140; error++)
			expect_unknown(of_fault(kinds[i], error));
	for (int error = 0; error < 140; error++)
		if (error != ECONNREFUSED)
			expect_unknown(of_fault(TCP_FAULT_CONNECT, error));
}

Test(outcome, decisions_13_own_faults_are_named)
{
	cr_assert_eq(of_fault(TCP_FAULT_BUDGET, 0), CODE_FD_LIMIT);
	cr_assert_eq(of_fault(TCP_FAULT_SOCKET, EMFILE), CODE_FD_LIMIT);
	cr_assert_eq(of_fault(TCP_FAULT_SOCKET, ENFILE), CODE_FD_LIMIT);
	cr_assert_eq(of_fault(TCP_FAULT_SOCKET, ENOMEM), CODE_NO_MEMORY);
	cr_assert_eq(of_fault(TCP_FAULT_SOCKET, ENOBUFS), CODE_NO_MEMORY);
	cr_assert_eq(of_fault(TCP_FAULT_SOCKET, EAFNOSUPPORT), CODE_NO_LOCAL_ADDR);
	cr_assert_eq(of_fault(TCP_FAULT_OPTION, EPERM), CODE_SOCKET_OPTION);
	cr_assert_eq(of_fault(TCP_FAULT_BIND, EADDRNOTAVAIL), CODE_NO_LOCAL_ADDR);
	cr_assert_eq(of_fault(TCP_FAULT_CONNECT, EADDRNOTAVAIL), CODE_NO_LOCAL_PORT);
	cr_assert_eq(of_fault(TCP_FAULT_CONNECT, EACCES), CODE_REFUSED_LOCALLY);
	cr_assert_eq(of_fault(TCP_FAULT_CONNECT, EPERM), CODE_REFUSED_LOCALLY);
	cr_assert_eq(of_fault(TCP_FAULT_CONNECT, EINVAL), CODE_REFUSED_LOCALLY);
	cr_assert_eq(of_fault(TCP_FAULT_CONNECT, EMSGSIZE), CODE_REFUSED_LOCALLY);
}

Test(outcome, connect_that_returns_at_once_is_never_good)
{
	cr_assert_eq(of_fault(TCP_FAULT_AT_ONCE, 0), CODE_INTERNAL);
}

Test(outcome, decisions_14_missing_route_is_left_to_agg)
{
	cr_assert_eq(of_fault(TCP_FAULT_CONNECT, ENETUNREACH), CODE_NO_ROUTE);
	cr_assert_eq(of_fault(TCP_FAULT_CONNECT, EHOSTUNREACH), CODE_NO_ROUTE);
	cr_assert(outcome_asks_for_source(CODE_NO_ROUTE));
	cr_assert(!outcome_asks_for_source(CODE_REFUSED));
	cr_assert(!outcome_asks_for_source(CODE_OK));
}

Test(outcome, decisions_13_word_from_outside_is_bad)
{
	cr_assert_eq(outcome_of_connect(ECONNREFUSED), CODE_REFUSED);
	cr_assert_eq(outcome_of_connect(ECONNRESET), CODE_CONNECT_RESET);
	cr_assert_eq(outcome_of_connect(EPIPE), CODE_CONNECT_RESET);
	cr_assert_eq(outcome_of_connect(ETIMEDOUT), CODE_CONNECT_TIMEOUT);
	cr_assert_eq(outcome_of_connect(EHOSTUNREACH), CODE_UNREACHABLE);
	cr_assert_eq(outcome_of_connect(ENETUNREACH), CODE_UNREACHABLE);
	cr_assert_eq(outcome_of_connect(EACCES), CODE_UNREACHABLE);
	cr_assert_eq(outcome_of_connect(EPROTO), CODE_CONNECT_ERROR);
	expect_bad(outcome_of_connect(EHOSTUNREACH));
	expect_bad(outcome_of_connect(EPROTO));
}

Test(outcome, failure_without_reason_is_unknown)
{
	expect_unknown(outcome_of_connect(0));
	expect_unknown(outcome_of_connect(ENOMEM));
	expect_unknown(outcome_of_connect(EMSGSIZE));
}

Test(outcome, no_error_number_makes_a_failed_connect_good)
{
	for (int error = 0; error < 140; error++)
		cr_assert_neq(check_code_verdict(outcome_of_connect(error)), VERDICT_GOOD);
}
