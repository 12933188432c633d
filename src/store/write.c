/*
 * write.c: one tick, one transaction.
 *
 * The tick's columns become one row of the log (row.c); its events and the rows of series seen for
 * the first time go with it, so that no committed sample ever lacks its name. Per series there is
 * a table look-up when the set of series changes, and after that only arithmetic on arrays: the
 * slots' ledger indexes and ids are kept as long as the tick's series_set is the same.
 *
 * The ledger is changed after the commit only. A tick that the disk refused leaves it as it was;
 * the next tick then differs from "last absolute plus increment", and what is missing is written
 * with it: the tick is gone, its bytes are not.
 */
#include "store/store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/events.h"
#include "store/row.h"

/* How many numbers are reserved ahead. Half of it is what a full disk may last without danger:
 * more than 6 days of ticks at 1 s. */
#define RESERVE_TICKS (1U << 20)
#define RESERVE_EVENTS (1U << 20)
#define RESERVE_SERIES (1U << 12)
#define RESERVE_ALERT_SEQS (1U << 20)
/* Those that never fired have numbers, too, and are not kept. */
#define RESERVE_ALERTS (1U << 24)
#define RESERVE_SILENCES (1U << 12)

#define RUN_JUMP_MS (3600 * MS_PER_S) /* ticks further apart do not share a span */
#define DOUBT_NS (3600 * NS_PER_S)    /* a clock that ran on for so long after a jump is right */

int store_put_meta(struct store *store, const char *name, int64_t value)
{
    sqlite3_stmt *stmt = store->stmt[STMT_META_PUT];
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, value);
    return database_run(stmt);
}

static bool alert_reserve_needed(const struct store *store)
{
    const struct store_alert_numbers *seen = &store->alert_seen, *reserved = &store->alert_reserved;
    return seen->seq + RESERVE_ALERT_SEQS / 2 > reserved->seq ||
           seen->id + RESERVE_ALERTS / 2 > reserved->id ||
           seen->silence_id + RESERVE_SILENCES / 2 > reserved->silence_id;
}

bool store_reserve_needed(const struct store *store)
{
    const struct store_numbers *seen = &store->seen, *reserved = &store->reserved;
    return store->meta_pending || seen->tick_seq + RESERVE_TICKS / 2 > reserved->tick_seq ||
           seen->event_seq + RESERVE_EVENTS / 2 > reserved->event_seq ||
           seen->series_id + RESERVE_SERIES / 2 > reserved->series_id ||
           alert_reserve_needed(store);
}

static struct store_numbers reserve_from(struct store_numbers used)
{
    return (struct store_numbers){
        .series_id = used.series_id + RESERVE_SERIES,
        .tick_seq = used.tick_seq + RESERVE_TICKS,
        .event_seq = used.event_seq + RESERVE_EVENTS,
    };
}

static struct store_alert_numbers alert_reserve_from(struct store_alert_numbers used)
{
    return (struct store_alert_numbers){
        .seq = used.seq + RESERVE_ALERT_SEQS,
        .id = used.id + RESERVE_ALERTS,
        .silence_id = used.silence_id + RESERVE_SILENCES,
    };
}

int store_put_alert_numbers(struct store *store, const struct store_alert_numbers *next)
{
    int error = store_put_meta(store, "next_alert_seq", (int64_t)next->seq);
    if (!error)
        error = store_put_meta(store, "next_alert", (int64_t)next->id);
    if (!error)
        error = store_put_meta(store, "next_silence", (int64_t)next->silence_id);
    return error;
}

void store_reserved(struct store *store)
{
    store->reserved = reserve_from(store->seen);
    store->alert_reserved = alert_reserve_from(store->alert_seen);
    store->meta_pending = false;
}

