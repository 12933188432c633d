/*
 * fold.c: short spans into long ones, and their samples into rows of the tier above.
 *
 *   tier     a fold takes               and makes
 *   raw      the spans of an hour       one span of that hour     and its minutes
 *   minute   the spans of a day         one span of that day      and its hours
 *   hour     the spans of thirty days   one span of those
 *
 * Long chunks take less room and are found sooner. What belongs together is a run of neighbouring
 * spans of one interval whose times do not step back, of one period, with no more rows than a span
 * may have. It is folded once nothing can be added to it: when the newest tick is in another
 * period. Pieces of one minute (cut by a restart, say) stay apart in the raw tier, are put together
 * where the rows of a minute meet, and add up to the same in any case.
 *
 * As sealing, this is done in slices between ticks: series after series in the order of their ids,
 * first the long chunks, then the rows above, for some milliseconds; the chunks lie under numbers
 * of spans that do not exist yet. The last transaction makes the new spans visible and marks the
 * old ones as replaced: at any instant a row is in one visible span of its tier. After a crash the
 * chunks of a fold that was not finished are dropped, and it begins anew. retention.c deletes what
 * was replaced.
 *
 * Chunks of series that nobody knows any more are left out, and so are damaged ones, which are set
 * aside (damaged.c).
 * Memory exists only while something is being folded: up to 2 MiB for an hour of a second's ticks,
 * and a row of chunks of each span that is being read.
 * Store thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/chunk.h"
#include "store/column.h"
#include "store/group.h"
#include "store/store_internal.h"

#define SOURCES_MAX 128
#define SLICE_NS NS_PER_MS
#define ROWS_MAX STORE_SPAN_TICKS_MAX

static const int64_t periods_ms[TIERS] = {
    [TIER_RAW] = 3600 * MS_PER_S,
    [TIER_MINUTE] = 24 * 3600 * MS_PER_S,
    [TIER_HOUR] = INT64_C(30) * 24 * 3600 * MS_PER_S,
};

struct source {
    uint32_t span;
    uint64_t first_seq, last_seq;
    int64_t min_ms, max_ms, interval_ms;
    size_t rows;
    struct chunks chunks;
    uint32_t next_id; /* of the first series not folded yet; 0: none is left */
};

/* Rows of the new span, or of the one of the tier above. */
struct target_rows {
    uint32_t span;
    size_t count;
    uint64_t first_seq; /* of the first tick in the first row */
    struct timeline times;
    uint32_t *of; /* row before -> row here */
    struct group group;
    uint64_t bytes;
};

struct fold {
    enum tier tier;
    size_t sources_count, source_rows;
    struct source sources[SOURCES_MAX];
    struct target_rows rows;
    struct target_rows above; /* span 0: there is none */
    uint64_t chunks;
    bool going_up;  /* the second time through the series: rows of the tier above are made */
    size_t damaged; /* times that cannot be read, of which all is lost */
    size_t aside;   /* rows of chunks that were damaged */
    size_t lost;    /* chunks that are nothing without one of these */

    /* Scratch, for source_rows each. Of one series: */
    struct timeline source_times;
    int64_t *elapsed_ns;         /* of the rows of all sources */
    struct column samples;       /* raw: its samples in all sources */
    struct packer *packer;       /* raw */
    struct rollup_column column; /* its rows in one source, then in a new span */
    struct rollup *source_row;   /* not raw: its rows in all sources */
    struct rollup *sum;          /* its rows in a new span */
    struct codec *codec;
    struct buf out, row;
};

/* ---- life ----------------------------------------------------------------------------------- */

static void timeline_init(struct timeline *times, size_t rows)
{
    times->seq = mem_array(rows, sizeof(uint64_t));
    times->t_ms = mem_array(rows, sizeof(int64_t));
    times->elapsed_ns = mem_array(rows, sizeof(int64_t));
}

static void timeline_fini(struct timeline *times)
{
    free(times->seq);
    free(times->t_ms);
    free(times->elapsed_ns);
}

