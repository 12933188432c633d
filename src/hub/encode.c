/*
 * encode.c: messages straight into frames.
 *
 * A message is written into a growing buffer and copied once, when its length is known, into the
 * shared bytes of its frame. The copy is small beside writing the numbers; growing the shared
 * bytes themselves would leave slack in every queue.
 */
#include "hub/encode.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/json.h"
#include "wire/websocket.h"

/* Rates come out of a division; one in a million is finer than any screen. */
#define RATE_DIGITS 6

static struct buf message_open(const char *type)
{
    struct buf b = BUF_INIT;
    json_open(&b, '{');
    json_put_key(&b, "type");
    json_put_string(&b, type);
    return b;
}

static struct bytes *message_close(struct buf *b)
{
    json_close(b, '}');
    struct bytes *frame = buf_ok(b) ? ws_frame(WS_TEXT, b->data, b->len) : NULL;
    buf_fini(b);
    return frame;
}

static void put_u64(struct buf *b, const char *key, uint64_t value)
{
    json_put_key(b, key);
    json_put_u64(b, value);
}

static void put_i64(struct buf *b, const char *key, int64_t value)
{
    json_put_key(b, key);
    json_put_i64(b, value);
}

static void put_text(struct buf *b, const char *key, const char *text)
{
    json_put_key(b, key);
    json_put_string(b, text);
}

struct bytes *encode_hello(const struct encode_hello *hello)
{
    struct buf b = message_open("hello");
    put_text(&b, "version", hello->version);
    put_text(&b, "host", hello->host);
    put_i64(&b, "interval_ms", hello->interval_ms);
    put_text(&b, "session", hello->session);
    json_put_key(&b, "channels");
    json_open(&b, '[');
    for (int c = 0; c < CHANNELS; c++)
        json_put_string(&b, channel_name((enum channel)c));
    json_close(&b, ']');
    return message_close(&b);
}

void encode_labels_json(struct buf *out, const struct label *labels, size_t count)
{
    json_open(out, '{');
    for (size_t i = 0; i < count; i++)
        put_text(out, labels[i].name, labels[i].value);
    json_close(out, '}');
}

void encode_series_json(struct buf *out, const struct series *s)
{
    json_open(out, '{');
    put_u64(out, "id", s->id);
    put_text(out, "name", s->name);
    json_put_key(out, "labels");
    encode_labels_json(out, s->labels, s->labels_count);
    put_text(out, "unit", s->unit);
    put_text(out, "kind", metric_kind_name(s->kind));
    put_text(out, "help", s->help);
    put_text(out, "method", atomic_load_explicit(&s->method, memory_order_relaxed));
    json_close(out, '}');
}

struct bytes *encode_series(const struct series *const *series, size_t count)
{
    struct buf b = message_open("series");
    json_put_key(&b, "series");
    json_open(&b, '[');
    for (size_t i = 0; i < count; i++)
        encode_series_json(&b, series[i]);
    json_close(&b, ']');
    return message_close(&b);
}

/* [id,value], without a look back for the comma and without a call per character: this is where an
 * encoder spends its time. */
static void put_value(struct buf *b, const struct encode_value *v, bool first)
{
    char *at = buf_reserve(b, 2 * JSON_NUMBER_MAX);
    if (!at)
        return;
    if (!first)
        *at++ = ',';
    *at++ = '[';
    at = json_write_u64(at, v->id);
    *at++ = ',';
    at = json_write_rounded(at, v->value, RATE_DIGITS);
    *at++ = ']';
    b->len = (size_t)(at - b->data);
}

struct bytes *encode_metrics(uint64_t seq, int64_t t_ms, const struct encode_value *values,
                             size_t count)
{
    struct buf b = message_open("metrics");
    buf_reserve(&b, count * ENCODE_VALUE_BYTES);
    put_u64(&b, "seq", seq);
    put_i64(&b, "t", t_ms);
    json_put_key(&b, "values");
    json_open(&b, '[');
    for (size_t i = 0; i < count; i++)
        put_value(&b, &values[i], i == 0);
    json_close(&b, ']');
    return message_close(&b);
}

