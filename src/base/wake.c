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
	w->is_armed = false;
	w->n_owed = 0;
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
	w->is_armed = true;
	/* seq_cst: one consumer and several producers change the flag */
	atomic_exchange_explicit(&w->armed, 1, memory_order_seq_cst);
	/* seq_cst: the flag is set before the consumer's following look at its rings; pairs with
	 * the fence in wake_ring() */
	atomic_thread_fence(memory_order_seq_cst);
}

void wake_disarm(struct wake *w)
{
	uint64_t n = 0;

	/* seq_cst: pairs with wake_ring(); 0 here means that a producer took the flag: it wrote the
	 * eventfd, or is about to */
	if (atomic_exchange_explicit(&w->armed, 0, memory_order_seq_cst) == 0 && w->is_armed)
		w->n_owed++;
	w->is_armed = false;
	if (w->n_owed > 0 && read(w->fd, &n, sizeof(n)) == sizeof(n))
		w->n_owed -= (uint32_t)n;
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