static void make_room(struct fold *fold)
{
    size_t rows = fold->source_rows;
    timeline_init(&fold->source_times, rows);
    timeline_init(&fold->rows.times, rows);
    timeline_init(&fold->above.times, rows);
    fold->rows.of = mem_array(rows, sizeof(uint32_t));
    fold->above.of = mem_array(rows, sizeof(uint32_t));
    fold->elapsed_ns = mem_array(rows, sizeof(int64_t));
    fold->sum = mem_array(rows, sizeof(*fold->sum));
    rollup_column_init(&fold->column, rows);
    if (fold->tier == TIER_RAW) {
        fold->samples.state = mem_array(rows, sizeof(uint8_t));
        fold->samples.value = mem_array(rows, sizeof(union sample));
    } else {
        fold->source_row = mem_array(rows, sizeof(*fold->source_row));
    }
    fold->codec = codec_new();
}

void fold_abandon(struct store *store)
{
    struct fold *fold = store->fold;
    if (!fold)
        return;
    store->fold = NULL;
    store->leftovers = store->leftovers || fold->chunks > 0;
    timeline_fini(&fold->source_times);
    timeline_fini(&fold->rows.times);
    timeline_fini(&fold->above.times);
    free(fold->rows.of);
    free(fold->above.of);
    free(fold->elapsed_ns);
    free(fold->sum);
    free(fold->source_row);
    packer_free(fold->packer);
    free(fold->samples.state);
    free(fold->samples.value);
    rollup_column_fini(&fold->column);
    codec_free(fold->codec);
    for (size_t i = 0; i < SOURCES_MAX; i++)
        chunks_fini(&fold->sources[i].chunks);
    group_fini(&fold->rows.group);
    group_fini(&fold->above.group);
    buf_fini(&fold->out);
    buf_fini(&fold->row);
    free(fold);
}

/* ---- what is to be folded ------------------------------------------------------------------- */

static int64_t period_of(enum tier tier, int64_t t_ms)
{
    return t_ms / periods_ms[tier];
}

static bool source_joins(const struct fold *fold, const struct source *s)
{
    const struct source *before = &fold->sources[fold->sources_count - 1];
    return fold->sources_count < SOURCES_MAX && fold->source_rows + s->rows <= ROWS_MAX &&
           s->interval_ms == before->interval_ms && s->min_ms >= before->max_ms &&
           s->first_seq > before->last_seq &&
           period_of(fold->tier, s->max_ms) == period_of(fold->tier, fold->sources[0].min_ms);
}

/* The oldest run of spans of that tier. `ret_ends`: another span follows it. */
static int read_sources(struct store *store, struct fold *fold, bool *ret_ends)
{
    sqlite3_stmt *stmt = store->stmt[STMT_SPANS_LOOSE];
    sqlite3_bind_int(stmt, 1, (int)fold->tier);
    sqlite3_bind_int(stmt, 2, SOURCES_MAX + 1);
    *ret_ends = false;
    int rc;
    while (!*ret_ends && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct source s = {
            .span = (uint32_t)sqlite3_column_int64(stmt, 0),
            .first_seq = (uint64_t)sqlite3_column_int64(stmt, 1),
            .last_seq = (uint64_t)sqlite3_column_int64(stmt, 2),
            .min_ms = sqlite3_column_int64(stmt, 3),
            .max_ms = sqlite3_column_int64(stmt, 4),
            .interval_ms = sqlite3_column_int64(stmt, 5),
            .rows = (size_t)MIN(MAX(sqlite3_column_int64(stmt, 6), 1), ROWS_MAX),
            .chunks = chunks_over(store->stmt[STMT_CHUNK_GET], NULL),
        };
        if (fold->sources_count && !source_joins(fold, &s)) {
            *ret_ends = true;
            break;
        }
        fold->sources[fold->sources_count++] = s;
        fold->source_rows += s.rows;
    }
    int error = *ret_ends ? 0 : database_error(store->db, rc);
    sqlite3_reset(stmt);
    return error;
}

/* Where less is kept than a period: those that are too old do not wait for the others. */
static bool cut_to_expired(const struct store *store, struct fold *fold)
{
    int64_t before_ms = store->now_ms - store_age_ms(store, fold->tier);
    if (store->doubt_ns || fold->sources[0].max_ms >= before_ms)
        return false;
    while (fold->sources[fold->sources_count - 1].max_ms >= before_ms)
        fold->source_rows -= fold->sources[--fold->sources_count].rows;
    return true;
}

