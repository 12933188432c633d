/*
 * test_bit_rot.c: a sealed and folded database whose bytes went bad: bits flipped in a chunk or
 * anywhere, cut off at any page. Whoever reads it gets what was there, or nothing and is told;
 * never another number. A chunk that is damaged is set aside by the writer, once, and all else goes
 * on.
 *
 * STORE_ROT in the environment says how many databases (150), STORE_SEED which ones.
 */
#include "chronicle.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/scan.h"

#define TICKS 700
#define PAGE 4096
#define FINEST_MS 20000

static const struct question {
    enum aggregate aggregate;
    int64_t step_ms; /* 0: asked as an export does, every sample */
} questions[] = {
    {AGG_SUM, 0},      {AGG_SUM, FINEST_MS},       {AGG_LAST, FINEST_MS},      {AGG_AVG, 60000},
    {AGG_MIN, 120000}, {AGG_MAX, 3600 * MS_PER_S}, {AGG_SUM, 3600 * MS_PER_S},
};

struct answers {
    struct answer *answer[ARRAY_LEN(questions)]; /* NULL: an error */
    struct event_page *events;
    uint64_t damaged;
    unsigned errors;
    size_t odd; /* samples that came twice, or at a time that there never was */
};

static void answers_fini(struct answers *a)
{
    for (size_t i = 0; i < ARRAY_LEN(questions); i++)
        answer_free(a->answer[i]);
    event_page_free(a->events);
}

/* What a scan brings, as an answer in the finest steps. */
static int scan_all(const struct chronicle *c, struct store_reader *reader, struct answer **ret,
                    size_t *ret_odd, struct store_error *err)
{
    struct selector selector;
    selector_init(&selector);
    const struct scan_spec spec = {.selector = &selector,
                                   .from_ms = c->entries[0].t_ms,
                                   .to_ms = c->t_ms,
                                   .aggregate = AGG_SUM};
    struct scan *scan;
    int got = scan_open(reader, &spec, NULL, &scan, err);
    if (got < 0)
        return got;
    const struct scan_about *about = scan_about(scan);
    struct answer *a = *ret = mem_alloc(sizeof(*a));
    *a = (struct answer){
        .from_ms = spec.from_ms,
        .to_ms = spec.to_ms,
        .step_ms = FINEST_MS,
        .points_count = (size_t)((spec.to_ms - spec.from_ms) / FINEST_MS) + 1,
        .series_count = about->series_count,
        .series = mem_array(MAX(about->series_count, (size_t)1), sizeof(struct answer_series))};
    for (size_t s = 0; s < a->series_count; s++) {
        a->series[s].key = mem_string(about->series[s].key);
        a->series[s].values = mem_array(a->points_count, sizeof(double));
        for (size_t p = 0; p < a->points_count; p++)
            a->series[s].values[p] = NAN;
    }
    struct scan_piece piece;
    while ((got = scan_next(scan, reader, NULL, &piece, err)) == 1) {
        for (size_t i = 0; i < piece.columns * piece.rows; i++) {
            int64_t after_ms = piece.t_ms[i % piece.rows] - a->from_ms;
            size_t step = (size_t)(after_ms / FINEST_MS);
            if (after_ms < 0 || step >= a->points_count || after_ms % FINEST_MS) {
                ++*ret_odd;
                continue;
            }
            double *value = &a->series[piece.first_series + i / piece.rows].values[step];
            *ret_odd += isnan(*value) ? 0 : 1;
            *value = piece.values[i];
        }
    }
    scan_close(scan);
    return got;
}

static void ask_all(const struct chronicle *c, struct answers *ret)
{
    struct store_reader *reader;
    struct store_error err;
    *ret = (struct answers){0};
    if (store_reader_open(c->dir, &reader, &err) < 0) {
        ret->errors++;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        struct query q = {.from_ms = c->entries[0].t_ms,
                          .to_ms = c->t_ms,
                          .points = QUERY_POINTS_FINEST,
                          .step_ms = questions[i].step_ms,
                          .aggregate = questions[i].aggregate};
        selector_init(&q.selector);
        int error = questions[i].step_ms == 0
                        ? scan_all(c, reader, &ret->answer[i], &ret->odd, &err)
                        : store_query(reader, &q, NULL, &ret->answer[i], &err);
        if (error < 0) {
            if (questions[i].step_ms == 0)
                answer_free(ret->answer[i]);
            ret->answer[i] = NULL;
            ret->errors++;
        }
    }
    struct event_query events = {.to_ms = INT64_MAX, .limit = EVENT_PAGE_MAX};
    if (store_events(reader, &events, NULL, &ret->events, &err) < 0) {
        ret->events = NULL;
        ret->errors++;
    }
    ret->damaged = store_reader_damaged(reader);
    store_reader_close(reader);
}

