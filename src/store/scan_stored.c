/*
 * scan_stored.c: samples as they were stored, for some columns at a time.
 *
 * A window is filled in two rounds: first the moments in it, from spans, log and memory, by tick
 * number; then, place by place, the values. A tick in memory that the disk has as well is known by
 * its number, and counts once; one that was lost counts as in a query (gather.c).
 *
 * Of each group first come the spans before tick `tail_seq`, of which only the group's own chunks
 * are read. What is newer, the log above all, cannot be read for one series alone: that is done for
 * as many groups at once as the cache has room for. Spans are listed once a batch; one that is gone
 * when it is its turn was folded into another or has expired, and the list is read again.
 *
 * Inside reader_begin/reader_end.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/chunk.h"
#include "store/column.h"
#include "store/row.h"
#include "store/scan_internal.h"

#define FEW_COLUMNS 32 /* so many chunks are looked for before a span's times are unpacked */

/* One span's ticks. */
struct scan_room {
    struct timeline times;
    struct column column;
};

static struct scan_room *room_get(struct scan *scan)
{
    if (scan->room)
        return scan->room;
    struct scan_room *room = mem_alloc(sizeof(*room));
    room->times.seq = mem_array(STORE_SPAN_TICKS_MAX, sizeof(uint64_t));
    room->times.t_ms = mem_array(STORE_SPAN_TICKS_MAX, sizeof(int64_t));
    room->times.elapsed_ns = mem_array(STORE_SPAN_TICKS_MAX, sizeof(int64_t));
    room->column.state = mem_array(STORE_SPAN_TICKS_MAX, sizeof(uint8_t));
    room->column.value = mem_array(STORE_SPAN_TICKS_MAX, sizeof(union sample));
    scan->room = room;
    return room;
}

void scan_room_free(struct scan *scan)
{
    struct scan_room *room = scan->room;
    if (!room)
        return;
    free(room->times.seq);
    free(room->times.t_ms);
    free(room->times.elapsed_ns);
    free(room->column.state);
    free(room->column.value);
    free(TAKE(scan->room));
}

static bool is_asked(const struct scan *scan, int64_t t_ms)
{
    return t_ms >= scan->query.from_ms && t_ms <= scan->query.to_ms;
}

/* ---- the list of spans ---------------------------------------------------------------------- */

int scan_read_spans(struct scan *scan, struct store_reader *reader, int tier)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(
        reader->db,
        "SELECT id, ticks, first_seq, last_seq, min_ms, max_ms, interval_ms, tier FROM " SPANS_VIEW
        " WHERE tier <= ?3 AND max_ms >= ?1 AND min_ms <= ?2 ORDER BY first_seq, id",
        &stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, scan->query.from_ms);
    sqlite3_bind_int64(stmt, 2, scan->query.to_ms);
    sqlite3_bind_int(stmt, 3, tier);
    size_t count = 0, room = 0;
    struct scan_span *spans = NULL;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (count == room) {
            room = MAX(room * 2, (size_t)64);
            spans = mem_resize(spans, room, sizeof(*spans));
        }
        int64_t ticks = sqlite3_column_int64(stmt, 1);
        struct scan_span span = {
            .id = (uint32_t)sqlite3_column_int64(stmt, 0),
            .ticks = (uint32_t)ticks,
            .first_seq = (uint64_t)sqlite3_column_int64(stmt, 2),
            .last_seq = (uint64_t)sqlite3_column_int64(stmt, 3),
            .min_ms = sqlite3_column_int64(stmt, 4),
            .max_ms = sqlite3_column_int64(stmt, 5),
            .interval_ms = sqlite3_column_int64(stmt, 6),
            .tier = sqlite3_column_int(stmt, 7),
        };
        if (catalog_is_possible(span.min_ms, span.max_ms, span.interval_ms) &&
            (span.tier || (ticks >= 1 && ticks <= STORE_SPAN_TICKS_MAX)))
            spans[count++] = span;
        else
            reader->damaged++;
    }
    free(scan->spans);
    scan->spans = spans;
    scan->spans_count = count;
    return database_error(reader->db, rc);
}

