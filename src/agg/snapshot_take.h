/* What agg has published, as records of a snapshot. Reads rows like any other reader, so agg is
 * neither asked nor delayed.
 *
 * Each row's sequence word is remembered, and rows are read pass after pass until a pass finds none
 * that moved: at the beginning of that last pass all of them were as they were written. So a real
 * and the service that it carries are of one moment. A take that begins with everything forgotten
 * is a base, any other one a delta.
 *
 * What blind or panic hold back is written as if it had not been decided: a frozen real as up, a
 * fallen service of a frozen prefix as undecided. Those removals were never sent, and the next life
 * has to come to them by itself.
 *
 * Thread: one at a time. No generation may be retired between taking it and the end of the call:
 * hold it.
 */
#pragma once

#include "agg/snapshot.h"
#include "model/state.h"

struct snapshot_take;

MUST_CHECK int snapshot_take_new(const struct state_tables *tables, struct snapshot_take **ret);
void snapshot_take_free(struct snapshot_take *t);

/* Forgets what was seen: the next call takes everything. To be called with every other generation:
 * slots have got other owners. */
void snapshot_take_forget(struct snapshot_take *t);
/* Puts every object of g whose row changed since the last call. Rows that never come to rest are
 * written as they were seen, and again with the next call. */
void snapshot_take_changes(struct snapshot_take *t, const struct generation *g,
			   struct snapshot_out *out);
