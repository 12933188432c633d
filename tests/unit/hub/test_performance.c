/*
 * test_performance.c: what the channel `performance` tells, to whom, and whether it is true: every
 * number here is one that the test has brought about itself.
 */
#include "rig.h"

#include <sys/resource.h>

#include "hub/performance.h"

#define INTERVAL_MS 40

static struct rig *rig_of_performance(void)
{
    return rig_new((struct rig_options){.performance_interval_ms = INTERVAL_MS});
}

/* A tick that was read from the kernel so long ago; its number. */
static uint64_t publish_aged(struct rig *rig, int64_t age_ns)
{
    struct maker *m = &rig->maker;
    m->seq++;
    m->t_ms += 1000;
    draft_begin(m->draft, m->seq, m->t_ms, NS_PER_S, clock_mono_ns() - age_ns, 1000);
    draft_gauge(m->draft, maker_series(m, &maker_carrier, "eth0"), 1);
    rig_publish(rig, maker_end(m));
    rig_turn(rig);
    return m->seq;
}

static void client_ack(struct client *c, uint64_t seq)
{
    char *text = mem_printf("{\"op\":\"ack\",\"seq\":%llu}", (unsigned long long)seq);
    client_say(c, text);
    free(text);
    client_turn(c);
}

static int64_t count_of(const json_t *message, const char *spread)
{
    return json_whole(json_object_get(message, spread), "count");
}

/* The next message of performance, others are skipped. */
static json_t *performance_next(struct client *c)
{
    for (;;) {
        json_t *json = client_next(c);
        if (strcmp(json_text(json, "type"), "performance") == 0)
            return json;
        json_decref(json);
    }
}

static void answer_awaited(struct client *c)
{
    for (bool answered = false; !answered;) {
        json_t *json = client_next(c);
        answered = strcmp(json_text(json, "type"), "ok") == 0;
        json_decref(json);
    }
}

/* A message that has heard of everything until now: reports are made before or with it, so the
 * second one from here has. The counts of both are in *ret_count, if it is asked for. */
static json_t *performance_settled(struct client *c, const char *spread, int64_t *ret_count)
{
    int64_t count = 0;
    client_turn(c);
    json_array_clear(c->inbox);
    for (int i = 0; i < 2; i++) {
        json_t *json = performance_next(c);
        count += spread ? count_of(json, spread) : 0;
        json_decref(json);
    }
    json_t *json = performance_next(c);
    if (spread)
        *ret_count = count + count_of(json, spread);
    return json;
}

static size_t column(const json_t *clients, const char *name)
{
    const json_t *columns = json_object_get(clients, "columns");
    for (size_t i = 0; i < json_array_size(columns); i++) {
        if (strcmp(json_string_value(json_array_get(columns, i)), name) == 0)
            return i;
    }
    fail_msg("no column %s", name);
    return 0;
}

static json_t *cell(const json_t *message, size_t row, const char *name)
{
    const json_t *clients = json_object_get(message, "clients");
    const json_t *cells = json_array_get(json_object_get(clients, "rows"), row);
    assert_int_equal(json_array_size(cells), json_length(clients, "columns"));
    return json_array_get(cells, column(clients, name));
}

