/*
 * test_deflate.c: viewers with and without permessage-deflate on the same feeds: all get the same
 * messages, each message is compressed once and only while somebody takes it, and the compressed
 * form lives by the same rules (joins, replays, slow readers).
 */
#include "live_bytes.h"
#include "rig.h"

#include <zlib.h>

#define DEVICES 100 /* makes metrics of about 1.5 KB, which pay */
#define QUIET 32    /* viewers whose memory is counted */

static struct rig *rig_many(void)
{
    return rig_new((struct rig_options){0});
}

/* A tick with many series, whose values move. */
static void tick_many(struct rig *rig)
{
    struct maker *m = &rig->maker;
    maker_begin(m);
    for (int i = 0; i < DEVICES; i++) {
        char device[16];
        snprintf(device, sizeof(device), "veth%d", i);
        struct series *s = maker_series(m, &maker_bytes, device);
        draft_counter(m->draft, s, m->seq * 1000 + m->seq * (uint64_t)i * 7, 1);
    }
    rig_publish(rig, maker_end(m));
}

static struct client *client_deflate(struct rig *rig, size_t station)
{
    struct client *c = client_connect(rig, station, NULL, 0, true);
    client_skip(c, "hello");
    return c;
}

static struct hub_stats stats_of(struct rig *rig)
{
    struct hub_stats stats;
    hub_stats(rig->hub, &stats);
    return stats;
}

/* The next message of both is the same. */
static void expect_same(struct client *a, struct client *b, const char *type)
{
    json_t *x = client_expect(a, type), *y = client_expect(b, type);
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
}

static void test_mixed_viewers(void **state)
{
    struct rig *rig = rig_many();
    struct client *plain[4], *packed[4];
    (void)state;
    tick_many(rig);
    for (size_t i = 0; i < 4; i++) {
        plain[i] = client_new(rig, i % 2, 0);
        packed[i] = client_deflate(rig, i % 2);
        client_subscribe(plain[i], "metrics");
        client_subscribe(packed[i], "metrics");
        expect_same(plain[i], packed[i], "series");
        expect_same(plain[i], packed[i], "metrics");
    }
    /* What both began with was compressed once, for the first who took it. */
    assert_int_equal(stats_of(rig).packed, 2);
    uint64_t before = packed[0]->bytes, before_plain = plain[0]->bytes;
    uint64_t messages = stats_of(rig).messages;
    for (int t = 0; t < 5; t++) {
        tick_many(rig);
        for (size_t i = 0; i < 4; i++)
            expect_same(plain[i], packed[i], "metrics");
    }
    assert_int_equal(stats_of(rig).packed, 2 + 5);
    assert_int_equal(stats_of(rig).messages - messages, 5);
    assert_true((packed[0]->bytes - before) * 2 < plain[0]->bytes - before_plain);
    for (size_t i = 0; i < 4; i++) {
        client_drop(plain[i]);
        client_drop(packed[i]);
    }
    rig_free(rig);
}

static void test_only_while_wanted(void **state)
{
    struct rig *rig = rig_many();
    struct client *plain = client_new(rig, 0, 0);
    (void)state;
    tick_many(rig);
    client_subscribe(plain, "metrics");
    tick_many(rig);
    assert_int_equal(stats_of(rig).packed, 0);
    struct client *packed = client_deflate(rig, 0);
    tick_many(rig); /* he listens to nothing yet */
    assert_int_equal(stats_of(rig).packed, 0);
    client_subscribe(packed, "metrics");
    tick_many(rig);
    assert_int_equal(stats_of(rig).packed, 3); /* series and metrics to begin with, metrics */
    client_say(packed, "{\"op\":\"unsubscribe\",\"channel\":\"metrics\"}");
    rig_turn(rig);
    tick_many(rig);
    assert_int_equal(stats_of(rig).packed, 3);
    client_skip(packed, "series");
    client_skip(packed, "metrics");
    client_skip(packed, "metrics");
    client_subscribe(packed, "metrics");
    client_skip(packed, "series");
    client_skip(packed, "metrics");
    assert_int_equal(stats_of(rig).packed, 5);
    client_drop(packed); /* without a word */
    rig_turn(rig);
    tick_many(rig);
    assert_int_equal(stats_of(rig).packed, 5);
    client_drop(plain);
    rig_free(rig);
}

