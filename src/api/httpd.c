#include "api/httpd.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "model/counter.h"

enum {
	/* of the library, per connection */
	LIBRARY_BYTES = 32 * 1024,
	/* the library's own idle limit only backs up ours */
	LIBRARY_IDLE_S = 120,
	LOG_PATH_BYTES = 96,
	LOG_TEXT_MAX = 200,
};

enum conn_state {
	CONN_READING,   /* until a request is complete */
	CONN_WAITING,   /* suspended */
	CONN_ANSWERING, /* until the answer is sent */
	CONN_CUT,       /* shut down by us; the library has not noticed yet */
};

struct conn {
	struct conn *next, **link;
	struct httpd *httpd;
	struct pump *pump; /* the answer under way, if it is a streamed one */
	int fd;
	enum conn_state state;
	enum listen_peer peer;
	bool has_begun; /* a request line has come: it is not just idle */
	uint64_t since_ns;
};

struct request {
	struct httpd_request pub;
	struct MHD_Connection *mhd;
	struct conn *conn;
	struct buf body;
	uint64_t begin_ns;
	unsigned status; /* 0: not answered */
	bool is_handled;
	bool is_command;
	char path[LOG_PATH_BYTES];
};

struct httpd {
	struct httpd_args args;
	struct MHD_Daemon *mhd;
	struct ev_source source;
	struct conn *conns;
};

static struct request *of(struct httpd_request *r)
{
	return CONTAINER_OF(r, struct request, pub);
}

static void make_id(char out[HTTPD_ID_BYTES])
{
	uint8_t b[16] = {0};

	/* after boot this neither waits nor fails */
	if (getrandom(b, sizeof(b), GRND_NONBLOCK) < 0)
		memcpy(b, &(uint64_t){clk_wall_ns()}, sizeof(uint64_t));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(out, HTTPD_ID_BYTES,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

/* --- answers --------------------------------------------------------------------------------- */

/* Takes the response over. If it cannot be queued, the connection ends without one. */
static void queue(struct request *r, unsigned status, const char *content_type,
		  struct MHD_Response *response)
{
	struct conn *c = r->conn;

	if (!response)
		return;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	MHD_add_response_header(response, "X-Request-ID", r->pub.id);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (MHD_queue_response(r->mhd, status, response) == MHD_YES)
		r->status = status;
	MHD_destroy_response(response);
	if (status >= 400)
		counter_add(c->httpd->args.counters, CTR_API_REFUSED, 1);
	c->state = CONN_ANSWERING;
	c->since_ns = evloop_now(c->httpd->args.loop);
}

void httpd_answer(struct httpd_request *pub, unsigned status, const char *content_type,
		  const void *body, size_t len)
{
	/* the library copies, its parameter just is not const */
	queue(of(pub), status, content_type,
	      MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY));
}

void httpd_answer_stream(struct httpd_request *pub, const char *content_type,
			 const struct pump_source *source)
{
	struct request *r = of(pub);

	/* libmicrohttpd 0.9.75 ends even a bodiless chunked answer with a last chunk */
	if (strcmp(pub->method, MHD_HTTP_METHOD_HEAD) == 0) {
		source->done(source->ctx);
		httpd_answer(pub, MHD_HTTP_OK, content_type, "", 0);
		return;
	}
	queue(r, MHD_HTTP_OK, content_type, pump_new(source, &r->conn->pump));
}

void httpd_suspend(struct httpd_request *pub)
{
	struct request *r = of(pub);

	r->conn->state = CONN_WAITING;
	MHD_suspend_connection(r->mhd);
}

void httpd_resume(struct httpd_request *pub)
{
	MHD_resume_connection(of(pub)->mhd);
}

/* --- requests -------------------------------------------------------------------------------- */

const char *httpd_param(const struct httpd_request *pub, const char *key)
{
	const struct request *r = CONTAINER_OF(pub, const struct request, pub);

	return MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, key);
}

