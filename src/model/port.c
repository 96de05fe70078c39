#include "model/port.h"

#include <errno.h>

#include "base/err.h"
#include "model/job.h"
#include "model/result.h"

int port_init(struct port *p, uint32_t slots, struct wake *agg_bell)
{
	*p = (struct port){.bell.fd = -1, .agg_bell = agg_bell};
	if (ring_init(&p->jobs, slots, sizeof(struct job)) < 0 ||
	    ring_init(&p->dones, slots, sizeof(struct done)) < 0 ||
	    ring_init(&p->results, slots, sizeof(struct result)) < 0 || wake_init(&p->bell) < 0) {
		port_deinit(p);
		return err_origin(-ENOMEM);
	}
	return 0;
}

void port_deinit(struct port *p)
{
	ring_deinit(&p->jobs);
	ring_deinit(&p->dones);
	ring_deinit(&p->results);
	wake_deinit(&p->bell);
}