int store_reserve(struct store *store)
{
    struct store_numbers ahead = reserve_from(store->seen);
    struct store_alert_numbers alert_ahead = alert_reserve_from(store->alert_seen);
    while (store->history == 0)
        sqlite3_randomness(sizeof(store->history), &store->history);
    int error = store_put_meta(store, "history", store->history);
    if (!error)
        error = store_put_meta(store, "next_series", ahead.series_id);
    if (!error)
        error = store_put_meta(store, "next_tick", (int64_t)ahead.tick_seq);
    if (!error)
        error = store_put_meta(store, "next_event", (int64_t)ahead.event_seq);
    if (!error)
        error = store_put_alert_numbers(store, &alert_ahead);
    if (!error)
        error = store_put_meta(store, "boot_seq", (int64_t)store->boot_seq);
    if (error)
        return error;
    sqlite3_stmt *stmt = store->stmt[STMT_META_PUT];
    sqlite3_bind_text(stmt, 1, "boot_id", -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, store->boot_id, -1, SQLITE_STATIC);
    return database_run(stmt);
}

bool store_log_run_ends(const struct store *store, int64_t interval_ms, int64_t t_ms)
{
    if (store->log_ticks == store->log_older)
        return false;
    return interval_ms != store->log_interval_ms || t_ms < store->log_t_ms ||
           t_ms - store->log_t_ms > RUN_JUMP_MS;
}

/* Slots to ledger entries, anew when the set of series is another one. */
static void map_set(struct store *store, struct series_set *set)
{
    if (store->set == set)
        return;
    series_set_unref(store->set);
    store->set = series_set_ref(set);
    if (set->count > store->slots_capacity) {
        store->slots_capacity = set->count;
        store->index = mem_resize(store->index, set->count, sizeof(*store->index));
        store->id = mem_resize(store->id, set->count, sizeof(*store->id));
        store->kind = mem_resize(store->kind, set->count, sizeof(*store->kind));
        store->code = mem_resize(store->code, set->count, sizeof(*store->code));
    }
    for (uint32_t slot = 0; slot < set->count; slot++) {
        const struct series *s = set->slots[slot];
        store->id[slot] = s ? s->id : 0;
        store->index[slot] = s ? ledger_add(&store->ledger, s->id) : LEDGER_NONE;
        store->kind[slot] = s ? (uint8_t)s->kind : 0;
        if (s)
            store->seen.series_id = MAX(store->seen.series_id, s->id + 1);
    }
    store->rows_pending = true;
}

static const char *method_of(const struct series *s)
{
    return atomic_load_explicit(&s->method, memory_order_relaxed);
}

static int put_series(struct store *store, const struct series *s)
{
    sqlite3_stmt *stmt = store->stmt[STMT_SERIES_PUT];
    sqlite3_bind_int64(stmt, 1, s->id);
    sqlite3_bind_text(stmt, 2, s->key, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, s->unit, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, s->help, -1, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 5, (int)s->kind);
    sqlite3_bind_double(stmt, 6, s->scale);
    sqlite3_bind_text(stmt, 7, method_of(s), -1, SQLITE_STATIC);
    return database_run(stmt);
}

static int put_method(struct store *store, const struct series *s)
{
    sqlite3_stmt *stmt = store->stmt[STMT_SERIES_METHOD];
    sqlite3_bind_int64(stmt, 1, s->id);
    sqlite3_bind_text(stmt, 2, method_of(s), -1, SQLITE_STATIC);
    return database_run(stmt);
}

/* Readers ask for rows behind the greatest id that they know: this one is not there. */
static int put_late(struct store *store)
{
    int error = store_put_meta(store, "late_series", store->late_series + 1);
    store->late_series += !error;
    return error;
}

/* Rows of series that have none yet, and of those that another engine measures now. */
static int put_rows(struct store *store)
{
    bool late = false;
    for (uint32_t slot = 0; slot < store->set->count; slot++) {
        const struct series *s = store->set->slots[slot];
        if (!s)
            continue;
        const struct ledger_entry *e = &store->ledger.entries[store->index[slot]];
        int error = 0;
        if (!e->on_disk) {
            error = put_series(store, s);
            late = late || s->id < store->newest_series;
        } else if (e->method != method_of(s)) {
            error = put_method(store, s);
        }
        if (error)
            return error;
    }
    return late ? put_late(store) : 0;
}

