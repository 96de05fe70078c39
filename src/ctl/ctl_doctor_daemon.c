#include "ctl/ctl_doctor_daemon.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/nfqueue.h"
#include "base/str.h"
#include "ctl/ctl_doctor_links.h"
#include "ctl/ctl_exec.h"
#include "ctl/ctl_health.h"
#include "ctl/ctl_http.h"
#include "ctl/ctl_proc.h"
#include "ctl/ctl_rows.h"

enum { RESERVED_FDS = 256, PATH_BYTES = 64, TEXT_BYTES = 1024 };
#define QUEUES "/proc/net/netfilter/nfnetlink_queue"
/* a setting of the unit, then a restart */
#define UNIT_SETTING                                                            \
	"mkdir -p /etc/systemd/system/alived.service.d && printf "              \
	"'[Service]\\n%s=%s\\n' > /etc/systemd/system/alived.service.d/%s.conf" \
	" && systemctl daemon-reload && systemctl restart alived"

static void freep(char **p)
{
	free(*p);
}

static void choose_sock(struct ctl_doctor *d)
{
	const char *own = d->files.app->server.unix_sock;

	d->sock = d->o->sock;
	if (strcmp(d->sock, CTL_DEFAULT_SOCK) == 0 && own && *own)
		d->sock = own;
}

static bool is_reachable(struct ctl_doctor *d)
{
	int r = ctl_doctor_links_try(d->sock, SOCK_STREAM);

	if (r == 0)
		return true;
	if (r == -EACCES) {
		ctl_findings_add(d->findings, CTL_FINDING_WARNING, "daemon_unreadable",
				 "the daemon's socket %s may not be used by this user", d->sock);
		ctl_findings_repair(d->findings, "sudo alivectl doctor%s", d->self);
		return false;
	}
	ctl_findings_add(d->findings, CTL_FINDING_ERROR, "daemon_away",
			 "no daemon answers at %s: %s", d->sock, strerrordesc_np(-r));
	ctl_findings_repair(d->findings, "systemctl start alived");
	return false;
}

static void ask(struct ctl_doctor *d)
{
	struct ctl_http_answer a = {0};

	if (ctl_http_call(d->sock, "/v1/summary", NULL, &a) == CTL_EXIT_OK && a.status == 200)
		d->summary = json_loadb(a.body, a.len, 0, NULL);
	ctl_http_answer_deinit(&a);
	if (d->summary) {
		d->pid = (pid_t)ctl_rows_int(d->summary, "pid");
		return;
	}
	ctl_findings_add(d->findings, CTL_FINDING_ERROR, "daemon_mute",
			 "the daemon takes connections at %s but gives no answer", d->sock);
	ctl_findings_repair(d->findings, "systemctl restart alived");
}

/* Rules, routes and the queue are the namespace's. */
static void look_at_namespace(struct ctl_doctor *d)
{
	char own[PATH_BYTES] = "", its[PATH_BYTES] = "", path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", d->pid);
	if (readlink(path, its, sizeof(its) - 1) < 0 ||
	    readlink("/proc/self/ns/net", own, sizeof(own) - 1) < 0 || strcmp(own, its) == 0)
		return;
	ctl_findings_add(d->findings, CTL_FINDING_WARNING, "other_namespace",
			 "the daemon runs in another network namespace: rules, routes and queue "
			 "here are not its own");
	ctl_findings_repair(d->findings, "nsenter -t %d -n alivectl doctor%s", d->pid, d->self);
}

static void look_at_health(struct ctl_doctor *d)
{
	char text[TEXT_BYTES] = "";
	struct str s = STR_OVER(text, sizeof(text));
	json_t *rest = json_copy(d->summary);
	bool is_well;

	/* why the tunnel is not proven is what the doctor looks for itself */
	json_object_del(rest, "tunnel");
	is_well = ctl_health_problems(rest, &s);
	json_decref(rest);
	if (is_well)
		return;
	ctl_findings_add(d->findings, CTL_FINDING_ERROR, "daemon_unwell", "the daemon says: %s",
			 text);
	ctl_findings_repair(d->findings, "alivectl -s %s status", d->sock);
}

void ctl_doctor_daemon(struct ctl_doctor *d)
{
	choose_sock(d);
	if (!is_reachable(d))
		return;
	ask(d);
	if (!d->summary)
		return;
	look_at_namespace(d);
	look_at_health(d);
}

