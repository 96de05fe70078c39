/* Removals that are held back: blind (decisions 31-33) and panic hold (design §9.2). */
#pragma once

#include "quorum/fleet_core.h"

/* One known result of a check, for the window: may begin or end blind. Settles. */
void fleet_freeze_note(struct fleet *f, const struct check_spec *spec, const struct result *result,
		       enum verdict verdict, uint64_t now_ns);
/* A bad result of this real after blind ended: what was frozen for it is believed now. Settles. */
void fleet_freeze_confirm(struct fleet *f, uint32_t real, uint64_t now_ns);
/* Time may end it. Settles. */
void fleet_freeze_tick(struct fleet *f, uint64_t now_ns);
/* Lets panic-held reals go where there is room again. Called by settle, outside of any edit. */
void fleet_freeze_retry(struct fleet *f, uint64_t now_ns);
/* The operator lets all panic holds go. Settles. */
void fleet_freeze_release(struct fleet *f, uint64_t now_ns);
