/* The doctor's look at routes. */
#pragma once

#include "ctl/ctl_doctor.h"

void ctl_doctor_routes(struct ctl_doctor *d);
