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

enum { FAKE_CONNECTIONS = 8 };

struct fake_connection {
	int fd; /* -1: none */
	char line[256];
	size_t len;
};

struct fake_bird {
	struct sockaddr_un path;
	int listener;
	struct fake_connection connections[FAKE_CONNECTIONS];
	struct fake_connection *configurer; /* who said `configure` last */
	/* what it says; the close_after-th byte of an answer is the last before it closes; 0: never
	 */
	const char *greeting, *configure, *status;
	size_t close_after;
	unsigned n_routes;                      /* of each protocol */
	unsigned (*count)(const char *command); /* instead of n_routes */
	uint32_t (*eval)(const char *command);
	bool counts_hang; /* no answer to a look */
	unsigned n_connections, n_configure, n_status, n_count, n_eval, n_disable, n_other;
	uint64_t last_configure_ns;
	char last[256];
};

static inline void fake_bird_listen(struct fake_bird *f)
{
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	unlink(f->path.sun_path);
	cr_assert_eq(bind(f->listener, (struct sockaddr *)&f->path, sizeof(f->path)), 0);
	cr_assert_eq(listen(f->listener, 5), 0);
}

static inline void fake_connection_end(struct fake_connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->len = 0;
}

static inline void fake_bird_hang_up(struct fake_bird *f)
{
	for (unsigned i = 0; i < FAKE_CONNECTIONS; i++)
		fake_connection_end(&f->connections[i]);
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
				.greeting = FAKE_GREETING,
				.configure = FAKE_TAKEN,
				.status = "1000-BIRD 2.0.12\n0013 Daemon is up and running\n"};
	for (unsigned i = 0; i < FAKE_CONNECTIONS; i++)
		f->connections[i].fd = -1;
	f->path.sun_family = AF_UNIX;
	snprintf(f->path.sun_path, sizeof(f->path.sun_path), "%s/ctl", dir);
	fake_bird_listen(f);
}

static inline void fake_bird_stop(struct fake_bird *f)
{
	fake_bird_die(f);
	unlink(f->path.sun_path);
}

static inline void fake_bird_answer(struct fake_bird *f, struct fake_connection *c,
				    const char *text)
{
	size_t len = strlen(text);

	if (f->close_after && f->close_after <= len)
		len = f->close_after;
	if (len)
		cr_assert_eq(send(c->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
	if (f->close_after)
		fake_bird_hang_up(f);
}

/* The answer that `configure` waits for. */
static inline void fake_bird_say(struct fake_bird *f, const char *text)
{
	fake_bird_answer(f, f->configurer, text);
}

static inline void fake_bird_count(struct fake_bird *f, struct fake_connection *c)
{
	unsigned n = f->count ? f->count(c->line) : f->n_routes;
	char text[160];

	f->n_count++;
	if (f->counts_hang)
		return;
	if (strncmp(c->line, "show route protocol '", 21) == 0)
		snprintf(text, sizeof(text),
			 "1007-%u of 99 routes for %u networks in table master4\n0000 \n", n, n);
	else
		snprintf(
			text, sizeof(text),
			"1007-%u of 99 routes for 99 networks in table master4\n     0 of 0 routes "
			"for 0 networks in table master6\n0014 Total: %u of 99 routes\n",
			n, n);
	fake_bird_answer(f, c, text);
}

static inline void fake_bird_configure(struct fake_bird *f, struct fake_connection *c)
{
	f->n_configure++;
	f->configurer = c;
	f->last_configure_ns = clk_mono_ns();
	fake_bird_answer(f, c, f->configure);
}

static inline void fake_bird_obey(struct fake_bird *f, struct fake_connection *c)
{
	char text[32];

	snprintf(f->last, sizeof(f->last), "%s", c->line);
	if (strcmp(c->line, "configure") == 0) {
		fake_bird_configure(f, c);
	} else if (strcmp(c->line, "show status") == 0) {
		f->n_status++;
		fake_bird_answer(f, c, f->status);
	} else if (strncmp(c->line, "show route ", 11) == 0) {
		fake_bird_count(f, c);
	} else if (strncmp(c->line, "eval ", 5) == 0 && f->eval) {
		f->n_eval++;
		snprintf(text, sizeof(text), "0023 %u\n", f->eval(c->line));
		fake_bird_answer(f, c, text);
	} else if (strncmp(c->line, "disable \"", 9) == 0) {
		f->n_disable++;
		fake_bird_answer(
			f, c, "0009-hc_default_4: disabled\n0009-hc_default_6: disabled\n0000 \n");
	} else {
		f->n_other++;
		fake_bird_answer(f, c, "9001 syntax error, unexpected CF_SYM_UNDEFINED\n");
	}
}

static inline void fake_bird_accept(struct fake_bird *f)
{
	int fd = f->listener >= 0 ? accept4(f->listener, NULL, NULL, SOCK_NONBLOCK) : -1;

	for (unsigned i = 0; fd >= 0 && i < FAKE_CONNECTIONS; i++) {
		struct fake_connection *c = &f->connections[i];

		if (c->fd >= 0)
			continue;
		c->fd = fd;
		f->n_connections++;
		fake_bird_answer(f, c, f->greeting);
		return;
	}
	cr_assert_lt(fd, 0, "too many connections");
}

static inline void fake_bird_listen_to(struct fake_bird *f, struct fake_connection *c)
{
	ssize_t n = 1;
	char byte;

	while (c->fd >= 0 && (n = recv(c->fd, &byte, 1, MSG_DONTWAIT)) == 1) {
		cr_assert_lt(c->len, sizeof(c->line) - 1);
		c->line[c->len++] = byte;
		if (byte == '\n') {
			c->line[c->len - 1] = 0;
			c->len = 0;
			fake_bird_obey(f, c);
		}
	}
	if (n == 0)
		fake_connection_end(c);
}

static inline void fake_bird_serve(struct fake_bird *f)
{
	fake_bird_accept(f);
	for (unsigned i = 0; i < FAKE_CONNECTIONS; i++)
		fake_bird_listen_to(f, &f->connections[i]);
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
