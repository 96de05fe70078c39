#include "api/status.h"

#include "config/app_config.h"

const char *status_method_text(unsigned lvs_method)
{
	static const char *const texts[] = {
		[LVS_TUN] = "TUN", [LVS_GRE] = "GRE", [LVS_DR] = "DR", [LVS_NAT] = "NAT"};

	return lvs_method < ARRAY_LEN(texts) ? texts[lvs_method] : "?";
}

const char *status_proto_text(unsigned l4_proto)
{
	return l4_proto == L4_UDP ? "UDP" : "TCP";
}

const char *status_group_name(const struct app_config *app, unsigned group)
{
	return group > 0 && group <= app->announcer.n_groups ? app->announcer.groups[group - 1]
							     : "";
}

static void put_address(struct jsonout *j, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];

	addr_format(a, text);
	jsonout_kstr(j, key, text);
}

static void put_duration(struct jsonout *j, const char *key, uint64_t ns)
{
	jsonout_key(j, key);
	jsonout_duration(j, ns);
}

static void begin(struct walk *w)
{
	jsonout_open(&w->out, '{');
	jsonout_key(&w->out, "update_timestamp");
	jsonout_time(&w->out, w->gen->loaded_wall_ns);
	jsonout_key(&w->out, "status");
	jsonout_open(&w->out, '[');
}

static void end(struct walk *w)
{
	jsonout_close(&w->out, ']');
	jsonout_close(&w->out, '}');
}

static void service(struct walk *w)
{
	const struct service_spec *spec = w->service.spec;
	const struct service_row *row = &w->service.row;
	const struct service_names *names = &w->gen->service_names[spec->names];
	struct jsonout *j = &w->out;

	jsonout_open(j, '{');
	put_address(j, "vip", &spec->vip);
	if (spec->flags & SERVICE_HAS_PORT)
		jsonout_ku64(j, "port", spec->port);
	jsonout_kstr(j, "protocol", status_proto_text(spec->proto));
	jsonout_kstr(j, "lvs_method", status_method_text(spec->lvs_method));
	jsonout_ku64(j, "quorum_state", row->state == STATE_UP);
	jsonout_ku64(j, "alive_count", row->alive_count);
	jsonout_ku64(j, "alive_weight", row->weight);
	jsonout_ku64(j, "transitions", row->transitions);
	jsonout_ku64(j, "fwmark", spec->fwmark);
	jsonout_kstr(j, "announce_group", status_group_name(w->app, spec->group));
	jsonout_kstr(j, "ipv4_outer_source_network",
		     gen_str(w->gen, names->ipv4_outer_source_network));
	jsonout_kstr(j, "ipv6_outer_source_network",
		     gen_str(w->gen, names->ipv6_outer_source_network));
	jsonout_key(j, "rs");
	jsonout_open(j, '[');
}

static void service_end(struct walk *w)
{
	const struct service_names *names = &w->gen->service_names[w->service.spec->names];

	jsonout_close(&w->out, ']');
	jsonout_kstr(&w->out, "quorum_up", gen_str(w->gen, names->quorum_up));
	jsonout_close(&w->out, '}');
}

static bool carries_traffic(const struct real_row *row)
{
	return (row->flags & REAL_ROW_ENABLED) && !(row->flags & REAL_ROW_INHIBITED);
}

static unsigned shown_weight(const struct walk_real *r)
{
	if (carries_traffic(&r->row))
		return r->row.wanted_weight;
	return r->row.state == STATE_UNDECIDED ? 0 : r->spec->weight;
}

static void real(struct walk *w)
{
	const struct real_spec *spec = w->real.spec;
	struct jsonout *j = &w->out;

	jsonout_open(j, '{');
	put_address(j, "ip", &spec->ip);
	if (spec->flags & REAL_HAS_PORT)
		jsonout_ku64(j, "port", spec->port);
	jsonout_ku64(j, "alive", carries_traffic(&w->real.row));
	jsonout_ku64(j, "weight", shown_weight(&w->real));
	jsonout_ku64(j, "transitions", w->real.row.transitions);
	jsonout_key(j, "checkers");
	jsonout_open(j, '[');
}

static void real_end(struct walk *w)
{
	jsonout_close(&w->out, ']');
	jsonout_close(&w->out, '}');
}

static void put_digest(struct jsonout *j, const struct check_profile *p)
{
	char text[2 * sizeof(p->digest) + 1] = "";

	if (p->flags & PROFILE_HAS_DIGEST) {
		for (size_t i = 0; i < sizeof(p->digest); i++)
			snprintf(text + 2 * i, 3, "%02x", p->digest[i]);
	}
	jsonout_kstr(j, "digest", text);
}

static void put_request(struct walk *w, const struct check_profile *p)
{
	struct jsonout *j = &w->out;

	jsonout_kstr(j, "path", gen_str(w->gen, p->path));
	jsonout_ku64(j, "status_code", p->status_code);
	put_digest(j, p);
	if (p->virtualhost != GEN_STR_UNSET)
		jsonout_kstr(j, "virtualhost", gen_str(w->gen, p->virtualhost));
	jsonout_kbool(j, "dynamic_weight", p->flags & PROFILE_DYNAMIC_WEIGHT);
	jsonout_kbool(j, "dynamic_weight_header", p->flags & PROFILE_WEIGHT_IN_HEADER);
	jsonout_ku64(j, "dynamic_weight_coeff", p->weight_coefficient);
}

static void put_target(struct jsonout *j, const struct check_spec *spec,
		       const struct check_profile *p)
{
	put_address(j, "connect_ip", &spec->connect_ip);
	if (spec->connect_port)
		jsonout_ku64(j, "connect_port", spec->connect_port);
	/* the words of the reference's address type for "unset" */
	if (addr_is_unset(&p->bindto))
		jsonout_kstr(j, "bind_ip", "invalid IP");
	else
		put_address(j, "bind_ip", &p->bindto);
}

static void check(struct walk *w)
{
	const struct check_profile *p = w->check.profile;
	const struct check_row *row = &w->check.row;
	struct jsonout *j = &w->out;

	jsonout_open(j, '{');
	jsonout_kstr(j, "type", check_kind_text((enum check_kind)w->check.spec->kind));
	put_target(j, w->check.spec, p);
	put_duration(j, "connect_timeout", p->connect_timeout_ns);
	put_duration(j, "check_timeout", p->check_timeout_ns);
	jsonout_ku64(j, "fwmark", p->fwmark);
	put_request(w, p);
	put_duration(j, "delay_loop", p->interval_ns);
	jsonout_ku64(j, "retries", p->retry);
	put_duration(j, "retry_delay", p->retry_delay_ns);
	jsonout_ku64(j, "alive", check_word_state(row->word) == STATE_UP);
	jsonout_ku64(j, "failed_attempts", row->bad_run);
	jsonout_key(j, "last_check_ts");
	jsonout_time(j, walk_wall_of_10ms(w, row->last_end_10ms));
	jsonout_close(j, '}');
}

const struct walk_view status_view = {
	.begin = begin,
	.service = service,
	.service_end = service_end,
	.real = real,
	.real_end = real_end,
	.check = check,
	.end = end,
};
