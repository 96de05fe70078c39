#include "api/big.h"

#include <errno.h>

#include "api/hold.h"
#include "api/reply.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "config/name.h"

struct big {
	struct walk walk;
	struct generation *gen;
	struct big_slots *slots;
};

static int more(void *ctx, struct buf *out)
{
	struct big *b = ctx;
	bool has_more;

	b->walk.out.to = out;
	has_more = walk_step(&b->walk);
	if (b->walk.out.is_full)
		return err_origin(-ENOBUFS);
	return has_more ? 0 : PUMP_SOURCE_END;
}

static void done(void *ctx)
{
	struct big *b = ctx;

	if (b->walk.n_torn)
		LOG(LOG_WARN, "api", "rows_left_out", LF_U64("rows", b->walk.n_torn));
	hold_drop(b->gen);
	b->slots->n--;
	free(b);
}

static void start(struct httpd_request *r, const struct big_args *args, struct generation *g,
		  uint32_t only_service)
{
	struct big *b = calloc(1, sizeof(*b));
	struct pump_source source = {.more = more, .done = done, .ctx = b};

	if (!b) {
		hold_drop(g);
		reply_error(r, 503, "out of memory");
		return;
	}
	b->gen = g;
	b->slots = args->slots;
	b->slots->n++;
	b->walk = (struct walk){.gen = g,
				.tables = args->api->tables,
				.app = args->api->app,
				.view = args->view,
				.wall_ns = clk_wall_ns(),
				.mono_ns = clk_mono_ns(),
				.only_service = only_service};
	httpd_answer_stream(r, args->content_type, &source);
}

void big_answer(struct httpd_request *r, const struct big_args *args)
{
	struct generation *g;
	uint32_t service = SLOT_NONE;

	if (args->slots->n >= args->slots->max) {
		reply_error(r, 503, "too many big answers under way, try again");
		return;
	}
	g = hold_take(args->api->generation);
	if (!g) {
		reply_error(r, 503, "no configuration is active yet");
		return;
	}
	if (args->only_service) {
		service = name_find_service(g, args->only_service);
		if (service == SLOT_NONE) {
			hold_drop(g);
			reply_error(r, 404, "no such service; names look like tcp/192.0.2.1:80");
			return;
		}
	}
	start(r, args, g, service);
}
