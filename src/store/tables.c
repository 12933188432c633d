/*
 * tables.c: tables as they were: a snapshot of a table is a row of its own, found by its time.
 *
 * A snapshot holds the first SNAPSHOT_ROWS_MAX rows of the table's usual order, which are those
 * with the most traffic, and says how many there were. Writing one is the store thread's, and the
 * recorder's to pace; retention.c lets them expire. Readers run on any thread.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "model/view.h"
#include "store/reader.h"
#include "store/snapshot.h"
#include "store/store_internal.h"

#define SNAPSHOT_BAD (-ENODATA)

/* The rows to be stored, and in which order. */
static struct view rows_to_store(const struct table *t)
{
    struct view_spec *spec = NULL;
    struct view view;
    const char *field;
    char why[64];
    CHECK(view_spec_new(t->schema, NULL, NULL, &spec, &field, why, sizeof(why)) == 0);
    view_make(t, spec, SNAPSHOT_ROWS_MAX, 0, &view);
    view_spec_free(spec);
    return view;
}

static int put_table(struct store *store, const struct tick_table *t)
{
    struct buf data CLEANUP(buf_fini) = BUF_INIT;
    struct view view = rows_to_store(t->table);
    /* Once a minute, and some megabytes for a busy host: not worth keeping until then. */
    struct codec *codec = codec_new();
    snapshot_encode(codec, t->table, view.rows, view.count, store->settings.record_names, &data);
    codec_free(codec);
    sqlite3_stmt *stmt = store->stmt[STMT_TABLE_PUT];
    sqlite3_bind_text(stmt, 1, t->table->schema->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, t->t_ms);
    sqlite3_bind_int64(stmt, 3, (int64_t)t->seq);
    sqlite3_bind_int64(stmt, 4, (int64_t)view.total);
    sqlite3_bind_int64(stmt, 5, (int64_t)data.len);
    sqlite3_bind_blob64(stmt, 6, data.data, data.len, SQLITE_STATIC);
    view_fini(&view);
    int error = buf_ok(&data) ? database_run(stmt) : -ENOMEM;
    sqlite3_clear_bindings(stmt);
    return error;
}

int store_write_table(struct store *store, const struct tick_table *t)
{
    /* A tick opens it again, or sets it aside, and says so. */
    int error = store_is_writable(store) ? put_table(store, t) : -EROFS;
    if (!error) {
        count_add(&store->counters.tables_written, 1);
        return 0;
    }
    count_add(&store->counters.tables_lost, 1);
    store_failed(store, error, "writing a table");
    if (error == -EBADMSG)
        atomic_store_explicit(&store->suspect, true, memory_order_relaxed);
    return error;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int find_table(struct store_reader *reader, enum table_kind kind, int64_t at_ms,
                      struct stored_table *ret)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int64_t known = 0;
    /* A database that only earlier versions have written has no such table. */
    int error = database_number_of(
        reader->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'snapshot'", 0, &known);
    if (error || !known)
        return error ? error : -ENOENT;
    error = database_prepare(reader->db,
                             "SELECT t_ms, total, data FROM snapshot WHERE kind = ?1 AND t_ms <= ?2"
                             " ORDER BY t_ms DESC, id DESC LIMIT 1",
                             &stmt);
    if (error)
        return error;
    sqlite3_bind_text(stmt, 1, table_schema(kind)->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, at_ms);
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? -ENOENT : database_error(reader->db, rc);
    size_t len;
    const uint8_t *data = database_blob(stmt, 2, &len);
    ret->t_ms = sqlite3_column_int64(stmt, 0);
    ret->total = (uint64_t)sqlite3_column_int64(stmt, 1);
    error =
        snapshot_decode(reader->codec, kind, data ? data : (const uint8_t *)"", len, &ret->table);
    reader->damaged += error != 0;
    return error ? SNAPSHOT_BAD : 0;
}

int store_table(struct store_reader *reader, enum table_kind kind, int64_t at_ms,
                struct stored_table *ret, struct store_error *err)
{
    *ret = (struct stored_table){0};
    int error = reader_begin(reader, err);
    if (error)
        return error;
    error = find_table(reader, kind, at_ms, ret);
    reader_end(reader);
    switch (error) {
    case 0:
        return 0;
    case -ENOENT:
        return store_fail(err, error,
                          "no %s are stored of that time or before; a running daemon stores them "
                          "once a minute, for store.connections",
                          table_schema(kind)->name);
    case SNAPSHOT_BAD:
        /* One row is damaged, or newer: nothing to set the database aside for. */
        return store_fail(err, -ENODATA, "%s: the %s stored of that time cannot be read",
                          reader->path, table_schema(kind)->name);
    default:
        return reader_fail(reader, error, err);
    }
}

bool store_keeps_table(enum table_kind kind)
{
    return kind == TABLE_CONNECTIONS || kind == TABLE_PROCESSES;
}
