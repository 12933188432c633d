/*
 * test_snapshot.c: tables as bytes: what comes back is what went in, and damage is told from data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "store/snapshot.h"

static uint64_t next_random(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *random >> 33;
}

/* Cells of every type in every column but the first. */
static struct table *random_table(enum table_kind kind, size_t rows, uint64_t *random)
{
    struct table *t = table_new(kind, rows);
    for (size_t r = 0; r < rows; r++) {
        struct cell *row = table_row(t, next_random(random) << 33 | next_random(random));
        for (size_t c = 1; c < t->schema->columns_count; c++) {
            char text[64];
            snprintf(text, sizeof(text), "%llx\u00e4%s", (unsigned long long)next_random(random),
                     next_random(random) % 2 ? "\nnext" : "");
            switch (next_random(random) % 6) {
            case 0:
                break;
            case 1:
                cell_uint(&row[c], UINT64_MAX - next_random(random) % 2);
                break;
            case 2:
                cell_real(&row[c], (double)next_random(random) / -7);
                break;
            case 3:
                cell_list(t, &row[c], text);
                break;
            case 4:
                cell_text(t, &row[c], "");
                break;
            default:
                cell_text(t, &row[c], text);
            }
        }
    }
    return t;
}

static size_t *all_rows(size_t count)
{
    size_t *rows = mem_array(MAX(count, (size_t)1), sizeof(*rows));
    for (size_t i = 0; i < count; i++)
        rows[i] = i;
    return rows;
}

static void assert_same(const struct table *a, const struct table *b)
{
    assert_int_equal(a->rows_count, b->rows_count);
    assert_ptr_equal(a->schema, b->schema);
    for (size_t r = 0; r < a->rows_count; r++) {
        for (size_t c = 0; c < a->schema->columns_count; c++) {
            assert_int_equal(table_cell(a, r, c)->type, table_cell(b, r, c)->type);
            assert_int_equal(cell_compare(table_cell(a, r, c), table_cell(b, r, c)), 0);
        }
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 17, 500};
    struct codec *codec = codec_new();
    uint64_t random = 1;
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            struct table *t = random_table((enum table_kind)kind, sizes[i], &random), *back;
            size_t *rows = all_rows(sizes[i]);
            struct buf data = BUF_INIT;
            snapshot_encode(codec, t, rows, sizes[i], true, &data);
            assert_int_equal(snapshot_decode(codec, (enum table_kind)kind,
                                             (const uint8_t *)data.data, data.len, &back),
                             0);
            assert_same(t, back);
            table_unref(t);
            table_unref(back);
            buf_fini(&data);
            free(rows);
        }
    }
    codec_free(codec);
}

/* Some rows in another order, and no names. */
static void test_without_names(void **state)
{
    (void)state;
    static const size_t rows[] = {2, 0};
    struct codec *codec = codec_new();
    struct table *t = table_new(TABLE_CONNECTIONS, 3), *back;
    struct buf data = BUF_INIT;
    for (uint64_t id = 1; id <= 3; id++) {
        struct cell *row = table_row(t, id);
        cell_text(t, &row[CONN_REMOTE], "192.0.2.1:443");
        cell_text(t, &row[CONN_PROCESS], "SECRET");
        cell_text(t, &row[CONN_UNIT], "SECRET.service");
        cell_uint(&row[CONN_PID], 7);
    }
    snapshot_encode(codec, t, rows, ARRAY_LEN(rows), false, &data);
    assert_null(memmem(data.data, data.len, "SECRET", 6));
    assert_int_equal(
        snapshot_decode(codec, TABLE_CONNECTIONS, (const uint8_t *)data.data, data.len, &back), 0);
    assert_int_equal(back->rows_count, 2);
    for (size_t r = 0; r < 2; r++) {
        assert_int_equal(table_cell(back, r, CONN_ID)->uint, rows[r] + 1);
        assert_string_equal(table_cell(back, r, CONN_REMOTE)->text, "192.0.2.1:443");
        assert_int_equal(table_cell(back, r, CONN_PID)->uint, 7);
        assert_int_equal(table_cell(back, r, CONN_PROCESS)->type, CELL_NULL);
        assert_int_equal(table_cell(back, r, CONN_UNIT)->type, CELL_NULL);
    }
    table_unref(t);
    table_unref(back);
    buf_fini(&data);
    codec_free(codec);
}

