/*
 * test_slow.c: clients that read too slowly: what is conflated, what is told about it, what is
 * never dropped, and when it is enough.
 */
#include "rig.h"

#define SMALL 2048 /* of a socket's buffer; the kernel makes some 4 KiB of it */
#define WIDE 300   /* series: some 5 KiB a message, more than a small socket takes */

/* A tick of WIDE counters, and of `table` unless it is NULL. */
static void publish_wide(struct rig *rig, struct table *table)
{
    struct maker *m = &rig->maker;
    maker_begin(m);
    m->absolute += 123457;
    for (int i = 0; i < WIDE; i++) {
        char device[16];
        snprintf(device, sizeof(device), "eth%d", i);
        draft_counter(m->draft, maker_series(m, &maker_bytes, device), m->absolute, 1);
    }
    if (table)
        draft_table(m->draft, table);
    rig_publish(rig, maker_end(m));
    rig_turn(rig);
}

/* The connection has bytes that the kernel does not take. */
static bool is_stuck(struct rig *rig)
{
    return net_counters(rig->net)->queued_bytes > 0;
}

static void test_metrics_conflate(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, SMALL), *quick = client_new(rig, 0, 0);
    (void)state;
    publish_wide(rig, NULL);
    client_subscribe(c, "metrics");
    client_subscribe(quick, "metrics");
    for (int i = 0; i < 2; i++) {
        client_skip(i ? quick : c, "series");
        client_expect_seq(i ? quick : c, "metrics", 101);
    }
    for (int i = 0; i < 20; i++) {
        publish_wide(rig, NULL); /* 102 to 121, while one of the two does not read */
        client_expect_seq(quick, "metrics", (uint64_t)102 + (unsigned)i);
    }
    assert_true(is_stuck(rig));
    uint64_t seq = 102;
    json_t *json = client_next(c);
    for (; strcmp(json_text(json, "type"), "metrics") == 0; seq++) {
        assert_int_equal(json_whole(json, "seq"), seq); /* what had been on its way */
        json_decref(json);
        json = client_next(c);
    }
    assert_string_equal(json_text(json, "type"), "gap");
    assert_string_equal(json_text(json, "reason"), "conflated");
    assert_string_equal(json_text(json, "channel"), "metrics");
    assert_int_equal(json_whole(json, "from"), seq);
    assert_int_equal(json_whole(json, "to"), 120);
    json_decref(json);
    client_expect_seq(c, "metrics", 121);
    client_expect_nothing(c);
    assert_int_equal(rig_station(rig, 0).conflated, 121 - seq);
    publish_wide(rig, NULL); /* and all is as before */
    client_expect_seq(c, "metrics", 122);
    client_expect_nothing(c);
    client_drop(c);
    client_drop(quick);
    rig_free(rig);
}

/* A change that was lost makes the ones after it worthless: the whole table comes instead. */
static void test_table_whole_again(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, SMALL);
    (void)state;
    rig_table(rig, maker_table(1, 100, 0));
    client_subscribe(c, "interfaces");
    client_expect_seq(c, "table", 101);
    for (uint64_t i = 1; i <= 20; i++) {
        rig_table(rig, maker_table(1, 100, i)); /* 102 to 121 */
        rig_turn(rig);
    }
    uint64_t seq = 102;
    json_t *json = client_next(c);
    for (; strcmp(json_text(json, "type"), "table") == 0; seq++) {
        assert_int_equal(json_whole(json, "seq"), seq);
        assert_true(json_is_false(json_object_get(json, "full")));
        json_decref(json);
        json = client_next(c);
    }
    assert_string_equal(json_text(json, "type"), "gap");
    assert_string_equal(json_text(json, "channel"), "interfaces");
    assert_int_equal(json_whole(json, "from"), seq);
    assert_int_equal(json_whole(json, "to"), 121);
    json_decref(json);
    json = client_expect(c, "table");
    assert_true(json_is_true(json_object_get(json, "full")));
    assert_int_equal(json_whole(json, "seq"), 121);
    assert_int_equal(json_length(json, "rows"), 100);
    json_decref(json);
    client_expect_nothing(c);
    rig_table(rig, maker_table(1, 101, 20)); /* changes again */
    json = client_expect(c, "table");
    assert_true(json_is_false(json_object_get(json, "full")));
    assert_int_equal(json_length(json, "rows"), 1);
    json_decref(json);
    client_drop(c);
    rig_free(rig);
}

