/*
 * test_viewer.c: one client's session: greeting, operations, errors, broken frames, slowness. The
 * hub, the station and the sockets around it are the real ones.
 */
#include "rig.h"

/* ---- the greeting and operations --------------------------------------------------------- */

static void test_hello(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_open(rig, 0, NULL, 0), *other = client_open(rig, 1, "", 0);
    (void)state;
    json_t *hello = client_expect(c, "hello"), *same = client_expect(other, "hello");
    assert_string_equal(json_text(hello, "version"), "1.2.3");
    assert_string_equal(json_text(hello, "host"), "test");
    assert_int_equal(json_whole(hello, "interval_ms"), 1000);
    assert_int_equal(strlen(json_text(hello, "session")), 16);
    assert_int_equal(json_length(hello, "channels"), CHANNELS);
    assert_true(json_equal(hello, same));
    json_decref(hello);
    json_decref(same);
    client_expect_nothing(c); /* nobody is subscribed to anything unasked */
    client_drop(c);
    client_drop(other);
    rig_free(rig);
}

static void test_subscribe(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    rig_tick(rig);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\"}");
    client_expect_ok(c, 1);
    json_t *series = client_expect(c, "series");
    assert_int_equal(json_length(series, "series"), 2);
    json_decref(series);
    client_expect_seq(c, "metrics", 102); /* the newest state at once */
    rig_tick(rig);
    client_expect_seq(c, "metrics", 103);
    client_say(c, "{\"op\":\"unsubscribe\",\"id\":2,\"channel\":\"metrics\"}");
    client_expect_ok(c, 2);
    rig_tick(rig);
    client_expect_nothing(c);
    assert_int_equal(rig_feeds(rig), 0);
    client_say(c, "{\"op\":\"unsubscribe\",\"id\":3,\"channel\":\"metrics\"}"); /* no harm */
    client_expect_ok(c, 3);
    client_drop(c);
    rig_free(rig);
}

/* Before the first tick there is nothing to send; it comes with the tick. */
static void test_subscribe_early(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_open(rig, 0, "metrics,interfaces", 0);
    (void)state;
    client_skip(c, "hello");
    client_expect_nothing(c);
    rig_tick(rig);
    client_skip(c, "series");
    client_expect_seq(c, "metrics", 101);
    rig_table(rig, maker_table(1, 1, 0));
    client_expect_seq(c, "metrics", 102);
    client_expect_seq(c, "table", 102);
    client_drop(c);
    rig_free(rig);
}

/* A second wish for the channel takes the place of the first. */
static void test_subscribe_again(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    client_subscribe(c, "metrics");
    client_skip(c, "series");
    client_skip(c, "metrics");
    client_say(c, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"metrics\","
                  "\"metric\":\"node_network_carrier\",\"match\":\"device=eth*\"}");
    client_expect_ok(c, 2);
    json_t *series = client_expect(c, "series");
    assert_int_equal(json_length(series, "series"), 1);
    json_decref(series);
    client_skip(c, "metrics");
    assert_int_equal(rig_feeds(rig), 1);
    rig_tick(rig);
    json_t *metrics = client_expect(c, "metrics");
    assert_int_equal(json_length(metrics, "values"), 1);
    json_decref(metrics);
    client_expect_nothing(c); /* only one of them goes on */
    client_drop(c);
    rig_turn(rig);
    assert_int_equal(rig_feeds(rig), 0);
    rig_free(rig);
}

/* Every operation is answered, also when another one has overtaken it. */
static void test_subscribe_overtaken(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    struct buf b = BUF_INIT;
    static const uint8_t mask[4] = {1, 2, 3, 4};
    for (int id = 1; id <= 5; id++) {
        char *text = mem_printf("{\"op\":\"%s\",\"id\":%d,\"channel\":\"metrics\","
                                "\"interval_ms\":%d000}",
                                id == 3 ? "unsubscribe" : "subscribe", id, id);
        ws_client_frame(&b, true, WS_TEXT, mask, text, strlen(text));
        free(text);
    }
    client_send_bytes(c, b.data, b.len); /* all five arrive together */
    buf_fini(&b);
    unsigned answered = 0;
    for (int i = 0; i < 5; i++) {
        json_t *ok = client_expect(c, "ok");
        answered |= 1U << json_whole(ok, "id");
        json_decref(ok);
    }
    assert_int_equal(answered, 0x3e);
    client_skip(c, "series"); /* of the last wish alone */
    client_skip(c, "metrics");
    client_expect_nothing(c);
    assert_int_equal(rig_feeds(rig), 1);

    client_say(c, "{\"op\":\"subscribe\",\"id\":6,\"channel\":\"metrics\"}");
    client_say(c, "{\"op\":\"unsubscribe\",\"id\":7,\"channel\":\"metrics\"}");
    client_expect_ok(c, 7);
    client_expect_ok(c, 6);
    client_expect_nothing(c);
    assert_int_equal(rig_feeds(rig), 0);
    client_drop(c);
    rig_free(rig);
}

