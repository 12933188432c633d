/*
 * test_bulletin.c: the channel `alerts`: what a bulletin remembers and repeats, and what viewers of
 * a hub get of it: at once, in order, whole when they are slow, told when something is missing.
 */
#include "rig.h"

#include "alert_rig.h"
#include "hub/bulletin.h"

/* ---- the bulletin alone ------------------------------------------------------------------ */

static void add(struct bulletin *b, uint64_t seq, struct parcels *out)
{
    struct notice *n = notice_of(seq, 1);
    parcels_fini(out);
    bulletin_add(b, n, out);
    notice_unref(n);
}

static void put_state(struct bulletin *b, uint64_t seq, size_t count, struct parcels *out)
{
    struct alert_set *set = alerts_of(seq, count);
    parcels_fini(out);
    bulletin_state(b, set, out);
    alert_set_unref(set);
}

static void expect(const struct parcels *list, size_t index, const char *type, uint64_t seq)
{
    assert_true(index < list->count);
    json_t *json = frame_json(list->items[index].frame.plain);
    assert_string_equal(json_text(json, "type"), type);
    assert_int_equal(json_whole(json, "seq"), seq);
    json_decref(json);
}

static void expect_gap(const struct parcels *list, uint64_t from, uint64_t to, const char *reason)
{
    assert_true(list->count > 0);
    json_t *json = frame_json(list->items[0].frame.plain);
    assert_string_equal(json_text(json, "type"), "gap");
    assert_string_equal(json_text(json, "channel"), "alerts");
    assert_string_equal(json_text(json, "reason"), reason);
    assert_int_equal(json_whole(json, "from"), from);
    assert_int_equal(json_whole(json, "to"), to);
    json_decref(json);
}

static void test_numbers_grow(void **state)
{
    (void)state;
    struct bulletin *b = bulletin_new(100);
    struct parcels out = PARCELS_INIT;
    assert_int_equal(bulletin_next_seq(b), 100);
    put_state(b, 99, 1, &out);
    expect(&out, 0, "alert_state", 99);
    assert_int_equal(out.items[0].urgency, PARCEL_LATEST);
    assert_true(out.items[0].complete);
    assert_int_equal(out.items[0].seq, 0); /* its loss is none */
    add(b, 102, &out);
    expect(&out, 0, "alert", 102);
    assert_int_equal(out.items[0].urgency, PARCEL_KEEP);
    put_state(b, 104, 1, &out); /* 103 and 104 are not told of */
    expect(&out, 0, "alert_state", 104);
    add(b, 103, &out); /* now it is */
    expect(&out, 0, "alert", 105);
    add(b, 103, &out); /* again, say because nobody has acknowledged it */
    expect(&out, 0, "alert", 106);
    put_state(b, 105, 1, &out);
    expect(&out, 0, "alert_state", 106);
    add(b, 107, &out);
    expect(&out, 0, "alert", 107);
    assert_int_equal(bulletin_next_seq(b), 108);
    parcels_fini(&out);
    bulletin_free(b);
}

static void replay(struct bulletin *b, uint64_t since, struct parcels *out)
{
    parcels_fini(out);
    assert_true(bulletin_repeats(b, since));
    bulletin_replay(b, since, out);
}

static void test_replay(void **state)
{
    (void)state;
    struct bulletin *b = bulletin_new(10);
    struct parcels out = PARCELS_INIT;
    bulletin_begin(b, &out);
    assert_int_equal(out.count, 0);
    assert_false(bulletin_repeats(b, 9)); /* the last one of the run before */
    replay(b, 4, &out);
    assert_int_equal(out.count, 1);
    expect_gap(&out, 5, 9, "restart");

    add(b, 10, &out);
    add(b, 12, &out);
    put_state(b, 13, 1, &out);
    replay(b, 9, &out);
    assert_int_equal(out.count, 3);
    expect(&out, 0, "alert", 10);
    expect(&out, 1, "alert", 12);
    expect(&out, 2, "alert_state", 13);
    replay(b, 12, &out);
    assert_int_equal(out.count, 1);
    expect(&out, 0, "alert_state", 13);
    replay(b, 0, &out);
    assert_int_equal(out.count, 4);
    expect_gap(&out, 1, 9, "restart");
    assert_false(bulletin_repeats(b, 13));
    assert_false(bulletin_repeats(b, 1000)); /* newer than anything */
    parcels_fini(&out);
    bulletin_free(b);
}

