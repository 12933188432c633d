/*
 * select_internal.h: an engine as select.c and select_status.c know it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/select.h"

struct member {
    struct engine *engine;
    uint32_t lost;     /* capabilities it failed to give */
    uint32_t patience; /* probes to wait after the latest loss */
    uint32_t waited;
    bool chosen; /* may collect */
    bool named;  /* by the one who chose, not by "auto" */
    bool open;
    char failure[256]; /* what was lost and why, "" */
};

/* One reference. Members by falling preference. */
struct collector_status *collector_status_make(const struct engine_settings *settings,
                                               const struct member *members, size_t count);

/* Who provides a capability; NULL: nobody. */
const struct member *members_provider(const struct member *members, size_t count,
                                      enum capability capability);
