/*
 * backtest.c: see backtest.h. Each series of the answer goes through a condition, a detector and a
 * machine of its own, one point of time after another, as alerts.c sends them through when they
 * happen. What is different: nothing is told, so `repeat`, channels and what mutes are of no
 * matter, and a step is as long as the answer's.
 */
#include "alert/backtest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert/condition.h"
#include "alert/join.h"
#include "alert/machine.h"
#include "alert/template.h"
#include "base/mem.h"

struct run {
    struct backtest *out;
    const struct rule *rule;
    const struct answer *values, *per;
    const struct answer_series *series;
    size_t *divisors; /* of `per` */
    size_t divisors_count;
    const char *unit;   /* of what is held against the thresholds */
    struct alert *open; /* pending or firing */
    struct machine machine;
};

static void find_divisors(struct run *r)
{
    r->divisors_count = 0;
    for (size_t i = 0; r->per && i < r->per->series_count; i++) {
        const struct answer_series *d = &r->per->series[i];
        if (strcmp(d->name, r->rule->per) == 0 &&
            join_agrees(r->series->labels, r->series->labels_count, d->labels, d->labels_count))
            r->divisors[r->divisors_count++] = i;
    }
}

static double divisor(const struct run *r, size_t at)
{
    double sum = NAN;
    if (!*r->rule->per)
        return 1;
    if (!r->per || at >= r->per->points_count)
        return NAN;
    for (size_t i = 0; i < r->divisors_count; i++) {
        double value = r->per->series[r->divisors[i]].values[at];
        if (!isnan(value))
            sum = isnan(sum) ? value : sum + value;
    }
    return sum;
}

/* ---- alerts -------------------------------------------------------------------------------- */

/* Of what is held against the thresholds. */
static char *make_unit(const struct run *r)
{
    const char *unit = r->series->unit;
    bool counter = r->series->kind == METRIC_COUNTER;
    const char *below = r->divisors_count ? r->per->series[r->divisors[0]].unit : unit;
    if (*r->rule->per)
        return strcmp(unit, below) == 0 ? mem_string("") : mem_printf("%s/%s", unit, below);
    return mem_printf("%s%s", unit, counter ? "/s" : "");
}

static struct alert *alert_open(const struct run *r, int64_t t_ms)
{
    struct alert *a = alert_new();
    a->series_id = r->series->id;
    a->pending_ms = t_ms;
    alert_text(&a->rule, r->rule->name);
    alert_text(&a->series, r->series->key);
    alert_text(&a->unit, r->unit);
    return a;
}

static void describe(struct alert *a, const struct run *r, const struct judgement *j)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    a->reason = j->reason;
    a->severity = r->machine.worst;
    a->value = j->value;
    a->threshold = j->threshold;
    a->z = j->z;
    template_summary(r->rule, a, j, &text);
    alert_text(&a->summary, buf_string(&text));
}

/* It is over, or the range is. */
static void close_alert(struct run *r, int64_t t_ms)
{
    struct alert *a = TAKE(r->open);
    if (!a || a->state == ALERT_PENDING || r->out->count == BACKTEST_ALERTS_MAX) {
        alert_unref(a);
        return;
    }
    a->changed_ms = t_ms;
    a->severity = r->machine.worst;
    a->seq = a->id = r->out->count + 1;
    r->out->alerts[r->out->count++] = a;
}

static void follow(struct run *r, enum machine_change change, const struct judgement *j,
                   int64_t t_ms)
{
    switch (change) {
    case MACHINE_STAYS:
        break;
    case MACHINE_PENDS:
        r->open = alert_open(r, t_ms);
        break;
    case MACHINE_FIRES:
        if (!r->open)
            r->open = alert_open(r, t_ms);
        r->open->state = ALERT_FIRING;
        r->open->started_ms = t_ms;
        describe(r->open, r, j);
        r->out->fired++;
        break;
    case MACHINE_MOVES:
        describe(r->open, r, j);
        break;
    case MACHINE_DROPS:
        close_alert(r, t_ms);
        break;
    case MACHINE_RESOLVES:
        r->open->state = ALERT_RESOLVED;
        r->open->resolved_ms = t_ms;
        close_alert(r, t_ms);
        break;
    }
}

