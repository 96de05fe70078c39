#include "config/services_inherit.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/services_check.h"
#include "config/services_extras.h"
#include "config/services_group.h"
#include "config/services_http.h"

static const uint64_t default_timeout_ns = UINT64_C(5000000000);

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

static void fill_service(struct draft_service *s, const struct services_node *n,
			 const struct services_values *v)
{
	s->vip = n->addr;
	s->port = n->port;
	s->proto = v->service.protocol;
	s->lvs_method = v->inherited.lvs_method;
	s->flags = (uint8_t)((n->has_port ? SERVICE_HAS_PORT : 0) |
			     (v->service.ops ? SERVICE_OPS : 0));
	s->panic_threshold = (uint8_t)v->service.panic_threshold;
	s->quorum = v->service.quorum;
	s->hysteresis = v->service.hysteresis;
	s->fwmark = v->fwmark;
	s->scheduler = text_or_empty(v->service.lvs_sched);
	s->quorum_up = text_or_empty(v->service.quorum_up);
	s->virtualhost = v->inherited.virtualhost;
	s->version = v->service.version;
	s->ipv4_outer_source_network = text_or_empty(v->service.ipv4_outer_source_network);
	s->ipv6_outer_source_network = text_or_empty(v->service.ipv6_outer_source_network);
	s->pos = n->pos;
}

static void fill_real(struct draft_real *r, const struct services_node *n,
		      const struct services_values *v)
{
	static const uint8_t init_flags[] = {
		[INIT_AUTO] = 0,
		[INIT_UP] = REAL_INIT_UP,
		[INIT_DOWN] = REAL_INIT_DOWN,
	};

	r->ip = n->addr;
	r->port = n->port;
	r->weight = (uint16_t)v->inherited.weight;
	r->lvs_method = v->inherited.lvs_method;
	r->flags = (uint8_t)((n->has_port ? REAL_HAS_PORT : 0) |
			     (v->inherited.inhibit_on_failure ? REAL_INHIBIT : 0) |
			     init_flags[v->inherited.init_state]);
	r->pos = n->pos;
}

static enum check_kind kind_of(const struct services_node *n)
{
	static const uint8_t kinds[BLOCK__N] = {
		[BLOCK_TCP] = CHECK_TCP,
		[BLOCK_HTTP] = CHECK_HTTP,
		[BLOCK_SSL] = CHECK_HTTPS,
		[BLOCK_GRPC] = CHECK_GRPC,
	};

	return kinds[n->block];
}

static const char *virtualhost_of(const struct services_values *v)
{
	return v->url.virtualhost ? v->url.virtualhost : v->inherited.virtualhost;
}

/* The one good status; a list of them stands in the extras. */
static uint16_t single_status(const struct status_set *s)
{
	return s && services_http_is_simple(s) ? s->at[0].first : 0;
}

static bool sends_no_name(const struct app_config *app, const struct services_values *v)
{
	return v->inherited.tls.enable_sni == 0 ||
	       (v->inherited.tls.sni && !v->inherited.tls.sni[0]) ||
	       (app->experiments.enable_tls_sni_is_set && !app->experiments.enable_tls_sni);
}

static bool has_tls_kind(enum check_kind kind)
{
	return kind == CHECK_HTTPS || kind == CHECK_GRPC;
}

static uint8_t profile_flags(const struct app_config *app, enum check_kind kind,
			     const struct services_values *v)
{
	bool is_clear = kind == CHECK_GRPC && !v->check.tls;
	bool has_tls = has_tls_kind(kind) && !is_clear;
	bool is_dynamic = kind != CHECK_TCP && v->check.dynamic_weight_enable;
	const char *name = virtualhost_of(v);
	unsigned flags = 0;

	if (kind == CHECK_TCP && v->inherited.half_open)
		flags |= PROFILE_HALF_OPEN;
	if (is_dynamic)
		flags |= PROFILE_DYNAMIC_WEIGHT;
	if (v->check.dynamic_weight_in_header)
		flags |= PROFILE_WEIGHT_IN_HEADER;
	if (v->url.digest.is_set)
		flags |= PROFILE_HAS_DIGEST;
	if (has_tls && name && name[0] && !sends_no_name(app, v))
		flags |= PROFILE_SNI;
	if (is_clear)
		flags |= PROFILE_TLS_OFF;
	return (uint8_t)flags;
}

static void fill_profile(struct check_profile *p, const struct app_config *app,
			 enum check_kind kind, const struct services_values *v)
{
	uint64_t connect_ns = v->inherited.connect_timeout_ns;

