/* What the two backends that write files for BIRD to include do each in its own way: bird2 writes
 * routes, bird_list a list for BIRD's filters. Everything else is shared (bird2.c). The functions
 * are pure, but for those that say otherwise. agg's thread. */
#pragma once

#include "announce/bird_file.h"
#include "config/app_config.h"

struct generation;

enum { BIRD2_MAX_FILES = 2, BIRD2_COMMAND_BYTES = 240 };

/* What is asked when BIRD's state is compared with ours, one command each. */
enum bird2_look {
	BIRD2_LOOK_COUNT_4,
	BIRD2_LOOK_COUNT_6,
	BIRD2_LOOK_LIST_4, /* the number that stands for the list which BIRD has */
	BIRD2_LOOK_LIST_6,
	BIRD2_LOOK__N
};

/* One file, or one look, of one group. */
struct bird2_subject {
	const struct app_config *app;
	const struct generation *gen;
	const char *group;
	const struct vip_set *vips; /* NULL where they do not matter */
};

struct bird2_kind {
	enum announcer_backend backend;
	const char *ctl_sock;
	uint64_t coalesce_up_ns;
	bool durable;
	bool is_one_group;  /* all announce groups are one */
	bool has_routes;    /* the files have the routes, else they are somebody else's */
	bool reloads;       /* a change makes BIRD reload: it may sleep over it (bird2_talk.c) */
	bool keeps_unknown; /* what our old files have and no service does stays */
	uint32_t n_files;   /* per group */
	enum bird2_look n_looks;

	void (*path)(const struct bird2_subject *s, unsigned file, char out[BIRD_FILE_PATH_BYTES]);
	/* Replaces *ret_text. Returns 0, -ENOMEM or -ENOBUFS. */
	int (*format)(const struct bird2_subject *s, unsigned file, struct buf *ret_text);
	/* The file at path is about to be replaced; NULL: nobody cares. Touches the disk. */
	void (*replacing)(const struct app_config *app, const char *path);
	void (*look)(const struct bird2_subject *s, enum bird2_look look,
		     char out[BIRD2_COMMAND_BYTES]);
	uint32_t (*list_number)(const struct bird2_subject *s, bool is_v4);
	/* The command that takes a group's routes away without a configuration. Returns false if
	 * there is none. */
	bool (*lever)(const struct bird2_subject *s, char out[BIRD2_COMMAND_BYTES]);

	/* Files that two daemons must not have both; n_files of them at most. Returns false past
	 * the last one. */
	bool (*lock_path)(const struct app_config *app, unsigned i, char out[BIRD_FILE_PATH_BYTES]);
	/* Adds to *vips what our own earlier files announce. Reads the disk. */
	void (*read_old)(const struct app_config *app, struct vip_set *vips);
	/* Every group is warm: removes, or tells, what of the old is of no use any more. Returns
	 * how many files went. Touches the disk. */
	uint32_t (*purge)(const struct app_config *app, const struct generation *gen,
			  const struct vip_set *old);
	void (*sync_dirs)(const struct app_config *app);
};
