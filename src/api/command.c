#include "api/command.h"

#include "base/err.h"

enum { COMMAND_SLOTS = 64 };

int command_port_init(struct command_port *p, struct wake *main_bell, struct wake *api_bell)
{
	p->main_bell = main_bell;
	p->api_bell = api_bell;
	TRY(ring_init(&p->to_main, COMMAND_SLOTS, sizeof(struct command *)));
	return 0;
}

void command_port_deinit(struct command_port *p)
{
	ring_deinit(&p->to_main);
}

int command_send(struct command_port *p, struct command *c)
{
	struct command **slot;

	if (ring_room(&p->to_main) == 0)
		return COMMAND_BUSY;
	/* relaxed: published with the ring's element */
	atomic_store_explicit(&c->state, 0, memory_order_relaxed);
	slot = ring_put(&p->to_main);
	*slot = c;
	ring_publish(&p->to_main);
	wake_ring(p->main_bell);
	return 0;
}

bool command_is_done(const struct command *c)
{
	/* acquire: the answer is complete; pairs with the release in command_answer() */
	return atomic_load_explicit(&c->state, memory_order_acquire) != 0;
}

struct command *command_take(struct command_port *p)
{
	struct command **slot = ring_peek(&p->to_main), *c;

	if (!slot)
		return NULL;
	c = *slot;
	ring_release(&p->to_main);
	return c;
}

void command_answer(struct command_port *p, struct command *c, int http_status, char *body)
{
	c->http_status = http_status;
	c->body = body;
	/* release: publishes the answer; pairs with the acquire in command_is_done(). c belongs to
	 * the api thread from here on. */
	atomic_store_explicit(&c->state, 1, memory_order_release);
	wake_ring(p->api_bell);
}
