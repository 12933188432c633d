/*
 * channel.h: what a viewer may subscribe to. Names are those of CONTRACT section 5.
 */
#pragma once

#include <stdbool.h>

#include "model/table.h"

enum channel {
    CHANNEL_METRICS,
    CHANNEL_EVENTS,
    CHANNEL_INTERFACES,
    CHANNEL_CONNECTIONS,
    CHANNEL_PROCESSES,
    CHANNEL_FLOWS,
    CHANNEL_DNS,
    CHANNEL_PERFORMANCE,
    CHANNEL_ALERTS,
    CHANNEL_ANOMALIES,
    CHANNEL_BASELINE,
    CHANNEL_BENCHMARK,
    CHANNELS
};

const char *channel_name(enum channel c);
int channel_parse(const char *name, enum channel *ret); /* 0 or -ENOENT */

/* Whether it is one of documents that the hub is given, see journal.h. */
bool channel_is_journal(enum channel c);

/* The table that a channel carries. False: it carries none. */
bool channel_table(enum channel c, enum table_kind *ret);