static void test_subscribe_list(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    (void)state;
    rig_table(rig, maker_table(1, 2, 0));
    struct client *c = client_open(rig, 0, ",interfaces,,nonsense,events,", 0);
    client_skip(c, "hello");
    client_expect_error(c, 0, "unknown_channel");
    client_expect_seq(c, "table", 101);
    rig_events(rig, 1);
    client_expect_seq(c, "event", 1);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

static void test_since(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.ring_ticks = 4});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    for (int i = 0; i < 10; i++)
        rig_tick(rig); /* 101 to 110; the ring holds 107 to 110 */
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"since\":108}");
    client_expect_ok(c, 1);
    client_skip(c, "series");
    client_expect_seq(c, "metrics", 109);
    client_expect_seq(c, "metrics", 110);
    client_say(c, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"metrics\",\"since\":103}");
    client_expect_ok(c, 2);
    client_expect_gap(c, "metrics", 104, 106, "ring");
    client_skip(c, "series");
    for (uint64_t seq = 107; seq <= 110; seq++)
        client_expect_seq(c, "metrics", seq);
    rig_tick(rig);
    client_expect_seq(c, "metrics", 111);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

static void test_ping_ack(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    client_say(c, "{\"op\":\"ping\",\"id\":-5}");
    json_t *pong = client_expect(c, "pong");
    assert_int_equal(json_whole(pong, "id"), -5);
    json_decref(pong);
    client_say(c, "{\"op\":\"ping\"}");
    pong = client_expect(c, "pong");
    assert_null(json_object_get(pong, "id"));
    json_decref(pong);
    client_say(c, "{\"op\":\"ack\",\"seq\":9}"); /* taken without an answer */
    client_expect_nothing(c);
    client_send_frame(c, WS_PING, "abc", 3);
    client_turn(c);
    assert_int_equal(c->pongs, 1);
    client_drop(c);
    rig_free(rig);
}

/* ---- errors leave the connection open ---------------------------------------------------- */