static void put_anomaly(struct buf *b, const struct encode_anomaly *v, bool first)
{
    const double numbers[] = {v->score, v->mean, v->sigma};
    char *at = buf_reserve(b, 5 * JSON_NUMBER_MAX);
    if (!at)
        return;
    if (!first)
        *at++ = ',';
    *at++ = '[';
    at = json_write_u64(at, v->id);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        *at++ = ',';
        at = json_write_rounded(at, numbers[i], RATE_DIGITS);
    }
    *at++ = ']';
    b->len = (size_t)(at - b->data);
}

struct bytes *encode_anomalies(uint64_t seq, int64_t t_ms, const struct encode_anomaly *values,
                               size_t count)
{
    struct buf b = message_open("anomalies");
    put_u64(&b, "seq", seq);
    put_i64(&b, "t", t_ms);
    json_put_key(&b, "values");
    json_open(&b, '[');
    for (size_t i = 0; i < count; i++)
        put_anomaly(&b, &values[i], i == 0);
    json_close(&b, ']');
    return message_close(&b);
}

void encode_event_json(struct buf *out, const struct event *e)
{
    put_u64(out, "seq", e->seq);
    put_i64(out, "t", e->t_ms);
    put_text(out, "kind", event_kind_name(e->kind));
    for (size_t i = 0; i < e->fields_count; i++) {
        json_put_key(out, e->fields[i].name);
        if (e->fields[i].text)
            json_put_string(out, e->fields[i].text);
        else
            json_put_double(out, e->fields[i].number);
    }
}

struct bytes *encode_event(const struct event *e)
{
    struct buf b = message_open("event");
    encode_event_json(&b, e);
    return message_close(&b);
}

static void encode_list_json(struct buf *out, const char *lines)
{
    json_open(out, '[');
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        if (len)
            json_put_string_n(out, lines, len);
        lines += len + (lines[len] == '\n');
    }
    json_close(out, ']');
}

static void encode_cell_json(struct buf *out, const struct cell *c)
{
    switch (c->type) {
    case CELL_NULL:
        json_put_null(out);
        break;
    case CELL_UINT:
        json_put_u64(out, c->uint);
        break;
    case CELL_REAL:
        json_put_rounded(out, c->real, RATE_DIGITS);
        break;
    case CELL_TEXT:
        json_put_string(out, c->text);
        break;
    case CELL_LIST:
        encode_list_json(out, c->text);
        break;
    }
}

void encode_row_json(struct buf *out, const struct table *t, size_t row)
{
    json_open(out, '[');
    for (size_t c = 0; c < t->schema->columns_count; c++)
        encode_cell_json(out, table_cell(t, row, c));
    json_close(out, ']');
}

void encode_columns_json(struct buf *out, const struct table_schema *schema)
{
    json_open(out, '[');
    for (size_t c = 0; c < schema->columns_count; c++)
        json_put_string(out, schema->columns[c].name);
    json_close(out, ']');
}

static struct buf table_open(struct encode_rows rows, uint64_t seq, int64_t t_ms, bool complete)
{
    const struct table *t = rows.table;
    struct buf b = message_open("table");
    put_text(&b, "channel", t->schema->name);
    put_u64(&b, "seq", seq);
    put_i64(&b, "t", t_ms);
    /* Beside CONTRACT's members: a client that lost changes gets the whole table once more and
     * must know that rows it does not see are gone. */
    json_put_key(&b, "full");
    json_put_bool(&b, complete);
    put_u64(&b, "total", rows.total);
    json_put_key(&b, "columns");
    encode_columns_json(&b, t->schema);
    json_put_key(&b, "rows");
    json_open(&b, '[');
    return b;
}

