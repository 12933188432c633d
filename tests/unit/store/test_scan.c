/*
 * test_scan.c: scans against a naive array.
 *
 * A world as in test_query.c: series come and go, the clock steps, the interval changes, the
 * database is sealed slice by slice, closed, opened. Scans with tiny pieces go over random ranges
 * of it, alone, or while the world goes on between two pieces. What a scan says must be what a loop
 * over the array says: every sample once, in order, and nothing else.
 */
#include "world.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "store/scan.h"
#include "store/scan_internal.h"

#define RECENT_MAX 25

struct memory {
    struct tick *ticks[RECENT_MAX];
    size_t count;
};

static void memory_push(struct memory *m, struct tick *t)
{
    if (m->count == RECENT_MAX) {
        tick_unref(m->ticks[0]);
        m->count--;
        memmove(m->ticks, m->ticks + 1, m->count * sizeof(*m->ticks));
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

/* What a lost tick counted is in the next one that was stored, unless that is the first. */
static bool claimed(const struct world *w, size_t lost)
{
    bool before = false, after = false;
    for (size_t i = 0; i < w->ticks_count; i++)
        *(i < lost ? &before : &after) |= w->ticks[i].stored;
    return before && after && !w->ticks[lost].stored;
}

/* ---- the naive way -------------------------------------------------------------------------- */

struct row {
    uint64_t seq;
    int64_t t_ms;
    double values[WORLD_SERIES];
};

struct rows {
    size_t count;
    struct row *rows;
    bool sampled[WORLD_SERIES];
};

static double naive_value(const struct world_tick *t, size_t series, enum aggregate agg)
{
    const struct world_sample *s = &t->samples[series];
    const struct metric *metric = world_metric(series);
    if (s->state == SAMPLE_ABSENT)
        return NAN;
    if (metric->kind == METRIC_GAUGE)
        return s->value.gauge;
    if (agg == AGG_SUM) /* of nanoseconds: the nearest to what was counted */
        return metric->scale < 1 ? (double)s->value.increment / 1e9 : (double)s->value.increment;
    if (s->state != SAMPLE_OK || t->elapsed_ns <= 0)
        return NAN;
    return (double)s->value.increment * metric->scale * 1e9 / (double)t->elapsed_ns;
}

static void naive(const struct world *w, const struct memory *m, const struct scan_spec *spec,
                  struct rows *ret)
{
    *ret = (struct rows){.rows = mem_array(w->ticks_count + 1, sizeof(struct row))};
    for (size_t i = 0; i < w->ticks_count; i++) {
        const struct world_tick *t = &w->ticks[i];
        if (t->t_ms < spec->from_ms || t->t_ms > spec->to_ms)
            continue;
        if (!t->stored && !in_memory(m, t->seq))
            continue;
        for (size_t s = 0; s < WORLD_SERIES; s++)
            ret->sampled[s] |= t->samples[s].state != SAMPLE_ABSENT;
        if (spec->aggregate == AGG_SUM && claimed(w, i))
            continue;
        struct row *row = &ret->rows[ret->count++];
        *row = (struct row){.seq = t->seq, .t_ms = t->t_ms};
        for (size_t s = 0; s < WORLD_SERIES; s++)
            row->values[s] = naive_value(t, s, spec->aggregate);
    }
}

/* ---- reading a scan ------------------------------------------------------------------------- */

/* All that a scan said, by series of the world. */
struct told {
    size_t count[WORLD_SERIES], room[WORLD_SERIES];
    struct {
        int64_t t_ms;
        double value;
    } * points[WORLD_SERIES];
    size_t pieces;
};

static void told_fini(struct told *told)
{
    for (size_t i = 0; i < WORLD_SERIES; i++)
        free(told->points[i]);
}

static void told_add(struct told *told, const struct scan *scan, const struct scan_piece *piece)
{
    const struct scan_about *about = scan_about(scan);
    told->pieces++;
    assert_true(piece->rows > 0 && piece->columns > 0);
    assert_true(piece->rows * piece->columns <= MAX(scan->values_max, piece->columns));
    assert_true(piece->first_series + piece->columns <= about->series_count);
    for (size_t r = 0; r < piece->rows; r++) {
        bool any = false;
        for (size_t c = 0; c < piece->columns; c++)
            any = any || !isnan(piece->values[c * piece->rows + r]);
        assert_true(any);
    }
    for (size_t c = 0; c < piece->columns; c++) {
        size_t s = world_index(about->series[piece->first_series + c].key);
        for (size_t r = 0; r < piece->rows; r++) {
            double value = piece->values[c * piece->rows + r];
            if (isnan(value))
                continue;
            if (told->count[s] == told->room[s]) {
                told->room[s] = MAX(told->room[s] * 2, (size_t)64);
                told->points[s] =
                    mem_resize(told->points[s], told->room[s], sizeof(*told->points[s]));
            }
            size_t at = told->count[s]++;
            told->points[s][at].t_ms = piece->t_ms[r];
            told->points[s][at].value = value;
        }
    }
}

static void check_about(const struct scan *scan, const struct rows *expected,
                        const struct scan_spec *spec)
{
    const struct scan_about *about = scan_about(scan);
    size_t there = 0;
    for (size_t s = 0; s < WORLD_SERIES; s++)
        there += expected->sampled[s];
    assert_int_equal(about->series_count, there);
    for (size_t i = 0; i < about->series_count; i++) {
        const struct scan_series *s = &about->series[i];
        size_t at = world_index(s->key);
        assert_true(expected->sampled[at]);
        assert_string_equal(s->unit, world_metric(at)->unit);
        assert_string_equal(s->help, world_metric(at)->help);
        assert_int_equal(s->kind, world_metric(at)->kind);
        if (i && !spec->families)
            assert_true(strcmp(about->series[i - 1].name, s->name) <= 0);
    }
}

/* Each sample once, in the order of the ticks; those with a number below `gone` may be missing. */
static void check_told(const struct told *told, const struct rows *expected, uint64_t gone)
{
    for (size_t s = 0; s < WORLD_SERIES; s++) {
        size_t at = 0;
        for (size_t i = 0; i < expected->count; i++) {
            const struct row *row = &expected->rows[i];
            if (isnan(row->values[s]))
                continue;
            bool same = at < told->count[s] && told->points[s][at].t_ms == row->t_ms &&
                        told->points[s][at].value == row->values[s];
            at += same;
            if (!same && row->seq >= gone)
                fail_msg("series %zu: tick %llu at %lld: %.17g expected, not %.17g at %lld", s,
                         (unsigned long long)row->seq, (long long)row->t_ms, row->values[s],
                         at < told->count[s] ? told->points[s][at].value : NAN,
                         at < told->count[s] ? (long long)told->points[s][at].t_ms : 0LL);
        }
        if (at != told->count[s])
            fail_msg("series %zu: %zu points, %zu expected", s, told->count[s], at);
    }
}

/* ---- worlds --------------------------------------------------------------------------------- */

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

static void step(struct world *w, struct memory *m, bool losses)
{
    static const int64_t intervals[] = {1000, 2000, 250};
    struct tick *t = world_tick(w);
    uint64_t fate = losses ? world_random(w, 25) : 2;
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
        w->t_ms += (int64_t)world_random(w, 3000000);
        break;
    case 2:
        w->interval_ms = intervals[world_random(w, 3)];
        w->t_ms -= w->t_ms % w->interval_ms;
        break;
    case 3:
        world_close(w, world_random(w, 2));
        world_open(w);
        break;
    default:
        break;
    }
    if (world_random(w, 3) == 0)
        store_work(w->store);
}

static void random_spec(struct world *w, struct selector *selector, struct scan_spec *ret)
{
    const struct world_tick *a = &w->ticks[world_random(w, w->ticks_count)];
    const struct world_tick *b = &w->ticks[world_random(w, w->ticks_count)];
    selector_init(selector);
    *ret = (struct scan_spec){
        .selector = selector,
        .from_ms = MIN(a->t_ms, b->t_ms) - (int64_t)world_random(w, 5000),
        .to_ms = MAX(a->t_ms, b->t_ms) + (int64_t)world_random(w, 5000),
        .aggregate = world_random(w, 2) ? AGG_SUM : AGG_AVG,
        .wide = world_random(w, 3) == 0,
    };
    ret->families = !ret->wide && world_random(w, 2);
}

/* A world that goes on grows no further: else each scan in small pieces would make the next one
 * longer, and no end of it. */
#define GOING_TICKS_MAX 5000

/* One scan; with `going` the world goes on between the pieces. */
static void random_scan(struct world *w, struct memory *m, struct store_reader **readers,
                        bool going)
{
    struct selector selector;
    struct scan_spec spec;
    struct scan *scan;
    struct store_error err;
    struct scan_piece piece;
    struct rows expected;
    struct told told = {0};
    random_spec(w, &selector, &spec);
    naive(w, m, &spec, &expected);
    struct recent recent = {m->ticks, m->count};
    if (scan_open(readers[0], &spec, &recent, &scan, &err) < 0)
        fail_msg("scan_open: %s", err.text);
    scan_limit(scan, 1 + world_random(w, 300), 1 + world_random(w, 40), 1 + world_random(w, 2000));
    check_about(scan, &expected, &spec);
    for (;;) {
        recent = (struct recent){m->ticks, m->count};
        int got = scan_next(scan, readers[world_random(w, 2)], &recent, &piece, &err);
        if (got < 0)
            fail_msg("scan_next: %s", err.text);
        if (got == 0)
            break;
        told_add(&told, scan, &piece);
        bool grows = going && w->ticks_count < GOING_TICKS_MAX;
        for (uint64_t n = grows ? world_random(w, 4) : 0; n > 0; n--)
            step(w, m, false);
    }
    check_told(&told, &expected, 0);
    scan_close(scan);
    told_fini(&told);
    free(expected.rows);
}

static void run_world(uint64_t seed, size_t steps, bool losses)
{
    struct world w;
    struct memory m = {0};
    world_init(&w, seed);
    w.settings.seal_ms = 40000;
    w.settings.seal_ticks = 30;
    w.settings.raw_ms = INT64_C(10) * 365 * 24 * 3600 * 1000;
    world_open(&w);
    struct store_reader *readers[2] = {NULL, NULL};
    for (size_t i = 0; i < steps; i++) {
        step(&w, &m, losses);
        for (int k = 0; k < 2 && !readers[k]; k++)
            assert_int_equal(store_reader_open(w.dir, &readers[k], NULL), 0);
        if (world_random(&w, 8) == 0)
            random_scan(&w, &m, readers, !losses && world_random(&w, 2));
    }
    for (int k = 0; k < 2; k++) {
        assert_int_equal(store_reader_damaged(readers[k]), 0);
        store_reader_close(readers[k]);
    }
    assert_true(w.spans_sealed + store_stats(w.store).spans_sealed > 5);
    memory_fini(&m);
    world_fini(&w);
}

static uint64_t worlds(void)
{
    const char *text = getenv("STORE_WORLDS");
    return text ? strtoull(text, NULL, 10) : 8;
}

/* The disk refuses ticks, some never come to it: memory alone has them. */
static void test_losses(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (uint64_t seed = 1; seed <= worlds(); seed++)
        run_world(seed, 300, true);
}

static void test_going_on(void **state)
{
    (void)state;
    for (uint64_t seed = 101; seed <= 100 + worlds(); seed++)
        run_world(seed, 200, false);
}

/* ---- single cases --------------------------------------------------------------------------- */

static struct scan *open_scan(struct store_reader *reader, const struct recent *recent,
                              const struct scan_spec *spec)
{
    struct scan *scan;
    struct store_error err;
    if (scan_open(reader, spec, recent, &scan, &err) < 0)
        fail_msg("scan_open: %s", err.text);
    return scan;
}

static void read_rest(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                      struct told *told)
{
    struct scan_piece piece;
    struct store_error err;
    int got;
    while ((got = scan_next(scan, reader, recent, &piece, &err)) > 0)
        told_add(told, scan, &piece);
    if (got < 0)
        fail_msg("scan_next: %s", err.text);
    /* The end stays the end. */
    assert_int_equal(scan_next(scan, reader, recent, &piece, &err), 0);
}

static void test_memory_only(void **state)
{
    (void)state;
    struct world w;
    struct memory m = {0};
    struct selector all;
    struct rows expected;
    struct told told = {0};
    world_init(&w, 5);
    world_open(&w);
    for (int i = 0; i < 20; i++) {
        struct tick *t = world_tick(&w);
        world_record(&w, t, false);
        memory_push(&m, t);
    }
    selector_init(&all);
    const struct recent recent = {m.ticks, m.count};
    const struct scan_spec spec = {
        .selector = &all, .from_ms = w.t_ms - 10000, .to_ms = w.t_ms - 2000, .aggregate = AGG_SUM};
    struct scan *scan = open_scan(NULL, &recent, &spec);
    assert_string_equal(scan_about(scan)->tier, "memory");
    assert_int_equal(scan_about(scan)->interval_ms, 1000);
    naive(&w, &m, &spec, &expected);
    assert_int_equal(expected.count, 9);
    check_about(scan, &expected, &spec);
    read_rest(scan, NULL, &recent, &told);
    check_told(&told, &expected, 0);
    scan_close(scan);
    free(expected.rows);
    told_fini(&told);
    memory_fini(&m);
    world_fini(&w);
}

/* What expires while a scan is under way is missing; what is left comes all the same. */
static void test_expiry(void **state)
{
    (void)state;
    struct world w;
    struct memory m = {0};
    struct selector all;
    struct rows expected;
    struct told told = {0};
    struct store_reader *reader;
    world_init(&w, 9);
    w.settings.raw_ms = w.settings.minute_ms = w.settings.hour_ms = 120 * 1000;
    w.settings.seal_ms = 20 * 1000;
    world_fill(&w, 110);
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    selector_init(&all);
    const struct scan_spec spec = {.selector = &all, .to_ms = w.t_ms, .aggregate = AGG_SUM};
    struct scan *scan = open_scan(reader, NULL, &spec);
    scan_limit(scan, 7, 7, 50);
    naive(&w, &m, &spec, &expected);
    struct scan_piece piece;
    struct store_error err;
    assert_int_equal(scan_next(scan, reader, NULL, &piece, &err), 1);
    told_add(&told, scan, &piece);
    for (int i = 0; i < 100; i++) {
        world_write(&w);
        world_work(&w);
    }
    uint64_t gone =
        (uint64_t)world_ask_number(&w, "SELECT min(first_seq) FROM span WHERE tier = 0");
    assert_true(gone > expected.rows[20].seq);
    assert_true(gone < expected.rows[100].seq);
    read_rest(scan, reader, NULL, &told);
    check_told(&told, &expected, gone);
    size_t said = 0, all_values = 0;
    for (size_t s = 0; s < WORLD_SERIES; s++) {
        said += told.count[s];
        for (size_t i = 0; i < expected.count; i++)
            all_values += isnan(expected.rows[i].values[s]) ? 0 : 1;
    }
    assert_true(said < all_values);
    scan_close(scan);
    store_reader_close(reader);
    free(expected.rows);
    told_fini(&told);
    world_fini(&w);
}

/* Steps are those of store_query, whatever the windows. */
static void check_steps(struct world *w, struct store_reader *reader, const struct recent *recent,
                        enum aggregate agg, bool wide)
{
    struct selector selector;
    struct store_error err;
    selector_init(&selector);
    if (agg >= AGG_P50)
        selector_add_glob(&selector, "rtt_*");
    const struct scan_spec spec = {.selector = &selector,
                                   .from_ms = w->t_ms - 200000 + (int64_t)world_random(w, 5000),
                                   .to_ms = w->t_ms - (int64_t)world_random(w, 5000),
                                   .points = (uint32_t)(5 + world_random(w, 60)),
                                   .aggregate = agg,
                                   .wide = wide};
    struct query query = {.selector = selector,
                          .from_ms = spec.from_ms,
                          .to_ms = spec.to_ms,
                          .points = spec.points,
                          .aggregate = agg};
    struct answer *answers[2] = {NULL, NULL};
    assert_int_equal(store_query(reader, &query, recent, &answers[0], &err), 0);
    query.aggregate = AGG_AVG;
    assert_int_equal(store_query(reader, &query, recent, &answers[1], &err), 0);
    struct scan *scan = open_scan(reader, recent, &spec);
    const struct scan_about *about = scan_about(scan);
    scan_limit(scan, 1 + world_random(w, 300), 1 + world_random(w, 40), 20 + world_random(w, 300));
    assert_int_equal(about->interval_ms, answers[0]->step_ms);
    struct scan_piece piece;
    size_t values = 0, expected_values = 0;
    int got;
    while ((got = scan_next(scan, reader, recent, &piece, &err)) > 0) {
        for (size_t c = 0; c < piece.columns; c++) {
            const struct scan_series *s = &about->series[piece.first_series + c];
            const struct answer *a = answers[agg == AGG_SUM && s->kind == METRIC_GAUGE ? 1 : 0];
            const struct answer_series *from = NULL;
            for (size_t i = 0; i < a->series_count; i++) {
                if (strcmp(a->series[i].key, s->key) == 0)
                    from = &a->series[i];
            }
            for (size_t r = 0; r < piece.rows; r++) {
                double value = piece.values[c * piece.rows + r];
                int64_t at = piece.t_ms[r] - a->from_ms;
                assert_true(at >= 0 && at % a->step_ms == 0);
                size_t p = (size_t)(at / a->step_ms);
                assert_true(p < a->points_count);
                values += isnan(value) ? 0 : 1;
                assert_true(isnan(value) ||
                            (from && fabs(value - from->values[p]) <= 1e-12 * fabs(value)));
            }
        }
    }
    assert_int_equal(got, 0);
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < answers[k]->series_count; i++) {
            bool gauge = answers[k]->series[i].kind == METRIC_GAUGE;
            bool wanted = agg == AGG_SUM ? gauge == (k == 1) : k == 0;
            for (size_t p = 0; wanted && p < answers[k]->points_count; p++)
                expected_values += isnan(answers[k]->series[i].values[p]) ? 0 : 1;
        }
        answer_free(answers[k]);
    }
    assert_int_equal(values, expected_values);
    assert_true(values > 0);
    scan_close(scan);
    selector_fini(&selector);
}

