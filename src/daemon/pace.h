/*
 * pace.h: how often the survey runs: at the interval that was asked for, and less often as soon as
 * it would use more than its share of a core. Pure arithmetic, one owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PACE_SHARE 20 /* a twentieth, 5 %, of one core at most */

struct pace {
    int64_t interval_ms; /* asked for */
    int64_t period_ms;   /* kept: a multiple of it */
    int64_t cost_ns;     /* of a round, smoothed downwards */
};

enum pace_change { PACE_SAME, PACE_SLOWED, PACE_SLOWER, PACE_RECOVERED };

void pace_init(struct pace *p, int64_t interval_ms);

/* After a round that took so much processor time. PACE_SLOWED: from now on less often than asked
 * for; PACE_SLOWER: still less often than before, or more; PACE_RECOVERED: as asked for again. */
enum pace_change pace_round(struct pace *p, int64_t cost_ns);

/* When the next round is due, from now: halfway between the points of the interval's grid, on which
 * the ticks lie, so that each finds one new survey. began_ms, now_ms: wall, of the round that has
 * just ended. */
int64_t pace_wait_ms(const struct pace *p, int64_t began_ms, int64_t now_ms);