/* Nothing can be added any more. */
static bool is_complete(const struct store *store, const struct fold *fold, bool ends)
{
    const struct source *last = &fold->sources[fold->sources_count - 1];
    return ends || period_of(fold->tier, last->max_ms) != period_of(fold->tier, store->now_ms);
}

/* ---- times ---------------------------------------------------------------------------------- */

static void add_row(struct target_rows *rows, size_t before, int64_t t_ms, uint64_t seq,
                    int64_t elapsed_ns)
{
    struct timeline *times = &rows->times;
    if (rows->count == 0 || times->t_ms[rows->count - 1] != t_ms) {
        times->t_ms[rows->count] = t_ms;
        times->elapsed_ns[rows->count++] = 0;
    }
    times->seq[rows->count - 1] = seq;
    times->elapsed_ns[rows->count - 1] += elapsed_ns;
    rows->of[before] = (uint32_t)(rows->count - 1);
}

static int64_t floor_to(int64_t t_ms, int64_t interval_ms)
{
    int64_t rest = t_ms % interval_ms;
    return t_ms - (rest < 0 ? rest + interval_ms : rest);
}

/* The times of one source behind those that are there. Damage: it has no rows, whose number is
 * then 0. */
static int add_times(struct store *store, struct fold *fold, struct source *s, size_t *rows)
{
    sqlite3_stmt *stmt = store->stmt[STMT_SPAN_TIMES];
    sqlite3_bind_int64(stmt, 1, s->span);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        size_t len;
        const uint8_t *data = database_blob(stmt, 0, &len);
        if (timeline_decode(fold->codec, data, len, s->rows, s->interval_ms, &fold->source_times) <
            0) {
            fold->damaged++;
            s->rows = 0;
        }
    } else {
        s->rows = 0;
    }
    int error = database_error(store->db, rc);
    sqlite3_reset(stmt);
    if (error)
        return error;
    int64_t above_ms = fold->above.span ? tier_interval_ms(fold->tier + 1) : 0;
    for (size_t i = 0; i < s->rows; i++, ++*rows) {
        const struct timeline *times = &fold->source_times;
        int64_t t_ms = times->t_ms[i];
        fold->elapsed_ns[*rows] = times->elapsed_ns[i];
        if (fold->tier == TIER_RAW) { /* each tick stays what it is */
            struct timeline *own = &fold->rows.times;
            own->seq[*rows] = times->seq[i];
            own->t_ms[*rows] = t_ms;
            own->elapsed_ns[*rows] = times->elapsed_ns[i];
            fold->rows.of[*rows] = (uint32_t)*rows;
            fold->rows.count = *rows + 1;
        } else {
            add_row(&fold->rows, *rows, t_ms, times->seq[i], times->elapsed_ns[i]);
        }
        if (above_ms)
            add_row(&fold->above, *rows, floor_to(t_ms, above_ms), times->seq[i],
                    times->elapsed_ns[i]);
    }
    return 0;
}

/* The first series with a chunk in that source from `id` on; 0: none. What is damaged on the way is
 * set aside, or it would go with the span. */
static int next_series(struct store *store, struct source *s, uint32_t id)
{
    struct chunk chunk;
    int error;
    s->next_id = 0;
    if (s->rows == 0) /* its times are damaged: no count, no checksum */
        return 0;
    while ((error = chunk_next(&s->chunks, s->span, id, s->rows, &chunk)) == -EUCLEAN) {
        store->fold->aside++;
        error = damaged_move(store, chunk.row);
        if (error)
            return error;
    }
    if (!error)
        s->next_id = chunk.series;
    else
        chunks_fini(&s->chunks); /* nothing more is read of it */
    return error == -ENOENT ? 0 : error;
}

