/*
 * test_feed.c: what a feed says about ticks: announcements, values, pace, tables, events, and what
 * it repeats from a ring.
 */
#include "maker.h"

#include <malloc.h>

#include "base/mem.h"
#include "hub/feed.h"

static const struct metric metric_queue = {"netsonde_queue", "", "A gauge.", METRIC_GAUGE, 1};
static const struct metric metric_time = {"node_softnet_time_total", "seconds",
                                          "Counted in nanoseconds.", METRIC_COUNTER, 1e-9};

/* ---- around a feed ----------------------------------------------------------------------- */

static struct feed *feed_of(enum channel channel, int64_t interval_ms, const char *glob)
{
    struct feed_spec spec = {.channel = channel, .interval_ms = interval_ms};
    if (glob)
        assert_int_equal(selector_add_glob(&spec.selector, glob), 0);
    struct feed *f = feed_new(&spec);
    assert_int_equal(spec.selector.globs_count, 0); /* moved */
    return f;
}

/* Steps through the tick, which it releases; what was said replaces *out. */
static void step(struct feed *f, struct tick *t, struct parcels *out)
{
    parcels_fini(out);
    feed_step(f, t, out);
    tick_unref(t);
}

static json_t *said(const struct parcels *list, size_t index, const char *type)
{
    assert_true(index < list->count);
    json_t *json = frame_json(list->items[index].frame);
    assert_string_equal(json_text(json, "type"), type);
    return json;
}

/* The only thing that was said is a metrics message. */
static json_t *only_metrics(const struct parcels *list)
{
    assert_int_equal(list->count, 1);
    assert_int_equal(list->items[0].urgency, PARCEL_LATEST);
    assert_true(list->items[0].complete);
    return said(list, 0, "metrics");
}

/* ---- the sharing key --------------------------------------------------------------------- */

struct wish {
    enum channel channel;
    int64_t interval_ms;
    const char *globs[4], *matches[4];
};

static char *key_of(const struct wish *w)
{
    struct feed_spec spec = {.channel = w->channel, .interval_ms = w->interval_ms};
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
        {.channel = CHANNEL_INTERFACES},
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
                assert_true(out.items[i].frame->len < 400 * 1000);
            parcels_fini(&out);
        }
        tick_unref(t);
        registry_make_room(m.registry, m.seq - 2);
        if (first == DEVICES / 10)
            early_bytes = mallinfo2().uordblks;
    }
    assert_int_equal(announced, DEVICES); /* each once, although ids and slots wander */
    assert_in_range(mallinfo2().uordblks, 0, early_bytes + (64 << 10));
    for (size_t k = 0; k < ARRAY_LEN(feeds); k++)
        feed_free(feeds[k]);
    maker_free(&m);
}

/* ---- tables ------------------------------------------------------------------------------ */

static struct tick *tick_with(struct maker *m, struct table *table)
{
    maker_begin(m);
    if (table)
        draft_table(m->draft, table);
    return maker_end(m);
}

static json_t *only_table(const struct parcels *list, bool full, size_t rows, size_t removed)
{
    assert_int_equal(list->count, 1);
    assert_int_equal(list->items[0].urgency, PARCEL_LATEST);
    assert_int_equal(list->items[0].complete, full);
    json_t *table = said(list, 0, "table");
    assert_string_equal(json_text(table, "channel"), "interfaces");
    assert_int_equal(json_is_true(json_object_get(table, "full")), full);
    assert_int_equal(json_length(table, "columns"), IF_COLUMNS);
    assert_int_equal(json_length(table, "rows"), rows);
    assert_int_equal(json_length(table, "removed"), removed);
    return table;
}

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
    struct tick *t = tick_with(&m, maker_table(1, 5, 1)); /* not sent: not due */
    feed_step(f, t, &out);
    feed_snapshot(f, t, &now);
    json_t *table = only_table(&now, true, 2, 0);
    assert_int_equal(json_whole(table, "seq"), m.seq);
    json_decref(table);
    tick_unref(t);
    parcels_fini(&now);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* ---- events ------------------------------------------------------------------------------ */