/* The first span that ends behind tick `after`. */
static size_t first_span(const struct scan *scan, uint64_t after)
{
    size_t low = 0, high = scan->spans_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (scan->spans[mid].last_seq <= after)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* ---- moments -------------------------------------------------------------------------------- */

/* Only ever growing tick numbers: should two spans have the same ticks, they count once. */
static void push_moment(struct scan_window *w, const struct scan_moment *m)
{
    if (w->count && w->moments[w->count - 1].seq >= m->seq)
        return;
    if (w->count == w->room) {
        w->room = MAX(w->room * 2, (size_t)1024);
        w->moments = mem_resize(w->moments, w->room, sizeof(*w->moments));
    }
    w->moments[w->count++] = *m;
}

static int has_chunk(const struct scan *scan, struct chunks *chunks, const struct scan_span *span,
                     const struct scan_window *w, bool *ret)
{
    int error = 0;
    size_t first = scan->first_target[w->first], end = scan->first_target[w->first + w->columns];
    *ret = w->columns > FEW_COLUMNS;
    for (size_t i = first; i < end && !*ret; i++) {
        struct chunk chunk;
        error = chunk_get(chunks, span->id, scan->targets[i].id, span->ticks, &chunk);
        *ret = error != -ENOENT; /* also when it is damaged: reading it tells */
        if (error && error != -ENOENT && error != -EUCLEAN)
            return error;
    }
    return 0;
}

static void push_span(struct scan *scan, struct store_reader *reader, size_t place,
                      const uint8_t *data, size_t len, uint64_t after, uint64_t before,
                      struct scan_window *w)
{
    const struct scan_span *span = &scan->spans[place];
    struct timeline *times = &room_get(scan)->times;
    if (timeline_decode(reader->codec, data, len, span->ticks, span->interval_ms, times) < 0) {
        reader->damaged++;
        return;
    }
    for (uint32_t i = 0; i < span->ticks; i++) {
        const struct scan_moment m = {times->seq[i], times->t_ms[i], times->elapsed_ns[i],
                                      (uint32_t)place, i};
        if (m.seq > after && m.seq < before && m.seq <= scan->end_seq && is_asked(scan, m.t_ms))
            push_moment(w, &m);
    }
}

/* -ESTALE: a span is not there any more. */
static int push_spans(struct scan *scan, struct store_reader *reader, uint64_t after,
                      uint64_t before, size_t most, struct scan_window *w)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    sqlite3_stmt *chunk CLEANUP(database_finalize) = NULL;
    int error = database_prepare(
        reader->db, "SELECT times, ticks FROM " SPANS_VIEW " WHERE id = ?1 AND tier = 0", &stmt);
    if (!error)
        error = database_prepare(reader->db, CHUNK_STATEMENT, &chunk);
    struct chunks chunks CLEANUP(chunks_fini) = chunks_over(chunk, NULL);
    for (size_t i = first_span(scan, after); !error && i < scan->spans_count; i++) {
        const struct scan_span *span = &scan->spans[i];
        if (w->count >= most || span->first_seq >= before || span->first_seq > scan->end_seq)
            break;
        if (reader_cancelled(reader))
            return -ECANCELED;
        sqlite3_bind_int64(stmt, 1, span->id);
        int rc = sqlite3_step(stmt);
        error = database_error(reader->db, rc);
        if (!error && (rc != SQLITE_ROW || sqlite3_column_int64(stmt, 1) != span->ticks))
            error = -ESTALE;
        bool wanted = false;
        if (!error)
            error = has_chunk(scan, &chunks, span, w, &wanted);
        if (!error && wanted) {
            size_t len;
            const uint8_t *data = database_blob(stmt, 0, &len);
            push_span(scan, reader, i, data, len, after, before, w);
        }
        sqlite3_reset(stmt);
    }
    return error;
}