static int begin_fold(struct store *store, struct fold *fold)
{
    fold->rows.span = store->next_span;
    /* Not what is too old even for hours, if the clock can be believed. Minutes that are too old
     * are on their way to hours. */
    const struct source *last = &fold->sources[fold->sources_count - 1];
    bool above =
        fold->tier + 1 < TIERS &&
        (store->doubt_ns || last->max_ms >= store->now_ms - store_age_ms(store, TIER_HOUR));
    fold->above.span = above ? store->next_span + 1 : 0;
    fold->rows.first_seq = fold->above.first_seq = fold->sources[0].first_seq;
    make_room(fold);
    size_t rows = 0;
    int error = store_drop_leftovers(store);
    for (size_t i = 0; i < fold->sources_count && !error; i++) {
        error = add_times(store, fold, &fold->sources[i], &rows);
        if (!error)
            error = next_series(store, &fold->sources[i], 0);
    }
    fold->source_rows = rows;
    if (!error && fold->tier == TIER_RAW)
        fold->packer = packer_new(rows); /* of what can be read: the number is in its checksums */
    return error;
}

/* Is there a run that can be folded? Then store->fold is it. */
static int find_fold(struct store *store)
{
    for (unsigned tier = 0; tier < TIERS; tier++) {
        bool ends;
        struct fold *fold = store->fold = mem_alloc(sizeof(*fold));
        fold->tier = (enum tier)tier;
        int error = read_sources(store, fold, &ends);
        if (!error && fold->sources_count &&
            (is_complete(store, fold, ends) || cut_to_expired(store, fold)))
            return begin_fold(store, fold);
        fold_abandon(store);
        if (error)
            return error;
    }
    return 0;
}

/* ---- a series ------------------------------------------------------------------------------- */

/* Its rows in one source into what is made of all, from row `at` on. False: they are damaged. */
static bool take_samples(struct fold *fold, struct source *s, size_t at, const uint8_t *data,
                         size_t len, enum metric_kind *kind)
{
    struct column part = {
        .state = fold->samples.state + at,
        .value = fold->samples.value + at,
    };
    if (chunk_decode(fold->codec, &s->chunks, s->span, data, len, s->rows, &part) < 0) {
        memset(part.state, SAMPLE_ABSENT, s->rows);
        return false;
    }
    *kind = part.kind;
    return true;
}

static bool take_rows(struct fold *fold, const struct source *s, size_t at, const uint8_t *data,
                      size_t len, enum metric_kind *kind)
{
    if (rollup_column_decode(fold->codec, data, len, s->rows, ROLLUP_ALL, &fold->column) < 0)
        return false;
    *kind = fold->column.kind;
    for (size_t i = at; i < at + s->rows; i++)
        rollup_column_get(&fold->column, i - at, fold->elapsed_ns[i], &fold->source_row[i]);
    return true;
}

static int take_chunk(struct store *store, struct source *s, uint32_t id, size_t at,
                      enum metric_kind *kind, bool *found)
{
    struct fold *fold = store->fold;
    struct chunk chunk;
    int error = chunk_get(&s->chunks, s->span, id, s->rows, &chunk);
    if (!error) {
        bool own = chunk.data[0] < CODEC_BARE; /* a row for itself */
        bool good = fold->tier == TIER_RAW ? take_samples(fold, s, at, chunk.data, chunk.len, kind)
                                           : take_rows(fold, s, at, chunk.data, chunk.len, kind);
        *found |= good;
        /* In a good group there is only one that is beside what was damaged: it goes with the span.
         */
        if (!good && own) {
            fold->aside++;
            error = damaged_move(store, chunk.row);
        } else if (!good && !fold->going_up) {
            fold->lost++;
        }
    } else if (error == -ENOENT || error == -EUCLEAN) {
        error = 0; /* damaged since it was found: the next look tells */
    }
    if (!error && id == UINT32_MAX)
        s->next_id = 0;
    else if (!error)
        error = next_series(store, s, id + 1);
    return error;
}

static int put_group(struct store *store, struct target_rows *rows)
{
    struct fold *fold = store->fold;
    if (rows->group.count == 0)
        return 0;
    buf_clear(&fold->row);
    group_take(&rows->group, rows->count, &fold->row);
    sqlite3_stmt *stmt = store->stmt[STMT_CHUNK_PUT];
    sqlite3_bind_int64(stmt, 1, chunk_row(rows->span, rows->group.last));
    sqlite3_bind_blob64(stmt, 2, fold->row.data, fold->row.len, SQLITE_STATIC);
    rows->bytes += fold->row.len;
    return database_run(stmt);
}

