#include "agg/agg_tls.h"

#include <criterion/criterion.h>

#include "base/clk.h"
#include "config/gen_diff.h"
#include "lib/gen_fixture.h"

enum { DAY_S = 86400 };

static struct gen_fixture f;
static struct state_tables tables;
static struct tls_facts facts;
static struct check_extras extras = {.expire_warn_days = 10};
static struct agg_log names = {.generation = &f.gen, .tables = &tables};

static void setup(void)
{
	gen_fixture_init(&f, 1);
	for (int i = 0; i < 3; i++)
		gen_fixture_check(&f, CHECK_HTTPS, "10.0.0.1", 443);
	f.gen.extras = &extras;
	f.gen.n_extras = 1;
	f.profiles[1].extras = 1;
	cr_assert_eq(state_tables_init(&tables), 0);
	facts = (struct tls_facts){.tables = &tables};
}

static void teardown(void)
{
	state_tables_deinit(&tables);
}

TestSuite(agg_tls, .init = setup, .fini = teardown);

static struct result result_of(uint32_t check)
{
	return (struct result){
		.check = check,
		.sequence = f.sequences[check],
		.cert_expiry_s = (uint32_t)(clk_wall_ns() / CLK_S + 5 * DAY_S),
		.tls_version = 0x0304,
		.tls_cipher = 0x1301,
	};
}

Test(agg_tls, warning_is_for_checks_that_ask_for_it)
{
	struct result with = result_of(1), without = result_of(2);

	agg_tls_result(&facts, &names, &without);
	cr_assert_eq(facts.n_expiring, 0);
	cr_assert_eq(state_tls(&tables, 2)->version, 0x0304);
	agg_tls_result(&facts, &names, &with);
	cr_assert_eq(facts.n_expiring, 1);
	cr_assert(state_tls(&tables, 1)->flags & TLS_ROW_EXPIRES);
}

Test(agg_tls, stale_result_says_nothing)
{
	struct result old = result_of(1), unknown = result_of(1);

	old.sequence++;
	unknown.check = 1000;
	agg_tls_result(&facts, &names, &old);
	agg_tls_result(&facts, &names, &unknown);
	cr_assert_eq(facts.n_expiring, 0);
	cr_assert_eq(state_tls(&tables, 1)->version, 0);
}

Test(agg_tls, removed_check_is_forgotten)
{
	struct result r = result_of(1);
	uint32_t removed[] = {0, 1};
	struct gen_diff diff = {.checks.removed = {removed, 2}};

	agg_tls_result(&facts, &names, &r);
	agg_tls_adopt(&facts, &diff);
	cr_assert_eq(facts.n_expiring, 0);
	cr_assert_eq(state_tls(&tables, 1)->version, 0);
}
