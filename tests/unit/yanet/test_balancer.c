#include "yanet/balancer.h"

#include "fixture.h"

/* The backend that the configuration names, told by what it says before anything happened. */
static bool is_connected_at_once(enum balancer_backend backend)
{
	struct evloop *loop = evloop_new();
	struct balancer_status s;
	struct balancer *b;
	struct world w;
	struct balancer_args args;

	world_init(&w, 64);
	w.app.balancer.backend = backend;
	w.app.yanet.control_plane_sock_path = (char *)"/nonexistent/sock";
	args = (struct balancer_args){.loop = loop,
				      .tables = &w.tables,
				      .counters = &w.counters,
				      .app = &w.app,
				      .hooks = w.hooks};
	cr_assert_eq(balancer_new(&args, &b), 0);
	balancer_status(b, &s);
	balancer_free(b);
	balancer_free(NULL);
	evloop_free(loop);
	world_deinit(&w);
	return s.is_connected;
}

Test(balancer, the_configured_backend_is_made)
{
	cr_assert(is_connected_at_once(BALANCER_NONE));
	cr_assert_not(is_connected_at_once(BALANCER_YANET));
}
