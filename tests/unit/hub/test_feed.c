/*
 * test_feed.c: what a feed says about ticks: announcements, values, pace, tables, events.
 */
#include "feed_rig.h"

#include <malloc.h>

/* ---- the sharing key --------------------------------------------------------------------- */

struct wish {
    enum channel channel;
    int64_t interval_ms;
    const char *globs[4], *matches[4];
    bool admin;
};

static char *key_of(const struct wish *w)
{
    struct feed_spec spec = {
        .channel = w->channel, .interval_ms = w->interval_ms, .admin = w->admin};
    for (size_t i = 0; i < ARRAY_LEN(w->globs) && w->globs[i]; i++)
        assert_int_equal(selector_add_glob(&spec.selector, w->globs[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(w->matches) && w->matches[i]; i++)
        assert_int_equal(selector_add_match(&spec.selector, w->matches[i]), 0);
    char *key = feed_spec_key(&spec);
    feed_spec_fini(&spec);
    return key;
}

static void test_key_same(void **state)
{
    static const struct {
        struct wish a, b;
    } pairs[] = {
        {{.channel = CHANNEL_METRICS}, {.channel = CHANNEL_METRICS}},
        {{.globs = {"a*", "b"}}, {.globs = {"b", "a*"}}},
        {{.globs = {"a", "b", "a"}}, {.globs = {"a", "b", "b"}}},
        {{.matches = {"x=1", "x=1"}}, {.matches = {"x=1"}}},
        {{.globs = {"a"}, .matches = {"x=1", "y=2"}}, {.globs = {"a"}, .matches = {"y=2", "x=1"}}},
        {{.channel = CHANNEL_EVENTS}, {.channel = CHANNEL_EVENTS, .interval_ms = 5000}},
        {{.channel = CHANNEL_PERFORMANCE}, {.channel = CHANNEL_PERFORMANCE, .interval_ms = 5000}},
        {{.channel = CHANNEL_ALERTS}, {.channel = CHANNEL_ALERTS, .interval_ms = 5000}},
        {{.interval_ms = 5000, .globs = {"c", "a", "b"}},
         {.interval_ms = 5000, .globs = {"b", "c", "a"}}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char *a = key_of(&pairs[i].a), *b = key_of(&pairs[i].b);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
}

/* Keys of different wishes differ, whatever a client writes into its patterns. */
static void test_key_differs(void **state)
{
    static const struct wish wishes[] = {
        {.channel = CHANNEL_METRICS},
        {.channel = CHANNEL_EVENTS},
        {.channel = CHANNEL_ALERTS},
        {.channel = CHANNEL_ANOMALIES},
        {.channel = CHANNEL_ANOMALIES, .interval_ms = 5000},
        {.channel = CHANNEL_ANOMALIES, .globs = {"a"}},
        {.channel = CHANNEL_INTERFACES},
        {.channel = CHANNEL_PERFORMANCE},
        {.channel = CHANNEL_PERFORMANCE, .admin = true},
        {.interval_ms = 1000},
        {.interval_ms = 10001},
        {.globs = {"a"}},
        {.globs = {"b"}},
        {.globs = {"a", "b"}},
        {.globs = {"ab"}},
        {.globs = {"a 2:mb"}}, /* would be {"a", "b"} if lengths were not counted */
        {.globs = {"a", "2:mb"}},
        {.globs = {"2:ma", "b"}},
        {.globs = {"a=b"}},
        {.matches = {"a=b"}}, /* a match is not a name */
        {.matches = {"a=b=c"}},
        {.globs = {"la=b"}},
        {.globs = {"a"}, .matches = {"b=c"}},
        {.matches = {"ma=x"}},
        {.globs = {"a=x"}, .matches = {"m=x"}},
        {.globs = {"0 1000"}},
        {.globs = {"a\n"}},
        {.globs = {"a "}},
    };
    char *keys[ARRAY_LEN(wishes)];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
        keys[i] = key_of(&wishes[i]);
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
        for (size_t k = i + 1; k < ARRAY_LEN(wishes); k++)
            assert_string_not_equal(keys[i], keys[k]);
    }
    for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
        free(keys[i]);
}

/* ---- announcements ----------------------------------------------------------------------- */

static void test_announces_once(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 0, NULL);
    struct parcels out = PARCELS_INIT;
    (void)state;

    step(f, maker_tick(&m), &out);
    assert_int_equal(out.count, 2); /* the series come before the values */
    assert_int_equal(out.items[0].urgency, PARCEL_KEEP);
    json_t *series = said(&out, 0, "series");
    assert_int_equal(json_length(series, "series"), 2);
    json_t *first = json_array_get(json_object_get(series, "series"), 0);
    assert_string_equal(json_text(first, "name"), maker_bytes.name);
    assert_string_equal(json_text(json_object_get(first, "labels"), "device"), "eth0");
    json_decref(series);
    json_t *metrics = said(&out, 1, "metrics");
    assert_int_equal(json_whole(metrics, "seq"), m.seq);
    assert_int_equal(json_whole(metrics, "t"), m.t_ms);
    assert_int_equal(out.items[1].seq, m.seq);
    json_decref(metrics);

    step(f, maker_tick(&m), &out);
    json_decref(only_metrics(&out));

    /* A new interface: its series alone is announced, in front of the values that have it. */
    maker_begin(&m);
    struct series *fresh = maker_series(&m, &maker_bytes, "eth1");
    draft_counter(m.draft, fresh, 7, 2);
    step(f, maker_end(&m), &out);
    assert_int_equal(out.count, 2);
    series = said(&out, 0, "series");
    assert_int_equal(json_length(series, "series"), 1);
    assert_int_equal(json_whole(json_array_get(json_object_get(series, "series"), 0), "id"),
                     fresh->id);
    json_decref(series);
    metrics = said(&out, 1, "metrics");
    assert_int_equal(json_length(metrics, "values"), 3);
    assert_non_null(metrics_value(metrics, fresh->id));
    json_decref(metrics);

    step(f, maker_tick(&m), &out);
    json_decref(only_metrics(&out));

    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* Series that come while a slow feed is silent are announced at once, and once. */
static void test_announces_between_messages(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 10000, NULL);
    struct parcels out = PARCELS_INIT;
    (void)state;
    step(f, maker_tick(&m), &out);
    assert_int_equal(out.count, 2);
    maker_begin(&m);
    draft_gauge(m.draft, maker_series(&m, &maker_carrier, "eth9"), 1);
    step(f, maker_end(&m), &out);
    assert_int_equal(out.count, 1);
    json_t *series = said(&out, 0, "series");
    assert_int_equal(json_length(series, "series"), 1);
    json_decref(series);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

static void test_selects(void **state)
{
    struct maker m = maker_new(1000);
    struct feed_spec spec = {.channel = CHANNEL_METRICS};
    assert_int_equal(selector_add_glob(&spec.selector, "node_network_receive_*"), 0);
    assert_int_equal(selector_add_match(&spec.selector, "device=eth*"), 0);
    struct feed *f = feed_new(&spec);
    struct feed *none = feed_of(CHANNEL_METRICS, 0, "no_such_*");
    struct parcels out = PARCELS_INIT;
    (void)state;

    maker_begin(&m);
    draft_counter(m.draft, maker_series(&m, &maker_bytes, "eth0"), 1, 1);
    draft_counter(m.draft, maker_series(&m, &maker_bytes, "wlan0"), 1, 1);
    draft_counter(m.draft, maker_series(&m, &maker_packets, "eth1"), 1, 1);
    draft_gauge(m.draft, maker_series(&m, &maker_carrier, "eth0"), 1);
    struct tick *t = maker_end(&m);
    feed_step(none, t, &out); /* nothing to announce, an empty list of values */
    json_t *metrics = only_metrics(&out);
    assert_int_equal(json_length(metrics, "values"), 0);
    json_decref(metrics);

    step(f, t, &out);
    json_t *series = said(&out, 0, "series");
    assert_int_equal(json_length(series, "series"), 2);
    json_decref(series);
    metrics = said(&out, 1, "metrics");
    assert_int_equal(json_length(metrics, "values"), 2);
    assert_non_null(metrics_value(metrics, maker_series(&m, &maker_bytes, "eth0")->id));
    assert_non_null(metrics_value(metrics, maker_series(&m, &maker_packets, "eth1")->id));
    json_decref(metrics);

    parcels_fini(&out);
    feed_free(f);
    feed_free(none);
    maker_free(&m);
}

/* ---- values ------------------------------------------------------------------------------ */

static void test_values(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 0, NULL);
    struct parcels out = PARCELS_INIT;
    struct series *bytes = maker_series(&m, &maker_bytes, "eth0");
    struct series *time = maker_series(&m, &metric_time, "cpu0");
    struct series *carrier = maker_series(&m, &maker_carrier, "eth0");
    (void)state;

    maker_begin(&m);
    draft_counter(m.draft, bytes, 5000, 1);
    draft_counter(m.draft, time, 5000, 1);
    step(f, maker_end(&m), &out);
    json_t *metrics = said(&out, 1, "metrics");
    assert_true(json_is_null(metrics_value(metrics, bytes->id)));   /* the first sample: a gap */
    assert_true(json_is_null(metrics_value(metrics, carrier->id))); /* not sampled */
    json_decref(metrics);

    maker_begin_after(&m, 1250); /* rates divide by the time that really passed */
    draft_counter(m.draft, bytes, 7500, 1);
    draft_counter(m.draft, time, 5000 + 250000000, 1);
    draft_gauge(m.draft, carrier, 0.5);
    step(f, maker_end(&m), &out);
    metrics = only_metrics(&out);
    assert_value(metrics, bytes->id, 2000);
    assert_value(metrics, time->id, 0.2);
    assert_value(metrics, carrier->id, 0.5);
    json_decref(metrics);

    maker_begin(&m);
    draft_counter(m.draft, bytes, 10, 1); /* started over */
    draft_gauge(m.draft, carrier, 0);
    step(f, maker_end(&m), &out);
    metrics = only_metrics(&out);
    assert_true(json_is_null(metrics_value(metrics, bytes->id)));
    assert_true(json_is_null(metrics_value(metrics, time->id)));
    assert_value(metrics, carrier->id, 0);
    json_decref(metrics);

    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

static void test_snapshot(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 0, NULL);
    struct parcels out = PARCELS_INIT, now = PARCELS_INIT;
    (void)state;
    step(f, maker_tick(&m), &out);
    struct tick *t = maker_tick(&m);
    feed_step(f, t, &out);
    feed_snapshot(f, t, &now);
    assert_int_equal(now.count, 2);
    assert_int_equal(now.items[0].urgency, PARCEL_KEEP);
    assert_int_equal(now.items[1].urgency, PARCEL_LATEST);
    json_t *series = said(&now, 0, "series");
    assert_int_equal(json_length(series, "series"), 2);
    json_decref(series);
    json_t *metrics = said(&now, 1, "metrics");
    assert_int_equal(json_whole(metrics, "seq"), m.seq);
    assert_value(metrics, maker_series(&m, &maker_bytes, "eth0")->id, 1000);
    json_decref(metrics);
    tick_unref(t);
    parcels_fini(&out);
    parcels_fini(&now);
    feed_free(f);
    maker_free(&m);
}

/* ---- slow feeds -------------------------------------------------------------------------- */

/* All that was counted since the message before over all the time it took, and the last gauge. */
static void test_slow_means(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 5000, NULL);
    struct parcels out = PARCELS_INIT;
    struct series *bytes = maker_series(&m, &maker_bytes, "eth0");
    struct series *carrier = maker_series(&m, &maker_carrier, "eth0");
    uint64_t absolute = 0;
    (void)state;
    m.t_ms += 4000; /* the first tick is on the grid of five seconds */
    maker_begin(&m);
    draft_counter(m.draft, bytes, absolute, 1);
    step(f, maker_end(&m), &out);
    assert_int_equal(out.count, 2);

    for (int round = 0; round < 3; round++) {
        for (unsigned i = 1; i <= 5; i++) {
            maker_begin(&m);
            absolute += 100 * i; /* 1500 in five seconds */
            draft_counter(m.draft, bytes, absolute, 1);
            if (i < 5) /* not in the tick of the message: the newest one counts */
                draft_gauge(m.draft, carrier, i);
            step(f, maker_end(&m), &out);
            assert_int_equal(out.count, i == 5 ? 1 : 0);
        }
        json_t *metrics = only_metrics(&out);
        assert_int_equal(json_whole(metrics, "seq"), m.seq);
        assert_int_equal(json_whole(metrics, "t") % 5000, 0);
        assert_value(metrics, bytes->id, 300);
        assert_value(metrics, carrier->id, 4);
        json_decref(metrics);
    }
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* The mean is weighed by time: late ticks count as long as they were, gaps not at all. */
static void test_slow_gaps(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 10000, NULL);
    struct parcels out = PARCELS_INIT;
    struct series *bytes = maker_series(&m, &maker_bytes, "eth0");
    struct series *silent = maker_series(&m, &maker_packets, "eth0");
    (void)state;
    m.t_ms += 9000;
    maker_begin(&m); /* :10 */
    draft_counter(m.draft, bytes, 0, 1);
    draft_counter(m.draft, silent, 0, 1);
    step(f, maker_end(&m), &out);

    maker_begin(&m); /* :11, 100 in 1 s */
    draft_counter(m.draft, bytes, 100, 1);
    step(f, maker_end(&m), &out);
    maker_begin_after(&m, 3000); /* :14, 900 in 3 s */
    draft_counter(m.draft, bytes, 1000, 1);
    step(f, maker_end(&m), &out);
    maker_begin(&m); /* :15, started over: no honest rate */
    draft_counter(m.draft, bytes, 5, 1);
    step(f, maker_end(&m), &out);
    maker_begin_after(&m, 5000); /* :20, 10 in 5 s */
    draft_counter(m.draft, bytes, 15, 1);
    step(f, maker_end(&m), &out);
    json_t *metrics = only_metrics(&out);
    assert_value(metrics, bytes->id, (100.0 + 900 + 10) / 9);
    assert_true(json_is_null(metrics_value(metrics, silent->id)));
    json_decref(metrics);

    maker_begin_after(&m, 10000); /* :30, nothing sampled at all: nothing is carried over */
    step(f, maker_end(&m), &out);
    metrics = only_metrics(&out);
    assert_true(json_is_null(metrics_value(metrics, bytes->id)));
    json_decref(metrics);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* Feeds of one pace speak at the same ticks, whenever they began; a missed grid point is made up
 * for by the next tick. */
static void test_slow_pace(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *old = feed_of(CHANNEL_METRICS, 5000, NULL);
    struct feed *young = feed_of(CHANNEL_METRICS, 5000, "node_*");
    struct parcels out = PARCELS_INIT;
    (void)state;
    for (int i = 0; i < 3; i++)
        step(old, maker_tick(&m), &out); /* :01 to :03 */
    for (int i = 4; i <= 23; i++) {
        struct parcels a = PARCELS_INIT, b = PARCELS_INIT;
        struct tick *t = maker_tick(&m);
        feed_step(old, t, &a);
        feed_step(young, t, &b);
        bool due = i % 5 == 0;
        assert_int_equal(a.count, due);
        assert_int_equal(b.count, i == 4 ? 2 : due); /* its own first tick apart */
        parcels_fini(&a);
        parcels_fini(&b);
        tick_unref(t);
    }
    m.t_ms += 3000; /* :24, :25 and :26 were missed: :27 speaks for :25 */
    step(old, maker_tick(&m), &out);
    json_decref(only_metrics(&out));
    step(old, maker_tick(&m), &out);
    assert_int_equal(out.count, 0);
    m.t_ms -= 60000; /* the clock is set back: another grid cell, so a message */
    step(old, maker_tick(&m), &out);
    json_decref(only_metrics(&out));
    parcels_fini(&out);
    feed_free(old);
    feed_free(young);
    maker_free(&m);
}

/* A slot that was freed and given to another series is another series. */
static void test_slots_reused(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *fast = feed_of(CHANNEL_METRICS, 0, NULL);
    struct feed *slow = feed_of(CHANNEL_METRICS, 10000, NULL);
    struct parcels out = PARCELS_INIT;
    struct series *a = maker_series(&m, &maker_bytes, "eth0");
    struct series *b = maker_series(&m, &maker_bytes, "eth1");
    (void)state;
    m.t_ms += 9000;
    for (unsigned i = 0; i < 4; i++) { /* :10 to :13, 1000 in three ticks each */
        maker_begin(&m);
        if (i < 3)
            draft_counter(m.draft, a, 500 * i, 1);
        draft_counter(m.draft, b, 700 * i, 1);
        struct tick *t = maker_end(&m);
        feed_step(slow, t, &out);
        step(fast, t, &out);
    }
    uint32_t slot = a->live.slot;
    assert_int_equal(registry_sweep(m.registry, m.t_ms), 1); /* eth0 is gone */
    maker_begin(&m);                                         /* :14 */
    struct series *c = maker_series(&m, &metric_queue, "q");
    assert_int_equal(c->live.slot, slot);
    draft_gauge(m.draft, c, 42);
    draft_counter(m.draft, b, 2800, 1);
    struct tick *t = maker_end(&m);
    parcels_fini(&out);
    feed_step(slow, t, &out);
    assert_int_equal(out.count, 1);
    json_decref(said(&out, 0, "series"));
    step(fast, t, &out);
    json_t *series = said(&out, 0, "series");
    assert_int_equal(json_length(series, "series"), 1);
    json_decref(series);
    json_t *metrics = said(&out, 1, "metrics");
    assert_null(metrics_value(metrics, a->id));
    assert_value(metrics, b->id, 700);
    assert_value(metrics, c->id, 42);
    json_decref(metrics);

    /* It comes back in another slot: announced once more, since it had been given up. */
    maker_begin_after(&m, 6000); /* :20 */
    draft_counter(m.draft, a, 9000, 1);
    assert_int_not_equal(a->live.slot, slot);
    draft_gauge(m.draft, c, 43);
    draft_counter(m.draft, b, 2800, 1);
    t = maker_end(&m);
    parcels_fini(&out);
    feed_step(slow, t, &out);
    assert_int_equal(out.count, 2);
    metrics = said(&out, 1, "metrics");
    assert_true(json_is_null(metrics_value(metrics, a->id)));
    assert_value(metrics, b->id, 280); /* its sum went on across both changes */
    assert_value(metrics, c->id, 43);
    json_decref(metrics);
    tick_unref(t);
    parcels_fini(&out);
    feed_free(fast);
    feed_free(slow);
    maker_free(&m);
}

/* 100,000 devices come and go: a feed of each pace knows those that are there, and no more. */
static void test_short_lived_devices(void **state)
{
    enum { DEVICES = 100000, NEW = 50 };
    struct maker m = maker_new(1000);
    struct feed *feeds[] = {feed_of(CHANNEL_METRICS, 0, NULL),
                            feed_of(CHANNEL_METRICS, 5000, NULL)};
    size_t early_bytes = 0, announced = 0;
    (void)state;
    maker_free(&m);
    m.registry = registry_new(800, 1);
    m.draft = draft_new(m.registry);
    for (unsigned first = 0; first < DEVICES; first += NEW) {
        maker_begin(&m);
        for (unsigned i = first; i < first + NEW; i++) {
            char device[16];
            snprintf(device, sizeof(device), "veth%u", i);
            draft_counter(m.draft, maker_series(&m, &maker_bytes, device), i, 1);
        }
        struct tick *t = maker_end(&m);
        for (size_t k = 0; k < ARRAY_LEN(feeds); k++) {
            struct parcels out = PARCELS_INIT;
            feed_step(feeds[k], t, &out);
            if (k == 0) {
                json_t *series = said(&out, 0, "series");
                announced += json_length(series, "series");
                json_decref(series);
            }
            for (size_t i = 0; i < out.count; i++)
                assert_true(out.items[i].frame.plain->len < 400 * 1000);
            parcels_fini(&out);
        }
        tick_unref(t);
        registry_make_room(m.registry, m.seq - 2);
        if (first >= DEVICES / 10 && first < DEVICES / 5) /* series leave in batches */
            early_bytes = MAX(early_bytes, mallinfo2().uordblks);
    }
    assert_int_equal(announced, DEVICES); /* each once, although ids and slots wander */
    assert_in_range(mallinfo2().uordblks, 0, early_bytes + (64 << 10));
    for (size_t k = 0; k < ARRAY_LEN(feeds); k++)
        feed_free(feeds[k]);
    maker_free(&m);
}

/* ---- tables ------------------------------------------------------------------------------ */

static int64_t row_id(const json_t *table, size_t row)
{
    return json_integer_value(
        json_array_get(json_array_get(json_object_get(table, "rows"), row), IF_ID));
}

static void test_table_changes(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_INTERFACES, 0, NULL);
    struct parcels out = PARCELS_INIT;
    (void)state;
    step(f, tick_with(&m, NULL), &out); /* no table yet */
    assert_int_equal(out.count, 0);
    step(f, tick_with(&m, maker_table(1, 3, 10)), &out);
    json_decref(only_table(&out, true, 3, 0));
    step(f, tick_with(&m, maker_table(1, 3, 10)), &out); /* nothing changed */
    assert_int_equal(out.count, 0);
    step(f, tick_with(&m, NULL), &out);
    assert_int_equal(out.count, 0);

    struct table *reordered = table_new(TABLE_INTERFACES, 3);
    for (uint64_t id = 3; id >= 1; id--) {
        struct cell *row = table_row(reordered, id);
        char device[8];
        snprintf(device, sizeof(device), "eth%d", (int)id);
        cell_text(reordered, &row[IF_DEVICE], device);
        cell_uint(&row[IF_RX_BYTES], 10);
    }
    step(f, tick_with(&m, reordered), &out);
    assert_int_equal(out.count, 0);

    struct table *grown = maker_table(1, 3, 10);
    cell_uint(&grown->cells[1 * IF_COLUMNS + IF_RX_BYTES], 11); /* id 2 */
    step(f, tick_with(&m, grown), &out);
    json_t *table = only_table(&out, false, 1, 0);
    assert_int_equal(row_id(table, 0), 2);
    assert_int_equal(json_whole(table, "seq"), m.seq);
    json_decref(table);

    /* 1 and 2 go, 3 stays, 4 comes; 2 had been another value. */
    step(f, tick_with(&m, maker_table(3, 2, 10)), &out);
    table = only_table(&out, false, 1, 2);
    assert_int_equal(row_id(table, 0), 4);
    json_t *removed = json_object_get(table, "removed");
    assert_int_equal(json_integer_value(json_array_get(removed, 0)), 1);
    assert_int_equal(json_integer_value(json_array_get(removed, 1)), 2);
    json_decref(table);

    step(f, tick_with(&m, maker_table(1, 0, 0)), &out); /* all gone */
    json_decref(only_table(&out, false, 0, 2));
    step(f, tick_with(&m, maker_table(7, 1, 0)), &out);
    json_decref(only_table(&out, false, 1, 0));
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* A slow table feed adds up what changed between its messages. */
static void test_table_slow(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_INTERFACES, 5000, NULL);
    struct parcels out = PARCELS_INIT;
    (void)state;
    m.t_ms += 4000;
    step(f, tick_with(&m, maker_table(1, 2, 0)), &out);
    json_decref(only_table(&out, true, 2, 0));
    for (unsigned i = 1; i <= 4; i++) {
        step(f, tick_with(&m, maker_table(1, 2 + i, i)), &out);
        assert_int_equal(out.count, 0);
    }
    step(f, tick_with(&m, maker_table(1, 3, 9)), &out);
    json_t *table = only_table(&out, false, 3, 0); /* three rows that came went unseen */
    json_decref(table);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* Tables that never come in the tick of the message are sent with the next tick that has them. */
static void test_table_out_of_step(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_INTERFACES, 5000, NULL);
    struct parcels out = PARCELS_INIT;
    (void)state;
    step(f, tick_with(&m, maker_table(1, 1, 0)), &out); /* :01 */
    json_decref(only_table(&out, true, 1, 0));
    for (unsigned i = 2; i <= 21; i++) { /* a table at :06, :11, ... */
        step(f, tick_with(&m, i % 5 == 1 ? maker_table(1, 1, i) : NULL), &out);
        assert_int_equal(out.count, i % 5 == 1);
    }
    /* Having spoken late it keeps to the grid. */
    for (unsigned i = 22; i <= 40; i++) {
        step(f, tick_with(&m, maker_table(1, 1, i)), &out);
        assert_int_equal(out.count, i % 5 == 0);
    }
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* Who joins gets what the feed sent last: the changes that follow are changes to that. */
static void test_table_snapshot(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_INTERFACES, 5000, NULL);
    struct parcels out = PARCELS_INIT, now = PARCELS_INIT;
    (void)state;
    m.t_ms += 4000;
    step(f, tick_with(&m, maker_table(1, 2, 0)), &out);
    const int64_t sent_ms = m.t_ms;
    struct tick *t = tick_with(&m, maker_table(1, 5, 1)); /* not sent: not due */
    feed_step(f, t, &out);
    feed_snapshot(f, t, &now);
    json_t *table = only_table(&now, true, 2, 0);
    assert_int_equal(json_whole(table, "seq"), m.seq);
    assert_int_equal(json_whole(table, "t"), sent_ms); /* of these rows, not of the newest tick */
    json_decref(table);
    tick_unref(t);
    parcels_fini(&now);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

static struct feed *feed_seeing(const char *filter, const char *sort, size_t rows)
{
    struct feed_spec spec = {.channel = CHANNEL_INTERFACES, .rows = rows};
    const char *field;
    char why[64];
    assert_int_equal(view_spec_new(table_schema(TABLE_INTERFACES), filter, sort, &spec.view, &field,
                                   why, sizeof(why)),
                     0);
    struct feed *f = feed_new(&spec);
    assert_null(spec.view); /* moved */
    return f;
}

/* Of many rows the first few: what falls behind them is removed, what comes before them is told,
 * and how many there are altogether is told even when the first stay the same. */
static void test_table_first_rows(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_seeing(NULL, "-rx_bytes", 3);
    struct parcels out = PARCELS_INIT, now = PARCELS_INIT;
    (void)state;
    struct table *large = maker_table(1, 1000, 10);
    for (size_t i = 0; i < 1000; i++) /* id 1000 is the largest */
        cell_uint(&large->cells[i * IF_COLUMNS + IF_RX_BYTES], i);
    step(f, tick_with(&m, table_ref(large)), &out);
    json_t *table = only_table(&out, true, 3, 0);
    assert_int_equal(json_whole(table, "total"), 1000);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(row_id(table, i), 1000 - (int)i);
    json_decref(table);
    assert_int_equal(atomic_load(&large->msg.refs), 1); /* the feed keeps three rows, not this */
    table_unref(large);

    large = maker_table(1, 1000, 10);
    for (size_t i = 0; i < 1000; i++)
        cell_uint(&large->cells[i * IF_COLUMNS + IF_RX_BYTES], i == 4 ? 5000 : i);
    step(f, tick_with(&m, large), &out); /* 5 overtakes, 998 is the fourth now */
    table = only_table(&out, false, 1, 1);
    assert_int_equal(row_id(table, 0), 5);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(table, "removed"), 0)), 998);
    json_decref(table);

    large = maker_table(1, 1001, 10);
    for (size_t i = 0; i < 1001; i++)
        cell_uint(&large->cells[i * IF_COLUMNS + IF_RX_BYTES], i == 4 ? 5000 : i == 1000 ? 0 : i);
    struct tick *t = tick_with(&m, large);
    step(f, tick_ref(t), &out);
    table = only_table(&out, false, 0, 0);
    assert_int_equal(json_whole(table, "total"), 1001);
    json_decref(table);

    feed_snapshot(f, t, &now); /* who joins sees the three, too */
    table = only_table(&now, true, 3, 0);
    assert_int_equal(json_whole(table, "total"), 1001);
    json_decref(table);
    tick_unref(t);
    parcels_fini(&now);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* What a filter lets through comes and goes as its cells do. */
