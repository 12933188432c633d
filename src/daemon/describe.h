/*
 * describe.h: what /api/v1/info says about engines, as JSON members. Pure.
 */
#pragma once

#include "base/bytes.h"

struct collector_status;

/* "engines":[…],"capabilities":[…]; one reference, NULL without memory. */
struct bytes *describe_engines(const struct collector_status *status);
