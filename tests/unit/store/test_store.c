/*
 * test_store.c: opening and closing: numbers, boots, locks, databases that are not ours to touch,
 * and damaged ones.
 */
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

/* Databases that were set aside. */
static size_t count_aside(const struct world *w)
{
    size_t count = 0;
    DIR *d = opendir(w->dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        count += strstr(entry->d_name, ".corrupt-") && !strstr(entry->d_name, "-wal") &&
                 !strstr(entry->d_name, "-shm");
    closedir(d);
    return count;
}

static size_t count_notes(struct world *w, const char *part)
{
    size_t count = 0;
    struct store_note note;
    while (store_take_note(w->store, &note))
        count += strstr(note.text, part) != NULL;
    return count;
}

/* The whole database file. */
static void read_database(const struct world *w, struct buf *ret)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    struct stat st;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *room = buf_reserve(ret, (size_t)st.st_size);
    assert_int_equal(read(fd, room, (size_t)st.st_size), st.st_size);
    ret->len += (size_t)st.st_size;
    close(fd);
}

static void write_database(const struct world *w, const void *data, size_t len)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static void run_sql(const struct world *w, const char *sql)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t ask_number(const struct world *w, const char *sql)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

static void test_new(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    char base[64];
    memcpy(base, w.dir, sizeof(base));
    /* A directory that does not exist yet, two levels deep. */
    char deep[128];
    snprintf(deep, sizeof(deep), "%s/a/b", base);
    struct store *store;
    struct store_error err;
    if (store_open(deep, &w.settings, &store, &err) < 0)
        fail_msg("%s", err.text);
    struct stat st;
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    char file[160];
    snprintf(file, sizeof(file), "%s/netsonde.db", deep);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct store_numbers next = store_next(store);
    assert_int_equal(next.series_id, 1);
    assert_int_equal(next.tick_seq, 1);
    assert_int_equal(next.event_seq, 1);

    /* The lock names the one who has it, and keeps others out. */
    struct store *second;
    assert_int_equal(store_open(deep, &w.settings, &second, &err), -EBUSY);
    char pid[32];
    snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
    assert_non_null(strstr(err.text, pid));
    store_close(store, &next);
    assert_int_equal(store_open(deep, &w.settings, &store, &err), 0);
    store_close(store, &next);
    snprintf(deep, sizeof(deep), "%s/a/b", base);
    world_remove(deep);
    snprintf(deep, sizeof(deep), "%s/a", base);
    rmdir(deep);
    world_fini(&w);
}

static void test_pragmas(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 2);
    world_open(&w);
    assert_int_equal(ask_number(&w, "PRAGMA page_size"), 4096);
    assert_int_equal(ask_number(&w, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(ask_number(&w, "PRAGMA application_id"), 0x6e65736f);
    assert_int_equal(ask_number(&w, "PRAGMA user_version"), 1);
    world_fini(&w);
}

/* A making of the database that was interrupted leaves a blank file: it is simply made. */
static void test_blank(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    write_database(&w, "", 0);
    world_open(&w);
    world_write(&w);
    assert_int_equal(count_aside(&w), 0);
    world_fini(&w);
}

static void test_numbers(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4);
    world_open(&w);
    for (int i = 0; i < 30; i++)
        world_write(&w);
    uint64_t seq = w.seq;
    uint32_t id = registry_next_id(w.registry);
    world_close(&w, true);
    world_open(&w);
    assert_int_equal(w.seq, seq); /* a clean stop leaves no hole */
    assert_int_equal(registry_next_id(w.registry), id);
    world_write(&w);
    seq = w.seq;
    world_close(&w, false);
    world_open(&w);
    assert_true(w.seq > seq); /* any other begins beyond what was reserved */
    assert_true(store_next(w.store).series_id > id);

    /* Half of the block used up: the next one is written with the tick, long before it is needed. */
    w.seq += 600000;
    w.event_seq += 600000;
    struct event *e = event_new(EVENT_LINK, w.t_ms);
    draft_event(w.draft, e);
    world_write(&w);
    seq = w.seq;
    uint64_t event_seq = w.event_seq;
    world_close(&w, false);
    world_open(&w);
    assert_true(w.seq >= seq + 500000);
    assert_true(w.event_seq >= event_seq + 500000);
    world_fini(&w);
}

