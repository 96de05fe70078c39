#include "config/app_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "config/app_load.h"

enum {
	SOCKET_PATH_BYTES = 107, /* sun_path without its NUL */
	LEAST_QUEUE = 16384,     /* below it a burst of checks overflows the queue */
	WHOLE_PACKET = 65535,
	/* a whole packet with the netlink attributes around it */
	WHOLE_MESSAGE = 69632,
};

#define LEAST_SYNC_PERIOD (10 * CLK_MS)

static void PRINTF_LIKE(4, 5) report(struct app_load *l, enum diag_severity severity,
				     const char *path, const char *format, ...)
{
	struct app_span at = app_load_place(l, path);
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	diag_report(l->diag, severity, at.pos, at.len, NULL, "%s", text);
}

static enum announcer_backend announcer_of_sections(struct app_load *l)
{
	bool has_bird = app_load_has_section(l, "bird"),
	     has_bird2 = app_load_has_section(l, "bird2");

	if (has_bird && has_bird2)
		report(l, DIAG_ERROR, "bird2.",
		       "there are bird and bird2: announcer.backend must say which one announces");
	return has_bird ? ANNOUNCER_BIRD : has_bird2 ? ANNOUNCER_BIRD2 : ANNOUNCER_NONE;
}

static const char *announcer_place(const struct app_load *l)
{
	if (app_load_has(l, "announcer.backend"))
		return "announcer.backend";
	return l->config->announcer.backend == ANNOUNCER_BIRD2 ? "bird2." : "bird.";
}

/* decisions 38 */
static void derive_backends(struct app_load *l)
{
	struct app_config *c = l->config;

	if (!app_load_has(l, "balancer.backend"))
		c->balancer.backend =
			app_load_has_section(l, "yanet") ? BALANCER_YANET : BALANCER_NONE;
	if (!app_load_has(l, "announcer.backend"))
		c->announcer.backend = announcer_of_sections(l);
	if (c->announcer.backend == ANNOUNCER_NONE || c->balancer.backend != BALANCER_NONE ||
	    app_load_has(l, "balancer.backend"))
		return;
	report(l, DIAG_ERROR, announcer_place(l),
	       "prefixes would be announced while no balancer is driven: add a yanet section, or "
	       "write 'backend: none' under balancer if that is meant");
}

static void check_sock_dir(struct app_load *l)
{
	const struct app_config *c = l->config;
	size_t dir = strlen(c->bird.sock_dir), bytes;

	if (c->announcer.backend != ANNOUNCER_BIRD)
		return;
	for (uint32_t i = 0; i < c->announcer.n_groups; i++) {
		bytes = dir + strlen("/") + strlen(c->announcer.groups[i]) + strlen("_b2m");
		if (bytes > SOCKET_PATH_BYTES) {
			report(l, DIAG_ERROR, "bird.sock_dir",
			       "the socket path of group '%s' has %zu bytes: %d are possible",
			       c->announcer.groups[i], bytes, SOCKET_PATH_BYTES);
			return;
		}
	}
}

static void check_listeners(struct app_load *l)
{
	static const char *const paths[] = {"server.http_addr", "server.grpc_addr",
					    "server.metrics_addr"};
	const char *const texts[] = {l->config->server.http_addr, l->config->server.grpc_addr,
				     l->config->server.metrics_addr};

	for (unsigned i = 1; i < ARRAY_LEN(paths); i++) {
		for (unsigned k = 0; k < i; k++) {
			size_t len = strlen(texts[i]);

			if (len < 2 || strcmp(texts[i], texts[k]) != 0 ||
			    strcmp(texts[i] + len - 2, ":0") == 0)
				continue;
			report(l, DIAG_ERROR, paths[i], "%s is the address of %s too", paths[i],
			       paths[k]);
		}
	}
}

/* Zero and tiny periods would ask without a pause; the reference crashes at them. */
static void check_periods(struct app_load *l)
{
	uint64_t *sync = &l->config->balancer.sync_states_period_ns;

	if (*sync >= LEAST_SYNC_PERIOD)
		return;
	*sync = LEAST_SYNC_PERIOD;
	report(l, DIAG_WARNING, "balancer.sync_states_period",
	       "balancer.sync_states_period is raised to 10ms, its least value");
}

static void check_tun_sizes(struct app_load *l)
{
	struct app_config *c = l->config;

	if (c->check_tun.max_packet_len == 0)
		c->check_tun.max_packet_len = WHOLE_PACKET;
	if (c->check_tun.receive_buffer == 0)
		c->check_tun.receive_buffer = WHOLE_MESSAGE;
	if (c->check_tun.max_queue_len < LEAST_QUEUE)
		report(l, DIAG_WARNING, "check_tun.max_queue_len",
		       "check_tun.max_queue_len below %d loses packets when many checks start",
		       LEAST_QUEUE);
	if (c->check_tun.worker_num > 1)
		report(l, DIAG_WARNING, "check_tun.worker_num",
		       "check_tun.worker_num has no effect: one thread serves the queue");
}

/* decisions 41: base + slot must stay within the mask, and 0 means "not marked" to the kernel. */
static void check_marks(struct app_load *l)
{
	uint32_t mask = l->config->check_tun.mark_mask, base = l->config->check_tun.mark_base;

	if (mask & (mask + 1))
		report(l, DIAG_ERROR, "check_tun.mark_mask",
		       "check_tun.mark_mask must be a run of ones from the lowest bit on, as "
		       "0x00ffffff");
	else if (base > mask)
		report(l, DIAG_ERROR, "check_tun.mark_base",
		       "check_tun.mark_base %u is outside of check_tun.mark_mask", base);
}

static void check_experiments(struct app_load *l)
{
	const struct app_config *c = l->config;

	if (!c->experiments.enabled && c->experiments.replace_mh_with[0])
		report(l, DIAG_WARNING, "experiments.replace_mh_with",
		       "experiments.replace_mh_with has no effect without experiments.enabled");
}

void app_check(struct app_load *l)
{
	struct app_config *c = l->config;

	c->check_tun.is_present = app_load_has_section(l, "check_tun");
	if (!app_load_has(l, "check_tun.run_check_tun"))
		c->check_tun.run_check_tun = c->check_tun.is_present;
	if (c->services_config.dump_path && !c->services_config.dump_path[0]) {
		free(c->services_config.dump_path);
		c->services_config.dump_path = NULL;
	}
	derive_backends(l);
	check_sock_dir(l);
	check_listeners(l);
	check_periods(l);
	check_tun_sizes(l);
	check_marks(l);
	check_experiments(l);
}
