/* test_table.c: cells and their texts, growth, and an order that sorting can rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "model/table.h"

/* A busy host's tables are most of the memory that main has. */
_Static_assert(sizeof(struct cell) == 9, "a cell is no larger than what it says");

static void test_schema(void **state)
{
    (void)state;
    /* CONTRACT section 6, word for word, and what came later. */
    static const char *const names[] = {"id",         "device",  "kind",      "state",
                                        "speed_bps",  "mtu",     "addresses", "rx_bytes",
                                        "tx_bytes",   "rx_rate", "tx_rate",   "rx_packets",
                                        "tx_packets", "errors",  "drops",     "container"};
    const struct table_schema *schema = table_schema(TABLE_INTERFACES);
    assert_ptr_equal(table_schema_named("interfaces"), schema);
    assert_null(table_schema_named("interface"));
    assert_null(table_schema_named(""));
    assert_int_equal(schema->kind, TABLE_INTERFACES);
    assert_string_equal(schema->name, "interfaces");
    assert_int_equal(schema->columns_count, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_string_equal(schema->columns[i].name, names[i]);
        assert_non_null(schema->columns[i].unit);
        assert_int_not_equal(schema->columns[i].type, CELL_NULL);
    }
}

static void test_cells(void **state)
{
    (void)state;
    struct table *t = table_new(TABLE_INTERFACES, 0);
    assert_int_equal(t->rows_count, 0);
    struct cell *row = table_row(t, 42);
    for (size_t c = 1; c < IF_COLUMNS; c++)
        assert_int_equal(table_cell(t, 0, c)->type, CELL_NULL);
    char name[] = "eth0";
    cell_text(t, &row[IF_DEVICE], name);
    name[0] = '#'; /* copied */
    cell_uint(&row[IF_RX_BYTES], UINT64_MAX);
    cell_real(&row[IF_RX_RATE], 1.5);
    cell_list(t, &row[IF_ADDRESSES], "10.0.0.1\nfe80::1");
    assert_int_equal(table_cell(t, 0, IF_ID)->type, CELL_UINT);
    assert_int_equal(table_cell(t, 0, IF_ID)->uint, 42);
    assert_int_equal(table_cell(t, 0, IF_DEVICE)->type, CELL_TEXT);
    assert_string_equal(table_cell(t, 0, IF_DEVICE)->text, "eth0");
    assert_int_equal(table_cell(t, 0, IF_RX_BYTES)->uint, UINT64_MAX);
    assert_true(table_cell(t, 0, IF_RX_RATE)->real == 1.5);
    assert_int_equal(table_cell(t, 0, IF_ADDRESSES)->type, CELL_LIST);
    assert_string_equal(table_cell(t, 0, IF_ADDRESSES)->text, "10.0.0.1\nfe80::1");

    /* Null by what is put in; an empty text and an empty list are not null. */
    static const double no_values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < ARRAY_LEN(no_values); i++) {
        cell_real(&row[IF_RX_RATE], no_values[i]);
        assert_int_equal(row[IF_RX_RATE].type, CELL_NULL);
    }
    cell_text(t, &row[IF_DEVICE], NULL);
    assert_int_equal(row[IF_DEVICE].type, CELL_NULL);
    cell_list(t, &row[IF_ADDRESSES], NULL);
    assert_int_equal(row[IF_ADDRESSES].type, CELL_NULL);
    cell_text(t, &row[IF_DEVICE], "");
    assert_int_equal(row[IF_DEVICE].type, CELL_TEXT);
    assert_string_equal(row[IF_DEVICE].text, "");
    cell_list(t, &row[IF_ADDRESSES], "");
    assert_int_equal(row[IF_ADDRESSES].type, CELL_LIST);
    assert_string_equal(row[IF_ADDRESSES].text, "");
    cell_text(t, &row[IF_KIND],
              "a\xff"
              "b");
    assert_string_equal(row[IF_KIND].text, "a\xef\xbf\xbd"
                                           "b");
    table_unref(t);
    table_unref(NULL);
}

