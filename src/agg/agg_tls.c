#include "agg/agg_tls.h"

#include "base/clk.h"
#include "base/log.h"
#include "config/gen.h"
#include "config/gen_diff.h"
#include "config/name.h"

enum { DAY_S = 86400 };

static void tell(const struct agg_log *log, const struct result *r, bool is_soon, uint64_t wall_s)
{
	const struct generation *g = log->generation;
	const struct check_spec *c = &g->checks[r->check];
	uint64_t left_s = r->cert_expiry_s > wall_s ? r->cert_expiry_s - wall_s : 0;
	char service[NAME_BYTES], real[NAME_BYTES], until[CLK_TEXT_BYTES];

	name_service(g, g->reals[c->real].service, service);
	name_real(g, c->real, real);
	clk_format_utc(r->cert_expiry_s * CLK_S, until);
	LOG(is_soon ? LOG_WARN : LOG_INFO, "agg",
	    is_soon ? "certificate_expires" : "certificate_renewed", LF_STR("service", service),
	    LF_STR("real", real), LF_STR("type", check_kind_text((enum check_kind)c->kind)),
	    LF_STR("until", until), LF_U64("days_left", left_s / DAY_S));
}

void agg_tls_result(struct tls_facts *f, const struct agg_log *log, const struct result *r)
{
	const struct generation *g = log->generation;
	const struct check_extras *x;
	enum tls_facts_change change;
	uint64_t wall_s;

	if (!r->tls_version || !gen_check_in_use(g, r->check) ||
	    g->check_sequence[r->check] != r->sequence)
		return;
	wall_s = clk_wall_ns() / CLK_S;
	x = gen_extras(g, gen_profile(g, r->check));
	change = tls_facts_note(f, r, x ? x->expire_warn_days : 0, wall_s);
	if (change != TLS_FACTS_SAME)
		tell(log, r, change == TLS_FACTS_EXPIRES_SOON, wall_s);
}

void agg_tls_adopt(struct tls_facts *f, const struct gen_diff *diff)
{
	for (uint32_t i = 0; i < diff->checks.removed.n; i++)
		tls_facts_forget(f, diff->checks.removed.at[i]);
}
