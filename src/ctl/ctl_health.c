#include "ctl/ctl_health.h"

#include <string.h>

#include "base/str.h"
#include "ctl/ctl_rows.h"
#include "ctl/ctl_table.h"

enum { PROBLEMS_BYTES = 1024 };

static void add_problem(struct str *s, bool *is_well, const char *text, const char *what,
			long long n)
{
	if (s) {
		if (!*is_well)
			str_puts(s, "; ");
		str_puts(s, text);
		if (what)
			str_putf(s, " %s", what);
		if (n)
			str_putf(s, " for %lld s", n);
	}
	*is_well = false;
}

static void check_threads(const json_t *threads, struct str *s, bool *is_well)
{
	const json_t *t;

	for (size_t i = 0; (t = json_array_get(threads, i)); i++) {
		if (!ctl_rows_bool(t, "alive"))
			add_problem(s, is_well, "no sign of life from thread",
				    ctl_rows_str(t, "name"), ctl_rows_int(t, "silent_ms") / 1000);
	}
}

static bool needs_tunnel(const json_t *family)
{
	return ctl_rows_int(family, "reals") > 0;
}

/* Only what some check needs: a host without IPv6 rules and without IPv6 VIPs is well. */
static void check_tunnel(const json_t *tunnel, struct str *s, bool *is_well)
{
	static const char *const families[] = {"ipv4", "ipv6"};
	const json_t *f[] = {json_object_get(tunnel, families[0]),
			     json_object_get(tunnel, families[1])};

	if (!needs_tunnel(f[0]) && !needs_tunnel(f[1]))
		return;
	if (strcmp(ctl_rows_str(tunnel, "state"), "open") != 0) {
		add_problem(s, is_well, "tunnelled checks are unknown, the tunnel is closed:",
			    ctl_rows_str(tunnel, "error"), 0);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		if (needs_tunnel(f[i]) && !ctl_rows_bool(f[i], "proven"))
			add_problem(s, is_well,
				    "tunnelled checks are unknown, not proven:", families[i], 0);
}

bool ctl_health_problems(const json_t *summary, struct str *ret)
{
	const json_t *balancer = json_object_get(summary, "balancer");
	const json_t *announcer = json_object_get(summary, "announcer");
	bool is_well = true, has_balancer, has_announcer;

	has_balancer = strcmp(ctl_rows_str(balancer, "backend"), "none") != 0;
	has_announcer = strcmp(ctl_rows_str(announcer, "backend"), "none") != 0;
	if (ctl_rows_bool(summary, "blind"))
		add_problem(ret, &is_well, "blind: most hosts fail at once, removals are frozen",
			    NULL, 0);
	if (has_balancer && !ctl_rows_bool(balancer, "connected"))
		add_problem(ret, &is_well, "the balancer does not answer", NULL, 0);
	if (has_announcer &&
	    ctl_rows_int(announcer, "groups_synced") < ctl_rows_int(announcer, "groups"))
		add_problem(ret, &is_well, "the announcer does not take every group", NULL, 0);
	check_tunnel(json_object_get(summary, "tunnel"), ret, &is_well);
	check_threads(json_object_get(summary, "threads"), ret, &is_well);
	return is_well;
}

static void print_counts(const json_t *summary, FILE *to, const char *key,
			 const char *const words[3])
{
	const json_t *o = json_object_get(summary, key);

	fprintf(to, "%-10s %lld %s, %lld %s, %lld %s", key, ctl_rows_int(o, words[0]), words[0],
		ctl_rows_int(o, words[1]), words[1], ctl_rows_int(o, words[2]), words[2]);
	if (strcmp(key, "reals") == 0)
		fprintf(to, "; %lld enabled", ctl_rows_int(summary, "reals_enabled"));
	if (strcmp(key, "checks") == 0 && ctl_rows_int(summary, "certs_expiring"))
		fprintf(to, "; %lld with a certificate that ends soon",
			ctl_rows_int(summary, "certs_expiring"));
	fputc('\n', to);
}

static void print_objects(const json_t *summary, FILE *to)
{
	static const char *const states[] = {"up", "down", "undecided"};
	static const char *const routes[] = {"announced", "withdrawn", "undecided"};

	print_counts(summary, to, "checks", states);
	print_counts(summary, to, "reals", states);
	print_counts(summary, to, "services", states);
	print_counts(summary, to, "prefixes", routes);
}

static void print_peers(const json_t *summary, FILE *to)
{
	const json_t *b = json_object_get(summary, "balancer");
	const json_t *a = json_object_get(summary, "announcer");

	fprintf(to, "balancer   %s", ctl_rows_str(b, "backend"));
	if (strcmp(ctl_rows_str(b, "backend"), "none") != 0)
		fprintf(to, ", %s, %lld modules, %lld undelivered, %lld absent, %lld foreign",
			ctl_rows_bool(b, "connected") ? "connected" : "away",
			ctl_rows_int(b, "modules"), ctl_rows_int(b, "undelivered"),
			ctl_rows_int(b, "absent"), ctl_rows_int(b, "foreign"));
	fprintf(to, "\nannouncer  %s", ctl_rows_str(a, "backend"));
	if (strcmp(ctl_rows_str(a, "backend"), "none") != 0)
		fprintf(to, ", %lld of %lld groups synced, %lld unsent",
			ctl_rows_int(a, "groups_synced"), ctl_rows_int(a, "groups"),
			ctl_rows_int(a, "unsent"));
	fputc('\n', to);
}

static void print_family(const json_t *tunnel, const char *name, FILE *to)
{
	const json_t *f = json_object_get(tunnel, name);
	long long n = ctl_rows_int(f, "reals");

	if (n > 0)
		fprintf(to, ", %s %s for %lld reals", name, ctl_rows_str(f, "rule"), n);
}

static void print_tunnel(const json_t *summary, FILE *to)
{
	const json_t *t = json_object_get(summary, "tunnel");
	const json_t *queue = json_object_get(t, "kernel_queue");
	const json_t *latency = json_object_get(t, "latency");
	long long n = ctl_rows_int(latency, "packets");

	if (!json_is_object(t))
		return;
	fprintf(to, "tunnel     %s, queue %lld", ctl_rows_str(t, "state"),
		ctl_rows_int(t, "queue"));
	print_family(t, "ipv4", to);
	print_family(t, "ipv6", to);
	fprintf(to, "; %lld packets", n);
	if (n > 0)
		fprintf(to, ", %lld us each", ctl_rows_int(latency, "sum_us") / n);
	fprintf(to, ", %lld waiting, %lld lost\n", ctl_rows_int(queue, "waiting"),
		ctl_rows_int(t, "lost"));
}

static void print_head(const json_t *summary, FILE *to)
{
	int64_t now_s = ctl_rows_time(ctl_rows_str(summary, "now"));
	char up[CTL_ROWS_AGE_BYTES], loaded[CTL_ROWS_AGE_BYTES];

	ctl_rows_age_of(summary, "started", now_s, up);
	ctl_rows_age_of(summary, "loaded", now_s, loaded);
	fprintf(to, "alived     %s, pid %lld, up %s\n", ctl_rows_str(summary, "version"),
		ctl_rows_int(summary, "pid"), up);
	fprintf(to, "config     generation %lld, read %s%s%s\n",
		ctl_rows_int(summary, "generation"), loaded,
		strcmp(loaded, "never") == 0 || strcmp(loaded, "now") == 0 ? "" : " ago",
		ctl_rows_bool(summary, "warm") ? "" : "; first verdicts are not complete");
}

void ctl_health_print(const json_t *summary, FILE *to, bool is_coloured)
{
	char text[PROBLEMS_BYTES] = "ok";
	struct str s = STR_OVER(text, sizeof(text));
	bool is_well = ctl_health_problems(summary, &s);

	print_head(summary, to);
	fputs("health     ", to);
	ctl_table_put(to, is_coloured, is_well ? CTL_TABLE_GREEN : CTL_TABLE_RED, text);
	fputc('\n', to);
	print_objects(summary, to);
	print_peers(summary, to);
	print_tunnel(summary, to);
}
