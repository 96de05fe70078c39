/* A services file after parsing, inheritance and validation, before slots: what services_parse.h
 * produces and gen_build.h consumes. Everything is effective (defaults and inheritance applied).
 * Lives in an arena; file order; counts exact. */
#pragma once

#include "config/gen.h"
#include "config/source.h"

struct draft_check {
	struct draft_check *next; /* of the same real, file order; identical ones already dropped */
	struct addr connect_ip;
	uint16_t connect_port;
	bool is_tunnelled;
	source_pos pos;
	/* all but the target. path and virtualhost are not set here but below */
	struct check_profile profile;
	const char *path;        /* NULL: unset */
	const char *virtualhost; /* NULL: unset */
	/* What the profile does not say; NULL: nothing. One object for equal texts. */
	const struct draft_extras *extras;
};

struct draft_extras {
	const char *text;           /* identity: one line for each thing that is not the default */
	struct check_extras extras; /* expect_body not compiled */
};

/* A file that checks name. */
struct draft_file {
	struct draft_file *next;
	struct tls_file file;
};

struct draft_real {
	struct draft_real *next; /* of the same service, file order */
	struct draft_check *checks;
	struct addr ip;
	uint16_t port;
	uint16_t weight;
	uint8_t lvs_method;
	uint8_t flags; /* enum real_flag */
	source_pos pos;
};

struct draft_service {
	struct draft_service *next; /* file order */
	struct draft_real *reals;
	struct addr vip;
	uint16_t port;
	uint16_t group; /* 1-based; the effective one of the VIP; 0: this service has none */
	uint8_t proto;
	uint8_t lvs_method;
	uint8_t flags; /* enum service_flag */
	uint8_t panic_threshold;
	uint32_t quorum, hysteresis, fwmark;
	const char *scheduler;                 /* "" if unset */
	const char *quorum_up;                 /* "" if unset */
	const char *virtualhost;               /* NULL: unset */
	const char *version;                   /* NULL: unset */
	const char *ipv4_outer_source_network; /* "" if unset */
	const char *ipv6_outer_source_network;
	source_pos pos;
};

struct draft {
	struct draft_service *services;
	uint32_t n_services, n_reals, n_checks;
	struct draft_file *files;
	struct arena *arena; /* owns all of it and its strings */
};

/* Wipes the files, then frees all. */
void draft_free(struct draft *d);
