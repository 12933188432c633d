/*
 * steps.c: how fine an answer is: from which tier, in which steps.
 *
 * The step is the smallest multiple of the stored interval of which the points asked for are as
 * long as the range, aligned to multiples of itself since 1970, so that asking again a moment later
 * moves no step. Where ticks of several intervals lie in the range the largest counts, or steps
 * would be empty that were not.
 *
 * The tier is the finest that reaches back to the beginning of the range (else the one that reaches
 * back furthest), or a coarser one that gives nearly as many points: its rows are the same numbers
 * added up before, some sixty times fewer of them. Whole steps of it hold whole rows of it.
 *
 * Any thread, inside reader_begin/reader_end.
 */
#include <stdlib.h>

#include "base/check.h"
#include "store/plan.h"

#define TIME_LIMIT_MS (INT64_C(1) << 53)

/* The largest interval of any row in the range that is read, 0 when there is none. No tick is
 * longer than the rows of a minute. */
static int64_t interval_in(const struct plan *plan, int64_t from_ms, int64_t to_ms)
{
    return plan->tier == TIER_RAW ? catalog_interval(plan->catalog, plan->recent, from_ms, to_ms)
                                  : tier_interval_ms(plan->tier);
}

/* Steps that hold any moment from `from_ms` to `to_ms`. */
static int64_t steps_touched(int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
    CHECK(step_ms > 0);
    return to_ms / step_ms - from_ms / step_ms + 1;
}

/* The smallest multiple of the interval of which `points` are as long as the range. */
static int64_t choose_step(int64_t from_ms, int64_t to_ms, int64_t interval_ms, int64_t points)
{
    int64_t range_ms = MAX(to_ms - from_ms, 1);
    return (range_ms - 1) / (points * interval_ms) * interval_ms + interval_ms;
}

/* Lays the steps over the range. As many as fit into its length touch one more, unless they happen
 * to begin with it: then the one of which least is asked for is left out. That is the last when
 * the range ends with its first moment; else the first, for what is newest is always wanted. */
static void lay_steps(struct plan *plan, int64_t from_ms, int64_t to_ms, int64_t points)
{
    int64_t step_ms = plan->step_ms, count = steps_touched(from_ms, to_ms, step_ms);
    plan->from_ms = from_ms - from_ms % step_ms;
    if (count > points && to_ms % step_ms != 0)
        plan->from_ms += step_ms;
    plan->points = (size_t)MIN(count, points);
}

/* A single point is asked for to have all of the range in it and nothing else: it begins where the
 * range does, not at a multiple of its length. A range that ends with the first moment of a row
 * ends before that row: March ends when April begins. */
static void lay_one_step(struct plan *plan, int64_t from_ms, int64_t to_ms, int64_t interval_ms)
{
    to_ms -= to_ms % interval_ms == 0 && to_ms > from_ms;
    plan->from_ms = from_ms - from_ms % interval_ms;
    plan->step_ms = (to_ms - plan->from_ms) / interval_ms * interval_ms + interval_ms;
    plan->points = 1;
}

/* `points` at most: steps of the length that was asked for, or as many times longer as it takes. */
static void fix_step(struct plan *plan, int64_t from_ms, int64_t to_ms, int64_t interval_ms,
                     int64_t most)
{
    int64_t step_ms = plan->query->step_ms;
    step_ms += interval_ms - 1 - (step_ms - 1) % interval_ms; /* a multiple of the interval */
    int64_t unit_ms = step_ms;
    step_ms = MAX(step_ms, (to_ms - from_ms) / most / unit_ms * unit_ms);
    while (steps_touched(from_ms, to_ms, step_ms) > most)
        step_ms += unit_ms;
    plan->step_ms = step_ms;
    plan->from_ms = from_ms - from_ms % step_ms;
    plan->points = (size_t)steps_touched(from_ms, to_ms, step_ms);
}

static void lay(struct plan *plan, int64_t from_ms, int64_t to_ms, int64_t interval_ms)
{
    const struct query *query = plan->query;
    int64_t most = (int64_t)(BINS_MAX / MAX(plan_targets(plan), (size_t)1));
    int64_t points = MAX(MIN((int64_t)query->points, most), 1);
    if (query->step_ms > 0) {
        fix_step(plan, from_ms, to_ms, interval_ms, MAX(most, 1));
    } else if (points == 1) {
        lay_one_step(plan, from_ms, to_ms, interval_ms);
    } else {
        plan->step_ms = choose_step(from_ms, to_ms, interval_ms, points);
        lay_steps(plan, from_ms, to_ms, points);
    }
}

