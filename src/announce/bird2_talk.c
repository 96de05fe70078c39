#include "announce/bird2_talk.h"

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"

enum {
	CONFIGURE_LIMIT_MS = 5000,
	ASK_LIMIT_MS = 1000,
	REFUSED_FIRST_MS = 1000,
	REFUSED_MAX_MS = 30000,
	REFUSED_URGENT_MS = 2000, /* a withdrawal waits */
	POLL_MS = 50,             /* `show status` while BIRD is in progress */
	POLL_FOR_MS = 10000,
	LEVER_MS = 3000, /* a withdrawal waits that long: on_config_error */
};

static uint64_t now_of(const struct bird2_talk *t)
{
	return evloop_now(t->args->loop);
}

static void count(const struct bird2_talk *t, enum counter which)
{
	counter_add(t->args->counters, which, 1);
}

bool bird2_talk_needs_configure(const struct bird2_talk *t)
{
	return t->must_configure || t->n_writes != t->taken_writes;
}

uint64_t bird2_talk_configure_due(const struct bird2_talk *t)
{
	if (!birdc_is_connected(&t->ctl))
		return BIRD2_NEVER;
	return t->is_refused ? t->refused_until_ns : 0;
}

void bird2_talk_wrote(struct bird2_talk *t)
{
	t->n_writes++;
	bird2_verify_void(&t->verify);
}

void bird2_talk_hurry(struct bird2_talk *t)
{
	t->is_hurried = true;
	t->refused_until_ns = 0;
}

/* --- saying --------------------------------------------------------------------------------------
 */

static void give(struct bird2_talk *t, enum bird2_command command, uint32_t limit_ms,
		 const char *text)
{
	t->command = command;
	t->command_ns = clk_mono_ns();
	birdc_command(&t->ctl, limit_ms, text);
}

void bird2_talk_configure(struct bird2_talk *t)
{
	t->asked_writes = t->n_writes;
	bird2_verify_void(&t->verify);
	give(t, BIRD2_CONFIGURE, CONFIGURE_LIMIT_MS, "configure");
	if (t->context->kind->durable)
		t->context->kind->sync_dirs(t->args->app); /* BIRD need not wait for it */
}

static struct bird2_subject subject_of(const struct bird2_talk *t, uint32_t group)
{
	const struct bird2_group *g = &t->groups[group];

	return bird2_group_subject(g, t->context, &g->accepted);
}

static void disable(struct bird2_talk *t, uint32_t i)
{
	struct bird2_subject subject = subject_of(t, i);
	char text[BIRD2_COMMAND_BYTES];

	if (!t->context->kind->lever(&subject, text))
		return;
	t->groups[i].is_disabled = true;
	LOG(LOG_ERROR, "announce", "bird_group_disabled", LF_STR("group", t->groups[i].name),
	    LF_STR("command", text), LF_STR("why", "a withdrawal cannot be configured"));
	give(t, BIRD2_DISABLE, ASK_LIMIT_MS, text);
}

/* When the emergency lever is due for this group. */
static uint64_t lever_due(const struct bird2_talk *t, uint32_t i)
{
	const struct bird2_group *g = &t->groups[i];
	bool is_blocked = g->withdrawing_since_ns && (t->is_refused || g->has_failed);
	struct bird2_subject subject = subject_of(t, i);
	char text[BIRD2_COMMAND_BYTES];

	if (g->is_disabled || !is_blocked || !t->context->kind->lever(&subject, text))
		return BIRD2_NEVER;
	return t->is_hurried ? 0 : g->withdrawing_since_ns + LEVER_MS * CLK_MS;
}

/* BIRD before 2.14 may sleep for 3 s before it runs what a changed filter needs; any command wakes
 * it. One right after the answer is too early (spec/announce.md §2.1), and how early is too early
 * depends on the machine: most changes are through after the first two, the rest is for sure. */
static uint64_t wake_due(const struct bird2_talk *t)
{
	static const uint8_t after_ms[] = {2, 8, 20, 40, 100};

	if (!t->wake_from_ns || t->n_wakes >= ARRAY_LEN(after_ms))
		return BIRD2_NEVER;
	return t->wake_from_ns + after_ms[t->n_wakes] * CLK_MS;
}

static bool can_verify(const struct bird2_talk *t)
{
	return !bird2_talk_needs_configure(t) && !t->poll_ns;
}

