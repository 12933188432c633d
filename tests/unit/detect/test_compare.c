/*
 * test_compare.c: the statistics against known values, and against hundreds of metrics at once of
 * which it is known whether they changed.
 */
#include "detect/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/defs.h"
#include "noise.h"

#define LEAST COMPARE_BLOCKS_LEAST

/* cmocka compares in single precision. */
#define assert_near(a, b, by) assert_true(fabs((double)(a) - (double)(b)) <= (by))

/* ---- one side ---------------------------------------------------------------------------- */

static double worth(const struct block_stats *s)
{
    double ret[2];
    compare_independent(s, s, ret);
    assert_true(ret[0] == ret[1]);
    return ret[0];
}

static void test_statistics(void **state)
{
    (void)state;
    /* 1 … 9 and a gap; quantiles of type 7. */
    static const double means[] = {9, 1, 8, 2, NAN, 7, 3, 6, 4, 5};
    struct block_stats *s = block_stats_new(means, ARRAY_LEN(means));
    assert_int_equal(s->n, 9);
    assert_near(s->mean, 5, 1e-12);
    assert_near(s->sigma, sqrt(7.5), 1e-12);
    assert_near(s->min, 1, 0);
    assert_near(s->max, 9, 0);
    assert_near(s->p50, 5, 1e-12);
    assert_near(s->p90, 8.2, 1e-12);
    assert_near(s->p99, 8.92, 1e-12);
    assert_int_equal(s->sketch_count, 9);
    for (int i = 0; i < 9; i++)
        assert_true(s->sketch[i] == (float)(i + 1));
    free(s);
    static const double none[] = {NAN, NAN};
    assert_null(block_stats_new(none, 2));
    assert_null(block_stats_new(none, 0));
}

static void test_sketch_of_many(void **state)
{
    (void)state;
    static double means[5000];
    for (size_t i = 0; i < ARRAY_LEN(means); i++)
        means[i] = (double)((i * 7919) % ARRAY_LEN(means));
    struct block_stats *s = block_stats_new(means, ARRAY_LEN(means));
    assert_int_equal(s->sketch_count, BLOCK_SKETCH_MAX);
    for (int i = 0; i <= 100; i++)
        assert_true(fabs((double)s->sketch[i] - 49.99 * i) < 1e-3);
    free(s);
}

static void test_constant(void **state)
{
    (void)state;
    double means[40];
    for (size_t i = 0; i < ARRAY_LEN(means); i++)
        means[i] = 0.1; /* a running mean of these is not 0.1 to the last bit */
    struct block_stats *s = block_stats_new(means, ARRAY_LEN(means));
    assert_int_equal(s->sketch_count, 1);
    assert_true(s->mean == 0.1 && s->sigma == 0 && s->p50 == 0.1 && s->p99 == 0.1);
    assert_near(worth(s), 40, 0);
    free(s);
}

static void test_huge(void **state)
{
    (void)state;
    static const double means[] = {-1.7e308, 1.7e308, 1e300, -5};
    struct block_stats *s = block_stats_new(means, ARRAY_LEN(means));
    assert_true(isfinite(s->p50) && isfinite(s->p90) && isfinite(s->sketch[0]) &&
                isfinite(s->sketch[3]));
    free(s);
}

/* A process of first order with this correlation: what is estimated, and what it is worth. */
static void test_autocorrelation(void **state)
{
    (void)state;
    static const double rhos[] = {0, 0.3, 0.6, 0.9};
    static double means[20000];
    for (size_t r = 0; r < ARRAY_LEN(rhos); r++) {
        struct noise n = noise_new(3, r);
        double x = 0, rho = rhos[r];
        for (size_t i = 0; i < ARRAY_LEN(means); i++)
            means[i] = x = rho * x + sqrt(1 - rho * rho) * noise_gaussian(&n);
        struct block_stats *s = block_stats_new(means, ARRAY_LEN(means));
        /* Of ranks (K. Pearson, 1907). */
        double rank_rho = 6 / (NOISE_TURN / 2) * asin(rho / 2);
        assert_near(s->autocorrelation, rank_rho, 0.02);
        const size_t count = ARRAY_LEN(means);
        double n_rho = (double)count * (1 - rank_rho) / (1 + rank_rho);
        assert_true(worth(s) > 0.9 * n_rho && worth(s) < 1.1 * n_rho);
        free(s);
    }
}

