#include "base/rcu.h"

#include <urcu/urcu-memb.h>

#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif

#ifdef HAS_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#else
#define __tsan_acquire(addr) ((void)(addr))
#define __tsan_release(addr) ((void)(addr))
#endif

/* Address that carries the readers → writer edge for TSan. */
static char grace_period;

void rcu_thread_register(void)
{
	urcu_memb_register_thread();
}

void rcu_thread_unregister(void)
{
	urcu_memb_unregister_thread();
}

void rcu_enter(void)
{
	urcu_memb_read_lock();
}

void rcu_leave(void)
{
	__tsan_release(&grace_period);
	urcu_memb_read_unlock();
}

void rcu_wait(void)
{
	urcu_memb_synchronize_rcu();
	__tsan_acquire(&grace_period);
}
