/*
 * catalog.c: see catalog.h.
 *
 * What is asked of spans is in two indexes, each of which has all rows (before format 4 some of it
 * is in the rows alone): a row may be long for the sake of its times, and what is behind those is
 * slow to reach. The log grows at its end and is cut at its beginning; should it be another one,
 * the tick known last is not where it was.
 */
#include "store/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/reader.h"
#include "store/store.h"

#define INTERVAL_DEFAULT_MS 1000 /* when nothing at all is stored */
#define INTERVAL_MAX_MS (24 * 3600 * MS_PER_S)
#define TIME_LIMIT_MS (INT64_C(1) << 53)

#define SPANS_MAX ((size_t)1 << 20)
#define TICKS_MAX ((size_t)1 << 21)

void catalog_fini(struct catalog *c)
{
    free(c->spans);
    free(c->ticks);
    *c = (struct catalog){0};
}

/* ---- spans ---------------------------------------------------------------------------------- */

bool catalog_is_possible(int64_t min_ms, int64_t max_ms, int64_t interval_ms)
{
    return min_ms >= -TIME_LIMIT_MS && min_ms <= max_ms && max_ms <= TIME_LIMIT_MS &&
           interval_ms >= 1 && interval_ms <= INTERVAL_MAX_MS;
}

static void add_span(struct catalog *c, const struct catalog_span *span)
{
    if (c->spans_count == c->spans_room) {
        c->spans_room = MAX(c->spans_room * 2, (size_t)64);
        c->spans = mem_resize(c->spans, c->spans_room, sizeof(*c->spans));
    }
    c->spans[c->spans_count++] = *span;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = ((const struct catalog_span *)a)->id, y = ((const struct catalog_span *)b)->id;
    return (x > y) - (x < y);
}

static int read_times_of_spans(struct catalog *c, struct store_reader *reader)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int error = reader_statement(reader,
                                 "SELECT id, tier, folded, min_ms, max_ms, interval_ms"
                                 " FROM " SPANS_VIEW " WHERE tier < 3",
                                 &stmt);
    if (error)
        return error;
    c->spans_count = c->impossible = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (c->spans_count == SPANS_MAX)
            return -EFBIG;
        int64_t tier = sqlite3_column_int64(stmt, 1);
        const struct catalog_span span = {
            .id = (uint32_t)sqlite3_column_int64(stmt, 0),
            .tier = (enum tier)tier,
            .folded = sqlite3_column_int(stmt, 2) != 0,
            .min_ms = sqlite3_column_int64(stmt, 3),
            .max_ms = sqlite3_column_int64(stmt, 4),
            .interval_ms = sqlite3_column_int64(stmt, 5),
        };
        if (tier < TIER_RAW || !catalog_is_possible(span.min_ms, span.max_ms, span.interval_ms))
            c->impossible++;
        else
            add_span(c, &span);
    }
    error = database_error(reader->db, rc);
    if (!error && c->spans_count)
        qsort(c->spans, c->spans_count, sizeof(*c->spans), by_id);
    for (size_t i = 1; i < c->spans_count && !error; i++)
        error = c->spans[i].id == c->spans[i - 1].id ? -EBADMSG : 0;
    return error;
}

static int read_numbers_of_spans(struct catalog *c, struct store_reader *reader)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int error = reader_statement(
        reader, "SELECT id, first_seq, last_seq FROM " SPANS_VIEW " WHERE tier < 3", &stmt);
    if (error)
        return error;
    size_t rows = 0, found = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rows++;
        const struct catalog_span wanted = {.id = (uint32_t)sqlite3_column_int64(stmt, 0)};
        struct catalog_span *span =
            c->spans_count ? bsearch(&wanted, c->spans, c->spans_count, sizeof(wanted), by_id)
                           : NULL;
        if (span) {
            span->first_seq = (uint64_t)sqlite3_column_int64(stmt, 1);
            span->last_seq = (uint64_t)sqlite3_column_int64(stmt, 2);
            found++;
        }
    }
    error = database_error(reader->db, rc);
    if (!error && (found != c->spans_count || rows != c->spans_count + c->impossible))
        error = -EBADMSG; /* one index lacks what is in the other */
    return error;
}