static struct tick *tick_with_events(struct maker *m, unsigned count)
{
    maker_begin(m);
    for (unsigned i = 0; i < count; i++)
        maker_event(m, "eth0");
    return maker_end(m);
}

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

/* ---- replay ------------------------------------------------------------------------------ */

/* Makes `count` ticks of `series` counters, each growing by 10 a tick, into the feed and a ring. */
static struct tick_ring *ring_of(struct maker *m, struct feed *f, size_t ring_ticks, size_t count,
                                 unsigned series)
{
    struct tick_ring *ring = tick_ring_new(ring_ticks, 64U << 20);
    for (size_t i = 0; i < count; i++) {
        struct parcels out = PARCELS_INIT;
        maker_begin(m);
        m->absolute += 10;
        for (unsigned k = 0; k < series; k++) {
            char device[16];
            snprintf(device, sizeof(device), "eth%u", k);
            draft_counter(m->draft, maker_series(m, &maker_bytes, device), m->absolute, 1);
        }
        struct tick *t = maker_end(m);
        tick_ring_push(ring, t);
        feed_step(f, t, &out);
        parcels_fini(&out);
        tick_unref(t);
    }
    return ring;
}

static void assert_gap(const struct parcels *list, size_t index, uint64_t from, uint64_t to,
                       const char *channel, const char *reason)
{
    json_t *gap = said(list, index, "gap");
    assert_string_equal(json_text(gap, "channel"), channel);
    assert_string_equal(json_text(gap, "reason"), reason);
    assert_int_equal(json_whole(gap, "from"), from);
    assert_int_equal(json_whole(gap, "to"), to);
    assert_int_equal(list->items[index].urgency, PARCEL_KEEP);
    json_decref(gap);
}

/* From `index` on: the series, then the metrics of the ticks `first` to `last`, all to be kept. */
static void assert_replayed(const struct parcels *list, size_t index, uint64_t first, uint64_t last)
{
    assert_int_equal(list->count, index + 1 + (last - first + 1));
    json_decref(said(list, index, "series"));
    for (uint64_t seq = first; seq <= last; seq++) {
        size_t at = index + 1 + (size_t)(seq - first);
        json_t *metrics = said(list, at, "metrics");
        assert_int_equal(json_whole(metrics, "seq"), seq);
        assert_int_equal(list->items[at].urgency, PARCEL_KEEP);
        json_decref(metrics);
    }
}

static void test_replay_whole(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 0, NULL);
    struct tick_ring *ring = ring_of(&m, f, 50, 20, 2); /* 101 to 120 */
    struct parcels out = PARCELS_INIT;
    const struct feed_run run = {.first_tick = 101};
    (void)state;
    feed_replay(f, ring, 110, &run, &out);
    assert_replayed(&out, 0, 111, 120);
    parcels_fini(&out);

    feed_replay(f, ring, 100, &run, &out); /* the last one before this run: nothing is missing */
    assert_replayed(&out, 0, 101, 120);
    parcels_fini(&out);

    /* Up to date, or a number that this database never gave out: the present state. */
    for (uint64_t since = 120; since < 10000; since += 9879) {
        feed_replay(f, ring, since, &run, &out);
        assert_int_equal(out.count, 2);
        json_decref(said(&out, 0, "series"));
        json_t *metrics = said(&out, 1, "metrics");
        assert_int_equal(json_whole(metrics, "seq"), 120);
        json_decref(metrics);
        parcels_fini(&out);
    }
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

