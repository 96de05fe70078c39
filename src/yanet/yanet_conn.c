#include "yanet/yanet_conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/hash.h"

enum { LENGTH_BYTES = 8 };

/* A reply may take this long per byte beyond the deadline: 8 MiB/s at the least. */
enum { NS_PER_REPLY_BYTE = 120 };

static const char *const loss_texts[YANET_CONN_LOSS__N] = {
	[YANET_CONN_REFUSED] = "refused",     [YANET_CONN_RESOURCES] = "no_resources",
	[YANET_CONN_CLOSED] = "closed",       [YANET_CONN_TIMEOUT] = "timeout",
	[YANET_CONN_OVERSIZE] = "oversize",   [YANET_CONN_UNEXPECTED] = "unexpected_bytes",
	[YANET_CONN_MALFORMED] = "malformed",
};

const char *yanet_conn_loss_text(enum yanet_conn_loss loss)
{
	return (unsigned)loss < YANET_CONN_LOSS__N ? loss_texts[loss] : "?";
}

/* --- up and down ------------------------------------------------------------------------- */

/* Half to all of the back-off, so that connections lost together do not come back together. */
static uint64_t jittered(const struct yanet_conn *c)
{
	uint64_t random = hash_u64(clk_mono_ns(), (uint64_t)(uintptr_t)c);

	return c->backoff_ns / 2 + random % (c->backoff_ns / 2 + 1);
}

static void close_socket(struct yanet_conn *c)
{
	evloop_unwatch(c->loop, &c->source);
	if (c->source.fd >= 0)
		close(c->source.fd);
	c->source.fd = -1;
	c->in_start = c->in_end = 0;
	c->body_left = 0;
	c->out_len = 0;
	c->state = YANET_CONN_DOWN;
}

static void lose(struct yanet_conn *c, enum yanet_conn_loss loss)
{
	close_socket(c);
	evloop_timer_at(c->loop, &c->timer, clk_mono_ns() + jittered(c));
	c->backoff_ns = MIN(2 * c->backoff_ns, c->config.backoff_max_ns);
	c->hooks->lost(c, loss);
}

static bool fill_address(const char *path, struct sockaddr_un *a)
{
	size_t len = strlen(path);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len >= sizeof(a->sun_path))
		return false;
	memcpy(a->sun_path, path, len + 1);
	return true;
}