static void test_steps(void **state)
{
    (void)state;
    struct world w;
    struct memory m = {0};
    struct store_reader *reader;
    world_init(&w, 21);
    w.settings.seal_ms = 30000;
    w.settings.seal_ticks = 30;
    world_open(&w);
    for (int i = 0; i < 300; i++) {
        struct tick *t = world_tick(&w);
        assert_int_equal(store_write(w.store, t), 0);
        world_record(&w, t, true);
        memory_push(&m, t);
        store_work(w.store);
    }
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    const struct recent recent = {m.ticks, m.count};
    for (int i = 0; i < 20; i++) {
        for (int agg = AGG_AVG; agg <= AGG_P99; agg++)
            check_steps(&w, reader, &recent, (enum aggregate)agg, i % 2);
    }
    store_reader_close(reader);
    memory_fini(&m);
    world_fini(&w);
}

/* A histogram's parts are the columns of one group, in the order of their bounds. */
static void test_families(void **state)
{
    static const char *const bounds[] = {"0.1", "0.5", "2", "+Inf"};
    (void)state;
    struct world w;
    struct selector all;
    struct store_reader *reader;
    world_init(&w, 33);
    world_open(&w);
    for (int i = 0; i < 30; i++)
        world_write(&w);
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    selector_init(&all);
    const struct scan_spec spec = {
        .selector = &all, .to_ms = w.t_ms, .aggregate = AGG_SUM, .families = true};
    struct scan *scan = open_scan(reader, NULL, &spec);
    struct scan_piece piece;
    struct store_error err;
    size_t histograms = 0;
    while (scan_next(scan, reader, NULL, &piece, &err) > 0) {
        const struct scan_series *s = &scan_about(scan)->series[piece.first_series];
        assert_int_equal(piece.columns, s->is_histogram ? WORLD_BUCKETS : 1);
        assert_int_equal(s->family_len, s->is_histogram ? strlen("rtt_seconds") : strlen(s->name));
        for (size_t c = 0; s->is_histogram && c < piece.columns; c++)
            assert_string_equal(s[c].labels[1].value, bounds[c]);
        histograms += s->is_histogram;
    }
    assert_int_equal(histograms, 1);
    scan_close(scan);
    store_reader_close(reader);
    world_fini(&w);
}