static void test_replay_gaps(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 0, NULL);
    struct tick_ring *ring = ring_of(&m, f, 5, 20, 2); /* holds 116 to 120 */
    struct parcels out = PARCELS_INIT;
    const struct feed_run run = {.first_tick = 101};
    (void)state;
    feed_replay(f, ring, 110, &run, &out);
    assert_gap(&out, 0, 111, 115, "metrics", "ring");
    assert_replayed(&out, 1, 116, 120);
    parcels_fini(&out);
    feed_replay(f, ring, 100, &run, &out); /* all of 101 to 115 were of this run */
    assert_gap(&out, 0, 101, 115, "metrics", "ring");
    parcels_fini(&out);
    feed_replay(f, ring, 50, &run, &out); /* 51 to 100 were of an earlier run */
    assert_gap(&out, 0, 51, 115, "metrics", "restart");
    assert_replayed(&out, 1, 116, 120);
    parcels_fini(&out);
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

static void test_replay_bound(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 0, NULL);
    struct tick_ring *ring = ring_of(&m, f, 100, 60, 1000);
    struct parcels out = PARCELS_INIT;
    const struct feed_run run = {.first_tick = 101};
    (void)state;
    feed_replay(f, ring, 101, &run, &out);
    size_t bytes = 0;
    for (size_t i = 2; i < out.count; i++)
        bytes += out.items[i].frame->len;
    assert_true(bytes <= 256 * 1024);
    assert_true(out.count > 5);
    uint64_t first = 160 - (out.count - 2) + 1;
    assert_gap(&out, 0, 102, first - 1, "metrics", "ring");
    assert_replayed(&out, 1, first, 160); /* the newest ones */
    parcels_fini(&out);
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

static void test_replay_table(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_INTERFACES, 0, NULL);
    struct tick_ring *ring = tick_ring_new(10, 1U << 20);
    struct parcels out = PARCELS_INIT;
    const struct feed_run run = {.first_tick = 101};
    (void)state;
    feed_replay(f, ring, 7, &run, &out); /* nothing there yet: nothing to say */
    assert_int_equal(out.count, 0);
    for (unsigned i = 1; i <= 3; i++) {
        struct tick *t = tick_with(&m, maker_table(1, i, 0));
        tick_ring_push(ring, t);
        step(f, t, &out);
    }
    parcels_fini(&out);
    feed_replay(f, ring, 101, &run, &out); /* the present table says all */
    json_decref(only_table(&out, true, 3, 0));
    parcels_fini(&out);
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

static void test_replay_events(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_EVENTS, 0, NULL);
    struct tick_ring *ring = tick_ring_new(2, 1U << 20);
    struct parcels out = PARCELS_INIT;
    const struct feed_run run = {.first_event = 41, .last_event = 46};
    (void)state;
    m.next_event = 41;
    for (unsigned i = 0; i < 3; i++) { /* 41 42, 43 44, 45 46; the ring holds 43 to 46 */
        struct tick *t = tick_with_events(&m, 2);
        tick_ring_push(ring, t);
        step(f, t, &out);
    }
    parcels_fini(&out);
    feed_replay(f, ring, 43, &run, &out);
    assert_int_equal(out.count, 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *event = said(&out, i, "event");
        assert_int_equal(json_whole(event, "seq"), 44 + i);
        assert_int_equal(out.items[i].urgency, PARCEL_KEEP);
        json_decref(event);
    }
    parcels_fini(&out);
    feed_replay(f, ring, 41, &run, &out);
    assert_int_equal(out.count, 5);
    assert_gap(&out, 0, 42, 42, "events", "ring");
    parcels_fini(&out);
    feed_replay(f, ring, 46, &run, &out);
    assert_int_equal(out.count, 0);
    feed_replay(f, ring, 40, &run, &out);
    assert_gap(&out, 0, 41, 42, "events", "ring");
    parcels_fini(&out);
    feed_replay(f, ring, 12, &run, &out); /* 13 to 40 were of an earlier run */
    assert_gap(&out, 0, 13, 42, "events", "restart");
    parcels_fini(&out);
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

