#include "ctl/ctl_doctor_routes.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/ctl_proc.h"
#include "ctl/ctl_route.h"

enum {
	PATH_BYTES = 128,
	GRE_BYTES = 4,
	V4_BYTES = 20,
	V6_BYTES = 40,
	TCP_BYTES = 20,
	LEAST_MSS = 536,        /* RFC 9293: what every TCP takes */
	LEAST_V6_PACKET = 1280, /* RFC 8200: what every IPv6 link carries */
	STRICT = 1,
};

enum seen { NOT_YET, SEEN, LOCAL };

struct look {
	struct ctl_doctor *d;
	int fd;
	uint8_t *vips; /* by d->steer.vips: enum seen */
};

static const char *ip_text(const struct addr *a)
{
	return addr_is_v4(a) ? "ip" : "ip -6";
}

static void name_device(const struct ctl_route *route, char out[IF_NAMESIZE])
{
	if (!if_indextoname(route->ifindex, out))
		snprintf(out, IF_NAMESIZE, "%s", "lo");
}

/* --- a local VIP, and the way back -------------------------------------------------------------
 */

static int sysctl_of(const char *device, const char *key)
{
	char path[PATH_BYTES], *text = NULL;
	int value = -1;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", device, key);
	if (ctl_proc_read(path, &text) == 0)
		value = (int)strtol(text, NULL, 10);
	free(text);
	return value;
}

/* The kernel takes the larger one. */
static int effective(const char *device, const char *key)
{
	int all = sysctl_of("all", key), own = sysctl_of(device, key);

	return MAX(all, own);
}

/* An answer comes in by device, with the VIP as its source. The commands have slashes since names
 * of VLAN devices have dots. */
static void look_at_answers(const struct look *l, const struct addr *vip, const char *device,
			    const struct ctl_route *to_vip, const struct ctl_route *to_real)
{
	bool is_elsewhere = to_vip->is_local || to_vip->ifindex != to_real->ifindex;
	char text[ADDR_TEXT_BYTES];

	addr_format(vip, text);
	if (to_vip->is_local && effective(device, "accept_local") == 0) {
		ctl_findings_add(l->d->findings, CTL_FINDING_ERROR, "no_accept_local",
				 "VIP %s is this machine's own address too: its answers to checks, "
				 "coming in by %s, are dropped (accept_local is 0)",
				 text, device);
		ctl_findings_repair(l->d->findings, "sysctl -w net/ipv4/conf/%s/accept_local=1",
				    device);
	}
	if (is_elsewhere && effective(device, "rp_filter") == STRICT) {
		ctl_findings_add(
			l->d->findings, CTL_FINDING_ERROR, "rp_filter",
			"answers of VIP %s come in by %s, where no route leads to it: they "
			"are dropped (rp_filter is 1)",
			text, device);
		ctl_findings_repair(l->d->findings, "sysctl -w net/ipv4/conf/%s/rp_filter=2",
				    device);
	}
}

/* --- routes ------------------------------------------------------------------------------------
 */

