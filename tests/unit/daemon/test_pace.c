/*
 * test_pace.c: the survey's share of a core with rounds of given cost, on a clock that the test
 * moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "daemon/pace.h"
#include "http/assets.h"

/* No dashboard is needed here. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

#define T0_MS INT64_C(1764000000123)

static void test_cheap(void **state)
{
    (void)state;
    struct pace p;
    pace_init(&p, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(pace_round(&p, 49 * NS_PER_MS), PACE_SAME);
    assert_int_equal(p.period_ms, 1000);
}

/* Slows with the first round that costs too much, never uses more than its share from then on, and
 * comes back when rounds are cheap. */
static void test_slows_and_recovers(void **state)
{
    (void)state;
    struct pace p;
    pace_init(&p, 1000);
    assert_int_equal(pace_round(&p, 10 * NS_PER_MS), PACE_SAME);
    assert_int_equal(pace_round(&p, 130 * NS_PER_MS), PACE_SLOWED);
    assert_int_equal(p.period_ms, 3000); /* 2.6 s would do */
    assert_int_equal(pace_round(&p, 130 * NS_PER_MS), PACE_SAME);
    assert_int_equal(pace_round(&p, 400 * NS_PER_MS), PACE_SLOWER);
    assert_int_equal(p.period_ms, 8000);

    int rounds = 0;
    enum pace_change change = PACE_SAME;
    for (; rounds < 50 && change != PACE_RECOVERED; rounds++) {
        change = pace_round(&p, 5 * NS_PER_MS);
        assert_true(change != PACE_SLOWED);
        assert_true(p.cost_ns / NS_PER_MS * PACE_SHARE <= p.period_ms);
    }
    assert_true(rounds > 3 && rounds < 20); /* one cheap round is no recovery */
    assert_int_equal(p.period_ms, 1000);
    assert_int_equal(pace_round(&p, 5 * NS_PER_MS), PACE_SAME);
}

/* Around the limit it does not go to and fro. */
static void test_steady(void **state)
{
    (void)state;
    struct pace p;
    int changes = 0;
    pace_init(&p, 1000);
    for (int i = 0; i < 1000; i++)
        changes += pace_round(&p, (45 + i % 10) * NS_PER_MS) != PACE_SAME;
    assert_int_equal(changes, 1);
    assert_int_equal(p.period_ms, 2000);
}

/* However much a round costs it is done again some time. */
static void test_bounded(void **state)
{
    (void)state;
    struct pace p;
    pace_init(&p, 1000);
    pace_round(&p, 3600 * NS_PER_S);
    assert_int_equal(p.period_ms, 600000);
    pace_init(&p, 7000);
    pace_round(&p, INT64_MAX / 2);
    assert_true(p.period_ms >= 600000 && p.period_ms < 607000 && p.period_ms % 7000 == 0);
}

/* Over an hour of rounds with any costs: the share is kept, and every round lies between ticks. */
static void test_share_of_an_hour(void **state)
{
    (void)state;
    static const int64_t intervals_ms[] = {100, 1000, 1500, 10000};
    for (size_t n = 0; n < ARRAY_LEN(intervals_ms); n++) {
        struct pace p;
        int64_t now_ms = T0_MS, used_ms = 0, last_point = 0;
        uint32_t seed = 7;
        pace_init(&p, intervals_ms[n]);
        while (now_ms < T0_MS + 3600 * MS_PER_S) {
            seed = seed * 1664525 + 1013904223;
            int64_t began_ms = now_ms, cost_ms = seed >> 24; /* 0 to 255 */
            if (began_ms > T0_MS) {
                int64_t off = began_ms % p.interval_ms - p.interval_ms / 2;
                assert_true(off >= 0 && off <= 1);
                assert_true(began_ms / p.interval_ms > last_point);
            }
            last_point = began_ms / p.interval_ms;
            used_ms += cost_ms;
            pace_round(&p, cost_ms * NS_PER_MS);
            now_ms += cost_ms;
            int64_t wait_ms = pace_wait_ms(&p, began_ms, now_ms);
            assert_true(wait_ms > 0 && wait_ms <= p.period_ms + p.interval_ms);
            now_ms += wait_ms + (seed >> 8 & 1); /* a timer is late now and then */
        }
        assert_true(used_ms * PACE_SHARE <= 3600 * MS_PER_S + p.period_ms);
    }
}

static void test_grid(void **state)
{
    (void)state;
    struct pace p;
    pace_init(&p, 1000);
    /* The first round comes when the program starts. */
    assert_int_equal(pace_wait_ms(&p, 10123, 10150), 11500 - 10150);
    assert_int_equal(pace_wait_ms(&p, 11500, 11520), 980);
    assert_int_equal(pace_wait_ms(&p, 11499, 11499), 1001); /* early */
    assert_int_equal(pace_wait_ms(&p, 11620, 11640), 860);  /* late */
    assert_int_equal(pace_wait_ms(&p, 11500, 12600), 900);  /* too long */
    p.period_ms = 3000;
    assert_int_equal(pace_wait_ms(&p, 11500, 11600), 2900);
    /* The clock was set, either way. */
    assert_int_equal(pace_wait_ms(&p, 11500, 2000), 500);
    assert_int_equal(pace_wait_ms(&p, 11500, 99999400), 100);
    assert_int_equal(pace_wait_ms(&p, 11500, 0), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cheap),
        cmocka_unit_test(test_slows_and_recovers),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_share_of_an_hour),
        cmocka_unit_test(test_grid),
    };
    return cmocka_run_group_tests_name("daemon/pace", tests, NULL, NULL);
}
