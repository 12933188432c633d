/*
 * test_metrics.c: /metrics and /api/v1/series: families, formats, the limit.
 */
#include "http_rig.h"

#include "model/others.h"

static const struct metric errors = {"x_seconds_errors_total", "errors",
                                     "Sorts in between the parts of the histogram x_seconds.",
                                     METRIC_COUNTER, 1};
static const struct metric bucket = {"x_seconds_bucket", "", "How long.", METRIC_COUNTER, 1};
static const struct metric sum = {"x_seconds_sum", "seconds", "How long.", METRIC_COUNTER, 1e-9};
static const struct metric count = {"x_seconds_count", "", "How long.", METRIC_COUNTER, 1};
static const struct metric lone_sum = {"node_checks_sum", "", "No histogram.", METRIC_COUNTER, 1};
static const struct metric lone_bucket = {"node_leaky_bucket", "", "A gauge by the name of a part.",
                                          METRIC_GAUGE, 1};

static struct series *labelled(struct rig *rig, const struct metric *m, const char *name,
                               const char *value, const char *name2, const char *value2)
{
    struct label labels[] = {{name, value}, {name2, value2}};
    return registry_get(rig->maker.registry, m, labels, name2 ? 2 : name ? 1 : 0, "test");
}

static void publish_all(struct rig *rig)
{
    static const char *const les[] = {"0.001", "0.01", "0.1", "1", "10", "+Inf"};
    struct draft *d = rig->maker.draft;
    maker_begin(&rig->maker);
    /* In no good order: what is served must have one. */
    draft_counter(d, labelled(rig, &count, "path", "/b", NULL, NULL), 6, 1);
    draft_counter(d, labelled(rig, &errors, NULL, NULL, NULL, NULL), 3, 1);
    for (size_t i = 0; i < ARRAY_LEN(les); i++) {
        draft_counter(d, labelled(rig, &bucket, "le", les[i], "path", "/a"), i + 1, 1);
        draft_counter(d, labelled(rig, &bucket, "le", les[i], "path", "/b"), i + 1, 1);
    }
    draft_counter(d, labelled(rig, &sum, "path", "/a", NULL, NULL), 2500000000, 1);
    draft_counter(d, labelled(rig, &sum, "path", "/b", NULL, NULL), 500000000, 1);
    draft_counter(d, labelled(rig, &count, "path", "/a", NULL, NULL), 6, 1);
    draft_counter(d, labelled(rig, &lone_sum, NULL, NULL, NULL, NULL), 9, 1);
    draft_gauge(d, labelled(rig, &lone_bucket, NULL, NULL, NULL, NULL), 0.5);
    draft_counter(d, maker_series(&rig->maker, &maker_bytes, "eth1"), 1000, 1);
    draft_gauge(d, maker_series(&rig->maker, &maker_carrier, "eth0"), 1);
    draft_counter(d, maker_series(&rig->maker, &maker_bytes, "a\"b\\c\nd"), 18, 1);
    maker_series(&rig->maker, &maker_packets, "eth0"); /* live, but not sampled */
    rig_publish(rig, maker_end(&rig->maker));
}

static const char exposition[] =
    "# HELP node_checks_sum No histogram.\n"
    "# TYPE node_checks_sum counter\n"
    "node_checks_sum 9\n"
    "# HELP node_leaky_bucket A gauge by the name of a part.\n"
    "# TYPE node_leaky_bucket gauge\n"
    "node_leaky_bucket 0.5\n"
    "# HELP node_network_carrier Whether it is plugged in.\n"
    "# TYPE node_network_carrier gauge\n"
    "node_network_carrier{device=\"eth0\"} 1\n"
    "# HELP node_network_receive_bytes_total Bytes received.\n"
    "# TYPE node_network_receive_bytes_total counter\n"
    "node_network_receive_bytes_total{device=\"eth1\"} 1000\n"
    "node_network_receive_bytes_total{device=\"a\\\"b\\\\c\\nd\"} 18\n"
    "# HELP x_seconds How long.\n"
    "# TYPE x_seconds histogram\n"
    "x_seconds_bucket{le=\"0.001\",path=\"/a\"} 1\n"
    "x_seconds_bucket{le=\"0.01\",path=\"/a\"} 2\n"
    "x_seconds_bucket{le=\"0.1\",path=\"/a\"} 3\n"
    "x_seconds_bucket{le=\"1\",path=\"/a\"} 4\n"
    "x_seconds_bucket{le=\"10\",path=\"/a\"} 5\n"
    "x_seconds_bucket{le=\"+Inf\",path=\"/a\"} 6\n"
    "x_seconds_count{path=\"/a\"} 6\n"
    "x_seconds_sum{path=\"/a\"} 2.5\n"
    "x_seconds_bucket{le=\"0.001\",path=\"/b\"} 1\n"
    "x_seconds_bucket{le=\"0.01\",path=\"/b\"} 2\n"
    "x_seconds_bucket{le=\"0.1\",path=\"/b\"} 3\n"
    "x_seconds_bucket{le=\"1\",path=\"/b\"} 4\n"
    "x_seconds_bucket{le=\"10\",path=\"/b\"} 5\n"
    "x_seconds_bucket{le=\"+Inf\",path=\"/b\"} 6\n"
    "x_seconds_count{path=\"/b\"} 6\n"
    "x_seconds_sum{path=\"/b\"} 0.5\n"
    "# HELP x_seconds_errors_total Sorts in between the parts of the histogram x_seconds.\n"
    "# TYPE x_seconds_errors_total counter\n"
    "x_seconds_errors_total 3\n";