static void test_table_filter(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_seeing("rx_bytes>10 -eth2", "", 500);
    struct parcels out = PARCELS_INIT;
    (void)state;
    step(f, tick_with(&m, maker_table(1, 4, 11)), &out);
    json_decref(only_table(&out, true, 3, 0));
    step(f, tick_with(&m, maker_table(1, 4, 10)), &out);
    json_decref(only_table(&out, false, 0, 3));
    step(f, tick_with(&m, maker_table(2, 1, 12)), &out); /* 2 is never seen */
    assert_int_equal(out.count, 0);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* A feed that begins has the newest table, though the tick that brought it is long past. */
static void test_table_start(void **state)
{
    struct maker m = maker_new(1000);
    struct tick_ring *ring = tick_ring_new(3, 1U << 20);
    struct parcels out = PARCELS_INIT;
    (void)state;
    int64_t brought_ms = 0;
    for (int i = 0; i < 10; i++) {
        struct tick *t = tick_with(&m, i == 2 ? maker_table(1, 700, 1) : NULL);
        brought_ms = i == 2 ? t->t_ms : brought_ms;
        tick_ring_push(ring, t);
        tick_unref(t);
    }
    struct feed *f = feed_of(CHANNEL_INTERFACES, 0, NULL);
    feed_start(f, ring);
    feed_snapshot(f, tick_ring_newest(ring), &out);
    json_t *table = only_table(&out, true, FEED_ROWS_DEFAULT, 0);
    assert_int_equal(json_whole(table, "total"), 700);
    assert_int_equal(json_whole(table, "t"), brought_ms);
    json_decref(table);
    parcels_fini(&out);
    feed_free(f);
    tick_ring_free(ring);
    maker_free(&m);
}

/* Views that show the same are one feed; what is usual may be said or not. */
static void test_table_keys(void **state)
{
    static const struct {
        const char *filter, *sort;
        size_t rows;
        bool usual;
    } cases[] = {
        {NULL, NULL, 0, true},    {"", "", FEED_ROWS_DEFAULT, true}, {" ", NULL, 0, true},
        {NULL, NULL, 499, false}, {"eth", NULL, 0, false},           {NULL, "-rx_rate", 0, false},
    };
    (void)state;
    struct feed_spec usual = {.channel = CHANNEL_INTERFACES};
    char *key = feed_spec_key(&usual);
    feed_spec_fini(&usual);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct feed_spec spec = {.channel = CHANNEL_INTERFACES, .rows = cases[i].rows};
        const char *field;
        char why[64];
        assert_int_equal(view_spec_new(table_schema(TABLE_INTERFACES), cases[i].filter,
                                       cases[i].sort, &spec.view, &field, why, sizeof(why)),
                         0);
        char *one = feed_spec_key(&spec);
        assert_int_equal(strcmp(one, key) == 0, cases[i].usual);
        free(one);
        feed_spec_fini(&spec);
    }
    free(key);
}

