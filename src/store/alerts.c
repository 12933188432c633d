/*
 * alerts.c: the writer's side of what alerting keeps: from the shelf into the tables, and back at
 * the start.
 *
 * A piece of the shelf is one transaction: an alert's row is replaced by its newest state, a rule's
 * rows are deleted and written anew. Nothing is taken off the shelf before the commit; while the
 * disk refuses it, it waits there, and is tried again after a tick got through. Store thread, but
 * for what runs before the threads start.
 */
#include "store/alerts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/alert_row.h"
#include "store/store_internal.h"

#define LEFT_OUT_TOLD 10
#define PIECE 128 /* of the shelf, in one transaction */

/* ---- numbers ------------------------------------------------------------------------------- */

struct store_alert_numbers store_next_alert(const struct store *store)
{
    return store->alert_next;
}

void store_set_alert_numbers(struct store *store, const struct store_alert_numbers *next)
{
    store->alert_exact = *next;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void count_lost(struct store *store, unsigned lost)
{
    if (!lost)
        return;
    if (atomic_load_explicit(&store->counters.alerts_lost, memory_order_relaxed) == 0)
        store_note_add(store, EVENT_LOSS, false,
                       "too much of alerting waits to be written to %s: the oldest that is over is "
                       "lost",
                       store->path);
    count_add(&store->counters.alerts_lost, lost);
}

void store_keep_alert(struct store *store, struct alert *a)
{
    CHECK(a->seq > 0 && a->id > 0);
    store->alert_seen.seq = MAX(store->alert_seen.seq, a->seq + 1);
    store->alert_seen.id = MAX(store->alert_seen.id, a->id + 1);
    count_lost(store, shelf_put_alert(&store->shelf, a));
}

void store_keep_rule(struct store *store, const char *name, const struct stored_key *keys,
                     size_t count)
{
    CHECK(text_is_name(name) && count <= STORE_RULE_KEYS_MAX);
    count_lost(store, shelf_put_rule(&store->shelf, name, keys, count));
}

void store_keep_silence(struct store *store, const struct silence *s)
{
    CHECK(s->id > 0);
    store->alert_seen.silence_id = MAX(store->alert_seen.silence_id, s->id + 1);
    count_lost(store, shelf_put_silence(&store->shelf, s));
}

size_t store_kept_waiting(const struct store *store)
{
    return store->shelf.waiting + store->shelf.anew;
}

static int put_alert(struct store *store, const struct alert *a)
{
    sqlite3_stmt *stmt = store->stmt[STMT_ALERT_PUT];
    alert_row_bind(stmt, a);
    int error = database_run(stmt);
    sqlite3_clear_bindings(stmt);
    return error;
}

static int put_rule(struct store *store, const struct stored_rule *rule)
{
    sqlite3_stmt *stmt = store->stmt[STMT_RULE_DELETE];
    sqlite3_bind_text(stmt, 1, rule->name, -1, SQLITE_STATIC);
    int error = database_run(stmt);
    sqlite3_clear_bindings(stmt);
    stmt = store->stmt[STMT_RULE_PUT];
    for (size_t i = 0; i < rule->count && !error; i++) {
        sqlite3_bind_text(stmt, 1, rule->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, (int64_t)i);
        sqlite3_bind_text(stmt, 3, rule->keys[i].key, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, rule->keys[i].value, -1, SQLITE_STATIC);
        error = database_run(stmt);
        sqlite3_clear_bindings(stmt);
    }
    return error;
}

static int put_silence(struct store *store, const struct silence *s)
{
    sqlite3_stmt *stmt = store->stmt[STMT_SILENCE_PUT];
    sqlite3_bind_int64(stmt, 1, (int64_t)s->id);
    sqlite3_bind_text(stmt, 2, s->rule, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, s->series, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, s->comment, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, s->by, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 6, s->from_ms);
    sqlite3_bind_int64(stmt, 7, s->to_ms);
    int error = database_run(stmt);
    sqlite3_clear_bindings(stmt);
    return error;
}

static int put_item(struct store *store, const struct shelf_item *item)
{
    switch (item->kind) {
    case SHELF_ALERT:
        return put_alert(store, item->alert);
    case SHELF_RULE:
        return put_rule(store, &item->rule);
    default:
        return put_silence(store, item->silence);
    }
}

static int put_piece(struct store *store, size_t *ret_count)
{
    int error = store_begin(store);
    if (!error && store->shelf.anew)
        error = database_run(store->stmt[STMT_RULES_DELETE]);
    if (!error && store->shelf.anew)
        error = database_run(store->stmt[STMT_SILENCES_DELETE]);
    size_t count = 0;
    const struct shelf_item *item = shelf_first(&store->shelf);
    for (; item && count < PIECE && !error; item = shelf_after(&store->shelf, item), count++)
        error = put_item(store, item);
    if (!error)
        error = store_commit(store);
    if (error)
        store_rollback(store);
    *ret_count = count;
    return error;
}

static void kept_failed(struct store *store, int error)
{
    store->kept_blocked = true; /* until a tick could be written again */
    store_failed(store, error, "writing alerts");
    if (error == -EBADMSG) /* the next tick sets it aside */
        atomic_store_explicit(&store->suspect, true, memory_order_relaxed);
    else if (!store->kept_told && !atomic_load(&store->counters.failing)) {
        store->kept_told = true; /* when ticks fail, too, that has been told */
        store_note_add(store, EVENT_ERROR, false,
                       "alerts, rules and silences cannot be written to %s (%s): they are kept in "
                       "memory until they can",
                       store->path, strerror(-error));
    }
}

int store_write_kept_piece(struct store *store)
{
    size_t count = 0;
    int error = store_is_writable(store) ? put_piece(store, &count) : -EROFS;
    if (error) {
        kept_failed(store, error);
        return error;
    }
    shelf_written(&store->shelf, count);
    if (store->kept_told)
        store_note_add(store, EVENT_ERROR, true, "alerts, rules and silences are written again");
    store->kept_told = false;
    store->writes_since_retention += (uint32_t)count;
    count_add(&store->counters.alerts_written, count);
    return 0;
}

int store_write_kept(struct store *store)
{
    int error = 0;
    while (store_kept_waiting(store) && !error)
        error = store_write_kept_piece(store);
    return error;
}

/* ---- what earlier runs left ---------------------------------------------------------------- */

void stored_alerts_fini(struct stored_alerts *s)
{
    for (size_t i = 0; i < s->alerts_count; i++)
        alert_unref(s->alerts[i]);
    for (size_t i = 0; i < s->rules_count; i++)
        stored_rule_fini(&s->rules[i]);
    free(s->alerts);
    free(s->rules);
    free(s->silences);
    *s = (struct stored_alerts){0};
}

static int load_number(struct store *store, const char *sql, uint64_t *next)
{
    int64_t most = 0;
    int error = database_number_of(store->db, sql, 0, &most);
    *next = MAX(*next, (uint64_t)MAX(most, 0) + 1);
    return error;
}

int store_load_alert_numbers(struct store *store)
{
    int64_t known = 0;
    int error = database_number_of(
        store->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'alert'", 0, &known);
    store->alerts_known = known != 0;
    if (error || !known)
        return error;
    error = load_number(store, "SELECT max(seq) FROM alert", &store->alert_next.seq);
    if (!error)
        error = load_number(store, "SELECT max(id) FROM alert", &store->alert_next.id);
    if (!error)
        error = load_number(store, "SELECT max(id) FROM silence", &store->alert_next.silence_id);
    return error;
}

/* A row that makes no sense. Of a table full of them the first ones are enough. */
static void left_out(struct store *store, const char *what, const char *name)
{
    if (atomic_fetch_add_explicit(&store->counters.alerts_unreadable, 1, memory_order_relaxed) <
        LEFT_OUT_TOLD)
        log_warning("store", "%s %s cannot be read and is left out", what,
                    text_is_name(name) ? name : "with a damaged name");
}

static void left_out_number(struct store *store, const char *what, sqlite3_stmt *stmt)
{
    char name[24];
    snprintf(name, sizeof(name), "%lld", (long long)sqlite3_column_int64(stmt, 0));
    left_out(store, what, name);
}

static int restore_alerts(struct store *store, struct stored_alerts *ret)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(
        store->db, "SELECT " ALERT_COLUMNS " FROM alert WHERE resolved_ms = 0 ORDER BY id DESC",
        &stmt);
    if (error)
        return error;
    int rc;
    size_t capacity = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && ret->alerts_count < SHELF_ALERTS_MAX / 2) {
        struct alert *a = alert_row_read(stmt);
        if (!a) {
            left_out_number(store, "alert", stmt);
            continue;
        }
        if (ret->alerts_count == capacity) {
            capacity = MAX(capacity * 2, (size_t)16);
            ret->alerts = mem_resize(ret->alerts, capacity, sizeof(*ret->alerts));
        }
        ret->alerts[ret->alerts_count++] = a;
    }
    for (size_t i = 0, k = ret->alerts_count; i + 1 < k; i++) {
        struct alert *last = ret->alerts[--k];
        ret->alerts[k] = ret->alerts[i];
        ret->alerts[i] = last;
    }
    return rc == SQLITE_ROW ? 0 : database_error(store->db, rc);
}

