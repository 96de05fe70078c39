#include "ctl/ctl_announce_print.h"

#include <stdlib.h>
#include <string.h>

#include "lib/app_maker.h"
#include "unit/ctl/ctl_test.h"

static char *print(const char *yaml, uint32_t backend, const char *group)
{
	struct app_run app = app_maker_run(yaml);
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	cr_assert_not_null(app.config, "%s", app.report);
	ctl_announce_print_text(app.config, backend, group, to);
	fclose(to);
	app_maker_end(&app);
	return text;
}

/* What is not a comment. */
static bool has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	return at && (at == text || at[-1] == '\n');
}

Test(ctl_announce_print, bird2_names_directory_and_group)
{
	char *text =
		print("balancer: {backend: none}\nbird2: {dir: /run/x}\n", ANNOUNCER_BIRD2, "g-1");

	cr_assert(has_line(text, "include \"/run/x/*.conf\";\n"));
	cr_assert(has_line(text, "filter 'alived_g-1' {\n"));
	cr_assert(strstr(text, "if proto ~ \"hc_g-1_?\" then accept;"));
	cr_assert(strstr(text, "export filter 'alived_g-1'; next hop self;"));
	free(text);
}

Test(ctl_announce_print, bird_list_names_files_variables_and_interface)
{
	char *text = print("balancer: {backend: none}\n"
			   "announcer: {backend: bird_list, require_local_address: vip0}\n"
			   "bird_list: {bird_conf: /a/4, bird6_conf: /a/6, bird_variable: FOUR}\n",
			   ANNOUNCER_BIRD_LIST, "default");

	cr_assert(has_line(text, "include \"/a/4\";\n") && has_line(text, "include \"/a/6\";\n"));
	cr_assert(strstr(text, "export where net ~ FOUR;"));
	cr_assert(strstr(text, "export where net ~ ACAST6_PS_ADVERTISE;"));
	cr_assert(strstr(text, "interface \"vip0\";"));
	free(text);
}
