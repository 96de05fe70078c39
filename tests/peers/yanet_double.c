/* YANET's control plane for tests: the same protocol, decoded with protobuf-c, so that it shares no
 * code with what it tests; the model of yanet_model.h behind it; and a control socket.
 *
 *   yanet_double SOCKET CONTROL [CONFIG.json]     serve until `quit` or SIGTERM
 *   yanet_double --self-test                      our codec against protobuf-c, as TAP
 *
 * Exit status 3 if anything came that would have killed the real one.
 *
 * Control: one command per line, one JSON value per line back.
 *   view | wanted | applied       reals with their state
 *   counts                        calls per method, updates, connections
 *   deadly                        [number, last reason]
 *   log | clear-log               calls and updates with times
 *   load FILE | restart           new configuration; die and come back without memory
 *   delay METHOD MS               answers of METHOD (Real RealFlush RealFind) come so late
 *   hang METHOD | unhang          METHOD is never answered; everything is again
 *   close-after N                 close the connection after N more bytes of answers
 *   reply-vector FILE | none      what RealFind answers, byte for byte
 *   refuse on | off               stop listening
 *   quit
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/evloop.h"
#include "base/str.h"

#include "yanet.pb-c.h"
#include "yanet_model.h"
#include "yanet_self_test.h"

enum { HEADER_MAX = 1024 * 1024, BODY_MAX = 512 * 1024 * 1024, LOG_MAX = 500000 };
enum method { M_REAL, M_FLUSH, M_FIND, M_INSPECT, M__N };

static const char *const method_names[M__N] = {"Real", "RealFlush", "RealFind", "InspectLookup"};

struct bytes {
	uint8_t *at;
	size_t len, cap;
};

struct conn {
	struct ev_source source;
	struct ev_timer timer; /* a delayed answer */
	bool is_control;
	uint32_t number;
	struct bytes in, out;
	size_t out_at;
	bool is_busy; /* an answer is due, or never comes */
	enum method method;
	struct bytes answer; /* of the busy call */
	struct model_flush flush;
	struct conn *next;
};

struct record {
	double t;
	uint32_t conn;
	enum method method;
	int32_t real; /* index; -1: the call itself */
	bool enable, has_weight;
	uint32_t weight;
};

static struct {
	struct evloop *loop;
	struct model model;
	struct ev_source listener, control;
	const char *path, *control_path;
	struct conn *conns;
	uint32_t n_connections;
	uint64_t n_calls[M__N], n_updates, n_empty_flushes, n_refused_calls;
	uint64_t delay_ns[M__N];
	bool hangs[M__N];
	int64_t close_after; /* bytes; -1: no */
	struct bytes find_vector;
	bool has_find_vector;
	uint32_t n_deadly;
	char deadly_reason[128];
	struct record *log;
	uint32_t n_log;
	bool is_over;
} d;

static void put(struct bytes *b, const void *data, size_t n)
{
	if (b->len + n > b->cap) {
		b->cap = 2 * (b->len + n);
		b->at = model_grow(b->at, b->cap, 1);
	}
	memcpy(b->at + b->len, data, n);
	b->len += n;
}

static void deadly(const char *reason)
{
	d.n_deadly++;
	snprintf(d.deadly_reason, sizeof(d.deadly_reason), "%s", reason);
	fprintf(stderr, "yanet_double: this kills the control plane: %s\n", reason);
}

/* --- connections ------------------------------------------------------------------------- */

static void close_conn(struct conn *c)
{
	struct conn **link = &d.conns;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	evloop_unwatch(d.loop, &c->source);
	evloop_timer_stop(&c->timer);
	close(c->source.fd);
	free(c->in.at);
	free(c->out.at);
	free(c->answer.at);
	free(c->flush.at);
	free(c);
}

static void close_all(void)
{
	struct conn *next;

	for (struct conn *c = d.conns; c; c = next) {
		next = c->next;
		if (!c->is_control)
			close_conn(c);
	}
}

static void watch(struct conn *c)
{
	uint32_t events = EPOLLIN | (c->out_at < c->out.len ? EPOLLOUT : 0);

	if (evloop_watch(d.loop, &c->source, events) < 0)
		abort();
}

