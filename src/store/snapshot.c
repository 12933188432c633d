/*
 * snapshot.c: what a stored table looks like, inside the envelope of codec.c (docs/STORAGE.md):
 *
 *   1                                 format
 *   columns, rows                     varints
 *   for each column                   length of its name, its name
 *   for each column, for each row     its cell's type, one byte each ...
 *   for each column, for each row     ... and its cell: a whole number as the difference to the one
 *                                     above it, a real number as its eight bytes, a text as its
 *                                     length and its bytes with a NUL; nothing for a null
 *
 * Cells of one column lie together because they resemble each other; zstd does the rest. Columns go
 * by their names, so a later version may have others.
 */
#include "store/snapshot.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/varint.h"

#define FORMAT 1
#define COLUMNS_MAX 64
#define BODY_MAX (256U << 20) /* far beyond SNAPSHOT_ROWS_MAX rows of texts as they are */

/* What store.record_names: off leaves out: programs, users, hosts. Addresses stay. */
static bool is_name(const char *column)
{
    static const char *const names[] = {"remote_name", "process", "unit", "user", "host", "name"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(column, names[i]) == 0)
            return true;
    }
    return false;
}

/* ---- writing ------------------------------------------------------------------------------- */

static size_t cell_bound(const struct cell *c)
{
    return c->type == CELL_TEXT || c->type == CELL_LIST ? VARINT_MAX + strlen(c->text) + 1
                                                        : VARINT_MAX;
}

static size_t body_bound(const struct table *t, const size_t *rows, size_t count)
{
    size_t columns = t->schema->columns_count, bound = 1 + 2 * VARINT_MAX + columns * count;
    for (size_t c = 0; c < columns; c++) {
        bound += VARINT_MAX + strlen(t->schema->columns[c].name);
        for (size_t r = 0; r < count; r++)
            bound += cell_bound(table_cell(t, rows[r], c));
    }
    return bound;
}

static uint8_t *text_put(uint8_t *at, const char *text, size_t size)
{
    size_t len = strlen(text);
    at = varint_put(at, len);
    memcpy(at, text, len + size);
    return at + len + size;
}

static uint8_t *cell_put(uint8_t *at, const struct cell *c, uint64_t *above)
{
    switch (c->type) {
    case CELL_NULL:
        break;
    case CELL_UINT:
        at = varint_put(at, zigzag(c->uint - *above));
        *above = c->uint;
        break;
    case CELL_REAL:
        memcpy(at, &c->real, sizeof(c->real));
        at += sizeof(c->real);
        break;
    case CELL_TEXT:
    case CELL_LIST:
        at = text_put(at, c->text, 1);
        break;
    }
    return at;
}

