#include "app/keeper.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"

enum { MAX_LEFT = 8 };
/* The thread beats every 100 ms; /healthz and blindness to its results come at 2 s and before. */
#define SILENCE_NS (3 * CLK_S)
#define MAX_GAP_NS CLK_S /* between two of main's turns: longer, and main itself stood still */
#define AGAIN_NS   (10 * CLK_S) /* between two replacements */

/* One thread and what it alone uses. */
struct life {
	struct life *next; /* of the left ones */
	struct tun *tun;
	struct control control;
	struct wake bell;
	uint32_t sent; /* number of the last message */
};

struct keeper {
	struct keeper_args args;
	struct life *life;
	struct life *left;
	uint32_t n_left;
	const struct generation *generation; /* last one adopted */
	uint64_t turned_ns, seen_beat_ns, quiet_since_ns, again_ns;
};

/* --- lives ------------------------------------------------------------------------------------ */

static void free_life(struct life *l)
{
	if (!l)
		return;
	tun_free(l->tun);
	control_deinit(&l->control);
	wake_deinit(&l->bell);
	free(l);
}

static int fill_life(const struct keeper_args *a, bool takes_over, struct life *l)
{
	struct tun_args args = {
		.app = a->app,
		.control = &l->control,
		.bell = &l->bell,
		.tunnel = a->tunnel,
		.counters = a->counters,
		.beat = a->beat,
		.takes_over = takes_over,
		.cpu = a->cpu,
	};

	TRY(wake_init(&l->bell));
	TRY(control_init(&l->control, &l->bell, a->main_bell));
	return err_trace(tun_new(&args, &l->tun));
}

static int new_life(const struct keeper_args *a, bool takes_over, struct life **ret)
{
	struct life *l = aligned_alloc(CACHELINE, sizeof(*l));
	int r;

	if (!l)
		return err_origin(-ENOMEM);
	memset(l, 0, sizeof(*l));
	l->bell.fd = -1;
	r = fill_life(a, takes_over, l);
	if (r < 0) {
		free_life(l);
		return err_trace(r);
	}
	*ret = l;
	return 0;
}

int keeper_new(const struct keeper_args *args, struct keeper **ret)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_origin(-ENOMEM);
	k->args = *args;
	r = new_life(args, false, &k->life);
	if (r < 0) {
		free(k);
		return err_trace(r);
	}
	*ret = k;
	return 0;
}

int keeper_start(struct keeper *k)
{
	return err_trace(tun_start(k->life->tun));
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	ASSERT(!k->left);
	free_life(k->life);
	free(k);
}

/* --- messages --------------------------------------------------------------------------------- */

static void send_generation(struct keeper *k)
{
	struct life *l = k->life;

	if (!k->generation)
		return;
	if (tun_stage(l->tun, k->generation) < 0)
		LOG(LOG_ERROR, "main", "tunnel_map_failed", LF_STR("cause", err_last()),
		    LF_STR("effect", "checks of added reals are unknown until the next reload"));
	l->sent = control_send(&l->control, (struct control_msg){.kind = CONTROL_ADOPT});
}

void keeper_adopt(struct keeper *k, const struct generation *g)
{
	k->generation = g;
	send_generation(k);
}

void keeper_quit(struct keeper *k)
{
	struct life *l = k->life;

	l->sent = control_send(&l->control, (struct control_msg){.kind = CONTROL_QUIT});
}

bool keeper_is_idle(const struct keeper *k)
{
	return control_is_done(&k->life->control, k->life->sent);
}

void keeper_join(struct keeper *k)
{
	tun_join(k->life->tun);
}

/* --- watch ------------------------------------------------------------------------------------ */

/* Frees the left threads that came back and ended. */
static void bury(struct keeper *k)
{
	struct life **link = &k->left;

	while (*link) {
		struct life *l = *link;

		if (!tun_has_ended(l->tun)) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		k->n_left--;
		tun_join(l->tun);
		free_life(l);
		LOG(LOG_INFO, "main", "left_thread_ended");
	}
}

bool keeper_has_left(const struct keeper *k)
{
	return k->left != NULL;
}

static int replace(struct keeper *k, uint64_t now_ns)
{
	struct life *fresh = NULL;

	TRY(new_life(&k->args, true, &fresh));
	ASSERT(fresh);
	tun_leave(k->life->tun);
	k->life->next = k->left;
	k->left = k->life;
	k->n_left++;
	k->life = fresh;
	send_generation(k);
	k->quiet_since_ns = now_ns;
	return err_trace(tun_start(fresh->tun));
}

static void tell(const struct keeper *k, uint64_t silent_ns, int r)
{
	if (r < 0)
		LOG(LOG_ERROR, "main", "tunnel_thread_lost",
		    LF_U64("silent_ms", silent_ns / CLK_MS), LF_STR("cause", err_last()),
		    LF_STR("effect", "tunnelled checks are unknown"));
	else
		LOG(LOG_ERROR, "main", "tunnel_thread_replaced",
		    LF_U64("silent_ms", silent_ns / CLK_MS), LF_U64("left", k->n_left),
		    LF_STR("effect", "tunnelled checks are unknown until it is proven"));
}

bool keeper_turn(struct keeper *k, uint64_t now_ns)
{
	uint64_t beat_ns = beat_last(k->args.beat), silent_ns;
	int r;

	bury(k);
	if (beat_ns != k->seen_beat_ns || now_ns - k->turned_ns > MAX_GAP_NS)
		k->quiet_since_ns = now_ns;
	k->seen_beat_ns = beat_ns;
	k->turned_ns = now_ns;
	silent_ns = now_ns - k->quiet_since_ns;
	if (silent_ns < SILENCE_NS || now_ns < k->again_ns || k->n_left >= MAX_LEFT)
		return false;
	k->again_ns = now_ns + AGAIN_NS;
	r = replace(k, now_ns);
	tell(k, silent_ns, r);
	if (r == 0)
		counter_add(k->args.main_counters, CTR_TUN_RESTARTS, 1);
	return r == 0;
}
