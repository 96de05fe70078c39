#include "model/control.h"

#include "base/err.h"

enum { CONTROL_SLOTS = 64 };

int control_init(struct control *c, struct wake *to_receiver, struct wake *to_main)
{
	*c = (struct control){.to_receiver = to_receiver, .to_main = to_main};
	return ring_init(&c->ring, CONTROL_SLOTS, sizeof(struct control_msg));
}

void control_deinit(struct control *c)
{
	ring_deinit(&c->ring);
}

uint32_t control_send(struct control *c, struct control_msg msg)
{
	ASSERT(ring_room(&c->ring) > 0);
	msg.number = ++c->last_number;
	memcpy(ring_put(&c->ring), &msg, sizeof(msg));
	ring_publish(&c->ring);
	wake_ring(c->to_receiver);
	return msg.number;
}

bool control_is_done(const struct control *c, uint32_t number)
{
	/* acquire: what the receiver did; pairs with control_finish() */
	return (int32_t)(atomic_load_explicit(&c->done, memory_order_acquire) - number) >= 0;
}

const struct control_msg *control_peek(struct control *c)
{
	return ring_peek(&c->ring);
}

void control_finish(struct control *c)
{
	const struct control_msg *msg = ring_peek(&c->ring);
	uint32_t number = msg->number;

	ring_release(&c->ring);
	/* release: the message's work is finished; pairs with control_is_done() */
	atomic_store_explicit(&c->done, number, memory_order_release);
	wake_ring(c->to_main);
}