/* What a table costs grows with its rows and with what they are held against. */
static void test_table_cost(void **state)
{
    struct maker m = maker_new(1000);
    struct tick_ring *ring = tick_ring_new(3, 1U << 20);
    struct feed *plain = feed_seeing(NULL, NULL, 10), *word = feed_seeing("x", NULL, 10);
    (void)state;
    assert_int_equal(feed_cost(plain, ring), 1);
    struct tick *t = tick_with(&m, maker_table(1, 5000, 1));
    tick_ring_push(ring, t);
    tick_unref(t);
    assert_true(feed_cost(plain, ring) >= 5000);
    assert_true(feed_cost(word, ring) >= feed_cost(plain, ring) + 5000 * (IF_COLUMNS - 1));
    feed_free(plain);
    feed_free(word);
    tick_ring_free(ring);
    maker_free(&m);
}

/* ---- events ------------------------------------------------------------------------------ */

static void test_events(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_EVENTS, 0, NULL);
    struct parcels out = PARCELS_INIT;
    (void)state;
    step(f, tick_with_events(&m, 0), &out);
    assert_int_equal(out.count, 0);
    step(f, tick_with_events(&m, 3), &out);
    assert_int_equal(out.count, 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *event = said(&out, i, "event");
        assert_int_equal(json_whole(event, "seq"), i + 1);
        assert_int_equal(out.items[i].seq, i + 1);
        assert_int_equal(out.items[i].urgency, PARCEL_KEEP);
        assert_string_equal(json_text(event, "kind"), "link");
        assert_string_equal(json_text(event, "device"), "eth0");
        json_decref(event);
    }
    struct tick *t = tick_with_events(&m, 1);
    parcels_fini(&out);
    feed_snapshot(f, t, &out); /* events have no present state */
    assert_int_equal(out.count, 0);
    tick_unref(t);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_same),          cmocka_unit_test(test_key_differs),
        cmocka_unit_test(test_announces_once),    cmocka_unit_test(test_announces_between_messages),
        cmocka_unit_test(test_selects),           cmocka_unit_test(test_values),
        cmocka_unit_test(test_snapshot),          cmocka_unit_test(test_slow_means),
        cmocka_unit_test(test_slow_gaps),         cmocka_unit_test(test_slow_pace),
        cmocka_unit_test(test_slots_reused),      cmocka_unit_test(test_short_lived_devices),
        cmocka_unit_test(test_table_changes),     cmocka_unit_test(test_table_slow),
        cmocka_unit_test(test_table_out_of_step), cmocka_unit_test(test_table_snapshot),
        cmocka_unit_test(test_table_first_rows),  cmocka_unit_test(test_table_filter),
        cmocka_unit_test(test_table_start),       cmocka_unit_test(test_table_keys),
        cmocka_unit_test(test_table_cost),        cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests_name("hub/feed", tests, NULL, NULL);
}
