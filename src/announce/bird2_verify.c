#include "announce/bird2_verify.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/str.h"

enum {
	LOOK_LIMIT_MS = 10000, /* nothing waits for it */
	ROUND_MS = 10000,
	AGAIN_MS = 1000 /* did the repair help? what was void? */
};

static uint64_t after(const struct bird2_verify *v, uint64_t ms)
{
	return evloop_now(v->args.context->args->loop) + ms * CLK_MS;
}

static const struct bird2_kind *kind_of(const struct bird2_verify *v)
{
	return v->args.context->kind;
}

static struct bird2_group *group_of(const struct bird2_verify *v)
{
	return &v->args.groups[v->at / kind_of(v)->n_looks];
}

static enum bird2_look look_of(const struct bird2_verify *v)
{
	return (enum bird2_look)(v->at % kind_of(v)->n_looks);
}

static struct bird2_subject subject_of(const struct bird2_verify *v)
{
	const struct bird2_group *g = group_of(v);

	return bird2_group_subject(g, v->args.context, &g->accepted);
}

/* --- asking --------------------------------------------------------------------------------------
 */

uint64_t bird2_verify_due(const struct bird2_verify *v)
{
	return v->ctl.state == BIRDC_IDLE && v->args.n_groups > 0 ? v->due_ns : BIRD2_NEVER;
}

bool bird2_verify_ask(struct bird2_verify *v)
{
	struct bird2_subject subject;
	char text[BIRD2_COMMAND_BYTES];

	if (bird2_verify_due(v) > after(v, 0))
		return false;
	subject = subject_of(v);
	kind_of(v)->look(&subject, look_of(v), text);
	v->n_routes = 0;
	v->is_void = false;
	v->is_asking = true;
	birdc_command(&v->ctl, LOOK_LIMIT_MS, text);
	return v->at == 0;
}

void bird2_verify_void(struct bird2_verify *v)
{
	v->is_void = true;
}

void bird2_verify_soon(struct bird2_verify *v)
{
	v->due_ns = after(v, 0);
}

static void begin_anew(struct bird2_verify *v)
{
	v->at = 0;
	v->due_ns = after(v, ROUND_MS);
	v->is_void = true;
	v->has_mismatch = false;
	v->has_missing = false;
}

void bird2_verify_forget(struct bird2_verify *v)
{
	begin_anew(v);
	v->is_asking = false;
	v->is_mute = false;
}

bool bird2_verify_is_well(const struct bird2_verify *v)
{
	return !v->was_mismatch && !v->was_missing && !v->is_mute;
}

/* --- comparing -----------------------------------------------------------------------------------
 */

/* The first time it is a warning, since the configure that follows repairs it. */
static void tell_mismatch(struct bird2_verify *v, const char *what, uint64_t is, uint64_t want,
			  const char *text)
{
	const char *group = group_of(v)->name;

	counter_add(v->args.context->args->counters, CTR_BIRD_REPAIRS, 1);
	v->has_mismatch = true;
	announce_error_set(v->args.error, "BIRD differs: group %s, %s: %llu, should be %llu %s",
			   group, what, (unsigned long long)is, (unsigned long long)want, text);
	LOG(v->was_mismatch ? LOG_ERROR : LOG_WARN, "announce", "bird_routes_differ",
	    LF_STR("group", group), LF_STR("what", what), LF_U64("is", is), LF_U64("want", want),
	    LF_STR("text", text));
}

/* A list lets nothing out that is not there: what BIRD is to announce must be its route already. */
static void tell_missing(struct bird2_verify *v, const char *what, uint64_t is, uint64_t want)
{
	v->has_missing = true;
	announce_error_set(v->args.error, "BIRD has no route for some VIPs: %s: %llu of %llu", what,
			   (unsigned long long)is, (unsigned long long)want);
	if (!v->was_missing)
		LOG(LOG_WARN, "announce", "bird_routes_missing", LF_STR("what", what),
		    LF_U64("is", is), LF_U64("want", want));
}

static void on_counted(struct bird2_verify *v, bool is_v4, unsigned code, const char *text)
{
	struct bird2_group *g = group_of(v);
	const char *what = is_v4 ? "IPv4 routes" : "IPv6 routes";
	uint32_t n_v4 = vip_set_n_v4(&g->accepted);
	uint64_t want = is_v4 ? n_v4 : g->accepted.n - n_v4;

	g->seen[is_v4 ? ANNOUNCE_V4 : ANNOUNCE_V6] =
		code < BIRDC_FIRST_ERROR ? (uint32_t)v->n_routes : ANNOUNCE_NOT_COUNTED;
	if (code >= BIRDC_FIRST_ERROR)
		tell_mismatch(v, what, 0, want, text);
	else if (kind_of(v)->has_routes && v->n_routes != want)
		tell_mismatch(v, what, v->n_routes, want, "");
	else if (v->n_routes < want)
		tell_missing(v, what, v->n_routes, want);
}

