/* The log thread and the rings that feed it.
 *
 * Each thread that attached has one ring of records and a count of records it had to drop; the log
 * thread visits all rings every 20 ms, merges nothing (lines of one thread stay in order) and
 * writes whole lines. Rings live in a fixed table, so attaching needs no lock: a slot is taken by
 * a compare-and-swap and given back after the thread ended and its ring is empty.
 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log_format.h"
#include "base/ring.h"

enum { MAX_THREADS = 160, RING_SLOTS = 256, PERIOD_MS = 20 };

enum port_state { PORT_FREE, PORT_TAKEN, PORT_OPEN, PORT_CLOSED };

/* One thread's way into the log.
 * field    writer                              readers
 * state    owner thread, log thread (→ FREE)   both: acquire/release around ring and name
 * dropped  owner thread                        log thread, log_dropped(): relaxed */
struct port {
	_Atomic int state;
	_Atomic uint64_t dropped;
	uint64_t dropped_told; /* log thread only */
	char name[16];
	struct ring ring;
};

static struct port ports[MAX_THREADS];
static _Thread_local struct port *my_port;
static _Atomic int min_level = LOG_INFO;
static _Atomic int encoding_now = LOG_LOGFMT;
static _Atomic bool is_stopping;
static _Atomic uint64_t dropped_before; /* of ports that were given back */
static bool is_running;
static int out_fd = 2;
static pthread_t log_thread;
static pthread_mutex_t direct_lock = PTHREAD_MUTEX_INITIALIZER;

bool log_enabled(enum log_level level)
{
	/* relaxed: a level change needs no order */
	return (int)level >= atomic_load_explicit(&min_level, memory_order_relaxed);
}

void log_set_level(enum log_level level)
{
	/* relaxed: see log_enabled() */
	atomic_store_explicit(&min_level, (int)level, memory_order_relaxed);
}

void log_set_encoding(enum log_encoding encoding)
{
	/* relaxed: lines before and after may differ */
	atomic_store_explicit(&encoding_now, (int)encoding, memory_order_relaxed);
}

void log_set_fd(int fd)
{
	out_fd = fd;
}