/* Returns false if the connection is closed. */
static bool send_out(struct conn *c)
{
	while (c->out_at < c->out.len) {
		size_t n = c->out.len - c->out_at;
		ssize_t r;

		if (!c->is_control && d.close_after >= 0)
			n = MIN(n, (size_t)d.close_after);
		r = n ? send(c->source.fd, c->out.at + c->out_at, n, MSG_NOSIGNAL | MSG_DONTWAIT)
		      : 0;
		if (r < 0 && errno == EAGAIN)
			break;
		c->out_at += r > 0 ? (size_t)r : 0;
		if (!c->is_control && d.close_after >= 0)
			d.close_after -= r > 0 ? r : 0;
		if (r < 0 || (!c->is_control && d.close_after == 0)) {
			d.close_after = -1;
			close_conn(c);
			return false;
		}
	}
	if (c->out_at == c->out.len)
		c->out_at = c->out.len = 0;
	watch(c);
	return true;
}

/* --- messages ---------------------------------------------------------------------------- */

static void log_call(const struct conn *c, enum method method, const struct record *what)
{
	struct record r = what ? *what : (struct record){.real = -1};

	if (d.n_log == LOG_MAX)
		return;
	if (!d.log)
		d.log = model_grow(NULL, LOG_MAX, sizeof(*d.log));
	r.t = (double)clk_mono_ns() / 1e9;
	r.conn = c->number;
	r.method = method;
	d.log[d.n_log++] = r;
}

/* False, and counted, for what the real one does not survive (spec/yanet §6). */
static bool take_ip(const Yanetwire__Ip *ip, const char *what, struct model_ip *ret)
{
	*ret = (struct model_ip){0};
	if (!ip || ip->family_case == YANETWIRE__IP__FAMILY__NOT_SET) {
		deadly(what);
		return false;
	}
	if (ip->family_case == YANETWIRE__IP__FAMILY_V4) {
		for (unsigned i = 0; i < 4; i++)
			ret->b[i] = (uint8_t)(ip->v4 >> (24 - 8 * i));
		return true;
	}
	if (ip->v6.len != 16) {
		deadly("ipv6 address that has not 16 bytes");
		return false;
	}
	ret->is_v6 = 1;
	memcpy(ret->b, ip->v6.data, 16);
	return true;
}

static bool is_utf8(const char *text)
{
	return mbstowcs(NULL, text, 0) != (size_t)-1;
}

static bool take_update(struct conn *c, const Yanetwire__Update *u)
{
	struct record r = {.enable = u->enable};
	struct model_key key;

	memset(&key, 0, sizeof(key));
	snprintf(key.module, sizeof(key.module), "%s", u->module);
	if (!take_ip(u->vip, "update without virtual_ip", &key.vip) ||
	    !take_ip(u->rip, "update without real_ip", &key.rip))
		return false;
	key.is_udp = u->transport != YANETWIRE__TRANSPORT__TCP;
	key.vport = key.rport = MODEL_NONE;
	if (u->has_vport_case == YANETWIRE__UPDATE__HAS_VPORT_VPORT)
		key.vport = (uint16_t)u->vport;
	if (u->has_rport_case == YANETWIRE__UPDATE__HAS_RPORT_RPORT)
		key.rport = (uint16_t)u->rport;
	r.has_weight = u->has_weight_case == YANETWIRE__UPDATE__HAS_WEIGHT_WEIGHT;
	r.weight = r.has_weight ? u->weight : 0;
	model_update(&d.model, &key, u->enable, r.has_weight, r.weight);
	r.real = (int32_t)(model_real(&d.model, &key) - d.model.reals);
	d.n_updates++;
	log_call(c, M_REAL, &r);
	return true;
}

/* The whole batch or, if the server would refuse it, nothing of it. */
static bool call_real(struct conn *c, const uint8_t *body, size_t len)
{
	Yanetwire__Updates *u = yanetwire__updates__unpack(NULL, len, body);
	bool ok = u;

	for (size_t i = 0; ok && i < u->n_updates; i++)
		ok = is_utf8(u->updates[i]->module);
	for (size_t i = 0; ok && i < u->n_updates; i++)
		ok = take_update(c, u->updates[i]);
	if (u)
		yanetwire__updates__free_unpacked(u, NULL);
	return ok;
}

