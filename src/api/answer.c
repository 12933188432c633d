/* answer.c: see answer.h. */
#include "api/answer.h"

#include <string.h>

#include "base/mem.h"
#include "hub/encode.h"
#include "model/table.h"
#include "model/view.h"
#include "wire/json.h"

#define ANSWER_DIGITS 9 /* rates and means; whole numbers stay exact */

/* Points are nearly all of an answer: ,[time,value] goes into memory that is reserved for some of
 * them at a time. Their times are the same in all series and are written once. */
#define POINTS_AT_ONCE 256
#define POINT_BYTES (sizeof(struct stamp) + JSON_NUMBER_MAX + 1)

struct stamp {
    char text[31]; /* ",[1764000000000," */
    uint8_t len;
};

_Static_assert(sizeof(((struct stamp *)NULL)->text) >= 3 + 1 + 20, "room for every time");

static struct stamp *stamps_new(const struct answer *a)
{
    struct stamp *stamps = mem_array(MAX(a->points_count, (size_t)1), sizeof(*stamps));
    for (size_t p = 0; p < a->points_count && a->series_count; p++) {
        int64_t t_ms = a->from_ms + (int64_t)p * a->step_ms;
        char *at = stamps[p].text;
        *at++ = ',';
        *at++ = '[';
        if (t_ms < 0)
            *at++ = '-';
        at = json_write_u64(at, t_ms < 0 ? 0 - (uint64_t)t_ms : (uint64_t)t_ms);
        *at++ = ',';
        stamps[p].len = (uint8_t)(at - stamps[p].text);
    }
    return stamps;
}

static void put_points(struct buf *out, const struct stamp *stamps, const double *values,
                       size_t from, size_t to)
{
    char *at = buf_reserve(out, (to - from) * POINT_BYTES);
    if (!at)
        return;
    for (size_t p = from; p < to; p++) {
        size_t comma = p > 0 ? 0 : 1; /* the first has none */
        memcpy(at, stamps[p].text + comma, sizeof(stamps[p].text) - 1);
        at = json_write_rounded(at + stamps[p].len - comma, values[p], ANSWER_DIGITS);
        *at++ = ']';
    }
    out->len = (size_t)(at - out->data);
}

void answer_json(struct buf *out, const struct answer *a)
{
    struct stamp *stamps CLEANUP(mem_freep) = stamps_new(a);
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
        for (size_t p = 0; p < a->points_count; p += POINTS_AT_ONCE)
            put_points(out, stamps, s->values, p, MIN(a->points_count, p + POINTS_AT_ONCE));
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
