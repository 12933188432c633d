/*
 * export_json.c: one JSON object for all, and one for each line.
 *
 * How many points there are is known when they are written, so the metadata is the last member. A
 * piece may end in the middle of a series: the commas are set here, not by json.h, which looks at
 * the last byte of a buffer that is sent away between two pieces.
 */
#include <math.h>

#include "api/export_writer.h"
#include "hub/encode.h"
#include "model/query.h"
#include "wire/json.h"

static void put_metadata(const struct export_writer *w, struct buf *out)
{
    const struct scan_about *about = w->about;
    json_open(out, '{');
    json_put_key(out, "host");
    json_put_string(out, w->host);
    json_put_key(out, "version");
    json_put_string(out, w->version);
    json_put_key(out, "engines");
    json_open(out, '[');
    for (size_t i = 0; i < w->engines_count; i++)
        json_put_string(out, w->engines[i]);
    json_close(out, ']');
    json_put_key(out, "interval_ms");
    json_put_i64(out, about->interval_ms);
    json_put_key(out, "from");
    json_put_i64(out, about->from_ms);
    json_put_key(out, "to");
    json_put_i64(out, about->to_ms);
    json_put_key(out, "tier");
    json_put_string(out, about->tier);
    json_put_key(out, "agg");
    json_put_string(out, aggregate_name(w->aggregate));
    if (about->truncated) {
        json_put_key(out, "truncated");
        json_put_bool(out, true);
    }
    json_put_key(out, "rows");
    json_put_u64(out, w->rows);
    json_close(out, '}');
}

/* ---- one object ---- */

static void json_begin(struct export_writer *w, struct buf *out)
{
    (void)w;
    buf_text(out, "{\"series\":[");
}

static void begin_series(struct export_writer *w, size_t index, struct buf *out)
{
    const struct scan_series *s = &w->about->series[index];
    buf_text(out, w->series ? "]},\n" : "\n");
    json_open(out, '{');
    json_put_key(out, "name");
    json_put_string(out, s->name);
    json_put_key(out, "labels");
    encode_labels_json(out, s->labels, s->labels_count);
    json_put_key(out, "unit");
    json_put_string(out, s->unit);
    json_put_key(out, "kind");
    json_put_string(out, metric_kind_name(s->kind));
    json_put_key(out, "points");
    buf_char(out, '[');
    w->series = index + 1;
}

static void json_piece(struct export_writer *w, const struct scan_piece *piece, struct buf *out)
{
    bool first = w->series != piece->first_series + 1;
    if (first)
        begin_series(w, piece->first_series, out);
    for (size_t r = 0; r < piece->rows; r++) {
        buf_append(out, ",[", first ? 0 : 2);
        if (first)
            buf_char(out, '[');
        first = false;
        json_put_i64(out, piece->t_ms[r]);
        json_put_double(out, piece->values[r]);
        buf_char(out, ']');
        w->rows++;
    }
}

static void json_end(struct export_writer *w, struct buf *out)
{
    buf_text(out, w->series ? "]}\n],\"metadata\":" : "],\"metadata\":");
    put_metadata(w, out);
    buf_text(out, "}\n");
}

const struct export_form export_json = {json_begin, json_piece, json_end};

/* ---- one object a line ---- */

static void ndjson_begin(struct export_writer *w, struct buf *out)
{
    (void)w;
    (void)out;
}

static void ndjson_piece(struct export_writer *w, const struct scan_piece *piece, struct buf *out)
{
    if (w->series != piece->first_series + 1) {
        const struct scan_series *s = &w->about->series[piece->first_series];
        w->series = piece->first_series + 1;
        buf_clear(&w->prefix);
        buf_text(&w->prefix, ",\"name\":");
        json_put_string(&w->prefix, s->name);
        buf_text(&w->prefix, ",\"labels\":");
        encode_labels_json(&w->prefix, s->labels, s->labels_count);
        buf_text(&w->prefix, ",\"unit\":");
        json_put_string(&w->prefix, s->unit);
        buf_text(&w->prefix, ",\"value\":");
    }
    for (size_t r = 0; r < piece->rows; r++) {
        buf_text(out, "{\"t\":");
        buf_i64(out, piece->t_ms[r]);
        buf_append(out, w->prefix.data, w->prefix.len);
        json_put_double(out, piece->values[r]);
        buf_text(out, "}\n");
        w->rows++;
    }
}

static void ndjson_end(struct export_writer *w, struct buf *out)
{
    /* Memory that was refused must not look like lines without a name. */
    out->failed = out->failed || w->prefix.failed;
}

const struct export_form export_ndjson = {ndjson_begin, ndjson_piece, ndjson_end};
