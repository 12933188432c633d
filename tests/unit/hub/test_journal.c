/*
 * test_journal.c: the channels of documents: what a journal remembers and repeats, and what viewers
 * of a hub get of it: at once, encoded once, every one of them, told when something is missing.
 */
#include "rig.h"

#include "hub/journal.h"

#define T0 MAKER_T0_MS

static struct bytes *members_of(int64_t number, size_t padding)
{
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    buf_printf(&b, "\"benchmark\":{\"n\":%lld,\"pad\":\"", (long long)number);
    for (size_t i = 0; i < padding; i++)
        buf_char(&b, 'x');
    buf_text(&b, "\"}");
    return bytes_copy(b.data, b.len);
}

/* ---- the journal alone ------------------------------------------------------------------- */

static void add(struct journal *j, int64_t t_ms, int64_t number, size_t padding,
                struct parcels *out)
{
    struct bytes *members = members_of(number, padding);
    parcels_fini(out);
    journal_add(j, t_ms, members, out);
    bytes_unref(members);
}

static void expect(const struct parcels *list, size_t index, uint64_t seq, int64_t number)
{
    assert_true(index < list->count);
    const struct parcel *p = &list->items[index];
    assert_int_equal(p->seq, seq);
    assert_int_equal(p->urgency, PARCEL_KEEP);
    json_t *json = frame_json(p->frame.plain);
    assert_string_equal(json_text(json, "type"), "benchmark");
    assert_int_equal(json_whole(json, "seq"), seq);
    assert_int_equal(json_whole(json_object_get(json, "benchmark"), "n"), number);
    json_decref(json);
}

static void expect_gap(const struct parcels *list, uint64_t from, uint64_t to, const char *reason)
{
    assert_true(list->count > 0);
    json_t *json = frame_json(list->items[0].frame.plain);
    assert_string_equal(json_text(json, "type"), "gap");
    assert_string_equal(json_text(json, "channel"), "benchmark");
    assert_string_equal(json_text(json, "reason"), reason);
    assert_int_equal(json_whole(json, "from"), from);
    assert_int_equal(json_whole(json, "to"), to);
    json_decref(json);
}

static void replay(struct journal *j, uint64_t since, struct parcels *out)
{
    parcels_fini(out);
    assert_true(journal_repeats(j, since));
    journal_replay(j, since, out);
}

/* The clock's milliseconds, and on where the clock does not move or goes back. */
static void test_numbers_grow(void **state)
{
    (void)state;
    struct journal *j = journal_new(CHANNEL_BENCHMARK, T0);
    struct parcels out = PARCELS_INIT;
    add(j, T0, 1, 0, &out);
    expect(&out, 0, T0, 1);
    json_t *json = frame_json(out.items[0].frame.plain);
    assert_int_equal(json_whole(json, "t"), T0);
    json_decref(json);
    add(j, T0, 2, 0, &out);
    expect(&out, 0, T0 + 1, 2);
    add(j, T0 - 3600000, 3, 0, &out);
    expect(&out, 0, T0 + 2, 3);
    add(j, -5, 4, 0, &out);
    expect(&out, 0, T0 + 3, 4);
    add(j, T0 + 500, 5, 0, &out);
    expect(&out, 0, T0 + 500, 5);
    assert_int_equal(out.made, 1);
    assert_int_equal(out.made_bytes, out.items[0].frame.plain->len);
    parcels_fini(&out);
    journal_free(j);
    journal_free(NULL);
}

static void test_replay(void **state)
{
    (void)state;
    struct journal *j = journal_new(CHANNEL_BENCHMARK, T0);
    struct parcels out = PARCELS_INIT;
    journal_begin(j, &out);
    assert_int_equal(out.count, 0);
    assert_false(journal_repeats(j, T0 - 1));
    replay(j, T0 - 50, &out); /* what an earlier run said since is not known */
    assert_int_equal(out.count, 1);
    expect_gap(&out, T0 - 49, T0 - 1, "restart");

    add(j, T0 + 10, 1, 0, &out);
    add(j, T0 + 20, 2, 0, &out);
    parcels_fini(&out);
    journal_begin(j, &out);
    assert_int_equal(out.count, 1);
    expect(&out, 0, T0 + 20, 2);
    assert_int_equal(out.made, 0); /* it was encoded before */
    replay(j, T0 - 1, &out);
    assert_int_equal(out.count, 2);
    expect(&out, 0, T0 + 10, 1);
    expect(&out, 1, T0 + 20, 2);
    replay(j, T0 + 10, &out);
    assert_int_equal(out.count, 1);
    expect(&out, 0, T0 + 20, 2);
    replay(j, 0, &out);
    assert_int_equal(out.count, 3);
    expect_gap(&out, 1, T0 - 1, "restart");
    assert_false(journal_repeats(j, T0 + 20));
    assert_false(journal_repeats(j, T0 + 9999)); /* newer than anything */
    parcels_fini(&out);
    journal_free(j);
}

