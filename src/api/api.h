/* The API thread: reads published state, takes commands in, decides nothing. It takes no lock that
 * another thread takes. Listeners: server.http_addr, .metrics_addr, .unix_sock (design §11). */
#pragma once

#include "api/command.h"
#include "config/app_config.h"
#include "config/gen.h"
#include "model/announce_row.h"
#include "model/beat.h"
#include "model/counter.h"
#include "model/snapshot_row.h"
#include "model/state.h"
#include "model/summary.h"
#include "model/tunnel.h"

struct api;

/* Threads that beat, for /healthz. */
struct api_beat {
	const char *name;
	const struct beat *beat;
};

struct api_args {
	const struct app_config *app;
	const struct state_tables *tables;
	/* The current generation; read under RCU, then api_holds is raised (decisions 7d). */
	struct generation *_Atomic *generation;
	struct command_port *commands;
	struct wake *bell; /* this thread's own: rung by main */
	struct beat *beat;
	struct counters *counters; /* this thread's own */
	const struct counters *const *all_counters;
	uint32_t n_counters;
	const struct api_beat *beats;
	uint32_t n_beats;
	const struct summary *summary;         /* agg's one-row summary */
	const struct announce_row *announcers; /* ANNOUNCE_MAX_BACKENDS rows of agg's; NULL: none */
	const struct snapshot_row *snapshot;   /* the state thread's; NULL: none */
	uint32_t n_workers;
	const struct tunnel *tunnel; /* NULL: no tunnel thread */
};

/* Opens the listeners (a failure names the address) and makes the thread's state. Main thread. */
MUST_CHECK int api_new(const struct api_args *args, struct api **ret);
MUST_CHECK int api_start(struct api *a);
/* Asks the thread to end and waits for it. Open answers are cut, requests that wait for main get
 * 503; main takes no command from the port any more. Main thread. */
void api_stop(struct api *a);
/* After api_stop(); removes the unix socket. */
void api_free(struct api *a);

enum api_listener { API_HTTP, API_METRICS, API_UNIX, API_LISTENER__N };
/* The TCP port a listener got (of interest for port 0); 0 if it is off or has none. */
uint16_t api_port(const struct api *a, enum api_listener which);
/* Deadlines for tests, in place of decisions 7's 30 s; before api_start(). */
void api_set_deadlines(struct api *a, uint64_t request_ns, uint64_t answer_ns);
