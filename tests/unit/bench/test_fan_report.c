/* test_fan_report.c: rates of levels, and what is printed of them: numbers where there are some,
 * null and a dash where there are none, the reason where nothing was measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "bench/fan_bench.h"

static const struct fan_level measured = {
    .clients = 100,
    .rate_hz = 10,
    .dropped = 3,
    .result =
        {
            .seconds = 2,
            .delivered = 2000,
            .ticks = 20,
            .lost = 1,
            .wire_bytes = 2056000,
            .payload_bytes = 2048000,
            .first = {0.1, 0.2, 0.3},
            .last = {1, 2, 3},
            .all = {0.5, 1.5, 3},
            .cpu_ns = 9e6,
            .memory_bytes = 800,
            .malloc_bytes = NAN,
        },
};
static const struct fan_level too_many = {
    .clients = 10000, .outcome = FAN_DOES_NOT_FIT, .why = "1024 descriptors"};

static void test_rate(void **state)
{
    struct fan_settings s = FAN_SETTINGS_DEFAULT;
    (void)state;
    assert_int_equal(fan_rate(&s, 1), 10);
    assert_int_equal(fan_rate(&s, 1000), 10);
    assert_int_equal(fan_rate(&s, 5000), 2);
    assert_int_equal(fan_rate(&s, 10000), 1);
    assert_int_equal(fan_rate(&s, 100000), 1);
    s.rate_auto = false;
    s.rate_hz = 0;
    assert_int_equal(fan_rate(&s, 100), 0);
    s.rate_hz = 25;
    assert_int_equal(fan_rate(&s, 10000), 25);
}

static void test_json(void **state)
{
    const struct fan_settings s = FAN_SETTINGS_DEFAULT;
    const struct fan_level levels[] = {measured, too_many};
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    (void)state;
    fan_report_json(&out, &s, levels, 2);
    json_t *all = json_loads(buf_string(&out), 0, NULL);
    assert_non_null(all);
    assert_string_equal(json_string_value(json_object_get(all, "mode")), "plain");
    assert_int_equal(json_integer_value(json_object_get(all, "size_bytes")), 1024);
    json_t *list = json_object_get(all, "levels");
    assert_int_equal(json_array_size(list), 2);
    json_t *one = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(one, "outcome")), "measured");
    assert_true(json_number_value(json_object_get(one, "delivered_per_s")) == 1000);
    assert_true(json_number_value(json_object_get(one, "cpu_us_per_message")) == 4.5);
    assert_true(json_number_value(json_object_get(json_object_get(one, "last"), "p99_ms")) == 2);
    assert_true(json_is_null(json_object_get(one, "malloc_bytes_per_client")));
    assert_int_equal(json_integer_value(json_object_get(one, "dropped")), 3);
    json_t *other = json_array_get(list, 1);
    assert_string_equal(json_string_value(json_object_get(other, "outcome")), "does_not_fit");
    assert_string_equal(json_string_value(json_object_get(other, "why")), "1024 descriptors");
    assert_null(json_object_get(other, "delivered"));
    json_decref(all);
}

static void test_text(void **state)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    (void)state;
    fan_report_level(&out, &measured);
    fan_report_level(&out, &too_many);
    assert_string_equal(buf_string(&out),
                        "    100    10        1000 |    0.100    0.200    0.300 |"
                        "    1.000    2.000    3.000 |     4.50     1028      800        -      1\n"
                        "  10000  not measured: 1024 descriptors\n");
}

/* Which sender it was, and why not the other one. */
static void test_head(void **state)
{
    struct fan_settings s = FAN_SETTINGS_DEFAULT;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    (void)state;
    s.mode = FAN_TLS_DEFLATE;
    s.sender = FAN_SEND_SEND;
    strcpy(s.no_ring, "the moon is full");
    fan_report_head(&out, &s);
    assert_ptr_equal(strstr(buf_string(&out), "fan-out of messages of 1024 bytes, tls-deflate, "
                                              "sender send, 5 s a level; times in ms\n"
                                              "no io_uring: the moon is full\n\n"),
                     buf_string(&out));
    buf_clear(&out);
    s.sender = FAN_SEND_IO_URING;
    *s.no_ring = '\0';
    fan_report_head(&out, &s);
    assert_non_null(strstr(buf_string(&out), "sender io_uring, 5 s a level; times in ms\n\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests_name("bench fan_report", tests, NULL, NULL);
}
