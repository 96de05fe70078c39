#include "base/nfqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum {
	FIELDS = 7,
	TEXT_BYTES = 8 << 10, /* a row has 70, few machines have more than one */
};
#define TABLE "/proc/net/netfilter/nfnetlink_queue"

/* number, port, waiting, copy mode, copy range, dropped, dropped for the reader */
static bool read_row(const char *line, const char *end, uint64_t fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		char *after;

		line += strspn(line, " ");
		if (line >= end || *line < '0' || *line > '9')
			return false;
		fields[i] = strtoull(line, &after, 10);
		line = after;
	}
	return true;
}

bool nfqueue_find(const char *table, uint16_t number, struct nfqueue_row *ret)
{
	while (*table) {
		const char *end = strchrnul(table, '\n');
		uint64_t fields[FIELDS];

		if (read_row(table, end, fields) && fields[0] == number) {
			*ret = (struct nfqueue_row){.waiting = fields[2],
						    .dropped_full = fields[5],
						    .dropped_buffer = fields[6]};
			return true;
		}
		table = *end ? end + 1 : end;
	}
	return false;
}

int nfqueue_read(uint16_t number, struct nfqueue_row *ret)
{
	char text[TEXT_BYTES];
	size_t len = 0;
	ssize_t n = 0;
	int fd = open(TABLE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0)
		return err_origin(-EIO);
	text[len] = 0;
	return nfqueue_find(text, number, ret);
}