/* The ring holds no event any more: that some were missed is still known. */
static void test_replay_events_gone(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_EVENTS, 0, NULL);
    struct tick_ring *ring = tick_ring_new(2, 1U << 20);
    struct parcels out = PARCELS_INIT;
    const struct feed_run run = {.first_event = 41, .last_event = 46}, none = {0};
    (void)state;
    struct tick *t = tick_with_events(&m, 0);
    tick_ring_push(ring, t);
    feed_replay(f, ring, 43, &run, &out);
    assert_int_equal(out.count, 1);
    assert_gap(&out, 0, 44, 46, "events", "ring");
    parcels_fini(&out);
    feed_replay(f, ring, 46, &run, &out);
    feed_replay(f, ring, 400, &run, &out);
    feed_replay(f, ring, 40, &none, &out); /* none in this run: nothing known to be missed */
    assert_int_equal(out.count, 0);
    tick_unref(t);
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

/* A storm of events: the newest are repeated, the rest is a gap. */
static void test_replay_events_bound(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_EVENTS, 0, NULL);
    struct tick_ring *ring = tick_ring_new(20, 64U << 20);
    struct parcels out = PARCELS_INIT;
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        struct tick *t = tick_with_events(&m, 1000);
        tick_ring_push(ring, t);
        tick_unref(t);
    }
    const struct feed_run run = {.first_event = 1, .last_event = 10000};
    feed_replay(f, ring, 500, &run, &out);
    size_t bytes = 0;
    for (size_t i = 1; i < out.count; i++) {
        bytes += out.items[i].frame->len;
        assert_int_equal(out.items[i].seq, 10000 - out.count + 1 + i);
    }
    assert_in_range(bytes, 128 * 1024, 320 * 1024);
    assert_gap(&out, 0, 501, out.items[1].seq - 1, "events", "ring");
    parcels_fini(&out);
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

/* A slow feed repeats what it said: means at the points of its grid. The present comes last. */
static void test_replay_slow(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 5000, NULL);
    struct tick_ring *ring = ring_of(&m, f, 50, 23, 1); /* 101 is :01, 123 is :23 */
    const struct feed_run run = {.first_tick = 101};
    struct series *bytes = maker_series(&m, &maker_bytes, "eth0");
    struct parcels out = PARCELS_INIT;
    static const struct {
        uint64_t since;
        size_t count;
        uint64_t seqs[5];
    } cases[] = {
        {105, 4, {110, 115, 120, 123}},
        {113, 3, {115, 120, 123}},
        {119, 2, {120, 123}},
        {120, 1, {123}},
        {100, 5, {105, 110, 115, 120, 123}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        feed_replay(f, ring, cases[i].since, &run, &out);
        assert_int_equal(out.count, 1 + cases[i].count);
        json_decref(said(&out, 0, "series"));
        for (size_t k = 0; k < cases[i].count; k++) {
            json_t *metrics = said(&out, 1 + k, "metrics");
            assert_int_equal(json_whole(metrics, "seq"), cases[i].seqs[k]);
            assert_int_equal(out.items[1 + k].urgency, PARCEL_KEEP);
            assert_value(metrics, bytes->id, 10);
            json_decref(metrics);
        }
        parcels_fini(&out);
    }
    tick_ring_free(ring);
    feed_free(f);
    maker_free(&m);
}

/* ---- replays that are kept --------------------------------------------------------------- */

static void assert_same_parcels(const struct parcels *a, const struct parcels *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->items[i].seq, b->items[i].seq);
        assert_int_equal(a->items[i].urgency, b->items[i].urgency);
        assert_int_equal(a->items[i].frame->len, b->items[i].frame->len);
        assert_memory_equal(a->items[i].frame->data, b->items[i].frame->data,
                            a->items[i].frame->len);
    }
}