static void test_text(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 5000);
    (void)state;
    struct answer_text a = rig_ask(rig, "GET", "/metrics", NULL); /* before the first tick */
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body_len, 0);
    answer_text_free(&a);
    publish_all(rig);
    for (int i = 0; i < 2; i++) { /* the second time from the order that was kept */
        a = rig_ask(rig, "GET", "/metrics", NULL);
        assert_int_equal(a.status, 200);
        assert_non_null(
            strstr(a.head, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
        assert_string_equal(a.body, exposition);
        answer_text_free(&a);
    }
    a = rig_ask(rig, "HEAD", "/metrics", NULL);
    assert_int_equal(a.status, 200);
    answer_text_free(&a);

    /* Another set of series: another order. */
    maker_begin(&rig->maker);
    draft_gauge(rig->maker.draft, maker_series(&rig->maker, &maker_carrier, "eth5"), 0);
    rig_publish(rig, maker_end(&rig->maker));
    a = rig_ask(rig, "GET", "/metrics", NULL);
    assert_string_equal(a.body, "# HELP node_network_carrier Whether it is plugged in.\n"
                                "# TYPE node_network_carrier gauge\n"
                                "node_network_carrier{device=\"eth5\"} 0\n");
    answer_text_free(&a);
    rig_free(rig);
}

static void test_openmetrics(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 5000);
    (void)state;
    publish_all(rig);
    struct answer_text a =
        rig_ask(rig, "GET", "/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
    assert_non_null(
        strstr(a.head,
               "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    assert_non_null(strstr(a.body, "# TYPE node_network_receive_bytes counter\n"
                                   "node_network_receive_bytes_total{device=\"eth1\"} 1000\n"));
    assert_non_null(strstr(a.body, "# TYPE node_checks_sum unknown\n"));
    assert_non_null(strstr(a.body, "# TYPE x_seconds_errors counter\n"));
    assert_string_equal(a.body + a.body_len - 6, "# EOF\n");
    answer_text_free(&a);
    rig_free(rig);
}

static void test_limit(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 3);
    (void)state;
    publish_all(rig);
    struct answer_text a = rig_ask(rig, "GET", "/metrics", NULL);
    assert_non_null(strstr(a.head, "\r\nNetsonde-Cut-After: 3\r\n"));
    const char *cut = strstr(a.body, "# cut after 3 series: export.metrics_series_limit\n");
    assert_non_null(cut);
    assert_int_equal(strncmp(a.body, exposition, (size_t)(cut - a.body)), 0);
    assert_non_null(strstr(a.body, "node_network_carrier{"));
    assert_null(strstr(a.body, "node_network_receive"));
    answer_text_free(&a);
    /* OpenMetrics knows no comments: a reader may refuse the whole. */
    a = rig_ask(rig, "GET", "/metrics", "Accept: application/openmetrics-text\r\n");
    for (const char *line = a.body; (line = strstr(line, "# ")); line += 2)
        assert_true(strncmp(line, "# HELP ", 7) == 0 || strncmp(line, "# TYPE ", 7) == 0 ||
                    strcmp(line, "# EOF\n") == 0);
    answer_text_free(&a);
    rig_free(rig);
    rig = rig_new("/nonexistent", 22); /* as many as there are: nothing is cut */
    publish_all(rig);
    a = rig_ask(rig, "GET", "/metrics", NULL);
    assert_string_equal(a.body, exposition);
    answer_text_free(&a);
    rig_free(rig);
}

