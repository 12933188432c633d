/*
 * damaged.c: chunks whose checksum says that they are not what was written: out of the way, kept
 * for whoever wants to look, told once. Everything else stays where it is and is read as ever.
 *
 *   reader meets one   ->  its row number into one of a few slots   ->  store_work looks at it
 * again folding meets one  ->                                               and moves it into
 * `damaged`
 *
 * The table is made when it is first needed: few databases have one. It keeps the newest
 * DAMAGED_KEPT; where the disk goes bad under a whole span, that is enough to see what happened.
 *
 * A reader that finds no free slot does not mind: the next one to ask meets the chunk again. Store
 * thread, but for store_report.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/group.h"
#include "store/reader.h"
#include "store/rollup.h"
#include "store/store_internal.h"

#define DAMAGED_KEPT 256

static const char making[] =
    "CREATE TABLE IF NOT EXISTS damaged(id INTEGER PRIMARY KEY, found_ms INTEGER NOT NULL,"
    " chunk INTEGER NOT NULL, series TEXT, tier INTEGER, from_ms INTEGER, to_ms INTEGER,"
    " rows INTEGER, data BLOB NOT NULL)";

static const char moving[] =
    "INSERT INTO damaged(found_ms, chunk, series, tier, from_ms, to_ms, rows, data)"
    " SELECT ?2, c.id, s.key, p.tier, p.min_ms, p.max_ms, p.ticks, c.data FROM chunk c"
    " LEFT JOIN span p ON p.id = c.id >> 32 LEFT JOIN series s ON s.id = c.id & 4294967295"
    " WHERE c.id = ?1";

/* Readers keep rows that they have read (chunk.h) until this number is another one. */
static const char counting[] = "INSERT INTO meta(name, value) VALUES('" CHUNKS_MOVED "', 1)"
                               " ON CONFLICT(name) DO UPDATE SET value = value + 1";

void reader_met_damaged(struct store_reader *reader, uint32_t span, uint32_t series)
{
    reader->damaged++;
    if (reader->chunks_count < READER_CHUNKS)
        reader->chunks[reader->chunks_count++] = chunk_row(span, series);
}

bool store_reader_has_damaged(const struct store_reader *reader)
{
    return reader->chunks_count > 0;
}

static void report(struct store *store, int64_t row)
{
    for (size_t i = 0; i < STORE_REPORTS; i++) {
        int_least64_t free_slot = 0;
        if (atomic_load(&store->reported[i]) == row ||
            atomic_compare_exchange_strong(&store->reported[i], &free_slot, row))
            return;
    }
}

void store_report(struct store *store, struct store_reader *reader)
{
    /* Row numbers of a database that was set aside since mean something else here. */
    for (size_t i = 0; i < reader->chunks_count && store_reader_is_current(reader); i++)
        report(store, reader->chunks[i]);
    reader->chunks_count = 0;
}

/* ---- the writer ----------------------------------------------------------------------------- */

static int run_once(struct store *store, const char *sql, int64_t first, int64_t second)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(store->db, sql, &stmt);
    if (error)
        return error;
    if (sqlite3_bind_parameter_count(stmt) > 0)
        sqlite3_bind_int64(stmt, 1, first);
    if (sqlite3_bind_parameter_count(stmt) > 1)
        sqlite3_bind_int64(stmt, 2, second);
    return database_run(stmt);
}

static int move(struct store *store, int64_t row)
{
    int error = run_once(store, making, 0, 0);
    if (!error)
        error = run_once(store, moving, row, clock_wall_ms());
    if (!error)
        error =
            run_once(store, "DELETE FROM damaged WHERE id <= (SELECT max(id) FROM damaged) - ?1",
                     DAMAGED_KEPT, 0);
    if (!error)
        error = run_once(store, "DELETE FROM chunk WHERE id = ?1", row, 0);
    if (!error)
        error = database_changed_one(store->db);
    if (!error)
        error = run_once(store, counting, 0, 0);
    return error;
}

/* All of it or nothing, inside a transaction or not. */
int damaged_move(struct store *store, int64_t row)
{
    bool alone = sqlite3_get_autocommit(store->db);
    int error = run_once(store, "SAVEPOINT moving", 0, 0);
    if (error)
        return error;
    error = move(store, row);
    if (error) /* it may be gone already, with all of the transaction */
        run_once(store, "ROLLBACK TO moving", 0, 0);
    int released = run_once(store, "RELEASE moving", 0, 0);
    if (released && alone) /* a commit that failed leaves all of it open */
        store_rollback(store);
    return error ? error : released;
}

/* A codec of a later version is no damage: its checksum was right. */
static bool decodes(struct codec *codec, const uint8_t *data, size_t len, int tier, size_t rows)
{
    if (len && data[0] != CODEC_PLAIN && data[0] != CODEC_PACKED)
        return group_check(data, len, rows) == 0;
    if (tier != TIER_RAW) {
        struct rollup_column column;
        rollup_column_init(&column, STORE_SPAN_TICKS_MAX);
        bool good = rollup_column_decode(codec, data, len, rows, ROLLUP_ALL, &column) != -EBADMSG;
        rollup_column_fini(&column);
        return good;
    }
    struct column column = {.state = mem_array(STORE_SPAN_TICKS_MAX, sizeof(uint8_t)),
                            .value = mem_array(STORE_SPAN_TICKS_MAX, sizeof(union sample))};
    bool good = column_decode(codec, data, len, rows, &column) != -EBADMSG;
    free(column.state);
    free(column.value);
    return good;
}

