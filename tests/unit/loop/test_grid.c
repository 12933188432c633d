/* test_grid.c: the arithmetic of the grid, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/defs.h"
#include "loop/grid.h"

#define T0 INT64_C(1764000000000) /* on every grid below */
#define DAY_MS INT64_C(86400000)

static void test_floor_and_after(void **state)
{
    static const struct {
        int64_t now_ms, interval_ms, floor_ms, after_ms;
    } cases[] = {
        {0, 1000, 0, 1000},
        {1, 1000, 0, 1000},
        {999, 1000, 0, 1000},
        {1000, 1000, 1000, 2000},
        {1001, 1000, 1000, 2000},
        {T0, 1000, T0, T0 + 1000},
        {T0 + 999, 1000, T0, T0 + 1000},
        {T0 + 50, 50, T0 + 50, T0 + 100},
        {T0 + 99, 50, T0 + 50, T0 + 100},
        {T0 + 59999, 60000, T0, T0 + 60000},
        {T0 + 123, 1, T0 + 123, T0 + 124},
        /* An interval that does not divide the day: the grid is that of 1970, not of midnight. */
        {DAY_MS, 7000, DAY_MS - 6000, DAY_MS + 1000},
        {2 * DAY_MS, 7000, 2 * DAY_MS - 5000, 2 * DAY_MS + 2000},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(grid_floor(cases[i].now_ms, cases[i].interval_ms), cases[i].floor_ms);
        assert_int_equal(grid_after(cases[i].now_ms, cases[i].interval_ms), cases[i].after_ms);
    }
}

static void test_every_instant_lies_between_its_points(void **state)
{
    static const int64_t intervals[] = {50, 100, 333, 1000, 7000, 60000};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(intervals); i++) {
        int64_t interval = intervals[i], last = grid_floor(T0, interval);
        for (int64_t now = T0; now < T0 + 3 * interval; now++) {
            int64_t point = grid_floor(now, interval);
            assert_true(point <= now && now < grid_after(now, interval));
            assert_int_equal(grid_after(now, interval) - point, interval);
            assert_int_equal(point % interval, 0);
            assert_true(point == last || point == last + interval);
            last = point;
        }
    }
}

struct due_case {
    const char *what;
    int64_t last_ms, now_ms, interval_ms;
    bool due;
    int64_t point_ms;
    uint64_t missed;
};

static void test_due(void **state)
{
    static const struct due_case cases[] = {
        {"never ticked", 0, T0 + 10, 1000, true, T0, 0},
        {"never ticked, exactly on a point", 0, T0, 1000, true, T0, 0},
        {"woken too early", T0, T0 + 999, 1000, false, 0, 0},
        {"woken twice", T0, T0, 1000, false, 0, 0},
        {"on time", T0, T0 + 1000, 1000, true, T0 + 1000, 0},
        {"late, but within the interval", T0, T0 + 1999, 1000, true, T0 + 1000, 0},
        {"one point missed", T0, T0 + 2000, 1000, true, T0 + 2000, 1},
        {"one point missed and late", T0, T0 + 2999, 1000, true, T0 + 2000, 1},
        {"nine points missed", T0, T0 + 10500, 1000, true, T0 + 10000, 9},
        {"a day missed at 50 ms", T0, T0 + DAY_MS, 50, true, T0 + DAY_MS, DAY_MS / 50 - 1},
        {"clock back a little", T0, T0 - 1, 1000, true, T0 - 1000, 0},
        {"clock back a day", T0, T0 - DAY_MS + 7, 1000, true, T0 - DAY_MS, 0},
        {"clock back within the interval", T0, T0 + 1, 1000, false, 0, 0},
        {"clock back to 1970", T0, 500, 1000, true, 0, 0},
        {"interval became longer", T0 + 950, T0 + 1000, 1000, true, T0 + 1000, 0},
        {"interval became longer, one missed", T0 + 950, T0 + 2000, 1000, true, T0 + 2000, 1},
        {"interval became shorter", T0, T0 + 1000, 50, true, T0 + 1000, 19},
        {"shortest", T0, T0 + 1, 1, true, T0 + 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t point = -1;
        uint64_t missed = 4711;
        bool due =
            grid_due(cases[i].last_ms, cases[i].now_ms, cases[i].interval_ms, &point, &missed);
        if (due != cases[i].due ||
            (due && (point != cases[i].point_ms || missed != cases[i].missed)))
            fail_msg("%s: %d, point %jd, missed %ju", cases[i].what, due, (intmax_t)point,
                     (uintmax_t)missed);
    }
}

/* However late each wake-up comes, ticks and missed points together are all the points there
 * were, and no point is told twice. */
static void test_no_point_is_lost(void **state)
{
    (void)state;
    int64_t interval = 250, last = T0, now = T0;
    uint64_t ticks = 0, missed_all = 0;
    uint32_t random = 12345;
    for (unsigned i = 0; i < 100000; i++) {
        random = random * 1664525 + 1013904223;
        now += (random >> 16) % (i % 10 ? 200 : 3000);
        int64_t point;
        uint64_t missed;
        if (!grid_due(last, now, interval, &point, &missed))
            continue;
        assert_true(point > last && point <= now);
        last = point;
        ticks++;
        missed_all += missed;
    }
    assert_int_equal(ticks + missed_all, (last - T0) / interval);
    assert_true(ticks > 1000 && missed_all > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floor_and_after),
        cmocka_unit_test(test_every_instant_lies_between_its_points),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_no_point_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
