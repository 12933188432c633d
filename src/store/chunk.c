/* chunk.c: see chunk.h. */
#include "store/chunk.h"

#include <errno.h>

#include "base/defs.h"
#include "store/database.h"

void chunks_fini(struct chunks *chunks)
{
    buf_fini(&chunks->bytes);
    *chunks = chunks_over(chunks->stmt);
}

/* The row that `series` is in if it has a chunk, into memory: the statement is free again. */
static int read_row(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows)
{
    chunks->span = 0;
    buf_clear(&chunks->bytes);
    sqlite3_bind_int64(chunks->stmt, 1, chunk_row(span, series));
    int rc = sqlite3_step(chunks->stmt);
    int error = database_error(sqlite3_db_handle(chunks->stmt), rc);
    if (rc == SQLITE_ROW) {
        size_t len;
        const uint8_t *data = database_blob(chunks->stmt, 0, &len);
        chunks->row = sqlite3_column_int64(chunks->stmt, 1);
        if ((uint32_t)(chunks->row >> 32) == span)
            buf_append(&chunks->bytes, data, len);
        else
            error = -ENOENT;
    } else if (!error) {
        error = -ENOENT;
    }
    sqlite3_reset(chunks->stmt);
    if (error)
        return error;
    if (!buf_ok(&chunks->bytes))
        return -ENOMEM;
    const uint8_t *data = (const uint8_t *)chunks->bytes.data;
    size_t len = chunks->bytes.len;
    chunks->alone = len && (data[0] == CODEC_PLAIN || data[0] == CODEC_PACKED);
    chunks->from = series;
    if (!chunks->alone) {
        if (group_check(data, len, rows) < 0 || group_open(&chunks->group, data, len) < 0)
            return -EUCLEAN;
        chunks->from = MIN(series, chunks->group.first);
    }
    chunks->span = span;
    return 0;
}

int chunk_next(struct chunks *chunks, uint32_t span, uint32_t series, size_t rows,
               struct chunk *ret)
{
    *ret = (struct chunk){0};
    uint32_t last = (uint32_t)chunks->row;
    int error = 0;
    if (chunks->span != span || series < chunks->from || series > last)
        error = read_row(chunks, span, series, rows);
    last = ret->series = (uint32_t)chunks->row;
    ret->row = chunks->row;
    if (error)
        return error;
    if (chunks->alone) { /* with a checksum of its own */
        ret->data = (const uint8_t *)chunks->bytes.data;
        ret->len = chunks->bytes.len;
        return 0;
    }
    ret->series = group_find(&chunks->group, series, &ret->data, &ret->len);
    if (ret->series && ret->series <= last) /* the last one has the row's number */
        return 0;
    chunks->span = 0;
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
