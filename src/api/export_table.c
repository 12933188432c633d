/*
 * export_table.c: rows of a table as JSON, CSV or NDJSON. JSON is what GET /api/v1/TABLE answers,
 * with metadata behind it.
 */
#include <string.h>

#include "api/export_writer.h"
#include "base/check.h"
#include "hub/encode.h"
#include "wire/json.h"

#define LINE_END "\r\n"

void export_table_begin(struct export_table *t, enum export_format format, struct buf *out)
{
    const struct table_schema *schema = t->table->schema;
    CHECK(format != EXPORT_OPENMETRICS);
    if (format == EXPORT_JSON) {
        json_open(out, '{');
        json_put_key(out, "t");
        json_put_i64(out, t->t_ms);
        json_put_key(out, "total");
        json_put_u64(out, t->total);
        json_put_key(out, "columns");
        encode_columns_json(out, schema);
        json_put_key(out, "rows");
        buf_char(out, '[');
    } else if (format == EXPORT_CSV) {
        for (size_t c = 0; c < schema->columns_count; c++) {
            if (c)
                buf_char(out, ',');
            export_put_cell(out, schema->columns[c].name);
        }
        buf_text(out, LINE_END);
    }
}

static void put_value(struct buf *out, const struct cell *cell)
{
    switch (cell->type) {
    case CELL_NULL:
        json_put_null(out);
        break;
    case CELL_UINT:
        json_put_u64(out, cell->uint);
        break;
    case CELL_REAL:
        json_put_double(out, cell->real);
        break;
    case CELL_TEXT:
        json_put_string(out, cell->text);
        break;
    case CELL_LIST:
        json_open(out, '[');
        for (const char *at = cell->text; *at;) {
            size_t len = strcspn(at, "\n");
            json_put_string_n(out, at, len);
            at += len + (at[len] == '\n');
        }
        json_close(out, ']');
        break;
    }
}

/* Items of a list are separated by blanks: addresses have none. */
static void put_list_cell(struct buf *out, const char *lines)
{
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    buf_text(&text, lines);
    for (size_t i = 0; buf_ok(&text) && i < text.len; i++) {
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    }
    export_put_cell(out, buf_string(&text));
    out->failed = out->failed || text.failed;
}

static void put_csv_row(const struct table *table, size_t row, struct buf *out)
{
    for (size_t c = 0; c < table->schema->columns_count; c++) {
        const struct cell *cell = table_cell(table, row, c);
        if (c)
            buf_char(out, ',');
        if (cell->type == CELL_UINT)
            buf_u64(out, cell->uint);
        else if (cell->type == CELL_REAL)
            json_put_double(out, cell->real);
        else if (cell->type == CELL_TEXT)
            export_put_cell(out, cell->text);
        else if (cell->type == CELL_LIST)
            put_list_cell(out, cell->text);
    }
    buf_text(out, LINE_END);
}

static void put_object(const struct export_table *t, size_t row, struct buf *out)
{
    const struct table_schema *schema = t->table->schema;
    bool has_t = false;
    for (size_t c = 0; c < schema->columns_count; c++)
        has_t = has_t || strcmp(schema->columns[c].name, "t") == 0;
    buf_char(out, '{');
    if (!has_t) {
        json_put_key(out, "t");
        json_put_i64(out, t->t_ms);
    }
    for (size_t c = 0; c < schema->columns_count; c++) {
        json_put_key(out, schema->columns[c].name);
        put_value(out, table_cell(t->table, row, c));
    }
    buf_text(out, "}\n");
}

void export_table_row(struct export_table *t, enum export_format format, size_t row,
                      struct buf *out)
{
    if (format == EXPORT_CSV) {
        put_csv_row(t->table, row, out);
    } else if (format == EXPORT_NDJSON) {
        put_object(t, row, out);
    } else {
        buf_text(out, t->rows ? ",\n" : "\n");
        encode_row_json(out, t->table, row);
    }
    t->rows++;
}

void export_table_end(struct export_table *t, enum export_format format, struct buf *out)
{
    if (format != EXPORT_JSON)
        return;
    buf_text(out, "],\"metadata\":");
    json_open(out, '{');
    json_put_key(out, "host");
    json_put_string(out, t->host);
    json_put_key(out, "version");
    json_put_string(out, t->version);
    json_put_key(out, "table");
    json_put_string(out, t->table->schema->name);
    json_put_key(out, "rows");
    json_put_u64(out, t->rows);
    json_close(out, '}');
    buf_text(out, "}\n");
}
