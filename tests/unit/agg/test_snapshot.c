/* The state file as bytes: what is written comes back, and nothing else does. */
#include "agg/snapshot.h"

#include "lib/gen_fixture.h"
#include "lib/snapshot_bytes.h"
#include "model/state.h"

static const struct snapshot_service a_service = {
	.tag = SNAPSHOT_SERVICE,
	.state = STATE_UP,
	.flags = SNAPSHOT_HAS_PORT | SNAPSHOT_JOINED,
	.proto = L4_UDP,
	.port = 53,
	.vip = {{1, 2, 3}},
};
static const struct snapshot_real a_real = {
	.tag = SNAPSHOT_REAL,
	.state = STATE_DOWN,
	.flags = SNAPSHOT_HAS_PORT,
	.port = 5353,
	.held_weight = 77,
	.override = OVERRIDE_WEIGHT | 9u << 16,
	.ip = {{9, 8, 7}},
};
static const struct snapshot_check a_check = {
	.tag = SNAPSHOT_CHECK,
	.state = STATE_UP,
	.flags = SNAPSHOT_WEIGHT_KNOWN,
	.weight = 12,
	.identity = {1, 2},
};
static const struct snapshot_prefix a_prefix = {
	.tag = SNAPSHOT_PREFIX,
	.state = STATE_UP,
	.flags = SNAPSHOT_ANNOUNCED,
	.vip = {{1, 2, 3}},
};

static void put_all(struct snapshot_bytes *b)
{
	snapshot_put(&b->out, &a_service);
	snapshot_put(&b->out, &a_real);
	snapshot_put(&b->out, &a_check);
	snapshot_put(&b->out, &a_prefix);
}

static struct snapshot_bytes *one_base(void)
{
	struct snapshot_bytes *b = snapshot_bytes_new();

	snapshot_bytes_begin(b, SNAPSHOT_BASE, false);
	put_all(b);
	snapshot_bytes_end(b);
	return b;
}

static int open_len(const struct snapshot_bytes *b, size_t len, struct snapshot *s)
{
	/* of its exact size: ASan sees one byte over */
	uint8_t *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, b->data, len);
	r = snapshot_open(copy, len, s);
	free(copy);
	return r;
}

static int open_all(const struct snapshot_bytes *b)
{
	struct snapshot s;

	return open_len(b, b->len, &s);
}

Test(snapshot, what_is_written_comes_back)
{
	struct snapshot_bytes *b = one_base();
	struct snapshot_cursor c;
	union snapshot_record r;
	struct snapshot s;

	cr_assert_eq(snapshot_open(b->data, b->len, &s), SNAPSHOT_OK);
	cr_assert_eq(s.len, b->len);
	cr_assert_not(s.is_withdrawn);
	cr_assert_eq(s.stamp.wall_ns, 1000);
	c = SNAPSHOT_FIRST(&s);
	cr_assert(snapshot_next(&c, &r));
	cr_assert_eq(memcmp(&r.service, &a_service, sizeof(a_service)), 0);
	cr_assert(snapshot_next(&c, &r));
	cr_assert_eq(memcmp(&r.real, &a_real, sizeof(a_real)), 0);
	cr_assert(snapshot_next(&c, &r));
	cr_assert_eq(memcmp(&r.check, &a_check, sizeof(a_check)), 0);
	cr_assert(snapshot_next(&c, &r));
	cr_assert_eq(memcmp(&r.prefix, &a_prefix, sizeof(a_prefix)), 0);
	cr_assert_not(snapshot_next(&c, &r));
	snapshot_bytes_free(b);
}

Test(snapshot, many_records_go_out_in_pieces_of_64_KiB)
{
	struct snapshot_bytes *b = snapshot_bytes_new();
	struct snapshot_cursor c;
	union snapshot_record r;
	struct snapshot s;
	uint32_t n = 0;

	snapshot_bytes_begin(b, SNAPSHOT_BASE, false);
	snapshot_put(&b->out, &a_service);
	for (uint16_t i = 0; i < 10000; i++) {
		struct snapshot_real one = a_real;

		one.port = i;
		snapshot_put(&b->out, &one);
	}
	snapshot_bytes_end(b);
	cr_assert_eq(b->n_pieces, (24 + 280000 + 65535) / 65536);
	cr_assert_eq(snapshot_open(b->data, b->len, &s), SNAPSHOT_OK);
	c = SNAPSHOT_FIRST(&s);
	cr_assert(snapshot_next(&c, &r));
	while (snapshot_next(&c, &r))
		cr_assert_eq(r.real.port, n++);
	cr_assert_eq(n, 10000);
	snapshot_bytes_free(b);
}

