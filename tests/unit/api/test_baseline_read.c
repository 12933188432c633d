/*
 * test_baseline_read.c: one-minute means out of a history on disk, against what they are when
 * reckoned by hand: gaps, several windows, histograms, and more series than are read at once.
 */
#include "api/baseline_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/baseline_work.h"
#include "base/mem.h"
#include "model/series.h"
#include "model/tick.h"
#include "store/store.h"

#define T0_MS INT64_C(1764000000000) /* a multiple of a minute */
#define MINUTE_MS INT64_C(60000)
#define WEEK_MS (7 * 24 * 60 * MINUTE_MS)
#define STEP_MS 10000

static const struct metric level = {"test_level", "things", "A gauge.", METRIC_GAUGE, 1};
static const struct metric count = {"test_total", "things", "A counter.", METRIC_COUNTER, 1};
static const struct metric bucket = {"test_wait_seconds_bucket", "times", "A histogram.",
                                     METRIC_COUNTER, 1};

struct rig {
    char dir[64];
    struct store *store;
    struct registry *registry;
    struct draft *draft;
    struct store_reader *reader;
    uint64_t seq, next_event, total, buckets[3];
    int64_t last_ms;
};

static void rig_begin(struct rig *r)
{
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    settings.raw_ms = 6 * WEEK_MS;
    *r = (struct rig){.dir = "/tmp/netsonde-baseline-XXXXXX", .seq = 1, .next_event = 1};
    assert_non_null(mkdtemp(r->dir));
    assert_int_equal(store_open(r->dir, &settings, &r->store, NULL), 0);
    r->registry = registry_new(1000, 1);
    r->draft = draft_new(r->registry);
}

static void rig_read(struct rig *r)
{
    store_close(TAKE(r->store), NULL);
    assert_int_equal(store_reader_open(r->dir, &r->reader, NULL), 0);
}

static void rig_end(struct rig *r)
{
    char command[128];
    store_reader_close(r->reader);
    if (r->store)
        store_close(r->store, NULL);
    draft_free(r->draft);
    registry_free(r->registry);
    snprintf(command, sizeof(command), "rm -r %s", r->dir);
    assert_int_equal(system(command), 0);
}

static void tick_begin(struct rig *r, int64_t t_ms)
{
    int64_t elapsed_ms = r->last_ms ? t_ms - r->last_ms : 0;
    r->last_ms = t_ms;
    draft_begin(r->draft, r->seq++, t_ms, elapsed_ms * NS_PER_MS, t_ms * NS_PER_MS, STEP_MS);
}

static void tick_end(struct rig *r)
{
    struct tick *t = draft_seal(r->draft, r->last_ms * NS_PER_MS + 1, &r->next_event);
    assert_non_null(t);
    assert_int_equal(store_write(r->store, t), 0);
    tick_unref(t);
    while (store_work(r->store)) {
    }
}

static struct series *series(struct rig *r, const struct metric *m, const char *name,
                             const char *value)
{
    struct label label = {name, value};
    struct series *s = registry_get(r->registry, m, &label, *name != 0, "procfs");
    assert_non_null(s);
    return s;
}

/* Samples at the beginning of a minute, every ten seconds, `samples` of them: the gauge has
 * `value`, the counter counts ten times that each second. */
static void minute(struct rig *r, int64_t at_ms, double value, int samples)
{
    for (int i = 0; i < samples; i++) {
        tick_begin(r, at_ms + i * STEP_MS);
        r->total += (uint64_t)(value * 10 * STEP_MS / 1000);
        draft_gauge(r->draft, series(r, &level, "", ""), value);
        draft_counter(r->draft, series(r, &count, "kind", "a*"), r->total, 1);
        tick_end(r);
    }
}

static const struct baseline_series *find(const struct baseline_list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->items[i].name, name) == 0)
            return &l->items[i];
    }
    return NULL;
}

