#include "check/check_grpc.h"

#include <errno.h>

#include "base/err.h"
#include "base/str.h"
#include "check/check_driver.h"
#include "check/check_h2.h"
#include "check/check_weight.h"
#include "check/grpc_health.h"
#include "net/h2.h"

/* A grpc-status is 0 to 16 by name and any number by right; what 16 bits do not hold is no status
 * that anybody sends. */
enum { NO_STATUS = -1, MAX_STATUS = UINT16_MAX };

struct check_grpc {
	struct h2 *h2;
	struct grpc_health health;
	struct buf request;
	int32_t status; /* grpc-status; NO_STATUS: not said */
	int32_t weight;
	uint8_t n_weights; /* headers x-rs-weight, 2: more than one */
	uint8_t fault;     /* enum check_grpc_fault; 0: none */
	bool is_grpc;      /* by its content-type */
};

void check_grpc_free(struct check_grpc *g)
{
	if (!g)
		return;
	h2_free(g->h2);
	buf_deinit(&g->request);
	free(g);
}

static struct check_grpc *new_state(void)
{
	struct check_grpc *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->request = BUF_INIT(H2_MAX_REQUEST_BYTES);
	g->h2 = h2_new();
	if (g->h2)
		return g;
	free(g);
	return NULL;
}

static int grpc_begin(struct check_talk *t)
{
	struct check_grpc *g;

	if (!t->grpc)
		t->grpc = new_state();
	g = t->grpc;
	if (!g)
		return err_origin(-ENOMEM);
	grpc_health_begin(&g->health);
	g->status = NO_STATUS;
	g->weight = CHECK_WEIGHT_NONE;
	g->n_weights = 0;
	g->fault = 0;
	g->is_grpc = false;
	return 0;
}

static void grpc_close(struct check_talk *t)
{
	if (!t->grpc)
		return;
	h2_close(t->grpc->h2);
	buf_consume(&t->grpc->request, buf_len(&t->grpc->request));
}

/* --- response --------------------------------------------------------------------------------- */

static bool is_named(const struct h2_field *f, const char *name)
{
	return str_is(f->name, f->name_len, name);
}

/* "application/grpc", alone or with a subtype or parameters. */
static bool is_grpc_type(const struct h2_field *f)
{
	static const char type[] = "application/grpc";
	size_t len = sizeof(type) - 1;

	if (f->value_len < len || strncasecmp(f->value, type, len) != 0)
		return false;
	return f->value_len == len || f->value[len] == '+' || f->value[len] == ';';
}

static void on_status(struct check_grpc *g, const struct h2_field *f)
{
	uint64_t status;

	if (g->status != NO_STATUS)
		g->fault = CHECK_GRPC_TWO_STATUSES;
	else if (str_to_u64(f->value, f->value_len, MAX_STATUS, &status))
		g->status = (int32_t)status;
	else
		g->fault = CHECK_GRPC_BAD_STATUS;
}

static void on_weight(struct check_grpc *g, const struct h2_field *f)
{
	if (g->n_weights < 2)
		g->n_weights++;
	g->weight = check_weight_of_text(f->value, f->value_len);
}

static void on_field(void *arg, const struct h2_field *f, bool is_trailer)
{
	struct check_grpc *g = arg;

	if (is_named(f, "grpc-status"))
		on_status(g, f);
	else if (!is_trailer && is_named(f, "content-type"))
		g->is_grpc = is_grpc_type(f);
	else if (!is_trailer && is_named(f, "x-rs-weight"))
		on_weight(g, f);
}

static void on_body(void *arg, const uint8_t *data, size_t len)
{
	struct check_grpc *g = arg;

	grpc_health_feed(&g->health, data, len);
}

/* --- request ---------------------------------------------------------------------------------- */