/* ---- any way of reading ------------------------------------------------------------------ */

/* A client's picture of a table, as PROTOCOL tells how to keep it. */
struct picture {
    uint64_t bytes[256]; /* by id; UINT64_MAX: no such row */
};

static void picture_apply(struct picture *p, const json_t *table)
{
    if (json_is_true(json_object_get(table, "full")))
        memset(p, 0xff, sizeof(*p));
    const json_t *rows = json_object_get(table, "rows"), *gone = json_object_get(table, "removed");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        int64_t id = json_integer_value(json_array_get(row, IF_ID));
        assert_in_range(id, 0, 255);
        p->bytes[id] = (uint64_t)json_integer_value(json_array_get(row, IF_RX_BYTES));
    }
    for (size_t i = 0; i < json_array_size(gone); i++)
        p->bytes[json_integer_value(json_array_get(gone, i))] = UINT64_MAX;
}

struct reader {
    struct client *client;
    uint64_t next_seq; /* of metrics: each is received or in a gap, in order, once */
    struct picture picture;
    uint64_t table_seq; /* of the last table message or gap */
    unsigned tables, gaps;
};

static void reader_look(struct reader *r)
{
    while (json_array_size(r->client->inbox)) {
        json_t *json = client_next(r->client);
        const char *type = json_text(json, "type");
        if (strcmp(type, "metrics") == 0) {
            assert_int_equal(json_whole(json, "seq"), r->next_seq);
            r->next_seq++;
        } else if (strcmp(type, "table") == 0) {
            picture_apply(&r->picture, json);
            r->tables++;
            assert_true((uint64_t)json_whole(json, "seq") >= r->table_seq);
            r->table_seq = (uint64_t)json_whole(json, "seq");
        } else if (strcmp(type, "gap") == 0) {
            r->gaps++;
            if (strcmp(json_text(json, "channel"), "metrics") == 0) {
                assert_int_equal(json_whole(json, "from"), r->next_seq);
                assert_true(json_whole(json, "to") >= json_whole(json, "from"));
                r->next_seq = (uint64_t)json_whole(json, "to") + 1;
            } else {
                assert_true((uint64_t)json_whole(json, "from") >= r->table_seq);
                assert_true(json_whole(json, "to") >= json_whole(json, "from"));
                r->table_seq = (uint64_t)json_whole(json, "to");
            }
        } else {
            fail_msg("unexpected %s", type);
        }
        json_decref(json);
    }
}

static unsigned dice(uint64_t *seed, unsigned sides)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % sides;
}

/* However somebody reads, in the end he knows the table and which metrics he missed. */
static void read_by_chance(uint64_t seed)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct reader r = {.client = client_new(rig, 0, SMALL), .next_seq = 102};
    struct picture truth;
    publish_wide(rig, maker_table(1, 3, 0));
    client_subscribe(r.client, "metrics");
    client_skip(r.client, "series");
    client_skip(r.client, "metrics");
    client_say(r.client, "{\"op\":\"subscribe\",\"channel\":\"interfaces\"}");
    rig_turn(rig);
    for (int i = 0; i < 150; i++) {
        unsigned rows = 1 + dice(&seed, 120), first = 1 + dice(&seed, 100);
        bool is_new = dice(&seed, 4) > 0;
        publish_wide(rig, is_new ? maker_table(first, rows, (unsigned)i) : NULL);
        if (is_new) {
            memset(&truth, 0xff, sizeof(truth));
            for (unsigned k = first; k < first + rows; k++)
                truth.bytes[k] = (unsigned)i;
        }
        for (unsigned k = dice(&seed, 3); k > 0; k--) {
            client_read(r.client, dice(&seed, 8000));
            if (dice(&seed, 2))
                rig_turn(rig);
        }
        reader_look(&r);
    }
    for (int quiet = 0; quiet < 3; quiet = is_stuck(rig) ? 0 : quiet + 1) {
        client_turn(r.client);
        reader_look(&r);
    }
    assert_int_equal(r.next_seq, rig->maker.seq + 1);
    for (size_t id = 0; id < ARRAY_LEN(truth.bytes); id++)
        assert_int_equal(r.picture.bytes[id], truth.bytes[id]);
    assert_true(r.gaps > 0 && r.tables > 1); /* it was slow, and it was not only slow */
    client_drop(r.client);
    rig_free(rig);
}