/* Lays the steps for the rows of plan->tier. */
static void lay_for_tier(struct plan *plan, int64_t from_ms, int64_t to_ms)
{
    int64_t interval_ms, wider_ms = interval_in(plan, from_ms, to_ms);
    if (wider_ms <= 0)
        wider_ms = catalog_newest_interval(plan->catalog, plan->recent);
    do {
        interval_ms = wider_ms;
        lay(plan, from_ms, to_ms, interval_ms);
        /* Whole steps reach beyond the range: there, too, the interval must fit. */
        wider_ms = interval_in(plan, plan->from_ms, plan_last_ms(plan));
    } while (wider_ms > interval_ms);
}

/* ---- the tier ------------------------------------------------------------------------------- */

/* How far back each tier reaches, with those below it; INT64_MAX: nowhere. */
static void find_reach(const struct plan *plan, int64_t reach_ms[TIERS])
{
    const struct catalog *c = plan->catalog;
    int64_t oldest_ms = c->ticks_count ? c->ticks[0].t_ms : INT64_MAX;
    if (plan->recent && plan->recent->count)
        oldest_ms = MIN(oldest_ms, plan->recent->ticks[0]->t_ms);
    for (int tier = 0; tier < TIERS; tier++) {
        const struct catalog_span *first = NULL;
        for (size_t i = 0; i < c->spans_count; i++) {
            if ((int)c->spans[i].tier == tier && (!first || c->spans[i].max_ms < first->max_ms))
                first = &c->spans[i];
        }
        reach_ms[tier] = oldest_ms = MIN(oldest_ms, first ? first->min_ms : INT64_MAX);
    }
}

static bool is_multiple(int64_t ms, int64_t interval_ms)
{
    return ms % interval_ms == 0;
}

/* May the answer that is laid out in `plan` for the tier below come from this one? It has to be
 * nearly as fine. */
static bool tier_serves(const struct plan *plan, enum tier tier, int64_t from_ms, int64_t to_ms)
{
    const struct query *query = plan->query;
    int64_t interval_ms = tier_interval_ms(tier);
    if (query->step_ms > 0)
        return is_multiple(query->step_ms, interval_ms);
    if (query->points == 1)
        return is_multiple(from_ms, interval_ms) &&
               (is_multiple(to_ms, interval_ms) || is_multiple(to_ms + 1, interval_ms));
    int64_t step_ms = choose_step(from_ms, to_ms, interval_ms, (int64_t)plan->points);
    return steps_touched(from_ms, to_ms, step_ms) * 3 >= (int64_t)plan->points * 2;
}

/* Whether the tier has anything of the range: else it would only be coarser. */
static bool tier_has_rows(const struct plan *plan, enum tier tier)
{
    const struct catalog *c = plan->catalog;
    for (size_t i = 0; i < c->spans_count; i++) {
        if (c->spans[i].tier == tier &&
            catalog_overlaps(&c->spans[i], plan->from_ms, plan_last_ms(plan)))
            return true;
    }
    return false;
}

void plan_steps(struct plan *plan)
{
    /* Nothing is older than 1970; below 0 no step could cover what lies on both sides of it. */
    int64_t from_ms = MAX(MIN(plan->query->from_ms, TIME_LIMIT_MS), 0);
    int64_t to_ms = MAX(MIN(plan->query->to_ms, TIME_LIMIT_MS), 0);
    int64_t reach_ms[TIERS];
    find_reach(plan, reach_ms);
    plan->tier = TIER_RAW;
    while (plan->reader && plan->tier < TIER_HOUR && reach_ms[plan->tier] > from_ms &&
           reach_ms[plan->tier] > reach_ms[TIER_HOUR])
        plan->tier++;
    lay_for_tier(plan, from_ms, to_ms);
    while (plan->tier < TIER_HOUR && tier_serves(plan, plan->tier + 1, from_ms, to_ms) &&
           tier_has_rows(plan, plan->tier + 1)) {
        plan->tier++;
        lay_for_tier(plan, from_ms, to_ms);
    }
}
