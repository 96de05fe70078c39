/* TLS facts on agg's thread: results in, rows and warnings about certificates out. */
#pragma once

#include "agg/agg_log.h"
#include "quorum/tls_facts.h"

struct gen_diff;

/* A result, current or not. */
void agg_tls_result(struct tls_facts *f, const struct agg_log *log, const struct result *r);
/* Another generation was adopted. */
void agg_tls_adopt(struct tls_facts *f, const struct gen_diff *diff);