static struct baseline_reading reading_of(const struct rig *r, int64_t from_ms, int64_t to_ms)
{
    return (struct baseline_reading){.reader = r->reader,
                                     .windows = {{from_ms, to_ms}},
                                     .windows_count = 1,
                                     .block_ms = MINUTE_MS};
}

static void test_blocks(void **state)
{
    (void)state;
    struct rig r;
    struct baseline_list l;
    struct store_error error;
    rig_begin(&r);
    minute(&r, T0_MS, 1000, 6); /* before the window */
    for (int i = 1; i <= 40; i++) {
        if (i == 10) /* a third of it: does not count */
            minute(&r, T0_MS + i * MINUTE_MS, 1e6, 2);
        else if (i == 20) /* nothing at all */
            continue;
        else if (i == 30) /* half of it: does */
            minute(&r, T0_MS + i * MINUTE_MS, 100, 3);
        else
            minute(&r, T0_MS + i * MINUTE_MS, i, 6);
    }
    minute(&r, T0_MS + 41 * MINUTE_MS, 1000, 6); /* after it */
    rig_read(&r);
    /* Parts of minutes at both ends are in no block. */
    struct baseline_reading ask = reading_of(&r, T0_MS + 30000, T0_MS + 41 * MINUTE_MS + 30000);
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    assert_int_equal(l.count, 2);
    const struct baseline_series *s = find(&l, "test_level");
    assert_string_equal(s->labels, "{}");
    assert_string_equal(s->unit, "things");
    assert_int_equal(s->stats->n, 38);
    assert_true(s->stats->min == 1 && s->stats->max == 100);
    double sum = 100;
    for (int i = 1; i <= 40; i++)
        sum += i == 10 || i == 20 || i == 30 ? 0 : i;
    assert_true(fabs(s->stats->mean - sum / 38) < 1e-9);
    s = find(&l, "test_total");
    assert_string_equal(s->labels, "{\"kind\":\"a*\"}");
    assert_true(s->kind == METRIC_COUNTER && s->stats->n >= 37 && s->stats->n <= 38);
    assert_true(s->stats->max <= 1000 + 1e-6 && s->stats->max >= 400 - 1e-6);
    baseline_list_fini(&l);
    rig_end(&r);
}

/* Each minute by a third only: there a counter says how long it was looked at, a gauge does not. */
static void test_thin(void **state)
{
    (void)state;
    struct rig r;
    struct baseline_list l;
    struct store_error error;
    rig_begin(&r);
    for (int i = 0; i < 40; i++) {
        tick_begin(&r, T0_MS + i * MINUTE_MS); /* the time since the last one is nobody's */
        tick_end(&r);
        r.last_ms += MINUTE_MS / 2;
        minute(&r, T0_MS + i * MINUTE_MS + MINUTE_MS * 2 / 3, 5, 2);
    }
    rig_read(&r);
    struct baseline_reading ask = reading_of(&r, T0_MS, T0_MS + 40 * MINUTE_MS);
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.items[0].name, "test_level");
    assert_int_equal(l.items[0].stats->n, 40);
    baseline_list_fini(&l);
    rig_end(&r);
}

