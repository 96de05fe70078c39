/* A running API thread over the fleet fixture, and a client that talks bytes to it. */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "api/api.h"
#include "base/rcu.h"
#include "unit/api/fleet_fixture.h"

struct api_rig {
	struct fleet_fixture fleet;
	struct generation *_Atomic current;
	struct wake main_bell, bell;
	struct command_port port;
	struct beat beats[2];
	struct api_beat beat_names[2];
	struct counters counters;
	const struct counters *all_counters[1];
	struct summary summary;
	struct api_args args;
	struct api *api;
	char dir[32], sock[64];
};

enum { RIG_TEXT_BYTES = 4 << 20, RIG_WAIT_MS = 5000 };

static inline void api_rig_prepare(struct api_rig *r)
{
	char name[] = "/tmp/alived-api-XXXXXX";

	fleet_fixture_init(&r->fleet);
	atomic_store_explicit(&r->current, r->fleet.gen, memory_order_relaxed);
	cr_assert_eq(wake_init(&r->main_bell), 0);
	cr_assert_eq(wake_init(&r->bell), 0);
	cr_assert_eq(command_port_init(&r->port, &r->main_bell, &r->bell), 0);
	cr_assert_not_null(mkdtemp(name));
	snprintf(r->dir, sizeof(r->dir), "%s", name);
	snprintf(r->sock, sizeof(r->sock), "%s/sock", name);
	r->fleet.app.server.http_addr = (char *)(uintptr_t) "127.0.0.1:0";
	r->fleet.app.server.metrics_addr = (char *)(uintptr_t) "127.0.0.1:0";
	r->fleet.app.server.unix_sock = r->sock;
	r->fleet.app.enable_per_service_metrics = true;
	r->beat_names[0] = (struct api_beat){"api", &r->beats[0]};
	r->beat_names[1] = (struct api_beat){"sched", &r->beats[1]};
	beat_mark(&r->beats[0], clk_mono_ns());
	beat_mark(&r->beats[1], clk_mono_ns());
	r->all_counters[0] = &r->counters;
	r->summary = (struct summary){.generation = 1, .reals_up = 1, .reals_enabled = 2};
	r->args = (struct api_args){.app = &r->fleet.app,
				    .tables = &r->fleet.tables,
				    .generation = &r->current,
				    .commands = &r->port,
				    .bell = &r->bell,
				    .beat = &r->beats[0],
				    .counters = &r->counters,
				    .all_counters = r->all_counters,
				    .n_counters = 1,
				    .beats = r->beat_names,
				    .n_beats = 2,
				    .summary = &r->summary,
				    .n_workers = 3};
	log_set_level(LOG_ERROR);
	cr_assert_eq(api_new(&r->args, &r->api), 0);
}

static inline void api_rig_start(struct api_rig *r)
{
	api_rig_prepare(r);
	cr_assert_eq(api_start(r->api), 0);
}

static inline void api_rig_stop(struct api_rig *r)
{
	api_stop(r->api);
	api_free(r->api);
	command_port_deinit(&r->port);
	wake_deinit(&r->main_bell);
	wake_deinit(&r->bell);
	fleet_fixture_deinit(&r->fleet);
	cr_assert_eq(rmdir(r->dir), 0);
}

/* --- client ---------------------------------------------------------------------------------- */

static inline int rig_connect_tcp(const struct api_rig *r, enum api_listener which)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(api_port(r->api, which)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static inline int rig_connect_unix(const struct api_rig *r)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sa.sun_path, r->sock, sizeof(r->sock));
	cr_assert_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static inline void rig_send(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until the end of the connection; fails if it takes longer than RIG_WAIT_MS. Returns a
 * malloc'd text. */
static inline char *rig_read_all(int fd)
{
	char *text = malloc(RIG_TEXT_BYTES);
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len + 1 < RIG_TEXT_BYTES) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		cr_assert_eq(poll(&p, 1, RIG_WAIT_MS), 1, "no end after %zu bytes", len);
		n = recv(fd, text + len, RIG_TEXT_BYTES - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = 0;
	return text;
}

static inline char *rig_exchange(int fd, const char *request)
{
	char *text;

	rig_send(fd, request);
	text = rig_read_all(fd);
	close(fd);
	return text;
}

static inline char *rig_get(const struct api_rig *r, enum api_listener which, const char *path)
{
	char request[256];
	int fd = which == API_UNIX ? rig_connect_unix(r) : rig_connect_tcp(r, which);

	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
	return rig_exchange(fd, request);
}

static inline void rig_post_text(char *out, size_t bytes, const char *path, const char *body)
{
	snprintf(
		out, bytes,
		"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		path, strlen(body), body);
}

static inline char *rig_post(const struct api_rig *r, enum api_listener which, const char *path,
			     const char *body)
{
	char request[512];
	int fd = which == API_UNIX ? rig_connect_unix(r) : rig_connect_tcp(r, which);

	rig_post_text(request, sizeof(request), path, body);
	return rig_exchange(fd, request);
}

static inline const char *rig_body(const char *response)
{
	const char *blank = strstr(response, "\r\n\r\n");

	cr_assert_not_null(blank, "%s", response);
	return blank + 4;
}

static inline unsigned rig_status(const char *response)
{
	unsigned status = 0;

	cr_assert_eq(sscanf(response, "HTTP/1.%*c %u", &status), 1, "%s", response);
	return status;
}

/* Frees response. */
static inline void rig_expect(char *response, unsigned status, const char *body)
{
	cr_assert_eq(rig_status(response), status, "%s", response);
	if (body)
		cr_assert_str_eq(rig_body(response), body);
	free(response);
}

/* Waits until *value is wanted; fails after RIG_WAIT_MS. */
static inline void rig_await(const _Atomic uint32_t *value, uint32_t wanted)
{
	for (int i = 0; i < RIG_WAIT_MS / 5; i++) {
		if (atomic_load_explicit(value, memory_order_acquire) == wanted)
			return;
		usleep(5000);
	}
	cr_assert_fail("value did not become %u", wanted);
}
