#include "yanet/yanet_modules.h"

enum { MISSED_MAX = 2 };

void yanet_modules_begin(struct yanet_modules *m)
{
	m->present = 0;
}

unsigned yanet_modules_found(struct yanet_modules *m, const struct yanet_name *name)
{
	unsigned i, i_free = YANET_MODULES_FULL;

	for (i = 0; i < MAX_MODULES; i++) {
		if (!(m->in_use >> i & 1))
			i_free = MIN(i_free, i);
		else if (yanet_name_eq(&m->names[i], name))
			break;
	}
	if (i == MAX_MODULES) {
		if (i_free == YANET_MODULES_FULL)
			return YANET_MODULES_FULL;
		i = i_free;
		m->names[i] = *name;
		m->in_use |= 1u << i;
	}
	m->n_missed[i] = 0;
	m->present |= 1u << i;
	return i;
}

uint32_t yanet_modules_end(struct yanet_modules *m)
{
	uint32_t freed = 0;

	for (unsigned i = 0; i < MAX_MODULES; i++) {
		if (!(m->in_use >> i & 1) || m->present >> i & 1)
			continue;
		if (++m->n_missed[i] < MISSED_MAX)
			continue;
		m->n_missed[i] = 0;
		freed |= 1u << i;
	}
	m->in_use &= ~freed;
	return freed;
}

unsigned yanet_modules_count(const struct yanet_modules *m)
{
	return (unsigned)__builtin_popcount(m->in_use);
}
