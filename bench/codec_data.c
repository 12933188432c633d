/*
 * codec_data.c: a stored database as columns in memory: every sealed span and then the log, by
 * the store's own decoders, in one transaction, so that a running daemon can go on meanwhile.
 */
#include "codec_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/codec.h"
#include "store/database.h"
#include "store/ledger.h"
#include "store/row.h"

struct loader {
    sqlite3 *db;
    sqlite3_stmt *chunk; /* of span << 32 | series */
    uint32_t span;       /* that is being read */
    struct codec *codec;
    struct data *data;
    struct ledger by_id; /* entry i: data->series[i] */
    size_t capacity;     /* ticks */
};

static int count_ticks(struct loader *l)
{
    int64_t spans, log;
    int error = database_number_of(l->db, "SELECT sum(ticks) FROM " SPANS_VIEW " WHERE tier = 0", 0,
                                   &spans);
    if (!error)
        error = database_number_of(l->db, "SELECT count(*) FROM tick", 0, &log);
    l->capacity = error ? 0 : (size_t)(spans + log);
    return error ? error : l->capacity ? 0 : -ENODATA;
}

static int load_series(struct loader *l)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(l->db, "SELECT id, key FROM series ORDER BY id", &stmt);
    if (error)
        return error;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        size_t i = l->data->series_count++;
        l->data->series = mem_resize(l->data->series, i + 1, sizeof(struct data_series));
        struct data_series *s = &l->data->series[i];
        s->id = (uint32_t)sqlite3_column_int64(stmt, 0);
        s->key = mem_string((const char *)sqlite3_column_text(stmt, 1));
        s->column.state = mem_array(l->capacity, sizeof(uint8_t));
        s->column.value = mem_array(l->capacity, sizeof(union sample));
        ledger_add(&l->by_id, s->id);
    }
    return database_error(l->db, rc);
}

static int get_chunk(void *context, uint32_t series, const uint8_t **ret_data, size_t *ret_len)
{
    struct loader *l = context;
    sqlite3_reset(l->chunk);
    sqlite3_bind_int64(l->chunk, 1, chunk_row(l->span, series));
    int rc = sqlite3_step(l->chunk);
    if (rc == SQLITE_ROW)
        *ret_data = database_blob(l->chunk, 0, ret_len);
    return rc == SQLITE_DONE ? -ENOENT : database_error(l->db, rc);
}

static int load_span(struct loader *l, size_t ticks)
{
    int error = 0;
    for (size_t i = 0; i < l->data->series_count && !error; i++) {
        struct column *all = &l->data->series[i].column;
        struct column part = {METRIC_COUNTER, all->state + l->data->ticks,
                              all->value + l->data->ticks};
        const uint8_t *bytes = NULL;
        size_t len = 0;
        error = get_chunk(l, l->data->series[i].id, &bytes, &len);
        if (error == -ENOENT) {
            error = 0;
            continue;
        }
        if (!error)
            error = column_decode_chain(l->codec, bytes, len, ticks, get_chunk, l, &part);
        if (error == 0) {
            all->kind = part.kind;
        } else if (error == -EBADMSG || error == -ENOTSUP) {
            memset(part.state, SAMPLE_ABSENT, ticks);
            l->data->damaged++;
            error = 0;
        }
    }
    sqlite3_reset(l->chunk);
    return error;
}

static int load_spans(struct loader *l)
{
    sqlite3_stmt *span CLEANUP(database_finalize) = NULL;
    int error = database_prepare(l->db,
                                 "SELECT id, ticks, interval_ms, times FROM " SPANS_VIEW
                                 " WHERE tier = 0 ORDER BY first_seq",
                                 &span);
    if (!error)
        error = database_prepare(l->db, "SELECT data FROM chunk WHERE id = ?1", &l->chunk);
    int rc = SQLITE_DONE;
    while (!error && (rc = sqlite3_step(span)) == SQLITE_ROW) {
        struct timeline *all = &l->data->times;
        size_t ticks = (size_t)sqlite3_column_int64(span, 1), at = l->data->ticks, len;
        int64_t interval_ms = sqlite3_column_int64(span, 2);
        const uint8_t *times = database_blob(span, 3, &len);
        struct timeline part = {all->seq + at, all->t_ms + at, all->elapsed_ns + at};
        if (at == 0)
            l->data->interval_ms = interval_ms;
        if (ticks > l->capacity - at ||
            timeline_decode(l->codec, times, len, ticks, interval_ms, &part) < 0) {
            l->data->damaged++;
            continue;
        }
        l->span = (uint32_t)sqlite3_column_int64(span, 0);
        error = load_span(l, ticks);
        l->data->ticks += ticks;
    }
    return error ? error : database_error(l->db, rc);
}