static void put_frame(struct bytes *b, const ProtobufCMessage *m)
{
	uint64_t len = protobuf_c_message_get_packed_size(m);
	uint8_t *packed = model_grow(NULL, len, 1);

	protobuf_c_message_pack(m, packed);
	put(b, &len, 8);
	put(b, packed, len);
	free(packed);
}

static void fill_ip(Yanetwire__Ip *out, struct model_ip *ip)
{
	yanetwire__ip__init(out);
	if (ip->is_v6) {
		out->family_case = YANETWIRE__IP__FAMILY_V6;
		out->v6 = (ProtobufCBinaryData){.len = 16, .data = ip->b};
	} else {
		out->family_case = YANETWIRE__IP__FAMILY_V4;
		for (unsigned i = 0; i < 4; i++)
			out->v4 |= (uint32_t)ip->b[i] << (24 - 8 * i);
	}
}

static bool ip_matches(const Yanetwire__Ip *want, const struct model_ip *ip)
{
	struct model_ip w;

	return !want ||
	       (take_ip(want, "filter with an empty address", &w) && !memcmp(&w, ip, sizeof(w)));
}

/* Memory of one listing, given back as a whole. */
struct listing {
	Yanetwire__Listing message;
	void **pieces;
	uint32_t n_pieces;
};

static void *piece(struct listing *l, size_t n, size_t bytes)
{
	l->pieces = model_grow(l->pieces, l->n_pieces + 1, sizeof(*l->pieces));
	return l->pieces[l->n_pieces++] = calloc(n ? n : 1, bytes);
}

static void list_real(struct listing *l, Yanetwire__ServiceState *to, struct model_real *r)
{
	Yanetwire__RealState *s = piece(l, 1, sizeof(*s));

	yanetwire__real_state__init(s);
	s->ip = piece(l, 1, sizeof(*s->ip));
	fill_ip(s->ip, &r->key.rip);
	if (r->key.rport != MODEL_NONE) {
		s->has_port_case = YANETWIRE__REAL_STATE__HAS_PORT_PORT;
		s->port = (uint32_t)r->key.rport;
	}
	s->enabled = r->shown_on;
	s->weight = r->shown_weight;
	to->reals[to->n_reals++] = s;
}

static void list_service(struct listing *l, Yanetwire__ModuleState *to, struct model_service *from,
			 const Yanetwire__Query *q)
{
	Yanetwire__ServiceState *s = piece(l, 1, sizeof(*s));

	yanetwire__service_state__init(s);
	s->key = piece(l, 1, sizeof(*s->key));
	yanetwire__service_key__init(s->key);
	s->key->ip = piece(l, 1, sizeof(*s->key->ip));
	fill_ip(s->key->ip, &from->vip);
	s->key->transport = from->is_udp ? YANETWIRE__TRANSPORT__UDP : YANETWIRE__TRANSPORT__TCP;
	if (from->port != MODEL_NONE) {
		s->key->has_port_case = YANETWIRE__SERVICE_KEY__HAS_PORT_PORT;
		s->key->port = (uint32_t)from->port;
	}
	s->scheduler = from->scheduler;
	if (from->version[0]) {
		s->has_version_case = YANETWIRE__SERVICE_STATE__HAS_VERSION_VERSION;
		s->version = from->version;
	}
	s->reals = piece(l, from->n_reals, sizeof(*s->reals));
	for (uint32_t i = 0; i < from->n_reals; i++) {
		struct model_real *r = &d.model.reals[from->reals[i]];
		bool has_port = q->has_rport_case != YANETWIRE__QUERY__HAS_RPORT__NOT_SET;

		if (ip_matches(q->rip, &r->key.rip) &&
		    (!has_port || r->key.rport == (int32_t)q->rport))
			list_real(l, s, r);
	}
	to->services[to->n_services++] = s;
}

