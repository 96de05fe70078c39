#include "pem_maker.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/cc.h"

static X509 *certificate_for(EVP_PKEY *key, const char *name, long valid_s)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), valid_s);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	ASSERT(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static FILE *open_for(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	ASSERT(f);
	return f;
}

static void write_key(FILE *f, EVP_PKEY *key, int flags)
{
	static const char phrase[] = "secret";
	const EVP_CIPHER *cipher = flags & PEM_MAKER_ENCRYPTED ? EVP_aes_128_cbc() : NULL;

	ASSERT(PEM_write_PrivateKey(f, key, cipher, (const unsigned char *)(cipher ? phrase : NULL),
				    cipher ? (int)strlen(phrase) : 0, NULL, NULL));
	fclose(f);
}

void pem_maker_pair(const char *cert_path, const char *key_path, const char *name, long valid_s,
		    int flags)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certificate_for(key, name, valid_s);
	bool is_bundle = cert_path && key_path && strcmp(cert_path, key_path) == 0;
	FILE *f;

	if (cert_path) {
		f = open_for(cert_path, "we");
		ASSERT(PEM_write_X509(f, x));
		fclose(f);
	}
	if (key_path)
		write_key(open_for(key_path, is_bundle ? "ae" : "we"), key, flags);
	X509_free(x);
	EVP_PKEY_free(key);
}
