/* One life of a fleet leaves a state file, the next one begins with it. */
#pragma once

#include "agg/snapshot_restore.h"
#include "agg/snapshot_take.h"
#include "lib/snapshot_bytes.h"
#include "unit/quorum/quorum_fixture.h"

/* Adds a frame with what changed since t took last. */
FX void lives_take(struct snapshot_take *t, struct fx *x, struct snapshot_bytes *b)
{
	snapshot_bytes_begin(b, b->len ? SNAPSHOT_DELTA : SNAPSHOT_BASE, false);
	snapshot_take_changes(t, x->gen, &b->out);
	snapshot_bytes_end(b);
}

/* The whole file of this moment. */
FX struct snapshot_bytes *lives_file(struct fx *x)
{
	struct snapshot_bytes *b = snapshot_bytes_new();
	struct snapshot_take *t;

	cr_assert_eq(snapshot_take_new(&x->tables, &t), 0);
	lives_take(t, x, b);
	snapshot_take_free(t);
	return b;
}

/* A life that begins with the file; takes it. */
FX struct fx *lives_begin(const struct fleet_config *config, const char *text,
			  struct snapshot_bytes *b, bool with_verdicts,
			  struct snapshot_restored *ret)
{
	struct fx *x = fx_new(config, text);
	struct snapshot s;

	x->n_events = 0;
	cr_assert_eq(snapshot_open(b->data, b->len, &s), SNAPSHOT_OK);
	cr_assert_eq(snapshot_restore(&s, with_verdicts, x->fleet, x->gen, x->now, ret), 0);
	snapshot_bytes_free(b);
	return x;
}

/* The end of x and the life after it, with the same configuration. */
FX struct fx *lives_next(struct fx *x, const char *text)
{
	struct snapshot_bytes *b = lives_file(x);
	struct fleet_config config = x->config;
	struct snapshot_restored n;

	fx_free(x);
	return lives_begin(&config, text, b, true, &n);
}

FX void lives_expect_quiet(struct fx *x)
{
	cr_assert_eq(fx_count(x, 'r', -1) + fx_count(x, 's', -1) + fx_count(x, 'p', -1), 0,
		     "a restart is no transition");
}