static const char *text_in(sqlite3_stmt *stmt, int column, size_t most)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    if (!text)
        return NULL;
    size_t len = strlen(text);
    return len <= most && text_utf8_valid(text, len) == len ? text : NULL;
}

/* The rows of one rule, as they come. Without one of its keys a rule would be another one, perhaps
 * for far more series: then it is left out as a whole. */
struct rule_rows {
    struct stored_rule rule;
    bool damaged;
};

static void end_rule(struct store *store, struct rule_rows *rows, struct stored_alerts *ret)
{
    struct stored_rule *rule = &rows->rule;
    if (!rule->name)
        return;
    if (rows->damaged || !text_is_name(rule->name) || ret->rules_count == STORE_RULES_MAX) {
        left_out(store, "rule", rule->name);
        stored_rule_fini(rule);
    } else {
        ret->rules = mem_resize(ret->rules, ret->rules_count + 1, sizeof(*ret->rules));
        ret->rules[ret->rules_count++] = *rule;
    }
    *rows = (struct rule_rows){0};
}

static void add_key(struct rule_rows *rows, sqlite3_stmt *stmt)
{
    struct stored_rule *rule = &rows->rule;
    const char *key = text_in(stmt, 2, 64), *value = text_in(stmt, 3, STORE_RULE_VALUE_MAX);
    if (!key || !value || rule->count == STORE_RULE_KEYS_MAX ||
        sqlite3_column_int64(stmt, 1) != (int64_t)rule->count) {
        rows->damaged = true;
        return;
    }
    rule->keys = mem_resize(rule->keys, rule->count + 1, sizeof(*rule->keys));
    rule->keys[rule->count++] = (struct stored_key){mem_string(key), mem_string(value)};
}