/* ---- one series ---------------------------------------------------------------------------- */

static struct detector *make_detector(const struct run *r, const struct bank_settings *detect)
{
    struct bank_settings settings = *detect;
    if (!r->rule->anomaly)
        return NULL;
    if (r->rule->sigma > 0)
        settings.sigma = r->rule->sigma;
    if (r->rule->window_ms)
        settings.window_ms = r->rule->window_ms;
    return detector_new(&settings, r->values->step_ms, r->values->series_count);
}

static void run_series(struct run *r, const struct bank_settings *detect,
                       struct backtest_series *ret)
{
    struct condition condition;
    struct verdict verdict;
    struct detector *detector = make_detector(r, detect);
    size_t count = r->values->points_count;
    /* A range of more than 292 years has no nanoseconds, and no history: it may be shorter. */
    int64_t step_ns =
        MIN(r->values->step_ms, INT64_MAX / NS_PER_MS / (int64_t)(count + 1)) * NS_PER_MS;
    ret->series = r->series;
    ret->value = mem_array(MAX(count, (size_t)1), sizeof(double));
    if (detector) {
        ret->score = mem_array(MAX(count, (size_t)1), sizeof(double));
        ret->mean = mem_array(MAX(count, (size_t)1), sizeof(double));
        ret->sigma = mem_array(MAX(count, (size_t)1), sizeof(double));
    }
    find_divisors(r);
    r->unit = ret->unit = make_unit(r);
    bool begun = false; /* nobody misses a series before its first sample */
    condition_init(&condition, r->rule);
    r->machine = (struct machine){0};
    for (size_t i = 0; i < count; i++) {
        int64_t t_ms = r->values->from_ms + (int64_t)i * r->values->step_ms;
        struct judgement judgement;
        bool here = !isnan(r->series->values[i]);
        begun |= here;
        struct reading reading = {.sampled = here || !begun,
                                  .value = r->series->values[i],
                                  .per = divisor(r, i),
                                  .elapsed_ns = step_ns};
        if (detector) {
            double value = reading.value / (*r->rule->per ? reading.per : 1);
            verdict = detector_step(detector, t_ms, isfinite(value) ? value : NAN);
            reading.verdict = &verdict;
            ret->score[i] = verdict.score;
            ret->mean[i] = verdict.mean;
            ret->sigma[i] = verdict.sigma;
        }
        condition_step(&condition, r->rule, &reading, r->machine.stage == STAGE_FIRING, &judgement);
        ret->value[i] = judgement.value;
        follow(r, machine_step(&r->machine, r->rule, &judgement, (int64_t)i * step_ns), &judgement,
               t_ms);
    }
    close_alert(r, r->values->from_ms + (int64_t)count * r->values->step_ms);
    condition_fini(&condition);
    detector_free(detector);
}

static int by_start(const void *left, const void *right)
{
    const struct alert *a = *(struct alert *const *)left, *b = *(struct alert *const *)right;
    return (a->started_ms > b->started_ms) - (a->started_ms < b->started_ms);
}

struct backtest *backtest_run(const struct rule *rule, const struct bank_settings *detect,
                              const struct answer *values, const struct answer *per)
{
    struct backtest *b = mem_alloc(sizeof(*b));
    struct run r = {.out = b, .rule = rule, .values = values, .per = per};
    r.divisors = mem_array(per && per->series_count ? per->series_count : 1, sizeof(size_t));
    b->series = mem_array(MAX(values->series_count, (size_t)1), sizeof(*b->series));
    for (size_t i = 0; i < values->series_count; i++) {
        r.series = &values->series[i];
        if (selector_matches(&rule->selector, r.series->name, r.series->labels,
                             r.series->labels_count))
            run_series(&r, detect, &b->series[b->series_count++]);
    }
    free(r.divisors);
    qsort(b->alerts, b->count, sizeof(b->alerts[0]), by_start);
    return b;
}

void backtest_free(struct backtest *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        alert_unref(b->alerts[i]);
    for (size_t i = 0; i < b->series_count; i++) {
        free(b->series[i].unit);
        free(b->series[i].value);
        free(b->series[i].score);
        free(b->series[i].mean);
        free(b->series[i].sigma);
    }
    free(b->series);
    free(b);
}
