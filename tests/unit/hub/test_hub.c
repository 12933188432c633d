/*
 * test_hub.c: what viewers share: feeds, frames, first messages.
 */
#include "rig.h"

#include <malloc.h>

static uint64_t encoded(struct rig *rig)
{
    struct hub_stats stats;
    hub_stats(rig->hub, &stats);
    return stats.messages;
}

/* However many listen, on however many loops, a message is encoded once. */
static void test_encodes_once(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *clients[10];
    (void)state;
    rig_tick(rig);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = client_new(rig, i % 2, 0);
        client_subscribe(clients[i], "metrics");
        client_skip(clients[i], "series");
        client_skip(clients[i], "metrics");
    }
    assert_int_equal(rig_feeds(rig), 1);
    uint64_t before = encoded(rig);
    struct hub_stats stats;
    hub_stats(rig->hub, &stats);
    uint64_t bytes = stats.bytes;
    rig_tick(rig);
    json_t *first = NULL;
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        json_t *metrics = client_expect(clients[i], "metrics");
        if (first)
            assert_true(json_equal(first, metrics));
        else
            first = json_incref(metrics);
        json_decref(metrics);
    }
    json_decref(first);
    assert_int_equal(encoded(rig), before + 1);
    hub_stats(rig->hub, &stats);
    assert_in_range(stats.bytes - bytes, 40, 100); /* of one such message */
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(rig_station(rig, i).viewers, 5);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        client_drop(clients[i]);
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 0);
    rig_tick(rig);
    assert_int_equal(encoded(rig), before + 1); /* nobody listens: nothing is encoded */
    rig_free(rig);
}

/* Who joins between two ticks gets the first messages that were made for the one before. */
static void test_beginning_shared(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *clients[10];
    (void)state;
    rig_tick(rig);
    rig_tick(rig);
    uint64_t before = encoded(rig);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = client_new(rig, i % 2, 0);
        client_subscribe(clients[i], "metrics");
        client_skip(clients[i], "series");
        client_expect_seq(clients[i], "metrics", 102);
    }
    assert_int_equal(encoded(rig), before + 2 + ARRAY_LEN(clients)); /* and an ok for each */
    rig_tick(rig);
    struct client *late = client_new(rig, 0, 0);
    client_subscribe(late, "metrics");
    client_skip(late, "series");
    client_expect_seq(late, "metrics", 103); /* not the old ones */
    client_drop(late);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        client_drop(clients[i]);
    rig_free(rig);
}

/* The newest table is some ticks old: who subscribes does not wait for the next one. */
static void test_table_of_earlier_tick(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_table(rig, maker_table(1, 3, 0));
    for (int i = 0; i < 5; i++)
        rig_tick(rig);
    client_subscribe(c, "interfaces");
    json_t *table = client_expect(c, "table");
    assert_true(json_is_true(json_object_get(table, "full")));
    assert_int_equal(json_length(table, "rows"), 3);
    json_decref(table);
    rig_table(rig, maker_table(1, 4, 0));
    table = client_expect(c, "table");
    assert_true(json_is_false(json_object_get(table, "full")));
    assert_int_equal(json_length(table, "rows"), 1);
    json_decref(table);
    client_drop(c);
    rig_free(rig);
}

/* A feed that begins late owes nothing: what is there is not announced to its viewers twice. */
static void test_new_feed_owes_nothing(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"interval_ms\":5000}");
    client_expect_ok(c, 1);
    client_skip(c, "series");
    client_expect_seq(c, "metrics", 101);
    for (int i = 0; i < 9; i++)
        rig_tick(rig); /* :02 to :10 */
    client_expect_seq(c, "metrics", 105);
    client_expect_seq(c, "metrics", 110);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

