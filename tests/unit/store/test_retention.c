/*
 * test_retention.c: what is too old goes, what is too much goes, the oldest first; series that
 * nothing refers to any more lose their rows and keep their ids; space is given back.
 */
#include "world.h"

#include <errno.h>
#include <string.h>

static struct answer *ask(const struct world *w, const char *glob, int64_t from_ms, int64_t to_ms)
{
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(w->dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    struct query q = {
        .from_ms = from_ms, .to_ms = to_ms, .points = QUERY_POINTS_MAX, .aggregate = AGG_LAST};
    selector_init(&q.selector);
    selector_add_glob(&q.selector, glob);
    struct answer *answer;
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("%s", err.text);
    selector_fini(&q.selector);
    store_reader_close(reader);
    return answer;
}

static bool has_samples(const struct world *w, int64_t from_ms, int64_t to_ms)
{
    struct answer *a = ask(w, "rtt_seconds_bucket", from_ms, to_ms);
    bool any = a->series_count > 0;
    answer_free(a);
    return any;
}

static void run(struct world *w, int ticks)
{
    for (int i = 0; i < ticks; i++) {
        world_write(w);
        world_work(w);
    }
}

static void test_age(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.settings.seal_ticks = 20;
    w.settings.raw_ms = 200 * 1000;
    w.settings.minute_ms = w.settings.hour_ms = w.settings.raw_ms;
    int64_t start_ms = w.t_ms;
    world_open(&w);
    run(&w, 190);
    assert_true(has_samples(&w, start_ms, start_ms + 20000)); /* not too old yet */
    assert_int_equal(store_stats(w.store).spans_expired, 0);
    run(&w, 310);
    assert_false(has_samples(&w, start_ms, w.t_ms - 240 * 1000));
    assert_true(has_samples(&w, w.t_ms - 200 * 1000, w.t_ms - 180 * 1000));
    assert_true(store_stats(w.store).spans_expired >= 12);
    world_fini(&w);
}

/* After a long pause with the host off, age counts from the first tick that is written again. */
static void test_pause(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    w.settings.seal_ticks = 20;
    w.settings.raw_ms = 100 * 1000;
    w.settings.minute_ms = w.settings.hour_ms = w.settings.raw_ms;
    int64_t start_ms = w.t_ms;
    world_open(&w);
    run(&w, 45);
    world_close(&w, true);
    world_open(&w);
    world_work(&w);
    assert_true(has_samples(&w, start_ms, start_ms + 60000));
    w.t_ms += 7200000; /* more than what a span may bridge */
    run(&w, 25);
    assert_false(has_samples(&w, start_ms, start_ms + 60000));
    world_fini(&w);
}

/* A span from a clock that was wrong once does not keep the others from going. */
static void test_wrong_clock(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    w.settings.seal_ticks = 20;
    w.settings.raw_ms = 100 * 1000;
    w.settings.minute_ms = w.settings.hour_ms = w.settings.raw_ms;
    int64_t start_ms = w.t_ms, ahead_ms = 50LL * 365 * 86400 * 1000;
    w.t_ms += ahead_ms;
    world_open(&w);
    run(&w, 20);
    w.t_ms = start_ms;
    run(&w, 300);
    assert_false(has_samples(&w, start_ms, w.t_ms - 150 * 1000));
    assert_true(has_samples(&w, start_ms + ahead_ms, start_ms + ahead_ms + 30000));
    world_fini(&w);
}

static size_t events_of(const struct world *w)
{
    return (size_t)world_ask_number(w, "SELECT count(*) FROM event");
}

static void run_with_event(struct world *w, int ticks)
{
    draft_event(w->draft, event_new(EVENT_LINK, w->t_ms));
    run(w, ticks);
}

/* For some ticks the clock is a year ahead: nothing is deleted. One that stays there is believed.
 */
static void test_clock_ahead_for_a_moment(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 15);
    w.settings.seal_ticks = 20;
    w.settings.raw_ms = w.settings.events_ms = 1000 * MS_PER_S;
    w.settings.minute_ms = w.settings.hour_ms = w.settings.raw_ms;
    int64_t start_ms = w.t_ms, ahead_ms = 365LL * 86400 * MS_PER_S;
    world_open(&w);
    run_with_event(&w, 200);
    w.t_ms += ahead_ms;
    run(&w, 300);
    assert_true(has_samples(&w, start_ms, start_ms + 20000));
    assert_int_equal(events_of(&w), 1);
    w.t_ms -= ahead_ms;
    run(&w, 50);
    assert_true(has_samples(&w, start_ms, start_ms + 20000));
    assert_int_equal(store_stats(w.store).spans_expired, 0);

