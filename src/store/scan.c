/*
 * scan.c: see scan.h.
 *
 * Which series and which range is settled when the scan is opened, and so is the newest tick: what
 * comes later is not part of it. From then on the scan remembers how far it is by tick number, the
 * one key that neither a clock nor sealing changes, so that between two pieces everything may move
 * from memory into the log, from there into a span and from short spans into long ones.
 *
 * Pieces are made group by group (scan_internal.h): first what lies in spans, then the newest part,
 * which takes more than a look at one place and is read for many groups at once. Steps come from
 * store_query, window by window. Memory: a piece, the cache of the newest part, one span's ticks,
 * and the lists of series and spans.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/scan_internal.h"

#define TIME_LIMIT_MS (INT64_C(1) << 53)

int scan_window_lay(struct scan_window *w, size_t first, size_t columns, size_t count)
{
    size_t values = columns * count;
    w->first = first;
    w->columns = columns;
    w->count = count;
    if (values > w->values_room) {
        free(TAKE(w->values));
        w->values_room = 0;
        w->values = mem_try_array(values, sizeof(*w->values));
        if (!w->values)
            return -ENOMEM;
        w->values_room = values;
    }
    for (size_t i = 0; i < values; i++)
        w->values[i] = NAN;
    return 0;
}

static void window_fini(struct scan_window *w)
{
    free(w->moments);
    free(w->values);
}

void scan_limit(struct scan *scan, size_t values, size_t rows, size_t cache_values)
{
    scan->values_max = values;
    scan->rows_max = rows;
    scan->cache_values_max = cache_values;
}

size_t scan_piece_rows(const struct scan *scan, size_t group)
{
    size_t rows = scan->values_max / scan_group_columns(scan, group);
    return MAX(MIN(rows, scan->rows_max), (size_t)1);
}

/* The next moments of the group out of the cache. */
int scan_take_cached(struct scan *scan)
{
    const struct scan_window *cache = &scan->cache;
    struct scan_window *piece = &scan->piece;
    size_t first = scan->group_first[scan->group], columns = scan_group_columns(scan, scan->group);
    size_t count = MIN(cache->count - scan->cache_at, scan_piece_rows(scan, scan->group));
    if (piece->room < count) {
        piece->room = count;
        piece->moments = mem_resize(piece->moments, count, sizeof(*piece->moments));
    }
    int error = scan_window_lay(piece, first, columns, count);
    if (error)
        return error;
    memcpy(piece->moments, cache->moments + scan->cache_at, count * sizeof(*piece->moments));
    for (size_t c = 0; c < columns; c++)
        memcpy(piece->values + c * count,
               cache->values + (first - cache->first + c) * cache->count + scan->cache_at,
               count * sizeof(*piece->values));
    scan->cache_at += count;
    return 1;
}

int scan_check_file(const struct scan *scan, const struct store_reader *reader)
{
    bool same = !reader || (reader->device == scan->device && reader->inode == scan->inode);
    return same ? 0 : -ESTALE;
}

/* The error as a sentence. */
static int explain(const struct store_reader *reader, int error, struct store_error *err)
{
    if (error == -EINVAL)
        return error; /* said already */
    if (error == -ESTALE && reader)
        return store_fail(err, error, "%s: the history was replaced while it was read",
                          reader->path);
    if (reader)
        return reader_fail(reader, error, err);
    return store_fail(err, error, "%s", strerror(-error));
}

static int open_scan(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                     struct store_error *err)
{
    int error = reader ? reader_begin(reader, err) : 0;
    if (error)
        return error;
    if (reader) {
        scan->device = reader->device;
        scan->inode = reader->inode;
    }
    error = scan_select(scan, reader, recent);
    if (error)
        explain(reader, error, err);
    if (reader)
        reader_end(reader);
    if (!error && scan->wide && scan->about.series_count > SCAN_WIDE_MAX)
        return store_fail(err, -EINVAL,
                          "%zu series match, and a table has room for %d columns: choose fewer, or "
                          "the long layout",
                          scan->about.series_count, SCAN_WIDE_MAX);
    if (!error && scan->steps)
        error = scan_plan_steps(scan, reader, recent, err);
    return error;
}

