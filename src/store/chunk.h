/*
 * chunk.h: chunks out of the database, where a row is one of them (as it was before format 5) or a
 * group of them under the number of its last series. One thread at a time.
 */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

#include "store/column.h"

/* ?1: the row of a series, which the row found is of, or which is the first behind. */
#define CHUNK_STATEMENT "SELECT data, id FROM chunk WHERE id >= ?1 ORDER BY id LIMIT 1"

struct chunk {
    uint32_t series;
    int64_t row; /* where it is; after -EUCLEAN the one that is damaged */
    const uint8_t *data;
    size_t len;
};

/*
 * A chunk of a span of so many rows. `stmt` is a CHUNK_STATEMENT; the bytes are borrowed until it
 * is reset, which is up to the caller. 0, -ENOENT when that series has none, -EUCLEAN when the row
 * that it may be in is damaged, or what the disk says: -EBADMSG is a page of SQLite's.
 */
int chunk_get(sqlite3_stmt *stmt, uint32_t span, uint32_t series, size_t rows, struct chunk *ret);

/* The first series with a chunk from `series` on; -ENOENT: there is none. */
int chunk_next(sqlite3_stmt *stmt, uint32_t span, uint32_t series, size_t rows, struct chunk *ret);

/* Of the raw tier, with those of its span that it is beside (column.h). `data` may be borrowed from
 * `stmt`, and is gone afterwards. 0, -EBADMSG (also when one that it is beside is damaged or
 * missing), -ENOTSUP, or what the disk says. */
int chunk_decode(struct codec *codec, sqlite3_stmt *stmt, uint32_t span, const uint8_t *data,
                 size_t len, size_t ticks, struct column *column);
