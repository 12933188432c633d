/*
 * seal.c: the log rewritten into columns.
 *
 * A span is a run of ticks out of the log. Its samples become one chunk per series, which a query
 * for a few series can read without touching the others, at about a tenth of the log's size; the
 * times of the ticks are kept once, in the span's own row.
 *
 * This is done in slices between ticks. As many series as fit into a few hundred KiB of columns are
 * filled from the span's log rows at once; then their chunks are packed and committed, for some
 * milliseconds at a time. Readers find chunks through the span's row only, and that comes with the
 * last transaction, which also deletes the log rows: at any instant a tick is either in the log or
 * in a visible span. After a crash the chunks of an unfinished span are dropped and sealing begins
 * anew.
 *
 * With the chunks each series' row in `last` moves on to the newest committed sample, so that the
 * log before it is not needed for the absolute values any more.
 *
 * Memory exists only while a span is being sealed. Store thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/column.h"
#include "store/group.h"
#include "store/row.h"
#include "store/store_internal.h"

#define COLUMNS_BYTES (384 << 10) /* that are filled at once … */
#define FILLS_MAX 16              /* … but no more often than this, each reads the whole span */
#define SLICE_NS NS_PER_MS

struct seal {
    size_t ticks;
    int64_t interval_ms;
    struct timeline times; /* t_ms never falls: a clock set back ends the run */
    uint32_t *series;      /* their ids, growing */
    size_t series_count, series_done;
    size_t batch;               /* most series that are filled at once */
    size_t filled;              /* series in the columns; 0: they are to be filled */
    size_t packed;              /* of these */
    size_t damaged;             /* ticks whose row cannot be read: nothing of them is kept */
    uint32_t first_id, last_id; /* of those in the columns */
    uint8_t *state;             /* batch * ticks */
    union sample *value;        /* batch * ticks */
    uint8_t *kind;              /* batch; enum metric_kind */
    uint64_t bytes;             /* of all chunks */
    struct packer *packer;
    struct group group;
    struct codec *codec;
    struct buf out, row;
};

void seal_abandon(struct store *store)
{
    struct seal *seal = store->seal;
    if (!seal)
        return;
    store->seal = NULL;
    store->leftovers = store->leftovers || seal->series_done > 0 || seal->packed > 0;
    free(seal->times.seq);
    free(seal->times.t_ms);
    free(seal->times.elapsed_ns);
    free(seal->series);
    free(seal->state);
    free(seal->value);
    free(seal->kind);
    packer_free(seal->packer);
    group_fini(&seal->group);
    codec_free(seal->codec);
    buf_fini(&seal->out);
    buf_fini(&seal->row);
    free(seal);
}

/* Spans end where hours do, so that a few of them make an hour. */
static bool same_period(const struct store *store, int64_t a_ms, int64_t b_ms)
{
    return a_ms / store->settings.seal_ms == b_ms / store->settings.seal_ms;
}

bool seal_due(const struct store *store)
{
    return store->seal || store->log_older > 0 ||
           (store->log_ticks && (store->log_ticks >= store->settings.seal_ticks ||
                                 !same_period(store, store->log_first_ms, store->log_t_ms)));
}

int store_drop_leftovers(struct store *store)
{
    if (!store->leftovers)
        return 0;
    sqlite3_bind_int64(store->stmt[STMT_CHUNKS_DROP], 1, chunk_row(store->next_span, 0));
    int error = database_run(store->stmt[STMT_CHUNKS_DROP]);
    store->leftovers = error != 0;
    return error;
}

