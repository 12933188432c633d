/*
 * alerting_numbers.h: what alerting is doing, as series of the daemon. Core thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "alert/alerts.h"
#include "alert/board.h"
#include "model/metric.h"
#include "model/series.h"
#include "model/tick.h"

struct alerting_numbers;

struct alerting_counts {
    struct alerts_stats alerts;
    uint64_t not_kept; /* changes that found the queue to the disk full */
    uint32_t courier_restarts;
};

/* For so many channels. */
struct alerting_numbers *alerting_numbers_new(size_t channels);
void alerting_numbers_free(struct alerting_numbers *n); /* NULL allowed */

void alerting_numbers_sample(struct alerting_numbers *n, const struct alerting_counts *counts,
                             const struct channel_set *channels, struct registry *registry,
                             struct draft *draft);

/* Every metric that there may be, for docs/METRICS.md; NULL past the last. */
const struct metric *alerting_metric_at(size_t index, const char **ret_labels);
