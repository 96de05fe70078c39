#include "net/tls_text.h"

#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

Test(tls_text, versions_have_names)
{
	cr_assert_str_eq(tls_text_version(0x0301), "TLSv1.0");
	cr_assert_str_eq(tls_text_version(0x0304), "TLSv1.3");
	cr_assert_str_eq(tls_text_version(0x0300), "?");
	cr_assert_str_eq(tls_text_version(0x0305), "?");
	cr_assert_str_eq(tls_text_version(0), "?");
}

/* The table is ours; the library knows the registered names, too. */
Test(tls_text, every_cipher_we_offer_has_its_registered_name)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	STACK_OF(SSL_CIPHER) * all;

	cr_assert(SSL_CTX_set_cipher_list(c, "DEFAULT:@SECLEVEL=0"));
	all = SSL_CTX_get_ciphers(c);
	cr_assert_gt(sk_SSL_CIPHER_num(all), 30);
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);

		cr_expect_str_eq(tls_text_cipher(SSL_CIPHER_get_protocol_id(cipher)),
				 SSL_CIPHER_standard_name(cipher));
	}
	cr_assert_str_eq(tls_text_cipher(0), "?");
	SSL_CTX_free(c);
}

Test(tls_text, failures_are_told_in_words)
{
	cr_assert_str_eq(tls_text_detail(CODE_TLS_ALERT, SSL_AD_HANDSHAKE_FAILURE),
			 "handshake_failure");
	cr_assert_str_eq(tls_text_detail(CODE_TLS_ALERT, 116), "certificate_required");
	cr_assert_str_eq(tls_text_detail(CODE_TLS_ALERT, 11), "unknown alert");
	cr_assert_str_eq(tls_text_detail(CODE_TLS_ALERT, 4000), "unknown alert");
	cr_assert_str_eq(tls_text_detail(CODE_TLS_VERIFY, X509_V_ERR_CERT_HAS_EXPIRED),
			 "certificate has expired");
	cr_assert_str_eq(tls_text_detail(CODE_TLS_VERIFY, X509_V_ERR_HOSTNAME_MISMATCH),
			 "hostname mismatch");
	cr_assert_str_eq(tls_text_detail(CODE_TLS_PROTOCOL, SSL_R_WRONG_VERSION_NUMBER),
			 "wrong version number");
	cr_assert_str_eq(tls_text_detail(CODE_TLS_PROTOCOL, 0), "");
	cr_assert_str_eq(tls_text_detail(CODE_REFUSED, 40), "");
}

/* The library's own names of alerts, which it writes with blanks. */
Test(tls_text, alerts_have_their_registered_names)
{
	char name[64];

	for (int alert = 0; alert <= 120; alert++) {
		const char *known = SSL_alert_desc_string_long(alert);
		const char *ours = tls_text_detail(CODE_TLS_ALERT, (uint32_t)alert);

		if (!strcmp(known, "unknown") || !strcmp(ours, "unknown alert"))
			continue;
		snprintf(name, sizeof(name), "%s", known);
		for (char *c = name; *c; c++)
			*c = *c == ' ' ? '_' : *c;
		if (alert == SSL_AD_UNKNOWN_CA)
			snprintf(name, sizeof(name), "unknown_ca");
		cr_expect_eq(strcasecmp(ours, name), 0, "%d: %s, %s", alert, ours, name);
	}
}
