/* Preloaded into the daemon: each TLS ClientHello carries an extension of as many bytes as two
 * post-quantum key shares have, which no library of this system makes. Servers ignore it. */
#include <dlfcn.h>
#include <openssl/ssl.h>

enum { EXTENSION = 65000, BYTES = 2400 };

static int add(SSL *s, unsigned type, unsigned context, const unsigned char **out, size_t *out_len,
	       X509 *x, size_t chain, int *alert, void *arg)
{
	static const unsigned char filler[BYTES];

	(void)s, (void)type, (void)context, (void)x, (void)chain, (void)alert, (void)arg;
	*out = filler;
	*out_len = BYTES;
	return 1;
}

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
	SSL_CTX *(*real)(const SSL_METHOD *) = dlsym(RTLD_NEXT, "SSL_CTX_new");
	SSL_CTX *c = real(method);

	if (c && !SSL_CTX_add_custom_ext(c, EXTENSION, SSL_EXT_CLIENT_HELLO, add, NULL, NULL, NULL,
					 NULL))
		abort();
	return c;
}
