/*
 * test_damage.c: a database that is not what it was: garbage, cut short, wrong bytes anywhere.
 * Whoever meets it, at start, writing, sealing or reading: it is set aside, a new one begins, and
 * no tick is lost that comes after.
 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
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

static sqlite3 *open_by_hand(const struct world *w)
{
    sqlite3 *db;
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

static void by_hand(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

/* A letter of the schema: SQLite takes it for the name of a type, and no row is found by its number
 * any more. What somebody added does not matter. */
static void test_schema(void **state)
{
    static const char key[] = "span(id INTEGER PRIMARY KEY";
    (void)state;
    struct world w;
    world_init(&w, 15);
    world_fill(&w, 200);
    world_close(&w, true);
    sqlite3 *db = open_by_hand(&w);
    by_hand(db, "CREATE TABLE own(a); CREATE INDEX own_index ON event(kind);"
                "ALTER TABLE alert ADD COLUMN own TEXT");
    sqlite3_close(db);
    world_open(&w);
    assert_int_equal(store_stats(w.store).set_aside, 0);
    world_close(&w, true);

    struct buf data = BUF_INIT;
    world_read_database(&w, &data);
    char *at = memmem(data.data, data.len, key, strlen(key));
    assert_non_null(at);
    at[strlen("span(id INTEGER PRIMAR")] = (char)0xff;
    world_write_database(&w, data.data, data.len);
    buf_fini(&data);
    world_forget(&w);
    world_open(&w);
    assert_int_equal(store_stats(w.store).set_aside, 1);
    assert_int_equal(world_count_notes(&w, "span in it is not as it was made"), 1);
    world_write(&w);
    world_work(&w);
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

static size_t ask_all(struct world *w, struct store_reader *reader)
{
    struct query q = {.from_ms = 0, .to_ms = w->t_ms, .points = 10, .aggregate = AGG_LAST};
    struct store_error err;
    struct answer *answer;
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("%s", err.text);
    size_t count = answer->series_count;
    answer_free(answer);
    return count;
}

/* A row number as SQLite writes one: seven bits a byte, the highest first. */
static size_t put_varint(char *out, uint64_t v)
{
    char back[10];
    size_t len = 0;
    do {
        back[len] = (char)((v & 0x7f) | (len ? 0x80 : 0));
        len++;
    } while ((v >>= 7));
    for (size_t i = 0; i < len; i++)
        out[i] = back[len - 1 - i];
    return len;
}

/* Over the number of a row in the file; false: that stands there more than once, or is shorter. */
static bool put_row(struct buf *data, int64_t row, int64_t instead)
{
    char before[10], after[10];
    size_t len = put_varint(before, (uint64_t)row);
    char *at = memmem(data->data, data->len, before, len);
    if (!at || put_varint(after, (uint64_t)instead) != len ||
        memmem(at + 1, data->len - (size_t)(at + 1 - data->data), before, len))
        return false;
    memcpy(at, after, len);
    return true;
}

/* Whether a chunk is met by who goes through its span, but not by who asks for it. */
static bool is_lost(const struct world *w, int64_t chunk)
{
    char *met CLEANUP(mem_freep) =
        mem_printf("SELECT id FROM chunk WHERE id > %lld ORDER BY id LIMIT 1",
                   (long long)(chunk & ~(int64_t)UINT32_MAX));
    char *asked CLEANUP(mem_freep) =
        mem_printf("SELECT count(*) FROM chunk WHERE id = %lld", (long long)chunk);
    return world_ask_number(w, met) == chunk && world_ask_number(w, asked) == 0;
}

/*
 * A damaged chunk that is found in order, but not by its number: another row, in the middle where
 * SQLite begins to look, says that it lies between the beginning of the span and the chunk. Who
 * goes on from the beginning is sent to the left, who asks for the chunk to the right.
 */
static void test_lost_in_order(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 10);
    world_fill(&w, 200);
    int64_t chunks[16];
    size_t count = (size_t)world_ask_number(&w, "SELECT count(*) FROM chunk");
    assert_true(count <= ARRAY_LEN(chunks));
    for (size_t i = 0; i < count; i++) {
        char *sql CLEANUP(mem_freep) =
            mem_printf("SELECT id FROM chunk ORDER BY id LIMIT 1 OFFSET %zu", i);
        chunks[i] = world_ask_number(&w, sql);
    }
    world_close(&w, true);
    sqlite3 *db = open_by_hand(&w);
    by_hand(db, "UPDATE chunk SET data = zeroblob(length(data))");
    by_hand(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_close(db);
    struct buf whole = BUF_INIT;
    world_read_database(&w, &whole);
    bool lost = false;
    for (size_t i = 0; i < count * count && !lost; i++) {
        int64_t chunk = chunks[i / count], middle = chunks[i % count];
        struct buf data = BUF_INIT;
        buf_append(&data, whole.data, whole.len);
        if (middle > chunk && put_row(&data, middle, chunk - 1)) {
            world_write_database(&w, data.data, data.len);
            lost = is_lost(&w, chunk);
        }
        buf_fini(&data);
    }
    buf_fini(&whole);
    assert_true(lost);
    world_forget(&w);
    world_open(&w);
    assert_int_equal(store_stats(w.store).set_aside, 0);
    struct store_reader *reader;
    struct store_error err;
    assert_int_equal(store_reader_open(w.dir, &reader, &err), 0);
    ask_all(&w, reader);
    assert_true(store_reader_damaged(reader) > 0);
    store_report(w.store, reader);
    store_reader_close(reader);
    world_work(&w);
    assert_int_equal(store_stats(w.store).set_aside, 1);
    world_fini(&w);
}

/* One reader has read a group while it was good, another meets it when it is not. */
static void test_readers_forget_what_is_moved(void **state)
{
    (void)state;
    struct world w;
    struct store_error err;
    struct store_reader *before, *after;
    world_init(&w, 21);
    world_fill(&w, 20); /* one span and no log */
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM tick"), 0);
    assert_int_equal(store_reader_open(w.dir, &before, &err), 0);
    assert_int_equal(store_reader_open(w.dir, &after, &err), 0);
    size_t all = ask_all(&w, before);
    assert_true(all > 5);
    assert_int_equal(
        world_ask_number(&w, "UPDATE chunk SET data = zeroblob(length(data)) RETURNING 1"), 1);
    assert_int_equal(ask_all(&w, before), all);
    assert_int_equal(store_reader_damaged(before), 0);
    assert_int_equal(ask_all(&w, after), 0);
    assert_true(store_reader_damaged(after) > 0);
    store_report(w.store, after);
    world_work(&w);
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM chunk"), 0);
    assert_int_equal(ask_all(&w, before), 0);
    assert_int_equal(store_reader_damaged(before), 0); /* nothing is there any more */
    store_reader_close(before);
    store_reader_close(after);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_old_ones_go),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_rows_of_the_log),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_found_writing),
        cmocka_unit_test(test_suspect),
        cmocka_unit_test(test_lost_in_order),
        cmocka_unit_test(test_readers_forget_what_is_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
