/*
 * test_postings.c: a question that names its series finds those that one with a pattern finds,
 * whatever came since the reader asked last.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/reader.h"

static const struct metric metric_bytes = {"post_bytes_total", "bytes", "Bytes.", METRIC_COUNTER,
                                           1};
static const struct metric metric_level = {"post_level", "", "A level.", METRIC_GAUGE, 1};
static const struct metric metric_bucket = {"post_seconds_bucket", "", "A bucket.", METRIC_COUNTER,
                                            1};

struct range {
    unsigned from, end;
};

/* One tick with samples of these devices. */
static void write_devices(struct world *w, struct range devices)
{
    static const char *const bounds[] = {"1", "+Inf"};
    w->t_ms += 1000;
    draft_begin(w->draft, w->seq++, w->t_ms, NS_PER_S, 0, 1000);
    for (unsigned i = devices.from; i < devices.end; i++) {
        char text[16];
        snprintf(text, sizeof(text), "veth%u", i);
        struct label labels[2] = {{"device", text}, {"le", NULL}};
        draft_counter(w->draft, registry_get(w->registry, &metric_bytes, labels, 1, "test"),
                      w->seq * i, 1);
        draft_gauge(w->draft, registry_get(w->registry, &metric_level, labels, 1, "test"), i);
        for (size_t b = 0; b < ARRAY_LEN(bounds) && i % 10 == 0; b++) {
            labels[1].value = bounds[b];
            draft_counter(w->draft, registry_get(w->registry, &metric_bucket, labels, 2, "test"),
                          w->seq * (b + 1), 1);
        }
    }
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    assert_non_null(t);
    assert_int_equal(store_write(w->store, t), 0);
    tick_unref(t);
    world_work(w);
}

/* Ids from here on, as if the program had been started anew. */
static void begin_ids_at(struct world *w, uint32_t id)
{
    draft_free(w->draft);
    registry_free(w->registry);
    w->registry = registry_new(100000, id);
    w->draft = draft_new(w->registry);
}

static struct answer *ask(const struct world *w, struct store_reader *reader, const char *glob,
                          const char *match, enum aggregate aggregate)
{
    struct query q = {.from_ms = 0, .to_ms = w->t_ms + 1, .points = 10, .aggregate = aggregate};
    struct store_error err;
    struct answer *answer;
    if (glob)
        assert_int_equal(selector_add_glob(&q.selector, glob), 0);
    if (match)
        assert_int_equal(selector_add_match(&q.selector, match), 0);
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("%s", err.text);
    selector_fini(&q.selector);
    return answer;
}

/* `named` has every text in letters, `pattern` none of them. Says how many there were. */
static size_t assert_same(const struct world *w, struct store_reader *reader,
                          const char *const named[2], const char *const pattern[2],
                          enum aggregate aggregate)
{
    struct answer *a = ask(w, reader, named[0], named[1], aggregate);
    struct answer *b = ask(w, reader, pattern[0], pattern[1], aggregate);
    size_t count = a->series_count;
    assert_int_equal(a->series_count, b->series_count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(a->series[i].key, b->series[i].key);
        assert_int_equal(a->series[i].id, b->series[i].id);
        assert_memory_equal(a->series[i].values, b->series[i].values,
                            a->points_count * sizeof(double));
    }
    answer_free(a);
    answer_free(b);
    return count;
}

static void assert_device(const struct world *w, struct store_reader *reader, unsigned device,
                          size_t times)
{
    char match[32], pattern[32];
    snprintf(match, sizeof(match), "device=veth%u", device);
    snprintf(pattern, sizeof(pattern), "device=?eth%u", device);
    const char *const named[] = {"post_level", match}, *const patterns[] = {"post_l?vel", pattern};
    const char *const label[] = {NULL, match}, *const label_pattern[] = {NULL, pattern};
    size_t all = device % 10 == 0 ? 4 : 2;
    assert_int_equal(assert_same(w, reader, named, patterns, AGG_MAX), times);
    assert_int_equal(assert_same(w, reader, label, label_pattern, AGG_MAX), times ? all : 0);
    const char *const quantile[] = {"post_seconds", match}, *const quantile_pattern[] = {
                                                                "post_s?conds", pattern};
    assert_int_equal(assert_same(w, reader, quantile, quantile_pattern, AGG_P90),
                     times && device % 10 == 0);
}

