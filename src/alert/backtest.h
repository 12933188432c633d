/*
 * backtest.h: a rule over the past: would have fired so many times, here and here. Pure; any
 * thread. The same machine as alerts.h, fed from an answer of the history instead of ticks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "alert/rule.h"
#include "detect/bank.h"
#include "model/alert.h"
#include "model/query.h"

#define BACKTEST_ALERTS_MAX 1000

struct backtest_series {
    const struct answer_series *series; /* of the answer */
    char *unit;                         /* of value: "bytes/s", "" for a ratio of equal ones */
    double *value; /* of each of the answer's points: what the rule looked at, say a ratio; NAN */
    double *score, *mean, *sigma; /* of each of the answer's points; NULL: rule has no anomaly */
};

struct backtest {
    size_t fired; /* times that it would have fired */
    size_t count; /* of these, kept below: each as it was resolved, or at the end of the range */
    struct alert *alerts[BACKTEST_ALERTS_MAX];
    size_t series_count;
    struct backtest_series *series;
};

/* `values` has the rule's series, by tick or by step; `per` those of its denominator, NULL for
 * none. Both with the same steps; borrowed while the back-test lives. */
struct backtest *backtest_run(const struct rule *r, const struct bank_settings *detect,
                              const struct answer *values, const struct answer *per);
void backtest_free(struct backtest *b); /* NULL allowed */
