/* test_series_csv.c: every form of a time and a value, headers, quotes; and what is refused, why.
 */
#include "daemon/series_csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"

#define NEW_YEAR INT64_C(1735689600000) /* 2025-01-01T00:00:00Z */

static int line_of(struct series_csv *c, const char *line, struct series_row *row, char why[256])
{
    return series_csv_line(c, line, strlen(line), row, why, 256);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t t_ms;
    } cases[] = {
        {"1735689600", NEW_YEAR},
        {"1735689600.25", NEW_YEAR + 250},
        {"1735689600000", NEW_YEAR},
        {"2025-01-01T00:00:00Z", NEW_YEAR},
        {"2025-01-01t00:00:00.5z", NEW_YEAR + 500},
        {"2025-01-01T01:30:00+01:30", NEW_YEAR},
        {"2024-12-31T19:00:00.123456-05:00", NEW_YEAR + 123},
        {"2025-01-01 00:00:00", NEW_YEAR},
        {"2025-01-01 00:00", NEW_YEAR},
        {"2024-02-29 00:00:00", INT64_C(1709164800000)},
        {"2000-03-01 00:00:00", INT64_C(951868800000)},
        {"1970-01-01 00:00:00", 0},
        {"9999-12-31 23:59:59.999", INT64_C(253402300799999)},
        {"0", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct series_csv c;
        struct series_row row;
        char line[128], why[256] = "";
        series_csv_begin(&c);
        snprintf(line, sizeof(line), "%s,1.5\r\n", cases[i].text);
        if (line_of(&c, line, &row, why) != 1)
            fail_msg("%s: %s", cases[i].text, why);
        assert_int_equal(row.t_ms, cases[i].t_ms);
        assert_string_equal(row.time, cases[i].text);
        assert_true(fabs(row.value - 1.5) < 1e-12);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *word;
    } cases[] = {
        {"2025-02-29 00:00:00,1", "no time"},
        {"2100-02-29 00:00:00,1", "no time"},
        {"2025-13-01 00:00:00,1", "no time"},
        {"2025-00-01 00:00:00,1", "no time"},
        {"2025-01-01 24:00:00,1", "no time"},
        {"2025-01-01 00:60:00,1", "no time"},
        {"2025-01-01,1", "no time"},
        {"2025-01-01 00:00:00 UTC,1", "no time"},
        {"2025-01-01T00:00:00+1:00,1", "no time"},
        {"2025-01-01T00:00:00.,1", "no time"},
        {"1969-12-31 23:59:59,1", "no time"},
        {"-5,1", "no time"},
        {"now,1", "no time"},
        {"1e300,1", "no time"},
        {",1", "no time"},
        {"17356896000000000000000000000000000000000000000000,1", "no time"},
        {"1735689600,one", "no number"},
        {"1735689600,1 2", "no number"},
        {"1735689600,inf", "no number"},
        {"1735689600,0x10", "no number"},
        {"1735689600", "timestamp,value"},
        {"\"1735689600,1", "quote"},
        {"17356\"89600,1", "quote"},
        {"\"1735689600\"x,1", "quote"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct series_csv c;
        struct series_row row;
        char why[256] = "";
        series_csv_begin(&c);
        assert_int_equal(line_of(&c, "1735689600,1", &row, why), 1); /* no header any more */
        if (line_of(&c, cases[i].line, &row, why) != -EINVAL || !strstr(why, cases[i].word))
            fail_msg("%s: %s", cases[i].line, why);
    }
}

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header, *line;
        double value;
    } cases[] = {
        {"timestamp,value", "1735689600,7", 7},
        {"\xef\xbb\xbf\"Timestamp\",\"Value\"", "1735689600,7", 7},
        {"when,what", "1735689600,7", 7},
        {"time,name,labels,unit,value", "1735689600,node_x,\"a=\"\"b\"\",c\",bytes,7", 7},
        {"value,t", "7,1735689600", 7},
        {"date,value,other", "1735689600,7,8", 7},
        {"", "1735689600,7", 7},
        {"timestamp,value", "1735689600,", NAN},
        {"timestamp,value", "1735689600,NaN", NAN},
        {"timestamp,value", "1735689600,null,9", NAN},
        {"timestamp,value", "\"1735689600\" , \"-1e-3\"", -1e-3},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct series_csv c;
        struct series_row row;
        char why[256] = "";
        series_csv_begin(&c);
        assert_int_equal(line_of(&c, "\n", &row, why), 0);
        assert_int_equal(line_of(&c, cases[i].header, &row, why), 0);
        if (line_of(&c, cases[i].line, &row, why) != 1)
            fail_msg("%s: %s", cases[i].line, why);
        assert_int_equal(row.t_ms, NEW_YEAR);
        if (isnan(cases[i].value))
            assert_true(isnan(row.value) != 0);
        else
            assert_true(fabs(row.value - cases[i].value) < 1e-12);
        assert_int_equal(line_of(&c, cases[i].header[0] ? cases[i].header : "x,y", &row, why),
                         -EINVAL);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct series_csv c;
    struct series_row row;
    char why[256] = "", line[SERIES_CSV_LINE_MAX + 10];
    series_csv_begin(&c);
    memset(line, ',', sizeof(line));
    assert_int_equal(series_csv_line(&c, line, SERIES_CSV_COLUMNS_MAX, &row, why, 256), -EINVAL);
    assert_non_null(strstr(why, "columns"));
    memset(line, '1', sizeof(line));
    assert_int_equal(series_csv_line(&c, line, SERIES_CSV_LINE_MAX - 1, &row, why, 256), -EINVAL);
    assert_int_equal(series_csv_line(&c, line, SERIES_CSV_LINE_MAX, &row, why, 256), -EINVAL);
    assert_non_null(strstr(why, "longer"));
    assert_int_equal(series_csv_line(&c, "1\0,2", 4, &row, why, 256), -EINVAL);
    assert_non_null(strstr(why, "byte 0"));
    assert_int_equal(series_csv_line(&c, "", 0, &row, why, 256), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
