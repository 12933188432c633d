/* test_backtest.c: a back-test of what was recorded says what the alerts had said. */
#include "rig.h"

#include "alert/backtest.h"

#define POINTS 300

static const struct bank_settings detect = {.sigma = 2.5, .window_ms = 300000, .min_samples = 60};

static void add_series(struct answer *a, const char *name, const char *device,
                       enum metric_kind kind)
{
    a->series = mem_resize(a->series, a->series_count + 1, sizeof(a->series[0]));
    struct answer_series *s = &a->series[a->series_count++];
    *s = (struct answer_series){.id = (uint32_t)a->series_count, .kind = kind, .labels_count = 1};
    s->name = mem_string(name);
    s->unit = mem_string("");
    s->key = mem_printf("%s{device=\"%s\"}", name, device);
    s->labels[0] = (struct label){mem_string("device"), mem_string(device)};
    s->values = mem_array(a->points_count, sizeof(double));
    for (size_t i = 0; i < a->points_count; i++)
        s->values[i] = NAN;
}

static struct answer *answer_new(size_t points)
{
    struct answer *a = mem_alloc(sizeof(*a));
    a->from_ms = STAND_T0_MS + 1000;
    a->step_ms = 1000;
    a->points_count = points;
    a->to_ms = a->from_ms + (int64_t)points * 1000;
    a->tier = "raw";
    return a;
}

static void test_times(void **state)
{
    (void)state;
    struct answer *a = answer_new(10);
    static const double values[] = {0, 6, 6, 6, 0, 8, 8, NAN, 0, 6};
    add_series(a, "test_level", "a", METRIC_GAUGE);
    memcpy(a->series[0].values, values, sizeof(values));
    struct rule *r = rule_of(RULE_FROM_API, "name=r metric=test_level warning=5 critical=7 for=1s");
    struct backtest *b = backtest_run(r, &detect, a, NULL);
    assert_int_equal(b->fired, 2);
    assert_int_equal(b->count, 2);
    assert_int_equal(b->alerts[0]->started_ms, a->from_ms + 2000);
    assert_int_equal(b->alerts[0]->resolved_ms, a->from_ms + 4000);
    assert_int_equal(b->alerts[0]->severity, ALERT_WARNING);
    assert_int_equal(b->alerts[1]->severity, ALERT_CRITICAL);
    assert_string_equal(b->alerts[1]->series, "test_level{device=\"a\"}");
    assert_int_equal(b->series_count, 1);
    assert_null(b->series[0].score);
    backtest_free(b);
    rule_unref(r);
    answer_free(a);
}

static void test_anomaly(void **state)
{
    (void)state;
    struct answer *a = answer_new(4);
    static const double values[] = {1, 2e6, NAN, 1};
    add_series(a, "test_level", "a", METRIC_GAUGE);
    add_series(a, "other", "a", METRIC_GAUGE);
    memcpy(a->series[0].values, values, sizeof(values));
    struct rule *r = rule_of(RULE_FROM_API, "name=r metric=test_level anomaly=on");
    struct backtest *b = backtest_run(r, &detect, a, NULL);
    assert_int_equal(b->fired, 1);
    assert_int_equal(b->series_count, 1); /* not the other one */
    assert_true(b->series[0].score[1] == 1 && b->series[0].mean[1] == 10);
    assert_true(isnan(b->series[0].score[2]));
    assert_int_equal(b->alerts[0]->reason, ALERT_BY_ANOMALY);
    backtest_free(b);
    rule_unref(r);
    answer_free(a);
}

/* At the end of the range it may still fire; what is pending was nothing. */
static void test_open_end(void **state)
{
    (void)state;
    struct answer *a = answer_new(3);
    add_series(a, "test_level", "a", METRIC_GAUGE);
    add_series(a, "test_level", "b", METRIC_GAUGE);
    for (size_t i = 0; i < 3; i++)
        a->series[0].values[i] = 6;
    a->series[1].values[2] = 6;
    struct rule *r = rule_of(RULE_FROM_API, "name=r metric=test_level warning=5 for=1s");
    struct backtest *b = backtest_run(r, &detect, a, NULL);
    assert_int_equal(b->fired, 1);
    assert_int_equal(b->count, 1);
    assert_int_equal(b->alerts[0]->state, ALERT_FIRING);
    backtest_free(b);
    rule_unref(r);
    answer_free(a);
}

/* Before its first sample a series is not absent: nobody knew of it. */
static void test_absent_begins(void **state)
{
    (void)state;
    struct answer *a = answer_new(60);
    add_series(a, "test_level", "a", METRIC_GAUGE);
    for (size_t i = 20; i < 30; i++)
        a->series[0].values[i] = 1;
    struct rule *r = rule_of(RULE_FROM_API, "name=r metric=test_level absent=5s");
    struct backtest *b = backtest_run(r, &detect, a, NULL);
    assert_int_equal(b->fired, 1);
    assert_int_equal(b->alerts[0]->started_ms, a->from_ms + 34000);
    backtest_free(b);
    rule_unref(r);
    answer_free(a);
}

