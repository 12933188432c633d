/*
 * test_encode.c: every message parses to what CONTRACT section 5 says, whatever text is in it.
 */
#include "maker.h"

#include <math.h>

#include "base/mem.h"
#include "base/text.h"
#include "hub/encode.h"
#include "model/view.h"

/* Names as a hostile container may choose them; the model makes bytes that are no text U+FFFD. */
static const char *const hostile[] = {
    "",
    "\"",
    "\\",
    "\\\"},{\"id\":1",
    "a\nb\tc\rd",
    "\x01\x1f\x7f",
    "</script><script>alert(1)</script>",
    "\xe2\x80\xa8\xe2\x80\xa9", /* line separators that JavaScript once took for newlines */
    "\xff\xfe",
    "\xc3",
    "\xed\xa0\x80",
    "\xf0\x9f\x92\xa9",
    "{}[]:,\"null",
};

static json_t *of_type(struct bytes *frame, const char *type)
{
    json_t *json = frame_json(frame);
    assert_string_equal(json_text(json, "type"), type);
    bytes_unref(frame);
    return json;
}

static void test_hello(void **state)
{
    static const char *const names[] = {"metrics",   "events",    "interfaces", "connections",
                                        "processes", "flows",     "dns",        "performance",
                                        "alerts",    "anomalies", "baseline",   "benchmark"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        json_t *hello =
            of_type(encode_hello(&(struct encode_hello){
                        .version = "0.1", .host = hostile[i], .session = "s", .interval_ms = 50}),
                    "hello");
        assert_string_equal(json_text(hello, "version"), "0.1");
        assert_int_equal(json_whole(hello, "interval_ms"), 50);
        assert_int_equal(json_length(hello, "channels"), ARRAY_LEN(names));
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            assert_string_equal(
                json_string_value(json_array_get(json_object_get(hello, "channels"), k)), names[k]);
        if (text_utf8_valid(hostile[i], strlen(hostile[i])) == strlen(hostile[i]))
            assert_string_equal(json_text(hello, "host"), hostile[i]);
        json_decref(hello);
    }
}

static void test_series(void **state)
{
    struct maker m = maker_new(1000);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        const struct series *s = maker_series(&m, &maker_bytes, hostile[i]);
        json_t *json = of_type(encode_series(&s, 1), "series");
        const json_t *one = json_array_get(json_object_get(json, "series"), 0);
        assert_int_equal(json_whole(one, "id"), s->id);
        assert_string_equal(json_text(one, "name"), "node_network_receive_bytes_total");
        assert_string_equal(json_text(one, "unit"), "bytes");
        assert_string_equal(json_text(one, "kind"), "counter");
        assert_string_equal(json_text(one, "help"), "Bytes received.");
        assert_string_equal(json_text(one, "method"), "procfs");
        const json_t *labels = json_object_get(one, "labels");
        assert_int_equal(json_object_size(labels), 1);
        assert_string_equal(json_text(labels, "device"), series_label(s, "device"));
        json_decref(json);
    }
    const struct series *gauge = registry_get(m.registry, &maker_carrier, NULL, 0, "netlink");
    json_t *json = of_type(encode_series(&gauge, 1), "series");
    const json_t *one = json_array_get(json_object_get(json, "series"), 0);
    assert_string_equal(json_text(one, "kind"), "gauge");
    assert_int_equal(json_object_size(json_object_get(one, "labels")), 0);
    json_decref(json);
    maker_free(&m);
}

static void test_metrics(void **state)
{
    static const struct encode_value values[] = {
        {1, 0},
        {2, 1520},
        {3, 0.25},
        {4, 1.0 / 3},
        {5, NAN},
        {6, 1e15},
        {7, 9007199254740991},
        {8, -5},
        {9, 123456789.5},
        {10, 1e-9},
        {4294967295U, 1e300},
        {12, INFINITY},
    };
    (void)state;
    json_t *json = of_type(
        encode_metrics(UINT64_C(1) << 53, 1764000000000, values, ARRAY_LEN(values)), "metrics");
    assert_int_equal(json_whole(json, "seq"), INT64_C(1) << 53);
    assert_int_equal(json_whole(json, "t"), 1764000000000);
    assert_int_equal(json_length(json, "values"), ARRAY_LEN(values));
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        const json_t *pair = json_array_get(json_object_get(json, "values"), i);
        assert_int_equal(json_integer_value(json_array_get(pair, 0)), values[i].id);
        if (isfinite(values[i].value))
            assert_near(json_number_value(json_array_get(pair, 1)), values[i].value);
        else
            assert_true(json_is_null(json_array_get(pair, 1)));
    }
    json_decref(json);
    json = of_type(encode_metrics(1, 2, NULL, 0), "metrics");
    assert_int_equal(json_length(json, "values"), 0);
    json_decref(json);
}

