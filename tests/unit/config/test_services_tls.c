#include "extras_fixture.h"
#include "pem_fixture.h"

TestSuite(services_tls, .init = pem_setup, .fini = pem_clean);

#define SSL(text) \
	"virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { SSL_GET {\n" text "\n} } }\n"

static void file_error(const char *check, const char *text)
{
	struct parsed p = pem_parse(check);

	reports(&p, 1, 0, text);
	parsed_free(&p);
}

/* --- names, versions, choices ---------------------------------------------------------------- */

Test(services_tls, server_names_are_host_names)
{
	struct parsed p = parse_clean(SSL("sni_name a-b_c.Example.1x"));

	cr_assert_str_eq(extras_of(&p)->sni, "a-b_c.Example.1x");
	parsed_free(&p);
	gives_error(SSL("sni 192.0.2.1"), "s.conf:2:5: error: '192.0.2.1' is no TLS server name");
	gives_error(SSL("sni 2001:db8::1"), "is no TLS server name");
	gives_error(SSL("sni a:443"), "is no TLS server name");
	gives_error(SSL("sni a..b"), "is no TLS server name");
	gives_error(SSL("sni .a"), "is no TLS server name");
	gives_error(SSL("sni a."), "is no TLS server name");
	gives_error(SSL("sni \"\""), "hint: off sends none");
	gives_error(SSL("sni a234567890123456789012345678901234567890123456789012345678901234"),
		    "is no TLS server name");
}

Test(services_tls, verify_name_may_be_an_address)
{
	static const char *const good[] = {"a.example", "192.0.2.1", "2001:db8::1"};
	char conf[256];
	struct parsed p;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		snprintf(conf, sizeof(conf), SSL("verify\nverify_name %s"), good[i]);
		p = parse_clean(conf);
		cr_assert_str_eq(extras_of(&p)->verify_name, good[i]);
		parsed_free(&p);
	}
	p = parse_clean(SSL("verify\nverify_name a\nverify_name \"\""));
	cr_assert_str_eq(extras_of(&p)->verify_name, "");
	parsed_free(&p);
	gives_error(SSL("verify\nverify_name a/b"), "is neither a host name nor an address");
}

Test(services_tls, versions_and_choices)
{
	struct parsed p = parse_clean(SSL("tls_min_version 1.0\ntls_max_version 1.1"));

	cr_assert_eq(extras_of(&p)->tls->min_version, 0x0301);
	cr_assert_eq(extras_of(&p)->tls->max_version, 0x0302);
	cr_assert_eq(p.draft->services->reals->checks->profile.tls_min_version, TLS_V1_0);
	parsed_free(&p);
	gives_error(SSL("tls_min_version 1.4"), "'1.4' is no TLS version: 1.0, 1.1, 1.2 or 1.3");
	gives_error(SSL("tls_max_version TLS1.2"), "is no TLS version");
	gives_error(SSL("session_reuse maybe"), "'maybe' is neither off, on nor auto");
	gives_error(SSL("expire_warn 3651"), "is out of range: 0 to 3650");
	gives_error(SSL("verify maybe"), "is neither true nor false");
}

/* --- files ----------------------------------------------------------------------------------- */

Test(services_tls, a_certificate_with_its_key)
{
	struct parsed p = pem_parse("cert_file c.pem\nkey_file k.pem");
	const struct tls_setting *t = extras_of(&p)->tls;

	reports(&p, 0, 0, "");
	cr_assert_str_eq(t->cert->path, pem_path("c.pem"));
	cr_assert_str_eq(t->key->path, pem_path("k.pem"));
	cr_assert_neq(t->cert->hash, t->key->hash);
	parsed_free(&p);
	p = pem_parse("cert_file both.pem");
	reports(&p, 0, 0, "");
	t = extras_of(&p)->tls;
	cr_assert_eq(t->cert, t->key, "the key is in the same file");
	parsed_free(&p);
}

Test(services_tls, paths_are_relative_to_the_file_that_names_them)
{
	struct parsed p;

	cr_assert_eq(mkdir(pem_path("sub"), 0700), 0);
	pem_maker_pair(pem_path("sub/c.pem"), pem_path("sub/c.pem"), "sub", PEM_FIXTURE_DAY, 0);
	pem_write("sub/t.conf", "cert_file c.pem\n");
	p = pem_parse("include sub/t.conf");
	reports(&p, 0, 0, "");
	cr_assert_str_eq(extras_of(&p)->tls->cert->path, pem_path("sub/c.pem"));
	parsed_free(&p);
	/* one word, two files */
	p = pem_parse("include sub/t.conf\n}\nSSL_GET {\ncert_file c.pem\nkey_file k.pem");
	reports(&p, 0, 0, "");
	cr_assert_str_eq(p.draft->services->reals->checks->next->extras->extras.tls->cert->path,
			 pem_path("c.pem"));
	parsed_free(&p);
}