static void test_bounded(void **state)
{
    (void)state;
    struct answer *a = answer_new(2 * BACKTEST_ALERTS_MAX + 100);
    add_series(a, "test_level", "a", METRIC_GAUGE);
    for (size_t i = 0; i < a->points_count; i++)
        a->series[0].values[i] = i % 2 ? 6 : 0;
    struct rule *r = rule_of(RULE_FROM_API, "name=r metric=test_level warning=5");
    struct backtest *b = backtest_run(r, &detect, a, NULL);
    assert_int_equal(b->fired, BACKTEST_ALERTS_MAX + 50);
    assert_int_equal(b->count, BACKTEST_ALERTS_MAX);
    backtest_free(b);
    rule_unref(r);
    answer_free(a);
}

/* What people ask for may reach over more years than 64 bits have nanoseconds. */
static void test_ages(void **state)
{
    (void)state;
    struct answer *a = answer_new(1000);
    a->step_ms = (INT64_C(1) << 53) / 1000;
    add_series(a, "test_level", "a", METRIC_GAUGE);
    for (size_t i = 0; i < a->points_count; i++)
        a->series[0].values[i] = i % 10 < 5 ? 0 : 6;
    struct rule *r = rule_of(RULE_FROM_API, "name=r metric=test_level warning=5 for=7d keep=7d");
    struct backtest *b = backtest_run(r, &detect, a, NULL);
    assert_int_equal(b->fired, 100);
    backtest_free(b);
    rule_unref(r);
    answer_free(a);
}

/* ---- the same as live ---------------------------------------------------------------------- */

static unsigned pick(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (unsigned)(((uint64_t)(*seed >> 4) * below) >> 28);
}

static size_t live_starts(const struct rig *rig, int64_t *starts)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->changes_count; i++) {
        const struct alert *a = rig->changes[i];
        if (a->state == ALERT_FIRING && a->started_ms == a->changed_ms)
            starts[count++] = a->started_ms;
    }
    return count;
}

static void test_as_live(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "warning=5",
        "warning=5 critical=7 clear=2 for=3s keep=4s",
        "when=below warning=3 for=2s",
        "warning=4 window=8s",
        "anomaly=on keep=2s",
        "warning=6 absent=5s",
        "per=size warning=60% per_least=5 window=6s",
        "warning=6 edge=on",
    };
    static const double values[] = {0, 0, 1, 3, 4.5, 5.5, 6.5, 8, 1e6};
    unsigned seed = 7;
    for (size_t k = 0; k < 20 * ARRAY_LEN(rules); k++) {
        struct rig *rig = mem_alloc(sizeof(*rig));
        struct answer *a = answer_new(POINTS), *per = answer_new(POINTS);
        char text[256];
        int64_t starts[POINTS];
        snprintf(text, sizeof(text), "name=r metric=test_level %s", rules[k % ARRAY_LEN(rules)]);
        rig_start(rig);
        rig_rules(rig, text, NULL);
        add_series(a, "test_level", "a", METRIC_GAUGE);
        add_series(per, "size", "a", METRIC_GAUGE);
        double value = 0;
        for (size_t i = 0; i < POINTS; i++) {
            if (pick(&seed, 4) == 0)
                value = values[pick(&seed, ARRAY_LEN(values))];
            a->series[0].values[i] = i && pick(&seed, 12) == 0 ? NAN : value;
            per->series[0].values[i] = 1 + pick(&seed, 20);
            rig_begin(rig, 1000);
            if (!isnan(a->series[0].values[i]))
                rig_gauge(rig, "test_level", "a", value);
            rig_gauge(rig, "size", "a", per->series[0].values[i]);
            rig_seal(rig);
        }
        struct rule *r = rule_of(RULE_FROM_API, text);
        struct backtest *b = backtest_run(r, &detect, a, per);
        size_t live = live_starts(rig, starts);
        if (b->fired != live)
            fail_msg("%s: %zu times, live %zu", text, b->fired, live);
        for (size_t i = 0; i < live; i++)
            assert_int_equal(b->alerts[i]->started_ms, starts[i]);
        backtest_free(b);
        rule_unref(r);
        answer_free(a);
        answer_free(per);
        rig_end(rig);
        free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),         cmocka_unit_test(test_anomaly),
        cmocka_unit_test(test_open_end),      cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_absent_begins), cmocka_unit_test(test_ages),
        cmocka_unit_test(test_as_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
