#include "workers/tls_contexts.h"

#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/ssl.h>

#include "base/clk.h"
#include "config/extras.h"
#include "lib/tls_server.h"
#include "model/counter.h"
#include "net/tls_ctx.h"

static struct tls_contexts contexts;
static struct counters counters;

static void setup(void)
{
	contexts.counters = &counters;
}

static void teardown(void)
{
	tls_contexts_deinit(&contexts);
}

TestSuite(tls_contexts, .init = setup, .fini = teardown);

static struct tls_setting plain(uint64_t hash)
{
	return (struct tls_setting){.min_version = 0x0303, .max_version = 0x0304, .hash = hash};
}

static struct tls_ctx *get_at(const struct tls_setting *s, uint32_t generation, uint64_t now_ns)
{
	const struct tls_contexts_want want = {.setting = s, .generation = generation};
	struct tls_ctx *ctx = NULL;

	cr_assert_eq(tls_contexts_get(&contexts, &want, now_ns, &ctx), 0);
	return ctx;
}

static struct tls_ctx *get(const struct tls_setting *s)
{
	return get_at(s, 1, 0);
}

Test(tls_contexts, equal_settings_share_one_over_generations)
{
	struct tls_setting a = plain(1), same = plain(1), b = plain(2);
	struct tls_ctx *first = get(&a);

	cr_assert_eq(get_at(&same, 2, CLK_S), first);
	cr_assert_neq(get(&b), first);
	cr_assert_eq(counter_get(&counters, CTR_TLS_CONTEXTS), 2);
}

Test(tls_contexts, protocols_and_sessions_are_part_of_it)
{
	static const char *const h2[] = {"h2", NULL};
	struct tls_setting s = plain(1);
	struct tls_contexts_want want = {.setting = &s, .alpn = h2};
	struct tls_ctx *seen[3] = {get(&s)};

	cr_assert_eq(tls_contexts_get(&contexts, &want, 0, &seen[1]), 0);
	want.resumes = true;
	cr_assert_eq(tls_contexts_get(&contexts, &want, 0, &seen[2]), 0);
	cr_assert(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
	cr_assert(!seen[1]->resumes && seen[2]->resumes);
}

Test(tls_contexts, unused_one_goes_after_its_generation_and_a_while)
{
	struct tls_setting old = plain(1), new = plain(2);
	uint64_t later = (TLS_CONTEXTS_IDLE_S + 1) * CLK_S;

	get_at(&old, 1, 0);
	tls_contexts_trim(&contexts, later);
	cr_assert_eq(contexts.n, 1, "its generation is the newest: a rare check may come");
	get_at(&new, 2, later);
	get_at(&old, 1, later);
	tls_contexts_trim(&contexts, later);
	cr_assert_eq(contexts.n, 2, "used just now");
	get_at(&new, 2, 2 * later);
	tls_contexts_trim(&contexts, 2 * later);
	cr_assert_eq(contexts.n, 1);
	get_at(&new, 2, 2 * later);
	cr_assert_eq(counter_get(&counters, CTR_TLS_CONTEXTS), 2);
}

Test(tls_contexts, many_are_told_apart)
{
	struct tls_ctx *seen[100];

	for (uint32_t i = 0; i < 100; i++) {
		struct tls_setting s = plain(i);

		seen[i] = get(&s);
		for (uint32_t k = 0; k < i; k++)
			cr_assert_neq(seen[k], seen[i]);
	}
	for (uint32_t i = 0; i < 100; i++) {
		struct tls_setting s = plain(i);

		cr_assert_eq(get(&s), seen[i]);
	}
}

Test(tls_contexts, number_is_bounded)
{
	for (uint32_t i = 0; i < TLS_CONTEXTS_MAX + 5; i++) {
		struct tls_setting s = plain(i);

		get_at(&s, 1, i * CLK_S);
	}
	cr_assert_eq(contexts.n, TLS_CONTEXTS_MAX);
	struct tls_setting first = plain(0), last = plain(TLS_CONTEXTS_MAX + 4);

	get(&last);
	cr_assert_eq(counter_get(&counters, CTR_TLS_CONTEXTS), TLS_CONTEXTS_MAX + 5);
	get(&first);
	cr_assert_eq(counter_get(&counters, CTR_TLS_CONTEXTS), TLS_CONTEXTS_MAX + 6);
}

Test(tls_contexts, trusted_certificates_are_shared_and_go_with_their_last_user)
{
	struct tls_server server;
	struct tls_file ca = {.hash = 10}, other = {.hash = 20};
	struct tls_setting a = plain(1), b = plain(2), c = plain(3);
	uint64_t later = (TLS_CONTEXTS_IDLE_S + 1) * CLK_S;

	tls_server_init(&server, &(struct tls_server_options){.has_ca = true});
	ca.pem = other.pem = server.trust;
	ca.n_bytes = other.n_bytes = strlen(server.trust);
	a.verify = b.verify = c.verify = true;
	a.ca = b.ca = &ca;
	c.ca = &other;
	cr_assert(get(&a)->verifies);
	get(&b);
	cr_assert_eq(contexts.n_trusts, 1);
	get(&c);
	cr_assert_eq(contexts.n_trusts, 2);
	get_at(&b, 2, later);
	tls_contexts_trim(&contexts, later);
	cr_assert_eq(contexts.n, 1);
	cr_assert_eq(contexts.n_trusts, 1);
	tls_server_deinit(&server);
}

Test(tls_contexts, unusable_files_are_told_each_time_and_leave_nothing)
{
	struct tls_file junk = {.pem = "junk", .n_bytes = 4, .hash = 1};
	struct tls_setting s = plain(1);
	const struct tls_contexts_want want = {.setting = &s};
	struct tls_ctx *ctx;

	s.verify = true;
	s.ca = &junk;
	cr_assert_eq(tls_contexts_get(&contexts, &want, 0, &ctx), -EINVAL);
	s.verify = false;
	s.cert = s.key = &junk;
	cr_assert_eq(tls_contexts_get(&contexts, &want, 0, &ctx), -EINVAL);
	cr_assert_eq(contexts.n, 0);
	cr_assert_eq(contexts.n_trusts, 0);
}