/* A family with many series has its largest and what the others are together. */
static void test_others(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 8);
    struct others *others = others_new(8);
    for (int tick = 0; tick < 2; tick++) {
        maker_begin(&rig->maker);
        struct draft *d = rig->maker.draft;
        for (unsigned i = 0; i < 20; i++) {
            char device[8];
            snprintf(device, sizeof(device), "veth%u", i);
            draft_counter(d, maker_series(&rig->maker, &maker_bytes, device),
                          1000 * (i % 10) + i + (tick ? 7 : 0), 1);
        }
        draft_gauge(d, maker_series(&rig->maker, &maker_carrier, "eth0"), 1);
        draft_counter(d, labelled(rig, &errors, NULL, NULL, NULL, NULL), 3, 1);
        struct tick *t = maker_end(&rig->maker);
        others_fold(others, t);
        rig_publish(rig, t);
    }
    struct answer_text a = rig_ask(rig, "GET", "/metrics", NULL);
    assert_string_equal(a.body,
                        "# HELP node_network_carrier Whether it is plugged in.\n"
                        "# TYPE node_network_carrier gauge\n"
                        "node_network_carrier{device=\"eth0\"} 1\n"
                        "# HELP node_network_receive_bytes_total Bytes received.\n"
                        "# TYPE node_network_receive_bytes_total counter\n"
                        "node_network_receive_bytes_total{device=\"veth8\"} 8015\n"
                        "node_network_receive_bytes_total{device=\"veth9\"} 9016\n"
                        "node_network_receive_bytes_total{device=\"veth17\"} 7024\n"
                        "node_network_receive_bytes_total{device=\"veth18\"} 8025\n"
                        "node_network_receive_bytes_total{device=\"veth19\"} 9026\n"
                        "node_network_receive_bytes_total{device=\"other\"} 49224\n"
                        "# HELP x_seconds_errors_total Sorts in between the parts of the histogram "
                        "x_seconds.\n"
                        "# TYPE x_seconds_errors_total counter\n"
                        "x_seconds_errors_total 3\n");
    assert_non_null(strstr(a.head, "\r\nNetsonde-Folded: 15\r\n"));
    assert_null(strstr(a.head, "Netsonde-Left-Out"));
    answer_text_free(&a);
    others_free(others);
    rig_free(rig);
}

static void test_compressed(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 5000);
    (void)state;
    publish_all(rig);
    struct answer_text a = rig_ask(rig, "GET", "/metrics", "Accept-Encoding: gzip\r\n");
    assert_non_null(strstr(a.head, "\r\nContent-Encoding: gzip\r\n"));
    assert_true(a.body_len < sizeof(exposition) / 2);
    answer_text_free(&a);
    rig_free(rig);
}

static void test_series(void **state)
{
    struct rig *rig = rig_new("/nonexistent", 3);
    (void)state;
    json_t *json = rig_get(rig, "/api/v1/series", 200);
    assert_int_equal(json_array_size(json), 0); /* before the first tick */
    json_decref(json);
    publish_all(rig);
    json = rig_get(rig, "/api/v1/series", 200);
    assert_int_equal(json_array_size(json), 23); /* the limit is that of /metrics */
    json_decref(json);
    json = rig_get(rig, "/api/v1/series?metric=node_network_*&match=device=eth*", 200);
    assert_int_equal(json_array_size(json), 3);
    json_t *one = json_array_get(json, 0);
    assert_string_equal(json_text(one, "name"), "node_network_carrier");
    assert_string_equal(json_text(one, "method"), "procfs");
    json_decref(json);
    json = rig_get(rig, "/api/v1/series?metric=x_*_sum&metric=x_*_count&match=path=/a", 200);
    assert_int_equal(json_array_size(json), 2);
    json_decref(json);
    json = rig_get(rig, "/api/v1/series?metric=nothing", 200);
    assert_int_equal(json_array_size(json), 0);
    json_decref(json);
    rig_refused(rig, "/api/v1/series?metric=", 400, "bad_request", "metric");
    rig_refused(rig, "/api/v1/series?match=device", 400, "bad_request", "match");
    rig_refused(rig, "/api/v1/series?match==x", 400, "bad_request", "match");
    struct buf many = BUF_INIT;
    buf_text(&many, "/api/v1/series?metric=a");
    for (int i = 0; i < 64; i++)
        buf_text(&many, "&metric=a");
    rig_refused(rig, buf_string(&many), 400, "bad_request", "metric");
    buf_fini(&many);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),       cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_limit),      cmocka_unit_test(test_others),
        cmocka_unit_test(test_compressed), cmocka_unit_test(test_series),
    };
    return cmocka_run_group_tests_name("api/metrics", tests, NULL, NULL);
}
