/*
 * store.c: the life of the writer: the directory and its lock, the connection and its statements,
 * and what happens when the disk turns out to be full, unwritable or damaged.
 *
 * States. `db` open is the normal one. When it cannot be opened (a full disk, say) it is NULL, or
 * good for reading the known series only: ticks are lost, counted, and every store_write tries
 * again. When it is found damaged, at start
 * or by any later statement, it is set aside under another name and a new one begun; what the
 * ledger knows of the series is then written anew with the next tick. The same when somebody
 * removes the file: what is written to one without a name would be gone with the process.
 *
 * Numbers. Ids of series and numbers of ticks and events must never be given out twice, not even
 * after kill -9 or a power cut: the database holds, ahead of their use, numbers that are beyond all
 * that will be used before it is written again (store_reserve); of all transactions this one waits
 * for the platter in any case. A clean stop writes the exact ones. When that
 * knowledge is lost or cannot be written, numbers begin at the clock: about a million a second,
 * one a second for series, is more than any run ever uses or reserves, and 2^53 is far.
 *
 * Store thread, but for store_open and store_restore, which run before it, and store_stats.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/data_dir.h"
#include "store/store_internal.h"

#define WAL_PAGES_MAX 8000
#define ASIDE_KEPT 3           /* damaged databases */
#define BUSY_NS (2 * NS_PER_S) /* for somebody with the sqlite3 tool */
#define STOP_NS (NS_PER_S / 2) /* in all, once the daemon stops */
#define BUSY_NAP_US 2000
#define SERIES_CLOCK_EPOCH_S 1700000000 /* leaves 32 bits enough until the year 2159 */

/* ---- notes and counters --------------------------------------------------------------------- */

void store_note_add(struct store *store, enum event_kind kind, bool recovered, const char *format,
                    ...)
{
    /* Nobody took the earlier ones: the newest replaces the last of them. */
    if (store->notes_count == NOTES_MAX)
        store->notes_count--;
    struct store_note *note = &store->notes[store->notes_count++];
    note->kind = kind;
    note->recovered = recovered;
    va_list args;
    va_start(args, format);
    vsnprintf(note->text, sizeof(note->text), format, args);
    va_end(args);
}

bool store_take_note(struct store *store, struct store_note *ret)
{
    if (store->notes_count == 0)
        return false;
    *ret = store->notes[0];
    memmove(store->notes, store->notes + 1, --store->notes_count * sizeof(store->notes[0]));
    return true;
}

void store_failed(struct store *store, int error, const char *what)
{
    atomic_store_explicit(&store->counters.error, error, memory_order_relaxed);
    atomic_store_explicit(&store->counters.error_what, what, memory_order_relaxed);
}

struct store_stats store_stats(const struct store *store)
{
    const struct counters *c = &store->counters;
#define GET(field) .field = atomic_load_explicit(&c->field, memory_order_relaxed)
    return (struct store_stats){
        GET(ticks_written),
        GET(ticks_lost),
        GET(events_written),
        GET(spans_folded),
        GET(chunks_folded),
        GET(spans_sealed),
        GET(chunks_sealed),
        GET(chunk_bytes),
        GET(spans_expired),
        GET(events_expired),
        GET(tables_written),
        GET(tables_lost),
        GET(tables_expired),
        GET(alerts_written),
        GET(alerts_lost),
        GET(alerts_expired),
        GET(alerts_unreadable),
        GET(set_aside),
        GET(chunks_aside),
        GET(database_bytes),
        GET(wal_bytes),
        GET(series),
        GET(write_ns_last),
        GET(write_ns_max),
        GET(write_ns_total),
        GET(work_ns_max),
        GET(work_ns_total),
        GET(failing),
        GET(error),
        GET(error_what),
    };
#undef GET
}

void store_suspect(struct store *store, const struct store_reader *reader)
{
    /* A reader that still looks at a database set aside before says nothing about this one. */
    if (store_reader_is_current(reader))
        atomic_store_explicit(&store->suspect, true, memory_order_relaxed);
}

struct store_numbers store_next(const struct store *store)
{
    return store->next;
}

/* ---- the connection ------------------------------------------------------------------------- */

/*
 * After every commit: how long the WAL is. Checkpoints are store_work's business; this one is for
 * a machine so busy that it does not get to work.
 */
static int on_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    struct store *store = context;
    if (pages >= WAL_PAGES_MAX)
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    store->wal_pages = pages;
    atomic_store_explicit(&store->counters.wal_bytes, (uint64_t)pages * (DATABASE_PAGE_BYTES + 24),
                          memory_order_relaxed);
    return SQLITE_OK;
}

