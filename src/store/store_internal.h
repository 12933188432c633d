/*
 * store_internal.h: the writer's state, shared by the files that make it up:
 *
 *   statements.c what it says to SQLite
 *   store.c      opening, closing, setting aside, notes and counters
 *   load.c       what earlier runs left: numbers, series, the log
 *   write.c      a tick into the log
 *   alerts.c     what alerting keeps, from the shelf into its tables
 *   tables.c     a table into a snapshot
 *   seal.c       the log into columns
 *   fold.c       columns into longer ones, and into rows of the tier above
 *   retention.c  what is too old or too much, space given back, checkpoints
 *
 * Everything but `counters`, `suspect` and `reported` belongs to the store thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/alerts.h"
#include "store/codec.h"
#include "store/database.h"
#include "store/ledger.h"
#include "store/rollup.h"
#include "store/shelf.h"
#include "store/store.h"

enum statement {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_META_PUT,
    STMT_SERIES_PUT,
    STMT_SERIES_METHOD,
    STMT_LAST_PUT,
    STMT_TICK_PUT,
    STMT_TICKS,         /* ?1: how many, oldest first */
    STMT_TICKS_BETWEEN, /* ?1, ?2: sequence numbers */
    STMT_TICKS_DELETE,
    STMT_EVENT_PUT,
    STMT_TABLE_PUT,
    STMT_TABLES_EXPIRE,
    STMT_TABLES_OLDEST,
    STMT_TABLES_BYTES,
    STMT_ALERT_PUT,
    STMT_ALERTS_COUNT,
    STMT_ALERTS_EXPIRE,
    STMT_ALERTS_OLDEST,
    STMT_RULE_PUT,
    STMT_RULE_DELETE,
    STMT_RULES_DELETE,
    STMT_SILENCE_PUT,
    STMT_SILENCES_EXPIRE,
    STMT_SILENCES_DELETE,
    STMT_CHUNK_PUT,
    STMT_CHUNK_GET,
    STMT_CHUNKS_DROP, /* ?1: from this row on */
    STMT_SPAN_PUT,
    STMT_SPANS_LOOSE, /* ?1: tier; ?2: how many, oldest first */
    STMT_SPAN_TIMES,
    STMT_SPAN_REPLACE,
    STMT_SPAN_REPLACED,
    STMT_TIER_LARGEST,
    STMT_PAGES,
    STMT_PAGES_FREE,
    STMT_SPAN_EXPIRED, /* ?1: tier; ?2: ended before; ?3: 1: those that are folded only */
    STMT_SPAN_OLDEST,  /* ?1: tier */
    STMT_SPAN_END_MS,  /* of that one; ?1: tier */
    STMT_SPAN_OLDEST_MS,
    STMT_SPAN_DELETE,
    STMT_CHUNKS_DELETE, /* ?1, ?2: rows; ?3: how many at most */
    STMT_EVENTS_EXPIRE,
    STMT_EVENTS_OLDEST,
    STMT_EVENT_OLDEST_MS,
    STMT_SEQ_OLDEST,
    STMT_SERIES_DELETE,
    STMT_LAST_DELETE,
    STATEMENTS
};

extern const char *const store_statements[STATEMENTS];

/* The public struct store_stats, field by field, as atomics. Written by the store thread only. */
struct counters {
    atomic_uint_least64_t ticks_written, ticks_lost, events_written, spans_sealed, chunks_sealed,
        chunk_bytes, spans_folded, chunks_folded, spans_expired, events_expired, tables_written,
        tables_lost, tables_expired, alerts_written, alerts_lost, alerts_expired, alerts_unreadable,
        set_aside, chunks_aside, database_bytes, wal_bytes, series;
    atomic_int_least64_t write_ns_last, write_ns_max, write_ns_total, work_ns_max, work_ns_total;
    atomic_bool failing;
    atomic_int error;
    _Atomic(const char *) error_what;
};

