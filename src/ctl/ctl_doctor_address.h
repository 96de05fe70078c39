/* The doctor's look at the interface of announcer.require_local_address, and at the VIPs that are
 * to be on it. */
#pragma once

#include "ctl/ctl_doctor.h"

void ctl_doctor_address(struct ctl_doctor *d);