/* Somebody else has a lock that is in our way: true to try again. */
static int on_busy(void *context, int tries)
{
    struct store *store = context;
    int64_t now_ns = clock_mono_ns();
    if (tries == 0)
        store->busy_until_ns = now_ns + BUSY_NS;
    int64_t until_ns = store->busy_until_ns;
    if (store->stop_until_ns)
        until_ns = MIN(until_ns, store->stop_until_ns);
    if (now_ns >= until_ns)
        return 0;
    usleep(BUSY_NAP_US);
    return 1;
}

void store_hurry(struct store *store)
{
    if (!store->stop_until_ns)
        store->stop_until_ns = clock_mono_ns() + STOP_NS;
}

int store_begin(struct store *store)
{
    return database_run(store->stmt[STMT_BEGIN]);
}

int store_commit(struct store *store)
{
    return database_run(store->stmt[STMT_COMMIT]);
}

/* Not inside a transaction. */
void store_wait_for_platter(struct store *store, bool wait)
{
    if (!store->settings.durable)
        database_exec(store->db,
                      wait ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

void store_rollback(struct store *store)
{
    /* SQLite rolls back by itself after some errors; then there is nothing left to do. */
    if (!sqlite3_get_autocommit(store->db))
        database_run(store->stmt[STMT_ROLLBACK]);
}

/* `keep_wal`: leave every file as it is, for a damaged database. */
static void detach(struct store *store, bool keep_wal)
{
    seal_abandon(store);
    fold_abandon(store);
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(store->stmt[i]);
        store->stmt[i] = NULL;
    }
    if (!store->db)
        return;
    if (keep_wal) {
        int on = 1;
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    }
    int rc = sqlite3_close(store->db);
    CHECK(rc == SQLITE_OK); /* a statement was left open */
    store->db = NULL;
    store->read_only = false;
}

bool store_is_writable(const struct store *store)
{
    return store->db && !store->read_only;
}

/* Statements and what earlier runs left; the connection is open. */
static int prepare_and_load(struct store *store)
{
    int error = 0;
    /* What cannot be written was perhaps never brought to this format, and needs none of them. */
    for (size_t i = 0; i < STATEMENTS && !error && !store->read_only; i++)
        error = database_prepare(store->db, store_statements[i], &store->stmt[i]);
    return error ? error : store_load(store);
}

static const char *const suffixes[] = {"-wal", "-shm"};

/* Of the file with this ending beside the database; 0: there is none. */
static ino_t inode_beside(const struct store *store, const char *suffix)
{
    char *path CLEANUP(mem_freep) = mem_printf("%s%s", store->path, suffix);
    struct stat st;
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

int store_attach(struct store *store, struct store_error *err)
{
    detach(store, true);
    int error = database_open_writer(store->path, store->settings.durable, &store->db, err);
    if (error)
        return error;
    struct stat st;
    if (stat(store->path, &st) == 0) {
        store->device = st.st_dev;
        store->inode = st.st_ino;
    }
    sqlite3_busy_handler(store->db, on_busy, store);
    sqlite3_wal_hook(store->db, on_commit, store);
    error = prepare_and_load(store);
    if (error) {
        store_fail(err, error, "%s: cannot read the history: %s", store->path,
                   error == -EBADMSG       ? "it is damaged"
                   : error == -EMEDIUMTYPE ? "it is another one; restart netsonde to go on with it"
                                           : strerror(-error));
        detach(store, error == -EBADMSG);
        return error;
    }
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        store->beside[i] = inode_beside(store, suffixes[i]); /* made by the first statement */
    store->meta_pending = true;
    store->rows_pending = true;
    store->retention_due = true;
    store->fold_due = true;
    return 0;
}

/* No space even for opening: what is there can often be read, so that series keep their ids. */
static void attach_read_only(struct store *store)
{
    detach(store, true);
    int64_t version;
    if (database_open_reader(store->path, &store->db, &version, NULL) < 0)
        return;
    store->read_only = true;
    if (prepare_and_load(store) < 0)
        detach(store, true);
}

/* Another database: nothing that is known of the one before holds for it. */
static int attach_anew(struct store *store, struct store_error *err)
{
    for (uint32_t i = 0; i < store->ledger.count; i++) {
        struct ledger_entry *e = &store->ledger.entries[i];
        if (e->id) /* the others are a chain */
            *e = (struct ledger_entry){.id = e->id, .column = LEDGER_NONE};
    }
    store->next_span = 1;
    store->expiring_span = 0;
    store->leftovers = false;
    if (store->alerts_restored)
        shelf_begin_anew(&store->shelf);
    store->written_seq = 0; /* a copy of earlier days lacks what was written after it was made */
    return store_attach(store, err);
}

int store_set_aside(struct store *store, const char *why)
{
    atomic_store_explicit(&store->suspect, false, memory_order_relaxed);
    /* What is in its place now is not what was found damaged: a reader may have met a mixture. */
    if (store_is_writable(store) && !store_is_in_place(store))
        return store_replace(store);
    detach(store, true);
    char name[PATH_MAX];
    struct store_error err = {0};
    int error = database_set_aside(store->path, clock_wall_ms(), name, sizeof(name), &err);
    if (error) {
        store_note_add(store, EVENT_ERROR, false, "history is damaged (%s): %s", why, err.text);
        return error;
    }
    count_add(&store->counters.set_aside, 1);
    store_note_add(store, EVENT_ERROR, false,
                   "history was damaged (%s) and is set aside as %s; a new one begins", why, name);
    size_t removed = database_prune_aside(store->path, name, ASIDE_KEPT);
    if (removed)
        store_note_add(store, EVENT_ERROR, false,
                       "%zu damaged databases of before were removed; the newest %d are kept",
                       removed, ASIDE_KEPT);
    return attach_anew(store, &err);
}

bool store_is_in_place(const struct store *store)
{
    struct stat st;
    if (stat(store->path, &st) != 0)
        return errno != ENOENT;
    return st.st_dev == store->device && st.st_ino == store->inode;
}

/* Our WAL may still be where the one of the new file belongs: SQLite would copy pages of the old
 * file out of it into the new one. One that came with the new file is another. */
static void remove_left(struct store *store)
{
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (!store->beside[i] || inode_beside(store, suffixes[i]) != store->beside[i])
            continue;
        char *path CLEANUP(mem_freep) = mem_printf("%s%s", store->path, suffixes[i]);
        unlink(path);
    }
}

int store_replace(struct store *store)
{
    store_note_add(
        store, EVENT_ERROR, false,
        "%s was removed or replaced while it was in use; history begins anew with what is "
        "there now",
        store->path);
    remove_left(store);
    detach(store, true);
    struct store_error err = {0};
    int error = attach_anew(store, &err);
    if (error)
        store_note_add(store, EVENT_ERROR, false, "%s", err.text);
    return error;
}

/* ---- the directory -------------------------------------------------------------------------- */

static int lock_directory(struct store *store, struct store_error *err)
{
    char *name CLEANUP(mem_freep) = mem_printf("%s/lock", store->dir);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return store_fail(err, -errno,
                          "cannot open %s: %s; check the owner and mode of the data directory, "
                          "or choose another with --data-dir",
                          name, strerror(errno));
    char text[32] = {0};
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno == EWOULDBLOCK ? -EBUSY : -errno;
        ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
        text[len > 0 ? strcspn(text, "\n") : 0] = '\0';
        close(fd);
        return store_fail(err, error,
                          "%s is in use by another netsonde (pid %s); stop it, or choose another "
                          "directory with --data-dir",
                          store->dir, *text ? text : "unknown");
    }
    /* The pid only informs; a full disk may keep it from being written. */
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        store_failed(store, -errno, "writing the lock");
    store->lock_fd = fd;
    return 0;
}

