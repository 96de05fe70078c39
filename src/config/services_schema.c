#include "config/services_schema.h"

#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/str.h"
#include "config/gen.h"

#define S   (1 << BLOCK_SERVICE)
#define R   (1 << BLOCK_REAL)
#define T   (1 << BLOCK_TCP)
#define H   (1 << BLOCK_HTTP | 1 << BLOCK_SSL)
#define G   (1 << BLOCK_GRPC)
#define C   (T | H | G)
#define U   (1 << BLOCK_URL)
#define TLS (S | R | 1 << BLOCK_SSL | G)
#define TOP (1 << BLOCK_TOP)
#define ALL ((1 << BLOCK__N) - 1)

#define AT(field)           .offset = offsetof(struct services_values, field)
#define SECOND              UINT64_C(1000000000)
#define YEAR                (365 * 86400 * SECOND)
#define SECONDS(least)      .type = TYPE_SECONDS, .min = (least), .max = YEAR
#define NUMBER(least, most) .type = TYPE_NUMBER, .min = (least), .max = (most)
#define BLOCKS(b)           .blocks = (b), .type = TYPE_BLOCK
#define IGNORED(b)          .blocks = (b), .type = TYPE_IGNORED
#define REFUSED(b)          .blocks = (b), .type = TYPE_UNSUPPORTED

static const char unchecked[] = "the real server would count as up unchecked";

const struct services_values services_schema_defaults = {
	.inherited =
		{
			.delay_loop_ns = 60 * SECOND,
			.delay_before_retry_ns = 3 * SECOND,
			.retry = 1,
			.rise = 1,
			.weight = 1,
			.lvs_method = LVS_TUN,
			.init_state = INIT_AUTO,
			.tls = {.verify = SERVICES_BOOL_UNSET, .enable_sni = SERVICES_BOOL_UNSET},
		},
	.service = {.quorum = 1},
};

