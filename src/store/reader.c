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

#include "base/mem.h"

#define PROGRESS_STEPS 20000 /* of SQLite's machine between looks at `cancelled`: under 1 ms */

static int on_progress(void *context)
{
    return reader_cancelled(context);
}

static int connect_reader(struct store_reader *reader, struct store_error *err)
{
    struct stat st;
    sqlite3_close(reader->db);
    reader->db = NULL;
    reader->chunks_count = 0;
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
    sqlite3_close(reader->db);
    codec_free(reader->codec);
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
        database_exec(reader->db, "ROLLBACK");
}

/* -ESTALE: the writer of a newer version has brought the database to its own format meanwhile. */
static int begin_reading(struct store_reader *reader)
{
    int64_t version = 0;
    int error = database_exec(reader->db, "BEGIN");
    if (!error)
        error = database_number_of(reader->db, "PRAGMA user_version", 0, &version);
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
