/*
 * test_tables.c: tables in the history: stored, found by their time, expired; and what becomes of a
 * database of a version that had none.
 */
#include "world.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "store/snapshot.h"

#define NEVER_MS INT64_MAX

/* A table of `rows` connections, each named after `mark`, as the next tick brings it. */
static void store_connections(struct world *w, size_t rows, uint64_t mark)
{
    struct table *t = table_new(TABLE_CONNECTIONS, rows);
    for (size_t i = 0; i < rows; i++) {
        struct cell *row = table_row(t, i + 1);
        char text[40];
        uint64_t as_good_as_random = (mark + i) * UINT64_C(0x9e3779b97f4a7c15);
        snprintf(text, sizeof(text), "process-%" PRIx64, as_good_as_random);
        cell_text(t, &row[CONN_PROCESS], text);
        cell_text(t, &row[CONN_REMOTE_NAME], "www.example");
        cell_uint(&row[CONN_RX_BYTES], mark + i);
    }
    draft_table(w->draft, t);
    struct tick *tick = world_tick(w);
    assert_int_equal(store_write(w->store, tick_bare(tick)), 0);
    world_record(w, tick, true);
    struct tick_table *tt = tick_table_new(tick, TABLE_CONNECTIONS);
    assert_int_equal(store_write_table(w->store, tt), 0);
    tick_table_unref(tt);
    tick_unref(tick);
}

static int ask(const char *dir, enum table_kind kind, int64_t at_ms, struct stored_table *ret)
{
    struct store_reader *reader;
    struct store_error err;
    assert_int_equal(store_reader_open(dir, &reader, &err), 0);
    int error = store_table(reader, kind, at_ms, ret, &err);
    if (error)
        assert_true(*err.text);
    store_reader_close(reader);
    return error;
}

static void test_by_time(void **state)
{
    (void)state;
    struct world w;
    struct stored_table got;
    int64_t t_ms[5];
    world_init(&w, 1);
    world_open(&w);
    world_write(&w);
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, NEVER_MS, &got), -ENOENT);
    for (uint64_t i = 0; i < 5; i++) {
        store_connections(&w, i + 1, i);
        t_ms[i] = w.ticks[w.ticks_count - 1].t_ms;
        world_write(&w);
        world_write(&w);
    }
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, t_ms[0] - 1, &got), -ENOENT);
    assert_int_equal(ask(w.dir, TABLE_PROCESSES, NEVER_MS, &got), -ENOENT);
    for (size_t i = 0; i < 5; i++) {
        int64_t until_ms = i < 4 ? t_ms[i + 1] - 1 : NEVER_MS;
        for (int late = 0; late < 2; late++) {
            assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, late ? until_ms : t_ms[i], &got), 0);
            assert_int_equal(got.t_ms, t_ms[i]);
            assert_int_equal(got.total, i + 1);
            assert_int_equal(got.table->rows_count, i + 1);
            /* In the usual order: most bytes first. */
            assert_int_equal(table_cell(got.table, 0, CONN_RX_BYTES)->uint, 2 * i);
            table_unref(got.table);
        }
    }
    assert_int_equal(store_stats(w.store).tables_written, 5);
    world_close(&w, true);
    world_open(&w); /* and after a restart */
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, NEVER_MS, &got), 0);
    assert_int_equal(got.table->rows_count, 5);
    table_unref(got.table);
    world_fini(&w);
}

/* Of more rows than are stored the first ones are, and how many there were is known. */
static void test_cut(void **state)
{
    (void)state;
    struct world w;
    struct stored_table got;
    world_init(&w, 2);
    world_open(&w);
    store_connections(&w, SNAPSHOT_ROWS_MAX + 500, 7);
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, NEVER_MS, &got), 0);
    assert_int_equal(got.total, SNAPSHOT_ROWS_MAX + 500);
    assert_int_equal(got.table->rows_count, SNAPSHOT_ROWS_MAX);
    assert_int_equal(table_cell(got.table, 0, CONN_RX_BYTES)->uint, 7 + SNAPSHOT_ROWS_MAX + 499);
    table_unref(got.table);
    world_fini(&w);
}

/* store.record_names: off: neither tables nor events of connections have names; others do. */
static void test_names(void **state)
{
    (void)state;
    struct world w;
    struct buf all = BUF_INIT;
    world_init(&w, 3);
    w.settings.record_names = false;
    world_open(&w);
    for (int kind = 0; kind < 2; kind++) {
        struct event *e = event_new(kind ? EVENT_LINK : EVENT_CONNECTION_OPENED, w.t_ms);
        event_text(e, "process", "SECRETPROCESS");
        event_text(e, "remote_name", "SECRETHOST");
        event_text(e, "remote", "192.0.2.1:443");
        draft_event(w.draft, e);
    }
    store_connections(&w, 3, 1);
    assert_int_equal(
        world_ask_number(&w, "SELECT count(*) FROM event WHERE fields LIKE '%SECRET%'"), 1);
    assert_int_equal(
        world_ask_number(&w, "SELECT count(*) FROM event WHERE fields LIKE '%192.0.2.1%'"), 2);
    struct stored_table got;
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, NEVER_MS, &got), 0);
    assert_int_equal(table_cell(got.table, 0, CONN_PROCESS)->type, CELL_NULL);
    assert_int_equal(table_cell(got.table, 0, CONN_REMOTE_NAME)->type, CELL_NULL);
    assert_int_equal(table_cell(got.table, 0, CONN_RX_BYTES)->uint, 3);
    table_unref(got.table);
    buf_fini(&all);
    world_fini(&w);
}

