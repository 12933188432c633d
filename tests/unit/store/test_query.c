/*
 * test_query.c: the store against a naive array.
 *
 * A world of series that come, go, reset and change their source is recorded in both. At random
 * moments it is sealed, closed, opened, the clock steps, the interval changes, ticks stay in memory
 * only because the disk refused them or they never came to it, and the database is removed. Every
 * aggregation over random ranges must give what plain loops over the array give: counts exactly,
 * floating sums to the last digits.
 */
#include "world.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define RECENT_MAX 40

struct memory {
    struct tick *ticks[RECENT_MAX];
    size_t count;
};

static void memory_push(struct memory *m, struct tick *t)
{
    if (m->count == RECENT_MAX) {
        tick_unref(m->ticks[0]);
        m->count--;
        for (size_t i = 0; i < m->count; i++)
            m->ticks[i] = m->ticks[i + 1];
    }
    m->ticks[m->count++] = t;
}

static void memory_fini(struct memory *m)
{
    while (m->count)
        tick_unref(m->ticks[--m->count]);
}

static bool in_memory(const struct memory *m, uint64_t seq)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->ticks[i]->seq == seq)
            return true;
    }
    return false;
}

/* What a tick contributes to the answer: it is on disk or in memory. */
static bool visible(const struct world_tick *t, const struct memory *m)
{
    return t->stored || in_memory(m, t->seq);
}

/* Whether a stored tick has what this lost one counted: there is one after it, and that is not the
 * first. */
static bool claimed(const struct world *w, size_t lost)
{
    bool before = false, after = false;
    for (size_t i = 0; i < w->ticks_count; i++)
        *(i < lost ? &before : &after) |= w->ticks[i].stored;
    return before && after && !w->ticks[lost].stored;
}

static double naive(const struct world *w, const struct memory *m, size_t series,
                    enum aggregate agg, int64_t from_ms, int64_t end_ms, bool *ret_sampled)
{
    const struct metric *metric = world_metric(series);
    double sum = 0, least = INFINITY, most = -INFINITY, last = NAN;
    uint64_t increments = 0, all_increments = 0, elapsed_ns = 0, last_seq = 0;
    size_t values = 0, samples = 0;
    for (size_t i = 0; i < w->ticks_count; i++) {
        const struct world_tick *t = &w->ticks[i];
        const struct world_sample *s = &t->samples[series];
        if (t->t_ms < from_ms || t->t_ms >= end_ms || s->state == SAMPLE_ABSENT || !visible(t, m))
            continue;
        if (agg == AGG_SUM && claimed(w, i))
            continue;
        samples++;
        double value = s->value.gauge;
        if (metric->kind == METRIC_COUNTER) {
            all_increments += s->value.increment;
            if (s->state != SAMPLE_OK || t->elapsed_ns == 0)
                continue;
            increments += s->value.increment;
            elapsed_ns += (uint64_t)t->elapsed_ns;
            value = (double)s->value.increment * metric->scale * 1e9 / (double)t->elapsed_ns;
        }
        values++;
        sum += value;
        least = fmin(least, value);
        most = fmax(most, value);
        if (t->seq > last_seq) {
            last = value;
            last_seq = t->seq;
        }
    }
    *ret_sampled = samples > 0;
    if (agg == AGG_SUM)
        return metric->kind == METRIC_COUNTER && samples ? (double)all_increments * metric->scale
                                                         : NAN;
    if (values == 0)
        return NAN;
    switch (agg) {
    case AGG_MIN:
        return least;
    case AGG_MAX:
        return most;
    case AGG_LAST:
        return last;
    default:
        return metric->kind == METRIC_COUNTER
                   ? (double)increments * metric->scale * 1e9 / (double)elapsed_ns
                   : sum / (double)values;
    }
}

/* `rounding`: relative, of what is stored to fewer bits. */
static void assert_close(double got, double expected, double rounding)
{
    if (isnan(expected) || isnan(got)) {
        assert_true(isnan(expected) && isnan(got));
        return;
    }
    double scale = fmax(fabs(expected), 1e-300);
    if (fabs(got - expected) / scale > rounding && fabs(got - expected) > 1e-9)
        fail_msg("%.17g is not %.17g", got, expected);
}

static void assert_same(double got, double expected)
{
    assert_close(got, expected, 1e-12);
}

/* Extremes and last values of counters' rates have the 24 bits of a float in the coarser tiers; the
 * least is rounded down, the greatest up. */
