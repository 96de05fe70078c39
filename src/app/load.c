#include "app/load.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clk.h"
#include "base/err.h"
#include "config/diag.h"
#include "config/services_parse.h"

void load_report_free(struct load_report *r)
{
	free(r->text);
	free(r->json);
	*r = (struct load_report){0};
}

static int fill_report(struct load_report *r, const struct diag *d)
{
	r->n_errors = diag_errors(d);
	r->n_warnings = diag_warnings(d);
	r->text = diag_text(d);
	r->json = diag_json(d);
	return r->text && r->json ? 0 : err_origin(-ENOMEM);
}

static void source_freep(struct source **s)
{
	source_free(*s);
}

static void diag_freep(struct diag **d)
{
	diag_free(*d);
}

static void draft_freep(struct draft **d)
{
	draft_free(*d);
}

int load_app_config(const char *path, struct load_report *report, struct app_config **ret_config)
{
	_cleanup_(source_freep) struct source *src = source_new();
	_cleanup_(diag_freep) struct diag *d = src ? diag_new(src) : NULL;
	struct app_config *app = NULL;
	int r;

	if (!d)
		return err_origin(-ENOMEM);
	r = app_config_load(path, src, d, &app);
	if (fill_report(report, d) < 0) {
		app_config_free(app);
		return err_origin(-ENOMEM);
	}
	if (r != 0)
		return LOAD_BAD;
	*ret_config = app;
	return 0;
}

/* Steering by mark needs one mark per real out of a masked range, whose last one is the test
 * datagram's (decisions 41, model/tunnel.h). */
static bool marks_suffice(const struct app_config *app, const struct generation *g, struct diag *d)
{
	uint64_t last = (uint64_t)app->check_tun.mark_base + g->end_reals;

	if (!app->check_tun.run_check_tun || app->check_tun.steering != STEERING_MARK ||
	    last <= app->check_tun.mark_mask)
		return true;
	diag_report(d, DIAG_ERROR, SOURCE_NOWHERE, 0,
		    "widen check_tun.mark_mask or lower check_tun.mark_base",
		    "%u real servers need marks up to %llu, the range ends at %u", g->end_reals,
		    (unsigned long long)last - 1, app->check_tun.mark_mask - 1);
	return false;
}

static void abandon(struct loaded *l, struct slot_books *books)
{
	gen_build_abandon(l->diff, books);
	gen_diff_free(l->diff);
	gen_free(l->generation);
	dump_abandon(l->dump);
}

static int build(const struct draft *draft, const struct app_config *app,
		 const struct generation *before, struct slot_books *books, bool with_dump,
		 struct diag *d, struct loaded *ret)
{
	struct loaded l = {0};
	int r = gen_build(draft, before, books, clk_mono_ns(), clk_wall_ns(), &l.generation,
			  &l.diff);

	if (r == GEN_BUILD_FULL) {
		diag_report(d, DIAG_ERROR, SOURCE_NOWHERE, 0, NULL,
			    "more objects than this program can hold at once");
		return LOAD_BAD;
	}
	TRY(r);
	if (!marks_suffice(app, l.generation, d)) {
		abandon(&l, books);
		return LOAD_BAD;
	}
	if (with_dump && app->services_config.dump_path)
		r = dump_prepare(app->services_config.dump_path, l.generation, app, &l.dump);
	if (r < 0) {
		diag_report(d, DIAG_ERROR, SOURCE_NOWHERE, 0, NULL,
			    "cannot write the dump beside %s: %s", app->services_config.dump_path,
			    strerrordesc_np(-r));
		abandon(&l, books);
		return LOAD_BAD;
	}
	*ret = l;
	return 0;
}

int load_services(const char *path, const struct app_config *app, const struct generation *before,
		  struct slot_books *books, bool with_dump, struct load_report *report,
		  struct loaded *ret)
{
	_cleanup_(source_freep) struct source *src = source_new();
	_cleanup_(diag_freep) struct diag *d = src ? diag_new(src) : NULL;
	_cleanup_(draft_freep) struct draft *draft = NULL;
	int r;

	if (!d)
		return err_origin(-ENOMEM);
	r = services_parse(path, app, src, d, &draft);
	if (r == 0)
		r = build(draft, app, before, books, with_dump, d, ret);
	TRY(r);
	if (fill_report(report, d) < 0) {
		if (r == 0)
			abandon(ret, books);
		return err_origin(-ENOMEM);
	}
	return r == 0 ? 0 : LOAD_BAD;
}
