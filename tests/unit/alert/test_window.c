/* test_window.c: the mean of a window is that of the samples of between 15/16 and all of its span,
 * one sample more at most. Held against a plain list of samples. */
#include "alert/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/defs.h"

#define SAMPLES 2000

struct sample {
    double value, per;
    int64_t elapsed_ns;
    bool gap;
};

/* Mean of the newest samples that together last `span_ns`. False: less than half is sampled. */
static bool naive(const struct sample *s, size_t count, size_t from, double *ret, double *ret_per)
{
    double value = 0, per = 0, time = 0;
    for (size_t i = from; i < count; i++) {
        if (s[i].gap)
            continue;
        value += s[i].value * (double)s[i].elapsed_ns;
        per += s[i].per * (double)s[i].elapsed_ns;
        time += (double)s[i].elapsed_ns;
    }
    *ret = value / time;
    *ret_per = per / time;
    return time > 0;
}

static unsigned pick(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (unsigned)(((uint64_t)(*seed >> 4) * below) >> 28);
}

/* Whether some start within what is allowed gives these means. */
static bool explained(const struct sample *s, size_t count, int64_t span_ns, double value,
                      double per)
{
    int64_t time = 0;
    for (size_t from = count; from-- > 0;) {
        double want, want_per;
        time += s[from].elapsed_ns;
        if (time < span_ns - span_ns / 8 - s[from].elapsed_ns && from > 0)
            continue;
        if (time > span_ns + span_ns / 8 + s[from].elapsed_ns)
            break;
        if (naive(s, count, from, &want, &want_per) && fabs(want - value) < 1e-6 * fabs(want) &&
            fabs(want_per - per) < 1e-6 * fabs(want_per))
            return true;
    }
    return false;
}

static void test_against_naive(void **state)
{
    (void)state;
    static struct sample s[SAMPLES];
    unsigned seed = 3;
    for (int round = 0; round < 20; round++) {
        int64_t span_ms = 1000 + pick(&seed, 120000);
        struct window *w = window_new(span_ms);
        size_t told = 0;
        for (size_t i = 0; i < SAMPLES; i++) {
            s[i] = (struct sample){.value = 1 + pick(&seed, 1000),
                                   .per = 1 + pick(&seed, 1000),
                                   .elapsed_ns = (1 + pick(&seed, 1500)) * NS_PER_MS,
                                   .gap = pick(&seed, 20) == 0};
            if (s[i].gap)
                window_gap(w, s[i].elapsed_ns);
            else
                window_add(w, s[i].value, s[i].per, s[i].elapsed_ns);
            double value, per;
            if (s[i].elapsed_ns < span_ms * NS_PER_MS / 16 && window_means(w, &value, &per)) {
                assert_true(explained(s, i + 1, span_ms * NS_PER_MS, value, per));
                told++;
            }
        }
        assert_true(told > SAMPLES / 50 || span_ms < 5000);
        window_free(w);
    }
}

static void test_half_full(void **state)
{
    (void)state;
    struct window *w = window_new(10000);
    double value, per;
    for (int i = 0; i < 4; i++)
        window_add(w, 5, 1, NS_PER_S);
    assert_false(window_means(w, &value, &per));
    window_add(w, 5, 1, NS_PER_S);
    assert_true(window_means(w, &value, &per));
    assert_true(value == 5 && per == 1);
    window_gap(w, 4 * NS_PER_S);
    assert_true(window_means(w, &value, &per));
    window_gap(w, 4 * NS_PER_S); /* the first have left */
    assert_false(window_means(w, &value, &per));
    window_add(w, 7, 1, 3600 * NS_PER_S); /* longer than the window: that is all there is */
    assert_true(window_means(w, &value, &per));
    assert_true(value == 7);
    window_add(w, 9, 1, 0);
    window_add(w, 9, 1, -5);
    assert_true(window_means(w, &value, &per));
    assert_true(value == 7);
    window_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_naive),
        cmocka_unit_test(test_half_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
