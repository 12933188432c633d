/*
 * test_export.c: the formats of an export, read again: by jansson, by a reader of RFC 4180 of this
 * file's own, and line by line; wherever the pieces end. Hostile names stay data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/export_writer.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/table.h"
#include "wire/json.h"

#define T0 INT64_C(1764000000123)
#define ROWS 7

static struct scan_series pool[] = {
    {.name = "bytes_total",
     .unit = "bytes",
     .help = "Bytes \"so far\"\nand \\ more.",
     .key = "bytes_total{device=\"=cmd()\\n\\\"\"}",
     .kind = METRIC_COUNTER,
     .labels_count = 1,
     .labels = {{"device", "=cmd()\n\""}},
     .family_len = 11},
    {.name = "=level", /* no such name is ever made; a damaged database may have it */
     .unit = "+x",
     .help = "A level.",
     .key = "=level",
     .kind = METRIC_GAUGE,
     .family_len = 6},
    {.name = "temperature_celsius",
     .unit = "celsius",
     .help = "",
     .key = "temperature_celsius{a=\"1,2\",b=\"x\"}",
     .kind = METRIC_GAUGE,
     .labels_count = 2,
     .labels = {{"a", "1,2"}, {"b", "x"}},
     .family_len = 19},
};

static const double values[ARRAY_LEN(pool)][ROWS] = {
    {0, 1, 4503599627370496, 0.1, 3, 5, 1e300},
    {-1, 0.30000000000000004, 1e-7, -0.0, 12345678901234568.0, 2, 3},
    {1.5, 2.5, NAN, 4.5, 5.5, NAN, 7.5},
};

static struct scan_about about_all(void)
{
    return (struct scan_about){.tier = "raw",
                               .interval_ms = 1000,
                               .from_ms = T0,
                               .to_ms = T0 + 9000,
                               .series_count = ARRAY_LEN(pool),
                               .series = pool};
}

/* The whole text, in pieces of `step` rows; the buffer is a new one for each. */
static struct buf write_all(enum export_format format, bool wide, size_t step,
                            struct export_writer *w)
{
    static const char *const engines[] = {"netlink", "pro\"cfs"};
    const struct export_form *form = export_form(format, wide);
    struct buf all = BUF_INIT;
    w->host = "ho\"st";
    w->version = "1.0";
    w->engines = engines;
    w->engines_count = ARRAY_LEN(engines);
    int64_t times[ROWS];
    double block[ARRAY_LEN(pool) * ROWS];
    for (int phase = 0; phase < 3; phase++) {
        struct buf out = BUF_INIT;
        if (phase == 0)
            form->begin(w, &out);
        if (phase == 2)
            form->end(w, &out);
        assert_true(buf_ok(&out));
        buf_append(&all, out.data, out.len);
        buf_fini(&out);
        size_t groups = phase != 1 ? 0 : wide ? 1 : ARRAY_LEN(pool);
        for (size_t g = 0; g < groups; g++) {
            size_t columns = wide ? ARRAY_LEN(pool) : 1;
            for (size_t from = 0; from < ROWS; from += step) {
                size_t rows = 0, count = MIN(step, ROWS - from);
                bool keep[ROWS] = {false};
                for (size_t r = 0; r < count; r++)
                    keep[r] = wide || !isnan(values[g][from + r]);
                for (size_t r = 0; r < count; r++)
                    rows += keep[r];
                for (size_t c = 0; c < columns; c++) {
                    size_t row = 0;
                    for (size_t r = 0; r < count; r++) {
                        if (!keep[r])
                            continue;
                        times[row] = T0 + (int64_t)(from + r) * 1000;
                        block[c * rows + row++] = values[g + c][from + r];
                    }
                }
                const struct scan_piece piece = {.first_series = g,
                                                 .columns = columns,
                                                 .rows = rows,
                                                 .t_ms = times,
                                                 .values = block};
                struct buf text = BUF_INIT;
                if (rows)
                    form->piece(w, &piece, &text);
                assert_true(buf_ok(&text));
                buf_append(&all, text.data, text.len);
                buf_fini(&text);
            }
        }
    }
    return all;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void assert_number(const json_t *number, double expected)
{
    assert_true(json_is_number(number));
    double value = json_number_value(number);
    assert_true(memcmp(&value, &expected, sizeof(value)) == 0 || value == expected);
}

static void check_json(const struct buf *text)
{
    char why[128];
    json_t *all = json_parse(text->data, text->len, why, sizeof(why));
    if (!all)
        fail_msg("%s: %.*s", why, (int)text->len, text->data);
    const json_t *series = json_object_get(all, "series");
    assert_int_equal(json_array_size(series), ARRAY_LEN(pool));
    size_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(pool); i++) {
        const json_t *s = json_array_get(series, i), *points = json_object_get(s, "points");
        assert_string_equal(json_string_value(json_object_get(s, "name")), pool[i].name);
        assert_string_equal(json_string_value(json_object_get(s, "unit")), pool[i].unit);
        const json_t *labels = json_object_get(s, "labels");
        assert_int_equal(json_object_size(labels), pool[i].labels_count);
        for (size_t k = 0; k < pool[i].labels_count; k++)
            assert_string_equal(json_string_value(json_object_get(labels, pool[i].labels[k].name)),
                                pool[i].labels[k].value);
        size_t at = 0;
        for (size_t r = 0; r < ROWS; r++) {
            if (isnan(values[i][r]))
                continue;
            const json_t *point = json_array_get(points, at++);
            assert_int_equal(json_integer_value(json_array_get(point, 0)), T0 + (int64_t)r * 1000);
            assert_number(json_array_get(point, 1), values[i][r]);
        }
        assert_int_equal(json_array_size(points), at);
        total += at;
    }
    const json_t *metadata = json_object_get(all, "metadata");
    assert_int_equal(json_integer_value(json_object_get(metadata, "rows")), total);
    assert_string_equal(json_string_value(json_object_get(metadata, "host")), "ho\"st");
    assert_int_equal(json_integer_value(json_object_get(metadata, "from")), T0);
    assert_int_equal(json_array_size(json_object_get(metadata, "engines")), 2);
    json_decref(all);
}