/* Four runs far apart, each at a level of its own, with a gap between them: they are worth little
 * more than four observations. */
static void test_levels(void **state)
{
    (void)state;
    double means[4 * 61];
    struct noise n = noise_new(4, 4);
    for (size_t i = 0; i < ARRAY_LEN(means); i++) {
        size_t level = i / 61;
        means[i] = i % 61 == 60 ? NAN : 100 * (double)level + noise_gaussian(&n);
    }
    struct block_stats *s = block_stats_new(means, ARRAY_LEN(means));
    assert_int_equal(s->n, 240);
    assert_true(worth(s) < 10);
    free(s);
}

/* ---- two sides --------------------------------------------------------------------------- */

static struct comparison compare(const double *before, size_t n, const double *after, size_t m)
{
    struct block_stats *b = block_stats_new(before, n), *a = block_stats_new(after, m);
    struct comparison c;
    compare_pair(b, a, LEAST, &c);
    free(b);
    free(a);
    return c;
}

static void test_t(void **state)
{
    (void)state;
    /* The usual tables, and far out its density integrated. */
    assert_near(compare_t_tails(2.228139, 10), 0.05, 1e-7);
    assert_near(compare_t_tails(-12.7062, 1), 0.05, 1e-6);
    assert_near(compare_t_tails(1.959964, 1e7), 0.05, 1e-6);
    assert_near(compare_t_tails(0, 5), 1, 1e-12);
    assert_near(compare_t_tails(6.65, 58) / 1.13196e-8, 1, 1e-4);
    assert_true(isnan(compare_t_tails(NAN, 5)));
}

/* By hand: r = 0.3 of 30 blocks is 0.3846 without the bias, 0.4442 with half of the error of 60. */
static void test_worth(void **state)
{
    (void)state;
    struct block_stats s = {.n = 30, .autocorrelation = 0.3, .sketch_count = 30};
    double both[2];
    compare_independent(&s, &s, both);
    assert_near(both[0], 11.546, 0.01);
    struct block_stats unlike = {.n = 30, .autocorrelation = -0.5, .sketch_count = 30};
    compare_independent(&unlike, &unlike, both);
    assert_near(both[0], 30, 0);
    /* A side that is more like itself than both together counts by its own. */
    struct block_stats like = {.n = 30, .autocorrelation = 0.8, .sketch_count = 30};
    compare_independent(&unlike, &like, both);
    assert_near(both[1], 2, 0);
    assert_true(both[0] > 5);
    /* The degrees of freedom are near those of the shorter side: 30.2 of 1440 and 30. */
    double one[1440], two[30];
    for (int i = 0; i < 1440; i++)
        one[i] = 1;
    for (int i = 0; i < 30; i++)
        two[i] = 2;
    struct block_stats *before = block_stats_new(one, 1440), *after = block_stats_new(two, 30);
    struct comparison c;
    compare_pair(before, after, LEAST, &c);
    assert_near(c.p / compare_t_tails(9.386337, 30.220656), 1, 1e-4);
    free(before);
    free(after);
}

