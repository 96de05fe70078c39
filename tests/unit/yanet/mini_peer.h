/* A small control plane for tests, written from spec/yanet §4, §5, §15 and sharing no code with the
 * encoder: keys of fixture.h's world in up to three modules, wanted, applied and shown state, and a
 * unix socket on which it answers, misbehaves, or dies as the test says. Driven by peer_turn(); it
 * never blocks. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

enum { PEER_MODULES = 3, PEER_CONNS = 8, PEER_IN = 256 * 1024 };
enum peer_method { PEER_REAL, PEER_FLUSH, PEER_FIND, PEER_METHODS };

struct peer_state {
	bool is_listed, is_touched;
	bool wanted_on, applied_on, shown_on;
	uint32_t wanted_weight, applied_weight, shown_weight;
};

struct peer_conn {
	int fd; /* -1: free */
	uint8_t in[PEER_IN];
	size_t in_len;
	uint8_t *out;
	size_t out_len, out_at;
};

struct peer {
	uint32_t n_services, n_reals; /* reals per service */
	struct peer_state *states[PEER_MODULES];
	bool lacks_key; /* an update of a key that the world does not have came */
	uint32_t n_calls[PEER_METHODS], n_updates, n_deadly, n_connects;
	uint32_t updates_at_last_flush;
	/* behaviour */
	bool hangs[PEER_METHODS];
	int close_on;            /* method, -1: none */
	size_t piece_bytes;      /* of what is written in one turn; 0: all */
	const uint8_t *raw_find; /* instead of an answer to RealFind */
	size_t raw_find_len;
	/* socket */
	char path[64];
	int listen_fd;
	struct peer_conn *conns;
};

static inline struct peer_state *peer_at(struct peer *p, unsigned module, uint32_t s, uint32_t r)
{
	return &p->states[module][s * p->n_reals + r];
}

static inline void peer_init(struct peer *p, uint32_t n_services, uint32_t n_reals)
{
	*p = (struct peer){.n_services = n_services,
			   .n_reals = n_reals,
			   .close_on = -1,
			   .listen_fd = -1,
			   .conns = calloc(PEER_CONNS, sizeof(struct peer_conn))};
	for (unsigned m = 0; m < PEER_MODULES; m++)
		p->states[m] = calloc((size_t)n_services * n_reals, sizeof(struct peer_state));
	for (unsigned i = 0; i < PEER_CONNS; i++)
		p->conns[i].fd = -1;
}

static inline void peer_list_all(struct peer *p, unsigned module, bool is_listed)
{
	for (uint32_t i = 0; i < p->n_services * p->n_reals; i++)
		p->states[module][i].is_listed = is_listed;
}

/* --- requests ---------------------------------------------------------------------------- */

struct peer_bytes {
	const uint8_t *at, *end;
};

static inline uint64_t peer_varint(struct peer_bytes *b)
{
	uint64_t v = 0;

	for (unsigned shift = 0;; shift += 7) {
		cr_assert_lt(b->at, b->end);
		v |= (uint64_t)(*b->at & 0x7f) << shift;
		if (!(*b->at++ & 0x80))
			return v;
	}
}

/* Next field: its number; value for varints, the bytes for lengths. 0 at the end. */
static inline unsigned peer_field(struct peer_bytes *b, uint64_t *value, struct peer_bytes *inner)
{
	uint64_t tag;

	if (b->at == b->end)
		return 0;
	tag = peer_varint(b);
	*value = peer_varint(b);
	*inner = (struct peer_bytes){0};
	if ((tag & 7) == 2) {
		cr_assert_leq(*value, (uint64_t)(b->end - b->at));
		*inner = (struct peer_bytes){b->at, b->at + *value};
		b->at += *value;
	} else {
		cr_assert_eq(tag & 7, 0);
	}
	return (unsigned)(tag >> 3);
}

static inline uint32_t peer_ipv4(struct peer_bytes b)
{
	struct peer_bytes inner;
	uint64_t v;

	return peer_field(&b, &v, &inner) == 1 ? (uint32_t)v : 0;
}

static inline void peer_update(struct peer *p, struct peer_bytes b)
{
	uint32_t vip = 0, rip = 0, vport = 0, rport = 0, weight = 0, s, r;
	bool enable = false, is_tcp = false;
	unsigned field, module = PEER_MODULES;
	struct peer_bytes inner;
	struct peer_state *st;
	uint64_t v;

	while ((field = peer_field(&b, &v, &inner))) {
		if (field == 1)
			module = inner.end[-1] - '0';
		else if (field == 2)
			vip = peer_ipv4(inner);
		else if (field == 3)
			is_tcp = v == 1;
		else if (field == 4)
			vport = (uint32_t)v;
		else if (field == 5)
			rip = peer_ipv4(inner);
		else if (field == 6)
			rport = (uint32_t)v;
		else if (field == 7)
			enable = v;
		else if (field == 8)
			weight = (uint32_t)v;
	}
	p->n_updates++;
	p->n_deadly += !vip || !rip;
	s = vip - 0xc0000201;
	r = (rip - 0xc6330000) / 256 * 250 + (rip & 0xff) - 1;
	if (module >= PEER_MODULES || s >= p->n_services || r >= p->n_reals || !is_tcp ||
	    vport != 443 || rport != 8443) {
		p->lacks_key = true;
		return;
	}
	st = peer_at(p, module, s, r);
	st->wanted_on = enable;
	st->wanted_weight = enable ? weight : 0;
	st->is_touched = true;
}

