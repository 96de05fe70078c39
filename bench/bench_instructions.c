/* Fixed small workloads for counting instructions under callgrind (scripts/bench-callgrind). Each
 * warms up, then calls measured() once; callgrind collects inside it alone. The kernel is not
 * counted: what is, is our part of a check, and it does not depend on how busy the machine is.
 *
 * A workload *_own is counted in our code alone: what OpenSSL takes there is a thousand times more,
 * and another with each of its versions.
 *
 * usage: bench_instructions WORKLOAD      prints {"name":...,"ops":N}; without: the names
 */
#include "net/h1_parse.h"
#include "quorum/fleet.h"
#include "sched/turn.h"
#include "tun/tun_encap.h"
#include "yanet/yanet_encode.h"

#include "bench_checks.h"

enum { ROUNDS = 24 };

struct workload {
	const char *name;
	enum check_kind kind;
	enum check_flavour flavour;
	void (*prepare)(const struct workload *w);
	void (*round)(void);   /* counted; BATCH operations in `phases` rounds */
	void (*between)(void); /* not counted, after each round; may be NULL */
	int phases;            /* 0: 1 */
};

static bool is_warm;

/* --- pace: done to the next job --------------------------------------------------------------- */

static struct turn turn;
/* a dozen jobs per turn, as some thousand per second make */
#define TURN_INTERVAL_NS (5 * TURN_SPACING_NS)
static uint64_t turn_ns = 1000 * CLK_S;

static void prepare_turn(const struct workload *w)
{
	make_checks(w->kind, FLAVOUR_PLAIN);
	for (uint32_t i = 0; i < BATCH; i++)
		gen.profiles[i].interval_ns = TURN_INTERVAL_NS;
	ASSERT(turn_init(&turn, &port, 1, &tables, &counters, turn_ns) == 0);
	turn_adopt(&turn, &gen.gen, NULL, turn_ns);
}

static void turn_round(void)
{
	uint32_t n = 0;

	/* one interval: each check is due once */
	for (uint64_t end = turn_ns + TURN_INTERVAL_NS; turn_ns < end; turn_ns += TURN_SPACING_NS) {
		uint64_t next = turn_run(&turn, turn_ns);

		ASSERT(next > turn_ns);
		for (const struct job *j; (j = ring_peek(&port.jobs)) != NULL; n++) {
			*(struct done *)ring_put(&port.dones) =
				(struct done){.check = j->check,
					      .number = j->number,
					      .verdict = VERDICT_GOOD,
					      .generation = (uint8_t)j->generation->number,
					      .end_ns = turn_ns};
			ring_release(&port.jobs);
		}
		ring_publish(&port.dones);
	}
	ASSERT(n == BATCH || !is_warm);
}

/* --- verdicts --------------------------------------------------------------------------------- */

static struct fleet *fleet;

static void prepare_fleet(const struct workload *w)
{
	static const struct fleet_config config = {.unknown_max = 5, .sync_period_ns = 5 * CLK_S};
	static struct gen_diff *diff;

	make_checks(w->kind, FLAVOUR_PLAIN);
	/* the fixture's one service owns them all */
	static uint32_t order[BATCH];

	for (uint32_t i = 0; i < BATCH; i++)
		order[i] = i;
	gen.gen.real_order = order;
	fleet = fleet_new(&config, &tables, NULL, &counters);
	ASSERT(fleet && gen_diff_make(NULL, &gen.gen, &diff) == 0);
	ASSERT(fleet_adopt(fleet, &gen.gen, diff, turn_ns) == 0);
}

static void fleet_round(void)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		struct result r = {.check = i,
				   .sequence = gen.sequences[i],
				   .due_ns = turn_ns,
				   .total_us = 500,
				   .code = CODE_OK,
				   .verdict = VERDICT_GOOD,
				   .weight = -1,
				   .generation = 1};

		turn_ns += CLK_US;
		fleet_result(fleet, &r, turn_ns);
	}
}

/* Every second round takes all down, and up again. */
static void flip_round(void)
{
	static bool is_bad;

	is_bad = !is_bad;
	for (uint32_t i = 0; i < BATCH; i++) {
		struct result r = {.check = i,
				   .sequence = gen.sequences[i],
				   .due_ns = turn_ns,
				   .total_us = 500,
				   .code = is_bad ? CODE_REFUSED : CODE_OK,
				   .verdict = is_bad ? VERDICT_BAD : VERDICT_GOOD,
				   .weight = -1,
				   .generation = 1};

		turn_ns += CLK_US;
		fleet_result(fleet, &r, turn_ns);
	}
}

static void take_dirty(void)
{
	while (fleet_take_dirty_real(fleet) != SLOT_NONE)
		;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void parse_round(void)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
				   "Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n"
				   "Content-Length: 13\r\nConnection: close\r\n"
				   "ETag: \"5f3c8a2b-d\"\r\n\r\nrs_weight=10\n";
	static struct h1_parse p;

	for (int i = 0; i < BATCH; i++) {
		struct h1_parse_slice in = {(const unsigned char *)text, sizeof(text) - 1}, body;
		enum h1_parse_event event;

		h1_parse_init(&p, CHECK_MAX_HEADER_BYTES, CHECK_MAX_BODY_BYTES, NULL);
		do
			event = h1_parse_step(&p, &in, &body);
		while (event == H1_PARSE_HEAD || event == H1_PARSE_BODY);
		ASSERT(event == H1_PARSE_DONE);
	}
}

