/*
 * retention.c: housekeeping between ticks: what store_work does.
 *
 * In order of urgency: a slice of sealing, a checkpoint when the WAL has grown, then what is too
 * old or too much. Each call does one bounded piece, so that a tick never waits long.
 *
 * Age is counted from the newest tick, not from the clock: a host that was off for a week does not
 * lose its history at start. Nothing is too old while the clock is in doubt (write.c). Spans go
 * whole, the one that ended first goes first: its chunks in pieces, its row last (until then they
 * read as nothing sampled). Each tier has an age of its own; samples that are not rolled up yet
 * stay until they are. When the database is larger than it may be, the oldest span of the tier that
 * takes most goes whatever its age, or the oldest events when those reach back much further than
 * samples; before them the oldest tables, as long as these are more than a quarter of what there
 * may be. Freed pages are used again by the next chunks; they are given back to the file system
 * only when they are a large part of the file. Alerts that are over go with the age of events, and
 * are never more than a small part of all.
 *
 * Store thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_internal.h"

#define CHECKPOINT_PAGES 500     /* of WAL: 2 MB, some milliseconds … */
#define CHECKPOINT_SHARE 64      /* … but not more than that part of all that there may be */
#define PIECE_ROWS 32            /* groups of chunks or events deleted at a time */
#define PIECE_SERIES 64          /* series' rows */
#define SERIES_MOST 60000        /* of them, on disk and in the ledger: 80 bytes each there */
#define EVENTS_REACH 4           /* times as far back as samples, when there is too much */
#define PIECE_TABLES 16          /* snapshots of tables: each may have some hundred KiB */
#define TABLES_SHARE 4           /* that part of all may be snapshots, when there is too much */
#define ALERTS_SHARE (16 * 1024) /* bytes that there may be, for each alert that is over … */
#define ALERTS_LEAST 1000        /* … but never fewer … */
#define ALERTS_MOST 50000        /* … nor more */
#define VACUUM_PAGES 128         /* given back at a time */
#define RETENTION_TICKS 256      /* writes between two looks */
#define VACUUM_MIN_PAGES 1024    /* free pages worth giving back, and a quarter of the file */

int store_measure(struct store *store)
{
    int64_t pages = 0;
    int error = database_number(store->stmt[STMT_PAGES], 0, &pages);
    if (!error)
        atomic_store_explicit(&store->counters.database_bytes,
                              (uint64_t)pages * DATABASE_PAGE_BYTES, memory_order_relaxed);
    return error;
}

int64_t store_age_ms(const struct store *store, enum tier tier)
{
    const int64_t ages_ms[TIERS] = {
        [TIER_RAW] = store->settings.raw_ms,
        [TIER_MINUTE] = store->settings.minute_ms,
        [TIER_HOUR] = store->settings.hour_ms,
    };
    return ages_ms[tier];
}

/* The span that has to go because of its age, 0: none. */
static int find_expired(struct store *store, int64_t *ret)
{
    sqlite3_stmt *stmt = store->stmt[STMT_SPAN_EXPIRED];
    int error = 0;
    *ret = 0;
    for (int tier = 0; tier < TIERS && !error && *ret == 0; tier++) {
        sqlite3_bind_int(stmt, 1, tier);
        sqlite3_bind_int64(stmt, 2, store->now_ms - store_age_ms(store, (enum tier)tier));
        sqlite3_bind_int(stmt, 3, tier < TIER_HOUR);
        error = database_number(stmt, 0, ret);
    }
    return error;
}

