/* One service of services.conf as it was written: its block, its reals' and its checks', and what
 * each of them sets, in file order. Inheritance needs the whole service, since a keyword may stand
 * behind the blocks that inherit it; the tree is emptied and used again for the next one.
 */
#pragma once

#include "config/services_schema.h"
#include "config/source.h"

#define TREE_NONE UINT32_MAX

union services_value {
	uint64_t number;  /* seconds (ns), numbers, enumerators, booleans */
	const char *text; /* NULL is a value too */
	const struct status_set *status;
	const struct tls_file *file;
	struct addr addr;
	struct services_digest digest;
};

struct services_setting {
	uint32_t next; /* of the same block */
	uint32_t len;
	source_pos pos; /* of the value, or of the keyword if it has none */
	uint16_t row;
	union services_value value;
};

struct services_node {
	uint32_t first_setting, last_setting;
	uint32_t first_child, last_child;
	uint32_t next; /* sibling */
	uint32_t parent;
	source_pos pos; /* of the head */
	uint32_t len;
	struct addr addr; /* services and reals */
	uint16_t port;
	bool has_port;
	bool is_broken; /* its head was reported: nothing that depends on it is */
	uint8_t block;  /* enum services_block */
	uint8_t n_urls; /* the first one's values are the check's own, others are its children */
	uint32_t n_children;
};

struct services_tree {
	struct services_node *nodes; /* the service is node 0 */
	struct services_setting *settings;
	uint32_t n_nodes, n_settings;
	uint32_t room_nodes, room_settings;
};

void services_tree_deinit(struct services_tree *t);
void services_tree_reset(struct services_tree *t);
/* Adds a block under parent (TREE_NONE for the service). Returns 0 with its index or -ENOMEM. */
MUST_CHECK int services_tree_add(struct services_tree *t, uint32_t parent, enum services_block b,
				 uint32_t *ret_node);
/* Adds what a keyword of the block sets; all but next is taken from setting. 0 or -ENOMEM. */
MUST_CHECK int services_tree_set(struct services_tree *t, uint32_t node,
				 const struct services_setting *setting);
/* Writes what the block sets into v, in file order. */
void services_tree_apply(const struct services_tree *t, uint32_t node, struct services_values *v);
/* The first setting behind after (TREE_NONE: of all) that the block itself makes of the value at
 * this offset, or TREE_NONE. */
uint32_t services_tree_next(const struct services_tree *t, uint32_t node, size_t offset,
			    uint32_t after);
/* Where the value at this offset of struct services_values comes from: the last setting of it in
 * the block or the nearest block around it, else the head of the block. For diagnostics. */
void services_tree_origin(const struct services_tree *t, uint32_t node, size_t offset,
			  source_pos *ret_pos, uint32_t *ret_len);