int scan_open(struct store_reader *reader, const struct scan_spec *spec,
              const struct recent *recent, struct scan **ret, struct store_error *err)
{
    *ret = NULL;
    if (spec->from_ms > spec->to_ms)
        return store_fail(err, -EINVAL, "from: lies after to");
    struct scan *scan = mem_alloc(sizeof(*scan));
    scan_limit(scan, SCAN_VALUES_MAX, SCAN_ROWS_MAX, SCAN_CACHE_VALUES_MAX);
    scan->points = spec->points;
    scan->wide = spec->wide;
    scan->families = spec->families;
    scan->steps = spec->points > 0 || aggregate_is_quantile(spec->aggregate);
    scan->query = (struct query){
        .selector = *spec->selector,
        .from_ms = MAX(MIN(spec->from_ms, TIME_LIMIT_MS), 0),
        .to_ms = MAX(MIN(spec->to_ms, TIME_LIMIT_MS), 0),
        .aggregate = spec->aggregate,
    };
    scan->about.from_ms = scan->query.from_ms;
    scan->about.to_ms = scan->query.to_ms;
    int error = open_scan(scan, reader, recent, err);
    if (error)
        scan_close(scan);
    else
        *ret = scan;
    return error;
}

const struct scan_about *scan_about(const struct scan *scan)
{
    return &scan->about;
}

static bool has_value(const struct scan_window *w, size_t moment)
{
    for (size_t c = 0; c < w->columns; c++) {
        if (!isnan(w->values[c * w->count + moment]))
            return true;
    }
    return false;
}

/* The window `piece` without its empty moments. */
static void hand_over(struct scan *scan, struct scan_piece *ret)
{
    struct scan_window *w = &scan->piece;
    if (w->count > scan->piece_t_room) {
        scan->piece_t_room = w->count;
        scan->piece_t_ms = mem_resize(scan->piece_t_ms, w->count, sizeof(*scan->piece_t_ms));
    }
    size_t rows = 0;
    for (size_t m = 0; m < w->count; m++) {
        if (has_value(w, m))
            rows++;
    }
    size_t row = 0;
    bool all = rows == w->count;
    for (size_t m = 0; m < w->count; m++) {
        if (all || has_value(w, m))
            scan->piece_t_ms[row++] = w->moments[m].t_ms;
        else
            w->moments[m].place = UINT32_MAX; /* it was looked up before */
    }
    for (size_t c = 0, to = 0; !all && c < w->columns; c++) {
        for (size_t m = 0; m < w->count; m++) {
            if (w->moments[m].place != UINT32_MAX)
                w->values[to++] = w->values[c * w->count + m]; /* never behind where it came from */
        }
    }
    *ret = (struct scan_piece){
        .first_series = w->first,
        .columns = w->columns,
        .rows = rows,
        .t_ms = scan->piece_t_ms,
        .values = w->values,
    };
}

static int next_stored(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                       struct scan_piece *ret, struct store_error *err)
{
    int got = reader ? reader_begin(reader, err) : 0;
    if (got)
        return got;
    got = scan_check_file(scan, reader);
    while (!got) {
        got = scan_next_stored(scan, reader, recent);
        if (got <= 0)
            break;
        hand_over(scan, ret);
        got = ret->rows > 0;
    }
    if (got < 0)
        explain(reader, got, err);
    if (reader)
        reader_end(reader);
    return got;
}

int scan_next(struct scan *scan, struct store_reader *reader, const struct recent *recent,
              struct scan_piece *ret, struct store_error *err)
{
    int got;
    *ret = (struct scan_piece){0};
    if (!scan->steps)
        return next_stored(scan, reader, recent, ret, err);
    do {
        got = scan_next_steps(scan, reader, recent, err);
        if (got > 0)
            hand_over(scan, ret);
    } while (got > 0 && !ret->rows);
    return got;
}

void scan_close(struct scan *scan)
{
    if (!scan)
        return;
    for (size_t i = 0; i < scan->about.series_count; i++) {
        struct scan_series *s = &scan->series[i];
        free((char *)s->name);
        free((char *)s->unit);
        free((char *)s->help);
        free((char *)s->key);
        free((char *)s->method);
        for (size_t k = 0; k < s->labels_count; k++) {
            free((char *)s->labels[k].name);
            free((char *)s->labels[k].value);
        }
    }
    free(scan->series);
    free(scan->targets);
    free(scan->first_target);
    free(scan->target_of);
    free(scan->group_first);
    free(scan->spans);
    free(scan->piece_t_ms);
    ledger_fini(&scan->by_id);
    window_fini(&scan->piece);
    window_fini(&scan->cache);
    scan_room_free(scan);
    free(scan);
}
