#include "config/services_check.h"

#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "config/dump.h"

#define VALUE(field) offsetof(struct services_values, field)

static const char *const schedulers[] = {"rr", "wrr", "wlc", "chash", "purr"};

static const struct services_node *node_of(const struct services_run *run, uint32_t node)
{
	return &run->tree.nodes[node];
}

void services_check_report(struct services_run *run, enum diag_severity severity, uint32_t node,
			   size_t offset, const char *hint, const char *message)
{
	unsigned before =
		severity == DIAG_ERROR ? diag_errors(run->diag) : diag_warnings(run->diag);
	source_pos pos = SOURCE_NOWHERE;
	uint32_t len = 0;

	if (before < DIAG_MAX_SHOWN) /* the rest is counted only */
		services_tree_origin(&run->tree, node, offset, &pos, &len);
	diag_report(run->diag, severity, pos, len, hint, "%s", message);
}

/* --- services -------------------------------------------------------------------------------- */

static bool same_service(const void *a, const void *b)
{
	const struct draft_service *x = a, *y = b;

	return addr_eq(&x->vip, &y->vip) && x->port == y->port && x->proto == y->proto &&
	       ((x->flags ^ y->flags) & SERVICE_HAS_PORT) == 0;
}

static int check_repeated_service(struct services_run *run, uint32_t node,
				  const struct draft_service *s)
{
	uint64_t key =
		(uint64_t)s->port << 16 | (uint64_t)s->proto << 8 | (s->flags & SERVICE_HAS_PORT);
	const struct services_node *n = node_of(run, node);
	const struct draft_service *other;
	const void *found;

	TRY(services_seen_add(&run->services, addr_hash(&s->vip, key), s, same_service, &found));
	other = found;
	if (!other)
		return 0;
	diag_report(run->diag, DIAG_ERROR, n->pos, n->len, NULL,
		    "a service with this address, port and protocol exists already");
	diag_note(run->diag, other->pos, "it was defined");
	return 0;
}

/* YANET refuses its whole file for one scheduler that it does not know, and an L3 service with
 * wlc kills it (spec/yanet §11). */
static void check_scheduler(struct services_run *run, const struct services_subject *s,
			    const struct draft_service *service)
{
	const char *name;
	bool is_known = false;

	if (!run->app->services_config.dump_path)
		return;
	name = dump_scheduler(service->scheduler, service->flags & SERVICE_OPS, run->app);
	for (size_t i = 0; i < ARRAY_LEN(schedulers); i++)
		is_known |= strcmp(name, schedulers[i]) == 0;
	if (!is_known && service->scheduler[0])
		services_check_report(run, DIAG_ERROR, s->node, VALUE(service.lvs_sched),
				      "YANET knows rr, wrr, wlc, chash and purr",
				      "YANET refuses the dumped file with this scheduler");
	else if (!is_known)
		services_check_report(
			run, DIAG_ERROR, s->node, VALUE(service.lvs_sched),
			"write lvs_sched: rr, wrr, wlc, chash or purr",
			"YANET refuses the dumped file with a service that has no scheduler");
	else if (strcmp(name, "wlc") == 0 && !(service->flags & SERVICE_HAS_PORT))
		services_check_report(
			run, DIAG_ERROR, s->node, VALUE(service.lvs_sched), NULL,
			"wlc on a service without a port kills YANET's control plane");
}

int services_check_service(struct services_run *run, const struct services_subject *s,
			   const struct draft_service *service)
{
	check_scheduler(run, s, service);
	if (node_of(run, s->node)->is_broken)
		return 0;
	return err_trace(check_repeated_service(run, s->node, service));
}

void services_check_quorum(struct services_run *run, uint32_t node, const struct draft_service *s)
{
	uint64_t weights = 0;
	char text[160];

	if (diag_errors(run->diag))
		return; /* what is missing may be what was refused */
	for (const struct draft_real *r = s->reals; r; r = r->next)
		weights += r->weight;
	if (s->quorum == 0 && s->hysteresis == 0)
		services_check_report(run, DIAG_WARNING, node, VALUE(service.quorum), NULL,
				      "quorum 0 without hysteresis: the service is always up");
	else if (s->hysteresis && s->hysteresis >= s->quorum)
		services_check_report(
			run, DIAG_WARNING, node, VALUE(service.hysteresis), NULL,
			"hysteresis is not below quorum: once up, only weight 0 takes it down");
	if ((uint64_t)s->quorum + s->hysteresis <= weights)
		return;
	snprintf(text, sizeof(text),
		 "quorum and hysteresis are more than all configured weights together (%ju): "
		 "the service never comes up",
		 (uintmax_t)weights);
	services_check_report(run, DIAG_WARNING, node, VALUE(service.quorum), NULL, text);
}

/* --- reals ----------------------------------------------------------------------------------- */

static bool same_real(const void *a, const void *b)
{
	const struct draft_real *x = a, *y = b;

	return addr_eq(&x->ip, &y->ip) && x->port == y->port &&
	       ((x->flags ^ y->flags) & REAL_HAS_PORT) == 0;
}

static int check_repeated_real(struct services_run *run, uint32_t node, const struct draft_real *r)
{
	uint64_t key = (uint64_t)r->port << 1 | (r->flags & REAL_HAS_PORT);
	const struct services_node *n = node_of(run, node);
	const struct draft_real *other;
	const void *found;

	TRY(services_seen_add(&run->reals, addr_hash(&r->ip, key), r, same_real, &found));
	other = found;
	if (!other)
		return 0;
	diag_report(run->diag, DIAG_ERROR, n->pos, n->len, NULL,
		    "this service has a real server with this address and port already");
	diag_note(run->diag, other->pos, "it was defined");
	return 0;
}

