/* What a check may ask for beyond the reference's parameters: HTTP extras, further urls, TLS
 * settings. Equal sets are shared; a profile without any has none, and costs nothing here.
 *
 * All of it belongs to a generation, is made with it by main (gen_extras.h) and is read-only: every
 * thread that holds the generation may read it. Texts are zero-terminated and never NULL unless it
 * says so.
 */
#pragma once

#include "base/cc.h"

/* pcre2_code_8 of the library, without its header */
struct pcre2_real_code_8;

enum http_protocol {
	HTTP_PROTOCOL_1_1,
	HTTP_PROTOCOL_2,    /* HTTP/2: ALPN h2 with TLS, prior knowledge in the clear */
	HTTP_PROTOCOL_AUTO, /* what ALPN chooses of h2 and http/1.1; in the clear 1.1 */
};
enum session_reuse { SESSION_REUSE_OFF, SESSION_REUSE_ON, SESSION_REUSE_AUTO };

enum {
	EXTRAS_MAX_RANGES = 8,
	EXTRAS_MAX_URLS = 16,
	EXTRAS_MAX_BODY_BYTES = 64 << 20,   /* what max_body_size may be set to, and its default */
	EXTRAS_EXPECT_BODY_BYTES = 1 << 20, /* its default with expect_body */
	EXTRAS_MAX_HEADERS_BYTES = 128 << 10, /* of all request headers of a check together */
	EXTRAS_MAX_HEADERS = 200,             /* as many as servers take */
};

/* Status codes; n == 0: any. */
struct status_set {
	struct {
		uint16_t first, last;
	} at[EXTRAS_MAX_RANGES];
	uint8_t n;
};
static inline bool status_set_has(const struct status_set *s, uint16_t status)
{
	for (uint8_t i = 0; i < s->n; i++)
		if (status >= s->at[i].first && status <= s->at[i].last)
			return true;
	return false;
}

/* One url {} block, with all that it did not say filled in. */
struct check_url {
	const char *path;        /* "": "/" */
	const char *virtualhost; /* effective; "": the address */
	struct status_set status;
	uint8_t digest[16]; /* with has_digest */
	bool has_digest;
	const struct pcre2_real_code_8 *expect_body; /* NULL: any body */
	const char *expect_body_text;                /* as written, "" if none */
};

/* A file that a check names, as it was when the generation was made. */
struct tls_file {
	const char *path;
	const void *pem; /* its bytes; wiped when the generation is freed */
	size_t n_bytes;
	uint64_t hash; /* of the bytes: another content, another TLS context */
};

/* Settings of a TLS context; equal ones of a generation are one object. */
struct tls_setting {
	uint16_t min_version, max_version; /* 0x0301..0x0304 */
	bool verify;                       /* chain and name must be good */
	const struct tls_file *ca;         /* NULL: the system's store */
	const struct tls_file *cert, *key; /* of the client; NULL: none */
	uint64_t hash; /* of all of this, files' contents included; the same in each generation */
};

struct check_extras {
	const char *method; /* "" = GET */
	/* "Name: value\r\n" each, names as written; none that is about the connection, the body or
	 * the host; "" none */
	const char *headers;
	uint64_t max_response_ns;       /* 0: no limit but check_timeout */
	struct status_set drain_status; /* n == 0: none */
	uint32_t max_body_bytes;        /* effective, 1..EXTRAS_MAX_BODY_BYTES */
	uint8_t http_protocol;          /* enum http_protocol */
	uint8_t session_reuse;          /* enum session_reuse */
	uint16_t expire_warn_days;      /* 0: no warning */
	const char *sni; /* NULL: as the profile's flag and virtualhost say; "": none; else this */
	const char *verify_name;       /* "": the SNI that is or would be sent, else the address */
	const struct tls_setting *tls; /* NULL for kinds without TLS */
	/* All urls, the first one too. 0: the check has what its profile says (a kind without urls,
	 * or one url that says no more than path, status_code, digest and virtualhost). */
	uint32_t n_urls;
	const struct check_url *urls;
};