static void test_ring_by_number(void **state)
{
    (void)state;
    struct journal *j = journal_new(CHANNEL_BENCHMARK, T0);
    struct parcels out = PARCELS_INIT;
    for (int i = 0; i < JOURNAL_MESSAGES + 50; i++)
        add(j, T0 + i, i, 0, &out);
    replay(j, T0 + 9, &out);
    assert_int_equal(out.count, 1 + JOURNAL_MESSAGES);
    expect_gap(&out, T0 + 10, T0 + 49, "ring");
    expect(&out, 1, T0 + 50, 50);
    expect(&out, JOURNAL_MESSAGES, T0 + JOURNAL_MESSAGES + 49, JOURNAL_MESSAGES + 49);
    replay(j, T0 + 49, &out);
    assert_int_equal(out.count, JOURNAL_MESSAGES);
    replay(j, 5, &out);
    expect_gap(&out, 6, T0 + 49, "restart");
    parcels_fini(&out);
    journal_free(j);
}

static void test_ring_by_bytes(void **state)
{
    (void)state;
    struct journal *j = journal_new(CHANNEL_BENCHMARK, T0);
    struct parcels out = PARCELS_INIT;
    for (int i = 0; i < 20; i++)
        add(j, T0 + i, i, 200 << 10, &out);
    size_t one = out.items[0].frame.plain->len, bytes = 0;
    replay(j, T0 - 1, &out);
    for (size_t i = 1; i < out.count; i++)
        bytes += out.items[i].frame.plain->len;
    assert_in_range(bytes, JOURNAL_BYTES - one, JOURNAL_BYTES);
    expect_gap(&out, T0, T0 + 19 - (out.count - 1), "ring");
    parcels_fini(&out);
    journal_free(j);
}

/* Too large: nobody gets it, it is counted, and who comes back hears of it. */
static void test_too_large(void **state)
{
    (void)state;
    struct journal *j = journal_new(CHANNEL_BENCHMARK, T0);
    struct parcels out = PARCELS_INIT;
    add(j, T0, 1, 0, &out);
    add(j, T0 + 1, 2, JOURNAL_MESSAGE_BYTES, &out);
    assert_int_equal(out.count, 0);
    assert_int_equal(out.failed, 1);
    replay(j, T0, &out);
    assert_int_equal(out.count, 1);
    expect_gap(&out, T0 + 1, T0 + 1, "ring");
    add(j, T0 + 2, 3, 0, &out);
    replay(j, T0 + 1, &out);
    assert_int_equal(out.count, 1);
    expect(&out, 0, T0 + 2, 3);
    struct bytes *members = members_of(4, 0);
    size_t frame = JOURNAL_MESSAGE_BYTES - members->len;
    bytes_unref(members);
    add(j, T0 + 3, 4, frame, &out); /* as large as may be */
    expect(&out, 0, T0 + 3, 4);
    parcels_fini(&out);
    journal_free(j);
}

/* ---- viewers ----------------------------------------------------------------------------- */

static int64_t told; /* the number in the newest document */

static void publish(struct rig *rig, enum channel channel, int64_t t_ms, size_t padding)
{
    hub_publish_document(rig->hub, channel, t_ms, members_of(++told, padding));
}

static uint64_t expect_document(struct client *c, const char *type, int64_t number)
{
    json_t *json = client_expect(c, type);
    uint64_t seq = (uint64_t)json_whole(json, "seq");
    assert_int_equal(json_whole(json_object_get(json, "benchmark"), "n"), number);
    json_decref(json);
    return seq;
}

/* Both stations, plain and compressed: one encoding for all, at once and without a tick; the other
 * channel hears nothing of it. */
