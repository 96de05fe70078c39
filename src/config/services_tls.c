#include "config/services_tls.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/arena.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/str.h"
#include "config/pemfile.h"
#include "config/services_value.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

/* --- names ----------------------------------------------------------------------------------- */

/* Letters, digits, - and _ in labels of up to 63, dots between; no address (RFC 6066 §3). */
static bool is_host_name(const struct services_lex_word *w)
{
	uint32_t label = 0;
	bool has_letter = false;

	for (uint32_t i = 0; i < w->len; i++) {
		unsigned char c = (unsigned char)w->at[i];

		if (c == '.' && label == 0)
			return false;
		if (c != '.' && !isalnum(c) && c != '-' && c != '_')
			return false;
		label = c == '.' ? 0 : label + 1;
		has_letter |= isalpha(c) != 0;
		if (label > LABEL_MAX_BYTES)
			return false;
	}
	return has_letter && label > 0 && w->len <= NAME_MAX_BYTES;
}

static int keep(struct services_run *run, const struct services_lex_word *w,
		union services_value *ret)
{
	ret->text = arena_strndup(run->arena, w->at, w->len);
	return ret->text ? 0 : err_origin(-ENOMEM);
}

int services_tls_sni(struct services_run *run, const struct services_row *row,
		     const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];

	(void)row;
	ret->text = "";
	if (str_is(w->at, w->len, "off"))
		return 0;
	if (!is_host_name(w))
		return services_value_refuse(run, w, "off sends none",
					     "is no TLS server name: a host name without port");
	return err_trace(keep(run, w, ret));
}

int services_tls_verify_name(struct services_run *run, const struct services_row *row,
			     const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	struct addr a;

	(void)row;
	ret->text = NULL;
	if (w->len == 0)
		return 0;
	if (!is_host_name(w) && addr_parse(w->at, w->len, &a) != ADDR_OK)
		return services_value_refuse(run, w, NULL, "is neither a host name nor an address");
	return err_trace(keep(run, w, ret));
}

/* --- choices --------------------------------------------------------------------------------- */

int services_tls_version(struct services_run *run, const struct services_row *row,
			 const struct services_lex_statement *st, union services_value *ret)
{
	static const struct services_choice words[] = {
		{"1.0", TLS_V1_0 + 1},
		{"1.1", TLS_V1_1 + 1},
		{"1.2", TLS_V1_2 + 1},
		{"1.3", TLS_V1_3 + 1},
	};
	const struct services_lex_word *w = &st->words[1];
	const struct services_choice *c = services_value_choose(w, words, ARRAY_LEN(words), false);

	(void)row;
	if (!c)
		return services_value_refuse(run, w, NULL,
					     "is no TLS version: 1.0, 1.1, 1.2 or 1.3");
	ret->number = c->value;
	return 0;
}