static void test_json(void **state)
{
    (void)state;
    for (size_t step = 1; step <= ROWS; step++) {
        struct scan_about about = about_all();
        struct export_writer w = {.about = &about, .aggregate = AGG_SUM};
        struct buf text = write_all(EXPORT_JSON, false, step, &w);
        check_json(&text);
        buf_fini(&text);
        export_writer_fini(&w);
    }
}

static void test_json_empty(void **state)
{
    (void)state;
    char why[128];
    struct scan_about about = about_all();
    about.series_count = 0;
    struct export_writer w = {.about = &about, .host = "h", .version = "v"};
    struct buf text = BUF_INIT;
    export_json.begin(&w, &text);
    export_json.end(&w, &text);
    json_t *all = json_parse(text.data, text.len, why, sizeof(why));
    assert_non_null(all);
    assert_int_equal(json_array_size(json_object_get(all, "series")), 0);
    json_decref(all);
    buf_fini(&text);
    export_writer_fini(&w);
}

static void test_ndjson(void **state)
{
    (void)state;
    for (size_t step = 1; step <= ROWS; step++) {
        struct scan_about about = about_all();
        struct export_writer w = {.about = &about, .aggregate = AGG_SUM};
        struct buf text = write_all(EXPORT_NDJSON, false, step, &w);
        size_t i = 0, r = 0, lines = 0;
        for (char *at = text.data, *end = text.data + text.len; at < end; lines++) {
            char why[128], *newline = memchr(at, '\n', (size_t)(end - at));
            assert_non_null(newline);
            json_t *line = json_parse(at, (size_t)(newline - at), why, sizeof(why));
            if (!line)
                fail_msg("%s: %.*s", why, (int)(newline - at), at);
            while (r == ROWS || isnan(values[i][r])) {
                i += r == ROWS;
                r = r == ROWS ? 0 : r + 1;
            }
            assert_string_equal(json_string_value(json_object_get(line, "name")), pool[i].name);
            assert_int_equal(json_integer_value(json_object_get(line, "t")),
                             T0 + (int64_t)r * 1000);
            assert_number(json_object_get(line, "value"), values[i][r]);
            json_decref(line);
            r++;
            at = newline + 1;
        }
        assert_int_equal(lines, w.rows);
        assert_int_equal(lines, 3 * ROWS - 2);
        buf_fini(&text);
        export_writer_fini(&w);
    }
}

