/* The floor of a TCP check, against which the daemon's CPU per check is quoted (a ratio, measured
 * in the same run on the same machine): connect(), wait for it, connect(AF_UNSPEC). `full` ends the
 * handshake and resets; `half` leaves out the ACK, so the target sees SYN and RST only. */
#include "floor_loop.h"

static enum floor_step event(struct floor_socket *s, uint32_t events)
{
	(void)s;
	return events & (EPOLLERR | EPOLLHUP) ? FLOOR_BAD : FLOOR_GOOD;
}

static const struct floor_kind kinds[] = {
	{.name = "floor_tcp_full", .events = EPOLLOUT, .event = event},
	{.name = "floor_tcp_half", .events = EPOLLOUT, .event = event, .late_ack = true},
};

int main(int argc, char **argv)
{
	bool is_half = argc > 1 && strcmp(argv[1], "half") == 0;

	if (argc < 2 || (!is_half && strcmp(argv[1], "full") != 0)) {
		fputs("usage: floor_tcp full|half " FLOOR_ARGS "\n"
		      "Checks TARGETS addresses from IP on in turn; prints one JSON line.\n",
		      stderr);
		return 2;
	}
	return floor_main(&kinds[is_half], argc - 2, argv + 2);
}
