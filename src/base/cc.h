/* Compiler attributes, always-on assertions, small helpers.
 *
 * ASSERT stays on in production: it guards states that cannot happen unless the program is wrong,
 * prints where, and aborts. It never guards input from outside.
 */
#pragma once

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHELINE 64

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define _cleanup_(fn)     __attribute__((cleanup(fn)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Moves a pointer out of a _cleanup_ variable. */
#define TAKE(p)                            \
	({                                 \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

/* Prints expression, place, thread name and build id to stderr, then aborts. Any thread. */
NORETURN void cc_assert_failed(const char *expr, const char *file, int line);

#define ASSERT(expr)                                                 \
	do {                                                         \
		if (unlikely(!(expr)))                               \
			cc_assert_failed(#expr, __FILE__, __LINE__); \
	} while (0)