static void test_selection(void **state)
{
    (void)state;
    struct rig r;
    struct baseline_list l;
    struct store_error error;
    struct selector s;
    rig_begin(&r);
    for (int i = 0; i < 5; i++)
        minute(&r, T0_MS + i * MINUTE_MS, 7, 6);
    rig_read(&r);
    struct baseline_reading ask = reading_of(&r, T0_MS, T0_MS + 5 * MINUTE_MS);
    selector_init(&s);
    ask.selector = &s;
    assert_int_equal(selector_add_glob(&s, "test_t*"), 0);
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    assert_int_equal(l.count, 1);
    baseline_list_fini(&l);
    assert_int_equal(selector_add_match(&s, "kind=b*"), 0);
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    assert_int_equal(l.count, 0);
    baseline_list_fini(&l);
    selector_fini(&s);

    atomic_bool stop;
    atomic_init(&stop, true);
    ask.selector = NULL;
    ask.stop = &stop;
    assert_int_equal(baseline_read(&ask, &l, &error), -ECANCELED);
    baseline_list_fini(&l);
    ask.stop = NULL;
    ask.windows[0].to_ms = T0_MS + 91 * 1440 * MINUTE_MS;
    assert_int_equal(baseline_read(&ask, &l, &error), -EINVAL);
    baseline_list_fini(&l);
    ask.windows[0].to_ms = T0_MS + 30000; /* not one whole minute */
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    assert_int_equal(l.count, 0);
    baseline_list_fini(&l);
    rig_end(&r);
}

static void assert_weeks(int64_t from_s, const int64_t hours_back[4])
{
    struct baseline_reading ask = {0};
    baseline_weeks_before(&ask, from_s * 1000 + 7, from_s * 1000 + 7 + 60 * MINUTE_MS);
    assert_int_equal(ask.windows_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask.windows[i].from_ms,
                         from_s * 1000 + 7 - hours_back[i] * 60 * MINUTE_MS);
        assert_int_equal(ask.windows[i].to_ms - ask.windows[i].from_ms, 60 * MINUTE_MS);
    }
}

/* The same hour is what clocks on the wall call so. */
static void test_weeks_are_local(void **state)
{
    struct baseline_reading ask = {0};
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    /* 2025-11-05 and 2025-04-10, 09:00 in Vienna: clocks were changed on 10-26 and 03-30 */
    assert_weeks(1762329600, (const int64_t[]){4 * 168 + 1, 3 * 168 + 1, 2 * 168 + 1, 168});
    assert_weeks(1744268400, (const int64_t[]){4 * 168 - 1, 3 * 168 - 1, 2 * 168 - 1, 168});
    /* No window reaches into the next one: of a week with an hour more in it, one less is left. */
    int64_t from_ms = INT64_C(1762329600000);
    baseline_weeks_before(&ask, from_ms, from_ms + WEEK_MS);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ask.windows[i].to_ms,
                         i < 3 ? MIN(ask.windows[i].from_ms + WEEK_MS, ask.windows[i + 1].from_ms)
                               : from_ms);
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_weeks(1762329600, (const int64_t[]){4 * 168, 3 * 168, 2 * 168, 168});
}

/* A window in each of three weeks: all blocks together, and no neighbours across the weeks. */
static void test_weeks(void **state)
{
    (void)state;
    struct rig r;
    struct baseline_list l;
    struct store_error error;
    rig_begin(&r);
    for (int week = 1; week <= 3; week++) {
        for (int i = 0; i < 20; i++)
            minute(&r, T0_MS + week * WEEK_MS + i * MINUTE_MS, week * 100 + i % 2, 6);
    }
    rig_read(&r);
    struct baseline_reading ask = reading_of(&r, 0, 0);
    int64_t from_ms = T0_MS + 4 * WEEK_MS;
    baseline_weeks_before(&ask, from_ms, from_ms + 20 * MINUTE_MS);
    assert_int_equal(ask.windows_count, 4);
    assert_int_equal(ask.windows[0].from_ms, T0_MS);
    assert_int_equal(ask.windows[3].to_ms, T0_MS + 3 * WEEK_MS + 20 * MINUTE_MS);
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    const struct baseline_series *s = find(&l, "test_level");
    assert_int_equal(s->stats->n, 60);
    assert_true(fabs(s->stats->mean - 200.5) < 1e-9);
    /* Ranks: 20 places a week, in which odd and even minutes have 10 each: 4.5, 14.5 … 54.5. So of
     * 57 pairs of neighbours 19 have 4.5 and 14.5, 19 24.5 and 34.5, 19 44.5 and 54.5; those across
     * two weeks are none. The mean is 29.5, the mean square 10^2 * 35 / 12. */
    double pairs = (25.0 * 15 - 5 * 5 + 15 * 25) / 3;
    assert_true(fabs(s->stats->autocorrelation - pairs / (100 * 35.0 / 12)) < 1e-9);
    baseline_list_fini(&l);
    rig_end(&r);
}