static void test_stream(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *early = client_new(rig, 0, 0), *other = client_new(rig, 1, 0);
    client_subscribe(early, "benchmark");
    client_subscribe(other, "baseline");
    client_expect_nothing(early); /* nothing has been said yet */
    int64_t t_ms = clock_wall_ms() + 1000;
    publish(rig, CHANNEL_BENCHMARK, t_ms, 5000);
    assert_int_equal(expect_document(early, "benchmark", told), t_ms);

    struct client *packed = client_connect(rig, 1, "benchmark", 0, true);
    client_skip(packed, "hello");
    expect_document(packed, "benchmark", told);
    assert_int_equal(rig_feeds(rig), 2);
    struct hub_stats before, after;
    hub_stats(rig->hub, &before);
    publish(rig, CHANNEL_BENCHMARK, t_ms, 5000);
    hub_stats(rig->hub, &after);
    assert_int_equal(after.messages - before.messages, 1);
    assert_true(after.packed > before.packed);
    assert_int_equal(expect_document(early, "benchmark", told), t_ms + 1);
    expect_document(packed, "benchmark", told);

    rig_tick(rig); /* a tick says nothing here */
    client_expect_nothing(early);
    client_expect_nothing(other);
    publish(rig, CHANNEL_BASELINE, t_ms, 0);
    expect_document(other, "baseline", told);
    client_expect_nothing(early);
    struct client *late = client_new(rig, 0, 0);
    client_subscribe(late, "benchmark");
    expect_document(late, "benchmark", told - 1); /* the newest of the channel */
    client_drop(late);
    client_drop(packed);
    client_drop(other);
    client_drop(early);
    rig_free(rig);
}

static void since(struct client *c, uint64_t seq)
{
    char *text =
        mem_printf("{\"op\":\"subscribe\",\"id\":5,\"channel\":\"benchmark\",\"since\":%llu,"
                   "\"interval_ms\":60000}",
                   (unsigned long long)seq);
    client_say(c, text);
    free(text);
    client_expect_ok(c, 5);
}

static void test_since(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    since(c, 20);
    json_t *gap = client_expect(c, "gap");
    assert_string_equal(json_text(gap, "reason"), "restart");
    assert_int_equal(json_whole(gap, "from"), 21);
    assert_in_range(json_whole(gap, "to"), clock_wall_ms() - 60000, clock_wall_ms());
    json_decref(gap);
    int64_t t_ms = clock_wall_ms() + 1000;
    for (int i = 0; i < 3; i++) {
        publish(rig, CHANNEL_BENCHMARK, t_ms + i, 0);
        expect_document(c, "benchmark", told);
    }
    since(c, (uint64_t)t_ms);
    expect_document(c, "benchmark", told - 1);
    expect_document(c, "benchmark", told);
    since(c, (uint64_t)t_ms + 2); /* it has the newest: that is the present state */
    expect_document(c, "benchmark", told);
    client_expect_nothing(c);
    client_drop(c);
    rig_free(rig);
}

/* Documents are never held back for a slow viewer: all come, or the queue is full and it is told
 * to come back. */
static void test_slow(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){.client_queue_bytes = 256 << 10});
    struct client *slow = client_new(rig, 0, 4096), *stuck = client_new(rig, 1, 4096);
    client_subscribe(slow, "benchmark");
    int64_t first = told + 1;
    for (int i = 0; i < 20; i++) {
        publish(rig, CHANNEL_BENCHMARK, clock_wall_ms(), 8 << 10);
        rig_turn(rig);
    }
    for (int i = 0; i < 20; i++)
        expect_document(slow, "benchmark", first + i);
    client_drop(slow);
    client_subscribe(stuck, "benchmark");
    for (int i = 0; i < 100; i++) {
        publish(rig, CHANNEL_BENCHMARK, clock_wall_ms(), 8 << 10);
        rig_turn(rig);
    }
    assert_int_equal(rig_station(rig, 1).closed_slow, 1);
    client_expect_close(stuck, 1013);
    client_drop(stuck);
    rig_free(rig);
}

/* The channels have no selection. */
static void test_refusals(void **state)
{
    (void)state;
    struct rig *rig = rig_new((struct rig_options){0});
    struct client *c = client_new(rig, 0, 0);
    client_say(c, "{\"op\":\"subscribe\",\"id\":4,\"channel\":\"benchmark\",\"metric\":\"a\"}");
    client_expect_error(c, 4, "bad_request");
    client_say(c, "{\"op\":\"subscribe\",\"id\":4,\"channel\":\"baseline\",\"limit\":3}");
    client_expect_error(c, 4, "bad_request");
    client_say(c, "{\"op\":\"subscribe\",\"id\":4,\"channel\":\"benchmarks\"}");
    client_expect_error(c, 4, "unknown_channel");
    client_drop(c);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_grow),   cmocka_unit_test(test_replay),
        cmocka_unit_test(test_ring_by_number), cmocka_unit_test(test_ring_by_bytes),
        cmocka_unit_test(test_too_large),      cmocka_unit_test(test_stream),
        cmocka_unit_test(test_since),          cmocka_unit_test(test_slow),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("hub/journal", tests, NULL, NULL);
}
