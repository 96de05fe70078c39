#include "announce/bird_sock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/alived-bsock-XXXXXX";
static struct bird_sock s;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	bird_sock_init(&s, dir, "g-1");
}

static void teardown(void)
{
	bird_sock_close(&s);
	unlink(s.peer.sun_path);
	rmdir(dir);
}

TestSuite(bird_sock, .init = setup, .fini = teardown);

static int peer_open(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	unlink(s.peer.sun_path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&s.peer, sizeof(s.peer)), 0);
	return fd;
}

Test(bird_sock, names_are_the_references)
{
	char want[128];

	snprintf(want, sizeof(want), "%s/g-1_b2m", dir);
	cr_assert_str_eq(s.own.sun_path, want);
	snprintf(want, sizeof(want), "%s/g-1_m2b", dir);
	cr_assert_str_eq(s.peer.sun_path, want);
}

Test(bird_sock, errors_say_what_the_peer_is)
{
	int peer;

	cr_assert_eq(bird_sock_open(&s), 0);
	cr_assert_eq(bird_sock_send(&s, "x", 1), -ENOENT);
	peer = peer_open();
	cr_assert_eq(bird_sock_send(&s, "x", 1), 0);
	close(peer);
	cr_assert_eq(bird_sock_send(&s, "x", 1), -ECONNREFUSED);
}

Test(bird_sock, a_socket_made_anew_is_found_again)
{
	int first, second;
	char byte;

	cr_assert_eq(bird_sock_open(&s), 0);
	first = peer_open();
	cr_assert_eq(bird_sock_send(&s, "a", 1), 0);
	second = peer_open();
	cr_assert_eq(bird_sock_send(&s, "b", 1), 0);
	cr_assert_eq(recv(second, &byte, 1, MSG_DONTWAIT), 1);
	cr_assert_eq(byte, 'b');
	close(first);
	close(second);
}

Test(bird_sock, requests_of_any_length_are_drained)
{
	static const size_t lengths[] = {0, 1, 8, 9, 100, 20000};
	static char data[20000];
	int peer = peer_open();

	cr_assert_eq(bird_sock_open(&s), 0);
	cr_assert_eq(bird_sock_drain(&s), 0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		cr_assert_geq(
			sendto(peer, data, lengths[i], 0, (struct sockaddr *)&s.own, sizeof(s.own)),
			0);
	cr_assert_eq(bird_sock_drain(&s), 6);
	cr_assert_eq(bird_sock_drain(&s), 0);
	close(peer);
}

Test(bird_sock, lock_is_one_instances_and_comes_free)
{
	struct bird_sock other;

	bird_sock_init(&other, dir, "g-1");
	cr_assert_eq(bird_sock_open(&s), 0);
	cr_assert_eq(bird_sock_open(&s), 0, "again is fine");
	cr_assert_eq(bird_sock_open(&other), BIRD_SOCK_TAKEN);
	bird_sock_close(&s);
	cr_assert_eq(bird_sock_open(&other), 0);
	bird_sock_close(&other);
}

Test(bird_sock, nothing_is_left_behind)
{
	struct stat st;

	cr_assert_eq(bird_sock_open(&s), 0);
	cr_assert_eq(stat(s.own.sun_path, &st), 0);
	bird_sock_close(&s);
	cr_assert_eq(stat(s.own.sun_path, &st), -1);
	cr_assert_eq(rmdir(dir), 0, "the lock file is gone too");
	cr_assert_eq(mkdir(dir, 0700), 0);
}

Test(bird_sock, missing_directory_is_an_error_that_can_be_tried_again)
{
	cr_assert_eq(rmdir(dir), 0);
	cr_assert_eq(bird_sock_open(&s), -ENOENT);
	cr_assert_eq(mkdir(dir, 0700), 0);
	cr_assert_eq(bird_sock_open(&s), 0);
}
