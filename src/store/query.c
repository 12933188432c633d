/*
 * query.c: a question about the past, from the selector to the answer.
 *
 * First the tier and the step (steps.c), then the series; should there be very many, both are
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
struct histogram {
    size_t count;
    struct target **targets;
};

static void fill_quantile(const struct plan *plan, const struct histogram *histogram,
                          double *values)
{
    static const double quantiles[] = {[AGG_P50] = 0.5, [AGG_P90] = 0.9, [AGG_P99] = 0.99};
    struct bucket *buckets CLEANUP(mem_freep) = mem_array(histogram->count, sizeof(*buckets));
    for (size_t p = 0; p < plan->points; p++) {
        size_t count = 0;
        double least = 0;
        for (size_t i = 0; i < histogram->count; i++) {
            const struct target *target = histogram->targets[i];
            if (i && target->bins == histogram->targets[i - 1]->bins)
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
        const struct histogram histogram = {next - first, plan->order + first};
        double *values = mem_array(plan->points, sizeof(*values));
        fill_quantile(plan, &histogram, values);
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
    answer->tier = plan->reader ? tier_name(plan->tier) : "memory";
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
    plan_steps(plan);
    int error = select_series(plan);
    if (error)
        return error;
    if (plan_targets(plan) * plan->points > BINS_MAX)
        plan_steps(plan);
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
    error = catalog_of(reader, &plan.catalog);
    if (!error)
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