/* clang-format off */
const struct services_row services_schema_rows[] = {
	{ "virtual_server", BLOCKS(TOP), .opens = BLOCK_SERVICE,
	  .doc = "VIP [PORT] { ... }: a service; without a port all ports (L3)" },
	{ "real_server", BLOCKS(S), .opens = BLOCK_REAL,
	  .doc = "IP [PORT] { ... }: a real server of the service" },
	{ "TCP_CHECK", BLOCKS(R), .opens = BLOCK_TCP, .doc = "{ ... }: a TCP connection" },
	{ "HTTP_GET", BLOCKS(R), .opens = BLOCK_HTTP, .doc = "{ ... }: an HTTP/1.1 request" },
	{ "SSL_GET", BLOCKS(R), .opens = BLOCK_SSL, .doc = "{ ... }: an HTTPS request" },
	{ "GRPC_CHECK", BLOCKS(R), .opens = BLOCK_GRPC,
	  .doc = "{ ... }: grpc.health.v1; virtualhost is the service asked for" },
	{ "url", BLOCKS(C), .opens = BLOCK_URL,
	  .doc = "{ ... }: what to ask for and which answer is good" },

	{ "include", .blocks = ALL, .type = TYPE_INCLUDE,
	  .doc = "PATTERN: files read as if they stood here; relative to this file" },
	{ "includer", .blocks = ALL, .type = TYPE_INCLUDE, .doc = "as include" },
	{ "includem", .blocks = ALL, .type = TYPE_INCLUDE,
	  .doc = "as include; a name without wildcards must exist" },
	{ "includew", .blocks = ALL, .type = TYPE_INCLUDE,
	  .doc = "as include; something must match" },
	{ "includeb", .blocks = ALL, .type = TYPE_INCLUDE, .doc = "as includew" },
	{ "includea", .blocks = ALL, .type = TYPE_INCLUDE, .doc = "as includew" },

	{ "delay_loop", .blocks = S | R | C, AT(inherited.delay_loop_ns), SECONDS(SECOND / 100),
	  .doc = "seconds between the starts of two checks (60)" },
	{ "retry", "nb_get_retry", S | R | C, AT(inherited.retry), NUMBER(0, 100),
	  .doc = "quick repeats after a bad check of a server that is not down (1)" },
	{ "delay_before_retry", .blocks = S | R | C,
	  AT(inherited.delay_before_retry_ns), SECONDS(0),
	  .doc = "seconds before each quick repeat (3)" },
	{ "rise", .blocks = S | R | C, AT(inherited.rise), NUMBER(1, 255),
	  .doc = "good checks in a row that bring it up (1)" },
	{ "fall", .blocks = S | R | C, AT(inherited.fall), NUMBER(1, 255),
	  .doc = "bad checks in a row that take it down (retry + 1)" },
	{ "jitter", .blocks = S | R | C, AT(inherited.jitter_ns), SECONDS(0),
	  .doc = "each check starts up to this many seconds later (0); less than delay_loop" },
	{ "connect_timeout", .blocks = S | R | C, AT(inherited.connect_timeout_ns), SECONDS(0),
	  .doc = "seconds for the connection (5)" },
	{ "half_open", .blocks = S | R | T, AT(inherited.half_open), .type = TYPE_BOOL,
	  .doc = "TCP_CHECK: answer the SYN-ACK with a reset (off)" },
	{ "virtualhost", .blocks = S | R | C, AT(inherited.virtualhost), .type = TYPE_VIRTUALHOST,
	  .doc = "Host header, TLS server name and gRPC service" },
	{ "lvs_method", "lb_kind", S | R, AT(inherited.lvs_method), .type = TYPE_METHOD,
	  .doc = "TUN (IPIP), GRE, DR or NAT: how the balancer forwards (TUN)" },
	{ "inhibit_on_failure", .blocks = S | R,
	  AT(inherited.inhibit_on_failure), .type = TYPE_BOOL,
	  .doc = "a server that is down stays enabled with weight 0 (off)" },
	{ "weight", .blocks = S | R, AT(inherited.weight), .type = TYPE_WEIGHT, .max = UINT32_MAX,
	  .doc = "share of traffic, 0 to 65535; YANET means 0 to 100 (1)" },
	{ "init_state", .blocks = S | R, AT(inherited.init_state), .type = TYPE_INIT_STATE,
	  .doc = "up, down or auto: what a new server is until its first verdict (auto)" },

	{ "protocol", .blocks = S, AT(service.protocol), .type = TYPE_PROTOCOL,
	  .doc = "TCP or UDP (TCP)" },
	{ "lvs_sched", "lb_algo", S, AT(service.lvs_sched), .type = TYPE_LOWER,
	  .doc = "scheduler for the balancer's file: rr wrr wlc chash purr" },
	{ "quorum", .blocks = S, AT(service.quorum), NUMBER(0, UINT32_MAX),
	  .doc = "sum of weights that makes the service up (1)" },
	{ "hysteresis", .blocks = S, AT(service.hysteresis), NUMBER(0, UINT32_MAX),
	  .doc = "up at quorum + this, down below quorum - this (0)" },
	{ "quorum_up", .blocks = S, AT(service.quorum_up), .type = TYPE_SCRIPT,
	  .doc = "never run; quorum-handler2.sh's arguments name the announce group" },
	{ "quorum_down", .blocks = S, .type = TYPE_SILENT, .doc = "never run" },
	{ "announce_group", .blocks = S, AT(service.announce_group), .type = TYPE_TEXT,
	  .doc = "one of announcer.announce_group; without it the VIP is not announced for this "
		 "service" },
	{ "panic_threshold", .blocks = S, AT(service.panic_threshold), NUMBER(0, 100),
	  .doc = "percent: no more than the rest is removed by verdicts (0 = off)" },
	{ "ops", .blocks = S, AT(service.ops), .type = TYPE_BOOL,
	  .doc = "one-packet scheduling, for the balancer's file (off)" },
	{ "version", .blocks = S, AT(service.version), .type = TYPE_TEXT,
	  .doc = "a label for the balancer's file" },
	{ "ipv4_outer_source_network", .blocks = S,
	  AT(service.ipv4_outer_source_network), .type = TYPE_NETWORK4,
	  .doc = "prefix for the balancer's file" },
	{ "ipv6_outer_source_network", .blocks = S,
	  AT(service.ipv6_outer_source_network), .type = TYPE_NETWORK6,
	  .doc = "prefix for the balancer's file" },

	{ "fwmark", .blocks = S | C, AT(fwmark), NUMBER(0, UINT32_MAX),
	  .doc = "service: shown only; check: mark of untunnelled sockets (0)" },
	{ "connect_ip", .blocks = C, AT(check.connect_ip), .type = TYPE_ADDR,
	  .doc = "address to check (the VIP if tunnelled, else the server's)" },
	{ "connect_port", .blocks = C, AT(check.connect_port), .type = TYPE_PORT, .max = 65535,
	  .doc = "port to check (the server's, else the service's)" },
	{ "bindto", .blocks = C, AT(check.bindto), .type = TYPE_ADDR,
	  .doc = "source address (the kernel's choice)" },
	{ "check_timeout", .blocks = C, AT(check.check_timeout_ns), SECONDS(0),
	  .doc = "seconds for the whole check (connect_timeout)" },
	{ "dynamic_weight_enable", .blocks = C, AT(check.dynamic_weight_enable), .type = TYPE_BOOL,
	  .doc = "the server's answer gives its weight (off)" },
	{ "dynamic_weight_in_header", .blocks = C,
	  AT(check.dynamic_weight_in_header), .type = TYPE_BOOL,
	  .doc = "the weight stands in header RS-Weight, not in the body (off)" },
	{ "dynamic_weight_coefficient", .blocks = C,
	  AT(check.dynamic_weight_coefficient), NUMBER(0, 1000000),
	  .doc = "percent by which the weight moves per check (0 = at once)" },

	{ "tls", .blocks = G, AT(check.tls), .type = TYPE_BOOL,
	  .doc = "off: HTTP/2 in the clear, with prior knowledge (on)" },

	{ "sni", "sni_name", TLS, AT(inherited.tls.sni), .type = TYPE_SNI,
	  .doc = "TLS server name that is sent, or off (virtualhost)" },
	{ "enable_sni", .blocks = TLS, AT(inherited.tls.enable_sni), .type = TYPE_BOOL,
	  .doc = "keepalived's switch: off sends no name, whatever sni says (on)" },
	{ "tls_min_version", .blocks = TLS,
	  AT(inherited.tls.tls_min_version), .type = TYPE_TLS_VERSION,
	  .doc = "1.0 1.1 1.2 1.3: lowest TLS version (tls_min_version of alived.yaml)" },
	{ "tls_max_version", .blocks = TLS,
	  AT(inherited.tls.tls_max_version), .type = TYPE_TLS_VERSION,
	  .doc = "1.0 1.1 1.2 1.3: highest TLS version (tls_max_version of alived.yaml)" },
	{ "verify", .blocks = TLS, AT(inherited.tls.verify), .type = TYPE_BOOL,
	  .doc = "the server's certificate must be good and be for verify_name (off)" },
	{ "ca_file", .blocks = TLS, AT(inherited.tls.ca_file), .type = TYPE_CA_FILE,
	  .doc = "PEM file of the authorities that verify trusts (the system's)" },
	{ "verify_name", .blocks = TLS, AT(inherited.tls.verify_name), .type = TYPE_VERIFY_NAME,
	  .doc = "name or address that verify wants (the server name, else the address)" },
	{ "cert_file", .blocks = TLS, AT(inherited.tls.cert_file), .type = TYPE_CERT_FILE,
	  .doc = "PEM file of the client's certificate, its chain behind it" },
	{ "key_file", .blocks = TLS, AT(inherited.tls.key_file), .type = TYPE_KEY_FILE,
	  .doc = "PEM file of its private key (in cert_file)" },
	{ "session_reuse", .blocks = TLS, AT(inherited.tls.session_reuse), .type = TYPE_REUSE,
	  .doc = "off on auto: resume TLS sessions; auto: a full handshake at least every 10th time"
		 " and after a failure (off)" },
	{ "expire_warn", .blocks = TLS, AT(inherited.tls.expire_warn_days), NUMBER(0, 3650),
	  .doc = "days before the server's certificate expires that a warning shows (0 = never)" },

	{ "method", .blocks = H, AT(check.http.method), .type = TYPE_HTTP_METHOD,
	  .doc = "HTTP method; nothing is sent as body (GET)" },
	{ "header", .blocks = H, AT(check.http.header), .type = TYPE_HEADER,
	  .doc = "NAME VALUE: sent with each request; may be given several times" },
	{ "http_protocol", .blocks = H, AT(check.http.http_protocol), .type = TYPE_HTTP_VERSION,
	  .doc = "1.1, 2 (in the clear with prior knowledge) or auto, what TLS agrees on (1.1)" },
	{ "max_response_time", .blocks = H, AT(check.http.max_response_ns), SECONDS(0),
	  .doc = "seconds; a slower answer is bad (0 = check_timeout alone)" },
	{ "max_body_size", .blocks = H,
	  AT(check.http.max_body_bytes), .type = TYPE_BYTES, .min = 1, .max = EXTRAS_MAX_BODY_BYTES,
	  .doc = "bytes, or with k or m behind; a longer body is bad (64m; with expect_body 1m)" },
	{ "drain_status", .blocks = H,
	  AT(check.http.drain_status), .type = TYPE_STATUS, .min = 100, .max = 599,
	  .doc = "statuses and ranges that ask for no new traffic (none)" },

	{ "path", .blocks = U, AT(url.path), .type = TYPE_PATH,
	  .doc = "request target, with its query (/)" },
	{ "status_code", .blocks = U, AT(url.status), .type = TYPE_STATUS, .max = 599,
	  .doc = "good statuses and ranges, as 200-299 301 (0 = any)" },
	{ "digest", .blocks = U, AT(url.digest), .type = TYPE_DIGEST,
	  .doc = "MD5 of the good body, 32 hex digits" },
	{ "virtualhost", .blocks = U, AT(url.virtualhost), .type = TYPE_VIRTUALHOST,
	  .doc = "wins over all others" },
	{ "expect_body", "regex", U, AT(url.expect_body), .type = TYPE_REGEX,
	  .doc = "regular expression (PCRE2) that a good body has a match of" },
	{ "regex_options", .blocks = U, AT(url.has_regex_options), .type = TYPE_NO_REGEX,
	  .doc = "error with expect_body: write (?i), (?s), ... into the pattern" },
	{ "regex_min_offset", .blocks = U, AT(url.has_regex_min), .type = TYPE_NO_REGEX,
	  .doc = "error with expect_body" },
	{ "regex_max_offset", .blocks = U, AT(url.has_regex_max), .type = TYPE_NO_REGEX,
	  .doc = "error with expect_body" },

	/* leaving these out would change a verdict */
	{ "virtual_server_group", REFUSED(TOP),
	  .doc = "write one virtual_server for each address" },
	{ "SMTP_CHECK", REFUSED(R), .doc = unchecked },
	{ "DNS_CHECK", REFUSED(R), .doc = unchecked },
	{ "MISC_CHECK", REFUSED(R), .doc = unchecked },
	{ "UDP_CHECK", REFUSED(R), .doc = unchecked },
	{ "PING_CHECK", REFUSED(R), .doc = unchecked },
	{ "FILE_CHECK", REFUSED(R), .doc = unchecked },
	{ "BFD_CHECK", REFUSED(R), .doc = unchecked },
	{ "regex_no_match", REFUSED(U), .doc = "the check would pass whatever the body is" },

	/* keepalived's, without meaning or effect here */
	{ "global_defs", IGNORED(TOP), .doc = "keepalived: process settings" },
	{ "SSL", IGNORED(TOP), .doc = "keepalived: client certificate" },
	{ "track_file", IGNORED(TOP), .doc = "keepalived: FILE_CHECK" },
	{ "track_group", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "garp_group", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "linkbeat_interfaces", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "linkbeat_use_polling", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "interface_up_down_delays", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "bfd_instance", IGNORED(TOP), .doc = "keepalived: BFD" },
	{ "net_namespace", IGNORED(TOP), .doc = "keepalived: process set-up" },
	{ "net_namespace_ipvs", IGNORED(TOP), .doc = "keepalived: process set-up" },
	{ "namespace_with_ipsets", IGNORED(TOP), .doc = "keepalived: process set-up" },
	{ "use_pid_dir", IGNORED(TOP), .doc = "keepalived: process set-up" },
	{ "instance", IGNORED(TOP), .doc = "keepalived: process set-up" },
	{ "child_wait_time", IGNORED(TOP), .doc = "keepalived: process set-up" },
	{ "vrrp_instance", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "vrrp_sync_group", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "vrrp_script", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "vrrp_track_process", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "vrrp_track_file", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "static_ipaddress", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "static_routes", IGNORED(TOP), .doc = "keepalived: VRRP" },
	{ "static_rules", IGNORED(TOP), .doc = "keepalived: VRRP" },

	{ "warmup", IGNORED(S | R | C),
	  .doc = "keepalived: random start delay; phases are spread here" },
	{ "alpha", IGNORED(S | R | C), .doc = "keepalived: start as down; see init_state" },
	{ "omega", IGNORED(S), .doc = "keepalived: notifications at exit" },
	{ "ha_suspend", IGNORED(S), .doc = "keepalived: check only while the VIP is local" },
	{ "smtp_alert", IGNORED(S | R), .doc = "keepalived: mail" },
	{ "sorry_server", IGNORED(S), .doc = "keepalived: last resort" },
	{ "sorry_server_inhibit", IGNORED(S), .doc = "keepalived: last resort" },
	{ "sorry_server_lvs_method", IGNORED(S), .doc = "keepalived: last resort" },
	{ "ip_family", IGNORED(S), .doc = "keepalived: fwmark services" },
	{ "hashed", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "flag-1", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "flag-2", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "flag-3", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "sh-port", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "sh-fallback", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "mh-port", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "mh-fallback", IGNORED(S), .doc = "IPVS scheduler flag" },
	{ "persistence_timeout", IGNORED(S), .doc = "IPVS persistence" },
	{ "persistence_granularity", IGNORED(S), .doc = "IPVS persistence" },
	{ "persistence_engine", IGNORED(S), .doc = "IPVS persistence" },
	{ "snmp_name", IGNORED(S | R), .doc = "keepalived: SNMP" },
	{ "notify_up", IGNORED(R), .doc = "keepalived: script" },
	{ "notify_down", IGNORED(R), .doc = "keepalived: script" },
	{ "uthreshold", IGNORED(R), .doc = "IPVS connection limit" },
	{ "lthreshold", IGNORED(R), .doc = "IPVS connection limit" },
	{ "bind_port", IGNORED(C), .doc = "keepalived: source port" },
	{ "bind_if", IGNORED(C), .doc = "keepalived: source interface" },
	{ "log_all_failures", IGNORED(C), .doc = "keepalived: logging" },
	{ "fast_recovery", IGNORED(H), .doc = "keepalived: several urls" },
	{ "enable_sni", IGNORED(1 << BLOCK_HTTP), .doc = "keepalived: no TLS here" },
	{ "sni_name", IGNORED(1 << BLOCK_HTTP), .doc = "keepalived: no TLS here" },
	{ "tls_compliant", IGNORED(H | U), .doc = "keepalived: close_notify" },
	{ "regex_stack", IGNORED(U), .doc = "keepalived: regex" },
};
/* clang-format on */

