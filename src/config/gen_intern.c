#include "config/gen_intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "config/gen_extras.h"
#include "config/gen_index.h"

/* A growing array of equal-sized records, found by the hash of their meaning. */
struct set {
	size_t record_bytes;
	unsigned char *records;
	uint64_t *hashes; /* by record */
	uint32_t n, room;
	uint32_t *cells;  /* record + 1; 0: empty; at most half full */
	uint32_t n_cells; /* power of two */
};

struct string {
	gen_strref ref;
	uint64_t hash;
};

struct gen_intern {
	const struct generation *before;
	char *text;
	size_t text_len, text_room;
	struct set strings; /* of gen_strref */
	struct set profiles;
	struct set names;
	struct set extras;        /* of const struct draft_extras *, by text */
	uint32_t *profile_before; /* by profile: its index in before; grows with profiles.room */
	/* what came last, by kind of check, and where it went: files repeat themselves */
	const struct draft_check *last_check[CHECK_KIND__N];
	uint32_t last_profile[CHECK_KIND__N];
	const struct draft_service *last_service;
	uint32_t last_names;
};

enum { FIRST_ROOM = 64, FIRST_TEXT = 4096, TEXT_HEAD = 2, SEED = 0x74657874 };

static void set_deinit(struct set *s)
{
	free(s->records);
	free(s->hashes);
	free(s->cells);
}

static void *set_at(const struct set *s, uint32_t i)
{
	return s->records + (size_t)i * s->record_bytes;
}

static void set_link(struct set *s, uint32_t i)
{
	uint32_t at = (uint32_t)s->hashes[i] & (s->n_cells - 1);

	while (s->cells[at])
		at = (at + 1) & (s->n_cells - 1);
	s->cells[at] = i + 1;
}

static int set_grow(struct set *s)
{
	uint32_t room = s->room ? s->room * 2 : FIRST_ROOM;
	void *records = reallocarray(s->records, room, s->record_bytes);
	uint64_t *hashes;
	uint32_t *cells;

	if (!records)
		return err_origin(-ENOMEM);
	s->records = records;
	hashes = reallocarray(s->hashes, room, sizeof(*hashes));
	if (!hashes)
		return err_origin(-ENOMEM);
	s->hashes = hashes;
	cells = calloc(room, 2 * sizeof(*cells));
	if (!cells)
		return err_origin(-ENOMEM);
	free(s->cells);
	s->cells = cells;
	s->n_cells = 2 * room;
	s->room = room;
	for (uint32_t i = 0; i < s->n; i++)
		set_link(s, i);
	return 0;
}

/* Appends a record that is known to be new. Returns 0 or -ENOMEM. */
static int set_add(struct set *s, uint64_t hash, const void *record)
{
	if (s->n == s->room)
		TRY(set_grow(s));
	memcpy(set_at(s, s->n), record, s->record_bytes);
	s->hashes[s->n] = hash;
	set_link(s, s->n++);
	return 0;
}

/* The next record with this very hash, or SLOT_NONE; *at starts as the hash. */
static uint32_t set_next(const struct set *s, uint64_t hash, uint32_t *at)
{
	while (s->n_cells) {
		uint32_t cell = s->cells[*at & (s->n_cells - 1)];

		if (cell == 0)
			break;
		++*at;
		if (s->hashes[cell - 1] == hash)
			return cell - 1;
	}
	return SLOT_NONE;
}

