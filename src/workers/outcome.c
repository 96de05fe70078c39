#include "workers/outcome.h"

#include <errno.h>

struct meaning {
	int error;
	enum check_code code;
};

static const struct meaning socket_meanings[] = {
	{EMFILE, CODE_FD_LIMIT},
	{ENFILE, CODE_FD_LIMIT},
	{ENOSPC, CODE_FD_LIMIT}, /* epoll watches */
	{ENOMEM, CODE_NO_MEMORY},
	{ENOBUFS, CODE_NO_MEMORY},
	{EACCES, CODE_REFUSED_LOCALLY},
	{EPERM, CODE_REFUSED_LOCALLY},
	{EAFNOSUPPORT, CODE_NO_LOCAL_ADDR}, /* IPv6 is switched off */
};

static const struct meaning bind_meanings[] = {
	{EADDRNOTAVAIL, CODE_NO_LOCAL_ADDR},
	{EADDRINUSE, CODE_NO_LOCAL_PORT},
	{EACCES, CODE_REFUSED_LOCALLY},
	{EPERM, CODE_REFUSED_LOCALLY},
	{ENOMEM, CODE_NO_MEMORY},
	{ENODEV, CODE_NO_LOCAL_ADDR},
};

/* connect() itself: no packet came back yet. ECONNREFUSED is listed although the kernel reports it
 * later even on loopback. */
static const struct meaning sync_meanings[] = {
	{ENETUNREACH, CODE_NO_ROUTE},     {EHOSTUNREACH, CODE_NO_ROUTE},
	{ECONNREFUSED, CODE_REFUSED},     {EADDRNOTAVAIL, CODE_NO_LOCAL_PORT},
	{EADDRINUSE, CODE_NO_LOCAL_PORT}, {EAGAIN, CODE_NO_LOCAL_PORT},
	{ENOMEM, CODE_NO_MEMORY},         {ENOBUFS, CODE_NO_MEMORY},
	{EACCES, CODE_REFUSED_LOCALLY},   {EPERM, CODE_REFUSED_LOCALLY},
	{EINVAL, CODE_REFUSED_LOCALLY},   {EMSGSIZE, CODE_REFUSED_LOCALLY},
};

/* SO_ERROR after the SYN was sent: RST, ICMP, failed ARP or ND. EACCES is an ICMPv6 "prohibited",
 * and so from outside. ECONNRESET and EPIPE come after a handshake that the far side broke. */
static const struct meaning async_meanings[] = {
	{ECONNREFUSED, CODE_REFUSED},
	{ECONNRESET, CODE_CONNECT_RESET},
	{EPIPE, CODE_CONNECT_RESET},
	{ETIMEDOUT, CODE_CONNECT_TIMEOUT},
	{EHOSTUNREACH, CODE_UNREACHABLE},
	{ENETUNREACH, CODE_UNREACHABLE},
	{EHOSTDOWN, CODE_UNREACHABLE},
	{ENONET, CODE_UNREACHABLE},
	{EACCES, CODE_UNREACHABLE},
	{ENOPROTOOPT, CODE_UNREACHABLE},
	{EOPNOTSUPP, CODE_UNREACHABLE},
	{EPERM, CODE_REFUSED_LOCALLY},
	{EINVAL, CODE_REFUSED_LOCALLY},
	{EMSGSIZE, CODE_REFUSED_LOCALLY},
	{ENOMEM, CODE_NO_MEMORY},
	{ENOBUFS, CODE_NO_MEMORY},
	{0, CODE_INTERNAL}, /* it failed and the kernel gave no reason: we cannot tell */
};

static enum check_code look_up(const struct meaning *rows, size_t n, int error,
			       enum check_code otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].error == error)
			return rows[i].code;
	return otherwise;
}

enum check_code outcome_of_fault(struct tcp_fault f)
{
	switch (f.kind) {
	case TCP_FAULT_BUDGET:
		return CODE_FD_LIMIT;
	case TCP_FAULT_SOCKET:
		return look_up(socket_meanings, ARRAY_LEN(socket_meanings), f.error, CODE_INTERNAL);
	case TCP_FAULT_OPTION:
		return CODE_SOCKET_OPTION;
	case TCP_FAULT_BIND:
		return look_up(bind_meanings, ARRAY_LEN(bind_meanings), f.error, CODE_INTERNAL);
	case TCP_FAULT_CONNECT:
		return look_up(sync_meanings, ARRAY_LEN(sync_meanings), f.error, CODE_INTERNAL);
	default:
		return CODE_INTERNAL;
	}
}

enum check_code outcome_of_connect(int error)
{
	return look_up(async_meanings, ARRAY_LEN(async_meanings), error, CODE_CONNECT_ERROR);
}

bool outcome_asks_for_source(enum check_code code)
{
	return code == CODE_NO_ROUTE || code == CODE_NO_LOCAL_PORT || code == CODE_UNREACHABLE ||
	       code == CODE_CONNECT_TIMEOUT;
}
