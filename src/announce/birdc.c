#include "announce/birdc.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"

enum {
	GREETING_MS = 1000,
	RETRY_FIRST_MS = 200,
	RETRY_MAX_MS = 2000,
	COMMAND_BYTES = 900, /* BIRD drops a connection at 1,024 without a word */
	READ_BYTES = 4096,
	READS_PER_EVENT = 16
};

static void on_socket(struct ev_source *source, uint32_t events);

static void arm(struct birdc *c, uint32_t ms)
{
	evloop_timer_at(c->loop, &c->timer, clk_mono_ns() + ms * CLK_MS);
}

static void close_socket(struct birdc *c)
{
	if (c->source.fd >= 0) {
		evloop_unwatch(c->loop, &c->source);
		close(c->source.fd);
	}
	c->source.fd = -1;
	c->state = BIRDC_AWAY;
}

void birdc_reset(struct birdc *c, const char *why)
{
	close_socket(c);
	c->retry_ms = c->retry_ms ? MIN(2 * c->retry_ms, (uint32_t)RETRY_MAX_MS)
				  : (uint32_t)RETRY_FIRST_MS;
	arm(c, c->retry_ms);
	c->hooks.gone(c->hooks.ctx, why);
}

/* --- connecting --------------------------------------------------------------------------------
 */

/* A unix socket connects at once or not at all. */
static int connect_socket(struct birdc *c)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)&c->path, sizeof(c->path)) < 0 ? -errno : 0;
	if (r == 0) {
		c->source = (struct ev_source){.fd = fd, .fn = on_socket};
		r = evloop_watch(c->loop, &c->source, EPOLLIN);
	}
	if (r < 0) {
		c->source.fd = -1;
		close(fd);
	}
	return r;
}

static void try_to_connect(struct birdc *c)
{
	int r = connect_socket(c);

	if (r < 0) {
		birdc_reset(c, strerrorname_np(-r));
		return;
	}
	c->reply = (struct birdc_reply){0};
	c->state = BIRDC_GREETING;
	arm(c, GREETING_MS);
}

static void on_timer(struct ev_timer *timer)
{
	struct birdc *c = CONTAINER_OF(timer, struct birdc, timer);

	switch (c->state) {
	case BIRDC_AWAY:
		try_to_connect(c);
		break;
	case BIRDC_GREETING:
		birdc_reset(c, "no greeting in time");
		break;
	case BIRDC_BUSY:
		birdc_reset(c, "no reply in time");
		break;
	case BIRDC_IDLE:
		break;
	}
}

/* --- reading -----------------------------------------------------------------------------------
 */

static void on_final(struct birdc *c)
{
	enum birdc_state before = c->state;

	evloop_timer_stop(&c->timer);
	c->state = BIRDC_IDLE;
	if (before == BIRDC_BUSY) {
		c->hooks.done(c->hooks.ctx, c->reply.code, c->reply.text);
	} else if (before == BIRDC_GREETING && c->reply.code == BIRDC_WELCOME) {
		c->retry_ms = 0;
		if (!birdc_reply_version(c->reply.text, &c->major, &c->minor))
			c->major = c->minor = 0;
		c->hooks.ready(c->hooks.ctx);
	} else {
		birdc_reset(c, "a reply to nothing");
	}
}

/* A hook may have ended the connection: then the rest of the block is nobody's. */
static void take_block(struct birdc *c, const char *data, size_t len)
{
	while (len > 0 && c->source.fd >= 0) {
		size_t used;

		switch (birdc_reply_feed(&c->reply, data, len, &used)) {
		case BIRDC_REPLY_DATA:
			if (c->state == BIRDC_BUSY)
				c->hooks.data(c->hooks.ctx, c->reply.code, c->reply.text);
			break;
		case BIRDC_REPLY_FINAL:
			on_final(c);
			break;
		case BIRDC_REPLY_BAD:
			birdc_reset(c, "unreadable reply");
			break;
		case BIRDC_REPLY_MORE:
			break;
		}
		data += used;
		len -= used;
	}
}

static void on_socket(struct ev_source *source, uint32_t events)
{
	struct birdc *c = CONTAINER_OF(source, struct birdc, source);
	char block[READ_BYTES];

	(void)events;
	for (unsigned i = 0; i < READS_PER_EVENT && c->source.fd >= 0; i++) {
		ssize_t n = recv(c->source.fd, block, sizeof(block), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			birdc_reset(c, n == 0 ? "closed by BIRD" : strerrorname_np(errno));
			return;
		}
		take_block(c, block, (size_t)n);
	}
}

/* --- the rest ----------------------------------------------------------------------------------
 */

void birdc_init(struct birdc *c, struct evloop *loop, const char *path,
		const struct birdc_hooks *hooks)
{
	int n;

	*c = (struct birdc){.loop = loop, .hooks = *hooks, .source = {.fd = -1}};
	c->path.sun_family = AF_UNIX;
	n = snprintf(c->path.sun_path, sizeof(c->path.sun_path), "%s", path);
	ASSERT(n > 0 && (size_t)n < sizeof(c->path.sun_path));
	c->timer.fn = on_timer;
	arm(c, 0);
}

void birdc_deinit(struct birdc *c)
{
	evloop_timer_stop(&c->timer);
	close_socket(c);
}

void birdc_version_text(const struct birdc *c, char out[ANNOUNCE_VERSION_BYTES])
{
	if (c->major)
		snprintf(out, ANNOUNCE_VERSION_BYTES, "%u.%u", c->major, c->minor);
	else
		out[0] = 0;
}

/* One command of less than a page into an empty stream: it is taken whole or the stream is dead. */
void birdc_command(struct birdc *c, uint32_t limit_ms, const char *command)
{
	char line[COMMAND_BYTES + 2];
	int len = snprintf(line, sizeof(line), "%s\n", command);

	ASSERT(c->state == BIRDC_IDLE);
	ASSERT(len > 1 && (size_t)len < sizeof(line));
	c->state = BIRDC_BUSY;
	if (send(c->source.fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) != len)
		limit_ms = 0;
	arm(c, limit_ms);
}
