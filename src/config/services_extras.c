#include "config/services_extras.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/services_extras_check.h"
#include "config/services_http.h"
#include "config/services_tls.h"

/* A check's extras while they are put together. */
struct making {
	struct services_run *run;
	const struct services_subject *subject;
	const struct draft_check *check;
	struct check_extras extras;
	struct check_url urls[EXTRAS_MAX_URLS];
	struct tls_setting tls;
};

static const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static void fill_url(struct making *m, const struct services_url *from, struct check_url *u)
{
	const char *own = from->virtualhost, *up = m->subject->values->inherited.virtualhost;

	*u = (struct check_url){
		.path = text_or_empty(from->path),
		.virtualhost = text_or_empty(own ? own : up),
		.has_digest = from->digest.is_set,
		.expect_body_text = text_or_empty(from->expect_body),
	};
	if (from->status)
		u->status = *from->status;
	memcpy(u->digest, from->digest.md5, sizeof(u->digest));
}

/* The profile has room for one url that wants one status, or any, and no certain text. */
static bool fits_profile(const struct making *m)
{
	const struct check_url *u = &m->urls[0];

	return m->extras.n_urls == 1 && !u->expect_body_text[0] &&
	       services_http_is_simple(&u->status);
}

static void fill_urls(struct making *m)
{
	const struct services_tree *t = &m->run->tree;
	uint32_t node = t->nodes[m->subject->node].first_child;

	fill_url(m, &m->subject->values->url, &m->urls[m->extras.n_urls++]);
	services_extras_check_url(m->run, m->subject, m->subject->node, &m->subject->values->url);
	for (; node != TREE_NONE && m->extras.n_urls < EXTRAS_MAX_URLS;
	     node = t->nodes[node].next) {
		struct services_values v = {.url = {.path = NULL}};

		services_tree_apply(t, node, &v);
		services_extras_check_url(m->run, m->subject, node, &v.url);
		fill_url(m, &v.url, &m->urls[m->extras.n_urls++]);
	}
	if (fits_profile(m))
		m->extras.n_urls = 0;
}

static bool expects_text(const struct making *m)
{
	for (uint32_t i = 0; i < m->extras.n_urls; i++)
		if (m->urls[i].expect_body_text[0])
			return true;
	return false;
}

/* All header fields of the check, each with its line end. */
static int fill_headers(struct making *m)
{
	const size_t offset = offsetof(struct services_values, check.http.header);
	const struct services_tree *t = &m->run->tree;
	uint32_t node = m->subject->node, i = TREE_NONE, n = 0;
	size_t bytes = 1;
	struct str s;

	for (; (i = services_tree_next(t, node, offset, i)) != TREE_NONE; n++)
		bytes += strlen(t->settings[i].value.text) + 2;
	if (bytes > EXTRAS_MAX_HEADERS_BYTES || n > EXTRAS_MAX_HEADERS) {
		services_check_report(
			m->run, DIAG_ERROR, node, offset, NULL,
			"the headers of this check are more than 128 KiB together, or "
			"more than 200");
		return 0;
	}
	s = STR_OVER(arena_alloc(m->run->arena, bytes), bytes);
	if (!s.at)
		return err_origin(-ENOMEM);
	while ((i = services_tree_next(t, node, offset, i)) != TREE_NONE) {
		str_puts(&s, t->settings[i].value.text);
		str_puts(&s, "\r\n");
	}
	m->extras.headers = s.at;
	return 0;
}

static int fill_http(struct making *m)
{
	const struct services_values *v = m->subject->values;
	struct check_extras *e = &m->extras;

	fill_urls(m);
	e->method = text_or_empty(v->check.http.method);
	e->max_response_ns = v->check.http.max_response_ns;
	e->http_protocol = v->check.http.http_protocol;
	if (v->check.http.drain_status)
		e->drain_status = *v->check.http.drain_status;
	if (expects_text(m))
		e->max_body_bytes = EXTRAS_EXPECT_BODY_BYTES;
	if (v->check.http.max_body_bytes)
		e->max_body_bytes = v->check.http.max_body_bytes;
	services_extras_check_http(m->run, m->subject, m->check);
	return v->check.http.header ? err_trace(fill_headers(m)) : 0;
}

/* --- TLS ------------------------------------------------------------------------------------- */

