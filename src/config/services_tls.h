/* What keywords of TLS take: names, versions, files. All return as services_value_parse() does. */
#pragma once

#include "config/services_run.h"

#define SERVICES_TLS_PARSER(name)                                         \
	MUST_CHECK int services_tls_##name(                               \
		struct services_run *run, const struct services_row *row, \
		const struct services_lex_statement *st, union services_value *ret)

/* A host name; off gives "". */
SERVICES_TLS_PARSER(sni);
/* A host name or an address; "" gives NULL. */
SERVICES_TLS_PARSER(verify_name);
/* enum tls_version + 1 */
SERVICES_TLS_PARSER(version);
/* enum session_reuse */
SERVICES_TLS_PARSER(reuse);
/* Reads the file, once per run, relative to the file that names it. What is wrong with it is
 * reported here and gives services_tls_refused, so that what goes with it is not faulty too; ""
 * gives NULL. */
SERVICES_TLS_PARSER(file);
extern const struct tls_file services_tls_refused;

/* The system's bundle of trusted authorities, read by main as any other file is, so that workers
 * read none and a reload takes up its changes: $SSL_CERT_FILE, else where distributions keep it.
 * *ret_file NULL: there is none (OpenSSL then looks in its directory, at each handshake). 0 or
 * -ENOMEM. */
MUST_CHECK int services_tls_system_store(struct services_run *run,
					 const struct tls_file **ret_file);
