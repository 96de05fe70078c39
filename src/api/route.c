#include "api/route.h"

#include "api/announceview.h"
#include "api/body.h"
#include "api/hold.h"
#include "api/listing.h"
#include "api/metrics.h"
#include "api/overview.h"
#include "api/prom.h"
#include "api/reply.h"
#include "api/status.h"
#include "base/clk.h"
#include "config/name.h"

enum { SMALL_BYTES = 256 * 1024, HEALTH_BYTES = 128 };

typedef void (*route_fn)(struct route_env *env, struct httpd_request *r);

/* --- small answers --------------------------------------------------------------------------- */

static void healthz(struct route_env *env, struct httpd_request *r)
{
	uint64_t now = clk_mono_ns();
	const struct api_beat *dead = overview_dead_thread(env->args, now);
	char text[HEALTH_BYTES];

	if (!dead) {
		reply_text(r, 200, REPLY_TEXT, "ok\n");
		return;
	}
	snprintf(text, sizeof(text), "thread %s: no sign of life for %u s\n", dead->name,
		 (unsigned)(overview_silence_ns(dead, now) / CLK_S));
	reply_text(r, 503, REPLY_TEXT, text);
}

static void summary(struct route_env *env, struct httpd_request *r)
{
	_cleanup_(buf_deinit) struct buf body = BUF_INIT(SMALL_BYTES);

	if (overview_json(env->args, env->start_wall_ns, &body) < 0)
		reply_error(r, 500, "answer too large");
	else
		reply_json(r, 200, &body);
}

static void announcer(struct route_env *env, struct httpd_request *r)
{
	_cleanup_(buf_deinit) struct buf body = BUF_INIT(SMALL_BYTES);

	if (announceview_json(env->args, &body) < 0)
		reply_error(r, 500, "answer too large");
	else
		reply_json(r, 200, &body);
}

static void answer_metrics(struct route_env *env, struct httpd_request *r,
			   int (*make)(const struct api_args *args, struct buf *out))
{
	_cleanup_(buf_deinit) struct buf body = BUF_INIT(SMALL_BYTES);

	if (make(env->args, &body) < 0)
		reply_error(r, 500, "answer too large");
	else
		httpd_answer(r, 200, PROM_CONTENT_TYPE, buf_head(&body), buf_len(&body));
}

static void all_metrics(struct route_env *env, struct httpd_request *r)
{
	answer_metrics(env, r, metrics_all);
}

static void global_metrics(struct route_env *env, struct httpd_request *r)
{
	answer_metrics(env, r, metrics_global);
}

static void debug_metrics(struct route_env *env, struct httpd_request *r)
{
	answer_metrics(env, r, metrics_debug);
}

/* --- big answers ----------------------------------------------------------------------------- */

static void walk_answer(struct route_env *env, struct httpd_request *r,
			const struct walk_view *view, const char *content_type, const char *vs)
{
	big_answer(r, &(struct big_args){.api = env->args,
					 .slots = &env->big,
					 .view = view,
					 .content_type = content_type,
					 .only_service = vs});
}

static void status(struct route_env *env, struct httpd_request *r)
{
	walk_answer(env, r, &status_view, REPLY_JSON, NULL);
}

static void services(struct route_env *env, struct httpd_request *r)
{
	walk_answer(env, r, &listing_services, REPLY_JSON, httpd_param(r, "vs"));
}

static void reals(struct route_env *env, struct httpd_request *r)
{
	walk_answer(env, r, &listing_reals, REPLY_JSON, httpd_param(r, "vs"));
}

static void per_service_metrics(struct route_env *env, struct httpd_request *r)
{
	if (env->args->app->enable_per_service_metrics)
		walk_answer(env, r, &metrics_per_service, PROM_CONTENT_TYPE, NULL);
	else
		reply_error(r, 404, "Not Found");
}

/* --- commands -------------------------------------------------------------------------------- */

static void plain_command(struct route_env *env, struct httpd_request *r, enum command_kind kind)
{
	const char *why;

	if (body_empty(r->body, r->body_len, &why) != BODY_OK)
		reply_error(r, 400, why);
	else
		order_send(&env->orders, r, kind, SLOT_NONE, 0);
}

