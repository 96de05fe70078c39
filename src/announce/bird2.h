/* What backends bird2 and bird_list share: cycles of files and `configure`. agg's thread. */
#pragma once

#include "announce/announcer.h"
#include "announce/bird2_kind.h"

/* kind is copied. Returns 0 or -ENOMEM. */
MUST_CHECK int bird2_new_of_kind(const struct announcer_args *args, const struct bird2_kind *kind,
				 struct announcer **ret);