static int open_stream(struct check_talk *t, struct buf *out)
{
	struct check_grpc *g = t->grpc;
	const struct h2_sink sink = {on_field, on_body, g};
	char authority[ADDR_PORT_TEXT_BYTES], weight[8];
	size_t len = addr_format_port(&t->spec->connect_ip, t->spec->connect_port, authority);
	struct str number = STR_OVER(weight, sizeof(weight));
	bool is_clear = t->profile->flags & PROFILE_TLS_OFF;
	bool has_weight = t->profile->flags & PROFILE_DYNAMIC_WEIGHT;

	str_putf(&number, "%u", t->job_weight);
	const struct h2_field fields[] = {
		H2_FIELD_TEXT(":method", "POST"),
		H2_FIELD(":scheme", is_clear ? "http" : "https", is_clear ? 4u : 5u),
		H2_FIELD_TEXT(":path", "/grpc.health.v1.Health/Check"),
		H2_FIELD(":authority", authority, len),
		H2_FIELD_TEXT("content-type", "application/grpc"),
		H2_FIELD_TEXT("user-agent", "monalive grpc-c/alived"),
		H2_FIELD_TEXT("te", "trailers"),
		H2_FIELD("x-rs-alive", t->was_up ? "1" : "0", 1),
		H2_FIELD("x-rs-weight", weight, number.len),
	};

	TRY(grpc_health_request(gen_str(t->generation, t->profile->virtualhost), &g->request));
	const struct h2_request request = {
		.fields = fields,
		.n_fields = ARRAY_LEN(fields) - (has_weight ? 0 : 1),
		.body = buf_head(&g->request),
		.body_len = buf_len(&g->request),
		.max_body_bytes = CHECK_GRPC_MAX_BODY_BYTES,
	};
	TRY(h2_open(g->h2, &request, &sink, out));
	return 0;
}

static enum check_step grpc_open(struct check_talk *t, struct buf *out)
{
	int r = open_stream(t, out);

	return r < 0 ? check_driver_over(t, CODE_NO_MEMORY, (uint32_t)-r) : CHECK_WAIT;
}

/* --- verdict ---------------------------------------------------------------------------------- */

static enum check_step judge_health(struct check_talk *t, uint32_t status)
{
	switch (status) {
	case GRPC_HEALTH_SERVING:
		if ((t->profile->flags & PROFILE_DYNAMIC_WEIGHT) && t->grpc->n_weights == 1)
			t->outcome.weight = t->grpc->weight;
		return check_driver_over(t, CODE_OK, 0);
	case GRPC_HEALTH_UNKNOWN:
		return check_driver_over(t, CODE_GRPC_UNKNOWN, status);
	case GRPC_HEALTH_NOT_SERVING:
		return check_driver_over(t, CODE_GRPC_NOT_SERVING, status);
	case GRPC_HEALTH_SERVICE_UNKNOWN:
		return check_driver_over(t, CODE_GRPC_SERVICE_UNKNOWN, status);
	default:
		return check_driver_over(t, CODE_GRPC_HEALTH, status);
	}
}

/* The stream has ended in order. */
static enum check_step judge(struct check_talk *t)
{
	struct check_grpc *g = t->grpc;
	enum grpc_health_fault fault;
	uint32_t status = 0;

	if (!g->is_grpc)
		return check_driver_over(t, CODE_GRPC_CONTENT_TYPE, 0);
	if (g->fault)
		return check_driver_over(t, CODE_GRPC_MALFORMED, g->fault);
	if (g->status == NO_STATUS)
		return check_driver_over(t, CODE_GRPC_NO_STATUS, 0);
	if (g->status != 0)
		return check_driver_over(t, CODE_GRPC_STATUS, (uint32_t)g->status);
	fault = grpc_health_end(&g->health, &status);
	if (fault != GRPC_HEALTH_FINE)
		return check_driver_over(t, CODE_GRPC_MALFORMED, fault);
	return judge_health(t, status);
}

static enum check_step grpc_input(struct check_talk *t, const void *data, size_t len,
				  struct buf *out)
{
	const struct h2 *h2 = t->grpc->h2;
	enum h2_end end = h2_input(t->grpc->h2, data, len, out);

	if ((h2_status(h2) || end == H2_COMPLETE) && h2_status(h2) != 200 && end != H2_NO_MEMORY)
		return check_driver_over(t, CODE_HTTP_STATUS, h2_status(h2));
	if (end == H2_GOES_ON)
		return CHECK_WAIT;
	if (end == H2_COMPLETE)
		return judge(t);
	return check_h2_ended(t, h2, end);
}

/* A server that is leaving may finish the request before it closes or resets, or not. */
static void on_close(struct check_talk *t, enum check_code code, uint32_t detail)
{
	if (!check_h2_has_left(t, t->grpc->h2))
		check_driver_over(t, code, detail);
}

static void grpc_interrupted(struct check_talk *t, enum check_interrupt why, uint32_t detail)
{
	if (why == CHECK_TIMEOUT)
		check_driver_over(t, CODE_RESPONSE_TIMEOUT, 0);
	else if (why == CHECK_EOF)
		on_close(t, CODE_CLOSED_EARLY, t->outcome.bytes_read);
	else if (!check_driver_is_ours(t, detail))
		on_close(t, CODE_RESET, detail);
}

const struct check_driver check_grpc_driver = {
	.begin = grpc_begin,
	.open = grpc_open,
	.input = grpc_input,
	.interrupted = grpc_interrupted,
	.close = grpc_close,
};