Test(snapshot, additions_follow_and_the_newest_head_counts)
{
	struct snapshot_bytes *b = one_base();
	struct snapshot_cursor c;
	union snapshot_record r;
	struct snapshot s;
	uint32_t n = 0;

	snapshot_bytes_begin(b, SNAPSHOT_DELTA, false);
	snapshot_bytes_end(b);
	snapshot_bytes_begin(b, SNAPSHOT_DELTA, true);
	put_all(b);
	snapshot_bytes_end(b);
	cr_assert_eq(snapshot_open(b->data, b->len, &s), SNAPSHOT_OK);
	cr_assert(s.is_withdrawn);
	cr_assert_gt(s.stamp.boot_ns, 100);
	c = SNAPSHOT_FIRST(&s);
	while (snapshot_next(&c, &r))
		n++;
	cr_assert_eq(n, 8);
	snapshot_bytes_free(b);
}

Test(snapshot, an_addition_that_was_never_finished_does_not_count)
{
	struct snapshot_bytes *b = one_base();
	size_t base = b->len;
	struct snapshot s;

	snapshot_bytes_begin(b, SNAPSHOT_DELTA, true);
	put_all(b);
	/* its head is still a hole */
	cr_assert_eq(open_len(b, b->len, &s), SNAPSHOT_OK);
	cr_assert_eq(s.len, base);
	cr_assert_not(s.is_withdrawn);
	snapshot_bytes_end(b);
	for (size_t len = base; len < b->len; len++) {
		cr_assert_eq(open_len(b, len, &s), SNAPSHOT_OK);
		cr_assert_eq(s.len, base, "cut at %zu", len);
	}
	snapshot_bytes_free(b);
}

Test(snapshot, a_base_that_is_cut_is_empty)
{
	struct snapshot_bytes *b = one_base();
	struct snapshot s;

	for (size_t len = 0; len < b->len; len++)
		cr_assert_eq(open_len(b, len, &s), SNAPSHOT_EMPTY, "cut at %zu", len);
	snapshot_bytes_free(b);
}

