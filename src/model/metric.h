/*
 * metric.h: what is measured, apart from where. A metric has a name (CONTRACT section 7), a unit
 * and a kind; a series is a metric with labels. Descriptors are immutable and live for ever.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind {
    METRIC_COUNTER, /* a kernel count that only grows until its source restarts */
    METRIC_GAUGE,
};

struct metric {
    const char *name; /* e.g. "node_network_receive_bytes_total" */
    const char *unit; /* base unit in the plural: "bytes", "packets", "seconds", "" if a number */
    const char *help; /* one sentence, plain text */
    enum metric_kind kind;
    double scale; /* shown value = integer count * scale; 1 but for counters of fractions, e.g.
                     1e-9 for nanoseconds shown as seconds. Gauges are stored as shown. */
};

const char *metric_kind_name(enum metric_kind kind); /* "counter" | "gauge" */