static void test_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        for (int kind = 0; kind < EVENT_KINDS; kind++) {
            struct event *e = event_new((enum event_kind)kind, 1764000000000);
            e->seq = 9;
            event_text(e, "device", hostile[i]);
            event_number(e, "count", 2.5);
            event_number(e, "nothing", NAN);
            json_t *json = of_type(encode_event(e), "event");
            assert_int_equal(json_whole(json, "seq"), 9);
            assert_int_equal(json_whole(json, "t"), 1764000000000);
            assert_string_equal(json_text(json, "kind"), event_kind_name((enum event_kind)kind));
            assert_string_equal(json_text(json, "device"), event_get_text(e, "device"));
            assert_near(json_number_value(json_object_get(json, "count")), 2.5);
            assert_true(json_is_null(json_object_get(json, "nothing")));
            json_decref(json);
            event_unref(e);
        }
    }
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        struct table *t = table_new(TABLE_INTERFACES, 2);
        struct cell *row = table_row(t, UINT64_C(1) << 52);
        cell_text(t, &row[IF_DEVICE], hostile[i]);
        cell_list(t, &row[IF_ADDRESSES], "10.0.0.1/8\n\nfe80::1/64\n");
        cell_real(&row[IF_RX_RATE], 0.125);
        row = table_row(t, 2);
        cell_list(t, &row[IF_ADDRESSES], "");
        cell_text(t, &row[IF_STATE], NULL);
        cell_uint(&row[IF_SPEED_BPS], UINT64_C(100000000000));
        json_t *json = of_type(encode_table((struct encode_rows){t, t->rows_count}, 5, 6), "table");
        assert_string_equal(json_text(json, "channel"), "interfaces");
        assert_true(json_is_true(json_object_get(json, "full")));
        assert_int_equal(json_whole(json, "seq"), 5);
        assert_int_equal(json_whole(json, "t"), 6);
        assert_int_equal(json_length(json, "removed"), 0);
        assert_int_equal(json_length(json, "columns"), IF_COLUMNS);
        const json_t *columns = json_object_get(json, "columns");
        assert_string_equal(json_string_value(json_array_get(columns, IF_ID)), "id");
        assert_string_equal(json_string_value(json_array_get(columns, IF_DROPS)), "drops");
        const json_t *first = json_array_get(json_object_get(json, "rows"), 0);
        const json_t *second = json_array_get(json_object_get(json, "rows"), 1);
        assert_int_equal(json_array_size(first), IF_COLUMNS);
        assert_int_equal(json_integer_value(json_array_get(first, IF_ID)), INT64_C(1) << 52);
        assert_string_equal(json_string_value(json_array_get(first, IF_DEVICE)),
                            table_cell(t, 0, IF_DEVICE)->text);
        assert_near(json_real_value(json_array_get(first, IF_RX_RATE)), 0.125);
        const json_t *list = json_array_get(first, IF_ADDRESSES);
        assert_int_equal(json_array_size(list), 2); /* no empty address */
        assert_string_equal(json_string_value(json_array_get(list, 1)), "fe80::1/64");
        assert_true(json_is_null(json_array_get(second, IF_STATE)));
        assert_true(json_is_array(json_array_get(second, IF_ADDRESSES)));
        assert_int_equal(json_array_size(json_array_get(second, IF_ADDRESSES)), 0);
        assert_int_equal(json_integer_value(json_array_get(second, IF_SPEED_BPS)), 100000000000);
        json_decref(json);
        table_unref(t);
    }
}

static void test_gap_and_answers(void **state)
{
    (void)state;
    json_t *json = of_type(encode_gap("metrics", 3, UINT64_C(1) << 53, "ring"), "gap");
    assert_string_equal(json_text(json, "channel"), "metrics");
    assert_int_equal(json_whole(json, "from"), 3);
    assert_int_equal(json_whole(json, "to"), INT64_C(1) << 53);
    assert_string_equal(json_text(json, "reason"), "ring");
    json_decref(json);
    json = of_type(encode_ok(INT64_MIN), "ok");
    assert_true(json_whole(json, "id") == INT64_MIN);
    json_decref(json);
    json = of_type(encode_pong(true, INT64_MAX), "pong");
    assert_true(json_whole(json, "id") == INT64_MAX);
    json_decref(json);
    json = of_type(encode_pong(false, 7), "pong");
    assert_null(json_object_get(json, "id"));
    json_decref(json);
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        json = of_type(encode_error(i % 2, 7, "bad_request", hostile[i]), "error");
        assert_string_equal(json_text(json, "code"), "bad_request");
        assert_non_null(json_object_get(json, "message"));
        assert_int_equal(json_object_get(json, "id") != NULL, i % 2);
        json_decref(json);
    }
}

/* The number as the message has it. */
static char *shown(const struct table *t, size_t column)
{
    struct buf b = BUF_INIT;
    encode_row_json(&b, t, 0);
    char *text = mem_string(buf_string(&b) + 1), *at = text;
    buf_fini(&b);
    for (size_t c = 0; c < column; c++)
        at = strchr(at, ',') + 1;
    char *number = mem_string_n(at, strcspn(at, ",]"));
    free(text);
    return number;
}

static size_t found(const struct table *t, const char *filter)
{
    struct view_spec *spec;
    struct view view;
    const char *field;
    char why[128];
    assert_int_equal(view_spec_new(t->schema, filter, NULL, &spec, &field, why, sizeof(why)), 0);
    view_make(t, spec, 1, 0, &view);
    size_t total = view.total;
    view_fini(&view);
    view_spec_free(spec);
    return total;
}

/* A filter finds a number by what the message says, in model/view's own hand: over all sizes. */
static void test_filter_finds_what_is_shown(void **state)
{
    static const double factors[] = {1, 1.5, 9.999999, 1.2345678, 3.3333333, 6.0000005};
    (void)state;
    for (int power = -9; power <= 18; power++) {
        for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
            struct table *t = table_new(TABLE_INTERFACES, 1);
            cell_real(&table_row(t, 1)[IF_RX_RATE], factors[i] * pow(10, power));
            char *number = shown(t, IF_RX_RATE);
            char *word = mem_printf("rx_rate:%s", number), *other = mem_printf("%s0", word);
            if (found(t, word) != 1 || found(t, other) != 0)
                fail_msg("%.17g is shown as %s", factors[i] * pow(10, power), number);
            free(other);
            free(word);
            free(number);
            table_unref(t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_gap_and_answers),
        cmocka_unit_test(test_filter_finds_what_is_shown),
    };
    return cmocka_run_group_tests_name("hub/encode", tests, NULL, NULL);
}