static void test_histogram(void **state)
{
    (void)state;
    static const char *const bounds[] = {"0.1", "0.2", "+Inf"};
    struct rig r;
    struct baseline_list l;
    struct store_error error;
    rig_begin(&r);
    for (int i = 0; i < 5 * 6; i++) {
        tick_begin(&r, T0_MS + i * STEP_MS);
        r.buckets[0] += 50; /* half of them up to 0.1, all up to 0.2 */
        r.buckets[1] += 100;
        r.buckets[2] += 100;
        for (int k = 0; k < 3; k++)
            draft_counter(r.draft, series(&r, &bucket, "le", bounds[k]), r.buckets[k], 1);
        tick_end(&r);
    }
    rig_read(&r);
    struct baseline_reading ask = reading_of(&r, T0_MS, T0_MS + 5 * MINUTE_MS);
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    assert_int_equal(l.count, 2); /* the buckets are not there */
    assert_string_equal(l.items[0].name, "test_wait_seconds");
    assert_string_equal(l.items[0].labels, "{\"quantile\":\"0.5\"}");
    assert_string_equal(l.items[0].unit, "seconds");
    assert_int_equal(l.items[0].kind, METRIC_GAUGE);
    assert_true(fabs(l.items[0].stats->mean - 0.1) < 1e-9);
    assert_string_equal(l.items[1].labels, "{\"quantile\":\"0.99\"}");
    assert_true(fabs(l.items[1].stats->mean - 0.198) < 1e-9);
    baseline_list_fini(&l);
    rig_end(&r);
}

/* More blocks times series than one batch may have, some of them of one metric: each comes with its
 * own blocks, whichever way it is read. */
static void test_batches(void **state)
{
    (void)state;
    enum { WIDE = 90, NARROW = 30, MINUTES = 900 };
    static struct metric narrow[NARROW];
    static char names[NARROW][32];
    struct rig r;
    struct baseline_list l;
    struct store_error error;
    rig_begin(&r);
    for (int i = 0; i < NARROW; i++) {
        snprintf(names[i], sizeof(names[i]), "test_narrow_%02d", i);
        narrow[i] = (struct metric){names[i], "things", "A gauge.", METRIC_GAUGE, 1};
    }
    for (int t = 0; t < MINUTES; t++) {
        tick_begin(&r, T0_MS + t * MINUTE_MS);
        for (int i = 0; i < WIDE; i++) {
            char value[16];
            /* Patterns that would match each other's names. */
            snprintf(value, sizeof(value), "%s%d", i % 2 ? "*" : "?", i / 2);
            draft_gauge(r.draft, series(&r, &level, "device", value), i * 1000 + t);
        }
        /* Who asks for this one gets all of the name. */
        draft_gauge(r.draft, series(&r, &level, "", ""), -1);
        for (int i = 0; i < NARROW; i++)
            draft_gauge(r.draft, series(&r, &narrow[i], "", ""), -i * 1000 - t);
        tick_end(&r);
    }
    rig_read(&r);
    struct baseline_reading ask = reading_of(&r, T0_MS, T0_MS + MINUTES * MINUTE_MS);
    assert_int_equal(baseline_read(&ask, &l, &error), 0);
    assert_int_equal(l.count, WIDE + NARROW + 1);
    assert_false(l.truncated);
    for (size_t i = 0; i < l.count; i++) {
        const struct block_stats *s = l.items[i].stats;
        int64_t at;
        if (strcmp(l.items[i].labels, "{}") == 0 && strcmp(l.items[i].name, "test_level") == 0) {
            assert_true(s->min == -1 && s->max == -1);
        } else if (strcmp(l.items[i].name, "test_level") == 0) {
            const char *value = strchr(l.items[i].labels, ':') + 2;
            at = 1000 * (2 * strtol(value + 1, NULL, 10) + (*value == '*'));
            assert_true(s->min == (double)at && s->max == (double)(at + MINUTES - 1));
        } else {
            at = -1000 * strtol(l.items[i].name + strlen("test_narrow_"), NULL, 10);
            assert_true(s->max == (double)at && s->min == (double)(at - MINUTES + 1));
        }
        assert_int_equal(s->n, MINUTES);
    }
    baseline_list_fini(&l);
    rig_end(&r);
}

