/* Our codec against protobuf-c: random messages both ways. Printed as TAP. */
#pragma once

#include "yanet.pb-c.h"
#include "yanet/yanet_decode.h"
#include "yanet/yanet_encode.h"

enum { SELF_ROUNDS = 3000 };

static uint64_t self_random_state = 0x5eed;

static inline uint64_t self_random(void)
{
	self_random_state ^= self_random_state << 13;
	self_random_state ^= self_random_state >> 7;
	self_random_state ^= self_random_state << 17;
	return self_random_state;
}
/* Small, large, and the ends, all likely. */
static inline uint64_t self_number(unsigned bits)
{
	uint64_t max = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	switch (self_random() % 4) {
	case 0:
		return 0;
	case 1:
		return max;
	case 2:
		return self_random() % 200;
	default:
		return self_random() & max;
	}
}

static inline struct addr self_addr(void)
{
	struct addr a;

	if (self_random() % 2)
		return addr_from_v4_u32((uint32_t)self_number(32));
	for (unsigned i = 0; i < 16; i++)
		a.b[i] = (uint8_t)self_random();
	a.b[0] = 0x20;
	return a;
}

static inline struct yanet_name self_name(void)
{
	char text[YANET_NAME_MAX];
	size_t len = 1 + self_random() % YANET_NAME_MAX;
	struct yanet_name name;

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + self_random() % 26);
	ASSERT(yanet_name_make(text, len, &name));
	return name;
}

static inline bool self_ip_eq(const Yanetwire__Ip *ip, const struct addr *a)
{
	if (!ip)
		return false;
	if (addr_is_v4(a))
		return ip->family_case == YANETWIRE__IP__FAMILY_V4 && ip->v4 == addr_v4_u32(a);
	return ip->family_case == YANETWIRE__IP__FAMILY_V6 && ip->v6.len == 16 &&
	       !memcmp(ip->v6.data, a->b, 16);
}

/* --- ours written, theirs read ----------------------------------------------------------- */

struct self_update {
	struct service_spec service;
	struct real_spec real;
	struct yanet_name module;
	struct yanet_update update;
};

static inline struct self_update self_update(void)
{
	return (struct self_update){
		.service = {.vip = self_addr(),
			    .proto = self_random() % 2 ? L4_TCP : L4_UDP,
			    .port = (uint16_t)self_number(16),
			    .flags = self_random() % 2 ? SERVICE_HAS_PORT : 0},
		.real = {.ip = self_addr(),
			 .port = (uint16_t)self_number(16),
			 .flags = self_random() % 2 ? REAL_HAS_PORT : 0},
		.module = self_name(),
		.update = {self_random() % 2, self_random() % 2, (uint32_t)self_number(32)},
	};
}

static inline bool self_update_eq(const struct self_update *s, const Yanetwire__Update *u)
{
	bool has_vport = s->service.flags & SERVICE_HAS_PORT;
	bool has_rport = s->real.flags & REAL_HAS_PORT;
	bool has_weight = s->update.enable && s->update.has_weight;

	return strlen(u->module) == s->module.len &&
	       !memcmp(u->module, s->module.text, s->module.len) &&
	       self_ip_eq(u->vip, &s->service.vip) && self_ip_eq(u->rip, &s->real.ip) &&
	       u->transport == (s->service.proto == L4_TCP ? 1 : 2) &&
	       (u->has_vport_case != 0) == has_vport &&
	       (!has_vport || u->vport == s->service.port) &&
	       (u->has_rport_case != 0) == has_rport && (!has_rport || u->rport == s->real.port) &&
	       u->enable == s->update.enable && (u->has_weight_case != 0) == has_weight &&
	       (!has_weight || u->weight == s->update.weight);
}

static inline bool self_requests(void)
{
	struct self_update sent[8];
	struct yanet_request q;
	bool ok = yanet_encode_init(&q) == 0;

	for (unsigned round = 0; ok && round < SELF_ROUNDS; round++) {
		unsigned n = (unsigned)(self_random() % 8);
		Yanetwire__Updates *u;
		size_t len;

		yanet_encode_begin(&q, YANET_REAL);
		for (unsigned i = 0; i < n; i++) {
			struct yanet_key key;

			sent[i] = self_update();
			ASSERT(yanet_key_make(&sent[i].service, &sent[i].real, &key));
			yanet_encode_update(&q, &sent[i].module, &key, &sent[i].update);
		}
		len = yanet_encode_end(&q);
		u = yanetwire__updates__unpack(NULL, len - (size_t)(q.body - q.mem), q.body);
		ok = u && u->n_updates == n;
		for (unsigned i = 0; ok && i < n; i++)
			ok = self_update_eq(&sent[i], u->updates[i]);
		if (u) /* canonical, too: it writes the same bytes */
			ok = ok && yanetwire__updates__get_packed_size(u) ==
					   len - (size_t)(q.body - q.mem);
		yanetwire__updates__free_unpacked(u, NULL);
	}
	yanet_encode_deinit(&q);
	return ok;
}

