/* The keywords of services.conf as a table: where each may stand, what it takes, where it goes.
 * The parser, the suggestions and the manual's reference section all read this table.
 */
#pragma once

#include "base/addr.h"
#include "config/extras.h"

enum services_block {
	BLOCK_TOP,
	BLOCK_SERVICE,
	BLOCK_REAL,
	BLOCK_TCP,
	BLOCK_HTTP,
	BLOCK_SSL,
	BLOCK_GRPC,
	BLOCK_URL,
	BLOCK__N
};

enum services_type {
	TYPE_SECONDS,      /* decimal seconds → uint64_t ns; min and max are ns */
	TYPE_NUMBER,       /* → uint32_t */
	TYPE_PORT,         /* → uint32_t; "" and 0: unset */
	TYPE_STATUS,       /* HTTP statuses and ranges → const struct status_set *; 0: empty */
	TYPE_WEIGHT,       /* → uint32_t, cut to 65535 */
	TYPE_BOOL,         /* bare word or a value → uint8_t */
	TYPE_METHOD,       /* → uint8_t enum lvs_method */
	TYPE_PROTOCOL,     /* → uint8_t enum l4_proto */
	TYPE_INIT_STATE,   /* → uint8_t enum init_state */
	TYPE_TEXT,         /* → const char * */
	TYPE_LOWER,        /* text, lower-cased */
	TYPE_SCRIPT,       /* text, further words (user, group) are taken and dropped */
	TYPE_VIRTUALHOST,  /* text without blanks and control characters, ASCII */
	TYPE_PATH,         /* the same, "", /... or ?... */
	TYPE_NETWORK4,     /* text: IPv4 prefix or "" */
	TYPE_NETWORK6,     /* text: IPv6 prefix or "" */
	TYPE_ADDR,         /* → struct addr; "": unset */
	TYPE_DIGEST,       /* 32 hex digits → struct services_digest; "": unset */
	TYPE_BYTES,        /* number with k or m behind it → uint32_t */
	TYPE_HTTP_METHOD,  /* text: a token */
	TYPE_HEADER,       /* name and value → text "Name: value"; each one counts */
	TYPE_HTTP_VERSION, /* → uint8_t enum http_protocol */
	TYPE_REGEX,        /* text: a pattern that compiles */
	TYPE_NO_REGEX,     /* what keepalived's regex may have beside it → uint8_t 1 */
	TYPE_SNI,          /* text: host name; off: "" */
	TYPE_VERIFY_NAME,  /* text: host name or address; "": unset */
	TYPE_TLS_VERSION,  /* → uint8_t enum tls_version + 1 */
	TYPE_REUSE,        /* → uint8_t enum session_reuse */
	TYPE_CA_FILE,      /* → const struct tls_file *, with certificates; "": unset */
	TYPE_CERT_FILE,    /* the same */
	TYPE_KEY_FILE,     /* the same, with a private key */
	TYPE_BLOCK,        /* opens a block */
	TYPE_INCLUDE,      /* include and its strict forms */
	TYPE_SILENT,       /* the reference's, without effect there too */
	TYPE_IGNORED,      /* keepalived's, without effect here: named in one warning */
	TYPE_UNSUPPORTED,  /* leaving it out would change a verdict: doc says how */
	TYPE__N
};

struct services_digest {
	uint8_t md5[16];
	bool is_set;
};

/* A boolean that knows whether it was set. */
enum { SERVICES_BOOL_UNSET = 2 };

/* All that keywords can set. A real starts with its service's inherited part, a check with its
 * real's; the rest starts with zeroes, and a service with services_schema_defaults. */
struct services_values {
	struct {
		uint64_t delay_loop_ns, delay_before_retry_ns, jitter_ns, connect_timeout_ns;
		const char *virtualhost; /* NULL: unset */
		uint32_t retry, rise;
		uint32_t fall; /* 0: retry + 1 */
		uint32_t weight;
		uint8_t lvs_method, init_state;
		uint8_t inhibit_on_failure, half_open;
		struct services_tls {
			const char *sni;         /* NULL: virtualhost; "": none */
			const char *verify_name; /* NULL: unset */
			const struct tls_file *ca_file, *cert_file, *key_file; /* NULL: unset */
			/* enum tls_version + 1; 0: unset */
			uint8_t tls_min_version, tls_max_version;
			uint8_t verify, enable_sni; /* or SERVICES_BOOL_UNSET */
			uint32_t expire_warn_days;  /* 0: off */
			uint8_t session_reuse;
			uint8_t spare[7]; /* compared as bytes */
		} tls;
	} inherited;
	struct {
		const char *lvs_sched, *quorum_up, *announce_group, *version;
		const char *ipv4_outer_source_network, *ipv6_outer_source_network;
		uint32_t quorum, hysteresis, panic_threshold;
		uint8_t protocol, ops;
	} service;
	struct {
		struct addr connect_ip, bindto;
		uint64_t check_timeout_ns;
		uint32_t connect_port, dynamic_weight_coefficient;
		uint8_t dynamic_weight_enable, dynamic_weight_in_header;
		uint8_t tls; /* GRPC_CHECK; on unless said otherwise */
		struct services_http {
			const char *method;                    /* NULL: GET */
			const char *header;                    /* the last one; NULL: none */
			const struct status_set *drain_status; /* NULL: none */
			uint64_t max_response_ns;              /* 0: no limit */
			uint32_t max_body_bytes;               /* 0: unset */
			uint8_t http_protocol;
			uint8_t spare[3]; /* compared as bytes */
		} http;
	} check;
	/* of one url {}: the check's own first, a further one by itself */
	struct services_url {
		const char *path, *virtualhost;  /* NULL: unset */
		const struct status_set *status; /* NULL: any */
		const char *expect_body;         /* NULL: any */
		struct services_digest digest;
		uint8_t has_regex_options, has_regex_min, has_regex_max;
	} url;
	uint32_t fwmark;
};

extern const struct services_values services_schema_defaults;

struct services_row {
	const char *name;
	const char *alias; /* NULL: none */
	uint16_t blocks;   /* bit set of enum services_block */
	uint8_t type;      /* enum services_type */
	uint8_t opens;     /* TYPE_BLOCK: enum services_block */
	uint16_t offset;   /* in struct services_values */
	uint64_t min, max; /* numbers and seconds */
	const char *doc;   /* one line for the manual; TYPE_UNSUPPORTED: why not */
};

enum { SCHEMA_MAX_ROWS = 176, SCHEMA_SLOTS = 1024 };

extern const struct services_row services_schema_rows[];
extern const unsigned services_schema_n_rows;

/* Keyword → row. One per run; about 16 KiB. */
struct services_schema {
	struct {
		const char *name; /* NULL: free */
		uint32_t hash;
		uint8_t len, block;
		uint16_t row;
	} slots[SCHEMA_SLOTS];
};

void services_schema_init(struct services_schema *s);
/* The row of a keyword in a block, or NULL. */
const struct services_row *services_schema_find(const struct services_schema *s,
						enum services_block block, const char *word,
						uint32_t len);
/* The known keyword of the block that the word most likely means, or NULL. Static storage. */
const char *services_schema_nearest(enum services_block block, const char *word, uint32_t len);
/* A block other than this in which the keyword is known, as its keyword ("real_server"), or NULL.
 */
const char *services_schema_elsewhere(enum services_block block, const char *word, uint32_t len);
/* "virtual_server"; "file" for BLOCK_TOP. */
const char *services_schema_block_name(enum services_block block);
/* Bytes a value of this type takes in struct services_values, 0 if it takes none. */
unsigned services_schema_size(enum services_type type);
