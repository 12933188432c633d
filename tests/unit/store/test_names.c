/*
 * test_names.c: names that come and go: what is kept of series that will not be seen again, and
 * what becomes of one that was forgotten and is.
 */
#include "world.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_internal.h"

static const struct metric metric_bytes = {"names_bytes_total", "bytes", "Bytes.", METRIC_COUNTER,
                                           1};
static const struct metric metric_level = {"names_level", "", "A level.", METRIC_GAUGE, 1};
static const struct metric metric_bucket = {"names_seconds_bucket", "", "A bucket.", METRIC_COUNTER,
                                            1};

static struct series *device(struct world *w, const struct metric *metric, unsigned number)
{
    char text[16];
    snprintf(text, sizeof(text), "veth%u", number);
    struct label label = {"device", text};
    return registry_get(w->registry, metric, &label, 1, "test");
}

static struct series *bucket(struct world *w, const char *le)
{
    struct label label = {"le", le};
    return registry_get(w->registry, &metric_bucket, &label, 1, "test");
}

static void begin(struct world *w)
{
    w->t_ms += 1000;
    draft_begin(w->draft, w->seq++, w->t_ms, NS_PER_S, 0, 1000);
}

static struct tick *end(struct world *w)
{
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    assert_non_null(t);
    return t;
}

static void write_tick(struct world *w, struct tick *t)
{
    assert_int_equal(store_write(w->store, t), 0);
    tick_unref(t);
}

/* As if the registry had forgotten everything, or the program had been started anew. */
static void forget_all_with(struct world *w, size_t limit)
{
    uint32_t next = registry_next_id(w->registry);
    draft_free(w->draft);
    registry_free(w->registry);
    w->registry = registry_new(limit, next);
    w->draft = draft_new(w->registry);
}

static void forget_all(struct world *w)
{
    forget_all_with(w, 1000);
}

/* The i-th tick of the life below: counters 1, 2, 3, … more each time. */
static struct tick *life_tick(struct world *w, uint64_t i)
{
    uint64_t absolute = i * (i + 1) / 2;
    begin(w);
    draft_counter(w->draft, device(w, &metric_bytes, 1), absolute, 1);
    draft_gauge(w->draft, device(w, &metric_level, 1), (double)i / 4);
    draft_counter(w->draft, bucket(w, "0.5"), absolute, 1);
    draft_counter(w->draft, bucket(w, "+Inf"), 2 * absolute, 1);
    return end(w);
}

