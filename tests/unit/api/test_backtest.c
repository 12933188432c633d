/*
 * test_backtest.c: POST /api/v1/rules/test: would it have fired: how often, when, about what, and
 * what the chart of it shows.
 */
#include "http_rig.h"

#include <math.h>

static const struct metric metric_queue = {"netsonde_queue", "items", "A gauge.", METRIC_GAUGE, 1};
static const struct metric metric_room = {"netsonde_room", "items", "A gauge.", METRIC_GAUGE, 1};

/* 90 seconds: the queue of eth0 is 10, and 80 from second 30 to 39 and from 60 to 64; that of eth1
 * is always 10. There is room for 100 in each. */
static double queue_at(int second, int device)
{
    bool full = (second >= 30 && second < 40) || (second >= 60 && second < 65);
    return device == 0 && full ? 80 : 10;
}

static void publish(struct rig *rig)
{
    static const char *const devices[] = {"eth0", "eth1"};
    struct maker *m = &rig->maker;
    for (int i = 1; i <= 90; i++) {
        maker_begin(m);
        for (int k = 0; k < 2; k++) {
            draft_gauge(m->draft, maker_series(m, &metric_queue, devices[k]), queue_at(i, k));
            draft_gauge(m->draft, maker_series(m, &metric_room, devices[k]), 100);
        }
        rig_publish(rig, maker_end(m));
    }
}

static struct answer_text post(struct rig *rig, const char *body)
{
    int fd = rig_connect(rig);
    client_send(fd, "POST", "/api/v1/rules/test", body);
    struct answer_text a = client_read(rig, fd, true);
    close(fd);
    return a;
}

/* The answer to a test of this rule over all of it. */
static json_t *test_of(struct rig *rig, const char *rule, unsigned points)
{
    json_error_t error;
    char *body = mem_printf("{\"rule\":%s,\"from\":%lld,\"to\":%lld,\"points\":%u}", rule,
                            (long long)MAKER_T0_MS + 1000, (long long)rig->maker.t_ms, points);
    struct answer_text a = post(rig, body);
    if (a.status != 200)
        fail_msg("%s: %u %s", body, a.status, a.body);
    json_t *json = json_loadb(a.body, a.body_len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s: %s", error.text, a.body);
    answer_text_free(&a);
    free(body);
    return json;
}

static const json_t *at(const json_t *json, const char *key, size_t index)
{
    const json_t *item = json_array_get(json_object_get(json, key), index);
    assert_non_null(item);
    return item;
}

static void test_threshold(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10); /* a viewer may try things out */
    publish(rig);
    json_t *json = test_of(rig, "{\"metric\":\"netsonde_queue\",\"warning\":50}", 200);
    assert_int_equal(json_whole(json, "from"), MAKER_T0_MS + 1000);
    assert_int_equal(json_whole(json, "to"), MAKER_T0_MS + 90000);
    assert_int_equal(json_whole(json, "step_ms"), 1000);
    assert_int_equal(json_whole(json, "tested_step_ms"), 1000);
    assert_int_equal(json_whole(json, "fired"), 2);
    assert_int_equal(json_whole(json, "matched"), 2);
    assert_true(json_is_false(json_object_get(json, "truncated")));
    assert_int_equal(json_length(json, "alerts"), 2);
    const json_t *first = at(json, "alerts", 0), *second = at(json, "alerts", 1);
    assert_int_equal(json_whole(first, "started"), MAKER_T0_MS + 30000);
    assert_int_equal(json_whole(first, "resolved"), MAKER_T0_MS + 40000);
    assert_int_equal(json_whole(first, "value"), 80);
    assert_int_equal(json_whole(first, "threshold"), 50);
    assert_string_equal(json_text(first, "rule"), "test");
    assert_string_equal(json_text(first, "state"), "resolved");
    assert_string_equal(json_text(first, "series"), "netsonde_queue{device=\"eth0\"}");
    assert_int_equal(json_whole(second, "started"), MAKER_T0_MS + 60000);
    assert_int_equal(json_whole(second, "resolved"), MAKER_T0_MS + 65000);

    assert_int_equal(json_length(json, "series"), 2);
    const json_t *series = at(json, "series", 0);
    assert_string_equal(json_text(series, "series"), "netsonde_queue{device=\"eth0\"}");
    assert_string_equal(json_text(series, "unit"), "items");
    assert_int_equal(json_length(series, "points"), 90);
    for (size_t i = 0; i < 90; i++) {
        const json_t *point = at(series, "points", i);
        assert_int_equal(json_array_size(point), 5);
        assert_int_equal(json_integer_value(json_array_get(point, 0)),
                         MAKER_T0_MS + 1000 + (int64_t)i * 1000);
        assert_near(json_number_value(json_array_get(point, 1)), queue_at((int)i + 1, 0));
        assert_true(json_is_null(json_array_get(point, 2)));
    }
    json_decref(json);

    /* The one that lasts only five seconds is none for who waits six; few points are enough to show
     * it, and do not change what it is. */
    json = test_of(
        rig, "{\"name\":\"a\",\"metric\":\"netsonde_queue\",\"warning\":50,\"for\":\"6s\"}", 9);
    assert_int_equal(json_whole(json, "fired"), 1);
    assert_int_equal(json_whole(json, "tested_step_ms"), 1000);
    assert_true(json_whole(json, "step_ms") >= 10000);
    assert_in_range(json_length(at(json, "series", 0), "points"), 5, 9);
    json_decref(json);
    json = test_of(rig, "{\"metric\":\"netsonde_queue\",\"warning\":90}", 9);
    assert_int_equal(json_whole(json, "fired"), 0);
    assert_int_equal(json_length(json, "alerts"), 0);
    assert_int_equal(json_length(json, "series"), 2);
    json_decref(json);
    json = test_of(rig, "{\"metric\":\"none\",\"warning\":90}", 9);
    assert_int_equal(json_whole(json, "matched"), 0);
    assert_int_equal(json_length(json, "series"), 0);
    json_decref(json);
    rig_free(rig);
}

