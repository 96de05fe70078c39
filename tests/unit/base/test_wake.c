#include "base/wake.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static struct wake w;

static bool is_readable(void)
{
	struct pollfd fd = {.fd = wake_fd(&w), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void begin(void)
{
	cr_assert_eq(wake_init(&w), 0);
}

Test(wake, descriptor_is_non_blocking_and_not_inherited)
{
	begin();
	cr_assert(fcntl(wake_fd(&w), F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(wake_fd(&w), F_GETFD) & FD_CLOEXEC);
	wake_deinit(&w);
	wake_deinit(&w);
	cr_assert_eq(wake_fd(&w), -1);
}

Test(wake, working_consumer_is_not_rung)
{
	begin();
	cr_assert_not(wake_ring(&w));
	cr_assert_not(is_readable());
	wake_arm(&w);
	wake_disarm(&w);
	cr_assert_not(wake_ring(&w));
	cr_assert_not(is_readable());
}

Test(wake, sleeping_consumer_is_rung_once_for_many_publications)
{
	begin();
	wake_arm(&w);
	cr_assert(wake_ring(&w));
	cr_assert_not(wake_ring(&w));
	cr_assert_not(wake_ring(&w));
	cr_assert(is_readable());
	wake_disarm(&w);
	cr_assert_not(is_readable());
}

Test(wake, arming_again_makes_the_bell_ring_again)
{
	begin();
	for (int i = 0; i < 10; i++) {
		wake_arm(&w);
		cr_assert(wake_ring(&w));
		cr_assert(is_readable());
		wake_disarm(&w);
		cr_assert_not(is_readable());
	}
}

/* The producer's half of wake_ring() that comes before its write: it may be preempted there. */
static void producer_takes_the_flag(void)
{
	/* seq_cst: as in wake_ring() */
	cr_assert_eq(atomic_exchange_explicit(&w.armed, 0, memory_order_seq_cst), 1);
}

static void producer_writes(void)
{
	uint64_t one = 1;

	cr_assert_eq(write(wake_fd(&w), &one, sizeof(one)), sizeof(one));
}

/* Left readable, the descriptor would turn each following sleep into a busy loop. */
Test(wake, late_write_of_a_producer_wakes_once_not_for_ever)
{
	begin();
	wake_arm(&w);
	producer_takes_the_flag();
	wake_disarm(&w); /* the consumer had work anyway; the write is still to come */
	producer_writes();
	wake_arm(&w);
	cr_assert(is_readable()); /* one spurious wake */
	wake_disarm(&w);
	for (int i = 0; i < 3; i++) {
		wake_arm(&w);
		cr_assert_not(is_readable());
		wake_disarm(&w);
	}
}

Test(wake, two_late_writes_are_both_taken)
{
	begin();
	for (int i = 0; i < 2; i++) {
		wake_arm(&w);
		producer_takes_the_flag();
		wake_disarm(&w);
	}
	producer_writes();
	wake_arm(&w);
	wake_disarm(&w);
	producer_writes();
	wake_arm(&w);
	wake_disarm(&w);
	wake_arm(&w);
	cr_assert_not(is_readable());
}

Test(wake, bell_after_a_late_write_is_not_swallowed)
{
	begin();
	wake_arm(&w);
	producer_takes_the_flag();
	wake_disarm(&w);
	producer_writes();
	wake_arm(&w);
	cr_assert(wake_ring(&w));
	cr_assert(is_readable());
	wake_disarm(&w);
	cr_assert_not(is_readable());
	wake_arm(&w);
	cr_assert(wake_ring(&w));
	cr_assert(is_readable());
}

Test(wake, disarming_without_arming_does_nothing)
{
	begin();
	wake_disarm(&w);
	wake_arm(&w);
	cr_assert(wake_ring(&w));
	wake_disarm(&w);
	wake_disarm(&w);
	cr_assert_not(is_readable());
}
