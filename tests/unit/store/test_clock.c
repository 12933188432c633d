/*
 * test_clock.c: a clock that is set back and forward by hours, again and again, over restarts:
 * every tick is there once, in sums over all of it and in steps of an hour; and one that is wrong
 * for a moment, by months, takes nothing with it when it is set right.
 */
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define HOUR_MS (3600 * MS_PER_S)
#define INTERVAL_MS 20000

static const struct metric metric = {"steps_total", "", "One a tick.", METRIC_COUNTER, 1};

struct ground {
    struct world w;
    uint64_t absolute; /* grows by one with each tick */
    int64_t least_ms, most_ms;
};

static void ground_open(struct ground *g)
{
    struct world *w = &g->w;
    struct store_error err;
    if (store_open(w->dir, &w->settings, &w->store, &err) < 0)
        fail_msg("%s", err.text);
    struct store_numbers next = store_next(w->store);
    assert_true(next.tick_seq >= w->seq);
    w->seq = next.tick_seq;
    w->event_seq = next.event_seq;
    w->registry = registry_new(10, next.series_id);
    assert_int_equal(store_restore(w->store, w->registry), 0);
    w->draft = draft_new(w->registry);
    w->first_of_run = true;
}

static void step(struct ground *g)
{
    struct world *w = &g->w;
    w->t_ms += INTERVAL_MS;
    g->least_ms = MIN(g->least_ms, w->t_ms);
    g->most_ms = MAX(g->most_ms, w->t_ms);
    draft_begin(w->draft, w->seq++, w->t_ms, w->first_of_run ? 0 : INTERVAL_MS * NS_PER_MS, 0,
                INTERVAL_MS);
    w->first_of_run = false;
    draft_counter(w->draft, registry_get(w->registry, &metric, NULL, 0, "test"), ++g->absolute, 1);
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    assert_int_equal(store_write(w->store, t), 0);
    tick_unref(t);
    world_work(w);
}

static double sum_of(const struct ground *g, int64_t step_ms)
{
    struct store_reader *reader;
    struct store_error err;
    struct answer *answer;
    assert_int_equal(store_reader_open(g->w.dir, &reader, &err), 0);
    struct query q = {.from_ms = g->least_ms - g->least_ms % HOUR_MS,
                      .to_ms = g->most_ms - g->most_ms % HOUR_MS + HOUR_MS,
                      .points = 1,
                      .step_ms = step_ms,
                      .aggregate = AGG_SUM};
    selector_init(&q.selector);
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(answer->series_count, 1);
    double sum = 0;
    for (size_t i = 0; i < answer->points_count; i++)
        sum += isnan(answer->series[0].values[i]) ? 0 : answer->series[0].values[i];
    assert_int_equal(store_reader_damaged(reader), 0);
    answer_free(answer);
    store_reader_close(reader);
    return sum;
}

/* The first tick of all has nothing to compare its number with. */
static void check(const struct ground *g)
{
    double expected = (double)(g->absolute - 1);
    double whole = sum_of(g, 0), hours = sum_of(g, HOUR_MS);
    if (whole != expected || hours != expected)
        fail_msg("%.17g in one piece, %.17g by hours, but %.17g were counted", whole, hours,
                 expected);
}

static void ground_start(struct ground *g, uint64_t seed)
{
    *g = (struct ground){.least_ms = INT64_MAX};
    world_init(&g->w, seed);
    g->w.settings.seal_ticks = 15;
    ground_open(g);
}

static void test_hours(void **state)
{
    (void)state;
    uint64_t folded = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct ground g;
        ground_start(&g, seed);
        for (int i = 0; i < 1200; i++) {
            step(&g);
            uint64_t hours = world_random(&g.w, 9);
            switch (world_random(&g.w, 80)) {
            case 0:
                g.w.t_ms -= (int64_t)hours * HOUR_MS;
                break;
            case 1:
                g.w.t_ms += (int64_t)hours * HOUR_MS;
                break;
            case 2:
                folded += store_stats(g.w.store).spans_folded;
                world_close(&g.w, hours % 2);
                ground_open(&g);
                break;
            case 3:
                check(&g);
                break;
            default:
                break;
            }
        }
        check(&g);
        assert_int_equal(store_stats(g.w.store).set_aside, 0);
        assert_int_equal(store_stats(g.w.store).spans_expired, 0);
        world_fini(&g.w);
    }
    assert_true(folded > 0);
}

/* Ahead by months, for less than an hour; and back. */
static void test_wrong_for_a_moment(void **state)
{
    (void)state;
    struct ground g;
    ground_start(&g, 1);
    for (int i = 0; i < 1000; i++)
        step(&g);
    int64_t most_ms = g.most_ms;
    g.w.t_ms += 200 * 24 * HOUR_MS;
    for (int i = 0; i < 150; i++)
        step(&g);
    check(&g);
    g.w.t_ms -= 200 * 24 * HOUR_MS;
    g.most_ms = most_ms;
    for (int i = 0; i < 400; i++)
        step(&g);
    assert_int_equal(store_stats(g.w.store).spans_expired, 0);
    /* Those of the wrong time are where it was, and in no sum of the right one. */
    double sum = sum_of(&g, 0);
    assert_true(sum == (double)(g.absolute - 1 - 150));
    world_fini(&g.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_wrong_for_a_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