static void test_errors(void **state)
{
    static const struct {
        const char *text, *code;
        int64_t id;
    } cases[] = {
        {"", "bad_request", 0},
        {"{", "bad_request", 0},
        {"nonsense", "bad_request", 0},
        {"[]", "bad_request", 0},
        {"7", "bad_request", 0},
        {"null", "bad_request", 0},
        {"\"subscribe\"", "bad_request", 0},
        {"{}", "unknown_op", 0},
        {"{\"id\":4}", "unknown_op", 4},
        {"{\"id\":4,\"op\":7}", "unknown_op", 4},
        {"{\"id\":4,\"op\":\"explode\"}", "unknown_op", 4},
        {"{\"id\":4,\"op\":\"subscribe\"}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":[]}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"\"}", "unknown_channel", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"Metrics\"}", "unknown_channel", 4},
        {"{\"op\":\"subscribe\",\"channel\":\"weather\"}", "unknown_channel", 0},
        {"{\"id\":4,\"op\":\"unsubscribe\",\"channel\":\"weather\"}", "unknown_channel", 4},
        {"{\"id\":4,\"op\":\"unsubscribe\"}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"interval_ms\":\"1s\"}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"interval_ms\":-1}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"interval_ms\":0.5}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"interval_ms\":3600001}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"since\":-1}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"since\":\"7\"}", "bad_request",
         4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"metric\":7}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"metric\":[7]}", "bad_request",
         4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"metric\":[\"a\",\"\"]}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"match\":\"device\"}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"match\":[\"=x\"]}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"match\":{}}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"interfaces\",\"metric\":\"a\"}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"events\",\"match\":\"a=b\"}", "bad_request",
         4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"sort\":\"id\"}", "bad_request",
         4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"events\",\"filter\":\"a\"}", "bad_request",
         4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"events\",\"limit\":7}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"dns\",\"limit\":0}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"dns\",\"limit\":2001}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"dns\",\"limit\":\"9\"}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"dns\",\"sort\":\"speed\"}", "bad_request",
         4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"dns\",\"sort\":[\"t\"]}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"dns\",\"filter\":\"speed>5\"}",
         "bad_request", 4},
        {"{\"id\":4,\"op\":\"subscribe\",\"channel\":\"dns\",\"filter\":7}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"ack\"}", "bad_request", 4},
        {"{\"id\":4,\"op\":\"ack\",\"seq\":\"x\"}", "bad_request", 4},
        {"{\"id\":4,\"id\":5,\"op\":\"ping\"}", "bad_request", 0},
        {"{\"op\":\"ping\"} {}", "bad_request", 0},
        {"{\"op\":\"ping\",\"id\":\"7\"}", "bad_request", 0},
        {"{\"op\":\"subscribe\",\"channel\":\"metrics\",\"id\":1.5}", "bad_request", 0},
        {"{\"op\":\"unsubscribe\",\"channel\":\"metrics\",\"id\":[]}", "bad_request", 0},
        {"{\"op\":\"pi\\u0000ng\"}", "bad_request", 0},
    };
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        client_say(c, cases[i].text);
        client_expect_error(c, cases[i].id, cases[i].code);
    }
    client_send_frame(c, WS_BINARY, "{\"op\":\"ping\"}", 13);
    client_expect_error(c, 0, "bad_request");

    struct buf many = BUF_INIT; /* one pattern more than there may be */
    buf_text(&many, "{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"metric\":[\"a\"");
    for (int i = 0; i < 64; i++)
        buf_text(&many, ",\"a\"");
    buf_text(&many, "]}");
    client_say(c, buf_string(&many));
    client_expect_error(c, 4, "bad_request");
    buf_clear(&many); /* a pattern that would cost the core thread seconds */
    buf_text(&many, "{\"id\":4,\"op\":\"subscribe\",\"channel\":\"metrics\",\"metric\":\"*[");
    for (int i = 0; i < 60000; i++)
        buf_char(&many, 'z');
    buf_text(&many, "]\"}");
    client_say(c, buf_string(&many));
    client_expect_error(c, 4, "bad_request");
    buf_clear(&many);
    for (int i = 0; i < 40; i++)
        buf_text(&many, "[");
    client_say(c, buf_string(&many));
    client_expect_error(c, 0, "bad_request");
    buf_fini(&many);

    assert_int_equal(rig_feeds(rig), 0);
    client_say(c, "{\"op\":\"ping\",\"id\":1}"); /* still there */
    client_skip(c, "pong");
    assert_int_equal(rig_station(rig, 0).protocol_errors, 0);
    client_drop(c);
    rig_free(rig);
}

/* null is as good as absent: JavaScript clients write it for what they do not have. */
static void test_nulls(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    (void)state;
    rig_tick(rig);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"metric\":null,"
                  "\"match\":null,\"interval_ms\":null,\"since\":null,\"more\":{}}");
    client_expect_ok(c, 1);
    client_skip(c, "series");
    client_skip(c, "metrics");
    client_drop(c);
    rig_free(rig);
}

