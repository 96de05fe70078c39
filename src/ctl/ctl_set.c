#include "ctl/ctl_set.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl_http.h"

static enum ctl_exit order(const struct ctl_opts *o, const char *path, const char *body,
			   const char *done)
{
	_cleanup_(ctl_http_answer_deinit) struct ctl_http_answer a = {0};
	enum ctl_exit e = ctl_http_post(o, path, body, &a);

	if (e == CTL_EXIT_OK)
		puts(o->is_json ? a.body : done);
	return e;
}

enum ctl_exit ctl_set_reload(const struct ctl_opts *o, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return order(o, "/v1/reload", "{}", "reloaded");
}

enum ctl_exit ctl_set_release_panic(const struct ctl_opts *o, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return order(o, "/v1/release_panic", "{}", "released");
}

enum ctl_exit ctl_set_real(const struct ctl_opts *o, int argc, char **argv)
{
	json_t *j;
	char *body;
	enum ctl_exit e;

	(void)argc;
	if (strcmp(argv[2], "state") != 0 && strcmp(argv[2], "weight") != 0) {
		fprintf(stderr, "alivectl: '%s' is neither state nor weight\n", argv[2]);
		return CTL_EXIT_USAGE;
	}
	j = json_pack("{s:s,s:s,s:s}", "vs", argv[0], "rs", argv[1], argv[2], argv[3]);
	body = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (!body) {
		fputs("alivectl: the arguments are not UTF-8\n", stderr);
		return CTL_EXIT_USAGE;
	}
	e = order(o, "/v1/override", body, "done");
	free(body);
	return e;
}