/* Either connected at once or not at all: a unix socket never says EINPROGRESS. */
static int open_socket(struct yanet_conn *c)
{
	struct sockaddr_un a;

	if (!fill_address(c->config.path, &a))
		return YANET_CONN_REFUSED;
	c->source.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->source.fd < 0)
		return YANET_CONN_RESOURCES;
	if (connect(c->source.fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return YANET_CONN_REFUSED;
	return evloop_watch(c->loop, &c->source, EPOLLIN) < 0 ? YANET_CONN_RESOURCES : -1;
}

static void attempt(struct yanet_conn *c)
{
	int loss = open_socket(c);

	if (loss >= 0) {
		lose(c, (enum yanet_conn_loss)loss);
		return;
	}
	c->state = YANET_CONN_IDLE;
	c->hooks->connected(c);
}

/* --- reading ----------------------------------------------------------------------------- */

static void finish(struct yanet_conn *c)
{
	c->state = YANET_CONN_IDLE;
	c->backoff_ns = c->config.backoff_min_ns;
	evloop_timer_stop(&c->timer);
	if (c->in_start != c->in_end) {
		lose(c, YANET_CONN_UNEXPECTED);
		return;
	}
	c->in_start = c->in_end = 0;
	c->hooks->done(c);
}

static void begin_body(struct yanet_conn *c)
{
	uint64_t length = 0;

	for (unsigned i = 0; i < LENGTH_BYTES; i++)
		length |= (uint64_t)c->in[c->in_start + i] << (8 * i);
	if (length > c->config.reply_bytes_max) {
		lose(c, YANET_CONN_OVERSIZE);
		return;
	}
	c->in_start += LENGTH_BYTES;
	c->body_left = length;
	c->state = YANET_CONN_BODY;
	evloop_timer_at(c->loop, &c->timer, c->timer.due_ns + length * NS_PER_REPLY_BYTE);
	c->hooks->reply(c, length);
	if (c->state == YANET_CONN_BODY && c->body_left == 0)
		finish(c);
}

static void look_at_input(struct yanet_conn *c)
{
	switch (c->state) {
	case YANET_CONN_IDLE:
	case YANET_CONN_SEND:
		if (c->in_end != c->in_start)
			lose(c, YANET_CONN_UNEXPECTED);
		break;
	case YANET_CONN_LENGTH:
		if (c->in_end - c->in_start >= LENGTH_BYTES)
			begin_body(c);
		if (c->state == YANET_CONN_BODY)
			c->hooks->body(c);
		break;
	case YANET_CONN_BODY:
		c->hooks->body(c);
		break;
	case YANET_CONN_DOWN:
		break;
	}
}

static void receive(struct yanet_conn *c)
{
	ssize_t n;

	if (c->in_start == c->in_end)
		c->in_start = c->in_end = 0;
	/* a full buffer waits for its reader: what is in the socket stays there */
	if (c->in_end == YANET_CONN_BUFFER_BYTES) {
		look_at_input(c);
		return;
	}
	n = recv(c->source.fd, c->in + c->in_end, YANET_CONN_BUFFER_BYTES - c->in_end, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(c, YANET_CONN_CLOSED);
		return;
	}
	c->in_end += (uint32_t)n;
	look_at_input(c);
}

/* --- writing ----------------------------------------------------------------------------- */

static void transmit(struct yanet_conn *c)
{
	while (c->out_len) {
		ssize_t n = send(c->source.fd, c->out, c->out_len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (evloop_watch(c->loop, &c->source, EPOLLIN | EPOLLOUT) < 0)
				lose(c, YANET_CONN_RESOURCES);
			return;
		}
		if (n < 0) {
			lose(c, YANET_CONN_CLOSED);
			return;
		}
		c->out += n;
		c->out_len -= (size_t)n;
	}
	c->state = YANET_CONN_LENGTH;
	if (evloop_watch(c->loop, &c->source, EPOLLIN) < 0)
		lose(c, YANET_CONN_RESOURCES);
}

static void on_event(struct ev_source *s, uint32_t events)
{
	struct yanet_conn *c = CONTAINER_OF(s, struct yanet_conn, source);

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(c);
	if (c->state == YANET_CONN_SEND && events & EPOLLOUT)
		transmit(c);
}

static void on_timer(struct ev_timer *t)
{
	struct yanet_conn *c = CONTAINER_OF(t, struct yanet_conn, timer);

	if (c->state == YANET_CONN_DOWN) {
		attempt(c);
	} else if (c->state == YANET_CONN_BODY && c->in_start != c->in_end) {
		/* it is we who are behind: what came in time still waits for its slice */
		evloop_timer_at(c->loop, &c->timer, clk_mono_ns() + c->config.deadline_ns);
	} else {
		lose(c, YANET_CONN_TIMEOUT);
	}
}

/* --- the owner's side -------------------------------------------------------------------- */

int yanet_conn_init(struct yanet_conn *c, struct evloop *loop,
		    const struct yanet_conn_config *config, const struct yanet_conn_hooks *hooks)
{
	*c = (struct yanet_conn){
		.source = {.fd = -1, .fn = on_event},
		.timer = {.fn = on_timer},
		.loop = loop,
		.config = *config,
		.hooks = hooks,
		.backoff_ns = config->backoff_min_ns,
		.in = malloc(YANET_CONN_BUFFER_BYTES),
	};
	if (!c->in)
		return err_origin(-ENOMEM);
	evloop_timer_at(loop, &c->timer, evloop_now(loop));
	return 0;
}

void yanet_conn_deinit(struct yanet_conn *c)
{
	if (!c->loop)
		return;
	evloop_timer_stop(&c->timer);
	close_socket(c);
	free(c->in);
	*c = (struct yanet_conn){.source = {.fd = -1}};
}

void yanet_conn_call(struct yanet_conn *c, const void *request, size_t len, uint64_t slack_ns)
{
	ASSERT(c->state == YANET_CONN_IDLE);
	c->out = request;
	c->out_len = len;
	c->state = YANET_CONN_SEND;
	evloop_timer_at(c->loop, &c->timer, clk_mono_ns() + c->config.deadline_ns + slack_ns);
	transmit(c);
}

size_t yanet_conn_peek(const struct yanet_conn *c, const uint8_t **ret_at)
{
	*ret_at = c->in + c->in_start;
	return c->state == YANET_CONN_BODY ? (size_t)MIN(c->body_left, c->in_end - c->in_start) : 0;
}

void yanet_conn_consume(struct yanet_conn *c, size_t n)
{
	ASSERT(c->state == YANET_CONN_BODY && n <= c->body_left && n <= c->in_end - c->in_start);
	c->in_start += (uint32_t)n;
	c->body_left -= n;
	if (n && c->body_left == 0)
		finish(c);
}

void yanet_conn_fail(struct yanet_conn *c, enum yanet_conn_loss loss)
{
	if (c->state != YANET_CONN_DOWN)
		lose(c, loss);
}
