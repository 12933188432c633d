/*
 * test_detector.c: what happens to one series: learning, steps and their end, and everything that
 * is no anomaly: gaps, constants, single bursts, counts, clocks that step.
 */
#include "detect/detector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <string.h>

#include "base/defs.h"
#include "noise.h"

static const struct bank_settings defaults = BANK_SETTINGS_DEFAULT;

struct bed {
    struct detector_tuning tuning;
    struct detector_state d;
    struct noise noise;
    int ups, downs; /* alarms that began */
};

static struct bed bed_new(void)
{
    struct bed b = {.noise = noise_new(3, 4)};
    detector_tune(&b.tuning, &defaults, 1000, 500);
    detector_begin(&b.d);
    return b;
}

static struct verdict bed_step(struct bed *b, double x)
{
    int before = b->d.alarm;
    detector_advance(&b->d, &b->tuning, x, 0, NULL, 0);
    b->ups += b->d.alarm > 0 && before <= 0;
    b->downs += b->d.alarm < 0 && before >= 0;
    return detector_verdict(&b->d, NULL);
}

static void bed_noise(struct bed *b, int samples, double level)
{
    for (int i = 0; i < samples; i++)
        bed_step(b, level + noise_gaussian(&b->noise));
}

static void assert_quiet(const struct bed *b)
{
    assert_int_equal(b->ups, 0);
    assert_int_equal(b->downs, 0);
}

static void test_learning(void **state)
{
    (void)state;
    struct bed b = bed_new();
    for (int i = 0; i < 60; i++)
        assert_true(isnan(bed_step(&b, 10 + noise_gaussian(&b.noise)).z));
    struct verdict v = bed_step(&b, 10);
    assert_float_equal(v.mean, 10, 0.5);
    assert_float_equal(v.sigma, 1, 0.4);
    assert_true(v.score >= 0 && v.score <= 1);
    /* Whatever happens while it learns is no alarm, then or when it has learned. */
    bed_noise(&b, 500, 10);
    bed_noise(&b, 300, 30);
    assert_quiet(&b);
    bed_noise(&b, 600, 30);
    assert_quiet(&b);
}

static void test_step_and_back(void **state)
{
    (void)state;
    struct bed b = bed_new();
    bed_noise(&b, 900, 100);
    assert_quiet(&b);
    bed_noise(&b, 30, 108);
    assert_int_equal(b.ups, 1);
    assert_int_equal(b.d.alarm, 1);
    bed_noise(&b, 15, 100);
    assert_int_equal(b.d.alarm, 0);
    bed_noise(&b, 3600, 100);
    assert_int_equal(b.ups, 1);
    assert_int_equal(b.downs, 0);
}

/* The new level becomes usual within two windows; the way back, hours later, is no alarm. */
static void test_new_usual_and_home(void **state)
{
    (void)state;
    struct bed b = bed_new();
    bed_noise(&b, 1200, 100);
    bed_noise(&b, 600, 150);
    assert_int_equal(b.ups, 1);
    assert_int_equal(b.d.alarm, 0);
    assert_float_equal(detector_verdict(&b.d, NULL).mean, 150, 2);
    bed_noise(&b, 7200, 150);
    bed_noise(&b, 1200, 100);
    assert_int_equal(b.ups, 1);
    assert_int_equal(b.downs, 0);
    assert_float_equal(detector_verdict(&b.d, NULL).mean, 100, 1);
    /* Beyond home is another matter. */
    bed_noise(&b, 60, 80);
    assert_int_equal(b.downs, 1);
}

/* What goes on for ever is usual some day: a ramp, a level that jumps about. */
static void test_nothing_lasts(void **state)
{
    (void)state;
    struct bed b = bed_new();
    int alarmed = 0;
    for (int t = 0; t < 86400; t++) {
        bed_step(&b, 1e6 + 3 * t);
        alarmed += b.d.alarm != 0;
    }
    assert_in_range(alarmed, 0, 2 * 900);
    assert_in_range(b.ups, 0, 2);
}

/* A series whose samples hang together needs more for an alarm, but a change does not become usual
 * before it is told. */
static void test_correlated(void **state)
{
    (void)state;
    struct bed b = bed_new();
    double x = 0;
    for (int t = 0; t < 3600; t++) {
        x = 0.9 * x + 0.43589 * noise_gaussian(&b.noise);
        bed_step(&b, 100 + x);
    }
    assert_quiet(&b);
    int after = 0;
    for (; after < 300 && !b.d.alarm; after++) {
        x = 0.9 * x + 0.43589 * noise_gaussian(&b.noise);
        bed_step(&b, 115 + x);
    }
    assert_int_equal(b.ups, 1);
    assert_in_range(after, 6, 200);
}

