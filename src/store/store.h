/*
 * store.h: history on disk. One writer thread, any number of readers.
 *
 *   core -- tick --> store thread: store_write, then store_work while nothing else waits
 *   any thread, any process: struct store_reader, opened read-only, one thread at a time each
 *
 * The file is an SQLite database in WAL mode; docs/STORAGE.md describes it. Functions return 0 or
 * -errno; `err` (may be NULL) says what happened, where, and what to do about it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/event.h"
#include "model/query.h"
#include "model/series.h"
#include "model/tick.h"

#define STORE_TEXT_MAX 512
#define STORE_BOOT_ID_MAX 80

struct store_error {
    int code; /* -errno */
    char text[STORE_TEXT_MAX];
};

struct store_settings {
    int64_t raw_ms;          /* how long samples are kept, */
    int64_t minute_ms;       /* rows of minutes (at least as long as samples), */
    int64_t hour_ms;         /* and of hours (at least as long as those of minutes) */
    int64_t events_ms;       /* how long events are kept, and alerts and silences that are over */
    int64_t connections_ms;  /* how long tables are kept */
    bool record_names;       /* false: tables and events lack programs, units, users, hosts */
    uint64_t max_size_bytes; /* of the database; the oldest samples go first */
    bool durable;            /* every tick reaches the platter before store_write returns */
    /* The log is rewritten into columns at each multiple of this time since 1970 … */
    int64_t seal_ms;
    uint32_t seal_ticks; /* … or when it has this many ticks, at most STORE_SPAN_TICKS_MAX */
    /* Whose counters are written: after a start with the same text they go on from their last
     * values. At most STORE_BOOT_ID_MAX - 1 bytes; "": nobody's; NULL: the running boot's. */
    const char *boot_id;
};

#define STORE_SPAN_TICKS_MAX 4096

#define STORE_SETTINGS_DEFAULT                                                                     \
    ((struct store_settings){                                                                      \
        .raw_ms = 48LL * 3600 * 1000,                                                              \
        .minute_ms = 90LL * 24 * 3600 * 1000,                                                      \
        .hour_ms = 5LL * 365 * 24 * 3600 * 1000,                                                   \
        .events_ms = 7LL * 24 * 3600 * 1000,                                                       \
        .connections_ms = 7LL * 24 * 3600 * 1000,                                                  \
        .record_names = true,                                                                      \
        .max_size_bytes = 2ULL << 30,                                                              \
        .seal_ms = 5LL * 60 * 1000,                                                                \
        .seal_ticks = 1024,                                                                        \
    })

/* The first numbers that were never given out. */
struct store_numbers {
    uint32_t series_id;
    uint64_t tick_seq;
    uint64_t event_seq;
};

/* Something that people must hear about: a failure, its end, a database set aside. */
struct store_note {
    enum event_kind kind; /* EVENT_ERROR or EVENT_LOSS */
    bool recovered;       /* good news */
    char text[STORE_TEXT_MAX];
};

/* Counts of this run, but for the sizes. */
struct store_stats {
    uint64_t ticks_written, ticks_lost; /* lost: the disk refused them */
    uint64_t events_written;
    uint64_t spans_sealed, chunks_sealed, chunk_bytes;
    uint64_t spans_folded, chunks_folded;   /* into longer ones and rows of the tier above */
    uint64_t spans_expired, events_expired; /* by age or size */
    uint64_t tables_written, tables_lost, tables_expired;
    /* Changes of alerts, rules and silences; expired and unreadable ones are rows. */
    uint64_t alerts_written, alerts_lost, alerts_expired, alerts_unreadable;
    uint64_t set_aside;    /* damaged databases */
    uint64_t chunks_aside; /* damaged pieces of one that goes on */
    uint64_t database_bytes, wal_bytes;
    uint64_t series;                                     /* rows on disk */
    int64_t write_ns_last, write_ns_max, write_ns_total; /* store_write, wall time */
    int64_t work_ns_max, work_ns_total;                  /* store_work */
    bool failing;                                        /* the last write failed */
    int error;              /* -errno of the last failure, 0: none in this run */
    const char *error_what; /* what was being done then; lives for ever; NULL with error 0 */
};

/* ---- the writer ---------------------------------------------------------------------------- */

struct store;

/*
 * Before the threads start. Makes data_dir (0700) when missing, locks it, opens or creates the
 * database. Fails with -EBUSY when another daemon holds the lock, -ENOTSUP for a database of a
 * newer version and -EMEDIUMTYPE for one of another program (both untouched), and when the
 * directory cannot be used. A damaged database is set aside and a full disk is lived with: both
 * succeed and leave a note.
 */
int store_open(const char *data_dir, const struct store_settings *settings, struct store **ret,
               struct store_error *err);

/* Numbers for the registry, the ticks and the events of this run; hold until store_close. */
struct store_numbers store_next(const struct store *store);

