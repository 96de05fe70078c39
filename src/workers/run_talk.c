#include "workers/run_talk.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/clk.h"
#include "workers/run_secure.h"

/* Reads of RUN_IN_BYTES per event, so that one fat body does not hold the loop. They take more than
 * a socket holds (TCP_SOCK_RCVBUF_BYTES, which the kernel doubles): what is left after them came
 * after the event, and so has an edge of its own. */
enum { MAX_READS = 4 };
static_assert(MAX_READS * RUN_IN_BYTES > 2 * TCP_SOCK_RCVBUF_BYTES, "edges may not be lost");

/* --- ends ------------------------------------------------------------------------------------- */

static enum run_step talk_over(struct run *r)
{
	return run_over(r, (enum check_code)r->talk.outcome.code, r->talk.outcome.detail);
}

static enum run_step interrupted(struct run *r, enum check_interrupt why, int error)
{
	check_talk_interrupted(&r->talk, why, (uint32_t)error);
	return talk_over(r);
}

static enum run_step tls_failed(struct run *r)
{
	struct tls_error e = tls_error(r->tls);

	return run_over(r, (enum check_code)e.code, e.detail);
}

/* What we have to say or were told cannot be held: no memory is our fault; a server that makes us
 * queue without end, or never reads, is not. */
static enum run_step cannot_hold(struct run *r, int error)
{
	if (error == -ENOMEM)
		return run_over(r, CODE_NO_MEMORY, ENOMEM);
	if (r->phase == RUN_TLS)
		return run_over(r, CODE_TLS_PROTOCOL, 0);
	return interrupted(r, CHECK_BROKEN, -error);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* A failed send is not the end: the server may have answered and closed before it read us. The edge
 * of its reset is still to come, or is being handled. */
static void send_from(struct run_ctx *c, struct run *r, struct buf *b)
{
	int fd = run_sock(c, r)->fd;

	while (buf_len(b) && !r->send_error) {
		ssize_t n = send(fd, buf_head(b), buf_len(b), MSG_NOSIGNAL);

		if (n >= 0)
			buf_consume(b, (size_t)n);
		else if (errno == EAGAIN)
			return;
		else
			r->send_error = errno;
	}
	buf_consume(b, buf_len(b));
}

/* Where bytes for the wire are to be put: straight behind what waits, else into the scratch. */
static struct buf *wire(struct run_ctx *c, struct run *r)
{
	return buf_len(&r->out) ? &r->out : &c->out;
}

static enum run_step push(struct run_ctx *c, struct run *r, struct buf *b)
{
	send_from(c, r, b);
	if (b == &r->out || !buf_len(b))
		return RUN_WAIT;
	int error = buf_append(&r->out, buf_head(b), buf_len(b));

	buf_consume(b, buf_len(b));
	return error < 0 ? cannot_hold(r, error) : RUN_WAIT;
}

static enum run_step push_tls(struct run_ctx *c, struct run *r)
{
	struct buf *b = wire(c, r);
	int error = tls_drain(r->tls, b);

	if (error < 0) {
		buf_consume(b, buf_len(b));
		return cannot_hold(r, error);
	}
	return push(c, r, b);
}

/* The driver's words, written into the buffer that said() sends. */
static struct buf *mouth(struct run_ctx *c, struct run *r)
{
	return r->tls ? &c->plain : wire(c, r);
}

static enum run_step said(struct run_ctx *c, struct run *r, struct buf *b)
{
	int error;

	if (!r->tls)
		return push(c, r, b);
	if (!buf_len(b))
		return RUN_WAIT;
	error = tls_write(r->tls, buf_head(b), buf_len(b));
	buf_consume(b, buf_len(b));
	if (error < 0)
		return tls_failed(r);
	return push_tls(c, r);
}

/* --- the driver ------------------------------------------------------------------------------- */

static enum run_step drop_words(struct buf *b, struct run *r)
{
	buf_consume(b, buf_len(b));
	return talk_over(r);
}

static enum run_step open_talk(struct run_ctx *c, struct run *r)
{
	struct buf *b = mouth(c, r);

	r->phase = RUN_TALK;
	r->talk.expect = &c->expect;
	r->talk.url = r->said.url;
	r->talk.speaks_h2 = r->tls && tls_has_alpn(r->tls, "h2");
	if (check_talk_begin(&r->talk, &r->job) < 0)
		return run_over(r, CODE_NO_MEMORY, ENOMEM);
	r->has_talk = true;
	if (r->talk.extras)
		r->opened_ns = clk_mono_ns();
	if (check_talk_open(&r->talk, b) == CHECK_DONE)
		return drop_words(b, r);
	return said(c, r, b);
}

static enum run_step heard(struct run_ctx *c, struct run *r, const void *data, size_t len)
{
	struct buf *b = mouth(c, r);