static bool service_matches(const struct model_service *s, const Yanetwire__Query *q)
{
	bool has_port = q->has_vport_case != YANETWIRE__QUERY__HAS_VPORT__NOT_SET;
	bool is_udp = q->transport != YANETWIRE__TRANSPORT__TCP;

	return ip_matches(q->vip, &s->vip) && (!has_port || s->port == (int32_t)q->vport) &&
	       (q->transport == YANETWIRE__TRANSPORT__ANY || s->is_udp == is_udp);
}

static void list_module(struct listing *l, uint32_t i, const Yanetwire__Query *q)
{
	struct model_module *from = &d.model.modules[i];
	Yanetwire__ModuleState *m = piece(l, 1, sizeof(*m));

	yanetwire__module_state__init(m);
	m->id = i + 1;
	m->module = from->name;
	m->services = piece(l, from->n_services, sizeof(*m->services));
	for (uint32_t s = 0; s < from->n_services; s++) {
		if (service_matches(&from->services[s], q))
			list_service(l, m, &from->services[s], q);
	}
	if (m->n_services && (!q->module[0] || !strcmp(q->module, from->name)))
		l->message.modules[l->message.n_modules++] = m;
}

static bool call_find(struct conn *c, const uint8_t *body, size_t len)
{
	Yanetwire__Query *q = yanetwire__query__unpack(NULL, len, body);
	struct listing l = {0};

	if (!q || !is_utf8(q->module))
		return false;
	if (d.has_find_vector) {
		put(&c->answer, d.find_vector.at, d.find_vector.len);
	} else {
		yanetwire__listing__init(&l.message);
		l.message.modules = piece(&l, d.model.n_modules, sizeof(*l.message.modules));
		for (uint32_t i = 0; i < d.model.n_modules; i++)
			list_module(&l, i, q);
		put_frame(&c->answer, &l.message.base);
	}
	yanetwire__query__free_unpacked(q, NULL);
	for (uint32_t i = 0; i < l.n_pieces; i++)
		free(l.pieces[i]);
	free(l.pieces);
	return true;
}

/* Addresses come as 16 bytes always, IPv4 with 12 zeros in front (spec/yanet §5). */
static bool call_inspect(struct conn *c, const uint8_t *body, size_t len)
{
	Yanetwire__RingQuery *q = yanetwire__ring_query__unpack(NULL, len, body);
	Yanetwire__Ring ring = YANETWIRE__RING__INIT;
	struct ring_piece {
		Yanetwire__RingReal real;
		Yanetwire__Ip ip;
		uint8_t b[16];
	} *pieces = calloc(d.model.n_reals + 1, sizeof(*pieces));

	if (!q)
		return false;
	ring.reals = calloc(d.model.n_reals + 1, sizeof(*ring.reals));
	for (uint32_t i = 0; i < d.model.n_reals; i++) {
		struct model_real *r = &d.model.reals[i];
		struct ring_piece *p = &pieces[ring.n_reals];

		if (!r->is_configured || !ip_matches(q->vip, &r->key.vip) ||
		    (q->module[0] && strcmp(q->module, r->key.module)))
			continue;
		yanetwire__ring_real__init(&p->real);
		yanetwire__ip__init(&p->ip);
		p->real.ip = &p->ip;
		memcpy(p->b + (r->key.rip.is_v6 ? 0 : 12), r->key.rip.b, r->key.rip.is_v6 ? 16 : 4);
		p->ip.family_case = YANETWIRE__IP__FAMILY_V6;
		p->ip.v6 = (ProtobufCBinaryData){.len = 16, .data = p->b};
		p->real.weight = d.model.applied[r->id].weight;
		p->real.cells = d.model.applied[r->id].on ? p->real.weight : 0;
		ring.reals[ring.n_reals++] = &p->real;
	}
	put_frame(&c->answer, &ring.base);
	yanetwire__ring_query__free_unpacked(q, NULL);
	free(ring.reals);
	free(pieces);
	return true;
}

static bool call_flush(struct conn *c)
{
	model_flush_begin(&d.model, &c->flush);
	d.n_empty_flushes += c->flush.n == 0;
	return true;
}

