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

bool reader_times(struct store_reader *reader, uint32_t span, const uint8_t *data, size_t len,
                  size_t rows, int64_t interval_ms, struct timeline *ret)
{
    if (rows < 1 || rows > STORE_SPAN_TICKS_MAX || len < CODEC_CHECKSUM_BYTES)
        return false;
    struct span_times wanted = {.span = span,
                                .rows = rows,
                                .interval_ms = interval_ms,
                                .checksum = codec_checksum_get(data + len - CODEC_CHECKSUM_BYTES)};
    for (size_t i = 0; i < reader->spans_count; i++) {
        const struct span_times *known = &reader->spans[i];
        if (known->span == wanted.span && known->rows == wanted.rows &&
            known->interval_ms == wanted.interval_ms && known->checksum == wanted.checksum) {
            *ret = times_at(reader, known->first);
            return true;
        }
    }
    if (!reader->times.seq) {
        reader->times.seq = mem_array(READER_ROWS, sizeof(uint64_t));
        reader->times.t_ms = mem_array(READER_ROWS, sizeof(int64_t));
        reader->times.elapsed_ns = mem_array(READER_ROWS, sizeof(int64_t));
    }
    if (reader->spans_count == READER_SPANS || reader->spans_rows + rows > READER_ROWS)
        reader->spans_count = reader->spans_rows = 0;
    wanted.first = reader->spans_rows;
    *ret = times_at(reader, wanted.first);
    if (timeline_decode(reader->codec, data, len, rows, interval_ms, ret) < 0)
        return false;
    reader->spans[reader->spans_count++] = wanted;
    reader->spans_rows += rows;
    return true;
}

static int connect_reader(struct store_reader *reader, struct store_error *err)
{
    struct stat st;
    disconnect_reader(reader);
    reader->chunks_count = reader->spans_count = reader->spans_rows = 0;
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
                      reader->db && error != -ENOMEM ? sqlite3_errmsg(reader->db)
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
    int64_t version = 0;
    int error = run(reader, "BEGIN");
    if (!error)
        error = reader_number(reader, "PRAGMA user_version", 0, &version);
    if (!error && version != reader->version)
        error = -ESTALE;
    if (error)
        reader_end(reader);
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
