#include <criterion/criterion.h>
#include <string.h>

#include "config/gen_diff.h"
#include "config/gen.h"

/* Generations by hand: only the tables that the diff reads. */
struct tables {
	struct generation g;
	struct service_spec services[4];
	struct real_spec reals[4];
	struct check_spec checks[4];
	struct prefix_spec prefixes[4];
	struct service_names names[2];
};

/* Service 0 with real 0 with check 0 on prefix 0; the rest is unused. */
static void make(struct tables *t)
{
	static const char text[] = "\0\0wrr\0mh";

	memset(t, 0, sizeof(*t));
	for (int i = 1; i < 4; i++) {
		t->services[i].names = UINT32_MAX;
		t->reals[i].service = SLOT_NONE;
		t->checks[i].real = SLOT_NONE;
		t->prefixes[i].first_service = SLOT_NONE;
	}
	t->names[0].scheduler = 2;
	t->names[1].scheduler = 6;
	t->checks[0].next = SLOT_NONE;
	t->services[0].next_on_prefix = SLOT_NONE;
	t->g.end_services = t->g.end_reals = t->g.end_checks = t->g.end_prefixes = 4;
	t->g.services = t->services;
	t->g.reals = t->reals;
	t->g.checks = t->checks;
	t->g.prefixes = t->prefixes;
	t->g.service_names = t->names;
	t->g.text = text;
}

static struct gen_diff *diff_of(const struct tables *a, const struct tables *b)
{
	struct gen_diff *d = NULL;

	cr_assert_eq(gen_diff_make(a ? &a->g : NULL, &b->g, &d), 0);
	return d;
}

static void list_is(const struct slot_list *l, uint32_t n, uint32_t first)
{
	cr_assert_eq(l->n, n);
	if (n)
		cr_assert_eq(l->at[0], first);
}

Test(gen_diff, nothing_before_means_all_added)
{
	struct tables t;
	struct gen_diff *d;

	make(&t);
	d = diff_of(NULL, &t);
	list_is(&d->services.added, 1, 0);
	list_is(&d->reals.added, 1, 0);
	list_is(&d->checks.added, 1, 0);
	list_is(&d->prefixes.added, 1, 0);
	cr_assert_eq(d->services.changed.n + d->reals.changed.n + d->prefixes.changed.n, 0);
	cr_assert(!gen_diff_is_empty(d));
	gen_diff_free(d);
	gen_diff_free(NULL);
}

Test(gen_diff, order_of_links_is_no_change)
{
	struct tables a, b;
	struct gen_diff *d;

	make(&a);
	a.checks[2].real = 0;
	a.checks[2].next = SLOT_NONE;
	a.checks[0].next = 2;
	b = a;
	b.g.checks = b.checks;
	b.g.reals = b.reals;
	b.reals[0].first_check = 2;
	b.checks[2].next = 0;
	b.checks[0].next = SLOT_NONE;
	b.services[0].first_real = 3;
	b.services[0].next_on_prefix = 1;
	d = diff_of(&a, &b);
	cr_assert(gen_diff_is_empty(d));
	gen_diff_free(d);
}

/* One field, one kind, nothing else. */
#define CHANGES(kind, statement)                  \
	do {                                      \
		struct tables a_, t;              \
		struct gen_diff *d_;              \
		make(&a_);                        \
		make(&t);                         \
		statement;                        \
		d_ = diff_of(&a_, &t);            \
		list_is(&d_->kind.changed, 1, 0); \
		d_->kind.changed.n = 0;           \
		cr_assert(gen_diff_is_empty(d_)); \
		gen_diff_free(d_);                \
	} while (0)

Test(gen_diff, each_own_field_changes_its_object_only)
{
	CHANGES(services, t.services[0].quorum = 5);
	CHANGES(services, t.services[0].hysteresis = 5);
	CHANGES(services, t.services[0].group = 2);
	CHANGES(services, t.services[0].lvs_method = LVS_GRE);
	CHANGES(services, t.services[0].flags = SERVICE_OPS);
	CHANGES(services, t.services[0].panic_threshold = 5);
	CHANGES(services, t.services[0].fwmark = 5);
	CHANGES(services, t.services[0].names = 1);
	CHANGES(services, t.names[0].version = 1);
	CHANGES(reals, t.reals[0].weight = 5);
	CHANGES(reals, t.reals[0].lvs_method = LVS_GRE);
	CHANGES(reals, t.reals[0].flags = REAL_INHIBIT);
	CHANGES(prefixes, t.prefixes[0].group = 5);
}

Test(gen_diff, same_text_at_another_place_is_no_change)
{
	struct tables a, b;
	struct gen_diff *d;

	make(&a);
	make(&b);
	b.g.text = "\0\0long\0wrr";
	b.names[0].scheduler = 7;
	d = diff_of(&a, &b);
	cr_assert(gen_diff_is_empty(d));
	gen_diff_free(d);
}

Test(gen_diff, moved_service_changes_both_prefixes)
{
	struct tables a, b;
	struct gen_diff *d;

	make(&a);
	a.prefixes[1].first_service = 1;
	a.services[1].names = 0;
	a.services[1].prefix = 1;
	make(&b);
	b.prefixes[1].first_service = 0;
	b.prefixes[0].first_service = SLOT_NONE;
	b.services[0].prefix = 1;
	b.services[1].names = 0;
	b.services[1].prefix = 1;
	d = diff_of(&a, &b);
	list_is(&d->services.changed, 1, 0);
	list_is(&d->prefixes.removed, 1, 0);
	list_is(&d->prefixes.changed, 1, 1);
	gen_diff_free(d);
}

Test(gen_diff, generations_of_different_length_are_compared_to_the_end)
{
	struct tables a, b;
	struct gen_diff *d;

	make(&a);
	make(&b);
	b.g.end_checks = b.g.end_reals = b.g.end_services = b.g.end_prefixes = 0;
	d = diff_of(&a, &b);
	list_is(&d->checks.removed, 1, 0);
	list_is(&d->reals.removed, 1, 0);
	list_is(&d->services.removed, 1, 0);
	list_is(&d->prefixes.removed, 1, 0);
	gen_diff_free(d);
}
