#include <criterion/criterion.h>

#include <string.h>

#include "config/services_tree.h"

static uint16_t row_of(enum services_block block, const char *word)
{
	static struct services_schema schema;
	const struct services_row *row;

	services_schema_init(&schema);
	row = services_schema_find(&schema, block, word, (uint32_t)strlen(word));
	cr_assert_not_null(row);
	return (uint16_t)(row - services_schema_rows);
}

static void set(struct services_tree *t, uint32_t node, uint16_t row, union services_value value,
		source_pos pos)
{
	struct services_setting s = {.row = row, .value = value, .pos = pos, .len = 3};

	cr_assert_eq(services_tree_set(t, node, &s), 0);
}

static uint32_t add(struct services_tree *t, uint32_t parent, enum services_block block)
{
	uint32_t node = TREE_NONE;

	cr_assert_eq(services_tree_add(t, parent, block, &node), 0);
	return node;
}

Test(services_tree, children_keep_their_order)
{
	struct services_tree t = {0};
	uint32_t service = add(&t, TREE_NONE, BLOCK_SERVICE), real[100], i;

	for (i = 0; i < 100; i++)
		real[i] = add(&t, service, BLOCK_REAL);
	cr_assert_eq(t.nodes[service].n_children, 100);
	i = 0;
	for (uint32_t n = t.nodes[service].first_child; n != TREE_NONE; n = t.nodes[n].next)
		cr_assert_eq(n, real[i++]);
	cr_assert_eq(i, 100);
	services_tree_deinit(&t);
}

Test(services_tree, the_last_setting_wins)
{
	struct services_tree t = {0};
	uint32_t service = add(&t, TREE_NONE, BLOCK_SERVICE), real = add(&t, service, BLOCK_REAL);
	uint16_t quorum = row_of(BLOCK_SERVICE, "quorum"), weight = row_of(BLOCK_REAL, "weight");
	struct services_values v = services_schema_defaults;

	set(&t, service, quorum, (union services_value){.number = 2}, 0);
	set(&t, real, weight, (union services_value){.number = 7}, 0); /* interleaved */
	set(&t, service, quorum, (union services_value){.number = 3}, 0);
	services_tree_apply(&t, service, &v);
	cr_assert_eq(v.service.quorum, 3);
	cr_assert_eq(v.inherited.weight, 1);
	services_tree_apply(&t, real, &v);
	cr_assert_eq(v.inherited.weight, 7);
	services_tree_deinit(&t);
}

Test(services_tree, each_size_is_stored_whole)
{
	struct services_tree t = {0};
	uint32_t check = add(&t, TREE_NONE, BLOCK_HTTP);
	struct services_digest digest = {.md5 = {1, 2, 15}, .is_set = true};
	struct services_values v = {.check.connect_port = 0};
	struct addr a = {{0x20, 1, [15] = 9}};

	set(&t, check, row_of(BLOCK_HTTP, "connect_ip"), (union services_value){.addr = a}, 0);
	set(&t, check, row_of(BLOCK_URL, "digest"), (union services_value){.digest = digest}, 0);
	set(&t, check, row_of(BLOCK_URL, "path"), (union services_value){.text = "/x"}, 0);
	set(&t, check, row_of(BLOCK_HTTP, "delay_loop"),
	    (union services_value){.number = UINT64_C(0x123456789ab)}, 0);
	set(&t, check, row_of(BLOCK_HTTP, "connect_port"), (union services_value){.number = 65535},
	    0);
	set(&t, check, row_of(BLOCK_HTTP, "dynamic_weight_enable"),
	    (union services_value){.number = 1}, 0);
	services_tree_apply(&t, check, &v);
	cr_assert(addr_eq(&v.check.connect_ip, &a));
	cr_assert_eq(memcmp(&v.url.digest, &digest, sizeof(digest)), 0);
	cr_assert_str_eq(v.url.path, "/x");
	cr_assert_eq(v.inherited.delay_loop_ns, UINT64_C(0x123456789ab));
	cr_assert_eq(v.check.connect_port, 65535);
	cr_assert_eq(v.check.dynamic_weight_enable, 1);
	cr_assert_eq(v.check.dynamic_weight_in_header, 0);
	services_tree_deinit(&t);
}

static void comes_from(const struct services_tree *t, uint32_t node, size_t offset, source_pos pos)
{
	source_pos got;
	uint32_t len;

	services_tree_origin(t, node, offset, &got, &len);
	cr_assert_eq(got, pos, "%u", got);
}

Test(services_tree, a_value_is_traced_to_the_block_that_sets_it)
{
	struct services_tree t = {0};
	uint32_t service = add(&t, TREE_NONE, BLOCK_SERVICE), real = add(&t, service, BLOCK_REAL);
	uint32_t check = add(&t, real, BLOCK_TCP);
	uint16_t jitter = row_of(BLOCK_SERVICE, "jitter"), mark = row_of(BLOCK_SERVICE, "fwmark");
	size_t at_jitter = offsetof(struct services_values, inherited.jitter_ns);
	size_t at_mark = offsetof(struct services_values, fwmark);

	t.nodes[check].pos = 50;
	comes_from(&t, check, at_jitter, 50); /* a default: the block's head */
	set(&t, service, jitter, (union services_value){.number = 1}, 10);
	set(&t, service, mark, (union services_value){.number = 1}, 12);
	comes_from(&t, check, at_jitter, 10);
	comes_from(&t, check, at_mark, 50); /* is not inherited */
	set(&t, check, jitter, (union services_value){.number = 2}, 51);
	set(&t, check, jitter, (union services_value){.number = 3}, 52);
	comes_from(&t, check, at_jitter, 52);
	services_tree_deinit(&t);
}

Test(services_tree, reset_forgets_everything)
{
	struct services_tree t = {0};
	struct services_values v = services_schema_defaults;
	uint32_t service = add(&t, TREE_NONE, BLOCK_SERVICE);

	set(&t, service, row_of(BLOCK_SERVICE, "quorum"), (union services_value){.number = 9}, 1);
	services_tree_reset(&t);
	cr_assert_eq(add(&t, TREE_NONE, BLOCK_SERVICE), 0);
	services_tree_apply(&t, 0, &v);
	cr_assert_eq(v.service.quorum, 1);
	cr_assert_eq(t.nodes[0].n_children, 0);
	services_tree_deinit(&t);
}
