/*
 * reader.c: a read-only connection. See reader.h.
 *
 * The writer may set a damaged database aside at any time; an open connection would go on reading
 * the old file under its new name. So every call first compares the file behind the path with the
 * one that is open, and opens anew when it is another.
 */
#include "store/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/mem.h"

#define PROGRESS_STEPS 20000 /* of SQLite's machine between looks at `cancelled`: under 1 ms */

static int on_progress(void *context)
{
    return reader_cancelled(context);
}

static void disconnect_reader(struct store_reader *reader)
{
    while (reader->statements_count > 0)
        sqlite3_finalize(reader->statements[--reader->statements_count].stmt);
    catalog_fini(&reader->catalog);
    chunk_cache_fini(&reader->cache);
    postings_fini(&reader->postings);
    sqlite3_close(reader->db);
    reader->db = NULL;
}

int reader_statement(struct store_reader *reader, const char *sql, sqlite3_stmt **ret)
{
    struct reader_statement *at = reader->statements, *end = at + reader->statements_count;
    while (at < end && at->sql != sql)
        at++;
    if (at == end) {
        CHECK(reader->statements_count < READER_STATEMENTS);
        int error = database_prepare(reader->db, sql, &at->stmt);
        if (error)
            return error;
        at->sql = sql;
        reader->statements_count++;
    }
    CHECK(!sqlite3_stmt_busy(at->stmt));
    *ret = at->stmt;
    return 0;
}

void reader_done(sqlite3_stmt **stmt)
{
    sqlite3_reset(*stmt);
}

int reader_number(struct store_reader *reader, const char *sql, int64_t missing, int64_t *ret)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int error = reader_statement(reader, sql, &stmt);
    return error ? error : database_number(stmt, missing, ret);
}

static int run(struct store_reader *reader, const char *sql)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int error = reader_statement(reader, sql, &stmt);
    return error ? error : database_run(stmt);
}

static struct timeline times_at(const struct store_reader *reader, size_t first)
{
    return (struct timeline){reader->times.seq + first, reader->times.t_ms + first,
                             reader->times.elapsed_ns + first};
}

static struct span_times *find_times(struct store_reader *reader, uint32_t span)
{
    for (size_t i = 0; i < reader->spans_count; i++) {
        if (reader->spans[i].span == span)
            return &reader->spans[i];
    }
    return NULL;
}

/* Unpacks them behind those that are known. False: they are damaged. */
static bool unpack_times(struct store_reader *reader, struct span_times *times, const uint8_t *data,
                         size_t len)
{
    if (!reader->times.seq) {
        reader->times.seq = mem_array(READER_ROWS, sizeof(uint64_t));
        reader->times.t_ms = mem_array(READER_ROWS, sizeof(int64_t));
        reader->times.elapsed_ns = mem_array(READER_ROWS, sizeof(int64_t));
    }
    if (reader->spans_count == READER_SPANS || reader->spans_rows + times->rows > READER_ROWS)
        reader->spans_count = reader->spans_rows = 0;
    times->first = reader->spans_rows;
    struct timeline unpacked = times_at(reader, times->first);
    if (timeline_decode(reader->codec, data, len, times->rows, times->interval_ms, &unpacked) < 0)
        return false;
    reader->spans_rows += times->rows;
    return true;
}

/* What is known of a span stays true until its row is another one. */
static bool look_at_times(struct store_reader *reader, const struct catalog_span *span,
                          sqlite3_stmt *row)
{
    int64_t rows = sqlite3_column_int64(row, 0);
    size_t len;
    const uint8_t *data = database_blob(row, 1, &len);
    if (rows < 1 || rows > STORE_SPAN_TICKS_MAX || len < CODEC_CHECKSUM_BYTES)
        return false;
    struct span_times seen = {.span = span->id,
                              .rows = (size_t)rows,
                              .interval_ms = span->interval_ms,
                              .checksum = codec_checksum_get(data + len - CODEC_CHECKSUM_BYTES),
                              .state = reader->state};
    struct span_times *known = find_times(reader, span->id);
    if (known && known->rows == seen.rows && known->interval_ms == seen.interval_ms &&
        known->checksum == seen.checksum) {
        known->state = reader->state;
        return true;
    }
    if (known)
        known->span = 0; /* no span has that number */
    if (!unpack_times(reader, &seen, data, len))
        return false;
    reader->spans[reader->spans_count++] = seen;
    return true;
}

