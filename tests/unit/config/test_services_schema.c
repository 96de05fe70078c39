#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/gen.h"
#include "config/services_schema.h"

static const struct services_row *find(enum services_block block, const char *word)
{
	static struct services_schema schema;

	if (!schema.slots[0].name)
		services_schema_init(&schema);
	return services_schema_find(&schema, block, word, (uint32_t)strlen(word));
}

Test(services_schema, every_row_is_found_in_each_of_its_blocks_only)
{
	for (unsigned i = 0; i < services_schema_n_rows; i++) {
		const struct services_row *row = &services_schema_rows[i];

		for (enum services_block b = 0; b < BLOCK__N; b++) {
			const struct services_row *got = find(b, row->name);

			if (row->blocks & 1 << b)
				cr_assert_eq(got, row, "%s", row->name);
			else
				cr_assert_neq(got, row, "%s", row->name);
		}
	}
}

Test(services_schema, every_row_says_what_it_is_for)
{
	for (unsigned i = 0; i < services_schema_n_rows; i++) {
		const struct services_row *row = &services_schema_rows[i];

		cr_assert(row->doc && row->doc[0], "%s", row->name);
		cr_assert_neq(row->blocks, 0, "%s", row->name);
		cr_assert(row->min <= row->max, "%s", row->name);
		cr_assert(strlen(row->name) < 64, "%s", row->name);
		if (row->type == TYPE_SECONDS || row->type == TYPE_NUMBER)
			cr_assert_gt(row->max, 0, "%s", row->name);
	}
}

Test(services_schema, values_lie_within_their_struct_and_apart)
{
	unsigned char owner[sizeof(struct services_values)] = {0};

	for (unsigned i = 0; i < services_schema_n_rows; i++) {
		const struct services_row *row = &services_schema_rows[i];
		unsigned size = services_schema_size(row->type);

		cr_assert_leq(row->offset + size, sizeof(owner), "%s", row->name);
		for (unsigned k = 0; k < size; k++) {
			cr_assert_eq(owner[row->offset + k], 0, "%s overlaps", row->name);
			owner[row->offset + k] = 1;
		}
	}
}

Test(services_schema, aliases_are_the_same_row)
{
	cr_assert_eq(find(BLOCK_TCP, "nb_get_retry"), find(BLOCK_TCP, "retry"));
	cr_assert_eq(find(BLOCK_SERVICE, "lb_algo"), find(BLOCK_SERVICE, "lvs_sched"));
	cr_assert_eq(find(BLOCK_REAL, "lb_kind"), find(BLOCK_REAL, "lvs_method"));
}

Test(services_schema, keywords_are_case_sensitive_and_whole)
{
	cr_assert_null(find(BLOCK_REAL, "tcp_check"));
	cr_assert_null(find(BLOCK_SERVICE, "quoru"));
	cr_assert_null(find(BLOCK_SERVICE, "quorum_"));
	cr_assert_null(find(BLOCK_SERVICE, ""));
}

Test(services_schema, decision_47_keywords_stand_where_they_make_sense)
{
	const enum services_block levels[] = {BLOCK_SERVICE, BLOCK_REAL, BLOCK_TCP};

	for (unsigned i = 0; i < ARRAY_LEN(levels); i++) {
		cr_assert_not_null(find(levels[i], "rise"));
		cr_assert_not_null(find(levels[i], "fall"));
		cr_assert_not_null(find(levels[i], "jitter"));
		cr_assert_not_null(find(levels[i], "half_open"));
	}
	cr_assert_not_null(find(BLOCK_SERVICE, "init_state"));
	cr_assert_not_null(find(BLOCK_REAL, "init_state"));
	cr_assert_null(find(BLOCK_TCP, "init_state"));
	cr_assert_not_null(find(BLOCK_SERVICE, "panic_threshold"));
	cr_assert_null(find(BLOCK_REAL, "panic_threshold"));
	cr_assert_null(find(BLOCK_HTTP, "half_open"));
}

