/*
 * test_seal.c: the log becomes columns: as many spans as there should be, nothing in between is
 * lost or doubled, and what was begun and not finished does no harm. Whether the samples come back
 * right is test_query's business.
 */
#include "world.h"

#include <string.h>

static const struct metric late_metric = {"late", "", "Comes late.", METRIC_GAUGE, 1};

static struct tick *seal_tick(struct world *w)
{
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    assert_non_null(t);
    return t;
}

static void write_tick(struct world *w, int late)
{
    draft_begin(w->draft, w->seq++, w->t_ms += w->interval_ms, w->interval_ms * 1000000, 0,
                w->interval_ms);
    static const struct metric metric = {"always", "", "There.", METRIC_GAUGE, 1};
    draft_gauge(w->draft, registry_get(w->registry, &metric, NULL, 0, "test"), 1);
    if (late)
        draft_gauge(w->draft, registry_get(w->registry, &late_metric, NULL, 0, "test"), late);
    struct tick *t = seal_tick(w);
    assert_int_equal(store_write(w->store, t), 0);
    tick_unref(t);
}

/* The sum over all points of a series, one point a tick. */
static double total(const struct world *w, const char *name, size_t *ret_points)
{
    struct store_reader *reader;
    struct answer *a;
    assert_int_equal(store_reader_open(w->dir, &reader, NULL), 0);
    struct query q = {.from_ms = 1764000000000,
                      .to_ms = w->t_ms,
                      .points = QUERY_POINTS_MAX,
                      .aggregate = AGG_AVG};
    selector_init(&q.selector);
    selector_add_glob(&q.selector, name);
    assert_int_equal(store_query(reader, &q, NULL, &a, NULL), 0);
    assert_int_equal(store_reader_damaged(reader), 0);
    double sum = 0;
    *ret_points = 0;
    for (size_t p = 0; a->series_count && p < a->points_count; p++) {
        double value = a->series[0].values[p];
        if (value == value) {
            sum += value;
            ++*ret_points;
        }
    }
    answer_free(a);
    selector_fini(&q.selector);
    store_reader_close(reader);
    return sum;
}

static void test_spans(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.settings.seal_ticks = 20;
    world_open(&w);
    for (int i = 0; i < 110; i++) {
        write_tick(&w, 0);
        world_work(&w);
    }
    assert_int_equal(store_stats(w.store).spans_sealed, 5);
    assert_int_equal(store_stats(w.store).chunks_sealed, 5);
    size_t points;
    assert_true(total(&w, "always", &points) == 110);

    /* Another interval: the old run is sealed at once, the new one when it is long enough. */
    w.interval_ms = 2000;
    w.t_ms += w.t_ms % 2000;
    write_tick(&w, 0);
    world_work(&w);
    assert_int_equal(store_stats(w.store).spans_sealed, 6);
    for (int i = 0; i < 19; i++)
        write_tick(&w, 0);
    world_work(&w);
    assert_int_equal(store_stats(w.store).spans_sealed, 7);
    /* And a clock that went back. */
    w.t_ms -= 60000;
    write_tick(&w, 0);
    w.t_ms -= 60000;
    write_tick(&w, 0);
    world_work(&w);
    assert_int_equal(store_stats(w.store).spans_sealed, 8);
    world_fini(&w);
}

/* By time, too: five minutes' worth, whatever the interval. */
static void test_time(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    w.settings.seal_ms = 60000;
    w.interval_ms = 10000;
    world_open(&w);
    for (int i = 0; i < 13; i++) {
        write_tick(&w, 0);
        world_work(&w);
    }
    assert_int_equal(store_stats(w.store).spans_sealed, 2);
    world_fini(&w);
}

/*
 * Sealing stops between its chunks and its span. The next run makes shorter spans: chunks that were
 * left would lie in a span of that number with too many ticks, for a series that it does not have.
 */
static void test_unfinished(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    w.settings.seal_ticks = 40;
    world_open(&w);
    for (int i = 1; i <= 40; i++)
        write_tick(&w, i > 30 ? i : 0);
    while (store_stats(w.store).chunks_sealed <
           2) /* in as many pieces as the machine makes of it */
        assert_true(store_work(w.store));
    assert_int_equal(store_stats(w.store).chunks_sealed, 2);
    assert_int_equal(store_stats(w.store).spans_sealed, 0);
    size_t points;
    assert_true(total(&w, "late", &points) == 355 && points == 10);
    world_close(&w, false);

    w.settings.seal_ticks = 10;
    world_open(&w);
    while (store_stats(w.store).spans_sealed < 4) {
        assert_true(store_work(w.store));
        assert_true(total(&w, "late", &points) == 355 && points == 10);
        assert_true(total(&w, "always", &points) == 40 && points == 40);
    }
    assert_int_equal(store_stats(w.store).chunks_sealed, 5);
    world_fini(&w);
}

/* Ticks that arrive while a span is being sealed belong to the next. */
static void test_between(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4);
    w.settings.seal_ticks = 10;
    world_open(&w);
    size_t points;
    for (int i = 0; i < 200; i++) {
        write_tick(&w, i + 1);
        store_work(w.store);
        assert_true(total(&w, "late", &points) == (i + 1) * (i + 2) / 2.0);
        assert_int_equal(points, i + 1);
    }
    /* Each has ten: what came in between neither joined early nor made a span of its own. */
    assert_in_range(store_stats(w.store).spans_sealed, 15, 20);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