static int push_log(struct scan *scan, struct store_reader *reader, uint64_t after, size_t most,
                    struct scan_window *w)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(reader->db,
                                 "SELECT seq, t_ms, elapsed_ns FROM tick WHERE seq > ?1 AND"
                                 " seq <= ?2 AND t_ms BETWEEN ?3 AND ?4 ORDER BY seq LIMIT ?5",
                                 &stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, (int64_t)after);
    sqlite3_bind_int64(stmt, 2, (int64_t)scan->end_seq);
    sqlite3_bind_int64(stmt, 3, scan->query.from_ms);
    sqlite3_bind_int64(stmt, 4, scan->query.to_ms);
    sqlite3_bind_int64(stmt, 5, (int64_t)most);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct scan_moment m = {(uint64_t)sqlite3_column_int64(stmt, 0),
                                      sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2),
                                      SCAN_LOG, 0};
        push_moment(w, &m);
    }
    return database_error(reader->db, rc);
}

static bool is_in(const struct scan_window *w, size_t count, uint64_t seq)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (w->moments[mid].seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low < count && w->moments[low].seq == seq;
}

static int by_seq(const void *a, const void *b)
{
    const struct scan_moment *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Ticks that only memory has, among or behind the others; with `limited` only up to the last of
 * these. */
static int push_recent(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                       uint64_t after, bool limited, struct scan_window *w)
{
    struct claim claim = {0};
    size_t stored = w->count;
    uint64_t last = limited && stored ? w->moments[stored - 1].seq : scan->end_seq;
    int error = 0;
    if (recent && recent->count && scan->query.aggregate == AGG_SUM) {
        const struct catalog *catalog;
        error = catalog_of(reader, &catalog);
        if (!error)
            claim = catalog_claim(catalog, TIER_RAW);
    }
    for (size_t i = 0; !error && recent && i < recent->count; i++) {
        const struct tick *t = recent->ticks[i];
        bool claimed = t->seq > claim.after && t->seq < claim.before;
        if (t->seq <= after || t->seq > last || !is_asked(scan, t->t_ms) || claimed ||
            is_in(w, stored, t->seq))
            continue;
        if (w->count == w->room) {
            w->room = MAX(w->room * 2, (size_t)1024);
            w->moments = mem_resize(w->moments, w->room, sizeof(*w->moments));
        }
        w->moments[w->count++] =
            (struct scan_moment){t->seq, t->t_ms, t->elapsed_ns, SCAN_RECENT + (uint32_t)i, 0};
    }
    if (w->count > stored)
        qsort(w->moments, w->count, sizeof(*w->moments), by_seq);
    return error;
}

/* ---- values --------------------------------------------------------------------------------- */

static double shown(const struct scan *scan, const struct scan_target *target,
                    enum sample_state state, union sample value, int64_t elapsed_ns)
{
    if (target->kind == METRIC_GAUGE)
        return value.gauge;
    if (scan->query.aggregate == AGG_SUM)
        return target->divisor > 0 ? (double)value.increment / target->divisor
                                   : (double)value.increment * target->scale;
    if (state != SAMPLE_OK || elapsed_ns <= 0)
        return NAN; /* no honest rate */
    return (double)value.increment * target->scale * (double)NS_PER_S / (double)elapsed_ns;
}

static void put_value(struct scan_window *w, const struct scan_target *target, size_t moment,
                      double value)
{
    w->values[(target->column - w->first) * w->count + moment] = value;
}

/* Of moments [from, to), which lie in one span. */
static int read_span_values(struct scan *scan, struct store_reader *reader, struct chunks *chunks,
                            struct scan_window *w, size_t from, size_t to)
{
    const struct scan_span *span = &scan->spans[w->moments[from].place];
    struct column *column = &room_get(scan)->column;
    size_t end = scan->first_target[w->first + w->columns];
    int error = 0;
    for (size_t i = scan->first_target[w->first]; i < end && !error; i++) {
        const struct scan_target *target = &scan->targets[i];
        struct chunk chunk;
        error = chunk_get(chunks, span->id, target->id, span->ticks, &chunk);
        if (!error || error == -EUCLEAN) {
            bool good = !error &&
                        chunk_decode(reader->codec, chunks, span->id, chunk.data, chunk.len,
                                     span->ticks, column) == 0 &&
                        column->kind == target->kind;
            error = 0;
            if (!good)
                reader_met_damaged(reader, span->id, target->id);
            for (size_t m = from; good && m < to; m++) {
                uint32_t k = w->moments[m].index;
                if (column->state[k] != SAMPLE_ABSENT)
                    put_value(w, target, m,
                              shown(scan, target, (enum sample_state)column->state[k],
                                    column->value[k], w->moments[m].elapsed_ns));
            }
        }
        error = error == -ENOENT ? 0 : error;
    }
    return error;
}

static void read_row(const struct scan *scan, struct store_reader *reader, struct scan_window *w,
                     size_t moment, const uint8_t *data, size_t len)
{
    struct row_reader row;
    struct row_sample sample;
    if (row_open(&row, data, len) < 0) {
        reader->damaged++;
        return;
    }
    while (row_next(&row, &sample)) {
        uint32_t index = ledger_find(&scan->by_id, sample.id);
        if (index == LEDGER_NONE)
            continue;
        const struct scan_target *target = &scan->targets[scan->target_of[index]];
        if (target->column < w->first || target->column >= w->first + w->columns)
            continue;
        if ((sample.code == ROW_GAUGE) == (target->kind == METRIC_GAUGE))
            put_value(w, target, moment,
                      shown(scan, target, row_state(sample.code), sample.value,
                            w->moments[moment].elapsed_ns));
    }
    reader->damaged += row_damaged(&row);
}

static int read_log_values(const struct scan *scan, struct store_reader *reader,
                           struct scan_window *w)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    size_t first = 0, end = w->count;
    while (first < end && w->moments[first].place != SCAN_LOG)
        first++;
    while (end > first && w->moments[end - 1].place != SCAN_LOG)
        end--;
    if (first == end)
        return 0;
    int error = database_prepare(
        reader->db, "SELECT seq, samples FROM tick WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
        &stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, (int64_t)w->moments[first].seq);
    sqlite3_bind_int64(stmt, 2, (int64_t)w->moments[end - 1].seq);
    size_t m = first;
    int rc = SQLITE_DONE;
    while (!reader_cancelled(reader) && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        while (m < end && w->moments[m].seq < seq)
            m++;
        if (m == end || w->moments[m].seq != seq)
            continue; /* outside of the range */
        size_t len;
        const uint8_t *data = database_blob(stmt, 1, &len);
        read_row(scan, reader, w, m, data, len);
    }
    return reader_cancelled(reader) ? -ECANCELED : database_error(reader->db, rc);
}