/* The first increment after a restart counts in the same boot, and only there. */
static void check_boot(const char *second_boot, bool counts, uint64_t second_source)
{
    static const struct metric metric = {"n_total", "", "N.", METRIC_COUNTER, 1};
    struct world w;
    world_init(&w, 5);
    world_open(&w);
    struct series *s = registry_get(w.registry, &metric, NULL, 0, "test");
    for (uint64_t i = 0; i < 3; i++) {
        draft_begin(w.draft, w.seq++, w.t_ms += 1000, 1000000000, 0, 1000);
        draft_counter(w.draft, s, 100 + 10 * i, 9);
        struct tick *t = draft_seal(w.draft, 0, &w.event_seq);
        assert_int_equal(store_write(w.store, t), 0);
        tick_unref(t);
    }
    world_close(&w, true);
    w.settings.boot_id = second_boot;
    world_open(&w);
    s = registry_get(w.registry, &metric, NULL, 0, "test");
    assert_int_equal(s->id, 1);
    draft_begin(w.draft, w.seq++, w.t_ms += 1000, 0, 0, 1000);
    draft_counter(w.draft, s, 150, second_source);
    struct tick *t = draft_seal(w.draft, 0, &w.event_seq);
    assert_int_equal(t->state[0], SAMPLE_GAP);
    assert_int_equal(t->value[0].increment, counts ? 30 : 0);
    tick_unref(t);
    world_fini(&w);
}

static void test_boots(void **state)
{
    (void)state;
    check_boot("boot-1", true, 9);
    check_boot("boot-2", false, 9);
    check_boot("boot-1", false, 10);
    check_boot("", false, 9); /* /proc does not tell: better a gap than a wrong number */
}

/* ---- databases that are not ours ------------------------------------------------------------ */

static void check_refused(const char *sql, int expected, const char *word)
{
    struct world w;
    world_init(&w, 6);
    world_open(&w);
    world_write(&w);
    world_close(&w, true);
    run_sql(&w, sql);
    struct buf before = BUF_INIT, after = BUF_INIT;
    read_database(&w, &before);
    struct store_error err;
    assert_int_equal(store_open(w.dir, &w.settings, &w.store, &err), expected);
    assert_non_null(strstr(err.text, word));
    assert_non_null(strstr(err.text, w.dir));
    read_database(&w, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_int_equal(count_aside(&w), 0);
    struct store_reader *reader;
    assert_int_equal(store_reader_open(w.dir, &reader, &err), expected);
    buf_fini(&before);
    buf_fini(&after);
    world_fini(&w);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused("PRAGMA user_version = 2", -ENOTSUP, "newer");
    check_refused("PRAGMA application_id = 77", -EMEDIUMTYPE, "another program");
    check_refused("PRAGMA application_id = 0", -EMEDIUMTYPE, "another program");
}

/* A newer database whose header is still in the WAL is not touched either. */
static void test_refused_wal(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 7);
    world_open(&w);
    world_write(&w);
    world_close(&w, true);
    char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    char *wal CLEANUP(mem_freep) = world_path(&w, "netsonde.db-wal");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    int on = 1;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    sqlite3_close(db);
    struct stat before, after;
    assert_int_equal(stat(wal, &before), 0);
    assert_true(before.st_size > 0);
    struct buf data_before = BUF_INIT, data_after = BUF_INIT;
    read_database(&w, &data_before);
    struct store_error err;
    assert_int_equal(store_open(w.dir, &w.settings, &w.store, &err), -ENOTSUP);
    assert_int_equal(stat(wal, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    read_database(&w, &data_after);
    assert_int_equal(data_before.len, data_after.len);
    assert_memory_equal(data_before.data, data_after.data, data_before.len);
    buf_fini(&data_before);
    buf_fini(&data_after);
    world_fini(&w);
}

/* ---- damage --------------------------------------------------------------------------------- */

static void fill(struct world *w, int ticks)
{
    w->settings.seal_ticks = 20;
    world_open(w);
    for (int i = 0; i < ticks; i++) {
        world_write(w);
        world_work(w);
    }
}

static void test_garbage(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 8);
    char text[8192];
    memset(text, 'x', sizeof(text));
    write_database(&w, text, sizeof(text));
    world_open(&w);
    assert_int_equal(count_notes(&w, "set aside"), 1);
    assert_int_equal(count_aside(&w), 1);
    assert_true(w.seq > 1000000); /* nobody knows which numbers the lost one used */
    world_write(&w);
    world_fini(&w);
}

/* Half a file: found at open or when it is used; either way history goes on in a new one. */
static void test_truncated(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 9);
    fill(&w, 400);
    world_close(&w, true);
    struct buf data = BUF_INIT;
    read_database(&w, &data);
    for (size_t part = 1; part < 8; part++) {
        write_database(&w, data.data, data.len * part / 8);
        world_forget(&w);
        world_open(&w);
        for (int i = 0; i < 50; i++) {
            world_write(&w); /* never fails */
            world_work(&w);
        }
        uint64_t set_aside = store_stats(w.store).set_aside;
        assert_int_equal(count_notes(&w, "set aside"), set_aside);
        assert_int_equal(set_aside, 1);
        world_close(&w, true);
    }
    assert_int_equal(count_aside(&w), 7);
    buf_fini(&data);
    world_fini(&w);
}

