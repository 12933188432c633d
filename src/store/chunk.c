/* chunk.c: see chunk.h. */
#include "store/chunk.h"

#include <errno.h>
#include <stdlib.h>

#include "base/defs.h"
#include "base/mem.h"
#include "store/database.h"

static void row_fini(struct chunk_row *row)
{
    buf_fini(&row->bytes);
    *row = (struct chunk_row){0};
}

void chunks_fini(struct chunks *chunks)
{
    row_fini(&chunks->own);
    chunks->now = NULL;
}

/* ---- the cache ------------------------------------------------------------------------------ */

void chunk_cache_fini(struct chunk_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++)
        row_fini(&cache->rows[i]);
    free(cache->rows);
    *cache = (struct chunk_cache){0};
}

static bool row_has(const struct chunk_row *row, const struct chunks *chunks, uint32_t span,
                    uint32_t series)
{
    return row->span == span && row->stamp == chunks->stamp && series >= row->from &&
           series <= (uint32_t)row->row;
}

static void drop_oldest(struct chunk_cache *cache)
{
    struct chunk_row *oldest = &cache->rows[0];
    for (size_t i = 1; i < cache->count; i++) {
        if (cache->rows[i].used < oldest->used)
            oldest = &cache->rows[i];
    }
    cache->bytes -= oldest->bytes.cap;
    row_fini(oldest);
    *oldest = cache->rows[--cache->count];
}

/* The same row, which was not known to go back so far. */
static struct chunk_row *cache_widen(struct chunk_cache *cache, const struct chunk_row *row)
{
    for (size_t i = 0; i < cache->count; i++) {
        struct chunk_row *known = &cache->rows[i];
        if (known->span && known->row == row->row && known->stamp == row->stamp) {
            known->from = MIN(known->from, row->from);
            return known;
        }
    }
    return NULL;
}

/* Where it is from now on: there, with an empty one left to the caller, or where it was when it is
 * nothing to be kept. */
static struct chunk_row *cache_put(struct chunk_cache *cache, struct chunk_row *row)
{
    if (row->alone || row->bytes.cap > CHUNK_CACHE_BYTES / 4)
        return row;
    struct chunk_row *put = cache_widen(cache, row);
    if (put)
        return put;
    while (cache->count == CHUNK_CACHE_ROWS || cache->bytes + row->bytes.cap > CHUNK_CACHE_BYTES)
        drop_oldest(cache);
    if (!cache->rows)
        cache->rows = mem_array(CHUNK_CACHE_ROWS, sizeof(*cache->rows));
    cache->bytes += row->bytes.cap;
    put = &cache->rows[cache->count++];
    *put = *row;
    *row = (struct chunk_row){0};
    return put;
}

static struct chunk_row *cache_find(const struct chunks *chunks, uint32_t span, uint32_t series)
{
    struct chunk_cache *cache = chunks->cache;
    for (size_t i = 0; i < cache->count; i++) {
        if (row_has(&cache->rows[i], chunks, span, series))
            return &cache->rows[i];
    }
    return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* The row that `series` is in if it has a chunk, into memory: the statement is free again. */
static int read_row(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows,
                    struct chunk_row *ret)
{
    ret->span = 0;
    buf_clear(&ret->bytes);
    sqlite3_bind_int64(chunks->stmt, 1, chunk_row(span, series));
    int rc = sqlite3_step(chunks->stmt);
    int error = database_error(sqlite3_db_handle(chunks->stmt), rc);
    if (rc == SQLITE_ROW) {
        size_t len;
        const uint8_t *data = database_blob(chunks->stmt, 0, &len);
        ret->row = sqlite3_column_int64(chunks->stmt, 1);
        if ((uint32_t)(ret->row >> 32) == span)
            buf_append(&ret->bytes, data, len);
        else
            error = -ENOENT;
    } else if (!error) {
        error = -ENOENT;
    }
    sqlite3_reset(chunks->stmt);
    if (error)
        return error;
    if (!buf_ok(&ret->bytes))
        return -ENOMEM;
    const uint8_t *data = (const uint8_t *)ret->bytes.data;
    size_t len = ret->bytes.len;
    ret->alone = len && (data[0] == CODEC_PLAIN || data[0] == CODEC_PACKED);
    ret->from = series;
    if (!ret->alone) {
        if (group_check(data, len, rows) < 0 || group_open(&ret->group, data, len) < 0)
            return -EUCLEAN;
        ret->from = MIN(series, ret->group.first);
    }
    ret->span = span;
    ret->stamp = chunks->stamp;
    return 0;
}

/* Makes `now` the row of `series`; after an error `own` says which it was. */
static int find_row(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows)
{
    if (chunks->now && row_has(chunks->now, chunks, span, series))
        return 0;
    chunks->now = chunks->cache ? cache_find(chunks, span, series) : NULL;
    if (!chunks->now) {
        int error = read_row(chunks, span, series, rows, &chunks->own);
        if (error)
            return error;
        chunks->now = chunks->cache ? cache_put(chunks->cache, &chunks->own) : &chunks->own;
    }
    if (chunks->cache)
        chunks->now->used = chunks->cache->questions;
    return 0;
}

int chunk_next(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows,
               struct chunk *ret)
{
    *ret = (struct chunk){0};
    int error = find_row(chunks, span, series, rows);
    struct chunk_row *now = error ? &chunks->own : chunks->now;
    uint32_t last = ret->series = (uint32_t)now->row;
    ret->row = now->row;
    if (error)
        return error;
    if (now->alone) { /* with a checksum of its own */
        ret->data = (const uint8_t *)now->bytes.data;
        ret->len = now->bytes.len;
        return 0;
    }
    ret->series = group_find(&now->group, series, &ret->data, &ret->len);
    if (ret->series && ret->series <= last) /* the last one has the row's number */
        return 0;
    now->span = 0;
    return -EUCLEAN;
}

int chunk_get(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows, struct chunk *ret)
{
    int error = chunk_next(chunks, span, series, rows, ret);
    return !error && ret->series != series ? -ENOENT : error;
}

struct neighbours {
    struct chunks *chunks;
    uint32_t span;
    size_t rows;
};

static int fetch(void *context, uint32_t series, const uint8_t **ret_data, size_t *ret_len)
{
    const struct neighbours *n = context;
    struct chunk chunk;
    int error = chunk_get(n->chunks, n->span, series, n->rows, &chunk);
    if (error)
        return error == -ENOENT || error == -EUCLEAN ? -EBADMSG : error;
    *ret_data = chunk.data;
    *ret_len = chunk.len;
    return 0;
}

int chunk_decode(struct codec *codec, struct chunks *chunks, uint32_t span, const uint8_t *data,
                 size_t len, size_t ticks, struct column *column)
{
    struct neighbours n = {.chunks = chunks, .span = span, .rows = ticks};
    return column_decode_chain(codec, data, len, ticks, fetch, &n, column);
}