/* A thousand who come back share the replay's compressed frames, too. */
static void test_replay(void **state)
{
    static const char since[] =
        "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"since\":100}";
    struct rig *rig = rig_many();
    struct client *c[3];
    (void)state;
    for (int t = 0; t < 6; t++)
        tick_many(rig);
    for (size_t i = 0; i < 3; i++) {
        c[i] = i == 0 ? client_new(rig, 0, 0) : client_deflate(rig, 0);
        client_say(c[i], since);
        client_expect_ok(c[i], 1);
    }
    json_t *first;
    while ((first = client_next(c[0]))) {
        bool last = strcmp(json_text(first, "type"), "metrics") == 0 &&
                    json_whole(first, "seq") == (json_int_t)rig->maker.seq;
        for (size_t i = 1; i < 3; i++) {
            json_t *other = client_next(c[i]);
            assert_true(json_equal(first, other));
            json_decref(other);
        }
        json_decref(first);
        if (last)
            break;
    }
    /* series, then the ticks after the first: once for both. */
    uint64_t packed = stats_of(rig).packed;
    assert_in_range(packed, 5, 7);
    struct client *late = client_deflate(rig, 1);
    client_say(late, since);
    client_expect_ok(late, 1);
    assert_int_equal(stats_of(rig).packed, packed);
    assert_true(c[1]->bytes * 2 < c[0]->bytes);
    client_drop(late);
    for (size_t i = 0; i < 3; i++)
        client_drop(c[i]);
    rig_free(rig);
}

/* What waits for a slow reader is the form he takes. */
static void test_slow_reader(void **state)
{
    struct rig *rig = rig_many();
    struct client *slow = client_connect(rig, 0, NULL, 4096, true);
    (void)state;
    client_skip(slow, "hello");
    client_subscribe(slow, "metrics");
    for (int t = 0; t < 40; t++) {
        tick_many(rig);
        rig_turn(rig);
    }
    assert_true(rig_station(rig, 0).conflated > 0);
    for (;;) {
        json_t *json = client_next(slow); /* every frame is a good one */
        bool last = strcmp(json_text(json, "type"), "metrics") == 0 &&
                    json_whole(json, "seq") == (json_int_t)rig->maker.seq;
        json_decref(json);
        if (last)
            break;
    }
    client_drop(slow);
    rig_free(rig);
}

/* What may be compressed is bounded; beyond it messages go plain, and are the same. */
static void test_bounded(void **state)
{
    struct hub_limits limits = HUB_LIMITS_DEFAULT;
    limits.packing_burst = 4000;
    limits.packing_per_s = 1;
    struct rig *rig = rig_new((struct rig_options){.limits = &limits});
    struct client *plain = client_new(rig, 0, 0), *packed = client_deflate(rig, 0);
    (void)state;
    client_subscribe(plain, "metrics");
    client_subscribe(packed, "metrics");
    for (int t = 0; t < 10; t++) {
        tick_many(rig);
        if (t == 0)
            expect_same(plain, packed, "series");
        expect_same(plain, packed, "metrics");
    }
    assert_in_range(stats_of(rig).packed, 1, 4);
    client_drop(plain);
    client_drop(packed);
    rig_free(rig);
}

/* Small messages go plain to everybody. */
static void test_small_messages(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_deflate(rig, 0);
    (void)state;
    client_subscribe(c, "events");
    rig_events(rig, 3);
    for (int i = 0; i < 3; i++)
        client_skip(c, "event");
    assert_int_equal(stats_of(rig).packed, 0);
    client_drop(c);
    rig_free(rig);
}

static void client_send_compressed(struct client *c, const void *data, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    ws_client_frame(&b, true, WS_TEXT, mask, data, len);
    b.data[0] |= WS_BIT_COMPRESSED;
    client_send_bytes(c, b.data, b.len);
}

/* Incoming, on both sides of the agreement; two viewers use one inflater in turns. */
static void test_incoming(void **state)
{
    static const char ping[] =
        "{\"op\":\"ping\",\"id\":1,\"x\":\"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
        "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
        "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
        "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"}";
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *a = client_deflate(rig, 0), *b = client_deflate(rig, 0);
    struct client *plain = client_new(rig, 0, 0);
    struct deflater *d = deflater_new();
    struct bytes *frame = ws_frame(WS_TEXT, ping, sizeof(ping) - 1);
    struct bytes *packed = deflater_pack(d, frame);
    (void)state;
    assert_non_null(packed);
    const uint8_t *data = packed->data + 2;
    size_t len = packed->len - 2;
    assert_true(len < 126);
    static const uint8_t mask[4] = {1, 2, 3, 4};
    CLEANUP(buf_fini) struct buf half = BUF_INIT, rest = BUF_INIT;
    ws_client_frame(&half, false, WS_TEXT, mask, data, len / 2);
    half.data[0] |= WS_BIT_COMPRESSED;
    ws_client_frame(&rest, true, WS_CONTINUATION, mask, data + len / 2, len - len / 2);
    client_send_bytes(a, half.data, half.len);
    rig_turn(rig);
    client_send_compressed(b, data, len);
    client_skip(b, "pong");
    client_expect_nothing(a);
    client_send_bytes(a, rest.data, rest.len);
    client_skip(a, "pong");
    client_say(a, "{\"op\":\"ping\"}");
    client_skip(a, "pong");
    /* Not agreed: a reserved bit, and nobody else notices. */
    client_send_compressed(plain, data, len);
    client_expect_close(plain, WS_CLOSE_PROTOCOL);
    client_send_compressed(b, "\xff", 1);
    client_expect_close(b, WS_CLOSE_BAD_TEXT);
    client_send_compressed(a, data, len);
    client_skip(a, "pong");
    client_drop(a);
    client_drop(b);
    client_drop(plain);
    bytes_unref(packed);
    bytes_unref(frame);
    deflater_free(d);
    rig_free(rig);
}