static struct answer *ask(const struct world *w, const char *glob, int64_t from_ms, int64_t to_ms,
                          uint32_t points, enum aggregate aggregate, const struct recent *recent)
{
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(w->dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    struct query q = {.from_ms = from_ms, .to_ms = to_ms, .points = points, .aggregate = aggregate};
    selector_add_glob(&q.selector, glob);
    struct answer *answer;
    if (store_query(reader, &q, recent, &answer, &err) < 0)
        fail_msg("%s", err.text);
    selector_fini(&q.selector);
    store_reader_close(reader);
    return answer;
}

#define LIFE_TICKS 40

/* One name, three ids one after the other: on disk in columns, in the log and in memory. Whatever
 * is asked, the answer is one line with the newest id and every sample in it. */
static void test_ids_of_one_name_are_one_line(void **state)
{
    static const char *const globs[] = {"names_bytes_total", "names_level"};
    (void)state;
    struct world w;
    world_init(&w, 1);
    w.settings.seal_ticks = 12;
    world_open(&w);
    w.t_ms = INT64_C(1764000000000) - 1000;
    int64_t from_ms = w.t_ms + 1000;
    struct tick *last[5];
    uint32_t id[2] = {0};
    for (uint64_t i = 0; i < LIFE_TICKS; i++) {
        if (i == 10 || i == 30)
            forget_all(&w);
        struct tick *t = life_tick(&w, i);
        if (i < LIFE_TICKS - 5)
            write_tick(&w, t);
        else
            last[i - (LIFE_TICKS - 5)] = t;
        world_work(&w);
        uint32_t now = device(&w, &metric_bytes, 1)->id;
        assert_true(now >= id[0]);
        id[0] = now;
        id[1] = device(&w, &metric_level, 1)->id;
    }
    assert_true(store_stats(w.store).spans_sealed >= 2);
    const struct recent recent = {.ticks = last, .count = ARRAY_LEN(last)};
    int64_t to_ms = w.t_ms;

    for (size_t m = 0; m < ARRAY_LEN(globs); m++) {
        for (enum aggregate agg = AGG_AVG; agg <= AGG_SUM; agg++) {
            struct answer *a = ask(&w, globs[m], from_ms, to_ms, 1000, agg, &recent);
            assert_int_equal(a->series_count, 1);
            assert_int_equal(a->series[0].id, id[m]);
            assert_int_equal(a->points_count, LIFE_TICKS);
            for (uint64_t i = 0; i < LIFE_TICKS; i++) {
                /* The first sample of each life has nothing to be compared with. */
                bool first = i == 0 || i == 10 || i == 30;
                double wanted = m == 0 ? (double)i : (double)i / 4, got = a->series[0].values[i];
                if (m == 0 && first)
                    wanted = agg == AGG_SUM ? 0 : NAN;
                else if (m == 1 && agg == AGG_SUM)
                    wanted = NAN;
                if (isnan(wanted) ? !isnan(got) : !(fabs(got - wanted) < 1e-9))
                    fail_msg("%s %s at %d: %g", globs[m], aggregate_name(agg), (int)i, got);
            }
            answer_free(a);
        }
        /* Across the change of ids in one step. */
        struct answer *a = ask(&w, globs[m], from_ms, to_ms, 2, AGG_MAX, &recent);
        double most = 0;
        for (size_t p = 0; p < a->points_count; p++)
            most = fmax(most, a->series[0].values[p]);
        assert_true(most == (m == 0 ? LIFE_TICKS - 1 : (LIFE_TICKS - 1) / 4.0));
        answer_free(a);
    }
    /* Half of all lie below 0.5, so the middle one does. */
    struct answer *a = ask(&w, "names_seconds", from_ms, to_ms, 1000, AGG_P50, &recent);
    assert_int_equal(a->series_count, 1);
    for (uint64_t i = 0; i < LIFE_TICKS; i++) {
        double got = a->series[0].values[i];
        bool first = i == 0 || i == 10 || i == 30;
        assert_true(first ? isnan(got) : fabs(got - 0.5) < 1e-9);
    }
    answer_free(a);
    for (size_t i = 0; i < ARRAY_LEN(last); i++)
        tick_unref(last[i]);
    world_fini(&w);
}

/* What had another scale under the same name is not mixed with it. */
static void test_other_meaning_is_another_line(void **state)
{
    static const struct metric scaled = {"names_bytes_total", "bytes", "Bytes.", METRIC_COUNTER, 8};
    (void)state;
    struct world w;
    world_init(&w, 2);
    world_open(&w);
    int64_t from_ms = w.t_ms;
    for (uint64_t i = 0; i < 10; i++) {
        if (i == 5)
            forget_all(&w);
        begin(&w);
        draft_counter(w.draft, device(&w, i < 5 ? &metric_bytes : &scaled, 1), i, 1);
        write_tick(&w, end(&w));
    }
    struct answer *a = ask(&w, "names_bytes_total", from_ms, w.t_ms, 1000, AGG_SUM, NULL);
    assert_int_equal(a->series_count, 2);
    assert_string_equal(a->series[0].key, a->series[1].key);
    assert_true(a->series[0].id < a->series[1].id);
    for (size_t k = 0; k < 2; k++) {
        double sum = 0;
        for (size_t p = 0; p < a->points_count; p++)
            sum += isnan(a->series[k].values[p]) ? 0 : a->series[k].values[p];
        assert_true(fabs(sum - (k ? 4 * 8 : 4)) < 1e-9);
    }
    answer_free(a);
    world_fini(&w);
}

/* After a restart a name goes on under its newest id, and counts on from there. */
static void test_restart_takes_the_newest_id(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    world_open(&w);
    begin(&w);
    draft_counter(w.draft, device(&w, &metric_bytes, 1), 100, 1);
    write_tick(&w, end(&w));
    uint32_t before = device(&w, &metric_bytes, 1)->id;
    forget_all(&w);
    begin(&w);
    draft_counter(w.draft, device(&w, &metric_bytes, 1), 150, 1);
    write_tick(&w, end(&w));
    uint32_t id = device(&w, &metric_bytes, 1)->id;
    assert_true(id > before);
    forget_all(&w);
    assert_int_equal(store_restore(w.store, w.registry), 0);
    begin(&w);
    struct series *s = device(&w, &metric_bytes, 1);
    assert_int_equal(s->id, id);
    draft_counter(w.draft, s, 160, 1);
    write_tick(&w, end(&w));
    struct answer *a = ask(&w, "names_bytes_total", w.t_ms, w.t_ms, 1, AGG_SUM, NULL);
    assert_int_equal(a->series_count, 1);
    assert_true(a->series[0].values[0] == 10);
    answer_free(a);
    world_fini(&w);
}

/* More series on disk than the registry remembers: those sampled last are the ones it is given,
 * however small their ids. */
static void test_restores_those_sampled_last(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4);
    world_open(&w);
    unsigned most = 1500, all = most + most / 2;
    forget_all_with(&w, all);
    for (int i = 0; i < 2; i++) {
        begin(&w);
        for (unsigned k = 0; k < (i ? most / 2 : all); k++)
            draft_gauge(w.draft, device(&w, &metric_level, k), k);
        write_tick(&w, end(&w));
    }
    uint32_t first_id = device(&w, &metric_level, 0)->id;
    forget_all_with(&w, most);
    assert_int_equal(store_restore(w.store, w.registry), 0);
    assert_int_equal(registry_silent(w.registry), most);
    for (unsigned k = 0; k < most / 2; k++)
        assert_int_equal(device(&w, &metric_level, k)->id, first_id + k);
    world_fini(&w);
}

