/* answer.c: see answer.h. */
#include "api/answer.h"

#include "hub/encode.h"
#include "model/table.h"
#include "model/view.h"
#include "wire/json.h"

#define ANSWER_DIGITS 9 /* rates and means; whole numbers stay exact */

void answer_json(struct buf *out, const struct answer *a)
{
    json_open(out, '{');
    json_put_key(out, "from");
    json_put_i64(out, a->from_ms);
    json_put_key(out, "to");
    json_put_i64(out, a->to_ms);
    json_put_key(out, "step_ms");
    json_put_i64(out, a->step_ms);
    json_put_key(out, "tier");
    json_put_string(out, a->tier);
    if (a->truncated) {
        json_put_key(out, "truncated");
        json_put_bool(out, true);
    }
    json_put_key(out, "series");
    json_open(out, '[');
    for (size_t i = 0; i < a->series_count; i++) {
        const struct answer_series *s = &a->series[i];
        json_open(out, '{');
        json_put_key(out, "id");
        json_put_u64(out, s->id);
        json_put_key(out, "name");
        json_put_string(out, s->name);
        json_put_key(out, "labels");
        encode_labels_json(out, s->labels, s->labels_count);
        json_put_key(out, "unit");
        json_put_string(out, s->unit);
        json_put_key(out, "kind");
        json_put_string(out, metric_kind_name(s->kind));
        json_put_key(out, "points");
        json_open(out, '[');
        for (size_t p = 0; p < a->points_count; p++) {
            json_open(out, '[');
            json_put_i64(out, a->from_ms + (int64_t)p * a->step_ms);
            json_put_rounded(out, s->values[p], ANSWER_DIGITS);
            json_close(out, ']');
        }
        json_close(out, ']');
        json_close(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
}

void answer_table_json(struct buf *out, const struct table *t, int64_t t_ms,
                       const struct view *view, uint64_t cut_from)
{
    json_open(out, '{');
    json_put_key(out, "t");
    json_put_i64(out, t_ms);
    json_put_key(out, "total");
    json_put_u64(out, view->total);
    if (cut_from) {
        json_put_key(out, "cut_from");
        json_put_u64(out, cut_from);
    }
    json_put_key(out, "columns");
    encode_columns_json(out, t->schema);
    json_put_key(out, "rows");
    json_open(out, '[');
    for (size_t i = 0; i < view->count; i++)
        encode_row_json(out, t, view->rows[i]);
    json_close(out, ']');
    json_close(out, '}');
}
