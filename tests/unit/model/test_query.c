/* test_query.c: selectors, aggregates' names, and the memory of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/query.h"

static const struct label eth0[] = {{"device", "eth0"}, {"direction", "in"}, {"formula", "a=b"}};

struct selection {
    const char *globs[3], *matches[3];
    const char *name;
    bool want;
};

static void test_selectors(void **state)
{
    static const struct selection cases[] = {
        /* globs: none = all, else any */
        {{NULL}, {NULL}, "node_network_receive_bytes_total", true},
        {{"*"}, {NULL}, "x", true},
        {{"x"}, {NULL}, "x", true},
        {{"x"}, {NULL}, "xy", false},
        {{"node_network_*"}, {NULL}, "node_network_up", true},
        {{"node_network_*"}, {NULL}, "node_netstat_Tcp_InSegs", false},
        {{"a", "b"}, {NULL}, "b", true},
        {{"a", "b"}, {NULL}, "c", false},
        {{"a", "*"}, {NULL}, "c", true},
        /* matches: all of them */
        {{NULL}, {"device=eth0"}, "x", true},
        {{NULL}, {"device=eth*"}, "x", true},
        {{NULL}, {"device=eth1"}, "x", false},
        {{NULL}, {"device=eth0", "direction=in"}, "x", true},
        {{NULL}, {"device=eth0", "direction=out"}, "x", false},
        {{NULL}, {"device=eth*", "device=*0"}, "x", true},
        {{NULL}, {"device=[a-e]th?"}, "x", true},
        /* a label that is not there has the value "" */
        {{NULL}, {"cpu="}, "x", true},
        {{NULL}, {"cpu=*"}, "x", true},
        {{NULL}, {"cpu=?*"}, "x", false},
        {{NULL}, {"device="}, "x", false},
        {{NULL}, {"devic=eth0"}, "x", false},
        /* the first = divides */
        {{NULL}, {"device==eth0"}, "x", false},
        {{NULL}, {"formula=a=b"}, "x", true},
        /* both */
        {{"x"}, {"device=eth0"}, "x", true},
        {{"y"}, {"device=eth0"}, "x", false},
        {{"x"}, {"device=lo"}, "x", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct selector s;
        selector_init(&s);
        for (size_t k = 0; k < 3 && cases[i].globs[k]; k++)
            assert_int_equal(selector_add_glob(&s, cases[i].globs[k]), 0);
        for (size_t k = 0; k < 3 && cases[i].matches[k]; k++)
            assert_int_equal(selector_add_match(&s, cases[i].matches[k]), 0);
        if (selector_matches(&s, cases[i].name, eth0, ARRAY_LEN(eth0)) != cases[i].want)
            fail_msg("case %zu", i);
        selector_fini(&s);
        assert_int_equal(s.globs_count + s.matches_count, 0); /* selects everything again */
        assert_true(selector_matches(&s, cases[i].name, eth0, ARRAY_LEN(eth0)));
    }
}

static void test_selector_of_series(void **state)
{
    (void)state;
    struct registry *r = registry_new(10, 1);
    const struct metric m = {"node_network_up", "", "", METRIC_GAUGE, 1};
    const struct series *series = registry_get(r, &m, eth0, ARRAY_LEN(eth0), "procfs");
    struct selector s;
    selector_init(&s);
    assert_true(selector_has(&s, series));
    assert_int_equal(selector_add_glob(&s, "node_*"), 0);
    assert_int_equal(selector_add_match(&s, "direction=i?"), 0);
    assert_true(selector_has(&s, series));
    assert_int_equal(selector_add_match(&s, "device=lo"), 0);
    assert_false(selector_has(&s, series));
    selector_fini(&s);
    registry_free(r);
}

