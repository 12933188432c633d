/*
 * test_ticker.c: the ticker on the kernel's own clock. The loop runs until enough ticks came or a
 * deadline passes; nothing depends on how late this machine is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/defs.h"
#include "loop/grid.h"

#define DEADLINE_MS 20000

struct watch {
    uv_loop_t uv;
    uv_timer_t deadline;
    struct ticker *ticker;
    int64_t interval_ms, next_interval_ms;
    int64_t point_ms;
    unsigned ticks, wanted;
    bool late, too_early, off_grid, wrong_count;
};

static void on_deadline(uv_timer_t *timer)
{
    struct watch *w = timer->data;
    w->late = true;
    uv_stop(timer->loop);
}

static void on_tick(void *user, int64_t point_ms, uint64_t missed)
{
    struct watch *w = user;
    w->off_grid |= point_ms % w->interval_ms != 0;
    w->too_early |= clock_wall_ms() < point_ms;
    if (w->point_ms)
        w->wrong_count |= point_ms != w->point_ms + (int64_t)(missed + 1) * w->interval_ms;
    w->point_ms = point_ms;
    w->ticks++;
    if (w->ticks == w->wanted / 2 && w->next_interval_ms) {
        w->interval_ms = w->next_interval_ms;
        w->point_ms = 0;
        ticker_set_interval(w->ticker, w->interval_ms);
    }
    if (w->ticks == w->wanted)
        uv_stop(&w->uv);
}

static void on_clock_set(void *user)
{
    /* Somebody set this machine's clock while the test ran: points may repeat. */
    struct watch *w = user;
    w->point_ms = 0;
}

static const struct ticker_ops ops = {on_tick, on_clock_set};

static void watch_ticks(int64_t interval_ms, int64_t next_interval_ms, unsigned wanted)
{
    struct watch w = {
        .interval_ms = interval_ms, .next_interval_ms = next_interval_ms, .wanted = wanted};
    assert_int_equal(uv_loop_init(&w.uv), 0);
    assert_int_equal(uv_timer_init(&w.uv, &w.deadline), 0);
    w.deadline.data = &w;
    assert_int_equal(uv_timer_start(&w.deadline, on_deadline, DEADLINE_MS, 0), 0);
    w.ticker = ticker_new(&ops, &w);
    assert_non_null(w.ticker);
    int64_t before_ms = clock_wall_ms(), before_ns = clock_mono_ns();
    assert_int_equal(ticker_start(w.ticker, &w.uv, interval_ms), 0);
    uv_run(&w.uv, UV_RUN_DEFAULT);
    int64_t took_ns = clock_mono_ns() - before_ns;

    assert_false(w.late);
    assert_int_equal(w.ticks, wanted);
    assert_false(w.off_grid);
    assert_false(w.too_early);
    assert_false(w.wrong_count);
    /* `wanted` points lie at least this far apart. */
    int64_t least_ms = next_interval_ms ? 0 : (int64_t)(wanted - 1) * interval_ms;
    assert_true(took_ns >= least_ms * NS_PER_MS);
    assert_true(w.point_ms > before_ms);

    ticker_stop(w.ticker);
    uv_close((uv_handle_t *)&w.deadline, NULL);
    uv_run(&w.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.uv), 0);
}

static void test_ticks_at_50_ms(void **state)
{
    (void)state;
    watch_ticks(50, 0, 10);
}

static void test_ticks_at_1_ms(void **state)
{
    (void)state;
    watch_ticks(1, 0, 100);
}

static void test_interval_changes_on_the_way(void **state)
{
    (void)state;
    watch_ticks(20, 70, 6);
}

static void test_never_started(void **state)
{
    (void)state;
    struct watch w = {0};
    ticker_stop(ticker_new(&ops, &w)); /* the leak checkers look, descriptors too */
    ticker_stop(NULL);
    assert_int_equal(w.ticks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks_at_50_ms),
        cmocka_unit_test(test_ticks_at_1_ms),
        cmocka_unit_test(test_interval_changes_on_the_way),
        cmocka_unit_test(test_never_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
