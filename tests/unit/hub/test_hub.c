/*
 * test_hub.c: what viewers share: feeds, frames, first messages.
 */
#include "rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodes_once),          cmocka_unit_test(test_beginning_shared),
        cmocka_unit_test(test_table_of_earlier_tick), cmocka_unit_test(test_new_feed_owes_nothing),
        cmocka_unit_test(test_replays_shared),        cmocka_unit_test(test_since_before_this_run),
    };
    return cmocka_run_group_tests_name("hub/hub", tests, NULL, NULL);
}
