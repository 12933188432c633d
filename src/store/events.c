/*
 * events.c: events read back, newest first, those of ticks in memory together with the stored.
 *
 * An event's fields are stored as JSON text: names of fields are literals of the code that makes
 * the event, so nothing but text can give them back, and text is what every user of them wants.
 * Any thread.
 */
#include "store/events.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/reader.h"

#define EXACT_MAX 9007199254740992.0 /* 2^53 */

static json_t *field_value(const struct event_field *field)
{
    if (field->text)
        return json_string_nocheck(field->text);
    if (!isfinite(field->number))
        return json_null();
    if (fabs(field->number) <= EXACT_MAX && field->number == floor(field->number))
        return json_integer((json_int_t)field->number);
    return json_real(field->number);
}

/* Of events of connections and lookups; others have names of devices, which are no secret. */
static bool is_name(const struct event *e, const char *field)
{
    static const char *const names[] = {"remote_name", "process", "unit", "user", "host", "name"};
    if (e->kind != EVENT_CONNECTION_OPENED && e->kind != EVENT_CONNECTION_CLOSED &&
        e->kind != EVENT_DNS)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(field, names[i]) == 0)
            return true;
    }
    return false;
}

char *event_fields_json(const struct event *e, bool names)
{
    json_t *object = json_object();
    for (size_t i = 0; i < e->fields_count; i++) {
        if (!names && is_name(e, e->fields[i].name))
            continue;
        json_object_set_new_nocheck(object, e->fields[i].name, field_value(&e->fields[i]));
    }
    char *text = json_dumps(object, JSON_COMPACT);
    CHECK(text);
    json_decref(object);
    return text;
}

static bool event_matches(const struct event_query *query, enum event_kind kind, int64_t t_ms)
{
    return (query->kinds == 0 || query->kinds & 1U << kind) && t_ms >= query->from_ms &&
           t_ms <= query->to_ms;
}

/* Events of ticks in memory that the disk does not have, by growing seq. */
struct fresh {
    size_t count, capacity;
    const struct event **events;
};

static int is_stored(sqlite3_stmt *stmt, uint64_t seq, bool *ret)
{
    int64_t found = 0;
    sqlite3_bind_int64(stmt, 1, (int64_t)seq);
    int error = database_number(stmt, 0, &found);
    *ret = found != 0;
    return error;
}

static int collect_fresh(struct store_reader *reader, const struct event_query *query,
                         const struct recent *recent, struct fresh *fresh)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int error =
        reader ? database_prepare(reader->db, "SELECT 1 FROM event WHERE seq = ?1", &stmt) : 0;
    for (size_t i = 0; recent && i < recent->count && !error; i++) {
        const struct tick *t = recent->ticks[i];
        for (size_t k = 0; k < t->events_count && !error; k++) {
            const struct event *e = t->events[k];
            bool stored = false;
            if (!event_matches(query, e->kind, e->t_ms))
                continue;
            if (stmt)
                error = is_stored(stmt, e->seq, &stored);
            if (stored || error)
                continue;
            if (fresh->count == fresh->capacity) {
                fresh->capacity = MAX(fresh->capacity * 2, (size_t)64);
                fresh->events = mem_resize(fresh->events, fresh->capacity, sizeof(*fresh->events));
            }
            fresh->events[fresh->count++] = e;
        }
    }
    return error;
}

/* " WHERE …" for the stored ones. Kinds are words of ours, so nothing needs quoting. */
static void write_condition(struct buf *sql, const struct event_query *query)
{
    buf_text(sql, " WHERE t_ms BETWEEN ?1 AND ?2");
    if (query->kinds == 0)
        return;
    const char *separator = " AND kind IN ('";
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
        if (query->kinds & 1U << kind) {
            buf_printf(sql, "%s%s", separator, event_kind_name((enum event_kind)kind));
            separator = "','";
        }
    }
    buf_text(sql, *separator == ' ' ? " AND 0" : "')");
}

static int prepare_events(struct store_reader *reader, const struct event_query *query,
                          const char *columns, const char *order, sqlite3_stmt **ret)
{
    struct buf sql CLEANUP(buf_fini) = BUF_INIT;
    buf_printf(&sql, "SELECT %s FROM event", columns);
    write_condition(&sql, query);
    buf_text(&sql, order);
    int error = database_prepare(reader->db, buf_string(&sql), ret);
    if (error)
        return error;
    sqlite3_bind_int64(*ret, 1, query->from_ms);
    sqlite3_bind_int64(*ret, 2, query->to_ms);
    return 0;
}

