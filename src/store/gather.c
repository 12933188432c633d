/*
 * gather.c: every sample of the range into its bin.
 *
 * Three places hold samples, and each tick counts once: sealed spans, the log, and ticks in memory
 * that are in neither (matched by tick number, the one key that no clock can confuse). Only spans
 * that overlap the range are opened, and in each only the chunks of the series asked for. Of these
 * the reader keeps what it read last (chunk.h), whatever the range. An answer from a coarser tier
 * reads the spans of that tier, and of those below what has not been rolled up yet.
 *
 * What lands in a bin is kept such that the order does not matter: sums, extremes, and for `last`
 * the tick's number beside the value. Any thread, inside reader_begin/reader_end.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/chunk.h"
#include "store/column.h"
#include "store/plan.h"
#include "store/row.h"

/* What a sample's tick says about it. */
struct moment {
    uint64_t seq;
    int64_t elapsed_ns;
};

static double rate_of(const struct target *target, uint64_t increment, int64_t elapsed_ns)
{
    return (double)increment * target->scale * (double)NS_PER_S / (double)elapsed_ns;
}

static void add_value(struct bin *bin, enum aggregate measure, double value, uint64_t seq)
{
    bool first = bin->weight == 0;
    switch (measure) {
    case AGG_MIN:
        bin->number = first ? value : MIN(bin->number, value);
        bin->weight = 1;
        break;
    case AGG_MAX:
        bin->number = first ? value : MAX(bin->number, value);
        bin->weight = 1;
        break;
    case AGG_LAST:
        if (seq >= bin->weight) {
            bin->number = value;
            bin->weight = seq;
        }
        break;
    default: /* a gauge's mean */
        bin->number += value;
        bin->weight++;
        break;
    }
}

static void add_sample(enum aggregate measure, struct target *target, int32_t point,
                       const struct moment *at, enum sample_state state, union sample value)
{
    target->sampled = true;
    struct bin *bin = &target->bins[point];
    if (target->kind == METRIC_GAUGE) {
        if (measure != AGG_SUM && !isnan(value.gauge))
            add_value(bin, measure, value.gauge, at->seq);
    } else if (measure == AGG_SUM) {
        bin->count += value.increment;
        bin->weight = 1;
    } else if (state != SAMPLE_OK || at->elapsed_ns <= 0) {
        return; /* no honest rate */
    } else if (measure == AGG_AVG) {
        bin->count += value.increment;
        bin->weight += (uint64_t)at->elapsed_ns;
    } else {
        add_value(bin, measure, rate_of(target, value.increment, at->elapsed_ns), at->seq);
    }
}

/* A row of a coarser tier. */
static void add_rollup(enum aggregate measure, struct target *target, int32_t point, uint64_t seq,
                       const struct rollup *r)
{
    target->sampled = true;
    struct bin *bin = &target->bins[point];
    bool gauge = target->kind == METRIC_GAUGE, valued = rollup_has_values(r);
    double scale = gauge ? 1 : target->scale; /* of rates */
    if (!gauge && measure == AGG_SUM) {
        bin->count += r->total;
        bin->weight = 1;
    } else if (!valued || measure == AGG_SUM) {
        return;
    } else if (measure == AGG_AVG && gauge) {
        bin->number += r->sum;
        bin->weight += r->count;
    } else if (measure == AGG_AVG) {
        bin->count += r->total - r->unrated;
        bin->weight += (uint64_t)r->rated_ns;
    } else {
        add_value(bin, measure,
                  scale * (measure == AGG_MIN   ? r->min
                           : measure == AGG_MAX ? r->max
                                                : r->last),
                  seq);
    }
}