/* Any bytes wrong anywhere: no crash, no failed write, answers or a clear error. STORE_DAMAGES in
 * the environment says how often. */
static void test_flipped(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 10);
    fill(&w, 200);
    world_close(&w, true);
    struct buf data = BUF_INIT;
    read_database(&w, &data);
    const char *text = getenv("STORE_DAMAGES");
    size_t rounds = text ? (size_t)atol(text) : 80;
    size_t aside = 0, damaged = 0, errors = 0;
    for (size_t round = 0; round < rounds; round++) {
        struct buf copy = BUF_INIT;
        buf_append(&copy, data.data, data.len);
        for (uint64_t n = 1 + world_random(&w, 200); n > 0; n--)
            copy.data[world_random(&w, copy.len)] = (char)world_random(&w, 256);
        write_database(&w, copy.data, copy.len);
        buf_fini(&copy);
        struct store_error err;
        int error = store_open(w.dir, &w.settings, &w.store, &err);
        if (error) {
            /* The wrong bytes were those that say whose database it is, or that only a later
             * SQLite may write to it. */
            if (error != -ENOTSUP && error != -EMEDIUMTYPE && error != -EROFS)
                fail_msg("%d: %s", error, err.text);
            errors++;
            continue;
        }
        aside += store_stats(w.store).set_aside;
        store_close(w.store, NULL);
        w.store = NULL;
        world_forget(&w);
        world_open(&w);
        struct store_reader *reader;
        assert_int_equal(store_reader_open(w.dir, &reader, &err), 0);
        for (int i = 0; i < 45; i++) {
            world_write(&w);
            world_work(&w);
        }
        struct query q = {.from_ms = 1764000000000, .to_ms = w.t_ms, .points = 50};
        selector_init(&q.selector);
        struct answer *answer = NULL;
        error = store_query(reader, &q, NULL, &answer, &err);
        assert_true(error == 0 || error == -EBADMSG || error == -EIO);
        damaged += store_reader_damaged(reader) > 0 || error;
        answer_free(answer);
        store_reader_close(reader);
        aside += store_stats(w.store).set_aside;
        world_close(&w, false);
    }
    assert_true(aside > 0 && damaged > 0 && errors < rounds);
    buf_fini(&data);
    world_fini(&w);
}

/* Damage that only writing meets: the tick goes into the new database, nothing fails. */
static void test_found_writing(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 15);
    fill(&w, 50);
    world_close(&w, true);
    world_open(&w);
    char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    int64_t page = ask_number(&w, "SELECT rootpage FROM sqlite_schema WHERE name = 'event_time'");
    char garbage[4096];
    memset(garbage, 0x55, sizeof(garbage));
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, garbage, sizeof(garbage), (page - 1) * 4096), sizeof(garbage));
    close(fd);
    world_write(&w); /* no event, no damage */
    assert_int_equal(count_aside(&w), 0);
    draft_event(w.draft, event_new(EVENT_LINK, w.t_ms));
    world_write(&w);
    assert_int_equal(count_aside(&w), 1);
    assert_int_equal(count_notes(&w, "found while writing"), 1);
    struct store_stats stats = store_stats(w.store);
    assert_int_equal(stats.ticks_lost, 0);
    assert_int_equal(stats.series, WORLD_SERIES); /* named anew */
    assert_int_equal(ask_number(&w, "SELECT count(*) FROM event"), 1);
    world_fini(&w);
}

