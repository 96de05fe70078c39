/* The control plane of YANET as far as a client can see it (spec/yanet §15): what is configured,
 * what is wanted, what the data plane was told, what RealFind shows.
 *
 *   config   modules → services → reals, in the order of the file; each real has a key and an id
 *   wanted   per key, configured or not; lives until a restart
 *   touched  keys updated since the last flush, and since the last load
 *   applied  per id, what the data plane has; survives a restart and the end of a real
 *   view     config joined with wanted, as of the last flush: what RealFind shows
 */
#pragma once

#include <jansson.h>

#include "base/addr.h"
#include "base/hash.h"

enum { MODEL_NAME_BYTES = 64, MODEL_NONE = -1 };

struct model_ip {
	uint8_t b[16]; /* IPv4 in the first four bytes */
	uint8_t is_v6;
};

struct model_key {
	char module[MODEL_NAME_BYTES];
	struct model_ip vip, rip;
	uint8_t is_udp;
	int32_t vport, rport; /* MODEL_NONE: no port */
};

struct model_real {
	struct model_key key;
	uint32_t hash_next; /* index + 1 */
	uint32_t id;        /* from 1; 0: none */
	bool is_configured, is_touched, is_touched_since_load;
	bool is_wanted, has_weight;
	uint32_t weight, file_weight;
	bool shown_on;
	uint32_t shown_weight;
};

struct model_service {
	struct model_ip vip;
	uint8_t is_udp;
	int32_t port;
	char scheduler[16];
	char version[64]; /* "": none */
	uint32_t *reals;  /* indices */
	uint32_t n_reals;
};

struct model_module {
	char name[MODEL_NAME_BYTES];
	struct model_service *services;
	uint32_t n_services;
};

struct model_applied {
	bool on;
	uint32_t weight;
};

struct model {
	struct model_real *reals;
	uint32_t n_reals, cap_reals;
	uint32_t *buckets; /* index + 1 */
	uint32_t n_buckets;
	struct model_module *modules;
	uint32_t n_modules;
	struct model_applied *applied; /* by id */
	uint32_t n_ids;                /* highest id + 1 */
	uint32_t n_touched, n_touched_unconfigured;
};

static inline void *model_grow(void *at, size_t n, size_t bytes)
{
	void *more = realloc(at, (n ? n : 1) * bytes);

	if (!more)
		abort();
	return more;
}

/* --- keys -------------------------------------------------------------------------------- */

static inline void model_rehash(struct model *m, uint32_t n_buckets)
{
	free(m->buckets);
	m->buckets = calloc(n_buckets, sizeof(*m->buckets));
	m->n_buckets = n_buckets;
	for (uint32_t i = 0; i < m->n_reals; i++) {
		uint64_t h = hash_bytes(&m->reals[i].key, sizeof(struct model_key), 1);

		m->reals[i].hash_next = m->buckets[h % n_buckets];
		m->buckets[h % n_buckets] = i + 1;
	}
}

/* The real with this key (all its bytes, padding zero); made if need be. */
static inline struct model_real *model_real(struct model *m, const struct model_key *key)
{
	uint64_t h = hash_bytes(key, sizeof(*key), 1);

	for (uint32_t i = m->n_buckets ? m->buckets[h % m->n_buckets] : 0; i;
	     i = m->reals[i - 1].hash_next) {
		if (!memcmp(&m->reals[i - 1].key, key, sizeof(*key)))
			return &m->reals[i - 1];
	}
	if (m->n_reals == m->cap_reals) {
		m->cap_reals = m->cap_reals ? 2 * m->cap_reals : 1024;
		m->reals = model_grow(m->reals, m->cap_reals, sizeof(*m->reals));
		model_rehash(m, 2 * m->cap_reals);
	}
	m->reals[m->n_reals] = (struct model_real){.key = *key};
	m->reals[m->n_reals].hash_next = m->buckets[h % m->n_buckets];
	m->buckets[h % m->n_buckets] = ++m->n_reals;
	return &m->reals[m->n_reals - 1];
}

/* --- Real, RealFlush --------------------------------------------------------------------- */

static inline void model_update(struct model *m, const struct model_key *key, bool enable,
				bool has_weight, uint32_t weight)
{
	struct model_real *r = model_real(m, key);

	r->is_wanted = enable;
	r->has_weight = enable && has_weight;
	r->weight = enable ? weight : 0;
	r->is_touched = r->is_touched_since_load = true;
}

