/*
 * test_catalog.c: what a reader knows of spans and log is what is in the file, whatever was
 * written, sealed, folded or deleted since it looked last.
 */
#include "world.h"

#include "base/mem.h"
#include "store/reader.h"
#include "store/scan.h"

/* The rows of a question one by one. */
static sqlite3_stmt *ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    return stmt;
}

static void assert_spans(sqlite3 *db, const struct catalog *c)
{
    sqlite3_stmt *stmt = ask(db, "SELECT id, tier, folded, first_seq, last_seq, min_ms, max_ms,"
                                 " interval_ms FROM span WHERE tier < 3 ORDER BY id");
    for (size_t i = 0; i < c->spans_count; i++) {
        const struct catalog_span *s = &c->spans[i];
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_int_equal(s->id, sqlite3_column_int64(stmt, 0));
        assert_int_equal(s->tier, sqlite3_column_int(stmt, 1));
        assert_int_equal(s->folded, sqlite3_column_int(stmt, 2));
        assert_int_equal(s->first_seq, sqlite3_column_int64(stmt, 3));
        assert_int_equal(s->last_seq, sqlite3_column_int64(stmt, 4));
        assert_int_equal(s->min_ms, sqlite3_column_int64(stmt, 5));
        assert_int_equal(s->max_ms, sqlite3_column_int64(stmt, 6));
        assert_int_equal(s->interval_ms, sqlite3_column_int64(stmt, 7));
    }
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
}

/* The runs of a range have the rows of it, each once, and nothing else. */
static void assert_ticks(sqlite3 *db, const struct catalog *c, int64_t from_ms, int64_t to_ms)
{
    sqlite3_stmt *stmt = ask(db, "SELECT seq, t_ms, interval_ms FROM tick ORDER BY seq");
    struct tick_run run = {0};
    size_t in_runs = 0, in_range = 0;
    bool more = catalog_next_run(c, from_ms, to_ms, &run);
    for (size_t i = 0; i < c->ticks_count; i++) {
        const struct catalog_tick *t = &c->ticks[i];
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_int_equal(t->seq, sqlite3_column_int64(stmt, 0));
        assert_int_equal(t->t_ms, sqlite3_column_int64(stmt, 1));
        assert_int_equal(t->interval_ms, sqlite3_column_int64(stmt, 2));
        in_range += t->t_ms >= from_ms && t->t_ms <= to_ms;
        if (more && t->seq == run.first)
            in_runs += run.count;
        if (more && t->seq == run.last)
            more = catalog_next_run(c, from_ms, to_ms, &run);
        assert_true(in_runs >= in_range);
    }
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    assert_false(more);
    assert_int_equal(in_runs, in_range);
}

static void assert_known(struct world *w, struct store_reader *reader)
{
    struct store_error err;
    const struct catalog *c;
    assert_int_equal(reader_begin(reader, &err), 0);
    assert_int_equal(catalog_of(reader, &c), 0);
    char *path CLEANUP(mem_freep) = world_path(w, DATABASE_NAME);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int64_t to_ms = w->t_ms - (int64_t)world_random(w, 600000);
    assert_spans(db, c);
    assert_ticks(db, c, to_ms - (int64_t)world_random(w, 600000), to_ms);
    sqlite3_close(db);
    reader_end(reader);
}

static void change(struct world *w)
{
    switch (world_random(w, 12)) {
    case 0:
        world_work(w);
        break;
    case 1:
        store_work(w->store);
        break;
    case 2: /* the clock is set */
        w->t_ms += ((int64_t)world_random(w, 5) - 1) * 1800 * MS_PER_S;
        break;
    case 3:
        w->interval_ms = (int64_t)(1 + world_random(w, 3)) * 10 * MS_PER_S;
        break;
    case 4:
        if (world_random(w, 4) == 0) {
            world_close(w, false);
            world_open(w);
        }
        break;
    default:
        world_write(w);
    }
}

