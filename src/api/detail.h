/* A result's code and detail as words: "status 503", "ECONNREFUSED", "alert 40". Pure. */
#pragma once

#include "model/check_code.h"

enum { DETAIL_TEXT_BYTES = 80 };

/* "" if the code says all there is to say. detail: the low 16 bits that a check row keeps. */
void detail_text(enum check_code code, uint16_t detail, char out[DETAIL_TEXT_BYTES]);
