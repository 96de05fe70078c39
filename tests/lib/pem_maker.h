/* PEM files for tests: a self-signed certificate with its key, made on the spot. */
#pragma once

enum { PEM_MAKER_ENCRYPTED = 1 };

/* A new pair for the name, valid from 1 h ago until now + valid_s, written in this order: the
 * certificate into cert_path, the key into key_path; one path may be NULL or both be the same.
 * flags: PEM_MAKER_ENCRYPTED for the key. Fails by assertion. */
void pem_maker_pair(const char *cert_path, const char *key_path, const char *name, long valid_s,
		    int flags);