const unsigned services_schema_n_rows = ARRAY_LEN(services_schema_rows);
static_assert(ARRAY_LEN(services_schema_rows) <= SCHEMA_MAX_ROWS,
	      "rows have a bit and a memo each");

static uint32_t hash_of(enum services_block block, const char *word, uint32_t len)
{
	return (uint32_t)hash_bytes(word, len, (uint64_t)block);
}

static void insert(struct services_schema *s, enum services_block block, const char *name,
		   uint16_t row)
{
	uint32_t len = (uint32_t)strlen(name), hash = hash_of(block, name, len), i;

	for (i = hash % SCHEMA_SLOTS; s->slots[i].name; i = (i + 1) % SCHEMA_SLOTS)
		;
	s->slots[i].name = name;
	s->slots[i].hash = hash;
	s->slots[i].len = (uint8_t)len;
	s->slots[i].block = (uint8_t)block;
	s->slots[i].row = row;
}

void services_schema_init(struct services_schema *s)
{
	memset(s, 0, sizeof(*s));
	for (uint16_t row = 0; row < services_schema_n_rows; row++) {
		const struct services_row *r = &services_schema_rows[row];

		for (enum services_block b = 0; b < BLOCK__N; b++) {
			if (!(r->blocks & 1 << b))
				continue;
			insert(s, b, r->name, row);
			if (r->alias)
				insert(s, b, r->alias, row);
		}
	}
}

