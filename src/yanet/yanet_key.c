#include "yanet/yanet_key.h"

bool yanet_key_make(const struct service_spec *service, const struct real_spec *real,
		    struct yanet_key *ret)
{
	if (addr_is_unset(&service->vip) || addr_is_unset(&real->ip) ||
	    (service->proto != L4_TCP && service->proto != L4_UDP))
		return false;
	*ret = (struct yanet_key){
		.vip = service->vip,
		.rip = real->ip,
		.vport = service->port,
		.rport = real->port,
		.proto = service->proto,
		.has_vport = service->flags & SERVICE_HAS_PORT,
		.has_rport = real->flags & REAL_HAS_PORT,
	};
	return true;
}
