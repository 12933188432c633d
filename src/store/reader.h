/*
 * reader.h: what a reader is to the files that read: reader.c, events.c, query.c and its helpers.
 * One thread at a time, but for `cancelled`.
 */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "store/catalog.h"
#include "store/chunk.h"
#include "store/column.h"
#include "store/database.h"
#include "store/postings.h"

/* In `meta`: how many damaged chunks were moved away. */
#define CHUNKS_MOVED "chunks_moved"

/* More than there are questions in the program. */
#define READER_STATEMENTS 40

struct reader_statement {
    const char *sql; /* a constant of the program: it is known by its address */
    sqlite3_stmt *stmt;
};

/* Times of spans that were read last. All series of a span share them, and to unpack those of an
 * hour takes longer than one series does. When either is full they begin anew. */
#define READER_SPANS 64
#define READER_ROWS 8192 /* 24 bytes each */

struct span_times {
    uint32_t span;
    size_t rows, first; /* in `times` */
    int64_t interval_ms;
    uint32_t checksum; /* of what they were unpacked from: another span has another one */
    int64_t state;     /* in which that was looked at last */
};

/* As many as a reader tells of at a time; there may be more. */
#define READER_CHUNKS 16

struct store_reader {
    char *path;
    sqlite3 *db;     /* NULL after a failed reopening */
    int64_t version; /* of its format */
    int64_t state;   /* another one after each commit of somebody else; of this connection alone */
    dev_t device;    /* of the file that `db` has open */
    ino_t inode;
    struct reader_statement statements[READER_STATEMENTS]; /* of `db` */
    size_t statements_count;
    struct span_times spans[READER_SPANS];
    size_t spans_count, spans_rows;
    struct timeline times;    /* [READER_ROWS] of those; NULL inside: none yet */
    struct catalog catalog;   /* of `db` */
    struct postings postings; /* of `db` */
    struct chunk_cache cache; /* of `db` */
    uint64_t selections;      /* questions that chose series */
    struct codec *codec;
    uint64_t damaged;
    int64_t chunks[READER_CHUNKS]; /* rows of those that are damaged, not reported yet */
    size_t chunks_count;
    atomic_bool cancelled;
};

/* Everything between these two sees one state of the database. */
int reader_begin(struct store_reader *reader, struct store_error *err);
void reader_end(struct store_reader *reader);

/* A statement for `sql`, which must be a string that lives for ever; prepared when it is asked for
 * the first time and kept as long as the file is open. Borrowed: reset it when done with it, as
 * CLEANUP(reader_done) does. 0 or -errno. */
int reader_statement(struct store_reader *reader, const char *sql, sqlite3_stmt **ret);
void reader_done(sqlite3_stmt **stmt); /* NULL inside allowed */

/* database_number_of with such a statement. */
int reader_number(struct store_reader *reader, const char *sql, int64_t missing, int64_t *ret);

/* The times of a span's rows, borrowed until the next call. *ret_rows is 0 when they are damaged or
 * gone. 0 or -errno. */
int reader_times(struct store_reader *reader, const struct catalog_span *span, size_t *ret_rows,
                 struct timeline *ret);

static inline bool reader_cancelled(const struct store_reader *reader)
{
    return reader && atomic_load_explicit(&reader->cancelled, memory_order_relaxed);
}

/* Counts a damaged chunk and remembers it for store_report. */
void reader_met_damaged(struct store_reader *reader, uint32_t span, uint32_t series);

/* Says what went wrong while reading. Returns `error`. */
int reader_fail(const struct store_reader *reader, int error, struct store_error *err);
