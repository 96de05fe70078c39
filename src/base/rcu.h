/* The only door to liburcu: publishing one pointer, reading it, waiting for readers.
 *
 * Readers: rcu_enter(); p = rcu_get(&ptr); use p; rcu_leave(). Nothing loaded inside survives
 * rcu_leave(), and nobody waits (epoll, locks, I/O) inside.
 * Writer: old = rcu_swap(&ptr, new); rcu_wait(); free old. rcu_wait() on the main thread only.
 *
 * liburcu 0.13 carries no TSan annotations; the wrapper adds the two happens-before edges that
 * TSan cannot see, so that a missing grace period is still reported (style: measured).
 *
 * field    writer                  readers        order
 * pointer  one publisher, rcu_swap any registered acq_rel exchange / acquire load
 */
#pragma once

#include <stdatomic.h>

#include "base/cc.h"

void rcu_thread_register(void);
void rcu_thread_unregister(void);
void rcu_enter(void);
void rcu_leave(void);
/* Returns after every reader that was inside when it was called has left. Main thread only. */
void rcu_wait(void);

/* acquire: what the publisher wrote before rcu_swap(); pairs with its exchange */
#define rcu_get(ptr) atomic_load_explicit((ptr), memory_order_acquire)
/* acq_rel: publishes *next, takes over the old object; pairs with rcu_get() */
#define rcu_swap(ptr, next) atomic_exchange_explicit((ptr), (next), memory_order_acq_rel)
