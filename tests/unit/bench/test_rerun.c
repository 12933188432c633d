/* test_rerun.c: when a run is called worse than another: each kind at its very limit. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/mem.h"
#include "bench/rerun.h"

#define T0 INT64_C(1764000000000)

static json_t *as_document(const struct results *r)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    const char *member;
    char why[200];
    results_put_json(&text, r, "before");
    json_t *json = json_parse(text.data, text.len, why, sizeof(why));
    assert_non_null(json);
    assert_int_equal(benchmark_check(json, &member, why, sizeof(why)), 0);
    return json;
}

/* One figure of each, held against each other. */
static enum rerun_verdict judge(enum benchmark_kind kind, double before, double now,
                                const struct rerun_limits *limits)
{
    struct results old, new;
    struct rerun c;
    results_init(&old, "store", T0);
    results_init(&new, "store", T0);
    results_add(&old, "x", kind, "u", before);
    results_add(&new, "x", kind, "u", now);
    json_t *document = as_document(&old);
    rerun_make(&c, document, &new, limits);
    assert_int_equal(c.count, 1);
    enum rerun_verdict verdict = c.rows[0].verdict;
    assert_int_equal(c.counts[verdict], 1);
    rerun_fini(&c);
    json_decref(document);
    results_fini(&old);
    results_fini(&new);
    return verdict;
}

static void test_limits(void **state)
{
    (void)state;
    const struct rerun_limits limits = rerun_limits_default();
    static const struct {
        enum benchmark_kind kind;
        double before, now;
        enum rerun_verdict verdict;
    } cases[] = {
        {BENCHMARK_DURATION, 100, 120, RERUN_SAME},
        {BENCHMARK_DURATION, 100, 120.01, RERUN_WORSE},
        {BENCHMARK_DURATION, 100, 80, RERUN_SAME},
        {BENCHMARK_DURATION, 100, 79.99, RERUN_BETTER},
        {BENCHMARK_DURATION, 0.3, 0.36, RERUN_SAME}, /* 20.000000000000007 by division */
        {BENCHMARK_MEMORY, 100, 130, RERUN_SAME},
        {BENCHMARK_MEMORY, 100, 130.01, RERUN_WORSE},
        {BENCHMARK_MEMORY, 100, 69.99, RERUN_BETTER},
        {BENCHMARK_CPU, 100, 125, RERUN_SAME},
        {BENCHMARK_CPU, 100, 125.01, RERUN_WORSE},
        {BENCHMARK_THROUGHPUT, 100, 80, RERUN_SAME},
        {BENCHMARK_THROUGHPUT, 100, 79.99, RERUN_WORSE},
        {BENCHMARK_THROUGHPUT, 100, 120, RERUN_SAME},
        {BENCHMARK_THROUGHPUT, 100, 120.01, RERUN_BETTER},
        {BENCHMARK_SIZE, 100, 1000, RERUN_NOT_JUDGED},
        {BENCHMARK_COUNT, 1, 1000, RERUN_NOT_JUDGED},
        {BENCHMARK_DURATION, 0, 5, RERUN_NOT_JUDGED}, /* no per cent of nothing */
        {BENCHMARK_MEMORY, -5, 5, RERUN_NOT_JUDGED},
        {BENCHMARK_DURATION, 5, 0, RERUN_BETTER},
        {BENCHMARK_DURATION, NAN, 5, RERUN_NOT_JUDGED},
        {BENCHMARK_DURATION, 5, NAN, RERUN_NOT_JUDGED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum rerun_verdict v = judge(cases[i].kind, cases[i].before, cases[i].now, &limits);
        if (v != cases[i].verdict)
            fail_msg("%s from %g to %g is %s", benchmark_kind_name(cases[i].kind), cases[i].before,
                     cases[i].now, rerun_verdict_name(v));
    }
}

static void test_own_limits(void **state)
{
    (void)state;
    struct rerun_limits limits = rerun_limits_default();
    static const char *const bad[] = {
        "duration",   "duration=", "duration=0", "duration=-1",    "weight=1",
        "duration=x", "=5",        "",           "duration=10001", "averyveryverylongkindofname=5"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(rerun_limits_set(&limits, bad[i]), -EINVAL);
    assert_int_equal(judge(BENCHMARK_DURATION, 100, 111, &limits), RERUN_SAME);
    assert_int_equal(rerun_limits_set(&limits, "duration=10"), 0);
    assert_int_equal(judge(BENCHMARK_DURATION, 100, 110, &limits), RERUN_SAME);
    assert_int_equal(judge(BENCHMARK_DURATION, 100, 110.01, &limits), RERUN_WORSE);
    assert_int_equal(rerun_limits_set(&limits, "size=0.5"), 0);
    assert_int_equal(judge(BENCHMARK_SIZE, 1000, 1006, &limits), RERUN_WORSE);
    assert_int_equal(judge(BENCHMARK_CPU, 100, 125, &limits), RERUN_SAME);
}

/* Figures are of one another by name and labels, and only when they mean the same. */
static void test_matching(void **state)
{
    (void)state;
    struct results old, new;
    struct rerun c;
    const struct rerun_limits limits = rerun_limits_default();
    results_init(&old, "fanout", T0);
    results_init(&new, "fanout", T0);
    results_label_number(&old, "clients", 10);
    results_add(&old, "p", BENCHMARK_DURATION, "ms", 10);
    results_label_number(&old, "clients", 20);
    results_add(&old, "p", BENCHMARK_DURATION, "ms", 20);
    results_tell(&old, "max", BENCHMARK_DURATION, "ms", 1);
    results_add(&old, "other_unit", BENCHMARK_DURATION, "ms", 1);
    results_add(&old, "gone", BENCHMARK_DURATION, "ms", 1);

    results_label_number(&new, "clients", 20);
    results_add(&new, "p", BENCHMARK_DURATION, "ms", 21);
    results_tell(&new, "max", BENCHMARK_DURATION, "ms", 100);
    results_add(&new, "other_unit", BENCHMARK_DURATION, "us", 1000);
    results_label_number(&new, "clients", 30);
    results_add(&new, "p", BENCHMARK_DURATION, "ms", 1000);
    results_label(&new, "clients", "10");
    results_label_more(&new, "mode", "tls");
    results_add(&new, "p", BENCHMARK_DURATION, "ms", 1000);
    json_t *document = as_document(&old);
    rerun_make(&c, document, &new, &limits);
    static const struct {
        const char *name, *labels;
        enum rerun_verdict verdict;
    } rows[] = {
        {"p", "clients=20", RERUN_SAME},
        {"max", "clients=20", RERUN_NOT_JUDGED},
        {"other_unit", "clients=20", RERUN_NOT_JUDGED},
        {"p", "clients=30", RERUN_ONLY_NOW},
        {"p", "clients=10 mode=tls", RERUN_ONLY_NOW},
        {"p", "clients=10", RERUN_ONLY_BEFORE},
        {"gone", "clients=20", RERUN_ONLY_BEFORE},
    };
    assert_int_equal(c.count, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(c.rows[i].name, rows[i].name);
        assert_string_equal(c.rows[i].labels, rows[i].labels);
        assert_int_equal(c.rows[i].verdict, rows[i].verdict);
    }
    assert_true(fabs(c.rows[0].change_pct - 5) < 1e-9);
    assert_true(fabs(c.rows[1].change_pct - 9900) < 1e-6); /* told all the same */
    assert_true(isnan(c.rows[2].change_pct));
    assert_string_equal(rerun_word(&c), "unchanged");
    rerun_fini(&c);
    json_decref(document);
    results_fini(&old);
    results_fini(&new);
}

static void test_words_and_output(void **state)
{
    (void)state;
    struct results old, new;
    struct rerun c;
    const struct rerun_limits limits = rerun_limits_default();
    results_init(&old, "store", T0);
    results_init(&new, "store", T0);
    json_t *document = as_document(&old);
    rerun_make(&c, document, &new, &limits);
    assert_string_equal(rerun_word(&c), "nothing_compared");
    rerun_fini(&c);
    json_decref(document);

    results_add(&old, "a", BENCHMARK_DURATION, "ms", 1);
    results_add(&old, "b", BENCHMARK_DURATION, "ms", 1);
    results_add(&new, "a", BENCHMARK_DURATION, "ms", 0.5);
    results_add(&new, "b", BENCHMARK_DURATION, "ms", 1);
    document = as_document(&old);
    rerun_make(&c, document, &new, &limits);
    assert_string_equal(rerun_word(&c), "improved");
    rerun_fini(&c);
    new.items[1].value = 1.5; /* one that is better does not make up for one that is worse */
    rerun_make(&c, document, &new, &limits);
    assert_string_equal(rerun_word(&c), "regressed");
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    rerun_put_table(&out, &c);
    const char *table = buf_string(&out), *worse = strstr(table, "WORSE"),
               *better = strstr(table, "better\n");
    assert_true(worse && better && worse < better); /* the worst first */
    assert_non_null(strstr(table, "+50.0%"));
    assert_non_null(strstr(table, "-50.0%"));
    assert_non_null(strstr(table, "regressed: 1 worse, 1 better, 0 the same, 0 not compared"));
    buf_clear(&out);
    rerun_put_json(&out, &c, "before");
    char why[200];
    json_t *json = json_parse(out.data, out.len, why, sizeof(why));
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "verdict")), "regressed");
    const json_t *row = json_array_get(json_object_get(json, "rows"), 1);
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "worse");
    assert_true(json_number_value(json_object_get(row, "change_pct")) == 50);
    json_decref(json);
    rerun_fini(&c);
    json_decref(document);
    results_fini(&old);
    results_fini(&new);
}

