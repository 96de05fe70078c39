/* Backend bird2's own way (bird2_kind.h): one file of static routes per announce group. */
#pragma once

#include "announce/bird2_kind.h"

/* Borrows app's texts. */
struct bird2_kind bird2_routes_kind(const struct app_config *app);