static void test_any_reading(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        read_by_chance(seed);
}

/* Who is always behind still gets some of every channel. */
static void test_channels_take_turns(void **state)
{
    struct rig *rig = rig_new((struct rig_options){0});
    struct reader r = {.client = client_new(rig, 0, SMALL), .next_seq = 102};
    (void)state;
    publish_wide(rig, maker_table(1, 100, 0));
    client_subscribe(r.client, "metrics");
    client_skip(r.client, "series");
    client_skip(r.client, "metrics");
    client_subscribe(r.client, "interfaces");
    uint64_t received = 0, before = 102;
    for (unsigned i = 1; i <= 200; i++) {
        publish_wide(rig, maker_table(1, 100, i));
        client_read(r.client, 4000);
        rig_turn(rig);
        reader_look(&r);
        received += r.next_seq > before;
        before = r.next_seq;
    }
    assert_true(is_stuck(rig));
    assert_true(r.tables > 10);
    assert_true(received > 10);
    client_drop(r.client);
    rig_free(rig);
}

/* Events are never dropped: past client_queue the viewer is closed, after what it was promised,
 * wherever in a message the limit lies. */
static void test_events_too_many(void **state)
{
    (void)state;
    for (size_t limit = 3000; limit < 3130; limit += 7) {
        struct rig *rig = rig_new((struct rig_options){.client_queue_bytes = limit});
        struct client *c = client_new(rig, 0, SMALL), *other = client_new(rig, 0, 0);
        client_subscribe(c, "events");
        client_subscribe(other, "events");
        uint64_t seq = 0;
        while (rig_station(rig, 0).closed_slow == 0) {
            rig_events(rig, 10);
            for (int i = 0; i < 10; i++)
                client_expect_seq(other, "event", ++seq);
            assert_true(seq < 1000);
        }
        uint64_t received = client_read_all(c);
        assert_int_equal(c->close_code, 1013);
        assert_in_range(received, limit / 120, seq);
        for (uint64_t i = 1; i <= received; i++)
            client_expect_seq(c, "event", i);
        assert_int_equal(rig_station(rig, 0).closed_slow, 1);
        client_expect_nothing(other);
        client_drop(c);
        client_drop(other);
        rig_free(rig);
    }
}

/* What a subscription brings at first may be larger than client_queue and takes its time to be
 * read: that is no slowness. The limit is for what comes on top of it, and comes back. */
static void test_large_beginning(void **state)
{
    struct rig *rig = rig_new((struct rig_options){.client_queue_bytes = 4096});
    struct client *c = client_new(rig, 0, SMALL);
    (void)state;
    publish_wide(rig, NULL);
    publish_wide(rig, NULL);
    client_say(c, "{\"op\":\"subscribe\",\"id\":1,\"channel\":\"metrics\",\"since\":101}");
    rig_turn(rig);
    assert_true(net_counters(rig->net)->queued_bytes > 30000); /* series and replay */
    client_say(c, "{\"op\":\"subscribe\",\"id\":2,\"channel\":\"events\"}");
    rig_turn(rig);
    rig_events(rig, 20);
    rig_turn(rig);
    client_expect_ok(c, 1);
    client_skip(c, "series");
    client_expect_seq(c, "metrics", 102);
    client_expect_ok(c, 2);
    for (uint64_t i = 1; i <= 20; i++)
        client_expect_seq(c, "event", i);
    client_expect_seq(c, "metrics", 103);
    client_expect_nothing(c);

    rig_events(rig, 200); /* some 20 KiB at once, with nothing else on the way */
    client_expect_close(c, 1013);
    client_drop(c);

    /* Asking again and again makes no more room than asking once. */
    c = client_new(rig, 0, SMALL);
    for (int i = 0; i < 20; i++) {
        client_say(c, "{\"op\":\"subscribe\",\"channel\":\"metrics\"}");
        rig_turn(rig);
    }
    assert_true(net_counters(rig->net)->queued_bytes < 200000);
    client_expect_close(c, 1013);
    client_drop(c);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_conflate), cmocka_unit_test(test_table_whole_again),
        cmocka_unit_test(test_any_reading),      cmocka_unit_test(test_large_beginning),
        cmocka_unit_test(test_events_too_many),  cmocka_unit_test(test_channels_take_turns),
    };
    return cmocka_run_group_tests_name("hub/slow", tests, NULL, NULL);
}