/* Another database in its place is not gone on with: it would look like the end. */
static void test_replaced(void **state)
{
    (void)state;
    struct world w;
    struct selector all;
    struct store_reader *reader;
    struct store_error err;
    struct scan_piece piece;
    world_init(&w, 12);
    world_fill(&w, 60);
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    selector_init(&all);
    struct scan_spec spec = {.selector = &all, .to_ms = w.t_ms, .aggregate = AGG_SUM};
    struct scan *scans[2];
    for (int i = 0; i < 2; i++) {
        spec.points = i ? 30 : 0;
        scans[i] = open_scan(reader, NULL, &spec);
        scan_limit(scans[i], 5, 5, 5);
        assert_int_equal(scan_next(scans[i], reader, NULL, &piece, &err), 1);
    }
    struct buf copy = BUF_INIT;
    char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    world_close(&w, true);
    world_read_database(&w, &copy);
    assert_int_equal(remove(path), 0);
    world_write_database(&w, copy.data, copy.len);
    for (int i = 0; i < 2; i++) {
        /* Steps are asked for a window at a time: what was read already still comes. */
        int got;
        do
            got = scan_next(scans[i], reader, NULL, &piece, &err);
        while (got > 0);
        assert_int_equal(got, -ESTALE);
        assert_non_null(strstr(err.text, "replaced"));
        scan_close(scans[i]);
    }
    store_reader_close(reader);
    buf_fini(&copy);
    world_fini(&w);
}

