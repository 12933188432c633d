/*
 * timings.h: how long the stages of a tick and the way to the viewers take, as histograms in the
 * form of Prometheus: series of _bucket{le}, _sum and _count. Sampled on the core thread in every
 * tick.
 */
#pragma once

#include <stddef.h>

#include "hub/performance.h"
#include "model/metric.h"
#include "model/series.h"
#include "model/tick.h"

struct timings;

struct timings *timings_new(const struct performance *performance); /* borrowed */
void timings_free(struct timings *t);                               /* NULL allowed */
void timings_sample(struct timings *t, struct registry *registry, struct draft *draft);

/* Every metric it makes with the names of its labels, for docs/METRICS.md; NULL past the last. */
const struct metric *timings_metric_at(size_t index, const char **ret_labels);
