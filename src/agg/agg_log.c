#include "agg/agg_log.h"

#include "base/log.h"
#include "base/str.h"
#include "config/gen.h"
#include "config/name.h"
#include "net/tls_text.h"

static const char *const real_events[] = {
	[STATE_UNDECIDED] = "real_undecided",
	[STATE_UP] = "real_up",
	[STATE_DOWN] = "real_down",
};

static const char *const service_events[] = {
	[STATE_UNDECIDED] = "service_undecided",
	[STATE_UP] = "service_up",
	[STATE_DOWN] = "service_down",
};

static const char *const prefix_events[] = {
	[STATE_UNDECIDED] = "prefix_undecided",
	[STATE_UP] = "prefix_announce",
	[STATE_DOWN] = "prefix_withdraw",
};

static enum log_level level_of(enum state to)
{
	return to == STATE_DOWN ? LOG_WARN : LOG_INFO;
}

static void service_text(const struct agg_log *log, uint32_t service, char out[NAME_BYTES])
{
	name_service(log->generation, service, out);
}

static const char *code_text(const struct result *result)
{
	return result ? check_code_text((enum check_code)result->code) : "none";
}

void agg_log_check(void *ctx, uint32_t check, enum state from, enum state to,
		   const struct result *result)
{
	const struct agg_log *log = ctx;
	const struct check_spec *c;
	char service[NAME_BYTES], real[NAME_BYTES];

	if (!log_enabled(LOG_DEBUG) || !gen_check_in_use(log->generation, check))
		return;
	c = &log->generation->checks[check];
	service_text(log, log->generation->reals[c->real].service, service);
	name_real(log->generation, c->real, real);
	LOG(LOG_DEBUG, "quorum", "check_changed", LF_STR("service", service), LF_STR("real", real),
	    LF_STR("type", check_kind_text((enum check_kind)c->kind)),
	    LF_STR("from", state_text(from)), LF_STR("to", state_text(to)),
	    LF_STR("code", code_text(result)));
}

/* NULL: the check has but one. */
static const char *url_text(const struct agg_log *log, uint32_t check, const struct result *r)
{
	return gen_url_path(log->generation, gen_profile(log->generation, check),
			    (uint32_t)r->flags >> RESULT_URL_SHIFT);
}

static void log_real_by_result(const struct agg_log *log, uint32_t real, enum state to,
			       uint32_t check, const struct result *r, uint32_t held_s)
{
	const struct check_row *row = state_check(log->tables, check);
	const struct check_profile *p = gen_profile(log->generation, check);
	const struct check_spec *c = &log->generation->checks[check];
	const char *url = url_text(log, check, r);
	char service[NAME_BYTES], name[NAME_BYTES];

	service_text(log, log->generation->reals[real].service, service);
	name_real(log->generation, real, name);
	const struct log_field fields[] = {
		LF_STR("service", service),
		LF_STR("real", name),
		LF_STR("type", check_kind_text((enum check_kind)c->kind)),
		LF_STR("code", code_text(r)),
		LF_STR("layer", check_layer_text((enum check_layer)r->layer)),
		LF_U64("detail", r->detail),
		LF_STR("text", tls_text_detail((enum check_code)r->code, r->detail)),
		LF_U64("run", to == STATE_DOWN ? row->bad_run : row->good_run),
		LF_U64("needed", to == STATE_DOWN ? p->fall : p->rise),
		LF_U64("took_us", r->total_us),
		LF_U64("held_s", held_s),
		LF_U64("weight", state_real(log->tables, real)->wanted_weight),
		LF_STR("url", url),
	};

	if (log_enabled(level_of(to)))
		log_write(level_of(to), "quorum", real_events[to], fields,
			  ARRAY_LEN(fields) - (url ? 0 : 1));
}

void agg_log_real(void *ctx, uint32_t real, enum state from, enum state to, uint32_t check,
		  const struct result *result, uint32_t held_s)
{
	const struct agg_log *log = ctx;
	char service[NAME_BYTES], name[NAME_BYTES];

	if (!gen_real_in_use(log->generation, real))
		return;
	if (result && gen_check_in_use(log->generation, check)) {
		log_real_by_result(log, real, to, check, result, held_s);
		return;
	}
	service_text(log, log->generation->reals[real].service, service);
	name_real(log->generation, real, name);
	LOG(level_of(to), "quorum", real_events[to], LF_STR("service", service),
	    LF_STR("real", name), LF_STR("from", state_text(from)),
	    LF_STR("reason",
		   real_reason_text((enum real_reason)state_real(log->tables, real)->reason)),
	    LF_U64("held_s", held_s));
}