static void write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(out_fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void print_record(const struct log_record *rec, const char *thread)
{
	char line[LOG_LINE_BYTES];
	size_t len;

	/* relaxed: see log_set_encoding() */
	len = log_format_line(
		rec, thread,
		(enum log_encoding)atomic_load_explicit(&encoding_now, memory_order_relaxed), line);
	write_all(line, len);
}

static void fill_record(struct log_record *rec, enum log_level level, const char *mod,
			const char *event, const struct log_field *fields, size_t n_fields)
{
	rec->wall_ns = clk_wall_ns();
	rec->mod = mod;
	rec->event = event;
	rec->level = (uint8_t)level;
	log_format_pack(rec, fields, n_fields);
}

static void write_direct(enum log_level level, const char *mod, const char *event,
			 const struct log_field *fields, size_t n_fields)
{
	char name[16] = "?";
	struct log_record rec;

	pthread_getname_np(pthread_self(), name, sizeof(name));
	fill_record(&rec, level, mod, event, fields, n_fields);
	pthread_mutex_lock(&direct_lock);
	print_record(&rec, name);
	pthread_mutex_unlock(&direct_lock);
}

void log_write(enum log_level level, const char *mod, const char *event,
	       const struct log_field *fields, size_t n_fields)
{
	struct port *p = my_port;

	if (!p) {
		write_direct(level, mod, event, fields, n_fields);
		return;
	}
	if (ring_room(&p->ring) == 0) {
		/* relaxed: a counter with one writer */
		uint64_t n = atomic_load_explicit(&p->dropped, memory_order_relaxed);

		/* relaxed: a counter with one writer */
		atomic_store_explicit(&p->dropped, n + 1, memory_order_relaxed);
		return;
	}
	fill_record(ring_put(&p->ring), level, mod, event, fields, n_fields);
	ring_publish(&p->ring);
}

void log_thread_attach(const char *name)
{
	/* without the log thread nobody would empty the ring: write directly */
	if (!is_running)
		return;
	for (int i = 0; i < MAX_THREADS; i++) {
		struct port *p = &ports[i];
		int expected = PORT_FREE;

		/* acquire: the log thread is done with the slot; pairs with its release of FREE */
		if (!atomic_compare_exchange_strong_explicit(&p->state, &expected, PORT_TAKEN,
							     memory_order_acquire,
							     memory_order_relaxed))
			continue;
		if (ring_init(&p->ring, RING_SLOTS, sizeof(struct log_record)) < 0) {
			/* release: the slot is as it was */
			atomic_store_explicit(&p->state, PORT_FREE, memory_order_release);
			return;
		}
		snprintf(p->name, sizeof(p->name), "%s", name);
		p->dropped_told = 0;
		/* relaxed: published by the store of state below */
		atomic_store_explicit(&p->dropped, 0, memory_order_relaxed);
		/* release: publishes ring and name; pairs with the acquire in drain_all() */
		atomic_store_explicit(&p->state, PORT_OPEN, memory_order_release);
		my_port = p;
		return;
	}
}

void log_thread_detach(void)
{
	struct port *p = TAKE(my_port);

	if (!p)
		return;
	/* release: our last records are in the ring; pairs with the acquire in drain_all() */
	atomic_store_explicit(&p->state, PORT_CLOSED, memory_order_release);
}

static void tell_dropped(struct port *p)
{
	/* relaxed: a counter */
	uint64_t now = atomic_load_explicit(&p->dropped, memory_order_relaxed);
	struct log_record rec;

	if (now == p->dropped_told)
		return;
	fill_record(&rec, LOG_WARN, "log", "records_dropped",
		    &LF_U64("count", now - p->dropped_told), 1);
	p->dropped_told = now;
	print_record(&rec, p->name);
}

static void drain_port(struct port *p)
{
	const struct log_record *rec;

	while ((rec = ring_peek(&p->ring))) {
		print_record(rec, p->name);
		ring_release(&p->ring);
	}
	tell_dropped(p);
}

static void drain_all(void)
{
	for (int i = 0; i < MAX_THREADS; i++) {
		struct port *p = &ports[i];
		/* acquire: ring and name; pairs with attach and detach */
		int state = atomic_load_explicit(&p->state, memory_order_acquire);

		if (state != PORT_OPEN && state != PORT_CLOSED)
			continue;
		drain_port(p);
		if (state == PORT_CLOSED) {
			ring_deinit(&p->ring);
			/* relaxed: a counter */
			atomic_fetch_add_explicit(&dropped_before, p->dropped_told,
						  memory_order_relaxed);
			/* relaxed: published by the store of state below */
			atomic_store_explicit(&p->dropped, 0, memory_order_relaxed);
			/* release: the slot may be taken again; pairs with attach */
			atomic_store_explicit(&p->state, PORT_FREE, memory_order_release);
		}
	}
}

static void *log_main(void *unused)
{
	struct timespec pause = {.tv_nsec = PERIOD_MS * 1000000L};

	(void)unused;
	pthread_setname_np(pthread_self(), "log");
	/* acquire: pairs with log_stop(): rings hold all there will be */
	while (!atomic_load_explicit(&is_stopping, memory_order_acquire)) {
		drain_all();
		nanosleep(&pause, NULL);
	}
	drain_all();
	return NULL;
}

int log_start(void)
{
	int r;

	/* relaxed: the thread does not run yet */
	atomic_store_explicit(&is_stopping, false, memory_order_relaxed);
	r = pthread_create(&log_thread, NULL, log_main, NULL);
	if (r)
		return err_origin(-r);
	is_running = true;
	return 0;
}

void log_stop(void)
{
	if (!is_running)
		return;
	/* release: pairs with log_main() */
	atomic_store_explicit(&is_stopping, true, memory_order_release);
	pthread_join(log_thread, NULL);
	is_running = false;
}

uint64_t log_dropped(void)
{
	/* relaxed: counters */
	uint64_t sum = atomic_load_explicit(&dropped_before, memory_order_relaxed);

	for (int i = 0; i < MAX_THREADS; i++) {
		/* relaxed: counters */
		sum += atomic_load_explicit(&ports[i].dropped, memory_order_relaxed);
	}
	return sum;
}
