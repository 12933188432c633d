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

/* The row that was read last: the next question is often about another series of its group. */
struct chunks {
    sqlite3_stmt *stmt; /* a CHUNK_STATEMENT, borrowed */
    uint32_t span;      /* 0: no row */
    uint32_t from;      /* from this series on, to that of `row`, it is the one */
    int64_t row;
    bool alone; /* not a group */
    struct buf bytes;
    struct group_reader group;
};

static inline struct chunks chunks_over(sqlite3_stmt *stmt)
{
    return (struct chunks){.stmt = stmt};
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
