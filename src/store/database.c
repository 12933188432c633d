/*
 * database.c: the file under the history.
 *
 * What cannot be changed cheaply later is decided when the file is made: page size, incremental
 * vacuum, the application id that marks it as ours, and the version of the schema. WAL with shared
 * locking lets readers in this and other processes work while the one writer writes; with
 * synchronous NORMAL a commit is one append to the WAL without waiting for the platter: a killed
 * process loses nothing that was committed, a power cut at most what came since the last
 * checkpoint, never the database.
 *
 * A file that is not ours, or newer than this program, must not be touched at all. Opening an
 * SQLite database for writing may already change it (WAL recovery, checkpoint on close), so every
 * existing file is first looked at through a read-only connection that keeps the WAL.
 *
 * Functions here keep no state; connections belong to their callers.
 */
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define WRITER_CACHE "PRAGMA cache_size = -512;"
#define READER_CACHE "PRAGMA cache_size = -512;"
#define BUSY_TIMEOUT_MS 2000 /* somebody with the sqlite3 tool, or a WAL being recovered */

static const char schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, key TEXT NOT NULL, unit TEXT NOT NULL,"
    " help TEXT NOT NULL, kind INTEGER NOT NULL, scale REAL NOT NULL, method TEXT NOT NULL);"
    "CREATE TABLE last(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, absolute INTEGER NOT NULL,"
    " source INTEGER NOT NULL, known INTEGER NOT NULL);"
    "CREATE TABLE tick(seq INTEGER PRIMARY KEY, t_ms INTEGER NOT NULL,"
    " elapsed_ns INTEGER NOT NULL, interval_ms INTEGER NOT NULL, samples BLOB NOT NULL);"
    "CREATE TABLE span(id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,"
    " last_seq INTEGER NOT NULL, min_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL,"
    " interval_ms INTEGER NOT NULL, ticks INTEGER NOT NULL, times BLOB NOT NULL);"
    "CREATE INDEX span_time ON span(max_ms, min_ms, interval_ms);"
    "CREATE TABLE chunk(id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE event(seq INTEGER PRIMARY KEY, t_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
    " fields TEXT NOT NULL);"
    "CREATE INDEX event_time ON event(t_ms);";

/* What each version added to the one before, from 2 on. A file of an earlier one is brought up to
 * date by these in one transaction when it is opened for writing; readers take it as it is. */
static const char *const additions[DATABASE_VERSION - 1] = {
    "CREATE TABLE snapshot(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, t_ms INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, total INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE INDEX snapshot_time ON snapshot(t_ms, kind, bytes);",

    "CREATE TABLE alert(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, rule TEXT NOT NULL,"
    " series TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, reason TEXT NOT NULL,"
    " changed_ms INTEGER NOT NULL, pending_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
    " resolved_ms INTEGER NOT NULL, series_id INTEGER NOT NULL, unit TEXT NOT NULL,"
    " summary TEXT NOT NULL, acknowledged_by TEXT NOT NULL, value REAL, threshold REAL, z REAL,"
    " silence_id INTEGER NOT NULL, inhibited_by INTEGER NOT NULL);"
    "CREATE INDEX alert_seq ON alert(seq);"
    "CREATE INDEX alert_resolved ON alert(resolved_ms);"
    "CREATE TABLE rule(name TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(name, position)) WITHOUT ROWID;"
    "CREATE TABLE silence(id INTEGER PRIMARY KEY, rule TEXT NOT NULL, series TEXT NOT NULL,"
    " comment TEXT NOT NULL, made_by TEXT NOT NULL, from_ms INTEGER NOT NULL,"
    " to_ms INTEGER NOT NULL);",

    /* Behind `times`, so these are read from the indexes wherever that is a matter of cost. */
    "ALTER TABLE span ADD COLUMN tier INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE span ADD COLUMN folded INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE span ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX span_time;"
    "CREATE INDEX span_time ON span(tier, max_ms, min_ms, interval_ms, folded);"
    "CREATE INDEX span_order ON span(tier, folded, first_seq, last_seq, bytes);"
    "CREATE INDEX last_seq ON last(seq);",

    /* The same tables; what is in `chunk` and `tick` may be in forms that earlier ones do not know.
     */
    "",
};