static void test_effect(void **state)
{
    (void)state;
    /* Each number thrice ten, so that there are enough: after is larger in 8 of 9 pairs, equal in
     * one. */
    double before[30], after[30];
    for (int i = 0; i < 30; i++) {
        before[i] = 1 + i % 3;
        after[i] = 3 + i % 3;
    }
    struct comparison c = compare(before, 30, after, 30);
    assert_near(c.effect, 8.0 / 9, 1e-9);
    assert_near(c.change_ratio, 1, 1e-9);
    assert_near(compare(after, 30, before, 30).effect, -8.0 / 9, 1e-9);
    assert_near(compare(before, 30, before, 30).effect, 0, 1e-9);
    assert_near(compare(before, 30, before, 30).p, 1, 1e-9);
}

static void test_not_enough(void **state)
{
    (void)state;
    double few[LEAST - 1], enough[LEAST];
    for (int i = 0; i < LEAST; i++)
        enough[i] = i;
    for (int i = 0; i < LEAST - 1; i++)
        few[i] = 1000 + i;
    assert_int_equal(compare(enough, LEAST, few, LEAST - 1).verdict, COMPARISON_NOT_ENOUGH_DATA);
    assert_int_equal(compare(few, LEAST - 1, enough, LEAST).verdict, COMPARISON_NOT_ENOUGH_DATA);
    assert_int_equal(compare(enough, LEAST, NULL, 0).verdict, COMPARISON_NOT_ENOUGH_DATA);
    assert_int_equal(compare(NULL, 0, enough, LEAST).verdict, COMPARISON_NOT_ENOUGH_DATA);
    assert_int_equal(compare(enough, LEAST, enough, LEAST).verdict, COMPARISON_UNCHANGED);
}

static enum comparison_verdict judge(struct comparison c, enum direction direction)
{
    struct compared one = {&c, direction};
    compare_judge(&one, 1);
    return c.verdict;
}

static void level(double *means, size_t count, double mean, double sigma, uint64_t seed)
{
    struct noise n = noise_new(seed, 77);
    for (size_t i = 0; i < count; i++)
        means[i] = mean + sigma * noise_gaussian(&n);
}

static void test_verdicts(void **state)
{
    (void)state;
    double a[60], b[60];
    level(a, 60, 100, 5, 1);
    level(b, 60, 120, 5, 2);
    assert_int_equal(judge(compare(a, 60, b, 60), DIRECTION_LOWER), COMPARISON_REGRESSED);
    assert_int_equal(judge(compare(a, 60, b, 60), DIRECTION_HIGHER), COMPARISON_IMPROVED);
    assert_int_equal(judge(compare(b, 60, a, 60), DIRECTION_LOWER), COMPARISON_IMPROVED);
    assert_int_equal(judge(compare(a, 60, b, 60), DIRECTION_NEITHER), COMPARISON_CHANGED);
    level(b, 60, 108, 2, 3); /* certain, and not a tenth */
    assert_int_equal(judge(compare(a, 60, b, 60), DIRECTION_LOWER), COMPARISON_UNCHANGED);
    level(a, 60, 100, 60, 4); /* a fifth, and within the noise */
    level(b, 60, 120, 60, 5);
    assert_int_equal(judge(compare(a, 60, b, 60), DIRECTION_LOWER), COMPARISON_UNCHANGED);
}

static void test_from_nothing(void **state)
{
    (void)state;
    double zero[60] = {0}, some[60];
    level(some, 60, 3, 0.5, 6);
    struct comparison c = compare(zero, 60, some, 60);
    assert_true(isnan(c.change_ratio));
    assert_near(c.effect, 1, 0);
    assert_int_equal(judge(c, DIRECTION_LOWER), COMPARISON_REGRESSED);
    assert_int_equal(judge(compare(some, 60, zero, 60), DIRECTION_LOWER), COMPARISON_IMPROVED);
    assert_near(compare(some, 60, zero, 60).change_ratio, -1, 1e-12);
    c = compare(zero, 60, zero, 60);
    assert_near(c.change_ratio, 0, 0);
    assert_int_equal(judge(c, DIRECTION_LOWER), COMPARISON_UNCHANGED);
    /* Below zero, less is still less. */
    for (int i = 0; i < 60; i++)
        some[i] -= 20;
    c = compare(some, 60, zero, 60);
    assert_true(c.change_ratio > 0 && c.effect > 0);
}