static inline void peer_flush(struct peer *p)
{
	p->updates_at_last_flush = p->n_updates;
	for (unsigned m = 0; m < PEER_MODULES; m++) {
		for (uint32_t i = 0; i < p->n_services * p->n_reals; i++) {
			struct peer_state *st = &p->states[m][i];

			if (st->is_listed && st->is_touched) {
				st->applied_on = st->wanted_on;
				st->applied_weight = st->wanted_weight;
				st->is_touched = false;
			}
			st->shown_on = st->wanted_on;
			st->shown_weight = st->wanted_weight;
		}
	}
}

/* The control plane restarts alone: what it wanted is gone, the data plane goes on (spec §9). */
static inline void peer_forget(struct peer *p)
{
	for (unsigned m = 0; m < PEER_MODULES; m++) {
		for (uint32_t i = 0; i < p->n_services * p->n_reals; i++) {
			struct peer_state *st = &p->states[m][i];

			st->wanted_on = st->shown_on = st->is_touched = false;
			st->wanted_weight = st->shown_weight = 0;
		}
	}
}

/* --- the RealFind reply ------------------------------------------------------------------ */

static inline uint8_t *peer_put_varint(uint8_t *at, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (uint8_t)(v | 0x80);
	*at++ = (uint8_t)v;
	return at;
}

static inline uint8_t *peer_put_bytes(uint8_t *at, uint8_t tag, const uint8_t *data, size_t n)
{
	*at++ = tag;
	at = peer_put_varint(at, n);
	memcpy(at, data, n);
	return at + n;
}

static inline uint8_t *peer_put_ipv4(uint8_t *at, uint8_t tag, uint32_t ip)
{
	uint8_t inner[8], *end = inner;

	*end++ = 0x08;
	end = peer_put_varint(end, ip);
	return peer_put_bytes(at, tag, inner, (size_t)(end - inner));
}

static inline uint8_t *peer_put_real(uint8_t *at, uint32_t r, const struct peer_state *st)
{
	uint8_t inner[64], *end = inner;

	end = peer_put_ipv4(end, 0x0a, 0xc6330000u + r / 250 * 256 + r % 250 + 1);
	*end++ = 0x10;
	end = peer_put_varint(end, 8443);
	if (st->shown_on) {
		*end++ = 0x18;
		*end++ = 1;
	}
	*end++ = 0x20;
	end = peer_put_varint(end, st->shown_on ? st->shown_weight : 3);
	return peer_put_bytes(at, 0x1a, inner, (size_t)(end - inner));
}

static inline uint8_t *peer_put_service(struct peer *p, uint8_t *at, unsigned m, uint32_t s)
{
	uint8_t *inner = malloc(64 + (size_t)p->n_reals * 40), *end = inner;
	uint8_t key[32], *key_end = key;

	key_end = peer_put_ipv4(key_end, 0x0a, 0xc0000201u + s);
	memcpy(key_end, "\x10\x01\x18\xbb\x03", 5);
	end = peer_put_bytes(end, 0x0a, key, (size_t)(key_end - key) + 5);
	end = peer_put_bytes(end, 0x12, (const uint8_t *)"wrr", 3);
	for (uint32_t r = 0; r < p->n_reals; r++) {
		if (peer_at(p, m, s, r)->is_listed)
			end = peer_put_real(end, r, peer_at(p, m, s, r));
	}
	at = peer_put_bytes(at, 0x1a, inner, (size_t)(end - inner));
	free(inner);
	return at;
}

static inline bool peer_has_module(const struct peer *p, unsigned m)
{
	for (uint32_t i = 0; i < p->n_services * p->n_reals; i++) {
		if (p->states[m][i].is_listed)
			return true;
	}
	return false;
}

/* The whole frame, malloc'd. */
static inline uint8_t *peer_find_reply(struct peer *p, size_t *ret_len)
{
	size_t room = 64 + (size_t)p->n_services * (96 + (size_t)p->n_reals * 40);
	uint8_t *frame = malloc(8 + PEER_MODULES * room), *at = frame + 8;
	uint8_t *inner = malloc(room);
	uint64_t len;

	for (unsigned m = 0; m < PEER_MODULES; m++) {
		uint8_t *end = inner, name[] = "balancer0";

		if (!peer_has_module(p, m))
			continue;
		name[8] = (uint8_t)('0' + m);
		*end++ = 0x08;
		*end++ = (uint8_t)(m + 1);
		end = peer_put_bytes(end, 0x12, name, 9);
		for (uint32_t s = 0; s < p->n_services; s++)
			end = peer_put_service(p, end, m, s);
		at = peer_put_bytes(at, 0x0a, inner, (size_t)(end - inner));
	}
	free(inner);
	len = (uint64_t)(at - frame) - 8;
	memcpy(frame, &len, 8);
	*ret_len = len + 8;
	return frame;
}