/* What viewers take when they are quiet again, after a message of their own, the second half of 64
 * of them: tables and shared states have grown by then. No client in this process but its end of
 * the socket. */
static size_t quiet_bytes(bool deflate)
{
    enum { COUNT = 2 * QUIET };
    static const uint8_t mask[4] = {1, 2, 3, 4};
    char message[400]; /* large enough to be compressed */
    int len = snprintf(message, sizeof(message), "%-300s",
                       "{\"op\":\"subscribe\",\"channel\":\"metrics\"}");
    struct rig *rig = rig_many();
    int fds[COUNT];
    size_t before = 0;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    if (deflate) {
        struct deflater *d = deflater_new();
        struct bytes *frame = ws_frame(WS_TEXT, message, (size_t)len);
        struct bytes *packed = deflater_pack(d, frame);
        assert_non_null(packed);
        assert_true(packed->len < 126); /* two bytes before what it carries */
        ws_client_frame(&b, true, WS_TEXT, mask, packed->data + 2, packed->len - 2);
        b.data[0] |= WS_BIT_COMPRESSED;
        bytes_unref(packed);
        bytes_unref(frame);
        deflater_free(d);
    } else {
        ws_client_frame(&b, true, WS_TEXT, mask, message, (size_t)len);
    }
    tick_many(rig);
    for (int i = 0; i < COUNT; i++) {
        char sink[65536];
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        fds[i] = pair[1];
        station_open(rig->stations[0], conn_new(rig->net, pair[0]), NULL,
                     (struct viewer_terms){.deflate = deflate});
        assert_int_equal(send(fds[i], b.data, b.len, 0), (ssize_t)b.len);
        for (int turn = 0; turn < 3; turn++) {
            rig_turn(rig);
            while (recv(fds[i], sink, sizeof(sink), 0) > 0)
                ;
        }
        if (i == QUIET - 1)
            before = live_bytes();
    }
    size_t taken = live_bytes() - before;
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    rig_free(rig);
    return taken;
}

static void skip_uncounted(void)
{
    const char *missing = live_bytes_missing();
    if (!missing)
        return;
    const char *preload = getenv("LD_PRELOAD");
    assert_true(preload && *preload); /* somebody has put another allocator there: valgrind */
    print_message("%s\n", missing);
    skip();
}

/* What test_quiet_memory measures with: a byte is seen, and the state that zlib makes in its own
 * library. */
static void test_counting(void **state)
{
    z_stream z = {0};
    (void)state;
    skip_uncounted();
    size_t before = live_bytes();
    void *volatile one = malloc(1);
    size_t with_one = live_bytes();
    one = realloc(one, 1000);
    size_t with_more = live_bytes();
    free(one);
    assert_true(with_one > before);
    assert_true(with_more >= before + 1000);
    assert_int_equal(live_bytes(), before);
    assert_int_equal(deflateInit(&z, 1), Z_OK);
    assert_true(live_bytes() > before + 10000);
    deflateEnd(&z);
    assert_int_equal(live_bytes(), before);
}

static void test_quiet_memory(void **state)
{
    (void)state;
    skip_uncounted();
    size_t plain = quiet_bytes(false), deflate = quiet_bytes(true);
    print_message("%d viewers take %zu bytes, with deflate %zu\n", QUIET, plain, deflate);
    assert_true(plain > 0);
    assert_int_equal(deflate, plain);
    assert_true(plain <= QUIET * 1024); /* what a connection that idles may take */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed_viewers), cmocka_unit_test(test_only_while_wanted),
        cmocka_unit_test(test_replay),        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_bounded),       cmocka_unit_test(test_small_messages),
        cmocka_unit_test(test_incoming),      cmocka_unit_test(test_counting),
        cmocka_unit_test(test_quiet_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