/* The one that goes because there is too much, 0: there is none at all. */
static int find_oldest(struct store *store, int64_t *ret)
{
    int64_t tier = 0, oldest_ms = INT64_MAX;
    int error = database_number(store->stmt[STMT_TIER_LARGEST], 0, &tier);
    *ret = 0;
    /* A finer tier never reaches back further than a coarser one, which stands for it: what is
     * older than the span that was chosen goes before it. */
    for (int64_t finer = tier; finer >= TIER_RAW && !error; finer--) {
        int64_t span = 0, max_ms = INT64_MAX;
        sqlite3_bind_int64(store->stmt[STMT_SPAN_OLDEST], 1, finer);
        sqlite3_bind_int64(store->stmt[STMT_SPAN_END_MS], 1, finer);
        error = database_number(store->stmt[STMT_SPAN_OLDEST], 0, &span);
        if (!error)
            error = database_number(store->stmt[STMT_SPAN_END_MS], INT64_MAX, &max_ms);
        if (!error && span && max_ms <= oldest_ms) {
            *ret = span;
            oldest_ms = max_ms;
        }
    }
    return error;
}

/* When there is too much: do the events go, or a span? By default they are kept 3.5 times as long.
 * Were all samples to go first, a routing daemon whose routes flap would leave nothing but events
 * of that. */
static int choose_events(struct store *store, bool *ret)
{
    int64_t span_ms = 0, event_ms = 0;
    int error = database_number(store->stmt[STMT_SPAN_OLDEST_MS], INT64_MIN, &span_ms);
    if (!error)
        error = database_number(store->stmt[STMT_EVENT_OLDEST_MS], INT64_MAX, &event_ms);
    *ret = span_ms == INT64_MIN ||
           (event_ms < store->now_ms &&
            (store->now_ms - event_ms) / EVENTS_REACH > store->now_ms - span_ms);
    return error;
}

/* Deletes a piece of the span's chunks; its row once they are gone. */
static int expire_span(struct store *store)
{
    sqlite3_stmt *stmt = store->stmt[STMT_CHUNKS_DELETE];
    sqlite3_bind_int64(stmt, 1, chunk_row(store->expiring_span, 0));
    sqlite3_bind_int64(stmt, 2, chunk_row(store->expiring_span, UINT32_MAX));
    sqlite3_bind_int64(stmt, 3, PIECE_ROWS);
    int error = database_run(stmt);
    if (error || sqlite3_changes(store->db) == PIECE_ROWS)
        return error;
    stmt = store->stmt[STMT_SPAN_DELETE];
    sqlite3_bind_int64(stmt, 1, store->expiring_span);
    error = database_run(stmt);
    if (!error)
        error = database_changed_one(store->db);
    if (!error) {
        store->expiring_span = 0;
        if (!store->expiring_replaced)
            count_add(&store->counters.spans_expired, 1);
    }
    return error;
}

/* Events by age, or a piece of the oldest. Says how many went. */
static int expire_events(struct store *store, bool over_size, int *ret_count)
{
    sqlite3_stmt *stmt = store->stmt[over_size ? STMT_EVENTS_OLDEST : STMT_EVENTS_EXPIRE];
    if (over_size) {
        sqlite3_bind_int64(stmt, 1, PIECE_ROWS);
    } else {
        sqlite3_bind_int64(stmt, 1, store->now_ms - store->settings.events_ms);
        sqlite3_bind_int64(stmt, 2, PIECE_ROWS);
    }
    int error = database_run(stmt);
    *ret_count = error ? 0 : sqlite3_changes(store->db);
    count_add(&store->counters.events_expired, (uint64_t)*ret_count);
    return error;
}

/* When there is too much: tables go first, as long as they are a large part of it. A minute's
 * snapshots of a host with ten thousand connections take more than all samples of that minute. */
static int choose_tables(struct store *store, bool *ret)
{
    int64_t bytes = 0;
    int error = database_number(store->stmt[STMT_TABLES_BYTES], 0, &bytes);
    *ret = (uint64_t)bytes > store->settings.max_size_bytes / TABLES_SHARE;
    return error;
}