/* decisions 19: what is left of the descriptors for checks at one time. */
void ctl_doctor_daemon_limits(struct ctl_doctor *d)
{
	_cleanup_(freep) char *limits = NULL;
	uint64_t n, budget, n_checks = d->files.draft->n_checks;
	char path[PATH_BYTES], value[32];

	if (!d->pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/limits", d->pid);
	if (ctl_proc_read(path, &limits) < 0 || !ctl_proc_open_files(limits, &n))
		return;
	budget = n > 2 * RESERVED_FDS ? n - RESERVED_FDS : n / 2;
	if (n_checks <= budget)
		return;
	ctl_findings_add(d->findings, CTL_FINDING_WARNING, "few_descriptors",
			 "descriptors for %ju checks at a time, and %ju checks: those beyond are "
			 "unknown (fd_limit) if all run at once",
			 (uintmax_t)budget, (uintmax_t)n_checks);
	snprintf(value, sizeof(value), "%ju", (uintmax_t)(n_checks + 4 * RESERVED_FDS));
	ctl_findings_repair(d->findings, UNIT_SETTING, "LimitNOFILE", value, "nofile");
}

/* --- rights ----------------------------------------------------------------------------------- */

static const struct right {
	const char *name;
	unsigned bit;
	const char *why;
} rights[] = {
	{"CAP_NET_ADMIN", CAP_NET_ADMIN, "to mark packets and to read the netfilter queue"},
	{"CAP_NET_RAW", CAP_NET_RAW, "to send packets with an outer header"},
};

static void miss_right(struct ctl_doctor *d, const char *who, const struct right *r)
{
	ctl_findings_add(d->findings, CTL_FINDING_ERROR, "no_right",
			 "%s lacks %s, needed %s: tunnelled checks are unknown", who, r->name,
			 r->why);
	ctl_findings_repair(d->findings, UNIT_SETTING, "AmbientCapabilities",
			    "CAP_NET_RAW CAP_NET_ADMIN CAP_SYS_NICE", "tunnel");
}

static void look_at_rights(struct ctl_doctor *d)
{
	_cleanup_(freep) char *status = NULL;
	char path[PATH_BYTES];
	uint64_t caps;

	snprintf(path, sizeof(path), "/proc/%d/status", d->pid);
	if (ctl_proc_read(path, &status) < 0 || !ctl_proc_caps(status, &caps))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		if (!(caps >> rights[i].bit & 1))
			miss_right(d, "the daemon", &rights[i]);
}

static void look_at_unit(struct ctl_doctor *d)
{
	const char *const argv[] = {"systemctl",
				    "show",
				    "-p",
				    "LoadState,User,AmbientCapabilities,CapabilityBoundingSet",
				    "alived.service",
				    NULL};
	_cleanup_(ctl_exec_deinit) struct ctl_exec e = {0};

	/* no systemd, no unit: nothing to say */
	if (ctl_exec_run(argv, NULL, &e) < 0 || e.status != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		bool has;

		if (ctl_proc_unit_has(e.out, rights[i].name, &has) && !has)
			miss_right(d, "the unit alived.service", &rights[i]);
	}
}

/* --- queue ------------------------------------------------------------------------------------ */

static void judge_queue(struct ctl_doctor *d, const struct nfqueue_row *q)
{
	uint64_t lost = q->dropped_full + q->dropped_buffer;
	unsigned max = d->files.app->check_tun.max_queue_len;

	if (q->waiting > max / 2) {
		ctl_findings_add(d->findings, CTL_FINDING_WARNING, "queue_full",
				 "%ju packets wait in queue %u, which holds %u: the daemon does "
				 "not keep up",
				 (uintmax_t)q->waiting, d->steer.queue, max);
		ctl_findings_repair(d->findings, "alivectl -s %s status", d->sock);
	}
	if (lost > 0)
		ctl_findings_add(d->findings, CTL_FINDING_NOTE, "queue_lost",
				 "queue %u lost %ju packets since the daemon opened it (queue full "
				 "%ju, buffer full %ju); check_tun.max_queue_len and socket_buffer "
				 "set its size",
				 d->steer.queue, (uintmax_t)lost, (uintmax_t)q->dropped_full,
				 (uintmax_t)q->dropped_buffer);
}

static void look_at_queue(struct ctl_doctor *d)
{
	struct nfqueue_row q;
	int r = nfqueue_read(d->steer.queue, &q);

	if (r == -ENOENT) {
		ctl_findings_add(d->findings, CTL_FINDING_ERROR, "no_queue_support",
				 "the kernel has no netfilter queue (%s is missing)", QUEUES);
		ctl_findings_repair(d->findings, "modprobe nfnetlink_queue");
	} else if (r < 0) {
		ctl_findings_add(d->findings, CTL_FINDING_WARNING, "queue_unreadable",
				 "%s cannot be read: %s", QUEUES, strerrordesc_np(-r));
		ctl_findings_repair(d->findings, "sudo alivectl doctor%s", d->self);
	} else if (r > 0) {
		judge_queue(d, &q);
	} else {
		ctl_findings_add(d->findings, CTL_FINDING_ERROR, "queue_unread",
				 "nobody reads queue %u: tunnelled checks are unknown",
				 d->steer.queue);
		ctl_findings_repair(d->findings, "systemctl restart alived");
	}
}

static void look_at_proof(struct ctl_doctor *d)
{
	static const char *const families[] = {"ipv4", "ipv6"};
	const json_t *tunnel = json_object_get(d->summary, "tunnel");

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const json_t *f = json_object_get(tunnel, families[i]);

		if (ctl_rows_int(f, "reals") > 0 && !ctl_rows_bool(f, "proven"))
			ctl_findings_add(d->findings, CTL_FINDING_NOTE, "tunnel_unproven",
					 "tunnelled checks of %s are unknown: its last test "
					 "datagram was %s",
					 families[i], ctl_rows_str(f, "rule"));
	}
}

