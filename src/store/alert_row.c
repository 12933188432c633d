/*
 * alert_row.c: see alert_row.h. Words for states, so that whoever looks with the sqlite3 tool can
 * read them; a number that is none (NAN) is NULL, which is what SQLite makes of it. What comes back
 * is checked: somebody may have edited it, and a disk may have damaged it.
 */
#include "store/alert_row.h"

#include <math.h>

#include "base/defs.h"

#include "model/alert.h"

void alert_row_bind(sqlite3_stmt *stmt, const struct alert *a)
{
    sqlite3_bind_int64(stmt, 1, (int64_t)a->id);
    sqlite3_bind_int64(stmt, 2, (int64_t)a->seq);
    sqlite3_bind_text(stmt, 3, a->rule, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, a->series, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, alert_state_name(a->state), -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, alert_severity_name(a->severity), -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 7, alert_reason_name(a->reason), -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 8, a->changed_ms);
    sqlite3_bind_int64(stmt, 9, a->pending_ms);
    sqlite3_bind_int64(stmt, 10, a->started_ms);
    /* 0 means that it is active, to the index that finds what expires. */
    sqlite3_bind_int64(stmt, 11, a->state == ALERT_RESOLVED ? MAX(a->resolved_ms, 1) : 0);
    sqlite3_bind_int64(stmt, 12, a->series_id);
    sqlite3_bind_text(stmt, 13, a->unit, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 14, a->summary, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 15, a->by, -1, SQLITE_STATIC);
    sqlite3_bind_double(stmt, 16, a->value);
    sqlite3_bind_double(stmt, 17, a->threshold);
    sqlite3_bind_double(stmt, 18, a->z);
    sqlite3_bind_int64(stmt, 19, (int64_t)a->silence_id);
    sqlite3_bind_int64(stmt, 20, (int64_t)a->inhibited_by);
}

static const char *text_of(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? text : "";
}

static double number_of(sqlite3_stmt *stmt, int column)
{
    int type = sqlite3_column_type(stmt, column);
    return type == SQLITE_FLOAT || type == SQLITE_INTEGER ? sqlite3_column_double(stmt, column)
                                                          : NAN;
}

/* Numbers that are given out begin at 1, times at 0. */
static bool numbers_are_sane(sqlite3_stmt *stmt)
{
    for (int column = 7; column <= 10; column++) {
        if (sqlite3_column_int64(stmt, column) < 0)
            return false;
    }
    int64_t series_id = sqlite3_column_int64(stmt, 11);
    return sqlite3_column_int64(stmt, 0) > 0 && sqlite3_column_int64(stmt, 1) > 0 &&
           series_id >= 0 && series_id <= UINT32_MAX && sqlite3_column_int64(stmt, 18) >= 0 &&
           sqlite3_column_int64(stmt, 19) >= 0;
}

struct alert *alert_row_read(sqlite3_stmt *stmt)
{
    enum alert_state state;
    enum alert_severity severity;
    enum alert_reason reason;
    if (!numbers_are_sane(stmt) || alert_state_parse(text_of(stmt, 4), &state) < 0 ||
        alert_severity_parse(text_of(stmt, 5), &severity) < 0 ||
        alert_reason_parse(text_of(stmt, 6), &reason) < 0 || !*text_of(stmt, 2) ||
        (state == ALERT_RESOLVED) != (sqlite3_column_int64(stmt, 10) > 0))
        return NULL;
    struct alert *a = alert_new();
    a->id = (uint64_t)sqlite3_column_int64(stmt, 0);
    a->seq = (uint64_t)sqlite3_column_int64(stmt, 1);
    alert_text(&a->rule, text_of(stmt, 2));
    alert_text(&a->series, text_of(stmt, 3));
    a->state = state;
    a->severity = severity;
    a->reason = reason;
    a->changed_ms = sqlite3_column_int64(stmt, 7);
    a->pending_ms = sqlite3_column_int64(stmt, 8);
    a->started_ms = sqlite3_column_int64(stmt, 9);
    a->resolved_ms = sqlite3_column_int64(stmt, 10);
    a->series_id = (uint32_t)sqlite3_column_int64(stmt, 11);
    alert_text(&a->unit, text_of(stmt, 12));
    alert_text(&a->summary, text_of(stmt, 13));
    alert_text(&a->by, text_of(stmt, 14));
    a->value = number_of(stmt, 15);
    a->threshold = number_of(stmt, 16);
    a->z = number_of(stmt, 17);
    a->silence_id = (uint64_t)sqlite3_column_int64(stmt, 18);
    a->inhibited_by = (uint64_t)sqlite3_column_int64(stmt, 19);
    return a;
}