static int expire_tables(struct store *store, bool over_size, int *ret_count)
{
    sqlite3_stmt *stmt = store->stmt[over_size ? STMT_TABLES_OLDEST : STMT_TABLES_EXPIRE];
    if (over_size) {
        sqlite3_bind_int64(stmt, 1, PIECE_TABLES);
    } else {
        sqlite3_bind_int64(stmt, 1, store->now_ms - store->settings.connections_ms);
        sqlite3_bind_int64(stmt, 2, PIECE_TABLES);
    }
    int error = database_run(stmt);
    *ret_count = error ? 0 : sqlite3_changes(store->db);
    count_add(&store->counters.tables_expired, (uint64_t)*ret_count);
    return error;
}

/* Alerts that are over: by age, and the oldest when there are too many. */
static int expire_alerts(struct store *store, bool by_age, int *ret_count)
{
    int64_t kept = 0, most = (int64_t)(store->settings.max_size_bytes / ALERTS_SHARE);
    int64_t before_ms = store->now_ms - store->settings.events_ms;
    int error = database_number(store->stmt[STMT_ALERTS_COUNT], 0, &kept);
    int64_t beyond = kept - MIN(MAX(most, ALERTS_LEAST), ALERTS_MOST);
    sqlite3_stmt *stmt = NULL;
    *ret_count = 0;
    if (!error && beyond > 0) {
        stmt = store->stmt[STMT_ALERTS_OLDEST];
        sqlite3_bind_int64(stmt, 1, MIN(beyond, PIECE_ROWS));
    } else if (!error && by_age) {
        stmt = store->stmt[STMT_ALERTS_EXPIRE];
        sqlite3_bind_int64(stmt, 1, before_ms);
        sqlite3_bind_int64(stmt, 2, PIECE_ROWS);
    }
    if (error || !stmt)
        return error;
    error = database_run(stmt);
    *ret_count = error ? 0 : sqlite3_changes(store->db);
    count_add(&store->counters.alerts_expired, (uint64_t)*ret_count);
    if (error || !by_age)
        return error;
    /* A thousand at most. */
    sqlite3_bind_int64(store->stmt[STMT_SILENCES_EXPIRE], 1, before_ms);
    error = database_run(store->stmt[STMT_SILENCES_EXPIRE]);
    if (!error)
        shelf_expire_silences(&store->shelf, before_ms);
    return error;
}

/* By index of the ledger: true for a series that is live now; its row stays, whatever its age.
 * Release with free(). */
static bool *list_live(const struct store *store)
{
    bool *live = mem_array(MAX(store->ledger.count, 1U), sizeof(*live));
    for (uint32_t slot = 0; store->set && slot < store->set->count; slot++) {
        if (store->index[slot] != LEDGER_NONE)
            live[store->index[slot]] = true;
    }
    return live;
}

void store_forget_unwritten(struct store *store)
{
    bool *live CLEANUP(mem_freep) = list_live(store);
    for (uint32_t i = 0; i < store->ledger.count; i++) {
        const struct ledger_entry *e = &store->ledger.entries[i];
        if (e->id && !e->on_disk && !live[i])
            ledger_remove(&store->ledger, e->id);
    }
}

static int delete_rows(struct store *store, uint32_t id)
{
    sqlite3_bind_int64(store->stmt[STMT_SERIES_DELETE], 1, id);
    int error = database_run(store->stmt[STMT_SERIES_DELETE]);
    if (error)
        return error;
    sqlite3_bind_int64(store->stmt[STMT_LAST_DELETE], 1, id);
    return database_run(store->stmt[STMT_LAST_DELETE]);
}

static int delete_series(struct store *store, const uint32_t *ids, uint32_t count)
{
    int error = store_begin(store);
    for (uint32_t i = 0; i < count && !error; i++)
        error = delete_rows(store, ids[i]);
    if (!error)
        error = store_commit(store);
    if (error) {
        store_rollback(store);
        return error;
    }
    /* Should one come back, perhaps under the same id, it is written anew. */
    for (uint32_t i = 0; i < count; i++)
        ledger_remove(&store->ledger, ids[i]);
    atomic_fetch_sub_explicit(&store->counters.series, count, memory_order_relaxed);
    return 0;
}