/* --- silent VIPs ------------------------------------------------------------------------------ */

/* The IP of "IP:PORT", "[IP]:PORT" or "IP". */
static void ip_of(const char *name, char ip[ADDR_TEXT_BYTES])
{
	const char *begin = name + (*name == '['), *end = strchr(begin, *name == '[' ? ']' : ':');

	if (!end || (*name != '[' && strchr(end + 1, ':')))
		end = begin + strlen(begin);
	snprintf(ip, ADDR_TEXT_BYTES, "%.*s", (int)(end - begin), begin);
}

static void look_at_silent_vip(void *ctx, const json_t *row, int64_t now_s)
{
	struct ctl_doctor *d = ctx;
	const json_t *check;

	(void)now_s;
	for (size_t i = 0; (check = json_array_get(json_object_get(row, "checks"), i)); i++) {
		const json_t *last = json_object_get(check, "last");
		char vip[ADDR_TEXT_BYTES], real[ADDR_TEXT_BYTES];

		if (strcmp(ctl_rows_str(last, "code"), "no_reply_for_vip") != 0)
			continue;
		ip_of(ctl_rows_str(check, "connect"), vip);
		ip_of(ctl_rows_str(row, "rs"), real);
		ctl_findings_add(d->findings, CTL_FINDING_ERROR, "no_reply_for_vip",
				 "%s answers on its own address, but not for the VIP %s: it is "
				 "missing on the real",
				 real, vip);
		ctl_findings_repair(d->findings, "ssh %s ip addr add %s/%d dev lo", real, vip,
				    strchr(vip, ':') ? 128 : 32);
	}
}

/* The list is asked for only if some real was found so since the daemon's start. */
static void look_at_silent_vips(struct ctl_doctor *d)
{
	const json_t *counters = json_object_get(d->summary, "counters");
	struct ctl_http_answer a = {0};

	if (ctl_rows_int(counters, "tun_vips_silent") == 0)
		return;
	if (ctl_http_call(d->sock, "/v1/reals", NULL, &a) == CTL_EXIT_OK && a.status == 200 &&
	    !ctl_rows_each(a.body, a.len, "reals", look_at_silent_vip, d))
		ctl_findings_add(d->findings, CTL_FINDING_NOTE, "reals_unreadable",
				 "the daemon's list of reals cannot be read");
	ctl_http_answer_deinit(&a);
}

void ctl_doctor_daemon_tunnel(struct ctl_doctor *d)
{
	if (d->pid)
		look_at_rights(d);
	else
		look_at_unit(d);
	look_at_queue(d);
	look_at_proof(d);
	look_at_silent_vips(d);
}
