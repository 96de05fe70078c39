/* Client of BIRD's control socket: one connection that is kept open, one command at a time, never
 * blocking. It connects again by itself (0.2 ... 2 s) after every failure; a BIRD that connects but
 * does not greet or answer in time counts as gone. Embedded in its owner; on its loop's thread. */
#pragma once

#include <sys/un.h>

#include "announce/birdc_reply.h"
#include "base/evloop.h"
#include "model/announce_row.h"

enum birdc_state { BIRDC_AWAY, BIRDC_GREETING, BIRDC_IDLE, BIRDC_BUSY };

struct birdc_hooks {
	void *ctx;
	/* BIRD serves us: a command may be given. */
	void (*ready)(void *ctx);
	/* A data line of the running command. */
	void (*data)(void *ctx, unsigned code, const char *text);
	/* The last line of the running command; the next one may be given from within. */
	void (*done)(void *ctx, unsigned code, const char *text);
	/* The connection ended, or could not be made; the outcome of a running command is not
	 * known. why is static. */
	void (*gone)(void *ctx, const char *why);
};

struct birdc {
	struct evloop *loop;
	struct birdc_hooks hooks;
	struct sockaddr_un path;
	enum birdc_state state;
	struct ev_source source;
	struct ev_timer timer; /* away: next try; greeting, busy: deadline */
	uint32_t retry_ms;
	struct birdc_reply reply;
	unsigned major, minor; /* of the BIRD that greeted last; 0, 0: it did not say */
};

/* path fits sun_path. The first try comes with the loop's next turn. */
void birdc_init(struct birdc *c, struct evloop *loop, const char *path,
		const struct birdc_hooks *hooks);
/* Closes; no hook is called. */
void birdc_deinit(struct birdc *c);
/* Gives a command (without line end, at most 900 bytes) that must be answered within limit_ms. Only
 * when idle. A command that cannot be written ends the connection at the loop's next turn. */
void birdc_command(struct birdc *c, uint32_t limit_ms, const char *command);
/* Ends the connection as if BIRD had; connects again. */
void birdc_reset(struct birdc *c, const char *why);
/* "2.14", or "" if BIRD did not say. */
void birdc_version_text(const struct birdc *c, char out[ANNOUNCE_VERSION_BYTES]);
static inline bool birdc_is_connected(const struct birdc *c)
{
	return c->state == BIRDC_IDLE || c->state == BIRDC_BUSY;
}