/* A host that starts and ends 200,000 containers: what is kept of them in memory and on disk is
 * what samples of the time that is kept refer to. */
static void test_short_lived_devices(void **state)
{
    enum { DEVICES = 200000, NEW = 250, KEPT_TICKS = 60, SEAL_TICKS = 20 };
    (void)state;
    struct world w;
    world_init(&w, 5);
    w.settings.raw_ms = KEPT_TICKS * 1000;
    w.settings.seal_ticks = SEAL_TICKS;
    world_open(&w);
    forget_all_with(&w, 16 * NEW);
    uint32_t most_entries = 0;
    uint64_t most_rows = 0, half_bytes = 0;
    for (unsigned first = 0; first < DEVICES; first += NEW) {
        begin(&w);
        for (unsigned i = first; i < first + NEW; i++) {
            struct series *s = device(&w, &metric_bytes, i);
            assert_non_null(s);
            draft_counter(w.draft, s, i, 1);
        }
        write_tick(&w, end(&w));
        registry_make_room(w.registry, w.seq - 2);
        world_work(&w);
        most_entries = MAX(most_entries, w.store->ledger.count);
        most_rows = MAX(most_rows, store_stats(w.store).series);
        if (first == DEVICES / 2)
            half_bytes = store_stats(w.store).database_bytes;
    }
    assert_int_equal(registry_refused(w.registry), 0);
    /* What retention lets stand: the time kept, and what was written between two looks at it. */
    uint64_t bound = (KEPT_TICKS + 2 * SEAL_TICKS + 256) * (uint64_t)NEW;
    assert_in_range(most_rows, KEPT_TICKS * NEW, bound);
    assert_in_range(most_entries, KEPT_TICKS * NEW, bound + 8 * NEW);
    assert_in_range(store_stats(w.store).database_bytes, half_bytes / 2, half_bytes * 3 / 2);
    world_fini(&w);
}

/* The same while nothing can be written: what was never on disk is let go. */
static void test_short_lived_devices_on_a_full_disk(void **state)
{
    enum { DEVICES = 40000, NEW = 20 };
    (void)state;
    struct world w;
    world_init(&w, 6);
    world_open(&w);
    forget_all_with(&w, 32 * NEW);
    sqlite3_exec(w.store->db, "PRAGMA max_page_count = 1", NULL, NULL, NULL);
    uint32_t most_entries = 0;
    uint64_t lost = 0;
    for (unsigned first = 0; first < DEVICES; first += NEW) {
        begin(&w);
        for (unsigned i = first; i < first + NEW; i++)
            draft_counter(w.draft, device(&w, &metric_bytes, i), i, 1);
        struct tick *t = end(&w);
        lost += store_write(w.store, t) == -ENOSPC;
        tick_unref(t);
        registry_make_room(w.registry, w.seq - 2);
        most_entries = MAX(most_entries, w.store->ledger.count);
    }
    assert_true(lost > DEVICES / NEW / 2);
    assert_true(most_entries < 2 * 256 * NEW + 20 * NEW);
    world_fini(&w);
}