const struct services_row *services_schema_find(const struct services_schema *s,
						enum services_block block, const char *word,
						uint32_t len)
{
	uint32_t hash = hash_of(block, word, len);

	for (uint32_t i = hash % SCHEMA_SLOTS; s->slots[i].name; i = (i + 1) % SCHEMA_SLOTS)
		if (s->slots[i].hash == hash && s->slots[i].len == len &&
		    s->slots[i].block == block && memcmp(s->slots[i].name, word, len) == 0)
			return &services_schema_rows[s->slots[i].row];
	return NULL;
}

/* How far a word is from a name; writing it in the other case is no distance at all. */
static unsigned distance(const char *name, const char *word, uint32_t len)
{
	size_t name_len = strlen(name);

	if (name_len == len && strncasecmp(name, word, len) == 0)
		return 0;
	return str_distance(name, name_len, word, len);
}

const char *services_schema_nearest(enum services_block block, const char *word, uint32_t len)
{
	/* a third of the letters wrong is another word */
	unsigned best = MIN(len / 3, 3U) + 1;
	const char *nearest = NULL;

	for (unsigned i = 0; i < services_schema_n_rows; i++) {
		const struct services_row *r = &services_schema_rows[i];
		const char *names[] = {r->name, r->alias};

		for (unsigned k = 0; k < 2 && r->blocks & 1 << block; k++) {
			unsigned d = names[k] ? distance(names[k], word, len) : best;

			if (d < best) {
				best = d;
				nearest = names[k];
			}
		}
	}
	return nearest;
}