static void test_constants(void **state)
{
    (void)state;
    double a[30], b[30];
    for (int i = 0; i < 30; i++) {
        a[i] = 1500;
        b[i] = 9000;
    }
    struct comparison c = compare(a, 30, b, 30);
    assert_near(c.effect, 1, 0);
    assert_true(c.p < 1e-6);
    assert_int_equal(judge(c, DIRECTION_NEITHER), COMPARISON_CHANGED);
}

/* Most blocks are larger, but their mean is smaller: one burst before made it. */
static void test_contradiction(void **state)
{
    (void)state;
    double a[60], b[60];
    level(a, 60, 10, 0.1, 7);
    level(b, 60, 11, 0.1, 8);
    a[20] = 1e6;
    struct comparison c = compare(a, 60, b, 60);
    assert_true(c.change_ratio < -0.9 && c.effect > 0.9 && c.p < 1e-6);
    assert_int_equal(judge(c, DIRECTION_LOWER), COMPARISON_UNCHANGED);
}

/* What is judged from 101 quantiles of many blocks is what all of them would have said. */
static void test_sketch_is_enough(void **state)
{
    (void)state;
    static double a[3000], b[60];
    level(a, 3000, 100, 10, 9);
    level(b, 60, 109, 10, 10);
    struct comparison c = compare(a, 3000, b, 60);
    double larger = 0;
    for (int i = 0; i < 60; i++) {
        for (int k = 0; k < 3000; k++)
            larger += (b[i] > a[k]) - (b[i] < a[k]);
    }
    assert_near(c.effect, larger / (60.0 * 3000), 0.01);
}

/* ---- all of them ------------------------------------------------------------------------- */

static void test_false_discoveries_of_known_p(void **state)
{
    (void)state;
    /* Benjamini and Yekutieli by hand: count 4, 1 + 1/2 + 1/3 + 1/4 = 25/12. */
    static const double ps[] = {0.04, 0.001, 0.02, 0.9};
    static const double qs[] = {0.04 * 4 * 25 / 12 / 3, 0.001 * 4 * 25 / 12, 0.02 * 4 * 25 / 12 / 2,
                                1};
    struct comparison c[5];
    struct compared all[5];
    for (int i = 0; i < 5; i++) {
        c[i] = (struct comparison){COMPARISON_UNCHANGED, 1, 1, i < 4 ? ps[i] : NAN, NAN};
        all[i] = (struct compared){&c[i], DIRECTION_LOWER};
    }
    c[4].verdict = COMPARISON_NOT_ENOUGH_DATA; /* is not one of them */
    compare_judge(all, 5);
    for (int i = 0; i < 4; i++)
        assert_near(c[i].q, qs[i], 1e-12);
    assert_int_equal(c[0].verdict, COMPARISON_UNCHANGED);
    assert_int_equal(c[1].verdict, COMPARISON_REGRESSED);
    assert_int_equal(c[4].verdict, COMPARISON_NOT_ENOUGH_DATA);
    compare_judge(NULL, 0);
}

#define METRICS 500
#define CHANGED 50

enum form { FORM_NORMAL, FORM_STUDENT, FORM_PARETO, FORM_STEPS, FORMS };

static double draw(struct noise *n, enum form form)
{
    switch (form) {
    case FORM_STUDENT:
        return noise_student3(n);
    case FORM_PARETO: /* no variance at all */
        return pow(noise_uniform(n), -1 / 1.5);
    case FORM_STEPS: /* many equal values, as errors have */
        return floor(-log(noise_uniform(n)) * 1.5);
    default:
        return noise_gaussian(n);
    }
}

