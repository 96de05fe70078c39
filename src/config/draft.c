#include "config/draft.h"

#include "base/arena.h"
#include "config/pemfile.h"

void draft_free(struct draft *d)
{
	if (!d)
		return;
	for (const struct draft_file *f = d->files; f; f = f->next)
		pemfile_wipe(&f->file);
	arena_free(d->arena); /* which holds *d too */
}
