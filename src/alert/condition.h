/*
 * condition.h: is what a rule says true of this series now? The first half of what a rule does, the
 * same for ticks and for back-tests; machine.h has the second: what follows from it over time. Core
 * thread or a back-test's; pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alert/rule.h"
#include "alert/window.h"
#include "detect/bank.h"

/* What was read of one series in one tick. */
struct reading {
    bool sampled;  /* the series was there, even if no honest rate was */
    bool excluded; /* by `where`: nothing is wrong with it */
    double value;  /* as shown; NAN: none */
    double per;    /* what it is divided by; NAN: none; without `per` 1 */
    int64_t elapsed_ns;
    const struct verdict *verdict; /* NULL: the rule has no anomaly */
};

/* 0: nothing is wrong; else 1 + enum alert_severity. */
#define LEVEL_CALM 0

struct judgement {
    bool known; /* false: no data, nothing can be said */
    int level;
    enum alert_reason reason;   /* of the level; of no use when calm */
    double value, threshold, z; /* NAN: none */
    double mean, sigma;         /* of the verdict */
};

struct condition {
    struct window *window; /* NULL: each sample */
    bool well;             /* a sample was on the right side of the thresholds (`edge`) */
    int64_t silent_ns;     /* since the last sample */
};

void condition_init(struct condition *c, const struct rule *r);
void condition_fini(struct condition *c);

/* One tick. firing: whether an alert of it is firing, which makes `clear` count. */
void condition_step(struct condition *c, const struct rule *r, const struct reading *in,
                    bool firing, struct judgement *ret);
