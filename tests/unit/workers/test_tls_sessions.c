#include "workers/tls_sessions.h"

#include <criterion/criterion.h>
#include <openssl/ssl.h>

#include "lib/gen_fixture.h"
#include "net/tls.h"

enum { NOW_S = 1000 };

static struct tls_sessions sessions;

static void setup(void)
{
	cr_assert_eq(tls_sessions_init(&sessions), 0);
}

static void teardown(void)
{
	tls_sessions_deinit(&sessions);
}

TestSuite(tls_sessions, .init = setup, .fini = teardown);

static struct tls_sessions_owner owner(enum session_reuse reuse)
{
	return (struct tls_sessions_owner){
		.check = 5, .sequence = 105, .key = 77, .reuse = (uint8_t)reuse};
}

/* One check whose connection brings a new session if it is good; returns true if it resumed. */
static bool check_once(const struct tls_sessions_owner *o, bool is_good, bool is_tls_fault)
{
	bool resumed = tls_sessions_get(&sessions, o, NOW_S);

	tls_sessions_put(&sessions, o,
			 &(struct tls_sessions_end){.session = is_good ? SSL_SESSION_new() : NULL,
						    .cert_expiry_s = NOW_S + 10,
						    .was_resumed = resumed,
						    .was_good = is_good,
						    .was_tls_fault = is_tls_fault});
	return resumed;
}

Test(tls_sessions, on_resumes_from_the_second_check_on)
{
	struct tls_sessions_owner o = owner(SESSION_REUSE_ON);

	cr_assert(!check_once(&o, true, false));
	for (int i = 0; i < 50; i++)
		cr_assert(check_once(&o, true, false), "%d", i);
	cr_assert_eq(sessions.n_kept, 1);
}

Test(tls_sessions, auto_makes_a_full_handshake_every_tenth_check)
{
	struct tls_sessions_owner o = owner(SESSION_REUSE_AUTO);

	for (int i = 0; i < 50; i++)
		cr_assert_eq(check_once(&o, true, false), i % 10 != 0, "%d", i);
}

Test(tls_sessions, auto_makes_a_full_handshake_after_any_failure)
{
	struct tls_sessions_owner o = owner(SESSION_REUSE_AUTO);

	check_once(&o, true, false);
	cr_assert(check_once(&o, false, false));
	cr_assert(!check_once(&o, false, false));
	cr_assert(!check_once(&o, true, false));
	cr_assert(check_once(&o, true, false));
}

Test(tls_sessions, on_makes_a_full_handshake_after_a_failure_of_tls)
{
	struct tls_sessions_owner o = owner(SESSION_REUSE_ON);

	check_once(&o, true, false);
	cr_assert(check_once(&o, false, false));
	cr_assert(check_once(&o, false, true), "a bad status is no reason");
	cr_assert(!check_once(&o, true, false));
	cr_assert_eq(sessions.n_kept, 1);
}

Test(tls_sessions, other_setting_name_or_check_has_no_part_in_it)
{
	struct tls_sessions_owner o = owner(SESSION_REUSE_ON), other = o;

	check_once(&o, true, false);
	other.check = 6;
	cr_assert_null(tls_sessions_get(&sessions, &other, NOW_S));
	other = o;
	other.key = 78;
	cr_assert_null(tls_sessions_get(&sessions, &other, NOW_S));
	cr_assert_eq(sessions.n_kept, 0, "it will not be asked for again");
	check_once(&o, true, false);
	other = o;
	other.sequence = 106;
	cr_assert_null(tls_sessions_get(&sessions, &other, NOW_S));
}

Test(tls_sessions, verified_session_ends_with_its_certificate)
{
	struct tls_sessions_owner o = owner(SESSION_REUSE_ON);

	check_once(&o, true, false);
	cr_assert_not_null(tls_sessions_get(&sessions, &o, NOW_S + 10), "nobody verifies");
	o.ends_with_cert = true;
	cr_assert_not_null(tls_sessions_get(&sessions, &o, NOW_S + 9));
	cr_assert_null(tls_sessions_get(&sessions, &o, NOW_S + 10));
}

Test(tls_sessions, newest_session_is_kept_and_the_same_one_may_come_back)
{
	struct tls_sessions_owner o = owner(SESSION_REUSE_ON);
	SSL_SESSION *first = SSL_SESSION_new(), *second = SSL_SESSION_new();
	struct tls_sessions_end end = {.session = first, .was_good = true};

	tls_sessions_put(&sessions, &o, &end);
	cr_assert_eq(tls_sessions_get(&sessions, &o, NOW_S), first);
	SSL_SESSION_up_ref(first);
	tls_sessions_put(&sessions, &o, &end);
	cr_assert_eq(tls_sessions_get(&sessions, &o, NOW_S), first);
	end.session = NULL;
	tls_sessions_put(&sessions, &o, &end);
	cr_assert_eq(tls_sessions_get(&sessions, &o, NOW_S), first, "no ticket came");
	end.session = second;
	tls_sessions_put(&sessions, &o, &end);
	cr_assert_eq(tls_sessions_get(&sessions, &o, NOW_S), second);
	cr_assert_eq(sessions.n_kept, 1);
}

Test(tls_sessions, checks_that_are_gone_are_swept)
{
	static struct gen_fixture f;
	struct tls_sessions_owner o = owner(SESSION_REUSE_ON);

	gen_fixture_init(&f, 1);
	for (uint32_t i = 0; i < 40; i++)
		gen_fixture_check(&f, CHECK_HTTPS, "10.0.0.1", 443);
	for (o.check = 0; o.check < 50; o.check++) {
		o.sequence = o.check == 7 ? 5 : 100 + o.check;
		check_once(&o, true, false);
	}
	cr_assert_eq(sessions.n_kept, 50);
	for (int i = 0; i < 50 / TLS_SESSIONS_SWEEP_ROWS + 1; i++)
		tls_sessions_sweep(&sessions, &f.gen);
	cr_assert_eq(sessions.n_kept, 39, "10 are gone, one has another sequence: %u",
		     sessions.n_kept);
	o = owner(SESSION_REUSE_ON);
	cr_assert_not_null(tls_sessions_get(&sessions, &o, NOW_S));
}