	p->bindto = v->check.bindto;
	p->interval_ns = v->inherited.delay_loop_ns;
	p->retry_delay_ns = v->inherited.delay_before_retry_ns;
	p->jitter_ns = v->inherited.jitter_ns;
	p->connect_timeout_ns = connect_ns ? connect_ns : default_timeout_ns;
	p->check_timeout_ns =
		v->check.check_timeout_ns ? v->check.check_timeout_ns : p->connect_timeout_ns;
	p->fwmark = v->fwmark;
	p->weight_coefficient = v->check.dynamic_weight_coefficient;
	memcpy(p->digest, v->url.digest.md5, sizeof(p->digest));
	p->status_code = single_status(v->url.status);
	p->kind = (uint8_t)kind;
	p->flags = profile_flags(app, kind, v);
	p->retry = (uint8_t)v->inherited.retry;
	p->rise = (uint8_t)v->inherited.rise;
	p->fall = (uint8_t)(v->inherited.fall ? v->inherited.fall : v->inherited.retry + 1);
	if (has_tls_kind(kind) && !(p->flags & PROFILE_TLS_OFF))
		p->tls_min_version = v->inherited.tls.tls_min_version
					     ? (uint8_t)(v->inherited.tls.tls_min_version - 1)
					     : (uint8_t)app->tls_min_version;
}

/* Decisions 17: where the check connects to if the block does not say. */
static void fill_target(struct draft_check *c, const struct app_config *app,
			const struct draft_service *s, const struct draft_real *r,
			const struct services_values *v)
{
	c->is_tunnelled = r->lvs_method != LVS_NAT && app->check_tun.run_check_tun;
	c->connect_ip = v->check.connect_ip;
	if (addr_is_unset(&c->connect_ip))
		c->connect_ip = c->is_tunnelled ? s->vip : r->ip;
	c->connect_port = (uint16_t)v->check.connect_port;
	if (c->connect_port == 0)
		c->connect_port = r->port ? r->port : s->port;
}

static int inherit_check(struct services_run *run, uint32_t node, const struct services_values *up,
			 struct draft_service *s, struct draft_real *r, struct draft_check ***tail)
{
	const struct services_node *n = &run->tree.nodes[node];
	struct services_values v = {.inherited = up->inherited, .check = {.tls = true}};
	struct services_subject subject = {node, &v};
	struct draft_check *c = arena_alloc(run->arena, sizeof(*c));
	bool is_repeated = false;

	if (!c)
		return err_origin(-ENOMEM);
	services_tree_apply(&run->tree, node, &v);
	fill_profile(&c->profile, run->app, kind_of(n), &v);
	fill_target(c, run->app, s, r, &v);
	c->path = v.url.path;
	c->virtualhost = virtualhost_of(&v);
	c->pos = n->pos;
	services_check_check(run, &subject, s, r, c);
	TRY(services_extras_resolve(run, &subject, c));
	if (run->tree.nodes[n->parent].n_children > 1)
		TRY(services_check_repeated(run, node, c, &is_repeated));
	if (is_repeated)
		return 0;
	if (c->profile.flags & PROFILE_DYNAMIC_WEIGHT)
		r->flags |= REAL_HAS_DYNAMIC;
	**tail = c;
	*tail = &c->next;
	run->draft->n_checks++;
	return 0;
}

static void count_static(struct services_run *run, const struct services_node *n)
{
	if (n->n_children || run->n_static++)
		return;
	run->first_static = n->pos;
	run->first_static_len = n->len;
}

static int inherit_real(struct services_run *run, uint32_t node, const struct services_values *up,
			struct draft_service *s, struct draft_real ***tail)
{
	const struct services_node *n = &run->tree.nodes[node];
	struct services_values v = {.inherited = up->inherited};
	struct services_subject subject = {node, &v};
	struct draft_real *r = arena_alloc(run->arena, sizeof(*r));
	struct draft_check **check_tail;
	uint32_t child = n->first_child;

	if (!r)
		return err_origin(-ENOMEM);
	check_tail = &r->checks;
	services_tree_apply(&run->tree, node, &v);
	fill_real(r, n, &v);
	TRY(services_check_real(run, &subject, s, r));
	services_seen_clear(&run->checks);
	for (; child != TREE_NONE; child = run->tree.nodes[child].next)
		TRY(inherit_check(run, child, &v, s, r, &check_tail));
	count_static(run, n);
	**tail = r;
	*tail = &r->next;
	run->draft->n_reals++;
	return 0;
}

int services_inherit_service(struct services_run *run)
{
	const struct services_node *n = &run->tree.nodes[0];
	struct services_values v = services_schema_defaults;
	struct services_subject subject = {0, &v};
	struct draft_service *s = arena_alloc(run->arena, sizeof(*s));
	struct draft_real **tail;
	uint32_t child = n->first_child;

	if (!s)
		return err_origin(-ENOMEM);
	tail = &s->reals;
	services_tree_apply(&run->tree, 0, &v);
	fill_service(s, n, &v);
	TRY(services_check_service(run, &subject, s));
	TRY(services_group_resolve(run, &subject, s));
	services_seen_clear(&run->reals);
	for (; child != TREE_NONE; child = run->tree.nodes[child].next)
		TRY(inherit_real(run, child, &v, s, &tail));
	services_check_quorum(run, 0, s);
	*(run->last_service ? &run->last_service->next : &run->draft->services) = s;
	run->last_service = s;
	run->draft->n_services++;
	return 0;
}
