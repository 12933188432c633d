/*
 * test_damage.c: a database that is not what it was: garbage, cut short, wrong bytes anywhere.
 * Whoever meets it, at start, writing, sealing or reading: it is set aside, a new one begins, and
 * no tick is lost that comes after.
 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static void test_garbage(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 8);
    char text[8192];
    memset(text, 'x', sizeof(text));
    world_write_database(&w, text, sizeof(text));
    world_open(&w);
    assert_int_equal(world_count_notes(&w, "set aside"), 1);
    assert_int_equal(world_count_aside(&w), 1);
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
    world_fill(&w, 400);
    world_close(&w, true);
    struct buf data = BUF_INIT;
    world_read_database(&w, &data);
    for (size_t part = 1; part < 8; part++) {
        world_write_database(&w, data.data, data.len * part / 8);
        world_forget(&w);
        world_open(&w);
        for (int i = 0; i < 50; i++) {
            world_write(&w); /* never fails */
            world_work(&w);
        }
        uint64_t set_aside = store_stats(w.store).set_aside;
        assert_int_equal(world_count_notes(&w, "set aside"), set_aside);
        assert_int_equal(set_aside, 1);
        world_close(&w, true);
    }
    assert_int_equal(world_count_aside(&w), 3); /* the newest of the seven */
    buf_fini(&data);
    world_fini(&w);
}