/* ---- CSV ----------------------------------------------------------------------------------- */

/* The next field of RFC 4180 text; its end in *ret_end: ',' or '\n'. */
static char *field(const char **at, const char *end, char *ret_end)
{
    struct buf text = BUF_INIT;
    const char *p = *at;
    if (p < end && *p == '"') {
        for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
            buf_char(&text, *p);
            p += *p == '"';
        }
        assert_true(p < end);
        p++;
    } else {
        while (p < end && *p != ',' && *p != '\r') {
            assert_true(*p != '"' && *p != '\n');
            buf_char(&text, *p++);
        }
    }
    assert_true(p < end && (*p == ',' || (*p == '\r' && p + 1 < end && p[1] == '\n')));
    *ret_end = *p == ',' ? ',' : '\n';
    *at = p + (*p == ',' ? 1 : 2);
    char *copy = mem_string(buf_string(&text));
    buf_fini(&text);
    return copy;
}

static void assert_field(const char **at, const char *end, const char *expected, char after)
{
    char stop, *text = field(at, end, &stop);
    assert_string_equal(text, expected);
    assert_int_equal(stop, after);
    free(text);
}

static void assert_value(const char **at, const char *end, double expected, char after)
{
    char stop, *text = field(at, end, &stop);
    double value = NAN;
    assert_int_equal(stop, after);
    if (isnan(expected)) {
        assert_string_equal(text, "");
    } else {
        assert_int_equal(text_double(text, &value), 0);
        assert_true(value == expected);
    }
    free(text);
}

static void test_csv(void **state)
{
    static const char *const names[] = {"bytes_total", "'=level", "temperature_celsius"};
    static const char *const labels[] = {"device=\"=cmd()\\n\\\"\"", "", "a=\"1,2\",b=\"x\""};
    static const char *const units[] = {"bytes", "'+x", "celsius"};
    (void)state;
    for (size_t step = 1; step <= ROWS; step++) {
        struct scan_about about = about_all();
        struct export_writer w = {.about = &about, .aggregate = AGG_SUM};
        struct buf text = write_all(EXPORT_CSV, false, step, &w);
        const char *at = text.data, *end = text.data + text.len;
        assert_field(&at, end, "time", ',');
        assert_field(&at, end, "name", ',');
        assert_field(&at, end, "labels", ',');
        assert_field(&at, end, "unit", ',');
        assert_field(&at, end, "value", '\n');
        for (size_t i = 0; i < ARRAY_LEN(pool); i++) {
            for (size_t r = 0; r < ROWS; r++) {
                char when[40];
                if (isnan(values[i][r]))
                    continue;
                text_format_time(T0 + (int64_t)r * 1000, when, sizeof(when));
                assert_field(&at, end, when, ',');
                assert_field(&at, end, names[i], ',');
                assert_field(&at, end, labels[i], ',');
                assert_field(&at, end, units[i], ',');
                assert_value(&at, end, values[i][r], '\n');
            }
        }
        assert_ptr_equal(at, end);
        assert_int_equal(w.rows, 3 * ROWS - 2);
        buf_fini(&text);
        export_writer_fini(&w);
    }
}

static void test_csv_wide(void **state)
{
    (void)state;
    for (size_t step = 1; step <= ROWS; step++) {
        struct scan_about about = about_all();
        struct export_writer w = {.about = &about, .aggregate = AGG_SUM, .wide = true};
        struct buf text = write_all(EXPORT_CSV, true, step, &w);
        const char *at = text.data, *end = text.data + text.len;
        assert_field(&at, end, "time", ',');
        assert_field(&at, end, pool[0].key, ',');
        assert_field(&at, end, "'=level", ',');
        assert_field(&at, end, pool[2].key, '\n');
        for (size_t r = 0; r < ROWS; r++) {
            char when[40];
            text_format_time(T0 + (int64_t)r * 1000, when, sizeof(when));
            assert_field(&at, end, when, ',');
            assert_value(&at, end, values[0][r], ',');
            assert_value(&at, end, values[1][r], ',');
            assert_value(&at, end, values[2][r], '\n');
        }
        assert_ptr_equal(at, end);
        assert_int_equal(w.rows, ROWS);
        buf_fini(&text);
        export_writer_fini(&w);
    }
}