/* What samples do not reach back to comes from the minute tier, step by step as from a query. */
static void test_tiers(void **state)
{
    (void)state;
    struct world w;
    struct selector all;
    struct store_reader *reader;
    struct store_error err;
    struct scan_piece piece;
    world_init(&w, 41);
    w.interval_ms = 10000;
    w.settings.raw_ms = 2 * 3600 * MS_PER_S;
    w.settings.minute_ms = w.settings.hour_ms = INT64_C(400) * 24 * 3600 * MS_PER_S;
    world_open(&w);
    int64_t from_ms = w.t_ms;
    for (int i = 0; i < 6 * 3600 / 10; i++) {
        world_write(&w);
        world_work(&w);
    }
    assert_true(world_ask_number(&w, "SELECT count(*) FROM span WHERE tier = 1") > 0);
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    selector_init(&all);
    struct scan_spec spec = {.selector = &all, .from_ms = from_ms, .to_ms = w.t_ms};
    struct scan *scan = open_scan(reader, NULL, &spec);
    assert_string_equal(scan_about(scan)->tier, "minute");
    assert_int_equal(scan_about(scan)->interval_ms, 60000);
    scan_limit(scan, 50, 50, 400);
    struct query query = {.selector = all,
                          .from_ms = from_ms,
                          .to_ms = w.t_ms,
                          .step_ms = 60000,
                          .points = QUERY_POINTS_FINEST};
    struct answer *answer;
    assert_int_equal(store_query(reader, &query, NULL, &answer, &err), 0);
    assert_int_equal(answer->step_ms, 60000);
    size_t values = 0, expected = 0;
    while (scan_next(scan, reader, NULL, &piece, &err) > 0) {
        const char *key = scan_about(scan)->series[piece.first_series].key;
        size_t at = 0;
        while (at < answer->series_count && strcmp(answer->series[at].key, key) != 0)
            at++;
        assert_true(at < answer->series_count);
        for (size_t r = 0; r < piece.rows; r++, values++) {
            size_t p = (size_t)((piece.t_ms[r] - answer->from_ms) / 60000);
            assert_true(p < answer->points_count);
            assert_true(fabs(piece.values[r] - answer->series[at].values[p]) <=
                        1e-9 * fabs(piece.values[r]));
        }
    }
    for (size_t i = 0; i < answer->series_count; i++) {
        for (size_t p = 0; p < answer->points_count; p++)
            expected += isnan(answer->series[i].values[p]) ? 0 : 1;
    }
    assert_int_equal(values, expected);
    assert_true(values > 300 * 5);
    answer_free(answer);
    scan_close(scan);
    /* As far back as the samples reach they are what is exported. */
    spec.from_ms = w.t_ms - 3600 * MS_PER_S;
    scan = open_scan(reader, NULL, &spec);
    assert_string_equal(scan_about(scan)->tier, "raw");
    assert_int_equal(scan_about(scan)->interval_ms, 10000);
    scan_close(scan);
    store_reader_close(reader);
    world_fini(&w);
}