/* ---- the log -------------------------------------------------------------------------------- */

static void add_tick(struct catalog *c, const struct catalog_tick *tick)
{
    if (c->ticks_count == c->ticks_room) {
        c->ticks_room = MAX(c->ticks_room * 2, (size_t)256);
        c->ticks = mem_resize(c->ticks, c->ticks_room, sizeof(*c->ticks));
    }
    c->ticks[c->ticks_count++] = *tick;
}

/* Those before `seq` are sealed. */
static void cut_ticks(struct catalog *c, uint64_t seq)
{
    size_t gone = 0;
    while (gone < c->ticks_count && c->ticks[gone].seq < seq)
        gone++;
    c->ticks_count -= gone;
    if (gone && c->ticks_count)
        memmove(c->ticks, c->ticks + gone, c->ticks_count * sizeof(*c->ticks));
}

/* The one known last and those behind it. *ret_same: it is still there. */
static int read_new_ticks(struct catalog *c, struct store_reader *reader, bool *ret_same)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    int error = reader_statement(
        reader, "SELECT seq, t_ms, interval_ms FROM tick WHERE seq >= ?1 ORDER BY seq", &stmt);
    if (error)
        return error;
    const struct catalog_tick known =
        c->ticks_count ? c->ticks[c->ticks_count - 1] : (struct catalog_tick){0};
    sqlite3_bind_int64(stmt, 1, (int64_t)known.seq);
    *ret_same = c->ticks_count == 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct catalog_tick tick = {
            .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
            .t_ms = sqlite3_column_int64(stmt, 1),
            .interval_ms = sqlite3_column_int64(stmt, 2),
        };
        if (!catalog_is_possible(tick.t_ms, tick.t_ms, tick.interval_ms))
            tick.interval_ms = 0; /* not known; its samples are worth what they are */
        if (c->ticks_count == TICKS_MAX)
            return -EFBIG;
        if (*ret_same)
            add_tick(c, &tick);
        else if (tick.seq == known.seq && tick.t_ms == known.t_ms)
            *ret_same = true;
        else
            break;
    }
    return database_error(reader->db, rc);
}

static int read_ticks(struct catalog *c, struct store_reader *reader)
{
    bool same = true;
    int64_t first = 0;
    int error =
        reader_number(reader, "SELECT seq FROM tick ORDER BY seq LIMIT 1", INT64_MAX, &first);
    if (error)
        return error;
    cut_ticks(c, (uint64_t)first);
    error = read_new_ticks(c, reader, &same);
    if (!error && !same) {
        c->ticks_count = 0;
        error = read_new_ticks(c, reader, &same);
    }
    return error;
}

/* What was read of a damaged row while it was good would be told by this reader alone. */
static int forget_moved(struct catalog *c, struct store_reader *reader)
{
    int64_t moved = 0;
    int error =
        reader_number(reader, "SELECT value FROM meta WHERE name = '" CHUNKS_MOVED "'", 0, &moved);
    if (!error && moved != c->moved)
        chunk_cache_fini(&reader->cache);
    c->moved = moved;
    return error;
}

/* A file that no writer of this version has opened does not count. */
static int read_spans(struct catalog *c, struct store_reader *reader)
{
    int64_t changed = -1;
    int error = reader_number(reader, "SELECT value FROM meta WHERE name = '" SPANS_CHANGED "'", -1,
                              &changed);
    if (error || (c->has_spans && changed >= 0 && changed == c->changed))
        return error;
    error = read_times_of_spans(c, reader);
    if (!error)
        error = read_numbers_of_spans(c, reader);
    c->changed = changed;
    c->spans_state = reader->state;
    c->has_spans = true;
    return error;
}

