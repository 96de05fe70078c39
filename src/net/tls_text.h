/* What TLS's numbers mean, in words. Static storage; any thread. */
#pragma once

#include "model/check_code.h"

/* "TLSv1.3"; "?" for a number that is no version. */
const char *tls_text_version(uint16_t version);
/* "TLS_AES_128_GCM_SHA256": IANA's name; "?" for one that we never agree on. */
const char *tls_text_cipher(uint16_t cipher);
/* What a result's detail says of a TLS failure: the name of an alert ("handshake_failure"), why a
 * certificate is not good ("certificate has expired"), the library's reason ("wrong version
 * number"). "" if it says nothing, or the code is none of TLS_ALERT, TLS_VERIFY, TLS_PROTOCOL. */
const char *tls_text_detail(enum check_code code, uint32_t detail);
