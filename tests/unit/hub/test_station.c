/*
 * test_station.c: viewers that come and go, in any order and at any moment, full queues between
 * threads, silence, the end. Whatever happens, in the end no feed is left.
 */
#include "rig.h"

#include "hub/hub_internal.h"
#include "hub/viewer.h"

/* Fills the hub's queue of requests, with some that mean nothing. */
static void fill_hub_inbox(struct rig *rig)
{
    struct request *r;
    do {
        r = mem_alloc(sizeof(*r));
        r->kind = REQUEST_RESEND;
        r->feed = 1000000;
    } while (station_request(rig->stations[1], r) == 0);
}

/* ---- coming and going -------------------------------------------------------------------- */

static void test_gone_while_joining(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    (void)state;
    rig_tick(rig);
    for (int i = 0; i < 20; i++) { /* after so many turns of the loop the client goes */
        struct client *c = client_open(rig, 0, "metrics,interfaces,events", 0);
        for (int k = 0; k < i; k++)
            uv_run(&rig->loop, UV_RUN_NOWAIT);
        client_drop(c);
    }
    rig_turn(rig);
    assert_int_equal(rig_station(rig, 0).viewers, 0);
    assert_int_equal(rig_feeds(rig), 0);
    rig_free(rig);
}

/* A slot that has a new owner does not get the letters of the old one. */
static void test_slot_reused(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    (void)state;
    rig_tick(rig);
    struct client *gone = client_open(rig, 0, NULL, 0);
    client_say(gone, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\"}");
    client_read(gone, SIZE_MAX);
    struct request *r = mem_alloc(sizeof(*r)); /* a wish that is under way when it goes */
    r->kind = REQUEST_SUBSCRIBE;
    r->viewer = UINT64_C(1) << 32;
    r->has_id = true;
    r->id = 1;
    client_drop(gone);
    rig_turn(rig);
    assert_int_equal(station_request(rig->stations[0], r), 0);
    struct client *c = client_open(rig, 0, NULL, 0);
    client_skip(c, "hello");
    client_expect_nothing(c);
    assert_int_equal(rig_feeds(rig), 0);
    client_drop(c);
    rig_free(rig);
}

/* The interval that a newcomer is told, by the greeting. */
static int64_t greeted_interval(struct rig *rig, size_t station)
{
    struct client *c = client_open(rig, station, NULL, 0);
    json_t *hello = client_expect(c, "hello");
    int64_t interval_ms = json_whole(hello, "interval_ms");
    json_decref(hello);
    client_drop(c);
    rig_turn(rig);
    return interval_ms;
}

/* The interval was changed while the server runs: who comes afterwards is told the one in force,
 * who is there already hears nothing of it. */
static void test_greets_with_interval_in_force(void **state)
{
    static const int64_t intervals[] = {1000, 250, 250, 5000, 1000};
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *early = client_open(rig, 0, NULL, 0);
    (void)state;
    json_t *first = client_expect(early, "hello");
    assert_int_equal(json_whole(first, "interval_ms"), 1000);
    for (size_t i = 0; i < ARRAY_LEN(intervals); i++) {
        rig->maker.interval_ms = intervals[i];
        rig_tick(rig);
        rig_turn(rig);
        for (size_t s = 0; s < 2; s++)
            assert_int_equal(greeted_interval(rig, s), intervals[i]);
    }
    client_expect_nothing(early);
    struct client *late = client_open(rig, 1, NULL, 0);
    json_t *last = client_expect(late, "hello");
    assert_true(json_equal(first, last)); /* the rest of it is the same, the session, too */
    json_decref(first);
    json_decref(last);
    client_drop(early);
    client_drop(late);
    rig_free(rig);
}

/* Many feeds, each with members on both stations. */
static void test_many_feeds(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *clients[2][60];
    (void)state;
    rig_tick(rig);
    for (size_t i = 0; i < 120; i++) {
        struct client *c = clients[i % 2][i / 2] = client_new(rig, i % 2, 0);
        char *text = mem_printf("{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\","
                                "\"metric\":[\"*\",\"x%zu\"]}",
                                i / 2);
        client_say(c, text);
        free(text);
        client_expect_ok(c, 1);
        client_skip(c, "series");
        client_skip(c, "metrics");
    }
    assert_int_equal(rig_feeds(rig), 60);
    rig_tick(rig);
    for (size_t i = 0; i < 120; i++) {
        client_expect_seq(clients[i % 2][i / 2], "metrics", 102);
        client_expect_nothing(clients[i % 2][i / 2]);
    }
    for (size_t i = 0; i < 60; i++)
        client_drop(clients[0][i]);
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 60); /* the other station still listens */
    rig_tick(rig);
    for (size_t i = 0; i < 60; i++) {
        client_expect_seq(clients[1][i], "metrics", 103);
        client_drop(clients[1][i]);
    }
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 0);
    rig_free(rig);
}

static unsigned dice(uint64_t *seed, unsigned sides)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % sides;
}

