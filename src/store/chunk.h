/*
 * chunk.h: chunks out of the database, where a row is one of them (as it was before format 5) or a
 * group of them under the number of its last series. One thread at a time.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/column.h"
#include "store/group.h"

/* ?1: the row of a series, which the row found is of, or which is the first behind. */
#define CHUNK_STATEMENT "SELECT data, id FROM chunk WHERE id >= ?1 ORDER BY id LIMIT 1"

/* A row that was read, and found good if it is a group. */
struct chunk_row {
    uint32_t span;  /* 0: none */
    uint32_t from;  /* from this series on, to that of `row`, it is the one */
    uint64_t stamp; /* of its span, see chunks.stamp */
    uint64_t used;  /* when it was last, in questions */
    int64_t row;
    bool alone; /* not a group */
    struct buf bytes;
    struct group_reader group;
};

/*
 * Groups that were read last, for what is asked again: the same series over another range, or a few
 * moments later. A span's rows never change, they are only deleted: by and by as the span expires,
 * or alone when they are damaged, and then readers forget all (catalog.c). What is a row alone has
 * a checksum that nobody has looked at yet, and is read again.
 */
#define CHUNK_CACHE_BYTES (1U << 20)
#define CHUNK_CACHE_ROWS 256

struct chunk_cache {
    struct chunk_row *rows; /* NULL: none yet */
    size_t count, bytes;
    uint64_t questions;
};

void chunk_cache_fini(struct chunk_cache *cache); /* it may be used again */

/* The next question is often about another series of the row that was read last. */
struct chunks {
    sqlite3_stmt *stmt;        /* a CHUNK_STATEMENT, borrowed */
    struct chunk_cache *cache; /* borrowed; NULL: only the last one is kept */
    /* With a cache: what tells the span that is asked about from any other that had its number
     * before it, that of its last tick. */
    uint64_t stamp;
    struct chunk_row *now; /* NULL, `own` or in the cache */
    struct chunk_row own;
};

static inline struct chunks chunks_over(sqlite3_stmt *stmt, struct chunk_cache *cache)
{
    return (struct chunks){.stmt = stmt, .cache = cache};
}

void chunks_fini(struct chunks *chunks); /* it may be asked again */

struct chunk {
    uint32_t series;
    int64_t row; /* where it is; after -EUCLEAN the one that is damaged */
    const uint8_t *data;
    size_t len;
};

/*
 * A chunk of a span of so many rows. The bytes are borrowed from `chunks` until the next question.
 * 0, -ENOENT when that series has none, -EUCLEAN when the row that it may be in is damaged, or what
 * the disk says: -EBADMSG is a page of SQLite's.
 */
int chunk_get(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows,
              struct chunk *ret);

/* The first series with a chunk from `series` on; -ENOENT: there is none. */
int chunk_next(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows,
               struct chunk *ret);

/* Of the raw tier, with those of its span that it is beside (column.h). `data` may be borrowed from
 * `chunks`, and is gone afterwards. 0, -EBADMSG (also when one that it is beside is damaged or
 * missing), -ENOTSUP, or what the disk says. */
int chunk_decode(struct codec *codec, struct chunks *chunks, uint32_t span, const uint8_t *data,
                 size_t len, size_t ticks, struct column *column);
