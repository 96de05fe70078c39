/* alived.yaml, typed, with the documented defaults applied (spec/monalive §1.2, decisions H). */
#pragma once

#include "base/addr.h"
#include "base/log.h"

struct diag;
struct source;

enum balancer_backend { BALANCER_NONE, BALANCER_YANET };
/* Bits: several may announce together. */
enum announcer_backend {
	ANNOUNCER_NONE = 0,
	ANNOUNCER_BIRD = 1 << 0,
	ANNOUNCER_BIRD2 = 1 << 1,
	ANNOUNCER_BIRD_LIST = 1 << 2,
	ANNOUNCER_ALL = ANNOUNCER_BIRD | ANNOUNCER_BIRD2 | ANNOUNCER_BIRD_LIST,
};
enum steering { STEERING_OPTION, STEERING_MARK };
enum { APP_MAX_GROUPS = 64, APP_GROUP_NAME_BYTES = 33, APP_MAX_CPUS = 1024 };

enum tls_version { TLS_V1_0, TLS_V1_1, TLS_V1_2, TLS_V1_3 };

struct app_config {
	struct {
		enum log_level level;       /* info */
		enum log_encoding encoding; /* meaning only if encoding_is_set */
		bool encoding_is_set;
	} logging;
	bool enable_per_service_metrics;
	enum tls_version tls_min_version; /* 1.2 */
	enum tls_version tls_max_version; /* meaning only if tls_max_version_is_set */
	bool tls_max_version_is_set;
	bool stop_keeps; /* on_exit: keep */
	struct {
		uint32_t backend;               /* set of enum announcer_backend */
		uint64_t update_period_ns;      /* 50 ms */
		uint64_t withdraw_wait_ns;      /* 500 ms */
		uint64_t announce_hold_ns;      /* 0 */
		uint32_t max_announces_per_min; /* 0 = off */
		char *require_local_address;    /* interface that must have the VIP; "": off */
		uint32_t n_groups;              /* 1: "default" */
		char groups[APP_MAX_GROUPS][APP_GROUP_NAME_BYTES];
	} announcer;
	struct {
		uint32_t batch_size; /* 1024, 1..4096 */
		char *sock_dir;      /* /run/bird */
	} bird;
	struct {
		char *dir;               /* /run/alived/bird: one file per announce group */
		char *ctl_sock;          /* /run/bird/bird.ctl */
		bool durable;            /* no: the directory is a tmpfs */
		bool disables_group;     /* on_config_error: disable_group */
		uint64_t coalesce_up_ns; /* 100 ms */
	} bird2;
	struct {
		/* the names are anycast_healthchecker's; [0] IPv4, [1] IPv6 */
		char *ctl_sock;           /* /run/bird/bird.ctl */
		char *conf[2];            /* the file that BIRD includes */
		char *variable[2];        /* ACAST_PS_ADVERTISE, ACAST6_PS_ADVERTISE */
		struct addr dummy[2];     /* ADDR_UNSET: none */
		bool keep_changes;        /* a copy of each file that is replaced */
		uint32_t changes_counter; /* 128: how many copies */
		bool purges;              /* yes: prefixes of no service are dropped at start */
		bool durable;             /* yes: the files outlive a reboot */
		uint64_t coalesce_up_ns;  /* 100 ms */
		char *disable_on_config_error; /* "": nothing; else a protocol or a pattern */
	} bird_list;
	struct {
		enum balancer_backend backend;
		uint64_t flush_period_ns;       /* 50 ms; 0 = no limit */
		uint64_t sync_states_period_ns; /* 5 s */
	} balancer;
	struct {
		char *control_plane_sock_path; /* /run/yanet/protocontrolplane.sock */
	} yanet;
	struct {
		char *path;      /* services file; unset: /etc/alived/services.conf */
		char *dump_path; /* NULL: no dump */
	} services_config;
	struct {
		/* each: ADDRESS:PORT in canonical form, the address a literal; "": listener off */
		char *http_addr;    /* [::1]:14080 */
		char *grpc_addr;    /* [::1]:14081 */
		char *metrics_addr; /* [::1]:14082 */
		char *unix_sock;    /* /run/alived/alived.sock; "": off */
	} server;
	struct {
		bool is_present;    /* the section exists */
		bool run_check_tun; /* default: is_present */
		uint16_t nfqueue;
		uint32_t max_queue_len;
		uint32_t max_packet_len;
		uint64_t write_timeout_ns;
		struct addr ipv4_bind, ipv6_bind; /* ADDR_UNSET: kernel chooses */
		uint32_t worker_num;
		uint32_t socket_buffer;
		uint32_t receive_buffer;
		enum steering steering;
		uint32_t mark_mask, mark_base;
	} check_tun;
	struct {
		bool enabled;
		char *replace_mh_with; /* "" */
		bool enable_tls_sni;
		bool enable_tls_sni_is_set;
	} experiments;
	struct {
		uint64_t lag_guard_ns; /* 200 ms */
		uint32_t unknown_max;  /* 5 */
	} checks;
	struct {
		uint32_t count; /* 0: decisions 9 */
		bool has_cpus;
		uint8_t cpus[APP_MAX_CPUS / 8]; /* bit set */
	} workers;
	struct {
		uint64_t max_hold_ns;          /* 60 s; 0 = never blind */
		uint64_t max_hold_answered_ns; /* 10 s */
		uint32_t min_hosts;            /* 20 */
		uint32_t percent;              /* 80 */
	} blind;
	struct {
		uint32_t max_remove; /* 0 = off: most reals removed by verdict at once */
	} safety;
	struct {
		char *path;
		uint64_t period_ns;
		uint64_t max_age_ns;
	} state;
};

/* Reads and checks the file. Reports errors and warnings to d (made over src). Returns 0 with
 * *ret_config (free with app_config_free), APP_CONFIG_BAD if d has errors, or a negative errno if
 * the file cannot be read (also reported). Main thread. */
enum { APP_CONFIG_BAD = 1 };
MUST_CHECK int app_config_load(const char *path, struct source *src, struct diag *d,
			       struct app_config **ret_config);
/* The same for text in memory, under a made-up path. */
MUST_CHECK int app_config_load_text(const char *path, const char *text, size_t len,
				    struct source *src, struct diag *d,
				    struct app_config **ret_config);
void app_config_free(struct app_config *c);
/* Of a set: "none", "bird", "bird,bird2". */
const char *app_config_announcer_text(uint32_t backends);
/* Names the keys that differ between two configurations: all of them take effect at start only
 * (decisions 46). Returns a malloc'd text like "server.http_addr, workers.count" or "" if none;
 * NULL if out of memory. */
char *app_config_restart_keys(const struct app_config *before, const struct app_config *after);
