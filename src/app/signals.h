/* Signals as events of main's loop (signalfd). A handler only notes what was asked; main acts
 * between two turns. A second TERM or INT ends the process at once (decisions 45). */
#pragma once

#include "base/evloop.h"

enum stop_wish { STOP_NO, STOP_AS_CONFIGURED, STOP_KEEP };

struct signals {
	struct ev_source source;
	enum stop_wish stop;
	bool is_reload_wanted;
};

/* Blocks the signals in the calling thread and all it starts later, and watches them. */
MUST_CHECK int signals_init(struct signals *s, struct evloop *loop);
void signals_deinit(struct signals *s, struct evloop *loop);
