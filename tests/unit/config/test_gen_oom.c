/* Fails the n-th allocation of a build, for every n. The sources are compiled into this file so
 * that their calls can be counted; the same functions in the library stay unused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static long calls_left = -1; /* until one fails; < 0: none does */

static int is_time(void)
{
	return calls_left >= 0 && calls_left-- == 0;
}

static void *failing_calloc(size_t n, size_t bytes)
{
	return is_time() ? NULL : calloc(n, bytes);
}

static void *failing_realloc(void *p, size_t bytes)
{
	return is_time() ? NULL : realloc(p, bytes);
}

static void *failing_reallocarray(void *p, size_t n, size_t bytes)
{
	return is_time() ? NULL : reallocarray(p, n, bytes);
}

static void *failing_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	return is_time() ? MAP_FAILED : mmap(at, bytes, prot, flags, fd, offset);
}

#define calloc       failing_calloc
#define realloc      failing_realloc
#define reallocarray failing_reallocarray
#define mmap         failing_mmap
#include "../../../src/base/arena.c"
#include "../../../src/config/gen_build.c"
#include "../../../src/config/gen_diff.c"
#include "../../../src/config/gen_extras.c"
#include "../../../src/config/gen_intern.c"
#undef calloc
#undef realloc
#undef reallocarray
#undef mmap

#include <criterion/criterion.h>

#include "lib/draft_maker.h"

/* Everything that a generation copies or makes for a check; one key for all. */
static const struct draft_extras *extras_of(struct draft *d, const char *text)
{
	struct draft_extras *e = arena_alloc(d->arena, sizeof(*e));
	struct check_url *url = arena_alloc(d->arena, sizeof(*url));
	struct tls_setting *tls = arena_alloc(d->arena, sizeof(*tls));

	if (!d->files) {
		d->files = arena_alloc(d->arena, sizeof(*d->files));
		d->files->file = (struct tls_file){"k", "key", 3, 1};
	}
	*url = (struct check_url){.path = text, .virtualhost = "v", .expect_body_text = text};
	*tls = (struct tls_setting){.cert = &d->files->file, .key = &d->files->file};
	tls->hash = strlen(text);
	e->text = text;
	e->extras = (struct check_extras){.method = "HEAD", .headers = "A: b\r\n", .sni = "s"};
	e->extras.verify_name = "";
	e->extras.tls = tls;
	e->extras.n_urls = 1;
	e->extras.urls = url;
	return e;
}

/* n_services services of three reals; each check is unlike the others, so that sets grow. */
static struct draft *make(int n_services, int first)
{
	struct draft *d = draft_maker_new();
	char text[64];

	for (int s = first; s < first + n_services; s++) {
		struct draft_service *service;

		snprintf(text, sizeof(text), "10.1.%d.%d", s / 256, s % 256);
		service = draft_maker_service(d, text, 80);
		service->group = 1;
		for (int r = 0; r < 3; r++) {
			struct draft_check *c;

			snprintf(text, sizeof(text), "10.2.%d.%d", r, s);
			c = draft_maker_check(d, draft_maker_real(d, service, text, 80),
					      CHECK_HTTP);
			snprintf(text, sizeof(text), "/%d/%d", s, r);
			c->path = arena_strndup(d->arena, text, strlen(text));
			c->profile.interval_ns += (uint64_t)s;
			c->extras = r == 0 ? extras_of(d, c->path) : NULL;
		}
	}
	return d;
}

static struct generation *build(const struct draft *d, const struct generation *before,
				struct slot_books *books)
{
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;

	cr_assert_eq(gen_build(d, before, books, 0, 0, &g, &diff), 0);
	gen_diff_free(diff);
	return g;
}

/* Same slots in the same order. */
static void same_slots(const struct generation *a, const struct generation *b)
{
	cr_assert_eq(a->n_services, b->n_services);
	cr_assert_eq(a->n_reals, b->n_reals);
	cr_assert_eq(a->end_checks, b->end_checks);
	cr_assert_eq(a->end_prefixes, b->end_prefixes);
	for (uint32_t i = 0; i < a->n_services; i++) {
		cr_assert_eq(a->service_order[i], b->service_order[i]);
		cr_assert_eq(a->services[a->service_order[i]].prefix,
			     b->services[b->service_order[i]].prefix);
	}
	for (uint32_t i = 0; i < a->n_reals; i++) {
		cr_assert_eq(a->real_order[i], b->real_order[i]);
		cr_assert_eq(a->reals[a->real_order[i]].first_check,
			     b->reals[b->real_order[i]].first_check);
	}
}

Test(gen_oom, any_failed_allocation_leaves_the_books_and_the_old_generation, .timeout = 60)
{
	struct draft *first = make(60, 0), *second = make(60, 30);
	struct slot_books books, calm;
	struct generation *before, *calm_before, *calm_after, *g = NULL;
	struct gen_diff *diff = NULL;
	int r = -ENOMEM;
	long n = 0;

	cr_assert_eq(slot_books_init(&calm), 0);
	calm_before = build(first, NULL, &calm);
	calm_after = build(second, calm_before, &calm);
	cr_assert_eq(slot_books_init(&books), 0);
	before = build(first, NULL, &books);
	for (; r == -ENOMEM && n < 100000; n++) {
		calls_left = n;
		r = gen_build(second, before, &books, 0, 0, &g, &diff);
	}
	calls_left = -1;
	cr_assert_eq(r, 0);
	cr_assert_gt(n, 30, "there are more allocations than that: %ld", n);
	same_slots(before, calm_before);
	same_slots(g, calm_after);
	cr_assert_eq(diff->services.added.n, 30);
	cr_assert_eq(diff->checks.removed.n, 90);
	cr_assert_eq(g->n_extras, 60);
	cr_assert_eq(g->owned->n_codes, 60);
	cr_assert_eq(g->owned->n_files, 1);
	gen_diff_free(diff);
	gen_free(g);
	gen_free(before);
	gen_free(calm_before);
	gen_free(calm_after);
	slot_books_deinit(&books);
	slot_books_deinit(&calm);
	draft_maker_free(first);
	draft_maker_free(second);
}