static void load_row(struct loader *l, const uint8_t *bytes, size_t len)
{
    struct row_reader row;
    struct row_sample sample;
    if (row_open(&row, bytes, len) < 0) {
        l->data->damaged++;
        return;
    }
    while (row_next(&row, &sample)) {
        uint32_t index = ledger_find(&l->by_id, sample.id);
        if (index == LEDGER_NONE)
            continue;
        struct column *column = &l->data->series[index].column;
        column->kind = sample.code == ROW_GAUGE ? METRIC_GAUGE : METRIC_COUNTER;
        column->state[l->data->ticks] = (uint8_t)row_state(sample.code);
        column->value[l->data->ticks] = sample.value;
    }
    l->data->damaged += row_damaged(&row);
}

static int load_log(struct loader *l)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(
        l->db, "SELECT seq, t_ms, elapsed_ns, interval_ms, samples FROM tick ORDER BY seq", &stmt);
    int rc = SQLITE_DONE;
    while (!error && (rc = sqlite3_step(stmt)) == SQLITE_ROW && l->data->ticks < l->capacity) {
        size_t at = l->data->ticks, len;
        l->data->times.seq[at] = (uint64_t)sqlite3_column_int64(stmt, 0);
        l->data->times.t_ms[at] = sqlite3_column_int64(stmt, 1);
        l->data->times.elapsed_ns[at] = sqlite3_column_int64(stmt, 2);
        if (at == 0)
            l->data->interval_ms = sqlite3_column_int64(stmt, 3);
        const uint8_t *bytes = database_blob(stmt, 4, &len);
        load_row(l, bytes, len);
        l->data->ticks++;
    }
    return error ? error : database_error(l->db, rc);
}

static void drop_empty(struct data *data)
{
    size_t kept = 0;
    for (size_t i = 0; i < data->series_count; i++) {
        struct data_series s = data->series[i];
        if (data->ticks && memchr(s.column.state, SAMPLE_OK, data->ticks)) {
            data->series[kept++] = s;
            continue;
        }
        free(s.key);
        free(s.column.state);
        free(s.column.value);
    }
    data->series_count = kept;
}

int data_load(const char *path, struct data *ret)
{
    struct store_error err = {0};
    struct loader l = {.codec = codec_new(), .data = ret};
    *ret = (struct data){0};
    int64_t version;
    int error = database_open_reader(path, &l.db, &version, &err);
    if (error)
        fprintf(stderr, "%s\n", err.text);
    if (!error)
        error = database_exec(l.db, "BEGIN");
    if (!error)
        error = count_ticks(&l);
    ret->times.seq = mem_array(l.capacity + 1, sizeof(uint64_t));
    ret->times.t_ms = mem_array(l.capacity + 1, sizeof(int64_t));
    ret->times.elapsed_ns = mem_array(l.capacity + 1, sizeof(int64_t));
    if (!error)
        error = load_series(&l);
    if (!error)
        error = load_spans(&l);
    if (!error)
        error = load_log(&l);
    if (error)
        fprintf(stderr, "%s: %s\n", path, strerror(-error));
    else
        drop_empty(ret);
    database_finalize(&l.chunk);
    ledger_fini(&l.by_id);
    codec_free(l.codec);
    sqlite3_close(l.db);
    return error;
}

void data_free(struct data *data)
{
    for (size_t i = 0; i < data->series_count; i++) {
        free(data->series[i].key);
        free(data->series[i].column.state);
        free(data->series[i].column.value);
    }
    free(data->series);
    free(data->times.seq);
    free(data->times.t_ms);
    free(data->times.elapsed_ns);
}
