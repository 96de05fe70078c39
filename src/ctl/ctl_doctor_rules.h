/* The doctor's look at host rules: is the steering rule there, and does nothing stand before it?.
 */
#pragma once

#include "ctl/ctl_doctor.h"

void ctl_doctor_rules(struct ctl_doctor *d);