/* Who cries wolf again and again needs more each time. */
static void test_repeated(void **state)
{
    (void)state;
    struct bed b = bed_new();
    bed_noise(&b, 1200, 100);
    for (int i = 0; i < 50; i++) {
        bed_noise(&b, 20, 110);
        bed_noise(&b, 580, 100);
    }
    assert_in_range(b.ups, 1, 10);
    assert_int_equal(b.downs, 0);
    int before = b.ups;
    for (int i = 0; i < 50; i++) {
        bed_noise(&b, 20, 110);
        bed_noise(&b, 580, 100);
    }
    assert_in_range(b.ups - before, 0, 3);
}

static void test_gaps(void **state)
{
    (void)state;
    struct bed b = bed_new();
    bed_noise(&b, 900, 100);
    struct verdict v = bed_step(&b, NAN);
    assert_true(isnan(v.score) && isnan(v.z) && isnan(v.mean) && isnan(v.sigma));
    assert_int_equal(v.alarm, 0);
    bed_step(&b, INFINITY);
    bed_step(&b, -INFINITY);
    bed_noise(&b, 10, 100);
    assert_true(!isnan(detector_verdict(&b.d, NULL).z));
    for (int i = 0; i < 200; i++) { /* every other sample is missing */
        bed_step(&b, NAN);
        bed_noise(&b, 1, 100);
    }
    assert_quiet(&b);
    /* After a gap as long as the window it learns anew: another level is no news. */
    for (int i = 0; i < 300; i++)
        bed_step(&b, NAN);
    bed_noise(&b, 900, 5000);
    assert_quiet(&b);
    bed_noise(&b, 20, 5010);
    assert_int_equal(b.ups, 1);
}

static void test_constant(void **state)
{
    (void)state;
    static const double values[] = {0, 12, -7, 0.25, 1e9, 1e-12, 1e30};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct bed b = bed_new();
        for (int t = 0; t < 2000; t++)
            assert_true(bed_step(&b, values[i]).score < 0.1 || t < 60);
        bed_step(&b, values[i] * 1.001);
        for (int t = 0; t < 2000; t++)
            bed_step(&b, values[i]);
        assert_quiet(&b);
    }
    /* One more of twelve is nothing; twenty is. */
    struct bed b = bed_new();
    for (int t = 0; t < 1000; t++)
        bed_step(&b, 12);
    for (int t = 0; t < 1000; t++)
        bed_step(&b, 13);
    assert_quiet(&b);
    for (int t = 0; t < 10; t++)
        bed_step(&b, 21);
    assert_int_equal(b.ups, 1);
    /* Errors where there never were any. */
    b = bed_new();
    for (int t = 0; t < 1000; t++)
        bed_step(&b, 0);
    for (int t = 0; t < 5; t++)
        bed_step(&b, 40);
    assert_int_equal(b.ups, 1);
}

/* The quantum that a caller knows counts more than what one step seems to tell. */
static void test_quantum(void **state)
{
    (void)state;
    struct detector_tuning tuning;
    detector_tune(&tuning, &defaults, 1000, 500);
    struct detector_state d;
    detector_begin(&d);
    for (int t = 0; t < 1000; t++)
        detector_advance(&d, &tuning, 0, 1.0003, NULL, 0);
    for (int t = 0; t < 100; t++)
        detector_advance(&d, &tuning, 1.0003 * (t % 2), 1.0003, NULL, 0);
    assert_int_equal(d.alarm, 0);
    for (int t = 0; t < 5; t++)
        detector_advance(&d, &tuning, 500 * 1.0003, 1.0003, NULL, 0);
    assert_int_equal(d.alarm, 1);
}

/* Fewer than `confirm` samples are never an alarm, however far off. */
static void test_bursts(void **state)
{
    (void)state;
    struct bed b = bed_new();
    bed_noise(&b, 900, 100);
    for (int i = 0; i < 200; i++) {
        bed_step(&b, 1e12);
        bed_noise(&b, 1, 100);
        if (i % 2)
            bed_step(&b, -1e12);
        bed_noise(&b, 50, 100);
    }
    assert_quiet(&b);
    assert_float_equal(detector_verdict(&b.d, NULL).mean, 100, 3);
    /* And they have not made it blind. */
    bed_noise(&b, 60, 125);
    assert_int_equal(b.ups, 1);
}

/* Traffic that comes in bursts is usual once it was seen. */
static void test_bursty_traffic(void **state)
{
    (void)state;
    struct bed b = bed_new();
    int late = 0;
    for (int i = 0; i < 400; i++) {
        int before = b.ups + b.downs;
        int quiet = 10 + (int)(80 * noise_uniform(&b.noise)),
            busy = 1 + (int)(6 * noise_uniform(&b.noise));
        for (int t = 0; t < quiet; t++)
            bed_step(&b, floor(3 * noise_uniform(&b.noise)));
        for (int t = 0; t < busy; t++)
            bed_step(&b, floor(1e5 * noise_uniform(&b.noise)));
        late += i > 50 ? b.ups + b.downs - before : 0;
    }
    assert_int_equal(late, 0);
}

