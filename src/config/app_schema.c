#include "config/app_schema.h"

#include <stddef.h>
#include <string.h>

#include "base/clk.h"
#include "base/str.h"
#include "model/ids.h"

/* sun_path without its NUL */
enum { SOCKET_PATH_BYTES = 107, PATH_BYTES = 4095, DIR_BYTES = 200, VARIABLE_BYTES = 63 };
enum { INTERFACE_BYTES = 15 }; /* IFNAMSIZ without its NUL */

#define MINUTE (60 * CLK_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct app_word level_words[] = {
	{"debug", LOG_DEBUG}, {"info", LOG_INFO},    {"warn", LOG_WARN},
	{"error", LOG_ERROR}, {"warning", LOG_WARN}, {"dpanic", LOG_ERROR},
	{"panic", LOG_ERROR}, {"fatal", LOG_ERROR},  {NULL, 0},
};
static const struct app_word encoding_words[] = {
	{"json", LOG_JSON}, {"logfmt", LOG_LOGFMT}, {"console", LOG_LOGFMT}, {NULL, 0}};
static const struct app_word tls_words[] = {
	{"1.0", TLS_V1_0}, {"1.1", TLS_V1_1}, {"1.2", TLS_V1_2}, {"1.3", TLS_V1_3}, {NULL, 0}};
static const struct app_word exit_words[] = {{"withdraw", false}, {"keep", true}, {NULL, 0}};
static const struct app_word announcer_words[] = {
	{"none", ANNOUNCER_NONE},
	{"bird", ANNOUNCER_BIRD},
	{"bird2", ANNOUNCER_BIRD2},
	{"bird_list", ANNOUNCER_BIRD_LIST},
	{NULL, 0},
};
static const struct app_word config_error_words[] = {
	{"alarm", false}, {"disable_group", true}, {NULL, 0}};
static const struct app_word balancer_words[] = {
	{"none", BALANCER_NONE}, {"yanet", BALANCER_YANET}, {NULL, 0}};
static const struct app_word format_words[] = {{"keepalived", 0}, {NULL, 0}};
static const struct app_word steering_words[] = {
	{"option", STEERING_OPTION}, {"mark", STEERING_MARK}, {NULL, 0}};

#define AT(field)                                     \
	.offset = offsetof(struct app_config, field), \
	.size = sizeof(((struct app_config *)NULL)->field)
#define IS_SET(field) .is_set_offset = offsetof(struct app_config, field)

