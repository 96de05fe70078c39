/* alived.yaml: any bytes either load or are refused with a diagnostic, and the loaded form can be
 * compared with itself. */
#include <stdlib.h>
#include <string.h>

#include "config/app_config.h"
#include "config/diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void examine(struct app_config *c)
{
	char *keys = app_config_restart_keys(c, c);

	ASSERT(keys && !*keys);
	ASSERT(c->bird.batch_size >= 1 && c->bird.batch_size <= 4096);
	ASSERT(c->announcer.n_groups <= APP_MAX_GROUPS);
	ASSERT(c->balancer.sync_states_period_ns > 0);
	ASSERT(c->check_tun.mark_base <= c->check_tun.mark_mask);
	free(keys);
	app_config_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source *s = source_new();
	struct diag *d = diag_new(s);
	struct app_config *c = NULL;
	char *text = malloc(size ? size : 1), *report;
	int r;

	if (size)
		memcpy(text, data, size);
	r = app_config_load_text("fuzz.yaml", text, size, s, d, &c);
	free(text);
	ASSERT(r == 0 || (r == APP_CONFIG_BAD && diag_errors(d)));
	report = diag_text(d);
	ASSERT(report);
	free(report);
	if (c)
		examine(c);
	diag_free(d);
	source_free(s);
	return 0;
}