static void test_hostile_numbers(void **state)
{
    (void)state;
    struct bed b = bed_new();
    static const double odd[] = {DBL_MAX, -DBL_MAX, DBL_MIN, -DBL_MIN, 5e-324,
                                 0,       -0.0,     1e300,   NAN,      INFINITY};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = noise_bits(&b.noise);
        double x = odd[bits % (sizeof(odd) / sizeof(odd[0]))];
        if (i % 3 == 0)
            memcpy(&x, &bits, sizeof(x));
        struct verdict v = bed_step(&b, x);
        assert_true(isnan(v.score) || (v.score >= 0 && v.score <= 1));
        assert_true(isnan(v.z) || isfinite(v.z));
        assert_true(isnan(v.sigma) || (isfinite(v.sigma) && v.sigma > 0));
        assert_true(isnan(v.mean) || isfinite(v.mean));
        assert_true(isfinite(b.d.difference2) && isfinite(b.d.novelty.all));
    }
}

/* What an hour of the week explains is no alarm; the same at another hour is. */
static void test_expected(void **state)
{
    (void)state;
    struct seasonal season;
    seasonal_begin(&season);
    for (int64_t h = 0; h < SEASONAL_HOURS_MIN + 10; h++)
        seasonal_learn(&season, h * 3600000, 150, 5);
    for (int i = 0; i < 2; i++) {
        struct bed b = bed_new();
        bed_noise(&b, 1200, 100);
        for (int t = 0; t < 600 && !b.d.alarm; t++)
            detector_advance(&b.d, &b.tuning, (i ? 200 : 150) + noise_gaussian(&b.noise), 0,
                             &season, t * 1000);
        assert_int_equal(b.d.alarm, i);
        if (!i)
            assert_true(fabs(detector_verdict(&b.d, &season).mean - 150) < 2);
    }
}

/* The one with times: an hour that a clock jumped is not an hour of missing samples to fear. */
static void test_times(void **state)
{
    (void)state;
    struct noise n = noise_new(8, 8);
    struct detector *d = detector_new(&defaults, 1000, 500);
    int64_t t = 1764000000000;
    static const int64_t jumps[] = {1000,    -3600000, 1000,          1500,
                                    3600000, 1000,     INT64_MIN / 2, INT64_MAX / 2};
    for (size_t j = 0; j < ARRAY_LEN(jumps); j++) {
        t += jumps[j];
        for (int i = 0; i < 1000; i++, t += 1000)
            assert_int_equal(detector_step(d, t, 100 + noise_gaussian(&n)).alarm, 0);
    }
    int found = 0;
    for (int i = 0; i < 6; i++, t += 1000)
        found |= detector_step(d, t, 110 + noise_gaussian(&n)).alarm == 1;
    assert_true(found);
    detector_free(d);
    detector_free(NULL);
}

/* Samples are farther apart from now on: a window of minutes has fewer of them, so a new level is
 * the usual one sooner; what was learned stays. */
static void test_retune(void **state)
{
    (void)state;
    struct noise n = noise_new(8, 9);
    struct detector *d = detector_new(&defaults, 1000, 500);
    int64_t t = 1764000000000;
    for (int i = 0; i < 1200; i++, t += 1000)
        detector_step(d, t, 100 + noise_gaussian(&n));
    detector_retune(d, &defaults, 5000, 500);
    int alarms = 0;
    for (int i = 0; i < 200; i++, t += 5000)
        alarms += detector_step(d, t, 120 + noise_gaussian(&n)).alarm == 1;
    assert_in_range(alarms, 10, 90); /* at 1 s about 300 */
    detector_free(d);
}

/* Another interval: the window has min_samples at least. */
static void test_other_interval(void **state)
{
    (void)state;
    struct detector_tuning t;
    detector_tune(&t, &defaults, 300000, 1);
    assert_int_equal(t.sub_samples * DETECTOR_SUBWINDOWS, 60);
    assert_int_equal(t.learning, 60);
    detector_tune(&t, &defaults, 50, 1);
    assert_int_equal(t.sub_samples * DETECTOR_SUBWINDOWS, 6000);
    assert_int_equal(t.learning, 12000);
    struct bank_settings absurd = {.sigma = -1, .window_ms = INT64_MAX, .learning_ms = INT64_MAX};
    detector_tune(&t, &absurd, 0, 0);
    assert_true(t.delta > 0 && isfinite(t.limit) && t.sub_samples > 0 && t.confirm == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_step_and_back),
        cmocka_unit_test(test_new_usual_and_home),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_nothing_lasts),
        cmocka_unit_test(test_correlated),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_quantum),
        cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_bursty_traffic),
        cmocka_unit_test(test_hostile_numbers),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_other_interval),
        cmocka_unit_test(test_retune),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
