/*
 * test_fold.c: the tiers: hours of samples become long spans and rows of minutes, days of minutes
 * rows of hours, and no number changes by that. What random worlds say of queries is in
 * test_query.c; here are the life of spans, ages, interruptions, damage, earlier formats.
 */
#include "world.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HOUR_MS (3600 * MS_PER_S)
#define DAY_MS (24 * HOUR_MS)

/* A loop over one counter and one gauge, whose numbers tell when they were sampled. */
static const struct metric bytes = {"bytes_total", "bytes", "Bytes.", METRIC_COUNTER, 1};
static const struct metric level = {"level", "", "Level.", METRIC_GAUGE, 1};

struct ground {
    struct world w;
    uint64_t absolute;
    int64_t begin_ms;
    bool first; /* the next tick is the first of a run: nothing tells how long it took */
};

static void ground_begin(struct ground *g, int64_t interval_ms)
{
    *g = (struct ground){0};
    world_init(&g->w, 1);
    g->w.interval_ms = interval_ms;
    g->w.t_ms -= g->w.t_ms % DAY_MS;
    g->begin_ms = g->w.t_ms;
}

/* The counter counts the minute of the day with each tick, the gauge is the hour of the day. */
static void tick_once(struct ground *g)
{
    struct world *w = &g->w;
    g->absolute += (uint64_t)(w->t_ms / 60000 % 1440);
    draft_begin(w->draft, w->seq++, w->t_ms, g->first ? 0 : w->interval_ms * NS_PER_MS, 0,
                w->interval_ms);
    g->first = false;
    draft_counter(w->draft, registry_get(w->registry, &bytes, NULL, 0, "test"), g->absolute, 1);
    draft_gauge(w->draft, registry_get(w->registry, &level, NULL, 0, "test"),
                (double)(w->t_ms / HOUR_MS % 24));
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    assert_int_equal(store_write(w->store, t), 0);
    tick_unref(t);
    w->t_ms += w->interval_ms;
}

static void run(struct ground *g, int64_t duration_ms)
{
    for (int64_t end_ms = g->w.t_ms + duration_ms; g->w.t_ms < end_ms;) {
        tick_once(g);
        world_work(&g->w);
    }
}