/* Made, kept, loaded, compared: the way of all who use it. */
static void test_work(void **state)
{
    (void)state;
    struct rig r;
    struct baseline b;
    struct store_error error;
    rig_begin(&r);
    for (int i = 0; i < 80; i++)
        minute(&r, T0_MS + i * MINUTE_MS, i < 40 ? 100 + i % 7 : 200 + i % 7, 6);
    rig_read(&r);
    struct baseline_place place = {
        .data_dir = r.dir, .reader = r.reader, .version = "1", .host = "h", .kernel = "6"};
    struct baseline_ask ask = {.name = "one",
                               .comment = "c",
                               .made_by = "test",
                               .from_ms = T0_MS,
                               .to_ms = T0_MS + 40 * MINUTE_MS,
                               .now_ms = 5};
    assert_int_equal(baseline_make(&place, &ask, &b, &error), 0);
    assert_int_equal(b.blocks, 40);
    assert_int_equal(baseline_keep(&place, &b, false, &error), 0);
    assert_int_equal(baseline_keep(&place, &b, false, &error), -EEXIST);
    assert_int_equal(baseline_keep(&place, &b, true, &error), 0);
    baseline_fini(&b);
    assert_int_equal(baseline_load(r.dir, "none", false, &b, NULL, &error), -ENOENT);
    baseline_fini(&b);

    struct baseline_comparison c;
    ask.from_ms = T0_MS + 40 * MINUTE_MS;
    ask.to_ms = T0_MS + 80 * MINUTE_MS;
    assert_int_equal(baseline_compare(&place, &ask, 30, &c, &error), 0);
    assert_int_equal(c.report.counts[COMPARISON_CHANGED], 2);
    assert_true(fabs(c.report.series[0].comparison.change_ratio - 0.97) < 0.02);
    baseline_comparison_fini(&c);
    ask.name = "none";
    assert_int_equal(baseline_compare(&place, &ask, 30, &c, &error), -ENOENT);
    baseline_comparison_fini(&c);
    ask.name = BASELINE_AUTO;
    assert_int_equal(baseline_compare(&place, &ask, 30, &c, &error), 0);
    assert_int_equal(c.report.verdict, COMPARISON_NOT_ENOUGH_DATA);
    baseline_comparison_fini(&c);

    ask.name = "empty";
    ask.from_ms = 0;
    ask.to_ms = T0_MS - WEEK_MS;
    ask.from_ms = ask.to_ms - 60 * MINUTE_MS;
    assert_int_equal(baseline_make(&place, &ask, &b, &error), -EINVAL);
    baseline_fini(&b);
    assert_true(baseline_is_name("a.b-c_1") && !baseline_is_name("auto") &&
                !baseline_is_name(".a") && !baseline_is_name("a/b") && !baseline_is_name(""));
    rig_end(&r);
}

int main(void)
{
    setenv("TZ", "UTC0", 1); /* weeks that are all alike, wherever this runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),    cmocka_unit_test(test_thin),
        cmocka_unit_test(test_selection), cmocka_unit_test(test_weeks_are_local),
        cmocka_unit_test(test_weeks),     cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_batches),   cmocka_unit_test(test_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
