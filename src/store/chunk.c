/* chunk.c: see chunk.h. */
#include "store/chunk.h"

#include <errno.h>

#include "store/database.h"

struct neighbours {
    sqlite3_stmt *stmt;
    uint32_t span;
};

static int fetch(void *context, uint32_t series, const uint8_t **ret_data, size_t *ret_len)
{
    const struct neighbours *n = context;
    sqlite3_reset(n->stmt);
    sqlite3_bind_int64(n->stmt, 1, chunk_row(n->span, series));
    int rc = sqlite3_step(n->stmt);
    if (rc != SQLITE_ROW) {
        int error = database_error(sqlite3_db_handle(n->stmt), rc);
        return error ? error : -EBADMSG;
    }
    *ret_data = database_blob(n->stmt, 0, ret_len);
    return 0;
}

int chunk_decode(struct codec *codec, sqlite3_stmt *stmt, uint32_t span, const uint8_t *data,
                 size_t len, size_t ticks, struct column *column)
{
    struct neighbours n = {.stmt = stmt, .span = span};
    return column_decode_chain(codec, data, len, ticks, fetch, &n, column);
}