/* Bytes of the file changed at random: an error or less, never more, and no harm. */
static void test_damage(void **state)
{
    (void)state;
    struct world w;
    struct selector all;
    struct buf file = BUF_INIT;
    size_t whole = 0, less = 0, failed = 0;
    world_init(&w, 51);
    world_fill(&w, 90);
    world_close(&w, true);
    world_read_database(&w, &file);
    assert_true(buf_ok(&file));
    selector_init(&all);
    struct scan_spec spec = {.selector = &all, .to_ms = INT64_MAX, .aggregate = AGG_SUM};
    size_t all_values = 0;
    for (int i = 0; i < 300; i++) {
        char *copy = mem_array(file.len, 1);
        memcpy(copy, file.data, file.len);
        for (uint64_t n = i ? 1 + world_random(&w, 20) : 0; n > 0; n--)
            copy[4096 + world_random(&w, file.len - 4096)] ^= (char)(1 + world_random(&w, 255));
        world_write_database(&w, copy, file.len);
        free(copy);
        spec.wide = i % 3 == 1;
        spec.points = i % 3 == 2 ? 20 : 0;
        struct store_reader *reader;
        struct scan *scan;
        struct store_error err;
        struct scan_piece piece;
        int got = store_reader_open(w.dir, &reader, &err);
        if (got < 0) {
            failed++;
            continue;
        }
        got = scan_open(reader, &spec, NULL, &scan, &err);
        size_t values = 0;
        while (!got && (got = scan_next(scan, reader, NULL, &piece, &err)) > 0) {
            for (size_t k = 0; k < piece.rows * piece.columns; k++)
                values += isnan(piece.values[k]) ? 0 : 1;
            got = 0;
        }
        if (i == 0)
            all_values = values;
        failed += got < 0;
        whole += got == 0 && values == all_values;
        less += got == 0 && values < all_values;
        if (!spec.points)
            assert_true(values <= all_values);
        scan_close(scan);
        store_reader_close(reader);
    }
    assert_true(all_values > 500);
    assert_true(less > 0 && failed > 0 && whole > 0);
    world_write_database(&w, file.data, file.len);
    buf_fini(&file);
    world_open(&w);
    world_fini(&w);
}

