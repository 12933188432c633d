/*
 * alert_pages.c: alerts read back in pages, the newest change first. Globs are ours, not SQLite's,
 * so they are compared here, in one walk along the index of changes that also counts what is beyond
 * the page: there are at most some ten thousand rows (retention.c), and of those outside the page
 * only the columns that decide are read. Any thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/alert_row.h"
#include "store/alerts.h"
#include "store/reader.h"

/* The columns that decide, as ALERT_COLUMNS has them. */
enum { COLUMN_RULE = 2, COLUMN_SERIES = 3 };

/* " AND state IN ('a','b')". The words are ours: nothing needs quoting. */
static void write_words(struct buf *sql, const char *column, unsigned bits, unsigned count,
                        const char *(*name)(unsigned index))
{
    if (bits == 0)
        return;
    buf_printf(sql, " AND %s IN (", column);
    const char *separator = "";
    for (unsigned i = 0; i < count; i++) {
        if (bits & 1U << i) {
            buf_printf(sql, "%s'%s'", separator, name(i));
            separator = ",";
        }
    }
    buf_char(sql, ')');
}

static const char *state_word(unsigned index)
{
    return alert_state_name((enum alert_state)index);
}

static const char *severity_word(unsigned index)
{
    return alert_severity_name((enum alert_severity)index);
}

static int prepare_page(struct store_reader *reader, const struct alert_query *query,
                        sqlite3_stmt **ret)
{
    struct buf sql CLEANUP(buf_fini) = BUF_INIT;
    buf_text(&sql, "SELECT " ALERT_COLUMNS " FROM alert INDEXED BY alert_seq"
                   " WHERE started_ms <= ?2 AND (resolved_ms = 0 OR resolved_ms >= ?1)");
    write_words(&sql, "state", query->states, ALERT_STATES, state_word);
    write_words(&sql, "severity", query->severities, ALERT_SEVERITIES, severity_word);
    buf_text(&sql, " ORDER BY seq DESC");
    int error = database_prepare(reader->db, buf_string(&sql), ret);
    if (error)
        return error;
    sqlite3_bind_int64(*ret, 1, query->from_ms);
    sqlite3_bind_int64(*ret, 2, query->to_ms);
    return 0;
}

static bool glob_matches(const char *glob, sqlite3_stmt *stmt, int column)
{
    if (!glob)
        return true;
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text_glob(glob, text ? text : "");
}

static int read_page(struct store_reader *reader, const struct alert_query *query,
                     struct alert_page **ret)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int64_t rows = 0;
    /* A database that only earlier versions have written has no such table. */
    int error = database_number_of(
        reader->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'alert'", 0, &rows);
    if (!error && rows)
        error = database_number_of(reader->db, "SELECT count(*) FROM alert", 0, &rows);
    if (!error && rows)
        error = prepare_page(reader, query, &stmt);
    if (error)
        return error;
    size_t most = MIN(query->limit, (size_t)rows);
    struct alert_page *page = mem_alloc(sizeof(*page) + most * sizeof(struct alert *));
    int rc = SQLITE_DONE;
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!glob_matches(query->rule, stmt, COLUMN_RULE) ||
            !glob_matches(query->series, stmt, COLUMN_SERIES))
            continue;
        if (page->total++ < query->offset || page->total - query->offset > most)
            continue;
        struct alert *a = alert_row_read(stmt);
        if (a)
            page->alerts[page->count++] = a;
        else
            reader->damaged++;
    }
    error = database_error(reader->db, rc);
    if (error)
        alert_page_free(page);
    else
        *ret = page;
    return error;
}

int store_alerts(struct store_reader *reader, const struct alert_query *query,
                 struct alert_page **ret, struct store_error *err)
{
    if (query->limit > ALERT_PAGE_MAX)
        return store_fail(err, -EINVAL, "limit: at most %d alerts at a time", ALERT_PAGE_MAX);
    int error = reader_begin(reader, err);
    if (error)
        return error;
    error = read_page(reader, query, ret);
    if (error)
        reader_fail(reader, error, err);
    reader_end(reader);
    return error;
}

void alert_page_free(struct alert_page *page)
{
    if (!page)
        return;
    for (size_t i = 0; i < page->count; i++)
        alert_unref(page->alerts[i]);
    free(page);
}
