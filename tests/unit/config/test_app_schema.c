#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_schema.h"

Test(app_schema, every_key_is_found_and_stands_in_a_known_section)
{
	char section[APP_SCHEMA_PATH_BYTES];
	uint32_t n;
	const struct app_key *keys = app_schema_keys(&n);

	for (uint32_t i = 0; i < n; i++) {
		const char *dot = strrchr(keys[i].path, '.');

		cr_assert_eq(app_schema_find(keys[i].path), (int)i, "%s is unique", keys[i].path);
		cr_assert_lt(strlen(keys[i].path), APP_SCHEMA_PATH_BYTES - 2);
		cr_assert_gt(strlen(keys[i].doc), 10);
		cr_assert_leq(keys[i].min, keys[i].max, "%s", keys[i].path);
		if (!dot)
			continue;
		memcpy(section, keys[i].path, (size_t)(dot - keys[i].path));
		section[dot - keys[i].path] = 0;
		cr_assert_geq(app_schema_find_section(section), 0, "%s", section);
	}
	cr_assert_eq(app_schema_find("logging"), -1);
	cr_assert_eq(app_schema_find_section("logging.level"), -1);
}

Test(app_schema, hint_is_the_nearest_the_namesake_or_the_list)
{
	char hint[512] = "";

	app_schema_hint("checks.", "lagguard", hint, sizeof(hint));
	cr_assert_str_eq(hint, "did you mean 'lag_guard'?");
	hint[0] = 0;
	app_schema_hint("checks.", "http_addr", hint, sizeof(hint));
	cr_assert_str_eq(hint, "there is 'server.http_addr'");
	hint[0] = 0;
	app_schema_hint("checks.", "whatever", hint, sizeof(hint));
	cr_assert_str_eq(hint, "known here: lag_guard, unknown_max");
	hint[0] = 0;
	app_schema_hint("", "servr", hint, sizeof(hint));
	cr_assert_str_eq(hint, "did you mean 'server'?");
	hint[0] = 0;
	app_schema_hint("service.", "services_confg", hint, sizeof(hint));
	cr_assert_str_eq(hint, "did you mean 'services_config'?");
}

static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "re");

	cr_assert_not_null(f, "%s", path);
	text[fread(text, 1, (1 << 20) - 1, f)] = 0;
	fclose(f);
	return text;
}

/* docs/CONFIG.md has a row "| `path` | … | default | … |" for each key. */
Test(app_schema, every_key_is_documented_with_its_default)
{
	char *text = read_file("docs/CONFIG.md"), row[256];
	uint32_t n;
	const struct app_key *keys = app_schema_keys(&n);

	for (uint32_t i = 0; i < n; i++) {
		const char *at, *end, *found;

		snprintf(row, sizeof(row), "| `%s` |", keys[i].path);
		at = strstr(text, row);
		cr_assert_not_null(at, "%s is missing", row);
		if (!keys[i].default_text || !keys[i].default_text[0])
			continue;
		snprintf(row, sizeof(row), "| `%s` |", keys[i].default_text);
		end = strchr(at, '\n');
		found = strstr(at, row);
		cr_assert(found && found < end, "default of %s is %s", keys[i].path, row);
	}
	free(text);
}

/* The example shows each key with its default, some behind a #. */
Test(app_schema, every_key_stands_in_the_example_with_its_default)
{
	/* on in the example: design §9 */
	static const char differs[] = "safety.max_remove";
	char *text = read_file("packaging/alived.yaml.example"), want[256];
	uint32_t n;
	const struct app_key *keys = app_schema_keys(&n);

	for (uint32_t i = 0; i < n; i++) {
		const char *word = strrchr(keys[i].path, '.'), *value = keys[i].default_text;

		word = word ? word + 1 : keys[i].path;
		if (keys[i].type == APP_IGNORED)
			continue;
		if (!value || strcmp(keys[i].path, differs) == 0 || keys[i].type == APP_GROUPS)
			snprintf(want, sizeof(want), "%s:", word);
		else if (keys[i].type == APP_LISTEN || !value[0])
			snprintf(want, sizeof(want), "%s: \"%s\"\n", word, value);
		else
			snprintf(want, sizeof(want), "%s: %s\n", word, value);
		cr_assert_not_null(strstr(text, want), "the example lacks %s", want);
	}
	free(text);
}