static void test_refused(void **state)
{
    (void)state;
    struct world w;
    struct selector all;
    struct store_reader *reader;
    struct scan *scan;
    struct store_error err;
    struct scan_piece piece;
    world_init(&w, 7);
    world_open(&w);
    world_write(&w);
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    selector_init(&all);
    struct scan_spec spec = {.selector = &all, .from_ms = 2, .to_ms = 1};
    assert_int_equal(scan_open(reader, &spec, NULL, &scan, &err), -EINVAL);
    assert_null(scan);
    /* Nothing there, and extremes. */
    spec.to_ms = 5;
    scan = open_scan(reader, NULL, &spec);
    assert_int_equal(scan_about(scan)->series_count, 0);
    assert_int_equal(scan_next(scan, reader, NULL, &piece, &err), 0);
    scan_close(scan);
    spec.from_ms = INT64_MIN;
    spec.to_ms = INT64_MAX;
    scan = open_scan(reader, NULL, &spec);
    assert_true(scan_about(scan)->series_count > 0);
    assert_int_equal(scan_next(scan, reader, NULL, &piece, &err), 1);
    /* Who is told to end ends. */
    store_reader_cancel(reader);
    assert_int_equal(scan_next(scan, reader, NULL, &piece, &err), -ECANCELED);
    scan_close(scan);
    store_reader_close(reader);
    world_fini(&w);
}

