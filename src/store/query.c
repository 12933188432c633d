/*
 * query.c: a question about the past, from the selector to the answer.
 *
 * First the step: the smallest multiple of the stored interval of which the points asked for are
 * as long as the range, aligned to multiples of itself since 1970, so that asking again a moment
 * later moves no step. Where ticks of several intervals lie in the range the largest counts, or
 * steps would be empty that were not. Then the series; should there be very many, the step is
 * chosen once more, for their number bounds how fine the answer may be. Then every sample goes to
 * its bin, and each bin becomes a value.
 *
 * Memory: 24 bytes for each series and step, at most BINS_MAX of them, and one chunk. Any thread.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/plan.h"

#define BINS_MAX (512U << 10) /* 12 MiB; the step grows when many series match */
#define TIME_LIMIT_MS (INT64_C(1) << 53)
#define INTERVAL_DEFAULT_MS 1000 /* when nothing at all is stored */

/* ---- the step ------------------------------------------------------------------------------- */

/* The largest interval of any tick in the range, 0 when there is none. */
static int interval_in(struct plan *plan, int64_t from_ms, int64_t to_ms, int64_t *ret)
{
    static const char *const questions[] = {
        "SELECT max(interval_ms) FROM span WHERE max_ms >= ?1 AND min_ms <= ?2",
        "SELECT max(interval_ms) FROM tick WHERE t_ms BETWEEN ?1 AND ?2",
    };
    *ret = 0;
    for (size_t i = 0; plan->reader && i < ARRAY_LEN(questions); i++) {
        sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
        int64_t interval_ms = 0;
        int error = database_prepare(plan->reader->db, questions[i], &stmt);
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
        error = database_number_of(
            plan->reader->db, "SELECT interval_ms FROM tick ORDER BY seq DESC LIMIT 1", 0, ret);
    if (!error && *ret <= 0 && plan->reader)
        error = database_number_of(plan->reader->db,
                                   "SELECT interval_ms FROM span ORDER BY id DESC LIMIT 1", 0, ret);
    if (*ret <= 0)
        *ret = INTERVAL_DEFAULT_MS;
    return error;
}

/* Steps that hold any moment from `from_ms` to `to_ms`. */
static int64_t steps_touched(int64_t from_ms, int64_t to_ms, int64_t step_ms)
{
    return to_ms / step_ms - from_ms / step_ms + 1;
}

/* The smallest multiple of the interval of which `points` are as long as the range. */
static int64_t choose_step(int64_t from_ms, int64_t to_ms, int64_t interval_ms, int64_t points)
{
    int64_t range_ms = MAX(to_ms - from_ms, 1);
    int64_t step_ms = (range_ms - 1) / (points * interval_ms) * interval_ms + interval_ms;
    /* A single point is asked for to have everything in it. */
    while (points == 1 && steps_touched(from_ms, to_ms, step_ms) > 1)
        step_ms *= 2;
    return step_ms;
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

static int plan_steps(struct plan *plan)
{
    const struct query *query = plan->query;
    /* Nothing is older than 1970; below 0 no step could cover what lies on both sides of it. */
    int64_t from_ms = MAX(MIN(query->from_ms, TIME_LIMIT_MS), 0);
    int64_t to_ms = MAX(MIN(query->to_ms, TIME_LIMIT_MS), 0);
    size_t targets = MAX(plan_targets(plan), (size_t)1);
    int64_t most = MAX((int64_t)(BINS_MAX / targets), 1);
    int64_t points = MAX(MIN((int64_t)query->points, most), 1);

    int64_t interval_ms, wider_ms;
    int error = interval_in(plan, from_ms, to_ms, &interval_ms);
    if (!error && interval_ms <= 0)
        error = newest_interval(plan, &interval_ms);
    while (!error) {
        if (query->step_ms > 0) {
            fix_step(plan, from_ms, to_ms, interval_ms, most);
        } else {
            plan->step_ms = choose_step(from_ms, to_ms, interval_ms, points);
            lay_steps(plan, from_ms, to_ms, points);
        }
        /* Whole steps reach beyond the range: there, too, the interval must fit. */
        error = interval_in(plan, plan->from_ms, plan_last_ms(plan), &wider_ms);
        if (error || wider_ms <= interval_ms)
            break;
        interval_ms = wider_ms;
    }
    return error;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static double bin_value(const struct plan *plan, const struct target *target, const struct bin *bin)
{
    if (bin->weight == 0)
        return NAN;
    bool counter = target->kind == METRIC_COUNTER;
    switch (plan->measure) {
    case AGG_AVG:
        return counter ? (double)bin->count * target->scale * (double)NS_PER_S / (double)bin->weight
                       : bin->number / (double)bin->weight;
    case AGG_SUM:
        return counter ? (double)bin->count * target->scale : NAN;
    default:
        return bin->number;
    }
}

/* How much a bin must weigh to be shown, see query.least_part. */
static double least_weight(const struct plan *plan, const struct target *target)
{
    double part = plan->query->least_part;
    uint64_t most = 0;
    if (part <= 0 || plan->measure != AGG_AVG)
        return 0;
    if (target->kind == METRIC_COUNTER)
        return part * (double)plan->step_ms * (double)NS_PER_MS;
    for (size_t p = 0; p < plan->points; p++)
        most = MAX(most, target->bins[p].weight);
    return part * (double)most;
}

/* Buckets of one histogram: its targets by growing bound. */
struct group {
    size_t count;
    struct target **targets;
};

static void fill_quantile(const struct plan *plan, const struct group *group, double *values)
{
    static const double quantiles[] = {[AGG_P50] = 0.5, [AGG_P90] = 0.9, [AGG_P99] = 0.99};
    struct bucket *buckets CLEANUP(mem_freep) = mem_array(group->count, sizeof(*buckets));
    for (size_t p = 0; p < plan->points; p++) {
        size_t count = 0;
        double least = 0;
        for (size_t i = 0; i < group->count; i++) {
            const struct target *target = group->targets[i];
            if (i && target->bins == group->targets[i - 1]->bins)
                continue;
            /* Counts are cumulative; reading them one after the other may break that by a hair. */
            least = MAX(least, (double)target->bins[p].count);
            buckets[count++] = (struct bucket){target->bound, least};
        }
        values[p] = quantile_of(quantiles[plan->query->aggregate], buckets, count);
    }
}

/* Gives every series of the answer its values; those without a sample get none. */
static void fill_plain(struct plan *plan)
{
    for (size_t i = 0; i < plan_targets(plan); i++) {
        const struct target *target = &plan->targets[i];
        if (!target->sampled || plan->answer->series[target->out].values)
            continue; /* another id of the same name shares the bins */
        double *values = mem_array(plan->points, sizeof(*values));
        double least = least_weight(plan, target);
        for (size_t p = 0; p < plan->points; p++)
            values[p] = (double)target->bins[p].weight < least
                            ? NAN
                            : bin_value(plan, target, &target->bins[p]);
        plan->answer->series[target->out].values = values;
    }
}

static void fill_quantiles(struct plan *plan)
{
    size_t count = plan_targets(plan);
    for (size_t first = 0, next; first < count; first = next) {
        size_t out = plan->order[first]->out;
        bool sampled = false;
        for (next = first; next < count && plan->order[next]->out == out; next++)
            sampled = sampled || plan->order[next]->sampled;
        if (!sampled)
            continue;
        const struct group group = {next - first, plan->order + first};
        double *values = mem_array(plan->points, sizeof(*values));
        fill_quantile(plan, &group, values);
        plan->answer->series[out].values = values;
    }
}

static void drop_silent(struct answer *answer)
{
    size_t kept = 0;
    for (size_t i = 0; i < answer->series_count; i++) {
        if (answer->series[i].values)
            answer->series[kept++] = answer->series[i];
        else
            answer_series_fini(&answer->series[i]);
    }
    answer->series_count = kept;
}

static void finish_answer(struct plan *plan)
{
    struct answer *answer = plan->answer;
    answer->from_ms = plan->from_ms;
    answer->step_ms = plan->step_ms;
    answer->points_count = plan->points;
    answer->to_ms = plan->from_ms + (int64_t)(plan->points - 1) * plan->step_ms;
    answer->tier = plan->reader ? "raw" : "memory";
    if (aggregate_is_quantile(plan->query->aggregate))
        fill_quantiles(plan);
    else
        fill_plain(plan);
    drop_silent(answer);
}

/* By series of the answer, in it by growing bound. */
static int by_place(const void *a, const void *b)
{
    const struct target *x = *(const struct target *const *)a;
    const struct target *y = *(const struct target *const *)b;
    if (x->out != y->out)
        return x->out < y->out ? -1 : 1;
    return (x->bound > y->bound) - (x->bound < y->bound);
}

/* Bins for every target; ids of one name add to the same ones. */
static int plan_bins(struct plan *plan)
{
    size_t count = plan_targets(plan), rows = 0;
    plan->order = mem_array(MAX(count, (size_t)1), sizeof(struct target *));
    for (size_t i = 0; i < count; i++)
        plan->order[i] = &plan->targets[i];
    if (count)
        qsort(plan->order, count, sizeof(struct target *), by_place);
    plan->bins = mem_try_array(MAX(count * plan->points, (size_t)1), sizeof(*plan->bins));
    if (!plan->bins)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || by_place(&plan->order[i - 1], &plan->order[i]) != 0)
            rows++;
        plan->order[i]->bins = plan->bins + (rows - 1) * plan->points;
    }
    return 0;
}

static int answer_plan(struct plan *plan)
{
    int error = plan_steps(plan);
    if (!error)
        error = select_series(plan);
    if (!error && plan_targets(plan) * plan->points > BINS_MAX)
        error = plan_steps(plan);
    if (error)
        return error;
    error = plan_bins(plan);
    if (!error && plan_targets(plan))
        error = gather_samples(plan);
    if (!error)
        finish_answer(plan);
    return error;
}

int store_query(struct store_reader *reader, const struct query *query, const struct recent *recent,
                struct answer **ret, struct store_error *err)
{
    if (query->from_ms > query->to_ms)
        return store_fail(err, -EINVAL, "from: lies after to");
    int error = reader ? reader_begin(reader, err) : 0;
    if (error)
        return error;
    struct plan plan = {
        .reader = reader,
        .query = query,
        .recent = recent,
        .answer = mem_alloc(sizeof(*plan.answer)),
        .measure = aggregate_is_quantile(query->aggregate) ? AGG_SUM : query->aggregate,
    };
    error = answer_plan(&plan);
    free(plan.bins);
    free(plan.order);
    free(plan.targets);
    ledger_fini(&plan.by_id);
    if (error) {
        answer_free(plan.answer);
        if (reader)
            reader_fail(reader, error, err);
        else
            store_fail(err, error, "%s", strerror(-error));
    } else {
        *ret = plan.answer;
    }
    if (reader)
        reader_end(reader);
    return error;
}
