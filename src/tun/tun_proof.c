#include "tun/tun_proof.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"

enum { UDP_BYTES = 8 };

/* What a datagram holds. */
struct token {
	unsigned char secret[TUN_PROOF_SECRET_BYTES];
	uint64_t sent_ns;
};

static struct addr loopback(enum tunnel_family f)
{
	return f == TUNNEL_V4 ? addr_from_v4_u32(INADDR_LOOPBACK) : (struct addr){{[15] = 1}};
}

static uint16_t port_of(int fd)
{
	/* either family's: the port is at the same place */
	struct sockaddr_in6 sa = {0};
	socklen_t len = sizeof(sa);

	static_assert(offsetof(struct sockaddr_in, sin_port) ==
			      offsetof(struct sockaddr_in6, sin6_port),
		      "one place");
	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 ? ntohs(sa.sin6_port) : 0;
}

/* A socket connected to itself. */
static int open_family(struct tun_proof *p, enum tunnel_family f, uint32_t mark)
{
	int fd = socket(f == TUNNEL_V4 ? AF_INET : AF_INET6,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct addr to = loopback(f);
	struct sockaddr_storage sa;
	socklen_t len;

	if (fd < 0)
		return err_origin(-errno);
	p->fds[f] = fd;
	len = addr_to_sockaddr(&to, 0, &sa);
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
	    bind(fd, (const struct sockaddr *)&sa, len) < 0)
		return err_origin(-errno);
	p->ports[f] = port_of(fd);
	len = addr_to_sockaddr(&to, p->ports[f], &sa);
	if (connect(fd, (const struct sockaddr *)&sa, len) < 0)
		return err_origin(-errno);
	return 0;
}

int tun_proof_open(struct tun_proof *p, uint32_t mark)
{
	int r;

	*p = (struct tun_proof){.fds = {-1, -1}};
	if (getrandom(p->secret, sizeof(p->secret), 0) != sizeof(p->secret))
		return err_origin(-EIO);
	r = open_family(p, TUNNEL_V4, mark);
	if (r == 0) {
		r = open_family(p, TUNNEL_V6, mark);
		if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL) {
			if (p->fds[TUNNEL_V6] >= 0)
				close(p->fds[TUNNEL_V6]);
			p->fds[TUNNEL_V6] = -1;
			r = 0;
		}
	}
	if (r < 0)
		tun_proof_close(p);
	return err_trace(r);
}

void tun_proof_close(struct tun_proof *p)
{
	for (int f = 0; f < TUNNEL_FAMILY__N; f++) {
		if (p->fds[f] >= 0)
			close(p->fds[f]);
		p->fds[f] = -1;
	}
}

void tun_proof_send(struct tun_proof *p, enum tunnel_family f, uint64_t now_ns)
{
	struct token t = {.sent_ns = now_ns};

	memcpy(t.secret, p->secret, sizeof(t.secret));
	p->sent_ns[f] = now_ns;
	p->is_open[f] = true;
	/* refused sends prove nothing, like lost ones */
	(void)send(p->fds[f], &t, sizeof(t), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool is_ours(const struct tun_proof *p, const unsigned char *data, size_t len,
		    uint64_t *ret_sent_ns)
{
	struct token t;

	if (len != sizeof(t))
		return false;
	memcpy(&t, data, sizeof(t));
	if (memcmp(t.secret, p->secret, sizeof(t.secret)) != 0)
		return false;
	*ret_sent_ns = t.sent_ns;
	return true;
}

bool tun_proof_match(const struct tun_proof *p, const struct tun_packet *packet,
		     enum tunnel_family *ret_family, uint64_t *ret_sent_ns)
{
	enum tunnel_family f = packet->is_v4 ? TUNNEL_V4 : TUNNEL_V6;
	size_t at = packet->transport + UDP_BYTES;
	struct addr to = loopback(f);

	if (packet->proto != IPPROTO_UDP || packet->source_port != p->ports[f] ||
	    packet->destination_port != p->ports[f] || packet->len < at ||
	    !addr_eq(&packet->destination, &to))
		return false;
	*ret_family = f;
	return is_ours(p, packet->at + at, packet->len - at, ret_sent_ns);
}

bool tun_proof_came_back(struct tun_proof *p, enum tunnel_family f)
{
	unsigned char data[sizeof(struct token) + 1];
	bool is_back = false;
	uint64_t sent_ns;

	for (;;) {
		ssize_t n = recv(p->fds[f], data, sizeof(data), MSG_DONTWAIT);

		/* errors of a connected datagram socket (a refused port) are read away */
		if (n < 0 && (errno == ECONNREFUSED || errno == EINTR))
			continue;
		if (n < 0)
			return is_back;
		is_back = is_back || is_ours(p, data, (size_t)n, &sent_ns);
	}
}
