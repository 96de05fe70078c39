#include "ctl/ctl_doctor_links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int ctl_doctor_links_try(const char *path, int type)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd, r;

	if (len >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, len + 1);
	/* a full queue is not waited for */
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno != EAGAIN ? -errno : 0;
	close(fd);
	return r;
}

static void look_at(struct ctl_doctor *d, const char *id, const char *who, const char *path,
		    int type)
{
	int r = ctl_doctor_links_try(path, type);

	if (r == 0)
		return;
	ctl_findings_add(d->findings, CTL_FINDING_ERROR, id, "%s cannot be reached at %s: %s", who,
			 path, strerrordesc_np(-r));
	if (r == -EACCES || r == -EPERM)
		ctl_findings_repair(d->findings, "ls -l %s", path);
	else
		ctl_findings_repair(d->findings, "systemctl restart %s", who);
}

/* Each announce group has a socket of BIRD's, GROUP_m2b (spec/announce). */
static void look_at_groups(struct ctl_doctor *d)
{
	const struct app_config *app = d->files.app;
	char path[256];

	for (uint32_t i = 0; i < app->announcer.n_groups; i++) {
		snprintf(path, sizeof(path), "%s/%s_m2b", app->bird.sock_dir,
			 app->announcer.groups[i]);
		look_at(d, "bird_away", "bird", path, SOCK_DGRAM);
	}
}

void ctl_doctor_links(struct ctl_doctor *d)
{
	const struct app_config *app = d->files.app;

	if (app->balancer.backend == BALANCER_YANET)
		look_at(d, "yanet_away", "yanet-controlplane", app->yanet.control_plane_sock_path,
			SOCK_STREAM);
	if (app->announcer.backend & ANNOUNCER_BIRD)
		look_at_groups(d);
	if (app->announcer.backend & ANNOUNCER_BIRD2)
		look_at(d, "bird_away", "bird", app->bird2.ctl_sock, SOCK_STREAM);
	if (app->announcer.backend & ANNOUNCER_BIRD_LIST)
		look_at(d, "bird_away", "bird", app->bird_list.ctl_sock, SOCK_STREAM);
}
