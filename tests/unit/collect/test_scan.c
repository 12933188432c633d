/* Lines, words and numbers of /proc text. */
#include "stand.h"

static void test_lines(void **state)
{
    (void)state;
    char *copy;
    struct scan text = stand_text(&copy, "one\n\ntwo\nthr", 12), line;
    assert_true(scan_line(&text, &line) && scan_is(&line, "one", 3));
    assert_true(scan_line(&text, &line) && scan_len(&line) == 0);
    assert_true(scan_line(&text, &line) && scan_is(&line, "two", 3));
    assert_false(scan_line(&text, &line));
    assert_int_equal(scan_len(&text), 3); /* what was cut off */
    free(copy);
    text = (struct scan){NULL, NULL};
    assert_false(scan_line(&text, &line));
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {" \t 42 rest", true, 42},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999999", false, 0},
        {"", false, 0},
        {"   ", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"1x", false, 0},
        {"x1", false, 0},
        {"1.5", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *copy;
        struct scan line = stand_text(&copy, cases[i].text, strlen(cases[i].text));
        uint64_t value = 4711;
        assert_int_equal(scan_u64(&line, &value), cases[i].good);
        assert_int_equal(value, cases[i].good ? cases[i].value : 4711);
        free(copy);
    }
}

static void test_signed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        double value;
    } cases[] = {
        {"-1", true, -1},  {"12", true, 12},  {"-", false, 0}, {"- 1", false, 0},
        {"--1", false, 0}, {"-1x", false, 0}, {"", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *copy;
        struct scan line = stand_text(&copy, cases[i].text, strlen(cases[i].text));
        double value = 4711;
        assert_int_equal(scan_signed(&line, &value), cases[i].good);
        assert_true(value == (cases[i].good ? cases[i].value : 4711));
        free(copy);
    }
}

static void test_hex(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint32_t value;
    } cases[] = {
        {"0000000e", true, 14},    {"FFFFFFFF", true, UINT32_MAX},
        {" 1725 x", true, 0x1725}, {"123456789", false, 0},
        {"12g4", false, 0},        {"", false, 0},
        {"0x12", false, 0},        {"-1", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *copy;
        struct scan line = stand_text(&copy, cases[i].text, strlen(cases[i].text));
        uint32_t value = 4711;
        assert_int_equal(scan_hex(&line, &value), cases[i].good);
        assert_int_equal(value, cases[i].good ? cases[i].value : 4711);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
