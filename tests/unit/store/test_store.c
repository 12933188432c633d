/*
 * test_store.c: opening and closing: numbers, boots, locks, databases that are not ours to touch,
 * and readers beside the writer.
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

static void run_sql(const struct world *w, const char *sql)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
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
    assert_int_equal(world_ask_number(&w, "PRAGMA page_size"), 4096);
    assert_int_equal(world_ask_number(&w, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(world_ask_number(&w, "PRAGMA application_id"), 0x6e65736f);
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 5);
    world_fini(&w);
}

/* A making of the database that was interrupted leaves a blank file: it is simply made. */
static void test_blank(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    world_write_database(&w, "", 0);
    world_open(&w);
    world_write(&w);
    assert_int_equal(world_count_aside(&w), 0);
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

    /* Half of the block used up: the next one is written with the tick, long before it is needed.
     */
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
    world_read_database(&w, &before);
    struct store_error err;
    assert_int_equal(store_open(w.dir, &w.settings, &w.store, &err), expected);
    assert_non_null(strstr(err.text, word));
    assert_non_null(strstr(err.text, w.dir));
    world_read_database(&w, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_int_equal(world_count_aside(&w), 0);
    struct store_reader *reader;
    assert_int_equal(store_reader_open(w.dir, &reader, &err), expected);
    buf_fini(&before);
    buf_fini(&after);
    world_fini(&w);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused("PRAGMA user_version = 6", -ENOTSUP, "newer");
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
    world_read_database(&w, &data_before);
    struct store_error err;
    assert_int_equal(store_open(w.dir, &w.settings, &w.store, &err), -ENOTSUP);
    assert_int_equal(stat(wal, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    world_read_database(&w, &data_after);
    assert_int_equal(data_before.len, data_after.len);
    assert_memory_equal(data_before.data, data_after.data, data_before.len);
    buf_fini(&data_before);
    buf_fini(&data_after);
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
    world_write_database(&w, "", 0);
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
        return (void *)(uintptr_t) "open";
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
    world_fill(&w, 60);
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
        answer_free(answer);
        store_reader_close(reader);
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

/* Others hold the locks that the last writes and the last checkpoint want: neither one that reads
 * nor one that writes keeps the daemon from stopping. */
static void test_stop_among_others(void **state)
{
    static const char *const holds[] = {"BEGIN; SELECT count(*) FROM tick", "BEGIN IMMEDIATE"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(holds); i++) {
        struct world w;
        world_init(&w, 20 + i);
        world_open(&w);
        for (int k = 0; k < 20; k++)
            world_write(&w);
        char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
        sqlite3 *other;
        assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other, holds[i], NULL, NULL, NULL), SQLITE_OK);
        struct tick *last[10];
        for (size_t k = 0; k < ARRAY_LEN(last); k++)
            last[k] = world_tick(&w);
        int64_t start_ns = clock_mono_ns();
        store_hurry(w.store);
        for (size_t k = 0; k < ARRAY_LEN(last); k++) {
            int error = store_write(w.store, last[k]);
            assert_int_equal(error, i == 0 ? 0 : -EBUSY);
            world_record(&w, last[k], !error);
            tick_unref(last[k]);
        }
        world_close(&w, true);
        assert_true(clock_mono_ns() - start_ns < 3 * NS_PER_S / 2);
        sqlite3_close(other);
        world_open(&w); /* asserts that all that was written is there */
        world_fini(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_pragmas),
        cmocka_unit_test(test_blank),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_boots),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_wal),
        cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_concurrent),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_stop_among_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
