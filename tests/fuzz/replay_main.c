/* Runs a fuzz target over its saved corpus, so that plain `make test` keeps every input that ever
 * mattered. The target's name comes from the program's: fuzz_x replays tests/fuzz/corpus/x/. */
#include <dirent.h>

#include "base/cc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact-size heap copy: ASan sees one byte over. */
static bool replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;
	bool ok;

	if (!f)
		return false;
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	data = malloc(size > 0 ? (size_t)size : 1);
	ok = data && fread(data, 1, (size_t)size, f) == (size_t)size;
	fclose(f);
	if (ok)
		LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return ok;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char dir[256], path[600];
	struct dirent *entry;
	unsigned n = 0;
	DIR *d;

	(void)argc;
	name = name ? name + 1 : argv[0];
	snprintf(dir, sizeof(dir), "tests/fuzz/corpus/%s", name + strlen("fuzz_"));
	d = opendir(dir);
	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (replay(path))
			printf("ok %u - %s\n", ++n, path);
		else
			printf("not ok %u - %s cannot be read\n", ++n, path);
	}
	if (d)
		closedir(d);
	printf("1..%u\n", n);
	return n ? 0 : 1;
}
