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

static const struct section {
	const char *name, *place;
	enum announcer_backend backend;
} announcer_sections[] = {
	{"bird", "bird.", ANNOUNCER_BIRD},
	{"bird2", "bird2.", ANNOUNCER_BIRD2},
	{"bird_list", "bird_list.", ANNOUNCER_BIRD_LIST},
};

static uint32_t announcer_of_sections(struct app_load *l)
{
	const struct section *found = NULL;

	for (unsigned i = 0; i < ARRAY_LEN(announcer_sections); i++) {
		const struct section *s = &announcer_sections[i];

		if (!app_load_has_section(l, s->name))
			continue;
		if (found)
			report(l, DIAG_ERROR, s->place,
			       "there are %s and %s: announcer.backend must say which of them "
			       "announces, or list both",
			       found->name, s->name);
		found = found ? found : s;
	}
	return found ? found->backend : ANNOUNCER_NONE;
}

static const char *announcer_place(const struct app_load *l)
{
	if (app_load_has(l, "announcer.backend"))
		return "announcer.backend";
	for (unsigned i = 0; i < ARRAY_LEN(announcer_sections); i++) {
		if (l->config->announcer.backend == announcer_sections[i].backend)
			return announcer_sections[i].place;
	}
	return "announcer.";
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
	else if (c->announcer.backend == ANNOUNCER_NONE && !l->has_none)
		report(l, DIAG_ERROR, "announcer.backend",
		       "announcer.backend is an empty list: write 'none' if that is meant");
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

	if (!(c->announcer.backend & ANNOUNCER_BIRD))
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

/* What is printed into BIRD's configuration, or said to it, must not end where it stands. */
static void check_words(struct app_load *l, const char *path, const char *text,
			const char *more_allowed)
{
	for (const char *c = text; *c; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' ||
		    (c > text && *c >= '0' && *c <= '9') || strchr(more_allowed, *c))
			continue;
		report(l, DIAG_ERROR, path, "%s: '%c' must not stand in '%s'", path, *c, text);
		return;
	}
}

static size_t dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static bool is_same_dir(const char *a, const char *b)
{
	return dir_len(a) == dir_len(b) && memcmp(a, b, dir_len(a)) == 0;
}

static void check_list_files(struct app_load *l)
{
	static const char *const paths[] = {"bird_list.bird_conf", "bird_list.bird6_conf"};
	char *const *conf = l->config->bird_list.conf;

	for (unsigned i = 0; i < 2; i++) {
		if (conf[i][0] != '/' || conf[i][strlen(conf[i]) - 1] == '/')
			report(l, DIAG_ERROR, paths[i], "%s must be the absolute path of a file",
			       paths[i]);
	}
	if (strcmp(conf[0], conf[1]) == 0)
		report(l, DIAG_ERROR, paths[1], "%s is the file of %s too", paths[1], paths[0]);
	else if (l->config->bird_list.keep_changes && is_same_dir(conf[0], conf[1]))
		report(l, DIAG_ERROR, paths[1],
		       "with bird_list.keep_changes, %s needs another directory than %s: both "
		       "keep their changes in 'history' there",
		       paths[1], paths[0]);
}

static void check_bird_list(struct app_load *l)
{
	const struct app_config *c = l->config;

	if (!(c->announcer.backend & ANNOUNCER_BIRD_LIST))
		return;
	check_list_files(l);
	check_words(l, "bird_list.bird_variable", c->bird_list.variable[0], "");
	check_words(l, "bird_list.bird6_variable", c->bird_list.variable[1], "");
	if (strcmp(c->bird_list.variable[0], c->bird_list.variable[1]) == 0)
		report(l, DIAG_ERROR, "bird_list.bird6_variable",
		       "bird_list.bird6_variable is the name of the IPv4 list too");
	check_words(l, "bird_list.disable_on_config_error", c->bird_list.disable_on_config_error,
		    "0123456789.-*?");
}

/* The kernel's own rule for names. */
static void check_interface(struct app_load *l)
{
	const char *name = l->config->announcer.require_local_address;

	if (strpbrk(name, "/: \t") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		report(l, DIAG_ERROR, "announcer.require_local_address",
		       "announcer.require_local_address: '%s' cannot be the name of an interface",
		       name);
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

static void check_tls(struct app_load *l)
{
	const struct app_config *c = l->config;

	if (c->tls_max_version_is_set && c->tls_max_version < c->tls_min_version)
		report(l, DIAG_ERROR, "tls_max_version",
		       "tls_max_version 1.%u is below tls_min_version 1.%u", c->tls_max_version,
		       c->tls_min_version);
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
	check_bird_list(l);
	check_interface(l);
	check_listeners(l);
	check_periods(l);
	check_tun_sizes(l);
	check_marks(l);
	check_tls(l);
	check_experiments(l);
}