static struct block_stats *side(uint64_t seed, uint64_t metric, enum form form, double rho,
                                size_t count, double mean, double noise)
{
    static double means[1500];
    struct noise n = noise_new(seed, metric);
    double x = draw(&n, form);
    for (int i = 0; i < 50; i++)
        x = rho * x + sqrt(1 - rho * rho) * draw(&n, form);
    for (size_t i = 0; i < count; i++) {
        x = rho * x + sqrt(1 - rho * rho) * draw(&n, form);
        means[i] = mean + noise * x;
    }
    return block_stats_new(means, count);
}

/* One comparison of 500 metrics, of which the first `changed` have become a fifth more. Counts
 * those that are called different. */
struct tally {
    size_t found, wrong;
};

static struct tally one_run(uint64_t seed, enum form form, double rho, size_t n, size_t m,
                            double noise, size_t changed)
{
    static struct comparison c[METRICS];
    struct compared all[METRICS];
    struct tally t = {0, 0};
    for (size_t i = 0; i < METRICS; i++) {
        struct block_stats *before = side(seed, 2 * i, form, rho, n, 100, noise);
        struct block_stats *after =
            side(seed, 2 * i + 1, form, rho, m, i < changed ? 120 : 100, noise);
        compare_pair(before, after, LEAST, &c[i]);
        all[i] = (struct compared){&c[i], DIRECTION_LOWER};
        free(before);
        free(after);
    }
    compare_judge(all, METRICS);
    for (size_t i = 0; i < METRICS; i++) {
        if (i < changed)
            t.found += c[i].verdict == COMPARISON_REGRESSED;
        else
            t.wrong += c[i].q <= COMPARE_FALSE_DISCOVERIES; /* whatever the size */
    }
    return t;
}

/* Nothing has changed: a comparison in which anything is called different has nothing but false
 * discoveries. At most one in twenty may be like that, of every kind. */
static void test_nothing_changed(void **state)
{
    (void)state;
    static const struct {
        double rho;
        size_t n, m;
    } sides[] = {{0, 30, 30},   {0, 1440, 60},   {0.3, 60, 60}, {0.5, 240, 60},
                 {0.6, 30, 30}, {0.6, 1440, 60}, {0.9, 60, 60}, {0.9, 1440, 60}};
    enum { RUNS = 12 };
    for (int form = 0; form < FORMS; form++) {
        size_t bad = 0, runs = 0;
        for (size_t s = 0; s < ARRAY_LEN(sides); s++) {
            for (uint64_t run = 0; run < (sides[s].n > 1000 ? RUNS / 4 : RUNS); run++, runs++) {
                struct tally t = one_run(run * 1009 + s, (enum form)form, sides[s].rho, sides[s].n,
                                         sides[s].m, 30, 0);
                bad += t.wrong > 0;
            }
        }
        assert_true(bad * 20 <= runs);
    }
}

/* The level is the same, the spread is not, and the side that has more of it is the shorter one:
 * there Mann and Whitney's variance alone is far too small. */
static void test_spread_is_no_change(void **state)
{
    (void)state;
    size_t sure = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        struct block_stats *before = side(11, 2 * i, FORM_NORMAL, 0, 300, 100, 1);
        struct block_stats *after = side(11, 2 * i + 1, FORM_NORMAL, 0, 30, 100, 20);
        struct comparison c;
        compare_pair(before, after, LEAST, &c);
        sure += c.p <= 0.01;
        free(before);
        free(after);
    }
    assert_true(sure <= 30); /* 20 are to be expected */
}

/* A tenth of the metrics has become a fifth more: nearly all of them are found, and of what is
 * found at most a twentieth is none. */
