/*
 * test_anomalies.c: GET /api/v1/anomalies: what the detector says of the past, folded into points.
 */
#include "http_rig.h"

#include "api/api_internal.h"
#include "base/tally.h"

#include <math.h>

#include "api/fold.h"

static void expect_fold(int64_t from, int64_t last, int64_t step, size_t points, int64_t from_ms,
                        int64_t step_ms, size_t count)
{
    struct fold f = fold_make(from, last, step, points);
    assert_int_equal(f.from_ms, from_ms);
    assert_int_equal(f.step_ms, step_ms);
    assert_int_equal(f.count, count);
    assert_int_equal(fold_index(&f, from), 0);
    assert_int_equal(fold_index(&f, last), count - 1);
    assert_true(f.from_ms == 0 || fold_index(&f, f.from_ms - 1) >= count);
}

static void test_fold(void **state)
{
    (void)state;
    expect_fold(1000, 1000, 1000, 2, 1000, 1000, 1);
    expect_fold(1000, 9000, 1000, 9, 1000, 1000, 9);
    expect_fold(1000, 9000, 1000, 5, 0, 2000, 5);
    expect_fold(1000, 9000, 1000, 4, 0, 3000, 4);
    expect_fold(1000, 9000, 1000, 2, 0, 5000, 2);
    expect_fold(0, 86399000, 1000, 300, 0, 288000, 300);
    for (size_t points = 2; points < 50; points++) { /* never more, wherever the ends lie */
        for (int64_t from = 0; from < 40; from++) {
            for (int64_t last = from; last < 200; last += 7) {
                struct fold f = fold_make(from * 500, last * 500, 500, points);
                assert_in_range(f.count, 1, points);
                assert_int_equal(fold_index(&f, last * 500), f.count - 1);
                assert_int_equal(f.step_ms % 500, 0);
            }
        }
    }
}

static void test_folded(void **state)
{
    (void)state;
    struct folded p;
    folded_init(&p, 1);
    assert_true(isnan(p.value) && isnan(p.score) && isnan(p.mean) && isnan(p.sigma));
    folded_add(&p, NAN, NAN, NAN, NAN);
    assert_true(isnan(p.value) && isnan(p.score));
    folded_add(&p, 2, 0.5, 1, 0.1);
    folded_add(&p, 4, 0.25, 3, 0.2);
    folded_add(&p, NAN, NAN, NAN, NAN);
    assert_near(p.value, 3);
    assert_near(p.score, 0.5);
    assert_near(p.mean, 3);
    assert_near(p.sigma, 0.2);
}

/* A gauge that wavers about 100 and leaps to 200 for the last five of 90 seconds. */
static void publish(struct rig *rig)
{
    static const struct metric metric_queue = {"netsonde_queue", "items", "A gauge.", METRIC_GAUGE,
                                               1};
    struct maker *m = &rig->maker;
    for (int i = 0; i < 90; i++) {
        maker_begin(m);
        draft_gauge(m->draft, maker_series(m, &metric_queue, "eth0"),
                    i < 85 ? 100 + i * 7 % 5 - 2 : 200);
        draft_gauge(m->draft, maker_series(m, &maker_carrier, "eth0"), 1);
        rig_publish(rig, maker_end(m));
    }
}

static json_t *ask(struct rig *rig, const char *query, unsigned points)
{
    char *target = mem_printf("/api/v1/anomalies?%s&from=%lld&to=%lld&points=%u", query,
                              (long long)MIN(MAKER_T0_MS + 41000, rig->maker.t_ms),
                              (long long)rig->maker.t_ms, points);
    json_t *json = rig_get(rig, target, 200);
    free(target);
    return json;
}

static double number(const json_t *point, size_t index)
{
    return json_number_value(json_array_get(point, index));
}

/* The largest score of some points. */
static double worst(const json_t *points, size_t from, size_t to)
{
    double most = 0;
    for (size_t i = from; i < to; i++)
        most = fmax(most, number(json_array_get(points, i), 1));
    return most;
}