int services_tls_reuse(struct services_run *run, const struct services_row *row,
		       const struct services_lex_statement *st, union services_value *ret)
{
	static const struct services_choice words[] = {
		{"off", SESSION_REUSE_OFF},
		{"on", SESSION_REUSE_ON},
		{"auto", SESSION_REUSE_AUTO},
	};
	const struct services_lex_word *w = &st->words[1];
	const struct services_choice *c = services_value_choose(w, words, ARRAY_LEN(words), true);

	(void)row;
	if (!c)
		return services_value_refuse(run, w, NULL, "is neither off, on nor auto");
	ret->number = c->value;
	return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

/* The word as a path; a relative one begins where the file that names it lies. */
static int resolve(struct services_run *run, const struct services_lex_word *w, char *out,
		   size_t room)
{
	const char *from = run->chain->file->path, *slash = strrchr(from, '/');
	struct str s = STR_OVER(out, room);

	if (w->len >= PATH_MAX || memchr(w->at, 0, w->len))
		return -ENAMETOOLONG;
	if (w->at[0] != '/' && slash)
		str_putn(&s, from, (size_t)(slash - from) + 1);
	if (s.is_cut || s.len + w->len >= room)
		return -ENAMETOOLONG;
	services_lex_unescape(w, out + s.len);
	return 0;
}

const struct tls_file services_tls_refused = {.path = ""};

static int report_unread(struct services_run *run, const struct services_lex_word *w,
			 const char *path, int error)
{
	const char *why = error == -EFBIG     ? "larger than 4 MiB"
			  : error == -ENOTSUP ? "no regular file"
			  : error == -ESTALE  ? "it grew while it was read"
					      : strerrordesc_np(-error);

	diag_report(run->diag, DIAG_ERROR, w->pos, w->len, NULL, "cannot read %s: %s", path, why);
	return SERVICES_VALUE_BAD;
}

static const struct tls_file *known_file(const struct services_run *run, const char *path)
{
	const struct draft_file *f = run->draft->files;

	while (f && strcmp(f->file.path, path) != 0)
		f = f->next;
	return f ? &f->file : NULL;
}

/* Returns 0, -ENOMEM or why it cannot be read. */
static int add_file(struct services_run *run, const char *path, const struct tls_file **ret_file)
{
	struct draft_file *f = arena_alloc(run->arena, sizeof(*f));

	if (!f)
		return err_origin(-ENOMEM);
	TRY(pemfile_read(path, run->arena, &f->file));
	f->next = run->draft->files;
	run->draft->files = f;
	*ret_file = &f->file;
	return 0;
}

/* The file of this path, read now or before. Returns 0, SERVICES_VALUE_BAD (reported) or -ENOMEM.
 */
static int find_file(struct services_run *run, const struct services_lex_word *w, const char *path,
		     const struct tls_file **ret_file)
{
	int r;

	*ret_file = known_file(run, path);
	if (*ret_file)
		return 0;
	r = add_file(run, path, ret_file);
	if (r < 0 && r != -ENOMEM)
		return report_unread(run, w, path, r);
	return err_trace(r);
}

static int judge(struct services_run *run, const struct services_row *row,
		 const struct services_lex_word *w, const struct tls_file *f)
{
	const char *problem = row->type == TYPE_KEY_FILE ? pemfile_key_problem(f)
							 : pemfile_certificate_problem(f);

	if (problem) {
		diag_report(run->diag, DIAG_ERROR, w->pos, w->len, NULL, "%s %s", f->path, problem);
		return SERVICES_VALUE_BAD;
	}
	if (row->type == TYPE_CERT_FILE)
		problem = pemfile_time_problem(f, (time_t)(clk_wall_ns() / CLK_S));
	if (problem)
		diag_report(run->diag, DIAG_WARNING, w->pos, w->len, NULL, "%s %s", f->path,
			    problem);
	return 0;
}

int services_tls_file(struct services_run *run, const struct services_row *row,
		      const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	const struct tls_file *f = &services_tls_refused;
	char path[PATH_MAX];
	int r;

	ret->file = NULL;
	if (w->len == 0)
		return 0;
	if (!run->may_include)
		return services_value_refuse(run, w, NULL,
					     "is not read: no file is, for this text");
	r = resolve(run, w, path, sizeof(path));
	if (r < 0)
		r = report_unread(run, w, "this", r);
	else
		r = find_file(run, w, path, &f);
	if (r == 0)
		r = judge(run, row, w, f);
	TRY(r);
	ret->file = r == 0 ? f : &services_tls_refused;
	return 0;
}

/* --- the system's store ---------------------------------------------------------------------- */

/* Returns 0 (*ret_file NULL: not there, or no certificates) or -ENOMEM. */
static int try_store(struct services_run *run, const char *path, const struct tls_file **ret_file)
{
	int r = 0;

	*ret_file = known_file(run, path);
	if (!*ret_file)
		r = add_file(run, path, ret_file);
	if (r == -ENOMEM)
		return err_trace(r);
	if (r < 0 || pemfile_certificate_problem(*ret_file))
		*ret_file = NULL;
	return 0;
}

int services_tls_system_store(struct services_run *run, const struct tls_file **ret_file)
{
	const char *set = secure_getenv(X509_get_default_cert_file_env());
	const char *const paths[] = {
		set ? set : X509_get_default_cert_file(),
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
	};
	size_t n = set ? 1 : ARRAY_LEN(paths);

	*ret_file = NULL;
	for (size_t i = 0; i < n && run->may_include && !*ret_file; i++)
		TRY(try_store(run, paths[i], ret_file));
	return 0;
}
