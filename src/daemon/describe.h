/*
 * describe.h: what /api/v1/info says about engines and sandbox, as JSON members. Pure.
 */
#pragma once

#include "base/bytes.h"

struct collector_status;
struct keeper_status;
struct sandbox_report;

/* "engines":[…],"capabilities":[…]; one reference, NULL without memory. */
struct bytes *describe_engines(const struct collector_status *status);

/* "sandbox":{…}: what holds this process in, and how the keeper is doing; likewise. */
struct bytes *describe_sandbox(const struct sandbox_report *report,
                               const struct keeper_status *keeper);
