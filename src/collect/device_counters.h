/*
 * device_counters.h: rows of numbers by device (and kind), one series for each number: queueing
 * disciplines, network cards. Core thread. In each tick: begin, row for each, end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "collect/engine.h"
#include "collect/sampler.h"

struct device_counters;

/* The sampler and the `count` metrics (64 at most) are borrowed. */
struct device_counters *device_counters_new(struct sampler *sampler, const struct metric *metrics,
                                            size_t count);
void device_counters_free(struct device_counters *d);   /* NULL allowed */
void device_counters_forget(struct device_counters *d); /* all series, to be asked for again */

void device_counters_begin(struct device_counters *d);
/* kind: a second label, NULL for none. has: which of the values there are, bits. source: who
 * counts, see draft_counter. A row that is there twice counts once. */
void device_counters_row(struct device_counters *d, const struct engine_sink *sink,
                         const char *device, const char *kind, uint64_t source, uint64_t has,
                         const uint64_t *values);
void device_counters_end(struct device_counters *d); /* forgets those without a row */