static int fill_tls(struct making *m)
{
	const struct services_values *v = m->subject->values;
	const struct app_config *app = m->run->app;
	struct check_extras *e = &m->extras;
	struct tls_setting *t = &m->tls;
	unsigned max = app->tls_max_version_is_set ? app->tls_max_version : TLS_V1_3;

	if (v->inherited.tls.tls_max_version)
		max = v->inherited.tls.tls_max_version - 1U;
	t->min_version = (uint16_t)(0x0301 + m->check->profile.tls_min_version);
	t->max_version = (uint16_t)(0x0301 + max);
	t->verify = v->inherited.tls.verify == 1;
	t->ca = t->verify ? v->inherited.tls.ca_file : NULL;
	if (t->verify && !t->ca)
		TRY(services_tls_system_store(m->run, &t->ca));
	t->cert = v->inherited.tls.cert_file;
	t->key = t->cert && !v->inherited.tls.key_file ? t->cert : v->inherited.tls.key_file;
	e->tls = t;
	e->session_reuse = v->inherited.tls.session_reuse;
	e->expire_warn_days = (uint16_t)v->inherited.tls.expire_warn_days;
	e->verify_name = text_or_empty(t->verify ? v->inherited.tls.verify_name : NULL);
	e->sni = v->inherited.tls.enable_sni == 0 ? "" : v->inherited.tls.sni;
	return 0;
}

static uint64_t hash_of(const struct tls_setting *t)
{
	const uint64_t parts[] = {
		(uint64_t)t->min_version << 16 | t->max_version,
		t->verify,
		t->ca ? t->ca->hash : 1,
		t->cert ? t->cert->hash : 2,
		t->key ? t->key->hash : 3,
	};

	return hash_bytes(parts, sizeof(parts), sizeof(parts));
}

/* --- the text -------------------------------------------------------------------------------- */

static void put_url(struct str *s, const struct check_url *u)
{
	str_putf(s, "url %s\nvirtualhost %s\nstatus_code ", u->path, u->virtualhost);
	services_http_put_status(s, &u->status);
	if (u->has_digest)
		str_puts(s, "\ndigest ");
	for (unsigned i = 0; u->has_digest && i < sizeof(u->digest); i++)
		str_putf(s, "%02x", u->digest[i]);
	str_putf(s, "\nexpect_body %s\n", u->expect_body_text);
}

static void put_http(struct str *s, const struct check_extras *e)
{
	if (e->method[0])
		str_putf(s, "method %s\n", e->method);
	if (e->headers[0])
		str_putf(s, "headers\n%s\n", e->headers);
	if (e->max_response_ns)
		str_putf(s, "max_response %ju\n", (uintmax_t)e->max_response_ns);
	if (e->drain_status.n) {
		str_puts(s, "drain_status ");
		services_http_put_status(s, &e->drain_status);
		str_putc(s, '\n');
	}
	if (e->max_body_bytes != EXTRAS_MAX_BODY_BYTES)
		str_putf(s, "max_body_size %u\n", e->max_body_bytes);
	if (e->http_protocol != HTTP_PROTOCOL_1_1)
		str_putf(s, "http_protocol %u\n", e->http_protocol);
	for (uint32_t i = 0; i < e->n_urls; i++)
		put_url(s, &e->urls[i]);
}

/* The lowest version and that no name is sent are the profile's. */
static void put_tls(struct str *s, const struct check_extras *e)
{
	const struct tls_setting *t = e->tls;

	if (t->max_version != 0x0304)
		str_putf(s, "tls_max_version %#x\n", t->max_version);
	if (t->verify)
		str_putf(s, "verify %s\nca_file %s\n", e->verify_name, t->ca ? t->ca->path : "");
	if (t->cert && t->key)
		str_putf(s, "cert_file %s\nkey_file %s\n", t->cert->path, t->key->path);
	if (e->session_reuse != SESSION_REUSE_OFF)
		str_putf(s, "session_reuse %u\n", e->session_reuse);
	if (e->expire_warn_days)
		str_putf(s, "expire_warn %u\n", e->expire_warn_days);
	if (e->sni && e->sni[0])
		str_putf(s, "sni %s\n", e->sni);
}

/* They need no extras by themselves, but extras that there are hold them, and are shared by text.
 */
static void put_tls_of_profile(struct str *s, const struct check_extras *e)
{
	str_putf(s, "tls_min_version %#x\n", e->tls->min_version);
	if (e->sni && !e->sni[0])
		str_puts(s, "sni off\n");
}

static size_t len_of(const char *text)
{
	return text ? strlen(text) : 0;
}

/* Room that the text cannot exceed: what words and numbers take, and the texts. */
static size_t room_for(const struct check_extras *e)
{
	enum { FIXED = 1024, PER_URL = 256 };
	const struct tls_setting *t = e->tls;
	size_t room = FIXED + len_of(e->method) + len_of(e->headers) + len_of(e->sni) +
		      len_of(e->verify_name);

	for (uint32_t i = 0; i < e->n_urls; i++)
		room += PER_URL + strlen(e->urls[i].path) + strlen(e->urls[i].virtualhost) +
			strlen(e->urls[i].expect_body_text);
	if (t)
		room += len_of(t->ca ? t->ca->path : NULL) +
			len_of(t->cert ? t->cert->path : NULL) +
			len_of(t->key ? t->key->path : NULL);
	return room;
}