/* A table as the viewer wants to see it; who wants to see the same shares the feed. */
static void test_table_views(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0), *d = client_new(rig, 1, 0),
                  *e = client_new(rig, 1, 0);
    (void)state;
    rig_table(rig, maker_table(1, 30, 5));
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"interfaces\",\"limit\":3,"
                  "\"sort\":\"-id\",\"filter\":\"eth1\"}");
    client_say(d, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"interfaces\",\"limit\":3,"
                  "\"sort\":\"-id\",\"filter\":\" ETH1  eth1\",\"match\":null}");
    client_say(e, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"interfaces\",\"limit\":null}");
    struct client *clients[] = {c, d, e};
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        client_expect_ok(clients[i], 1);
        json_t *table = client_expect(clients[i], "table");
        assert_int_equal(json_whole(table, "total"), i < 2 ? 11 : 30);
        assert_int_equal(json_length(table, "rows"), i < 2 ? 3 : 30);
        const json_t *row = json_array_get(json_object_get(table, "rows"), 0);
        if (i < 2)
            assert_int_equal(json_integer_value(json_array_get(row, 0)), 19);
        json_decref(table);
    }
    assert_int_equal(rig_feeds(rig), 2);
    client_say(c, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"dns\"}"); /* nobody has it */
    client_expect_ok(c, 2);
    client_expect_nothing(c);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        client_drop(clients[i]);
    rig_free(rig);
}

/* ---- broken frames ----------------------------------------------------------------------- */

static void test_broken_frames(void **state)
{
    static const uint8_t long_message[] = {0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4};
    static const struct {
        const void *bytes;
        size_t len;
        unsigned code;
    } cases[] = {
        {"\x81\x01x", 3, 1002},                /* not masked */
        {"\xc1\x81\1\2\3\4x", 7, 1002},        /* a reserved bit */
        {"\x83\x80\1\2\3\4", 6, 1002},         /* an unknown opcode */
        {"\x80\x80\1\2\3\4", 6, 1002},         /* a continuation of nothing */
        {"\x09\x80\1\2\3\4", 6, 1002},         /* a fragmented ping */
        {"\x88\x81\0\0\0\0\x03", 7, 1002},     /* half a close code */
        {"\x88\x82\0\0\0\0\x03\xed", 8, 1002}, /* 1005 on the wire */
        {"\x81\x82\0\0\0\0\xc3\x28", 8, 1007}, /* not UTF-8 */
        {"\x88\x84\0\0\0\0\x03\xe8\xff\xfe", 10, 1007},
        {long_message, sizeof(long_message), 1009}, /* 65537 bytes are announced */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *rig = rig_new((struct rig_options){0});
        struct client *c = client_new(rig, 0, 0), *other = client_new(rig, 0, 0);
        client_send_bytes(c, cases[i].bytes, cases[i].len);
        client_expect_close(c, cases[i].code);
        assert_int_equal(rig_station(rig, 0).protocol_errors, 1);
        client_say(other, "{\"op\":\"ping\",\"id\":1}"); /* nobody else notices */
        client_skip(other, "pong");
        client_drop(c);
        client_drop(other);
        rig_free(rig);
    }
}

/* 64 KiB are allowed, in one frame or many, cut anywhere. */
static void test_large_message(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    static char text[65536];
    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "{\"op\":\"ping\",\"id\":6}", 20);
    client_send_frame(c, WS_TEXT, text, sizeof(text));
    client_skip(c, "pong");

    static const uint8_t mask[4] = {9, 8, 7, 6};
    struct buf b = BUF_INIT;
    ws_client_frame(&b, false, WS_TEXT, mask, text, 7);
    ws_client_frame(&b, true, WS_PING, mask, "", 0);
    ws_client_frame(&b, true, WS_CONTINUATION, mask, text + 7, 13);
    for (size_t i = 0; i < b.len; i++) {
        client_send_bytes(c, b.data + i, 1);
        rig_turn(rig);
    }
    buf_fini(&b);
    client_skip(c, "pong");
    assert_int_equal(c->pongs, 1);
    client_drop(c);
    rig_free(rig);
}

static void test_client_closes(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    (void)state;
    rig_tick(rig);
    struct client *c = client_new(rig, 0, 0);
    client_subscribe(c, "metrics");
    client_send_frame(c, WS_CLOSE,
                      "\x0b\xb8"
                      "bye",
                      5); /* 3000 */
    client_expect_close(c, 3000);
    assert_int_equal(rig_station(rig, 0).protocol_errors, 0);
    client_drop(c);
    c = client_new(rig, 0, 0);
    client_send_frame(c, WS_CLOSE, "", 0);
    client_expect_close(c, WS_CLOSE_NONE);
    client_drop(c);
    rig_turn(rig);
    assert_int_equal(rig_station(rig, 0).viewers, 0);
    assert_int_equal(rig_feeds(rig), 0);
    rig_free(rig);
}

