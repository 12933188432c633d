/*
 * export_csv.c: RFC 4180: a line a sample, or a line a moment with a column for each series.
 *
 * Numbers are never quoted, and are the shortest that read back as the same; texts are cells as
 * export_put_cell makes them. Lines end in CR LF, as the RFC says.
 */
#include <math.h>
#include <string.h>

#include "api/export_writer.h"
#include "wire/json.h"

#define LINE_END "\r\n"

/* ---- long ---- */

static void long_begin(struct export_writer *w, struct buf *out)
{
    (void)w;
    buf_text(out, "time,name,labels,unit,value" LINE_END);
}

/* `a="b",c="d"` of name{a="b",c="d"}: with the escapes of Prometheus text, so without line breaks.
 */
static void put_labels(struct buf *out, const struct scan_series *s)
{
    CLEANUP(buf_fini) struct buf labels = BUF_INIT;
    const char *brace = s->labels_count ? strchr(s->key, '{') : NULL;
    if (brace)
        buf_append(&labels, brace + 1, strlen(brace + 1) - 1);
    export_put_cell(out, buf_string(&labels));
    out->failed = out->failed || labels.failed;
}

static void long_piece(struct export_writer *w, const struct scan_piece *piece, struct buf *out)
{
    if (w->series != piece->first_series + 1) {
        const struct scan_series *s = &w->about->series[piece->first_series];
        w->series = piece->first_series + 1;
        buf_clear(&w->prefix);
        buf_char(&w->prefix, ',');
        export_put_cell(&w->prefix, s->name);
        buf_char(&w->prefix, ',');
        put_labels(&w->prefix, s);
        buf_char(&w->prefix, ',');
        export_put_cell(&w->prefix, s->unit);
        buf_char(&w->prefix, ',');
    }
    for (size_t r = 0; r < piece->rows; r++) {
        export_put_time(&w->clock, piece->t_ms[r], out);
        buf_append(out, w->prefix.data, w->prefix.len);
        json_put_double(out, piece->values[r]);
        buf_text(out, LINE_END);
        w->rows++;
    }
}

static void long_end(struct export_writer *w, struct buf *out)
{
    out->failed = out->failed || w->prefix.failed;
}

const struct export_form export_csv = {long_begin, long_piece, long_end};

/* ---- wide ---- */

static void wide_begin(struct export_writer *w, struct buf *out)
{
    buf_text(out, "time");
    for (size_t i = 0; i < w->about->series_count; i++) {
        buf_char(out, ',');
        export_put_cell(out, w->about->series[i].key);
    }
    buf_text(out, LINE_END);
}

static void wide_piece(struct export_writer *w, const struct scan_piece *piece, struct buf *out)
{
    for (size_t r = 0; r < piece->rows; r++) {
        export_put_time(&w->clock, piece->t_ms[r], out);
        for (size_t c = 0; c < piece->columns; c++) {
            double value = piece->values[c * piece->rows + r];
            buf_char(out, ',');
            if (!isnan(value))
                json_put_double(out, value);
        }
        buf_text(out, LINE_END);
        w->rows++;
    }
}

static void wide_end(struct export_writer *w, struct buf *out)
{
    (void)w;
    (void)out;
}

const struct export_form export_csv_wide = {wide_begin, wide_piece, wide_end};