int catalog_missed(struct catalog *c)
{
    if (c->spans_state == c->state)
        return -EBADMSG;
    c->has_spans = false;
    return 0;
}

int catalog_of(struct store_reader *reader, const struct catalog **ret)
{
    static const struct catalog nothing;
    struct catalog *c = reader ? &reader->catalog : NULL;
    *ret = c ? c : &nothing;
    if (!c || (c->is_known && c->state == reader->state))
        return 0;
    c->is_known = false;
    int error = read_spans(c, reader);
    if (!error)
        error = read_ticks(c, reader);
    if (!error)
        error = forget_moved(c, reader);
    if (error) { /* some may be missing */
        catalog_fini(c);
        return error;
    }
    c->state = reader->state;
    c->is_known = true;
    return 0;
}

int64_t catalog_interval(const struct catalog *c, const struct recent *recent, int64_t from_ms,
                         int64_t to_ms)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < c->spans_count; i++) {
        if (c->spans[i].tier == TIER_RAW && catalog_overlaps(&c->spans[i], from_ms, to_ms))
            longest_ms = MAX(longest_ms, c->spans[i].interval_ms);
    }
    for (size_t i = 0; i < c->ticks_count; i++) {
        if (c->ticks[i].t_ms >= from_ms && c->ticks[i].t_ms <= to_ms)
            longest_ms = MAX(longest_ms, c->ticks[i].interval_ms);
    }
    for (size_t i = 0; recent && i < recent->count; i++) {
        const struct tick *t = recent->ticks[i];
        if (t->t_ms >= from_ms && t->t_ms <= to_ms)
            longest_ms = MAX(longest_ms, t->interval_ms);
    }
    return longest_ms;
}

int64_t catalog_newest_interval(const struct catalog *c, const struct recent *recent)
{
    const struct catalog_span *newest = NULL;
    int64_t interval_ms = 0;
    if (recent && recent->count)
        interval_ms = recent->ticks[recent->count - 1]->interval_ms;
    if (interval_ms <= 0 && c->ticks_count)
        interval_ms = c->ticks[c->ticks_count - 1].interval_ms;
    for (size_t i = 0; interval_ms <= 0 && i < c->spans_count; i++) {
        if (c->spans[i].tier == TIER_RAW && (!newest || c->spans[i].first_seq > newest->first_seq))
            newest = &c->spans[i];
    }
    if (newest)
        interval_ms = newest->interval_ms;
    return interval_ms > 0 ? interval_ms : INTERVAL_DEFAULT_MS;
}

struct claim catalog_claim(const struct catalog *c, enum tier tier)
{
    struct claim claim = {.after = UINT64_MAX};
    for (size_t i = 0; i < c->spans_count; i++) {
        if (c->spans[i].tier > tier)
            continue;
        claim.after = MIN(claim.after, c->spans[i].first_seq);
        claim.before = MAX(claim.before, c->spans[i].last_seq);
    }
    if (c->ticks_count) {
        claim.after = MIN(claim.after, c->ticks[0].seq);
        claim.before = c->ticks[c->ticks_count - 1].seq;
    }
    return claim;
}

bool catalog_next_run(const struct catalog *c, int64_t from_ms, int64_t to_ms, struct tick_run *run)
{
    size_t i = run->next;
    while (i < c->ticks_count && (c->ticks[i].t_ms < from_ms || c->ticks[i].t_ms > to_ms))
        i++;
    if (i == c->ticks_count)
        return false;
    run->first = c->ticks[i].seq;
    run->count = i;
    while (i < c->ticks_count && c->ticks[i].t_ms >= from_ms && c->ticks[i].t_ms <= to_ms)
        i++;
    run->last = c->ticks[i - 1].seq;
    run->count = i - run->count;
    run->next = i;
    return true;
}