uint64_t bird2_talk_ask_due(const struct bird2_talk *t)
{
	uint64_t due = BIRD2_NEVER;

	if (t->ctl.state != BIRDC_IDLE)
		return due;
	for (uint32_t i = 0; i < t->n_groups; i++)
		due = MIN(due, lever_due(t, i));
	due = MIN(due, wake_due(t));
	if (t->poll_ns)
		due = MIN(due, t->poll_ns);
	if (can_verify(t))
		due = MIN(due, bird2_verify_due(&t->verify));
	return due;
}

/* A BIRD that hangs is noticed here too, before a withdrawal finds out. */
static void verify(struct bird2_talk *t)
{
	if (bird2_verify_ask(&t->verify))
		give(t, BIRD2_PULSE, ASK_LIMIT_MS, "show status");
}

void bird2_talk_ask(struct bird2_talk *t)
{
	uint64_t now = now_of(t);

	if (bird2_talk_ask_due(t) > now)
		return;
	for (uint32_t i = 0; i < t->n_groups; i++) {
		if (lever_due(t, i) <= now) {
			disable(t, i);
			return;
		}
	}
	if (wake_due(t) <= now) {
		t->n_wakes++;
		give(t, BIRD2_WAKE, ASK_LIMIT_MS, "show status");
	} else if (t->poll_ns && t->poll_ns <= now) {
		give(t, BIRD2_STATUS, ASK_LIMIT_MS, "show status");
	} else {
		verify(t);
	}
}

/* --- hearing: configure --------------------------------------------------------------------------
 */

/* A BIRD that does not say its version is taken for an old one. */
static bool may_sleep(const struct bird2_talk *t)
{
	return t->context->kind->reloads && t->ctl.major <= 2 && t->ctl.minor < 14;
}

static void on_taken(struct bird2_talk *t, unsigned code)
{
	count(t, CTR_BIRD_CONFIGURES);
	if (t->is_refused)
		LOG(LOG_INFO, "announce", "bird_takes_config_again");
	t->is_refused = false;
	t->refused_ms = 0;
	if (bird2_verify_is_well(&t->verify))
		t->error.is_over = true;
	t->configure_us = (uint32_t)((clk_mono_ns() - t->command_ns) / CLK_US);
	t->configured_wall_ns = clk_wall_ns();
	t->taken_writes = t->asked_writes;
	t->must_configure = false;
	t->wake_from_ns = may_sleep(t) ? now_of(t) : 0;
	t->n_wakes = 0;
	for (uint32_t i = 0; i < t->n_groups; i++)
		t->groups[i].is_disabled = false;
	if (code != BIRDC_RECONFIGURED && !t->poll_ns) {
		t->poll_ns = now_of(t) + POLL_MS * CLK_MS;
		t->poll_until_ns = now_of(t) + POLL_FOR_MS * CLK_MS;
	}
}

static bool has_waiting_withdrawal(const struct bird2_talk *t)
{
	for (uint32_t i = 0; i < t->n_groups; i++) {
		if (t->groups[i].withdrawing_since_ns)
			return true;
	}
	return false;
}

static void on_refused(struct bird2_talk *t, const char *text)
{
	uint64_t now = now_of(t);
	bool is_urgent = has_waiting_withdrawal(t);
	uint32_t limit = is_urgent ? REFUSED_URGENT_MS : REFUSED_MAX_MS;

	count(t, CTR_BIRD_REFUSALS);
	if (!t->is_refused)
		t->refused_at_ns = now;
	t->is_refused = true;
	t->refused_ms = MIN(t->refused_ms ? 2 * t->refused_ms : (uint32_t)REFUSED_FIRST_MS, limit);
	t->refused_until_ns = now + t->refused_ms * CLK_MS;
	announce_error_set(&t->error, "BIRD refuses its configuration: %s", text);
	LOG(LOG_ERROR, "announce", "bird_config_refused", LF_STR("text", text),
	    LF_BOOL("withdrawal_waits", is_urgent),
	    LF_U64("for_s", (now - t->refused_at_ns) / CLK_S));
}

/* Returns true if the configuration was taken. */
static bool on_configured(struct bird2_talk *t, unsigned code, const char *text)
{
	if (code == BIRDC_RECONFIGURED || code == BIRDC_IN_PROGRESS || code == BIRDC_QUEUED) {
		on_taken(t, code);
		return true;
	}
	if (code >= BIRDC_FIRST_ERROR)
		on_refused(t, text);
	else
		birdc_reset(&t->ctl, "an answer to configure that says nothing");
	return false;
}

/* --- hearing: the rest ---------------------------------------------------------------------------
 */