static void begin(struct world *w)
{
    world_init(w, 1);
    w->settings.seal_ticks = 3;
    world_open(w);
    begin_ids_at(w, 1); /* with room for all */
    w->t_ms = INT64_C(1764000000000);
}

static void test_what_comes_is_found(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    write_devices(&w, (struct range){0, 5});
    struct store_reader *reader = world_reader(&w);
    for (unsigned end = 10; end <= 400; end += end < 40 ? 1 : 90) {
        write_devices(&w, (struct range){0, end});
        assert_device(&w, reader, end - 1, 1);
        assert_device(&w, reader, end / 20 * 10, 1);
        assert_device(&w, reader, end, 0); /* not there yet */
    }
    store_reader_close(reader);
    world_fini(&w);
}

/* Rows are asked for behind the greatest id that is known. */
static void test_ids_that_come_late_are_found(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    begin_ids_at(&w, 1000);
    write_devices(&w, (struct range){0, 30});
    struct store_reader *reader = world_reader(&w);
    assert_device(&w, reader, 20, 1);
    begin_ids_at(&w, 100);
    write_devices(&w, (struct range){40, 50});
    assert_device(&w, reader, 40, 1);
    begin_ids_at(&w, 500);
    write_devices(&w, (struct range){50, 60});
    assert_device(&w, reader, 50, 1);
    world_close(&w, false);
    world_open(&w); /* how often that was is known */
    begin_ids_at(&w, 300);
    write_devices(&w, (struct range){60, 70});
    assert_device(&w, reader, 60, 1);
    assert_device(&w, reader, 20, 1);
    store_reader_close(reader);
    world_fini(&w);
}

/* What was read may be of series that are long deleted. */
static void test_it_begins_anew_when_much_has_come(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    write_devices(&w, (struct range){0, 20});
    struct store_reader *reader = world_reader(&w);
    assert_device(&w, reader, 10, 1);
    assert_int_equal(reader->postings.series_at_first, 44);
    for (unsigned from = 20; from < 2120; from += 300) {
        write_devices(&w, (struct range){from, from + 300});
        assert_device(&w, reader, from + 10, 1);
    }
    write_devices(&w, (struct range){2120, 2130});
    assert_device(&w, reader, 2125, 1);
    assert_true(reader->postings.series_at_first > 4096);
    assert_int_equal(reader->postings.series, 2130 * 2 + 213 * 2);
    assert_device(&w, reader, 10, 1);
    store_reader_close(reader);
    world_fini(&w);
}

/* What is in a file need not be a key. */
static void test_texts_that_are_no_keys(void **state)
{
    static const char *const keys[] = {
        "",          "{",          "a{",    "a{b",       "a{b=\"",      "a{b=\"\\",
        "a{b=\"c\"", "a{b=\"c\",", "}{\"}", "a{b=\"\"}", "a{\"\"\"\"}", "a{b=\"c\\\"d\",e=\"f\"}"};
    (void)state;
    struct world w;
    begin(&w);
    write_devices(&w, (struct range){0, 20});
    world_close(&w, false);
    char *path = world_path(&w, DATABASE_NAME);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char *sql = sqlite3_mprintf("INSERT INTO series VALUES(%d, %Q, '', '', 0, 1, '')",
                                    1000 + (int)i, keys[i]);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_free(sql);
    }
    sqlite3_close(db);
    free(path);
    struct store_reader *reader = world_reader(&w);
    assert_device(&w, reader, 10, 1);
    struct id_list found = {0};
    postings_find(&reader->postings, "e=\"f\"", 5, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.ids[0], 1011);
    id_list_fini(&found);
    store_reader_close(reader);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_is_found),
        cmocka_unit_test(test_ids_that_come_late_are_found),
        cmocka_unit_test(test_it_begins_anew_when_much_has_come),
        cmocka_unit_test(test_texts_that_are_no_keys),
    };
    return cmocka_run_group_tests_name("store/postings", tests, NULL, NULL);
}
