/* api → main: an operator's command; main → api: its answer (decisions 2). The command belongs to
 * api; main fills in the answer and hands it back.
 *
 * field  writer                 readers   order
 * ring   api (puts), main       –         ring.h
 * state  main (→ DONE)          api       release after the answer; acquire
 */
#pragma once

#include "base/ring.h"
#include "base/wake.h"

enum command_kind { COMMAND_RELOAD, COMMAND_OVERRIDE, COMMAND_RELEASE_PANIC };

struct command {
	enum command_kind kind;
	/* COMMAND_OVERRIDE */
	uint32_t real;
	uint32_t override;
	/* answer, by main */
	int http_status;
	char *body;        /* malloc'd JSON; api frees it. NULL: "{}" */
	_Atomic int state; /* 0 waiting, 1 done */
};

struct command_port {
	struct ring to_main; /* of struct command * */
	struct wake *main_bell;
	struct wake *api_bell;
};

MUST_CHECK int command_port_init(struct command_port *p, struct wake *main_bell,
				 struct wake *api_bell);
void command_port_deinit(struct command_port *p);
/* api thread. Returns 0 or COMMAND_BUSY (too many wait). */
enum { COMMAND_BUSY = 1 };
MUST_CHECK int command_send(struct command_port *p, struct command *c);
bool command_is_done(const struct command *c);
/* main thread: next command or NULL; it answers by command_answer (body is taken over). */
struct command *command_take(struct command_port *p);
void command_answer(struct command_port *p, struct command *c, int http_status, char *body);