static bool call(struct conn *c, const uint8_t *body, size_t len)
{
	static const uint8_t empty[8];
	bool ok = true;

	c->answer.len = 0;
	d.n_calls[c->method]++;
	if (c->method != M_REAL)
		log_call(c, c->method, NULL);
	if (c->method == M_REAL)
		ok = call_real(c, body, len);
	else if (c->method == M_FLUSH)
		ok = call_flush(c);
	else if (c->method == M_FIND)
		ok = call_find(c, body, len);
	else
		ok = call_inspect(c, body, len);
	if (c->method <= M_FLUSH)
		put(&c->answer, empty, 8);
	return ok;
}

/* --- frames ------------------------------------------------------------------------------ */

static bool take_header(struct conn *c, const uint8_t *at, size_t len)
{
	Yanetwire__Header *h = yanetwire__header__unpack(NULL, len, at);
	bool ok = false;

	if (h && h->has_service_case && h->has_method_case &&
	    !strcmp(h->service, "BalancerService")) {
		for (int i = 0; i < M__N; i++) {
			if (!strcmp(h->method, method_names[i])) {
				c->method = (enum method)i;
				ok = true;
			}
		}
	}
	if (h)
		yanetwire__header__free_unpacked(h, NULL);
	return ok;
}

static void pump(struct conn *c);

static void answer(struct conn *c)
{
	c->is_busy = false;
	if (c->method == M_FLUSH)
		model_flush_end(&d.model, &c->flush);
	put(&c->out, c->answer.at, c->answer.len);
	if (send_out(c))
		pump(c);
}

static void on_delay(struct ev_timer *t)
{
	answer(CONTAINER_OF(t, struct conn, timer));
}

enum frames { FRAMES_MORE, FRAMES_ONE, FRAMES_BAD };

/* One complete call at the front of the input. */
static enum frames take_call(struct conn *c, size_t *ret_used)
{
	uint64_t header, body;

	if (c->in.len < 8)
		return FRAMES_MORE;
	memcpy(&header, c->in.at, 8);
	if (header == 0 || header > HEADER_MAX)
		return FRAMES_BAD;
	if (c->in.len < 8 + header)
		return FRAMES_MORE;
	if (!take_header(c, c->in.at + 8, header))
		return FRAMES_BAD;
	if (c->in.len < 16 + header)
		return FRAMES_MORE;
	memcpy(&body, c->in.at + 8 + header, 8);
	if (body > BODY_MAX) {
		deadly("absurd request length");
		return FRAMES_BAD;
	}
	if (c->in.len < 16 + header + body)
		return FRAMES_MORE;
	*ret_used = 16 + header + body;
	return call(c, c->in.at + 16 + header, body) ? FRAMES_ONE : FRAMES_BAD;
}

static void pump(struct conn *c)
{
	size_t used;
	enum frames f;

	if (c->is_busy)
		return;
	f = take_call(c, &used);
	if (f == FRAMES_MORE)
		return;
	if (f == FRAMES_BAD) {
		d.n_refused_calls++;
		close_conn(c);
		return;
	}
	memmove(c->in.at, c->in.at + used, c->in.len - used);
	c->in.len -= used;
	c->is_busy = true;
	if (d.hangs[c->method])
		return;
	if (d.delay_ns[c->method])
		evloop_timer_at(d.loop, &c->timer, clk_mono_ns() + d.delay_ns[c->method]);
	else
		answer(c);
}

/* --- control ----------------------------------------------------------------------------- */

static json_t *ip_json(const struct model_ip *ip)
{
	struct addr a = {{0}};
	char text[ADDR_TEXT_BYTES];

	if (ip->is_v6) {
		memcpy(a.b, ip->b, 16);
	} else {
		memcpy(a.b + 12, ip->b, 4);
		memset(a.b + 10, 0xff, 2);
	}
	addr_format(&a, text);
	return json_string(text);
}

static json_t *port_json(int32_t port)
{
	return port == MODEL_NONE ? json_null() : json_integer(port);
}

static json_t *real_json(const struct model_real *r, bool on, uint32_t weight)
{
	return json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:b,s:I}", "module", r->key.module, "vip",
			 ip_json(&r->key.vip), "proto", r->key.is_udp ? "udp" : "tcp", "vport",
			 port_json(r->key.vport), "rip", ip_json(&r->key.rip), "rport",
			 port_json(r->key.rport), "enabled", on, "weight", (json_int_t)weight);
}