    w.t_ms += ahead_ms;
    run(&w, 3700);
    assert_false(has_samples(&w, start_ms, start_ms + 600000));
    assert_int_equal(events_of(&w), 0);
    assert_true(has_samples(&w, w.t_ms - 900000, w.t_ms));
    world_fini(&w);
}

/* Set back in two steps: after the first it is still ahead. */
static void test_clock_back_in_steps(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 16);
    w.settings.seal_ticks = 20;
    w.settings.raw_ms = w.settings.events_ms = 1000 * MS_PER_S;
    w.settings.minute_ms = w.settings.hour_ms = w.settings.raw_ms;
    int64_t start_ms = w.t_ms, day_ms = 86400 * MS_PER_S;
    world_open(&w);
    run_with_event(&w, 200);
    w.t_ms += 365 * day_ms;
    run(&w, 200);
    w.t_ms -= day_ms;
    run(&w, 200);
    assert_true(has_samples(&w, start_ms, start_ms + 20000));
    w.t_ms -= 364 * day_ms;
    run(&w, 200);
    assert_true(has_samples(&w, start_ms, start_ms + 20000));
    assert_int_equal(events_of(&w), 1);
    run(&w, 700); /* and now nothing is in doubt */
    assert_false(has_samples(&w, start_ms, start_ms + 20000));
    world_fini(&w);
}

static void test_size(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4);
    w.settings.seal_ticks = 60;
    int64_t start_ms = w.t_ms;
    world_open(&w);
    run(&w, 3000);
    uint64_t large = store_stats(w.store).database_bytes;
    assert_true(has_samples(&w, start_ms, start_ms + 60000));
    world_close(&w, true);
    w.settings.max_size_bytes = large / 2;
    world_open(&w);
    run(&w, 600);
    assert_false(has_samples(&w, start_ms, start_ms + 600000));
    assert_true(has_samples(&w, w.t_ms - 600000, w.t_ms));
    /* Given back, too: the file itself is smaller. */
    assert_true(store_stats(w.store).database_bytes <= large / 2 + 65536);
    world_fini(&w);
}

/* With nothing but events, the oldest events go. */
static void test_size_events(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 5);
    w.settings.seal_ticks = 20;
    w.settings.max_size_bytes = 300000;
    world_open(&w);
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 20; k++) {
            struct event *e = event_new(EVENT_ROUTE, w.t_ms);
            event_text(e, "destination", "2001:db8:1234:5678:9abc:def0:1234:5678/128");
            draft_event(w.draft, e);
        }
        world_write(&w);
        world_work(&w);
    }
    struct store_stats stats = store_stats(w.store);
    assert_true(stats.events_expired > 0);
    assert_true(stats.database_bytes < 300000 + 128 * 4096);
    world_fini(&w);
}

/* So many events that they alone are too much: samples do not all go for them. */
static void test_events_leave_room(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 16);
    w.settings.seal_ticks = 20;
    w.settings.max_size_bytes = 3000000;
    world_open(&w);
    for (int i = 0; i < 600; i++) {
        for (int k = 0; k < 100; k++) {
            struct event *e = event_new(EVENT_ROUTE, w.t_ms);
            event_text(e, "destination", "2001:db8:1234:5678:9abc:def0:1234:5678/128");
            draft_event(w.draft, e);
        }
        world_write(&w);
        world_work(&w);
    }
    assert_true(world_ask_number(&w, "SELECT sum(ticks) FROM span") >= 40);
    assert_true(store_stats(w.store).spans_expired > 0); /* and they do not keep all, either */
    assert_true(store_stats(w.store).events_expired > 0);
    assert_true(store_stats(w.store).database_bytes < 3000000 + 128 * 4096);
    world_fini(&w);
}

