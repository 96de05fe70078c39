/* One run of the services parser: what its parts share. Main thread; lives on services_parse()'s
 * stack, so nothing of it outlives the run but the draft. */
#pragma once

#include "config/app_config.h"
#include "config/diag.h"
#include "config/draft.h"
#include "config/services_lex.h"
#include "config/services_seen.h"
#include "config/services_tree.h"

struct arena;

enum { RUN_MAX_INCLUDE_DEPTH = 16 };

/* The block that statements go to now. */
struct services_frame {
	const struct services_row *row; /* keyword that opened it */
	uint32_t node;                  /* its node; url: its check's */
	source_pos pos;                 /* of its head */
	uint32_t len;
	uint8_t block; /* enum services_block */
};

/* The text and value seen last for a row: most keywords say the same for each server. */
struct services_memo {
	const char *at; /* NULL: none */
	uint32_t len;
	union services_value value;
};

/* A file being read, and where it was included. */
struct services_chain {
	const struct services_chain *up;
	const struct source_file *file;
	source_pos pos; /* of the include statement in up's file */
	unsigned depth;
	uint64_t device, inode;
};

struct services_run {
	const struct app_config *app;
	struct source *source;
	struct diag *diag;
	struct arena *arena; /* the draft's */
	struct draft *draft; /* NULL once it is given away */
	struct draft_service *last_service;
	struct services_schema schema;
	struct services_tree tree;
	struct services_frame frames[BLOCK__N];
	unsigned n_frames;
	const struct services_chain *chain;
	uint32_t n_included;
	bool may_include; /* false: text in memory, no file is read for it */
	struct services_seen services, vips, reals, checks;
	struct services_seen extras, pairs; /* of struct draft_extras, struct services_pair */
	const struct draft_extras *last_extras;
	char *scratch; /* where a check's extras are written down */
	size_t scratch_bytes;
	source_pos last_extras_report; /* what is inherited is reported once */
	struct services_memo memos[SCHEMA_MAX_ROWS];
	bool is_ignored[SCHEMA_MAX_ROWS]; /* keywords of keepalived that were met */
	source_pos first_ignored;         /* SOURCE_NOWHERE: none */
	uint32_t n_static;                /* reals without checks */
	source_pos first_static;
	uint32_t first_static_len;
};
