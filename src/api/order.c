#include "api/order.h"

#include "api/reply.h"

struct order {
	struct command command;
	struct httpd_request *request; /* NULL: answered without main */
	struct order *next;
};

void order_send(struct orders *o, struct httpd_request *r, enum command_kind kind, uint32_t real,
		uint32_t override)
{
	struct order *order = o->n < ORDER_MAX_WAITING ? calloc(1, sizeof(*order)) : NULL;

	if (!order) {
		reply_error(r, 503, "too many commands wait, try again");
		return;
	}
	order->command = (struct command){.kind = kind, .real = real, .override = override};
	order->request = r;
	if (command_send(o->port, &order->command) == COMMAND_BUSY) {
		free(order);
		reply_error(r, 503, "too many commands wait, try again");
		return;
	}
	order->next = o->list;
	o->list = order;
	o->n++;
	httpd_suspend(r);
}

static void order_delete(struct order *order)
{
	free(order->command.body);
	free(order);
}

static void pass_on(struct order *order)
{
	const struct command *c = &order->command;

	reply_text(order->request, (unsigned)c->http_status, REPLY_JSON, c->body ? c->body : "{}");
	httpd_resume(order->request);
}

void order_poll(struct orders *o)
{
	struct order **link = &o->list, *order;

	while ((order = *link)) {
		if (!command_is_done(&order->command)) {
			link = &order->next;
			continue;
		}
		*link = order->next;
		o->n--;
		pass_on(order);
		order_delete(order);
	}
}

void order_abort(struct orders *o)
{
	for (struct order *order = o->list; order; order = order->next) {
		if (!order->request)
			continue;
		reply_error(order->request, 503, "the daemon is stopping");
		httpd_resume(order->request);
		order->request = NULL;
	}
}

void order_free(struct orders *o)
{
	struct order *order;

	while ((order = o->list)) {
		o->list = order->next;
		order_delete(order);
	}
	o->n = 0;
}
