/* The API thread.
 *
 * One event loop with one libmicrohttpd daemon per listener (httpd.h), the bell that main rings
 * when a command is answered or the thread shall end, and nothing else. It owns the connections and
 * the orders under way; everything else it reads: published rows and agg's summary through sequence
 * locks, the current generation under RCU or with its hold count raised, beats and counters as
 * relaxed atomics. It never waits for another thread: a torn row is left out, a slow client is cut
 * (and with it the generation it holds is let go), a full command ring or too many big answers are
 * a 503.
 *
 * Data leaves towards main alone: an order becomes a struct command, whose pointer goes through
 * the ring; its request is suspended until main has answered.
 */
#include "api/api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "api/route.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/evloop.h"
#include "base/log.h"
#include "base/thr.h"

enum { MAX_SLEEP_MS = 500, NICE = 5 };

struct api {
	struct api_args args;
	struct thr thr;
	struct evloop *loop;
	struct ev_source bell;
	struct httpd_limits limits;
	struct route_env env;
	struct route_door doors[API_LISTENER__N];
	struct httpd *httpd[API_LISTENER__N];
	struct listen_unix unix_file;
	uint16_t ports[API_LISTENER__N];
	_Atomic bool is_stopping; /* main → api */
};

static bool is_stopping(const struct api *a)
{
	/* relaxed: the bell that follows the store brings us here again */
	return atomic_load_explicit(&a->is_stopping, memory_order_relaxed);
}

/* --- the thread ------------------------------------------------------------------------------ */

static void run_listeners(struct api *a)
{
	for (int i = 0; i < API_LISTENER__N; i++) {
		if (a->httpd[i])
			httpd_run(a->httpd[i]);
	}
}

static uint64_t sleep_ns(const struct api *a)
{
	uint64_t wait = MAX_SLEEP_MS * CLK_MS;

	for (int i = 0; i < API_LISTENER__N; i++) {
		if (a->httpd[i])
			wait = MIN(wait, httpd_wait_ns(a->httpd[i]));
	}
	return wait;
}

static void turn(struct api *a)
{
	beat_mark(a->args.beat, evloop_now(a->loop));
	wake_arm(a->args.bell);
	order_poll(&a->env.orders);
	run_listeners(a);
	evloop_turn(a->loop, is_stopping(a) ? 0 : sleep_ns(a));
	wake_disarm(a->args.bell);
}

static void run(void *ctx)
{
	struct api *a = ctx;

	while (!is_stopping(a))
		turn(a);
	order_poll(&a->env.orders);
	order_abort(&a->env.orders);
	/* resumes, then sends what was just answered */
	run_listeners(a);
	run_listeners(a);
}

/* The descriptor is emptied by wake_disarm(). */
static void on_bell(struct ev_source *s, uint32_t events)
{
	(void)s;
	(void)events;
}

/* --- start and stop -------------------------------------------------------------------------- */

static uint16_t port_of(int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return 0;
	if (sa.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&sa)->sin_port);
	if (sa.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	return 0;
}

static int serve(struct api *a, enum api_listener which, int fd, const char *address)
{
	static const enum route_listener listeners[] = {
		[API_HTTP] = ROUTE_HTTP, [API_METRICS] = ROUTE_METRICS, [API_UNIX] = ROUTE_UNIX};
	struct httpd_args args = {.loop = a->loop,
				  .fd = fd,
				  .path = which == API_UNIX ? address : NULL,
				  .limits = &a->limits,
				  .counters = a->args.counters,
				  .handler = route_handle,
				  .ctx = &a->doors[which]};
	int r;

	a->doors[which] = (struct route_door){.env = &a->env, .listener = listeners[which]};
	a->ports[which] = port_of(fd);
	LOG(LOG_INFO, "api", "listening", LF_STR("address", address),
	    LF_U64("port", a->ports[which]));
	r = httpd_new(&args, &a->httpd[which]);
	if (r < 0)
		close(fd);
	return err_trace(r);
}

static bool is_on(const char *address)
{
	return address && *address;
}

static int open_tcp(struct api *a, enum api_listener which, const char *address)
{
	int fd;

	if (!is_on(address))
		return 0;
	TRY(listen_tcp(address, &fd));
	TRY(serve(a, which, fd, address));
	return 0;
}

static int open_unix(struct api *a, const char *path)
{
	if (!is_on(path))
		return 0;
	TRY(listen_unix(path, &a->unix_file));
	TRY(serve(a, API_UNIX, a->unix_file.fd, path));
	return 0;
}

static int open_all(struct api *a)
{
	a->loop = evloop_new();
	if (!a->loop)
		return err_origin(-ENOMEM);
	a->bell = (struct ev_source){.fd = wake_fd(a->args.bell), .fn = on_bell};
	TRY(evloop_watch(a->loop, &a->bell, EPOLLIN));
	TRY(open_tcp(a, API_HTTP, a->args.app->server.http_addr));
	TRY(open_tcp(a, API_METRICS, a->args.app->server.metrics_addr));
	TRY(open_unix(a, a->args.app->server.unix_sock));
	return 0;
}

int api_new(const struct api_args *args, struct api **ret)
{
	struct api *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_origin(-ENOMEM);
	a->args = *args;
	a->limits = (struct httpd_limits){.request_ns = HTTPD_REQUEST_S * CLK_S,
					  .answer_ns = HTTPD_ANSWER_S * CLK_S,
					  .connections = HTTPD_CONNECTIONS};
	a->env = (struct route_env){.args = &a->args,
				    .orders = {.port = args->commands},
				    .big = {.max = BIG_AT_ONCE},
				    .start_wall_ns = clk_wall_ns()};
	r = open_all(a);
	if (r < 0) {
		api_free(a);
		return err_trace(r);
	}
	*ret = a;
	return 0;
}

int api_start(struct api *a)
{
	a->thr = (struct thr){.fn = run, .ctx = a, .name = "api", .nice = NICE};
	TRY(thr_start(&a->thr));
	return 0;
}

void api_stop(struct api *a)
{
	/* relaxed: the bell's fence orders it before the thread's next look */
	atomic_store_explicit(&a->is_stopping, true, memory_order_relaxed);
	wake_ring(a->args.bell);
	thr_join(&a->thr);
}

void api_free(struct api *a)
{
	if (!a)
		return;
	for (int i = 0; i < API_LISTENER__N; i++)
		httpd_free(a->httpd[i]);
	if (a->unix_file.inode)
		listen_unlink(a->args.app->server.unix_sock, &a->unix_file);
	order_free(&a->env.orders);
	if (a->loop) {
		evloop_unwatch(a->loop, &a->bell);
		evloop_free(a->loop);
	}
	free(a);
}

uint16_t api_port(const struct api *a, enum api_listener which)
{
	return a->ports[which];
}

void api_set_deadlines(struct api *a, uint64_t request_ns, uint64_t answer_ns)
{
	a->limits.request_ns = request_ns;
	a->limits.answer_ns = answer_ns;
}