/* A run that does not know the numbers before it begins with those it gets. */
static void test_unknown_beginning(void **state)
{
    (void)state;
    struct bulletin *b = bulletin_new(0);
    struct parcels out = PARCELS_INIT;
    assert_false(bulletin_repeats(b, 5));
    add(b, 40, &out);
    replay(b, 39, &out);
    assert_int_equal(out.count, 1);
    replay(b, 5, &out);
    expect_gap(&out, 6, 39, "restart");
    parcels_fini(&out);
    bulletin_free(b);
}

static void test_ring_by_number(void **state)
{
    (void)state;
    struct bulletin *b = bulletin_new(1);
    struct parcels out = PARCELS_INIT;
    for (uint64_t seq = 1; seq <= BULLETIN_MESSAGES + 50; seq++)
        add(b, seq, &out);
    replay(b, 10, &out);
    assert_int_equal(out.count, 1 + BULLETIN_MESSAGES);
    expect_gap(&out, 11, 50, "ring");
    expect(&out, 1, "alert", 51);
    expect(&out, BULLETIN_MESSAGES, "alert", BULLETIN_MESSAGES + 50);
    replay(b, 50, &out);
    assert_int_equal(out.count, BULLETIN_MESSAGES);
    parcels_fini(&out);
    bulletin_free(b);
}

static void test_ring_by_bytes(void **state)
{
    (void)state;
    struct bulletin *b = bulletin_new(1);
    struct parcels out = PARCELS_INIT;
    char text[ALERT_TEXT_MAX + 1];
    memset(text, '"', ALERT_TEXT_MAX);
    text[ALERT_TEXT_MAX] = '\0';
    struct notice *n = notice_of(NOTICE_ALERTS_MAX, NOTICE_ALERTS_MAX);
    for (size_t i = 0; i < n->count; i++)
        alert_text(&n->alerts[i]->summary, text);
    for (int i = 0; i < 50; i++) {
        parcels_fini(&out);
        bulletin_add(b, n, &out);
    }
    size_t one = out.items[0].frame.plain->len;
    assert_true(one > 100U << 10);
    parcels_fini(&out);
    bulletin_replay(b, 0, &out);
    size_t bytes = 0;
    for (size_t i = 1; i < out.count; i++)
        bytes += out.items[i].frame.plain->len;
    assert_in_range(bytes, BULLETIN_BYTES - one, BULLETIN_BYTES);
    notice_unref(n);
    parcels_fini(&out);
    bulletin_free(b);
}

/* ---- viewers ----------------------------------------------------------------------------- */

static void publish_notice(struct rig *rig, uint64_t seq)
{
    struct notice *n = notice_of(seq, 1);
    hub_publish_notice(rig->hub, n);
    notice_unref(n);
}

static void publish_state(struct rig *rig, uint64_t seq, size_t count)
{
    struct alert_set *set = alerts_of(seq, count);
    hub_publish_alert_state(rig->hub, set);
    alert_set_unref(set);
}

static void expect_state(struct client *c, uint64_t seq, int64_t total)
{
    json_t *json = client_expect(c, "alert_state");
    assert_int_equal(json_whole(json, "seq"), seq);
    assert_int_equal(json_whole(json, "total"), total);
    json_decref(json);
}

static void since(struct client *c, uint64_t seq)
{
    char *text = mem_printf("{\"op\":\"subscribe\",\"id\":5,\"channel\":\"alerts\",\"since\":%llu,"
                            "\"interval_ms\":60000}",
                            (unsigned long long)seq);
    client_say(c, text);
    free(text);
    client_expect_ok(c, 5);
}

/* Both stations, plain and compressed: one encoding for all, at once and without a tick. */
static void test_stream(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){.next_alert_seq = 50});
    struct client *early = client_new(rig, 0, 0);
    client_subscribe(early, "alerts");
    client_expect_nothing(early); /* nothing is known yet */
    publish_state(rig, 49, 2);
    expect_state(early, 49, 2);

    struct client *packed = client_connect(rig, 1, "alerts", 0, true);
    client_skip(packed, "hello");
    expect_state(packed, 49, 2);
    assert_int_equal(rig_feeds(rig), 1);
    struct hub_stats before, after;
    hub_stats(rig->hub, &before);
    publish_notice(rig, 50);
    publish_state(rig, 50, 3);
    hub_stats(rig->hub, &after);
    assert_int_equal(after.messages - before.messages, 2);
    assert_true(after.packed > before.packed);
    client_expect_seq(early, "alert", 50);
    expect_state(early, 50, 3);
    client_expect_seq(packed, "alert", 50);
    expect_state(packed, 50, 3);
    assert_int_equal(hub_next_alert_seq(rig->hub), 51);

    rig_tick(rig); /* a tick says nothing here */
    client_expect_nothing(early);
    struct client *late = client_new(rig, 0, 0);
    client_subscribe(late, "alerts");
    expect_state(late, 50, 3);
    client_drop(late);
    client_drop(packed);
    client_drop(early);
    rig_free(rig);
}