static void read_recent_values(const struct scan *scan, const struct recent *recent,
                               struct scan_window *w, size_t moment)
{
    CHECK(recent);
    const struct tick *t = recent->ticks[w->moments[moment].place - SCAN_RECENT];
    for (uint32_t slot = 0; slot < t->count; slot++) {
        const struct series *s = t->set->slots[slot];
        if (!s || t->state[slot] == SAMPLE_ABSENT)
            continue;
        uint32_t index = ledger_find(&scan->by_id, s->id);
        if (index == LEDGER_NONE)
            continue;
        const struct scan_target *target = &scan->targets[scan->target_of[index]];
        if (target->column >= w->first && target->column < w->first + w->columns)
            put_value(w, target, moment,
                      shown(scan, target, (enum sample_state)t->state[slot], t->value[slot],
                            t->elapsed_ns));
    }
}

static int read_values(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                       struct scan_window *w)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = reader ? database_prepare(reader->db, CHUNK_STATEMENT, &stmt) : 0;
    struct chunks chunks CLEANUP(chunks_fini) = chunks_over(stmt, NULL);
    for (size_t m = 0, next; m < w->count && !error; m = next) {
        uint32_t place = w->moments[m].place;
        for (next = m + 1; next < w->count && w->moments[next].place == place; next++)
            continue;
        if (reader && reader_cancelled(reader))
            error = -ECANCELED;
        else if (place >= SCAN_RECENT)
            read_recent_values(scan, recent, w, m);
        else if (place != SCAN_LOG)
            error = read_span_values(scan, reader, &chunks, w, m, next);
    }
    return error || !reader ? error : read_log_values(scan, reader, w);
}

