/* An operator's orders on their way to main and back: each suspends its request until main has
 * answered the command. Thread: api only; order_free() main, after that thread has ended. */
#pragma once

#include "api/command.h"
#include "api/httpd.h"

enum { ORDER_MAX_WAITING = 16 };

struct order;

struct orders {
	struct command_port *port;
	struct order *list;
	unsigned n;
};

/* Sends a command for r, or answers 503 if too many wait. */
void order_send(struct orders *o, struct httpd_request *r, enum command_kind kind, uint32_t real,
		uint32_t override);
/* Passes main's answers on. */
void order_poll(struct orders *o);
/* Answers all that wait with 503: the thread ends. Their commands stay, main may hold them. */
void order_abort(struct orders *o);
/* main must not touch a command any more. */
void order_free(struct orders *o);
