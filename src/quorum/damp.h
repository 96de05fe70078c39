/* One check: attempts in, verdict out (decisions 12, 16, 21). Pure.
 *
 * Unknown attempts neither add to a run nor end one. Without a past, one bad attempt decides; with
 * a past (a verdict from before, or the balancer shows the real enabled) `fall` bad ones do.
 */
#pragma once

#include "config/gen.h"
#include "model/state.h"

/* Counts one attempt in the runs of row. Returns the check's state after it; the state in row is
 * not changed. */
enum state damp_count(struct check_row *row, enum verdict verdict,
		      const struct check_profile *profile, bool has_past);
