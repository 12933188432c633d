/* statements.c: what the writer says to SQLite; prepared once for each connection. */
#include "store/alert_row.h"
#include "store/chunk.h"
#include "store/store_internal.h"

const char *const store_statements[STATEMENTS] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_META_PUT] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
    [STMT_SERIES_PUT] = "INSERT OR REPLACE INTO series(id, key, unit, help, kind, scale, method)"
                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STMT_SERIES_METHOD] = "UPDATE series SET method = ?2 WHERE id = ?1 AND method <> ?2",
    [STMT_LAST_PUT] = "INSERT OR REPLACE INTO last(id, seq, absolute, source, known)"
                      " VALUES(?1, ?2, ?3, ?4, ?5)",
    [STMT_TICK_PUT] = "INSERT INTO tick(seq, t_ms, elapsed_ns, interval_ms, samples)"
                      " VALUES(?1, ?2, ?3, ?4, ?5)",
    [STMT_TICKS] = "SELECT seq, t_ms, elapsed_ns, interval_ms FROM tick ORDER BY seq LIMIT ?1",
    [STMT_TICKS_BETWEEN] = "SELECT seq, samples FROM tick WHERE seq BETWEEN ?1 AND ?2"
                           " ORDER BY seq",
    [STMT_TICKS_DELETE] = "DELETE FROM tick WHERE seq BETWEEN ?1 AND ?2",
    [STMT_EVENT_PUT] = "INSERT OR REPLACE INTO event(seq, t_ms, kind, fields)"
                       " VALUES(?1, ?2, ?3, ?4)",
    [STMT_TABLE_PUT] = "INSERT INTO snapshot(kind, t_ms, seq, total, bytes, data)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_TABLES_EXPIRE] = "DELETE FROM snapshot WHERE id IN"
                           " (SELECT id FROM snapshot WHERE t_ms < ?1 LIMIT ?2)",
    [STMT_TABLES_OLDEST] = "DELETE FROM snapshot WHERE id IN"
                           " (SELECT id FROM snapshot ORDER BY t_ms LIMIT ?1)",
    [STMT_TABLES_BYTES] = "SELECT sum(bytes) FROM snapshot INDEXED BY snapshot_time",
    [STMT_ALERT_PUT] =
        "INSERT OR REPLACE INTO alert(" ALERT_COLUMNS ") VALUES(" ALERT_PARAMETERS ")",
    [STMT_ALERTS_COUNT] = "SELECT count(*) FROM alert INDEXED BY alert_resolved"
                          " WHERE resolved_ms > 0",
    [STMT_ALERTS_EXPIRE] = "DELETE FROM alert WHERE id IN"
                           " (SELECT id FROM alert INDEXED BY alert_resolved"
                           " WHERE resolved_ms > 0 AND resolved_ms < ?1 LIMIT ?2)",
    [STMT_ALERTS_OLDEST] = "DELETE FROM alert WHERE id IN"
                           " (SELECT id FROM alert INDEXED BY alert_resolved"
                           " WHERE resolved_ms > 0 ORDER BY resolved_ms LIMIT ?1)",
    [STMT_RULE_PUT] = "INSERT INTO rule(name, position, key, value) VALUES(?1, ?2, ?3, ?4)",
    [STMT_RULE_DELETE] = "DELETE FROM rule WHERE name = ?1",
    [STMT_RULES_DELETE] = "DELETE FROM rule",
    [STMT_SILENCE_PUT] = "INSERT OR REPLACE INTO silence(id, rule, series, comment, made_by,"
                         " from_ms, to_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STMT_SILENCES_EXPIRE] = "DELETE FROM silence WHERE to_ms < ?1",
    [STMT_SILENCES_DELETE] = "DELETE FROM silence",
    [STMT_CHUNK_PUT] = "INSERT OR REPLACE INTO chunk(id, data) VALUES(?1, ?2)",
    [STMT_CHUNK_GET] = CHUNK_STATEMENT,
    [STMT_CHUNKS_DROP] = "DELETE FROM chunk WHERE id >= ?1",
    [STMT_SPAN_PUT] = "INSERT INTO span(id, first_seq, last_seq, min_ms, max_ms, interval_ms,"
                      " ticks, times, tier, folded, bytes)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [STMT_SPANS_LOOSE] = "SELECT id, first_seq, last_seq, min_ms, max_ms, interval_ms, ticks"
                         " FROM span INDEXED BY span_order"
                         " WHERE tier = ?1 AND folded = 0 ORDER BY first_seq LIMIT ?2",
    [STMT_SPAN_TIMES] = "SELECT times FROM span WHERE id = ?1",
    [STMT_SPAN_REPLACE] = "UPDATE span SET tier = 3 WHERE id = ?1",
    [STMT_SPAN_REPLACED] = "SELECT id FROM span INDEXED BY span_time WHERE tier = 3 LIMIT 1",
    [STMT_TIER_LARGEST] = "SELECT tier FROM span INDEXED BY span_order WHERE tier < 3"
                          " GROUP BY tier ORDER BY sum(bytes) DESC, tier LIMIT 1",
    [STMT_PAGES] = "PRAGMA page_count",
    [STMT_PAGES_FREE] = "PRAGMA freelist_count",
    [STMT_SPAN_EXPIRED] = "SELECT id FROM span INDEXED BY span_time WHERE tier = ?1"
                          " AND max_ms < ?2 AND folded >= ?3 ORDER BY max_ms LIMIT 1",
    [STMT_SPAN_OLDEST] = "SELECT id FROM span INDEXED BY span_time WHERE tier = ?1"
                         " ORDER BY max_ms LIMIT 1",
    [STMT_SPAN_END_MS] = "SELECT min(max_ms) FROM span INDEXED BY span_time WHERE tier = ?1",
    [STMT_SPAN_OLDEST_MS] = "SELECT min(max_ms) FROM span INDEXED BY span_time WHERE tier < 3",
    [STMT_EVENT_OLDEST_MS] = "SELECT t_ms FROM event ORDER BY seq LIMIT 1",
    [STMT_SPAN_DELETE] = "DELETE FROM span WHERE id = ?1",
    [STMT_CHUNKS_DELETE] = "DELETE FROM chunk WHERE id IN"
                           " (SELECT id FROM chunk WHERE id BETWEEN ?1 AND ?2 LIMIT ?3)",
    [STMT_EVENTS_EXPIRE] = "DELETE FROM event WHERE seq IN"
                           " (SELECT seq FROM event WHERE t_ms < ?1 LIMIT ?2)",
    [STMT_EVENTS_OLDEST] = "DELETE FROM event WHERE seq IN"
                           " (SELECT seq FROM event ORDER BY seq LIMIT ?1)",
    [STMT_SEQ_OLDEST] =
        "SELECT min(seq) FROM (SELECT min(first_seq) AS seq FROM span INDEXED BY span_order"
        " UNION ALL SELECT min(seq) FROM tick)",
    [STMT_SERIES_DELETE] = "DELETE FROM series WHERE id = ?1",
    [STMT_LAST_DELETE] = "DELETE FROM last WHERE id = ?1",
};