/* Writes the text into the run's scratch memory. 0 or -ENOMEM. */
static int write_text(struct making *m, struct str *ret)
{
	struct services_run *run = m->run;
	size_t room = room_for(&m->extras);
	char *larger;

	if (room > run->scratch_bytes) {
		larger = realloc(run->scratch, room);
		if (!larger)
			return err_origin(-ENOMEM);
		run->scratch = larger;
		run->scratch_bytes = room;
	}
	run->scratch[0] = 0;
	*ret = STR_OVER(run->scratch, run->scratch_bytes);
	put_http(ret, &m->extras);
	if (m->extras.tls)
		put_tls(ret, &m->extras);
	if (m->extras.tls && ret->len)
		put_tls_of_profile(ret, &m->extras);
	ASSERT(!ret->is_cut);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------- */

static bool same_extras(const void *a, const void *b)
{
	const struct draft_extras *x = a, *y = b;

	return strcmp(x->text, y->text) == 0;
}

/* Copies what lies on the stack into the draft. NULL: no memory. */
static struct draft_extras *keep(const struct making *m, const struct str *text)
{
	struct arena *a = m->run->arena;
	struct draft_extras *kept = arena_alloc(a, sizeof(*kept));
	struct check_url *urls = arena_alloc(a, m->extras.n_urls * sizeof(*urls));
	struct tls_setting *tls = arena_alloc(a, sizeof(*tls));

	if (!kept || !urls || !tls)
		return NULL;
	kept->text = arena_strndup(a, text->at, text->len);
	if (!kept->text)
		return NULL;
	kept->extras = m->extras;
	if (m->extras.n_urls)
		memcpy(urls, m->urls, m->extras.n_urls * sizeof(*urls));
	kept->extras.urls = m->extras.n_urls ? urls : NULL;
	if (m->extras.tls) {
		*tls = m->tls;
		tls->hash = hash_of(tls);
		kept->extras.tls = tls;
	}
	return kept;
}

/* The object with this text: one that is there already, or a new one. */
static int intern(struct making *m, const struct str *text, const struct draft_extras **ret)
{
	struct services_run *run = m->run;
	const struct draft_extras *new;
	const void *found = NULL;

	/* files repeat themselves */
	if (!run->last_extras || strcmp(run->last_extras->text, text->at) != 0) {
		new = keep(m, text);
		if (!new)
			return err_origin(-ENOMEM);
		TRY(services_seen_add(&run->extras, hash_bytes(text->at, text->len, 0), new,
				      same_extras, &found));
		run->last_extras = found ? found : new;
	}
	*ret = run->last_extras;
	return 0;
}

static bool has_tls(const struct check_profile *p)
{
	return p->kind == CHECK_HTTPS || (p->kind == CHECK_GRPC && !(p->flags & PROFILE_TLS_OFF));
}

static bool has_plain_url(const struct services_node *n, const struct services_url *u)
{
	return n->n_urls <= 1 && !u->expect_body && !u->has_regex_options && !u->has_regex_min &&
	       !u->has_regex_max && (!u->status || services_http_is_simple(u->status));
}

/* Most checks say nothing of all this. False for some that do not either. */
static bool says_nothing(const struct services_run *run, const struct services_subject *s,
			 const struct check_profile *p)
{
	static const struct services_http no_http;
	const struct services_values *v = s->values;

	if (p->kind == CHECK_TCP)
		return true;
	if (memcmp(&v->check.http, &no_http, sizeof(no_http)) != 0 ||
	    !has_plain_url(&run->tree.nodes[s->node], &v->url))
		return false;
	return p->kind == CHECK_HTTP ||
	       (!run->app->tls_max_version_is_set &&
		memcmp(&v->inherited.tls, &services_schema_defaults.inherited.tls,
		       sizeof(v->inherited.tls)) == 0);
}

int services_extras_resolve(struct services_run *run, const struct services_subject *s,
			    struct draft_check *check)
{
	struct making m;
	struct str text = {.at = NULL};

	if (says_nothing(run, s, &check->profile))
		return 0;
	m.run = run;
	m.subject = s;
	m.check = check;
	memset(&m.tls, 0, sizeof(m.tls));
	m.extras = (struct check_extras){
		.method = "",
		.headers = "",
		.max_body_bytes = EXTRAS_MAX_BODY_BYTES,
		.verify_name = "",
		.urls = m.urls,
	};
	if (check->profile.kind == CHECK_GRPC)
		services_extras_check_grpc(run, s, check);
	else
		TRY(fill_http(&m));
	if (has_tls(&check->profile)) {
		TRY(fill_tls(&m));
		TRY(services_extras_check_tls(run, s, &m.tls));
	}
	TRY(write_text(&m, &text));
	return text.len ? err_trace(intern(&m, &text, &check->extras)) : 0;
}