static void test_cells(void **state)
{
    static const struct {
        const char *text, *cell;
    } cases[] = {
        {"", ""},
        {"a", "a"},
        {"a b", "a b"},
        {"=1+1", "'=1+1"},
        {"+1", "'+1"},
        {"-1", "'-1"},
        {"@x", "'@x"},
        {"\tx", "\"'\tx\""},
        {"\rx", "\"'\rx\""},
        {"\n=x", "\"'\n'=x\""},
        {"=\"a\",b", "\"'=\"\"a\"\",b\""},
        {"a=b", "a=b"},
        {"a,b", "\"a,b\""},
        {"\"", "\"\"\"\""},
        {"a\nb", "\"a\nb\""},
        {"a;b", "\"a;b\""},
        {"a=b;c=d;", "\"a=b;c=d;\""},
        {"a;=1", "\"a;'=1\""},
        {"a;\"=1", "\"a;'\"\"=1\""},
        {"a\t@x\n-1", "\"a\t'@x\n'-1\""},
        {";;+1", "\";;'+1\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = BUF_INIT;
        export_put_cell(&out, cases[i].text);
        assert_string_equal(buf_string(&out), cases[i].cell);
        buf_fini(&out);
    }
}

static void test_times(void **state)
{
    static const int64_t times[] = {
        0,         1,      999,           86399999, 86400000,       T0, -1, -86400000,
        -86400001, T0 + 1, 4102444800000, T0,       253402300799999};
    struct export_clock clock = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct buf out = BUF_INIT;
        char expected[40];
        export_put_time(&clock, times[i], &out);
        text_format_time(times[i], expected, sizeof(expected));
        assert_string_equal(buf_string(&out), expected);
        buf_fini(&out);
    }
}

/* ---- OpenMetrics --------------------------------------------------------------------------- */

#define FAMILY(n) .name = n, .family_len = sizeof(n) - 1

