/* Timer wheel: five levels of 256 slots over ticks.
 *
 * A timer's level is the highest byte in which its tick differs from now_tick, so a slot of levels
 * 0..3 never holds a timer of another turn and the earliest occupied slot of the lowest occupied
 * level is what comes next. The last level is a circle: it takes every timer beyond the other
 * four, and one too far for its 255 slots waits in the farthest and is placed again when time
 * gets there. Invariant: a slot of level 1..4 whose block contains now_tick is empty; move_to()
 * keeps it by emptying those slots into lower levels.
 */
#include "base/wheel.h"

enum {
	LAST = WHEEL_LEVELS - 1,
	LIST_DUE = WHEEL_LEVELS * WHEEL_SLOTS, /* taken out of its slot, waits for wheel_pop() */
	LIST_LATE,                             /* armed for a tick that was fired already */
};
#define LIST_MARK (UINT32_C(1) << 31)

static struct wheel_node *node_at(const struct wheel *w, uint32_t id)
{
	return (struct wheel_node *)(void *)(w->rows + (size_t)id * w->row_bytes);
}

static unsigned slot_of(uint64_t tick, unsigned level)
{
	return (unsigned)(tick >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
}

/* The first tick that begins at due_ns or later: a timer is never early. */
static uint64_t tick_of(const struct wheel *w, uint64_t due_ns)
{
	return due_ns / w->tick_ns + (due_ns % w->tick_ns != 0);
}

static uint32_t list_of(const struct wheel *w, uint64_t tick)
{
	if (tick < w->now_tick)
		return LIST_LATE;
	uint64_t differ = tick ^ w->now_tick;
	unsigned level = differ ? (63 - (unsigned)__builtin_clzll(differ)) / WHEEL_BITS : 0;

	if (level < LAST)
		return level * WHEEL_SLOTS + slot_of(tick, level);
	uint64_t here = w->now_tick >> (LAST * WHEEL_BITS);
	uint64_t blocks = (tick >> (LAST * WHEEL_BITS)) - here;

	return LAST * WHEEL_SLOTS + ((here + MIN(blocks, WHEEL_SLOTS - 1)) & (WHEEL_SLOTS - 1));
}

static void set_bit(struct wheel *w, uint32_t list)
{
	if (list < LIST_DUE)
		w->occupied[list / WHEEL_SLOTS][list % WHEEL_SLOTS / 64] |= UINT64_C(1)
									    << (list & 63);
}

static void clear_bit(struct wheel *w, uint32_t list)
{
	if (list < LIST_DUE)
		w->occupied[list / WHEEL_SLOTS][list % WHEEL_SLOTS / 64] &=
			~(UINT64_C(1) << (list & 63));
}

static void link_into(struct wheel *w, uint32_t list, uint32_t id)
{
	struct wheel_node *n = node_at(w, id);

	n->next = w->heads[list];
	n->prev = LIST_MARK | list;
	if (n->next)
		node_at(w, n->next - 1)->prev = id + 1;
	else
		set_bit(w, list);
	w->heads[list] = id + 1;
}

static void unlink_from(struct wheel *w, struct wheel_node *n)
{
	if (n->next)
		node_at(w, n->next - 1)->prev = n->prev;
	if (!(n->prev & LIST_MARK)) {
		node_at(w, n->prev - 1)->next = n->next;
	} else {
		uint32_t list = n->prev & ~LIST_MARK;

		w->heads[list] = n->next;
		if (!n->next)
			clear_bit(w, list);
	}
	n->next = n->prev = 0;
}

/* Hands all of one list over to an empty other one. */
static void move_list(struct wheel *w, uint32_t from, uint32_t to)
{
	uint32_t head = w->heads[from];

	if (!head)
		return;
	w->heads[from] = 0;
	clear_bit(w, from);
	w->heads[to] = head;
	set_bit(w, to);
	node_at(w, head - 1)->prev = LIST_MARK | to;
}

/* First occupied slot >= from, or WHEEL_SLOTS. */
static unsigned find_slot(const uint64_t *bits, unsigned from)
{
	for (unsigned word = from / 64; word < WHEEL_SLOTS / 64; word++) {
		uint64_t left = bits[word];

		if (word == from / 64)
			left &= ~UINT64_C(0) << (from & 63);
		if (left)
			return word * 64 + (unsigned)__builtin_ctzll(left);
	}
	return WHEEL_SLOTS;
}

/* The next tick >= now_tick at which a slot must be fired or placed again; UINT64_MAX: none. */
static uint64_t next_stop(const struct wheel *w)
{
	for (unsigned level = 0; level < LAST; level++) {
		unsigned here = slot_of(w->now_tick, level);
		unsigned slot = find_slot(w->occupied[level], level ? here + 1 : here);
		unsigned above = (level + 1) * WHEEL_BITS;

		if (slot < WHEEL_SLOTS)
			return w->now_tick >> above << above | (uint64_t)slot
								       << (level * WHEEL_BITS);
	}
	unsigned here = slot_of(w->now_tick, LAST);
	unsigned slot = find_slot(w->occupied[LAST], here + 1);

	if (slot == WHEEL_SLOTS)
		slot = find_slot(w->occupied[LAST], 0);
	if (slot == WHEEL_SLOTS)
		return UINT64_MAX;
	return ((w->now_tick >> (LAST * WHEEL_BITS)) + ((slot - here) & (WHEEL_SLOTS - 1)))
	       << (LAST * WHEEL_BITS);
}

static void replace_list(struct wheel *w, uint32_t list)
{
	uint32_t at = w->heads[list];

	w->heads[list] = 0;
	clear_bit(w, list);
	while (at) {
		struct wheel_node *n = node_at(w, at - 1);
		uint32_t next = n->next;

		link_into(w, list_of(w, tick_of(w, n->due_ns)), at - 1);
		at = next;
	}
}

/* Makes tick the next one to fire; no stop lies before it. */
static void move_to(struct wheel *w, uint64_t tick)
{
	w->now_tick = tick;
	for (unsigned level = LAST; level > 0; level--) {
		uint32_t list = level * WHEEL_SLOTS + slot_of(tick, level);

		if (w->heads[list])
			replace_list(w, list);
	}
}

void wheel_init(struct wheel *w, void *rows, uint32_t row_bytes, uint64_t tick_ns, uint64_t now_ns)
{
	ASSERT(tick_ns > 0 && row_bytes >= sizeof(struct wheel_node));
	memset(w, 0, sizeof(*w));
	w->tick_ns = tick_ns;
	w->now_tick = w->end_tick = now_ns / tick_ns;
	w->rows = rows;
	w->row_bytes = row_bytes;
}

void wheel_arm(struct wheel *w, uint32_t id, uint64_t due_ns)
{
	ASSERT(id < WHEEL_MAX_IDS);
	wheel_disarm(w, id);
	node_at(w, id)->due_ns = due_ns;
	link_into(w, list_of(w, tick_of(w, due_ns)), id);
	w->n_timers++;
}

void wheel_disarm(struct wheel *w, uint32_t id)
{
	struct wheel_node *n = node_at(w, id);

	if (!n->prev)
		return;
	unlink_from(w, n);
	w->n_timers--;
}

bool wheel_is_armed(const struct wheel *w, uint32_t id)
{
	return node_at(w, id)->prev != 0;
}

void wheel_advance(struct wheel *w, uint64_t now_ns)
{
	w->end_tick = MAX(w->end_tick, now_ns / w->tick_ns + 1);
	/* the loop before this one may not have been popped to its end */
	while (w->heads[LIST_LATE]) {
		uint32_t id = w->heads[LIST_LATE] - 1;

		unlink_from(w, node_at(w, id));
		link_into(w, LIST_DUE, id);
	}
}

uint32_t wheel_pop(struct wheel *w)
{
	while (!w->heads[LIST_DUE] && w->now_tick < w->end_tick) {
		uint64_t stop = next_stop(w);

		if (stop >= w->end_tick) {
			move_to(w, w->end_tick);
			break;
		}
		if (stop > w->now_tick)
			move_to(w, stop);
		move_list(w, slot_of(stop, 0), LIST_DUE);
		/* nothing due here: the stop was for a far slot, whose timers now lie lower */
		if (w->heads[LIST_DUE])
			move_to(w, stop + 1);
	}
	uint32_t head = w->heads[LIST_DUE];

	if (!head)
		return WHEEL_NONE;
	wheel_disarm(w, head - 1);
	return head - 1;
}

uint64_t wheel_next_ns(const struct wheel *w)
{
	uint64_t stop, ns;

	if (w->heads[LIST_DUE] || w->heads[LIST_LATE])
		return 0;
	stop = next_stop(w);
	if (stop == UINT64_MAX || __builtin_mul_overflow(stop, w->tick_ns, &ns))
		return UINT64_MAX;
	return ns;
}

/* The block of ticks that a list of the last level stands for now. */
static uint64_t block_of(const struct wheel *w, uint32_t list)
{
	unsigned ahead = (list - slot_of(w->now_tick, LAST)) & (WHEEL_SLOTS - 1);

	return (w->now_tick >> (LAST * WHEEL_BITS)) + ahead;
}

static bool list_is_valid(const struct wheel *w, uint32_t list, uint32_t *n)
{
	uint32_t before = LIST_MARK | list;

	for (uint32_t at = w->heads[list]; at; at = node_at(w, at - 1)->next) {
		const struct wheel_node *node = node_at(w, at - 1);
		uint64_t tick = tick_of(w, node->due_ns);
		unsigned level = list / WHEEL_SLOTS;

		if (node->prev != before || ++*n > w->n_timers)
			return false;
		if (list >= LIST_DUE && tick > w->now_tick)
			return false;
		if (level < LAST && list_of(w, tick) != list)
			return false;
		/* not later than its block: what was too far lies in a nearer one */
		if (level == LAST && list < LIST_DUE &&
		    tick >> (LAST * WHEEL_BITS) < block_of(w, list))
			return false;
		before = at;
	}
	return true;
}

bool wheel_validate(const struct wheel *w)
{
	uint32_t n = 0;

	if (w->now_tick > w->end_tick)
		return false;
	for (uint32_t list = 0; list < WHEEL_LISTS; list++) {
		bool has_bit =
			list < LIST_DUE &&
			w->occupied[list / WHEEL_SLOTS][list % WHEEL_SLOTS / 64] >> (list & 63) & 1;

		if (list < LIST_DUE && has_bit != (w->heads[list] != 0))
			return false;
		if (!list_is_valid(w, list, &n))
			return false;
	}
	for (unsigned level = 1; level < WHEEL_LEVELS; level++)
		if (w->heads[level * WHEEL_SLOTS + slot_of(w->now_tick, level)])
			return false;
	return n == w->n_timers;
}
