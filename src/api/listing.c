#include "api/listing.h"

#include "api/detail.h"
#include "api/status.h"
#include "api/tlsview.h"
#include "config/app_config.h"
#include "config/name.h"
#include "model/history.h"

void listing_override_text(uint32_t override, char out[LISTING_OVERRIDE_BYTES])
{
	static const char *const words[] = {
		[OVERRIDE_NONE] = "auto",      [OVERRIDE_UP] = "up",
		[OVERRIDE_DRAIN] = "drain",    [OVERRIDE_DOWN] = "down",
		[OVERRIDE_WEIGHT] = "weight ", [OVERRIDE_PERCENT] = "weight "};
	enum real_override kind = real_override_kind(override);
	unsigned value = real_override_value(override);

	if (kind == OVERRIDE_WEIGHT)
		snprintf(out, LISTING_OVERRIDE_BYTES, "weight %u", value);
	else if (kind == OVERRIDE_PERCENT)
		snprintf(out, LISTING_OVERRIDE_BYTES, "weight %u%%", value);
	else
		snprintf(out, LISTING_OVERRIDE_BYTES, "%s",
			 (unsigned)kind < ARRAY_LEN(words) ? words[kind] : "?");
}

static void begin_list(struct walk *w, const char *key)
{
	jsonout_open(&w->out, '{');
	jsonout_ku64(&w->out, "generation", w->gen->number);
	jsonout_ktime(&w->out, "now", w->wall_ns);
	jsonout_key(&w->out, key);
	jsonout_open(&w->out, '[');
}

static void begin_services(struct walk *w)
{
	begin_list(w, "services");
}

static void begin_reals(struct walk *w)
{
	begin_list(w, "reals");
}

static void end_list(struct walk *w)
{
	jsonout_close(&w->out, ']');
	jsonout_close(&w->out, '}');
}

static void put_state(struct jsonout *j, unsigned state)
{
	jsonout_kstr(j, "state", state_text((enum state)state));
}

static void put_name(struct walk *w, const char *key, bool is_real)
{
	char text[NAME_BYTES];

	if (is_real)
		name_real(w->gen, w->real.slot, text);
	else
		name_service(w->gen, w->service.slot, text);
	jsonout_kstr(&w->out, key, text);
}

static const char *prefix_state_text(unsigned state)
{
	return state == STATE_UP ? "announced" : state == STATE_DOWN ? "withdrawn" : "undecided";
}

/* By backend, if there are several. */
static void put_accepted(struct walk *w, const struct prefix_row *row)
{
	uint32_t set = w->app->announcer.backend;

	if (!(set & (set - 1)))
		return;
	jsonout_key(&w->out, "accepted");
	jsonout_open(&w->out, '{');
	for (unsigned bit = 0; bit < ANNOUNCE_MAX_BACKENDS; bit++) {
		if (set & 1u << bit)
			jsonout_kstr(&w->out, app_config_announcer_text(1u << bit),
				     prefix_state_text(row->accepted[bit]));
	}
	jsonout_close(&w->out, '}');
}

static void put_prefix(struct walk *w)
{
	uint32_t slot = w->service.spec->prefix;
	struct jsonout *j = &w->out;
	struct prefix_row row = {0};

	jsonout_key(j, "prefix");
	if (slot == SLOT_NONE || !seqrow_read(state_prefix(w->tables, slot), &row, sizeof(row))) {
		jsonout_null(j);
		return;
	}
	if (!(row.flags & PREFIX_ROW_IN_USE))
		row = (struct prefix_row){0};
	jsonout_open(j, '{');
	jsonout_kstr(j, "state", prefix_state_text(row.state));
	jsonout_kstr(j, "sent", prefix_state_text(row.sent));
	put_accepted(w, &row);
	jsonout_kstr(j, "reason", prefix_reason_text(&row));
	jsonout_ku64(j, "members", row.n_members);
	jsonout_ku64(j, "joined", row.n_joined);
	jsonout_ku64(j, "joined_up", row.n_joined_up);
	jsonout_ktime(j, "since", walk_wall_of_s(w, row.since_s));
	jsonout_close(j, '}');
}