static void assert_value(const struct answer *a, enum aggregate agg, enum metric_kind kind,
                         double got, double expected)
{
    bool rate = kind == METRIC_COUNTER && (agg == AGG_MIN || agg == AGG_MAX || agg == AGG_LAST);
    if (!rate || strcmp(a->tier, "raw") == 0) {
        assert_same(got, expected);
        return;
    }
    assert_close(got, expected, 0x1p-23);
    assert_false(agg == AGG_MIN && got > expected * (1 + 1e-15));
    assert_false(agg == AGG_MAX && got < expected * (1 - 1e-15));
}

static int64_t largest_interval(const struct world *w, const struct memory *m, int64_t from_ms,
                                int64_t end_ms)
{
    int64_t largest = 0;
    for (size_t i = 0; i < w->ticks_count; i++) {
        if (w->ticks[i].t_ms >= from_ms && w->ticks[i].t_ms < end_ms && visible(&w->ticks[i], m))
            largest = MAX(largest, w->ticks[i].interval_ms);
    }
    return largest;
}

static const struct answer_series *find(const struct answer *a, size_t series)
{
    for (size_t i = 0; i < a->series_count; i++) {
        if (world_index(a->series[i].key) == series)
            return &a->series[i];
    }
    return NULL;
}

static void check_shape(const struct world *w, const struct memory *m, const struct query *q,
                        const struct answer *a)
{
    int64_t end_ms = a->from_ms + (int64_t)a->points_count * a->step_ms;
    int64_t interval_ms = largest_interval(w, m, a->from_ms, end_ms);
    assert_true(a->points_count >= 1 && a->points_count <= q->points);
    int64_t row_ms = strcmp(a->tier, "minute") == 0 ? 60000 : interval_ms;
    assert_int_equal(a->to_ms, end_ms - a->step_ms);
    if (q->points == 1) { /* all of the range in whole rows; one that begins with its end is not */
        row_ms = strcmp(a->tier, "hour") == 0 ? 3600000 : row_ms ? row_ms : 1000;
        int64_t to_ms = q->to_ms - (q->to_ms > q->from_ms);
        assert_true(a->from_ms <= q->from_ms && q->from_ms < a->from_ms + MAX(row_ms, 3600000));
        assert_true(to_ms < end_ms && end_ms <= q->to_ms + MAX(row_ms, 60000));
        return;
    }
    assert_int_equal(a->from_ms % a->step_ms, 0);
    /* The steps that from and to fall into; when that was one too many, one of them was left out.
     */
    bool first_left = q->from_ms < a->from_ms, last_left = q->to_ms >= end_ms;
    int64_t from_ms = a->from_ms - (first_left ? a->step_ms : 0);
    assert_true(from_ms <= q->from_ms && q->from_ms < from_ms + a->step_ms);
    assert_true(last_left ? q->to_ms == end_ms : a->to_ms <= q->to_ms);
    assert_false(first_left && last_left);
    if (first_left || last_left)
        assert_true(a->points_count == q->points && q->points > 1);
    if (first_left)
        assert_true(q->to_ms % a->step_ms != 0);
    if (interval_ms)
        assert_int_equal(a->step_ms % row_ms, 0);
    for (size_t i = 1; i < a->series_count; i++)
        assert_true(strcmp(a->series[i - 1].name, a->series[i].name) <= 0);
}

/* A row of a coarser tier knows the number of its last tick, not that of the last one in which the
 * series was sampled: of a tick that only memory has, from within such a row, it is not known
 * whether it came later. */
static bool order_unknown(const struct world *w, const struct memory *m, const struct query *q,
                          const struct answer *a, int64_t from_ms, int64_t end_ms)
{
    bool only_memory = false;
    for (size_t i = 0; i < w->ticks_count; i++) {
        const struct world_tick *t = &w->ticks[i];
        only_memory |= t->t_ms >= from_ms && t->t_ms < end_ms && !t->stored && visible(t, m);
    }
    return only_memory && q->aggregate == AGG_LAST && strcmp(a->tier, "raw") != 0;
}

/* Which series are asked for: by a name, a label, both, in letters or as a pattern, or by keys. */
struct asked {
    bool of[WORLD_SERIES];
    char texts[2][96];
    const char *keys[2];
};