/* Those that it would have fired for are shown first, whatever they are called. */
static void test_match_and_order(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    publish(rig);
    json_t *json = test_of(
        rig, "{\"metric\":\"netsonde_queue\",\"when\":\"below\",\"warning\":5,\"critical\":1}", 9);
    assert_int_equal(json_whole(json, "fired"), 0);
    json_decref(json);
    json = test_of(rig,
                   "{\"metric\":\"netsonde_*\",\"match\":{\"device\":\"eth1\"},\"warning\":50}", 9);
    assert_int_equal(json_whole(json, "matched"), 2);
    assert_int_equal(json_whole(json, "fired"), 1); /* of the room; still, at the end */
    assert_string_equal(json_text(at(json, "series", 0), "series"),
                        "netsonde_room{device=\"eth1\"}");
    assert_string_equal(json_text(at(json, "alerts", 0), "state"), "firing");
    json_decref(json);
    rig_free(rig);
}

static void test_ratio(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    publish(rig);
    json_t *json = test_of(
        rig, "{\"metric\":\"netsonde_queue\",\"per\":\"netsonde_room\",\"warning\":\"75%\"}", 200);
    assert_int_equal(json_whole(json, "fired"), 2);
    assert_near(json_number_value(json_object_get(at(json, "alerts", 0), "value")), 0.8);
    assert_string_equal(json_text(at(json, "series", 0), "unit"), "");
    const json_t *point = at(at(json, "series", 0), "points", 29); /* what is held against it */
    assert_near(json_number_value(json_array_get(point, 1)), 0.8);
    json_decref(json);
    json = test_of(rig, "{\"metric\":\"netsonde_queue\",\"per\":\"none\",\"warning\":0.1}", 200);
    assert_int_equal(json_whole(json, "fired"), 0);
    point = at(at(json, "series", 0), "points", 29);
    assert_true(json_is_null(json_array_get(point, 1)));
    json_decref(json);
    rig_free(rig);
}