/* Both stations' numbers in one message; rows for admins alone. */
static void test_roles(void **state)
{
    (void)state;
    struct rig *rig = rig_of_performance();
    struct client *viewer = client_new(rig, 0, 0);
    rig->admin = true;
    struct client *admin = client_new(rig, 1, 0);
    publish_aged(rig, 0);
    client_subscribe(viewer, "performance");
    client_subscribe(admin, "performance");
    assert_int_equal(rig_feeds(rig), 2);
    client_say(viewer, "{\"op\":\"subscribe\",\"id\":78,\"channel\":\"metrics\"}");
    answer_awaited(viewer); /* a slow machine sends performance meanwhile */
    publish_aged(rig, 0);

    json_t *m = performance_settled(viewer, NULL, NULL);
    assert_null(json_object_get(m, "clients"));
    assert_int_equal(json_whole(m, "connections"), 2);
    assert_int_equal(json_whole(m, "opened"), 2);
    struct station_stats sum = rig_station(rig, 0), other = rig_station(rig, 1);
    station_stats_add(&sum, &other);
    assert_in_range(json_whole(m, "messages"), 5, sum.messages);
    assert_in_range(json_whole(m, "bytes"), 100, sum.bytes);
    assert_int_equal(json_whole(m, "received"), 3);
    assert_int_equal(json_whole(m, "conflated"), 0);
    assert_int_equal(json_whole(m, "dropped"), 0);
    assert_in_range(json_whole(m, "elapsed_ms"), 1, 20000);
    const json_t *process = json_object_get(m, "process");
    double cpu_pct = json_number_value(json_object_get(process, "cpu_pct"));
    assert_true(cpu_pct > 49 && cpu_pct < 51);
    assert_int_equal(json_whole(process, "rss_bytes"), 4096);
    assert_int_equal(json_object_size(json_object_get(m, "stages")), STAGES);
    uint64_t seq = (uint64_t)json_whole(m, "seq");
    json_decref(m);
    m = performance_next(viewer);
    assert_true((uint64_t)json_whole(m, "seq") > seq);
    json_decref(m);

    m = performance_settled(admin, NULL, NULL);
    const json_t *clients = json_object_get(m, "clients");
    assert_int_equal(json_whole(clients, "total"), 2);
    assert_int_equal(json_length(clients, "rows"), 2);
    assert_int_not_equal(json_integer_value(cell(m, 0, "id")),
                         json_integer_value(cell(m, 1, "id")));
    assert_string_equal(json_string_value(cell(m, 0, "role")), "viewer");
    assert_string_equal(json_string_value(cell(m, 1, "role")), "admin");
    assert_int_equal(json_array_size(cell(m, 0, "subscriptions")), 2);
    assert_int_equal(json_array_size(cell(m, 1, "subscriptions")), 1);
    assert_true(json_integer_value(cell(m, 0, "connected")) > 1000000000000);
    assert_true(json_integer_value(cell(m, 0, "messages")) > 3);
    assert_true(json_integer_value(cell(m, 0, "bytes")) > 100);
    assert_int_equal(json_integer_value(cell(m, 0, "queue_bytes")), 0);
    assert_true(json_is_null(cell(m, 0, "latency_ms")));
    json_decref(m);
    client_drop(viewer);
    client_drop(admin);
    rig_free(rig);
}

/* Who subscribes is told the newest at once, which HTTP has, too; the stages of a tick are in it.
 */
static void test_begins_with_newest(void **state)
{
    (void)state;
    struct rig *rig = rig_of_performance();
    struct client *first = client_new(rig, 0, 0);
    assert_null(station_performance(rig->stations[0], false));
    client_subscribe(first, "metrics");
    client_subscribe(first, "performance");
    int64_t fanout = 0, encode = 0;
    for (int i = 0; i < 3; i++)
        publish_aged(rig, 0);
    while (fanout < 3 || encode < 3) {
        json_t *m = performance_next(first);
        fanout += count_of(json_object_get(m, "stages"), "fan-out");
        encode += count_of(json_object_get(m, "stages"), "encode");
        json_decref(m);
    }
    assert_int_equal(fanout, 3); /* the other station has no viewers and no fan-out */
    assert_int_equal(encode, 3);
    assert_int_equal(hub_performance(rig->hub)->stages[STAGE_ENCODE].count, 3);
    assert_int_equal(hub_performance(rig->hub)->stages[STAGE_FANOUT].count, 3);

    struct client *second = client_new(rig, 1, 0);
    rig_turn(rig);
    const struct bytes *body = station_performance(rig->stations[1], false);
    json_t *known = json_loadb((const char *)body->data, body->len, 0, NULL);
    client_say(second, "{\"op\":\"subscribe\",\"channel\":\"performance\",\"since\":5}");
    json_t *m = client_expect(second, "performance");
    assert_true(json_whole(m, "seq") >= json_whole(known, "seq"));
    json_decref(m);
    json_decref(known);
    client_say(second, "{\"op\":\"subscribe\",\"id\":9,\"channel\":\"performance\","
                       "\"metric\":[\"x\"]}");
    do
        m = client_next(second);
    while (strcmp(json_text(m, "type"), "performance") == 0 && (json_decref(m), true));
    assert_string_equal(json_text(m, "code"), "bad_request");
    json_decref(m);
    client_drop(first);
    client_drop(second);
    rig_free(rig);
}

/* A tick's acknowledgement is its latency: once, and not of ticks that a subscription began with.
 */