static void test_event_age(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 6);
    w.settings.seal_ticks = 20;
    w.settings.events_ms = 100 * 1000;
    world_open(&w);
    for (int i = 0; i < 400; i++) {
        draft_event(w.draft, event_new(EVENT_LINK, w.t_ms));
        run(&w, 1);
    }
    struct store_reader *reader;
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    struct event_query q = {.from_ms = 0, .to_ms = w.t_ms, .limit = 1000};
    struct event_page *page;
    assert_int_equal(store_events(reader, &q, NULL, &page, NULL), 0);
    assert_true(page->total >= 100 && page->total <= 125);
    assert_true(page->records[page->count - 1].t_ms >= w.t_ms - 125 * 1000);
    event_page_free(page);
    store_reader_close(reader);
    world_fini(&w);
}

/* A series without samples loses its row; when it comes back it has its old id and a new row. */
static void test_series(void **state)
{
    (void)state;
    static const struct metric metric = {"rare_total", "", "Rare.", METRIC_COUNTER, 1};
    struct world w;
    world_init(&w, 7);
    w.settings.seal_ticks = 20;
    w.settings.raw_ms = 100 * 1000;
    w.settings.minute_ms = w.settings.hour_ms = w.settings.raw_ms;
    world_open(&w);
    struct series *rare = registry_get(w.registry, &metric, NULL, 0, "test");
    uint32_t id = rare->id;
    for (uint64_t round = 0; round < 2; round++) {
        int64_t from_ms = w.t_ms;
        draft_begin(w.draft, w.seq++, w.t_ms += 1000, 1000000000, 0, 1000);
        draft_counter(w.draft, registry_get(w.registry, &metric, NULL, 0, "test"), 5 + round, 1);
        struct tick *t = draft_seal(w.draft, 0, &w.event_seq);
        assert_int_equal(store_write(w.store, t), 0);
        tick_unref(t);
        struct answer *a = ask(&w, "rare_total", from_ms, w.t_ms);
        assert_int_equal(a->series_count, 1);
        assert_int_equal(a->series[0].id, id);
        answer_free(a);
        registry_sweep(w.registry, w.t_ms + 1); /* silent from here on */
        uint64_t before = store_stats(w.store).series;
        run(&w, 400);
        assert_true(store_stats(w.store).series < before + WORLD_SERIES);
        a = ask(&w, "rare_total", 0, w.t_ms);
        assert_int_equal(a->series_count, 0);
        answer_free(a);
    }
    assert_int_equal(store_stats(w.store).series, WORLD_SERIES);
    world_fini(&w);
}

/* A live series that was silent for longer than anything is kept still has its name when it speaks
 * again, although the set of series has not changed. */
static void test_silent(void **state)
{
    (void)state;
    static const struct metric metric = {"quiet", "", "Quiet.", METRIC_GAUGE, 1};
    struct world w;
    world_init(&w, 8);
    w.settings.seal_ticks = 20;
    w.settings.raw_ms = 100 * 1000;
    w.settings.minute_ms = w.settings.hour_ms = w.settings.raw_ms;
    world_open(&w);
    for (uint64_t round = 0; round < 2; round++) {
        struct series *quiet = registry_get(w.registry, &metric, NULL, 0, "test");
        int64_t from_ms = w.t_ms;
        draft_begin(w.draft, w.seq++, w.t_ms += 1000, 1000000000, 0, 1000);
        draft_gauge(w.draft, quiet, 4);
        struct tick *t = draft_seal(w.draft, 0, &w.event_seq);
        assert_int_equal(store_write(w.store, t), 0);
        tick_unref(t);
        struct answer *a = ask(&w, "quiet", from_ms, w.t_ms);
        assert_int_equal(a->series_count, 1);
        answer_free(a);
        for (int i = 0; i < 400; i++) {
            draft_begin(w.draft, w.seq++, w.t_ms += 1000, 1000000000, 0, 1000);
            t = draft_seal(w.draft, 0, &w.event_seq);
            assert_int_equal(store_write(w.store, t), 0);
            tick_unref(t);
            world_work(&w);
            assert_int_equal(store_stats(w.store).series, 1);
        }
    }
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_wrong_clock),
        cmocka_unit_test(test_clock_ahead_for_a_moment),
        cmocka_unit_test(test_clock_back_in_steps),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_events_leave_room),
        cmocka_unit_test(test_size_events),
        cmocka_unit_test(test_event_age),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