/* Marks a tick that the disk has, so that the copy in memory is not counted. */
static void mark_stored_tick(struct plan *plan, uint64_t seq)
{
    const struct recent *recent = plan->recent;
    size_t low = 0, high = recent ? recent->count : 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (recent->ticks[mid]->seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    if (recent && low < recent->count && recent->ticks[low]->seq == seq)
        plan->stored[low] = true;
}

/* The same for the ticks of a raw span. */
static void mark_stored(struct plan *plan, const struct timeline *times, size_t rows)
{
    const struct recent *recent = plan->recent;
    if (!recent || recent->count == 0 || times->seq[rows - 1] < recent->ticks[0]->seq)
        return;
    for (size_t i = 0; i < rows; i++)
        mark_stored_tick(plan, times->seq[i]);
}

/* ---- spans ---------------------------------------------------------------------------------- */

/* Arrays for one span's rows; they grow with the longest one, and are reused from span to span. */
struct span_room {
    enum tier tier;
    size_t rows;               /* that there is room for */
    struct timeline times;     /* the reader's */
    struct column column;      /* raw */
    struct rollup_column roll; /* other tiers */
    int32_t *point;
};

static void span_room_fini(struct span_room *room)
{
    free(room->column.state);
    free(room->column.value);
    rollup_column_fini(&room->roll);
    free(room->point);
}

#define ROOM_LEAST 64 /* an hour of minutes */

static void span_room_grow(struct span_room *room, size_t rows)
{
    if (rows <= room->rows)
        return;
    rows = MAX(MAX(rows, room->rows * 2), (size_t)ROOM_LEAST);
    span_room_fini(room);
    *room = (struct span_room){.tier = room->tier, .times = room->times, .rows = rows};
    room->point = mem_array(rows, sizeof(int32_t));
    if (room->tier == TIER_RAW) {
        room->column.state = mem_array(rows, sizeof(uint8_t));
        room->column.value = mem_array(rows, sizeof(union sample));
    } else {
        rollup_column_init(&room->roll, rows);
    }
}

static void add_column(struct plan *plan, const struct span_room *room, size_t ticks,
                       struct target *target)
{
    for (size_t i = 0; i < ticks; i++) {
        if (room->column.state[i] == SAMPLE_ABSENT || room->point[i] < 0)
            continue;
        const struct moment at = {room->times.seq[i], room->times.elapsed_ns[i]};
        add_sample(plan->measure, target, room->point[i], &at,
                   (enum sample_state)room->column.state[i], room->column.value[i]);
    }
}

static void add_rolled(struct plan *plan, const struct span_room *room, size_t rows,
                       struct target *target)
{
    for (size_t i = 0; i < rows; i++) {
        struct rollup r;
        if (!room->roll.fields.there[i] || room->point[i] < 0)
            continue;
        rollup_column_get(&room->roll, i, room->times.elapsed_ns[i], &r);
        add_rollup(plan->measure, target, room->point[i], room->times.seq[i], &r);
    }
}

/* What add_rollup looks at. */
static enum rollup_part part_of(enum aggregate measure)
{
    switch (measure) {
    case AGG_SUM:
        return ROLLUP_TOTAL;
    case AGG_AVG:
        return ROLLUP_MEAN;
    case AGG_MIN:
        return ROLLUP_MIN;
    case AGG_MAX:
        return ROLLUP_MAX;
    default:
        return ROLLUP_ALL;
    }
}

/* False: it is damaged, or not what its series is. */
static bool add_chunk(struct plan *plan, struct span_room *room, struct chunks *chunks,
                      uint32_t span, const uint8_t *data, size_t len, size_t rows,
                      struct target *target)
{
    struct codec *codec = plan->reader->codec;
    if (room->tier == TIER_RAW) {
        if (chunk_decode(codec, chunks, span, data, len, rows, &room->column) < 0 ||
            room->column.kind != target->kind)
            return false;
        add_column(plan, room, rows, target);
        return true;
    }
    if (rollup_column_decode(codec, data, len, rows, part_of(plan->measure), &room->roll) < 0 ||
        room->roll.kind != target->kind)
        return false;
    add_rolled(plan, room, rows, target);
    return true;
}

static int read_chunk(struct plan *plan, struct span_room *room, uint32_t span, size_t ticks,
                      struct target *target, struct chunks *chunks)
{
    struct chunk chunk;
    int error = chunk_get(chunks, span, target->id, ticks, &chunk);
    if (error == -EUCLEAN ||
        (!error && !add_chunk(plan, room, chunks, span, chunk.data, chunk.len, ticks, target))) {
        reader_met_damaged(plan->reader, span, target->id);
        error = 0;
    }
    return error == -ENOENT ? 0 : error;
}

/* Which step each row falls into. Times hardly ever leave the step of the row before. */
static void place_rows(struct plan *plan, struct span_room *room, size_t rows)
{
    int64_t begin_ms = 0, end_ms = 0;
    int32_t point = -1;
    for (size_t i = 0; i < rows; i++) {
        int64_t t_ms = room->times.t_ms[i];
        if (t_ms < begin_ms || t_ms >= end_ms) {
            point = plan_point(plan, t_ms);
            begin_ms = point < 0 ? t_ms : plan->from_ms + point * plan->step_ms;
            end_ms = point < 0 ? t_ms + 1 : begin_ms + plan->step_ms;
        }
        room->point[i] = point;
    }
    if (room->tier == TIER_RAW)
        mark_stored(plan, &room->times, rows);
}

/* The span's times, and room for its rows. *ret_rows: 0 when they are damaged. */
static int read_times(struct plan *plan, struct span_room *room, const struct catalog_span *span,
                      size_t *ret_rows)
{
    int error = reader_times(plan->reader, span, ret_rows, &room->times);
    if (!error && *ret_rows)
        span_room_grow(room, *ret_rows);
    else if (!error)
        plan->reader->damaged++;
    return error;
}

static int read_span(struct plan *plan, struct span_room *room, const struct catalog_span *span,
                     struct chunks *chunks)
{
    size_t rows = 0;
    int error = read_times(plan, room, span, &rows);
    if (error || rows == 0)
        return error;
    place_rows(plan, room, rows);
    chunks->stamp = span->last_seq;
    for (size_t i = 0; i < plan_targets(plan) && !error; i++)
        error = read_chunk(plan, room, span->id, rows, &plan->targets[i], chunks);
    return error;
}

/* Of a tier below the one that is asked for only what is not rolled up yet. */
static int gather_tier(struct plan *plan, struct span_room *room, struct chunks *chunks)
{
    const struct catalog *c = plan->catalog;
    int error = 0;
    for (size_t i = 0; i < c->spans_count && !error; i++) {
        const struct catalog_span *span = &c->spans[i];
        if (span->tier != room->tier || (span->folded && room->tier != plan->tier) ||
            !catalog_overlaps(span, plan->from_ms, plan_last_ms(plan)))
            continue;
        error = reader_cancelled(plan->reader) ? -ECANCELED : read_span(plan, room, span, chunks);
    }
    return error;
}

/* Which of the ticks in memory are in rows of a coarser tier: these do not say, but the samples
 * that they were made of do. */
static int mark_folded(struct plan *plan, struct span_room *room)
{
    const struct catalog *c = plan->catalog;
    int error = 0;
    if (plan->tier == TIER_RAW || !plan->recent || plan->recent->count == 0)
        return 0;
    for (size_t i = 0; i < c->spans_count && !error; i++) {
        const struct catalog_span *span = &c->spans[i];
        size_t rows = 0;
        if (span->tier != TIER_RAW || !span->folded || span->last_seq < plan->recent->ticks[0]->seq)
            continue;
        error = read_times(plan, room, span, &rows);
        if (!error && rows)
            mark_stored(plan, &room->times, rows);
    }
    return error;
}

static int gather_spans(struct plan *plan)
{
    sqlite3_stmt *chunk CLEANUP(reader_done) = NULL;
    int error = reader_statement(plan->reader, CHUNK_STATEMENT, &chunk);
    if (error)
        return error;
    struct chunks chunks CLEANUP(chunks_fini) = chunks_over(chunk, &plan->reader->cache);
    plan->reader->cache.questions++;
    plan->reader->damaged += plan->catalog->impossible; /* of whatever time they were */
    for (int tier = (int)plan->tier; tier >= 0 && !error; tier--) {
        struct span_room room = {.tier = (enum tier)tier};
        error = gather_tier(plan, &room, &chunks);
        if (!error && tier == TIER_RAW)
            error = mark_folded(plan, &room);
        span_room_fini(&room);
    }
    return error;
}

/* ---- the log -------------------------------------------------------------------------------- */

static void read_row(struct plan *plan, const struct moment *at, int32_t point, const uint8_t *data,
                     size_t len)
{
    struct row_reader row;
    struct row_sample sample;
    if (row_open(&row, data, len) < 0) {
        plan->reader->damaged++;
        return;
    }
    size_t left = plan_targets(plan); /* a row has each series once */
    while (left && row_next(&row, &sample)) {
        uint32_t index = ledger_find(&plan->by_id, sample.id);
        if (index == LEDGER_NONE)
            continue;
        left--;
        struct target *target = &plan->targets[index];
        if ((sample.code == ROW_GAUGE) == (target->kind == METRIC_GAUGE))
            add_sample(plan->measure, target, point, at, row_state(sample.code), sample.value);
    }
    plan->reader->damaged += row_damaged(&row);
}

static int gather_run(struct plan *plan, const struct tick_run *run, sqlite3_stmt *stmt)
{
    sqlite3_bind_int64(stmt, 1, (int64_t)run->first);
    sqlite3_bind_int64(stmt, 2, (int64_t)run->last);
    int rc = SQLITE_DONE;
    while (!reader_cancelled(plan->reader) && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct moment at = {(uint64_t)sqlite3_column_int64(stmt, 0),
                                  sqlite3_column_int64(stmt, 2)};
        size_t len;
        const uint8_t *data = database_blob(stmt, 3, &len);
        int32_t point = plan_point(plan, sqlite3_column_int64(stmt, 1));
        mark_stored_tick(plan, at.seq);
        if (point >= 0)
            read_row(plan, &at, point, data, len);
    }
    sqlite3_reset(stmt);
    return reader_cancelled(plan->reader) ? -ECANCELED : database_error(plan->reader->db, rc);
}

static int gather_log(struct plan *plan)
{
    sqlite3_stmt *stmt CLEANUP(reader_done) = NULL;
    struct tick_run run = {0};
    int error = reader_statement(plan->reader,
                                 "SELECT seq, t_ms, elapsed_ns, samples FROM tick"
                                 " WHERE seq BETWEEN ?1 AND ?2",
                                 &stmt);
    while (!error && catalog_next_run(plan->catalog, plan->from_ms, plan_last_ms(plan), &run))
        error = gather_run(plan, &run, stmt);
    return error;
}

/* ---- memory --------------------------------------------------------------------------------- */

static void gather_recent(struct plan *plan, const struct claim *claim)
{
    const struct series_set *set = NULL;
    uint32_t *target_of = NULL; /* slot -> target */
    CHECK(plan->recent);        /* or it would have no `stored` */
    for (size_t i = 0; i < plan->recent->count; i++) {
        const struct tick *t = plan->recent->ticks[i];
        int32_t point = plan_point(plan, t->t_ms);
        if (point < 0 || plan->stored[i] || (t->seq > claim->after && t->seq < claim->before))
            continue;
        if (t->set != set) {
            set = t->set;
            target_of = mem_resize(target_of, MAX(set->count, 1U), sizeof(*target_of));
            for (uint32_t slot = 0; slot < set->count; slot++)
                target_of[slot] = set->slots[slot] ? ledger_find(&plan->by_id, set->slots[slot]->id)
                                                   : LEDGER_NONE;
        }
        CHECK(target_of); /* every tick has a set */
        const struct moment at = {t->seq, t->elapsed_ns};
        for (uint32_t slot = 0; slot < t->count; slot++) {
            if (t->state[slot] != SAMPLE_ABSENT && target_of[slot] != LEDGER_NONE)
                add_sample(plan->measure, &plan->targets[target_of[slot]], point, &at,
                           (enum sample_state)t->state[slot], t->value[slot]);
        }
    }
    free(target_of);
}

int gather_samples(struct plan *plan)
{
    int error = 0;
    if (plan->recent && plan->recent->count)
        plan->stored = mem_array(plan->recent->count, sizeof(*plan->stored));
    if (plan->reader)
        error = gather_spans(plan);
    if (!error && plan->reader)
        error = gather_log(plan);
    struct claim claim = {0};
    if (plan->measure == AGG_SUM)
        claim = catalog_claim(plan->catalog, plan->tier);
    if (!error && plan->stored)
        gather_recent(plan, &claim);
    free(TAKE(plan->stored));
    return error;
}
