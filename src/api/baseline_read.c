/*
 * baseline_read.c: see baseline_read.h. First one question over each window, a single step long,
 * says which series there are; tiers that have the window's minutes summed up answer it cheaply.
 * Then their blocks are read, so many series at once that blocks times series stay below a bound:
 * whole metrics by their names as long as they fit, and the series of a larger one one by one.
 *
 * The means of all windows of a series stand in a row, with a hole between two windows: the last
 * block of one is no neighbour of the first of the next.
 */
#include "api/baseline_read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "base/mem.h"

#define VALUES_MAX (64U << 10) /* blocks times series of one batch */
#define BUCKETS_ABOUT 40       /* of a histogram: each is read like a series of its own */
#define WEEK_MS BASELINE_WEEK_MS
#define TIME_LIMIT_MS (INT64_C(1) << 53)
#define LEAST_PART 0.5 /* of a block has to be sampled */

/* A series that some window has. */
struct found {
    char *key, *name, *unit;
    char *labels;
    enum metric_kind kind;
    size_t labels_count;
    struct label owned[SERIES_LABELS_MAX]; /* for selecting it alone */
    double *means;                         /* while its batch is read */
};

struct reader_state {
    const struct baseline_reading *ask;
    enum aggregate aggregate;
    size_t blocks; /* of all windows, with the holes between them */
    struct found *found;
    size_t count, room;
    bool truncated;
    struct map by_key; /* to its place in `found`, plus one */
    struct store_error *err;
};

static bool is_quantile(enum aggregate a)
{
    return a >= AGG_P50;
}

/* ---- windows ----------------------------------------------------------------------------- */

/* What clocks here are ahead of UTC. Not mktime, which wants to look at the file of the time zone.
 */
static int64_t clock_ahead_ms(int64_t t_ms)
{
    time_t t_s = (time_t)(t_ms / MS_PER_S);
    struct tm local;
    return localtime_r(&t_s, &local) ? local.tm_gmtoff * MS_PER_S : 0;
}

/* How far away the moment is at which clocks here showed the same so many weeks before. */
static int64_t weeks_ms(int64_t t_ms, int weeks)
{
    int64_t then_ms = t_ms - weeks * WEEK_MS;
    return weeks * WEEK_MS + clock_ahead_ms(then_ms) - clock_ahead_ms(t_ms);
}

void baseline_weeks_before(struct baseline_reading *reading, int64_t from_ms, int64_t to_ms)
{
    int64_t end_ms = from_ms;
    reading->windows_count = 4;
    for (int i = 3; i >= 0; i--) {
        int64_t back_ms = weeks_ms(from_ms, 4 - i);
        /* A whole week in which clocks were changed would overlap the next one. */
        reading->windows[i] =
            (struct baseline_window){from_ms - back_ms, MIN(to_ms - back_ms, end_ms)};
        end_ms = from_ms - back_ms;
    }
}

/* Whole blocks of the window: where the first begins, and how many. */
static size_t window_blocks(const struct reader_state *r, size_t index, int64_t *ret_from_ms)
{
    const struct baseline_window *w = &r->ask->windows[index];
    int64_t block_ms = r->ask->block_ms;
    int64_t from_ms = MIN(MAX(w->from_ms, 0), TIME_LIMIT_MS);
    int64_t first = (from_ms + block_ms - 1) / block_ms;
    int64_t end = MIN(MAX(w->to_ms, 0), TIME_LIMIT_MS) / block_ms;
    *ret_from_ms = first * block_ms;
    return end > first ? (size_t)(end - first) : 0;
}

/* ---- which series there are -------------------------------------------------------------- */

static int ask(struct reader_state *r, const struct selector *selector, size_t window, bool blocks,
               struct answer **ret)
{
    int64_t from_ms;
    size_t count = window_blocks(r, window, &from_ms);
    struct query query = {
        .from_ms = from_ms,
        .to_ms = from_ms + (int64_t)count * r->ask->block_ms - 1,
        .points = blocks ? QUERY_POINTS_FINEST : 1,
        .step_ms = blocks ? r->ask->block_ms : 0,
        .aggregate = r->aggregate,
        .least_part = blocks && !is_quantile(r->aggregate) ? LEAST_PART : 0,
    };
    *ret = NULL;
    if (r->ask->stop && atomic_load(r->ask->stop)) {
        r->err->code = -ECANCELED;
        snprintf(r->err->text, sizeof(r->err->text), "given up");
        return -ECANCELED;
    }
    if (selector)
        query.selector = *selector; /* borrowed */
    return store_query(r->ask->reader, &query, r->ask->recent, ret, r->err);
}