static void test_random_worlds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world w;
        world_init(&w, seed);
        w.settings.seal_ticks = 5 + (uint32_t)seed;
        w.settings.raw_ms = 3 * 3600 * MS_PER_S;
        w.settings.minute_ms = 30 * 3600 * MS_PER_S;
        w.interval_ms = 20 * MS_PER_S;
        world_open(&w);
        world_write(&w);
        struct store_reader *reader = world_reader(&w);
        int64_t coarse = 0, gone = 0;
        for (int i = 0; i < 400; i++) {
            change(&w);
            if (world_random(&w, 3)) /* now and then much comes at once */
                assert_known(&w, reader);
            if (i % 20)
                continue;
            coarse = MAX(coarse, world_ask_number(&w, "SELECT max(tier) FROM span"));
            gone = MAX(gone, world_ask_number(&w, "SELECT coalesce(min(id), 0) FROM span"));
        }
        assert_known(&w, reader);
        assert_true(coarse >= TIER_MINUTE && gone > 1); /* all of it has happened */
        store_reader_close(reader);
        world_fini(&w);
    }
}

/* As long as nobody has written, the file is not looked at. */
static void test_it_stays_as_long_as_nobody_writes(void **state)
{
    (void)state;
    struct world w;
    struct store_error err;
    const struct catalog *c;
    world_init(&w, 1);
    world_fill(&w, 3);
    struct store_reader *reader = world_reader(&w);
    assert_known(&w, reader);
    reader->catalog.ticks[0].t_ms = 7; /* which only reading it anew would mend */
    assert_int_equal(reader_begin(reader, &err), 0);
    assert_int_equal(catalog_of(reader, &c), 0);
    assert_int_equal(c->ticks[0].t_ms, 7);
    reader_end(reader);
    store_reader_close(reader);
    world_fini(&w);
}

/* Spans are read again when one has come, not for each tick. */
static void test_spans_stay_while_only_ticks_come(void **state)
{
    (void)state;
    struct world w;
    struct store_error err;
    const struct catalog *c;
    world_init(&w, 1);
    w.settings.seal_ticks = 10;
    world_open(&w);
    do {
        world_write(&w);
        store_work(w.store);
    } while (world_ask_number(&w, "SELECT count(*) FROM span") == 0);
    struct store_reader *reader = world_reader(&w);
    assert_known(&w, reader);
    reader->catalog.spans[0].max_ms = 7; /* which only reading it anew would mend */
    for (int i = 0; world_ask_number(&w, "SELECT count(*) FROM span") == 1; i++) {
        assert_int_equal(reader_begin(reader, &err), 0);
        assert_int_equal(catalog_of(reader, &c), 0);
        assert_int_equal(c->spans[0].max_ms, 7);
        reader_end(reader);
        assert_true(i < 100);
        world_write(&w);
        store_work(w.store);
    }
    assert_known(&w, reader);
    store_reader_close(reader);
    world_fini(&w);
}

/* Another log with the same numbers: the tick known last is not where it was. */
static void test_another_log(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    world_fill(&w, 6);
    struct store_reader *reader = world_reader(&w);
    assert_known(&w, reader);
    assert_int_equal(world_ask_number(&w, "UPDATE tick SET t_ms = t_ms + 5 RETURNING 1"), 1);
    assert_known(&w, reader);
    assert_int_equal(
        world_ask_number(
            &w, "DELETE FROM tick WHERE seq > (SELECT min(seq) + 2 FROM tick) RETURNING 1"),
        1);
    assert_known(&w, reader);
    store_reader_close(reader);
    world_fini(&w);
}

static size_t ask_for_all(const struct world *w, struct store_reader *reader)
{
    struct query q = {.from_ms = 0, .to_ms = w->t_ms, .points = 256, .aggregate = AGG_AVG};
    struct store_error err;
    struct answer *answer;
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("%s", err.text);
    size_t count = answer->series_count;
    answer_free(answer);
    return count;
}

/* Somebody with a tool of their own: what they took is a hole, and no damage. */
static void test_a_span_is_taken_by_others(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 1);
    world_fill(&w, 100);
    struct store_reader *reader = world_reader(&w);
    assert_known(&w, reader);
    int64_t spans = world_ask_number(&w, "SELECT count(*) FROM span");
    assert_true(spans > 2);
    assert_int_equal(
        world_ask_number(&w,
                         "DELETE FROM span WHERE id = (SELECT min(id) + 1 FROM span) RETURNING 1"),
        1);
    assert_true(ask_for_all(&w, reader) > 0);
    assert_int_equal(store_reader_damaged(reader), 1);
    world_write(&w);
    assert_true(ask_for_all(&w, reader) > 0);
    assert_int_equal(store_reader_damaged(reader), 1);
    assert_int_equal(reader->catalog.spans_count, spans - 1);
    assert_known(&w, reader);
    store_reader_close(reader);
    world_fini(&w);
}

