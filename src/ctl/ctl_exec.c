#include "ctl/ctl_exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

enum { IN, OUT, ERR, N_FDS, MAX_OUTPUT = 256 << 20 };

void ctl_exec_deinit(struct ctl_exec *e)
{
	free(e->out);
	free(e->err);
	*e = (struct ctl_exec){0};
}

static void close_all(int (*fds)[N_FDS])
{
	for (int i = 0; i < N_FDS; i++)
		if ((*fds)[i] >= 0)
			close((*fds)[i]);
}

/* Files in memory instead of pipes: nobody has to read while the program writes. */
static int open_all(int fds[N_FDS], const char *input)
{
	for (int i = 0; i < N_FDS; i++) {
		fds[i] = memfd_create("alivectl", MFD_CLOEXEC);
		if (fds[i] < 0)
			return err_origin(-errno);
	}
	if (input && dprintf(fds[IN], "%s", input) < 0)
		return err_origin(-EIO);
	if (lseek(fds[IN], 0, SEEK_SET) < 0)
		return err_origin(-errno);
	return 0;
}

static int read_back(int fd, char **ret)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0 || st.st_size > MAX_OUTPUT)
		return err_origin(-EFBIG);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return err_origin(-ENOMEM);
	n = pread(fd, text, (size_t)st.st_size, 0);
	text[n < 0 ? 0 : n] = 0;
	*ret = text;
	return 0;
}

static int spawn(const char *program, const char *const *argv, const int fds[N_FDS], pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	for (int i = 0; i < N_FDS && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	if (r == 0)
		r = posix_spawnp(ret, program, &actions, NULL, (char **)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* An ordinary user's PATH has no sbin. */
static int spawn_somewhere(const char *const *argv, const int fds[N_FDS], pid_t *ret)
{
	static const char *const dirs[] = {"/usr/sbin/", "/sbin/"};
	int r = spawn(argv[0], argv, fds, ret);
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(dirs) && r == -ENOENT; i++) {
		snprintf(path, sizeof(path), "%s%s", dirs[i], argv[0]);
		r = spawn(path, argv, fds, ret);
	}
	return r;
}

static int wait_for(pid_t pid, int *ret_status)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	bool is_late = fd >= 0 && poll(&p, 1, CTL_EXEC_TIMEOUT_S * 1000) == 0;

	if (fd >= 0)
		close(fd);
	if (is_late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (is_late)
		return err_origin(-ETIMEDOUT);
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

static int collect(pid_t pid, const int fds[N_FDS], struct ctl_exec *e)
{
	TRY(wait_for(pid, &e->status));
	TRY(read_back(fds[OUT], &e->out));
	TRY(read_back(fds[ERR], &e->err));
	return 0;
}

int ctl_exec_run(const char *const *argv, const char *input, struct ctl_exec *ret)
{
	_cleanup_(close_all) int fds[N_FDS] = {-1, -1, -1};
	struct ctl_exec e = {0};
	pid_t pid = -1;
	int r;

	TRY(open_all(fds, input));
	r = spawn_somewhere(argv, fds, &pid);
	if (r < 0)
		return err_origin(r);
	r = collect(pid, fds, &e);
	if (r < 0) {
		ctl_exec_deinit(&e);
		return err_trace(r);
	}
	*ret = e;
	return 0;
}