/* --- theirs written, ours read ----------------------------------------------------------- */

enum { SELF_MODULES = 3, SELF_SERVICES = 3, SELF_REALS = 5 };

/* One listing with room for everything in it. */
struct self_listing {
	Yanetwire__Listing listing;
	Yanetwire__ModuleState modules[SELF_MODULES], *module_ptrs[SELF_MODULES];
	Yanetwire__ServiceState services[SELF_MODULES][SELF_SERVICES];
	Yanetwire__ServiceState *service_ptrs[SELF_MODULES][SELF_SERVICES];
	Yanetwire__ServiceKey keys[SELF_MODULES][SELF_SERVICES];
	Yanetwire__RealState reals[SELF_MODULES][SELF_SERVICES][SELF_REALS];
	Yanetwire__RealState *real_ptrs[SELF_MODULES][SELF_SERVICES][SELF_REALS];
	Yanetwire__Ip ips[SELF_MODULES * SELF_SERVICES * (SELF_REALS + 1)];
	struct addr addrs[SELF_MODULES * SELF_SERVICES * (SELF_REALS + 1)];
	unsigned n_ips;
	char names[SELF_MODULES][YANET_NAME_MAX + 1];
};

static inline Yanetwire__Ip *self_ip(struct self_listing *l)
{
	Yanetwire__Ip *ip = &l->ips[l->n_ips];
	struct addr *a = &l->addrs[l->n_ips++];

	*a = self_addr();
	yanetwire__ip__init(ip);
	if (addr_is_v4(a)) {
		ip->family_case = YANETWIRE__IP__FAMILY_V4;
		ip->v4 = addr_v4_u32(a);
	} else {
		ip->family_case = YANETWIRE__IP__FAMILY_V6;
		ip->v6 = (ProtobufCBinaryData){16, a->b};
	}
	return ip;
}

static inline void self_fill_real(struct self_listing *l, Yanetwire__RealState *r)
{
	yanetwire__real_state__init(r);
	r->ip = self_ip(l);
	if (self_random() % 2) {
		r->has_port_case = YANETWIRE__REAL_STATE__HAS_PORT_PORT;
		r->port = (uint32_t)self_number(16);
	}
	r->enabled = self_random() % 2;
	r->weight = (uint32_t)self_number(32);
	r->packets = self_number(64);
	r->bytes = self_number(64);
}

static inline void self_fill_service(struct self_listing *l, unsigned m, unsigned s)
{
	Yanetwire__ServiceState *v = &l->services[m][s];
	Yanetwire__ServiceKey *k = &l->keys[m][s];

	yanetwire__service_state__init(v);
	yanetwire__service_key__init(k);
	v->key = k;
	k->ip = self_ip(l);
	k->transport = self_random() % 2 ? YANETWIRE__TRANSPORT__TCP : YANETWIRE__TRANSPORT__UDP;
	if (self_random() % 2) {
		k->has_port_case = YANETWIRE__SERVICE_KEY__HAS_PORT_PORT;
		k->port = (uint32_t)self_number(16);
	}
	v->scheduler = (char *)"wrr";
	v->n_reals = self_random() % (SELF_REALS + 1);
	v->reals = l->real_ptrs[m][s];
	for (unsigned r = 0; r < v->n_reals; r++) {
		self_fill_real(l, &l->reals[m][s][r]);
		v->reals[r] = &l->reals[m][s][r];
	}
	l->service_ptrs[m][s] = v;
}

static inline void self_fill(struct self_listing *l)
{
	*l = (struct self_listing){.n_ips = 0};
	yanetwire__listing__init(&l->listing);
	l->listing.n_modules = self_random() % (SELF_MODULES + 1);
	l->listing.modules = l->module_ptrs;
	for (unsigned m = 0; m < l->listing.n_modules; m++) {
		struct yanet_name name = self_name();

		memcpy(l->names[m], name.text, name.len);
		yanetwire__module_state__init(&l->modules[m]);
		l->modules[m].id = m + 1;
		l->modules[m].module = l->names[m];
		l->modules[m].n_services = self_random() % (SELF_SERVICES + 1);
		l->modules[m].services = l->service_ptrs[m];
		l->module_ptrs[m] = &l->modules[m];
		for (unsigned s = 0; s < l->modules[m].n_services; s++)
			self_fill_service(l, m, s);
	}
}

/* Where the decoder is in the listing; each event must be the next thing in it. */
struct self_place {
	unsigned m, s, r; /* of the next of each */
};