/* A ring in which series come and go, the interval changes and ticks have events. */
static struct tick_ring *lively_ring(struct maker *m, size_t count)
{
    struct tick_ring *ring = tick_ring_new(64, 64U << 20);
    for (size_t i = 0; i < count; i++) {
        m->interval_ms = i >= 30 && i < 44 ? 4000 : 1000;
        maker_begin(m);
        m->absolute += 10 + i * i;
        for (unsigned k = 0; k < 6; k++) {
            char device[16];
            snprintf(device, sizeof(device), "eth%u", k);
            if (k == 5 ? i % 9 > 4 : k < 2 + i / 15)
                draft_counter(m->draft, maker_series(m, &maker_bytes, device), m->absolute, 1);
        }
        draft_gauge(m->draft, maker_series(m, &maker_carrier, "eth0"), (double)(i % 7));
        for (size_t k = 0; k < i % 3; k++)
            maker_event(m, "eth0");
        struct tick *t = maker_end(m);
        tick_ring_push(ring, t);
        tick_unref(t);
        registry_sweep(m->registry, m->t_ms - 2500);
    }
    return ring;
}

/* Whoever comes back gets to the byte what a replay made for him alone says: from every message, in
 * any order, at every pace; and what is kept is counted and given back. */
static void test_replay_kept_is_the_same(void **state)
{
    static const struct {
        enum channel channel;
        int64_t interval_ms;
    } feeds[] = {
        {CHANNEL_METRICS, 0},     {CHANNEL_METRICS, 3000}, {CHANNEL_METRICS, 5000},
        {CHANNEL_METRICS, 60000}, {CHANNEL_EVENTS, 0},     {CHANNEL_INTERFACES, 0},
    };
    struct maker m = maker_new(1000);
    struct tick_ring *ring = lively_ring(&m, 60); /* 101 to 160 */
    const struct feed_run run = {.first_tick = 101, .first_event = 1, .last_event = 59};
    struct replay_room room = {.most_bytes = 4U << 20};
    uint32_t seed = 4711;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(feeds); i++) {
        struct feed *alone = feed_of(feeds[i].channel, feeds[i].interval_ms, NULL);
        struct feed *keeps = feed_of(feeds[i].channel, feeds[i].interval_ms, NULL);
        feed_start(alone, ring);
        feed_start(keeps, ring);
        feed_keep_replays(keeps, &room);
        for (int k = 0; k < 300; k++) {
            struct parcels a = PARCELS_INIT, b = PARCELS_INIT;
            seed = seed * 1664525 + 1013904223;
            uint64_t since =
                feeds[i].channel == CHANNEL_EVENTS ? (seed >> 16) % 62 : 90 + (seed >> 16) % 72;
            feed_replay(alone, ring, since, &run, &a);
            feed_replay(keeps, ring, since, &run, &b);
            assert_same_parcels(&a, &b);
            assert_true(a.made >= b.made);
            parcels_fini(&a);
            parcels_fini(&b);
        }
        assert_true(room.used_bytes <= room.most_bytes);
        assert_int_equal(room.used_bytes > 0, feeds[i].channel != CHANNEL_INTERFACES);
        feed_free(alone);
        feed_free(keeps);
        assert_int_equal(room.used_bytes, 0);
    }
    tick_ring_free(ring);
    maker_free(&m);
}