static const struct app_key keys[] = {
	{"logging.level", APP_WORD, AT(logging.level), .words = level_words, .default_text = "info",
	 .doc = "Least severe level that is written."},
	{"logging.encoding", APP_WORD, AT(logging.encoding), IS_SET(logging.encoding_is_set),
	 .words = encoding_words,
	 .doc = "Form of a log line; unset: logfmt on a terminal, json elsewhere."},
	{"logging.sinks", APP_IGNORED, .doc = "Accepted, no effect: lines go to stderr."},
	{"logging.otel_exporter", APP_IGNORED, .doc = "Accepted, no effect."},
	{"metrics.enable_per_service_metrics", APP_BOOL, AT(enable_per_service_metrics),
	 .default_text = "false", .doc = "Adds /v1/metrics/per_service."},
	{"tls_min_version", APP_WORD, AT(tls_min_version), .words = tls_words,
	 .default_text = "1.2", .doc = "Lowest TLS version of HTTPS and gRPC checks."},
	{"tls_max_version", APP_WORD, AT(tls_max_version), IS_SET(tls_max_version_is_set),
	 .words = tls_words, .default_text = "1.3",
	 .doc = "Highest TLS version of HTTPS and gRPC checks."},
	{"on_exit", APP_WORD, AT(stop_keeps), .words = exit_words, .default_text = "withdraw",
	 .doc = "What SIGTERM does: withdraw and disable everything, or leave it as it is."},

	{"announcer.backend", APP_WORDS, AT(announcer.backend), .words = announcer_words,
	 .doc = "Who announces prefixes: one, or a list of several; unset: bird, bird2 or "
		"bird_list if there is such a section, else none."},
	{"announcer.update_period", APP_DURATION, AT(announcer.update_period_ns), .max = MINUTE,
	 .default_text = "50ms", .doc = "Least time between two announcing updates; 0: no limit."},
	{"announcer.announce_group", APP_GROUPS, AT(announcer.groups), .default_text = "default",
	 .doc = "Names of the announce groups that services may use."},
	{"announcer.withdraw_wait", APP_DURATION, AT(announcer.withdraw_wait_ns), .max = MINUTE,
	 .default_text = "500ms",
	 .doc = "How long a disable waits for the withdrawal that must come first."},
	{"announcer.announce_hold", APP_DURATION, AT(announcer.announce_hold_ns), .max = DAY,
	 .default_text = "0",
	 .doc = "A prefix withdrawn for a failure must be ready so long before it returns."},
	{"announcer.max_announces_per_min", APP_NUMBER_OR_OFF, AT(announcer.max_announces_per_min),
	 .max = 1000000, .default_text = "off",
	 .doc = "Most announcements of one prefix per minute."},
	{"announcer.require_local_address", APP_TEXT, AT(announcer.require_local_address),
	 .max = INTERFACE_BYTES, .default_text = "",
	 .doc = "Interface: a prefix is announced only while its address is on it; \"\": no "
		"matter."},

	{"bird.batch_size", APP_NUMBER, AT(bird.batch_size), .min = 1, .max = 4096,
	 .default_text = "1024", .doc = "Most prefixes per datagram; no more than BIRD takes."},
	{"bird.sock_dir", APP_TEXT, AT(bird.sock_dir), .min = 1, .max = SOCKET_PATH_BYTES,
	 .default_text = "/run/bird", .doc = "Directory of the GROUP_m2b and GROUP_b2m sockets."},

	{"bird2.dir", APP_TEXT, AT(bird2.dir), .min = 1, .max = DIR_BYTES,
	 .default_text = "/run/alived/bird",
	 .doc = "Directory of the GROUP.conf files that BIRD includes."},
	{"bird2.ctl_sock", APP_TEXT, AT(bird2.ctl_sock), .min = 1, .max = SOCKET_PATH_BYTES,
	 .default_text = "/run/bird/bird.ctl", .doc = "BIRD's control socket."},
	{"bird2.durable", APP_BOOL, AT(bird2.durable), .default_text = "false",
	 .doc = "Sync the files to disk; needed when bird2.dir outlives a reboot."},
	{"bird2.coalesce_up", APP_DURATION, AT(bird2.coalesce_up_ns), .max = MINUTE,
	 .default_text = "100ms", .doc = "Least time between two announcing configures."},
	{"bird2.on_config_error", APP_WORD, AT(bird2.disables_group), .words = config_error_words,
	 .default_text = "alarm",
	 .doc = "A withdrawal that BIRD's broken configuration blocks: alarm only, or disable its "
		"group."},

	{"bird_list.ctl_sock", APP_TEXT, AT(bird_list.ctl_sock), .min = 1, .max = SOCKET_PATH_BYTES,
	 .default_text = "/run/bird/bird.ctl", .doc = "BIRD's control socket."},
	{"bird_list.bird_conf", APP_TEXT, AT(bird_list.conf[0]), .min = 1, .max = DIR_BYTES,
	 .default_text = "/var/lib/anycast-healthchecker/anycast-prefixes.conf",
	 .doc = "File with the list of IPv4 prefixes that BIRD includes."},
	{"bird_list.bird6_conf", APP_TEXT, AT(bird_list.conf[1]), .min = 1, .max = DIR_BYTES,
	 .default_text = "/var/lib/anycast-healthchecker/6/anycast-prefixes.conf",
	 .doc = "The same for IPv6; another file."},
	{"bird_list.bird_variable", APP_TEXT, AT(bird_list.variable[0]), .min = 1,
	 .max = VARIABLE_BYTES, .default_text = "ACAST_PS_ADVERTISE",
	 .doc = "Name of the IPv4 list in BIRD's filters."},
	{"bird_list.bird6_variable", APP_TEXT, AT(bird_list.variable[1]), .min = 1,
	 .max = VARIABLE_BYTES, .default_text = "ACAST6_PS_ADVERTISE",
	 .doc = "Name of the IPv6 list in BIRD's filters."},
	{"bird_list.dummy_ip_prefix", APP_HOST4, AT(bird_list.dummy[0]),
	 .default_text = "10.189.200.255/32",
	 .doc = "Prefix that always stands in the list and is never a VIP; \"\": none."},
	{"bird_list.dummy_ip6_prefix", APP_HOST6, AT(bird_list.dummy[1]),
	 .default_text = "2001:db8::1/128", .doc = "The same for IPv6."},
	{"bird_list.keep_changes", APP_BOOL, AT(bird_list.keep_changes), .default_text = "false",
	 .doc = "Keep each replaced file in a directory history beside it."},
	{"bird_list.changes_counter", APP_NUMBER, AT(bird_list.changes_counter), .min = 1,
	 .max = 10000, .default_text = "128", .doc = "How many of them are kept."},
	{"bird_list.purge_ip_prefixes", APP_BOOL, AT(bird_list.purges), .default_text = "true",
	 .doc = "At start, drop prefixes that no service has from the list; false: only tell."},
	{"bird_list.durable", APP_BOOL, AT(bird_list.durable), .default_text = "true",
	 .doc = "Sync the files to disk; false when they are on a tmpfs."},
	{"bird_list.coalesce_up", APP_DURATION, AT(bird_list.coalesce_up_ns), .max = MINUTE,
	 .default_text = "100ms", .doc = "Least time between two announcing configures."},
	{"bird_list.disable_on_config_error", APP_TEXT, AT(bird_list.disable_on_config_error),
	 .max = VARIABLE_BYTES, .default_text = "",
	 .doc = "Protocol of BIRD's (or a pattern) to disable when its broken configuration blocks "
		"a withdrawal; \"\": alarm only."},

	{"balancer.backend", APP_WORD, AT(balancer.backend), .words = balancer_words,
	 .doc = "Which balancer is driven; unset: yanet if there is a yanet section, else none."},
	{"balancer.flush_period", APP_DURATION, AT(balancer.flush_period_ns), .max = MINUTE,
	 .default_text = "50ms", .doc = "Least time between two flushes; 0: no limit."},
	{"balancer.sync_states_period", APP_DURATION, AT(balancer.sync_states_period_ns),
	 .max = HOUR, .default_text = "5s",
	 .doc = "How often the balancer's own state is read and compared; at least 10ms."},
	{"yanet.control_plane_sock_path", APP_TEXT, AT(yanet.control_plane_sock_path), .min = 1,
	 .max = SOCKET_PATH_BYTES, .default_text = "/run/yanet/protocontrolplane.sock",
	 .doc = "Socket of YANET's control plane."},

	{"service.services_config.format", APP_WORD, .words = format_words,
	 .default_text = "keepalived", .doc = "Form of the services file."},
	{"service.services_config.path", APP_TEXT, AT(services_config.path), .min = 1,
	 .max = PATH_BYTES, .default_text = "/etc/alived/services.conf",
	 .doc = "The services file."},
	{"service.services_config.dump_path", APP_TEXT, AT(services_config.dump_path),
	 .max = PATH_BYTES, .default_text = "",
	 .doc = "Where the services are written as JSON for YANET; \"\": nowhere."},

	{"server.http_addr", APP_LISTEN, AT(server.http_addr), .default_text = "[::1]:14080",
	 .doc = "Address of the HTTP API."},
	{"server.grpc_addr", APP_LISTEN, AT(server.grpc_addr), .default_text = "[::1]:14081",
	 .doc = "Address of the gRPC API."},
	{"server.metrics_addr", APP_LISTEN, AT(server.metrics_addr), .default_text = "[::1]:14082",
	 .doc = "Address of the metrics."},
	{"server.unix_sock", APP_TEXT, AT(server.unix_sock), .max = SOCKET_PATH_BYTES,
	 .default_text = "/run/alived/alived.sock", .doc = "Socket of alivectl."},

	{"check_tun.run_check_tun", APP_BOOL, AT(check_tun.run_check_tun),
	 .doc = "Check TUN, GRE and DR reals through the tunnel; unset: if there is this section."},
	{"check_tun.nfqueue", APP_NUMBER, AT(check_tun.nfqueue), .max = UINT16_MAX,
	 .default_text = "0", .doc = "Number of the netfilter queue."},
	{"check_tun.max_queue_len", APP_NUMBER, AT(check_tun.max_queue_len), .min = 1,
	 .max = 1 << 24, .default_text = "32768", .doc = "Packets that the kernel may queue."},
	{"check_tun.max_packet_len", APP_NUMBER, AT(check_tun.max_packet_len), .max = UINT16_MAX,
	 .default_text = "65535", .doc = "Bytes of a packet that are read; 0: all."},
	{"check_tun.write_timeout", APP_DURATION, AT(check_tun.write_timeout_ns), .max = MINUTE,
	 .default_text = "50us", .doc = "Longest write of a verdict to the queue; 0: no limit."},
	{"check_tun.ipv4_bind", APP_IPV4, AT(check_tun.ipv4_bind), .default_text = "",
	 .doc = "Source of outer IPv4 packets; \"\": the kernel chooses."},
	{"check_tun.ipv6_bind", APP_IPV6, AT(check_tun.ipv6_bind), .default_text = "",
	 .doc = "Source of outer IPv6 packets; \"\": the kernel chooses."},
	{"check_tun.worker_num", APP_NUMBER, AT(check_tun.worker_num), .max = 256,
	 .default_text = "1", .doc = "Accepted for compatibility: one thread serves the queue."},
	{"check_tun.socket_buffer", APP_NUMBER, AT(check_tun.socket_buffer), .max = 1 << 30,
	 .default_text = "10485760", .doc = "Bytes of the queue's socket buffer."},
	{"check_tun.receive_buffer", APP_NUMBER, AT(check_tun.receive_buffer), .max = 1 << 24,
	 .default_text = "69632", .doc = "Bytes read at once; 0: as many as one packet can need."},
	{"check_tun.steering", APP_WORD, AT(check_tun.steering), .words = steering_words,
	 .default_text = "option", .doc = "How a packet says which real it is for."},
	{"check_tun.mark_mask", APP_NUMBER, AT(check_tun.mark_mask), .min = 1, .max = UINT32_MAX,
	 .default_text = "0x00ffffff", .doc = "Steering mark: bits that are ours."},
	{"check_tun.mark_base", APP_NUMBER, AT(check_tun.mark_base), .min = 1, .max = UINT32_MAX,
	 .default_text = "1", .doc = "Steering mark: mark of the first real."},

	{"checks.lag_guard", APP_DURATION, AT(checks.lag_guard_ns), .min = CLK_MS, .max = MINUTE,
	 .default_text = "200ms", .doc = "A check that is later than this is not believed."},
	{"checks.unknown_max", APP_NUMBER, AT(checks.unknown_max), .min = 1, .max = 255,
	 .default_text = "5", .doc = "Unknown results in a row that raise an alarm."},
	{"workers.count", APP_NUMBER, AT(workers.count), .max = MAX_WORKERS, .default_text = "0",
	 .doc = "Threads that check; 0: one less than CPUs, at least one."},
	{"workers.cpus", APP_CPUS, AT(workers.cpus), IS_SET(workers.has_cpus),
	 .doc = "CPUs that checking threads are pinned to, as 0-3,6; unset: the highest ones."},
	{"blind.max_hold", APP_DURATION, AT(blind.max_hold_ns), .max = DAY, .default_text = "60s",
	 .doc = "Longest freeze of removals when most fails at once; 0: never freeze."},
	{"blind.max_hold_answered", APP_DURATION, AT(blind.max_hold_answered_ns), .max = DAY,
	 .default_text = "10s", .doc = "The same when most failures are answers."},
	{"blind.min_hosts", APP_NUMBER, AT(blind.min_hosts), .min = 1, .max = 100,
	 .default_text = "20", .doc = "Fewest addresses that are judged."},
	{"blind.percent", APP_NUMBER, AT(blind.percent), .min = 1, .max = 100, .default_text = "80",
	 .doc = "Share of failing addresses that means blind."},
	{"safety.max_remove", APP_NUMBER_OR_OFF, AT(safety.max_remove), .max = MAX_REALS,
	 .default_text = "off", .doc = "Most reals that may be removed by verdict at once."},
	{"state.path", APP_TEXT, AT(state.path), .max = PATH_BYTES,
	 .default_text = "/var/lib/alived/state",
	 .doc = "File that keeps verdicts over a restart; \"\": none."},
	{"state.period", APP_DURATION, AT(state.period_ns), .min = 100 * CLK_MS, .max = DAY,
	 .default_text = "10s", .doc = "How often it is written without a change."},
	{"state.max_age", APP_DURATION, AT(state.max_age_ns), .max = 365 * DAY,
	 .default_text = "5m", .doc = "Older verdicts are not believed at start."},

	{"experiments.enabled", APP_BOOL, AT(experiments.enabled), .default_text = "false",
	 .doc = "Makes replace_mh_with work."},
	{"experiments.replace_mh_with", APP_TEXT, AT(experiments.replace_mh_with), .max = 63,
	 .default_text = "", .doc = "Scheduler written for mh into the JSON; \"\": wrr."},
	{"experiments.enable_tls_sni", APP_BOOL, AT(experiments.enable_tls_sni),
	 IS_SET(experiments.enable_tls_sni_is_set), .default_text = "true",
	 .doc = "Send virtualhost as TLS server name; only a written false turns it off."},
};
static_assert(ARRAY_LEN(keys) <= APP_SCHEMA_MAX_KEYS, "loaders keep a place per key");

