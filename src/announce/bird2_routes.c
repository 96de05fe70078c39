#include "announce/bird2_routes.h"

#include "base/log.h"

static void path(const struct bird2_subject *s, unsigned file, char out[BIRD_FILE_PATH_BYTES])
{
	(void)file;
	bird_file_path(s->app->bird2.dir, s->group, out);
}

static int format(const struct bird2_subject *s, unsigned file, struct buf *ret_text)
{
	(void)file;
	return bird_file_format(s->group, s->vips, ret_text);
}

static void look(const struct bird2_subject *s, enum bird2_look look, char out[BIRD2_COMMAND_BYTES])
{
	char protocol[BIRD_FILE_NAME_BYTES];

	bird_file_protocol(s->group, look == BIRD2_LOOK_COUNT_4, protocol);
	snprintf(out, BIRD2_COMMAND_BYTES, "show route protocol '%s' count", protocol);
}

/* `?` is one character: hc_a_? is not of group a_b, which hc_a_* would be. The next successful
 * configure enables the group again by itself. */
static bool lever(const struct bird2_subject *s, char out[BIRD2_COMMAND_BYTES])
{
	if (s->app->bird2.disables_group)
		snprintf(out, BIRD2_COMMAND_BYTES, "disable \"hc_%s_?\"", s->group);
	return s->app->bird2.disables_group;
}

static bool lock_path(const struct app_config *app, unsigned i, char out[BIRD_FILE_PATH_BYTES])
{
	snprintf(out, BIRD_FILE_PATH_BYTES, "%s/.lock", app->bird2.dir);
	return i == 0;
}

static bool add_file(void *ctx, const char *group, const char *text, size_t len)
{
	if (bird_file_parse(text, len, ctx) != 0)
		LOG(LOG_WARN, "announce", "bird_file_not_readable", LF_STR("group", group));
	return false;
}

static void read_old(const struct app_config *app, struct vip_set *vips)
{
	(void)bird_file_each(app->bird2.dir, add_file, vips);
}

static bool is_left_over(void *ctx, const char *group, const char *text, size_t len)
{
	const struct app_config *app = ctx;

	(void)text;
	(void)len;
	for (uint32_t i = 0; i < app->announcer.n_groups; i++) {
		if (strcmp(app->announcer.groups[i], group) == 0)
			return false;
	}
	LOG(LOG_INFO, "announce", "bird_file_of_no_group_removed", LF_STR("group", group));
	return true;
}

/* Files of groups that are configured no more. */
static uint32_t purge(const struct app_config *app, const struct generation *gen,
		      const struct vip_set *old)
{
	(void)gen;
	(void)old;
	return bird_file_each(app->bird2.dir, is_left_over, (void *)(uintptr_t)app);
}

static void sync_dirs(const struct app_config *app)
{
	bird_file_sync_dir(app->bird2.dir);
}

struct bird2_kind bird2_routes_kind(const struct app_config *app)
{
	return (struct bird2_kind){
		.backend = ANNOUNCER_BIRD2,
		.ctl_sock = app->bird2.ctl_sock,
		.coalesce_up_ns = app->bird2.coalesce_up_ns,
		.durable = app->bird2.durable,
		.has_routes = true,
		.n_files = 1,
		.n_looks = BIRD2_LOOK_COUNT_6 + 1,
		.path = path,
		.format = format,
		.look = look,
		.lever = lever,
		.lock_path = lock_path,
		.read_old = read_old,
		.purge = purge,
		.sync_dirs = sync_dirs,
	};
}