static int by_addr(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static const struct addr *find_vip(const struct look *l, const struct addr *vip)
{
	return bsearch(vip, l->d->steer.vips, l->d->steer.n_vips, sizeof(*vip), by_addr);
}

/* For a local address the kernel chooses that very address as the source: the real would answer
 * itself. */
static void look_at_source(const struct look *l, const struct draft_check *c,
			   const struct ctl_route *real)
{
	const struct addr *at = find_vip(l, &c->connect_ip);
	char text[ADDR_TEXT_BYTES], source[ADDR_TEXT_BYTES] = "ADDRESS";

	if (!at || l->vips[at - l->d->steer.vips] != LOCAL || !addr_is_unset(&c->profile.bindto))
		return;
	addr_format(at, text);
	if (!addr_is_unset(&real->source) && addr_is_v4(&real->source) == addr_is_v4(at))
		addr_format(&real->source, source);
	ctl_findings_add(l->d->findings, CTL_FINDING_ERROR, "no_bindto",
			 "VIP %s is this machine's own address too, and its checks have no bindto: "
			 "the real would answer itself",
			 text);
	ctl_findings_repair(l->d->findings,
			    "alivectl reload, after 'bindto %s' was added to the checks of %s",
			    source, text);
}

static void look_at_vip(const struct look *l, const struct addr *vip, const struct ctl_route *real)
{
	const struct addr *at = find_vip(l, vip);
	char device[IF_NAMESIZE], text[ADDR_TEXT_BYTES];
	struct ctl_route route;
	int r;

	if (!at || l->vips[at - l->d->steer.vips] != NOT_YET)
		return;
	addr_format(vip, text);
	name_device(real, device);
	r = ctl_route_get(l->fd, vip, l->d->steer.first, &route);
	l->vips[at - l->d->steer.vips] = r == 0 && route.is_local ? LOCAL : SEEN;
	if (r == 0) {
		if (addr_is_v4(vip))
			look_at_answers(l, vip, device, &route, real);
		return;
	}
	ctl_findings_add(
		l->d->findings, CTL_FINDING_ERROR, "no_route_to_vip",
		"no route to VIP %s: %s. Checks need one, though their packets leave by the "
		"tunnel",
		text, strerrordesc_np(-r));
	ctl_findings_repair(l->d->findings, "%s route replace %s/%d dev %s", ip_text(vip), text,
			    addr_is_v4(vip) ? 32 : 128, device);
}

static bool find_real(const struct look *l, const struct addr *ip, struct ctl_route *ret)
{
	char text[ADDR_TEXT_BYTES];
	int r = ctl_route_get(l->fd, ip, 0, ret);

	if (r == 0)
		return true;
	addr_format(ip, text);
	ctl_findings_add(l->d->findings, CTL_FINDING_ERROR, "no_route_to_real",
			 "no route to real %s: %s", text, strerrordesc_np(-r));
	ctl_findings_repair(l->d->findings, "%s route add %s/%d via GATEWAY", ip_text(ip), text,
			    addr_is_v4(ip) ? 32 : 128);
	return false;
}

/* --- sizes -------------------------------------------------------------------------------------
 */

static int mtu_of(const struct ctl_route *route, const char *device)
{
	struct ifreq req = {0};
	int fd, r;

	if (route->mtu)
		return (int)route->mtu;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", device);
	r = ioctl(fd, SIOCGIFMTU, &req);
	close(fd);
	return r < 0 ? 0 : req.ifr_mtu;
}

static void look_at_size(const struct look *l, const struct draft_real *real,
			 const struct addr *vip, const struct ctl_route *route)
{
	int outer = real->lvs_method == LVS_DR ? 0 : addr_is_v4(&real->ip) ? V4_BYTES : V6_BYTES;
	int inner = addr_is_v4(vip) ? V4_BYTES : V6_BYTES, mtu, left;
	char device[IF_NAMESIZE], text[ADDR_TEXT_BYTES];

	name_device(route, device);
	mtu = mtu_of(route, device);
	left = mtu - outer - (real->lvs_method == LVS_GRE ? GRE_BYTES : 0);
	if (mtu == 0 ||
	    (left - inner - TCP_BYTES >= LEAST_MSS && (addr_is_v4(vip) || left >= LEAST_V6_PACKET)))
		return;
	addr_format(&real->ip, text);
	ctl_findings_add(l->d->findings, CTL_FINDING_WARNING, "small_mtu",
			 "the route to real %s carries packets of %d bytes, %d with the tunnel's "
			 "header: segments of %d bytes",
			 text, mtu, left, left - inner - TCP_BYTES);
	if (route->mtu)
		ctl_findings_repair(l->d->findings, "%s route flush cache", ip_text(&real->ip));
	else
		ctl_findings_repair(l->d->findings, "ip link set %s mtu 1500", device);
}

/* --- direct routing ------------------------------------------------------------------------------
 */

static void look_at_link(const struct look *l, const struct draft_real *real,
			 const struct ctl_route *route)
{
	char device[IF_NAMESIZE], text[ADDR_TEXT_BYTES];

	if (real->lvs_method != LVS_DR || !route->has_gateway)
		return;
	name_device(route, device);
	addr_format(&real->ip, text);
	ctl_findings_add(l->d->findings, CTL_FINDING_ERROR, "real_behind_router",
			 "real %s has lvs_method DR but stands behind a router: its hardware "
			 "address cannot be had",
			 text);
	ctl_findings_repair(l->d->findings, "%s route replace %s/%d dev %s", ip_text(&real->ip),
			    text, addr_is_v4(&real->ip) ? 32 : 128, device);
}

/* --- all ---------------------------------------------------------------------------------------
 */

static void look_at_real(const struct look *l, const struct draft_real *real)
{
	struct ctl_route route;

	for (const struct draft_check *c = real->checks; c; c = c->next) {
		if (!find_real(l, c->is_tunnelled ? &real->ip : &c->connect_ip, &route))
			return;
		if (!c->is_tunnelled)
			continue;
		look_at_vip(l, &c->connect_ip, &route);
		look_at_source(l, c, &route);
		look_at_size(l, real, &c->connect_ip, &route);
		look_at_link(l, real, &route);
	}
}

void ctl_doctor_routes(struct ctl_doctor *d)
{
	struct look l = {.d = d, .fd = ctl_route_open()};

	l.vips = calloc(d->steer.n_vips + 1, sizeof(*l.vips));
	for (const struct draft_service *s = d->files.draft->services; s && l.fd >= 0 && l.vips;
	     s = s->next)
		for (const struct draft_real *r = s->reals; r; r = r->next)
			look_at_real(&l, r);
	free(l.vips);
	if (l.fd >= 0)
		close(l.fd);
}