static void reload(struct route_env *env, struct httpd_request *r)
{
	plain_command(env, r, COMMAND_RELOAD);
}

static void release_panic(struct route_env *env, struct httpd_request *r)
{
	plain_command(env, r, COMMAND_RELEASE_PANIC);
}

static const char *find_real(const struct generation *g, const struct body_override *o,
			     uint32_t *ret_real)
{
	uint32_t service = g ? name_find_service(g, o->vs) : SLOT_NONE;

	if (service == SLOT_NONE)
		return "no such service; names look like tcp/192.0.2.1:80";
	*ret_real = name_find_real(g, service, o->rs);
	return *ret_real == SLOT_NONE ? "no such real; names look like 192.0.2.1:80" : NULL;
}

static void override(struct route_env *env, struct httpd_request *r)
{
	struct body_override o;
	struct generation *g;
	uint32_t real = SLOT_NONE;
	const char *why;

	if (body_override(r->body, r->body_len, &o, &why) != BODY_OK) {
		reply_error(r, 400, why);
		return;
	}
	g = hold_take(env->args->generation);
	why = find_real(g, &o, &real);
	hold_drop(g);
	if (why)
		reply_error(r, 404, why);
	else
		order_send(&env->orders, r, COMMAND_OVERRIDE, real, o.override);
}

/* --- the table ------------------------------------------------------------------------------- */

enum {
	CONTROL_DOORS = ROUTE_HTTP | ROUTE_UNIX,
	ANY_DOOR = CONTROL_DOORS | ROUTE_METRICS,

	BY_OWNER = 1 << LISTEN_PEER_OWNER | 1 << LISTEN_PEER_GROUP,
	BY_NETWORK = 1 << LISTEN_PEER_NETWORK,
	BY_ALL = BY_OWNER | BY_NETWORK | 1 << LISTEN_PEER_OTHER,
};

static const struct route {
	const char *method;
	const char *path;
	unsigned doors;
	unsigned peers;
	route_fn fn;
} routes[] = {
	{"GET", "/v1/status", CONTROL_DOORS, BY_ALL, status},
	/* the reference asks nobody who reaches this address */
	{"POST", "/v1/reload", CONTROL_DOORS, BY_OWNER | BY_NETWORK, reload},
	{"GET", "/healthz", ANY_DOOR, BY_ALL, healthz},
	{"GET", "/v1/summary", CONTROL_DOORS, BY_ALL, summary},
	{"GET", "/v1/announcer", CONTROL_DOORS, BY_ALL, announcer},
	{"GET", "/v1/services", CONTROL_DOORS, BY_ALL, services},
	{"GET", "/v1/reals", CONTROL_DOORS, BY_ALL, reals},
	{"POST", "/v1/override", CONTROL_DOORS, BY_OWNER, override},
	{"POST", "/v1/release_panic", CONTROL_DOORS, BY_OWNER, release_panic},
	{"GET", "/metrics", ROUTE_METRICS | ROUTE_UNIX, BY_ALL, all_metrics},
	{"GET", "/v1/metrics/global", ROUTE_METRICS | ROUTE_UNIX, BY_ALL, global_metrics},
	{"GET", "/v1/metrics/debug", ROUTE_METRICS | ROUTE_UNIX, BY_ALL, debug_metrics},
	{"GET", "/v1/metrics/per_service", ROUTE_METRICS | ROUTE_UNIX, BY_ALL, per_service_metrics},
};

static const struct route *find(const char *path, enum route_listener door)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if ((routes[i].doors & door) && strcmp(routes[i].path, path) == 0)
			return &routes[i];
	}
	return NULL;
}

static bool method_fits(const struct route *t, const char *method)
{
	/* the library leaves the body out of an answer to HEAD */
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	return strcmp(t->method, method) == 0;
}

void route_handle(void *ctx, struct httpd_request *r)
{
	struct route_door *door = ctx;
	const struct route *t = find(r->path, door->listener);

	if (!t)
		reply_error(r, 404, "Not Found");
	else if (!method_fits(t, r->method))
		reply_error(r, 501, "Method Not Allowed");
	else if (!(t->peers & 1u << r->peer))
		reply_error(r, 403, "not allowed; use the unix socket as root or as its owner");
	else
		t->fn(door->env, r);
}