static bool is_bucket(const struct answer_series *s)
{
    size_t len = strlen(s->name);
    bool bound = false;
    for (size_t i = 0; i < s->labels_count; i++)
        bound = bound || strcmp(s->labels[i].name, "le") == 0;
    return bound && len > 7 && strcmp(s->name + len - 7, "_bucket") == 0;
}

static char *labels_of(const struct reader_state *r, const struct answer_series *s)
{
    struct label labels[SERIES_LABELS_MAX + 1];
    memcpy(labels, s->labels, s->labels_count * sizeof(labels[0]));
    size_t count = s->labels_count;
    if (is_quantile(r->aggregate))
        labels[count++] = (struct label){"quantile", r->aggregate == AGG_P50 ? "0.5" : "0.99"};
    return baseline_labels(labels, count);
}

/* Of what a histogram counts; its buckets say how many. */
static const char *measured_unit(const char *name)
{
    static const char *const units[] = {"seconds", "bytes", "ratio"};
    const char *last = strrchr(name, '_');
    for (size_t i = 0; last && i < ARRAY_LEN(units); i++) {
        if (strcmp(last + 1, units[i]) == 0)
            return units[i];
    }
    return "";
}

/* Takes what it needs out of the answer. */
static void note_series(struct reader_state *r, struct answer_series *s)
{
    if (map_get(&r->by_key, s->key))
        return;
    if (r->count == r->room) {
        r->room = MAX(2 * r->room, (size_t)64);
        r->found = mem_resize(r->found, r->room, sizeof(r->found[0]));
    }
    struct found *f = &r->found[r->count++];
    *f = (struct found){.labels = labels_of(r, s), .kind = s->kind};
    f->key = TAKE(s->key);
    f->name = TAKE(s->name);
    f->unit = is_quantile(r->aggregate) ? mem_string(measured_unit(f->name)) : TAKE(s->unit);
    if (is_quantile(r->aggregate))
        f->kind = METRIC_GAUGE;
    f->labels_count = s->labels_count;
    memcpy(f->owned, s->labels, s->labels_count * sizeof(f->owned[0]));
    s->labels_count = 0;
    map_put(&r->by_key, f->key, (void *)(uintptr_t)r->count);
}

static int by_name(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->labels, y->labels);
}

static int find_series(struct reader_state *r)
{
    for (size_t w = 0; w < r->ask->windows_count; w++) {
        struct answer *a;
        int64_t from_ms;
        if (!window_blocks(r, w, &from_ms))
            continue;
        int err = ask(r, r->ask->selector, w, false, &a);
        if (err)
            return err;
        r->truncated = r->truncated || a->truncated;
        for (size_t i = 0; i < a->series_count; i++) {
            if (!is_bucket(&a->series[i]))
                note_series(r, &a->series[i]);
        }
        answer_free(a);
    }
    /* By name, for the batches; the places in the map change with that. */
    if (r->count)
        qsort(r->found, r->count, sizeof(r->found[0]), by_name);
    for (size_t i = 0; i < r->count; i++)
        map_put(&r->by_key, r->found[i].key, (void *)(uintptr_t)(i + 1));
    return 0;
}

/* ---- their blocks ------------------------------------------------------------------------ */

/* found[first] … found[end - 1] are in the batch. */
struct batch {
    size_t first, end;
};

static void take_blocks(struct reader_state *r, const struct batch *b, const struct answer *a,
                        size_t at, size_t count)
{
    /* Where all is kept for hours only, there are no blocks. */
    if (a->step_ms >= 2 * r->ask->block_ms)
        return;
    for (size_t i = 0; i < a->series_count; i++) {
        size_t place = (size_t)(uintptr_t)map_get(&r->by_key, a->series[i].key);
        if (place <= b->first || place > b->end)
            continue; /* began since, or another series with these labels and more */
        double *means = r->found[place - 1].means + at;
        memcpy(means, a->series[i].values, MIN(count, a->points_count) * sizeof(means[0]));
    }
}

static int read_windows(struct reader_state *r, const struct batch *b,
                        const struct selector *selector)
{
    size_t at = 0;
    for (size_t w = 0; w < r->ask->windows_count; w++) {
        struct answer *a;
        int64_t from_ms;
        size_t count = window_blocks(r, w, &from_ms);
        if (!count)
            continue;
        int err = ask(r, selector, w, true, &a);
        if (err)
            return err;
        take_blocks(r, b, a, at, count);
        answer_free(a);
        at += count + 1;
    }
    return 0;
}