static inline uint32_t model_weight(const struct model_real *r)
{
	return r->is_wanted && r->has_weight ? r->weight : r->file_weight;
}

/* What one flush tells the data plane: collected when it begins, in force when it ends. */
struct model_flush {
	struct {
		uint32_t id;
		struct model_applied applied;
	} * at;
	uint32_t n;
};

static inline void model_flush_begin(struct model *m, struct model_flush *f)
{
	*f = (struct model_flush){0};
	f->at = model_grow(NULL, m->n_reals, sizeof(*f->at));
	for (uint32_t i = 0; i < m->n_reals; i++) {
		struct model_real *r = &m->reals[i];

		if (!r->is_touched || !r->is_configured)
			continue;
		r->is_touched = false;
		f->at[f->n].id = r->id;
		f->at[f->n++].applied = (struct model_applied){r->is_wanted, model_weight(r)};
	}
}

/* The view is joined with what is wanted now, not with what was told (spec/yanet §10). */
static inline void model_flush_end(struct model *m, struct model_flush *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		m->applied[f->at[i].id] = f->at[i].applied;
	free(f->at);
	*f = (struct model_flush){0};
	for (uint32_t i = 0; i < m->n_reals; i++) {
		m->reals[i].shown_on = m->reals[i].is_wanted;
		m->reals[i].shown_weight = model_weight(&m->reals[i]);
	}
}

static inline void model_flush(struct model *m)
{
	struct model_flush f;

	model_flush_begin(m, &f);
	model_flush_end(m, &f);
}

/* --- load, restart ----------------------------------------------------------------------- */

static inline bool model_parse_ip(const char *text, struct model_ip *ret)
{
	struct addr a;

	if (!text || addr_parse(text, strlen(text), &a) != ADDR_OK)
		return false;
	*ret = (struct model_ip){.is_v6 = !addr_is_v4(&a)};
	if (ret->is_v6)
		memcpy(ret->b, a.b, 16);
	else
		memcpy(ret->b, a.b + 12, 4);
	return true;
}

static inline int32_t model_parse_port(const json_t *j)
{
	const char *text = json_string_value(j);

	return text ? (int32_t)strtol(text, NULL, 0) : MODEL_NONE;
}

static inline void model_drop_config(struct model *m)
{
	for (uint32_t i = 0; i < m->n_modules; i++) {
		for (uint32_t s = 0; s < m->modules[i].n_services; s++)
			free(m->modules[i].services[s].reals);
		free(m->modules[i].services);
	}
	free(m->modules);
	m->modules = NULL;
	m->n_modules = 0;
}

static inline uint32_t model_lowest_free_id(const struct model *m, const bool *is_used,
					    uint32_t from)
{
	while (from < m->n_ids && is_used[from])
		from++;
	return from;
}

/* New keys get the lowest free ids; what the data plane has under them stays. */
static inline void model_assign_ids(struct model *m)
{
	bool *is_used = calloc(m->n_ids + m->n_reals + 2, sizeof(*is_used));
	uint32_t id = 1;

	for (uint32_t i = 0; i < m->n_reals; i++) {
		if (m->reals[i].is_configured)
			is_used[m->reals[i].id] = true;
		else
			m->reals[i].id = 0;
	}
	for (uint32_t i = 0; i < m->n_reals; i++) {
		struct model_real *r = &m->reals[i];

		if (!r->is_configured || r->id)
			continue;
		id = model_lowest_free_id(m, is_used, id);
		if (id >= m->n_ids) {
			m->applied = model_grow(m->applied, id + 1, sizeof(*m->applied));
			m->applied[id] = (struct model_applied){0};
			m->n_ids = id + 1;
		}
		r->id = id;
		is_used[id] = true;
	}
	free(is_used);
}

/* Two services of one key are one, with the reals of both (spec/yanet §5). */
static inline struct model_service *model_service(struct model_module *mod, struct model_ip vip,
						  uint8_t is_udp, int32_t port)
{
	for (uint32_t i = 0; i < mod->n_services; i++) {
		struct model_service *s = &mod->services[i];

		if (!memcmp(&s->vip, &vip, sizeof(vip)) && s->is_udp == is_udp && s->port == port)
			return s;
	}
	mod->services = model_grow(mod->services, mod->n_services + 1, sizeof(*mod->services));
	mod->services[mod->n_services] =
		(struct model_service){.vip = vip, .is_udp = is_udp, .port = port};
	return &mod->services[mod->n_services++];
}

