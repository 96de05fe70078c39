/* The floor of an HTTP check: connect(), one send that carries the ACK too, one recv, disconnect.
 * The status is looked at and nothing else, so that an error page is not a good check. */
#include "floor_loop.h"

#include <sys/socket.h>

enum { CONNECTING, ASKED };

static const char request[] = "GET /health HTTP/1.1\r\nHost: 127.1.0.1:7000\r\n"
			      "User-Agent: monalive\r\nConnection: close\r\n\r\n";

static enum floor_step event(struct floor_socket *s, uint32_t events)
{
	char in[16384];
	ssize_t n;

	if (s->phase == CONNECTING) {
		if (events & (EPOLLERR | EPOLLHUP))
			return FLOOR_BAD;
		if (send(s->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
			return FLOOR_BAD;
		s->phase = ASKED;
	}
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return FLOOR_WAIT;
	n = recv(s->fd, in, sizeof(in), 0);
	if (n < 0 && errno == EAGAIN)
		return FLOOR_WAIT;
	return n > 12 && memcmp(in + 9, "200", 3) == 0 ? FLOOR_GOOD : FLOOR_BAD;
}

int main(int argc, char **argv)
{
	static const struct floor_kind kind = {.name = "floor_http",
					       .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
					       .late_ack = true,
					       .event = event};

	return floor_main(&kind, argc - 1, argv + 1);
}