/* All who come back between two ticks share what is repeated, wherever they left off. */
static void test_replays_shared(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *clients[20];
    struct hub_stats stats;
    (void)state;
    rig_table(rig, maker_table(1, 3, 0)); /* 101 */
    for (int i = 0; i < 19; i++)
        rig_tick(rig);  /* to 120 */
    rig_events(rig, 5); /* 121 */
    uint64_t before = encoded(rig);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        struct client *c = clients[i] = client_new(rig, i % 2, 0);
        char *text = mem_printf("{\"op\":\"subscribe\",\"channel\":\"metrics\",\"since\":%zu}",
                                102 + i % 18);
        client_say(c, text);
        free(text);
        client_skip(c, "series");
        for (uint64_t seq = 103 + i % 18; seq <= 121; seq++)
            client_expect_seq(c, "metrics", seq);
        client_say(c, "{\"op\":\"subscribe\",\"channel\":\"events\",\"since\":2}");
        for (uint64_t seq = 3; seq <= 5; seq++)
            client_expect_seq(c, "event", seq);
        client_say(c, "{\"op\":\"subscribe\",\"channel\":\"interfaces\",\"since\":7}");
        client_skip(c, "table");
    }
    /* Series, 19 metrics, 5 events, one table. */
    assert_int_equal(encoded(rig), before + 1 + 19 + 5 + 1);
    hub_stats(rig->hub, &stats);
    assert_in_range(stats.replay_bytes, 19 * 40, 64 * 1024);
    rig_tick(rig);
    hub_stats(rig->hub, &stats);
    assert_int_equal(stats.replay_bytes, 0);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_expect_seq(clients[i], "metrics", 122);
        client_drop(clients[i]);
    }
    rig_free(rig);
}

static void subscribe_to(struct client *c, const char *metric, const char *match)
{
    char *text = mem_printf("{\"op\":\"subscribe\",\"id\":5,\"channel\":\"metrics\","
                            "\"metric\":\"%s\",\"match\":\"device=%s\"}",
                            metric, match);
    client_say(c, text);
    free(text);
}

/* The next subscription is turned away, and the client's first one goes on. */
static void expect_busy(struct rig *rig, struct client *c, const char *metric, const char *match)
{
    struct hub_stats before, after;
    hub_stats(rig->hub, &before);
    subscribe_to(c, metric, match);
    client_expect_error(c, 5, "busy");
    hub_stats(rig->hub, &after);
    assert_int_equal(after.busy, before.busy + 1);
    assert_int_equal(after.feeds, before.feeds);
    assert_int_equal(after.values, before.values);
}

/* There are so many different subscriptions and no more; what is there already may be shared, and
 * when one is given up there is room again. */
static void test_feeds_bounded(void **state)
{
    struct hub_limits limits = HUB_LIMITS_DEFAULT;
    limits.feeds = 3;
    struct rig *rig = rig_new((struct rig_options){.limits = &limits});
    struct client *clients[4];
    static const char *const metrics[] = {"a*", "b*", "*", "a*"};
    (void)state;
    rig_tick(rig);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = client_new(rig, i % 2, 0);
        subscribe_to(clients[i], metrics[i], "*");
        client_expect_ok(clients[i], 5);
    }
    assert_int_equal(rig_feeds(rig), 3);
    client_skip(clients[2], "series");
    client_skip(clients[2], "metrics");
    expect_busy(rig, clients[2], "d*", "*");
    rig_tick(rig);
    client_expect_seq(clients[2], "metrics", 102);

    client_drop(clients[1]);
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 2);
    subscribe_to(clients[2], "d*", "*");
    client_expect_ok(clients[2], 5);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        if (i != 1)
            client_drop(clients[i]);
    }
    rig_turn(rig);
    struct hub_stats stats;
    hub_stats(rig->hub, &stats);
    assert_int_equal(stats.feeds, 0);
    assert_int_equal(stats.values, 0);
    rig_free(rig);
}

