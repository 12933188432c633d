/*
 * test_results.c: the document of a run: what the subjects put into it is what a reader finds, and
 * what is made is always what wire/benchmark takes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "bench/collect_bench.h"
#include "bench/fan_bench.h"
#include "bench/packet_bench.h"
#include "bench/results.h"
#include "bench/store_bench.h"

#define T0 INT64_C(1764000000000) /* 2025-11-24T16:00:00Z */

/* Read back, and found good. */
static json_t *read_back(const struct results *r, const char *baseline)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    const char *member = NULL;
    char why[300] = "";
    results_put_json(&text, r, baseline);
    assert_true(buf_ok(&text));
    json_t *json = json_parse(text.data, text.len, why, sizeof(why));
    if (!json || benchmark_check(json, &member, why, sizeof(why)))
        fail_msg("%s: %s", why, buf_string(&text));
    return json;
}

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static const json_t *find(const json_t *document, const char *name, const char *label,
                          const char *value)
{
    const json_t *list = json_object_get(document, "results");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *is = label ? text_of(json_object_get(one, "labels"), label) : "";
        if (strcmp(text_of(one, "name"), name) == 0 && is && (!label || strcmp(is, value) == 0))
            return one;
    }
    fail_msg("there is no %s", name);
    return NULL;
}

static void test_document(void **state)
{
    (void)state;
    struct results r;
    results_init(&r, "store", T0);
    strcpy(r.machine.cpu, "A CPU");
    results_set_text(&r, "mode", "plain");
    results_set_number(&r, "seconds", 0.5);
    results_add(&r, "speed", BENCHMARK_THROUGHPUT, "1/s", 2.5);
    results_label(&r, "engine", "netlink");
    results_label_more(&r, "connections", "10");
    results_add(&r, "took_ms", BENCHMARK_DURATION, "ms", NAN);
    results_tell(&r, "max_ms", BENCHMARK_DURATION, "ms", INFINITY);
    results_no_labels(&r);
    r.progress = 0.25;
    json_t *json = read_back(&r, NULL);
    assert_string_equal(text_of(json, "id"), "store-20251124T160000Z");
    assert_string_equal(text_of(json, "state"), "running");
    assert_true(json_number_value(json_object_get(json, "progress")) == 0.25);
    assert_null(json_object_get(json, "baseline"));
    assert_null(json_object_get(json, "why"));
    assert_string_equal(text_of(json_object_get(json, "machine"), "cpu"), "A CPU");
    assert_string_equal(text_of(json_object_get(json, "settings"), "mode"), "plain");
    assert_true(json_real_value(json_object_get(json_object_get(json, "settings"), "seconds")) ==
                0.5);
    const json_t *one = find(json, "speed", NULL, NULL);
    assert_string_equal(text_of(one, "better"), "higher");
    assert_null(json_object_get(one, "judged"));
    assert_int_equal(json_object_size(json_object_get(one, "labels")), 0);
    one = find(json, "took_ms", "connections", "10");
    assert_true(json_is_null(json_object_get(one, "value")));
    assert_string_equal(text_of(one, "better"), "lower");
    one = find(json, "max_ms", "engine", "netlink");
    assert_true(json_is_false(json_object_get(one, "judged")));
    json_decref(json);

    results_add_usage(&r);
    results_end(&r, true, NULL);
    json = read_back(&r, "before");
    assert_string_equal(text_of(json, "state"), "done");
    assert_string_equal(text_of(json, "baseline"), "before");
    assert_true(json_number_value(json_object_get(json, "progress")) == 1);
    one = find(json, "run_peak_memory_bytes", NULL, NULL);
    assert_string_equal(text_of(one, "kind"), "memory");
    assert_true(json_number_value(json_object_get(one, "value")) > 100000);
    one = find(json, "run_cpu_seconds", NULL, NULL);
    assert_true(json_number_value(json_object_get(one, "value")) >= 0);
    json_decref(json);
    results_fini(&r);
}