static void rows_committed(struct store *store)
{
    uint64_t added = 0;
    for (uint32_t slot = 0; slot < store->set->count; slot++) {
        const struct series *s = store->set->slots[slot];
        if (!s)
            continue;
        struct ledger_entry *e = &store->ledger.entries[store->index[slot]];
        added += !e->on_disk;
        e->on_disk = true;
        e->method = method_of(s);
        store->newest_series = MAX(store->newest_series, s->id);
    }
    count_add(&store->counters.series, added);
    store->rows_pending = false;
}

static enum row_code classify_counter(const struct ledger_entry *e, const struct tick *t,
                                      uint32_t slot)
{
    bool follows = e->known && e->source == t->source[slot] &&
                   e->absolute + t->value[slot].increment == t->absolute[slot];
    if (t->state[slot] == SAMPLE_OK)
        return follows ? ROW_OK : ROW_OK_KEY;
    return follows ? ROW_GAP : ROW_GAP_KEY;
}

/* One code per slot: what has to be said of the sample. */
static void classify(struct store *store, const struct tick *t)
{
    for (uint32_t slot = 0; slot < t->count; slot++) {
        enum row_code code = ROW_NONE;
        if (store->id[slot] && t->state[slot] != SAMPLE_ABSENT)
            code = store->kind[slot] == METRIC_GAUGE
                       ? ROW_GAUGE
                       : classify_counter(&store->ledger.entries[store->index[slot]], t, slot);
        store->code[slot] = (uint8_t)code;
    }
}

/* The first row of all has nothing of ticks before it, nor has any later one: readers rely on that
 * (gather.c). */
static bool is_first(const struct store *store)
{
    return !store->log_ticks && store->next_span == 1;
}

/* A tick that the disk refused. Most of it could be told from the absolute values later on, but not
 * what was counted by a series that is new, before a reset, or by another source. */
static void remember_lost(struct store *store, const struct tick *t)
{
    for (uint32_t slot = 0; slot < t->count; slot++) {
        if (store->id[slot] && t->state[slot] != SAMPLE_ABSENT &&
            store->kind[slot] == METRIC_COUNTER)
            store->ledger.entries[store->index[slot]].lost += t->value[slot].increment;
    }
}

/*
 * The tick's values, and what was counted in ticks before it that never reached the disk: a sum
 * over the time has to be right although the ticks are gone. Such an increment covers more time
 * than its tick, so it is a gap, like the first one after a restart. Of ticks that never came here
 * only the absolute values tell: a counter that started over meanwhile gets no more than it has
 * counted since.
 */
static const union sample *claim_lost(struct store *store, const struct tick *t)
{
    if (is_first(store) || t->seq == store->written_seq + 1)
        return t->value;
    store->value = mem_resize(store->value, t->count, sizeof(*store->value));
    for (uint32_t slot = 0; slot < t->count; slot++) {
        store->value[slot] = t->value[slot];
        if (store->code[slot] == ROW_NONE || store->code[slot] == ROW_GAUGE)
            continue;
        const struct ledger_entry *e = &store->ledger.entries[store->index[slot]];
        bool same = e->known && e->seq >= store->boot_seq && e->source == t->source[slot] &&
                    t->absolute[slot] >= e->absolute;
        uint64_t since = t->value[slot].increment + e->lost;
        if (same)
            since = MAX(since, t->absolute[slot] - e->absolute);
        if (since == t->value[slot].increment)
            continue;
        store->value[slot].increment = since;
        store->code[slot] =
            same && t->absolute[slot] - e->absolute == since ? ROW_GAP : ROW_GAP_KEY;
    }
    return store->value;
}