static void test_openmetrics(void **state)
{
    static struct scan_series series[] = {
        {FAMILY("a_bytes_total"), .unit = "bytes", .help = "A \"b\"\n\\", .key = "a_bytes_total",
         .kind = METRIC_COUNTER},
        {FAMILY("level"), .unit = "x", .help = "L", .key = "level{a=\"b\"}", .kind = METRIC_GAUGE},
        {FAMILY("plain"), .unit = "", .help = "", .key = "plain", .kind = METRIC_COUNTER},
        {.name = "h_bucket",
         .family_len = 1,
         .is_histogram = true,
         .unit = "",
         .help = "H",
         .key = "h_bucket{le=\"1\"}",
         .kind = METRIC_COUNTER},
        {.name = "h_bucket",
         .family_len = 1,
         .is_histogram = true,
         .unit = "",
         .help = "H",
         .key = "h_bucket{le=\"+Inf\"}",
         .kind = METRIC_COUNTER},
        {.name = "h_count",
         .family_len = 1,
         .is_histogram = true,
         .unit = "",
         .help = "H",
         .key = "h_count",
         .kind = METRIC_COUNTER},
    };
    static const char expected[] = "# TYPE a_bytes counter\n"
                                   "# UNIT a_bytes bytes\n"
                                   "# HELP a_bytes A \\\"b\\\"\\n\\\\\n"
                                   "a_bytes_total 5 1000.000\n"
                                   "a_bytes_total 7.5 1001.000\n"
                                   /* 100 counted while the clock was back: with the next one */
                                   "a_bytes_total 108.5 1002.500\n"
                                   "# TYPE level gauge\n"
                                   "# HELP level L\n"
                                   "level{a=\"b\"} 1 1000.000\n"
                                   "level{a=\"b\"} -2 1001.000\n"
                                   "# TYPE plain unknown\n"
                                   "# HELP plain \n"
                                   "plain 1 1000.000\n"
                                   "# TYPE h histogram\n"
                                   "# HELP h H\n"
                                   "h_bucket{le=\"1\"} 1 1000.000\n"
                                   "h_bucket{le=\"+Inf\"} 3 1000.000\n"
                                   "h_count 3 1000.000\n"
                                   "h_bucket{le=\"1\"} 1 1001.000\n"
                                   "h_bucket{le=\"+Inf\"} 4 1001.000\n"
                                   "h_count 4 1001.000\n"
                                   "# EOF\n";
    static const int64_t times[] = {1000000, 1001000, 1000500, 1002500};
    static const double counted[] = {5, 2.5, 100, 1}, levels[] = {1, -2}, one[] = {1},
                        parts[] = {1, 0, 3, 1, 3, 1};
    (void)state;
    for (size_t step = 1; step <= 4; step += 3) {
        struct scan_about about = {.series_count = ARRAY_LEN(series), .series = series};
        struct export_writer w = {.about = &about, .aggregate = AGG_SUM};
        struct buf out = BUF_INIT;
        export_openmetrics.begin(&w, &out);
        for (size_t from = 0; from < 4; from += step)
            export_openmetrics.piece(
                &w, &(struct scan_piece){0, 1, step, times + from, counted + from}, &out);
        export_openmetrics.piece(&w, &(struct scan_piece){1, 1, 2, times, levels}, &out);
        export_openmetrics.piece(&w, &(struct scan_piece){2, 1, 1, times, one}, &out);
        export_openmetrics.piece(&w, &(struct scan_piece){3, 3, 2, times, parts}, &out);
        export_openmetrics.end(&w, &out);
        assert_string_equal(buf_string(&out), expected);
        assert_int_equal(w.left_out, 1);
        assert_int_equal(w.rows, 8);
        buf_fini(&out);
        export_writer_fini(&w);
    }
}

/* What node_exporter calls otherwise goes out as /metrics calls it; of a rate that is not the type.
 */
static void test_openmetrics_types(void **state)
{
    static const struct {
        const char *name;
        enum metric_kind kind;
        enum aggregate aggregate;
        const char *type;
    } cases[] = {
        {"node_netstat_Tcp_CurrEstab", METRIC_GAUGE, AGG_SUM, "unknown"},
        {"node_netstat_Tcp_CurrEstab", METRIC_GAUGE, AGG_AVG, "unknown"},
        {"node_netstat_Tcp_InSegs", METRIC_COUNTER, AGG_SUM, "unknown"},
        {"node_netstat_Tcp_InSegs", METRIC_COUNTER, AGG_AVG, "gauge"},
        {"node_nf_conntrack_stat_drop", METRIC_COUNTER, AGG_SUM, "gauge"},
        {"node_network_up", METRIC_GAUGE, AGG_SUM, "gauge"},
    };
    static const int64_t times[] = {1000};
    static const double five[] = {5};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct scan_series series = {.name = cases[i].name,
                                     .family_len = strlen(cases[i].name),
                                     .unit = "",
                                     .help = "",
                                     .key = cases[i].name,
                                     .kind = cases[i].kind};
        struct scan_about about = {.series_count = 1, .series = &series, .interval_ms = 1000};
        struct export_writer w = {.about = &about, .aggregate = cases[i].aggregate};
        struct buf out = BUF_INIT, expected = BUF_INIT;
        export_openmetrics.begin(&w, &out);
        export_openmetrics.piece(&w, &(struct scan_piece){0, 1, 1, times, five}, &out);
        buf_printf(&expected, "# TYPE %s %s\n# HELP %s \n%s 5 1.000\n", cases[i].name,
                   cases[i].type, cases[i].name, cases[i].name);
        assert_string_equal(buf_string(&out), buf_string(&expected));
        buf_fini(&out);
        buf_fini(&expected);
        export_writer_fini(&w);
    }
}