int services_check_real(struct services_run *run, const struct services_subject *s,
			const struct draft_service *service, const struct draft_real *real)
{
	const struct services_node *n = node_of(run, s->node);
	bool is_forwarded_bare = real->lvs_method == LVS_DR || real->lvs_method == LVS_NAT;

	if (n->is_broken)
		return 0;
	if (is_forwarded_bare && !node_of(run, n->parent)->is_broken &&
	    addr_is_v4(&real->ip) != addr_is_v4(&service->vip))
		diag_report(run->diag, DIAG_ERROR, n->pos, n->len,
			    "TUN and GRE forward across families",
			    "the real server's address family is not the VIP's");
	return err_trace(check_repeated_real(run, s->node, real));
}

/* --- checks ---------------------------------------------------------------------------------- */

static void check_target(struct services_run *run, const struct services_subject *s,
			 const struct draft_service *service, const struct draft_real *real,
			 const struct draft_check *c)
{
	bool is_vip = addr_eq(&c->connect_ip, &service->vip);

	if (!c->is_tunnelled && is_vip && real->lvs_method != LVS_NAT &&
	    !addr_eq(&c->connect_ip, &real->ip))
		services_check_report(
			run, DIAG_ERROR, s->node, VALUE(check.connect_ip),
			"set check_tun.run_check_tun, or leave connect_ip out",
			"an untunnelled check of the VIP tests whoever owns it, not this server");
	if (!c->is_tunnelled || is_vip)
		return;
	if (addr_is_v4(&c->connect_ip) != addr_is_v4(&service->vip))
		services_check_report(
			run, DIAG_ERROR, s->node, VALUE(check.connect_ip), NULL,
			"connect_ip of a tunnelled check is not of the VIP's address family");
	else
		services_check_report(run, DIAG_WARNING, s->node, VALUE(check.connect_ip), NULL,
				      "a tunnelled check goes to another address than the VIP");
}

static void check_times(struct services_run *run, uint32_t node, const struct check_profile *p)
{
	if (p->jitter_ns >= p->interval_ns)
		services_check_report(run, DIAG_ERROR, node, VALUE(inherited.jitter_ns), NULL,
				      "jitter must be less than delay_loop");
	if (p->check_timeout_ns > p->interval_ns)
		services_check_report(
			run, DIAG_WARNING, node, VALUE(inherited.delay_loop_ns), NULL,
			"a check may take longer than delay_loop: the next one is skipped then");
}

static void check_kind(struct services_run *run, const struct services_subject *s,
		       const struct draft_check *c)
{
	const struct services_node *n = node_of(run, s->node);

	if (c->profile.fwmark && c->is_tunnelled)
		services_check_report(run, DIAG_WARNING, s->node, VALUE(fwmark), NULL,
				      "fwmark has no effect on a tunnelled check");
	if (n->block != BLOCK_TCP)
		return;
	if (s->values->check.dynamic_weight_enable)
		services_check_report(run, DIAG_WARNING, s->node,
				      VALUE(check.dynamic_weight_enable), NULL,
				      "a TCP check gives no weight");
	if (n->n_urls)
		diag_report(run->diag, DIAG_WARNING, n->pos, n->len, NULL,
			    "url has no effect in TCP_CHECK");
}

void services_check_check(struct services_run *run, const struct services_subject *s,
			  const struct draft_service *service, const struct draft_real *real,
			  const struct draft_check *c)
{
	const struct services_node *n = node_of(run, s->node);
	const struct services_node *up = node_of(run, n->parent);
	const struct check_profile *p = &c->profile;

	check_times(run, s->node, p);
	check_kind(run, s, c);
	if (up->is_broken || node_of(run, up->parent)->is_broken)
		return; /* the default target is unknown */
	check_target(run, s, service, real, c);
	if (!addr_is_unset(&p->bindto) && addr_is_v4(&p->bindto) != addr_is_v4(&c->connect_ip))
		services_check_report(run, DIAG_ERROR, s->node, VALUE(check.bindto), NULL,
				      "bindto is not of connect_ip's address family");
	if (c->connect_port == 0)
		diag_report(run->diag, DIAG_ERROR, n->pos, n->len, "write connect_port",
			    "nothing says which port to check: neither check, real nor service");
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_check(const void *a, const void *b)
{
	const struct draft_check *x = a, *y = b;

	return addr_eq(&x->connect_ip, &y->connect_ip) && x->connect_port == y->connect_port &&
	       memcmp(&x->profile, &y->profile, sizeof(x->profile)) == 0 &&
	       same_text(x->path, y->path) && same_text(x->virtualhost, y->virtualhost) &&
	       x->extras == y->extras;
}

int services_check_repeated(struct services_run *run, uint32_t node,
			    const struct draft_check *check, bool *ret_is_repeated)
{
	uint64_t seed = addr_hash(&check->connect_ip, check->connect_port);
	const struct services_node *n = node_of(run, node);
	const struct draft_check *other;
	const void *found;

	TRY(services_seen_add(&run->checks,
			      hash_bytes(&check->profile, sizeof(check->profile), seed), check,
			      same_check, &found));
	other = found;
	*ret_is_repeated = other;
	if (!other)
		return 0;
	diag_report(run->diag, DIAG_WARNING, n->pos, n->len, NULL,
		    "the same check stands there twice: one is kept");
	diag_note(run->diag, other->pos, "the other is");
	return 0;
}
