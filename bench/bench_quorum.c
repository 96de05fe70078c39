/* What a result costs the deciding thread at 100,000 checks: one that changes nothing, in the order
 * of slots and in random order (the rows of each come from memory), and one that takes a real down
 * or up, with what follows for its service. One JSON line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "base/hash.h"
#include "config/app_config.h"
#include "config/diag.h"
#include "config/gen_build.h"
#include "config/services_parse.h"
#include "quorum/fleet.h"

enum { SERVICES = 10000, REALS = 10, CHECKS = SERVICES * REALS, REAL_BYTES = 256, ROUNDS = 7 };
enum { HEAD_BYTES = 256 };

static char no_text[] = "";
static struct state_tables tables;
static struct counters counters;
static struct generation *gen;
static struct gen_diff *diff;
static uint64_t now_ns = 1000 * CLK_S;

static char *make_text(void)
{
	size_t room = (size_t)SERVICES * (HEAD_BYTES + REALS * REAL_BYTES), n = 0;
	char *text = malloc(room);

	for (unsigned s = 0; text && s < SERVICES; s++) {
		n += (size_t)snprintf(text + n, room - n,
				      "virtual_server 2001:db8:%x::1 80 {\n\tlvs_method NAT\n"
				      "\tdelay_loop 10\n\tretry 0\n",
				      s + 1);
		for (unsigned r = 1; r <= REALS; r++)
			n += (size_t)snprintf(text + n, room - n,
					      "\treal_server 2001:db8:ffff:%x::%x 80 {\n"
					      "\t\tTCP_CHECK {\n\t\t\tconnect_timeout 1\n\t\t}\n"
					      "\t}\n",
					      s + 1, r);
		n += (size_t)snprintf(text + n, room - n, "}\n");
	}
	return text;
}

static bool load(void)
{
	struct app_config app = {.tls_min_version = TLS_V1_2};
	struct source *source = source_new();
	struct diag *diag = diag_new(source);
	struct draft *draft = NULL;
	struct slot_books books;
	char *text = make_text();

	app.experiments.replace_mh_with = no_text;
	if (!text || slot_books_init(&books) < 0)
		return false;
	if (services_parse_text("bench", text, strlen(text), &app, source, diag, &draft) != 0) {
		diag_print(diag, 2);
		return false;
	}
	free(text);
	return gen_build(draft, NULL, &books, now_ns, 0, &gen, &diff) == 0;
}

static struct result make_result(uint32_t check, enum check_code code)
{
	return (struct result){
		.check = check,
		.sequence = gen->check_sequence[check],
		.due_ns = now_ns - CLK_MS,
		.total_us = 500,
		.code = (uint16_t)code,
		.verdict = (uint8_t)check_code_verdict(code),
		.layer = (uint8_t)check_code_layer(code),
		.weight = -1,
		.generation = gen->number,
	};
}

/* step: 1 for the order of slots, else a prime that does not divide CHECKS. */
static double round_ns(struct fleet *f, uint32_t n, uint32_t step, enum check_code code)
{
	uint64_t begin = clk_mono_ns();

	for (uint32_t i = 0, check = 0; i < n; i++, check = (check + step) % CHECKS) {
		struct result r = make_result(check, code);

		now_ns += CLK_US;
		fleet_result(f, &r, now_ns);
		while (fleet_take_dirty_real(f) != SLOT_NONE)
			;
	}
	return (double)(clk_mono_ns() - begin) / n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell(const char *name, uint32_t n, double *ns)
{
	qsort(ns, ROUNDS, sizeof(*ns), by_value);
	printf("{\"name\":\"%s\",\"checks\":%d,\"n\":%u,\"ns_per_op\":%.1f,\"min\":%.1f,"
	       "\"max\":%.1f}\n",
	       name, CHECKS, n, ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
}

static void measure_same(struct fleet *f, const char *name, uint32_t step)
{
	double ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = round_ns(f, CHECKS, step, CODE_OK);
	tell(name, CHECKS, ns);
}

/* A hundredth of the fleet goes down and comes back: far from what would blind us. */
static void measure_changes(struct fleet *f)
{
	enum { STEP = 97, N = CHECKS / 100 };
	double down[ROUNDS], up[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		down[i] = round_ns(f, N, STEP, CODE_REFUSED);
		up[i] = round_ns(f, N, STEP, CODE_OK);
	}
	tell("fleet_result_down", N, down);
	tell("fleet_result_up", N, up);
}

int main(void)
{
	const struct fleet_config config = {.unknown_max = 5, .sync_period_ns = 5 * CLK_S};
	struct fleet *f;

	if (!load() || state_tables_init(&tables) < 0)
		return 1;
	f = fleet_new(&config, &tables, NULL, &counters);
	if (!f || fleet_adopt(f, gen, diff, now_ns) < 0)
		return 1;
	round_ns(f, CHECKS, 1, CODE_OK);
	measure_same(f, "fleet_result_same_in_order", 1);
	measure_same(f, "fleet_result_same_scattered", 61813);
	measure_changes(f);
	fleet_free(f);
	/* every change was one: up at first, then down and up again in each round */
	return counter_get(&counters, CTR_REAL_TRANSITIONS) != CHECKS + ROUNDS * 2 * CHECKS / 100;
}
