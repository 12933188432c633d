/*
 * alert_row.h: an alert as a row of the database. Any thread.
 */
#pragma once

#include <sqlite3.h>

struct alert;

/* The columns, in the order of alert_row_bind and alert_row_read. */
#define ALERT_COLUMNS                                                                              \
    "id, seq, rule, series, state, severity, reason, changed_ms, pending_ms, started_ms,"          \
    " resolved_ms, series_id, unit, summary, acknowledged_by, value, threshold, z, silence_id,"    \
    " inhibited_by"
#define ALERT_PARAMETERS                                                                           \
    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20"

/* The texts must live until the statement has run. */
void alert_row_bind(sqlite3_stmt *stmt, const struct alert *a);
/* The statement's current row: one reference; NULL: it makes no alert. */
struct alert *alert_row_read(sqlite3_stmt *stmt);