/* Every series of earlier runs into an empty registry. Before the threads start. */
int store_restore(struct store *store, struct registry *registry);

/*
 * One tick, one transaction: samples, events, new series. Store thread. On failure the tick is
 * lost (counted, noted once) and the next call tries again. `t` is borrowed.
 */
int store_write(struct store *store, const struct tick *t);

/* Whether snapshots of such a table are worth keeping: of connections and processes. */
bool store_keeps_table(enum table_kind kind);

/* A snapshot of a table: its 10,000 first rows in the usual order. Store thread. On failure it is
 * lost and counted. `t` is borrowed. */
int store_write_table(struct store *store, const struct tick_table *t);

/*
 * One bounded piece of housekeeping: what alerting keeps (alerts.h), sealing, retention, giving
 * space back, checkpoints. Store thread, between ticks, as long as it returns true and no tick
 * waits.
 */
bool store_work(struct store *store);

/* The daemon stops: from now on other users of the database (somebody with the sqlite3 tool) are
 * waited for half a second in all, not two for every tick. Store thread. */
void store_hurry(struct store *store);

/* The next note, oldest first; false when there is none. Store thread (before the threads: any). */
bool store_take_note(struct store *store, struct store_note *ret);

/* This reader met damage (-EBADMSG): the writer sets the database aside with its next tick. Any
 * thread, not while the reader is at work. */
struct store_reader;
void store_suspect(struct store *store, const struct store_reader *reader);

/* This reader met damaged chunks in a database that can be read otherwise: the writer looks at them
 * and sets them aside. Any thread, not while the reader is at work. */
void store_report(struct store *store, struct store_reader *reader);
bool store_reader_has_damaged(const struct store_reader *reader); /* something to report */

struct store_stats store_stats(const struct store *store); /* any thread; fields agree roughly */

/* Makes everything durable and lets go of the directory. `next` are the exact first unused
 * numbers; NULL: unknown, the next run begins beyond the reserved ones. NULL store allowed. */
void store_close(struct store *store, const struct store_numbers *next);

/* ---- readers ------------------------------------------------------------------------------- */

/*
 * Read-only; never changes the database. -ENOENT: no history there. A reader may be used by any
 * thread, one at a time. It sees what was committed when a call begins, and follows when the
 * writer replaces a damaged database.
 */
int store_reader_open(const char *data_dir, struct store_reader **ret, struct store_error *err);
void store_reader_close(struct store_reader *reader); /* NULL allowed */

/* False when the file in its place is another one by now. Any thread, not while it is at work. */
bool store_reader_is_current(const struct store_reader *reader);

/* Ends a running call with -ECANCELED, and every later one. Any thread. */
void store_reader_cancel(struct store_reader *reader);

/* Ticks that the disk may not have yet, by growing seq; borrowed for the call. May overlap the
 * disk: every tick counts once. */
struct recent {
    struct tick *const *ticks;
    size_t count;
};

/*
 * Answers per CONTRACT section 4. answer.to_ms is the start of the last point. Series without a
 * sample in the range are left out; `sum` is null for gauges. The step grows beyond what `points`
 * asks for when very many series match. Damaged chunks read as null and are counted in
 * store_reader_damaged; a damaged database is -EBADMSG. `recent` may be NULL, `reader` too (then
 * only `recent` is asked).
 */
int store_query(struct store_reader *reader, const struct query *query, const struct recent *recent,
                struct answer **ret, struct store_error *err);

uint64_t store_reader_damaged(const struct store_reader *reader); /* chunks and rows skipped */

struct event_query {
    unsigned kinds;         /* bits 1 << enum event_kind; 0: all */
    int64_t from_ms, to_ms; /* both inclusive */
    size_t limit, offset;   /* newest first; limit at most EVENT_PAGE_MAX */
};

#define EVENT_PAGE_MAX 10000

struct event_record {
    uint64_t seq;
    int64_t t_ms;
    enum event_kind kind;
    char *fields; /* a JSON object: {"device":"eth0","state":"down"} */
};

struct event_page {
    size_t total; /* that match, limit and offset apart */
    size_t count;
    struct event_record records[]; /* newest first */
};

int store_events(struct store_reader *reader, const struct event_query *query,
                 const struct recent *recent, struct event_page **ret, struct store_error *err);
void event_page_free(struct event_page *page); /* NULL allowed */

struct stored_table {
    struct table *table; /* one reference */
    int64_t t_ms;        /* when it was like this */
    uint64_t total;      /* rows that it had; the table has the first 10,000 of them at most */
};

/* The newest snapshot at or before at_ms. -ENOENT: there is none; -ENODATA: it is damaged. */
int store_table(struct store_reader *reader, enum table_kind kind, int64_t at_ms,
                struct stored_table *ret, struct store_error *err);