/* Thousands of rows: cells move when the array grows, texts fill many blocks and stay put. */
static void test_growth(void **state)
{
    (void)state;
    static const size_t hints[] = {0, 1, 5, 3000};
    for (size_t h = 0; h < ARRAY_LEN(hints); h++) {
        struct table *t = table_new(TABLE_INTERFACES, hints[h]);
        const char *first = NULL;
        char text[300];
        for (unsigned i = 0; i < 3000; i++) {
            struct cell *row = table_row(t, i);
            snprintf(text, sizeof(text), "%0*u", (int)(i % 250 + 1), i);
            cell_text(t, &row[IF_DEVICE], text);
            cell_uint(&row[IF_MTU], 2 * i);
            if (!first)
                first = row[IF_DEVICE].text;
        }
        assert_int_equal(t->rows_count, 3000);
        assert_ptr_equal(table_cell(t, 0, IF_DEVICE)->text, first);
        for (unsigned i = 0; i < 3000; i++) {
            snprintf(text, sizeof(text), "%0*u", (int)(i % 250 + 1), i);
            assert_int_equal(table_cell(t, i, IF_ID)->uint, i);
            assert_string_equal(table_cell(t, i, IF_DEVICE)->text, text);
            assert_int_equal(table_cell(t, i, IF_MTU)->uint, 2 * i);
            assert_int_equal(table_cell(t, i, IF_STATE)->type, CELL_NULL);
        }
        struct table *again = table_ref(t);
        table_unref(t);
        assert_string_equal(table_cell(again, 0, IF_DEVICE)->text, "0");
        table_unref(again);
    }
}

/* "xx…x\nxx…x\n…": items of `item` bytes each. The caller frees it. */
static char *long_list(size_t items, size_t item)
{
    char *list = malloc(items * (item + 1));
    assert_non_null(list);
    memset(list, 'x', items * (item + 1));
    for (size_t i = 1; i <= items; i++)
        list[i * (item + 1) - 1] = i < items ? '\n' : '\0';
    return list;
}

/* Half an address would be another address: a list that is too long loses whole items. */
static void test_long_texts(void **state)
{
    (void)state;
    static const struct {
        size_t items, item, want; /* want: items that stay */
    } cases[] = {
        {1, 4096, 1}, {2, 4095, 1},   {2, 2047, 2}, {2, 2048, 1}, {4, 1365, 2},
        {3, 1364, 3}, {500, 15, 256}, {1, 4097, 0}, {3, 5000, 0}, {5000, 0, 4096},
    };
    struct table *t = table_new(TABLE_INTERFACES, 4);
    struct cell *row = table_row(t, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *list = long_list(cases[i].items, cases[i].item);
        char *want = cases[i].want ? long_list(cases[i].want, cases[i].item) : strdup("");
        cell_list(t, &row[IF_ADDRESSES], list);
        if (strcmp(row[IF_ADDRESSES].text, want) != 0)
            fail_msg("case %zu: %zu bytes stay, not %zu", i, strlen(row[IF_ADDRESSES].text),
                     strlen(want));
        free(list);
        free(want);
    }
    /* A text is one item: cut where it is, at a character. */
    char *text = long_list(1, 300);
    cell_text(t, &row[IF_DEVICE], text);
    assert_int_equal(strlen(row[IF_DEVICE].text), 256);
    free(text);
    table_unref(t);
}

/* ---- order ------------------------------------------------------------------------------- */

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

#define CELL_U(v)                                                                                  \
    {                                                                                              \
        .type = CELL_UINT, .uint = (v)                                                             \
    }
#define CELL_R(v)                                                                                  \
    {                                                                                              \
        .type = CELL_REAL, .real = (v)                                                             \
    }
#define CELL_T(v)                                                                                  \
    {                                                                                              \
        .type = CELL_TEXT, .text = (v)                                                             \
    }
#define CELL_L(v)                                                                                  \
    {                                                                                              \
        .type = CELL_LIST, .text = (v)                                                             \
    }

/* In ascending order; a line holds what compares equal. */
static const struct {
    size_t count;
    struct cell cells[3];
} ladder[] = {
    {1, {{.type = CELL_NULL}}},
    {1, {CELL_R(-1e300)}},
    {1, {CELL_R(-1)}},
    {1, {CELL_R(-5e-324)}},
    {3, {CELL_U(0), CELL_R(0.0), CELL_R(-0.0)}},
    {1, {CELL_R(5e-324)}},
    {1, {CELL_R(0.5)}},
    {2, {CELL_U(1), CELL_R(1)}},
    {1, {CELL_R(1.5)}},
    {2, {CELL_U(2), CELL_R(2)}},
    {2, {CELL_U(9007199254740991), CELL_R(9007199254740991.0)}}, /* 2^53 - 1 */
    {2, {CELL_U(9007199254740992), CELL_R(9007199254740992.0)}},
    {1, {CELL_U(9007199254740993)}}, /* no double is this number */
    {2, {CELL_U(9007199254740994), CELL_R(9007199254740994.0)}},
    {1, {CELL_U(9223372036854775807)}},
    {2, {CELL_U(9223372036854775808U), CELL_R(9223372036854775808.0)}}, /* 2^63 */
    {1, {CELL_U(9223372036854775809U)}},
    {2, {CELL_U(18446744073709549568U), CELL_R(18446744073709549568.0)}}, /* 2^64 - 2048 */
    {1, {CELL_U(UINT64_MAX)}},
    {1, {CELL_R(18446744073709551616.0)}}, /* 2^64 */
    {1, {CELL_R(1e300)}},
    {1, {CELL_T("")}},
    {1, {CELL_T("A")}},
    {1, {CELL_T("a")}},
    {1, {CELL_T("aa")}},
    {1, {CELL_T("\xc3\xbc")}}, /* bytes compare unsigned */
    {1, {CELL_L("")}},
    {1, {CELL_L("a")}},
    {1, {CELL_L("a\nb")}},
};