/* The times of the log's first run, as far as one span goes. */
static int read_times(struct store *store, struct seal *seal)
{
    size_t limit = store->settings.seal_ticks;
    seal->times.seq = mem_array(limit, sizeof(uint64_t));
    seal->times.t_ms = mem_array(limit, sizeof(int64_t));
    seal->times.elapsed_ns = mem_array(limit, sizeof(int64_t));
    sqlite3_stmt *stmt = store->stmt[STMT_TICKS];
    sqlite3_bind_int64(stmt, 1, (int64_t)limit);
    /* The rules for where a run ends are those of a store whose log holds just this run. */
    struct store run = {.settings = store->settings};
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int64_t t_ms = sqlite3_column_int64(stmt, 1);
        int64_t interval_ms = sqlite3_column_int64(stmt, 3);
        if (store_log_run_ends(&run, interval_ms, t_ms) ||
            (seal->ticks && !same_period(store, seal->times.t_ms[0], t_ms)))
            break;
        run.log_ticks++;
        run.log_interval_ms = interval_ms;
        run.log_t_ms = t_ms;
        size_t i = seal->ticks++;
        seal->times.seq[i] = (uint64_t)sqlite3_column_int64(stmt, 0);
        seal->times.t_ms[i] = t_ms;
        seal->times.elapsed_ns[i] = sqlite3_column_int64(stmt, 2);
        seal->interval_ms = interval_ms;
    }
    int error = database_error(store->db, rc);
    sqlite3_reset(stmt);
    return error;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Every series that may have a sample in the span: those sampled since it began. */
static void choose_series(struct store *store, struct seal *seal)
{
    struct ledger *ledger = &store->ledger;
    seal->series = mem_array(MAX(ledger->count, 1U), sizeof(uint32_t));
    for (uint32_t i = 0; i < ledger->count; i++) {
        ledger->entries[i].column = LEDGER_NONE;
        if (ledger->entries[i].seq >= seal->times.seq[0])
            seal->series[seal->series_count++] = ledger->entries[i].id;
    }
    if (seal->series_count)
        qsort(seal->series, seal->series_count, sizeof(uint32_t), by_number);
}

static int seal_start(struct store *store)
{
    int error = store_drop_leftovers(store);
    if (error)
        return error;
    struct seal *seal = store->seal = mem_alloc(sizeof(*seal));
    error = read_times(store, seal);
    if (error || seal->ticks == 0) {
        seal_abandon(store);
        if (!error) /* the log is empty, whatever was counted */
            store->log_ticks = store->log_older = 0;
        return error;
    }
    choose_series(store, seal);
    size_t per_series = seal->ticks * (sizeof(union sample) + sizeof(uint8_t));
    seal->batch = MAX(COLUMNS_BYTES / per_series, seal->series_count / FILLS_MAX + 1);
    seal->batch = MAX(MIN(seal->batch, seal->series_count), (size_t)1);
    seal->state = mem_array(seal->batch * seal->ticks, sizeof(uint8_t));
    seal->value = mem_array(seal->batch * seal->ticks, sizeof(union sample));
    seal->kind = mem_array(seal->batch, sizeof(uint8_t));
    seal->packer = packer_new(seal->ticks);
    seal->codec = codec_new();
    store->rows_pending = true; /* a good moment to notice other engines' names */
    return 0;
}

static uint64_t first_seq(const struct seal *seal)
{
    return seal->times.seq[0];
}

static uint64_t last_seq(const struct seal *seal)
{
    return seal->times.seq[seal->ticks - 1];
}

/* The samples of one log row into the columns. False: the row is damaged and stays
 * absent. */
static bool fill_tick(struct store *store, size_t tick, const uint8_t *data, size_t len)
{
    struct seal *seal = store->seal;
    struct row_reader row;
    struct row_sample sample;
    if (row_open(&row, data, len) < 0)
        return false;
    while (row_next(&row, &sample)) {
        if (sample.id < seal->first_id || sample.id > seal->last_id)
            continue;
        uint32_t index = ledger_find(&store->ledger, sample.id);
        uint32_t column = index == LEDGER_NONE ? LEDGER_NONE : store->ledger.entries[index].column;
        if (column == LEDGER_NONE)
            continue;
        size_t at = column * seal->ticks + tick;
        seal->state[at] = (uint8_t)row_state(sample.code);
        seal->value[at] = sample.value;
        seal->kind[column] = sample.code == ROW_GAUGE ? METRIC_GAUGE : METRIC_COUNTER;
    }
    return !row_damaged(&row);
}

