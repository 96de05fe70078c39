#include "ctl/ctl_doctor_address.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_exec.h"
#include "ctl/ctl_rows.h"

struct addresses {
	struct addr *at; /* sorted */
	size_t n;
};

static void addresses_deinit(struct addresses *a)
{
	free(a->at);
}

static int compare(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static bool has(const struct addresses *a, const struct addr *want)
{
	return a->n && bsearch(want, a->at, a->n, sizeof(*a->at), compare);
}

/* --- what should be there ------------------------------------------------------------------------
 */

/* The VIPs that are announced. */
static void take_vips(const struct draft *draft, struct addresses *vips)
{
	vips->at = calloc(draft->n_services + 1, sizeof(*vips->at));
	ASSERT(vips->at);
	for (const struct draft_service *s = draft->services; s; s = s->next) {
		if (s->group)
			vips->at[vips->n++] = s->vip;
	}
	qsort(vips->at, vips->n, sizeof(*vips->at), compare);
}

/* --- what is there -------------------------------------------------------------------------------
 */

/* key NULL: all, but those that duplicate address detection refused; else those that have it. */
static void take_local(const json_t *list, const char *key, struct addresses *local)
{
	const json_t *info;

	local->at = calloc(json_array_size(list) + 1, sizeof(*local->at));
	ASSERT(local->at);
	for (size_t i = 0; (info = json_array_get(list, i)); i++) {
		const char *text = ctl_rows_str(info, "local");
		bool is_wanted = key ? ctl_rows_bool(info, key) : !ctl_rows_bool(info, "dadfailed");

		if (is_wanted && addr_parse(text, strlen(text), &local->at[local->n]) == ADDR_OK)
			local->n++;
	}
	qsort(local->at, local->n, sizeof(*local->at), compare);
}

/* NULL, and a finding, if the interface's addresses cannot be had. */
static json_t *ask(struct ctl_doctor *d, const char *ifname)
{
	const char *const argv[] = {"ip", "-json", "addr", "show", "dev", ifname, NULL};
	_cleanup_(ctl_exec_deinit) struct ctl_exec e = {0};
	int r = ctl_exec_run(argv, NULL, &e);
	json_t *j = r == 0 && e.status == 0 ? json_loads(e.out, 0, NULL) : NULL;

	if (!j)
		ctl_findings_add(d->findings, CTL_FINDING_NOTE, "addresses_unreadable",
				 "ip -json addr show dev %s gives no answer", ifname);
	return j;
}

/* --- judging -------------------------------------------------------------------------------------
 */

static void miss(struct ctl_doctor *d, const struct addr *vip, const char *ifname, bool is_refused)
{
	char text[ADDR_TEXT_BYTES];
	int len = addr_is_v4(vip) ? 32 : 128;

	addr_format(vip, text);
	if (is_refused) {
		ctl_findings_add(d->findings, CTL_FINDING_WARNING, "vip_refused",
				 "VIP %s is on %s, but duplicate address detection refused it, for "
				 "another machine has it: it is not announced",
				 text, ifname);
		ctl_findings_repair(d->findings,
				    "ip addr del %s/%d dev %s; ip addr add %s/%d dev %s nodad",
				    text, len, ifname, text, len, ifname);
		return;
	}
	ctl_findings_add(d->findings, CTL_FINDING_WARNING, "vip_not_local",
			 "VIP %s is not on %s (announcer.require_local_address): it is not "
			 "announced",
			 text, ifname);
	ctl_findings_repair(d->findings, "ip addr add %s/%d dev %s", text, len, ifname);
}

static void compare_all(struct ctl_doctor *d, const json_t *list, const char *ifname)
{
	_cleanup_(addresses_deinit) struct addresses vips = {0}, local = {0}, refused = {0};

	take_vips(d->files.draft, &vips);
	take_local(list, NULL, &local);
	take_local(list, "dadfailed", &refused);
	for (size_t i = 0; i < vips.n; i++) {
		bool is_new = i == 0 || !addr_eq(&vips.at[i], &vips.at[i - 1]);

		if (is_new && !has(&local, &vips.at[i]))
			miss(d, &vips.at[i], ifname, has(&refused, &vips.at[i]));
	}
}

void ctl_doctor_address(struct ctl_doctor *d)
{
	const char *ifname = d->files.app->announcer.require_local_address;
	json_t *j;

	if (!*ifname)
		return;
	if (!if_nametoindex(ifname)) {
		ctl_findings_add(d->findings, CTL_FINDING_ERROR, "no_vip_interface",
				 "there is no interface %s (announcer.require_local_address): "
				 "nothing is announced",
				 ifname);
		ctl_findings_repair(d->findings, "ip link add %s type dummy && ip link set %s up",
				    ifname, ifname);
		return;
	}
	j = ask(d, ifname);
	if (j)
		compare_all(d, json_object_get(json_array_get(j, 0), "addr_info"), ifname);
	json_decref(j);
}
