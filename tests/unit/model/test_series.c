/* test_series.c: the canonical key, and what becomes of labels on the way into a series. */
#include "stand.h"

#define FFFD "\xef\xbf\xbd"

struct key_case {
    const char *key;
    size_t count;
    struct label labels[4];
};

static void test_keys(void **state)
{
    static const struct key_case cases[] = {
        {"test_bytes_total", 0, {{0}}},
        {"test_bytes_total{a=\"\"}", 1, {{"a", ""}}},
        {"test_bytes_total{a=\"x\",b=\"y\"}", 2, {{"a", "x"}, {"b", "y"}}},
        {"test_bytes_total{a=\"\\\\\"}", 1, {{"a", "\\"}}},
        {"test_bytes_total{a=\"\\\"\"}", 1, {{"a", "\""}}},
        {"test_bytes_total{a=\"\\n\"}", 1, {{"a", "\n"}}},
        {"test_bytes_total{a=\"\\\\n\"}", 1, {{"a", "\\n"}}},
        {"test_bytes_total{a=\"1\\\",b=\\\"2\"}", 1, {{"a", "1\",b=\"2"}}},
        {"test_bytes_total{a=\"{,=}\"}", 1, {{"a", "{,=}"}}},
        {"test_bytes_total{a=\"\t\r\"}", 1, {{"a", "\t\r"}}},
        {"test_bytes_total{a=\"Grüße\"}", 1, {{"a", "Grüße"}}},
    };
    (void)state;
    struct stand s = stand_new(100);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct series *got =
            registry_get(s.registry, &stand_counter, cases[i].labels, cases[i].count, "test");
        assert_non_null(got);
        assert_string_equal(got->key, cases[i].key);
        /* Keys that differ are series that differ: every one of these is new. */
        assert_int_equal(got->id, i + 1);
    }
    stand_free(&s);
}

static void test_everything_is_kept(void **state)
{
    (void)state;
    struct registry *r = registry_new(10, 7);
    char name[] = "volatile", unit[] = "seconds", help[] = "Goes away.", value[] = "x";
    const struct metric m = {name, unit, help, METRIC_COUNTER, 1e-9};
    const struct label labels[] = {{"z", value}, {"a", "1"}};
    struct series *s = series_ref(registry_get(r, &m, labels, 2, "procfs"));
    memset(name, '#', sizeof(name) - 1);
    memset(unit, '#', sizeof(unit) - 1);
    memset(help, '#', sizeof(help) - 1);
    value[0] = '#';
    registry_free(r);
    /* Texts are the series' own: they outlive the descriptor and the registry. */
    assert_int_equal(s->id, 7);
    assert_string_equal(s->name, "volatile");
    assert_string_equal(s->unit, "seconds");
    assert_string_equal(s->help, "Goes away.");
    assert_string_equal(s->key, "volatile{a=\"1\",z=\"x\"}");
    assert_string_equal(atomic_load(&s->method), "procfs");
    assert_int_equal(s->kind, METRIC_COUNTER);
    assert_true(s->scale == 1e-9);
    assert_int_equal(s->labels_count, 2);
    assert_string_equal(s->labels[0].name, "a");
    assert_string_equal(s->labels[1].name, "z");
    assert_string_equal(series_label(s, "a"), "1");
    assert_string_equal(series_label(s, "z"), "x");
    assert_null(series_label(s, "b"));
    assert_null(series_label(s, ""));
    assert_null(series_unref(s));
    assert_null(series_unref(NULL));
}

static void test_label_order_does_not_matter(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct label labels[] = {{"d", "4"}, {"b", "2"}, {"a", "1"}, {"c", "3"}};
    struct series *first = registry_get(s.registry, &stand_counter, labels, 4, "test");
    assert_string_equal(first->key, "test_bytes_total{a=\"1\",b=\"2\",c=\"3\",d=\"4\"}");
    /* All 24 orders, by Heap's method. */
    size_t turns[4] = {0};
    for (size_t i = 0; i < 4;) {
        if (turns[i] >= i) {
            turns[i++] = 0;
            continue;
        }
        size_t with = i % 2 ? turns[i] : 0;
        struct label swapped = labels[i];
        labels[i] = labels[with];
        labels[with] = swapped;
        assert_ptr_equal(registry_get(s.registry, &stand_counter, labels, 4, "test"), first);
        turns[i]++;
        i = 0;
    }
    assert_int_equal(registry_live(s.registry), 1);
    stand_free(&s);
}