static void test_changes_are_found(void **state)
{
    (void)state;
    static const struct {
        enum form form;
        double rho, noise;
        size_t n, m;
    } cases[] = {
        {FORM_NORMAL, 0, 8, 60, 30},      {FORM_NORMAL, 0.3, 8, 60, 60},
        {FORM_NORMAL, 0.6, 8, 1440, 120}, {FORM_STUDENT, 0.3, 5, 60, 60},
        {FORM_STUDENT, 0.3, 8, 240, 60},  {FORM_PARETO, 0.3, 2, 240, 60},
        {FORM_STEPS, 0.3, 8, 240, 60},
    };
    enum { RUNS = 4 };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t found = 0, wrong = 0;
        for (uint64_t run = 0; run < RUNS; run++) {
            struct tally t = one_run(run * 2003 + i, cases[i].form, cases[i].rho, cases[i].n,
                                     cases[i].m, cases[i].noise, CHANGED);
            found += t.found;
            wrong += t.wrong;
        }
        assert_true(found * 100 >= RUNS * CHANGED * 90);
        assert_true(wrong * 20 <= found + wrong);
    }
}

/* ---- what it is about -------------------------------------------------------------------- */

static void test_directions(void **state)
{
    (void)state;
    static const struct {
        const char *metric;
        enum direction direction;
    } cases[] = {
        {"netsonde_tcp_rtt_seconds", DIRECTION_LOWER},
        {"netsonde_tcp_rtt_seconds_sum", DIRECTION_NEITHER},
        {"netsonde_tcp_rtt_seconds_count", DIRECTION_NEITHER},
        {"netsonde_tcp_retransmits_total", DIRECTION_LOWER},
        {"node_netstat_Tcp_RetransSegs", DIRECTION_LOWER},
        {"node_netstat_Udp_InErrors", DIRECTION_LOWER},
        {"node_network_receive_errs_total", DIRECTION_LOWER},
        {"node_network_transmit_drop_total", DIRECTION_LOWER},
        {"node_network_receive_bytes_total", DIRECTION_NEITHER},
        {"node_network_receive_packets_total", DIRECTION_NEITHER},
        {"node_network_carrier_changes_total", DIRECTION_LOWER},
        {"node_network_speed_bytes", DIRECTION_HIGHER},
        {"netsonde_tcp_connections", DIRECTION_NEITHER},
        {"netsonde_self_cpu_seconds_total", DIRECTION_LOWER},
        {"netsonde_self_resident_bytes", DIRECTION_LOWER},
        {"netsonde_store_ticks_lost_total", DIRECTION_LOWER},
        {"netsonde_process_receive_bytes_total", DIRECTION_NEITHER},
        {"", DIRECTION_NEITHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(direction_of(cases[i].metric), cases[i].direction);
    assert_string_equal(direction_name(DIRECTION_LOWER), "lower_is_better");
}

static void test_overall(void **state)
{
    (void)state;
    size_t counts[COMPARISON_VERDICTS] = {[COMPARISON_NOT_ENOUGH_DATA] = 3};
    assert_int_equal(compare_overall(counts), COMPARISON_NOT_ENOUGH_DATA);
    counts[COMPARISON_CHANGED] = 1;
    assert_int_equal(compare_overall(counts), COMPARISON_UNCHANGED);
    counts[COMPARISON_IMPROVED] = 2;
    assert_int_equal(compare_overall(counts), COMPARISON_IMPROVED);
    counts[COMPARISON_REGRESSED] = 1;
    assert_int_equal(compare_overall(counts), COMPARISON_REGRESSED);
    assert_string_equal(comparison_verdict_name(COMPARISON_NOT_ENOUGH_DATA), "not_enough_data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_sketch_of_many),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_autocorrelation),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_t),
        cmocka_unit_test(test_worth),
        cmocka_unit_test(test_effect),
        cmocka_unit_test(test_not_enough),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_from_nothing),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_contradiction),
        cmocka_unit_test(test_sketch_is_enough),
        cmocka_unit_test(test_false_discoveries_of_known_p),
        cmocka_unit_test(test_nothing_changed),
        cmocka_unit_test(test_spread_is_no_change),
        cmocka_unit_test(test_changes_are_found),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_overall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