Test(snapshot, no_flipped_bit_is_believed)
{
	struct snapshot_bytes *b = one_base();

	for (size_t i = 0; i < b->len * 8; i++) {
		b->data[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert_neq(open_all(b), SNAPSHOT_OK, "bit %zu", i);
		b->data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	cr_assert_eq(open_all(b), SNAPSHOT_OK);
	snapshot_bytes_free(b);
}

Test(snapshot, strangers_and_newer_versions_are_told_apart)
{
	struct snapshot_bytes *b = one_base();
	struct snapshot_head head;

	b->data[0] ^= 1;
	cr_assert_eq(open_all(b), SNAPSHOT_FOREIGN);
	b->data[0] ^= 1;
	memcpy(&head, b->data, sizeof(head));
	head.version++;
	memcpy(b->data, &head, sizeof(head));
	cr_assert_eq(open_all(b), SNAPSHOT_FUTURE);
	head.version--;
	head.byte_order = __builtin_bswap32(head.byte_order);
	memcpy(b->data, &head, sizeof(head));
	cr_assert_eq(open_all(b), SNAPSHOT_FOREIGN);
	snapshot_bytes_free(b);
}

/* One frame with one record, whose checksum is right. */
static int open_one(enum snapshot_kind kind, const void *first, const void *second)
{
	struct snapshot_bytes *b = snapshot_bytes_new();
	int r;

	snapshot_bytes_begin(b, kind, false);
	snapshot_put(&b->out, first);
	if (second)
		snapshot_put(&b->out, second);
	snapshot_bytes_end(b);
	r = open_all(b);
	snapshot_bytes_free(b);
	return r;
}

Test(snapshot, records_that_make_no_sense_are_damage)
{
	struct snapshot_service service = a_service;
	struct snapshot_real real = a_real;

	cr_assert_eq(open_one(SNAPSHOT_BASE, &service, &real), SNAPSHOT_OK);
	cr_assert_eq(open_one(SNAPSHOT_DELTA, &service, &real), SNAPSHOT_CORRUPT, "no base");
	cr_assert_eq(open_one(SNAPSHOT_BASE, &real, NULL), SNAPSHOT_CORRUPT, "of no service");
	cr_assert_eq(open_one(SNAPSHOT_BASE, &a_prefix, &real), SNAPSHOT_CORRUPT);
	cr_assert_eq(open_one(SNAPSHOT_BASE, &service, &a_check), SNAPSHOT_CORRUPT, "of no real");
	real.override = OVERRIDE_PERCENT + 1;
	cr_assert_eq(open_one(SNAPSHOT_BASE, &service, &real), SNAPSHOT_CORRUPT);
	real.override = 0;
	real.state = STATE_DOWN + 1;
	cr_assert_eq(open_one(SNAPSHOT_BASE, &service, &real), SNAPSHOT_CORRUPT);
	service.proto = L4_UDP + 1;
	cr_assert_eq(open_one(SNAPSHOT_BASE, &service, NULL), SNAPSHOT_CORRUPT);
}

Test(snapshot, a_second_base_is_damage)
{
	struct snapshot_bytes *b = one_base();

	snapshot_bytes_begin(b, SNAPSHOT_BASE, false);
	snapshot_bytes_end(b);
	cr_assert_eq(open_all(b), SNAPSHOT_CORRUPT);
	snapshot_bytes_free(b);
}

static int failing_sink(void *ctx, const void *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	++*(int *)ctx;
	return -28;
}

Test(snapshot, a_sink_that_fails_is_asked_once)
{
	struct snapshot_out *o = calloc(1, sizeof(*o));
	const struct snapshot_stamp stamp = {.wall_ns = 1};
	int n = 0;

	o->sink = failing_sink;
	o->ctx = &n;
	snapshot_begin(o, SNAPSHOT_BASE, false, &stamp);
	snapshot_put(o, &a_service);
	for (int i = 0; i < 10000; i++)
		snapshot_put(o, &a_real);
	cr_assert_eq(snapshot_end(o), -28);
	cr_assert_eq(n, 1);
	free(o);
}

Test(snapshot, age_goes_by_the_boot_clock_within_one_boot)
{
	struct snapshot_stamp then = {.wall_ns = 5000, .boot_ns = 100, .boot_id = {1}}, now = then;
	uint64_t age;

	now.boot_ns = 160;
	now.wall_ns = 1; /* somebody set the clock back */
	cr_assert(snapshot_age_ns(&then, &now, &age));
	cr_assert_eq(age, 60);
	now.boot_id[0] = 2;
	cr_assert_not(snapshot_age_ns(&then, &now, &age), "from the future");
	now.wall_ns = 5007;
	cr_assert(snapshot_age_ns(&then, &now, &age));
	cr_assert_eq(age, 7);
	then.boot_id[0] = now.boot_id[0] = 0;
	cr_assert(snapshot_age_ns(&then, &now, &age), "boots that nobody knows");
	cr_assert_eq(age, 7);
}

Test(snapshot, every_verdict_has_a_text)
{
	for (int v = 0; v < SNAPSHOT__N; v++)
		cr_assert_gt(strlen(snapshot_verdict_text((enum snapshot_verdict)v)), 1);
}

static struct gen_fixture fixtures[2];

Test(snapshot, a_check_is_known_by_its_parameters_alone)
{
	struct generation *g = &fixtures[0].gen, *other = &fixtures[1].gen;
	struct check_profile *p;
	uint64_t was;

	gen_fixture_init(&fixtures[0], 1);
	gen_fixture_init(&fixtures[1], 2);
	(void)gen_fixture_check(&fixtures[0], CHECK_HTTP, "10.0.0.1", 80);
	fixtures[0].profiles[0].path = gen_fixture_text(&fixtures[0], "/health");
	/* at another slot, its text at another place */
	(void)gen_fixture_check(&fixtures[1], CHECK_TCP, "10.0.0.9", 9);
	(void)gen_fixture_text(&fixtures[1], "something else");
	(void)gen_fixture_check(&fixtures[1], CHECK_HTTP, "10.0.0.1", 80);
	p = &fixtures[1].profiles[1];
	p->path = gen_fixture_text(&fixtures[1], "/health");
	was = snapshot_check_identity(g, 0);
	cr_assert_eq(snapshot_check_identity(other, 1), was);
	p->path = gen_fixture_text(&fixtures[1], "/");
	cr_assert_neq(snapshot_check_identity(other, 1), was);
	p->path = GEN_STR_UNSET;
	p->virtualhost = gen_fixture_text(&fixtures[1], "/health");
	cr_assert_neq(snapshot_check_identity(other, 1), was, "another text of the same");
	p->path = p->virtualhost;
	p->virtualhost = GEN_STR_UNSET;
	cr_assert_eq(snapshot_check_identity(other, 1), was);
	p->interval_ns++;
	cr_assert_neq(snapshot_check_identity(other, 1), was);
	p->interval_ns--;
	fixtures[1].checks[1].connect_port++;
	cr_assert_neq(snapshot_check_identity(other, 1), was);
}
