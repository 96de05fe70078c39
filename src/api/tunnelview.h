/* The tunnel's state as the API shows it: a part of /v1/summary and of /metrics. API thread. */
#pragma once

#include "api/api.h"
#include "api/jsonout.h"
#include "api/prom.h"

/* "tunnel": null if there is no tunnel thread, else an object. */
void tunnelview_json(const struct api_args *args, struct jsonout *j);
/* alived_tunnel_*; nothing but alived_tunnel_enabled 0 if there is no tunnel thread. */
void tunnelview_metrics(const struct api_args *args, struct prom *p);
