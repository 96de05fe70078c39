/* Structured log: threads write fixed-size records into their own ring, one thread formats them.
 *
 *   LOG(LOG_WARN, "quorum", "real_down", LF_ADDR("real", &ip, port), LF_STR("code", "refused"));
 *
 * prints, as logfmt or JSON with the same keys,
 *   ts=2026-11-20T06:51:58.123456Z level=warn thread=agg mod=quorum event=real_down real=...
 *
 * One line per event, never prose only; event names are API. A full ring drops the record, counts
 * it, and the next line says how many were lost. Names (mod, event, keys) must be string literals;
 * values are copied. Before log_start() and after log_stop() records are formatted at once, under
 * a lock.
 */
#pragma once

#include "base/addr.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL__N };
enum log_encoding { LOG_LOGFMT, LOG_JSON };

enum log_field_kind { LF_KIND_STR, LF_KIND_U64, LF_KIND_I64, LF_KIND_BOOL, LF_KIND_ADDR };

struct log_field {
	const char *key; /* literal */
	enum log_field_kind kind;
	uint16_t port; /* LF_KIND_ADDR: 0 prints the address alone */
	union {
		const char *str; /* copied, cut at 200 bytes */
		uint64_t u64;
		int64_t i64;
		const struct addr *addr;
	};
};

#define LF_STR(k, v)  ((struct log_field){.key = (k), .kind = LF_KIND_STR, .str = (v)})
#define LF_U64(k, v)  ((struct log_field){.key = (k), .kind = LF_KIND_U64, .u64 = (v)})
#define LF_I64(k, v)  ((struct log_field){.key = (k), .kind = LF_KIND_I64, .i64 = (v)})
#define LF_BOOL(k, v) ((struct log_field){.key = (k), .kind = LF_KIND_BOOL, .u64 = (v)})
#define LF_ADDR(k, a, p) \
	((struct log_field){.key = (k), .kind = LF_KIND_ADDR, .port = (p), .addr = (a)})

#define LOG(level, mod, event, ...)                                                          \
	do {                                                                                 \
		if (log_enabled(level)) {                                                    \
			const struct log_field log_fields_[] = {{.key = NULL}, __VA_ARGS__}; \
			log_write((level), (mod), (event), log_fields_ + 1,                  \
				  ARRAY_LEN(log_fields_) - 1);                               \
		}                                                                            \
	} while (0)

/* True if level is written at present. Any thread. */
bool log_enabled(enum log_level level);
/* Writes one record; at most 14 fields, the rest is dropped. Never blocks on a thread with a ring.
 * Any thread. */
void log_write(enum log_level level, const char *mod, const char *event,
	       const struct log_field *fields, size_t n_fields);

/* Level and encoding; any time, any thread. Start values: info, logfmt. */
void log_set_level(enum log_level level);
void log_set_encoding(enum log_encoding encoding);
/* Where lines go: an fd the caller keeps open; default 2. Before log_start(). */
void log_set_fd(int fd);

/* Starts the formatting thread. Returns 0 or a negative errno. Main thread. */
MUST_CHECK int log_start(void);
/* Writes what is left and ends the thread. Main thread, after the threads with rings ended. */
void log_stop(void);

/* Gives the calling thread its ring under this name (thr.h does it for every thread) if the log
 * runs. Without one a thread's records are formatted on the spot. */
void log_thread_attach(const char *name);
void log_thread_detach(void);
/* Records lost to full rings so far. Any thread. */
uint64_t log_dropped(void);
