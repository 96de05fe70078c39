#include "config/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "config/app_config.h"
#include "config/utf8.h"

enum { BUFFER_BYTES = 64 << 10 };

struct dump {
	char *path;
	char *temporary; /* beside path; NULL once renamed */
	int fd;
};

/* JSON on its way into the file. After a failed write the rest is dropped and the error kept. */
struct out {
	int fd;
	int error; /* 0 or a negative errno */
	size_t len;
	char at[BUFFER_BYTES];
};

static void flush(struct out *o)
{
	size_t done = 0;

	while (o->error == 0 && done < o->len) {
		ssize_t n = write(o->fd, o->at + done, o->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			o->error = -errno;
	}
	o->len = 0;
}

static void put(struct out *o, const char *text, size_t len)
{
	while (len) {
		size_t part = MIN(len, sizeof(o->at) - o->len);

		memcpy(o->at + o->len, text, part);
		o->len += part;
		text += part;
		len -= part;
		if (o->len == sizeof(o->at))
			flush(o);
	}
}

static void puts_out(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

/* What stands for the character at p (n bytes; 0: it is none, or a control character) inside a
 * JSON string, or NULL if it stands for itself. The set is the reference's: also <, > and &, and
 * the two line separators that JavaScript breaks at. */
static const char *escape_of(const unsigned char *p, size_t n, char scratch[8])
{
	static const char shorts[][2] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
					 {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};
	struct str s = STR_OVER(scratch, 8);

	if (n == 0 && *p >= 0x80)
		return "\\ufffd";
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
		str_putf(&s, "\\u20%02x", p[2] - 0x80u);
		return scratch;
	}
	for (unsigned i = 0; i < ARRAY_LEN(shorts); i++) {
		if (*p == (unsigned char)shorts[i][0]) {
			str_putf(&s, "\\%c", shorts[i][1]);
			return scratch;
		}
	}
	if (n != 0 && *p != '<' && *p != '>' && *p != '&')
		return NULL;
	if (*p == 0x7f)
		return NULL;
	str_putf(&s, "\\u%04x", *p);
	return scratch;
}

static void put_string(struct out *o, const char *text)
{
	const char *end = text + strlen(text), *escape;
	char scratch[8];

	puts_out(o, "\"");
	for (size_t n; text < end; text += n) {
		n = utf8_len(text, (size_t)(end - text));
		escape = escape_of((const unsigned char *)text, n, scratch);
		n = MAX(n, 1u);
		if (escape)
			puts_out(o, escape);
		else
			put(o, text, n);
	}
	puts_out(o, "\"");
}

/* Begins a member: before is "" for the first of an object, "," for the others. */
static void put_key(struct out *o, const char *before, const char *indent, const char *key)
{
	puts_out(o, before);
	puts_out(o, "\n");
	puts_out(o, indent);
	puts_out(o, "\"");
	puts_out(o, key);
	puts_out(o, "\": ");
}

static void put_address(struct out *o, const struct addr *a)
{
	char text[ADDR_TEXT_BYTES];
	size_t len = addr_format(a, text);

	puts_out(o, "\"");
	put(o, text, len);
	puts_out(o, "\"");
}

/* Ports and weights are strings: YANET reads them so. */
static void put_number(struct out *o, uint16_t value)
{
	char text[8];
	size_t at = sizeof(text);

	text[--at] = '"';
	do
		text[--at] = (char)('0' + value % 10);
	while (value /= 10);
	text[--at] = '"';
	put(o, text + at, sizeof(text) - at);
}

static const char *lvs_method_text(uint8_t method)
{
	static const char *const texts[] = {
		[LVS_TUN] = "TUN", [LVS_GRE] = "GRE", [LVS_DR] = "DR", [LVS_NAT] = "NAT"};

	ASSERT(method < ARRAY_LEN(texts));
	return texts[method];
}

static void put_real(struct out *o, const struct real_spec *r, bool is_first)
{
	static const char indent[] = "        ";

	puts_out(o, is_first ? "\n      {" : ",\n      {");
	put_key(o, "", indent, "ip");
	put_address(o, &r->ip);
	if (r->flags & REAL_HAS_PORT) {
		put_key(o, ",", indent, "port");
		put_number(o, r->port);
	}
	put_key(o, ",", indent, "weight");
	put_number(o, r->weight);
	puts_out(o, "\n      }");
}

static void put_reals(struct out *o, const struct generation *g, const struct service_spec *s)
{
	if (s->n_reals == 0) {
		puts_out(o, "null");
		return;
	}
	puts_out(o, "[");
	for (uint32_t i = 0; i < s->n_reals; i++)
		put_real(o, &g->reals[g->real_order[s->first_real + i]], i == 0);
	puts_out(o, "\n    ]");
}

static void put_label(struct out *o, const struct generation *g, const char *key, gen_strref text)
{
	put_key(o, ",", "    ", key);
	put_string(o, gen_str(g, text));
}

static void put_service(struct out *o, const struct generation *g, const struct app_config *app,
			const struct service_spec *s)
{
	static const char indent[] = "    ";
	const struct service_names *names = &g->service_names[s->names];
	bool ops = s->flags & SERVICE_OPS;

	puts_out(o, "\n  {");
	put_key(o, "", indent, "vip");
	put_address(o, &s->vip);
	if (s->flags & SERVICE_HAS_PORT) {
		put_key(o, ",", indent, "vport");
		put_number(o, s->port);
	}
	put_key(o, ",", indent, "proto");
	puts_out(o, s->proto == L4_UDP ? "\"udp\"" : "\"tcp\"");
	put_key(o, ",", indent, "scheduler");
	put_string(o, dump_scheduler(gen_str(g, names->scheduler), ops, app));
	put_key(o, ",", indent, "ops");
	puts_out(o, ops ? "true" : "false");
	put_key(o, ",", indent, "lvs_method");
	put_string(o, lvs_method_text(s->lvs_method));
	put_key(o, ",", indent, "reals");
	put_reals(o, g, s);
	if (names->version != GEN_STR_UNSET)
		put_label(o, g, "version", names->version);
	if (names->ipv4_outer_source_network != GEN_STR_UNSET)
		put_label(o, g, "ipv4_outer_source_network", names->ipv4_outer_source_network);
	if (names->ipv6_outer_source_network != GEN_STR_UNSET)
		put_label(o, g, "ipv6_outer_source_network", names->ipv6_outer_source_network);
	puts_out(o, "\n  }");
}

static int write_all(int fd, const struct generation *g, const struct app_config *app)
{
	struct out *o = malloc(sizeof(*o));
	int r;

	if (!o)
		return err_origin(-ENOMEM);
	o->fd = fd;
	o->error = 0;
	o->len = 0;
	puts_out(o, "[");
	for (uint32_t i = 0; i < g->n_services; i++) {
		puts_out(o, i ? "," : "");
		put_service(o, g, app, &g->services[g->service_order[i]]);
	}
	puts_out(o, g->n_services ? "\n]" : "]");
	flush(o);
	r = o->error;
	free(o);
	return r < 0 ? err_origin(r) : 0;
}

static int open_temporary(struct dump *d, const char *path)
{
	d->path = strdup(path);
	if (!d->path || asprintf(&d->temporary, "%s.XXXXXX", path) < 0) {
		d->temporary = NULL;
		return err_origin(-ENOMEM);
	}
	d->fd = mkostemp(d->temporary, O_CLOEXEC); /* mode 0600 */
	if (d->fd >= 0)
		return 0;
	free(d->temporary);
	d->temporary = NULL;
	return err_origin(-errno);
}

int dump_prepare(const char *path, const struct generation *g, const struct app_config *app,
		 struct dump **ret_dump)
{
	struct dump *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_origin(-ENOMEM);
	d->fd = -1;
	r = open_temporary(d, path);
	if (r == 0)
		r = write_all(d->fd, g, app);
	if (r < 0) {
		dump_abandon(d);
		return err_trace(r);
	}
	*ret_dump = d;
	return 0;
}

/* The rename is done: a directory that cannot be synced only means that a power cut may bring the
 * old file back. That is worth a line, not a failed reload. */
static void sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 || fsync(fd) < 0)
		LOG(LOG_WARN, "config", "dump_directory_not_synced", LF_STR("path", path),
		    LF_STR("error", strerrordesc_np(errno)));
	if (fd >= 0)
		close(fd);
	free(directory);
}

int dump_commit(struct dump *d)
{
	int r = 0;

	if (fsync(d->fd) < 0 || rename(d->temporary, d->path) < 0) {
		r = err_origin(-errno);
	} else {
		free(d->temporary);
		d->temporary = NULL;
		sync_directory(d->path);
	}
	dump_abandon(d);
	return r;
}

void dump_abandon(struct dump *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	if (d->temporary)
		unlink(d->temporary);
	free(d->temporary);
	free(d->path);
	free(d);
}

const char *dump_scheduler(const char *scheduler, bool ops, const struct app_config *app)
{
	if (strcmp(scheduler, "mh") == 0) {
		if (app->experiments.enabled && app->experiments.replace_mh_with[0])
			return app->experiments.replace_mh_with;
		return "wrr";
	}
	if (strcmp(scheduler, "wlc") == 0 && ops)
		return "wrr";
	return scheduler;
}
