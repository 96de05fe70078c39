/* Backend bird_list: the prefix list that anycast_healthchecker writes (spec/announce.md §2.7). The
 * routes of the VIPs are BIRD's own already (direct, static), and an export filter lets those out
 * that stand in the list. The work itself is bird2's (bird2.c); here is what differs. */
#include "announce/announce_backend.h"
#include "announce/bird2.h"
#include "announce/bird_list_history.h"
#include "announce/bird_list_text.h"
#include "base/log.h"
#include "config/gen.h"

enum { MAX_TOLD = 20 }; /* prefixes that are named one by one */

static struct addr dummy_of(const struct app_config *app, const struct generation *gen,
			    unsigned family)
{
	const struct addr *dummy = &app->bird_list.dummy[family];

	for (uint32_t i = 0; gen && i < gen->end_prefixes; i++) {
		if (gen_prefix_in_use(gen, i) && addr_eq(&gen->prefixes[i].vip, dummy))
			return ADDR_UNSET; /* it would be announced whatever its state */
	}
	return *dummy;
}

static struct bird_list_text text_of(const struct bird2_subject *s, unsigned family)
{
	uint32_t n_v4 = vip_set_n_v4(s->vips);
	struct bird_list_text t = {
		.variable = s->app->bird_list.variable[family],
		.dummy = dummy_of(s->app, s->gen, family),
		.is_v4 = family == ANNOUNCE_V4,
	};

	t.n = t.is_v4 ? n_v4 : s->vips->n - n_v4;
	if (t.n)
		t.vips = t.is_v4 ? s->vips->at : s->vips->at + n_v4;
	return t;
}

static void path(const struct bird2_subject *s, unsigned file, char out[BIRD_FILE_PATH_BYTES])
{
	snprintf(out, BIRD_FILE_PATH_BYTES, "%s", s->app->bird_list.conf[file]);
}

static int format(const struct bird2_subject *s, unsigned file, struct buf *ret_text)
{
	struct bird_list_text t = text_of(s, file);

	return bird_list_text_format(&t, ret_text);
}

static void replacing(const struct app_config *app, const char *replaced)
{
	bird_list_history_keep(replaced, app->bird_list.changes_counter);
}

/* A list lets nothing out that is not there, so the routes are counted too. */
static void look(const struct bird2_subject *s, enum bird2_look look, char out[BIRD2_COMMAND_BYTES])
{
	bool is_v4 = look == BIRD2_LOOK_COUNT_4 || look == BIRD2_LOOK_LIST_4;
	const char *variable = s->app->bird_list.variable[is_v4 ? ANNOUNCE_V4 : ANNOUNCE_V6];

	if (look == BIRD2_LOOK_LIST_4 || look == BIRD2_LOOK_LIST_6)
		snprintf(out, BIRD2_COMMAND_BYTES, "eval %s" BIRD_LIST_TEXT_NUMBER, variable);
	else
		snprintf(out, BIRD2_COMMAND_BYTES,
			 "show route table all primary where net ~ %s count", variable);
}

static uint32_t list_number(const struct bird2_subject *s, bool is_v4)
{
	struct bird_list_text t = text_of(s, is_v4 ? ANNOUNCE_V4 : ANNOUNCE_V6);

	return bird_list_text_number(&t);
}

/* What the list lets out is not ours to name: only the operator knows a protocol whose end takes
 * the VIPs away. The next configure that is taken enables it again. */
static bool lever(const struct bird2_subject *s, char out[BIRD2_COMMAND_BYTES])
{
	const char *name = s->app->bird_list.disable_on_config_error;

	if (*name)
		snprintf(out, BIRD2_COMMAND_BYTES, "disable \"%s\"", name);
	return *name;
}

static bool lock_path(const struct app_config *app, unsigned i, char out[BIRD_FILE_PATH_BYTES])
{
	char dir[BIRD_FILE_PATH_BYTES];
	const char *conf;

	if (i >= ANNOUNCE_FAMILY__N)
		return false;
	conf = app->bird_list.conf[i];
	bird_file_dir(conf, dir);
	snprintf(out, BIRD_FILE_PATH_BYTES, "%.200s/.%.40s.lock", dir, strrchr(conf, '/') + 1);
	return true;
}

