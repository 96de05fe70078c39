#include "tun/tun_proof.h"

#include <errno.h>
#include <poll.h>

#include "tun_packets.h"

static struct tun_proof p;

static bool open_proof(void)
{
	int r = tun_proof_open(&p, 0x7e57);

	if (r == -EPERM)
		return false;
	cr_assert_eq(r, 0);
	return true;
}

/* No rule is in force here: the datagram comes back to its own socket. */
Test(tun_proof, without_a_rule_the_datagram_comes_back)
{
	if (!open_proof())
		cr_skip_test("needs CAP_NET_ADMIN");
	for (int i = 0; i < TUNNEL_FAMILY__N; i++) {
		enum tunnel_family f = (enum tunnel_family)i;
		struct pollfd fd = {.fd = p.fds[f], .events = POLLIN};

		if (p.fds[f] < 0)
			continue;
		cr_assert_not(tun_proof_came_back(&p, f));
		tun_proof_send(&p, f, 99);
		cr_assert(p.is_open[f]);
		cr_assert_eq(p.sent_ns[f], 99);
		cr_assert_eq(poll(&fd, 1, 1000), 1);
		cr_assert(tun_proof_came_back(&p, f));
		cr_assert_not(tun_proof_came_back(&p, f), "each is read once");
	}
	tun_proof_close(&p);
	cr_assert_eq(p.fds[TUNNEL_V4], -1);
}

Test(tun_proof, each_opening_has_a_secret_of_its_own)
{
	unsigned char before[TUN_PROOF_SECRET_BYTES];

	if (!open_proof())
		cr_skip_test("needs CAP_NET_ADMIN");
	memcpy(before, p.secret, sizeof(before));
	tun_proof_close(&p);
	cr_assert(open_proof());
	cr_assert_arr_neq(before, p.secret, sizeof(before));
	tun_proof_close(&p);
}

Test(tun_proof, a_family_that_is_off_matches_nothing)
{
	struct made m = made_v4(NULL, 0);
	struct tun_packet packet;
	enum tunnel_family f;
	uint64_t ns;

	made_tcp(&m, 0);
	cr_assert_eq(tun_packet_parse(m.at, m.len, false, &packet), TUN_FINE);
	cr_assert_not(tun_proof_match(&p, &packet, &f, &ns));
}
