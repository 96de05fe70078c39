#include "ctl/ctl_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum { MAX_BYTES = 1 << 20 };

/* Text behind key at the beginning of a line, or NULL. */
static const char *behind(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && strncmp(text, key, len) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text ? text + len : NULL;
}

bool ctl_proc_caps(const char *status, uint64_t *ret)
{
	const char *at = behind(status, "CapEff:");
	char *end;

	if (!at)
		return false;
	*ret = strtoull(at, &end, 16);
	return end != at;
}

bool ctl_proc_open_files(const char *limits, uint64_t *ret)
{
	const char *at = behind(limits, "Max open files");
	char *end;

	if (!at)
		return false;
	at += strspn(at, " ");
	if (strncmp(at, "unlimited", strlen("unlimited")) == 0) {
		*ret = UINT64_MAX;
		return true;
	}
	*ret = strtoull(at, &end, 10);
	return end != at;
}

static bool line_holds(const char *line, const char *word)
{
	const char *found = line ? strcasestr(line, word) : NULL;

	return found && found < strchrnul(line, '\n');
}

bool ctl_proc_unit_has(const char *show, const char *capability, bool *ret_has)
{
	const char *user = behind(show, "User=");
	bool is_root = !user || *user == '\n' || !*user || strncmp(user, "root\n", 5) == 0;
	const char *set;

	if (!line_holds(behind(show, "LoadState="), "loaded"))
		return false;
	set = behind(show, is_root ? "CapabilityBoundingSet=" : "AmbientCapabilities=");
	*ret_has = line_holds(set, capability);
	return set;
}

int ctl_proc_read(const char *path, char **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;
	char *text;

	if (fd < 0)
		return err_origin(-errno);
	text = malloc(MAX_BYTES);
	while (text && len < MAX_BYTES - 1 && (n = read(fd, text + len, MAX_BYTES - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (!text || n < 0) {
		free(text);
		return err_origin(text ? -EIO : -ENOMEM);
	}
	text[len] = 0;
	*ret = text;
	return 0;
}
