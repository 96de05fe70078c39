#include "config/pemfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/arena.h"
#include "base/err.h"

/* --- bytes ----------------------------------------------------------------------------------- */

/* Reads up to room bytes. */
static int read_up_to(int fd, char *out, size_t room, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < room) {
		n = read(fd, out + len, room - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	if (n < 0)
		return err_origin(-errno);
	*ret_len = len;
	return 0;
}

static int check_regular(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return err_origin(-EISDIR);
	if (!S_ISREG(st->st_mode))
		return err_origin(-ENOTSUP);
	return st->st_size > PEMFILE_MAX_BYTES ? err_origin(-EFBIG) : 0;
}

/* A hash that tells contents apart for certain: an old TLS context must not live on. */
static int hash_of(const void *data, size_t len, uint64_t *ret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (!EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL)) {
		ERR_clear_error();
		return err_origin(-ENOMEM);
	}
	memcpy(ret, digest, sizeof(*ret));
	return 0;
}

static int read_open(int fd, struct arena *a, struct tls_file *f)
{
	struct stat st;
	char *pem;
	int r;

	if (fstat(fd, &st) < 0)
		return err_origin(-errno);
	TRY(check_regular(&st));
	pem = arena_alloc(a, (size_t)st.st_size + 1);
	if (!pem)
		return err_origin(-ENOMEM);
	r = read_up_to(fd, pem, (size_t)st.st_size + 1, &f->n_bytes);
	if (r == 0 && f->n_bytes > (size_t)st.st_size)
		r = err_origin(-ESTALE);
	if (r == 0)
		r = hash_of(pem, f->n_bytes, &f->hash);
	if (r < 0)
		OPENSSL_cleanse(pem, (size_t)st.st_size + 1);
	f->pem = pem;
	return err_trace(r);
}

int pemfile_read(const char *path, struct arena *a, struct tls_file *ret)
{
	struct tls_file f = {.path = arena_strndup(a, path, strlen(path))};
	int fd, r;

	if (!f.path)
		return err_origin(-ENOMEM);
	/* O_NONBLOCK: a pipe under a file's name must not hold a reload for ever */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_origin(-errno);
	r = read_open(fd, a, &f);
	close(fd);
	TRY(r);
	*ret = f;
	return 0;
}

void pemfile_wipe(const struct tls_file *f)
{
	OPENSSL_cleanse((void *)(uintptr_t)f->pem, f->n_bytes);
}

/* --- contents -------------------------------------------------------------------------------- */

static BIO *open_pem(const struct tls_file *f)
{
	return BIO_new_mem_buf(f->pem, (int)f->n_bytes);
}

/* No terminal is ever asked; the answer is remembered. */
static int no_pass_phrase(char *out, int room, int is_writing, void *was_asked)
{
	(void)out;
	(void)room;
	(void)is_writing;
	*(bool *)was_asked = true;
	return -1;
}

static X509 *first_certificate(const struct tls_file *f)
{
	BIO *bio = open_pem(f);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return x;
}

static EVP_PKEY *key_of(const struct tls_file *f, bool *ret_is_encrypted)
{
	BIO *bio = open_pem(f);
	EVP_PKEY *key = NULL;

	*ret_is_encrypted = false;
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, ret_is_encrypted);
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

const char *pemfile_certificate_problem(const struct tls_file *f)
{
	BIO *bio = open_pem(f);
	unsigned n = 0;
	bool is_end;
	X509 *x;

	ERR_clear_error();
	while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_free(x);
		n++;
	}
	is_end = bio && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	if (!is_end)
		return "holds a certificate that cannot be read";
	return n ? NULL : "holds no certificate in PEM form";
}

const char *pemfile_key_problem(const struct tls_file *f)
{
	bool is_encrypted;
	EVP_PKEY *key = key_of(f, &is_encrypted);
	bool has_key = key;

	EVP_PKEY_free(key);
	if (is_encrypted)
		return "holds an encrypted private key: nobody is asked for its pass phrase";
	return has_key ? NULL : "holds no private key in PEM form that can be read";
}

const char *pemfile_pair_problem(const struct tls_file *cert, const struct tls_file *key)
{
	bool is_encrypted, is_pair;
	X509 *x = first_certificate(cert);
	EVP_PKEY *k = key_of(key, &is_encrypted);

	is_pair = x && k && X509_check_private_key(x, k) == 1;
	ERR_clear_error();
	EVP_PKEY_free(k);
	X509_free(x);
	return is_pair ? NULL : "is not the private key of the certificate";
}

const char *pemfile_time_problem(const struct tls_file *cert, time_t now)
{
	X509 *x = first_certificate(cert);
	const char *problem = NULL;

	if (x && X509_cmp_time(X509_get0_notAfter(x), &now) < 0)
		problem = "holds a certificate that has expired";
	else if (x && X509_cmp_time(X509_get0_notBefore(x), &now) > 0)
		problem = "holds a certificate that is not valid yet";
	X509_free(x);
	return problem;
}