void agg_log_drain(void *ctx, uint32_t real, bool begins, const struct result *result)
{
	const struct agg_log *log = ctx;
	char service[NAME_BYTES], name[NAME_BYTES];

	if (!gen_real_in_use(log->generation, real))
		return;
	service_text(log, log->generation->reals[real].service, service);
	name_real(log->generation, real, name);
	LOG(LOG_INFO, "quorum", begins ? "real_drained" : "real_drain_over",
	    LF_STR("service", service), LF_STR("real", name),
	    LF_STR("reason",
		   real_reason_text((enum real_reason)state_real(log->tables, real)->reason)),
	    LF_U64("status", result ? result->detail : 0),
	    LF_U64("weight", state_real(log->tables, real)->wanted_weight));
}

void agg_log_service(void *ctx, uint32_t service, enum state from, enum state to)
{
	const struct agg_log *log = ctx;
	const struct service_row *row = state_service(log->tables, service);
	char name[NAME_BYTES];

	if (!gen_service_in_use(log->generation, service))
		return;
	service_text(log, service, name);
	LOG(level_of(to), "quorum", service_events[to], LF_STR("service", name),
	    LF_STR("from", state_text(from)), LF_U64("weight", row->weight),
	    LF_U64("quorum", log->generation->services[service].quorum),
	    LF_U64("hysteresis", log->generation->services[service].hysteresis),
	    LF_U64("reals_up", row->n_up), LF_U64("reals_undecided", row->n_undecided));
}

void agg_log_prefix(void *ctx, uint32_t prefix, enum state from, enum state to)
{
	const struct agg_log *log = ctx;
	const struct prefix_row *row = state_prefix(log->tables, prefix);

	if (!gen_prefix_in_use(log->generation, prefix))
		return;
	LOG(level_of(to), "quorum", prefix_events[to],
	    LF_ADDR("prefix", &log->generation->prefixes[prefix].vip, 0),
	    LF_STR("from", state_text(from)), LF_STR("reason", prefix_reason_text(row)),
	    LF_U64("members", row->n_members), LF_U64("joined", row->n_joined),
	    LF_U64("joined_up", row->n_joined_up));
}

void agg_log_service_alarm(void *ctx, uint32_t service, enum fleet_alarm alarm, bool begins)
{
	static const char *const texts[] = {
		[FLEET_ALARM_UNSERVED] = "announced, this service never served",
		[FLEET_ALARM_PANIC] = "panic hold keeps reals that failed",
		[FLEET_ALARM_SCALED] = "weights are sent scaled down: their sum is too large",
	};
	const struct agg_log *log = ctx;
	char name[NAME_BYTES];

	if (!gen_service_in_use(log->generation, service))
		return;
	service_text(log, service, name);
	LOG(begins ? LOG_WARN : LOG_INFO, "quorum", begins ? "service_alarm" : "service_alarm_over",
	    LF_STR("service", name), LF_STR("alarm", texts[alarm]));
}

void agg_log_blind(void *ctx, bool is_blind, uint32_t n_hosts, uint32_t n_bad)
{
	(void)ctx;
	LOG(is_blind ? LOG_ERROR : LOG_WARN, "quorum", is_blind ? "blind_begins" : "blind_ends",
	    LF_U64("hosts", n_hosts), LF_U64("bad", n_bad));
}

void agg_log_unknown(void *ctx, uint32_t check, const struct result *result, bool begins)
{
	const struct agg_log *log = ctx;
	char service[NAME_BYTES], real[NAME_BYTES];
	uint32_t slot;

	if (!log_enabled(LOG_DEBUG) || !gen_check_in_use(log->generation, check))
		return;
	slot = log->generation->checks[check].real;
	service_text(log, log->generation->reals[slot].service, service);
	name_real(log->generation, slot, real);
	LOG(LOG_DEBUG, "quorum", begins ? "check_unknown" : "check_known_again",
	    LF_STR("service", service), LF_STR("real", real), LF_STR("code", code_text(result)),
	    LF_U64("detail", result ? result->detail : 0));
}