int store_fail(struct store_error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        err->code = code;
    }
    return code;
}

int database_error(sqlite3 *db, int rc)
{
    int system;
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    /* Our statements fit our schema, and our numbers are unused: a missing column or a number that
     * is there already means that something else wrote into the file. */
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return -EBADMSG;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_INTERRUPT:
        return -ECANCELED;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        system = db ? sqlite3_system_errno(db) : 0;
        return system > 0 ? -system : -EIO;
    default:
        return -EIO;
    }
}

/*
 * The same for a call that began with errno 0. When a commit fails, SQLite does not keep the
 * system's reason; what it does after the failure succeeds, so errno still has it.
 */
static int error_with_errno(sqlite3 *db, int rc)
{
    int reason = errno;
    int error = database_error(db, rc);
    bool of_system = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
    return error && of_system && reason > 0 ? -reason : error;
}

int database_exec(sqlite3 *db, const char *sql)
{
    errno = 0;
    return error_with_errno(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int database_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
    return database_error(db,
                          sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

int database_run(sqlite3_stmt *stmt)
{
    errno = 0;
    int rc = sqlite3_step(stmt);
    int err = error_with_errno(sqlite3_db_handle(stmt), rc);
    sqlite3_reset(stmt);
    return err;
}

int database_changed_one(sqlite3 *db)
{
    return sqlite3_changes(db) == 1 ? 0 : -EBADMSG;
}

int database_number(sqlite3_stmt *stmt, int64_t missing, int64_t *ret)
{
    int rc = sqlite3_step(stmt);
    int err = database_error(sqlite3_db_handle(stmt), rc);
    if (!err)
        *ret = rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL
                   ? sqlite3_column_int64(stmt, 0)
                   : missing;
    sqlite3_reset(stmt);
    return err;
}

int database_number_of(sqlite3 *db, const char *sql, int64_t missing, int64_t *ret)
{
    sqlite3_stmt *stmt CLEANUP(database_finalize) = NULL;
    int err = database_prepare(db, sql, &stmt);
    return err ? err : database_number(stmt, missing, ret);
}

void database_finalize(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

int database_explain(struct store_error *err, sqlite3 *db, int code, const char *path,
                     const char *what)
{
    switch (code) {
    case -EBADMSG:
        return store_fail(err, code, "%s is damaged (%s)", path,
                          db ? sqlite3_errmsg(db) : "unreadable");
    case -ENOSPC:
    case -EDQUOT:
        return store_fail(err, code, "%s: no space left to %s; free some or set store.max_size",
                          path, what);
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return store_fail(err, code,
                          "%s: no permission to %s (%s); check the owner and mode of the "
                          "directory, or choose another with --data-dir",
                          path, what, strerror(-code));
    default:
        return store_fail(err, code, "%s: cannot %s: %s", path, what,
                          db ? sqlite3_errmsg(db) : strerror(-code));
    }
}

struct identity {
    int64_t application_id, version, tables;
};

static int identify(sqlite3 *db, struct identity *ret)
{
    int err = database_number_of(db, "PRAGMA application_id", 0, &ret->application_id);
    if (!err)
        err = database_number_of(db, "PRAGMA user_version", 0, &ret->version);
    if (!err)
        err = database_number_of(db, "SELECT count(*) FROM sqlite_schema", 0, &ret->tables);
    return err;
}

/* A file whose making was interrupted has no table yet: the schema comes in one transaction. */
static bool is_blank(const struct identity *id)
{
    return id->application_id == 0 && id->version == 0 && id->tables == 0;
}

static int judge(const struct identity *id, const char *path, struct store_error *err)
{
    if (is_blank(id))
        return 0;
    if (id->application_id != DATABASE_APPLICATION_ID)
        return store_fail(err, -EMEDIUMTYPE,
                          "%s is a database of another program (application id %#llx) and was "
                          "not touched; move it away or choose another --data-dir",
                          path, (unsigned long long)id->application_id);
    if (id->version > DATABASE_VERSION)
        return store_fail(err, -ENOTSUP,
                          "%s was written by a newer netsonde (format %lld, this one knows %d) "
                          "and was not touched; upgrade, or choose another --data-dir",
                          path, (long long)id->version, DATABASE_VERSION);
    return 0;
}

/*
 * Opens read-only. A database without a WAL in a directory that may not be written cannot be
 * opened the usual way (there is no place for the shared index); nobody writes it either, so it
 * is opened as immutable then.
 */
static int open_read_only(const char *path, sqlite3 **ret)
{
    sqlite3 *db = NULL;
    int64_t ignored;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    int err = database_error(db, rc);
    if (!err) {
        int on = 1;
        sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
        sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
        /* Locks and index are only needed by the first statement. */
        err = database_number_of(db, "PRAGMA user_version", 0, &ignored);
    }
    if (err == 0 || err == -EBADMSG) {
        *ret = db;
        return err;
    }
    sqlite3_close(db);
    *ret = NULL;

    struct buf wal CLEANUP(buf_fini) = BUF_INIT;
    buf_printf(&wal, "%s-wal", path);
    if (access(buf_string(&wal), F_OK) == 0 || access(path, R_OK) != 0)
        return err;
    struct buf uri CLEANUP(buf_fini) = BUF_INIT;
    buf_text(&uri, "file:");
    for (const char *c = path; *c; c++) {
        if (strchr("%?#", *c))
            buf_printf(&uri, "%%%02x", *c);
        else
            buf_char(&uri, *c);
    }
    buf_text(&uri, "?immutable=1");
    rc = sqlite3_open_v2(buf_string(&uri), &db,
                         SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    err = database_error(db, rc);
    if (!err)
        err = database_number_of(db, "PRAGMA user_version", 0, &ignored);
    *ret = db;
    return err;
}

/* Looks at an existing file without changing it. */
static int inspect(const char *path, struct store_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT ? 0 : database_explain(err, NULL, -errno, path, "look at it");
    sqlite3 *db;
    struct identity id = {0};
    int error = open_read_only(path, &db);
    if (!error)
        error = identify(db, &id);
    error = error ? database_explain(err, db, error, path, "open it") : judge(&id, path, err);
    sqlite3_close(db);
    return error;
}

/* What a database of `version` lacks; 0 for one without anything. */
static void put_schema(struct buf *sql, int64_t version)
{
    if (version == 0)
        buf_text(sql, schema);
    for (size_t i = version > 0 ? (size_t)version - 1 : 0; i < ARRAY_LEN(additions); i++)
        buf_text(sql, additions[i]);
}

static int make_schema(sqlite3 *db, int64_t version)
{
    struct buf sql CLEANUP(buf_fini) = BUF_INIT;
    buf_text(&sql, "BEGIN IMMEDIATE; ");
    put_schema(&sql, version);
    buf_printf(&sql, " PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
               DATABASE_APPLICATION_ID, DATABASE_VERSION);
    int err = database_exec(db, buf_string(&sql));
    if (err && !sqlite3_get_autocommit(db))
        database_exec(db, "ROLLBACK");
    return err;
}

/* What tables and indexes are made of: a row for each column, by position in an index. */
#define FORM                                                                                       \
    "SELECT m.name AS owner, p.name AS part, p.type AS type, p.\"notnull\" AS needed,"             \
    " p.dflt_value AS standard, p.pk AS place FROM sqlite_schema m"                                \
    " JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.sql NOTNULL"                   \
    " UNION ALL SELECT m.name, i.name, '', i.seqno, NULL, -1 FROM sqlite_schema m"                 \
    " JOIN pragma_index_info(m.name) i WHERE m.type = 'index' AND m.sql NOTNULL"
#define FORM_COLUMNS 6

/*
 * The schema is text in the file. With a wrong letter in it SQLite may still work, with tables
 * whose rows are no longer found by their number; integrity_check sees nothing. What others added
 * to the file, columns too, does not matter. -EBADMSG: something that this version makes is
 * missing or otherwise.
 */
static int check_schema(sqlite3 *db, const char *path, struct store_error *err)
{
    sqlite3 *made = NULL;
    sqlite3_stmt *expected = NULL, *found = NULL;
    struct buf sql CLEANUP(buf_fini) = BUF_INIT;
    put_schema(&sql, 0);
    /* Whatever happens to the one in memory says nothing about the file. */
    bool ready = sqlite3_open(":memory:", &made) == SQLITE_OK &&
                 sqlite3_exec(made, buf_string(&sql), NULL, NULL, NULL) == SQLITE_OK &&
                 sqlite3_prepare_v2(made, FORM, -1, &expected, NULL) == SQLITE_OK;
    int error = ready ? 0 : -ENOMEM;
    if (!error)
        error = database_prepare(db,
                                 "SELECT 1 FROM (" FORM ") WHERE owner IS ?1 AND part IS ?2 AND"
                                 " type IS ?3 AND needed IS ?4 AND standard IS ?5 AND place IS ?6",
                                 &found);
    bool same = true;
    int rc = SQLITE_DONE;
    while (!error && same && (rc = sqlite3_step(expected)) == SQLITE_ROW) {
        for (int i = 0; i < FORM_COLUMNS; i++)
            sqlite3_bind_value(found, i + 1, sqlite3_column_value(expected, i));
        int64_t one;
        error = database_number(found, 0, &one);
        same = error || one == 1;
    }
    if (!error && same && rc != SQLITE_DONE)
        error = -ENOMEM;
    if (error)
        database_explain(err, error == -ENOMEM ? NULL : db, error, path, "look at its tables");
    else if (!same)
        error = store_fail(err, -EBADMSG, "%s is damaged: %s in it is not as it was made", path,
                           (const char *)sqlite3_column_text(expected, 0));
    sqlite3_finalize(expected);
    sqlite3_finalize(found);
    sqlite3_close(made);
    return error;
}

/* A connection that may write, set up but for how patient commits are. Close it, also when this
 * fails and *ret is not NULL. */
static int open_to_write(const char *path, sqlite3 **ret)
{
    int rc = sqlite3_open_v2(
        path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int error = database_error(*ret, rc);
    if (error)
        return error;
    sqlite3_busy_timeout(*ret, BUSY_TIMEOUT_MS);
    return database_exec(*ret, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
                               "PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY;"
                               "PRAGMA journal_size_limit = 8388608;"
                               "PRAGMA mmap_size = 0;" WRITER_CACHE);
}

/* Files that somebody was making when he died, or could not finish. */
static void remove_unfinished(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        struct buf name CLEANUP(buf_fini) = BUF_INIT;
        buf_printf(&name, "%s%s", path, suffixes[i]);
        unlink(buf_string(&name));
    }
}

/* The names in the directory reach the platter. */
static int sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct buf dir CLEANUP(buf_fini) = BUF_INIT;
    if (slash)
        buf_append(&dir, path, (size_t)(slash - path) + 1);
    else
        buf_char(&dir, '.');
    int fd = open(buf_string(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 || fsync(fd) != 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

/*
 * A database with its schema and nothing else, under another name until it is whole. Killed while
 * SQLite writes the first page and its rollback journal, we would leave a file that cannot be
 * looked at without changing it, which inspect() refuses; and a journal whose removal did not reach
 * the platter would take the history back to nothing.
 */
static int make_database(const char *path)
{
    struct buf name CLEANUP(buf_fini) = BUF_INIT;
    buf_printf(&name, "%s.new", path);
    const char *unfinished = buf_string(&name);
    remove_unfinished(unfinished);
    /* Ours alone; SQLite gives the WAL and the index the mode of the database. */
    int fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    sqlite3 *db = NULL;
    int error = open_to_write(unfinished, &db);
    if (!error)
        error = make_schema(db, 0);
    /* Out of the WAL and onto the platter: whoever takes its name away must not need that. */
    if (!error)
        error = database_error(
            db, sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
    sqlite3_close(db);
    if (!error && rename(unfinished, path) != 0)
        error = -errno;
    if (!error)
        error = sync_directory_of(path);
    if (error)
        remove_unfinished(unfinished);
    return error;
}

/* Nothing, or a file without a byte. A link elsewhere is left to SQLite. */
static bool is_nothing(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT;
    return S_ISREG(st.st_mode) && st.st_size == 0;
}

/* Readers know the spans by heart (catalog.h) as long as this number stays. Counted by this
 * connection, whatever it does to a span and where: in the same transaction. */
#define COUNT_SPANS                                                                                \
    "INSERT INTO meta(name, value) VALUES('" SPANS_CHANGED "', 1)"                                 \
    " ON CONFLICT(name) DO UPDATE SET value = value + 1; END;"
static const char counting_spans[] =
    "CREATE TEMP TRIGGER span_comes AFTER INSERT ON main.span BEGIN " COUNT_SPANS
    "CREATE TEMP TRIGGER span_changes AFTER UPDATE ON main.span BEGIN " COUNT_SPANS
    "CREATE TEMP TRIGGER span_goes AFTER DELETE ON main.span BEGIN " COUNT_SPANS;

int database_open_writer(const char *path, bool durable, sqlite3 **ret, struct store_error *err)
{
    *ret = NULL;
    int error = inspect(path, err);
    if (error)
        return error;
    sqlite3 *db = NULL;
    struct identity id = {0};
    if (is_nothing(path))
        error = make_database(path);
    if (!error)
        error = open_to_write(path, &db);
    if (!error)
        error = database_exec(db, durable ? "PRAGMA synchronous = FULL"
                                          : "PRAGMA synchronous = NORMAL");
    if (!error)
        error = identify(db, &id);
    if (!error && is_blank(&id))
        error = make_schema(db, 0);
    else if (!error && id.version < DATABASE_VERSION)
        error = make_schema(db, MAX(id.version, INT64_C(1)));
    if (!error)
        error = database_exec(db, counting_spans);
    if (error)
        database_explain(err, db, error, path, "open it for writing");
    else
        error = check_schema(db, path, err);
    if (error) {
        sqlite3_close(db);
        return error;
    }
    *ret = db;
    return 0;
}

/* Whatever the format, questions are about the same columns. */
static int make_view(sqlite3 *db, int64_t version)
{
    return database_exec(db, version >= 4 ? "CREATE TEMP VIEW " SPANS_VIEW " AS SELECT * FROM span"
                                          : "CREATE TEMP VIEW " SPANS_VIEW
                                            " AS SELECT *, 0 AS tier, 0 AS folded FROM span");
}

int database_open_reader(const char *path, sqlite3 **ret, int64_t *ret_version,
                         struct store_error *err)
{
    *ret = NULL;
    if (access(path, F_OK) != 0)
        return store_fail(err, -errno, "%s: %s; is the data directory right?", path,
                          errno == ENOENT ? "no history there" : strerror(errno));
    sqlite3 *db;
    struct identity id = {0};
    int error = open_read_only(path, &db);
    if (!error)
        error = database_exec(db, "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;" READER_CACHE);
    if (!error)
        error = identify(db, &id);
    if (error)
        database_explain(err, db, error, path, "open it");
    else if (is_blank(&id))
        error = store_fail(err, -ENOENT, "%s: no history there yet", path);
    else
        error = judge(&id, path, err);
    if (!error) {
        error = make_view(db, id.version);
        if (!error)
            error = database_exec(db, "PRAGMA query_only = 1");
        if (error)
            database_explain(err, db, error, path, "open it");
    }
    if (error) {
        sqlite3_close(db);
        return error;
    }
    *ret = db;
    *ret_version = id.version;
    return 0;
}