static inline bool model_load_real(struct model *m, const struct model_module *mod,
				   struct model_service *s, const json_t *j)
{
	const char *weight = json_string_value(json_object_get(j, "weight"));
	struct model_real *r;
	struct model_key key;

	memset(&key, 0, sizeof(key));
	memcpy(key.module, mod->name, sizeof(key.module));
	key.vip = s->vip;
	key.is_udp = s->is_udp;
	key.vport = s->port;
	key.rport = model_parse_port(json_object_get(j, "port"));
	if (!model_parse_ip(json_string_value(json_object_get(j, "ip")), &key.rip))
		return false;
	r = model_real(m, &key);
	r->is_configured = true;
	r->file_weight = weight ? (uint32_t)strtoul(weight, NULL, 10) : 1;
	s->reals = model_grow(s->reals, s->n_reals + 1, sizeof(*s->reals));
	s->reals[s->n_reals++] = (uint32_t)(r - m->reals);
	return true;
}

static inline bool model_load_service(struct model *m, struct model_module *mod, const json_t *j)
{
	const char *proto = json_string_value(json_object_get(j, "proto"));
	const char *scheduler = json_string_value(json_object_get(j, "scheduler"));
	const char *version = json_string_value(json_object_get(j, "version"));
	struct model_service *s;
	struct model_ip vip;
	const json_t *real;
	size_t i;

	if (!proto || !model_parse_ip(json_string_value(json_object_get(j, "vip")), &vip))
		return false;
	s = model_service(mod, vip, !strcmp(proto, "udp"),
			  model_parse_port(json_object_get(j, "vport")));
	snprintf(s->scheduler, sizeof(s->scheduler), "%s", scheduler ? scheduler : "wrr");
	snprintf(s->version, sizeof(s->version), "%s", version ? version : "");
	json_array_foreach(json_object_get(j, "reals"), i, real)
	{
		if (!model_load_real(m, mod, s, real))
			return false;
	}
	return true;
}

static inline bool model_load_module(struct model *m, const char *name, const json_t *services)
{
	struct model_module *mod;
	const json_t *j;
	size_t i;

	m->modules = model_grow(m->modules, m->n_modules + 1, sizeof(*m->modules));
	mod = &m->modules[m->n_modules++];
	*mod = (struct model_module){0};
	snprintf(mod->name, sizeof(mod->name), "%s", name);
	json_array_foreach(services, i, j)
	{
		if (!model_load_service(m, mod, j))
			return false;
	}
	return true;
}

/* A dump of alived or Monalive (an array of services: module balancer0), or an object of such
 * arrays by module name. Everything touched since the load before is applied at the end. */
static inline bool model_load(struct model *m, const char *path)
{
	json_t *root = json_load_file(path, 0, NULL), *services;
	const char *name;
	bool ok = root;

	if (!root)
		return false;
	model_drop_config(m);
	for (uint32_t i = 0; i < m->n_reals; i++)
		m->reals[i].is_configured = false;
	if (json_is_array(root))
		ok = model_load_module(m, "balancer0", root);
	json_object_foreach(root, name, services) ok = ok && model_load_module(m, name, services);
	json_decref(root);
	model_assign_ids(m);
	for (uint32_t i = 0; i < m->n_reals; i++) {
		m->reals[i].is_touched = m->reals[i].is_touched_since_load;
		m->reals[i].is_touched_since_load = false;
	}
	model_flush(m);
	return ok;
}

static inline int model_compare_keys(const void *a, const void *b)
{
	const struct model_real *x = *(struct model_real *const *)a;
	const struct model_real *y = *(struct model_real *const *)b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* The control plane alone dies and comes back: it has forgotten what was wanted, numbers the reals
 * afresh in the order of their keys, and tells the data plane nothing (spec/yanet §9). */
static inline void model_restart(struct model *m)
{
	struct model_real **order = model_grow(NULL, m->n_reals, sizeof(struct model_real *));
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_reals; i++) {
		struct model_real *r = &m->reals[i];

		r->is_wanted = r->has_weight = r->is_touched = r->is_touched_since_load = false;
		r->shown_on = false;
		r->shown_weight = r->file_weight;
		if (r->is_configured)
			order[n++] = r;
	}
	qsort(order, n, sizeof(struct model_real *), model_compare_keys);
	for (uint32_t i = 0; i < n; i++)
		order[i]->id = i + 1;
	free(order);
}

static inline void model_free(struct model *m)
{
	model_drop_config(m);
	free(m->reals);
	free(m->buckets);
	free(m->applied);
}
