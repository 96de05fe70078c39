/* One real inside the fleet: changes its row, its share in its service, its dirty mark. */
#pragma once

#include "quorum/fleet_core.h"
#include "quorum/real_rule.h"

/* A real that is being changed. Between open and close no hook runs and no other edit of the same
 * real is open. */
struct fleet_real_edit {
	uint32_t real;
	struct real_row row; /* changed here, published by close */
	struct real_want before;
	uint16_t held_before;
};

/* Takes the real's share out of its service, in the present generation. */
void fleet_real_uncount(struct fleet *f, uint32_t real);
/* Opens without uncounting (for a share that is out already, or was never in). */
struct fleet_real_edit fleet_real_open_uncounted(const struct fleet *f, uint32_t real);
struct fleet_real_edit fleet_real_open(struct fleet *f, uint32_t real);
/* Publishes, counts the share, marks service and real. */
void fleet_real_close(struct fleet *f, struct fleet_real_edit *e);

/* Works out what is wanted from the row's verdict, override and what may be frozen. */
void fleet_real_decide(struct fleet *f, struct fleet_real_edit *e, enum fleet_cause cause,
		       uint64_t now_ns);
/* open, decide, close. */
void fleet_real_redecide(struct fleet *f, uint32_t real, enum fleet_cause cause, uint64_t now_ns);
/* Judges the real by its checks' rows and decides; tells the hooks. share_is_out: see open. */
struct fleet_real_source {
	enum fleet_cause cause;
	bool share_is_out;
	uint32_t check; /* SLOT_NONE: not by a result */
	const struct result *result;
};
void fleet_real_judge(struct fleet *f, uint32_t real, const struct fleet_real_source *by,
		      uint64_t now_ns);

/* The last acknowledgement says nothing any more. */
void fleet_real_unhold(struct fleet *f, struct fleet_real_edit *e);
/* Wanted enabled with this weight again, against its verdict, as long as blind lasts. */
void fleet_real_take_back(struct fleet *f, struct fleet_real_edit *e, uint16_t weight);
/* What the balancer shall have by the row, unscaled. */
struct real_want fleet_real_want(const struct real_row *row);
/* Forgets what a verdict took from the real. */
void fleet_real_forget_removal(struct fleet *f, uint32_t real);
/* Wanted weight that carries traffic: enabled, or enabled from an earlier life. */
uint16_t fleet_real_carried(const struct fleet *f, uint32_t real, const struct real_row *row);