static void test_latency(void **state)
{
    (void)state;
    struct rig *rig = rig_of_performance();
    rig->admin = true;
    struct client *c = client_new(rig, 0, 0);
    client_subscribe(c, "performance");
    uint64_t old = publish_aged(rig, 5 * NS_PER_S);
    client_subscribe(c, "metrics");
    client_ack(c, old); /* five seconds old when the subscription began */
    uint64_t seq = publish_aged(rig, 200 * NS_PER_MS);
    client_ack(c, seq + 1); /* there is none */
    client_ack(c, 0);
    rig->maker.seq += 10;
    client_ack(c, publish_aged(rig, 0) - 5); /* numbers that were left out are of no tick */
    assert_int_equal(rig->maker.seq, seq + 11);
    seq = publish_aged(rig, 200 * NS_PER_MS);
    client_ack(c, seq);
    client_ack(c, seq);
    client_ack(c, publish_aged(rig, 0)); /* too soon after the last one */
    const struct timing *delivery = &hub_performance(rig->hub)->delivery;
    json_t *m = NULL;
    do {
        json_decref(m);
        m = performance_next(c);
    } while (!count_of(m, "latency_ms"));
    const json_t *latency = json_object_get(m, "latency_ms");
    assert_int_equal(json_whole(latency, "count"), 1);
    double ms = json_number_value(json_object_get(latency, "max"));
    assert_true(ms >= 200 && ms < 5000);
    assert_true(json_number_value(json_object_get(latency, "p50")) == ms);
    json_decref(m);
    m = performance_settled(c, NULL, NULL);
    ms = json_number_value(cell(m, 0, "latency_ms"));
    assert_true(ms >= 200 && ms < 5000);
    json_decref(m);
    assert_int_equal(delivery->count, 1);
    assert_int_equal(delivery->within[7] + delivery->within[8] + delivery->within[6], 1);

    /* Half a second later another one counts. */
    int64_t from_ns = clock_mono_ns();
    while (clock_mono_ns() - from_ns < 600 * NS_PER_MS)
        client_turn(c);
    client_ack(c, publish_aged(rig, 0));
    int64_t count;
    json_decref(performance_settled(c, "latency_ms", &count));
    assert_int_equal(delivery->count, 2);
    client_say(c, "{\"op\":\"ack\",\"id\":4,\"seq\":-1}");
    do
        m = client_next(c);
    while (strcmp(json_text(m, "type"), "error") != 0 && (json_decref(m), true));
    assert_int_equal(json_whole(m, "id"), 4);
    json_decref(m);
    client_drop(c);
    rig_free(rig);
}

/* The pong that carries what the ping did is a round trip; another one is none. */
static void test_round_trip(void **state)
{
    (void)state;
    struct rig *rig = rig_of_performance(); /* heartbeats are an hour apart: new ones get theirs */
    rig->admin = true;
    struct client *c = client_new(rig, 0, 0);
    client_subscribe(c, "performance");
    const struct timing *trip = &hub_performance(rig->hub)->round_trip;
    while (!c->pings)
        client_turn(c);
    assert_int_equal(c->ping_len, 8);
    uint8_t wrong[8];
    memcpy(wrong, c->ping, 8);
    wrong[0] ^= 1;
    client_send_frame(c, WS_PONG, wrong, 8);
    client_send_frame(c, WS_PONG, "", 0);
    client_send_frame(c, WS_PONG, c->ping, 7);
    json_t *m = performance_settled(c, NULL, NULL);
    assert_true(json_is_null(cell(m, 0, "round_trip_ms")));
    json_decref(m);
    client_send_frame(c, WS_PONG, c->ping, 8);
    client_send_frame(c, WS_PONG, c->ping, 8);
    m = performance_settled(c, NULL, NULL);
    assert_true(json_number_value(cell(m, 0, "round_trip_ms")) > 0);
    json_decref(m);
    assert_int_equal(trip->count, 1);
    assert_int_equal(c->pings, 1);
    client_drop(c);
    rig_free(rig);
}

/* Every viewer is pinged once a heartbeat, however many there are. */
static void test_pings_in_turns(void **state)
{
    (void)state;
    struct rig *rig = rig_new(
        (struct rig_options){.performance_interval_ms = 20, .heartbeat_ms = 200, .idle_ms = 60000});
    struct client *c[40];
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        c[i] = client_new(rig, 0, 0);
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        while (c[i]->pings < 4) {
            assert_true(clock_mono_ns() < until_ns);
            for (size_t k = 0; k < ARRAY_LEN(c); k++) {
                client_turn(c[k]);
                client_say(c[k], "{\"op\":\"ping\"}"); /* nobody is silent */
                json_array_clear(c[k]->inbox);
            }
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        assert_in_range(c[i]->pings, 4, 4 * 4);
        client_drop(c[i]);
    }
    rig_free(rig);
}