/* What one kind of table stored another one reads as far as they have the same columns. */
static void test_other_columns(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct table *t = table_new(TABLE_CONNECTIONS, 1), *back;
    struct buf data = BUF_INIT;
    struct cell *row = table_row(t, 5);
    cell_text(t, &row[CONN_PROCESS], "sshd");
    cell_text(t, &row[CONN_REMOTE], "192.0.2.1:443");
    cell_uint(&row[CONN_RX_BYTES], 77);
    snapshot_encode(codec, t, (size_t[]){0}, 1, true, &data);
    assert_int_equal(
        snapshot_decode(codec, TABLE_PROCESSES, (const uint8_t *)data.data, data.len, &back), 0);
    assert_int_equal(back->rows_count, 1);
    assert_int_equal(table_cell(back, 0, PROC_ID)->uint, 5);
    assert_string_equal(table_cell(back, 0, PROC_PROCESS)->text, "sshd");
    assert_int_equal(table_cell(back, 0, PROC_RX_BYTES)->uint, 77);
    assert_int_equal(table_cell(back, 0, PROC_USER)->type, CELL_NULL);
    table_unref(t);
    table_unref(back);
    buf_fini(&data);
    codec_free(codec);
}

/* Every byte changed, every length cut: refused. And bodies that are damaged under a checksum that
 * is right are refused or read, but never beyond their ends: the sanitizers look. */
static void test_damage(void **state)
{
    (void)state;
    struct codec *codec = codec_new(), *other = codec_new();
    uint64_t random = 2;
    struct table *t = random_table(TABLE_CONNECTIONS, 20, &random), *back;
    size_t *rows = all_rows(20);
    struct buf data = BUF_INIT;
    snapshot_encode(codec, t, rows, 20, true, &data);
    for (size_t i = 0; i < data.len; i++) {
        data.data[i] ^= 0x20;
        assert_int_not_equal(
            snapshot_decode(codec, TABLE_CONNECTIONS, (const uint8_t *)data.data, data.len, &back),
            0);
        data.data[i] ^= 0x20;
        assert_int_not_equal(
            snapshot_decode(codec, TABLE_CONNECTIONS, (const uint8_t *)data.data, i, &back), 0);
    }
    uint8_t flags;
    const uint8_t *body;
    size_t len, good = 0;
    assert_int_equal(
        codec_unwrap(codec, (const uint8_t *)data.data, data.len, 1 << 20, &flags, &body, &len), 0);
    uint8_t *copy = malloc(len);
    for (int round = 0; round < 20000; round++) {
        memcpy(copy, body, len);
        size_t cut = round % 3 ? len : next_random(&random) % (len + 1);
        for (uint64_t n = next_random(&random) % 4 + (cut == len); n > 0 && cut; n--)
            copy[next_random(&random) % MIN(cut, n % 2 ? 200 : cut)] =
                (uint8_t)next_random(&random);
        struct buf wrapped = BUF_INIT;
        codec_wrap(other, 0, copy, cut, &wrapped);
        if (snapshot_decode(other, TABLE_CONNECTIONS, (const uint8_t *)wrapped.data, wrapped.len,
                            &back) == 0) {
            good++;
            assert_true(back->rows_count <= SNAPSHOT_ROWS_MAX);
            table_unref(back);
        }
        buf_fini(&wrapped);
    }
    assert_true(good > 100); /* such as another digit */
    copy[0] = 2;
    buf_clear(&data);
    codec_wrap(other, 0, copy, len, &data);
    assert_int_equal(
        snapshot_decode(other, TABLE_CONNECTIONS, (const uint8_t *)data.data, data.len, &back),
        -ENOTSUP);
    free(copy);
    free(rows);
    table_unref(t);
    buf_fini(&data);
    codec_free(codec);
    codec_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_without_names),
        cmocka_unit_test(test_other_columns),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests_name("store/snapshot", tests, NULL, NULL);
}