static int put_chunk(struct store *store, struct target_rows *rows, uint32_t id)
{
    struct fold *fold = store->fold;
    group_add(&rows->group, id, (const uint8_t *)fold->out.data, fold->out.len);
    fold->chunks++;
    return group_is_full(&rows->group) ? put_group(store, rows) : 0;
}

/* What the rows of the sources come to in each row of `rows`. */
static void sum_up(struct fold *fold, const struct target_rows *rows, enum metric_kind kind)
{
    for (size_t i = 0; i < rows->count; i++)
        fold->sum[i] = (struct rollup){.kind = kind};
    for (size_t i = 0; i < fold->source_rows; i++) {
        struct rollup *sum = &fold->sum[rows->of[i]];
        if (fold->tier != TIER_RAW) {
            if (fold->source_row[i].kind == kind)
                rollup_add(sum, &fold->source_row[i]);
        } else if (fold->samples.state[i] != SAMPLE_ABSENT) {
            rollup_add_sample(sum, (enum sample_state)fold->samples.state[i],
                              fold->samples.value[i], fold->elapsed_ns[i]);
        }
    }
}

static int put_rows(struct store *store, struct target_rows *rows, uint32_t id,
                    enum metric_kind kind)
{
    struct fold *fold = store->fold;
    sum_up(fold, rows, kind);
    rollup_column_begin(&fold->column, kind, rows->count);
    for (size_t i = 0; i < rows->count; i++)
        rollup_column_put(&fold->column, i, &fold->sum[i], rows->times.elapsed_ns[i]);
    buf_clear(&fold->out);
    rollup_column_encode(fold->codec, &fold->column, rows->count, &fold->out);
    return put_chunk(store, rows, id);
}

static int put_samples(struct store *store, uint32_t id, enum metric_kind kind)
{
    struct fold *fold = store->fold;
    fold->samples.kind = kind;
    buf_clear(&fold->out);
    packer_add(fold->packer, fold->codec, id, &fold->samples, &fold->out);
    return put_chunk(store, &fold->rows, id);
}

static int fold_series(struct store *store, uint32_t id)
{
    struct fold *fold = store->fold;
    bool known = ledger_find(&store->ledger, id) != LEDGER_NONE;
    enum metric_kind kind = METRIC_COUNTER;
    bool found = false;
    if (fold->tier == TIER_RAW)
        memset(fold->samples.state, SAMPLE_ABSENT, fold->source_rows);
    else
        memset(fold->source_row, 0, fold->source_rows * sizeof(*fold->source_row));
    size_t at = 0;
    int error = 0;
    for (size_t i = 0; i < fold->sources_count && !error; at += fold->sources[i++].rows) {
        if (fold->sources[i].next_id == id)
            error = take_chunk(store, &fold->sources[i], id, at, &kind, &found);
    }
    if (error || !known || !found)
        return error;
    if (fold->going_up)
        return put_rows(store, &fold->above, id, kind);
    return fold->tier == TIER_RAW ? put_samples(store, id, kind)
                                  : put_rows(store, &fold->rows, id, kind);
}

/* ---- slices --------------------------------------------------------------------------------- */

/* The first series that is not folded; 0: none is left. */
static uint32_t series_at(const struct fold *fold)
{
    uint32_t id = 0;
    for (size_t i = 0; i < fold->sources_count; i++) {
        uint32_t next = fold->sources[i].next_id;
        if (next && (id == 0 || next < id))
            id = next;
    }
    return id;
}

/* Twice, because what is made each time then goes to the end of its table: written in turns, one
 * into the middle, it would leave every page of it half empty. */
static int begin_above(struct store *store)
{
    struct fold *fold = store->fold;
    int error = put_group(store, &fold->rows);
    fold->going_up = true;
    packer_free(TAKE(fold->packer));
    for (size_t i = 0; i < fold->sources_count && !error; i++)
        error = next_series(store, &fold->sources[i], 0);
    return error;
}

static int fold_slice(struct store *store)
{
    struct fold *fold = store->fold;
    int64_t start_ns = clock_mono_ns();
    uint64_t before = fold->chunks;
    uint32_t id;
    int error = store_begin(store);
    while (!error && (id = series_at(fold)) != 0) {
        error = fold_series(store, id);
        if (clock_mono_ns() - start_ns > SLICE_NS)
            break;
    }
    if (!error)
        error = store_commit(store);
    if (error)
        store_rollback(store);
    else
        count_add(&store->counters.chunks_folded, fold->chunks - before);
    return error;
}