static int fill_columns(struct store *store, size_t count)
{
    struct seal *seal = store->seal;
    memset(seal->state, SAMPLE_ABSENT, count * seal->ticks);
    seal->damaged = 0;
    sqlite3_stmt *stmt = store->stmt[STMT_TICKS_BETWEEN];
    sqlite3_bind_int64(stmt, 1, (int64_t)first_seq(seal));
    sqlite3_bind_int64(stmt, 2, (int64_t)last_seq(seal));
    size_t tick = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && tick < seal->ticks) {
        size_t len;
        const uint8_t *data = database_blob(stmt, 1, &len);
        seal->damaged += !fill_tick(store, tick++, data, len);
    }
    int error = database_error(store->db, rc);
    sqlite3_reset(stmt);
    return error;
}

static int put_last(struct store *store, const struct ledger_entry *e)
{
    sqlite3_stmt *stmt = store->stmt[STMT_LAST_PUT];
    sqlite3_bind_int64(stmt, 1, e->id);
    sqlite3_bind_int64(stmt, 2, (int64_t)e->seq);
    sqlite3_bind_int64(stmt, 3, (int64_t)e->absolute);
    sqlite3_bind_int64(stmt, 4, (int64_t)e->source);
    sqlite3_bind_int(stmt, 5, e->known);
    return database_run(stmt);
}

static int put_group(struct store *store)
{
    struct seal *seal = store->seal;
    if (seal->group.count == 0)
        return 0;
    buf_clear(&seal->row);
    group_take(&seal->group, seal->ticks, &seal->row);
    sqlite3_stmt *stmt = store->stmt[STMT_CHUNK_PUT];
    sqlite3_bind_int64(stmt, 1, chunk_row(store->next_span, seal->group.last));
    sqlite3_bind_blob64(stmt, 2, seal->row.data, seal->row.len, SQLITE_STATIC);
    seal->bytes += seal->row.len;
    count_add(&store->counters.chunk_bytes, seal->row.len);
    return database_run(stmt);
}

static int put_chunk(struct store *store, size_t column_index, uint32_t id, uint64_t *chunks)
{
    struct seal *seal = store->seal;
    uint32_t index = ledger_find(&store->ledger, id);
    if (index == LEDGER_NONE) /* nobody knows it any more */
        return 0;
    const struct column column = {
        .kind = (enum metric_kind)seal->kind[column_index],
        .state = seal->state + column_index * seal->ticks,
        .value = seal->value + column_index * seal->ticks,
    };
    bool sampled = false;
    for (size_t i = 0; i < seal->ticks && !sampled; i++)
        sampled = column.state[i] != SAMPLE_ABSENT;
    if (!sampled)
        return 0;
    buf_clear(&seal->out);
    packer_add(seal->packer, seal->codec, id, &column, &seal->out);
    group_add(&seal->group, id, (const uint8_t *)seal->out.data, seal->out.len);
    int error = group_is_full(&seal->group) ? put_group(store) : 0;
    if (error)
        return error;
    ++*chunks;
    return put_last(store, &store->ledger.entries[index]);
}

static void set_columns(struct ledger *ledger, const uint32_t *series, size_t count, bool have)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t index = ledger_find(ledger, series[i]);
        if (index != LEDGER_NONE)
            ledger->entries[index].column = have ? (uint32_t)i : LEDGER_NONE;
    }
}

/* The next series into the columns. */
static int seal_fill(struct store *store)
{
    struct seal *seal = store->seal;
    struct ledger *ledger = &store->ledger;
    size_t count = MIN(seal->batch, seal->series_count - seal->series_done);
    const uint32_t *series = seal->series + seal->series_done;
    set_columns(ledger, series, count, true);
    seal->first_id = series[0];
    seal->last_id = series[count - 1];
    int error = fill_columns(store, count);
    set_columns(ledger, series, count, false);
    if (!error)
        seal->filled = count;
    seal->packed = 0;
    return error;
}

