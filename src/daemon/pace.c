/*
 * pace.c: see pace.h. A round that costs more than its share slows the next one at once; several
 * cheap ones in a row are needed to go faster again, and a quarter of room, so that a cost at the
 * limit does not make it go to and fro.
 */
#include "daemon/pace.h"

#include "base/check.h"
#include "base/defs.h"
#include "loop/grid.h"

#define PERIOD_MAX_MS (600 * MS_PER_S)
#define SMOOTHING 4 /* a quarter of the way down with each round */

void pace_init(struct pace *p, int64_t interval_ms)
{
    CHECK(interval_ms > 0);
    *p = (struct pace){.interval_ms = interval_ms, .period_ms = interval_ms};
}

/* The multiple of the interval in which so much processor time is its share. */
static int64_t period_for(const struct pace *p, int64_t cost_ns)
{
    int64_t least_ms = MIN(cost_ns / NS_PER_MS * PACE_SHARE, PERIOD_MAX_MS);
    return MAX((least_ms + p->interval_ms - 1) / p->interval_ms, INT64_C(1)) * p->interval_ms;
}

enum pace_change pace_round(struct pace *p, int64_t cost_ns)
{
    p->cost_ns = cost_ns >= p->cost_ns ? cost_ns : p->cost_ns - (p->cost_ns - cost_ns) / SMOOTHING;
    int64_t before_ms = p->period_ms, need_ms = period_for(p, p->cost_ns);
    int64_t roomy_ms = period_for(p, p->cost_ns + p->cost_ns / 4);
    if (need_ms > before_ms)
        p->period_ms = need_ms;
    else if (roomy_ms < before_ms)
        p->period_ms = roomy_ms;
    if (p->period_ms == before_ms)
        return PACE_SAME;
    if (before_ms == p->interval_ms)
        return PACE_SLOWED;
    return p->period_ms == p->interval_ms ? PACE_RECOVERED : PACE_SLOWER;
}

int64_t pace_wait_ms(const struct pace *p, int64_t began_ms, int64_t now_ms)
{
    int64_t half_ms = p->interval_ms / 2;
    /* The timer may have been a little early or late: the point nearest to it counts. */
    int64_t next_ms =
        grid_floor(MAX(began_ms, INT64_C(0)), p->interval_ms) + half_ms + p->period_ms;
    /* The round took longer than that, or the clock was set. */
    if (next_ms <= now_ms || next_ms - now_ms > p->period_ms + half_ms) {
        next_ms = grid_floor(MAX(now_ms, INT64_C(0)), p->interval_ms) + half_ms;
        if (next_ms <= now_ms)
            next_ms += p->interval_ms;
    }
    return next_ms - now_ms;
}
