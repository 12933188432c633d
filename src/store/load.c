/*
 * load.c: what earlier runs left.
 *
 * The last absolute value of every counter is needed exactly, also after kill -9. Table `last`
 * has it as of some tick (it is rewritten when a span is sealed); every log row after that tick
 * adds its increment, or says the new absolute value and source where adding would be wrong. So:
 * read `last`, then replay the log. A damaged row breaks that chain for all series until each is
 * written out again; until then they are not known, and their next sample is a first one.
 *
 * Before the threads start, or on the store thread.
 */
#include "store/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/key.h"
#include "store/row.h"

static int load_meta(struct store *store)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(store->db, "SELECT name, value FROM meta", &stmt);
    if (error)
        return error;
    bool same_boot = false, blank = true;
    uint64_t boot_seq = 0;
    int64_t history = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        blank = false;
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        const char *text = (const char *)sqlite3_column_text(stmt, 1);
        uint64_t value = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (!name || !text)
            continue;
        if (strcmp(name, "next_series") == 0)
            store->next.series_id = MAX(store->next.series_id, (uint32_t)value);
        else if (strcmp(name, "late_series") == 0)
            store->late_series = (int64_t)value;
        else if (strcmp(name, "next_tick") == 0)
            store->next.tick_seq = MAX(store->next.tick_seq, value);
        else if (strcmp(name, "next_event") == 0)
            store->next.event_seq = MAX(store->next.event_seq, value);
        else if (strcmp(name, "next_alert_seq") == 0)
            store->alert_next.seq = MAX(store->alert_next.seq, value);
        else if (strcmp(name, "next_alert") == 0)
            store->alert_next.id = MAX(store->alert_next.id, value);
        else if (strcmp(name, "next_silence") == 0)
            store->alert_next.silence_id = MAX(store->alert_next.silence_id, value);
        else if (strcmp(name, "boot_seq") == 0)
            boot_seq = value;
        else if (strcmp(name, "history") == 0)
            history = (int64_t)value;
        else if (strcmp(name, "boot_id") == 0)
            same_boot = *text && strcmp(text, store->boot_id) == 0;
    }
    error = database_error(store->db, rc);
    if (error)
        return error;
    /* Put in the place of ours while we run. Our ids are other series there. */
    if (store->history && history != store->history && !blank)
        return -EMEDIUMTYPE;
    if (!store->history)
        store->history = history;
    if (same_boot)
        store->boot_seq = boot_seq;
    return 0;
}

/* Numbers in use must lie below the next ones, whatever `meta` says. */
static int load_limits(struct store *store)
{
    int64_t series = 0, tick = 0, span_seq = 0, event = 0, span = 0;
    int error = database_number_of(store->db, "SELECT max(id) FROM series", 0, &series);
    if (!error)
        error = database_number_of(store->db, "SELECT max(seq) FROM tick", 0, &tick);
    if (!error)
        error = database_number_of(store->db, "SELECT max(last_seq) FROM span", 0, &span_seq);
    if (!error)
        error = database_number_of(store->db, "SELECT max(seq) FROM event", 0, &event);
    if (!error)
        error = database_number_of(store->db, "SELECT max(id) FROM span", 0, &span);
    if (error)
        return error;
    store->next.series_id = MAX(store->next.series_id, (uint32_t)series + 1);
    store->next.tick_seq = MAX(store->next.tick_seq, (uint64_t)MAX(tick, span_seq) + 1);
    store->next.event_seq = MAX(store->next.event_seq, (uint64_t)event + 1);
    store->newest_series = (uint32_t)series;
    store->next_span = (uint32_t)MIN(span + 1, SPAN_MAX);
    return 0;
}

static int load_ledger(struct store *store)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(store->db,
                                 "SELECT s.id, l.seq, l.absolute, l.source, l.known"
                                 " FROM series s LEFT JOIN last l ON l.id = s.id",
                                 &stmt);
    if (error)
        return error;
    int rc;
    uint64_t rows = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint32_t index = ledger_add(&store->ledger, (uint32_t)sqlite3_column_int64(stmt, 0));
        struct ledger_entry *e = &store->ledger.entries[index];
        e->on_disk = true;
        rows++;
        if (e->seq) /* sampled by this run already: the database was opened late */
            continue;
        e->seq = (uint64_t)sqlite3_column_int64(stmt, 1);
        e->absolute = (uint64_t)sqlite3_column_int64(stmt, 2);
        e->source = (uint64_t)sqlite3_column_int64(stmt, 3);
        e->known = sqlite3_column_int(stmt, 4) != 0;
    }
    atomic_store_explicit(&store->counters.series, rows, memory_order_relaxed);
    return database_error(store->db, rc);
}

static void replay(struct store *store, uint64_t seq, const struct row_sample *sample)
{
    uint32_t index = ledger_find(&store->ledger, sample->id);
    if (index == LEDGER_NONE)
        return;
    struct ledger_entry *e = &store->ledger.entries[index];
    if (seq <= e->seq)
        return;
    e->seq = seq;
    if (row_is_key(sample->code)) {
        e->absolute = sample->absolute;
        e->source = sample->source;
        e->known = true;
    } else if (sample->code != ROW_GAUGE) {
        e->absolute += sample->value.increment;
    }
}

