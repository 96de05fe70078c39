/* The fleet's control: one unix socket, one command per line. */
#pragma once

#include <sys/un.h>

#include "fleet_syn.h"

static bool to_u32(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (!text || !str_to_u64(text, strlen(text), max, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* "IP[:PORT]" or "[IP]:PORT" */
static bool parse_place(char *text, struct addr *a, uint32_t *port)
{
	char *end = text + strlen(text), *colon = strrchr(text, ':');

	*port = 0;
	if (*text == '[') {
		char *close_at = strchr(text++, ']');

		if (!close_at || (close_at[1] && close_at[1] != ':'))
			return false;
		colon = close_at[1] ? close_at + 1 : NULL;
		end = close_at;
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL; /* no port, or an IPv6 address without brackets */
	}
	if (colon && !to_u32(colon + 1, 65535, port))
		return false;
	return addr_parse(text, (size_t)(end - text), a) == ADDR_OK;
}

static bool parse_range(char *text, struct range *r)
{
	uint32_t port, count = 1;
	struct addr a;
	char *comma;

	*r = (struct range){0, n_targets};
	if (!text || strcmp(text, "all") == 0)
		return true;
	comma = strchr(text, ',');
	if (comma) {
		*comma = 0;
		if (!to_u32(comma + 1, n_targets, &count))
			return false;
	}
	if (!parse_place(text, &a, &port))
		return false;
	r->first = find_target(&a, (uint16_t)port);
	r->end = r->first + count;
	return r->first != UINT32_MAX && r->end <= n_targets;
}

static const char *do_set(char **word)
{
	static const struct {
		const char *name;
		enum behaviour be;
		uint32_t max; /* of its value; 0: has none */
	} names[] = {{"ok", BE_OK, 0},           {"reset", BE_RESET, 0},
		     {"refuse", BE_REFUSE, 0},   {"drop", BE_DROP, 0},
		     {"mute", BE_MUTE, 0},       {"slow", BE_SLOW, 65535},
		     {"status", BE_STATUS, 999}, {"not_serving", BE_NOT_SERVING, 0}};
	const char *error = NULL;
	uint32_t value = 0;
	struct range r;
	size_t n = 0;

	if (!word[1] || !word[2] || !parse_range(word[1], &r))
		return "no such target";
	while (n < ARRAY_LEN(names) && strcmp(word[2], names[n].name) != 0)
		n++;
	if (n == ARRAY_LEN(names) || (names[n].max && !to_u32(word[3], names[n].max, &value)))
		return "no such behaviour";
	for (uint32_t i = r.first; i < r.end && !error; i++)
		error = set_behaviour(i, names[n].be, (uint16_t)value);
	return error;
}

static void send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static const char *do_served(int fd)
{
	char text[128];
	struct str s = STR_OVER(text, sizeof(text));

	str_putf(&s, "{\"answers\":%llu,\"full\":%llu,\"resumed\":%llu}\n",
		 (unsigned long long)n_answers, (unsigned long long)n_full,
		 (unsigned long long)n_resumed);
	send_all(fd, text, s.len);
	return NULL;
}

static const char *do_stats(int fd, char **word)
{
	char text[1024];
	struct str s = STR_OVER(text, sizeof(text));
	char *end = NULL;
	double interval_s = word[1] ? strtod(word[1], &end) : 0;
	struct range r;

	if (!end || *end || !(interval_s > 0))
		return "usage: stats SECONDS [TARGET]";
	if (!parse_range(word[2], &r))
		return "no such target";
	put_stats(&s, &r, interval_s, lost_syns());
	send_all(fd, text, s.len);
	return NULL;
}

static const char *do_counts(int fd, char **word)
{
	struct range r;

	if (!parse_range(word[1], &r))
		return "no such target";
	for (uint32_t i = r.first; i < r.end; i++) {
		char place[ADDR_PORT_TEXT_BYTES], text[ADDR_PORT_TEXT_BYTES + 16];
		struct str s = STR_OVER(text, sizeof(text));
		struct addr a = target_addr(i);

		addr_format_port(&a, groups[targets[i].group].port, place);
		str_putf(&s, "%s %u\n", place, targets[i].n_arrivals);
		send_all(fd, text, s.len);
	}
	return NULL;
}

static void obey(int fd, char *line)
{
	const char *error = "no such command";
	char *word[5] = {NULL}, *save = NULL, reply[160];
	struct str s = STR_OVER(reply, sizeof(reply));

	for (int i = 0; i < 4; i++)
		word[i] = strtok_r(i ? NULL : line, " \t\r", &save);
	if (!word[0])
		return;
	drain_syns();
	if (strcmp(word[0], "set") == 0)
		error = do_set(word);
	else if (strcmp(word[0], "served") == 0)
		error = do_served(fd);
	else if (strcmp(word[0], "stats") == 0)
		error = do_stats(fd, word);
	else if (strcmp(word[0], "counts") == 0)
		error = do_counts(fd, word);
	else if (strcmp(word[0], "reset") == 0)
		forget_arrivals(), error = NULL;
	else if (strcmp(word[0], "mark") == 0)
		forget_gaps(), error = NULL;
	str_putf(&s, error ? "error: %s\n" : "ok\n", error);
	send_all(fd, reply, s.len);
}

enum { LINE_BYTES = 512 };

static void close_client(int fd)
{
	free(conns[fd].line);
	conns[fd].line = NULL;
	close(fd);
}

static void read_client(int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n = recv(fd, c->line + c->line_len, LINE_BYTES - 1 - c->line_len, MSG_DONTWAIT);
	char *end;

	if (n <= 0 || c->line_len + (size_t)n == LINE_BYTES - 1) {
		close_client(fd);
		return;
	}
	c->line_len += (uint32_t)n;
	c->line[c->line_len] = 0;
	while ((end = strchr(c->line, '\n'))) {
		size_t used = (size_t)(end + 1 - c->line);

		*end = 0;
		obey(fd, c->line);
		memmove(c->line, end + 1, c->line_len - used + 1);
		c->line_len -= (uint32_t)used;
	}
}

/* Replies are written blocking, 5 s at most: whoever asks for 100,000 counts waits for them. */
static void accept_client(int listen_fd)
{
	struct timeval limit = {.tv_sec = 5};
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	conns[fd].line = calloc(1, LINE_BYTES);
	conns[fd].line_len = 0;
	if (!conns[fd].line)
		die("calloc");
	watch(fd, EV_CLIENT, EPOLLIN);
}

static void open_control(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 8) < 0)
		die(path);
	watch(fd, EV_CONTROL, EPOLLIN);
}
