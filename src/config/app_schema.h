/* The keys of alived.yaml: one row each with type, range, default and one line of documentation.
 * The loader, the list of changed keys and the tests of the documentation all read this table. */
#pragma once

#include "config/app_config.h"

enum app_type {
	APP_BOOL,          /* YAML 1.1: true yes on y, false no off n */
	APP_NUMBER,        /* min..max */
	APP_NUMBER_OR_OFF, /* the same; `off` is 0 */
	APP_DURATION,      /* min..max ns */
	APP_TEXT,          /* malloc'd; min..max bytes */
	APP_WORD,          /* one of words */
	APP_WORDS,         /* one of words, or a list of them: a set of bits; 0 stands alone */
	APP_IPV4,          /* "" is unset */
	APP_IPV6,
	APP_HOST4, /* ADDRESS or ADDRESS/32; "" is unset */
	APP_HOST6,
	APP_LISTEN,  /* malloc'd; ADDRESS:PORT, "" is off */
	APP_GROUPS,  /* list of announce group names */
	APP_CPUS,    /* "0-3,6" or a list of such */
	APP_IGNORED, /* any value; a warning, no effect */
};

struct app_word {
	const char *text;
	uint32_t value;
};

struct app_key {
	const char *path; /* "section.key" */
	enum app_type type;
	uint16_t offset;        /* into struct app_config */
	uint16_t size;          /* of the field; 0: checked, not kept */
	uint16_t is_set_offset; /* of a bool that tells whether the file has the key; 0: none */
	const struct app_word *words; /* ends with NULL */
	uint64_t min, max;
	const char *default_text; /* as it would stand in the file; NULL: see doc */
	const char *doc;
};

enum { APP_SCHEMA_MAX_KEYS = 112, APP_SCHEMA_MAX_SECTIONS = 20, APP_SCHEMA_PATH_BYTES = 80 };

/* All keys in the order of the documentation. Any thread. */
const struct app_key *app_schema_keys(uint32_t *ret_n);
/* Index of the key with this path, or -1. */
int app_schema_find(const char *path);
/* Index of the section ("service.services_config"), or -1. */
int app_schema_find_section(const char *path);

/* Writes advice about an unknown key in a section ("" or "server."): the nearest key there, the
 * place where a key of this name belongs, or the keys that there are. */
void app_schema_hint(const char *section, const char *key, char *out, size_t out_bytes);
