#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clk.h"
#include "config/gen_build.h"
#include "config/gen_intern.h"
#include "lib/draft_maker.h"

static uint32_t intern(struct gen_intern *in, const struct draft_check *c)
{
	uint32_t index = 77, before = 77;

	cr_assert_eq(gen_intern_profile(in, c, &index, &before), 0);
	cr_assert_eq(before, SLOT_NONE);
	return index;
}

Test(gen_intern, unset_text_is_not_empty_text)
{
	struct gen_intern *in = gen_intern_new(NULL);
	struct draft_check none = {.connect_port = 1}, empty = {.path = ""},
			   host = {.virtualhost = ""};

	cr_assert_eq(intern(in, &none), 0);
	cr_assert_eq(intern(in, &empty), 1);
	cr_assert_eq(intern(in, &host), 2);
	cr_assert_eq(intern(in, &none), 0);
	gen_intern_free(in);
	gen_intern_free(NULL);
}

Test(gen_intern, path_and_virtualhost_do_not_stand_for_each_other)
{
	struct gen_intern *in = gen_intern_new(NULL);
	struct draft_check a = {.path = "x", .virtualhost = "y"},
			   b = {.path = "y", .virtualhost = "x"}, c = {.path = "x"},
			   d = {.virtualhost = "x"};

	cr_assert_eq(intern(in, &a), 0);
	cr_assert_eq(intern(in, &b), 1);
	cr_assert_eq(intern(in, &c), 2);
	cr_assert_eq(intern(in, &d), 3);
	cr_assert_eq(intern(in, &a), 0);
	gen_intern_free(in);
}

/* Any byte of the parameters tells two profiles apart. */
Test(gen_intern, every_parameter_counts)
{
	struct gen_intern *in = gen_intern_new(NULL);
	struct draft_check plain = {.connect_port = 1}, *other;
	struct arena *a = arena_new();
	uint32_t n = 1;

	cr_assert_eq(intern(in, &plain), 0);
	for (size_t i = 0; i < sizeof(plain.profile); i++) {
		if (i >= offsetof(struct check_profile, path) &&
		    i < offsetof(struct check_profile, weight_coefficient))
			continue; /* the draft says these elsewhere */
		if (i >= offsetof(struct check_profile, extras_text) &&
		    i < offsetof(struct check_profile, spare))
			continue; /* and these */
		other = arena_alloc(a, sizeof(*other));
		((unsigned char *)&other->profile)[i] = 1;
		cr_assert_eq(intern(in, other), n, "byte %zu", i);
		n++;
	}
	gen_intern_free(in);
	arena_free(a);
}

Test(gen_intern, many_different_strings_keep_their_text)
{
	enum { N = 20000 };
	struct draft *d = draft_maker_new();
	struct draft_check *all = arena_alloc(d->arena, N * sizeof(*all));
	struct gen_intern *in = gen_intern_new(NULL);
	struct generation g = {.arena = d->arena};
	char text[32];

	g.index = arena_alloc(d->arena, 256);
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "/check/%d", i);
		all[i].path = arena_strndup(d->arena, text, strlen(text));
		all[i].profile.kind = (uint8_t)(i % CHECK_KIND__N);
		cr_assert_eq(intern(in, &all[i]), (uint32_t)i);
	}
	cr_assert_eq(gen_intern_finish(in, &g), 0);
	gen_intern_free(in);
	cr_assert_eq(g.n_profiles, N);
	for (int i = 0; i < N; i++)
		cr_assert_str_eq(gen_str(&g, g.profiles[i].path), all[i].path);
	cr_assert_str_eq(gen_str(&g, GEN_STR_UNSET), "");
	draft_maker_free(d);
}

Test(gen_intern, profiles_of_the_generation_before_are_recognised)
{
	struct draft *d = draft_maker_new();
	struct draft_service *s = draft_maker_service(d, "192.0.2.1", 80);
	struct draft_real *r = draft_maker_real(d, s, "10.0.0.1", 80);
	struct draft_check fresh = {.path = "/new"}, empty, *a, *b;
	struct slot_books books;
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;
	struct gen_intern *in;
	uint32_t index, before;

	a = draft_maker_check(d, r, CHECK_TCP);
	b = draft_maker_check(d, r, CHECK_HTTP);
	b->path = "/x";
	cr_assert_eq(slot_books_init(&books), 0);
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), 0);
	in = gen_intern_new(g);
	cr_assert_eq(gen_intern_profile(in, b, &index, &before), 0);
	cr_assert_eq(index, 0);
	cr_assert_eq(before, 1);
	cr_assert_eq(gen_intern_profile(in, &fresh, &index, &before), 0);
	cr_assert_eq(before, SLOT_NONE);
	cr_assert_eq(gen_intern_profile(in, a, &index, &before), 0);
	cr_assert_eq(before, 0);
	empty = *b;
	empty.path = "";
	cr_assert_eq(gen_intern_profile(in, &empty, &index, &before), 0);
	cr_assert_eq(before, SLOT_NONE);
	gen_intern_free(in);
	gen_diff_free(diff);
	gen_free(g);
	slot_books_deinit(&books);
	draft_maker_free(d);
}

Test(gen_intern, names_are_shared_and_empty_ones_unset)
{
	struct gen_intern *in = gen_intern_new(NULL);
	struct draft_service a = {.scheduler = "wrr"}, b = {.scheduler = "wrr", .quorum_up = ""},
			     c = {.quorum_up = "wrr"};
	uint32_t index;

	cr_assert_eq(gen_intern_names(in, &a, &index), 0);
	cr_assert_eq(index, 0);
	cr_assert_eq(gen_intern_names(in, &c, &index), 0);
	cr_assert_eq(index, 1);
	cr_assert_eq(gen_intern_names(in, &b, &index), 0);
	cr_assert_eq(index, 0);
	gen_intern_free(in);
}