static int restore_rules(struct store *store, struct stored_alerts *ret)
{
    struct rule_rows rows = {0};
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(
        store->db, "SELECT name, position, key, value FROM rule ORDER BY name, position", &stmt);
    if (error)
        return error;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (rows.rule.name && strcmp(rows.rule.name, name ? name : "") != 0)
            end_rule(store, &rows, ret);
        if (!rows.rule.name)
            rows.rule.name = mem_string(name ? name : "");
        add_key(&rows, stmt);
    }
    end_rule(store, &rows, ret);
    return database_error(store->db, rc);
}

static bool read_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
    const char *text = text_in(stmt, column, size - 1);
    if (text)
        memcpy(out, text, strlen(text) + 1);
    return text != NULL;
}

static bool read_silence(sqlite3_stmt *stmt, struct silence *ret)
{
    *ret = (struct silence){.id = (uint64_t)sqlite3_column_int64(stmt, 0),
                            .from_ms = sqlite3_column_int64(stmt, 5),
                            .to_ms = sqlite3_column_int64(stmt, 6)};
    return (int64_t)ret->id > 0 && read_text(stmt, 1, ret->rule, sizeof(ret->rule)) &&
           read_text(stmt, 2, ret->series, sizeof(ret->series)) &&
           read_text(stmt, 3, ret->comment, sizeof(ret->comment)) &&
           read_text(stmt, 4, ret->by, sizeof(ret->by)) && *ret->rule && *ret->series;
}

/* The newest ones, when there are too many. */
static int restore_silences(struct store *store, struct stored_alerts *ret)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error = database_prepare(store->db,
                                 "SELECT id, rule, series, comment, made_by, from_ms, to_ms FROM"
                                 " (SELECT * FROM silence ORDER BY id DESC LIMIT ?1) ORDER BY id",
                                 &stmt);
    if (error)
        return error;
    sqlite3_bind_int64(stmt, 1, SILENCES_MAX);
    ret->silences = mem_array(SILENCES_MAX, sizeof(*ret->silences));
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (read_silence(stmt, &ret->silences[ret->silences_count]))
            ret->silences_count++;
        else
            left_out_number(store, "silence", stmt);
    }
    ret->silences =
        mem_resize(ret->silences, MAX(ret->silences_count, (size_t)1), sizeof(*ret->silences));
    return database_error(store->db, rc);
}

int store_restore_alerts(struct store *store, struct stored_alerts *ret)
{
    *ret = (struct stored_alerts){0};
    if (!store->db || !store->alerts_known)
        return 0;
    int error = restore_rules(store, ret);
    if (!error)
        error = restore_silences(store, ret);
    if (!error)
        error = restore_alerts(store, ret);
    for (size_t i = 0; i < ret->alerts_count; i++)
        shelf_load_alert(&store->shelf, ret->alerts[i]);
    for (size_t i = 0; i < ret->rules_count; i++)
        shelf_load_rule(&store->shelf, &ret->rules[i]);
    for (size_t i = 0; i < ret->silences_count; i++)
        shelf_load_silence(&store->shelf, &ret->silences[i]);
    store->alerts_restored = !error;
    /* What could be read before the damage goes on, and into the new database. */
    if (error == -EBADMSG) {
        store->alerts_restored = true;
        return store_set_aside(store, "found while reading the alerts");
    }
    return error;
}