enum what { W_VIEW, W_WANTED, W_APPLIED };

static json_t *reals_json(enum what what)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d.model.n_reals; i++) {
		const struct model_real *r = &d.model.reals[i];
		json_t *j;

		if (what == W_WANTED) {
			j = real_json(r, r->is_wanted, r->weight);
			json_object_set_new(j, "configured", json_boolean(r->is_configured));
		} else if (!r->is_configured) {
			continue;
		} else if (what == W_VIEW) {
			j = real_json(r, r->shown_on, r->shown_weight);
		} else {
			j = real_json(r, d.model.applied[r->id].on, d.model.applied[r->id].weight);
			json_object_set_new(j, "id", json_integer(r->id));
		}
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *counts_json(void)
{
	json_t *j = json_object();

	for (int i = 0; i < M__N; i++)
		json_object_set_new(j, method_names[i], json_integer((json_int_t)d.n_calls[i]));
	json_object_set_new(j, "updates", json_integer((json_int_t)d.n_updates));
	json_object_set_new(j, "empty_flushes", json_integer((json_int_t)d.n_empty_flushes));
	json_object_set_new(j, "refused_calls", json_integer((json_int_t)d.n_refused_calls));
	json_object_set_new(j, "connections", json_integer(d.n_connections));
	json_object_set_new(j, "deadly", json_integer(d.n_deadly));
	return j;
}

static json_t *log_json(void)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d.n_log; i++) {
		const struct record *r = &d.log[i];
		json_t *j = r->real < 0 ? json_object()
					: real_json(&d.model.reals[r->real], r->enable, r->weight);

		json_object_set_new(j, "t", json_real(r->t));
		json_object_set_new(j, "conn", json_integer(r->conn));
		json_object_set_new(j, "method", json_string(method_names[r->method]));
		if (r->real >= 0 && !r->has_weight)
			json_object_set_new(j, "weight", json_null());
		json_array_append_new(list, j);
	}
	return list;
}

static void listen_on(const char *path, struct ev_source *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(a.sun_path))
		abort();
	memcpy(a.sun_path, path, strlen(path));
	unlink(path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(s->fd, 64) < 0 ||
	    evloop_watch(d.loop, s, EPOLLIN) < 0) {
		perror(path);
		exit(1);
	}
}

static json_t *refuse(const char *arg)
{
	if (d.listener.fd >= 0) {
		evloop_unwatch(d.loop, &d.listener);
		close(d.listener.fd);
		d.listener.fd = -1;
	}
	if (!strcmp(arg, "off"))
		listen_on(d.path, &d.listener);
	return json_true();
}

static json_t *reply_vector(const char *path)
{
	FILE *f;
	uint8_t chunk[4096];
	size_t n;

	d.find_vector.len = 0;
	d.has_find_vector = strcmp(path, "none") != 0;
	if (!d.has_find_vector)
		return json_true();
	f = fopen(path, "rb");
	if (!f)
		return json_false();
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		put(&d.find_vector, chunk, n);
	fclose(f);
	return json_true();
}

static json_t *per_method(const char *command, const char *name, const char *value)
{
	for (int i = 0; i < M__N; i++) {
		if (strcmp(name, method_names[i]))
			continue;
		if (!strcmp(command, "hang"))
			d.hangs[i] = true;
		else
			d.delay_ns[i] = strtoull(value, NULL, 10) * CLK_MS;
		return json_true();
	}
	return json_false();
}

static json_t *restart(void)
{
	close_all();
	model_restart(&d.model);
	return json_true();
}

/* Commands that ask. NULL: not one of them. */
static json_t *ask(const char *command)
{
	if (!strcmp(command, "view"))
		return reals_json(W_VIEW);
	if (!strcmp(command, "wanted"))
		return reals_json(W_WANTED);
	if (!strcmp(command, "applied"))
		return reals_json(W_APPLIED);
	if (!strcmp(command, "counts"))
		return counts_json();
	if (!strcmp(command, "deadly"))
		return json_pack("[i,s]", (int)d.n_deadly, d.deadly_reason);
	if (!strcmp(command, "log"))
		return log_json();
	return NULL;
}