/* Whatever a system says of a failure, and however a file is called. */
static void test_odd_texts(void **state)
{
    (void)state;
    struct results r;
    char longer[2000];
    memset(longer, '\\', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    results_init(&r, "packets", T0);
    results_set_text(&r, "file", longer);
    results_end(&r, false, longer);
    json_t *json = read_back(&r, NULL);
    assert_string_equal(text_of(json, "state"), "failed");
    assert_int_equal(strlen(text_of(json, "why")), BENCHMARK_TEXT_MAX);
    assert_true(strlen(text_of(json_object_get(json, "settings"), "file")) > 10);
    json_decref(json);
    memset(longer, 0xc3, sizeof(longer) - 1); /* is no UTF-8 */
    longer[0] = 'a';
    longer[1] = '\n';
    results_end(&r, false, longer);
    json = read_back(&r, NULL);
    assert_string_equal(text_of(json, "why"), "a ");
    json_decref(json);
    results_fini(&r);
}

static void test_many(void **state)
{
    (void)state;
    struct results r;
    results_init(&r, "collect", T0);
    for (unsigned i = 0; i < BENCHMARK_RESULTS_MAX; i++) {
        results_label_number(&r, "connections", i);
        results_add(&r, "x", BENCHMARK_COUNT, "", i);
    }
    json_t *json = read_back(&r, NULL);
    const json_t *last = find(json, "x", "connections", "1999");
    assert_true(json_number_value(json_object_get(last, "value")) == 1999);
    json_decref(json);
    results_fini(&r);
}

/* ---- the subjects ------------------------------------------------------------------------ */

static void expect_figure(const json_t *document, const char *name, const char *label,
                          const char *value, double wanted, const char *kind, bool judged)
{
    const json_t *one = find(document, name, label, value);
    double is = json_number_value(json_object_get(one, "value"));
    if (fabs(is - wanted) > fabs(wanted) * 1e-5)
        fail_msg("%s is %g, not %g", name, is, wanted);
    assert_string_equal(text_of(one, "kind"), kind);
    assert_int_equal(!json_is_false(json_object_get(one, "judged")), judged);
}

static void test_fanout(void **state)
{
    (void)state;
    struct results r;
    struct fan_settings settings = FAN_SETTINGS_DEFAULT;
    static struct fan_level level;
    results_init(&r, "fanout", T0);
    fan_results_begin(&r, &settings);
    level = (struct fan_level){.clients = 50, .dropped = 3};
    level.result = (struct crowd_result){.seconds = 2,
                                         .delivered = 1000,
                                         .lost = 7,
                                         .wire_bytes = 260000,
                                         .first = {1, 2, 3},
                                         .last = {4, 5, 6},
                                         .all = {2, 3, 9},
                                         .cpu_ns = 5e6,
                                         .memory_bytes = 4096,
                                         .malloc_bytes = NAN};
    fan_results_level(&r, &level);
    size_t count = r.count;
    level.outcome = FAN_DOES_NOT_FIT;
    level.clients = 60;
    fan_results_level(&r, &level); /* of what was not measured there is no figure */
    assert_int_equal(r.count, count);
    json_t *json = read_back(&r, NULL);
    expect_figure(json, "delivered_per_s", "clients", "50", 500, "throughput", true);
    expect_figure(json, "first_p99_ms", "clients", "50", 2, "duration", true);
    expect_figure(json, "last_p50_ms", "clients", "50", 4, "duration", true);
    expect_figure(json, "all_max_ms", "clients", "50", 9, "duration", false);
    expect_figure(json, "cpu_us_per_message", "clients", "50", 5, "cpu", true);
    expect_figure(json, "memory_bytes_per_client", "clients", "50", 4096, "memory", true);
    expect_figure(json, "wire_bytes_per_message", "clients", "50", 260, "size", true);
    expect_figure(json, "lost", "clients", "50", 7, "count", true);
    expect_figure(json, "dropped", "clients", "50", 3, "count", true);
    assert_true(json_is_null(
        json_object_get(find(json, "malloc_bytes_per_client", "clients", "50"), "value")));
    const json_t *s = json_object_get(json, "settings");
    assert_string_equal(text_of(s, "rate_hz"), "auto");
    assert_true(json_number_value(json_object_get(s, "size_bytes")) == 1024);
    json_decref(json);
    results_fini(&r);
}

static void test_collect(void **state)
{
    (void)state;
    struct results r;
    struct collect_settings settings = {.seconds = 3};
    struct collect_level level = {.connections = 1000,
                                  .tick = {1, 2, 3},
                                  .survey = {NAN, NAN, NAN},
                                  .tick_ns_per_series = 250};
    results_init(&r, "collect", T0);
    collect_results_begin(&r, &settings);
    collect_results_level(&r, "procfs", &level);
    assert_int_equal(r.count, 4); /* it has no survey */
    level.survey = (struct spread_summary){10, 20, 30};
    collect_results_level(&r, "netlink", &level);
    level.outcome = COLLECT_UNAVAILABLE;
    collect_results_level(&r, "ebpf", &level);
    assert_int_equal(r.count, 11);
    json_t *json = read_back(&r, NULL);
    expect_figure(json, "tick_p50_ms", "engine", "procfs", 1, "duration", true);
    expect_figure(json, "survey_p99_ms", "engine", "netlink", 20, "duration", true);
    expect_figure(json, "tick_ns_per_series", "connections", "1000", 250, "duration", true);
    json_decref(json);
    results_fini(&r);
}

static void test_packets(void **state)
{
    (void)state;
    struct results r;
    struct packet_settings settings = {.file = "/secret/place/some.pcap", .seconds = 1};
    struct packet_rate rate = {.measured = true, .best_per_s = 9e6, .median_per_s = 8e6};
    results_init(&r, "packets", T0);
    packet_results_begin(&r, &settings);
    packet_results_rate(&r, PACKET_NDPI_OFF, &rate);
    rate.measured = false;
    packet_results_rate(&r, PACKET_NDPI_ON, &rate);
    assert_int_equal(r.count, 2);
    json_t *json = read_back(&r, NULL);
    expect_figure(json, "packets_per_s", "ndpi", "off", 8e6, "throughput", true);
    expect_figure(json, "best_packets_per_s", "ndpi", "off", 9e6, "throughput", false);
    assert_string_equal(text_of(json_object_get(json, "settings"), "file"), "some.pcap");
    json_decref(json);
    results_fini(&r);
}

static void test_store(void **state)
{
    (void)state;
    struct results r;
    struct store_bench_settings settings = {.series = 10, .ticks = 20, .query = true, .seconds = 1};
    struct store_result result = {.ticks = 20,
                                  .samples = 200,
                                  .seconds = 0.5,
                                  .cpu_seconds = 0.25,
                                  .work_cpu = {0, 1, 2},
                                  .write = {1, 2, 3},
                                  .work = {0, 4, 5},
                                  .disk_bytes = 100};
    result.questions[STORE_ONE_ALL].took = (struct spread_summary){7, 8, 9};
    results_init(&r, "query", T0);
    store_results_begin(&r, &settings);
    store_results(&r, &settings, &result);
    json_t *json = read_back(&r, NULL);
    expect_figure(json, "samples_per_s", NULL, NULL, 400, "throughput", true);
    expect_figure(json, "samples_per_cpu_s", NULL, NULL, 800, "throughput", true);
    expect_figure(json, "work_cpu_max_ms", NULL, NULL, 2, "duration", false);
    expect_figure(json, "bytes_per_sample", NULL, NULL, 0.5, "size", true);
    expect_figure(json, "write_p99_ms", NULL, NULL, 2, "duration", true);
    expect_figure(json, "work_p99_ms", NULL, NULL, 4, "duration", false);
    expect_figure(json, "work_max_ms", NULL, NULL, 5, "duration", false);
    expect_figure(json, "answer_p50_ms", "question", "one_all", 7, "duration", true);
    json_decref(json);
    results_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document), cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_many),     cmocka_unit_test(test_fanout),
        cmocka_unit_test(test_collect),  cmocka_unit_test(test_packets),
        cmocka_unit_test(test_store),
    };
    return cmocka_run_group_tests_name("bench/results", tests, NULL, NULL);
}
