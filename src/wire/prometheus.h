/*
 * prometheus.h: the lines of the text exposition formats: Prometheus 0.0.4 and OpenMetrics 1.0.
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

enum prometheus_format { PROMETHEUS_TEXT, PROMETHEUS_OPENMETRICS };

/* Which of the two an Accept header prefers; NULL or neither: the older one. */
enum prometheus_format prometheus_negotiate(const char *accept);
const char *prometheus_content_type(enum prometheus_format format);

enum prometheus_type {
    PROMETHEUS_COUNTER,
    PROMETHEUS_GAUGE,
    PROMETHEUS_HISTOGRAM,
    PROMETHEUS_UNTYPED, /* OpenMetrics: unknown */
};

/* The type under which a family of this name goes out: what it is, but for those that node_exporter
 * has, too, under another one. */
enum prometheus_type prometheus_type(const char *name, enum prometheus_type own);

/* The HELP and TYPE lines of a family. `name` is what its samples are called: OpenMetrics names a
 * counter's family without "_total", and knows no counters without it. */
void prometheus_family(struct buf *b, enum prometheus_format format, const char *name,
                       enum prometheus_type type, const char *help);

/* One sample. `key` is name{label="value"} with its escapes done. */
void prometheus_sample(struct buf *b, const char *key, double value);

void prometheus_end(struct buf *b, enum prometheus_format format);
