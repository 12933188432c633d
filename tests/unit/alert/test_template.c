/* test_template.c: numbers and lines for people; the text of a series taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert/series_text.h"
#include "alert/template.h"
#include "base/defs.h"
#include "rules.h"

static void test_values(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *unit;
        bool ratio;
        const char *text;
    } cases[] = {
        {0, "", false, "0"},
        {NAN, "bytes", false, "no value"},
        {0.931, "", true, "93.1 %"},
        {1, "", true, "100 %"},
        {1250000, "bytes/s", false, "1.25 MB/s"},
        {999, "bytes", false, "999 B"},
        {999.9, "bytes", false, "1 kB"},
        {1e15, "bytes", false, "1 PB"},
        {1e21, "bytes", false, "1e+06 PB"},
        {0.5213, "seconds", false, "0.521 s"},
        {12, "packets/s", false, "12 packets/s"},
        {12345.6, "", false, "12346"},
        {1234567, "", false, "1.23e+06"},
        {0.00001, "", false, "1e-05"},
        {-3.25, "", false, "-3.25"},
        {INFINITY, "", false, "inf"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_fini) struct buf out = BUF_INIT;
        template_value(cases[i].value, cases[i].unit, cases[i].ratio, &out);
        assert_string_equal(buf_string(&out), cases[i].text);
    }
}

static void expect(const char *rule, struct alert *a, const char *text)
{
    struct rule *r = rule_of(RULE_FROM_FILE, rule);
    const struct judgement j = {.mean = 10, .sigma = 2};
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    template_summary(r, a, &j, &out);
    assert_string_equal(buf_string(&out), text);
    rule_unref(r);
}

static void test_lines(void **state)
{
    (void)state;
    struct alert *a = alert_new();
    alert_text(&a->rule, "r");
    alert_text(&a->series, "m{device=\"eth0\",q=\"a\\\"b\"}");
    alert_text(&a->unit, "bytes/s");
    a->value = 2000;
    a->threshold = 1000;
    a->z = 8.04;
    expect("name=r metric=m warning=1", a,
           "m{device=\"eth0\",q=\"a\\\"b\"} is 2 kB/s (above 1 kB/s)");
    expect("name=r metric=m warning=1 when=below", a,
           "m{device=\"eth0\",q=\"a\\\"b\"} is 2 kB/s (below 1 kB/s)");
    expect("name=r metric=m warning=1 "
           "summary={rule}:{metric}:{device}:{q}:{value}:{threshold}:{z}:{severity}",
           a, "r:m:eth0:a\"b:2 kB/s:1 kB/s:8.0:warning");
    expect("name=r metric=m warning=1 summary={}~{nothing}~}{~{device", a,
           "{} {nothing} }{ {device");
    a->reason = ALERT_BY_ANOMALY;
    expect("name=r metric=m anomaly=on", a,
           "m{device=\"eth0\",q=\"a\\\"b\"} is unusual: 2 kB/s, usually 10 B/s (z 8.0)");
    a->reason = ALERT_BY_ABSENCE;
    expect("name=r metric=m absent=90s summary={device}", a,
           "no sample of m{device=\"eth0\",q=\"a\\\"b\"} for 90s");
    alert_unref(a);
}

/* Long values in many places: bounded. */
static void test_long(void **state)
{
    (void)state;
    char series[1100], rule[600] = "name=r metric=m warning=1 summary=";
    memset(series, 'x', sizeof(series));
    memcpy(series, "m{a=\"", 5);
    memcpy(series + 1000, "\"}", 3);
    for (size_t i = 0, at = strlen(rule); i < 100; i++, at += 3)
        memcpy(rule + at, "{a}", 4);
    struct alert *a = alert_new();
    struct rule *r = rule_of(RULE_FROM_FILE, rule);
    const struct judgement j = {.mean = NAN};
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    alert_text(&a->series, series);
    template_summary(r, a, &j, &out);
    assert_true(out.len < 2 * ALERT_TEXT_MAX);
    rule_unref(r);
    alert_unref(a);
}

static void test_series_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *label, *value; /* NULL: has no such label */
    } cases[] = {
        {"m", "m", "a", NULL},
        {"m{}", "m", "a", NULL},
        {"m{a=\"1\"}", "m", "a", "1"},
        {"m{a=\"1\",b=\"2\"}", "m", "b", "2"},
        {"m{a=\"\",b=\"2\"}", "m", "a", ""},
        {"m{a=\"x\\\"y\\\\z\\n\"}", "m", "a", "x\"y\\z\n"},
        {"m{a=\"},{b=\\\"\",b=\"2\"}", "m", "b", "2"},
        {"m{a=\"1", "m", "a", NULL},
        {"m{a=\"1\\", "m", "a", NULL},
        {"m{a=\"1\"b=\"2\"}", "m", "b", NULL},
        {"{", "", "a", NULL},
        {"", "", "a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct series_text s;
        series_text_init(&s, cases[i].text);
        assert_string_equal(s.name, cases[i].name);
        const char *value = series_text_label(&s, cases[i].label);
        if (cases[i].value)
            assert_string_equal(value, cases[i].value);
        else
            assert_null(value);
        series_text_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_series_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