/* Index of a record that is compared as bytes; adds it if it is new. Returns 0 or -ENOMEM. */
static int set_intern(struct set *s, uint64_t hash, const void *record, uint32_t *ret_index)
{
	uint32_t at = (uint32_t)hash, i;

	while ((i = set_next(s, hash, &at)) != SLOT_NONE) {
		if (memcmp(set_at(s, i), record, s->record_bytes) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	TRY(set_add(s, hash, record));
	*ret_index = s->n - 1;
	return 0;
}

struct gen_intern *gen_intern_new(const struct generation *before)
{
	struct gen_intern *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->before = before;
	in->strings.record_bytes = sizeof(gen_strref);
	in->profiles.record_bytes = sizeof(struct check_profile);
	in->names.record_bytes = sizeof(struct service_names);
	in->extras.record_bytes = sizeof(const struct draft_extras *);
	in->text_room = FIRST_TEXT;
	in->text_len = TEXT_HEAD; /* what was not set, and what was set to "" */
	in->text = calloc(1, in->text_room);
	if (in->text)
		return in;
	gen_intern_free(in);
	return NULL;
}

void gen_intern_free(struct gen_intern *in)
{
	if (!in)
		return;
	set_deinit(&in->strings);
	set_deinit(&in->profiles);
	set_deinit(&in->names);
	set_deinit(&in->extras);
	free(in->profile_before);
	free(in->text);
	free(in);
}

static int text_append(struct gen_intern *in, const char *text, size_t bytes)
{
	size_t room = in->text_room;
	char *grown;

	if (in->text_len + bytes > UINT32_MAX)
		return err_origin(-ENOMEM);
	while (room - in->text_len < bytes)
		room *= 2;
	if (room != in->text_room) {
		grown = realloc(in->text, room);
		if (!grown)
			return err_origin(-ENOMEM);
		in->text = grown;
		in->text_room = room;
	}
	memcpy(in->text + in->text_len, text, bytes);
	in->text_len += bytes;
	return 0;
}

static int intern_string(struct gen_intern *in, const char *text, struct string *ret)
{
	size_t len = text ? strlen(text) : 0;
	uint32_t at, i;
	struct string s;

	s.ref = text ? 1 : GEN_STR_UNSET;
	s.hash = text ? hash_bytes(text, len, SEED) : 0;
	*ret = s;
	if (len == 0)
		return 0;
	at = (uint32_t)s.hash;
	while ((i = set_next(&in->strings, s.hash, &at)) != SLOT_NONE) {
		memcpy(&ret->ref, set_at(&in->strings, i), sizeof(ret->ref));
		if (strcmp(in->text + ret->ref, text) == 0)
			return 0;
	}
	s.ref = (gen_strref)in->text_len;
	TRY(text_append(in, text, len + 1));
	TRY(set_add(&in->strings, s.hash, &s.ref));
	*ret = s;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The reference of a profile of before means the text that was set, or that none was. */
static bool ref_is(const struct generation *before, gen_strref ref, const char *text)
{
	return text ? ref != GEN_STR_UNSET && strcmp(gen_str(before, ref), text) == 0
		    : ref == GEN_STR_UNSET;
}

/* Without what means something in one generation only. */
static void make_bare(struct check_profile *p)
{
	p->path = p->virtualhost = p->extras_text = GEN_STR_UNSET;
	p->extras = 0;
}

static const char *text_of(const struct draft_extras *extras)
{
	return extras ? extras->text : NULL;
}

static uint32_t find_before(const struct generation *before, const struct check_profile *bare,
			    const struct draft_check *c, uint64_t hash)
{
	uint32_t at, i;

	if (!before)
		return SLOT_NONE;
	at = gen_index_start(&before->index->profiles, hash);
	while ((i = gen_index_next(&before->index->profiles, hash, &at)) != SLOT_NONE) {
		struct check_profile old = before->profiles[i];

		make_bare(&old);
		if (memcmp(&old, bare, sizeof(old)) == 0 &&
		    ref_is(before, before->profiles[i].path, c->path) &&
		    ref_is(before, before->profiles[i].virtualhost, c->virtualhost) &&
		    ref_is(before, before->profiles[i].extras_text, text_of(c->extras)))
			break;
	}
	return i;
}

static int note_before(struct gen_intern *in, uint32_t index, uint32_t index_before)
{
	uint32_t *grown = reallocarray(in->profile_before, in->profiles.room, sizeof(*grown));

	if (!grown)
		return err_origin(-ENOMEM);
	in->profile_before = grown;
	grown[index] = index_before;
	return 0;
}

/* Index + 1 of a check's extras, 0 if it has none. */
static int intern_extras(struct gen_intern *in, const struct draft_extras *extras, uint64_t hash,
			 uint32_t *ret_ref)
{
	const struct draft_extras *const *known;
	uint32_t at = (uint32_t)hash, i;

	*ret_ref = 0;
	if (!extras)
		return 0;
	while ((i = set_next(&in->extras, hash, &at)) != SLOT_NONE) {
		known = set_at(&in->extras, i);
		if (strcmp((*known)->text, extras->text) == 0)
			break;
	}
	if (i == SLOT_NONE) {
		TRY(set_add(&in->extras, hash, &extras));
		i = in->extras.n - 1;
	}
	*ret_ref = i + 1;
	return 0;
}

static int add_profile(struct gen_intern *in, const struct draft_check *c, uint32_t *ret_index)
{
	struct check_profile bare = c->profile, full;
	uint32_t n_known = in->profiles.n, index = 0;
	struct string path, virtualhost, extras;
	uint64_t hash;

	make_bare(&bare);
	TRY(intern_string(in, c->path, &path));
	TRY(intern_string(in, c->virtualhost, &virtualhost));
	TRY(intern_string(in, text_of(c->extras), &extras));
	/* the hash of a profile speaks of its text, not of where that lies, so that it is the same
	 * in every generation */
	hash = hash_bytes(&bare, sizeof(bare), hash_u64(path.hash, virtualhost.hash) ^ extras.hash);
	full = bare;
	full.extras_text = extras.ref;
	TRY(intern_extras(in, c->extras, extras.hash, &full.extras));
	full.path = path.ref;
	full.virtualhost = virtualhost.ref;
	TRY(set_intern(&in->profiles, hash, &full, &index));
	if (index == n_known)
		TRY(note_before(in, index, find_before(in->before, &bare, c, hash)));
	*ret_index = index;
	return 0;
}

int gen_intern_profile(struct gen_intern *in, const struct draft_check *c, uint32_t *ret_index,
		       uint32_t *ret_index_before)
{
	uint8_t kind = c->profile.kind;
	const struct draft_check *last;

	ASSERT(kind < CHECK_KIND__N);
	last = in->last_check[kind];
	if (!last || memcmp(&last->profile, &c->profile, sizeof(c->profile)) != 0 ||
	    !same_text(last->path, c->path) || !same_text(last->virtualhost, c->virtualhost) ||
	    !same_text(text_of(last->extras), text_of(c->extras))) {
		TRY(add_profile(in, c, &in->last_profile[kind]));
		in->last_check[kind] = c;
	}
	*ret_index = in->last_profile[kind];
	*ret_index_before = in->profile_before[*ret_index];
	return 0;
}

/* An empty scheduler, quorum_up or network is the same as none. */
static const char *unless_empty(const char *text)
{
	return text && *text ? text : NULL;
}

static int add_names(struct gen_intern *in, const struct draft_service *s, uint32_t *ret_index)
{
	const char *const texts[] = {
		unless_empty(s->scheduler),
		unless_empty(s->quorum_up),
		s->virtualhost,
		s->version,
		unless_empty(s->ipv4_outer_source_network),
		unless_empty(s->ipv6_outer_source_network),
	};
	struct string refs[ARRAY_LEN(texts)];
	struct service_names names;
	uint64_t hash = SEED;

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		TRY(intern_string(in, texts[i], &refs[i]));
		hash = hash_u64(refs[i].hash, hash + i);
	}
	names = (struct service_names){
		.scheduler = refs[0].ref,
		.quorum_up = refs[1].ref,
		.virtualhost = refs[2].ref,
		.version = refs[3].ref,
		.ipv4_outer_source_network = refs[4].ref,
		.ipv6_outer_source_network = refs[5].ref,
	};
	return set_intern(&in->names, hash, &names, ret_index);
}

static bool same_names(const struct draft_service *a, const struct draft_service *b)
{
	return same_text(a->scheduler, b->scheduler) && same_text(a->quorum_up, b->quorum_up) &&
	       same_text(a->virtualhost, b->virtualhost) && same_text(a->version, b->version) &&
	       same_text(a->ipv4_outer_source_network, b->ipv4_outer_source_network) &&
	       same_text(a->ipv6_outer_source_network, b->ipv6_outer_source_network);
}

int gen_intern_names(struct gen_intern *in, const struct draft_service *s, uint32_t *ret_index)
{
	if (!in->last_service || !same_names(in->last_service, s)) {
		TRY(add_names(in, s, &in->last_names));
		in->last_service = s;
	}
	*ret_index = in->last_names;
	return 0;
}

static int copy_out(struct arena *a, const void *from, size_t bytes, const void **ret)
{
	void *copy = arena_alloc(a, bytes);

	if (!copy)
		return err_origin(-ENOMEM);
	if (bytes)
		memcpy(copy, from, bytes);
	*ret = copy;
	return 0;
}

int gen_intern_finish(const struct gen_intern *in, struct generation *g)
{
	const void *text = NULL, *profiles = NULL, *names = NULL;

	TRY(copy_out(g->arena, in->text, in->text_len, &text));
	TRY(copy_out(g->arena, in->profiles.records, in->profiles.n * sizeof(struct check_profile),
		     &profiles));
	TRY(copy_out(g->arena, in->names.records, in->names.n * sizeof(struct service_names),
		     &names));
	TRY(gen_index_init(&g->index->profiles, g->arena, in->profiles.n));
	for (uint32_t i = 0; i < in->profiles.n; i++)
		gen_index_put(&g->index->profiles, in->profiles.hashes[i], i);
	g->text = text;
	g->profiles = profiles;
	g->n_profiles = in->profiles.n;
	g->service_names = names;
	return err_trace(gen_extras_make(g, (const void *)in->extras.records, in->extras.n));
}