/* What all subscriptions cost a tick is bounded as well. Two series: 1 + 2 * (2 + 1 match) each. */
static void test_values_bounded(void **state)
{
    struct hub_limits limits = HUB_LIMITS_DEFAULT;
    limits.feeds_free = 2;
    limits.values = 30;
    struct rig *rig = rig_new((struct rig_options){.limits = &limits});
    struct client *c[6];
    struct hub_stats stats;
    (void)state;
    rig_tick(rig);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        char metric[8];
        c[i] = client_new(rig, 0, 0);
        snprintf(metric, sizeof(metric), "m%zu", i);
        if (i >= 4) { /* 4 * 7 are 28 */
            expect_busy(rig, c[i], metric, "*");
            continue;
        }
        subscribe_to(c[i], metric, "*");
        client_expect_ok(c[i], 5);
    }
    hub_stats(rig->hub, &stats);
    assert_int_equal(stats.values, 28);
    client_skip(c[0], "metrics");
    client_say(c[0], "{\"op\":\"subscribe\",\"id\":6,\"channel\":\"events\"}");
    client_expect_ok(c[0], 6); /* events cost next to nothing */

    /* Ten times the series: what is there goes on; beyond the free ones there is no room. */
    maker_begin(&rig->maker);
    for (int i = 0; i < 20; i++) {
        char device[16];
        snprintf(device, sizeof(device), "veth%d", i);
        draft_counter(rig->maker.draft, maker_series(&rig->maker, &maker_bytes, device), 1, 1);
    }
    rig_publish(rig, maker_end(&rig->maker));
    hub_stats(rig->hub, &stats);
    assert_int_equal(stats.values, 4 * (1 + 22 * 3) + 1);
    client_expect_seq(c[0], "metrics", 102);
    for (size_t i = 0; i < 3; i++)
        client_drop(c[i]);
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 1);
    subscribe_to(c[4], "m7", "*"); /* the second is served, whatever it costs */
    client_expect_ok(c[4], 5);
    expect_busy(rig, c[5], "m8", "*");
    for (size_t i = 3; i < ARRAY_LEN(c); i++)
        client_drop(c[i]);
    rig_free(rig);
}

static struct table *large_table(size_t rows, uint64_t bytes)
{
    struct table *t = table_new(TABLE_CONNECTIONS, rows);
    for (size_t i = 0; i < rows; i++) {
        struct cell *row = table_row(t, i + 1);
        char text[48];
        snprintf(text, sizeof(text), "192.0.2.%zu:%zu", i % 250, i % 60000);
        cell_text(t, &row[CONN_LOCAL], text);
        cell_text(t, &row[CONN_REMOTE], text);
        cell_uint(&row[CONN_RX_BYTES], bytes + i);
    }
    return t;
}

static size_t memory_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* However many ticks are remembered and however long a station stands still: of 50,000 rows once a
 * tick the newest table is kept, and the rows that viewers were told. */
static void test_large_tables(void **state)
{
    enum { ROWS = 50000, TICKS = 50 }; /* a tick of this rig is 60 KB without them */
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_table(rig, large_table(ROWS, 0));
    client_subscribe(c, "connections");
    client_skip(c, "table");
    size_t before = memory_in_use();
    struct table *t = large_table(ROWS, 1);
    size_t each = memory_in_use() - before;
    table_unref(t);
    for (uint64_t i = 1; i <= TICKS; i++)
        rig_table(rig, large_table(ROWS, i)); /* nobody takes anything from the queues */
    size_t after = memory_in_use();
    if (each) { /* sanitizers have another allocator */
        assert_true(each > (size_t)ROWS * CONN_COLUMNS * sizeof(struct cell));
        assert_true(after < before + each / 2); /* `before` has one, too */
    }
    struct tick_table *newest = station_table(rig->stations[1], TABLE_CONNECTIONS);
    assert_int_equal(newest->seq, 101 + TICKS);
    assert_int_equal(table_cell(newest->table, 0, CONN_RX_BYTES)->uint, TICKS);
    assert_int_equal(atomic_load(&newest->table->msg.refs), 1);
    tick_table_unref(newest);
    rig_turn(rig);
    client_drop(c);
    rig_free(rig);
}