static int put_span(struct store *store, struct target_rows *rows, enum tier tier,
                    int64_t interval_ms, bool folded)
{
    struct fold *fold = store->fold;
    if (!rows->span || rows->count == 0)
        return 0;
    buf_clear(&fold->out);
    timeline_encode(fold->codec, &rows->times, rows->count, interval_ms, &fold->out);
    const struct source *last = &fold->sources[fold->sources_count - 1];
    sqlite3_stmt *stmt = store->stmt[STMT_SPAN_PUT];
    sqlite3_bind_int64(stmt, 1, rows->span);
    sqlite3_bind_int64(stmt, 2, (int64_t)rows->first_seq);
    sqlite3_bind_int64(stmt, 3, (int64_t)last->last_seq);
    sqlite3_bind_int64(stmt, 4, fold->sources[0].min_ms); /* of its ticks, not of its rows */
    sqlite3_bind_int64(stmt, 5, last->max_ms);
    sqlite3_bind_int64(stmt, 6, interval_ms);
    sqlite3_bind_int64(stmt, 7, (int64_t)rows->count);
    sqlite3_bind_blob64(stmt, 8, fold->out.data, fold->out.len, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 9, (int)tier);
    sqlite3_bind_int(stmt, 10, folded);
    sqlite3_bind_int64(stmt, 11, (int64_t)(rows->bytes + fold->out.len));
    return database_run(stmt);
}

static int put_spans(struct store *store)
{
    struct fold *fold = store->fold;
    int64_t interval_ms = fold->sources[0].interval_ms;
    int error = put_group(store, &fold->rows); /* where there is no tier above */
    if (!error)
        error = put_group(store, &fold->above);
    if (!error)
        error = put_span(store, &fold->rows, fold->tier, interval_ms, true);
    if (!error && fold->above.span)
        error =
            put_span(store, &fold->above, fold->tier + 1, tier_interval_ms(fold->tier + 1), false);
    for (size_t i = 0; i < fold->sources_count && !error; i++) {
        sqlite3_bind_int64(store->stmt[STMT_SPAN_REPLACE], 1, fold->sources[i].span);
        error = database_run(store->stmt[STMT_SPAN_REPLACE]);
        if (!error)
            error = database_changed_one(store->db);
    }
    return error;
}

/* The new spans become visible instead of the old ones, in one transaction. */
static int fold_finish(struct store *store)
{
    struct fold *fold = store->fold;
    int error = store_begin(store);
    if (!error)
        error = put_spans(store);
    if (!error)
        error = store_commit(store);
    if (error) {
        store_rollback(store);
        return error;
    }
    CHECK(store->next_span < SPAN_MAX - 1);
    store->next_span += 2;
    store->retention_due = true;
    count_add(&store->counters.spans_folded, fold->sources_count);
    if (fold->damaged)
        store_note_add(store, EVENT_LOSS, false,
                       "%s: the times of %zu pieces of history are damaged; these are left out",
                       store->path, fold->damaged);
    if (fold->aside)
        damaged_told(store, fold->aside, "met while rolling up");
    if (fold->lost)
        store_note_add(
            store, EVENT_LOSS, false,
            "%zu pieces of history said only what they had more than damaged ones, and are lost",
            fold->lost);
    fold->chunks = 0; /* they are the spans' now */
    fold_abandon(store);
    return 0;
}

bool fold_due(struct store *store)
{
    return store->fold || (store->fold_due && !store->seal && !seal_due(store));
}

int fold_work(struct store *store)
{
    int error = 0;
    if (!store->fold) {
        error = find_fold(store);
        store->fold_due = store->fold != NULL; /* after one there may be another */
    } else if (series_at(store->fold)) {
        error = fold_slice(store);
    } else if (store->fold->above.span && !store->fold->going_up) {
        error = begin_above(store);
    } else {
        error = fold_finish(store);
    }
    if (error)
        fold_abandon(store);
    return error;
}