Test(services_tls, files_that_cannot_be_read_are_errors_at_their_word)
{
	char text[512];

	snprintf(text, sizeof(text), "s.conf:6:9: error: cannot read %s: No such file",
		 pem_path("gone.pem"));
	file_error("verify on\nca_file gone.pem", text);
	file_error("cert_file .", "Is a directory");
	file_error("verify on\nca_file /dev/null", "cannot read /dev/null: no regular file");
	pem_write("text.pem", "no certificate here\n");
	file_error("verify on\nca_file text.pem", "text.pem holds no certificate in PEM form");
	file_error("cert_file k.pem\nkey_file k.pem", "k.pem holds no certificate");
	file_error("cert_file c.pem\nkey_file c.pem", "c.pem holds no private key");
	file_error("cert_file c.pem\nkey_file text.pem", "text.pem holds no private key");
	pem_write("a.pem", "-----BEGIN CERTIFICATE-----\nMIIBzzzz\n-----END CERTIFICATE-----\n");
	file_error("verify on\nca_file a.pem", "a.pem holds a certificate that cannot be read");
	gives_error(SSL("cert_file c.pem"), "'c.pem' is not read");
}

Test(services_tls, an_encrypted_key_is_an_error)
{
	pem_maker_pair(pem_path("old.pem"), pem_path("secret.pem"), "x", PEM_FIXTURE_DAY,
		       PEM_MAKER_ENCRYPTED);
	file_error("cert_file old.pem\nkey_file secret.pem",
		   "secret.pem holds an encrypted private key");
}

Test(services_tls, certificate_and_key_belong_together)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "s.conf:6:10: error: %s is not the private key of the certificate %s",
		 pem_path("other.pem"), pem_path("c.pem"));
	file_error("cert_file c.pem\nkey_file other.pem", text);
	file_error("cert_file c.pem", "s.conf:5:11: error: ");
	file_error("cert_file c.pem", "hint: write key_file, or put the key into this file");
	file_error("key_file k.pem", "s.conf:5:10: error: key_file without cert_file");
	/* what is wrong for both checks is said once */
	file_error("cert_file c.pem\nkey_file other.pem\n}\nSSL_GET {\nmethod HEAD\n"
		   "cert_file c.pem\nkey_file other.pem",
		   text);
}

Test(services_tls, an_inner_certificate_can_leave_the_outer_key)
{
	struct parsed p;

	pem_write("s.conf", "virtual_server 192.0.2.1 443 {\ncert_file c.pem\nkey_file k.pem\n"
			    "real_server 198.51.100.1 443 {\nSSL_GET {\ncert_file both.pem\n"
			    "key_file \"\"\n}\n}\n}\n");
	p = parse_path(pem_path("s.conf"));
	reports(&p, 0, 0, "");
	cr_assert_eq(extras_of(&p)->tls->key, extras_of(&p)->tls->cert);
	parsed_free(&p);
}

Test(services_tls, an_expired_certificate_is_a_warning)
{
	struct parsed p;

	pem_maker_pair(pem_path("old.pem"), pem_path("old.key"), "x", -60, 0);
	p = pem_parse("cert_file old.pem\nkey_file old.key");
	reports(&p, 0, 1, "old.pem holds a certificate that has expired");
	cr_assert_not_null(extras_of(&p)->tls->cert);
	parsed_free(&p);
}

/* --- the system's store ---------------------------------------------------------------------- */

static const struct tls_file *store_with(const char *path)
{
	const struct tls_setting *t;
	const struct tls_file *ca;
	struct parsed p;

	cr_assert_eq(setenv("SSL_CERT_FILE", path, 1), 0);
	p = pem_parse("verify on");
	reports(&p, 0, 0, "");
	t = extras_of(&p)->tls;
	cr_assert(t->verify);
	cr_assert(!t->ca || strcmp(t->ca->path, path) == 0);
	ca = t->ca;
	parsed_free(&p);
	return ca;
}

Test(services_tls, verify_without_ca_file_reads_the_systems_bundle)
{
	struct parsed p;

	cr_assert_not_null(store_with(pem_path("c.pem")));
	/* without one it is left to OpenSSL's directory */
	cr_assert_null(store_with(pem_path("missing.pem")));
	pem_write("text.pem", "no certificate here\n");
	cr_assert_null(store_with(pem_path("text.pem")));
	p = parse_clean(SSL("verify on"));
	cr_assert_null(extras_of(&p)->tls->ca, "no file is read for a bare text");
	parsed_free(&p);
	unsetenv("SSL_CERT_FILE");
}

Test(services_tls, changed_bundle_is_another_setting)
{
	uint64_t hashes[2];

	setenv("SSL_CERT_FILE", pem_path("c.pem"), 1);
	for (int i = 0; i < 2; i++) {
		struct parsed p = pem_parse("verify on");

		hashes[i] = extras_of(&p)->tls->hash;
		parsed_free(&p);
		pem_maker_pair(pem_path("c.pem"), pem_path("k.pem"), "d", PEM_FIXTURE_DAY, 0);
	}
	unsetenv("SSL_CERT_FILE");
	cr_assert_neq(hashes[0], hashes[1]);
}
