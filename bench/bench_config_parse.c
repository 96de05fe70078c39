/* services.conf → draft: 100,000 HTTP checks in services of ten, one real each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "config/app_config.h"
#include "config/diag.h"
#include "config/services_parse.h"

enum { SERVICES = 10000, REALS = 10, ROUNDS = 15, SERVICE_BYTES = 8192 };

static char no_text[] = "";

static size_t put_service(char *out, unsigned s)
{
	size_t n = (size_t)snprintf(
		out, SERVICE_BYTES,
		"virtual_server 2001:db8:%x::1 443 {\n\tprotocol TCP\n\tlvs_method TUN\n"
		"\tlvs_sched wrr\n\tquorum 1\n\thysteresis 0\n\tvirtualhost www%u.example.org\n"
		"\tannounce_group default\n\tdelay_loop 10\n",
		s + 1, s);

	for (unsigned r = 1; r <= REALS; r++)
		n += (size_t)snprintf(out + n, SERVICE_BYTES - n,
				      "\n\treal_server 2001:db8:ffff:%x::%x 443 {\n"
				      "\t\tweight %u\n\t\tHTTP_GET {\n\t\t\turl {\n"
				      "\t\t\t\tpath /ping\n\t\t\t\tstatus_code 200\n\t\t\t}\n"
				      "\t\t\tconnect_ip 2001:db8:%x::1\n\t\t\tconnect_port 443\n"
				      "\t\t\tconnect_timeout 1.5\n\t\t\tnb_get_retry 1\n"
				      "\t\t\tdelay_before_retry 1\n\t\t}\n\t}\n",
				      s + 1, r, r, s + 1);
	n += (size_t)snprintf(out + n, SERVICE_BYTES - n, "}\n");
	return n;
}

static uint64_t parse_once(const struct app_config *app, const char *text, size_t len,
			   uint32_t *ret_checks)
{
	struct source *source = source_new();
	struct diag *diag = diag_new(source);
	struct draft *draft = NULL;
	uint64_t start = clk_mono_ns(), ns;

	if (services_parse_text("bench", text, len, app, source, diag, &draft) != 0)
		diag_print(diag, 2);
	ns = clk_mono_ns() - start;
	*ret_checks = draft ? draft->n_checks : 0;
	draft_free(draft);
	diag_free(diag);
	source_free(source);
	return ns;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	struct app_config app = {.tls_min_version = TLS_V1_2};
	char *text = malloc((size_t)SERVICES * SERVICE_BYTES);
	uint64_t ns[ROUNDS];
	uint32_t checks = 0;
	size_t len = 0;

	if (!text)
		return 1;
	app.check_tun.run_check_tun = true;
	app.experiments.replace_mh_with = no_text;
	app.announcer.n_groups = 1;
	memcpy(app.announcer.groups[0], "default", 8);
	for (unsigned s = 0; s < SERVICES; s++)
		len += put_service(text + len, s);
	for (unsigned i = 0; i < ROUNDS; i++) {
		ns[i] = parse_once(&app, text, len, &checks);
		if (checks != SERVICES * REALS)
			return 1;
	}
	free(text);
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	printf("{\"name\":\"config_parse\",\"n\":%u,\"bytes\":%zu,\"ns_per_op\":%.1f,"
	       "\"p50_ms\":%.1f,\"p99_ms\":%.1f}\n",
	       checks, len, (double)ns[ROUNDS / 2] / checks, (double)ns[ROUNDS / 2] / 1e6,
	       (double)ns[ROUNDS - 1] / 1e6);
	return 0;
}