	if (check_talk_input(&r->talk, data, len, b) == CHECK_DONE)
		return drop_words(b, r);
	return said(c, r, b);
}

/* The stream broke: error, or 0 for its end. */
static enum run_step stream_ended(struct run *r, int error)
{
	if (r->send_error)
		error = r->send_error;
	if (r->phase == RUN_TLS)
		return run_over(r, CODE_TLS_CLOSED, (uint32_t)error);
	if (!error && r->tls && tls_is_mid_record(r->tls))
		return interrupted(r, CHECK_BROKEN, EPROTO);
	return error ? interrupted(r, CHECK_BROKEN, error) : interrupted(r, CHECK_EOF, 0);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static enum run_step decrypt(struct run_ctx *c, struct run *r)
{
	for (;;) {
		size_t n = 0;

		switch (tls_read(r->tls, c->clear, sizeof(c->clear), &n)) {
		case TLS_UP:
			if (n == 0)
				return push_tls(c, r);
			if (heard(c, r, c->clear, n) == RUN_OVER)
				return RUN_OVER;
			break;
		case TLS_MORE:
			return push_tls(c, r);
		case TLS_CLOSED:
			return interrupted(r, CHECK_EOF, 0);
		default:
			return tls_failed(r);
		}
	}
}

/* The driver's first words leave together with our Finished. */
static enum run_step secured(struct run_ctx *c, struct run *r)
{
	const struct generation *g = r->job.generation;

	r->secured_ns = clk_mono_ns();
	counter_add(c->counters, tls_is_resumed(r->tls) ? CTR_TLS_RESUMED : CTR_TLS_HANDSHAKES, 1);
	if (!check_takes_alpn(g, r->profile, tls_alpn(r->tls)))
		return run_over(r, CODE_TLS_ALPN, 0);
	return open_talk(c, r) == RUN_OVER ? RUN_OVER : decrypt(c, r);
}

static enum run_step handshake(struct run_ctx *c, struct run *r)
{
	enum tls_step step = tls_handshake(r->tls);

	if (step == TLS_UP)
		return secured(c, r);
	/* on failure our alert is still worth sending */
	if (push_tls(c, r) == RUN_OVER)
		return RUN_OVER;
	if (step == TLS_MORE)
		return RUN_WAIT;
	return step == TLS_CLOSED ? run_over(r, CODE_TLS_CLOSED, 0) : tls_failed(r);
}

static enum run_step begin_tls(struct run_ctx *c, struct run *r)
{
	r->phase = RUN_TLS;
	return run_secure_begin(c, r) == RUN_OVER ? RUN_OVER : handshake(c, r);
}

/* --- receiving -------------------------------------------------------------------------------- */

static enum run_step received(struct run_ctx *c, struct run *r, size_t len)
{
	if (!r->tls)
		return heard(c, r, c->in, len);
	int error = tls_feed(r->tls, c->in, len);

	if (error < 0)
		return cannot_hold(r, error);
	return r->phase == RUN_TLS ? handshake(c, r) : decrypt(c, r);
}

/* Nothing to read. EPOLLERR without an error is a dirty error queue (kept-sockets §1). */
static enum run_step dry(struct run_ctx *c, struct run *r, uint32_t events)
{
	int error = events & EPOLLERR ? tcp_sock_take_error(run_sock(c, r)) : 0;

	return error ? stream_ended(r, error) : RUN_WAIT;
}

static enum run_step read_on(struct run_ctx *c, struct run *r, uint32_t events)
{
	const uint32_t last_words = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	for (int i = 0; i < MAX_READS; i++) {
		ssize_t n = recv(run_sock(c, r)->fd, c->in, sizeof(c->in), 0);

		if (n == 0)
			return stream_ended(r, 0);
		if (n < 0)
			return errno == EAGAIN ? dry(c, r, events) : stream_ended(r, errno);
		if (received(c, r, (size_t)n) == RUN_OVER)
			return RUN_OVER;
		/* a short read emptied the socket; an end behind it was not in these bits and so
		 * comes as an edge of its own */
		if ((size_t)n < sizeof(c->in) && !(events & last_words))
			return RUN_WAIT;
	}
	return RUN_WAIT;
}

enum run_step run_talk_begin(struct run_ctx *c, struct run *r)
{
	bool has_tls = check_uses_tls(r->profile);

	return has_tls ? begin_tls(c, r) : open_talk(c, r);
}

enum run_step run_talk_event(struct run_ctx *c, struct run *r, uint32_t events)
{
	if ((events & EPOLLOUT) && buf_len(&r->out))
		send_from(c, r, &r->out);
	if (!(events & ~(uint32_t)EPOLLOUT))
		return RUN_WAIT;
	return read_on(c, r, events);
}

enum run_step run_talk_timeout(struct run_ctx *c, struct run *r)
{
	uint32_t events = tcp_sock_poll(run_sock(c, r), false);
	enum run_step step = events ? run_talk_event(c, r, events) : RUN_WAIT;

	if (step == RUN_OVER)
		return RUN_OVER;
	if (r->send_error)
		return stream_ended(r, r->send_error);
	if (r->phase == RUN_TLS)
		return run_over(r, CODE_TLS_TIMEOUT, 0);
	return interrupted(r, CHECK_TIMEOUT, 0);
}