/* A reader finds the damage; the writer, told of it, begins anew; the reader follows. */
static void test_suspect(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 11);
    fill(&w, 100);
    world_close(&w, true);
    struct buf data = BUF_INIT;
    read_database(&w, &data);
    int64_t page = ask_number(&w, "SELECT rootpage FROM sqlite_schema WHERE name = 'span'");
    memset(data.data + (page - 1) * 4096, 0x55, 4096);
    write_database(&w, data.data, data.len);
    buf_fini(&data);

    struct store_reader *reader, *late;
    struct store_error err;
    assert_int_equal(store_reader_open(w.dir, &reader, &err), 0);
    assert_int_equal(store_reader_open(w.dir, &late, &err), 0);
    struct query q = {.from_ms = 0, .to_ms = w.t_ms, .points = 50};
    struct answer *answer;
    assert_int_equal(store_query(reader, &q, NULL, &answer, &err), -EBADMSG);
    /* It is found at open as well: the number of the last span is needed there. */
    world_forget(&w);
    world_open(&w);
    assert_int_equal(count_notes(&w, "set aside"), 1);
    /* What this reader says is about the old file. */
    store_suspect(w.store, reader);
    world_write(&w);
    assert_int_equal(count_aside(&w), 1);
    assert_int_equal(store_query(reader, &q, NULL, &answer, &err), 0);
    answer_free(answer);
    /* And now about the new one. */
    store_suspect(w.store, reader);
    world_write(&w);
    assert_int_equal(store_stats(w.store).set_aside, 2);
    world_write(&w);
    q.to_ms = w.t_ms;
    assert_int_equal(store_query(late, &q, NULL, &answer, &err), 0);
    assert_true(answer->series_count > 0);
    answer_free(answer);
    store_reader_close(reader);
    store_reader_close(late);
    world_fini(&w);
}

/* ---- readers -------------------------------------------------------------------------------- */

static void test_no_history(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 12);
    struct store_reader *reader;
    struct store_error err;
    assert_int_equal(store_reader_open(w.dir, &reader, &err), -ENOENT);
    write_database(&w, "", 0);
    assert_int_equal(store_reader_open(w.dir, &reader, &err), -ENOENT);
    assert_int_equal(store_reader_open("/nonexistent", &reader, &err), -ENOENT);
    world_fini(&w);
}

struct reading {
    const char *dir;
    atomic_bool stop;
    atomic_int queries;
};

/* What a second reader sees grows and never shrinks. */
static void *read_on(void *context)
{
    struct reading *r = context;
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(r->dir, &reader, &err) < 0)
        return (void *)(uintptr_t)"open";
    double before = 0;
    const char *failed = NULL;
    while (!atomic_load(&r->stop) && !failed) {
        struct query q = {.from_ms = 0, .to_ms = INT64_MAX, .points = 1, .aggregate = AGG_SUM};
        selector_init(&q.selector);
        selector_add_glob(&q.selector, "rtt_seconds_bucket");
        selector_add_match(&q.selector, "le=+Inf");
        struct answer *answer;
        if (store_query(reader, &q, NULL, &answer, &err) < 0) {
            failed = "query";
        } else {
            double now = answer->series_count ? answer->series[0].values[0] : 0;
            if (!(now >= before))
                failed = "went backwards";
            before = now;
            answer_free(answer);
        }
        selector_fini(&q.selector);
        atomic_fetch_add(&r->queries, 1);
    }
    store_reader_close(reader);
    return (void *)(uintptr_t)failed;
}

static void test_concurrent(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 13);
    w.settings.seal_ticks = 20;
    world_open(&w);
    world_write(&w);
    struct reading reading = {.dir = w.dir};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reading), 0);
    for (int i = 0; i < 1500 || atomic_load(&reading.queries) < 20; i++) {
        world_write(&w);
        store_work(w.store);
        store_stats(w.store);
    }
    atomic_store(&reading.stop, true);
    for (int i = 0; i < 2; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        if (failed)
            fail_msg("a reader failed: %s", (const char *)failed);
    }
    world_fini(&w);
}

/* Another user may read a database that nobody writes, in a directory that he may not write. */
static void test_read_only(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root to become another user\n");
        skip();
    }
    struct world w;
    world_init(&w, 14);
    fill(&w, 60);
    world_close(&w, true);
    char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(w.dir, 0555), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store_reader *reader;
        struct answer *answer;
        struct query q = {.from_ms = 0, .to_ms = w.t_ms, .points = 50};
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(2);
        if (store_reader_open(w.dir, &reader, NULL) < 0)
            _exit(3);
        if (store_query(reader, &q, NULL, &answer, NULL) < 0 || answer->series_count == 0)
            _exit(4);
        struct store *store;
        struct store_error err;
        _exit(store_open(w.dir, &w.settings, &store, &err) == -EACCES &&
                      strstr(err.text, "--data-dir")
                  ? 0
                  : 5);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(chmod(w.dir, 0700), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),         cmocka_unit_test(test_pragmas),
        cmocka_unit_test(test_blank),       cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_boots),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_wal), cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_truncated),   cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_suspect),     cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_found_writing),
        cmocka_unit_test(test_concurrent),  cmocka_unit_test(test_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
