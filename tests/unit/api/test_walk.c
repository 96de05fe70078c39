#include <criterion/criterion.h>

#include "api/walk.h"

#include "unit/api/fleet_fixture.h"

static struct fleet_fixture f;

static void setup(void)
{
	fleet_fixture_init(&f);
}

static void teardown(void)
{
	fleet_fixture_deinit(&f);
}

TestSuite(walk, .init = setup, .fini = teardown);

static void letter(struct walk *w, const char *c)
{
	cr_assert_eq(buf_append(w->out.to, c, 1), 0);
}

#define LETTER(name, c)                  \
	static void name(struct walk *w) \
	{                                \
		letter(w, c);            \
	}
LETTER(on_begin, "<")
LETTER(on_service, "S")
LETTER(on_service_end, "s")
LETTER(on_real, "R")
LETTER(on_real_end, "r")
LETTER(on_check, "c")
LETTER(on_end, ">")

static const struct walk_view every = {on_begin,    on_service, on_service_end, on_real,
				       on_real_end, on_check,   on_end,         0};

static void walks(const struct walk_view *view, uint32_t only, const char *expected)
{
	char *text = fleet_fixture_text(&f, view, only);

	cr_assert_str_eq(text, expected);
	free(text);
}

Test(walk, decisions_49_file_order_with_every_piece)
{
	walks(&every, SLOT_NONE, "<SRccrRcrsSRrs>");
}

Test(walk, views_without_checks_or_reals_skip_them)
{
	struct walk_view v = every;

	v.check = NULL;
	walks(&v, SLOT_NONE, "<SRrRrsSRrs>");
	v.real = NULL;
	walks(&v, SLOT_NONE, "<SsSs>");
}

Test(walk, one_service_can_be_chosen)
{
	walks(&every, f.udp, "<SRrs>");
}

Test(walk, passes_repeat_the_list)
{
	walks(
		&(struct walk_view){
			.begin = on_begin, .service = on_service, .end = on_end, .n_passes = 3},
		SLOT_NONE, "<SS><SS><SS>");
}

static void tear(uint32_t *seq)
{
	/* release: as a writer's odd store */
	atomic_fetch_add_explicit((_Atomic uint32_t *)seq, 1, memory_order_release);
}

Test(walk, decisions_8_torn_row_is_left_out_with_all_below_it)
{
	tear(&state_check(&f.tables, f.first_check)->seq);
	walks(&every, SLOT_NONE, "<SRcrRcrsSRrs>");
	tear(&state_real(&f.tables, f.first_real)->seq);
	walks(&every, SLOT_NONE, "<SRcrsSRrs>");
	tear(&state_service(&f.tables, f.tcp)->seq);
	walks(&every, SLOT_NONE, "<SRrs>");
}

Test(walk, times_are_read_off_one_moment)
{
	struct walk w = {.wall_ns = FIXTURE_WALL_NS, .mono_ns = FIXTURE_MONO_NS};

	/* now is 5000.250 s: 499987 is 0.38 s ago */
	cr_assert_eq(walk_wall_of_10ms(&w, 499987), FIXTURE_WALL_NS - 380 * CLK_MS);
	cr_assert_eq(walk_wall_of_s(&w, 4999), FIXTURE_WALL_NS - 2 * CLK_S);
	cr_assert_eq(walk_wall_of_10ms(&w, 0), 0);
	cr_assert_eq(walk_wall_of_s(&w, 0), 0);
	/* a result that came after the walk began */
	cr_assert_eq(walk_wall_of_10ms(&w, 500125), FIXTURE_WALL_NS + CLK_S);
}

Test(walk, the_10_ms_clock_may_wrap)
{
	struct walk w = {.wall_ns = FIXTURE_WALL_NS,
			 .mono_ns = (UINT64_C(1) << 32) * 10 * CLK_MS + 20 * CLK_MS};

	cr_assert_eq(walk_wall_of_10ms(&w, UINT32_MAX), FIXTURE_WALL_NS - 30 * CLK_MS);
}
