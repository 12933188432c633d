/*
 * test_formats.c: a history of samples that an earlier format has written is read as it is, brought
 * up to date by the writer, and folded with what comes then. What formats 1 and 2 lack are tables
 * and alerts: test_tables.c and test_alerts.c.
 *
 * fixtures/format-4.db is what bench/make_history of that time has made of 5,000 seconds of two
 * series: a span of the first hour, its minutes, four short spans, 200 ticks in the log. The same
 * program prints how far the counters had come.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "store/codec.h"
#include "store/database.h"

#define FIRST_MS (INT64_C(1764000000) * MS_PER_S)
#define HOUR_MS (3600 * MS_PER_S)
#define LAST_MS (FIRST_MS + 4999 * MS_PER_S)

static const double hour_counted = 1204979927 - 5040; /* dev0 in the first hour */
static const double counted[] = {1553657655 - 5040, 2657718280 - 5088};

static double ask(const struct world *w, const char *device, int64_t to_ms, const char *tier)
{
    char match[32];
    snprintf(match, sizeof(match), "device=%s", device);
    struct query q = {.from_ms = FIRST_MS, .to_ms = to_ms, .aggregate = AGG_SUM};
    /* Steps of two minutes are rows of the tier of minutes. */
    q.points =
        strcmp(tier, "minute") == 0 ? (uint32_t)((to_ms - FIRST_MS) / (120 * MS_PER_S)) : 6000;
    struct store_reader *reader;
    struct store_error err;
    struct answer *a;
    selector_add_glob(&q.selector, "bench_bytes_total");
    assert_int_equal(selector_add_match(&q.selector, match), 0);
    if (store_reader_open(w->dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(store_query(reader, &q, NULL, &a, NULL), 0);
    assert_int_equal(store_reader_damaged(reader), 0);
    assert_int_equal(a->series_count, 1);
    assert_string_equal(a->tier, tier);
    double sum = 0;
    for (size_t p = 0; p < a->points_count; p++)
        sum += a->series[0].values[p] > 0 ? a->series[0].values[p] : 0;
    answer_free(a);
    store_reader_close(reader);
    selector_fini(&q.selector);
    return sum;
}

static void check_all(const struct world *w)
{
    assert_true(ask(w, "dev0", LAST_MS, "raw") == counted[0]);
    assert_true(ask(w, "dev1", LAST_MS, "raw") == counted[1]);
    assert_true(ask(w, "dev0", LAST_MS, "minute") == counted[0]);
    assert_true(ask(w, "dev0", FIRST_MS + HOUR_MS - 1, "raw") == hour_counted);
    assert_true(ask(w, "dev0", FIRST_MS + HOUR_MS - 1, "minute") == hour_counted);
}

/* One tick with nothing in it but the time. */
static void write_tick(struct world *w, int64_t t_ms)
{
    struct store_numbers next = store_next(w->store);
    struct registry *registry = registry_new(100, next.series_id);
    assert_int_equal(store_restore(w->store, registry), 0);
    struct draft *draft = draft_new(registry);
    draft_begin(draft, next.tick_seq, t_ms, NS_PER_S, 0, 1000);
    struct tick *tick = draft_seal(draft, 0, &next.event_seq);
    assert_int_equal(store_write(w->store, tick), 0);
    tick_unref(tick);
    draft_free(draft);
    registry_free(registry);
}

static void test_format_4(void **state)
{
    static const char groups[] = "SELECT count(*) FROM chunk WHERE hex(substr(data, 1, 1)) = '03'";
    (void)state;
    struct world w;
    world_init(&w, 13);
    world_copy_database(&w, FIXTURES "/format-4.db");
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 4);
    check_all(&w);
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 4);
    assert_int_equal(world_ask_number(&w, groups), 0);

    for (int run = 0; run < 2; run++) {
        struct store_error err;
        if (store_open(w.dir, &w.settings, &w.store, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), DATABASE_VERSION);
        check_all(&w);
        /* The second hour is over: its spans become one, with rows of minutes. */
        write_tick(&w, FIRST_MS + (2 + run) * HOUR_MS);
        world_work(&w);
        check_all(&w);
        assert_int_equal(world_count_notes(&w, ""), 0);
        store_close(w.store, NULL);
        w.store = NULL;
        check_all(&w);
        assert_true(world_ask_number(&w, groups) > 0);
    }
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM span WHERE tier = 0 AND"
                                          " folded = 0"),
                     0);
    assert_int_equal(world_count_aside(&w), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