static int by_seq(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Names that come and go all day would fill the memory long before the tiers of months and years
 * let go of them. Of too many series those go that have been silent longest, with what is stored of
 * them: the first tick from which on there are few enough, with some room for the next. */
static void forget_silent(struct store *store)
{
    const struct ledger *l = &store->ledger;
    if (l->used <= SERIES_MOST)
        return;
    uint64_t *seqs CLEANUP(mem_freep) = mem_array(l->used, sizeof(*seqs));
    size_t count = 0;
    for (uint32_t i = 0; i < l->count && count < l->used; i++) {
        if (l->entries[i].id)
            seqs[count++] = l->entries[i].seq;
    }
    qsort(seqs, count, sizeof(*seqs), by_seq);
    store->forget_before = seqs[count - MIN(count, (size_t)SERIES_MOST / 16 * 15)];
}

/* Rows of series that no sample refers to any more, and of those that are too many; a few at a
 * time. Says how many went. */
static int expire_series(struct store *store, uint32_t *ret_count)
{
    int64_t oldest = 0;
    int error = database_number(store->stmt[STMT_SEQ_OLDEST], 0, &oldest);
    if (error)
        return error;
    store_forget_unwritten(store);
    forget_silent(store);
    oldest = MAX(oldest, (int64_t)store->forget_before);
    struct ledger *l = &store->ledger;
    bool *live CLEANUP(mem_freep) = list_live(store);
    uint32_t ids[PIECE_SERIES], count = 0;
    for (uint32_t seen = 0; seen < l->count && count < PIECE_SERIES; seen++) {
        store->expire_at = store->expire_at + 1 < l->count ? store->expire_at + 1 : 0;
        const struct ledger_entry *e = &l->entries[store->expire_at];
        if (e->on_disk && e->seq < (uint64_t)oldest && !live[store->expire_at])
            ids[count++] = e->id;
    }
    *ret_count = count;
    return count ? delete_series(store, ids, count) : 0;
}

/* How much there is, and how much of it is free. */
static int look_at_size(struct store *store, bool *ret_over)
{
    int64_t pages = 0, free_pages = 0;
    int error = database_number(store->stmt[STMT_PAGES], 0, &pages);
    if (!error)
        error = database_number(store->stmt[STMT_PAGES_FREE], 0, &free_pages);
    if (error)
        return error;
    uint64_t used = (uint64_t)(pages - free_pages) * DATABASE_PAGE_BYTES;
    uint64_t all = (uint64_t)pages * DATABASE_PAGE_BYTES;
    *ret_over = used > store->settings.max_size_bytes;
    if (!*ret_over && ((free_pages >= VACUUM_MIN_PAGES && free_pages > pages / 4) ||
                       (all > store->settings.max_size_bytes && free_pages > 0)))
        store->vacuum_left = (int)MIN(free_pages, INT32_MAX);
    atomic_store_explicit(&store->counters.database_bytes, all, memory_order_relaxed);
    return 0;
}

static int vacuum_piece(struct store *store)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
    int error = database_exec(store->db, sql);
    store->vacuum_left -= MIN(store->vacuum_left, VACUUM_PAGES);
    return error ? error : store_measure(store);
}