/* Who reads too slowly shows with what waits for him and what he lost, and stands first. */
static void test_slow(void **state)
{
    (void)state;
    struct rig *rig = rig_of_performance();
    rig->admin = true;
    struct client *quick = client_new(rig, 1, 0), *slow = client_new(rig, 0, 2048);
    client_subscribe(quick, "performance");
    client_subscribe(slow, "metrics");
    struct maker *m = &rig->maker;
    for (int tick = 0; tick < 10; tick++) {
        maker_begin(m);
        for (int i = 0; i < 300; i++) {
            char device[16];
            snprintf(device, sizeof(device), "eth%d", i);
            draft_gauge(m->draft, maker_series(m, &maker_carrier, device), tick);
        }
        rig_publish(rig, maker_end(m));
        rig_turn(rig);
    }
    json_t *json = performance_settled(quick, NULL, NULL);
    int64_t conflated = json_whole(json, "conflated");
    assert_true(conflated > 0);
    assert_int_equal(json_integer_value(cell(json, 0, "conflated")), conflated);
    assert_true(json_integer_value(cell(json, 0, "queue_bytes")) > 0);
    assert_int_equal(json_integer_value(cell(json, 1, "queue_bytes")), 0);
    json_decref(json);
    client_drop(quick);
    client_drop(slow);
    rig_free(rig);
}

/* However many viewers there are, the message stays a message: those worst off are in it. */
static void test_bounded(void **state)
{
    (void)state;
    enum { MANY = PERFORMANCE_ROWS_MAX / 2 + 100 };
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 2 * MANY + 100)
        skip();
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rig *rig = rig_of_performance();
    struct client **c = mem_array(MANY, sizeof(struct client *));
    rig->admin = true;
    for (size_t i = 0; i < MANY; i++)
        c[i] = client_open(rig, 0, NULL, i == MANY - 1 ? 2048 : 0);
    for (size_t i = 0; i < MANY; i++)
        client_skip(c[i], "hello");
    struct client *stuck = c[MANY - 1];
    /* Nothing of this is read: the socket fills up. */
    char *text = mem_printf("{\"op\":\"x\",\"id\":1}");
    while (net_counters(rig->net)->queued_bytes == 0) {
        client_send_frame(stuck, WS_TEXT, text, strlen(text));
        rig_turn(rig);
    }
    free(text);
    client_subscribe(c[0], "performance");
    json_t *json = performance_settled(c[0], NULL, NULL);
    assert_int_equal(json_whole(json, "connections"), MANY);
    const json_t *clients = json_object_get(json, "clients");
    assert_int_equal(json_whole(clients, "total"), MANY);
    assert_int_equal(json_length(clients, "rows"), PERFORMANCE_ROWS_MAX / 2); /* of two stations */
    assert_true(json_integer_value(cell(json, 0, "queue_bytes")) > 0);
    json_decref(json);
    for (size_t i = 0; i < MANY; i++)
        client_drop(c[i]);
    free(c);
    rig_free(rig);
}

/* Not every report has rows. Those of a message are as old as the last report before it at most:
 * they are of the connections that it counts. */
static void test_rows_are_new(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){.performance_interval_ms = 3000});
    rig->admin = true;
    struct client *c = client_new(rig, 0, 0);
    client_subscribe(c, "performance");
    json_decref(performance_next(c));
    struct client *late[] = {client_new(rig, 0, 0), client_new(rig, 1, 0)};
    json_t *json = performance_next(c);
    assert_int_equal(json_whole(json, "connections"), 3);
    assert_int_equal(json_length(json_object_get(json, "clients"), "rows"), 3);
    json_decref(json);
    client_drop(late[0]);
    client_drop(late[1]);
    client_drop(c);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),   cmocka_unit_test(test_begins_with_newest),
        cmocka_unit_test(test_latency), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_slow),    cmocka_unit_test(test_pings_in_turns),
        cmocka_unit_test(test_bounded), cmocka_unit_test(test_rows_are_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
