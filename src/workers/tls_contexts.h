/* The TLS contexts of a worker: one for each distinct setting that its checks use, whichever
 * generation it comes from. Found by content, so a reload that leaves a setting and its files as
 * they were changes nothing, and one that replaces a file makes a new context with the first check
 * that asks for it. Worker's thread only.
 *
 * A context goes when no check has used it for TLS_CONTEXTS_IDLE_S and there is a newer generation
 * than the one it was used for last. Connections in flight keep theirs.
 */
#pragma once

#include "base/cc.h"

struct tls_ctx;
struct tls_setting;
struct tls_trust;
struct counters;

enum {
	TLS_CONTEXTS_MAX = 1024, /* beyond it the one that was not used longest goes */
	TLS_CONTEXTS_IDLE_S = 60,
};

/* What a check needs. */
struct tls_contexts_want {
	const struct tls_setting *setting;
	const char *const *alpn; /* static storage; NULL: none */
	bool resumes;
	uint32_t generation;
};

struct tls_contexts {
	struct tls_contexts_row *rows;
	uint32_t n, cap;
	struct tls_contexts_trust *trusts; /* certificates trusted, shared by contexts */
	uint32_t n_trusts, cap_trusts;
	uint32_t newest; /* generation seen */
	struct counters *counters;
};

/* Returns 0, -ENOMEM, or -EINVAL if the library refuses what the setting names. *ret_ctx is
 * borrowed, valid until the next call. */
MUST_CHECK int tls_contexts_get(struct tls_contexts *c, const struct tls_contexts_want *want,
				uint64_t now_ns, struct tls_ctx **ret_ctx);
/* Lets go what is not used any more. Cheap: call it now and then. */
void tls_contexts_trim(struct tls_contexts *c, uint64_t now_ns);
void tls_contexts_deinit(struct tls_contexts *c);
