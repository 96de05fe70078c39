/* A generation with one check, made by hand, for tests of what runs checks. */
#pragma once

#include "config/gen.h"
#include "model/job.h"

struct talk_fixture {
	struct check_profile profile;
	struct check_spec spec;
	struct generation generation;
	char text[256]; /* strings; offset 0 is the empty one */
	size_t text_len;
	struct job job;
	struct check_extras extras; /* in force with talk_fixture_extras() */
};

/* 192.0.2.1:80, path "/", any status, nothing else. */
static inline void talk_fixture_init(struct talk_fixture *f, enum check_kind kind)
{
	memset(f, 0, sizeof(*f));
	f->profile.kind = (uint8_t)kind;
	f->spec.kind = (uint8_t)kind;
	f->spec.connect_ip = addr_from_v4_u32(0xc0000201);
	f->spec.connect_port = 80;
	f->text_len = 1;
	f->generation.n_checks = f->generation.end_checks = 1;
	f->generation.n_profiles = 1;
	f->generation.checks = &f->spec;
	f->generation.profiles = &f->profile;
	f->generation.text = f->text;
	f->job.generation = &f->generation;
}

static inline gen_strref talk_fixture_text(struct talk_fixture *f, const char *text)
{
	size_t at = f->text_len, size = strlen(text) + 1;

	ASSERT(at + size <= sizeof(f->text));
	memcpy(f->text + at, text, size);
	f->text_len += size;
	return (gen_strref)at;
}

/* Gives the check extras that say nothing yet: to be changed before use. */
static inline struct check_extras *talk_fixture_extras(struct talk_fixture *f)
{
	f->extras = (struct check_extras){
		.method = "", .headers = "", .max_body_bytes = EXTRAS_MAX_BODY_BYTES};
	f->generation.extras = &f->extras;
	f->generation.n_extras = 1;
	f->profile.extras = 1;
	return &f->extras;
}