static void test_bad_labels_are_refused(void **state)
{
    (void)state;
    struct registry *r = registry_new(100, 1);
    struct label many[SERIES_LABELS_MAX + 1];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct label){names[i], "\xff"};
    assert_null(registry_get(r, &stand_counter, many, ARRAY_LEN(many), "test"));
    assert_int_equal(registry_refused(r), 1);
    assert_int_equal(registry_restore(r, 5, &stand_counter, many, ARRAY_LEN(many), "", true, 0, 0),
                     -EINVAL);

    /* A name twice, wherever the two stand, also when the values agree. */
    const struct label twice[] = {{"b", "1"}, {"a", "2"}, {"c", "\xff"}, {"b", "1"}};
    assert_null(registry_get(r, &stand_counter, twice, 4, "test"));
    assert_int_equal(registry_refused(r), 2);
    assert_int_equal(registry_restore(r, 5, &stand_counter, twice, 4, "", true, 0, 0), -EINVAL);

    assert_int_equal(registry_live(r), 0);
    assert_int_equal(registry_next_id(r), 1);
    assert_non_null(registry_get(r, &stand_counter, many, SERIES_LABELS_MAX, "test"));
    assert_int_equal(registry_refused(r), 2);
    registry_free(r);
}

/* A value of `len` bytes "aaaa…" and then the tail. */
static char *long_value(size_t len, const char *tail)
{
    char *value = malloc(len + strlen(tail) + 1);
    assert_non_null(value);
    memset(value, 'a', len);
    memcpy(value + len, tail, strlen(tail) + 1);
    return value;
}

static void test_values_are_cut_and_cleaned(void **state)
{
    static const struct {
        size_t len; /* of the "aaaa…" in front */
        const char *tail;
        size_t want_len;
        const char *want_tail;
    } cases[] = {
        {0, "\xff", 0, FFFD},
        {0, "x\x80y", 0, "x" FFFD "y"},
        {3, "\xc3", 3, FFFD},                            /* cut short at the end */
        {3, "\xe2\x82", 3, FFFD FFFD},                   /* each byte that is wrong counts */
        {3, "\xed\xa0\x80", 3, FFFD FFFD FFFD},          /* a surrogate */
        {3, "\xc0\xaf", 3, FFFD FFFD},                   /* overlong */
        {3, "\xf4\x90\x80\x80", 3, FFFD FFFD FFFD FFFD}, /* beyond U+10FFFF */
        {3,
         "\xff\xfe"
         "b",
         3, FFFD FFFD "b"},
        {255, "b", 255, "b"}, /* exactly as long as allowed */
        {255, "bc", 255, "b"},
        {1000, "", 256, ""},
        {254, "ü", 254, "ü"},
        {255, "ü", 255, ""}, /* never half a character */
        {253, "€", 253, "€"},
        {254, "€", 254, ""},
        {255, "€", 255, ""},
        {252, "😀", 252, "😀"},
        {253, "😀", 253, ""},
        {254, "😀", 254, ""},
        {255, "😀x", 255, ""},
        {253, "\xff", 253, FFFD},
        {254, "\xff", 254, ""},
        {254,
         "\xff"
         "b",
         254, ""}, /* what follows a cut does not slip in */
        {256, "\xff", 256, ""},
    };
    (void)state;
    struct stand s = stand_new(100);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *value = long_value(cases[i].len, cases[i].tail);
        char *want = long_value(cases[i].want_len, cases[i].want_tail);
        struct series *got = stand_series(&s, &stand_counter, value);
        assert_non_null(got);
        if (strcmp(got->labels[0].value, want) != 0)
            fail_msg("case %zu: \"%s\"", i, got->labels[0].value);
        assert_in_range(strlen(got->labels[0].value), 0, SERIES_TEXT_MAX);
        /* The same dirty value finds the same series. */
        assert_ptr_equal(stand_series(&s, &stand_counter, value), got);
        free(value);
        free(want);
    }
    assert_int_equal(registry_refused(s.registry), 0);
    stand_free(&s);
}

static void test_kind_names(void **state)
{
    (void)state;
    assert_string_equal(metric_kind_name(METRIC_COUNTER), "counter");
    assert_string_equal(metric_kind_name(METRIC_GAUGE), "gauge");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_everything_is_kept),
        cmocka_unit_test(test_label_order_does_not_matter),
        cmocka_unit_test(test_bad_labels_are_refused),
        cmocka_unit_test(test_values_are_cut_and_cleaned),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