int reader_times(struct store_reader *reader, const struct catalog_span *span, size_t *ret_rows,
                 struct timeline *ret)
{
    const struct span_times *known = find_times(reader, span->id);
    *ret_rows = 0;
    if (!known || known->state != reader->state) {
        sqlite3_stmt *row CLEANUP(reader_done) = NULL;
        int error = reader_statement(reader, "SELECT ticks, times FROM span WHERE id = ?1", &row);
        if (error)
            return error;
        sqlite3_bind_int64(row, 1, span->id);
        int rc = sqlite3_step(row);
        if (rc != SQLITE_ROW)
            return rc == SQLITE_DONE ? catalog_missed(&reader->catalog)
                                     : database_error(reader->db, rc);
        known = look_at_times(reader, span, row) ? find_times(reader, span->id) : NULL;
    }
    if (known) {
        *ret_rows = known->rows;
        *ret = times_at(reader, known->first);
    }
    return 0;
}

static int connect_reader(struct store_reader *reader, struct store_error *err)
{
    struct stat st;
    disconnect_reader(reader);
    reader->chunks_count = reader->spans_count = reader->spans_rows = 0;
    reader->state = 0;
    /* Looked at before it is opened: when it is replaced in between, the next call notices. */
    if (stat(reader->path, &st) == 0) {
        reader->device = st.st_dev;
        reader->inode = st.st_ino;
    }
    int error = database_open_reader(reader->path, &reader->db, &reader->version, err);
    if (!error)
        sqlite3_progress_handler(reader->db, PROGRESS_STEPS, on_progress, reader);
    return error;
}

bool store_reader_is_current(const struct store_reader *reader)
{
    struct stat st;
    return stat(reader->path, &st) == 0 && st.st_dev == reader->device &&
           st.st_ino == reader->inode;
}

int store_reader_open(const char *data_dir, struct store_reader **ret, struct store_error *err)
{
    *ret = NULL;
    struct store_reader *reader = mem_alloc(sizeof(*reader));
    reader->path = mem_printf("%s/" DATABASE_NAME, data_dir);
    reader->codec = codec_new();
    int error = connect_reader(reader, err);
    if (error)
        store_reader_close(reader);
    else
        *ret = reader;
    return error;
}

void store_reader_close(struct store_reader *reader)
{
    if (!reader)
        return;
    disconnect_reader(reader);
    codec_free(reader->codec);
    free(reader->times.seq);
    free(reader->times.t_ms);
    free(reader->times.elapsed_ns);
    free(reader->path);
    free(reader);
}

void store_reader_cancel(struct store_reader *reader)
{
    atomic_store_explicit(&reader->cancelled, true, memory_order_relaxed);
}

uint64_t store_reader_damaged(const struct store_reader *reader)
{
    return reader->damaged;
}

int reader_fail(const struct store_reader *reader, int error, struct store_error *err)
{
    if (error == -ECANCELED)
        return store_fail(err, error, "the query was ended before it was done");
    return store_fail(err, error, "%s: cannot read the history: %s", reader->path,
                      reader->db && error != -ENOMEM && error != -EFBIG ? sqlite3_errmsg(reader->db)
                                                                        : strerror(-error));
}

void reader_end(struct store_reader *reader)
{
    /* Nothing was changed, so neither way can fail in a manner that matters. */
    if (reader->db && !sqlite3_get_autocommit(reader->db))
        run(reader, "ROLLBACK");
}

/* -ESTALE: the writer of a newer version has brought the database to its own format meanwhile. */
static int begin_reading(struct store_reader *reader)
{
    int64_t state = 0, version = reader->version;
    int error = run(reader, "BEGIN");
    if (!error)
        error = reader_number(reader, "PRAGMA data_version", 0, &state);
    if (!error && state != reader->state)
        error = reader_number(reader, "PRAGMA user_version", 0, &version);
    if (!error && version != reader->version)
        error = -ESTALE;
    if (error)
        reader_end(reader);
    else
        reader->state = state;
    return error;
}

int reader_begin(struct store_reader *reader, struct store_error *err)
{
    if (reader_cancelled(reader))
        return reader_fail(reader, -ECANCELED, err);
    if (!reader->db || !store_reader_is_current(reader)) {
        int error = connect_reader(reader, err);
        if (error)
            return error;
    }
    int error = begin_reading(reader);
    if (error == -ESTALE) {
        error = connect_reader(reader, err);
        if (error)
            return error;
        error = begin_reading(reader);
    }
    return error ? reader_fail(reader, error, err) : 0;
}