/* A histogram is one column and a series a bucket: steps do not become longer for that. */
static void test_quantiles(void **state)
{
    enum { TICKS = 30000, BUCKETS = 20 };
    static const struct metric metric = {"latency_seconds_bucket", "seconds", "Latency.",
                                         METRIC_COUNTER, 1};
    (void)state;
    struct world w;
    struct store_reader *reader;
    struct selector selector;
    world_init(&w, 31);
    world_open(&w);
    int64_t from_ms = w.t_ms;
    for (uint64_t n = 0; n < TICKS; n++) {
        draft_begin(w.draft, w.seq++, w.t_ms, w.interval_ms * NS_PER_MS, 0, w.interval_ms);
        for (unsigned i = 1; i <= BUCKETS; i++) {
            char bound[16];
            snprintf(bound, sizeof(bound), i == BUCKETS ? "+Inf" : "%u", i);
            const struct label label = {"le", bound};
            draft_counter(w.draft, registry_get(w.registry, &metric, &label, 1, "test"), 5 * n * i,
                          1);
        }
        struct tick *t = draft_seal(w.draft, 0, &w.event_seq);
        assert_int_equal(store_write(w.store, t), 0);
        tick_unref(t);
        w.t_ms += w.interval_ms;
        if (n % 300 == 0)
            world_work(&w);
    }
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    selector_init(&selector);
    selector_add_glob(&selector, "latency_seconds");
    const struct scan_spec spec = {
        .selector = &selector, .from_ms = from_ms, .to_ms = w.t_ms, .aggregate = AGG_P99};
    struct scan *scan = open_scan(reader, NULL, &spec);
    struct scan_piece piece;
    struct store_error err;
    size_t rows = 0;
    while (scan_next(scan, reader, NULL, &piece, &err) == 1)
        rows += piece.rows;
    assert_int_equal(rows, TICKS - 1);
    scan_close(scan);
    store_reader_close(reader);
    selector_fini(&selector);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),      cmocka_unit_test(test_going_on),
        cmocka_unit_test(test_memory_only), cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_quantiles),   cmocka_unit_test(test_steps),
        cmocka_unit_test(test_families),    cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_tiers),       cmocka_unit_test(test_damage),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