static void touch(const struct world *w, const char *name)
{
    char *path CLEANUP(mem_freep) = world_path(w, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static bool is_there(const struct world *w, const char *name)
{
    char *path CLEANUP(mem_freep) = world_path(w, name);
    return access(path, F_OK) == 0;
}

/* Only the newest three stay, with all their files; whatever has another name is not ours. One that
 * was set aside while the clock was ahead is older all the same than the one at hand. */
static void test_old_ones_go(void **state)
{
    static const struct {
        const char *name;
        bool stays;
    } files[] = {
        {"netsonde.db.corrupt-20200101T000000Z", false},
        {"netsonde.db.corrupt-20200101T000000Z-wal", false},
        {"netsonde.db.corrupt-20200101T000000Z-shm", false},
        {"netsonde.db.corrupt-20200102T000000Z-9", false},
        {"netsonde.db.corrupt-20200102T000000Z-10", true},
        {"netsonde.db.corrupt-20200102T000000Z-10-wal", true},
        {"netsonde.db.corrupt-20200102T000000Z-2-shm", false}, /* all that is left of it */
        {"netsonde.db.corrupt-20990101T000000Z", true},
        {"netsonde.db.corrupt-20200101T000000Z.gz", true},
        {"netsonde.db.corrupt-20200101T000000Z-wal-copy", true},
        {"netsonde.db.corrupt-20200101", true},
        {"netsonde.db.corrupt-", true},
        {"netsonde.db.corrupt-mine", true},
        {"other.db.corrupt-20200101T000000Z", true},
        {"netsonde.db-20200101T000000Z", true},
        {"notes", true},
    };
    (void)state;
    struct world w;
    world_init(&w, 12);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        touch(&w, files[i].name);
    size_t before = world_count_aside(&w);
    char text[8192];
    memset(text, 'x', sizeof(text));
    world_write_database(&w, text, sizeof(text));
    world_open(&w);
    assert_int_equal(store_stats(w.store).set_aside, 1);
    assert_int_equal(world_count_notes(&w, "3 damaged databases of before were removed"), 1);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (is_there(&w, files[i].name) != files[i].stays)
            fail_msg("%s", files[i].name);
    }
    assert_int_equal(world_count_aside(&w), before + 1 - 2); /* a -shm is not counted */
    world_write(&w);
    world_fini(&w);
}

/* Any bytes wrong anywhere: no crash, no failed write, answers or a clear error. STORE_DAMAGES in
 * the environment says how often. */
static void test_flipped(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 10);
    world_fill(&w, 200);
    world_close(&w, true);
    struct buf data = BUF_INIT;
    world_read_database(&w, &data);
    const char *text = getenv("STORE_DAMAGES");
    size_t rounds = text ? (size_t)atol(text) : 80;
    size_t aside = 0, damaged = 0, errors = 0;
    for (size_t round = 0; round < rounds; round++) {
        struct buf copy = BUF_INIT;
        buf_append(&copy, data.data, data.len);
        for (uint64_t n = 1 + world_random(&w, 200); n > 0; n--)
            copy.data[world_random(&w, copy.len)] = (char)world_random(&w, 256);
        world_write_database(&w, copy.data, copy.len);
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

/* Somebody empties the directory: what comes after is found by readers, and after a restart. */
static void test_removed(void **state)
{
    static const char *const names[] = {"netsonde.db", "netsonde.db-wal", "netsonde.db-shm"};
    (void)state;
    struct world w;
    world_init(&w, 14);
    world_fill(&w, 30);
    world_write(&w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path CLEANUP(mem_freep) = world_path(&w, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    w.ticks_count = 0; /* what was there is nowhere now */
    uint64_t first = world_write(&w);
    assert_int_equal(world_count_notes(&w, "was removed or replaced"), 1);
    assert_int_equal(world_ask_number(&w, "SELECT min(seq) FROM tick"), first);
    for (int i = 0; i < 30; i++) {
        world_write(&w);
        world_work(&w);
    }
    assert_int_equal(world_count_notes(&w, ""), 0);
    assert_int_equal(store_stats(w.store).set_aside, 0);
    assert_int_equal(store_stats(w.store).ticks_lost, 0);
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM last") > 0, true);
    world_close(&w, true);
    world_open(&w); /* asserts that what is restored is what was stored last */
    assert_int_equal(world_ask_number(&w, "SELECT (SELECT count(*) FROM tick) +"
                                          " (SELECT sum(ticks) FROM span)"),
                     31);
    world_fini(&w);
}

/* Two rows of the log go bad before they are sealed: the others are kept, and it is told. */
static void test_rows_of_the_log(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 13);
    w.settings.seal_ticks = 20;
    world_open(&w);
    uint64_t first = world_write(&w);
    for (int i = 1; i < 20; i++)
        world_write(&w);
    char *sql CLEANUP(mem_freep) =
        mem_printf("UPDATE tick SET samples = substr(samples, 1, length(samples) - 1) || x'5a'"
                   " WHERE seq IN (%llu, %llu) RETURNING 1",
                   (unsigned long long)first + 3, (unsigned long long)first + 11);
    world_ask_number(&w, sql);
    world_work(&w);
    assert_int_equal(store_stats(w.store).spans_sealed, 1);
    assert_int_equal(store_stats(w.store).set_aside, 0);
    assert_int_equal(world_count_notes(&w, "records of 2 ticks are damaged"), 1);
    for (int i = 0; i < 20; i++)
        world_write(&w);
    world_work(&w);
    assert_int_equal(world_count_notes(&w, "damaged"), 0);
    world_fini(&w);
}

/* Damage that only writing meets: the tick goes into the new database, nothing fails. */
static void test_found_writing(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 15);
    world_fill(&w, 50);
    world_close(&w, true);
    world_open(&w);
    char *path CLEANUP(mem_freep) = world_path(&w, "netsonde.db");
    int64_t page =
        world_ask_number(&w, "SELECT rootpage FROM sqlite_schema WHERE name = 'event_time'");
    char garbage[4096];
    memset(garbage, 0x55, sizeof(garbage));
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, garbage, sizeof(garbage), (page - 1) * 4096), sizeof(garbage));
    close(fd);
    world_write(&w); /* no event, no damage */
    assert_int_equal(world_count_aside(&w), 0);
    draft_event(w.draft, event_new(EVENT_LINK, w.t_ms));
    world_write(&w);
    assert_int_equal(world_count_aside(&w), 1);
    assert_int_equal(world_count_notes(&w, "found while writing"), 1);
    struct store_stats stats = store_stats(w.store);
    assert_int_equal(stats.ticks_lost, 0);
    assert_int_equal(stats.series, WORLD_SERIES); /* named anew */
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM event"), 1);
    world_fini(&w);
}

/* A reader finds the damage; the writer, told of it, begins anew; the reader follows. */
static void test_suspect(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 11);
    world_fill(&w, 100);
    world_close(&w, true);
    struct buf data = BUF_INIT;
    world_read_database(&w, &data);
    int64_t page = world_ask_number(&w, "SELECT rootpage FROM sqlite_schema WHERE name = 'span'");
    memset(data.data + (page - 1) * 4096, 0x55, 4096);
    world_write_database(&w, data.data, data.len);
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
    assert_int_equal(world_count_notes(&w, "set aside"), 1);
    /* What this reader says is about the old file. */
    store_suspect(w.store, reader);
    world_write(&w);
    assert_int_equal(world_count_aside(&w), 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_garbage),         cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_old_ones_go),     cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_rows_of_the_log), cmocka_unit_test(test_removed),
        cmocka_unit_test(test_found_writing),   cmocka_unit_test(test_suspect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