/* Far more series than an answer may have lie in the past; one is sampled now. */
static void test_those_of_the_past_take_no_room(void **state)
{
    enum { PAST = QUERY_SERIES_MAX + 500, TICKS = 30, PER_TICK = 250 };
    (void)state;
    struct world w;
    world_init(&w, 9);
    w.settings.seal_ticks = TICKS;
    world_open(&w);
    forget_all_with(&w, PAST + 10);
    for (unsigned first = 0; first < PAST; first += PER_TICK) {
        begin(&w);
        for (unsigned i = first; i < MIN(first + PER_TICK, (unsigned)PAST); i++)
            draft_counter(w.draft, device(&w, &metric_bytes, i), 1, 1);
        write_tick(&w, end(&w));
    }
    int64_t then_ms = w.t_ms;
    w.t_ms += 2 * 3600 * MS_PER_S; /* the past has a span of its own */
    /* Two spans, then a few ticks in the log and a few in memory. One device of the past is back
     * in each of them for a tick, and one was made and never sampled. */
    struct tick *last[4];
    int64_t from_ms = w.t_ms + 1000;
    uint64_t absolute = 0;
    for (unsigned i = 0; i < 2 * TICKS + 8; i++) {
        begin(&w);
        draft_counter(w.draft, device(&w, &metric_bytes, 900000), absolute += 3, 1);
        if (i == 2 * TICKS - 5 || i == 2 * TICKS + 2 || i == 2 * TICKS + 6)
            draft_counter(w.draft, device(&w, &metric_bytes, i), 5, 1);
        device(&w, &metric_bytes, 900001);
        struct tick *t = end(&w);
        if (i < 2 * TICKS + 4)
            write_tick(&w, t);
        else
            last[i - (2 * TICKS + 4)] = t;
        if (i == 2 * TICKS - 1)
            world_work(&w);
    }
    const struct recent recent = {.ticks = last, .count = ARRAY_LEN(last)};

    struct answer *a = ask(&w, "names_*", from_ms, w.t_ms, 300, AGG_SUM, &recent);
    assert_int_equal(a->series_count, 4);
    assert_false(a->truncated);
    assert_int_equal(a->step_ms, 1000);
    assert_string_equal(a->series[3].labels[0].value, "veth900000");
    double sum = 0;
    for (size_t p = 0; p < a->points_count; p++)
        sum += a->series[3].values[p];
    assert_true(sum == (double)(absolute - 3)); /* its first sample has nothing before it */
    answer_free(a);

    /* From memory alone, the same; and the past has them all, as many as an answer may have. */
    struct query q = {.from_ms = from_ms, .to_ms = w.t_ms, .points = 300};
    assert_int_equal(store_query(NULL, &q, &recent, &a, NULL), 0);
    assert_int_equal(a->series_count, 2);
    answer_free(a);
    a = ask(&w, "names_*", then_ms - 3600000, then_ms, 300, AGG_SUM, &recent);
    assert_int_equal(a->series_count, QUERY_SERIES_MAX);
    assert_true(a->truncated);
    answer_free(a);
    for (size_t i = 0; i < ARRAY_LEN(last); i++)
        tick_unref(last[i]);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_of_one_name_are_one_line),
        cmocka_unit_test(test_other_meaning_is_another_line),
        cmocka_unit_test(test_restart_takes_the_newest_id),
        cmocka_unit_test(test_restores_those_sampled_last),
        cmocka_unit_test(test_those_of_the_past_take_no_room),
        cmocka_unit_test(test_short_lived_devices),
        cmocka_unit_test(test_short_lived_devices_on_a_full_disk),
    };
    return cmocka_run_group_tests_name("store/names", tests, NULL, NULL);
}