static void put_service_counts(struct jsonout *j, const struct walk_service *s)
{
	jsonout_ku64(j, "quorum", s->spec->quorum);
	jsonout_ku64(j, "hysteresis", s->spec->hysteresis);
	jsonout_ku64(j, "weight", s->row.weight);
	jsonout_ku64(j, "weight_pending", s->row.weight_pending);
	jsonout_ku64(j, "reals", s->spec->n_reals);
	jsonout_ku64(j, "enabled", s->row.alive_count);
	jsonout_ku64(j, "up", s->row.n_up);
	jsonout_ku64(j, "undecided", s->row.n_undecided);
	jsonout_ku64(j, "absent", s->row.n_absent);
	jsonout_ku64(j, "transitions", s->row.transitions);
}

static void put_service(struct walk *w)
{
	const struct service_spec *spec = w->service.spec;
	const struct service_row *row = &w->service.row;
	struct jsonout *j = &w->out;

	jsonout_open(j, '{');
	put_name(w, "vs", false);
	jsonout_kstr(j, "method", status_method_text(spec->lvs_method));
	jsonout_kstr(j, "scheduler", gen_str(w->gen, w->gen->service_names[spec->names].scheduler));
	put_state(j, row->state);
	jsonout_ktime(j, "since", walk_wall_of_s(w, row->since_s));
	put_service_counts(j, &w->service);
	jsonout_kbool(j, "panic", row->flags & SERVICE_ROW_PANIC);
	jsonout_kbool(j, "joined", row->flags & SERVICE_ROW_JOINED);
	jsonout_kbool(j, "scaled", row->scale_den != 0);
	jsonout_kstr(j, "announce_group", status_group_name(w->app, spec->group));
	put_prefix(w);
	jsonout_close(j, '}');
}