static void refuse_body(struct request *r)
{
	static const char text[] =
		"{\"code\":3,\"message\":\"request body too large\",\"details\":[]}";

	httpd_answer(&r->pub, MHD_HTTP_CONTENT_TOO_LARGE, "application/json", text,
		     sizeof(text) - 1);
}

static bool says_too_large(struct MHD_Connection *mhd)
{
	const char *text =
		MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t bytes;

	return text && !str_to_u64(text, strlen(text), HTTPD_BODY_BYTES, &bytes);
}

static struct conn *conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* Called with the request line; what it returns becomes the request's context. */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct conn *c = conn_of(mhd);

	(void)cls;
	(void)uri;
	if (c)
		c->has_begun = true;
	return NULL;
}

static enum MHD_Result begin_request(struct MHD_Connection *mhd, const char *path,
				     const char *method, void **con_cls)
{
	struct conn *c = conn_of(mhd);
	struct request *r = c ? calloc(1, sizeof(*r)) : NULL;
	struct str text;

	if (!r)
		return MHD_NO;
	text = STR_OVER(r->path, sizeof(r->path));
	str_puts(&text, path);
	r->mhd = mhd;
	r->conn = c;
	r->body = BUF_INIT(HTTPD_BODY_BYTES);
	r->begin_ns = evloop_now(c->httpd->args.loop);
	r->is_command = strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
			strcmp(method, MHD_HTTP_METHOD_HEAD) != 0;
	r->pub.peer = c->peer;
	make_id(r->pub.id);
	*con_cls = r;
	counter_add(c->httpd->args.counters, CTR_API_REQUESTS, 1);
	if (says_too_large(mhd))
		refuse_body(r);
	return MHD_YES;
}

/* No answer can be given while a body comes in, so one without a length that is too long just ends
 * the connection. */
static enum MHD_Result take_body(struct request *r, const char *data, size_t *size)
{
	if (buf_append(&r->body, data, *size) < 0) {
		counter_add(r->conn->httpd->args.counters, CTR_API_REFUSED, 1);
		return MHD_NO;
	}
	*size = 0;
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *mhd, const char *path,
				 const char *method, const char *version, const char *data,
				 size_t *size, void **con_cls)
{
	struct httpd *h = cls;
	struct request *r = *con_cls;

	(void)version;
	if (!r)
		return begin_request(mhd, path, method, con_cls);
	if (*size > 0)
		return take_body(r, data, size);
	if (r->is_handled)
		return MHD_NO;
	r->is_handled = true;
	r->pub.method = method;
	r->pub.path = path;
	r->pub.body = (const char *)buf_head(&r->body);
	r->pub.body_len = buf_len(&r->body);
	h->args.handler(h->args.ctx, &r->pub);
	return r->status || r->conn->state == CONN_WAITING ? MHD_YES : MHD_NO;
}

/* The library may free it later than now, when the connection has another one, or is gone. */
static void forget_pump(struct conn *c)
{
	if (!c->pump)
		return;
	pump_release(c->pump);
	pump_disown(c->pump);
	c->pump = NULL;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
			 enum MHD_RequestTerminationCode how)
{
	struct request *r = *con_cls;
	struct httpd *h = cls;
	struct conn *c;

	(void)mhd;
	if (!r)
		return;
	c = r->conn;
	LOG(r->is_command || r->status >= 500 ? LOG_INFO : LOG_DEBUG, "api", "api_request",
	    LF_STR("path", r->path), LF_U64("status", r->status),
	    LF_U64("took_us", (clk_mono_ns() - r->begin_ns) / CLK_US),
	    LF_BOOL("whole", how == MHD_REQUEST_TERMINATED_COMPLETED_OK),
	    LF_STR("request_id", r->pub.id));
	forget_pump(c);
	if (c->state != CONN_CUT)
		c->state = CONN_READING;
	c->has_begun = false;
	c->since_ns = evloop_now(h->args.loop);
	buf_deinit(&r->body);
	free(r);
	*con_cls = NULL;
}

