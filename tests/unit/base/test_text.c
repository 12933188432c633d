/* test_text.c: every form that text.h promises to read, and the near misses it must refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"

#define UNTOUCHED 4711

static void test_u64(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"007", 0, 7},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"99999999999999999999999", -ERANGE, 0},
        {"", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1.0", -EINVAL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t value = UNTOUCHED;
        int err = text_u64(cases[i].text, &value);
        if (err != cases[i].err || value != (err ? UNTOUCHED : cases[i].value))
            fail_msg("\"%s\": %d, %ju", cases[i].text, err, (uintmax_t)value);
    }
}

static void test_double(void **state)
{
    static const struct {
        const char *text;
        int err;
        double value;
    } cases[] = {
        {"0", 0, 0},           {"-2.5", 0, -2.5},    {"+3", 0, 3},          {".5", 0, .5},
        {"1e3", 0, 1000},      {"1E-2", 0, .01},     {"1e999", -ERANGE, 0}, {"", -EINVAL, 0},
        {"inf", -EINVAL, 0},   {"nan", -EINVAL, 0},  {"0x1p3", -EINVAL, 0}, {"1,5", -EINVAL, 0},
        {" 1", -EINVAL, 0},    {"1 ", -EINVAL, 0},   {"1e", -EINVAL, 0},    {"--1", -EINVAL, 0},
        {"1.2.3", -EINVAL, 0}, {"-inf", -EINVAL, 0}, {".", -EINVAL, 0},     {"-", -EINVAL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = UNTOUCHED;
        int err = text_double(cases[i].text, &value);
        double want = err ? UNTOUCHED : cases[i].value;
        if (err != cases[i].err || memcmp(&value, &want, sizeof(want)) != 0)
            fail_msg("\"%s\": %d, %g", cases[i].text, err, value);
    }
}

#define DAY_MS (INT64_C(86400) * 1000)

static void test_duration(void **state)
{
    static const struct {
        const char *text;
        int err;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"0s", 0, 0},
        {"100ms", 0, 100},
        {"5s", 0, 5000},
        {"0.1s", 0, 100},
        {"1.5m", 0, 90000},
        {"2h", 0, 7200000},
        {"14d", 0, 14 * DAY_MS},
        {"2w", 0, 14 * DAY_MS},
        {"5y", 0, 5 * 365 * DAY_MS},
        {"0.001s", 0, 1},
        {"0.5ms", -EINVAL, 0}, /* no whole number of milliseconds */
        {"0.0001s", -EINVAL, 0},
        {"1", -EINVAL, 0}, /* of what? */
        {"5 s", -EINVAL, 0},
        {"-5s", -EINVAL, 0},
        {"5S", -EINVAL, 0},
        {"5sec", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"1.s", -EINVAL, 0},
        {".5s", -EINVAL, 0},
        {"1m30s", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"0.0000000001s", -ERANGE, 0},
        {"292471209y", -ERANGE, 0},
        {"600000000y", -ERANGE, 0},
        {"99999999999999999999s", -ERANGE, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = UNTOUCHED;
        int err = text_duration_ms(cases[i].text, &value);
        if (err != cases[i].err || value != (err ? UNTOUCHED : cases[i].value))
            fail_msg("\"%s\": %d, %jd", cases[i].text, err, (intmax_t)value);
    }
}

static void test_size(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"512", 0, 512},
        {"512B", 0, 512},
        {"64KiB", 0, 65536},
        {"1.5KiB", 0, 1536},
        {"2GiB", 0, UINT64_C(2) << 30},
        {"1TiB", 0, UINT64_C(1) << 40},
        {"10MB", 0, 10000000},
        {"10kB", 0, 10000},
        {"10KB", 0, 10000},
        {"16777215TiB", 0, UINT64_C(16777215) << 40},
        {"16777216TiB", -ERANGE, 0},
        {"0.3B", -EINVAL, 0},
        {"64K", -EINVAL, 0}, /* 1000 or 1024? */
        {"64kib", -EINVAL, 0},
        {"10Mbit", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"KiB", -EINVAL, 0},
        {"", -EINVAL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t value = UNTOUCHED;
        int err = text_size_bytes(cases[i].text, &value);
        if (err != cases[i].err || value != (err ? UNTOUCHED : cases[i].value))
            fail_msg("\"%s\": %d, %ju", cases[i].text, err, (uintmax_t)value);
    }
}

