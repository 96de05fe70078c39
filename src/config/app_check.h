/* What concerns several keys of alived.yaml at once. Internal to app_config. */
#pragma once

struct app_load;

/* Derives the defaults that depend on which sections there are, and reports contradictions. */
void app_check(struct app_load *l);