static const char *const block_names[] = {
	[BLOCK_TOP] = "file",         [BLOCK_SERVICE] = "virtual_server",
	[BLOCK_REAL] = "real_server", [BLOCK_TCP] = "TCP_CHECK",
	[BLOCK_HTTP] = "HTTP_GET",    [BLOCK_SSL] = "SSL_GET",
	[BLOCK_GRPC] = "GRPC_CHECK",  [BLOCK_URL] = "url",
};

const char *services_schema_block_name(enum services_block block)
{
	return block_names[block];
}

/* Bits of the blocks that know the word. */
static unsigned blocks_of(const char *word, uint32_t len)
{
	unsigned blocks = 0;

	for (unsigned i = 0; i < services_schema_n_rows; i++) {
		const struct services_row *r = &services_schema_rows[i];

		if (str_is(word, len, r->name) || (r->alias && str_is(word, len, r->alias)))
			blocks |= r->blocks;
	}
	return blocks;
}

const char *services_schema_elsewhere(enum services_block block, const char *word, uint32_t len)
{
	unsigned blocks = blocks_of(word, len) & ~(1U << block);

	for (unsigned b = block; b-- > BLOCK_SERVICE;)
		if (blocks & 1U << b)
			return block_names[b];
	for (unsigned b = block + 1; b < BLOCK__N; b++)
		if (blocks & 1U << b)
			return block_names[b];
	return NULL;
}