/* ---- windows -------------------------------------------------------------------------------- */

/* At most `most` moments behind tick `after`; before tick `before` only spans are looked at, with
 * UINT64_MAX everything is. */
static int fill(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                size_t first, size_t columns, uint64_t after, uint64_t before, size_t most,
                struct scan_window *w)
{
    bool all = before == UINT64_MAX;
    int error = 0;
    w->first = first;
    w->columns = columns;
    w->count = 0;
    if (reader)
        error = push_spans(scan, reader, after, before, most, w);
    if (error == -ESTALE) {
        w->count = 0;
        error = scan_read_spans(scan, reader, 0);
        if (!error)
            error = push_spans(scan, reader, after, before, most, w);
    }
    if (!error && reader && all && w->count < most)
        error = push_log(scan, reader, MAX(after, w->count ? w->moments[w->count - 1].seq : 0),
                         most - w->count, w);
    if (!error && all)
        error = push_recent(scan, reader, recent, after, w->count >= most, w);
    if (error)
        return error == -ESTALE ? -EBADMSG : error;
    error = scan_window_lay(w, first, columns, MIN(w->count, most));
    return error ? error : read_values(scan, reader, recent, w);
}

/* The first tick that is read for many groups at once, and about how many of these there are. */
static int find_tail(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                     size_t *ret_count)
{
    int64_t first = 0, count = 0;
    uint64_t tail_seq = UINT64_MAX;
    if (reader) {
        sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
        int error = database_prepare(reader->db,
                                     "SELECT min(seq), count(*) FROM tick WHERE seq > ?1 AND"
                                     " seq <= ?2 AND t_ms BETWEEN ?3 AND ?4",
                                     &stmt);
        if (error)
            return error;
        sqlite3_bind_int64(stmt, 1, (int64_t)scan->done_seq);
        sqlite3_bind_int64(stmt, 2, (int64_t)scan->end_seq);
        sqlite3_bind_int64(stmt, 3, scan->query.from_ms);
        sqlite3_bind_int64(stmt, 4, scan->query.to_ms);
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            first = sqlite3_column_int64(stmt, 0);
            count = sqlite3_column_int64(stmt, 1);
        }
        error = database_error(reader->db, rc);
        if (error)
            return error;
        if (count)
            tail_seq = (uint64_t)first;
    }
    for (size_t i = 0; recent && i < recent->count; i++) {
        const struct tick *t = recent->ticks[i];
        if (t->seq <= scan->done_seq || t->seq > scan->end_seq || !is_asked(scan, t->t_ms))
            continue;
        tail_seq = MIN(tail_seq, t->seq);
        count += 2; /* itself, or one that was stored in between */
    }
    scan->tail_seq = tail_seq;
    *ret_count = (size_t)count;
    return 0;
}

