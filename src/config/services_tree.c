#include "config/services_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void services_tree_deinit(struct services_tree *t)
{
	free(t->nodes);
	free(t->settings);
	*t = (struct services_tree){0};
}

void services_tree_reset(struct services_tree *t)
{
	t->n_nodes = 0;
	t->n_settings = 0;
}

/* Room for one more element at *items. */
static int grow(void *items, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t larger = *room ? *room * 2 : 64;
	void *old, *grown;

	if (n < *room)
		return 0;
	memcpy(&old, items, sizeof(old));
	grown = larger > *room ? reallocarray(old, larger, size) : NULL;
	if (!grown)
		return err_origin(-ENOMEM);
	memcpy(items, &grown, sizeof(grown));
	*room = larger;
	return 0;
}

int services_tree_add(struct services_tree *t, uint32_t parent, enum services_block b,
		      uint32_t *ret_node)
{
	struct services_node *n, *p;
	uint32_t i = t->n_nodes;

	TRY(grow(&t->nodes, i, &t->room_nodes, sizeof(*n)));
	n = &t->nodes[i];
	*n = (struct services_node){
		.first_setting = TREE_NONE,
		.last_setting = TREE_NONE,
		.first_child = TREE_NONE,
		.last_child = TREE_NONE,
		.next = TREE_NONE,
		.parent = parent,
		.block = (uint8_t)b,
	};
	t->n_nodes++;
	*ret_node = i;
	if (parent == TREE_NONE)
		return 0;
	p = &t->nodes[parent];
	if (p->first_child == TREE_NONE)
		p->first_child = i;
	else
		t->nodes[p->last_child].next = i;
	p->last_child = i;
	p->n_children++;
	return 0;
}

int services_tree_set(struct services_tree *t, uint32_t node,
		      const struct services_setting *setting)
{
	struct services_node *n = &t->nodes[node];
	uint32_t i = t->n_settings;

	TRY(grow(&t->settings, i, &t->room_settings, sizeof(*setting)));
	t->settings[i] = *setting;
	t->settings[i].next = TREE_NONE;
	t->n_settings++;
	if (n->first_setting == TREE_NONE)
		n->first_setting = i;
	else
		t->settings[n->last_setting].next = i;
	n->last_setting = i;
	return 0;
}

void services_tree_apply(const struct services_tree *t, uint32_t node, struct services_values *v)
{
	uint32_t i = t->nodes[node].first_setting;

	for (; i != TREE_NONE; i = t->settings[i].next) {
		const struct services_setting *s = &t->settings[i];
		const struct services_row *row = &services_schema_rows[s->row];
		void *field = (char *)v + row->offset;
		uint32_t number = (uint32_t)s->value.number;

		switch (services_schema_size(row->type)) {
		case sizeof(uint8_t):
			*(uint8_t *)field = (uint8_t)number;
			break;
		case sizeof(uint32_t):
			memcpy(field, &number, sizeof(number));
			break;
		case sizeof(uint64_t): /* a pointer is as large */
			memcpy(field, &s->value, sizeof(uint64_t));
			break;
		case sizeof(struct addr):
			memcpy(field, &s->value, sizeof(struct addr));
			break;
		default:
			memcpy(field, &s->value, sizeof(struct services_digest));
		}
	}
}
static_assert(sizeof(char *) == sizeof(uint64_t), "both are copied as 8 bytes");

uint32_t services_tree_next(const struct services_tree *t, uint32_t node, size_t offset,
			    uint32_t after)
{
	uint32_t i = after == TREE_NONE ? t->nodes[node].first_setting : t->settings[after].next;

	while (i != TREE_NONE && services_schema_rows[t->settings[i].row].offset != offset)
		i = t->settings[i].next;
	return i;
}

static uint32_t last_setting_of(const struct services_tree *t, uint32_t node, size_t offset)
{
	uint32_t found = TREE_NONE, i = t->nodes[node].first_setting;

	for (; i != TREE_NONE; i = t->settings[i].next)
		if (services_schema_rows[t->settings[i].row].offset == offset)
			found = i;
	return found;
}

void services_tree_origin(const struct services_tree *t, uint32_t node, size_t offset,
			  source_pos *ret_pos, uint32_t *ret_len)
{
	bool is_inherited = offset < sizeof(((struct services_values *)0)->inherited);
	uint32_t found = last_setting_of(t, node, offset);

	for (uint32_t n = t->nodes[node].parent; is_inherited && found == TREE_NONE;) {
		if (n == TREE_NONE)
			break;
		found = last_setting_of(t, n, offset);
		n = t->nodes[n].parent;
	}
	*ret_pos = found == TREE_NONE ? t->nodes[node].pos : t->settings[found].pos;
	*ret_len = found == TREE_NONE ? t->nodes[node].len : t->settings[found].len;
}