/* --- connections ----------------------------------------------------------------------------- */

static void conn_begin(struct httpd *h, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct conn *c = info ? calloc(1, sizeof(*c)) : NULL;

	*context = c;
	if (!c)
		return;
	c->httpd = h;
	c->fd = info->connect_fd;
	c->peer = listen_peer(c->fd, h->args.path);
	c->since_ns = evloop_now(h->args.loop);
	c->next = h->conns;
	c->link = &h->conns;
	if (c->next)
		c->next->link = &c->next;
	h->conns = c;
}

static void conn_end(struct conn *c)
{
	forget_pump(c);
	if (c->next)
		c->next->link = c->link;
	*c->link = c->next;
	free(c);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		conn_begin(cls, mhd, context);
	else if (*context)
		conn_end(*context);
}

/* The library sees the end of the connection in its next run and tidies up. One that is idle
 * between requests is closed without a word. */
static void conn_cut(struct conn *c)
{
	struct httpd *h = c->httpd;

	if (c->state == CONN_ANSWERING || c->has_begun) {
		LOG(LOG_INFO, "api", "client_too_slow",
		    LF_STR("while", c->state == CONN_READING ? "request" : "answer"));
		counter_add(h->args.counters, CTR_API_REFUSED, 1);
	}
	if (c->pump)
		pump_release(c->pump);
	c->state = CONN_CUT;
	shutdown(c->fd, SHUT_RDWR);
}

static void sweep(struct httpd *h)
{
	const struct httpd_limits *limits = h->args.limits;
	uint64_t now = evloop_now(h->args.loop);

	for (struct conn *c = h->conns; c; c = c->next) {
		uint64_t age = now - c->since_ns;

		if ((c->state == CONN_READING && age > limits->request_ns) ||
		    (c->state == CONN_ANSWERING && age > limits->answer_ns))
			conn_cut(c);
	}
}

void httpd_run(struct httpd *h)
{
	MHD_run(h->mhd);
	sweep(h);
}

uint64_t httpd_wait_ns(const struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->mhd, &ms) != MHD_YES || ms > UINT64_MAX / CLK_MS)
		return UINT64_MAX;
	return ms * CLK_MS;
}

/* --- the listener ---------------------------------------------------------------------------- */

/* The descriptor only wakes the loop; httpd_run() follows in every turn. */
static void on_ready(struct ev_source *s, uint32_t events)
{
	(void)s;
	(void)events;
}

static void on_library_log(void *cls, const char *format, va_list args)
{
	char text[LOG_TEXT_MAX];

	(void)cls;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = 0;
	LOG(LOG_DEBUG, "api", "http_library", LF_STR("text", text));
}

static struct MHD_Daemon *start_library(struct httpd *h)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		on_access, h, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, h->args.fd, MHD_OPTION_CONNECTION_LIMIT,
		h->args.limits->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)LIBRARY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIBRARY_IDLE_S,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_END);
}

static int watch_library(struct httpd *h)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);

	if (!info)
		return err_origin(-ENOTSUP);
	h->source = (struct ev_source){.fd = info->epoll_fd, .fn = on_ready};
	TRY(evloop_watch(h->args.loop, &h->source, EPOLLIN));
	return 0;
}

int httpd_new(const struct httpd_args *args, struct httpd **ret)
{
	struct httpd *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_origin(-ENOMEM);
	h->args = *args;
	h->mhd = start_library(h);
	if (!h->mhd) {
		free(h);
		return err_origin(-EIO);
	}
	r = watch_library(h);
	if (r < 0) {
		httpd_free(h);
		return err_trace(r);
	}
	*ret = h;
	return 0;
}

void httpd_free(struct httpd *h)
{
	if (!h)
		return;
	evloop_unwatch(h->args.loop, &h->source);
	MHD_stop_daemon(h->mhd);
	ASSERT(!h->conns);
	free(h);
}
