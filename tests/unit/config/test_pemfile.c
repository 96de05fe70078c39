#include "pem_fixture.h"

#include <errno.h>
#include <time.h>

#include "base/arena.h"
#include "config/pemfile.h"

static struct arena *arena;

static void setup(void)
{
	pem_setup();
	arena = arena_new();
}

static void clean(void)
{
	arena_free(arena);
	pem_clean();
}

TestSuite(pemfile, .init = setup, .fini = clean);

static struct tls_file read_pem(const char *name)
{
	struct tls_file f = {.path = NULL};

	cr_assert_eq(pemfile_read(pem_path(name), arena, &f), 0, "%s", name);
	return f;
}

Test(pemfile, content_and_path_are_kept_and_hashed)
{
	struct tls_file f, again;

	pem_write("text.pem", "abc");
	f = read_pem("text.pem");
	cr_assert_str_eq(f.path, pem_path("text.pem"));
	cr_assert_eq(f.n_bytes, 3);
	cr_assert_eq(memcmp(f.pem, "abc", 3), 0);
	again = read_pem("text.pem");
	cr_assert_eq(f.hash, again.hash);
	pem_write("text.pem", "abd");
	again = read_pem("text.pem");
	cr_assert_neq(f.hash, again.hash);
	pem_write("text.pem", "");
	again = read_pem("text.pem");
	cr_assert_eq(again.n_bytes, 0);
	cr_assert_not_null(pemfile_certificate_problem(&again));
	cr_assert_not_null(pemfile_key_problem(&again));
}

Test(pemfile, wiped_bytes_are_zero)
{
	static const char zeroes[64];
	struct tls_file f = read_pem("k.pem");

	pemfile_wipe(&f);
	for (size_t i = 0; i < f.n_bytes; i += sizeof(zeroes))
		cr_assert_eq(
			memcmp((const char *)f.pem + i, zeroes, MIN(sizeof(zeroes), f.n_bytes - i)),
			0);
}

Test(pemfile, what_is_no_small_regular_file_is_not_read)
{
	struct tls_file f;

	cr_assert_eq(pemfile_read(pem_path("gone"), arena, &f), -ENOENT);
	cr_assert_eq(pemfile_read(pem_dir, arena, &f), -EISDIR);
	cr_assert_eq(pemfile_read("/dev/zero", arena, &f), -ENOTSUP);
	cr_assert_eq(mkfifo(pem_path("a.pem"), 0600), 0);
	cr_assert_eq(pemfile_read(pem_path("a.pem"), arena, &f), -ENOTSUP);
	pem_write("text.pem", "");
	cr_assert_eq(truncate(pem_path("text.pem"), PEMFILE_MAX_BYTES + 1), 0);
	cr_assert_eq(pemfile_read(pem_path("text.pem"), arena, &f), -EFBIG);
	/* says it is empty, and is not */
	cr_assert_eq(pemfile_read("/proc/self/maps", arena, &f), -ESTALE);
}

Test(pemfile, good_files_have_no_problem)
{
	struct tls_file cert = read_pem("c.pem"), key = read_pem("k.pem"),
			both = read_pem("both.pem");

	cr_assert_null(pemfile_certificate_problem(&cert));
	cr_assert_null(pemfile_key_problem(&key));
	cr_assert_null(pemfile_pair_problem(&cert, &key));
	cr_assert_null(pemfile_certificate_problem(&both));
	cr_assert_null(pemfile_key_problem(&both));
	cr_assert_null(pemfile_pair_problem(&both, &both));
	cr_assert_not_null(pemfile_pair_problem(&cert, &both));
	cr_assert_not_null(pemfile_pair_problem(&both, &key));
}

Test(pemfile, a_broken_certificate_behind_a_good_one_is_found)
{
	FILE *f = fopen(pem_path("c.pem"), "ae");
	struct tls_file cert;

	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	cert = read_pem("c.pem");
	cr_assert_str_eq(pemfile_certificate_problem(&cert),
			 "holds a certificate that cannot be read");
}

Test(pemfile, validity_is_judged_at_the_given_time)
{
	struct tls_file cert = read_pem("c.pem");
	time_t now = time(NULL);

	cr_assert_null(pemfile_time_problem(&cert, now));
	cr_assert_null(pemfile_time_problem(&cert, now + PEM_FIXTURE_DAY - 60));
	cr_assert_str_eq(pemfile_time_problem(&cert, now + PEM_FIXTURE_DAY + 60),
			 "holds a certificate that has expired");
	cr_assert_str_eq(pemfile_time_problem(&cert, now - 2 * 3600),
			 "holds a certificate that is not valid yet");
}