/* The second who comes back needs one new frame at most, the gap; the next tick drops them all. */
static void test_replay_kept_until_next_tick(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_METRICS, 0, NULL);
    struct tick_ring *ring = ring_of(&m, f, 50, 20, 2); /* 101 to 120 */
    const struct feed_run run = {.first_tick = 101};
    struct replay_room room = {.most_bytes = 1U << 20};
    struct parcels out = PARCELS_INIT;
    (void)state;
    feed_keep_replays(f, &room);
    feed_replay(f, ring, 110, &run, &out);
    assert_int_equal(out.made, 11); /* series, 111 to 120 */
    parcels_fini(&out);
    static const struct {
        uint64_t since;
        size_t made;
    } next[] = {{110, 0}, {118, 0}, {111, 0}, {108, 2}, {90, 9}, {80, 1}, {101, 0}};
    for (size_t i = 0; i < ARRAY_LEN(next); i++) {
        feed_replay(f, ring, next[i].since, &run, &out);
        assert_int_equal(out.made, next[i].made);
        assert_replayed(&out, next[i].since < 100, MAX(next[i].since + 1, 101U), 120);
        parcels_fini(&out);
    }
    assert_true(room.used_bytes > 20 * 40);
    struct tick *t = maker_tick(&m);
    tick_ring_push(ring, t);
    feed_step(f, t, &out);
    tick_unref(t);
    parcels_fini(&out);
    assert_int_equal(room.used_bytes, 0);
    feed_replay(f, ring, 119, &run, &out);
    assert_int_equal(out.made, 4); /* series, 120, the new series, 121 */
    parcels_fini(&out);
    feed_free(f);
    tick_ring_free(ring);
    maker_free(&m);
}

/* What does not fit is not kept; the replay is the same. */
static void test_replay_without_room(void **state)
{
    struct maker m = maker_new(1000);
    struct feed *one = feed_of(CHANNEL_METRICS, 0, NULL);
    struct feed *other = feed_of(CHANNEL_METRICS, 0, "node*");
    struct tick_ring *ring = ring_of(&m, one, 50, 20, 100);
    const struct feed_run run = {.first_tick = 101};
    struct replay_room room = {.most_bytes = 50000};
    struct parcels out = PARCELS_INIT;
    (void)state;
    feed_start(other, ring);
    feed_keep_replays(one, &room);
    feed_keep_replays(other, &room);
    feed_replay(one, ring, 100, &run, &out);
    assert_int_equal(out.made, 21);
    parcels_fini(&out);
    size_t used = room.used_bytes;
    assert_in_range(used, room.most_bytes / 2 + 1, room.most_bytes); /* for one, not for two */
    for (int i = 0; i < 2; i++) {
        feed_replay(other, ring, 100, &run, &out);
        assert_int_equal(out.made, 21);
        assert_replayed(&out, 0, 101, 120);
        parcels_fini(&out);
        assert_int_equal(room.used_bytes, used);
    }
    feed_replay(one, ring, 110, &run, &out);
    assert_int_equal(out.made, 0);
    parcels_fini(&out);
    feed_free(one);
    feed_free(other);
    assert_int_equal(room.used_bytes, 0);
    tick_ring_free(ring);
    maker_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_same),
        cmocka_unit_test(test_key_differs),
        cmocka_unit_test(test_announces_once),
        cmocka_unit_test(test_announces_between_messages),
        cmocka_unit_test(test_selects),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_slow_means),
        cmocka_unit_test(test_slow_gaps),
        cmocka_unit_test(test_slow_pace),
        cmocka_unit_test(test_slots_reused),
        cmocka_unit_test(test_short_lived_devices),
        cmocka_unit_test(test_table_changes),
        cmocka_unit_test(test_table_slow),
        cmocka_unit_test(test_table_out_of_step),
        cmocka_unit_test(test_table_snapshot),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_replay_whole),
        cmocka_unit_test(test_replay_gaps),
        cmocka_unit_test(test_replay_bound),
        cmocka_unit_test(test_replay_table),
        cmocka_unit_test(test_replay_events),
        cmocka_unit_test(test_replay_events_gone),
        cmocka_unit_test(test_replay_events_bound),
        cmocka_unit_test(test_replay_slow),
        cmocka_unit_test(test_replay_kept_is_the_same),
        cmocka_unit_test(test_replay_kept_until_next_tick),
        cmocka_unit_test(test_replay_without_room),
    };
    return cmocka_run_group_tests_name("hub/feed", tests, NULL, NULL);
}