unsigned services_schema_size(enum services_type type)
{
	static const uint8_t sizes[TYPE__N] = {
		[TYPE_SECONDS] = sizeof(uint64_t),   [TYPE_NUMBER] = sizeof(uint32_t),
		[TYPE_PORT] = sizeof(uint32_t),      [TYPE_STATUS] = sizeof(void *),
		[TYPE_WEIGHT] = sizeof(uint32_t),    [TYPE_BOOL] = sizeof(uint8_t),
		[TYPE_METHOD] = sizeof(uint8_t),     [TYPE_PROTOCOL] = sizeof(uint8_t),
		[TYPE_INIT_STATE] = sizeof(uint8_t), [TYPE_TEXT] = sizeof(char *),
		[TYPE_LOWER] = sizeof(char *),       [TYPE_SCRIPT] = sizeof(char *),
		[TYPE_VIRTUALHOST] = sizeof(char *), [TYPE_PATH] = sizeof(char *),
		[TYPE_NETWORK4] = sizeof(char *),    [TYPE_NETWORK6] = sizeof(char *),
		[TYPE_ADDR] = sizeof(struct addr),   [TYPE_DIGEST] = sizeof(struct services_digest),
		[TYPE_BYTES] = sizeof(uint32_t),     [TYPE_HTTP_METHOD] = sizeof(char *),
		[TYPE_HEADER] = sizeof(char *),      [TYPE_HTTP_VERSION] = sizeof(uint8_t),
		[TYPE_REGEX] = sizeof(char *),       [TYPE_NO_REGEX] = sizeof(uint8_t),
		[TYPE_SNI] = sizeof(char *),         [TYPE_REUSE] = sizeof(uint8_t),
		[TYPE_VERIFY_NAME] = sizeof(char *), [TYPE_TLS_VERSION] = sizeof(uint8_t),
		[TYPE_CA_FILE] = sizeof(void *),     [TYPE_CERT_FILE] = sizeof(void *),
		[TYPE_KEY_FILE] = sizeof(void *),
	};

	return sizes[type];
}