/* --- the socket -------------------------------------------------------------------------- */

static inline void peer_listen(struct peer *p)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (!p->path[0])
		snprintf(p->path, sizeof(p->path), "/tmp/alived-test-%d.sock", (int)getpid());
	unlink(p->path);
	memcpy(a.sun_path, p->path, strlen(p->path) + 1);
	p->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_geq(p->listen_fd, 0);
	cr_assert_eq(bind(p->listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(p->listen_fd, 64), 0);
}

static inline void peer_drop(struct peer_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->out);
	c->fd = -1;
	c->out = NULL;
	c->in_len = c->out_len = c->out_at = 0;
}

static inline void peer_drop_all(struct peer *p)
{
	for (unsigned i = 0; i < PEER_CONNS; i++)
		peer_drop(&p->conns[i]);
}

/* Connections and socket are gone, as after a crash. */
static inline void peer_die(struct peer *p)
{
	peer_drop_all(p);
	if (p->listen_fd >= 0)
		close(p->listen_fd);
	p->listen_fd = -1;
}

static inline void peer_deinit(struct peer *p)
{
	peer_die(p);
	if (p->path[0])
		unlink(p->path);
	for (unsigned m = 0; m < PEER_MODULES; m++)
		free(p->states[m]);
	free(p->conns);
}

static inline void peer_reply(struct peer_conn *c, const uint8_t *data, size_t n)
{
	c->out = realloc(c->out, c->out_len + n);
	memcpy(c->out + c->out_len, data, n);
	c->out_len += n;
}

static inline enum peer_method peer_method_of(struct peer_bytes header)
{
	struct peer_bytes inner = {0};
	uint64_t v;

	cr_assert_eq(peer_field(&header, &v, &inner), 1);
	cr_assert(v == 15 && !memcmp(inner.at, "BalancerService", 15));
	cr_assert_eq(peer_field(&header, &v, &inner), 2);
	if (v == 4)
		return PEER_REAL;
	return inner.at[4] == 'F' && inner.at[5] == 'l' ? PEER_FLUSH : PEER_FIND;
}

static inline void peer_answer(struct peer *p, struct peer_conn *c, enum peer_method method,
			       struct peer_bytes body)
{
	static const uint8_t empty[8];
	struct peer_bytes inner;
	uint64_t v;
	uint8_t *frame;
	size_t n;

	p->n_calls[method]++;
	if (p->close_on == (int)method) {
		peer_drop(c);
		return;
	}
	if (p->hangs[method])
		return;
	if (method == PEER_FIND && p->raw_find) {
		peer_reply(c, p->raw_find, p->raw_find_len);
	} else if (method == PEER_FIND) {
		frame = peer_find_reply(p, &n);
		peer_reply(c, frame, n);
		free(frame);
	} else {
		while (method == PEER_REAL && peer_field(&body, &v, &inner))
			peer_update(p, inner);
		if (method == PEER_FLUSH)
			peer_flush(p);
		peer_reply(c, empty, 8);
	}
}

/* Takes one complete call out of the buffer. */
static inline bool peer_call(struct peer *p, struct peer_conn *c)
{
	uint64_t header, body;
	size_t len;

	if (c->in_len < 8)
		return false;
	memcpy(&header, c->in, 8);
	if (c->in_len < 16 + header)
		return false;
	memcpy(&body, c->in + 8 + header, 8);
	len = 16 + header + body;
	if (c->in_len < len)
		return false;
	peer_answer(p, c, peer_method_of((struct peer_bytes){c->in + 8, c->in + 8 + header}),
		    (struct peer_bytes){c->in + 16 + header, c->in + len});
	if (c->fd < 0)
		return false;
	memmove(c->in, c->in + len, c->in_len - len);
	c->in_len -= len;
	return true;
}

static inline void peer_serve(struct peer *p, struct peer_conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, PEER_IN - c->in_len, MSG_DONTWAIT);
	size_t piece;

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		peer_drop(c);
		return;
	}
	c->in_len += n > 0 ? (size_t)n : 0;
	while (peer_call(p, c))
		;
	if (c->fd < 0 || c->out_at == c->out_len)
		return;
	piece = c->out_len - c->out_at;
	if (p->piece_bytes)
		piece = MIN(piece, p->piece_bytes);
	n = send(c->fd, c->out + c->out_at, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
	c->out_at += n > 0 ? (size_t)n : 0;
	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
}

static inline void peer_turn(struct peer *p)
{
	int fd = p->listen_fd < 0 ? -1 : accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	for (unsigned i = 0; i < PEER_CONNS; i++) {
		struct peer_conn *c = &p->conns[i];

		if (c->fd < 0 && fd >= 0) {
			p->n_connects++;
			c->fd = fd;
			fd = -1;
		}
		if (c->fd >= 0)
			peer_serve(p, c);
	}
	cr_assert_lt(fd, 0, "too many connections");
}
