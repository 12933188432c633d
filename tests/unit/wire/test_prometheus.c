/*
 * test_prometheus.c: the lines of the two text formats, and which of them a client gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/defs.h"
#include "wire/prometheus.h"

static void test_negotiate(void **state)
{
    static const struct {
        const char *accept;
        enum prometheus_format format;
    } cases[] = {
        {NULL, PROMETHEUS_TEXT},
        {"", PROMETHEUS_TEXT},
        {"*/*", PROMETHEUS_TEXT},
        {"text/plain", PROMETHEUS_TEXT},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PROMETHEUS_TEXT},
        {"application/openmetrics-text", PROMETHEUS_OPENMETRICS},
        {"Application/OpenMetrics-Text; Version=1.0.0", PROMETHEUS_OPENMETRICS},
        /* what Prometheus 2 and 3 send */
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         PROMETHEUS_OPENMETRICS},
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         PROMETHEUS_OPENMETRICS},
        {"text/plain;version=0.0.4;q=1,*/*;q=0.1", PROMETHEUS_TEXT},
        /* the client's order of preference counts */
        {"text/plain, application/openmetrics-text;q=0.5", PROMETHEUS_TEXT},
        {"text/plain;q=0.5 , application/openmetrics-text ; q=0.9", PROMETHEUS_OPENMETRICS},
        {"application/openmetrics-text;q=0", PROMETHEUS_TEXT},
        {"application/openmetrics-text;q=0.000, */*", PROMETHEUS_TEXT},
        {"application/openmetrics-text;q=x", PROMETHEUS_TEXT},
        {"application/openmetrics-textual", PROMETHEUS_TEXT},
        {"text/x;note=application/openmetrics-text", PROMETHEUS_TEXT},
        {",,;;,application/openmetrics-text", PROMETHEUS_OPENMETRICS},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (prometheus_negotiate(cases[i].accept) != cases[i].format)
            fail_msg("%s", cases[i].accept);
    }
    assert_string_equal(prometheus_content_type(PROMETHEUS_TEXT),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(prometheus_content_type(PROMETHEUS_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static void assert_family(enum prometheus_format format, const char *name,
                          enum prometheus_type type, const char *help, const char *wanted)
{
    struct buf b = BUF_INIT;
    prometheus_family(&b, format, name, type, help);
    assert_string_equal(buf_string(&b), wanted);
    buf_fini(&b);
}

static void test_family(void **state)
{
    const enum prometheus_format text = PROMETHEUS_TEXT, open = PROMETHEUS_OPENMETRICS;
    (void)state;
    assert_family(text, "a_total", PROMETHEUS_COUNTER, "Help.",
                  "# HELP a_total Help.\n# TYPE a_total counter\n");
    assert_family(text, "a", PROMETHEUS_COUNTER, "", "# HELP a \n# TYPE a counter\n");
    assert_family(text, "a", PROMETHEUS_GAUGE, "x", "# HELP a x\n# TYPE a gauge\n");
    assert_family(text, "a", PROMETHEUS_HISTOGRAM, "x", "# HELP a x\n# TYPE a histogram\n");
    assert_family(open, "a_total", PROMETHEUS_COUNTER, "Help.",
                  "# HELP a Help.\n# TYPE a counter\n");
    /* OpenMetrics has no counters without _total, and no family without a name. */
    assert_family(open, "a", PROMETHEUS_COUNTER, "x", "# HELP a x\n# TYPE a unknown\n");
    assert_family(open, "_total", PROMETHEUS_COUNTER, "x",
                  "# HELP _total x\n# TYPE _total unknown\n");
    assert_family(open, "a_total", PROMETHEUS_GAUGE, "x",
                  "# HELP a_total x\n# TYPE a_total gauge\n");
    assert_family(open, "a", PROMETHEUS_HISTOGRAM, "x", "# HELP a x\n# TYPE a histogram\n");
    assert_family(text, "a", PROMETHEUS_UNTYPED, "x", "# HELP a x\n# TYPE a untyped\n");
    assert_family(open, "a_total", PROMETHEUS_UNTYPED, "x",
                  "# HELP a_total x\n# TYPE a_total unknown\n");
    /* A help cannot break out of its line. */
    assert_family(text, "a", PROMETHEUS_GAUGE, "one\ntwo \\ \"three\"",
                  "# HELP a one\\ntwo \\\\ \"three\"\n# TYPE a gauge\n");
    assert_family(open, "a", PROMETHEUS_GAUGE, "one\ntwo \\ \"three\"",
                  "# HELP a one\\ntwo \\\\ \\\"three\\\"\n# TYPE a gauge\n");
}

static void test_type(void **state)
{
    (void)state;
    assert_int_equal(prometheus_type("node_netstat_Tcp_InSegs", PROMETHEUS_COUNTER),
                     PROMETHEUS_UNTYPED);
    assert_int_equal(prometheus_type("node_netstat_Tcp_CurrEstab", PROMETHEUS_GAUGE),
                     PROMETHEUS_UNTYPED);
    assert_int_equal(prometheus_type("node_nf_conntrack_stat_drop", PROMETHEUS_COUNTER),
                     PROMETHEUS_GAUGE);
    assert_int_equal(prometheus_type("node_nf_conntrack_entries", PROMETHEUS_GAUGE),
                     PROMETHEUS_GAUGE);
    assert_int_equal(prometheus_type("node_network_receive_bytes_total", PROMETHEUS_COUNTER),
                     PROMETHEUS_COUNTER);
    assert_int_equal(prometheus_type("netsonde_tcp_rtt_seconds", PROMETHEUS_HISTOGRAM),
                     PROMETHEUS_HISTOGRAM);
}

static void test_sample(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "k 0\n"},
        {-0.0, "k 0\n"},
        {1, "k 1\n"},
        {-3, "k -3\n"},
        {1764000000123, "k 1764000000123\n"},
        {9007199254740991, "k 9007199254740991\n"},
        {0.25, "k 0.25\n"},
        {0.1, "k 0.10000000000000001\n"},
        {1e300, "k 1.0000000000000001e+300\n"},
        {18446744073709551615.0, "k 1.8446744073709552e+19\n"},
        {NAN, "k NaN\n"},
        {INFINITY, "k +Inf\n"},
        {-INFINITY, "k -Inf\n"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT;
        prometheus_sample(&b, "k", cases[i].value);
        assert_string_equal(buf_string(&b), cases[i].text);
        buf_fini(&b);
    }
}

static void test_end(void **state)
{
    struct buf b = BUF_INIT;
    (void)state;
    prometheus_end(&b, PROMETHEUS_TEXT);
    assert_int_equal(b.len, 0);
    prometheus_end(&b, PROMETHEUS_OPENMETRICS);
    assert_string_equal(buf_string(&b), "# EOF\n");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negotiate), cmocka_unit_test(test_family),
        cmocka_unit_test(test_type),      cmocka_unit_test(test_sample),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests_name("wire/prometheus", tests, NULL, NULL);
}
