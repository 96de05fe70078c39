/* BIRD's control socket on a path of the test's own, served between turns of the test's loop. */
#pragma once

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/evloop.h"

#define FAKE_GREETING "0001 BIRD 2.0.12 ready.\n"
#define FAKE_TAKEN    "0002-Reading configuration from /x\n0003 Reconfigured\n"
#define FAKE_REFUSED  "0002-Reading configuration from /x\n8002 /x:1:1 syntax error\n"
#define FAKE_HANGS    "" /* no answer */

struct fake_bird {
	struct sockaddr_un path;
	int listener, connection;
	/* what it says; the close_after-th byte of an answer is the last before it closes; 0: never
	 */
	const char *greeting, *configure, *status;
	size_t close_after;
	unsigned n_routes;                      /* of each protocol */
	unsigned (*count)(const char *command); /* instead of n_routes */
	uint32_t (*eval)(const char *command);
	unsigned n_connections, n_configure, n_status, n_count, n_eval, n_disable, n_other;
	uint64_t last_configure_ns;
	char last[256], line[256];
	size_t len;
};

static inline void fake_bird_listen(struct fake_bird *f)
{
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	unlink(f->path.sun_path);
	cr_assert_eq(bind(f->listener, (struct sockaddr *)&f->path, sizeof(f->path)), 0);
	cr_assert_eq(listen(f->listener, 5), 0);
}

static inline void fake_bird_hang_up(struct fake_bird *f)
{
	if (f->connection >= 0)
		close(f->connection);
	f->connection = -1;
	f->len = 0;
}

/* As after a kill: the path stays. */
static inline void fake_bird_die(struct fake_bird *f)
{
	fake_bird_hang_up(f);
	if (f->listener >= 0)
		close(f->listener);
	f->listener = -1;
}

static inline void fake_bird_start(struct fake_bird *f, const char *dir)
{
	*f = (struct fake_bird){.listener = -1,
				.connection = -1,
				.greeting = FAKE_GREETING,
				.configure = FAKE_TAKEN,
				.status = "1000-BIRD 2.0.12\n0013 Daemon is up and running\n"};
	f->path.sun_family = AF_UNIX;
	snprintf(f->path.sun_path, sizeof(f->path.sun_path), "%s/ctl", dir);
	fake_bird_listen(f);
}

static inline void fake_bird_stop(struct fake_bird *f)
{
	fake_bird_die(f);
	unlink(f->path.sun_path);
}

static inline void fake_bird_say(struct fake_bird *f, const char *text)
{
	size_t len = strlen(text);

	if (f->close_after && f->close_after <= len)
		len = f->close_after;
	if (len)
		cr_assert_eq(send(f->connection, text, len, MSG_NOSIGNAL), (ssize_t)len);
	if (f->close_after)
		fake_bird_hang_up(f);
}

static inline void fake_bird_obey(struct fake_bird *f)
{
	char text[160];
	unsigned n = f->count ? f->count(f->line) : f->n_routes;

	snprintf(f->last, sizeof(f->last), "%s", f->line);
	if (strcmp(f->line, "configure") == 0) {
		f->n_configure++;
		f->last_configure_ns = clk_mono_ns();
		fake_bird_say(f, f->configure);
	} else if (strcmp(f->line, "show status") == 0) {
		f->n_status++;
		fake_bird_say(f, f->status);
	} else if (strncmp(f->line, "show route protocol '", 21) == 0) {
		f->n_count++;
		snprintf(text, sizeof(text),
			 "1007-%u of 99 routes for %u networks in table master4\n0000 \n", n, n);
		fake_bird_say(f, text);
	} else if (strncmp(f->line, "show route table all primary where net ~ ", 41) == 0) {
		f->n_count++;
		snprintf(
			text, sizeof(text),
			"1007-%u of 99 routes for 99 networks in table master4\n     0 of 0 routes "
			"for 0 networks in table master6\n0014 Total: %u of 99 routes\n",
			n, n);
		fake_bird_say(f, text);
	} else if (strncmp(f->line, "eval ", 5) == 0 && f->eval) {
		f->n_eval++;
		snprintf(text, sizeof(text), "0023 %u\n", f->eval(f->line));
		fake_bird_say(f, text);
	} else if (strncmp(f->line, "disable \"", 9) == 0) {
		f->n_disable++;
		fake_bird_say(f,
			      "0009-hc_default_4: disabled\n0009-hc_default_6: disabled\n0000 \n");
	} else {
		f->n_other++;
		fake_bird_say(f, "9001 syntax error, unexpected CF_SYM_UNDEFINED\n");
	}
}

static inline void fake_bird_serve(struct fake_bird *f)
{
	char c;
	int fd = f->listener >= 0 ? accept4(f->listener, NULL, NULL, SOCK_NONBLOCK) : -1;

	if (fd >= 0) {
		fake_bird_hang_up(f);
		f->connection = fd;
		f->n_connections++;
		fake_bird_say(f, f->greeting);
	}
	while (f->connection >= 0 && recv(f->connection, &c, 1, MSG_DONTWAIT) == 1) {
		cr_assert_lt(f->len, sizeof(f->line) - 1);
		f->line[f->len++] = c;
		if (c == '\n') {
			f->line[f->len - 1] = 0;
			f->len = 0;
			fake_bird_obey(f);
		}
	}
}

/* Turns the loop and serves until what is true; fails after 5 s. */
#define FAKE_BIRD_UNTIL(f, loop, what)                                             \
	do {                                                                       \
		uint64_t until_ = clk_mono_ns() + 5 * CLK_S;                       \
		while (!(what)) {                                                  \
			cr_assert_lt(clk_mono_ns(), until_, "in vain: %s", #what); \
			evloop_turn((loop), CLK_MS);                               \
			fake_bird_serve(f);                                        \
		}                                                                  \
	} while (0)

static inline void fake_bird_spin(struct fake_bird *f, struct evloop *loop, unsigned ms)
{
	uint64_t until = clk_mono_ns() + ms * CLK_MS;

	while (clk_mono_ns() < until) {
		evloop_turn(loop, CLK_MS);
		fake_bird_serve(f);
	}
}