static void test_rate(void **state)
{
    static const struct {
        const char *text;
        int err;
        double value;
    } cases[] = {
        {"10Mbit", 0, 1.25e6},  {"1Gbit", 0, 125e6},  {"8bit", 0, 1},
        {"0.5kbit", 0, 62.5},   {"125kB", 0, 125e3},  {"1MiB", 0, 1048576},
        {"100B", 0, 100},       {"0", 0, 0},          {"0.0", 0, 0},
        {"10", -EINVAL, 0},     {"0.1", -EINVAL, 0},  {"10MBit", -EINVAL, 0},
        {"10mbit", -EINVAL, 0}, {"Mbit", -EINVAL, 0}, {"-1Mbit", -EINVAL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = UNTOUCHED;
        int err = text_rate_bytes(cases[i].text, &value);
        double want = err ? UNTOUCHED : cases[i].value;
        if (err != cases[i].err || memcmp(&value, &want, sizeof(want)) != 0)
            fail_msg("\"%s\": %d, %g", cases[i].text, err, value);
    }
}

static void test_time(void **state)
{
    static const int64_t now = INT64_C(1764000000123);
    static const struct {
        const char *text;
        int err;
        int64_t value;
    } cases[] = {
        {"1764000000000", 0, INT64_C(1764000000000)},
        {"0", 0, 0},
        {"now", 0, INT64_C(1764000000123)},
        {"now-15m", 0, INT64_C(1764000000123) - 900000},
        {"now-0", 0, INT64_C(1764000000123)},
        {"-60", 0, INT64_C(1764000000123) - 60000},
        {"1970-01-01T00:00:00Z", 0, 0},
        {"2025-11-24T16:00:00Z", 0, INT64_C(1764000000000)},
        {"2025-11-24t16:00:00z", 0, INT64_C(1764000000000)},
        {"2025-11-24 16:00:00Z", 0, INT64_C(1764000000000)},
        {"2025-11-24T17:30:00+01:30", 0, INT64_C(1764000000000)},
        {"2025-11-24T08:00:00.5-08:00", 0, INT64_C(1764000000500)},
        {"2025-11-24T16:00:00.1239Z", 0, INT64_C(1764000000123)},
        {"2024-02-29T00:00:00Z", 0, INT64_C(1709164800000)},
        {"1969-12-31T23:59:59Z", 0, -1000},
        {"2016-12-31T23:59:60Z", 0, INT64_C(1483228800000)}, /* leap second */
        {"2025-02-29T00:00:00Z", -EINVAL, 0},
        {"2025-13-01T00:00:00Z", -EINVAL, 0},
        {"2025-00-01T00:00:00Z", -EINVAL, 0},
        {"2025-04-31T00:00:00Z", -EINVAL, 0},
        {"2025-04-00T00:00:00Z", -EINVAL, 0},
        {"2025-11-24T24:00:00Z", -EINVAL, 0},
        {"2025-11-24T16:60:00Z", -EINVAL, 0},
        {"2025-11-24T16:00:61Z", -EINVAL, 0},
        {"2025-11-24T16:00:00", -EINVAL, 0}, /* of which zone? */
        {"2025-11-24T16:00:00.Z", -EINVAL, 0},
        {"2025-11-24T16:00:00+24:00", -EINVAL, 0},
        {"2025-11-24T16:00:00Zx", -EINVAL, 0},
        {"2025-11-24", -EINVAL, 0},
        {"now-", -EINVAL, 0},
        {"now-15", -EINVAL, 0},
        {"now+1h", -EINVAL, 0},
        {"nowx", -EINVAL, 0},
        {"-", -EINVAL, 0},
        {"-1.5", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"9223372036854775808", -ERANGE, 0},
        {"99999999999999999999", -ERANGE, 0},
        {"-9223372036854775", 0, INT64_C(1764000000123) - INT64_C(9223372036854775000)},
        {"-9223372036854776", -ERANGE, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = UNTOUCHED;
        int err = text_time_ms(cases[i].text, now, &value);
        if (err != cases[i].err || value != (err ? UNTOUCHED : cases[i].value))
            fail_msg("\"%s\": %d, %jd", cases[i].text, err, (intmax_t)value);
    }
}

static void test_format_duration(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "1ms"},
        {1000, "1s"},
        {1500, "1500ms"},
        {60000, "1m"},
        {90000, "90s"},
        {3600000, "1h"},
        {2 * DAY_MS, "2d"},
        {14 * DAY_MS, "14d"},
        {365 * DAY_MS, "1y"},
        {-90000, "-90s"},
        {INT64_MIN, NULL},
    };
    char out[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        text_format_duration(cases[i].ms, out, sizeof(out));
        if (cases[i].text)
            assert_string_equal(out, cases[i].text);
    }
    for (int64_t ms = 1; ms < 1000 * DAY_MS; ms = ms * 7 / 3 + 1) { /* reads back as written */
        int64_t back = 0;
        text_format_duration(ms, out, sizeof(out));
        assert_int_equal(text_duration_ms(out, &back), 0);
        assert_true(back == ms);
    }
    char small[4] = "xyz";
    text_format_duration(123456, small, sizeof(small)); /* cut, terminated */
    assert_string_equal(small, "123");
}

static void test_format_size(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0B"},
        {512, "512B"},
        {65536, "64KiB"},
        {1536, "1536B"},
        {UINT64_C(2) << 30, "2GiB"},
        {UINT64_C(3) << 40, "3TiB"},
        {UINT64_MAX, "18446744073709551615B"},
    };
    char out[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t back = 0;
        text_format_size(cases[i].bytes, out, sizeof(out));
        assert_string_equal(out, cases[i].text);
        assert_int_equal(text_size_bytes(out, &back), 0);
        assert_true(back == cases[i].bytes);
    }
}