static inline void count_add(atomic_uint_least64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#define NOTES_MAX 8
#define STORE_REPORTS 16

struct seal;
struct fold;

struct store {
    char *dir, *path;
    int lock_fd;
    struct store_settings settings;
    char boot_id[STORE_BOOT_ID_MAX];
    /* A random number, the same in all databases in which one id means one series: those that one
     * run after the other has gone on with, and copies of them. 0: not known yet. */
    int64_t history;

    dev_t device; /* of the file that `db` has open */
    ino_t inode;
    ino_t beside[2]; /* of its -wal and -shm */
    sqlite3 *db;     /* NULL: could not be opened, tried again with every tick */
    bool read_only;  /* `db` is good for store_restore only, otherwise as if it were NULL */
    sqlite3_stmt *stmt[STATEMENTS];
    int64_t busy_until_ns, stop_until_ns; /* how long to wait for others; 0: not stopping */
    int wal_pages;                        /* after the last commit */
    uint32_t next_span;
    uint64_t forget_before; /* series that are silent since before this tick go */
    uint32_t expire_at;     /* ledger: where looking for series to expire goes on */
    bool meta_pending;      /* reservation or boot id must go out with the next tick */

    struct store_numbers next;     /* as handed out by store_next */
    struct store_numbers reserved; /* on disk: no number from here on was given out */
    struct store_numbers seen;     /* first unused, as far as the ticks have told */
    uint64_t boot_seq;             /* the first tick that belongs to the running boot */
    uint32_t newest_series;        /* the greatest id that has a row */
    int64_t late_series;           /* how often one came that is below it: in `meta`, for readers */

    struct shelf shelf;                                                /* what alerting keeps */
    struct store_alert_numbers alert_next, alert_reserved, alert_seen; /* as those above */
    struct store_alert_numbers alert_exact;                            /* 0: not known */
    bool alerts_known;    /* the database has tables for them */
    bool alerts_restored; /* the shelf has all that was there */
    bool kept_blocked, kept_told;

    struct ledger ledger;
    struct series_set *set; /* that `index` and `id` were made for; a reference */
    uint32_t slots_capacity;
    uint32_t *index; /* slot -> ledger, LEDGER_NONE for free slots */
    uint32_t *id;    /* slot -> series id */
    uint8_t *kind;   /* slot -> enum metric_kind: the series themselves are busy on another core */
    uint8_t *code;   /* slot -> enum row_code, of the tick being written */
    union sample *value; /* slot -> value, of a tick that follows lost ones */
    bool rows_pending;   /* some series of the set may have no row, or another method */
    struct buf row;

    /* The log: `older` ticks of runs that have ended, then the run that grows. A run is made of
     * ticks that may share a span: one interval, no great jump in time. */
    uint32_t log_ticks, log_older;
    int64_t log_interval_ms, log_t_ms; /* of its last tick */
    int64_t log_first_ms;              /* of the first tick of the run that grows */
    struct seal *seal;                 /* NULL: none under way */

    struct fold *fold; /* NULL: none under way; never beside a seal */
    bool fold_due;     /* perhaps there is something to fold */
    bool leftovers;    /* chunks of a seal or fold that was given up, from next_span on */

    bool retention_due, work_failing, work_blocked;
    uint32_t expiring_span; /* 0: none; its chunks are being deleted */
    bool expiring_replaced; /* others have what was in it */
    int64_t now_ms;         /* wall time of the last tick: ages are counted from it */
    int64_t looked_second;  /* of the wall clock, in which the files were last looked for */
    int64_t doubt_ns;       /* the clock was set far ahead: so long it must go on to be believed */
    int64_t ahead_ms;       /* how far, while it is in doubt */
    uint64_t written_seq;   /* of the last tick written; 0: none in this run */
    uint32_t writes_since_retention;
    int vacuum_left; /* pages that still have to be given back */

    size_t notes_count;
    struct store_note notes[NOTES_MAX];
    atomic_bool suspect;
    atomic_int_least64_t reported[STORE_REPORTS]; /* rows of damaged chunks; 0: free */
    struct counters counters;
};

/* store.c */
void store_note_add(struct store *store, enum event_kind kind, bool recovered, const char *format,
                    ...) PRINTF_LIKE(4, 5);
void store_failed(struct store *store, int error, const char *what); /* counters only */
int store_attach(struct store *store, struct store_error *err);
bool store_is_writable(const struct store *store);
int store_set_aside(struct store *store, const char *why);
bool store_is_in_place(const struct store *store); /* false: its file is gone, or another one */
int store_replace(struct store *store);            /* then: goes on with what is in its place */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);
/* Whether what is committed from here on is on the platter before the commit returns; with
 * `durable` it always is. */
void store_wait_for_platter(struct store *store, bool wait);

/* load.c */
int store_load(struct store *store);

/* alerts.c */
int store_load_alert_numbers(struct store *store);
int store_write_kept_piece(struct store *store); /* 0 or -errno */

/* write.c: the numbers that a crash must not give out again; inside a transaction. */
int store_put_meta(struct store *store, const char *name, int64_t value);
int store_put_alert_numbers(struct store *store, const struct store_alert_numbers *next);
int store_reserve(struct store *store);
bool store_reserve_needed(const struct store *store);
void store_reserved(struct store *store); /* what store_reserve has written is committed */
bool store_log_run_ends(const struct store *store, int64_t interval_ms, int64_t t_ms);

/* Chunks from next_span on are nobody's: they are dropped before that number is used. */
int store_drop_leftovers(struct store *store);

/* fold.c */
bool fold_due(struct store *store);
int fold_work(struct store *store); /* one slice; 0 or -errno */
void fold_abandon(struct store *store);

/* damaged.c */
bool damaged_due(const struct store *store);
int damaged_work(struct store *store);
/* A chunk that is found damaged goes into the table of those; inside a transaction. */
int damaged_move(struct store *store, int64_t row);
/* Counts so many that were moved, and says so: `first` is one of the series. */
void damaged_told(struct store *store, size_t count, const char *first);

/* seal.c */
bool seal_due(const struct store *store);
int seal_work(struct store *store); /* one slice; 0 or -errno, then to be tried again */
void seal_abandon(struct store *store);

/* retention.c */
int retention_work(struct store *store, bool *ret_busy);
int checkpoint_work(struct store *store, bool *ret_busy);
/* Lets go of series that were never written and are not live: while nothing can be written, names
 * that come and go would pile up. */
void store_forget_unwritten(struct store *store);
int64_t store_age_ms(const struct store *store, enum tier tier); /* how long its rows are kept */
int store_measure(struct store *store);                          /* sizes into the counters */