int retention_work(struct store *store, bool *ret_busy)
{
    *ret_busy = true;
    if (store->expiring_span)
        return expire_span(store);
    if (store->vacuum_left > 0)
        return vacuum_piece(store);
    bool over_size = false;
    int error = look_at_size(store, &over_size);
    if (error)
        return error;
    if ((over_size && store->writes_since_retention > 0) ||
        store->writes_since_retention >= RETENTION_TICKS)
        store->retention_due = true;
    if (!store->retention_due || store->now_ms == 0) {
        *ret_busy = false;
        return 0;
    }

    bool events_go = false, tables_go = false;
    int64_t span = 0;
    int events = 0, tables = 0, alerts = 0;
    uint32_t series = 0;
    error = database_number(store->stmt[STMT_SPAN_REPLACED], 0, &span);
    store->expiring_replaced = span != 0;
    if (!error && span == 0 && store->doubt_ns == 0)
        error = find_expired(store, &span);
    if (!error && span == 0 && over_size)
        error = choose_tables(store, &tables_go);
    if (!error && span == 0 && over_size && !tables_go)
        error = choose_events(store, &events_go);
    if (!error && span == 0 && over_size && !tables_go && !events_go)
        error = find_oldest(store, &span);
    if (error)
        return error;
    if (span > 0) {
        store->expiring_span = (uint32_t)span;
        return 0;
    }
    if (events_go || (store->doubt_ns == 0 && !tables_go))
        error = expire_events(store, events_go, &events);
    if (!error && (tables_go || store->doubt_ns == 0) && events == 0)
        error = expire_tables(store, tables_go, &tables);
    if (!error && events == 0 && tables == 0)
        error = expire_alerts(store, store->doubt_ns == 0, &alerts);
    if (!error && events == 0 && tables == 0 && alerts == 0)
        error = expire_series(store, &series);
    /* Until nothing is left to go: who comes later in this order has his turn even where a few
     * events expire with every look. */
    store->retention_due =
        !error && (events > 0 || tables > 0 || alerts > 0 || series == PIECE_SERIES);
    store->writes_since_retention = 0;
    return error;
}

int checkpoint_work(struct store *store, bool *ret_busy)
{
    *ret_busy = false;
    uint64_t share = store->settings.max_size_bytes / DATABASE_PAGE_BYTES / CHECKPOINT_SHARE;
    if ((uint64_t)store->wal_pages < MIN(MAX(share, (uint64_t)1), (uint64_t)CHECKPOINT_PAGES))
        return 0;
    store->wal_pages = 0; /* a busy reader holds it back: try again after the next commit */
    *ret_busy = true;
    int rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    int error = database_error(store->db, rc);
    return error == -EBUSY ? 0 : error;
}

static void work_failed(struct store *store, int error)
{
    /* After a tick could be written again. */
    store->work_blocked = true;
    store_failed(store, error, "housekeeping");
    if (error == -EBADMSG) {
        store_set_aside(store, "found while sealing, folding or expiring");
        return;
    }
    if (!store->work_failing)
        store_note_add(store, EVENT_ERROR, false, "history cannot be sealed or expired in %s: %s",
                       store->path, strerror(-error));
    store->work_failing = true;
}

bool store_work(struct store *store)
{
    if (!store_is_writable(store) || store->work_blocked)
        return false;
    if (store_kept_waiting(store) && !store->kept_blocked) {
        store_write_kept_piece(store);
        return true;
    }
    int64_t start_ns = clock_mono_ns();
    bool busy = true;
    int error;
    if (damaged_due(store) && !store->fold) {
        error = damaged_work(store);
    } else if (seal_due(store) && !store->fold) {
        error = seal_work(store);
    } else {
        error = checkpoint_work(store, &busy);
        if (!error && !busy && !store->fold)
            error = retention_work(store, &busy);
        if (!error && !busy && fold_due(store)) {
            error = fold_work(store);
            busy = true;
        }
    }
    if (error)
        work_failed(store, error);
    else if (busy)
        store->work_failing = false;

    struct counters *c = &store->counters;
    int64_t took_ns = clock_mono_ns() - start_ns;
    atomic_fetch_add_explicit(&c->work_ns_total, took_ns, memory_order_relaxed);
    if (took_ns > atomic_load_explicit(&c->work_ns_max, memory_order_relaxed))
        atomic_store_explicit(&c->work_ns_max, took_ns, memory_order_relaxed);
    return busy && !error;
}
