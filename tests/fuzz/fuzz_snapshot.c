/* A state file from anywhere. The first byte says how: as it is, or as the payload of a base frame
 * with a right checksum, so that the records are reached; what opens goes into a fleet. */
#include "agg/snapshot_restore.h"
#include "config/diag.h"
#include "config/gen_build.h"
#include "config/services_parse.h"
#include "lib/app_maker.h"
#include "quorum/fleet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char services[] =
	"virtual_server 192.0.2.1 80 {\n  lvs_method NAT\n  lvs_sched wrr\n  announce_group "
	"default\n"
	"  real_server 10.0.0.1 80 {\n    TCP_CHECK {\n      connect_timeout 1\n    }\n  }\n"
	"  real_server 10.0.0.2 80 {\n    HTTP_GET {\n      dynamic_weight_enable yes\n      url "
	"{\n"
	"        path /\n      }\n    }\n    TCP_CHECK {\n      connect_timeout 1\n    }\n  }\n}\n";

static struct generation *gen;
static struct gen_diff *diff;
static struct slot_books books;
static struct counters counters;

static void drop(void)
{
	gen_diff_free(diff);
	gen_free(gen);
	slot_books_deinit(&books);
}

static void build(void)
{
	struct app_run app = app_maker_run("");
	struct source *src = source_new();
	struct diag *d = diag_new(src);
	struct draft *draft = NULL;

	ASSERT(app.config && slot_books_init(&books) == 0);
	ASSERT(services_parse_text("s.conf", services, sizeof(services) - 1, app.config, src, d,
				   &draft) == 0);
	ASSERT(gen_build(draft, NULL, &books, 1, 1, &gen, &diff) == 0);
	draft_free(draft);
	diag_free(d);
	source_free(src);
	app_maker_end(&app);
	ASSERT(atexit(drop) == 0);
}

static void live(const struct snapshot *s, bool with_verdicts, bool has_balancer)
{
	const struct fleet_config config = {.has_balancer = has_balancer, .has_announcer = true};
	struct snapshot_restored n;
	struct state_tables tables;
	struct fleet *f;

	if (!gen)
		build();
	ASSERT(state_tables_init(&tables) == 0);
	f = fleet_new(&config, &tables, NULL, &counters);
	ASSERT(f && fleet_adopt(f, gen, diff, 1) == 0);
	ASSERT(snapshot_restore(s, with_verdicts, f, gen, 2, &n) == 0);
	ASSERT(n.n_reals <= gen->n_reals && n.n_up + n.n_down <= n.n_reals);
	while (fleet_take_dirty_real(f) != SLOT_NONE)
		;
	fleet_free(f);
	state_tables_deinit(&tables);
}

/* A base frame around the bytes. */
static uint8_t *wrap(const uint8_t *data, size_t size, size_t *ret_len)
{
	struct snapshot_head head = {.magic = "ALVSTATE"};
	uint8_t *file = malloc(sizeof(head) + size);

	ASSERT(file);
	head.byte_order = 0x01020304;
	head.version = SNAPSHOT_VERSION;
	head.kind = SNAPSHOT_BASE;
	head.payload_bytes = size;
	memcpy(file + sizeof(head), data, size);
	snapshot_seal(&head, file + sizeof(head));
	memcpy(file, &head, sizeof(head));
	*ret_len = sizeof(head) + size;
	return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot_cursor c;
	union snapshot_record r;
	struct snapshot s;
	size_t len;
	uint8_t *file;
	uint8_t how;

	if (size < 1)
		return 0;
	how = *data++;
	size--;
	if (how & 1) {
		file = wrap(data, size, &len);
	} else {
		/* of its exact size: ASan sees one byte over */
		file = malloc(size ? size : 1);
		ASSERT(file);
		memcpy(file, data, size);
		len = size;
	}
	if (snapshot_open(file, len, &s) == SNAPSHOT_OK) {
		ASSERT(s.len <= len);
		c = SNAPSHOT_FIRST(&s);
		while (snapshot_next(&c, &r))
			ASSERT(c.at <= s.len);
		ASSERT(c.at == s.len);
		live(&s, how & 2, how & 4);
	}
	free(file);
	return 0;
}