/* We say goodbye: the connection ends when the client has answered, and nothing that he says before
 * that is looked at. */
static void test_server_closes(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.client_queue_bytes = 4096});
    struct client *polite = client_new(rig, 0, 0), *rude = client_new(rig, 0, 0);
    struct client *silent = client_new(rig, 1, 0);
    (void)state;
    rude->rude = silent->rude = true;
    station_close(rig->stations[0]);
    station_close(rig->stations[1]);
    client_turn(rude);
    client_turn(silent);
    assert_int_equal(rude->close_code, WS_CLOSE_GOING_AWAY);
    assert_int_equal(silent->close_code, WS_CLOSE_GOING_AWAY);
    assert_false(rude->ended);
    assert_false(silent->ended);
    client_expect_close(polite, WS_CLOSE_GOING_AWAY);
    uint64_t received = rig_station(rig, 0).received;
    client_say(rude, "{\"op\":\"ping\"}");
    client_send_frame(rude, WS_PING, "", 0);
    client_turn(rude);
    assert_int_equal(rig_station(rig, 0).received, received);
    assert_int_equal(rude->pongs, 0);
    assert_false(rude->ended);
    client_send_frame(rude, WS_CLOSE, "\x03\xe8", 2);
    client_read_all(rude);
    client_read_all(silent); /* after the handshake's time-out */
    assert_int_equal(rig_station(rig, 1).closed_idle, 0);
    client_drop(polite);
    client_drop(rude);
    client_drop(silent);
    rig_free(rig);
}

/* What is repeated may be many small messages: a beginning never counts as slowness. */
static void test_a_long_beginning_has_room(void **state)
{
    enum { EVENTS = 1500 };
    struct rig *rig = rig_new((struct rig_options){.client_queue_bytes = 4096});
    struct client *c = client_new(rig, 0, 4096);
    size_t told = 0;
    (void)state;
    for (int i = 0; i < EVENTS / 10; i++)
        rig_events(rig, 10);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"events\",\"since\":0}");
    rig_turn(rig); /* it does not read yet: nearly all of it has to wait */
    client_expect_ok(c, 1);
    while (told < EVENTS) {
        json_t *json = client_next(c);
        told += strcmp(json_text(json, "type"), "event") == 0;
        json_decref(json);
    }
    assert_int_equal(rig_station(rig, 0).closed_slow, 0);
    client_drop(c);
    rig_free(rig);
}

/* A thousand messages at once are taken in pieces: others are served in between. */
static void test_a_flood_leaves_others_their_turn(void **state)
{
    enum { PINGS = 1000, OTHERS = 20 };
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *flood = client_new(rig, 0, 0), *others[OTHERS];
    struct buf b = BUF_INIT;
    (void)state;
    for (int i = 0; i < OTHERS; i++)
        others[i] = client_new(rig, 0, 0);
    for (int i = 0; i < PINGS; i++)
        ws_client_frame(&b, true, WS_PING, (const uint8_t[4]){0}, "", 0);
    client_send_bytes(flood, b.data, b.len);
    buf_fini(&b);
    for (int i = 0; i < OTHERS; i++)
        client_send_frame(others[i], WS_PING, "", 0);
    uv_run(&rig->loop, UV_RUN_NOWAIT); /* one turn */
    client_read(flood, SIZE_MAX);
    assert_in_range(flood->pongs, 0, PINGS / 10);
    for (int i = 0; i < OTHERS; i++) {
        client_read(others[i], SIZE_MAX);
        assert_int_equal(others[i]->pongs, 1);
        client_drop(others[i]);
    }
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    while (flood->pongs < PINGS && clock_mono_ns() < until_ns)
        client_turn(flood);
    assert_int_equal(flood->pongs, PINGS); /* nothing is forgotten */
    client_drop(flood);
    rig_free(rig);
}

/* Who asks too often is told so, and is not read; nobody else notices. What he sends beyond is
 * nothing but counted, whatever it is; and he is not closed. */
