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
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/plan.h"

#define TIME_LIMIT_MS (INT64_C(1) << 53)
#define INTERVAL_DEFAULT_MS 1000 /* when nothing at all is stored */

/* The largest interval of any row in the range that is read, 0 when there is none. */
static int interval_in(struct plan *plan, int64_t from_ms, int64_t to_ms, int64_t *ret)
{
    static const char *const questions[] = {
        "SELECT max(interval_ms) FROM " SPANS_VIEW
        " WHERE tier = 0 AND max_ms >= ?1 AND min_ms <= ?2",
        "SELECT max(interval_ms) FROM tick WHERE t_ms BETWEEN ?1 AND ?2",
    };
    *ret = tier_interval_ms(plan->tier);
    /* No tick is longer than the rows of a minute. */
    if (plan->tier != TIER_RAW)
        return 0;
    for (size_t i = 0; plan->reader && i < ARRAY_LEN(questions); i++) {
        sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
        int64_t interval_ms = 0;
        int error = reader_statement(plan->reader, questions[i], &stmt);
        if (error)
            return error;
        sqlite3_bind_int64(stmt, 1, from_ms);
        sqlite3_bind_int64(stmt, 2, to_ms);
        error = database_number(stmt, 0, &interval_ms);
        if (error)
            return error;
        *ret = MAX(*ret, interval_ms);
    }
    for (size_t i = 0; plan->recent && i < plan->recent->count; i++) {
        const struct tick *t = plan->recent->ticks[i];
        if (t->t_ms >= from_ms && t->t_ms <= to_ms)
            *ret = MAX(*ret, t->interval_ms);
    }
    return 0;
}

/* The interval in use last, for a range in which nothing is stored. */
static int newest_interval(struct plan *plan, int64_t *ret)
{
    *ret = 0;
    if (plan->recent && plan->recent->count)
        *ret = plan->recent->ticks[plan->recent->count - 1]->interval_ms;
    int error = 0;
    if (*ret <= 0 && plan->reader)
        error = reader_number(plan->reader,
                              "SELECT interval_ms FROM tick ORDER BY seq DESC LIMIT 1", 0, ret);
    if (!error && *ret <= 0 && plan->reader)
        error = reader_number(plan->reader,
                              "SELECT interval_ms FROM " SPANS_VIEW
                              " WHERE tier = 0 ORDER BY first_seq DESC LIMIT 1",
                              0, ret);
    if (*ret <= 0)
        *ret = INTERVAL_DEFAULT_MS;
    return error;
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
static int lay_for_tier(struct plan *plan, int64_t from_ms, int64_t to_ms)
{
    int64_t interval_ms, wider_ms;
    int error = interval_in(plan, from_ms, to_ms, &interval_ms);
    if (!error && interval_ms <= 0)
        error = newest_interval(plan, &interval_ms);
    while (!error) {
        lay(plan, from_ms, to_ms, interval_ms);
        /* Whole steps reach beyond the range: there, too, the interval must fit. */
        error = interval_in(plan, plan->from_ms, plan_last_ms(plan), &wider_ms);
        if (error || wider_ms <= interval_ms)
            break;
        interval_ms = wider_ms;
    }
    return error;
}

/* ---- the tier ------------------------------------------------------------------------------- */

/* How far back each tier reaches, with those below it; INT64_MAX: nowhere. */
static int find_reach(struct plan *plan, int64_t reach_ms[TIERS])
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int64_t oldest_ms = INT64_MAX;
    int error = reader_number(plan->reader, "SELECT t_ms FROM tick ORDER BY seq LIMIT 1", INT64_MAX,
                              &oldest_ms);
    if (!error)
        error = reader_statement(
            plan->reader,
            "SELECT min_ms FROM " SPANS_VIEW " WHERE tier = ?1 ORDER BY max_ms LIMIT 1", &stmt);
    if (plan->recent && plan->recent->count)
        oldest_ms = MIN(oldest_ms, plan->recent->ticks[0]->t_ms);
    for (int tier = 0; tier < TIERS && !error; tier++) {
        int64_t span_ms = INT64_MAX;
        sqlite3_bind_int(stmt, 1, tier);
        error = database_number(stmt, INT64_MAX, &span_ms);
        reach_ms[tier] = oldest_ms = MIN(oldest_ms, span_ms);
    }
    return error;
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
static int tier_has_rows(struct plan *plan, enum tier tier, bool *ret)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int64_t found = 0;
    int error = reader_statement(plan->reader,
                                 "SELECT 1 FROM " SPANS_VIEW
                                 " WHERE tier = ?1 AND max_ms >= ?2 AND min_ms <= ?3 LIMIT 1",
                                 &stmt);
    if (error)
        return error;
    sqlite3_bind_int(stmt, 1, (int)tier);
    sqlite3_bind_int64(stmt, 2, plan->from_ms);
    sqlite3_bind_int64(stmt, 3, plan_last_ms(plan));
    error = database_number(stmt, 0, &found);
    *ret = found != 0;
    return error;
}

int plan_steps(struct plan *plan)
{
    /* Nothing is older than 1970; below 0 no step could cover what lies on both sides of it. */
    int64_t from_ms = MAX(MIN(plan->query->from_ms, TIME_LIMIT_MS), 0);
    int64_t to_ms = MAX(MIN(plan->query->to_ms, TIME_LIMIT_MS), 0);
    int64_t reach_ms[TIERS] = {0};
    int error = plan->reader ? find_reach(plan, reach_ms) : 0;
    plan->tier = TIER_RAW;
    while (!error && plan->tier < TIER_HOUR && reach_ms[plan->tier] > from_ms &&
           reach_ms[plan->tier] > reach_ms[TIER_HOUR])
        plan->tier++;
    if (!error)
        error = lay_for_tier(plan, from_ms, to_ms);
    bool coarser = plan->reader != NULL;
    while (!error && coarser && plan->tier < TIER_HOUR &&
           tier_serves(plan, plan->tier + 1, from_ms, to_ms)) {
        error = tier_has_rows(plan, plan->tier + 1, &coarser);
        if (error || !coarser)
            break;
        plan->tier++;
        error = lay_for_tier(plan, from_ms, to_ms);
    }
    return error;
}
