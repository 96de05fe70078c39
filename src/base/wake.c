#include "base/wake.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"

int wake_init(struct wake *w)
{
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0)
		return err_origin(-errno);
	/* relaxed: no thread shares it yet */
	atomic_store_explicit(&w->armed, 0, memory_order_relaxed);
	return 0;
}

void wake_deinit(struct wake *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

int wake_fd(const struct wake *w)
{
	return w->fd;
}

void wake_arm(struct wake *w)
{
	/* seq_cst: ordered before the consumer's following look at its rings; pairs with the
	 * exchange in wake_ring(). A read-modify-write, since TSan does not model bare fences. */
	atomic_exchange_explicit(&w->armed, 1, memory_order_seq_cst);
}

void wake_disarm(struct wake *w)
{
	uint64_t n;

	/* seq_cst: pairs with wake_ring(); 0 here means that a producer took the flag and rang */
	if (atomic_exchange_explicit(&w->armed, 0, memory_order_seq_cst) == 0) {
		ssize_t got = read(w->fd, &n, sizeof(n));
		(void)got; /* EAGAIN: the producer is between its exchange and its write */
	}
}

bool wake_ring(struct wake *w)
{
	uint64_t one = 1;
	ssize_t put;

	/* seq_cst: the publication before this call is ordered before the read of armed; pairs
	 * with wake_arm() */
	atomic_thread_fence(memory_order_seq_cst);
	/* relaxed: ordered by the fence above; most calls end here */
	if (atomic_load_explicit(&w->armed, memory_order_relaxed) == 0)
		return false;
	/* seq_cst: one producer wins and rings */
	if (atomic_exchange_explicit(&w->armed, 0, memory_order_seq_cst) == 0)
		return false;
	put = write(w->fd, &one, sizeof(one));
	(void)put; /* EAGAIN: the counter is full, so the consumer is being woken anyway */
	return true;
}
