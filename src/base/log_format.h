/* Record → one line of text. Pure. */
#pragma once

#include "base/log.h"

enum { LOG_MAX_FIELDS = 14, LOG_TEXT_BYTES = 400, LOG_LINE_BYTES = 2048 };

struct log_value {
	const char *key;
	uint8_t kind; /* enum log_field_kind */
	uint16_t port;
	union {
		uint64_t u64;
		int64_t i64;
		struct {
			uint16_t off, len; /* LF_KIND_STR and LF_KIND_ADDR: bytes in text[] */
		};
	};
};

struct log_record {
	uint64_t wall_ns;
	const char *mod;
	const char *event;
	uint8_t level;
	uint8_t n_values;
	uint16_t n_text;
	struct log_value values[LOG_MAX_FIELDS];
	char text[LOG_TEXT_BYTES];
};

/* Copies fields into rec, values cut to what fits. */
void log_format_pack(struct log_record *rec, const struct log_field *fields, size_t n_fields);
/* Writes the line with its newline; returns its length (< LOG_LINE_BYTES). */
size_t log_format_line(const struct log_record *rec, const char *thread, enum log_encoding encoding,
		       char out[LOG_LINE_BYTES]);
/* Name of a level: "debug" "info" "warn" "error". */
const char *log_format_level(enum log_level level);