static const char *const sections[] = {
	"logging",   "metrics",   "announcer",   "bird",    "bird2",
	"bird_list", "balancer",  "yanet",       "service", "service.services_config",
	"server",    "check_tun", "checks",      "workers", "blind",
	"safety",    "state",     "experiments",
};
static_assert(ARRAY_LEN(sections) <= APP_SCHEMA_MAX_SECTIONS, "loaders keep a flag per section");

const struct app_key *app_schema_keys(uint32_t *ret_n)
{
	*ret_n = ARRAY_LEN(keys);
	return keys;
}

int app_schema_find(const char *path)
{
	for (unsigned i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].path, path) == 0)
			return (int)i;
	return -1;
}

int app_schema_find_section(const char *path)
{
	for (unsigned i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i], path) == 0)
			return (int)i;
	return -1;
}

/* The path at index i over keys and sections, or NULL at the end. */
static const char *path_at(unsigned i)
{
	if (i < ARRAY_LEN(keys))
		return keys[i].path;
	i -= (unsigned)ARRAY_LEN(keys);
	return i < ARRAY_LEN(sections) ? sections[i] : NULL;
}

/* The last word of path if it stands directly in section, else NULL. */
static const char *word_in(const char *path, const char *section)
{
	size_t len = strlen(section);

	if (strncmp(path, section, len) != 0 || strchr(path + len, '.'))
		return NULL;
	return path + len;
}

static const char *last_word(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static const char *nearest(const char *section, const char *key)
{
	unsigned best = (unsigned)strlen(key) / 3 + 2, distance;
	const char *found = NULL, *word;

	for (unsigned i = 0; path_at(i); i++) {
		word = word_in(path_at(i), section);
		if (!word)
			continue;
		distance = str_distance(key, strlen(key), word, strlen(word));
		if (distance < best) {
			best = distance;
			found = word;
		}
	}
	return found;
}

void app_schema_hint(const char *section, const char *key, char *out, size_t out_bytes)
{
	const char *near = nearest(section, key), *word, *comma = "";
	struct str s = STR_OVER(out, out_bytes);

	if (near) {
		str_putf(&s, "did you mean '%s'?", near);
		return;
	}
	for (unsigned i = 0; path_at(i); i++) {
		if (strcmp(last_word(path_at(i)), key) == 0) {
			str_putf(&s, "there is '%s'", path_at(i));
			return;
		}
	}
	str_puts(&s, "known here: ");
	for (unsigned i = 0; path_at(i); i++) {
		word = word_in(path_at(i), section);
		if (!word)
			continue;
		str_putf(&s, "%s%s", comma, word);
		comma = ", ";
	}
}
