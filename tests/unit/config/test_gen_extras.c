#include "pem_fixture.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "config/gen_build.h"

TestSuite(gen_extras, .init = pem_setup, .fini = pem_clean);

struct built {
	struct slot_books books;
	struct generation *g;
	struct gen_diff *diff;
};

static struct built build_after(struct built *before, struct parsed *p)
{
	struct built b = {.g = NULL};

	reports(p, 0, 0, "");
	if (before)
		b.books = before->books;
	else
		cr_assert_eq(slot_books_init(&b.books), 0);
	cr_assert_eq(gen_build(p->draft, before ? before->g : NULL, &b.books, 1, 1, &b.g, &b.diff),
		     0);
	parsed_free(p); /* the generation stands by itself */
	return b;
}

static struct built build_of(const char *check)
{
	struct parsed p = pem_parse(check);

	return build_after(NULL, &p);
}

/* The books stay with the newer one. */
static void drop(struct built *b)
{
	gen_diff_free(b->diff);
	gen_free(b->g);
}

static void drop_all(struct built *b)
{
	drop(b);
	slot_books_deinit(&b->books);
}

static const struct check_extras *extras_of(const struct built *b)
{
	return gen_extras(b->g, gen_profile(b->g, b->g->reals[0].first_check));
}

static bool matches(const struct check_url *u, const char *body)
{
	pcre2_match_data *m = pcre2_match_data_create(1, NULL);
	int r = pcre2_match(u->expect_body, (PCRE2_SPTR)body, strlen(body), 0, 0, m, NULL);

	pcre2_match_data_free(m);
	return r >= 0;
}

Test(gen_extras, none_for_what_the_profile_says)
{
	struct built b = build_of("url { path /a\nstatus_code 200\n}");

	cr_assert_null(extras_of(&b));
	cr_assert_eq(b.g->n_extras, 0);
	cr_assert_eq(b.g->profiles[0].extras_text, GEN_STR_UNSET);
	drop_all(&b);
}

Test(gen_extras, all_of_it_outlives_the_draft)
{
	struct built b =
		build_of("method HEAD\nheader X-A b\nvirtualhost v.example\nsni s.example\n"
			 "url { path /a\nstatus_code 200-204\n}\nurl { path /b\n}");
	const struct check_extras *e = extras_of(&b);

	cr_assert_str_eq(e->method, "HEAD");
	cr_assert_str_eq(e->headers, "X-A: b\r\n");
	cr_assert_str_eq(e->sni, "s.example");
	cr_assert_str_eq(e->verify_name, "");
	cr_assert_eq(e->n_urls, 2);
	cr_assert_str_eq(e->urls[0].path, "/a");
	cr_assert_str_eq(e->urls[1].path, "/b");
	cr_assert_str_eq(e->urls[1].virtualhost, "v.example");
	cr_assert_null(e->urls[1].expect_body);
	cr_assert_str_eq(e->urls[1].expect_body_text, "");
	cr_assert_eq(e->tls->min_version, 0x0303);
	cr_assert_eq(e->tls->max_version, 0x0304);
	drop_all(&b);
}

Test(gen_extras, patterns_are_compiled_once_each)
{
	struct built b = build_of("url { expect_body \"^(up|ok)\"\n}\nurl { path /b\n}\n"
				  "url { path /c\nexpect_body no\n}\n"
				  "url { path /d\nexpect_body \"^(up|ok)\"\n}");
	const struct check_url *u = extras_of(&b)->urls;

	cr_assert(matches(&u[0], "ok now") && !matches(&u[0], "not ok"));
	cr_assert_null(u[1].expect_body);
	cr_assert(matches(&u[2], "unknown"));
	cr_assert_eq(u[3].expect_body, u[0].expect_body);
	cr_assert_neq(u[2].expect_body, u[0].expect_body);
	drop_all(&b);
}

Test(gen_extras, files_and_settings_are_one_object_each)
{
	char conf[512];
	struct parsed p;
	struct built b;
	const struct check_extras *e;

	snprintf(conf, sizeof(conf),
		 "verify on\nca_file both.pem\ncert_file c.pem\nkey_file k.pem\n}\n"
		 "SSL_GET {\nmethod HEAD\nverify on\nca_file both.pem\ncert_file c.pem\n"
		 "key_file k.pem");
	p = pem_parse(conf);
	b = build_after(NULL, &p);
	e = b.g->extras;
	cr_assert_eq(b.g->n_extras, 2);
	cr_assert_eq(e[0].tls, e[1].tls);
	cr_assert(e[0].tls->verify);
	cr_assert_str_eq(e[0].tls->ca->path, pem_path("both.pem"));
	cr_assert_not_null(memmem(e[0].tls->key->pem, e[0].tls->key->n_bytes, "PRIVATE KEY", 11));
	cr_assert_not_null(memmem(e[0].tls->cert->pem, e[0].tls->cert->n_bytes, "CERTIFICATE", 11));
	drop_all(&b);
}

Test(gen_extras, a_reload_after_only_the_key_changed_is_another_setting_of_the_same_check)
{
	const char *conf = "cert_file c.pem\nkey_file k.pem";
	struct built b = build_of(conf), next;
	struct parsed p = pem_parse(conf);
	uint64_t hash = extras_of(&b)->tls->hash;

	next = build_after(&b, &p);
	cr_assert_eq(extras_of(&next)->tls->hash, hash, "nothing changed");
	cr_assert(gen_diff_is_empty(next.diff));
	drop(&b);
	b = next;
	pem_maker_pair(pem_path("c.pem"), pem_path("k.pem"), "c", PEM_FIXTURE_DAY, 0);
	p = pem_parse(conf);
	next = build_after(&b, &p);
	cr_assert_neq(extras_of(&next)->tls->hash, hash);
	cr_assert_neq(extras_of(&next)->tls->key->hash, extras_of(&b)->tls->key->hash);
	cr_assert(gen_diff_is_empty(next.diff), "the check and its state stay");
	drop(&b);
	drop_all(&next);
}

Test(gen_extras, other_extras_are_another_check)
{
	struct built b = build_of("verify on"), next;
	struct parsed p = pem_parse("verify on\nexpire_warn 7");

	next = build_after(&b, &p);
	cr_assert_eq(next.diff->checks.added.n, 1);
	cr_assert_eq(next.diff->checks.removed.n, 1);
	cr_assert_eq(next.diff->reals.changed.n, 1);
	drop(&b);
	drop_all(&next);
}

Test(gen_extras, each_part_of_a_setting_is_in_its_hash)
{
	static const char *const settings[] = {
		"session_reuse on",
		"tls_max_version 1.2\nsession_reuse on",
		"tls_min_version 1.1\nsession_reuse on",
		"verify on",
		"verify on\nca_file c.pem",
		"verify on\nca_file both.pem",
		"cert_file c.pem\nkey_file k.pem",
		"cert_file both.pem",
		"verify on\ncert_file both.pem",
	};
	uint64_t hashes[ARRAY_LEN(settings)];

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		struct built b = build_of(settings[i]);

		hashes[i] = extras_of(&b)->tls->hash;
		for (size_t k = 0; k < i; k++)
			cr_assert_neq(hashes[i], hashes[k], "%s = %s", settings[i], settings[k]);
		drop_all(&b);
	}
}