static struct yanet_request request;
static struct yanet_key keys[BATCH];
static struct yanet_name module;

static void prepare_encode(const struct workload *w)
{
	(void)w;
	ASSERT(yanet_encode_init(&request) == 0 && yanet_name_make("balancer0", 9, &module));
	for (uint32_t i = 0; i < BATCH; i++) {
		struct service_spec s = {.vip = addr_from_v4_u32(0xc0000210),
					 .proto = L4_TCP,
					 .port = 443,
					 .flags = SERVICE_HAS_PORT};
		struct real_spec r = {.ip = addr_from_v4_u32(0xc6336400 + i),
				      .port = 8443,
				      .flags = REAL_HAS_PORT};

		ASSERT(yanet_key_make(&s, &r, &keys[i]));
	}
}

static void encode_round(void)
{
	const struct yanet_update u = {true, true, 10};

	yanet_encode_begin(&request, YANET_REAL);
	for (uint32_t i = 0; i < BATCH; i++)
		yanet_encode_update(&request, &module, &keys[i], &u);
	ASSERT(yanet_encode_end(&request) > 0);
}

static void encap_round(void)
{
	static const unsigned char inner[60] = {0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 64, 6};
	const struct addr source = addr_from_v4_u32(0xc0000201),
			  real = addr_from_v4_u32(0xc6336407);
	unsigned char out[TUN_ENCAP_BYTES];

	for (int i = 0; i < BATCH; i++) {
		enum tunnel_method method = i % 2 ? TUNNEL_GRE : TUNNEL_IPIP;

		ASSERT(tun_encap(inner, sizeof(inner), method, &source, &real, out) > 0);
	}
}

static void prepare_nothing(const struct workload *w)
{
	(void)w;
}

/* --- main ------------------------------------------------------------------------------------- */

static void prepare_run(const struct workload *w)
{
	prepare_checks(w->kind, w->flavour, w->phases);
}

#define CHECKS prepare_run, check_round, serve_between

static const struct workload workloads[] = {
	{"check_tcp_half_open", CHECK_TCP, FLAVOUR_HALF_OPEN, CHECKS, 1},
	{"check_tcp_full", CHECK_TCP, FLAVOUR_PLAIN, CHECKS, 1},
	{"check_http", CHECK_HTTP, FLAVOUR_PLAIN, CHECKS, 2},
	{"check_grpc", CHECK_GRPC, FLAVOUR_PLAIN, CHECKS, 2},
	{"check_https_own", CHECK_HTTPS, FLAVOUR_TLS, CHECKS, 3},
	{"sched_job", CHECK_TCP, FLAVOUR_PLAIN, prepare_turn, turn_round, NULL, 0},
	{"fleet_result_same", CHECK_TCP, FLAVOUR_PLAIN, prepare_fleet, fleet_round, take_dirty, 0},
	{"fleet_result_flips", CHECK_TCP, FLAVOUR_PLAIN, prepare_fleet, flip_round, take_dirty, 0},
	{"h1_parse", 0, 0, prepare_nothing, parse_round, NULL, 0},
	{"tun_encap", 0, 0, prepare_nothing, encap_round, NULL, 0},
	{"yanet_encode_real", 0, 0, prepare_encode, encode_round, NULL, 0},
};

/* What callgrind collects: a function of this very name. */
__attribute__((noipa)) static void measured(const struct workload *w)
{
	w->round();
	/* a tail call would end the collection at once */
	__asm__ volatile("" ::: "memory");
}

static void rounds(const struct workload *w, int n, bool is_counted)
{
	for (int i = 0; i < n; i++) {
		if (is_counted)
			measured(w);
		else
			w->round();
		if (w->between)
			w->between();
	}
}

int main(int argc, char **argv)
{
	const struct workload *w = workloads;

	if (argc != 2) {
		for (size_t i = 0; i < ARRAY_LEN(workloads); i++)
			puts(workloads[i].name);
		return argc > 2 ? 2 : 0;
	}
	while (w < workloads + ARRAY_LEN(workloads) && strcmp(w->name, argv[1]) != 0)
		w++;
	if (w == workloads + ARRAY_LEN(workloads))
		return 2;
	ASSERT(wake_init(&agg_bell) == 0 && state_tables_init(&tables) == 0);
	ASSERT(port_init(&port, PORT_MIN_SLOTS, &agg_bell) == 0);
	w->prepare(w);
	rounds(w, 6, false);
	is_warm = true;
	rounds(w, ROUNDS, true);
	printf("{\"name\":\"%s\",\"ops\":%d}\n", w->name, ROUNDS * BATCH / MAX(w->phases, 1));
	return 0;
}