static json_t *act(const char *command, const char *a, const char *b)
{
	if (!strcmp(command, "load"))
		return json_boolean(model_load(&d.model, a));
	if (!strcmp(command, "restart"))
		return restart();
	if (!strcmp(command, "delay") || !strcmp(command, "hang"))
		return per_method(command, a, b);
	if (!strcmp(command, "unhang")) {
		memset(d.hangs, 0, sizeof(d.hangs));
		return json_true();
	}
	if (!strcmp(command, "close-after")) {
		d.close_after = strtol(a, NULL, 10);
		return json_true();
	}
	if (!strcmp(command, "reply-vector"))
		return reply_vector(a);
	if (!strcmp(command, "refuse"))
		return refuse(a);
	if (!strcmp(command, "clear-log")) {
		d.n_log = 0;
		return json_true();
	}
	d.is_over = !strcmp(command, "quit");
	return json_boolean(d.is_over);
}

static void control_line(struct conn *c, char *line)
{
	char *save = NULL, *text;
	const char *command = strtok_r(line, " ", &save), *a, *b;
	json_t *j;

	a = strtok_r(NULL, " ", &save);
	b = strtok_r(NULL, " ", &save);
	j = ask(command ? command : "");
	if (!j)
		j = act(command ? command : "", a ? a : "", b ? b : "");
	text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
	put(&c->out, text, strlen(text));
	put(&c->out, "\n", 1);
	free(text);
	json_decref(j);
}

static void control_input(struct conn *c)
{
	uint8_t *end;

	while ((end = c->in.len ? memchr(c->in.at, '\n', c->in.len) : NULL)) {
		size_t used = (size_t)(end - c->in.at) + 1;

		*end = 0;
		control_line(c, (char *)c->in.at);
		memmove(c->in.at, c->in.at + used, c->in.len - used);
		c->in.len -= used;
	}
	send_out(c);
}

/* --- events ------------------------------------------------------------------------------ */

static void on_conn(struct ev_source *s, uint32_t events)
{
	struct conn *c = CONTAINER_OF(s, struct conn, source);
	uint8_t chunk[65536];
	ssize_t n;

	if (events & EPOLLOUT && !send_out(c))
		return;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(c->source.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close_conn(c);
		return;
	}
	put(&c->in, chunk, (size_t)n);
	if (c->is_control)
		control_input(c);
	else
		pump(c);
}

static void on_accept(struct ev_source *s, uint32_t events)
{
	struct conn *c;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	c->source = (struct ev_source){.fd = fd, .fn = on_conn};
	c->timer.fn = on_delay;
	c->is_control = s == &d.control;
	c->number = c->is_control ? 0 : ++d.n_connections;
	c->next = d.conns;
	d.conns = c;
	watch(c);
}

static void on_signal(int number)
{
	(void)number;
	d.is_over = true;
}

static void finish(void)
{
	close_all();
	while (d.conns)
		close_conn(d.conns);
	unlink(d.path);
	unlink(d.control_path);
	if (d.listener.fd >= 0)
		close(d.listener.fd);
	close(d.control.fd);
	model_free(&d.model);
	free(d.log);
	free(d.find_vector.at);
	evloop_free(d.loop);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};

	if (argc == 2 && !strcmp(argv[1], "--self-test"))
		return self_test();
	if (argc < 3) {
		fprintf(stderr, "usage: yanet_double SOCKET CONTROL [CONFIG.json] | --self-test\n");
		return 2;
	}
	setlocale(LC_CTYPE, "C.UTF-8");
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	d.loop = evloop_new();
	d.path = argv[1];
	d.control_path = argv[2];
	d.close_after = -1;
	d.listener.fn = d.control.fn = on_accept;
	if (argc > 3 && !model_load(&d.model, argv[3])) {
		fprintf(stderr, "yanet_double: cannot load %s\n", argv[3]);
		return 1;
	}
	listen_on(d.path, &d.listener);
	listen_on(d.control_path, &d.control);
	while (!d.is_over)
		evloop_turn(d.loop, 200 * CLK_MS);
	finish();
	return d.n_deadly ? 3 : 0;
}
