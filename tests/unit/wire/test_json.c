/* test_json.c: what the writer writes is what jansson reads; numbers come back the same. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "wire/json.h"

static void assert_written(struct buf *b, const char *expected)
{
    assert_true(buf_ok(b));
    assert_string_equal(buf_string(b), expected);
    buf_clear(b);
}

static void test_structure(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    json_open(&b, '{');
    json_put_key(&b, "type");
    json_put_string(&b, "metrics");
    json_put_key(&b, "values");
    json_open(&b, '[');
    json_open(&b, '[');
    json_put_u64(&b, 7);
    json_put_double(&b, 1520);
    json_close(&b, ']');
    json_open(&b, '[');
    json_put_i64(&b, -8);
    json_put_double(&b, 0.25);
    json_close(&b, ']');
    json_close(&b, ']');
    json_put_key(&b, "on");
    json_put_bool(&b, true);
    json_put_key(&b, "none");
    json_put_null(&b);
    json_put_key(&b, "labels");
    json_put_raw(&b, "{}", 2);
    json_put_key(&b, "empty");
    json_open(&b, '[');
    json_close(&b, ']');
    json_close(&b, '}');
    assert_written(&b, "{\"type\":\"metrics\",\"values\":[[7,1520],[-8,0.25]],\"on\":true,"
                       "\"none\":null,\"labels\":{},\"empty\":[]}");
}

/* A string that ends in a bracket or a comma must not swallow the comma behind it. */
static void test_comma_after_misleading_strings(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    json_open(&b, '[');
    json_put_string(&b, "{");
    json_put_string(&b, ":");
    json_put_string(&b, "");
    json_put_u64(&b, 1);
    json_close(&b, ']');
    assert_written(&b, "[\"{\",\":\",\"\",1]");
}

static void test_lines(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    json_put_u64(&b, 1);
    buf_char(&b, '\n');
    json_put_u64(&b, 2);
    assert_written(&b, "1\n2");
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"eth0", "\"eth0\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\r\t\x01\x1f", "\"\\n\\r\\t\\u0001\\u001f\""},
        {"\x7f", "\"\x7f\""},
        {"Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x90\x9f",
         "\"Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x90\x9f\""},
        {"a\xff"
         "b",
         "\"a\xef\xbf\xbd"
         "b\""},
        {"\xc3", "\"\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc0\xaf\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\""},
    };
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_put_string(&b, cases[i].text);
        assert_written(&b, cases[i].json);
    }
    json_put_string(&b, NULL);
    assert_written(&b, "null");
    json_put_string_n(&b, "a\0b", 3);
    assert_written(&b, "\"a\\u0000b\"");
}

static void test_doubles(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *json;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1520, "1520"},
        {-1520, "-1520"},
        {0.25, "0.25"},
        {-0.25, "-0.25"},
        {0.1, "0.1"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {100.5, "100.5"},
        {1e15, "1000000000000000"},
        {9007199254740991.0, "9007199254740991"},
        {1e-3, "0.001"},
        {1.5e-7, "0.00000015"},
        {1234567.875, "1234567.875"},
        {1e300, "1e+300"},
        {1e-300, "1e-300"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_put_double(&b, cases[i].value);
        assert_written(&b, cases[i].json);
    }
}

/* Any bit pattern: the text reads back as the same number, and is no longer than "%.17g". */
static void test_doubles_read_back(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        double value;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if (i % 3 == 0)
            memcpy(&value, &x, sizeof(value)); /* any exponent */
        else if (i % 3 == 1)
            value = (double)(x >> 40) / 1000; /* what rates look like */
        else
            value = (double)(x >> 20) / (double)(x & 0xffff);
        if (!isfinite(value))
            continue;
        json_put_double(&b, value);
        assert_true(buf_ok(&b));
        double back = strtod(buf_string(&b), NULL);
        if (back != value)
            fail_msg("%.17g was written as %s", value, buf_string(&b));
        char longest[40];
        snprintf(longest, sizeof(longest), "%.17g", value);
        if (fabs(value) >= 1e-4 && fabs(value) < 0x1p53 && b.len > strlen(longest))
            fail_msg("%.17g was written as %s", value, buf_string(&b));
        buf_clear(&b);
    }
}