static void do_something(struct client *c, uint64_t *seed)
{
    static const char *const texts[] = {
        "{\"op\":\"subscribe\",\"channel\":\"metrics\"}",
        "{\"op\":\"subscribe\",\"channel\":\"metrics\",\"interval_ms\":2000}",
        "{\"op\":\"subscribe\",\"channel\":\"metrics\",\"metric\":\"node_*\",\"since\":110}",
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"interfaces\"}",
        "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"events\",\"since\":1}",
        "{\"op\":\"unsubscribe\",\"channel\":\"metrics\"}",
        "{\"op\":\"unsubscribe\",\"channel\":\"interfaces\"}",
        "{\"op\":\"ping\",\"id\":3}",
        "nonsense",
    };
    unsigned what = dice(seed, 24);
    if (what < 20)
        client_say(c, texts[what % ARRAY_LEN(texts)]);
    else if (what == 20)
        client_send_bytes(c, "\x81\x01x", 3); /* breaks the protocol */
    else if (what == 21)
        client_send_frame(c, WS_CLOSE, "", 0);
    else
        client_read(c, dice(seed, 5000));
}

static void storm(uint64_t seed)
{
    struct rig *rig = rig_new((struct rig_options){.client_queue_bytes = 8192, .ring_ticks = 20});
    struct client *clients[24] = {0};
    for (int i = 0; i < 2000; i++) {
        struct client **place = &clients[dice(&seed, ARRAY_LEN(clients))];
        if (!*place)
            *place = client_open(rig, dice(&seed, 2), dice(&seed, 2) ? "metrics,events" : NULL,
                                 dice(&seed, 2) ? 2048 : 0);
        else if (dice(&seed, 8) == 0)
            client_drop(TAKE(*place));
        else
            do_something(*place, &seed);
        if (dice(&seed, 10) == 0)
            rig_tick(rig);
        if (dice(&seed, 20) == 0)
            rig_events(rig, 3);
        if (dice(&seed, 20) == 0)
            rig_table(rig, maker_table(1, dice(&seed, 40), dice(&seed, 3)));
        if (dice(&seed, 3) == 0)
            uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        if (clients[i])
            client_drop(clients[i]);
    }
    rig_turn(rig);
    assert_int_equal(rig_station(rig, 0).viewers + rig_station(rig, 1).viewers, 0);
    assert_int_equal(rig_feeds(rig), 0);
    rig_free(rig);
}

static void test_storms(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        storm(seed);
}

/* The same, cut off in the middle: the daemon stops while everything is under way. */
static void test_stop_in_a_storm(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct rig *rig = rig_new((struct rig_options){0});
        struct client *clients[10];
        uint64_t chance = seed;
        for (size_t i = 0; i < ARRAY_LEN(clients); i++)
            clients[i] = client_open(rig, i % 2, "metrics,events", 0);
        for (unsigned i = 0; i < 20 + seed; i++) {
            do_something(clients[dice(&chance, ARRAY_LEN(clients))], &chance);
            if (i % 7 == 0)
                rig_tick(rig);
            if (dice(&chance, 3) == 0)
                uv_run(&rig->loop, UV_RUN_NOWAIT);
        }
        rig_close(rig);
        for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
            client_read_all(clients[i]);
            client_drop(clients[i]);
        }
        rig_free(rig);
    }
}

/* ---- full queues between the threads ----------------------------------------------------- */

static void test_hub_busy(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.heartbeat_ms = 20});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    client_subscribe(c, "metrics");
    client_skip(c, "series");
    client_skip(c, "metrics");

    client_say(c, "{\"op\":\"subscribe\",\"id\":5,\"channel\":\"events\"}");
    fill_hub_inbox(rig);
    uv_run(&rig->loop, UV_RUN_NOWAIT); /* the socket was ready first */
    client_expect_error(c, 5, "busy");
    client_say(c, "{\"op\":\"subscribe\",\"id\":6,\"channel\":\"events\"}");
    client_expect_ok(c, 6);

    /* What is given back while the queue is full is given back later. */
    client_say(c, "{\"op\":\"unsubscribe\",\"id\":7,\"channel\":\"metrics\"}");
    fill_hub_inbox(rig);
    uv_run(&rig->loop, UV_RUN_NOWAIT);
    client_expect_ok(c, 7);
    assert_int_equal(rig_feeds(rig), 2);
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    while (rig_feeds(rig) > 1 && clock_mono_ns() < until_ns)
        rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 1);
    client_drop(c);
    rig_free(rig);
}

