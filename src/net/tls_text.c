#include "net/tls_text.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static const struct {
	uint16_t number;
	const char *name;
} ciphers[] = {
#define X(number, name) {number, name},
#include "net/tls_cipher.tbl"
#undef X
};

/* RFC 8446 §6 and what older versions had. */
static const char *const alerts[] = {
	[0] = "close_notify",
	[10] = "unexpected_message",
	[20] = "bad_record_mac",
	[21] = "decryption_failed",
	[22] = "record_overflow",
	[30] = "decompression_failure",
	[40] = "handshake_failure",
	[41] = "no_certificate",
	[42] = "bad_certificate",
	[43] = "unsupported_certificate",
	[44] = "certificate_revoked",
	[45] = "certificate_expired",
	[46] = "certificate_unknown",
	[47] = "illegal_parameter",
	[48] = "unknown_ca",
	[49] = "access_denied",
	[50] = "decode_error",
	[51] = "decrypt_error",
	[60] = "export_restriction",
	[70] = "protocol_version",
	[71] = "insufficient_security",
	[80] = "internal_error",
	[86] = "inappropriate_fallback",
	[90] = "user_canceled",
	[100] = "no_renegotiation",
	[109] = "missing_extension",
	[110] = "unsupported_extension",
	[111] = "certificate_unobtainable",
	[112] = "unrecognized_name",
	[113] = "bad_certificate_status_response",
	[114] = "bad_certificate_hash_value",
	[115] = "unknown_psk_identity",
	[116] = "certificate_required",
	[120] = "no_application_protocol",
};

const char *tls_text_version(uint16_t version)
{
	static const char *const names[] = {"TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
	unsigned i = version - 0x0301u;

	return i < ARRAY_LEN(names) ? names[i] : "?";
}

const char *tls_text_cipher(uint16_t cipher)
{
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
		if (ciphers[i].number == cipher)
			return ciphers[i].name;
	return "?";
}

static const char *alert_text(uint32_t alert)
{
	const char *name = alert < ARRAY_LEN(alerts) ? alerts[alert] : NULL;

	return name ? name : "unknown alert";
}

static const char *reason_text(uint32_t reason)
{
	const char *text = NULL;

	/* a process that made no connection has no texts yet */
	if (reason && OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL))
		text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
	return text ? text : "";
}

const char *tls_text_detail(enum check_code code, uint32_t detail)
{
	switch (code) {
	case CODE_TLS_ALERT:
		return alert_text(detail);
	case CODE_TLS_VERIFY:
		return X509_verify_cert_error_string((long)detail);
	case CODE_TLS_PROTOCOL:
		return reason_text(detail);
	default:
		return "";
	}
}