/* No message tells the end of a reconfiguration in progress: ask until it is over. */
static void on_status(struct bird2_talk *t, unsigned code, const char *text)
{
	bool is_in_progress = code == BIRDC_STATUS && strncmp(text, "Reconfiguration", 15) == 0;

	if (is_in_progress && now_of(t) < t->poll_until_ns) {
		t->poll_ns = now_of(t) + POLL_MS * CLK_MS;
		return;
	}
	if (is_in_progress)
		LOG(LOG_WARN, "announce", "bird_still_in_progress");
	t->poll_ns = 0;
	bird2_verify_soon(&t->verify);
}

static void on_data(void *ctx, unsigned code, const char *text)
{
	(void)ctx;
	(void)code;
	(void)text;
}

static void on_done(void *ctx, unsigned code, const char *text)
{
	struct bird2_talk *t = ctx;
	enum bird2_command command = t->command;
	bool was_taken = false;

	t->command = BIRD2_SILENT;
	switch (command) {
	case BIRD2_CONFIGURE:
		was_taken = on_configured(t, code, text);
		break;
	case BIRD2_STATUS:
		on_status(t, code, text);
		break;
	case BIRD2_DISABLE:
		if (code >= BIRDC_FIRST_ERROR)
			LOG(LOG_ERROR, "announce", "bird_disable_refused", LF_STR("text", text));
		break;
	case BIRD2_WAKE:
	case BIRD2_PULSE:
	case BIRD2_SILENT:
		break;
	}
	t->fn(t->ctx, was_taken);
}

static void forget_run(struct bird2_talk *t)
{
	t->command = BIRD2_SILENT;
	t->must_configure = true; /* nobody knows what it has read */
	t->is_refused = false;
	t->refused_ms = 0;
	t->poll_ns = 0;
	bird2_verify_forget(&t->verify);
	t->wake_from_ns = 0;
	for (uint32_t i = 0; i < t->n_groups; i++)
		t->groups[i].is_disabled = false;
}

static void on_ready(void *ctx)
{
	struct bird2_talk *t = ctx;

	LOG(LOG_INFO, "announce", "bird_connected", LF_STR("path", t->ctl.path.sun_path));
	t->is_away_told = false;
	t->error.is_over = true;
	forget_run(t);
	t->fn(t->ctx, false);
}

static void on_gone(void *ctx, const char *why)
{
	struct bird2_talk *t = ctx;

	if (!t->is_away_told)
		LOG(LOG_ERROR, "announce", "bird_away", LF_STR("path", t->ctl.path.sun_path),
		    LF_STR("error", why));
	t->is_away_told = true;
	announce_error_set(&t->error, "%s: %s", t->ctl.path.sun_path, why);
	forget_run(t);
	t->fn(t->ctx, false);
}

static void on_verified(void *ctx, bool must_configure)
{
	struct bird2_talk *t = ctx;

	t->must_configure = t->must_configure || must_configure;
	t->fn(t->ctx, false);
}

void bird2_talk_init(struct bird2_talk *t, const struct bird2_context *context,
		     struct bird2_group *groups, uint32_t n_groups, bird2_talk_fn fn, void *ctx)
{
	struct birdc_hooks hooks = {
		.ctx = t, .ready = on_ready, .data = on_data, .done = on_done, .gone = on_gone};
	struct bird2_verify_args verify = {
		.context = context,
		.groups = groups,
		.n_groups = n_groups,
		.error = &t->error,
		.fn = on_verified,
		.ctx = t,
	};

	*t = (struct bird2_talk){.args = context->args,
				 .context = context,
				 .groups = groups,
				 .n_groups = n_groups,
				 .fn = fn,
				 .ctx = ctx,
				 .must_configure = true};
	birdc_init(&t->ctl, t->args->loop, context->kind->ctl_sock, &hooks);
	bird2_verify_init(&t->verify, &verify);
}

void bird2_talk_fill(const struct bird2_talk *t, struct announce_row *row)
{
	row->is_connected = birdc_is_connected(&t->ctl);
	row->is_refused = t->is_refused;
	row->configure_us = t->configure_us;
	row->configured_wall_ns = t->configured_wall_ns;
	row->verified_wall_ns = t->verify.ended_wall_ns;
	if (row->is_connected)
		birdc_version_text(&t->ctl, row->version);
	announce_error_fill(&t->error, row);
}

void bird2_talk_deinit(struct bird2_talk *t)
{
	birdc_deinit(&t->ctl);
	bird2_verify_deinit(&t->verify);
}