static inline bool self_event(const struct self_listing *l, struct self_place *p,
			      const struct yanet_decode *d, int event)
{
	const Yanetwire__RealState *r;
	const Yanetwire__ServiceKey *k;

	if (event == YANET_DECODE_MODULE) {
		p->s = p->r = 0;
		return p->m < l->listing.n_modules && d->module.is_usable &&
		       strlen(l->names[p->m]) == d->module.name.len &&
		       !memcmp(l->names[p->m++], d->module.name.text, d->module.name.len);
	}
	if (event == YANET_DECODE_SERVICE) {
		k = &l->keys[p->m - 1][p->s++];
		p->r = 0;
		return d->service.is_usable && self_ip_eq(k->ip, &d->service.vip) &&
		       (int)k->transport == (d->service.proto == L4_TCP ? 1 : 2) &&
		       (k->has_port_case != 0) == d->service.has_port &&
		       (!d->service.has_port || d->service.port == k->port);
	}
	r = &l->reals[p->m - 1][p->s - 1][p->r++];
	return d->real.is_usable && self_ip_eq(r->ip, &d->real.ip) &&
	       (r->has_port_case != 0) == d->real.has_port &&
	       (!d->real.has_port || d->real.port == r->port) &&
	       d->real.is_enabled == !!r->enabled && d->real.weight == r->weight;
}

static inline bool self_read(const struct self_listing *l, const uint8_t *bytes, size_t len)
{
	struct self_place place = {0};
	struct yanet_decode d;
	unsigned n_reals = 0, want_reals = 0;
	size_t at = 0;
	int event = YANET_DECODE_MORE;

	yanet_decode_begin(&d, len);
	while (event == YANET_DECODE_MORE) {
		size_t n = MIN(len - at, (size_t)(self_random() % 40));
		struct yanet_input in = {bytes + at, n};

		while ((event = yanet_decode_next(&d, &in)) > YANET_DECODE_MORE &&
		       event != YANET_DECODE_END) {
			n_reals += event == YANET_DECODE_REAL;
			if (!self_event(l, &place, &d, event))
				return false;
		}
		at += n;
	}
	for (unsigned m = 0; m < l->listing.n_modules; m++) {
		for (unsigned s = 0; s < l->modules[m].n_services; s++)
			want_reals += (unsigned)l->services[m][s].n_reals;
	}
	return event == YANET_DECODE_END && place.m == l->listing.n_modules &&
	       n_reals == want_reals;
}

static inline bool self_replies(void)
{
	static struct self_listing l;
	bool ok = true;

	for (unsigned round = 0; ok && round < SELF_ROUNDS; round++) {
		uint8_t *bytes;
		size_t len;

		self_fill(&l);
		len = yanetwire__listing__get_packed_size(&l.listing);
		bytes = malloc(len ? len : 1);
		yanetwire__listing__pack(&l.listing, bytes);
		ok = self_read(&l, bytes, len);
		free(bytes);
	}
	return ok;
}

/* What one refuses, the other must not turn into something: mutated replies that both accept have
 * the same number of modules. */
static inline bool self_mutations(void)
{
	static struct self_listing l;
	bool ok = true;

	for (unsigned round = 0; ok && round < SELF_ROUNDS; round++) {
		struct yanet_decode d;
		Yanetwire__Listing *theirs;
		unsigned n_modules = 0;
		struct yanet_input in;
		uint8_t *bytes;
		size_t len;
		int event;

		self_fill(&l);
		len = yanetwire__listing__get_packed_size(&l.listing);
		bytes = malloc(len ? len : 1);
		yanetwire__listing__pack(&l.listing, bytes);
		if (len)
			bytes[self_random() % len] ^= (uint8_t)(1 << self_random() % 8);
		theirs = yanetwire__listing__unpack(NULL, len, bytes);
		yanet_decode_begin(&d, len);
		in = (struct yanet_input){bytes, len};
		while ((event = yanet_decode_next(&d, &in)) > YANET_DECODE_MORE &&
		       event != YANET_DECODE_END)
			n_modules += event == YANET_DECODE_MODULE;
		if (theirs && event == YANET_DECODE_END)
			ok = theirs->n_modules == n_modules;
		yanetwire__listing__free_unpacked(theirs, NULL);
		free(bytes);
	}
	return ok;
}

static inline int self_test(void)
{
	const struct {
		const char *name;
		bool ok;
	} results[] = {
		{"requests: ours written, protobuf-c read", self_requests()},
		{"replies: protobuf-c written, ours read in pieces", self_replies()},
		{"replies: with a flipped bit, both read the same", self_mutations()},
	};
	int failed = 0;

	for (unsigned i = 0; i < ARRAY_LEN(results); i++) {
		printf("%s %u - %s\n", results[i].ok ? "ok" : "not ok", i + 1, results[i].name);
		failed += !results[i].ok;
	}
	printf("1..%u\n", (unsigned)ARRAY_LEN(results));
	return failed ? 1 : 0;
}