static void ask_for(struct world *w, struct query *q, struct asked *asked)
{
    static const char *const names[][2] = {{"level", "l?vel"}, {"bytes_total", "byte?_total"}};
    static const char *const matches[] = {"device=eth0", "device=et?0"};
    static const size_t by_name[] = {2, 0}; /* in the pool: each fourth */
    size_t way = world_random(w, 5), name = world_random(w, 2), pattern = world_random(w, 2);
    bool named = way == 1 || way == 3, labelled = way == 2 || way == 3;
    if (named)
        assert_int_equal(selector_add_glob(&q->selector, names[name][pattern]), 0);
    if (labelled)
        assert_int_equal(selector_add_match(&q->selector, matches[pattern]), 0);
    for (size_t i = 0; i < WORLD_SERIES; i++) {
        struct label labels[2];
        world_labels(i, labels);
        asked->of[i] = (!named || world_metric(i) == world_metric(by_name[name])) &&
                       (!labelled || strcmp(labels[0].value, "eth0") == 0);
    }
    if (way != 4)
        return;
    size_t first = world_random(w, WORLD_SERIES), second = world_random(w, WORLD_SERIES);
    memset(asked->of, 0, sizeof(asked->of));
    asked->of[first] = asked->of[second] = true;
    world_key(first, asked->texts[0], sizeof(asked->texts[0]));
    world_key(second, asked->texts[1], sizeof(asked->texts[1]));
    bool grows = strcmp(asked->texts[0], asked->texts[1]) < 0;
    asked->keys[0] = asked->texts[grows ? 0 : 1];
    asked->keys[1] = asked->texts[grows ? 1 : 0];
    q->keys = asked->keys;
    q->keys_count = 2;
}

static void check_answer(const struct world *w, const struct memory *m, const struct query *q,
                         const struct asked *asked, const struct answer *a)
{
    check_shape(w, m, q, a);
    size_t found = 0;
    for (size_t series = 0; series < WORLD_SERIES; series++) {
        const struct answer_series *s = find(a, series);
        bool any = false;
        for (size_t p = 0; p < a->points_count; p++) {
            int64_t start_ms = a->from_ms + (int64_t)p * a->step_ms;
            bool sampled;
            double expected =
                naive(w, m, series, q->aggregate, start_ms, start_ms + a->step_ms, &sampled);
            any = any || sampled;
            if (s && !order_unknown(w, m, q, a, start_ms, start_ms + a->step_ms))
                assert_value(a, q->aggregate, world_metric(series)->kind, s->values[p], expected);
        }
        assert_int_equal(any && asked->of[series], s != NULL);
        if (s) {
            found++;
            assert_int_equal(s->kind, world_metric(series)->kind);
            assert_string_equal(s->unit, world_metric(series)->unit);
        }
    }
    assert_int_equal(found, a->series_count);
}

/* The histogram's quantile, by brute force over the sums of each bucket. */
static void check_quantiles(const struct world *w, const struct memory *m, const struct query *q,
                            const struct answer *a)
{
    static const double bounds[WORLD_BUCKETS] = {0.1, 0.5, 2, INFINITY};
    double wanted = q->aggregate == AGG_P50 ? 0.5 : q->aggregate == AGG_P90 ? 0.9 : 0.99;
    assert_true(a->series_count <= 1);
    for (size_t p = 0; a->series_count && p < a->points_count; p++) {
        int64_t start_ms = a->from_ms + (int64_t)p * a->step_ms;
        double counts[WORLD_BUCKETS], expected = NAN;
        for (size_t i = 0; i < WORLD_BUCKETS; i++) {
            bool sampled;
            double sum = naive(w, m, WORLD_SERIES - WORLD_BUCKETS + i, AGG_SUM, start_ms,
                               start_ms + a->step_ms, &sampled);
            counts[i] = isnan(sum) ? 0 : sum;
        }
        double rank = wanted * counts[WORLD_BUCKETS - 1];
        for (size_t i = 0; i < WORLD_BUCKETS && counts[WORLD_BUCKETS - 1] > 0; i++) {
            if (counts[i] < rank)
                continue;
            double low = i ? bounds[i - 1] : 0, below = i ? counts[i - 1] : 0;
            expected = isinf(bounds[i])
                           ? low
                           : low + (bounds[i] - low) * (rank - below) / (counts[i] - below);
            break;
        }
        assert_same(a->series[0].values[p], expected);
        assert_string_equal(a->series[0].key, "rtt_seconds{device=\"eth0\"}");
        assert_string_equal(a->series[0].name, "rtt_seconds");
        assert_int_equal(a->series[0].labels_count, 1);
    }
}