static const struct answer_series *find(const struct answer *a, const char *key)
{
    for (size_t i = 0; i < a->series_count; i++) {
        if (strcmp(a->series[i].key, key) == 0)
            return &a->series[i];
    }
    return NULL;
}

static double at(const struct answer *a, const struct answer_series *s, int64_t t_ms)
{
    if (!s || t_ms < a->from_ms || t_ms > a->to_ms || (t_ms - a->from_ms) % a->step_ms)
        return NAN;
    return s->values[(t_ms - a->from_ms) / a->step_ms];
}

/* What an answer is beside that of the whole database. */
struct verdict {
    size_t wrong, missing;
    char what[200];
};

static bool is_wrong(const struct question *question, double value, double expected)
{
    if (question->step_ms <= FINEST_MS || isnan(expected))
        return value != expected;
    /* Of a step a part may be missing. Then a sum is less, and a mean is another. */
    return question->aggregate == AGG_SUM && value > expected;
}

/* `key`: that series alone; NULL: all. */
static void compare(const struct answers *good, const struct answers *got, const char *key,
                    struct verdict *v)
{
    for (size_t q = 0; q < ARRAY_LEN(questions); q++) {
        const struct answer *all = good->answer[q], *some = got->answer[q];
        for (size_t s = 0; some && s < all->series_count; s++) {
            const struct answer_series *here = &all->series[s], *there = find(some, here->key);
            for (size_t p = 0; p < all->points_count && (!key || !strcmp(key, here->key)); p++) {
                double value = at(some, there, all->from_ms + (int64_t)p * all->step_ms);
                v->missing += isnan(value) && !isnan(here->values[p]);
                if (isnan(value) || !is_wrong(&questions[q], value, here->values[p]))
                    continue;
                v->wrong++;
                snprintf(v->what, sizeof(v->what), "%s, step %zu of %lld ms: %.17g is not %.17g",
                         here->key, p, (long long)all->step_ms, value, here->values[p]);
            }
        }
    }
}

/* What is damaged: the series of one row of chunks, in the time of its span. */
struct hole {
    int64_t row, from_ms, to_ms;
    char *key; /* of the last of these series */
};

/* The same to the last bit, but for the hole. */
static void assert_rest(const struct answers *good, const struct answers *got,
                        const struct hole *hole)
{
    assert_int_equal(got->errors + got->odd, 0);
    for (size_t q = 0; q < ARRAY_LEN(questions); q++) {
        const struct answer *all = good->answer[q], *some = got->answer[q];
        assert_true(some->points_count == all->points_count && some->from_ms == all->from_ms);
        for (size_t s = 0; s < all->series_count; s++) {
            const struct answer_series *there = find(some, all->series[s].key);
            for (size_t p = 0; p < all->points_count; p++) {
                int64_t t_ms = all->from_ms + (int64_t)p * all->step_ms;
                if (t_ms <= hole->to_ms && t_ms + all->step_ms > hole->from_ms)
                    continue;
                double a = all->series[s].values[p], b = at(some, there, t_ms);
                assert_true(isnan(a) ? isnan(b) : a == b);
            }
        }
    }
    assert_int_equal(got->events->count, good->events->count);
}

/* ---- a database and what is done to it ------------------------------------------------------ */