/* New subscriptions and replays cost the core thread at once: so much a second and no more. */
static void test_opening_bounded(void **state)
{
    struct hub_limits limits = HUB_LIMITS_DEFAULT;
    limits.opening_burst = 20; /* two feeds of 7, not three */
    limits.opening_per_s = 0;
    struct rig *rig = rig_new((struct rig_options){.limits = &limits});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    for (const char *metric = "ab"; *metric; metric++) {
        subscribe_to(c, (char[]){*metric, 0}, "*");
        client_expect_ok(c, 5);
        client_skip(c, "metrics");
    }
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 1);
    expect_busy(rig, c, "c", "*");
    subscribe_to(c, "b", "*"); /* which is there */
    client_expect_ok(c, 5);
    client_drop(c);
    rig_free(rig);

    rig = rig_new((struct rig_options){.limits = &limits});
    c = client_new(rig, 0, 0);
    for (int i = 0; i < 20; i++)
        rig_tick(rig);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"since\":101}");
    client_expect_ok(c, 1);
    client_skip(c, "series");
    for (uint64_t seq = 102; seq <= 120; seq++)
        client_expect_seq(c, "metrics", seq);
    expect_busy(rig, c, "c", "*"); /* 5 and the replay have used it up */
    client_drop(c);
    rig_free(rig);
}

/* The numbers of the run reach the replay. */
static void test_since_before_this_run(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig->maker.next_event = 30;
    rig_tick(rig);
    rig_events(rig, 2);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"since\":90}");
    client_expect_ok(c, 1);
    client_expect_gap(c, "metrics", 91, 100, "restart");
    client_skip(c, "series");
    client_expect_seq(c, "metrics", 101);
    client_expect_seq(c, "metrics", 102);
    client_say(c, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"events\",\"since\":20}");
    client_expect_ok(c, 2);
    client_expect_gap(c, "events", 21, 29, "restart");
    client_expect_seq(c, "event", 30);
    client_expect_seq(c, "event", 31);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

/* What an earlier run had is missed by who comes back before this one has its first tick, and by
 * who comes back before it has its first event, too. */
static void test_since_before_the_first_of_this_run(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.next_tick_seq = 101, .next_event_seq = 30});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"since\":90}");
    client_expect_ok(c, 1);
    client_expect_gap(c, "metrics", 91, 100, "restart");
    client_say(c, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"events\",\"since\":20}");
    client_expect_ok(c, 2);
    client_expect_gap(c, "events", 21, 29, "restart");
    client_say(c, "{\"op\":\"subscribe\",\"id\":3,\"channel\":\"interfaces\",\"since\":20}");
    client_expect_ok(c, 3); /* the whole table comes */
    client_expect_nothing(c);
    rig->maker.next_event = 30;
    rig_tick(rig);
    client_skip(c, "series");
    client_expect_seq(c, "metrics", 101);

    struct client *late = client_new(rig, 1, 0); /* there are ticks, but no event */
    client_say(late, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"events\",\"since\":27}");
    client_expect_ok(late, 1);
    client_expect_gap(late, "events", 28, 29, "restart");
    rig_events(rig, 1);
    client_expect_seq(late, "event", 30);
    client_expect_nothing(late);

    /* Who has all of it misses nothing, before and after. */
    client_say(late, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"events\",\"since\":29}");
    client_expect_ok(late, 2);
    client_expect_seq(late, "event", 30);
    client_expect_nothing(late);
    client_drop(late);
    client_drop(c);
    rig_free(rig);

    rig = rig_new((struct rig_options){.next_tick_seq = 101, .next_event_seq = 30});
    c = client_new(rig, 0, 0);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"since\":100}");
    client_expect_ok(c, 1);
    client_say(c, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"events\",\"since\":29}");
    client_expect_ok(c, 2);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodes_once),
        cmocka_unit_test(test_beginning_shared),
        cmocka_unit_test(test_table_of_earlier_tick),
        cmocka_unit_test(test_new_feed_owes_nothing),
        cmocka_unit_test(test_replays_shared),
        cmocka_unit_test(test_feeds_bounded),
        cmocka_unit_test(test_values_bounded),
        cmocka_unit_test(test_opening_bounded),
        cmocka_unit_test(test_large_tables),
        cmocka_unit_test(test_since_before_this_run),
        cmocka_unit_test(test_since_before_the_first_of_this_run),
    };
    return cmocka_run_group_tests_name("hub/hub", tests, NULL, NULL);
}
