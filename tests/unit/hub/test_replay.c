/*
 * test_replay.c: what a feed repeats from a ring for viewers who come back, and that it is made
 * once for all of them.
 */
#include "feed_rig.h"

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
        bytes += out.items[i].frame.plain->len;
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
        bytes += out.items[i].frame.plain->len;
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
        assert_int_equal(a->items[i].frame.plain->len, b->items[i].frame.plain->len);
        assert_memory_equal(a->items[i].frame.plain->data, b->items[i].frame.plain->data,
                            a->items[i].frame.plain->len);
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
    return cmocka_run_group_tests_name("hub/replay", tests, NULL, NULL);
}