static const char *nearest(enum services_block block, const char *word)
{
	return services_schema_nearest(block, word, (uint32_t)strlen(word));
}

Test(services_schema, the_nearest_keyword_is_suggested)
{
	cr_assert_str_eq(nearest(BLOCK_SERVICE, "annonunce_group"), "announce_group");
	cr_assert_str_eq(nearest(BLOCK_SERVICE, "quorom"), "quorum");
	cr_assert_str_eq(nearest(BLOCK_REAL, "tcp_check"), "TCP_CHECK");
	cr_assert_str_eq(nearest(BLOCK_TOP, "virtualserver"), "virtual_server");
	cr_assert_str_eq(nearest(BLOCK_HTTP, "nb_get_retries"), "nb_get_retry");
	cr_assert_null(nearest(BLOCK_SERVICE, "xyz"));
	cr_assert_null(nearest(BLOCK_SERVICE, ""));
}

Test(services_schema, a_keyword_of_another_block_is_told)
{
	cr_assert_str_eq(services_schema_elsewhere(BLOCK_GRPC, "weight", 6), "real_server");
	cr_assert_str_eq(services_schema_elsewhere(BLOCK_HTTP, "path", 4), "url");
	cr_assert_str_eq(services_schema_elsewhere(BLOCK_SERVICE, "TCP_CHECK", 9), "real_server");
	cr_assert_str_eq(services_schema_elsewhere(BLOCK_HTTP, "half_open", 9), "TCP_CHECK");
	cr_assert_str_eq(services_schema_elsewhere(BLOCK_TOP, "weight", 6), "virtual_server");
	cr_assert_null(services_schema_elsewhere(BLOCK_SERVICE, "quorum", 6));
	cr_assert_null(services_schema_elsewhere(BLOCK_SERVICE, "nothing", 7));
}

Test(services_schema, defaults_are_the_references)
{
	const struct services_values *v = &services_schema_defaults;

	cr_assert_eq(v->inherited.delay_loop_ns, 60000000000);
	cr_assert_eq(v->inherited.delay_before_retry_ns, 3000000000);
	cr_assert_eq(v->inherited.retry, 1);
	cr_assert_eq(v->inherited.rise, 1);
	cr_assert_eq(v->inherited.fall, 0);
	cr_assert_eq(v->inherited.weight, 1);
	cr_assert_eq(v->inherited.lvs_method, LVS_TUN);
	cr_assert_eq(v->inherited.init_state, INIT_AUTO);
	cr_assert_eq(v->service.quorum, 1);
	cr_assert_eq(v->service.hysteresis, 0);
}

/* docs/CONFIG.md has a row "| `keyword` ... | stands in | meaning |" for what sets or opens
 * something, and names all others. */
Test(services_schema, every_keyword_is_documented)
{
	char *text = calloc(1, 1 << 20), row_text[128];
	FILE *f = fopen("docs/CONFIG.md", "re");

	cr_assert(text && f);
	text[fread(text, 1, (1 << 20) - 1, f)] = 0;
	fclose(f);
	for (unsigned i = 0; i < services_schema_n_rows; i++) {
		const struct services_row *row = &services_schema_rows[i];
		bool has_row = row->type != TYPE_IGNORED && row->type != TYPE_UNSUPPORTED &&
			       row->type != TYPE_NO_REGEX;

		snprintf(row_text, sizeof(row_text), "%s`%s`", has_row ? "| " : "", row->name);
		cr_assert_not_null(strstr(text, row_text), "%s is missing", row_text);
		if (row->alias) {
			snprintf(row_text, sizeof(row_text), "`%s` `%s`", row->name, row->alias);
			cr_assert_not_null(strstr(text, row_text), "%s is missing", row_text);
		}
		if (has_row && row->type != TYPE_BLOCK)
			cr_assert_not_null(strstr(text, row->doc), "%s: %s", row->name, row->doc);
	}
	free(text);
}