/* --- what others left --------------------------------------------------------------------------
 */

static void tell_found(const char *conf, const char *variable, const struct bird_list_found *found)
{
	if (!found->has_variable)
		LOG(LOG_WARN, "announce", "bird_list_has_other_variable", LF_STR("path", conf),
		    LF_STR("want", variable));
	if (found->n_not_hosts || found->n_unreadable)
		LOG(LOG_WARN, "announce", "bird_list_lines_dropped", LF_STR("path", conf),
		    LF_U64("not_host_prefixes", found->n_not_hosts),
		    LF_U64("unreadable", found->n_unreadable));
}

static void read_family(const struct app_config *app, unsigned family, struct vip_set *vips)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(BIRD_FILE_MAX_BYTES);
	const char *conf = app->bird_list.conf[family];
	struct bird_list_text t = {
		.variable = app->bird_list.variable[family],
		.dummy = app->bird_list.dummy[family],
		.is_v4 = family == ANNOUNCE_V4,
	};
	struct bird_list_found found;

	if (bird_file_read(conf, &text) < 0)
		return;
	if (bird_list_text_parse(&t, (const char *)buf_head(&text), buf_len(&text), vips, &found) ==
	    0)
		tell_found(conf, t.variable, &found);
}

static void read_old(const struct app_config *app, struct vip_set *vips)
{
	for (unsigned family = 0; family < ANNOUNCE_FAMILY__N; family++)
		read_family(app, family, vips);
}

/* The report; the list itself is written without them, or with them, by its owner. */
static uint32_t purge(const struct app_config *app, const struct generation *gen,
		      const struct vip_set *old)
{
	_cleanup_(vip_set_deinit) struct vip_set unknown = {0};
	const char *event =
		app->bird_list.purges ? "bird_list_prefix_purged" : "bird_list_prefix_unknown";

	if (vip_set_unknown(old, gen, &unknown) < 0)
		return 0;
	for (uint32_t i = 0; i < MIN(unknown.n, (uint32_t)MAX_TOLD); i++)
		LOG(LOG_WARN, "announce", event, LF_ADDR("prefix", &unknown.at[i], 0));
	if (unknown.n > MAX_TOLD)
		LOG(LOG_WARN, "announce", event, LF_U64("more", unknown.n - MAX_TOLD));
	for (unsigned family = 0; family < ANNOUNCE_FAMILY__N; family++) {
		const struct addr *dummy = &app->bird_list.dummy[family];
		struct addr used = dummy_of(app, gen, family);

		if (!addr_eq(dummy, &used))
			LOG(LOG_ERROR, "announce", "bird_list_dummy_is_a_vip",
			    LF_ADDR("prefix", dummy, 0));
	}
	return 0;
}

static void sync_dirs(const struct app_config *app)
{
	char dir[BIRD_FILE_PATH_BYTES];

	for (unsigned family = 0; family < ANNOUNCE_FAMILY__N; family++) {
		bird_file_dir(app->bird_list.conf[family], dir);
		bird_file_sync_dir(dir);
	}
}

int bird_list_new(const struct announcer_args *args, struct announcer **ret)
{
	const struct app_config *app = args->app;
	struct bird2_kind kind = {
		.backend = ANNOUNCER_BIRD_LIST,
		.ctl_sock = app->bird_list.ctl_sock,
		.coalesce_up_ns = app->bird_list.coalesce_up_ns,
		.durable = app->bird_list.durable,
		.is_one_group = true,
		.reloads = true,
		.keeps_unknown = !app->bird_list.purges,
		.n_files = ANNOUNCE_FAMILY__N,
		.n_looks = BIRD2_LOOK__N,
		.path = path,
		.format = format,
		.replacing = app->bird_list.keep_changes ? replacing : NULL,
		.look = look,
		.list_number = list_number,
		.lever = lever,
		.lock_path = lock_path,
		.read_old = read_old,
		.purge = purge,
		.sync_dirs = sync_dirs,
	};

	return bird2_new_of_kind(args, &kind, ret);
}