/* The request for a whole table was refused: it is made again, without another change. */
static void test_resend_refused(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.heartbeat_ms = 20});
    struct client *c = client_new(rig, 0, 2048);
    (void)state;
    rig_table(rig, maker_table(1, 100, 0));
    client_subscribe(c, "interfaces");
    client_skip(c, "table");
    for (uint64_t i = 1; i <= 20; i++) {
        rig_table(rig, maker_table(1, 100, i));
        rig_turn(rig);
    }
    /* Room in the socket, so that the queue drains while the hub takes no requests. */
    while (net_counters(rig->net)->queued_bytes > 0) {
        client_read(c, SIZE_MAX);
        fill_hub_inbox(rig);
        uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
    json_t *json = client_next(c);
    while (strcmp(json_text(json, "type"), "gap") != 0) {
        json_decref(json);
        json = client_next(c);
    }
    assert_int_equal(json_whole(json, "to"), 121);
    json_decref(json);
    json = client_expect(c, "table");
    assert_true(json_is_true(json_object_get(json, "full")));
    json_decref(json);
    client_drop(c);
    rig_free(rig);
}

/* Loops that stood still for thousands of letters: nobody may go on with holes in what he knows,
 * and a subscription whose answer was lost holds no feed. */
static void test_station_overrun(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.ring_ticks = 10});
    struct client *c = client_new(rig, 0, 0), *other = client_new(rig, 1, 0);
    struct hub_stats stats;
    (void)state;
    rig_tick(rig);
    client_subscribe(c, "metrics");
    struct request *r = mem_alloc(sizeof(*r)); /* of `other`, whose loop will be full by then */
    r->kind = REQUEST_SUBSCRIBE;
    r->viewer = UINT64_C(1) << 32;
    r->spec.channel = CHANNEL_INTERFACES;
    assert_int_equal(station_request(rig->stations[1], r), 0);
    for (int i = 0; i < 16400; i++)
        rig_tick(rig);
    uv_run(&rig->loop, UV_RUN_NOWAIT);
    assert_int_equal(rig_feeds(rig), 1);
    hub_stats(rig->hub, &stats);
    assert_true(stats.lost > 16400 - 16384);

    for (int i = 0; i < 1000 && (!c->ended || !other->ended); i++) {
        client_turn(c);
        client_turn(other);
        rig_tick(rig);
    }
    client_expect_close(c, 1013);
    client_expect_close(other, 1013);
    client_drop(c);
    client_drop(other);
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 0);

    c = client_new(rig, 0, 0); /* all is as before */
    client_subscribe(c, "metrics");
    client_skip(c, "series");
    client_skip(c, "metrics");
    rig_tick(rig);
    client_skip(c, "metrics");
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

/* ---- silence and the end ----------------------------------------------------------------- */

static void test_heartbeat(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.heartbeat_ms = 20});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    while (c->pings == 0 && clock_mono_ns() < until_ns)
        client_turn(c);
    assert_true(c->pings > 0);
    client_send_frame(c, WS_PONG, "", 0);
    client_turn(c);
    assert_int_equal(rig_station(rig, 0).viewers, 1);
    client_drop(c);
    rig_free(rig);
}

static void test_idle(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.heartbeat_ms = 100, .idle_ms = 1000});
    struct client *silent = client_new(rig, 0, 0), *alive = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    client_subscribe(silent, "metrics");
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    while (!silent->ended && clock_mono_ns() < until_ns) {
        unsigned pings = alive->pings;
        client_turn(silent);
        client_turn(alive);
        if (alive->pings > pings)
            client_send_frame(alive, WS_PONG, "", 0);
    }
    assert_true(silent->ended);
    assert_true(silent->pings > 0);
    assert_int_equal(silent->close_code, 0); /* no use in a close frame */
    assert_int_equal(rig_station(rig, 0).closed_idle, 1);
    assert_int_equal(rig_station(rig, 0).viewers, 1);
    client_turn(alive);
    assert_int_equal(rig_feeds(rig), 0);
    client_drop(silent);
    client_drop(alive);
    rig_free(rig);
}

static void test_stop(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0), *slow = client_new(rig, 1, 2048);
    (void)state;
    rig_tick(rig);
    client_subscribe(c, "metrics");
    client_subscribe(slow, "events");
    rig_events(rig, 100);
    rig_turn(rig);
    for (size_t i = 0; i < 2; i++)
        station_close(rig->stations[i]);
    struct client *late = client_open(rig, 0, "metrics", 0);
    client_expect_close(c, 1001);
    client_skip(late, "hello");
    client_expect_close(late, 1001);
    size_t events = client_read_all(slow); /* what was promised comes first */
    assert_int_equal(events, 100);
    assert_int_equal(slow->close_code, 1001);
    client_drop(c);
    client_drop(slow);
    client_drop(late);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone_while_joining),
        cmocka_unit_test(test_slot_reused),
        cmocka_unit_test(test_greets_with_interval_in_force),
        cmocka_unit_test(test_many_feeds),
        cmocka_unit_test(test_storms),
        cmocka_unit_test(test_stop_in_a_storm),
        cmocka_unit_test(test_hub_busy),
        cmocka_unit_test(test_resend_refused),
        cmocka_unit_test(test_station_overrun),
        cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests_name("hub/station", tests, NULL, NULL);
}
