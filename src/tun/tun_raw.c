#include "tun/tun_raw.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum {
	LINK = 2,
	MAC_BYTES = 6,
	SEND_BYTES = 4 << 20,
	ANY_PORT = 9, /* connecting a datagram socket sends nothing */
};

/* --- opening ---------------------------------------------------------------------------------- */

static int receive_nothing(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &drop};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return err_origin(-errno);
	return 0;
}

static int bind_to(int fd, const struct addr *source)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (addr_is_unset(source))
		return 0;
	len = addr_to_sockaddr(source, 0, &sa);
	if (bind(fd, (const struct sockaddr *)&sa, len) < 0)
		return err_origin(-errno);
	return 0;
}

static int open_lane(struct tun_raw_lane *l, int family, const struct addr *source)
{
	int bytes = SEND_BYTES;

	/* protocol "raw": the IP header is part of what is sent */
	l->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	if (l->fd < 0)
		return err_origin(-errno);
	if (setsockopt(l->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	TRY(receive_nothing(l->fd));
	TRY(bind_to(l->fd, source));
	l->route_fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (l->route_fd < 0)
		return err_origin(-errno);
	TRY(receive_nothing(l->route_fd));
	return err_trace(bind_to(l->route_fd, source));
}

static int open_link(struct tun_raw_lane *l)
{
	/* no protocol: it receives nothing */
	l->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return l->fd < 0 ? err_origin(-errno) : 0;
}

int tun_raw_open(struct tun_raw *r, const struct addr *bind4, const struct addr *bind6)
{
	int error;

	tun_raw_close(r);
	error = open_lane(&r->lanes[0], AF_INET, bind4);
	if (error == 0) {
		error = open_lane(&r->lanes[1], AF_INET6, bind6);
		if (error == -EAFNOSUPPORT)
			error = 0;
	}
	if (error == 0)
		error = open_link(&r->lanes[LINK]);
	if (error < 0)
		tun_raw_close(r);
	return err_trace(error);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void tun_raw_close(struct tun_raw *r)
{
	for (unsigned i = 0; i < ARRAY_LEN(r->lanes); i++) {
		close_fd(&r->lanes[i].fd);
		close_fd(&r->lanes[i].route_fd);
		r->lanes[i].n = 0;
	}
}

/* --- sending ---------------------------------------------------------------------------------- */

bool tun_raw_is_full(const struct tun_raw *r, bool is_v4)
{
	return r->lanes[is_v4 ? 0 : 1].n == TUN_RAW_BATCH;
}

void tun_raw_put(struct tun_raw *r, const struct addr *destination, const unsigned char *outer,
		 size_t outer_len, unsigned char *inner, size_t inner_len, uint32_t tag)
{
	struct tun_raw_lane *l = &r->lanes[addr_is_v4(destination) ? 0 : 1];
	unsigned i = l->n++;

	ASSERT(i < TUN_RAW_BATCH && outer_len <= TUN_ENCAP_BYTES);
	memcpy(l->outer[i], outer, outer_len);
	l->tags[i] = tag;
	l->parts[i][0] = (struct iovec){l->outer[i], outer_len};
	l->parts[i][1] = (struct iovec){inner, inner_len};
	l->messages[i].msg_hdr = (struct msghdr){
		.msg_name = &l->to[i],
		.msg_namelen = addr_to_sockaddr(destination, 0, &l->to[i]),
		.msg_iov = l->parts[i],
		.msg_iovlen = 2,
	};
}

bool tun_raw_link_is_full(const struct tun_raw *r)
{
	return r->lanes[LINK].n == TUN_RAW_BATCH;
}

void tun_raw_put_link(struct tun_raw *r, uint32_t ifindex, const uint8_t *mac, bool is_v4,
		      unsigned char *packet, size_t len, uint32_t tag)
{
	struct tun_raw_lane *l = &r->lanes[LINK];
	unsigned i = l->n++;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(is_v4 ? ETH_P_IP : ETH_P_IPV6),
		.sll_ifindex = (int)ifindex,
		.sll_halen = MAC_BYTES,
	};

	ASSERT(i < TUN_RAW_BATCH);
	memcpy(to.sll_addr, mac, MAC_BYTES);
	memcpy(&l->to[i], &to, sizeof(to));
	l->tags[i] = tag;
	l->parts[i][0] = (struct iovec){packet, len};
	l->messages[i].msg_hdr = (struct msghdr){
		.msg_name = &l->to[i],
		.msg_namelen = sizeof(to),
		.msg_iov = l->parts[i],
		.msg_iovlen = 1,
	};
}

/* sendmmsg() reports an error only of the first packet it is given: that one is told and skipped.
 */
static void flush_lane(struct tun_raw_lane *l, tun_raw_fn fn, void *ctx)
{
	unsigned done = 0;

	while (done < l->n) {
		int n = sendmmsg(l->fd, l->messages + done, l->n - done, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fn(ctx, l->tags[done++], n < 0 ? errno : EIO);
		for (; n > 0; n--)
			fn(ctx, l->tags[done++], 0);
	}
	l->n = 0;
}

void tun_raw_flush(struct tun_raw *r, tun_raw_fn fn, void *ctx)
{
	for (unsigned i = 0; i < ARRAY_LEN(r->lanes); i++)
		flush_lane(&r->lanes[i], fn, ctx);
}

/* --- routes ----------------------------------------------------------------------------------- */

static struct addr own_v4(int fd)
{
	struct sockaddr_in sa = {0};
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return ADDR_UNSET;
	return addr_from_v4_u32(ntohl(sa.sin_addr.s_addr));
}

static struct addr own_v6(int fd)
{
	struct sockaddr_in6 sa = {0};
	socklen_t len = sizeof(sa);
	struct addr a = ADDR_UNSET;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		memcpy(a.b, &sa.sin6_addr, sizeof(a.b));
	return a;
}

int tun_raw_look_up(const struct tun_raw *r, const struct addr *ip, uint32_t *ret_mtu,
		    struct addr *ret_source)
{
	bool is_v4 = addr_is_v4(ip);
	int fd = r->lanes[is_v4 ? 0 : 1].route_fd, mtu = 0;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	socklen_t len = sizeof(mtu);
	struct sockaddr_storage sa;

	if (fd < 0)
		return EAFNOSUPPORT;
	if (connect(fd, (const struct sockaddr *)&sa, addr_to_sockaddr(ip, ANY_PORT, &sa)) < 0)
		return errno;
	if (getsockopt(fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_MTU : IPV6_MTU, &mtu,
		       &len) < 0)
		mtu = 0;
	*ret_mtu = (uint32_t)MAX(mtu, 0);
	*ret_source = is_v4 ? own_v4(fd) : own_v6(fd);
	/* the next look-up must not inherit this one's source */
	(void)connect(fd, &none, sizeof(none));
	return 0;
}
