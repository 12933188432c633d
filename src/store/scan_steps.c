/*
 * scan_steps.c: steps instead of samples, as store_query makes them: the steps are laid once for
 * the whole range, then asked for window by window, so many of them for so many series as the cache
 * has room for. With AGG_SUM the counters are asked for their sums and the gauges for their means.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/scan_internal.h"

/* Those series of columns [first, first + count) that are counters, or not. A name may be there
 * twice, as two kinds: which is meant shows in the answer. */
static size_t list_keys(const struct scan *scan, size_t first, size_t count, bool all,
                        enum metric_kind kind, const char **ret)
{
    size_t keys = 0;
    for (size_t i = first; i < first + count; i++) {
        if (all || scan->series[i].kind == kind)
            ret[keys++] = scan->series[i].key;
    }
    return keys;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The column of an answer's series that has not been given values yet; SIZE_MAX: none. */
static size_t find_column(const struct scan *scan, const struct scan_window *w,
                          const struct answer_series *s, const bool *given)
{
    for (size_t i = 0; i < w->columns; i++) {
        const struct scan_series *own = &scan->series[w->first + i];
        if (!given[i] && own->kind == s->kind && strcmp(own->key, s->key) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void put_answer(const struct scan *scan, const struct answer *answer, struct scan_window *w,
                       bool *given)
{
    size_t next = 0; /* both are in the same order, but for families */
    for (size_t i = 0; i < answer->series_count; i++) {
        const struct answer_series *s = &answer->series[i];
        size_t column = next;
        if (column >= w->columns || given[column] ||
            scan->series[w->first + column].kind != s->kind ||
            strcmp(scan->series[w->first + column].key, s->key) != 0)
            column = find_column(scan, w, s, given);
        if (column == SIZE_MAX)
            continue;
        given[column] = true;
        next = column + 1;
        for (size_t p = 0; p < answer->points_count; p++) {
            /* Longer steps than were asked for: the interval is longer now than it was. */
            int64_t t_ms = answer->from_ms + (int64_t)p * answer->step_ms;
            if (t_ms < w->moments[0].t_ms || isnan(s->values[p]))
                continue;
            size_t row = (size_t)((t_ms - w->moments[0].t_ms) / scan->step_ms);
            if (row < w->count)
                w->values[column * w->count + row] = s->values[p];
        }
    }
}

static int ask(struct scan *scan, struct store_reader *reader, const struct recent *recent,
               bool all, enum metric_kind kind, struct scan_window *w, bool *given,
               struct store_error *err)
{
    const char **keys CLEANUP(mem_freep) = mem_array(w->columns, sizeof(*keys));
    struct query query = scan->query;
    struct answer *answer = NULL;
    query.keys_count = list_keys(scan, w->first, w->columns, all, kind, keys);
    if (!query.keys_count)
        return 0;
    qsort(keys, query.keys_count, sizeof(*keys), by_text);
    query.keys = keys;
    query.from_ms = w->moments[0].t_ms;
    query.to_ms = w->moments[w->count - 1].t_ms + scan->step_ms - 1;
    query.step_ms = scan->step_ms;
    query.points = QUERY_POINTS_FINEST;
    if (!all && kind == METRIC_GAUGE)
        query.aggregate = AGG_AVG;
    int error = store_query(reader, &query, recent, &answer, err);
    if (!error && scan_check_file(scan, reader) < 0)
        error = store_fail(err, -ESTALE, "%s: the history was replaced while it was read",
                           reader->path);
    if (!error)
        put_answer(scan, answer, w, given);
    answer_free(answer);
    return error;
}

/* Rows [row, row + count) of those columns into the cache. */
static int fill(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                size_t first, size_t columns, size_t row, size_t count, struct store_error *err)
{
    struct scan_window *w = &scan->cache;
    int error = scan_window_lay(w, first, columns, count);
    if (error)
        return store_fail(err, error, "%s", strerror(-error));
    if (w->room < count) {
        w->room = count;
        w->moments = mem_resize(w->moments, count, sizeof(*w->moments));
    }
    for (size_t i = 0; i < count; i++)
        w->moments[i] =
            (struct scan_moment){.t_ms = scan->first_ms + (int64_t)(row + i) * scan->step_ms};
    bool *given CLEANUP(mem_freep) = mem_array(columns, sizeof(*given));
    bool split = scan->query.aggregate == AGG_SUM;
    error = ask(scan, reader, recent, !split, METRIC_COUNTER, w, given, err);
    if (!error && split)
        error = ask(scan, reader, recent, false, METRIC_GAUGE, w, given, err);
    return error;
}

/* How long the steps are that so many points make, and which tier has them: that is for store_query
 * to say, of one series. */
static int lay_points(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                      struct store_error *err)
{
    const char *key = scan->about.series_count ? scan->series[0].key : "";
    struct query query = scan->query;
    struct answer *answer = NULL;
    query.keys = &key;
    query.keys_count = 1;
    query.points = scan->points;
    int error = store_query(reader, &query, recent, &answer, err);
    if (error)
        return error;
    scan->step_ms = answer->step_ms;
    scan->first_ms = answer->from_ms;
    scan->rows = answer->points_count;
    scan->about.interval_ms = answer->step_ms;
    scan->about.tier = answer->tier;
    answer_free(answer);
    return 0;
}

int scan_plan_steps(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                    struct store_error *err)
{
    if (scan->points) {
        int error = lay_points(scan, reader, recent, err);
        if (error)
            return error;
    } else {
        scan->rows = (size_t)((scan->query.to_ms - scan->first_ms) / scan->step_ms + 1);
    }
    scan->about.values_expected = (uint64_t)scan->rows * scan->about.series_count;
    return 0;
}

/* Rows behind done_row, for the group whose turn it is and as many as fit behind it: whole ones,
 * unless even this one does not fit. */
/* Of the columns from `first` on: what a query counts its steps by. A histogram is one column and a
 * series a bucket, and a name may have had several ids. */
static size_t targets_of(const struct scan *scan, size_t first, size_t end)
{
    return MAX(scan->first_target[end] - scan->first_target[first], end - first);
}

static int begin_batch(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                       struct store_error *err)
{
    size_t first = scan->group_first[scan->group], end = scan->group + 1;
    size_t targets = targets_of(scan, first, scan->group_first[end]);
    size_t left = scan->rows - scan->done_row;
    size_t count = MAX(MIN(left, scan->cache_values_max / targets), (size_t)1);
    while (!scan->done_row && count == left && end < scan->groups &&
           targets_of(scan, first, scan->group_first[end + 1]) * count <= scan->cache_values_max)
        end++;
    size_t columns = scan->group_first[end] - first;
    int error = fill(scan, reader, recent, first, columns, scan->done_row, count, err);
    scan->cache_group_end = end;
    scan->cache_at = 0;
    scan->cache_more = count < left;
    return error;
}

int scan_next_steps(struct scan *scan, struct store_reader *reader, const struct recent *recent,
                    struct store_error *err)
{
    while (scan->group < scan->groups) {
        if (scan->group >= scan->cache_group_end) {
            int error = begin_batch(scan, reader, recent, err);
            if (error)
                return error;
        }
        if (scan->cache_at < scan->cache.count) {
            int got = scan_take_cached(scan);
            return got < 0 ? store_fail(err, got, "%s", strerror(-got)) : got;
        }
        scan->cache_at = 0;
        if (scan->cache_more) {
            scan->done_row += scan->cache.count;
            scan->cache_group_end = scan->group;
            continue;
        }
        scan->done_row = 0;
        scan->group++;
    }
    return 0;
}
