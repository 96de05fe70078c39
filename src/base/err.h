/* Return convention of every fallible function.
 *
 *   0    success.
 *   < 0  unexpected failure: a negative errno. It is born in `return err_origin(-ENOMEM);` and
 *        forwarded as `return err_trace(r);`.
 *   > 0  an enumerator of this very function (RING_EMPTY): the caller handles it and never
 *        forwards it.
 *
 * A failed health check is not an error; it is a result with a code of model/check_code.tbl.
 * Output parameters (ret_x) are written on success only.
 *
 * Each thread remembers where its last error was born and the places that forwarded it, so the
 * one log line about it can say where it comes from.
 */
#pragma once

#include "base/cc.h"

/* Notes the birthplace of error r (< 0) in the calling thread; returns r. Any thread. */
int err_origin_at(int r, const char *file, int line);
/* Adds a forwarding place of error r (< 0; other values pass untouched); returns r. Any thread. */
int err_trace_at(int r, const char *file, int line);
/* "ENOMEM at a.c:12 < b.c:40": the calling thread's last error. Valid until its next error. */
const char *err_last(void);

#define err_origin(r) err_origin_at((r), __FILE__, __LINE__)
#define err_trace(r)  err_trace_at((r), __FILE__, __LINE__)

/* Forwards an unexpected failure of expr; the only macro that returns. */
#define TRY(expr)                               \
	do {                                    \
		int try_ = (expr);              \
		if (unlikely(try_ < 0))         \
			return err_trace(try_); \
	} while (0)
