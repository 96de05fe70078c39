/* What a check kind implements to hold a talk (check.h). Inside src/check/ only. */
#pragma once

#include "check/check.h"

struct check_driver {
	/* The talk's spec and profile are set, its outcome is empty. Returns 0 or a negative errno,
	 * which stands for a fault of our own. */
	int (*begin)(struct check_talk *t);
	enum check_step (*open)(struct check_talk *t, struct buf *out);
	/* len > 0; bytes_read is counted already. */
	enum check_step (*input)(struct check_talk *t, const void *data, size_t len,
				 struct buf *out);
	/* Called only while there is no outcome; must set one. */
	void (*interrupted)(struct check_talk *t, enum check_interrupt why, uint32_t detail);
	/* Gives back what is not to be kept for the next talk; NULL: nothing. */
	void (*close)(struct check_talk *t);
};

/* Sets the final outcome; the weight stays none. Returns CHECK_DONE. */
enum check_step check_driver_over(struct check_talk *t, enum check_code code, uint32_t detail);
/* Decisions 13: what our own kernel refuses says nothing about the real. Sets the outcome and
 * returns true if this errno of CHECK_BROKEN is one of those. */
bool check_driver_is_ours(struct check_talk *t, uint32_t error);
