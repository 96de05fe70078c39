/* One request to the daemon over its unix socket. */
#pragma once

#include "ctl/ctl_cmd.h"

struct ctl_http_answer {
	unsigned status;
	char *body; /* malloc'd, NUL-terminated */
	size_t len;
};
void ctl_http_answer_deinit(struct ctl_http_answer *a);

enum { CTL_HTTP_TIMEOUT_S = 60, CTL_HTTP_MAX_BYTES = 1 << 30 };

/* body NULL: a GET, else a POST. On failure says why on stderr. Returns CTL_EXIT_OK with an answer
 * of whatever status, CTL_EXIT_NO_DAEMON if nobody listens or the connection broke,
 * CTL_EXIT_REFUSED if we may not connect. */
MUST_CHECK enum ctl_exit ctl_http_call(const char *sock, const char *path, const char *body,
				       struct ctl_http_answer *ret);
/* The same, and an answer of 400 or above is printed (as it is with is_json) and is
 * CTL_EXIT_REFUSED. */
MUST_CHECK enum ctl_exit ctl_http_get(const struct ctl_opts *o, const char *path,
				      struct ctl_http_answer *ret);
MUST_CHECK enum ctl_exit ctl_http_post(const struct ctl_opts *o, const char *path, const char *body,
				       struct ctl_http_answer *ret);
/* text with every byte that an address does not carry as %XX; cut if it does not fit. */
void ctl_http_escape(const char *text, char *out, size_t bytes);