static void test_rounded(void **state)
{
    (void)state;
    static const struct {
        double value;
        unsigned digits;
        const char *json;
    } cases[] = {
        {0, 6, "0"},
        {1520, 2, "1520"},
        {9007199254740991.0, 6, "9007199254740991"},
        {1520.3333333333333, 6, "1520.33"},
        {0.25, 6, "0.25"},
        {1.0 / 3, 6, "0.333333"},
        {2.0 / 3, 6, "0.666667"},
        {-2.0 / 3, 3, "-0.667"},
        {0.00012345678, 6, "0.000123457"},
        {999999.5, 6, "1000000"},
        {9.9999999, 6, "10"},
        {1234567.89, 6, "1234568"},
        {0.1 + 0.2, 6, "0.3"},
        {1e-7, 6, "1e-07"},
        {1.5e300, 6, "1.5e+300"},
        {NAN, 6, "null"},
    };
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_put_rounded(&b, cases[i].value, cases[i].digits);
        assert_written(&b, cases[i].json);
    }
}

/* Every length, and the digits at which one more pair begins. */
static void test_written_whole(void **state)
{
    (void)state;
    char expected[32], at[JSON_NUMBER_MAX + 1];
    for (uint64_t power = 1, i = 0; i < 20; power *= 10, i++) {
        const uint64_t values[] = {power - 1, power, power + 1, power * 10 / 9};
        for (size_t k = 0; k < ARRAY_LEN(values); k++) {
            snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[k]);
            *json_write_u64(at, values[k]) = '\0';
            assert_string_equal(at, expected);
        }
    }
    *json_write_u64(at, UINT64_MAX) = '\0';
    assert_string_equal(at, "18446744073709551615");
    *json_write_rounded(at, -1234.5678, 6) = '\0';
    assert_string_equal(at, "-1234.57");
}

static void test_rounded_is_near(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    uint64_t x = 2463534242u;
    for (int i = 0; i < 100000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        double value = ldexp((double)(x >> 11), (int)(x % 120) - 100);
        json_put_rounded(&b, value, 9);
        double back = strtod(buf_string(&b), NULL);
        if (fabs(back - value) > fabs(value) * 5.1e-9)
            fail_msg("%.17g was written as %s", value, buf_string(&b));
        buf_clear(&b);
    }
}

static void test_integers(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    json_put_u64(&b, UINT64_MAX);
    assert_written(&b, "18446744073709551615");
    json_put_i64(&b, INT64_MIN);
    assert_written(&b, "-9223372036854775808");
    json_put_i64(&b, -1);
    assert_written(&b, "-1");
}

static void test_parse(void **state)
{
    (void)state;
    char why[200] = "";
    static const char good[] = "{\"op\":\"subscribe\",\"id\":1,\"since\":123}";
    json_t *value = json_parse(good, strlen(good), why, sizeof(why));
    assert_non_null(value);
    assert_string_equal(json_string_value(json_object_get(value, "op")), "subscribe");
    json_decref(value);

    static const char *const bad[] = {
        "",     "{",        "{\"a\":1,}", "{\"a\":1,\"a\":2}", "[1] 2",          "\"\\u0000\"",
        "nope", "\"\xff\"", "[1e999]",    "{\"a\" 1}",         "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        why[0] = '\0';
        assert_null(json_parse(bad[i], strlen(bad[i]), why, sizeof(why)));
        assert_true(strlen(why) > 10);
    }
}

static void test_parse_depth(void **state)
{
    (void)state;
    char why[200];
    char text[2 * (JSON_DEPTH_MAX + 1)];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        json_t *value = json_parse(text, 2 * depth, why, sizeof(why));
        assert_int_equal(value != NULL, depth == JSON_DEPTH_MAX);
        json_decref(value);
    }
    assert_non_null(strstr(why, "32"));
    /* Brackets inside strings are text. */
    char *brackets = malloc(1000);
    memset(brackets, '[', 1000);
    brackets[0] = brackets[999] = '"';
    brackets[500] = '\\';
    brackets[501] = '"';
    json_t *value = json_parse(brackets, 1000, why, sizeof(why));
    assert_non_null(value);
    json_decref(value);
    free(brackets);
}

int main(void)
{
    json_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),     cmocka_unit_test(test_comma_after_misleading_strings),
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_strings),
        cmocka_unit_test(test_doubles),       cmocka_unit_test(test_doubles_read_back),
        cmocka_unit_test(test_rounded),       cmocka_unit_test(test_rounded_is_near),
        cmocka_unit_test(test_written_whole), cmocka_unit_test(test_integers),
        cmocka_unit_test(test_parse),         cmocka_unit_test(test_parse_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