static void test_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ladder); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ladder); j++) {
            for (size_t a = 0; a < ladder[i].count; a++) {
                for (size_t b = 0; b < ladder[j].count; b++) {
                    int got = cell_compare(&ladder[i].cells[a], &ladder[j].cells[b]);
                    if (sign(got) != (i > j) - (i < j))
                        fail_msg("step %zu.%zu to %zu.%zu: %d", i, a, j, b, got);
                }
            }
        }
    }
}

/* Any two cells antisymmetric, any three transitive: with numbers around powers of two, where
 * integers and doubles part company. */
static void test_order_is_total(void **state)
{
    (void)state;
    struct cell cells[160];
    size_t count = 0;
    for (unsigned bit = 50; bit < 64; bit++) {
        uint64_t base = UINT64_C(1) << bit;
        for (uint64_t step = 0; step < 3; step++) {
            cells[count++] = (struct cell)CELL_U(base + step - 1);
            cells[count++] = (struct cell)CELL_R((double)(base + step - 1));
            cells[count++] = (struct cell)CELL_R((double)base + (double)step / 4);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(ladder) && count < ARRAY_LEN(cells); i++)
        cells[count++] = ladder[i].cells[0];
    for (size_t a = 0; a < count; a++) {
        assert_int_equal(cell_compare(&cells[a], &cells[a]), 0);
        for (size_t b = 0; b < count; b++) {
            int ab = sign(cell_compare(&cells[a], &cells[b]));
            assert_int_equal(ab, -sign(cell_compare(&cells[b], &cells[a])));
            for (size_t c = 0; c < count; c++) {
                int bc = sign(cell_compare(&cells[b], &cells[c]));
                int ac = sign(cell_compare(&cells[a], &cells[c]));
                /* a <= b and b <= c: then a <= c, and equal only when both were. */
                if (ab <= 0 && bc <= 0 && ac != (ab < 0 || bc < 0 ? -1 : 0))
                    fail_msg("%zu %zu %zu: %d %d %d", a, b, c, ab, bc, ac);
            }
        }
    }
}

/* Rows picked are copies: they say the same when the table they came from is gone. */
static void test_pick(void **state)
{
    (void)state;
    static const size_t rows[] = {3, 0, 3};
    struct table *t = table_new(TABLE_INTERFACES, 0);
    for (unsigned i = 0; i < 5; i++) {
        struct cell *row = table_row(t, 10 + i);
        char device[16];
        snprintf(device, sizeof(device), "eth%u", i);
        cell_text(t, &row[IF_DEVICE], device);
        cell_list(t, &row[IF_ADDRESSES], i ? "a\nb" : "");
        cell_real(&row[IF_RX_RATE], i / 2.0);
    }
    struct table *picked = table_pick(t, rows, ARRAY_LEN(rows));
    struct table *none = table_pick(t, rows, 0);
    memset(t->cells, 0xff, t->rows_count * IF_COLUMNS * sizeof(*t->cells));
    table_unref(t);
    assert_int_equal(none->rows_count, 0);
    assert_int_equal(picked->rows_count, 3);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(table_cell(picked, i, IF_ID)->uint, 10 + rows[i]);
        assert_string_equal(table_cell(picked, i, IF_DEVICE)->text, rows[i] ? "eth3" : "eth0");
        assert_string_equal(table_cell(picked, i, IF_ADDRESSES)->text, rows[i] ? "a\nb" : "");
        assert_int_equal(table_cell(picked, i, IF_ADDRESSES)->type, CELL_LIST);
        assert_true(table_cell(picked, i, IF_RX_RATE)->real == (double)rows[i] / 2);
        assert_int_equal(table_cell(picked, i, IF_KIND)->type, CELL_NULL);
    }
    table_unref(picked);
    table_unref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pick),           cmocka_unit_test(test_schema),
        cmocka_unit_test(test_cells),          cmocka_unit_test(test_growth),
        cmocka_unit_test(test_long_texts),     cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_is_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
