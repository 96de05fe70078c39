/* One announce group of backend bird2: what its file announces, what BIRD accepted, and the changes
 * in between. No socket, no clock. agg's thread.
 *
 *   accepted --(changes of the route plan)--> written --(BIRD took it)--> accepted
 *
 * The changes are always taken against `accepted`, so a file that BIRD refused, or whose fate is
 * not known, is simply made anew from the same base. */
#pragma once

#include "announce/announcer.h"
#include "announce/bird2_kind.h"

struct bird2_group_file {
	struct buf text, next_text;
	struct bird_file_mark mark;
	bool has_written;
};

struct bird2_group {
	const char *name;
	uint16_t number;  /* from 1 */
	bool is_warm;     /* its file may be written (decisions 28) */
	bool has_written; /* each of its files */
	bool in_cycle;    /* `written` waits to become `accepted` */
	bool has_failed;  /* the last try to write the file */
	bool is_disabled; /* by the emergency lever, until BIRD takes a configuration again */
	struct vip_set accepted, written;
	struct bird2_group_file files[BIRD2_MAX_FILES]; /* kind->n_files */
	struct route *changes;                          /* accepted -> written */
	uint32_t n_changes, cap_changes;
	uint64_t withdrawing_since_ns;     /* 0: no withdrawal waits for BIRD */
	uint32_t seen[ANNOUNCE_FAMILY__N]; /* routes counted last; ANNOUNCE_NOT_COUNTED */
};

struct bird2_context {
	const struct bird2_kind *kind;
	const struct announcer_args *args;
	struct route_plan *plan;
	const struct generation *gen;
};

void bird2_group_init(struct bird2_group *g, const char *name, uint16_t number);
void bird2_group_deinit(struct bird2_group *g);

/* True if every prefix of the group has a verdict. */
bool bird2_group_is_decided(const struct bird2_group *g, const struct bird2_context *c);
/* The first write may come: undecided prefixes go on as `old`, our own earlier files, had them.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int bird2_group_warm_up(struct bird2_group *g, const struct bird2_context *c,
				   const struct vip_set *old);

/* Takes what is to be changed and brings the files to it. *ret_n_written: how many were not so
 * before, even if a later one failed. Returns 0 or a negative errno (not all are as they should
 * be).
 */
MUST_CHECK int bird2_group_write(struct bird2_group *g, const struct bird2_context *c,
				 uint64_t now_ns, unsigned *ret_n_written);
/* What the group's files say, for the kind's functions. */
struct bird2_subject bird2_group_subject(const struct bird2_group *g, const struct bird2_context *c,
					 const struct vip_set *vips);
/* BIRD took a configuration that contains the file as last written. */
void bird2_group_accept(struct bird2_group *g, const struct bird2_context *c, uint64_t now_ns);
/* Fills is_disabled, expected, seen. */
void bird2_group_fill(const struct bird2_group *g, struct announce_group_row *row);
/* False if somebody else changed one of the files since we wrote them. */
bool bird2_group_is_untouched(const struct bird2_group *g, const struct bird2_context *c);