static int put_tick(struct store *store, const struct tick *t)
{
    classify(store, t);
    const struct row_columns columns = {
        .count = t->count,
        .value = claim_lost(store, t),
        .code = store->code,
        .id = store->id,
        .absolute = t->absolute,
        .source = t->source,
    };
    buf_clear(&store->row);
    uint8_t *row = (uint8_t *)buf_reserve(&store->row, row_bound(t->count));
    if (!row)
        return -ENOMEM;
    size_t len = row_encode(&columns, row);
    sqlite3_stmt *stmt = store->stmt[STMT_TICK_PUT];
    sqlite3_bind_int64(stmt, 1, (int64_t)t->seq);
    sqlite3_bind_int64(stmt, 2, t->t_ms);
    sqlite3_bind_int64(stmt, 3, t->elapsed_ns);
    sqlite3_bind_int64(stmt, 4, t->interval_ms);
    sqlite3_bind_blob64(stmt, 5, row, len, SQLITE_STATIC);
    return database_run(stmt);
}

static int put_events(struct store *store, const struct tick *t)
{
    sqlite3_stmt *stmt = store->stmt[STMT_EVENT_PUT];
    for (size_t i = 0; i < t->events_count; i++) {
        const struct event *e = t->events[i];
        char *fields CLEANUP(mem_freep) = event_fields_json(e, store->settings.record_names);
        sqlite3_bind_int64(stmt, 1, (int64_t)e->seq);
        sqlite3_bind_int64(stmt, 2, e->t_ms);
        sqlite3_bind_text(stmt, 3, event_kind_name(e->kind), -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, fields, -1, SQLITE_STATIC);
        int error = database_run(stmt);
        sqlite3_clear_bindings(stmt);
        if (error)
            return error;
    }
    return 0;
}

/* Everything of a tick, committed or nothing. */
static int put_all(struct store *store, const struct tick *t, bool reserve)
{
    /* Nearly always the row is all there is: a statement is a transaction, too. */
    bool alone = !store->rows_pending && !reserve && !t->events_count;
    if (reserve) /* or numbers could be given out twice after a power cut */
        store_wait_for_platter(store, true);
    int error = alone ? 0 : store_begin(store);
    if (!error && store->rows_pending)
        error = put_rows(store);
    if (!error && reserve)
        error = store_reserve(store);
    if (!error)
        error = put_tick(store, t);
    if (!error)
        error = put_events(store, t);
    if (!error && !alone)
        error = store_commit(store);
    if (error)
        store_rollback(store);
    if (reserve)
        store_wait_for_platter(store, false);
    return error;
}

/* Ages are counted from the newest tick. A clock that is wrong for a moment, and ahead, would make
 * everything too old at once, and what has been deleted does not come back with the right time.
 * Set back by a part only it is still ahead. */
static void watch_clock(struct store *store, const struct tick *t)
{
    int64_t jump_ms = t->t_ms - store->now_ms - t->elapsed_ns / NS_PER_MS;
    bool of_this_run = store->now_ms != 0 && t->elapsed_ns > 0;
    if (of_this_run && (jump_ms > RUN_JUMP_MS || jump_ms < -RUN_JUMP_MS)) {
        store->ahead_ms = jump_ms + (store->doubt_ns ? store->ahead_ms : 0);
        store->doubt_ns = store->ahead_ms > RUN_JUMP_MS ? DOUBT_NS : 0;
    } else {
        store->doubt_ns -= MIN(store->doubt_ns, t->elapsed_ns);
    }
    store->now_ms = t->t_ms;
}