static void random_query(struct world *w, const struct memory *m, struct store_reader *reader,
                         size_t tiers[3])
{
    if (w->ticks_count == 0)
        return;
    struct query q = {.points = (uint32_t)(1 + world_random(w, 60)),
                      .aggregate = (enum aggregate)world_random(w, AGG_P99 + 1)};
    selector_init(&q.selector);
    bool quantile = q.aggregate >= AGG_P50;
    struct asked asked;
    if (quantile)
        selector_add_glob(&q.selector, world_random(w, 2) ? "rtt_*" : "rtt_seconds");
    else
        ask_for(w, &q, &asked);
    const struct world_tick *a = &w->ticks[world_random(w, w->ticks_count)];
    const struct world_tick *b = &w->ticks[world_random(w, w->ticks_count)];
    q.from_ms = MIN(a->t_ms, b->t_ms) - (int64_t)world_random(w, 5000);
    q.to_ms = MAX(a->t_ms, b->t_ms) + (int64_t)world_random(w, 5000);
    const struct recent recent = {m->ticks, m->count};
    struct answer *answer;
    struct store_error err;
    if (store_query(reader, &q, &recent, &answer, &err) < 0)
        fail_msg("query: %s", err.text);
    if (quantile)
        check_quantiles(w, m, &q, answer);
    else
        check_answer(w, m, &q, &asked, answer);
    tiers[0]++;
    tiers[1] += strcmp(answer->tier, "minute") == 0;
    tiers[2] += strcmp(answer->tier, "hour") == 0;
    answer_free(answer);
    selector_fini(&q.selector);
}