/* Reads the newest part for the group whose turn it is and as many as fit behind it. */
static int begin_batch(struct scan *scan, struct store_reader *reader, const struct recent *recent)
{
    size_t count, end = scan->group + 1;
    int error = reader ? scan_read_spans(scan, reader, 0) : 0;
    if (!error)
        error = find_tail(scan, reader, recent, &count);
    if (error)
        return error;
    size_t first = scan->group_first[scan->group];
    size_t room = scan->cache_values_max / MAX(count, (size_t)1);
    /* The rest of a group that did not fit: for those behind it that would not be all. */
    while (!scan->done_seq && end < scan->groups && scan->group_first[end + 1] - first <= room)
        end++;
    size_t columns = scan->group_first[end] - first;
    size_t most = MAX(scan->cache_values_max / columns, (size_t)1);
    scan->cache_group_end = end;
    scan->cache_at = 0;
    scan->cache.count = 0;
    scan->cache_more = false;
    scan->spans_done = false;
    if (scan->tail_seq == UINT64_MAX)
        return 0;
    error = fill(scan, reader, recent, first, columns, MAX(scan->tail_seq - 1, scan->done_seq),
                 UINT64_MAX, most, &scan->cache);
    scan->cache_more = scan->cache.count == most;
    return error;
}

int scan_next_stored(struct scan *scan, struct store_reader *reader, const struct recent *recent)
{
    while (scan->group < scan->groups) {
        if (scan->group >= scan->cache_group_end) {
            int error = begin_batch(scan, reader, recent);
            if (error)
                return error;
        }
        if (!scan->spans_done && reader) {
            size_t first = scan->group_first[scan->group];
            int error = fill(scan, reader, NULL, first, scan_group_columns(scan, scan->group),
                             scan->done_seq, MIN(scan->tail_seq, UINT64_MAX - 1),
                             scan_piece_rows(scan, scan->group), &scan->piece);
            if (error)
                return error;
            if (scan->piece.count) {
                scan->done_seq = scan->piece.moments[scan->piece.count - 1].seq;
                return 1;
            }
            scan->spans_done = true;
        }
        if (scan->cache_at < scan->cache.count)
            return scan_take_cached(scan);
        scan->cache_at = 0;
        scan->spans_done = false;
        if (scan->cache_more) {
            scan->done_seq = scan->cache.moments[scan->cache.count - 1].seq;
            scan->cache_group_end = scan->group; /* the rest of it first */
            continue;
        }
        scan->done_seq = 0;
        scan->group++;
    }
    return 0;
}

int scan_span_has(struct scan *scan, struct store_reader *reader, const struct scan_span *span,
                  uint32_t id, bool *ret)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    sqlite3_stmt *chunk_stmt CLEANUP(database_finalize) = NULL;
    struct scan_room *room = room_get(scan);
    *ret = false;
    int error = database_prepare(reader->db, "SELECT times FROM span WHERE id = ?1", &stmt);
    if (!error)
        error = database_prepare(reader->db, CHUNK_STATEMENT, &chunk_stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, span->id);
    int rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW)
        return database_error(reader->db, rc);
    size_t len;
    const uint8_t *data = database_blob(stmt, 0, &len);
    struct chunk chunk;
    /* What is damaged cannot be read later, either; counted then. */
    if (timeline_decode(reader->codec, data, len, span->ticks, span->interval_ms, &room->times) < 0)
        return 0;
    struct chunks chunks CLEANUP(chunks_fini) = chunks_over(chunk_stmt, NULL);
    error = chunk_get(&chunks, span->id, id, span->ticks, &chunk);
    if (error)
        return error == -ENOENT || error == -EUCLEAN ? 0 : error;
    if (chunk_decode(reader->codec, &chunks, span->id, chunk.data, chunk.len, span->ticks,
                     &room->column) < 0)
        return 0;
    for (uint32_t i = 0; i < span->ticks && !*ret; i++)
        *ret = room->column.state[i] != SAMPLE_ABSENT && is_asked(scan, room->times.t_ms[i]);
    return 0;
}