static void add_stored(struct store_reader *reader, struct event_page *page, sqlite3_stmt *stmt)
{
    const char *kind_name = (const char *)sqlite3_column_text(stmt, 2);
    const char *fields = (const char *)sqlite3_column_text(stmt, 3);
    enum event_kind kind;
    json_t *object = fields ? json_loads(fields, 0, NULL) : NULL;
    if (!kind_name || event_kind_parse(kind_name, &kind) < 0 || !json_is_object(object)) {
        reader->damaged++;
    } else {
        page->records[page->count++] = (struct event_record){
            .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
            .t_ms = sqlite3_column_int64(stmt, 1),
            .kind = kind,
            .fields = mem_string(fields),
        };
    }
    json_decref(object);
}

/* Merges both, newest first, into the page. */
static int fill_page(struct store_reader *reader, sqlite3_stmt *stmt, const struct fresh *fresh,
                     const struct event_query *query, struct event_page *page)
{
    size_t left = fresh->count, skip = query->offset, taken = 0;
    int rc = stmt ? sqlite3_step(stmt) : SQLITE_DONE;
    while (taken < query->limit && (left > 0 || rc == SQLITE_ROW)) {
        const struct event *e = left > 0 ? fresh->events[left - 1] : NULL;
        bool from_memory =
            rc != SQLITE_ROW || (e && e->seq > (uint64_t)sqlite3_column_int64(stmt, 0));
        if (skip > 0) {
            skip--;
        } else {
            taken++;
            if (from_memory)
                page->records[page->count++] =
                    (struct event_record){.seq = e->seq,
                                          .t_ms = e->t_ms,
                                          .kind = e->kind,
                                          .fields = event_fields_json(e, true)};
            else
                add_stored(reader, page, stmt);
        }
        if (from_memory)
            left--;
        else
            rc = sqlite3_step(stmt);
    }
    return stmt ? database_error(reader->db, rc) : 0;
}

static int read_page(struct store_reader *reader, const struct event_query *query,
                     const struct fresh *fresh, struct event_page **ret)
{
    sqlite3_stmt *counting CLEANUP(database_finalize) = NULL;
    sqlite3_stmt *reading CLEANUP(database_finalize) = NULL;
    int64_t stored = 0;
    int error = 0;
    if (reader) {
        error = prepare_events(reader, query, "count(*)", "", &counting);
        if (!error)
            error = database_number(counting, 0, &stored);
        if (!error)
            error = prepare_events(reader, query, "seq, t_ms, kind, fields", " ORDER BY seq DESC",
                                   &reading);
    }
    if (error)
        return error;
    size_t total = (size_t)stored + fresh->count;
    size_t rest = total > query->offset ? total - query->offset : 0;
    struct event_page *page =
        mem_alloc(sizeof(*page) + MIN(rest, query->limit) * sizeof(page->records[0]));
    page->total = total;
    const struct event_query bounded = {.limit = MIN(rest, query->limit), .offset = query->offset};
    error = fill_page(reader, reading, fresh, &bounded, page);
    if (error)
        event_page_free(page);
    else
        *ret = page;
    return error;
}

int store_events(struct store_reader *reader, const struct event_query *query,
                 const struct recent *recent, struct event_page **ret, struct store_error *err)
{
    if (query->limit > EVENT_PAGE_MAX)
        return store_fail(err, -EINVAL, "limit: at most %d events at a time", EVENT_PAGE_MAX);
    int error = reader ? reader_begin(reader, err) : 0;
    if (error)
        return error;
    struct fresh fresh = {0};
    error = collect_fresh(reader, query, recent, &fresh);
    if (!error)
        error = read_page(reader, query, &fresh, ret);
    free(fresh.events);
    if (error && reader)
        reader_fail(reader, error, err);
    if (reader)
        reader_end(reader);
    return error;
}

void event_page_free(struct event_page *page)
{
    if (!page)
        return;
    for (size_t i = 0; i < page->count; i++)
        free(page->records[i].fields);
    free(page);
}