static void expect_names(void (*names)(struct buf *, const json_t *, const struct results *),
                         const json_t *before, const struct results *now, const char *wanted)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    names(&out, before, now);
    assert_string_equal(buf_string(&out), wanted);
}

static void test_what_differs(void **state)
{
    (void)state;
    struct results old, new;
    results_init(&old, "store", T0);
    results_set_number(&old, "series", 500);
    results_set_number(&old, "ticks", 100);
    results_set_text(&old, "old_one", "x");
    strcpy(old.machine.kernel, "6.1");
    old.machine.cores = 2;
    json_t *document = as_document(&old);
    expect_names(rerun_settings, document, &old, "");
    expect_names(rerun_machine, document, &old, "");
    results_init(&new, "store", T0);
    results_set_number(&new, "series", 500.0);
    results_set_number(&new, "ticks", 101);
    results_set_text(&new, "new_one", "x");
    strcpy(new.machine.kernel, "6.2");
    new.machine.cores = 2;
    expect_names(rerun_settings, document, &new, "ticks, new_one, old_one");
    expect_names(rerun_machine, document, &new, "kernel");
    json_decref(document);
    results_fini(&old);
    results_fini(&new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_own_limits),
        cmocka_unit_test(test_matching),     cmocka_unit_test(test_words_and_output),
        cmocka_unit_test(test_what_differs),
    };
    return cmocka_run_group_tests_name("bench/rerun", tests, NULL, NULL);
}
