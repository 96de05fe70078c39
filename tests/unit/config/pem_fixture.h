/* A directory of a test's own with PEM files and a services file that names them. */
#pragma once

#include "services_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/pem_maker.h"

enum { PEM_FIXTURE_DAY = 86400 };

static char pem_dir[64];

static inline const char *pem_path(const char *name)
{
	static char paths[8][128];
	static unsigned i;
	char *path = paths[i++ % 8];

	snprintf(path, 128, "%s/%s", pem_dir, name);
	return path;
}

static inline void pem_write(const char *name, const char *text)
{
	FILE *f = fopen(pem_path(name), "we");

	cr_assert_not_null(f, "%s", name);
	fputs(text, f);
	fclose(f);
}

/* c.pem and k.pem belong together, both.pem is another pair in one file, other.pem a third key. */
static inline void pem_setup(void)
{
	memcpy(pem_dir, "/tmp/test_pem_XXXXXX", 21);
	cr_assert_not_null(mkdtemp(pem_dir));
	pem_maker_pair(pem_path("c.pem"), pem_path("k.pem"), "c", PEM_FIXTURE_DAY, 0);
	pem_maker_pair(pem_path("both.pem"), pem_path("both.pem"), "both", PEM_FIXTURE_DAY, 0);
	pem_maker_pair(NULL, pem_path("other.pem"), "other", PEM_FIXTURE_DAY, 0);
}

static inline void pem_clean(void)
{
	static const char *const names[] = {"c.pem",     "k.pem",    "both.pem", "other.pem",
					    "old.pem",   "old.key",  "new.pem",  "secret.pem",
					    "a.pem",     "text.pem", "s.conf",   "sub/t.conf",
					    "sub/c.pem", "sub"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		remove(pem_path(names[i]));
	cr_assert_eq(rmdir(pem_dir), 0);
}

/* One SSL_GET; the text stands in it, from line 5 on. */
static inline struct parsed pem_parse(const char *check)
{
	char *text = NULL;
	struct parsed p;

	cr_assert(asprintf(&text,
			   "virtual_server 192.0.2.1 443 {\n\n"
			   "real_server 198.51.100.1 443 {\nSSL_GET {\n%s\n}\n}\n}\n",
			   check) > 0);
	pem_write("s.conf", text);
	free(text);
	p = parse_path(pem_path("s.conf"));
	return p;
}