static void test_since(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){.next_alert_seq = 50});
    struct client *c = client_new(rig, 0, 0);
    since(c, 20);
    client_expect_gap(c, "alerts", 21, 49, "restart");
    publish_notice(rig, 50);
    publish_notice(rig, 52);
    publish_state(rig, 52, 1);
    client_expect_seq(c, "alert", 50);
    client_expect_seq(c, "alert", 52);
    expect_state(c, 52, 1);
    since(c, 50);
    client_expect_seq(c, "alert", 52);
    expect_state(c, 52, 1);
    since(c, 52);
    expect_state(c, 52, 1);
    since(c, 999);
    expect_state(c, 52, 1);
    for (uint64_t seq = 53; seq < 53 + BULLETIN_MESSAGES; seq++)
        publish_notice(rig, seq);
    for (uint64_t seq = 53; seq < 53 + BULLETIN_MESSAGES; seq++)
        client_expect_seq(c, "alert", seq);
    since(c, 50);
    client_expect_gap(c, "alerts", 51, 52, "ring");
    for (uint64_t seq = 53; seq < 53 + BULLETIN_MESSAGES; seq++)
        client_expect_seq(c, "alert", seq);
    expect_state(c, 52 + BULLETIN_MESSAGES, 1); /* of 52, but that is where one goes on */
    since(c, 52 + BULLETIN_MESSAGES);
    expect_state(c, 52 + BULLETIN_MESSAGES, 1);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

/* Who does not read gets every alert and the newest state, and no word of a gap: none is missing.
 */
static void test_slow(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){.next_alert_seq = 1});
    struct client *c = client_new(rig, 0, 4096);
    client_subscribe(c, "alerts");
    for (uint64_t seq = 1; seq <= 100; seq++) {
        publish_notice(rig, seq);
        publish_state(rig, seq, 20);
        rig_turn(rig);
    }
    struct station_stats stats = rig_station(rig, 0);
    assert_true(stats.conflated > 10);
    uint64_t alerts = 0;
    int64_t newest = 0;
    while (newest < 100) {
        json_t *json = client_next(c);
        const char *type = json_text(json, "type");
        if (strcmp(type, "alert") == 0)
            assert_int_equal(json_whole(json, "seq"), ++alerts);
        else if (strcmp(type, "alert_state") == 0)
            newest = json_whole(json, "seq");
        else
            fail_msg("unexpected: %s", type);
        json_decref(json);
    }
    assert_int_equal(alerts, 100);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

/* Alerts do pile up, and past the queue's limit the viewer is told to come back. */
static void test_too_slow(void **state)
{
    (void)state;
    struct rig *rig =
        rig_new((struct rig_options){.next_alert_seq = 1, .client_queue_bytes = 64 << 10});
    struct client *c = client_new(rig, 0, 4096);
    client_subscribe(c, "alerts");
    for (uint64_t seq = 1; seq <= 1000; seq++) {
        publish_notice(rig, seq);
        rig_turn(rig);
    }
    assert_int_equal(rig_station(rig, 0).closed_slow, 1);
    client_expect_close(c, 1013);
    client_drop(c);
    rig_free(rig);
}

/* The channel has no selection. */
static void test_refusals(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    client_say(c, "{\"op\":\"subscribe\",\"id\":4,\"channel\":\"alerts\",\"metric\":\"a\"}");
    client_expect_error(c, 4, "bad_request");
    client_say(c, "{\"op\":\"subscribe\",\"id\":4,\"channel\":\"alerts\",\"limit\":3}");
    client_expect_error(c, 4, "bad_request");
    client_say(c, "{\"op\":\"subscribe\",\"id\":4,\"channel\":\"alert_state\"}");
    client_expect_error(c, 4, "unknown_channel");
    client_drop(c);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_grow),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_unknown_beginning),
        cmocka_unit_test(test_ring_by_number),
        cmocka_unit_test(test_ring_by_bytes),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_since),
        cmocka_unit_test(test_slow),
        cmocka_unit_test(test_too_slow),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("hub/bulletin", tests, NULL, NULL);
}