/* Rates are gauges, and steps of counters have their value at their end. */
static void test_openmetrics_kinds(void **state)
{
    static struct scan_series series[] = {
        {FAMILY("a_total"), .unit = "bytes", .help = "", .key = "a_total", .kind = METRIC_COUNTER},
    };
    static const int64_t times[] = {60000, 120000};
    static const double counted[] = {5, 2.5};
    (void)state;
    struct scan_about about = {.series_count = 1, .series = series, .interval_ms = 60000};
    for (int rates = 0; rates < 2; rates++) {
        struct export_writer w = {
            .about = &about, .aggregate = rates ? AGG_AVG : AGG_SUM, .steps = true};
        struct buf out = BUF_INIT;
        export_openmetrics.begin(&w, &out);
        export_openmetrics.piece(&w, &(struct scan_piece){0, 1, 2, times, counted}, &out);
        export_openmetrics.end(&w, &out);
        assert_string_equal(buf_string(&out),
                            rates ? "# TYPE a_total gauge\n# HELP a_total \n"
                                    "a_total 5 60.000\na_total 2.5 120.000\n# EOF\n"
                                  : "# TYPE a counter\n# HELP a \n"
                                    "a_total 5 120.000\na_total 7.5 180.000\n# EOF\n");
        buf_fini(&out);
        export_writer_fini(&w);
    }
}

/* ---- tables -------------------------------------------------------------------------------- */

static void test_table(void **state)
{
    (void)state;
    struct table *table = table_new(TABLE_INTERFACES, 2);
    for (uint64_t i = 1; i <= 2; i++) {
        struct cell *row = table_row(table, i);
        cell_text(table, &row[IF_DEVICE], i == 1 ? "=cmd|' /C calc'!A0" : "eth0");
        cell_list(table, &row[IF_ADDRESSES], i == 1 ? "10.0.0.1\nfe80::1" : "");
        cell_real(&row[IF_RX_RATE], 0.1);
    }
    for (int format = EXPORT_JSON; format <= EXPORT_NDJSON; format++) {
        struct export_table t = {
            .table = table, .t_ms = T0, .total = 2, .host = "h", .version = "v"};
        struct buf out = BUF_INIT;
        export_table_begin(&t, (enum export_format)format, &out);
        for (size_t r = 0; r < 2; r++)
            export_table_row(&t, (enum export_format)format, r, &out);
        export_table_end(&t, (enum export_format)format, &out);
        assert_int_equal(t.rows, 2);
        const char *text = buf_string(&out);
        char why[128];
        if (format == EXPORT_JSON) {
            json_t *all = json_parse(text, out.len, why, sizeof(why));
            assert_non_null(all);
            assert_int_equal(json_array_size(json_object_get(all, "rows")), 2);
            json_t *metadata = json_object_get(all, "metadata");
            assert_int_equal(json_integer_value(json_object_get(metadata, "rows")), 2);
            json_decref(all);
        } else if (format == EXPORT_NDJSON) {
            json_t *line = json_parse(text, strcspn(text, "\n"), why, sizeof(why));
            assert_non_null(line);
            assert_string_equal(json_string_value(json_object_get(line, "device")),
                                "=cmd|' /C calc'!A0");
            assert_int_equal(json_array_size(json_object_get(line, "addresses")), 2);
            json_decref(line);
        } else {
            const char *at = strchr(text, '\n') + 1, *end = text + out.len;
            assert_true(strncmp(text, "id,device,", 10) == 0);
            assert_field(&at, end, "1", ',');
            assert_field(&at, end, "'=cmd|' /C calc'!A0", ',');
            assert_non_null(strstr(text, ",10.0.0.1 fe80::1,"));
        }
        buf_fini(&out);
    }
    table_unref(table);
}

static void test_formats(void **state)
{
    enum export_format format = EXPORT_CSV;
    (void)state;
    assert_int_equal(export_format_parse("ndjson", &format), 0);
    assert_int_equal(format, EXPORT_NDJSON);
    assert_int_equal(export_format_parse("xml", &format), -EINVAL);
    assert_int_equal(export_format_parse("", &format), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_empty),
        cmocka_unit_test(test_ndjson),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_wide),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_openmetrics_types),
        cmocka_unit_test(test_openmetrics_kinds),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
