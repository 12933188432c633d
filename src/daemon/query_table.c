/*
 * query_table.c: `netsonde query --table NAME`: a table as it was stored, on the command line.
 */
#include "daemon/query_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/output.h"
#include "model/view.h"
#include "store/store.h"

#define CELL_COLUMNS_MAX 40 /* characters of a cell; the last one of a row may be longer */

static int usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde query: %s%s%s; see netsonde help query\n", message, value ? ": " : "",
            value ? value : "");
    return EXIT_USAGE;
}

struct wish {
    const struct table_schema *schema;
    struct view_spec *spec;
    int64_t at_ms;
    uint64_t limit;
};

/* 0 or the exit code. */
static int wish_read(const struct options *options, struct wish *w)
{
    const char *text = options->query.table, *field;
    char why[160];
    w->schema = table_schema_named(text);
    if (!w->schema || !store_keeps_table(w->schema->kind))
        return usage("--table takes connections or processes: of others no history is kept", text);
    if (options->query.metric || options->query.matches_count || options->query.from ||
        options->query.to || options->query.points || options->query.agg)
        return usage("--table goes with --at, --filter, --sort and --limit only", NULL);
    int64_t now_ms = clock_wall_ms();
    w->at_ms = INT64_MAX; /* the newest, even if the clock was ahead when it was stored */
    text = options->query.at;
    if (text && text_time_ms(text, now_ms, &w->at_ms) < 0)
        return usage("--at takes a time: epoch milliseconds, RFC 3339, -60 or now-15m", text);
    w->limit = VIEW_LIMIT_DEFAULT;
    text = options->query.limit;
    if (text && (text_u64(text, &w->limit) < 0 || w->limit > VIEW_LIMIT_MAX))
        return usage("--limit takes a whole number up to 10000", text);
    if (view_spec_new(w->schema, options->query.filter, options->query.sort, &w->spec, &field, why,
                      sizeof(why)) < 0) {
        char what[200];
        snprintf(what, sizeof(what), "--%s: %s", field, why);
        return usage(what, NULL);
    }
    return 0;
}

/* ---- as text ------------------------------------------------------------------------------- */

/* The cell as one line of text without control characters, cut to so many bytes. */
static void cell_print(const struct cell *c, size_t most, struct buf *out)
{
    size_t start = out->len;
    switch (c->type) {
    case CELL_NULL:
        buf_char(out, '-');
        break;
    case CELL_UINT:
        buf_u64(out, c->uint);
        break;
    case CELL_REAL:
        buf_printf(out, "%.6g", c->real);
        break;
    case CELL_TEXT:
    case CELL_LIST:
        buf_text(out, *c->text ? c->text : "-");
        break;
    }
    if (!buf_ok(out))
        return;
    if (out->len - start > most) {
        out->len = start + most;
        out->len = start + text_utf8_valid(out->data + start, most); /* no half of a character */
    }
    for (size_t i = start; i < out->len; i++) {
        if ((unsigned char)out->data[i] < ' ' || out->data[i] == 127)
            out->data[i] = c->type == CELL_LIST && out->data[i] == '\n' ? ',' : '?';
    }
}

static void text_put_padded(struct buf *line, const char *text, size_t width, bool last)
{
    size_t len = strlen(text);
    buf_text(line, text);
    for (; !last && len < width + 2; len++)
        buf_char(line, ' ');
}

static void print_text(const struct stored_table *stored, const struct view *view, struct buf *out)
{
    const struct table *t = stored->table;
    size_t columns = t->schema->columns_count, *width = mem_array(columns, sizeof(*width));
    struct buf cell = BUF_INIT;
    for (size_t c = 0; c < columns; c++) {
        width[c] = strlen(t->schema->columns[c].name);
        for (size_t r = 0; r < view->count; r++) {
            buf_clear(&cell);
            cell_print(table_cell(t, view->rows[r], c), CELL_COLUMNS_MAX, &cell);
            width[c] = MAX(width[c], cell.len);
        }
    }
    char when[32];
    text_format_time(stored->t_ms, when, sizeof(when));
    buf_printf(out, "%s  %zu of %zu rows", when, view->count, view->total);
    if (stored->total > t->rows_count)
        buf_printf(out, " stored, of %llu that there were", (unsigned long long)stored->total);
    buf_text(out, "\n");
    for (size_t c = 0; c < columns; c++)
        text_put_padded(out, t->schema->columns[c].name, width[c], c + 1 == columns);
    buf_char(out, '\n');
    for (size_t r = 0; r < view->count; r++) {
        for (size_t c = 0; c < columns; c++) {
            buf_clear(&cell);
            cell_print(table_cell(t, view->rows[r], c), CELL_COLUMNS_MAX, &cell);
            text_put_padded(out, buf_string(&cell), width[c], c + 1 == columns);
        }
        buf_char(out, '\n');
    }
    buf_fini(&cell);
    free(width);
}

/* ---- all ----------------------------------------------------------------------------------- */

static int print(const struct wish *w, const struct stored_table *stored, bool json)
{
    struct buf out = BUF_INIT;
    struct view view;
    bool cut = stored->total > stored->table->rows_count;
    view_make(stored->table, w->spec, w->limit, 0, &view);
    if (json) {
        answer_table_json(&out, stored->table, stored->t_ms, &view, cut ? stored->total : 0);
        buf_char(&out, '\n');
    } else {
        print_text(stored, &view, &out);
    }
    bool good = buf_ok(&out) && fwrite(out.data, 1, out.len, stdout) == out.len;
    view_fini(&view);
    buf_fini(&out);
    return output_end(good);
}

int query_table(const struct config *config, const struct options *options)
{
    struct wish w = {0};
    struct store_reader *reader = NULL;
    struct stored_table stored = {0};
    struct store_error error;
    int code = wish_read(options, &w);
    if (code) {
        view_spec_free(w.spec);
        return code;
    }
    int err = store_reader_open(config->data_dir, &reader, &error);
    if (!err)
        err = store_table(reader, w.schema->kind, w.at_ms, &stored, &error);
    if (err) {
        fprintf(stderr, "netsonde query: %s\n", error.text);
        code = EXIT_FAILURE;
    } else {
        code = print(&w, &stored, options->json);
    }
    table_unref(stored.table);
    store_reader_close(reader);
    view_spec_free(w.spec);
    return code;
}