static void test_selector_refuses(void **state)
{
    (void)state;
    struct selector s;
    selector_init(&s);
    assert_int_equal(selector_add_glob(&s, ""), -EINVAL);
    assert_int_equal(selector_add_match(&s, ""), -EINVAL);
    assert_int_equal(selector_add_match(&s, "device"), -EINVAL);
    assert_int_equal(selector_add_match(&s, "=eth0"), -EINVAL);
    assert_int_equal(s.globs_count + s.matches_count, 0);
    for (size_t i = 0; i < SELECTOR_GLOBS_MAX; i++)
        assert_int_equal(selector_add_glob(&s, "no"), 0);
    assert_int_equal(selector_add_glob(&s, "x"), -E2BIG);
    for (size_t i = 0; i < SELECTOR_MATCHES_MAX; i++)
        assert_int_equal(selector_add_match(&s, "a=*"), 0);
    assert_int_equal(selector_add_match(&s, "a=*"), -E2BIG);
    assert_false(selector_matches(&s, "x", NULL, 0)); /* the refused glob is not in it */
    selector_fini(&s);

    static char text[SELECTOR_BYTES_MAX + 1];
    memset(text, '*', SELECTOR_BYTES_MAX);
    assert_int_equal(selector_add_glob(&s, text), 0); /* as much as there may be */
    assert_int_equal(selector_add_glob(&s, "x"), -E2BIG);
    assert_int_equal(selector_add_match(&s, "a=b"), -E2BIG);
    selector_fini(&s);
    assert_int_equal(selector_add_match(&s, "a=b"), 0);
    assert_int_equal(selector_add_glob(&s, text), -E2BIG);
    selector_fini(&s);
}

static void test_aggregates(void **state)
{
    static const char *const names[] = {"avg", "min", "max", "last", "sum", "p50", "p90", "p99"};
    static const char *const no_names[] = {"", "AVG", "mean", "p5", "p500", "avg "};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        enum aggregate got = AGG_P99;
        assert_int_equal(aggregate_parse(names[i], &got), 0);
        assert_int_equal(got, i);
        assert_string_equal(aggregate_name(got), names[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(no_names); i++) {
        enum aggregate got = AGG_P99;
        assert_int_equal(aggregate_parse(no_names[i], &got), -EINVAL);
        assert_int_equal(got, AGG_P99);
    }
}

/* The leak checkers look whether an answer takes everything with it. */
static void test_answers_are_freed(void **state)
{
    (void)state;
    struct answer *a = mem_alloc(sizeof(*a));
    a->points_count = 3;
    a->series_count = 2;
    a->series = mem_array(2, sizeof(*a->series));
    for (size_t i = 0; i < 2; i++) {
        struct answer_series *s = &a->series[i];
        s->name = mem_string("x");
        s->unit = mem_string("");
        s->key = mem_string("x{a=\"b\"}");
        s->labels_count = 1;
        s->labels[0] = (struct label){mem_string("a"), mem_string("b")};
        s->values = mem_array(a->points_count, sizeof(double));
    }
    answer_free(a);
    answer_free(NULL);
}

/* Names and labels as they are, whatever they mean in a pattern. */
static void test_one_series(void **state)
{
    (void)state;
    static const struct label odd = {"a", "*?[b]\\"}, plain = {"a", "xxb\\"}, more = {"b", "c"};
    struct label both[] = {odd, more};
    struct selector s;
    assert_int_equal(selector_of_series(&s, "n*", &odd, 1), 0);
    assert_true(selector_matches(&s, "n*", &odd, 1));
    assert_true(selector_matches(&s, "n*", both, 2));
    assert_false(selector_matches(&s, "nn", &odd, 1));
    assert_false(selector_matches(&s, "n*", &plain, 1));
    assert_false(selector_matches(&s, "n*", NULL, 0));
    selector_fini(&s);
    char *longer = malloc(SELECTOR_BYTES_MAX + 2);
    memset(longer, 'x', SELECTOR_BYTES_MAX + 1);
    longer[SELECTOR_BYTES_MAX + 1] = '\0';
    struct label huge = {"a", longer};
    assert_int_equal(selector_of_series(&s, "n", &huge, 1), -E2BIG);
    selector_fini(&s);
    free(longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selectors),          cmocka_unit_test(test_one_series),
        cmocka_unit_test(test_selector_of_series), cmocka_unit_test(test_selector_refuses),
        cmocka_unit_test(test_aggregates),         cmocka_unit_test(test_answers_are_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
