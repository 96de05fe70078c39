/* Certificates and keys that a check names: read whole, judged here, so that a faulty file is an
 * error of the configuration and not of each handshake. Main thread.
 *
 * What says a problem returns static text that follows "FILE ", or NULL if there is none.
 */
#pragma once

#include <time.h>

#include "config/extras.h"

struct arena;

enum { PEMFILE_MAX_BYTES = 4 << 20 };

/* Reads a regular file into a's memory; path is copied. Returns 0, -ENOMEM, -EFBIG (larger than
 * PEMFILE_MAX_BYTES), -ESTALE (it grew meanwhile) or another negative errno. Whoever frees a wipes
 * the bytes first. */
MUST_CHECK int pemfile_read(const char *path, struct arena *a, struct tls_file *ret);
/* Wipes the bytes. */
void pemfile_wipe(const struct tls_file *f);

/* At least one certificate, and none that cannot be read. */
const char *pemfile_certificate_problem(const struct tls_file *f);
/* A private key that needs no pass phrase. */
const char *pemfile_key_problem(const struct tls_file *f);
/* Both files are good by themselves: the key is that of the first certificate. */
const char *pemfile_pair_problem(const struct tls_file *cert, const struct tls_file *key);
/* The first certificate is valid at now. */
const char *pemfile_time_problem(const struct tls_file *cert, time_t now);