static struct answer *ask(const struct ground *g, const char *name, int64_t from_ms, int64_t to_ms,
                          int64_t step_ms, enum aggregate agg)
{
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(g->w.dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    struct query q = {
        .from_ms = from_ms, .to_ms = to_ms, .points = 1, .step_ms = step_ms, .aggregate = agg};
    selector_init(&q.selector);
    selector_add_glob(&q.selector, name);
    struct answer *answer;
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("%s", err.text);
    selector_fini(&q.selector);
    store_reader_close(reader);
    return answer;
}

static double number_of(const struct ground *g, const char *name, int64_t from_ms, int64_t to_ms,
                        enum aggregate agg)
{
    struct answer *a = ask(g, name, from_ms, to_ms, 0, agg);
    double number = a->series_count ? a->series[0].values[0] : NAN;
    answer_free(a);
    return number;
}

/* What the counter counted from the first moment to before the second. */
static double expected_sum(const struct ground *g, int64_t from_ms, int64_t end_ms)
{
    double sum = 0;
    for (int64_t t_ms = MAX(from_ms, g->begin_ms + g->w.interval_ms); t_ms < end_ms;
         t_ms += g->w.interval_ms)
        sum += (double)(t_ms / 60000 % 1440);
    return sum;
}

static void check_sum(const struct ground *g, int64_t from_ms, int64_t end_ms)
{
    double got = number_of(g, "bytes_total", from_ms, end_ms, AGG_SUM);
    double expected = expected_sum(g, from_ms, end_ms);
    if (got != expected)
        fail_msg("%.17g is not %.17g", got, expected);
}

static int64_t spans_of(const struct ground *g, const char *where)
{
    char *sql CLEANUP(mem_freep) = mem_printf("SELECT count(*) FROM span WHERE %s", where);
    return world_ask_number(&g->w, sql);
}

static int64_t orphans(const struct ground *g)
{
    return world_ask_number(
        &g->w, "SELECT count(*) FROM chunk WHERE (id >> 32) NOT IN (SELECT id FROM span)");
}

/* Two days and a bit: what lies where, and every number as it was. */
static void test_tiers(void **state)
{
    (void)state;
    struct ground g;
    ground_begin(&g, 10000);
    g.w.settings.raw_ms = 3 * DAY_MS;
    world_open(&g.w);
    run(&g, 2 * DAY_MS + 90 * 60000);
    int64_t day1_ms = g.begin_ms, day2_ms = day1_ms + DAY_MS, day3_ms = day2_ms + DAY_MS;

    /* 49 whole hours; what came since is in spans of five minutes. */
    assert_int_equal(spans_of(&g, "tier = 0 AND folded = 1 AND ticks = 360"), 49);
    assert_in_range(spans_of(&g, "tier = 0 AND folded = 0"), 4, 7);
    assert_int_equal(spans_of(&g, "tier = 1 AND folded = 1 AND ticks = 1440"), 2);
    assert_int_equal(spans_of(&g, "tier = 1 AND folded = 0 AND ticks = 60"), 1);
    assert_int_equal(spans_of(&g, "tier = 2 AND ticks = 24"), 2);
    assert_int_equal(spans_of(&g, "tier = 3"), 0);
    assert_int_equal(orphans(&g), 0);
    assert_int_equal(store_stats(g.w.store).spans_expired, 0);

    check_sum(&g, day1_ms, day2_ms);                               /* hours */
    check_sum(&g, day1_ms + 7 * 60000, day3_ms + 30 * 60000);      /* minutes */
    check_sum(&g, day2_ms + 20000, day2_ms + 5 * HOUR_MS + 10000); /* samples */
    check_sum(&g, day1_ms, g.w.t_ms);

    /* The third hour of the second day, of each minute and of the hour. */
    struct answer *a = ask(&g, "level", day2_ms, day3_ms - 1, HOUR_MS, AGG_AVG);
    assert_string_equal(a->tier, "hour");
    assert_int_equal(a->points_count, 24);
    for (size_t i = 0; i < 24; i++)
        assert_true(a->series[0].values[i] == (double)i);
    answer_free(a);
    a = ask(&g, "bytes_total", day2_ms, day3_ms - 1, 60000, AGG_MAX);
    assert_string_equal(a->tier, "minute");
    assert_int_equal(a->points_count, 1440);
    for (size_t i = 0; i < 1440; i++)
        assert_true(fabs(a->series[0].values[i] - (double)i / 10) < 1e-4);
    answer_free(a);
    a = ask(&g, "bytes_total", day2_ms, day3_ms - 1, 10000, AGG_LAST);
    assert_string_equal(a->tier, "raw");
    assert_int_equal(a->points_count, 8640);
    answer_free(a);
    world_fini(&g.w);
}

/* Samples go after an hour, minutes after a day: what was counted in all of them is still known. */
static void test_ages(void **state)
{
    (void)state;
    struct ground g;
    ground_begin(&g, 20000);
    g.w.settings.raw_ms = HOUR_MS;
    g.w.settings.minute_ms = DAY_MS;
    world_open(&g.w);
    run(&g, 4 * DAY_MS);
    assert_in_range(spans_of(&g, "tier = 0"), 1, 30);
    assert_true(world_ask_number(&g.w, "SELECT min(min_ms) FROM span WHERE tier = 0") >=
                g.w.t_ms - 3 * HOUR_MS);
    assert_true(world_ask_number(&g.w, "SELECT min(min_ms) FROM span WHERE tier = 1") >=
                g.w.t_ms - 3 * DAY_MS);
    assert_true(world_ask_number(&g.w, "SELECT min(min_ms) FROM span WHERE tier = 2") <=
                g.begin_ms);
    assert_true(store_stats(g.w.store).spans_expired > 20);
    check_sum(&g, g.begin_ms, g.w.t_ms);
    check_sum(&g, g.begin_ms + 5 * HOUR_MS, g.begin_ms + 77 * HOUR_MS);
    check_sum(&g, g.w.t_ms - 30 * 60000, g.w.t_ms);
    struct answer *a = ask(&g, "level", g.begin_ms, g.begin_ms + DAY_MS - 1, 1000, AGG_AVG);
    assert_string_equal(a->tier, "hour"); /* nothing finer reaches back that far */
    assert_int_equal(a->step_ms, HOUR_MS);
    answer_free(a);
    world_fini(&g.w);
}

/* The process dies between any two slices: nothing is lost, nothing is there twice, nothing stays
 * behind. */
static void test_interrupted(void **state)
{
    (void)state;
    struct ground g;
    ground_begin(&g, 10000);
    world_open(&g.w);
    run(&g, DAY_MS - 60000);
    for (int slices = 1; slices < 40; slices++) {
        while (g.w.t_ms % HOUR_MS != 0)
            tick_once(&g);
        tick_once(&g); /* the hour, and at first the day, is over */
        for (int i = 0; i < slices; i++)
            store_work(g.w.store);
        check_sum(&g, g.begin_ms, g.w.t_ms);
        world_close(&g.w, slices % 2);
        world_open(&g.w);
        check_sum(&g, g.begin_ms, g.w.t_ms);
    }
    world_work(&g.w);
    assert_int_equal(orphans(&g), 0);
    assert_int_equal(spans_of(&g, "tier = 3"), 0);
    world_fini(&g.w);
}

/* The samples of the first hour that can be read. */
static size_t readable(const struct ground *g)
{
    struct answer *a =
        ask(g, "bytes_total", g->begin_ms, g->begin_ms + HOUR_MS - 1, 10000, AGG_SUM);
    size_t count = 0;
    for (size_t i = 0; a->series_count && i < a->points_count; i++)
        count += isnan(a->series[0].values[i]) ? 0 : 1;
    answer_free(a);
    return count;
}

/* The times of one of an hour's spans cannot be read: the others are folded as ever. */
static void test_damaged_times(void **state)
{
    (void)state;
    struct ground g;
    ground_begin(&g, 10000);
    world_open(&g.w);
    run(&g, HOUR_MS - 60000);
    size_t before = readable(&g);
    world_close(&g.w, true);
    char *path CLEANUP(mem_freep) = world_path(&g.w, "netsonde.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "UPDATE span SET times = x'0102030405060708' WHERE id ="
                     " (SELECT id FROM span WHERE tier = 0 ORDER BY id LIMIT 1 OFFSET 3)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    sqlite3_close(db);
    world_open(&g.w);
    assert_int_equal(readable(&g), before - 30);
    run(&g, 10 * 60000);
    assert_int_equal(spans_of(&g, "tier = 0 AND folded = 1"), 1);
    assert_int_equal(readable(&g), 360 - 30);
    assert_int_equal(world_count_notes(&g.w, "times"), 1);
    world_fini(&g.w);
}

/* Off for longer than minutes are kept, from the middle of an hour on: hours have it all. */
static void test_long_off(void **state)
{
    (void)state;
    struct ground g;
    ground_begin(&g, 10000);
    world_open(&g.w);
    run(&g, HOUR_MS + HOUR_MS / 2);
    int64_t end_ms = g.begin_ms + 2 * HOUR_MS;
    double before = number_of(&g, "bytes_total", g.begin_ms, end_ms, AGG_SUM);
    assert_true(before == expected_sum(&g, g.begin_ms, g.w.t_ms));
    world_close(&g.w, true);
    g.w.t_ms += 100 * DAY_MS;
    g.first = true;
    world_open(&g.w);
    run(&g, 3 * HOUR_MS); /* the clock is believed after the first */
    char *old CLEANUP(mem_freep) =
        mem_printf("tier < 2 AND max_ms < %lld", (long long)(g.w.t_ms - 90 * DAY_MS));
    assert_int_equal(spans_of(&g, old), 0);
    assert_true(number_of(&g, "bytes_total", g.begin_ms, end_ms, AGG_SUM) == before);
    world_fini(&g.w);
}

/* There is too much: what a coarser tier stands for goes before it. */
static void test_too_large(void **state)
{
    (void)state;
    struct ground g;
    ground_begin(&g, 60000);
    g.w.settings.max_size_bytes = 1 << 20;
    world_open(&g.w);
    struct world *w = &g.w;
    uint64_t absolute[40] = {0};
    size_t compared = 0;
    for (int n = 0; n < 6 * 1440; n++) {
        draft_begin(w->draft, w->seq++, w->t_ms, w->interval_ms * NS_PER_MS, 0, w->interval_ms);
        for (size_t i = 0; i < ARRAY_LEN(absolute); i++) {
            char name[16];
            snprintf(name, sizeof(name), "%zu", i);
            const struct label label = {"device", name};
            absolute[i] += world_random(w, 1 << 30);
            draft_counter(w->draft, registry_get(w->registry, &bytes, &label, 1, "test"),
                          absolute[i], 1);
        }
        struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
        assert_int_equal(store_write(w->store, t), 0);
        tick_unref(t);
        w->t_ms += w->interval_ms;
        world_work(w);
        if (n < 1440 || spans_of(&g, "tier = 1") == 0)
            continue;
        int64_t raw = world_ask_number(w, "SELECT min(min_ms) FROM span WHERE tier = 0");
        assert_true(world_ask_number(w, "SELECT min(min_ms) FROM span WHERE tier = 1") <= raw);
        compared++;
    }
    assert_true(compared > 1440 && store_stats(w->store).spans_expired > 10);
    world_fini(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiers),       cmocka_unit_test(test_ages),
        cmocka_unit_test(test_interrupted), cmocka_unit_test(test_damaged_times),
        cmocka_unit_test(test_long_off),    cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
