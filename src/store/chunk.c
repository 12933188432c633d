/* chunk.c: see chunk.h. */
#include "store/chunk.h"

#include <errno.h>

#include "store/database.h"
#include "store/group.h"

int chunk_next(sqlite3_stmt *stmt, uint32_t span, uint32_t series, size_t rows, struct chunk *ret)
{
    *ret = (struct chunk){0};
    sqlite3_reset(stmt);
    sqlite3_bind_int64(stmt, 1, chunk_row(span, series));
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        int error = database_error(sqlite3_db_handle(stmt), rc);
        return error ? error : -ENOENT;
    }
    ret->row = sqlite3_column_int64(stmt, 1);
    ret->series = (uint32_t)ret->row;
    if ((uint32_t)(ret->row >> 32) != span)
        return -ENOENT;
    ret->data = database_blob(stmt, 0, &ret->len);
    if (ret->len && (ret->data[0] == CODEC_PLAIN || ret->data[0] == CODEC_PACKED))
        return 0; /* a row of its own, with a checksum of its own */
    if (group_check(ret->data, ret->len, rows) < 0)
        return -EUCLEAN;
    uint32_t last = ret->series;
    uint32_t found = group_find(ret->data, ret->len, series, &ret->data, &ret->len);
    ret->series = found;
    return found && found <= last ? 0 : -EUCLEAN; /* the last one has the row's number */
}

int chunk_get(sqlite3_stmt *stmt, uint32_t span, uint32_t series, size_t rows, struct chunk *ret)
{
    int error = chunk_next(stmt, span, series, rows, ret);
    return !error && ret->series != series ? -ENOENT : error;
}

struct neighbours {
    sqlite3_stmt *stmt;
    uint32_t span;
    size_t rows;
};

static int fetch(void *context, uint32_t series, const uint8_t **ret_data, size_t *ret_len)
{
    const struct neighbours *n = context;
    struct chunk chunk;
    int error = chunk_get(n->stmt, n->span, series, n->rows, &chunk);
    if (error)
        return error == -ENOENT || error == -EUCLEAN ? -EBADMSG : error;
    *ret_data = chunk.data;
    *ret_len = chunk.len;
    return 0;
}

int chunk_decode(struct codec *codec, sqlite3_stmt *stmt, uint32_t span, const uint8_t *data,
                 size_t len, size_t ticks, struct column *column)
{
    struct neighbours n = {.stmt = stmt, .span = span, .rows = ticks};
    return column_decode_chain(codec, data, len, ticks, fetch, &n, column);
}