static void forget_absolutes(struct store *store)
{
    for (uint32_t i = 0; i < store->ledger.count; i++)
        store->ledger.entries[i].known = false;
}

static int load_log(struct store *store)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(
        store->db, "SELECT seq, t_ms, interval_ms, samples FROM tick ORDER BY seq", &stmt);
    if (error)
        return error;
    int rc;
    store->log_ticks = store->log_older = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        int64_t t_ms = sqlite3_column_int64(stmt, 1);
        int64_t interval_ms = sqlite3_column_int64(stmt, 2);
        if (store_log_run_ends(store, interval_ms, t_ms))
            store->log_older = store->log_ticks;
        if (store->log_ticks == 0)
            store->log_first_ms = t_ms;
        store->log_ticks++;
        store->log_interval_ms = interval_ms;
        store->log_t_ms = t_ms;
        store->now_ms = t_ms;

        size_t len;
        const uint8_t *data = database_blob(stmt, 3, &len);
        struct row_reader row;
        struct row_sample sample;
        bool damaged = row_open(&row, data, len) != 0;
        while (!damaged && row_next(&row, &sample))
            replay(store, seq, &sample);
        if (damaged || row_damaged(&row)) {
            forget_absolutes(store);
            log_warning("store", "the record of tick %llu is damaged and left out",
                        (unsigned long long)seq);
        }
    }
    return database_error(store->db, rc);
}

/* Chunks of a span that was being sealed when the process died: nothing refers to them. */
static int drop_unfinished(struct store *store)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(store->db, "DELETE FROM chunk WHERE id >= ?1", &stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, chunk_row(store->next_span, 0));
    error = database_run(stmt);
    store->leftovers = error != 0; /* on a full disk they stay until that number is used */
    return error == -EBADMSG ? error : 0;
}

int store_load(struct store *store)
{
    int error = load_meta(store);
    if (!error)
        error = load_limits(store);
    if (!error)
        error = store_load_alert_numbers(store);
    if (!error)
        error = load_ledger(store);
    if (!error)
        error = load_log(store);
    if (!error)
        error = drop_unfinished(store);
    return error;
}

static int newer_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* Which series are among the newest: those sampled after tick `seq`, and so many of that tick. */
struct newest {
    uint64_t seq;
    size_t left;
};

static struct newest find_newest(const struct store *store, size_t most)
{
    const struct ledger *l = &store->ledger;
    if (l->used <= most)
        return (struct newest){.left = SIZE_MAX};
    uint64_t *seqs CLEANUP(mem_freep) = mem_array(l->count, sizeof(*seqs));
    for (uint32_t i = 0; i < l->count; i++)
        seqs[i] = l->entries[i].seq;
    qsort(seqs, l->count, sizeof(*seqs), newer_first);
    struct newest newest = {.seq = seqs[most - 1]};
    for (size_t i = most; i-- > 0 && seqs[i] == newest.seq;)
        newest.left++;
    return newest;
}

static bool newest_has(struct newest *newest, uint64_t seq)
{
    if (seq != newest->seq)
        return seq > newest->seq;
    if (newest->left == 0)
        return false;
    newest->left--;
    return true;
}

/* Far more may be on disk than the registry remembers: those that were sampled last are given to
 * it. */
static int restore_all(struct store *store, struct registry *registry)
{
    struct newest newest = find_newest(store, registry_memory(registry));
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(
        store->db, "SELECT id, key, unit, help, kind, scale FROM series ORDER BY id", &stmt);
    if (error)
        return error;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint32_t id = (uint32_t)sqlite3_column_int64(stmt, 0);
        const char *key = (const char *)sqlite3_column_text(stmt, 1);
        const char *unit = (const char *)sqlite3_column_text(stmt, 2);
        const char *help = (const char *)sqlite3_column_text(stmt, 3);
        uint32_t index = ledger_find(&store->ledger, id);
        struct key_parts parts;
        if (index != LEDGER_NONE && !newest_has(&newest, store->ledger.entries[index].seq))
            continue;
        if (!key || !unit || !help || index == LEDGER_NONE || key_parse(key, &parts) < 0) {
            log_warning("store", "series %u has an unreadable name and is left out", id);
            continue;
        }
        const struct ledger_entry *e = &store->ledger.entries[index];
        const struct metric metric = {
            .name = parts.name,
            .unit = unit,
            .help = help,
            .kind = sqlite3_column_int(stmt, 4) == METRIC_GAUGE ? METRIC_GAUGE : METRIC_COUNTER,
            .scale = sqlite3_column_double(stmt, 5),
        };
        bool same_boot = e->known && store->boot_seq && e->seq >= store->boot_seq;
        /* The method shows once an engine samples the series again. */
        int refused = registry_restore(registry, id, &metric, parts.labels, parts.labels_count, "",
                                       same_boot, e->absolute, e->source);
        if (refused)
            log_debug("store", "series %u (%s) is not restored: %s", id, key, strerror(-refused));
        key_fini(&parts);
    }
    return database_error(store->db, rc);
}

int store_restore(struct store *store, struct registry *registry)
{
    if (!store->db)
        return 0;
    int error = restore_all(store, registry);
    /* Series that were read before the damage keep their ids: nobody else gets those either. */
    return error == -EBADMSG ? store_set_aside(store, "found while reading the series") : error;
}