struct bytes *encode_table(struct encode_rows rows, uint64_t seq, int64_t t_ms)
{
    struct buf b = table_open(rows, seq, t_ms, true);
    for (size_t row = 0; row < rows.table->rows_count; row++)
        encode_row_json(&b, rows.table, row);
    json_close(&b, ']');
    json_put_key(&b, "removed");
    json_open(&b, '[');
    json_close(&b, ']');
    return message_close(&b);
}

struct row_id {
    uint64_t id;
    size_t row;
};

static int compare_row_ids(const void *a, const void *b)
{
    const struct row_id *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static struct row_id *rows_by_id(const struct table *t)
{
    struct row_id *rows = mem_array(t->rows_count, sizeof(*rows));
    for (size_t i = 0; i < t->rows_count; i++)
        rows[i] = (struct row_id){.id = table_cell(t, i, 0)->uint, .row = i};
    qsort(rows, t->rows_count, sizeof(*rows), compare_row_ids);
    return rows;
}

static bool rows_equal(const struct table *a, size_t row_a, const struct table *b, size_t row_b)
{
    for (size_t c = 0; c < a->schema->columns_count; c++) {
        if (cell_compare(table_cell(a, row_a, c), table_cell(b, row_b, c)) != 0)
            return false;
    }
    return true;
}

bool encode_table_change(struct encode_rows rows_before, struct encode_rows rows_now, uint64_t seq,
                         int64_t t_ms, struct bytes **ret)
{
    const struct table *before = rows_before.table, *now = rows_now.table;
    struct row_id *old = rows_by_id(before), *new = rows_by_id(now);
    struct buf b = table_open(rows_now, seq, t_ms, false);
    struct buf removed = BUF_INIT;
    json_open(&removed, '[');
    bool changed = rows_before.total != rows_now.total;

    size_t i = 0, k = 0;
    while (i < before->rows_count || k < now->rows_count) {
        bool only_old = k == now->rows_count || (i < before->rows_count && old[i].id < new[k].id);
        bool only_new = i == before->rows_count || (k < now->rows_count && new[k].id < old[i].id);
        if (only_old) {
            json_put_u64(&removed, old[i++].id);
            changed = true;
            continue;
        }
        if (only_new || !rows_equal(before, old[i].row, now, new[k].row)) {
            encode_row_json(&b, now, new[k].row);
            changed = true;
        }
        i += !only_new;
        k++;
    }
    json_close(&removed, ']');
    json_close(&b, ']');
    json_put_key(&b, "removed");
    json_put_raw(&b, removed.data, removed.len);
    free(old);
    free(new);
    buf_fini(&removed);

    struct bytes *frame = message_close(&b);
    if (!changed)
        frame = bytes_unref(frame);
    *ret = frame;
    return changed;
}

struct bytes *encode_gap(const char *channel, uint64_t from, uint64_t to, const char *reason)
{
    struct buf b = message_open("gap");
    put_text(&b, "channel", channel);
    put_u64(&b, "from", from);
    put_u64(&b, "to", to);
    put_text(&b, "reason", reason);
    return message_close(&b);
}

struct bytes *encode_document(const char *type, uint64_t seq, int64_t t_ms,
                              const struct bytes *members)
{
    struct buf b = message_open(type);
    put_u64(&b, "seq", seq);
    put_i64(&b, "t", t_ms);
    buf_char(&b, ',');
    buf_append(&b, members->data, members->len);
    return message_close(&b);
}

struct bytes *encode_text(const char *json, size_t len)
{
    return ws_frame(WS_TEXT, json, len);
}

struct bytes *encode_ok(int64_t id)
{
    struct buf b = message_open("ok");
    put_i64(&b, "id", id);
    return message_close(&b);
}

struct bytes *encode_pong(bool has_id, int64_t id)
{
    struct buf b = message_open("pong");
    if (has_id)
        put_i64(&b, "id", id);
    return message_close(&b);
}

struct bytes *encode_error(bool has_id, int64_t id, const char *code, const char *message)
{
    struct buf b = message_open("error");
    if (has_id)
        put_i64(&b, "id", id);
    put_text(&b, "code", code);
    put_text(&b, "message", message);
    return message_close(&b);
}
