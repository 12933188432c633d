/*
 * database.h: the SQLite file: opening it safely, its schema, errors as -errno. What is written
 * into it is the business of writer.c, seal.c and retention.c. A connection belongs to one thread
 * at a time.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define DATABASE_NAME "netsonde.db"
#define DATABASE_APPLICATION_ID 0x6e65736f /* "neso" */
#define DATABASE_VERSION 5
#define DATABASE_PAGE_BYTES 4096

/* In `meta`: how often a row of `span` was put, changed or deleted. */
#define SPANS_CHANGED "spans_changed"

/* A chunk's row number: its span's number above, its series' id below. */
static inline int64_t chunk_row(uint32_t span, uint32_t series)
{
    return (int64_t)((uint64_t)span << 32 | series);
}

#define SPAN_MAX INT32_MAX /* so that row numbers stay positive */

/* span.tier: an enum tier, or: other spans have what was in it, its chunks are being deleted. */
#define SPAN_REPLACED 3

/* What readers ask instead of `span`: the same with the columns that databases of before format 4
 * lack. A reader's connection has it. */
#define SPANS_VIEW "spans"

/* Fills err (may be NULL) and returns `code`. */
int store_fail(struct store_error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * Opens for writing, makes the schema in a new file and brings one of an earlier version up to it.
 * -EBADMSG damaged, -ENOTSUP newer, -EMEDIUMTYPE foreign (the last two leave every byte as it was),
 * or whatever the disk says.
 */
int database_open_writer(const char *path, bool durable, sqlite3 **ret, struct store_error *err);

/* Opens for reading only and says of which version it is. -ENOENT: there is none (or an empty one).
 */
int database_open_reader(const char *path, sqlite3 **ret, int64_t *ret_version,
                         struct store_error *err);

/* Renames the file and its -wal and -shm to PATH.corrupt-TIME…; the connection must be closed.
 * Writes the new name. */
int database_set_aside(const char *path, int64_t now_ms, char *name, size_t size,
                       struct store_error *err);

/* Of the databases that were set aside removes all but the newest `keep`; `newest`, the one that
 * was set aside just now, is one of those. Returns how many are gone. */
size_t database_prune_aside(const char *path, const char *newest, size_t keep);

/* What SQLite said, in one sentence, into *err; returns `code`. `db` may be NULL. */
int database_explain(struct store_error *err, sqlite3 *db, int code, const char *path,
                     const char *what);

/* The connection's last error: -ENOSPC, -EBADMSG, -EIO, … 0 when `rc` is none. */
int database_error(sqlite3 *db, int rc);

int database_exec(sqlite3 *db, const char *sql);

/* A statement kept for the life of the connection. */
int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret);

/* Steps a statement that returns no rows, then resets it. */
int database_run(sqlite3_stmt *stmt);

/* -EBADMSG unless what was run last changed one row. In a damaged database what an index or the
 * order of rows has may not be there by its number, and work that goes on until nothing is found
 * has no end. */
int database_changed_one(sqlite3 *db);

/* A statement's first number, then reset; `missing` when there is no row or it is NULL. */
int database_number(sqlite3_stmt *stmt, int64_t missing, int64_t *ret);
int database_number_of(sqlite3 *db, const char *sql, int64_t missing, int64_t *ret);

/* The statement's current row, a blob column: never NULL with a length above 0. */
static inline const uint8_t *database_blob(sqlite3_stmt *stmt, int column, size_t *ret_len)
{
    const uint8_t *data = sqlite3_column_blob(stmt, column);
    *ret_len = data ? (size_t)sqlite3_column_bytes(stmt, column) : 0;
    return data;
}

/* Frees a statement: for CLEANUP. */
void database_finalize(sqlite3_stmt **stmt);
