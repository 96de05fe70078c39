/* Big answers: made while they are sent, from a generation that is held meanwhile, a few at a time
 * (decisions 49). Thread: api only. */
#pragma once

#include "api/api.h"
#include "api/httpd.h"
#include "api/walk.h"

enum { BIG_AT_ONCE = 4 };

struct big_slots {
	unsigned max; /* BIG_AT_ONCE */
	unsigned n;   /* under way */
};

struct big_args {
	const struct api_args *api;
	struct big_slots *slots;
	const struct walk_view *view;
	const char *content_type;
	const char *only_service; /* name (config/name.h), NULL: all */
};

/* Answers r: the stream, or 503 if too many are under way or there is no generation yet, or 404 if
 * there is no such service. */
void big_answer(struct httpd_request *r, const struct big_args *args);