void snapshot_encode(struct codec *codec, const struct table *t, const size_t *rows, size_t count,
                     bool names, struct buf *out)
{
    CHECK(count <= SNAPSHOT_ROWS_MAX && t->schema->columns_count <= COLUMNS_MAX);
    size_t left_out = 0, columns = t->schema->columns_count;
    bool skip[COLUMNS_MAX];
    for (size_t c = 0; c < columns; c++) {
        skip[c] = !names && is_name(t->schema->columns[c].name);
        left_out += skip[c];
    }
    uint8_t *body = codec_scratch(codec, body_bound(t, rows, count)), *at = body;
    *at++ = FORMAT;
    at = varint_put(at, columns - left_out);
    at = varint_put(at, count);
    for (size_t c = 0; c < columns; c++) {
        if (!skip[c])
            at = text_put(at, t->schema->columns[c].name, 0);
    }
    for (size_t c = 0; c < columns; c++) {
        uint64_t above = 0;
        for (size_t r = 0; r < count && !skip[c]; r++)
            *at++ = (uint8_t)table_cell(t, rows[r], c)->type;
        for (size_t r = 0; r < count && !skip[c]; r++)
            at = cell_put(at, table_cell(t, rows[r], c), &above);
    }
    codec_wrap(codec, 0, body, (size_t)(at - body), out);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int column_named(const struct table_schema *schema, const uint8_t *name, size_t len)
{
    for (size_t c = 0; c < schema->columns_count; c++) {
        if (strlen(schema->columns[c].name) == len &&
            memcmp(schema->columns[c].name, name, len) == 0)
            return (int)c;
    }
    return -1;
}

/* The text with its NUL; NULL: there is none. */
static const char *text_get(struct cursor *c)
{
    uint64_t len = cursor_varint(c);
    const uint8_t *text = len < cursor_left(c) ? cursor_bytes(c, len + 1) : NULL;
    if (!text || strnlen((const char *)text, len + 1) != len)
        cursor_fail(c);
    return c->bad ? NULL : (const char *)text;
}

/* to: NULL when the kind has no such column. */
static void cell_get(struct cursor *c, struct table *t, uint8_t type, struct cell *to,
                     uint64_t *above)
{
    struct cell ignored;
    const char *text;
    double real;
    const uint8_t *data;
    if (!to)
        to = &ignored;
    switch (type) {
    case CELL_NULL:
        *to = (struct cell){0};
        break;
    case CELL_UINT:
        *above += unzigzag(cursor_varint(c));
        cell_uint(to, *above);
        break;
    case CELL_REAL:
        data = cursor_bytes(c, sizeof(real));
        if (data)
            memcpy(&real, data, sizeof(real));
        cell_real(to, data ? real : 0);
        break;
    case CELL_TEXT:
    case CELL_LIST:
        text = text_get(c);
        if (to == &ignored || !text)
            break;
        if (type == CELL_TEXT)
            cell_text(t, to, text);
        else
            cell_list(t, to, text);
        break;
    default:
        cursor_fail(c);
    }
}

static void column_get(struct cursor *c, struct table *t, int column, size_t rows)
{
    uint64_t above = 0;
    const uint8_t *types = cursor_bytes(c, rows);
    for (size_t r = 0; r < rows && !c->bad; r++) {
        struct cell *to =
            column >= 0 ? &t->cells[r * t->schema->columns_count + (size_t)column] : NULL;
        /* The id is what a row is known by. */
        if (column == 0 && types[r] != CELL_UINT)
            cursor_fail(c);
        else
            cell_get(c, t, types[r], to, &above);
    }
}

static int body_get(struct cursor *c, enum table_kind kind, struct table **ret)
{
    int columns[COLUMNS_MAX];
    if (cursor_byte(c) != FORMAT)
        return c->bad ? -EBADMSG : -ENOTSUP;
    uint64_t count = cursor_varint(c), rows = cursor_varint(c);
    /* Each cell has a byte at least: no table is larger than its bytes. */
    if (c->bad || count > COLUMNS_MAX || rows > SNAPSHOT_ROWS_MAX || count * rows > cursor_left(c))
        return -EBADMSG;
    bool has_id = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t len = cursor_varint(c);
        const uint8_t *name = cursor_bytes(c, len);
        columns[i] = name ? column_named(table_schema(kind), name, len) : -1;
        has_id |= columns[i] == 0;
    }
    struct table *t = table_new(kind, rows);
    for (size_t r = 0; r < rows; r++)
        table_row(t, 0);
    for (size_t i = 0; i < count; i++)
        column_get(c, t, columns[i], rows);
    if (c->bad || cursor_left(c) || !has_id) {
        table_unref(t);
        return -EBADMSG;
    }
    *ret = t;
    return 0;
}

int snapshot_decode(struct codec *codec, enum table_kind kind, const uint8_t *data, size_t len,
                    struct table **ret)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len;
    int err = codec_unwrap(codec, data, len, BODY_MAX, &flags, &body, &body_len);
    if (err)
        return err;
    struct cursor c = cursor_over(body, body_len);
    return body_get(&c, kind, ret);
}