static int seal_slice(struct store *store)
{
    struct seal *seal = store->seal;
    const uint32_t *series = seal->series + seal->series_done;
    int64_t start_ns = clock_mono_ns();
    uint64_t chunks = 0;
    int error = store_begin(store);
    while (!error && seal->packed < seal->filled) {
        error = put_chunk(store, seal->packed, series[seal->packed], &chunks);
        seal->packed++;
        if (clock_mono_ns() - start_ns > SLICE_NS)
            break;
    }
    if (!error)
        error = store_commit(store);
    if (error) {
        store_rollback(store);
        return error;
    }
    if (seal->packed == seal->filled) {
        seal->series_done += seal->filled;
        seal->filled = 0;
    }
    count_add(&store->counters.chunks_sealed, chunks);
    return 0;
}

static int put_span(struct store *store)
{
    struct seal *seal = store->seal;
    int error = put_group(store);
    if (error)
        return error;
    buf_clear(&seal->out);
    timeline_encode(seal->codec, &seal->times, seal->ticks, seal->interval_ms, &seal->out);
    sqlite3_stmt *stmt = store->stmt[STMT_SPAN_PUT];
    sqlite3_bind_int64(stmt, 1, store->next_span);
    sqlite3_bind_int64(stmt, 2, (int64_t)first_seq(seal));
    sqlite3_bind_int64(stmt, 3, (int64_t)last_seq(seal));
    sqlite3_bind_int64(stmt, 4, seal->times.t_ms[0]);
    sqlite3_bind_int64(stmt, 5, seal->times.t_ms[seal->ticks - 1]);
    sqlite3_bind_int64(stmt, 6, seal->interval_ms);
    sqlite3_bind_int64(stmt, 7, (int64_t)seal->ticks);
    sqlite3_bind_blob64(stmt, 8, seal->out.data, seal->out.len, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 9, TIER_RAW);
    sqlite3_bind_int(stmt, 10, 0);
    sqlite3_bind_int64(stmt, 11, (int64_t)(seal->bytes + seal->out.len));
    error = database_run(stmt);
    if (error)
        return error;
    stmt = store->stmt[STMT_TICKS_DELETE];
    sqlite3_bind_int64(stmt, 1, (int64_t)first_seq(seal));
    sqlite3_bind_int64(stmt, 2, (int64_t)last_seq(seal));
    error = database_run(stmt);
    if (!error && (size_t)sqlite3_changes(store->db) != seal->ticks)
        error = -EBADMSG;
    return error;
}

/* What the log begins with now. */
static int read_log_first(struct store *store)
{
    sqlite3_stmt *stmt = store->stmt[STMT_TICKS];
    sqlite3_bind_int64(stmt, 1, 1);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        store->log_first_ms = sqlite3_column_int64(stmt, 1);
    sqlite3_reset(stmt);
    return database_error(store->db, rc);
}

/* The span becomes visible and its log rows go, in one transaction. */
static int seal_finish(struct store *store)
{
    struct seal *seal = store->seal;
    int error = store_begin(store);
    if (!error)
        error = put_span(store);
    if (!error)
        error = store_commit(store);
    if (error) {
        store_rollback(store);
        return error;
    }
    CHECK(store->next_span < SPAN_MAX);
    store->next_span++;
    store->log_ticks -= (uint32_t)seal->ticks;
    store->log_older -= MIN(store->log_older, (uint32_t)seal->ticks);
    store->retention_due = true;
    store->fold_due = true;
    seal->series_done = seal->packed = 0; /* its chunks are a span's now */
    count_add(&store->counters.spans_sealed, 1);
    if (seal->damaged)
        store_note_add(store, EVENT_LOSS, false,
                       "%s: the records of %zu ticks are damaged and left out", store->path,
                       seal->damaged);
    seal_abandon(store);
    return read_log_first(store);
}

int seal_work(struct store *store)
{
    int error;
    if (!store->seal)
        error = seal_start(store);
    else if (store->seal->filled)
        error = seal_slice(store);
    else if (store->seal->series_done < store->seal->series_count)
        error = seal_fill(store);
    else
        error = seal_finish(store);
    if (error) /* from the beginning: what was packed and not committed is nowhere */
        seal_abandon(store);
    return error;
}