static void remember(struct store *store, const struct tick *t)
{
    for (uint32_t i = 0; is_first(store) && i < store->ledger.count; i++)
        store->ledger.entries[i].lost = 0;
    for (uint32_t slot = 0; slot < t->count; slot++) {
        if (store->code[slot] == ROW_NONE)
            continue;
        struct ledger_entry *e = &store->ledger.entries[store->index[slot]];
        e->seq = t->seq;
        if (store->code[slot] == ROW_GAUGE)
            continue;
        e->absolute = t->absolute[slot];
        e->source = t->source[slot];
        e->known = true;
        e->lost = 0;
    }
    if (store_log_run_ends(store, t->interval_ms, t->t_ms))
        store->log_older = store->log_ticks;
    if (store->log_ticks == 0)
        store->log_first_ms = t->t_ms;
    store->log_ticks++;
    store->log_interval_ms = t->interval_ms;
    store->log_t_ms = t->t_ms;
    watch_clock(store, t);
    store->written_seq = t->seq;
    store->writes_since_retention++;
}

static int write_once(struct store *store, const struct tick *t)
{
    if (!store_is_writable(store)) {
        int error = store_attach(store, NULL);
        if (error)
            return error;
    }
    bool reserve = store_reserve_needed(store);
    int error = put_all(store, t, reserve);
    if (error)
        return error;
    if (reserve)
        store_reserved(store);
    if (store->rows_pending)
        rows_committed(store);
    remember(store, t);
    return 0;
}

static void write_failed(struct store *store, const struct tick *t, int error)
{
    remember_lost(store, t);
    count_add(&store->counters.ticks_lost, 1);
    store_failed(store, error, "writing a tick");
    if (atomic_load_explicit(&store->counters.ticks_lost, memory_order_relaxed) % 256 == 0)
        store_forget_unwritten(store);
    if (!atomic_exchange(&store->counters.failing, true))
        store_note_add(store, EVENT_LOSS, false,
                       "history cannot be written to %s (%s): ticks are lost until it can",
                       store->path, strerror(-error));
}

static void write_succeeded(struct store *store, const struct tick *t)
{
    count_add(&store->counters.ticks_written, 1);
    count_add(&store->counters.events_written, t->events_count);
    store->work_blocked = store->kept_blocked = false;
    if (atomic_exchange(&store->counters.failing, false))
        store_note_add(store, EVENT_ERROR, true, "history is written again; %llu ticks were lost",
                       (unsigned long long)atomic_load(&store->counters.ticks_lost));
}

/* Somebody may have removed the files, which is asked once a second: with its path to follow the
 * question costs a tenth of a tick. */
static bool look_due(struct store *store, const struct tick *t)
{
    int64_t second = t->t_ms / MS_PER_S;
    bool due = second != store->looked_second;
    store->looked_second = second;
    return due;
}

int store_write(struct store *store, const struct tick *t)
{
    CHECK(t->seq >= store->seen.tick_seq);
    int64_t start_ns = clock_mono_ns();
    map_set(store, t->set);
    store->seen.tick_seq = t->seq + 1;
    if (t->events_count)
        store->seen.event_seq = MAX(store->seen.event_seq, t->events[t->events_count - 1]->seq + 1);

    int error = 0;
    if (atomic_exchange_explicit(&store->suspect, false, memory_order_relaxed))
        store_set_aside(store, "a reader met damage");
    else if (store_is_writable(store) && look_due(store, t) && !store_is_in_place(store))
        store_replace(store);
    error = write_once(store, t);
    if (error == -EBADMSG && store_set_aside(store, "found while writing") == 0)
        error = write_once(store, t);
    if (error)
        write_failed(store, t, error);
    else
        write_succeeded(store, t);

    struct counters *c = &store->counters;
    int64_t took_ns = clock_mono_ns() - start_ns;
    atomic_store_explicit(&c->write_ns_last, took_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->write_ns_total, took_ns, memory_order_relaxed);
    if (took_ns > atomic_load_explicit(&c->write_ns_max, memory_order_relaxed))
        atomic_store_explicit(&c->write_ns_max, took_ns, memory_order_relaxed);
    return error;
}
