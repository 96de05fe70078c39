#include <criterion/criterion.h>

#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static char dir[32], path[64];

static void setup(void)
{
	char name[] = "/tmp/alived-listen-XXXXXX";

	cr_assert_not_null(mkdtemp(name));
	snprintf(dir, sizeof(dir), "%s", name);
	snprintf(path, sizeof(path), "%s/sock", name);
	log_set_fd(open("/dev/null", O_WRONLY)); /* refusals are logged */
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(listen, .init = setup, .fini = teardown);

static sa_family_t family_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return sa.ss_family;
}

static void opens(const char *address, sa_family_t family)
{
	int fd = -1;

	cr_assert_eq(listen_tcp(address, &fd), 0, "%s", address);
	cr_assert_eq(family_of(fd), family);
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

Test(listen, addresses_of_both_families_open)
{
	opens("127.0.0.1:0", AF_INET);
	opens("[::1]:0", AF_INET6);
}

Test(listen, malformed_addresses_are_refused)
{
	static const char *const texts[] = {
		"127.0.0.1",       "::1:80", "127.0.0.1:", "127.0.0.1:port",
		"127.0.0.1:65536", "[::1:0", "nonsense"};
	int fd = -1;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cr_assert_lt(listen_tcp(texts[i], &fd), 0, "%s", texts[i]);
	cr_assert_eq(fd, -1);
}

Test(listen, socket_file_is_for_owner_and_group)
{
	struct listen_unix u;
	struct stat st;

	cr_assert_eq(listen_unix(path, &u), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0660);
	listen_unlink(path, &u);
	cr_assert_lt(stat(path, &st), 0);
	close(u.fd);
}

Test(listen, missing_directory_is_made)
{
	char deeper[80];
	struct listen_unix u;

	snprintf(deeper, sizeof(deeper), "%s/run/sock", dir);
	cr_assert_eq(listen_unix(deeper, &u), 0);
	listen_unlink(deeper, &u);
	close(u.fd);
	deeper[strlen(deeper) - 5] = 0;
	cr_assert_eq(rmdir(deeper), 0);
}

Test(listen, stale_socket_is_replaced)
{
	struct listen_unix dead, u;

	cr_assert_eq(listen_unix(path, &dead), 0);
	close(dead.fd);
	cr_assert_eq(listen_unix(path, &u), 0);
	/* the dead one's owner does not remove ours */
	if (dead.inode != u.inode) {
		listen_unlink(path, &dead);
		cr_assert_eq(access(path, F_OK), 0);
	}
	close(u.fd);
}

Test(listen, socket_in_use_is_left_alone)
{
	struct listen_unix first, second;

	cr_assert_eq(listen_unix(path, &first), 0);
	cr_assert_eq(listen_unix(path, &second), -EADDRINUSE);
	cr_assert_eq(access(path, F_OK), 0);
	close(first.fd);
}

Test(listen, other_file_is_left_alone)
{
	struct listen_unix u;
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	close(fd);
	cr_assert_eq(listen_unix(path, &u), -EEXIST);
	cr_assert_eq(access(path, F_OK), 0);
}

Test(listen, too_long_a_path_is_refused)
{
	char longer[200];
	struct listen_unix u;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = 0;
	cr_assert_eq(listen_unix(longer, &u), -ENAMETOOLONG);
	cr_assert_lt(listen_unix("", &u), 0);
}

/* Connects as another user; returns what the server makes of it. */
static enum listen_peer peer_as(const struct listen_unix *u, uid_t uid, gid_t gid)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	enum listen_peer peer;
	int fd;
	pid_t child = fork();

	memcpy(sa.sun_path, path, sizeof(path));
	if (child == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ||
		    connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	do
		fd = accept(u->fd, NULL, NULL);
	while (fd < 0 && errno == EAGAIN && usleep(1000) == 0);
	peer = listen_peer(fd, path);
	close(fd);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return peer;
}

Test(listen, peers_are_owner_group_or_other)
{
	struct listen_unix u;

	cr_assert_eq(listen_unix(path, &u), 0);
	cr_assert_eq(listen_peer(u.fd, NULL), LISTEN_PEER_NETWORK);
	cr_assert_eq(peer_as(&u, geteuid(), getegid()), LISTEN_PEER_OWNER);
	if (geteuid() == 0) {
		cr_assert_eq(chmod(dir, 0755), 0);
		cr_assert_eq(chmod(path, 0666), 0);
		cr_assert_eq(chown(path, 0, 4242), 0);
		cr_assert_eq(peer_as(&u, 4243, 4242), LISTEN_PEER_GROUP);
		cr_assert_eq(peer_as(&u, 4243, 4243), LISTEN_PEER_OTHER);
		cr_assert_eq(chmod(path, 0606), 0);
		cr_assert_eq(peer_as(&u, 4243, 4243), LISTEN_PEER_OTHER);
	}
	close(u.fd);
}
