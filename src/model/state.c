#include "model/state.h"

#include <errno.h>

static const char *const state_texts[] = {"undecided", "up", "down"};

static const char *const reason_texts[REAL_REASON__N] = {
	[REAL_REASON_NO_VERDICT] = "no_verdict",     [REAL_REASON_CHECKS_UP] = "checks_up",
	[REAL_REASON_CHECK_DOWN] = "check_down",     [REAL_REASON_STATIC] = "static",
	[REAL_REASON_OPERATOR] = "operator",         [REAL_REASON_REMOVED] = "removed",
	[REAL_REASON_DRAINED] = "drained_by_answer",
};

const char *state_text(enum state s)
{
	return (unsigned)s < ARRAY_LEN(state_texts) ? state_texts[s] : "?";
}

const char *real_reason_text(enum real_reason r)
{
	return (unsigned)r < REAL_REASON__N ? reason_texts[r] : "?";
}

static bool is_served(const struct prefix_row *row)
{
	return row->n_joined > 0 && row->n_joined_up == row->n_joined;
}

const char *prefix_reason_text(const struct prefix_row *row)
{
	if (row->flags & PREFIX_ROW_NO_ADDRESS)
		return "no_local_address";
	if (row->flags & PREFIX_ROW_FROZEN)
		return "withdrawal_frozen";
	if (row->state == STATE_UP)
		return "services_up";
	if (row->flags & PREFIX_ROW_HOLDING)
		return "announce_hold";
	if ((row->flags & PREFIX_ROW_ADDRESS_UNKNOWN) && is_served(row))
		return "address_unknown";
	return row->state == STATE_DOWN ? "service_down" : "no_verdict";
}

int state_tables_init(struct state_tables *t)
{
	*t = (struct state_tables){0};
	if (table_init(&t->checks, sizeof(struct check_row), MAX_CHECKS) < 0 ||
	    table_init(&t->history, sizeof(struct history_row), MAX_CHECKS) < 0 ||
	    table_init(&t->reals, sizeof(struct real_row), MAX_REALS) < 0 ||
	    table_init(&t->services, sizeof(struct service_row), MAX_SERVICES) < 0 ||
	    table_init(&t->prefixes, sizeof(struct prefix_row), MAX_PREFIXES) < 0 ||
	    table_init(&t->tls, sizeof(struct tls_row), MAX_CHECKS) < 0) {
		state_tables_deinit(t);
		return -ENOMEM;
	}
	return 0;
}

void state_tables_deinit(struct state_tables *t)
{
	table_deinit(&t->checks);
	table_deinit(&t->history);
	table_deinit(&t->reals);
	table_deinit(&t->services);
	table_deinit(&t->prefixes);
	table_deinit(&t->tls);
}
