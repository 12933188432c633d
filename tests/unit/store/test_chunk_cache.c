/* test_chunk_cache.c: rows of chunks that were read last are not read again, and are what is asked
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/defs.h"
#include "store/chunk.h"
#include "store/codec.h"
#include "store/database.h"

#define LEN 3000
#define ROWS 10

struct rows {
    sqlite3 *db;
    sqlite3_stmt *get;
    struct chunk_cache cache;
};

/* An envelope of which nobody here takes the body apart. */
static void fill(uint8_t data[LEN], uint32_t span, uint32_t series, unsigned version)
{
    memset(data, (int)(span * 7 + series * 3 + version), LEN);
    data[0] = CODEC_PACKED;
    data[1] = 0; /* flags */
    memcpy(data + 2, &series, sizeof(series));
}

static void put_row(struct rows *r, uint32_t span, uint32_t last, const void *data, size_t len)
{
    sqlite3_stmt *stmt;
    assert_int_equal(
        sqlite3_prepare_v2(r->db, "REPLACE INTO chunk VALUES(?1, ?2)", -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_int64(stmt, 1, chunk_row(span, last));
    sqlite3_bind_blob(stmt, 2, data, (int)len, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
}

/* A row of two: `last` and the one before. */
static void put(struct rows *r, uint32_t span, uint32_t last, unsigned version)
{
    struct group group = {0};
    struct buf row CLEANUP(buf_fini) = BUF_INIT;
    uint8_t data[LEN];
    for (uint32_t series = last - 1; series <= last; series++) {
        fill(data, span, series, version);
        group_add(&group, series, data, LEN);
    }
    group_take(&group, ROWS, &row);
    put_row(r, span, last, row.data, row.len);
    group_fini(&group);
}

static void begin(struct rows *r)
{
    *r = (struct rows){0};
    assert_int_equal(sqlite3_open(":memory:", &r->db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(r->db, "CREATE TABLE chunk(id INTEGER PRIMARY KEY, data BLOB)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(r->db, CHUNK_STATEMENT, -1, &r->get, NULL), SQLITE_OK);
}

static void end(struct rows *r)
{
    chunk_cache_fini(&r->cache);
    sqlite3_finalize(r->get);
    sqlite3_close(r->db);
}

static void assert_has(struct chunks *chunks, uint32_t span, uint32_t series, unsigned version)
{
    uint8_t data[LEN];
    struct chunk chunk;
    fill(data, span, series, version);
    assert_int_equal(chunk_get(chunks, span, series, ROWS, &chunk), 0);
    assert_int_equal(chunk.len,
                     LEN - 1 - CODEC_CHECKSUM_BYTES); /* bare: without codec and checksum */
    assert_memory_equal(chunk.data + 1, data + 2, chunk.len - 1);
}

static int reads(struct rows *r)
{
    return sqlite3_stmt_status(r->get, SQLITE_STMTSTATUS_RUN, 1);
}

static void test_what_was_read_is_not_read_again(void **state)
{
    (void)state;
    struct rows r;
    begin(&r);
    for (uint32_t last = 4; last <= 200; last += 4)
        put(&r, 3, last, 0);
    for (int question = 0; question < 3; question++) {
        struct chunks chunks = chunks_over(r.get, &r.cache);
        chunks.stamp = 9;
        for (uint32_t last = 4; last <= 200; last += 4) {
            assert_has(&chunks, 3, last, 0);
            assert_has(&chunks, 3, last - 1, 0);
        }
        assert_int_equal(reads(&r), question ? 0 : 50);
        chunks_fini(&chunks);
    }
    struct chunks chunks = chunks_over(r.get, &r.cache);
    struct chunk chunk;
    chunks.stamp = 9;
    for (uint32_t last = 200; last >= 8; last -= 4) { /* between two rows: of the one behind */
        assert_int_equal(chunk_get(&chunks, 3, last - 2, ROWS, &chunk), -ENOENT);
        assert_int_equal(chunk_get(&chunks, 3, last - 2, ROWS, &chunk), -ENOENT);
    }
    assert_int_equal(r.cache.count, 50); /* each row once */
    assert_int_equal(chunk_get(&chunks, 3, 201, ROWS, &chunk), -ENOENT);
    assert_int_equal(chunk_get(&chunks, 2, 4, ROWS, &chunk), -ENOENT);
    chunks_fini(&chunks);
    end(&r);
}

/* They are not known to be good. */
static void test_rows_alone_and_damaged_ones_are_not_kept(void **state)
{
    (void)state;
    struct rows r;
    struct chunk chunk;
    uint8_t data[LEN];
    begin(&r);
    fill(data, 3, 1, 0);
    put_row(&r, 3, 1, data, LEN);
    put(&r, 3, 5, 0);
    struct chunks chunks = chunks_over(r.get, &r.cache);
    assert_int_equal(chunk_get(&chunks, 3, 1, ROWS, &chunk), 0);
    assert_int_equal(chunk_get(&chunks, 3, 5, ROWS + 1, &chunk), -EUCLEAN); /* another checksum */
    assert_int_equal(chunk.row, chunk_row(3, 5));
    assert_int_equal(r.cache.count, 0);
    assert_has(&chunks, 3, 5, 0);
    assert_int_equal(r.cache.count, 1);
    chunks_fini(&chunks);
    end(&r);
}

/* Whose last tick is another one. */
static void test_another_span_of_that_number(void **state)
{
    (void)state;
    struct rows r;
    begin(&r);
    put(&r, 3, 2, 0);
    struct chunks chunks = chunks_over(r.get, &r.cache);
    chunks.stamp = 100;
    assert_has(&chunks, 3, 1, 0);
    put(&r, 3, 2, 1);
    chunks.stamp = 200;
    assert_has(&chunks, 3, 1, 1);
    chunks.stamp = 100;
    assert_has(&chunks, 3, 1, 0);
    chunks_fini(&chunks);
    end(&r);
}

static void test_it_has_an_end(void **state)
{
    (void)state;
    struct rows r;
    begin(&r);
    for (uint32_t last = 2; last <= 1000; last += 2)
        put(&r, 1, last, 0);
    uint32_t random = 1;
    for (int question = 0; question < 200; question++) {
        struct chunks chunks = chunks_over(r.get, &r.cache);
        r.cache.questions++;
        for (int i = 0; i < 30; i++) {
            random = random * 1664525 + 1013904223;
            assert_has(&chunks, 1, 1 + (random >> 8) % 1000, 0);
        }
        size_t bytes = 0;
        for (size_t i = 0; i < r.cache.count; i++)
            bytes += r.cache.rows[i].bytes.cap;
        assert_int_equal(bytes, r.cache.bytes);
        assert_true(r.cache.count <= CHUNK_CACHE_ROWS && bytes <= CHUNK_CACHE_BYTES);
        chunks_fini(&chunks);
    }
    assert_true(r.cache.count > 80);
    reads(&r);
    r.cache.questions++;
    struct chunks chunks = chunks_over(r.get, &r.cache);
    for (uint32_t series = 1; series <= 60; series++)
        assert_has(&chunks, 1, series, 0);
    r.cache.questions++;
    for (uint32_t series = 201; series <= 260; series++) /* those of long ago make place */
        assert_has(&chunks, 1, series, 0);
    reads(&r);
    for (uint32_t series = 1; series <= 60; series++)
        assert_has(&chunks, 1, series, 0);
    assert_int_equal(reads(&r), 0);
    chunks_fini(&chunks);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_read_is_not_read_again),
        cmocka_unit_test(test_rows_alone_and_damaged_ones_are_not_kept),
        cmocka_unit_test(test_another_span_of_that_number),
        cmocka_unit_test(test_it_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