static bool is_lack_of_space(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

/* Numbers that nothing can have used yet, when the stored ones cannot be relied on. */
static void begin_at_the_clock(struct store *store)
{
    int64_t now_ms = clock_wall_ms();
    uint64_t number = (uint64_t)MAX(now_ms, 1) << 10;
    int64_t s = now_ms / MS_PER_S - SERIES_CLOCK_EPOCH_S;
    store->next.tick_seq = MAX(store->next.tick_seq, number);
    store->next.event_seq = MAX(store->next.event_seq, number);
    store->next.series_id = MAX(store->next.series_id, (uint32_t)MAX(s, 1));
    store->alert_next.seq = MAX(store->alert_next.seq, number);
    store->alert_next.id = MAX(store->alert_next.id, number);
    store->alert_next.silence_id = MAX(store->alert_next.silence_id, number);
}

/* The reservation for this run: before any number of it is used. */
static int write_first_meta(struct store *store)
{
    store_wait_for_platter(store, true);
    int error = store_begin(store);
    if (!error)
        error = store_reserve(store);
    if (!error)
        error = store_commit(store);
    if (error)
        store_rollback(store);
    else
        store_reserved(store);
    store_wait_for_platter(store, false);
    return error;
}

/* Once the database is open: which tick begins the boot, and the reservation. */
static int begin_run(struct store *store)
{
    if (store->boot_seq == 0)
        store->boot_seq = store->next.tick_seq;
    store->seen = store->next;
    store->alert_seen = store->alert_next;
    return write_first_meta(store);
}

static int open_database(struct store *store, struct store_error *err)
{
    int error = store_attach(store, err);
    if (!error)
        error = begin_run(store);
    if (error == -EBADMSG) {
        char why[STORE_TEXT_MAX];
        snprintf(why, sizeof(why), "%s", *err->text ? err->text : "found while opening");
        begin_at_the_clock(store);
        error = store_set_aside(store, why);
        if (!error)
            error = begin_run(store);
    }
    if (is_lack_of_space(error)) {
        if (!store->db)
            attach_read_only(store);
        begin_at_the_clock(store);
        store->boot_seq = store->boot_seq ? store->boot_seq : store->next.tick_seq;
        store->seen = store->next;
        store->alert_seen = store->alert_next;
        store_failed(store, error, "opening");
        atomic_store_explicit(&store->counters.failing, true, memory_order_relaxed);
        store_note_add(store, EVENT_ERROR, false,
                       "no space left in %s: nothing is recorded until some is free", store->dir);
        return 0;
    }
    if (error && err->code != error)
        store_fail(err, error, "%s: cannot write: %s", store->path, strerror(-error));
    return error;
}

int store_open(const char *data_dir, const struct store_settings *settings, struct store **ret,
               struct store_error *err)
{
    struct store_error unread = {0};
    if (err)
        *err = unread;
    else
        err = &unread;
    *ret = NULL;
    struct store *store = mem_alloc(sizeof(*store));
    store->dir = mem_string(data_dir);
    store->path = mem_printf("%s/" DATABASE_NAME, data_dir);
    store->lock_fd = -1;
    store->settings = *settings;
    store->settings.seal_ticks = MIN(MAX(settings->seal_ticks, 1U), STORE_SPAN_TICKS_MAX);
    store->settings.seal_ms = MAX(settings->seal_ms, INT64_C(1));
    store->settings.minute_ms = MAX(settings->minute_ms, settings->raw_ms);
    store->settings.hour_ms = MAX(settings->hour_ms, store->settings.minute_ms);
    if (settings->boot_id)
        snprintf(store->boot_id, sizeof(store->boot_id), "%s", settings->boot_id);
    else
        clock_boot_id(store->boot_id);
    store->settings.boot_id = store->boot_id;
    store->next = (struct store_numbers){1, 1, 1};
    store->alert_next = (struct store_alert_numbers){1, 1, 1};
    shelf_init(&store->shelf);
    store->next_span = 1;

    int error = data_dir_make(store->dir, err);
    if (!error)
        error = lock_directory(store, err);
    if (!error)
        error = open_database(store, err);
    if (error) {
        store_close(store, NULL);
        return error;
    }
    if (store_is_writable(store))
        store_measure(store);
    *ret = store;
    return 0;
}

/* The exact numbers and a database without a WAL; what fails here costs nothing but numbers. */
static void write_last_meta(struct store *store, const struct store_numbers *next)
{
    int error = store_begin(store);
    if (!error)
        error = store_put_meta(store, "next_series", next->series_id);
    if (!error)
        error = store_put_meta(store, "next_tick", (int64_t)next->tick_seq);
    if (!error)
        error = store_put_meta(store, "next_event", (int64_t)next->event_seq);
    if (!error && store->alert_exact.id)
        error = store_put_alert_numbers(store, &store->alert_exact);
    if (!error)
        error = store_commit(store);
    if (error)
        store_rollback(store);
}

void store_close(struct store *store, const struct store_numbers *next)
{
    if (!store)
        return;
    store_hurry(store);
    if (store_is_writable(store)) {
        seal_abandon(store);
        fold_abandon(store);
        store_write_kept(store);
        if (next)
            write_last_meta(store, next);
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    detach(store, false);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    shelf_fini(&store->shelf);
    ledger_fini(&store->ledger);
    series_set_unref(store->set);
    buf_fini(&store->row);
    free(store->index);
    free(store->id);
    free(store->kind);
    free(store->value);
    free(store->code);
    free(store->path);
    free(store->dir);
    free(store);
}