static void test_anomaly(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    struct maker *m = &rig->maker;
    for (int i = 0; i < 95; i++) {
        maker_begin(m);
        draft_gauge(m->draft, maker_series(m, &metric_queue, "eth0"),
                    i < 80 ? 100 + i * 7 % 5 - 2 : 200);
        rig_publish(rig, maker_end(m));
    }
    json_t *json = test_of(rig, "{\"metric\":\"netsonde_queue\",\"anomaly\":true}", 200);
    assert_int_equal(json_whole(json, "fired"), 1);
    const json_t *alert = at(json, "alerts", 0);
    assert_string_equal(json_text(alert, "reason"), "anomaly");
    assert_in_range(json_whole(alert, "started"), MAKER_T0_MS + 81000, MAKER_T0_MS + 90000);
    const json_t *points = json_object_get(at(json, "series", 0), "points");
    assert_true(json_is_null(json_array_get(json_array_get(points, 0), 2)));
    const json_t *known = json_array_get(points, 70);
    assert_true(json_number_value(json_array_get(known, 2)) < 0.5);
    assert_true(fabs(json_number_value(json_array_get(known, 3)) - 100) < 3);
    assert_true(json_number_value(json_array_get(known, 4)) > 0);
    json_decref(json);
    rig_free(rig);
}

/* A hundred series that all fire: twenty are shown, all are counted. */
static void test_many(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    for (int i = 0; i < 3; i++) {
        maker_begin(&rig->maker);
        for (int k = 0; k < 300; k++) {
            char device[16];
            snprintf(device, sizeof(device), "eth%d", k);
            draft_gauge(rig->maker.draft, maker_series(&rig->maker, &metric_queue, device), 1);
        }
        rig_publish(rig, maker_end(&rig->maker));
    }
    json_t *json = test_of(rig, "{\"metric\":\"netsonde_queue\",\"warning\":0.5}", 9);
    assert_int_equal(json_whole(json, "fired"), 300);
    assert_int_equal(json_whole(json, "matched"), 300);
    assert_int_equal(json_length(json, "alerts"), 200);
    assert_int_equal(json_length(json, "series"), 20);
    assert_true(json_is_true(json_object_get(json, "truncated")));
    json_decref(json);
    rig_free(rig);
}

static void test_refused(void **state)
{
    static const struct {
        const char *body, *field;
    } cases[] = {
        {"{}", "rule"},
        {"[]", NULL},
        {"{\"rule\":5}", "rule"},
        {"{\"rule\":{}}", "metric"},
        {"{\"rule\":{\"name\":\"a\",\"enabled\":false}}", "metric"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":1},\"agg\":\"max\"}", "agg"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":\"x\"}}", "warning"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":1,\"x\":1}}", "x"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":1},\"points\":1}", "points"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":1},\"points\":2001}", "points"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":1},\"points\":\"9\"}", "points"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":1},\"from\":\"then\"}", "from"},
        {"{\"rule\":{\"metric\":\"m\",\"warning\":1},\"from\":\"now\",\"to\":5}", "from"},
    };
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer_text a = post(rig, cases[i].body);
        if (a.status != 400)
            fail_msg("%s: %u %s", cases[i].body, a.status, a.body);
        char *field = cases[i].field ? mem_printf("\"field\":\"%s\"", cases[i].field) : NULL;
        if (field ? !strstr(a.body, field) : strstr(a.body, "\"field\"") != NULL)
            fail_msg("%s: %s", cases[i].body, a.body);
        free(field);
        answer_text_free(&a);
    }
    /* None of them was left under way; and any range is one. */
    static const char *const good[] = {
        "{\"rule\":{\"metric\":\"m\",\"warning\":1}}",
        "{\"rule\":{\"metric\":\"m\",\"warning\":1},\"from\":0,\"to\":0}",
        "{\"rule\":{\"metric\":\"m\",\"warning\":1},\"from\":0,\"to\":9223372036854775807}",
        "{\"rule\":{\"metric\":\"m\",\"per\":\"m\",\"warning\":1},\"from\":0}",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct answer_text a = post(rig, good[i]);
        if (a.status != 200)
            fail_msg("%s: %u %s", good[i], a.status, a.body);
        answer_text_free(&a);
    }
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threshold), cmocka_unit_test(test_match_and_order),
        cmocka_unit_test(test_ratio),     cmocka_unit_test(test_anomaly),
        cmocka_unit_test(test_many),      cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("api/backtest", tests, NULL, NULL);
}
