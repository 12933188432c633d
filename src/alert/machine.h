/*
 * machine.h: what follows from a condition over time: the states of one (rule, series). Durations
 * are measured by the time that ticks say has passed, so a clock that is set changes nothing.
 *
 *                 holds                    has held for `for`
 *   INACTIVE ---------------> PENDING --------------------------> FIRING --+
 *      ^  ^                      |                                  |  ^   | more severe at once,
 *      |  +----- is over --------+                                  |  +---+ less after `keep`
 *      +----------------- has been over for `keep` -----------------+
 *
 * Acknowledged and silenced are firing to the machine; what is told is another matter (limiter.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alert/condition.h"
#include "model/alert.h"

/* A pending or firing alert of which so long (or for the rule's window, if that is longer) nothing
 * is known is over. */
#define MACHINE_STALE_MS INT64_C(300000)

enum machine_stage { STAGE_INACTIVE, STAGE_PENDING, STAGE_FIRING };

struct machine {
    enum machine_stage stage;
    enum alert_severity severity, worst; /* while firing */
    int64_t since_ns;                    /* pending since */
    int64_t known_ns;                    /* the last time that something was known */
    bool lower;                          /* the condition is over, or less severe, … */
    int64_t lower_ns;                    /* … since then */
    int highest;                         /* level meanwhile */
};

enum machine_change {
    MACHINE_STAYS,
    MACHINE_PENDS,
    MACHINE_DROPS, /* pending is over, nothing was told */
    MACHINE_FIRES,
    MACHINE_MOVES, /* another severity */
    MACHINE_RESOLVES,
};

enum machine_change machine_step(struct machine *m, const struct rule *r, const struct judgement *j,
                                 int64_t now_ns);

/* It fires already, as an earlier run left it. */
void machine_restore(struct machine *m, enum alert_severity severity, int64_t now_ns);