/* Whether the span's own row can be believed: where that is damaged none of its chunks decodes, and
 * they are not to blame. */
static bool span_is_good(struct codec *codec, sqlite3_stmt *stmt, size_t *ret_rows)
{
    int64_t rows = sqlite3_column_int64(stmt, 1), tier = sqlite3_column_int64(stmt, 2);
    int64_t interval_ms = sqlite3_column_int64(stmt, 3);
    if (rows < 1 || rows > STORE_SPAN_TICKS_MAX || tier < TIER_RAW || tier >= TIERS ||
        (tier > TIER_RAW && interval_ms != tier_interval_ms((enum tier)tier)))
        return false;
    *ret_rows = (size_t)rows;
    size_t len;
    const uint8_t *data = database_blob(stmt, 4, &len);
    struct timeline times = {mem_array((size_t)rows, sizeof(uint64_t)),
                             mem_array((size_t)rows, sizeof(int64_t)),
                             mem_array((size_t)rows, sizeof(int64_t))};
    bool good = timeline_decode(codec, data, len, (size_t)rows, interval_ms, &times) == 0;
    free(times.seq);
    free(times.t_ms);
    free(times.elapsed_ns);
    return good;
}

/* What a reader says may have been true of another moment: the chunk was folded or expired since,
 * or the memory that it was read into was bad. `row` is turned into that of the group which it is
 * in. `ret_what`: the series, when it is damaged. */
static int look_at(struct store *store, int64_t *row, char **ret_what, int64_t *ret_beside)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    *ret_what = NULL;
    *ret_beside = 0;
    uint32_t span = (uint32_t)(*row >> 32), series = (uint32_t)*row;
    int error = database_prepare(
        store->db,
        "SELECT c.data, p.ticks, p.tier, p.interval_ms, p.times,"
        " (SELECT key FROM series WHERE id = ?1 & 4294967295), c.id,"
        " (SELECT key FROM series WHERE id = c.id & 4294967295)"
        " FROM chunk c JOIN span p ON p.id = c.id >> 32 WHERE c.id >= ?1 ORDER BY c.id LIMIT 1",
        &stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, *row);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && (uint32_t)(sqlite3_column_int64(stmt, 6) >> 32) == span) {
        size_t len, rows;
        const uint8_t *data = database_blob(stmt, 0, &len);
        struct codec *codec = codec_new();
        bool good = span_is_good(codec, stmt, &rows);
        bool damaged = good && !decodes(codec, data, len, sqlite3_column_int(stmt, 2), rows);
        codec_free(codec);
        if (!good) /* what is in its chunks cannot be told */
            return 0;
        bool own = len && (data[0] == CODEC_PLAIN || data[0] == CODEC_PACKED);
        const char *key = (const char *)sqlite3_column_text(stmt, own ? 7 : 5);
        *row = sqlite3_column_int64(stmt, 6);
        if (damaged) {
            struct buf what CLEANUP(buf_fini) = BUF_INIT;
            buf_text(&what, key ? key : "a series without a name");
            if (len && data[0] == CODEC_GROUP)
                buf_text(&what, " and what is in one group with it");
            *ret_what = mem_string(buf_string(&what));
        } else {
            struct group_reader group;
            if (len && data[0] == CODEC_GROUP &&
                (group_open(&group, data, len) < 0 ||
                 group_find(&group, series, &data, &len) != series))
                return 0;
            if (column_beside(data, len))
                *ret_beside = chunk_row(span, column_beside(data, len));
        }
    }
    return database_error(store->db, rc);
}

bool damaged_due(const struct store *store)
{
    for (size_t i = 0; i < STORE_REPORTS; i++) {
        if (atomic_load_explicit(&store->reported[i], memory_order_relaxed))
            return true;
    }
    return false;
}

/* All that was reported, in one transaction; `ret_first` names one of them. */
static int move_reported(struct store *store, size_t *ret_count, char **ret_first)
{
    int error = store_begin(store);
    for (size_t i = 0; i < STORE_REPORTS && !error; i++) {
        int64_t row = atomic_load(&store->reported[i]);
        char *what CLEANUP(mem_freep) = NULL;
        /* When it is good itself, one that it is beside may be to blame. */
        int64_t beside = row;
        for (int depth = 0; depth < COLUMN_CHAIN && beside && !what && !error; depth++) {
            row = beside;
            error = look_at(store, &row, &what, &beside);
        }
        if (error || !what)
            continue;
        error = damaged_move(store, row);
        ++*ret_count;
        if (!*ret_first)
            *ret_first = TAKE(what);
    }
    if (!error)
        error = store_commit(store);
    if (error)
        store_rollback(store);
    return error;
}

int damaged_work(struct store *store)
{
    size_t count = 0;
    char *first CLEANUP(mem_freep) = NULL;
    int error = move_reported(store, &count, &first);
    /* On a full disk they stay where they are, and whoever meets them says so again. */
    for (size_t i = 0; i < STORE_REPORTS; i++)
        atomic_store(&store->reported[i], 0);
    if (!error && count)
        damaged_told(store, count, first);
    return error;
}

void damaged_told(struct store *store, size_t count, const char *first)
{
    count_add(&store->counters.chunks_aside, count);
    store_note_add(store, EVENT_LOSS, false,
                   "%zu damaged pieces of history (%.200s%s) are set aside in the table `damaged` "
                   "of %s; the rest can be read",
                   count, first, count > 1 ? " and others" : "", store->path);
}