struct ground {
    struct chronicle c;
    char *path;
    struct buf whole;
    struct answers good;
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void ground_write(const struct ground *g, const void *data, size_t len)
{
    int fd = open(g->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    close(fd);
}

static void ground_start(struct ground *g)
{
    struct store_error err;
    chronicle_init(&g->c, setting("STORE_SEED", 5));
    assert_int_equal(chronicle_open(&g->c, &err), 0);
    for (int i = 0; i < TICKS; i++) {
        assert_true(chronicle_write(&g->c));
        chronicle_work(&g->c, 1000);
    }
    chronicle_close(&g->c, true);
    assert_true(g->c.folded > 0);
    chronicle_check(&g->c, NULL);
    ask_all(&g->c, &g->good);
    assert_int_equal(g->good.damaged + g->good.errors + g->good.odd, 0);
    g->path = mem_printf("%s/netsonde.db", g->c.dir);
    g->whole = BUF_INIT;
    char *room = buf_reserve(&g->whole, 1 << 22);
    int fd = open(g->path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, room, 1 << 22);
    assert_true(len > 0 && len < 1 << 22);
    g->whole.len = (size_t)len;
    close(fd);
}

static void ground_end(struct ground *g)
{
    answers_fini(&g->good);
    buf_fini(&g->whole);
    free(g->path);
    chronicle_fini(&g->c);
}

/* The first number of the first row; `ret_text` (may be NULL) the second column. */
static int64_t ask_database(const struct ground *g, const char *sql, char **ret_text)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(g->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    if (ret_text)
        *ret_text = mem_string((const char *)sqlite3_column_text(stmt, 1));
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

/* Flips one bit of a blob that is stored. */
static void flip_in_row(struct ground *g, const char *table, const char *column, int64_t row)
{
    sqlite3 *db;
    sqlite3_blob *blob;
    uint8_t byte;
    assert_int_equal(sqlite3_open(g->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_blob_open(db, "main", table, column, row, 1, &blob), SQLITE_OK);
    int where = (int)chronicle_random(&g->c, (uint64_t)sqlite3_blob_bytes(blob));
    assert_int_equal(sqlite3_blob_read(blob, &byte, 1, where), SQLITE_OK);
    byte ^= (uint8_t)(1 << chronicle_random(&g->c, 8));
    assert_int_equal(sqlite3_blob_write(blob, &byte, 1, where), SQLITE_OK);
    sqlite3_blob_close(blob);
    sqlite3_close(db);
}

/* Asks all, and what was met is told to the writer, if there is one. */
static uint64_t ask_and_report(struct ground *g, struct answers *ret)
{
    struct store_reader *reader;
    struct store_error err;
    ask_all(&g->c, ret);
    assert_int_equal(store_reader_open(g->c.dir, &reader, &err), 0);
    struct query q = {.to_ms = g->c.t_ms, .points = QUERY_POINTS_FINEST, .step_ms = FINEST_MS};
    selector_init(&q.selector);
    struct answer *answer;
    assert_int_equal(store_query(reader, &q, NULL, &answer, &err), 0);
    answer_free(answer);
    q.step_ms = 60000;
    assert_int_equal(store_query(reader, &q, NULL, &answer, &err), 0);
    answer_free(answer);
    uint64_t met = store_reader_damaged(reader);
    if (g->c.store)
        store_report(g->c.store, reader);
    store_reader_close(reader);
    return met;
}

/* ---- one chunk ------------------------------------------------------------------------------ */

static void check_set_aside(struct ground *g, const struct hole *hole)
{
    struct answers after;
    struct store_error err;
    int64_t chunks = ask_database(g, "SELECT count(*) FROM chunk", NULL);
    assert_int_equal(chronicle_open(&g->c, &err), 0);
    assert_true(ask_and_report(g, &after) > 0);
    answers_fini(&after);
    chronicle_work(&g->c, 1000);
    assert_int_equal(store_stats(g->c.store).chunks_aside, 1);
    assert_int_equal(store_stats(g->c.store).set_aside, 0);
    assert_int_equal(chronicle_count_notes(&g->c, "damaged pieces of history"), 1);
    assert_int_equal(ask_database(g, "SELECT count(*) FROM chunk", NULL), chunks - 1);
    char *told CLEANUP(mem_freep) = NULL;
    assert_true(ask_database(g, "SELECT chunk, series FROM damaged WHERE from_ms > 0", &told) ==
                hole->row);
    assert_string_equal(told, hole->key);
    /* Now it is a hole like any other, and nobody hears of it again. */
    assert_int_equal(ask_and_report(g, &after), 0);
    assert_rest(&g->good, &after, hole);
    answers_fini(&after);
    assert_true(chronicle_write(&g->c));
    chronicle_work(&g->c, 1000);
    assert_int_equal(chronicle_count_notes(&g->c, ""), 0);
    g->c.count--;
    g->c.t_ms -= g->c.interval_ms;
    chronicle_close(&g->c, true);
    g->c.seq = g->c.event_seq = 0; /* the next one to be opened is a copy of before */
    assert_int_equal(ask_database(g, "SELECT count(*), 'x' FROM damaged", NULL), 1);
}

static void find_time(const struct ground *g, struct hole *hole)
{
    char *sql CLEANUP(mem_freep) =
        mem_printf("SELECT min_ms, max_ms FROM span WHERE id = %lld", (long long)(hole->row >> 32));
    char *to CLEANUP(mem_freep) = NULL;
    hole->from_ms = ask_database(g, sql, &to);
    hole->to_ms = strtoll(to, NULL, 10);
}

static void test_chunk(void **state)
{
    (void)state;
    struct ground g;
    ground_start(&g);
    size_t missing = 0;
    int64_t rows = ask_database(
        &g, "SELECT count(*) FROM chunk c JOIN span p ON p.id = c.id >> 32 WHERE p.tier < 2", NULL);
    for (uint64_t i = setting("STORE_ROT", 150) / 5; i > 0; i--) {
        ground_write(&g, g.whole.data, g.whole.len);
        char *sql CLEANUP(mem_freep) =
            mem_printf("SELECT c.id, s.key FROM chunk c JOIN series s ON s.id = c.id & 4294967295"
                       " JOIN span p ON p.id = c.id >> 32 WHERE p.tier < 2 LIMIT 1 OFFSET %llu",
                       (unsigned long long)chronicle_random(&g.c, (uint64_t)rows));
        char *key CLEANUP(mem_freep) = NULL;
        struct hole hole = {.row = ask_database(&g, sql, &key)};
        find_time(&g, &hole);
        hole.key = key;
        flip_in_row(&g, "chunk", "data", hole.row);
        struct answers got;
        struct verdict v = {0};
        ask_all(&g.c, &got);
        assert_rest(&g.good, &got, &hole);
        assert_true(got.damaged > 0);
        compare(&g.good, &got, NULL, &v);
        if (v.wrong)
            fail_msg("%s", v.what);
        missing += v.missing;
        answers_fini(&got);
        check_set_aside(&g, &hole);
    }
    assert_true(missing > 0);
    ground_end(&g);
}

/* The times of a span: all of it is a hole, but none of its chunks is to blame. */
static void test_times(void **state)
{
    (void)state;
    struct ground g;
    struct store_error err;
    ground_start(&g);
    for (uint64_t i = 0; i < 10; i++) {
        ground_write(&g, g.whole.data, g.whole.len);
        char *sql CLEANUP(mem_freep) = mem_printf(
            "SELECT id FROM span WHERE tier = 0 LIMIT 1 OFFSET %llu", (unsigned long long)i);
        flip_in_row(&g, "span", "times", ask_database(&g, sql, NULL));
        struct answers got;
        struct verdict v = {0};
        assert_int_equal(chronicle_open(&g.c, &err), 0);
        assert_true(ask_and_report(&g, &got) > 0);
        assert_int_equal(got.errors, 0);
        compare(&g.good, &got, NULL, &v);
        if (v.wrong)
            fail_msg("%s", v.what);
        assert_true(v.missing > 0 && got.damaged > 0);
        answers_fini(&got);
        store_work(g.c.store);
        assert_int_equal(store_stats(g.c.store).chunks_aside, 0);
        chronicle_close(&g.c, true);
        g.c.seq = g.c.event_seq = 0;
    }
    ground_end(&g);
}

/* A span that says it is of another tier: its chunks make no sense as such, and are good. */
static void test_tier(void **state)
{
    (void)state;
    struct ground g;
    struct store_error err;
    struct answers got;
    ground_start(&g);
    ask_database(&g, "UPDATE span SET tier = 1 WHERE id = (SELECT min(id) FROM span) RETURNING 1",
                 NULL);
    assert_int_equal(chronicle_open(&g.c, &err), 0);
    assert_true(ask_and_report(&g, &got) > 0);
    answers_fini(&got);
    store_work(g.c.store);
    assert_int_equal(store_stats(g.c.store).chunks_aside, 0);
    assert_int_equal(
        ask_database(&g, "SELECT count(*) FROM sqlite_schema WHERE name = 'damaged'", NULL), 0);
    ground_end(&g);
}

/* Folding meets it first: it is not gone with the span that is replaced. */
static void test_fold(void **state)
{
    (void)state;
    struct ground g;
    struct store_error err;
    ground_start(&g);
    char *key CLEANUP(mem_freep) = NULL;
    int64_t row =
        ask_database(&g,
                     "SELECT c.id, s.key FROM chunk c JOIN series s ON s.id = c.id & 4294967295"
                     " JOIN span p ON p.id = c.id >> 32 WHERE p.tier = 0 AND p.folded = 0 LIMIT 1",
                     &key);
    struct hole hole = {.row = row};
    find_time(&g, &hole);
    flip_in_row(&g, "chunk", "data", row);
    int64_t to_ms = g.c.t_ms;
    assert_int_equal(chronicle_open(&g.c, &err), 0);
    for (int i = 0; i < 200; i++) {
        assert_true(chronicle_write(&g.c));
        chronicle_work(&g.c, 1000);
    }
    assert_int_equal(store_stats(g.c.store).chunks_aside, 1);
    assert_int_equal(chronicle_count_notes(&g.c, "met while rolling up"), 1);
    assert_true(ask_database(&g, "SELECT chunk FROM damaged", NULL) == row);
    g.c.t_ms = to_ms; /* the same questions as before */
    struct answers got;
    assert_int_equal(ask_and_report(&g, &got), 0);
    for (size_t q = 0; q < ARRAY_LEN(questions); q++) {
        if (questions[q].step_ms <= FINEST_MS)
            continue;
        answer_free(got.answer[q]); /* the last of its steps has more by now */
        got.answer[q] = NULL;
    }
    struct verdict v = {0};
    compare(&g.good, &got, NULL, &v);
    assert_true(v.wrong == 0 && v.missing > 0);
    for (size_t q = 0; q < ARRAY_LEN(questions); q++) {
        const struct answer *all = g.good.answer[q], *some = got.answer[q];
        for (size_t s = 0; some && s < all->series_count; s++) {
            for (size_t p = 0; p < all->points_count; p++) {
                int64_t t_ms = all->from_ms + (int64_t)p * all->step_ms;
                bool beyond = t_ms > hole.to_ms || t_ms + all->step_ms <= hole.from_ms;
                assert_true(!beyond || isnan(all->series[s].values[p]) ||
                            !isnan(at(some, find(some, all->series[s].key), t_ms)));
            }
        }
    }
    answers_fini(&got);
    ground_end(&g);
}

/* ---- anything ------------------------------------------------------------------------------- */

static void test_anywhere(void **state)
{
    (void)state;
    struct ground g;
    ground_start(&g);
    size_t told = 0;
    for (uint64_t i = setting("STORE_ROT", 150) * 2; i > 0; i--) {
        size_t where = chronicle_random(&g.c, g.whole.len);
        char *sql CLEANUP(mem_freep) =
            mem_printf("SELECT count(*) FROM dbstat WHERE pageno = %zu AND name IN"
                       " ('chunk', 'snapshot', 'alert', 'meta', 'last')",
                       where / PAGE + 1);
        bool in_chunks = ask_database(&g, sql, NULL) > 0;
        char bit = (char)(1 << chronicle_random(&g.c, 8));
        g.whole.data[where] ^= bit;
        ground_write(&g, g.whole.data, g.whole.len);
        g.whole.data[where] ^= bit;
        struct answers got;
        struct verdict v = {0};
        ask_all(&g.c, &got);
        compare(&g.good, &got, NULL, &v);
        if ((v.wrong || got.odd) && in_chunks)
            fail_msg("byte %zu: %s", where, v.what);
        told += got.errors || got.damaged;
        answers_fini(&got);
        ground_write(&g, g.whole.data, g.whole.len);
    }
    assert_true(told > 0);
    ground_end(&g);
}

static void test_cut(void **state)
{
    (void)state;
    struct ground g;
    ground_start(&g);
    for (size_t len = 0; len < g.whole.len; len += PAGE) {
        ground_write(&g, g.whole.data, len);
        struct answers got;
        struct verdict v = {0};
        ask_all(&g.c, &got);
        compare(&g.good, &got, NULL, &v);
        if (v.wrong)
            fail_msg("cut at %zu: %s", len, v.what);
        assert_true(got.odd == 0 && (v.missing == 0 || got.errors || got.damaged));
        answers_fini(&got);
    }
    ground_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk), cmocka_unit_test(test_times),    cmocka_unit_test(test_tier),
        cmocka_unit_test(test_fold),  cmocka_unit_test(test_anywhere), cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
