/* Drafts for tests, made by hand: what the parser of the services file would have made. */
#pragma once

#include "config/draft.h"

enum { DRAFT_MAKER_NO_PORT = -1 };

struct draft *draft_maker_new(void);
/* In place of draft_free(), which lives with the parser. */
void draft_maker_free(struct draft *d);
/* Each appends to its list; quorum 1, weight 1, TCP, no group. */
struct draft_service *draft_maker_service(struct draft *d, const char *vip, int port);
struct draft_real *draft_maker_real(struct draft *d, struct draft_service *s, const char *ip,
				    int port);
/* Connects to the real's address, every 10 s, three quick retries. */
struct draft_check *draft_maker_check(struct draft *d, struct draft_real *r, enum check_kind kind);
struct addr draft_maker_addr(const char *text);