static void put_real_flags(struct jsonout *j, const struct real_row *row)
{
	static const struct {
		unsigned bit;
		const char *key;
	} keys[] = {
		{REAL_ROW_ENABLED, "enabled"}, {REAL_ROW_HELD, "held"},
		{REAL_ROW_KEPT, "kept"},       {REAL_ROW_INHIBITED, "inhibited"},
		{REAL_ROW_FROZEN, "frozen"},   {REAL_ROW_STATIC, "static"},
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		jsonout_kbool(j, keys[i].key, row->flags & keys[i].bit);
	jsonout_ku64(j, "listed", (unsigned)__builtin_popcount(row->modules_listing));
	jsonout_ku64(j, "in_sync",
		     (unsigned)__builtin_popcount(row->modules_listing & row->modules_in_sync));
}

static void put_real(struct walk *w)
{
	const struct real_spec *spec = w->real.spec;
	const struct real_row *row = &w->real.row;
	char override[LISTING_OVERRIDE_BYTES];
	struct jsonout *j = &w->out;

	listing_override_text(row->override, override);
	jsonout_open(j, '{');
	put_name(w, "vs", false);
	put_name(w, "rs", true);
	jsonout_kstr(j, "method", status_method_text(spec->lvs_method));
	put_state(j, row->state);
	jsonout_ktime(j, "since", walk_wall_of_s(w, row->since_s));
	jsonout_kstr(j, "reason", real_reason_text((enum real_reason)row->reason));
	jsonout_kstr(j, "override", override);
	put_real_flags(j, row);
	jsonout_ku64(j, "weight", spec->weight);
	jsonout_ku64(j, "wanted_weight", row->wanted_weight);
	jsonout_ku64(j, "acked_weight", row->acked_weight);
	jsonout_ku64(j, "checks_not_up", row->checks_not_up);
	jsonout_ku64(j, "transitions", row->transitions);
	jsonout_key(j, "checks");
	jsonout_open(j, '[');
}

static void end_real(struct walk *w)
{
	jsonout_close(&w->out, ']');
	jsonout_close(&w->out, '}');
}

static void put_result(struct jsonout *j, unsigned code, uint32_t us)
{
	jsonout_kstr(j, "code", check_code_text((enum check_code)code));
	jsonout_ku64(j, "duration_us", us);
}

static void put_last(struct walk *w)
{
	const struct check_row *row = &w->check.row;
	enum check_code code = (enum check_code)row->last_code;
	char text[DETAIL_TEXT_BYTES];
	struct jsonout *j = &w->out;
	const char *url;

	jsonout_key(j, "last");
	if (row->last_end_10ms == 0) {
		jsonout_null(j);
		return;
	}
	detail_text(code, row->last_detail, text);
	jsonout_open(j, '{');
	put_result(j, row->last_code, row->last_total_us);
	jsonout_kstr(j, "layer", check_layer_text(check_code_layer(code)));
	jsonout_ku64(j, "detail", row->last_detail);
	jsonout_kstr(j, "text", text);
	url = gen_url_path(w->gen, w->check.profile, row->last_url);
	if (url)
		jsonout_kstr(j, "url", url);
	jsonout_ktime(j, "at", walk_wall_of_10ms(w, row->last_end_10ms));
	jsonout_close(j, '}');
}

static uint8_t read_byte(const uint8_t *at)
{
	/* relaxed: each byte stands for itself; code and duration of the result that is being
	 * written right now may be of two results */
	return atomic_load_explicit((const _Atomic uint8_t *)at, memory_order_relaxed);
}

/* Newest first; the row is a ring and history_at its next place. */
static void put_history(struct walk *w)
{
	const struct history_row *h = state_history(w->tables, w->check.slot);
	unsigned n = ARRAY_LEN(h->at);

	jsonout_key(&w->out, "history");
	jsonout_open(&w->out, '[');
	for (unsigned i = 1; i <= n; i++) {
		unsigned at = (w->check.row.history_at + n - i) % n;
		uint8_t code = read_byte(&h->at[at].code);

		if (code == CODE_NONE)
			break;
		jsonout_open(&w->out, '{');
		put_result(&w->out, code, history_us(read_byte(&h->at[at].log_duration)));
		jsonout_close(&w->out, '}');
	}
	jsonout_close(&w->out, ']');
}

static void put_weight(struct jsonout *j, uint32_t word)
{
	jsonout_key(j, "weight");
	if (check_word_flags(word) & CHECK_ROW_WEIGHT_KNOWN)
		jsonout_u64(j, check_word_weight(word));
	else
		jsonout_null(j);
}

static void put_check(struct walk *w)
{
	const struct check_spec *spec = w->check.spec;
	const struct check_row *row = &w->check.row;
	char connect[NAME_BYTES];
	struct jsonout *j = &w->out;

	name_address(&spec->connect_ip, true, spec->connect_port, connect);
	jsonout_open(j, '{');
	jsonout_kstr(j, "type", check_kind_text((enum check_kind)spec->kind));
	jsonout_kstr(j, "connect", connect);
	jsonout_kstr(j, "path", gen_str(w->gen, w->check.profile->path));
	jsonout_kbool(j, "tunnelled", spec->flags & CHECK_TUNNELLED);
	put_state(j, check_word_state(row->word));
	jsonout_ktime(j, "since", walk_wall_of_s(w, row->since_s));
	put_weight(j, row->word);
	jsonout_kbool(j, "drained", check_word_flags(row->word) & CHECK_ROW_DRAIN);
	jsonout_ku64(j, "fall", w->check.profile->fall);
	jsonout_ku64(j, "rise", w->check.profile->rise);
	jsonout_ku64(j, "bad_run", row->bad_run);
	jsonout_ku64(j, "good_run", row->good_run);
	jsonout_ku64(j, "unknown_run", row->unknown_run);
	jsonout_ku64(j, "failures", row->failures);
	tlsview_json(w);
	put_last(w);
	put_history(w);
	jsonout_close(j, '}');
}

const struct walk_view listing_services = {
	.begin = begin_services,
	.service = put_service,
	.end = end_list,
};

const struct walk_view listing_reals = {
	.begin = begin_reals,
	.real = put_real,
	.real_end = end_real,
	.check = put_check,
	.end = end_list,
};
