/* A generation: one services file as immutable tables. Arrays are indexed by slot (model/ids.h);
 * addresses never change while it lives. main makes and frees it; every thread that holds it may
 * read it (decisions 7: who holds it, and when it dies).
 *
 * One real with one plain check costs 32 + 32 bytes here, plus order and identity index.
 */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "config/extras.h"
#include "model/check_code.h"
#include "model/ids.h"

/* A string of the generation: offset into its text. GEN_STR_UNSET: was not set; gen_str() gives
 * "" for it. */
typedef uint32_t gen_strref;
#define GEN_STR_UNSET 0u

enum lvs_method { LVS_TUN, LVS_GRE, LVS_DR, LVS_NAT };
enum l4_proto { L4_TCP, L4_UDP };
enum init_state { INIT_AUTO, INIT_UP, INIT_DOWN };

enum service_flag {
	SERVICE_HAS_PORT = 1 << 0,
	SERVICE_OPS = 1 << 1,
};

struct service_spec {
	struct addr vip;
	uint32_t prefix;         /* slot; SLOT_NONE without announce group */
	uint32_t next_on_prefix; /* next service (slot) on the same prefix, SLOT_NONE at the end */
	uint32_t first_real; /* index into gen.real_order; its reals stand there in file order */
	uint32_t n_reals;
	uint32_t quorum;
	uint32_t hysteresis;
	uint32_t names; /* index into gen.service_names */
	uint16_t port;  /* meaning only with SERVICE_HAS_PORT */
	uint16_t group; /* 1-based index into the configured announce groups, 0: none */
	uint8_t proto;  /* enum l4_proto */
	uint8_t lvs_method;
	uint8_t flags;           /* enum service_flag */
	uint8_t panic_threshold; /* percent, 0: off */
	uint32_t fwmark;
	uint32_t spare[2];
};
static_assert(sizeof(struct service_spec) == 64, "decisions 50");

/* What a service needs for the dump and the API only; equal sets are shared. */
struct service_names {
	gen_strref scheduler; /* lower case */
	gen_strref quorum_up; /* verbatim */
	gen_strref virtualhost;
	gen_strref version; /* GEN_STR_UNSET: absent */
	gen_strref ipv4_outer_source_network;
	gen_strref ipv6_outer_source_network;
};

enum real_flag {
	REAL_HAS_PORT = 1 << 0,
	REAL_INHIBIT = 1 << 1, /* inhibit_on_failure */
	REAL_INIT_UP = 1 << 2, /* init_state up; neither bit: auto */
	REAL_INIT_DOWN = 1 << 3,
	REAL_HAS_DYNAMIC = 1 << 4, /* at least one check with dynamic weight */
};

struct real_spec {
	struct addr ip;
	uint32_t service;     /* slot */
	uint32_t first_check; /* slot, SLOT_NONE: no checks (static) */
	uint16_t weight;      /* configured */
	uint16_t port;        /* meaning only with REAL_HAS_PORT */
	uint8_t lvs_method;
	uint8_t flags; /* enum real_flag */
	uint16_t spare;
};
static_assert(sizeof(struct real_spec) == 32, "decisions 50");

enum check_flag {
	CHECK_TUNNELLED = 1 << 0,
};

struct check_spec {
	struct addr connect_ip; /* effective: decisions 17 */
	uint32_t profile;       /* index into gen.profiles */
	uint32_t real;          /* slot */
	uint32_t next;          /* next check (slot) of the same real, SLOT_NONE at the end */
	uint16_t connect_port;  /* effective */
	uint8_t kind;           /* enum check_kind */
	uint8_t flags;          /* enum check_flag */
};
static_assert(sizeof(struct check_spec) == 32, "decisions 50");

enum profile_flag {
	PROFILE_HALF_OPEN = 1 << 0,
	PROFILE_DYNAMIC_WEIGHT = 1 << 1,
	PROFILE_WEIGHT_IN_HEADER = 1 << 2,
	PROFILE_HAS_DIGEST = 1 << 3,
	PROFILE_SNI = 1 << 4,     /* send virtualhost as server name */
	PROFILE_TLS_OFF = 1 << 5, /* GRPC_CHECK in the clear */
};

/* Every parameter of a check but its target; equal sets are shared. Compared as bytes: no padding,
 * spare fields zero. */
