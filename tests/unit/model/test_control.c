#include "model/control.h"

#include <criterion/criterion.h>

static struct wake to_receiver, to_main;
static struct control control;

static void setup(void)
{
	cr_assert_eq(wake_init(&to_receiver), 0);
	cr_assert_eq(wake_init(&to_main), 0);
	cr_assert_eq(control_init(&control, &to_receiver, &to_main), 0);
}

static void teardown(void)
{
	control_deinit(&control);
	wake_deinit(&to_receiver);
	wake_deinit(&to_main);
}

TestSuite(control, .init = setup, .fini = teardown);

Test(control, message_is_done_only_when_it_was_finished)
{
	uint32_t number = control_send(&control, (struct control_msg){.kind = CONTROL_RETIRE});

	cr_assert_not(control_is_done(&control, number));
	cr_assert_eq(control_peek(&control)->kind, CONTROL_RETIRE);
	cr_assert_not(control_is_done(&control, number));
	control_finish(&control);
	cr_assert(control_is_done(&control, number));
	cr_assert_null(control_peek(&control));
}

Test(control, messages_come_in_order)
{
	uint32_t first = control_send(&control, (struct control_msg){.kind = CONTROL_ADOPT});
	uint32_t second = control_send(&control, (struct control_msg){.kind = CONTROL_QUIT});

	cr_assert_eq(control_peek(&control)->kind, CONTROL_ADOPT);
	control_finish(&control);
	cr_assert(control_is_done(&control, first));
	cr_assert_not(control_is_done(&control, second));
	cr_assert_eq(control_peek(&control)->kind, CONTROL_QUIT);
}

Test(control, numbers_may_wrap)
{
	uint32_t number;

	control.last_number = UINT32_MAX - 1;
	atomic_store_explicit(&control.done, UINT32_MAX - 1, memory_order_relaxed);
	for (int i = 0; i < 4; i++) {
		number = control_send(&control, (struct control_msg){.kind = CONTROL_RETIRE});
		cr_assert_not(control_is_done(&control, number));
		control_finish(&control);
		cr_assert(control_is_done(&control, number));
	}
}