static int read_batch(struct reader_state *r, const struct batch *b,
                      const struct selector *selector, struct baseline_list *ret)
{
    for (size_t i = b->first; i < b->end; i++) {
        r->found[i].means = mem_array(r->blocks, sizeof(double));
        for (size_t k = 0; k < r->blocks; k++)
            r->found[i].means[k] = NAN;
    }
    int err = read_windows(r, b, selector);
    for (size_t i = b->first; i < b->end; i++) {
        struct found *f = &r->found[i];
        struct block_stats *stats = err ? NULL : block_stats_new(f->means, r->blocks);
        free(TAKE(f->means));
        if (stats)
            baseline_list_add(ret, (struct baseline_series){.name = TAKE(f->name),
                                                            .labels = TAKE(f->labels),
                                                            .unit = TAKE(f->unit),
                                                            .kind = f->kind,
                                                            .stats = stats});
    }
    return err;
}

/* One series alone. */
static int read_single(struct reader_state *r, size_t index, struct baseline_list *ret)
{
    const struct found *f = &r->found[index];
    struct batch b = {index, index + 1};
    struct selector selector;
    int err = selector_of_series(&selector, f->name, f->owned, f->labels_count);
    if (!err)
        err = read_batch(r, &b, &selector, ret);
    else /* longer than anything that is asked for: left out, and said */
        r->truncated = true;
    selector_fini(&selector);
    return err == -E2BIG ? 0 : err;
}

static size_t same_name_until(const struct reader_state *r, size_t first)
{
    size_t end = first + 1;
    while (end < r->count && strcmp(r->found[end].name, r->found[first].name) == 0)
        end++;
    return end;
}

/* As many metrics as fit, from `first` on; the end of the batch, or `first` when not even one does.
 * The selector has their names and what was asked for by labels. */
static size_t choose_batch(const struct reader_state *r, size_t first, struct selector *selector)
{
    size_t most = VALUES_MAX / MAX(r->blocks, (size_t)1);
    size_t end = first;
    if (is_quantile(r->aggregate))
        most /= BUCKETS_ABOUT;
    const struct selector *asked = r->ask->selector;
    for (size_t i = 0; asked && i < asked->matches_count; i++) {
        char *match = mem_printf("%s=%s", asked->matches[i].label, asked->matches[i].glob);
        int err = selector_add_match(selector, match);
        free(match);
        if (err)
            return first;
    }
    while (end < r->count) {
        size_t next = same_name_until(r, end);
        if (next - first > most || selector_add_exact_name(selector, r->found[end].name) < 0)
            break;
        end = next;
    }
    return end;
}

static int read_all(struct reader_state *r, struct baseline_list *ret)
{
    for (size_t i = 0; i < r->count;) {
        struct selector selector;
        selector_init(&selector);
        struct batch b = {i, choose_batch(r, i, &selector)};
        int err = b.end > b.first ? read_batch(r, &b, &selector, ret) : 0;
        selector_fini(&selector);
        size_t end = b.end > b.first ? b.end : same_name_until(r, i);
        for (; b.end == b.first && i < end && !err; i++)
            err = read_single(r, i, ret);
        if (err)
            return err;
        i = end;
    }
    return 0;
}

static void state_clear(struct reader_state *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct found *f = &r->found[i];
        for (size_t k = 0; k < f->labels_count; k++) {
            free((char *)f->owned[k].name);
            free((char *)f->owned[k].value);
        }
        free(f->key);
        free(f->name);
        free(f->unit);
        free(f->labels);
    }
    r->count = 0;
    map_fini(&r->by_key);
    map_init(&r->by_key);
}

int baseline_read(const struct baseline_reading *reading, struct baseline_list *ret,
                  struct store_error *err)
{
    static const enum aggregate aggregates[] = {AGG_AVG, AGG_P50, AGG_P99};
    struct reader_state r = {.ask = reading, .err = err};
    int64_t ignored;
    int code = 0;
    *ret = (struct baseline_list){0};
    for (size_t w = 0; w < reading->windows_count; w++)
        r.blocks += window_blocks(&r, w, &ignored) + 1;
    if (r.blocks > BASELINE_BLOCKS_MAX + BASELINE_WINDOWS_MAX) {
        err->code = -EINVAL;
        snprintf(err->text, sizeof(err->text), "the window is longer than 90 days");
        return -EINVAL;
    }
    map_init(&r.by_key);
    for (size_t i = 0; i < ARRAY_LEN(aggregates) && !code; i++) {
        r.aggregate = aggregates[i];
        code = find_series(&r);
        if (!code)
            code = read_all(&r, ret);
        state_clear(&r);
    }
    map_fini(&r.by_key);
    free(r.found);
    ret->truncated = ret->truncated || r.truncated;
    baseline_list_sort(ret);
    return code;
}