static void test_glob(void **state)
{
    static const struct {
        const char *glob, *text;
        bool match;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything", true},
        {"**", "", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "\xc3\xa4", true}, /* one character of two bytes */
        {"??", "\xc3\xa4", false},
        {"?", "\xff", true}, /* no UTF-8: a character of its own */
        {"eth*", "eth0", true},
        {"eth*", "veth0", false},
        {"*0", "eth0", true},
        {"*0", "eth00", true},
        {"*0", "eth01", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"node_*_total", "node_network_receive_bytes_total", true},
        {"node_*_total", "node_network_receive_bytes", false},
        {"[a-z]", "m", true},
        {"[a-z]", "M", false},
        {"[!a-z]", "M", true},
        {"[!a-z]", "m", false},
        {"[!a-z]", "", false},
        {"[abc]x", "bx", true},
        {"[abc]x", "dx", false},
        {"[a-cx-z]", "y", true},
        {"[]]", "]", true},
        {"[]-]", "-", true},
        {"[a-]", "-", true},
        {"[\\]]", "]", true},
        {"[\\!a]", "!", true},
        {"[\xc3\xa4-\xc3\xbc]", "\xc3\xb6", true},
        {"[a", "[a", false}, /* not closed: matches nothing */
        {"[a", "a", false},
        {"[", "[", false},
        {"*[", "ab[", false},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\?", "?", true},
        {"\\[a]", "[a]", true},
        {"a\\", "a\\", true}, /* nothing left to quote */
        {"*[0-9]", "eth12", true},
        {"*[0-9]", "eth1x", false},
        {"a?c*", "abcdef", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (text_glob(cases[i].glob, cases[i].text) != cases[i].match)
            fail_msg("glob \"%s\", text \"%s\"", cases[i].glob, cases[i].text);
    }
}

/* What a backtracking matcher would need longer than the universe for. */
static void test_glob_hostile(void **state)
{
    char glob[512], text[4001];
    (void)state;
    for (size_t i = 0; i + 2 < sizeof(glob); i += 2)
        memcpy(glob + i, "*a", 2);
    glob[510] = 'b';
    glob[511] = '\0';
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    int64_t start = clock_mono_ns();
    assert_false(text_glob(glob, text));
    memset(glob, '[', sizeof(glob) - 1);
    glob[0] = '*';
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 2] = 'x';
    assert_false(text_glob(glob, text));
    assert_true(clock_mono_ns() - start < 60 * NS_PER_S); /* valgrind on a slow machine included */
}

static void test_name(void **state)
{
    char longest[65], too_long[66];
    (void)state;
    memset(longest, 'n', 64);
    memset(too_long, 'n', 65);
    longest[64] = too_long[65] = '\0';
    assert_true(text_is_name("a"));
    assert_true(text_is_name("Azaz09._-"));
    assert_true(text_is_name(longest));
    assert_false(text_is_name(too_long));
    assert_false(text_is_name(""));
    assert_false(text_is_name("a b"));
    assert_false(text_is_name("a/b"));
    assert_false(text_is_name("\xc3\xa4"));
}

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {
        {"", 0},
        {"plain ASCII, longer than eight bytes", 36},
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"12345678\xc3\xa4", 10},
        {"1234567\xc3\xa4"
         "90",
         11},
        {"a\xff", 1},
        {"a\xc3", 1}, /* cut short */
        {"a\xe2\x82", 1},
        {"\x80", 0},     /* begins in the middle */
        {"\xc0\x80", 0}, /* overlong NUL */
        {"\xc1\xbf", 0},
        {"\xe0\x80\x80", 0}, /* overlong */
        {"\xf0\x80\x80\x80", 0},
        {"\xed\xa0\x80", 0}, /* surrogate */
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xf4\x8f\xbf\xbf", 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xc3(", 0},
        {"12345678abc\xff"
         "defgh",
         11},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        /* An exact copy on the heap: reading past the end shows. */
        size_t len = strlen(cases[i].text);
        char *copy = mem_alloc(len);
        memcpy(copy, cases[i].text, len);
        size_t valid = text_utf8_valid(copy, len);
        free(copy);
        if (valid != cases[i].valid)
            fail_msg("case %zu: %zu", i, valid);
    }
    assert_int_equal(text_utf8_valid("a\0b", 3), 3);
}

static void test_slips(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t slips;
    } cases[] = {
        {"", "", 0},         {"keep", "keep", 0}, {"kep", "keep", 1}, {"keepp", "keep", 1},
        {"kepe", "keep", 1}, {"kelp", "keep", 1}, {"for", "form", 1}, {"warnign", "warning", 1},
        {"", "sigma", 5},    {"for", "keep", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(text_slips(cases[i].a, cases[i].b), cases[i].slips);
        assert_int_equal(text_slips(cases[i].b, cases[i].a), cases[i].slips);
    }
    assert_int_equal(text_slips("a word that is far too long to be a key", "key"), 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64),
        cmocka_unit_test(test_double),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_format_duration),
        cmocka_unit_test(test_format_size),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_glob_hostile),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_slips),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
