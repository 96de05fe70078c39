/* The prefixes that the daemon has, one row each, sorted by group and address. One thread. */
#pragma once

#include "base/addr.h"
#include "config/app_config.h"
#include "ctl/ctl_cmd.h"
#include "model/announce_row.h"

enum { CTL_ANNOUNCE_WORD_BYTES = 24, CTL_ANNOUNCE_PREFIX_BYTES = ADDR_TEXT_BYTES + 5 };

struct ctl_announce_row {
	struct addr vip;
	char group[APP_GROUP_NAME_BYTES];
	char state[CTL_ANNOUNCE_WORD_BYTES]; /* announced, withdrawn, undecided */
	char sent[CTL_ANNOUNCE_WORD_BYTES];  /* what the backends have accepted */
	/* what each has accepted, by its bit in enum announcer_backend; "": it is not in use, or
	 * the only one */
	char accepted[ANNOUNCE_MAX_BACKENDS][CTL_ANNOUNCE_WORD_BYTES];
	char reason[CTL_ANNOUNCE_WORD_BYTES];
	char since[CTL_ANNOUNCE_WORD_BYTES]; /* RFC 3339, "": never */
	int64_t now_s;
};

struct ctl_announce_rows {
	struct ctl_announce_row *at;
	size_t n, cap;
};

/* Asks the daemon; says on stderr what is wrong. *r needs ctl_announce_rows_deinit in any case. */
MUST_CHECK enum ctl_exit ctl_announce_rows_get(const struct ctl_opts *o,
					       struct ctl_announce_rows *r);
void ctl_announce_rows_deinit(struct ctl_announce_rows *r);
/* "192.0.2.1/32" */
void ctl_announce_rows_prefix(const struct addr *vip, char out[CTL_ANNOUNCE_PREFIX_BYTES]);
/* The address of "192.0.2.1/32", or of "tcp/[2001:db8::1]:80" behind its protocol. False: none. */
MUST_CHECK bool ctl_announce_rows_parse_prefix(const char *text, struct addr *ret);
MUST_CHECK bool ctl_announce_rows_parse_service(const char *text, struct addr *ret);
/* Part, for tests: the rows of an answer of /v1/services. */
MUST_CHECK bool ctl_announce_rows_read(const char *text, size_t len, struct ctl_announce_rows *r);