static void test_age(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4);
    w.settings.seal_ticks = 20;
    w.settings.connections_ms = 100 * 1000;
    world_open(&w);
    for (uint64_t i = 0; i < 400; i++) {
        store_connections(&w, 2, i);
        world_work(&w);
    }
    int64_t kept = world_ask_number(&w, "SELECT count(*) FROM snapshot");
    int64_t oldest = world_ask_number(&w, "SELECT min(t_ms) FROM snapshot");
    assert_true(kept > 0 && kept < 400);
    assert_true(oldest >= w.t_ms - 100 * 1000 - 300 * w.interval_ms); /* looked for now and then */
    assert_int_equal(store_stats(w.store).tables_expired, 400 - kept);
    world_fini(&w);
}

/* Above store.max_size tables go before samples, as long as they are a quarter of it. */
static void test_size(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 5);
    w.settings.seal_ticks = 20;
    w.settings.max_size_bytes = 2000000;
    world_open(&w);
    for (uint64_t i = 0; i < 600; i++) {
        uint64_t noise = world_random(&w, UINT64_MAX);
        if (i % 2)
            store_connections(&w, 900, noise); /* some 10 KB */
        else
            world_write(&w);
        world_work(&w);
    }
    int64_t bytes = world_ask_number(&w, "SELECT sum(bytes) FROM snapshot");
    assert_true(store_stats(w.store).tables_expired > 0);
    assert_int_equal(store_stats(w.store).spans_expired, 0);
    assert_true(bytes > 100000 && bytes < 2000000);
    assert_true(store_stats(w.store).database_bytes < 2000000 + 512 * 4096);
    world_fini(&w);
}

/* A row that is damaged is told as such, and costs nothing but itself. */
static void test_damage(void **state)
{
    (void)state;
    struct world w;
    struct stored_table got;
    world_init(&w, 6);
    world_open(&w);
    store_connections(&w, 3, 1);
    int64_t first_ms = w.ticks[w.ticks_count - 1].t_ms;
    store_connections(&w, 4, 2);
    world_close(&w, true);
    char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE snapshot SET data = x'01020304050607' || data"
                                  " WHERE id = (SELECT max(id) FROM snapshot)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, NEVER_MS, &got), -ENODATA);
    assert_null(got.table);
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, first_ms, &got), 0);
    table_unref(got.table);
    world_open(&w);
    world_write(&w);
    assert_int_equal(world_count_aside(&w), 0);
    world_fini(&w);
}

/* ---- a database that format 1 has written --------------------------------------------------- */

/* What `netsonde query --metric netsonde_ticks_total --agg sum` says of it. */
static double ticks_counted(const struct world *w)
{
    struct query q = {.from_ms = 0, .to_ms = INT64_C(1) << 42, .points = 1, .aggregate = AGG_SUM};
    struct store_reader *reader;
    struct answer *a;
    assert_int_equal(selector_add_glob(&q.selector, "netsonde_ticks_total"), 0);
    assert_int_equal(store_reader_open(w->dir, &reader, NULL), 0);
    assert_int_equal(store_query(reader, &q, NULL, &a, NULL), 0);
    assert_int_equal(a->series_count, 1);
    assert_int_equal(a->series[0].id, 1);
    double sum = a->series[0].values[0];
    answer_free(a);
    store_reader_close(reader);
    selector_fini(&q.selector);
    return sum;
}

static void test_format_1(void **state)
{
    (void)state;
    struct world w;
    struct stored_table got;
    struct store_error err;
    world_init(&w, 7);
    world_copy_database(&w, FIXTURES "/format-1.db");
    /* Readers take it as it is. */
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 1);
    assert_true(ticks_counted(&w) == 3);
    assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, NEVER_MS, &got), -ENOENT);
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 1);

    /* The writer brings it up to date, once, and goes on with it. */
    for (int run = 0; run < 2; run++) {
        struct registry *registry;
        assert_int_equal(store_open(w.dir, &w.settings, &w.store, &err), 0);
        assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 5);
        registry = registry_new(20000, store_next(w.store).series_id);
        assert_true(store_next(w.store).series_id > 583);
        assert_int_equal(store_restore(w.store, registry), 0);
        struct draft *draft = draft_new(registry);
        uint64_t event_seq = store_next(w.store).event_seq;
        struct table *t = table_new(TABLE_CONNECTIONS, 1);
        table_row(t, 7);
        draft_begin(draft, store_next(w.store).tick_seq, INT64_C(1795930000000) + run, 0, 0, 1000);
        draft_table(draft, t);
        struct tick *tick = draft_seal(draft, 0, &event_seq);
        struct tick_table *tt = tick_table_new(tick, TABLE_CONNECTIONS);
        assert_int_equal(store_write(w.store, tick_bare(tick)), 0);
        assert_int_equal(store_write_table(w.store, tt), 0);
        tick_table_unref(tt);
        struct store_numbers next = {store_next(w.store).series_id, tick->seq + 1, event_seq};
        tick_unref(tick);
        draft_free(draft);
        registry_free(registry);
        store_close(w.store, &next);
        w.store = NULL;
        assert_true(ticks_counted(&w) == 3);
        assert_int_equal(ask(w.dir, TABLE_CONNECTIONS, NEVER_MS, &got), 0);
        assert_int_equal(got.t_ms, INT64_C(1795930000000) + run);
        table_unref(got.table);
    }
    assert_int_equal(world_count_aside(&w), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_time),  cmocka_unit_test(test_cut),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_age),      cmocka_unit_test(test_size), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_format_1),
    };
    return cmocka_run_group_tests_name("store/tables", tests, NULL, NULL);
}