/* A tick that the disk does not take. */
static void write_refused(struct world *w, struct tick *t)
{
    struct rlimit limit, none;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(store_write(w->store, t), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    world_record_refused(w, t);
}

/* Somebody removes the database; at first there may be no room for another one. */
static void lose_all(struct world *w, struct memory *m)
{
    static const char *const names[] = {"netsonde.db", "netsonde.db-wal", "netsonde.db-shm"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path CLEANUP(mem_freep) = world_path(w, names[i]);
        unlink(path);
    }
    w->ticks_count = w->run_from = 0; /* memory has what was counted in each tick, no more */
    for (size_t i = 0; i < m->count; i++)
        world_record(w, m->ticks[i], false);
    w->t_ms += 1000; /* the next tick is in another second, in which files are looked for */
    for (uint64_t left = world_random(w, 4);; left--) {
        struct tick *t = world_tick(w);
        if (left) {
            write_refused(w, t);
        } else {
            assert_int_equal(store_write(w->store, t), 0);
            world_record(w, t, true);
        }
        memory_push(m, t);
        if (!left)
            break;
    }
}

struct pace {
    int64_t intervals_ms[3];
    int64_t jump_ms; /* the clock's, ahead; the most */
    int64_t seal_ms;
    uint64_t slices;           /* of housekeeping after a tick, less than this */
    int64_t raw_ms, minute_ms; /* 0: as long as by default */
};

static void step(struct world *w, struct memory *m, const struct pace *pace)
{
    struct tick *t = world_tick(w);
    uint64_t fate = world_random(w, 25); /* some never reach the disk */
    if (fate == 1) {
        write_refused(w, t);
    } else {
        if (fate)
            assert_int_equal(store_write(w->store, t), 0);
        world_record(w, t, fate != 0);
    }
    memory_push(m, t);
    switch (world_random(w, 60)) {
    case 0:
        w->t_ms -= (int64_t)world_random(w, 600000); /* the clock is set back */
        break;
    case 1:
        w->t_ms += (int64_t)world_random(w, (uint64_t)pace->jump_ms);
        break;
    case 2:
        w->interval_ms = pace->intervals_ms[world_random(w, 3)];
        w->t_ms -= w->t_ms % w->interval_ms;
        break;
    case 4:
        if (world_random(w, 3) == 0)
            lose_all(w, m);
        break;
    case 3:
        world_close(w, world_random(w, 2));
        world_open(w);
        break;
    default:
        break;
    }
    /* Some slices, so that queries meet half-sealed and half-folded spans. */
    for (uint64_t left = world_random(w, pace->slices); left > 0; left--)
        store_work(w->store);
}

/* Returns how many answers came from the minute tier, and from the hour tier. */
static void run_world(uint64_t seed, size_t steps, const struct pace *pace, size_t tiers[3])
{
    struct world w;
    struct memory m = {0};
    world_init(&w, seed);
    w.settings.seal_ms = pace->seal_ms;
    w.settings.seal_ticks = 30;
    if (pace->raw_ms) {
        w.settings.raw_ms = pace->raw_ms;
        w.settings.minute_ms = pace->minute_ms;
    }
    world_open(&w);
    struct store_reader *reader = NULL;
    for (size_t i = 0; i < steps; i++) {
        step(&w, &m, pace);
        if (!reader)
            assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
        if (world_random(&w, 5) == 0)
            random_query(&w, &m, reader, tiers);
    }
    assert_int_equal(store_reader_damaged(reader), 0);
    assert_true(w.spans_sealed + store_stats(w.store).spans_sealed > 5);
    store_reader_close(reader);
    memory_fini(&m);
    world_fini(&w);
}

static void test_property(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    const char *text = getenv("STORE_WORLDS");
    uint64_t worlds = text ? strtoull(text, NULL, 10) : 12;
    size_t tiers[3] = {0};
    static const struct pace pace = {{1000, 2000, 250}, 3000000, 40000, 2, 0, 0};
    for (uint64_t seed = 1; seed <= worlds; seed++)
        run_world(seed, 400, &pace, tiers);
    assert_true(tiers[1] > tiers[0] / 20);
}

/* Ticks so far apart that days pass. */
static void test_tiers(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    const char *text = getenv("STORE_WORLDS");
    uint64_t worlds = text ? strtoull(text, NULL, 10) : 8;
    size_t tiers[3] = {0};
    enum { KEPT_DAYS = 2000 };
    const int64_t KEPT_MS = KEPT_DAYS * 86400 * MS_PER_S;
    const struct pace pace = {{60000, 20000, 10000}, 60 * 3600000, 600000, 6, KEPT_MS, KEPT_MS};
    for (uint64_t seed = 101; seed <= 100 + worlds; seed++)
        run_world(seed, 600, &pace, tiers);
    assert_true(tiers[1] > tiers[0] / 10);
    assert_true(tiers[2] > tiers[0] / 10);
}

/* ---- single cases --------------------------------------------------------------------------- */

static struct answer *ask(struct store_reader *reader, const struct recent *recent,
                          const char *glob, int64_t from_ms, int64_t to_ms, uint32_t points,
                          enum aggregate agg)
{
    struct query q = {.from_ms = from_ms, .to_ms = to_ms, .points = points, .aggregate = agg};
    selector_init(&q.selector);
    if (glob)
        assert_int_equal(selector_add_glob(&q.selector, glob), 0);
    struct answer *answer = NULL;
    struct store_error err;
    if (store_query(reader, &q, recent, &answer, &err) < 0)
        fail_msg("query: %s", err.text);
    selector_fini(&q.selector);
    return answer;
}

static void test_memory_only(void **state)
{
    (void)state;
    struct world w;
    struct memory m = {0};
    world_init(&w, 5);
    world_open(&w);
    for (int i = 0; i < 10; i++) {
        struct tick *t = world_tick(&w);
        world_record(&w, t, false);
        memory_push(&m, t);
    }
    const struct recent recent = {m.ticks, m.count};
    struct answer *a = ask(NULL, &recent, "level", w.t_ms - 9000, w.t_ms, 300, AGG_LAST);
    assert_string_equal(a->tier, "memory");
    assert_int_equal(a->points_count, 10);
    assert_int_equal(a->step_ms, 1000);
    assert_true(a->series_count > 0);
    assert_string_equal(a->series[0].name, "level");
    answer_free(a);
    memory_fini(&m);
    world_fini(&w);
}

static void test_empty_range(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 6);
    world_open(&w);
    world_write(&w);
    struct store_reader *reader;
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    struct answer *a = ask(reader, NULL, NULL, 0, 100000, 10, AGG_AVG);
    assert_int_equal(a->series_count, 0);
    assert_int_equal(a->step_ms % 1000, 0);
    assert_true(a->points_count <= 10);
    answer_free(a);
    /* Extremes of time neither overflow nor hang. */
    a = ask(reader, NULL, NULL, INT64_MIN, INT64_MAX, 1, AGG_AVG);
    assert_int_equal(a->points_count, 1);
    assert_true(a->series_count > 0);
    answer_free(a);
    a = ask(reader, NULL, NULL, w.t_ms, w.t_ms, QUERY_POINTS_MAX, AGG_LAST);
    assert_int_equal(a->points_count, 1);
    assert_true(a->series_count > 0);
    answer_free(a);
    struct query q = {.from_ms = 2, .to_ms = 1, .points = 5};
    struct store_error err;
    assert_int_equal(store_query(reader, &q, NULL, &a, &err), -EINVAL);
    store_reader_close(reader);
    world_fini(&w);
}