static void on_listed(struct bird2_verify *v, bool is_v4, unsigned code, const char *text)
{
	struct bird2_subject subject = subject_of(v);
	uint32_t want = kind_of(v)->list_number(&subject, is_v4);
	uint64_t is = 0;
	bool is_read = code < BIRDC_FIRST_ERROR && str_to_u64(text, strlen(text), UINT32_MAX, &is);

	if (!is_read || is != want)
		tell_mismatch(v, is_v4 ? "number of the IPv4 list" : "number of the IPv6 list", is,
			      want, is_read ? "" : text);
}

/* Returns true if BIRD has to be configured. */
static bool end_round(struct bird2_verify *v)
{
	bool must_configure = v->has_mismatch;

	v->at = 0;
	v->due_ns = after(v, v->has_mismatch && !v->was_mismatch ? AGAIN_MS : ROUND_MS);
	if (v->was_mismatch && !v->has_mismatch)
		LOG(LOG_INFO, "announce", "bird_routes_agree_again");
	if (v->was_missing && !v->has_missing)
		LOG(LOG_INFO, "announce", "bird_has_all_routes_again");
	if (!v->has_mismatch && !v->has_missing)
		v->args.error->is_over = true;
	v->was_mismatch = v->has_mismatch;
	v->was_missing = v->has_missing;
	v->ended_wall_ns = clk_wall_ns();
	v->has_mismatch = false;
	v->has_missing = false;
	v->is_mute = false;
	return must_configure;
}

/* --- hearing -------------------------------------------------------------------------------------
 */

static void on_ready(void *ctx)
{
	struct bird2_verify *v = ctx;

	v->args.fn(v->args.ctx, false);
}

static void on_data(void *ctx, unsigned code, const char *text)
{
	struct bird2_verify *v = ctx;
	uint64_t n;

	if (code == BIRDC_ROUTE_COUNT && birdc_reply_count(text, &n))
		v->n_routes += n;
}

static void on_done(void *ctx, unsigned code, const char *text)
{
	struct bird2_verify *v = ctx;
	enum bird2_look look = look_of(v);
	bool is_v4 = look == BIRD2_LOOK_COUNT_4 || look == BIRD2_LOOK_LIST_4;
	bool is_count = look == BIRD2_LOOK_COUNT_4 || look == BIRD2_LOOK_COUNT_6;
	const struct bird2_group *g = group_of(v);
	bool must_configure = false;

	v->is_asking = false;
	if (v->is_void || code == BIRDC_STOPPED) {
		v->due_ns = MAX(v->due_ns, after(v, AGAIN_MS));
		v->args.fn(v->args.ctx, false);
		return;
	}
	if (g->is_warm && !g->is_disabled && is_count)
		on_counted(v, is_v4, code, text);
	else if (g->is_warm && !g->is_disabled)
		on_listed(v, is_v4, code, text);
	if (++v->at >= kind_of(v)->n_looks * v->args.n_groups)
		must_configure = end_round(v);
	v->args.fn(v->args.ctx, must_configure);
}

/* That BIRD is away is told by the other connection (which makes this one forget); here, that it
 * does not answer what it was asked. */
static void on_gone(void *ctx, const char *why)
{
	struct bird2_verify *v = ctx;

	if (v->is_asking) {
		announce_error_set(v->args.error, "BIRD's routes are not counted: %s", why);
		if (!v->is_mute)
			LOG(LOG_WARN, "announce", "bird_not_verified", LF_STR("error", why));
		v->is_mute = true;
	}
	v->is_asking = false;
	begin_anew(v);
	v->args.fn(v->args.ctx, false);
}

void bird2_verify_init(struct bird2_verify *v, const struct bird2_verify_args *args)
{
	struct birdc_hooks hooks = {
		.ctx = v, .ready = on_ready, .data = on_data, .done = on_done, .gone = on_gone};

	*v = (struct bird2_verify){.args = *args};
	bird2_verify_forget(v);
	birdc_init(&v->ctl, args->context->args->loop, args->context->kind->ctl_sock, &hooks);
}

void bird2_verify_deinit(struct bird2_verify *v)
{
	birdc_deinit(&v->ctl);
}
