/* test_novelty.c: what breaks a record, what is told once, and how seldom noise does it. */
#include "detect/novelty.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "noise.h"

#define WINDOW 60

struct bed {
    struct novelty_tuning tuning;
    struct novelty n;
    struct noise noise;
};

static struct bed bed_new(void)
{
    struct bed b = {.noise = noise_new(6, 7)};
    novelty_tune(&b.tuning, WINDOW);
    return b;
}

static double bed_step(struct bed *b, double x)
{
    float score = novelty_add(&b->n, &b->tuning, (float)x, 0);
    assert_true(score >= 0 && score <= 1);
    return (double)score;
}

static int count_over(struct bed *b, int samples, double level, double least)
{
    int over = 0;
    for (int i = 0; i < samples; i++)
        over += bed_step(b, level + noise_gaussian(&b->noise)) > least;
    return over;
}

static void test_noise(void **state)
{
    (void)state;
    struct bed b = bed_new();
    count_over(&b, 1000, 50, 0);
    assert_in_range(count_over(&b, 100000, 50, 0.9), 0, 3);
}

static void test_one_event_one_score(void **state)
{
    (void)state;
    struct bed b = bed_new();
    count_over(&b, 3000, 50, 0);
    assert_true(bed_step(&b, 62) > 0.9);
    assert_int_equal(count_over(&b, 100, 62, 0), 0); /* the rest of it is no news … */
    assert_true(bed_step(&b, 150) > 0.9);            /* … but something worse is */
    assert_int_equal(count_over(&b, 1, 50, 0.99), 0);
}

/* Twice as far as ever before is 0.99; as far as before is nothing. */
static void test_scale(void **state)
{
    (void)state;
    struct bed b = bed_new();
    for (int i = 0; i < 20000; i++)
        bed_step(&b, i % 500 ? 0 : 10);
    assert_true(bed_step(&b, 9) <= 0);
    for (int i = 0; i < 499; i++)
        bed_step(&b, 0);
    double twice = bed_step(&b, 20);
    assert_true(twice > 0.985 && twice < 0.9975);
}

/* Both directions have records of their own. */
static void test_directions(void **state)
{
    (void)state;
    struct bed b = bed_new();
    for (int i = 0; i < 20000; i++)
        bed_step(&b, (i % 500 ? 0 : 30) + 0.1 * noise_gaussian(&b.noise));
    assert_true(bed_step(&b, -6) > 0.9);
}

/* A level that rises slowly is new when it leaves where it always was. */
static void test_place(void **state)
{
    (void)state;
    struct bed b = bed_new();
    count_over(&b, 10000, 0, 0);
    double most = 0;
    for (int i = 0; i < 6000; i++)
        most = fmax(most, bed_step(&b, i * 0.002 + noise_gaussian(&b.noise)));
    assert_true(most > 0.5);
}

static void test_rebase(void **state)
{
    (void)state;
    struct bed a = bed_new(), b = bed_new();
    for (int i = 0; i < 5000; i++) {
        double x = noise_gaussian(&a.noise) * (i == 4000 ? 40 : 1);
        int times = i / 100;
        float moved = 8 * (float)times;
        if (i % 100 == 0 && i)
            novelty_rebase(&b.n, 8);
        float one = novelty_add(&a.n, &a.tuning, (float)x, 0);
        float other = novelty_add(&b.n, &b.tuning, (float)x - moved, 0);
        assert_true(fabsf(one - other) < 0.01f);
    }
}

static void test_least(void **state)
{
    (void)state;
    struct bed b = bed_new();
    b.n.least = 1;
    for (int i = 0; i < 1000; i++)
        assert_true(bed_step(&b, 0) <= 0);
    assert_true(bed_step(&b, 1) <= 0);
    assert_true(bed_step(&b, 50) > 0.99);
    /* Without a record and a least, nothing can be told. */
    b = bed_new();
    for (int i = 0; i < 1000; i++)
        bed_step(&b, 0);
    assert_true(bed_step(&b, 50) <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise), cmocka_unit_test(test_one_event_one_score),
        cmocka_unit_test(test_scale), cmocka_unit_test(test_directions),
        cmocka_unit_test(test_place), cmocka_unit_test(test_rebase),
        cmocka_unit_test(test_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