struct check_profile {
	struct addr bindto;      /* ADDR_UNSET: kernel chooses */
	uint64_t interval_ns;    /* delay_loop */
	uint64_t retry_delay_ns; /* delay_before_retry */
	uint64_t jitter_ns;
	uint64_t connect_timeout_ns; /* effective, > 0 */
	uint64_t check_timeout_ns;   /* effective, > 0: bounds the whole check */
	uint32_t fwmark;
	gen_strref path; /* as written; unset = "/" on the wire */
	gen_strref virtualhost;
	uint32_t weight_coefficient; /* percent, dynamic_weight_coefficient */
	uint8_t digest[16];          /* MD5, with PROFILE_HAS_DIGEST */
	uint16_t status_code;        /* 0: any */
	uint8_t kind;                /* enum check_kind */
	uint8_t flags;               /* enum profile_flag */
	uint8_t retry;
	uint8_t rise;
	uint8_t fall;
	uint8_t tls_min_version; /* enum tls_version; 0 for kinds without TLS */
	gen_strref extras_text;  /* what extras were made of, canonical; unset: none */
	uint32_t extras;         /* index into gen.extras + 1; 0: none */
	uint32_t spare[2];
};
static_assert(sizeof(struct check_profile) == 112, "no padding: it is compared as bytes");

struct prefix_spec {
	struct addr vip;
	uint32_t first_service; /* slot; members are linked by next_on_prefix */
	uint16_t group;         /* effective: the first non-empty one on this VIP, 1-based */
	uint16_t spare;
};

struct generation {
	uint32_t number; /* grows by one with each adopted file, from 1 */
	/* one more than the highest slot in use, per kind; slots below may be unused */
	uint32_t end_services, end_reals, end_checks, end_prefixes;
	/* how many are in use */
	uint32_t n_services, n_reals, n_checks, n_prefixes, n_profiles;
	const struct service_spec *services; /* by slot; unused: names == UINT32_MAX */
	const struct real_spec *reals;       /* by slot; unused: service == SLOT_NONE */
	const struct check_spec *checks;     /* by slot; unused: real == SLOT_NONE */
	const struct prefix_spec *prefixes;  /* by slot; unused: first_service == SLOT_NONE */
	const uint32_t *check_sequence;      /* by slot: current sequence number */
	const struct check_profile *profiles;
	const struct check_extras *extras; /* n_extras */
	uint32_t n_extras;
	struct gen_extras_owned *owned; /* what dies with them (gen_extras.h) */
	const struct service_names *service_names;
	const uint32_t *service_order; /* n_services slots in file order */
	const uint32_t *real_order;    /* n_reals slots, grouped by service, in file order */
	const char *text;              /* strings */
	uint64_t loaded_wall_ns;       /* when the file was read */
	struct gen_index *index;       /* identity → slot */
	struct arena *arena;           /* owns all of the above */
	_Atomic uint32_t api_holds;    /* api threads that read it (decisions 7d) */
};

static inline const char *gen_str(const struct generation *g, gen_strref s)
{
	return g->text + s;
}
static inline bool gen_service_in_use(const struct generation *g, uint32_t slot)
{
	return slot < g->end_services && g->services[slot].names != UINT32_MAX;
}
static inline bool gen_real_in_use(const struct generation *g, uint32_t slot)
{
	return slot < g->end_reals && g->reals[slot].service != SLOT_NONE;
}
static inline bool gen_check_in_use(const struct generation *g, uint32_t slot)
{
	return slot < g->end_checks && g->checks[slot].real != SLOT_NONE;
}
static inline bool gen_prefix_in_use(const struct generation *g, uint32_t slot)
{
	return slot < g->end_prefixes && g->prefixes[slot].first_service != SLOT_NONE;
}
static inline const struct check_profile *gen_profile(const struct generation *g, uint32_t check)
{
	return &g->profiles[g->checks[check].profile];
}
/* NULL: it has none. */
static inline const struct check_extras *gen_extras(const struct generation *g,
						    const struct check_profile *p)
{
	return p->extras ? &g->extras[p->extras - 1] : NULL;
}
/* Path of one of a check's urls as it is shown; NULL: the check has only one. */
static inline const char *gen_url_path(const struct generation *g, const struct check_profile *p,
				       uint32_t url)
{
	const struct check_extras *e = gen_extras(g, p);

	if (!e || e->n_urls < 2 || url >= e->n_urls)
		return NULL;
	return e->urls[url].path[0] ? e->urls[url].path : "/";
}
/* Longest time from a failure to a down verdict: interval + burst + timeouts (decisions 31). */
uint64_t gen_detection_ns(const struct check_profile *p);

/* Slot of the object with this identity, or SLOT_NONE. A missing port differs from port 0. */
uint32_t gen_find_service(const struct generation *g, const struct addr *vip, bool has_port,
			  uint16_t port, enum l4_proto proto);
uint32_t gen_find_real(const struct generation *g, uint32_t service, const struct addr *ip,
		       bool has_port, uint16_t port);
uint32_t gen_find_prefix(const struct generation *g, const struct addr *vip);

/* Frees everything. Main thread, after nobody can hold it. */
void gen_free(struct generation *g);