static void test_leap(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    publish(rig);
    json_t *json = ask(rig, "metric=netsonde_queue", 100);
    assert_int_equal(json_whole(json, "from"), MAKER_T0_MS + 41000);
    assert_int_equal(json_whole(json, "to"), MAKER_T0_MS + 90000);
    assert_int_equal(json_whole(json, "step_ms"), 1000);
    assert_true(json_number_value(json_object_get(json, "sigma")) == 2.5); /* as it is set here */
    assert_null(json_object_get(json, "truncated"));
    const json_t *series = json_array_get(json_object_get(json, "series"), 0);
    assert_int_equal(json_length(json, "series"), 1);
    assert_string_equal(json_text(series, "name"), "netsonde_queue");
    assert_string_equal(json_text(series, "unit"), "items");
    assert_string_equal(json_text(json_object_get(series, "labels"), "device"), "eth0");
    const json_t *points = json_object_get(series, "points");
    assert_int_equal(json_array_size(points), 50);
    for (size_t i = 0; i < 45; i++) { /* it has learnt before the range */
        const json_t *p = json_array_get(points, i);
        assert_int_equal(json_array_size(p), 4);
        assert_int_equal(number(p, 0), MAKER_T0_MS + 41000 + (int64_t)i * 1000);
        assert_true(number(p, 1) < 0.5);
        assert_true(number(p, 2) > 97 && number(p, 2) < 103);
        assert_true(number(p, 3) > 0 && number(p, 3) < 5);
    }
    /* How fast the score rises is the detector's business; that it does is seen here. */
    assert_true(worst(points, 0, 45) < 0.5);
    assert_true(worst(points, 45, 50) > 0.9);
    json_decref(json);

    json = ask(rig, "metric=netsonde_queue", 5); /* the worst of each point's steps */
    series = json_array_get(json_object_get(json, "series"), 0);
    points = json_object_get(series, "points");
    assert_in_range(json_array_size(points), 3, 5);
    size_t count = json_array_size(points);
    assert_true(worst(points, count - 1, count) > 0.9);
    assert_true(worst(points, 0, count - 2) < 0.5);
    json_decref(json);

    json = ask(rig, "match=device=eth0", 5);
    assert_int_equal(json_length(json, "series"), 2);
    json_decref(json);
    json = ask(rig, "metric=none", 5);
    assert_int_equal(json_length(json, "series"), 0);
    json_decref(json);
    rig_free(rig);
}

/* From the first sample on: nothing is known at first. */
static void test_learning(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    publish(rig);
    char *target =
        mem_printf("/api/v1/anomalies?metric=netsonde_queue&from=%lld&to=%lld&points=2000",
                   (long long)MAKER_T0_MS - 100000, (long long)rig->maker.t_ms);
    json_t *json = rig_get(rig, target, 200);
    const json_t *points =
        json_object_get(json_array_get(json_object_get(json, "series"), 0), "points");
    assert_true(json_is_null(json_array_get(points, 0)));
    assert_true(json_is_null(json_array_get(points, 102)));
    assert_true(json_is_array(json_array_get(points, json_array_size(points) - 10)));
    json_decref(json);
    free(target);
    rig_free(rig);
}

static void test_many_series(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    for (int i = 0; i < 5; i++) {
        maker_begin(&rig->maker);
        for (int k = 0; k < 70; k++) {
            char device[16];
            snprintf(device, sizeof(device), "eth%d", k);
            draft_gauge(rig->maker.draft, maker_series(&rig->maker, &maker_carrier, device), 1);
        }
        rig_publish(rig, maker_end(&rig->maker));
    }
    json_t *json = ask(rig, "metric=*", 10);
    assert_int_equal(json_length(json, "series"), 50);
    assert_true(json_is_true(json_object_get(json, "truncated")));
    json_decref(json);
    rig_free(rig);
}

static void test_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    rig_refused(rig, "/api/v1/anomalies", 400, "bad_request", "metric");
    rig_refused(rig, "/api/v1/anomalies?metric=a&points=1", 400, "bad_request", "points");
    rig_refused(rig, "/api/v1/anomalies?metric=a&points=2001", 400, "bad_request", "points");
    rig_refused(rig, "/api/v1/anomalies?metric=a&from=now&to=-60", 400, "bad_request", "from");
    rig_refused(rig, "/api/v1/anomalies?match=a", 400, "bad_request", "match");
    json_decref(rig_get(rig, "/api/v1/anomalies?metric=a", 200)); /* nothing was left under way */
    json_decref(rig_get(rig, "/api/v1/anomalies?metric=a&from=0&to=now", 200));
    json_decref(rig_get(rig, "/api/v1/anomalies?metric=a&from=-9223372036&to=now", 200));
    rig_free(rig);
}

static void expect_anomalies(struct rig *rig, unsigned status)
{
    int fd = rig_connect(rig);
    client_ask(fd, "GET", "/api/v1/anomalies?metric=*&from=0", NULL);
    struct answer_text a = client_read(rig, fd, true);
    assert_int_equal(a.status, status);
    assert_true(status == 200 || strcasestr(a.head, "\r\nRetry-After: "));
    answer_text_free(&a);
    close(fd);
}

/* Half of the pool is for those who look at charts, however many loops there are: other loops'
 * runs are in the same tally. */
static void test_busy(void **state)
{
    (void)state;
    struct rig *rig = rig_new("/nonexistent", 10);
    struct tally *places = rig->api->places;
    publish(rig);
    assert_true(tally_add(places, "run", RUNS_MAX));
    expect_anomalies(rig, 200);
    expect_anomalies(rig, 200); /* the place of the one before is free again */
    assert_true(tally_add(places, "run", RUNS_MAX));
    assert_false(tally_add(places, "run", RUNS_MAX));
    expect_anomalies(rig, 503);
    rig_refused(rig, "/api/v1/baselines/auto/comparison", 503, "busy", NULL);
    tally_remove(places, "run");
    tally_remove(places, "run");
    expect_anomalies(rig, 200);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),        cmocka_unit_test(test_folded),
        cmocka_unit_test(test_leap),        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_many_series), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_busy),
    };
    return cmocka_run_group_tests_name("api/anomalies", tests, NULL, NULL);
}