static void test_rate_limited(void **state)
{
    struct hub_limits limits = HUB_LIMITS_DEFAULT;
    limits.operations_burst = 5;
    limits.operations_per_s = 0;
    struct rig *rig = rig_new((struct rig_options){.limits = &limits});
    struct client *c = client_new(rig, 0, 0), *other = client_new(rig, 0, 0);
    static const char *const rest[] = {
        "{\"op\":\"ping\",\"id\":9}",
        "{\"op\":\"subscribe\",\"id\":9,\"channel\":\"metrics\"}",
        "{\"op\":\"unsubscribe\",\"id\":9,\"channel\":\"metrics\"}",
        "nonsense",
    };
    (void)state;
    rig_tick(rig);
    client_subscribe(c, "metrics"); /* one */
    client_skip(c, "series");
    client_skip(c, "metrics");
    client_say(c, "nonsense"); /* two */
    client_expect_error(c, 0, "bad_request");
    client_send_frame(c, WS_BINARY, "x", 1); /* three */
    client_expect_error(c, 0, "bad_request");
    for (int i = 4; i <= 5; i++) {
        client_say(c, "{\"op\":\"ping\",\"id\":1}");
        client_skip(c, "pong");
    }
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        client_say(c, rest[i]);
        client_expect_error(c, 0, "rate_limited");
    }
    assert_int_equal(rig_station(rig, 0).limited, ARRAY_LEN(rest));
    rig_tick(rig); /* still subscribed */
    client_expect_seq(c, "metrics", 102);
    client_say(other, "{\"op\":\"ping\",\"id\":2}");
    client_skip(other, "pong");

    struct client *list = client_open(rig, 1, "metrics,,x,y,z,events,interfaces,u,v,w", 0);
    client_skip(list, "hello");
    for (int i = 0; i < 3; i++)
        client_expect_error(list, 0, "unknown_channel");
    client_expect_error(list, 0, "rate_limited"); /* the rest of the list is not looked at */
    client_skip(list, "series");
    client_skip(list, "metrics");
    client_expect_nothing(list);
    assert_int_equal(rig_station(rig, 1).limited, 1);
    client_drop(c);
    client_drop(other);
    client_drop(list);
    rig_free(rig);
}

/* With time the allowance comes back: three at once, again and again, of which one is granted. */
static void test_rate_recovers(void **state)
{
    struct hub_limits limits = HUB_LIMITS_DEFAULT;
    limits.operations_burst = 1;
    limits.operations_per_s = 100;
    struct rig *rig = rig_new((struct rig_options){.limits = &limits});
    struct client *c = client_new(rig, 0, 0);
    static const uint8_t mask[4] = {1, 2, 3, 4};
    struct buf three = BUF_INIT;
    (void)state;
    for (int i = 0; i < 3; i++)
        ws_client_frame(&three, true, WS_TEXT, mask, "{\"op\":\"ping\"}", 13);
    int pongs = 0, rounds = 0;
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    for (; pongs < 5 && clock_mono_ns() < until_ns; rounds++) {
        client_send_bytes(c, three.data, three.len);
        for (int i = 0; i < 3; i++) {
            json_t *answer = client_next(c);
            bool pong = strcmp(json_text(answer, "type"), "pong") == 0;
            if (!pong)
                assert_string_equal(json_text(answer, "code"), "rate_limited");
            pongs += pong;
            json_decref(answer);
        }
        assert_true(pongs <= rounds + 1);
    }
    assert_int_equal(pongs, 5);
    assert_int_equal(rig_station(rig, 0).limited, 3 * rounds - 5);
    buf_fini(&three);
    client_drop(c);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_subscribe),
        cmocka_unit_test(test_subscribe_early),
        cmocka_unit_test(test_subscribe_again),
        cmocka_unit_test(test_subscribe_overtaken),
        cmocka_unit_test(test_subscribe_list),
        cmocka_unit_test(test_since),
        cmocka_unit_test(test_ping_ack),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_table_views),
        cmocka_unit_test(test_broken_frames),
        cmocka_unit_test(test_large_message),
        cmocka_unit_test(test_client_closes),
        cmocka_unit_test(test_server_closes),
        cmocka_unit_test(test_a_long_beginning_has_room),
        cmocka_unit_test(test_a_flood_leaves_others_their_turn),
        cmocka_unit_test(test_rate_limited),
        cmocka_unit_test(test_rate_recovers),
    };
    return cmocka_run_group_tests_name("hub/viewer", tests, NULL, NULL);
}