static void test_cancel(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 7);
    world_open(&w);
    world_write(&w);
    struct store_reader *reader;
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    store_reader_cancel(reader);
    struct query q = {.from_ms = 0, .to_ms = w.t_ms, .points = 5};
    struct answer *a;
    struct store_error err;
    assert_int_equal(store_query(reader, &q, NULL, &a, &err), -ECANCELED);
    store_reader_close(reader);
    world_fini(&w);
}

/* What a person expects who asks for so much time in so many points. */
static void test_steps(void **state)
{
    enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };
    const int64_t t0 = 1764000000000; /* a multiple of a minute and of most steps */
    static const struct {
        int64_t from_ms, to_ms; /* from t0 on */
        uint32_t points;
        int64_t step_ms, first_ms;
        size_t count;
    } cases[] = {
        /* A quarter of an hour in 300 points, wherever on the clock it ends. */
        {0, 15 * MINUTE, 300, 3000, 0, 300},
        {1, 15 * MINUTE + 1, 300, 3000, 3000, 300},
        {1234, 15 * MINUTE + 1234, 300, 3000, 3000, 300},
        {2999, 15 * MINUTE + 2999, 300, 3000, 3000, 300},
        {1, 15 * MINUTE, 300, 3000, 0, 300},
        {0, 15 * MINUTE - 1, 300, 3000, 0, 300},
        {500, 15 * MINUTE, 300, 3000, 0, 300},
        {2000, 15 * MINUTE + 1000, 300, 3000, 3000, 300}, /* shorter than 300 steps, touches 301 */
        {0, 15 * MINUTE, 301, 3000, 0, 301},              /* there is room for the last moment */
        {0, 15 * MINUTE, 900, 1000, 0, 900},
        {700, 15 * MINUTE + 700, 900, 1000, 1000, 900},
        {0, 15 * MINUTE, 20000, 1000, 0, 901},
        {0, HOUR, 300, 12000, 0, 300},
        {5000, HOUR + 5000, 300, 12000, 12000, 300},
        {0, HOUR, 900, 4000, 0, 900},
        {0, HOUR, 7, 515000, 145000, 7},
        /* Little. */
        {0, 0, 300, 1000, 0, 1},
        {400, 400, 1, 1000, 0, 1},
        {0, 1000, 300, 1000, 0, 2},
        {0, 1000, 1, 1000, 0, 1},
        {400, 2600, 300, 1000, 0, 3},
        /* One point has it all in it, and nothing else. */
        {0, 15 * MINUTE, 1, 15 * MINUTE, 0, 1},
        {20 * MINUTE, 35 * MINUTE, 1, 15 * MINUTE, 20 * MINUTE, 1},
        {20 * MINUTE, 35 * MINUTE + 1, 1, 15 * MINUTE + 1000, 20 * MINUTE, 1},
        {20 * MINUTE, 35 * MINUTE, 2, 450000, 22 * MINUTE + 30000, 2},
    };
    (void)state;
    struct world w;
    world_init(&w, 77);
    world_open(&w);
    w.t_ms = t0 - 1000;
    for (int i = 0; i < 10; i++)
        world_write(&w);
    struct store_reader *reader;
    struct store_error err;
    assert_int_equal(store_reader_open(w.dir, &reader, &err), 0);
    struct tick *t = world_tick(&w);
    const struct recent recent = {&t, 1};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct query q = {.from_ms = t0 + cases[i].from_ms,
                          .to_ms = t0 + cases[i].to_ms,
                          .points = cases[i].points};
        for (int memory = 0; memory < 2; memory++) {
            struct answer *a;
            if (store_query(memory ? NULL : reader, &q, &recent, &a, &err) < 0)
                fail_msg("case %zu: %s", i, err.text);
            if (a->step_ms != cases[i].step_ms || a->from_ms - t0 != cases[i].first_ms ||
                a->points_count != cases[i].count)
                fail_msg("case %zu: %zu points of %lld ms from %lld on", i, a->points_count,
                         (long long)a->step_ms, (long long)(a->from_ms - t0));
            assert_int_equal(a->to_ms, a->from_ms + (int64_t)(a->points_count - 1) * a->step_ms);
            answer_free(a);
        }
    }
    tick_unref(t);
    store_reader_close(reader);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_property),    cmocka_unit_test(test_tiers),
        cmocka_unit_test(test_memory_only), cmocka_unit_test(test_empty_range),
        cmocka_unit_test(test_steps),       cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