/* Numbers with which nothing can be computed, which no checksum covers. */
static void test_impossible_numbers(void **state)
{
    static const char *const spoilt[] = {
        "UPDATE span SET interval_ms = 1 << 62 WHERE id = 2 RETURNING 1",
        "UPDATE span SET interval_ms = 0 WHERE id = 2 RETURNING 1",
        "UPDATE span SET interval_ms = -1000 WHERE id = 2 RETURNING 1",
        "UPDATE span SET min_ms = -9223372036854775807 - 1 WHERE id = 2 RETURNING 1",
        "UPDATE span SET max_ms = 9223372036854775807 WHERE id = 2 RETURNING 1",
        "UPDATE span SET max_ms = min_ms - 1 WHERE id = 2 RETURNING 1",
        "UPDATE tick SET interval_ms = 1 << 62 RETURNING 1",
        "UPDATE tick SET interval_ms = 0 RETURNING 1",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(spoilt); i++) {
        struct world w;
        world_init(&w, 1);
        world_fill(&w, 110); /* the last ones are in the log */
        assert_int_equal(world_ask_number(&w, spoilt[i]), 1);
        struct store_reader *reader = world_reader(&w);
        assert_true(ask_for_all(&w, reader) > 0);
        assert_int_equal(store_reader_damaged(reader), strstr(spoilt[i], "UPDATE span") != NULL);
        struct selector everything;
        selector_init(&everything);
        struct scan_spec spec = {.selector = &everything, .from_ms = 0, .to_ms = w.t_ms};
        struct scan *scan;
        struct store_error err;
        assert_int_equal(scan_open(reader, &spec, NULL, &scan, &err), 0);
        assert_true(scan_about(scan)->values_expected < 1000000);
        scan_close(scan);
        selector_fini(&everything);
        store_reader_close(reader);
        world_fini(&w);
    }
}

/* What has expired among the samples is in rows of minutes, which do not speak for it in an answer
 * of samples. */
static void test_claims_are_of_a_tier(void **state)
{
    (void)state;
    struct catalog_span spans[] = {
        {.id = 1, .tier = TIER_MINUTE, .first_seq = 1, .last_seq = 60},
        {.id = 2, .tier = TIER_RAW, .first_seq = 40, .last_seq = 90, .folded = true},
    };
    struct catalog_tick ticks[] = {{.seq = 91}, {.seq = 95}};
    struct catalog c = {.spans = spans, .spans_count = 2};
    assert_int_equal(catalog_claim(&c, TIER_RAW).after, 40);
    assert_int_equal(catalog_claim(&c, TIER_RAW).before, 90);
    assert_int_equal(catalog_claim(&c, TIER_MINUTE).after, 1);
    c.ticks = ticks;
    c.ticks_count = 2;
    assert_int_equal(catalog_claim(&c, TIER_MINUTE).before, 95);
    c.spans_count = 1;
    assert_int_equal(catalog_claim(&c, TIER_RAW).after, 91);
    assert_int_equal(catalog_claim(&c, TIER_RAW).before, 95);
}

static void test_without_a_reader(void **state)
{
    (void)state;
    const struct catalog *c;
    struct tick_run run = {0};
    assert_int_equal(catalog_of(NULL, &c), 0);
    assert_int_equal(c->spans_count + c->ticks_count, 0);
    assert_false(catalog_next_run(c, 0, INT64_MAX, &run));
    assert_int_equal(catalog_claim(c, TIER_HOUR).before, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_worlds),
        cmocka_unit_test(test_it_stays_as_long_as_nobody_writes),
        cmocka_unit_test(test_spans_stay_while_only_ticks_come),
        cmocka_unit_test(test_another_log),
        cmocka_unit_test(test_a_span_is_taken_by_others),
        cmocka_unit_test(test_impossible_numbers),
        cmocka_unit_test(test_claims_are_of_a_tier),
        cmocka_unit_test(test_without_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
