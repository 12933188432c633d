/*
 * test_anomalies.c: the channel `anomalies`: what the detector says of which series, at which pace,
 * and to whom. The detector is a table that the test fills in.
 */
#include "rig.h"

#include "feed_rig.h"

struct oracle {
    double verdicts[8][3];
    bool known[8];
    size_t asked;
};

static bool oracle_get(void *user, uint32_t slot, double ret[3])
{
    struct oracle *o = user;
    o->asked++;
    if (slot >= ARRAY_LEN(o->known) || !o->known[slot])
        return false;
    memcpy(ret, o->verdicts[slot], sizeof(o->verdicts[slot]));
    return true;
}

static void oracle_say(struct oracle *o, const struct tick *t, const char *name, double score,
                       double mean, double sigma)
{
    for (uint32_t slot = 0; slot < t->set->count; slot++) {
        const struct series *s = t->set->slots[slot];
        if (!s || strcmp(s->name, name) != 0)
            continue;
        o->known[slot] = true;
        memcpy(o->verdicts[slot], (double[]){score, mean, sigma}, sizeof(o->verdicts[slot]));
    }
}

static void expect_verdict(const json_t *json, size_t index, int64_t id, double score, double mean)
{
    const json_t *value = json_array_get(json_object_get(json, "values"), index);
    assert_int_equal(json_array_size(value), 4);
    assert_int_equal(json_integer_value(json_array_get(value, 0)), id);
    assert_near(json_number_value(json_array_get(value, 1)), score);
    if (isnan(mean)) {
        assert_true(json_is_null(json_array_get(value, 2)));
        assert_true(json_is_null(json_array_get(value, 3)));
    } else {
        assert_near(json_number_value(json_array_get(value, 2)), mean);
        assert_true(json_is_number(json_array_get(value, 3)));
    }
}

static uint32_t id_of(const struct tick *t, const char *name)
{
    for (uint32_t slot = 0; slot < t->set->count; slot++) {
        if (t->set->slots[slot] && strcmp(t->set->slots[slot]->name, name) == 0)
            return t->set->slots[slot]->id;
    }
    fail_msg("no %s", name);
    return 0;
}

static struct feed *feed_asking(struct oracle *o, int64_t interval_ms, const char *glob)
{
    struct feed *f = feed_of(CHANNEL_ANOMALIES, interval_ms, glob);
    feed_ask_verdicts(f, &(struct verdicts){oracle_get, o});
    return f;
}

static void test_every_tick(void **state)
{
    (void)state;
    struct oracle o = {0};
    struct maker m = maker_new(1000);
    struct feed *f = feed_asking(&o, 0, NULL);
    struct parcels out = PARCELS_INIT;
    struct tick *t = maker_tick(&m);
    int64_t bytes = id_of(t, "node_network_receive_bytes_total");
    int64_t carrier = id_of(t, "node_network_carrier");
    uint64_t seq = t->seq;

    step(f, t, &out); /* nothing is known: the series, and an empty list */
    assert_int_equal(out.count, 2);
    json_decref(said(&out, 0, "series"));
    json_t *json = said(&out, 1, "anomalies");
    assert_int_equal(json_whole(json, "seq"), seq);
    assert_int_equal(json_length(json, "values"), 0);
    json_decref(json);
    assert_int_equal(out.items[1].urgency, PARCEL_LATEST);
    assert_true(out.items[1].complete);

    t = maker_tick(&m);
    oracle_say(&o, t, "node_network_carrier", NAN, 1, 1); /* still learning */
    oracle_say(&o, t, "node_network_receive_bytes_total", 0.875, 1000, 25);
    step(f, t, &out);
    assert_int_equal(out.count, 1);
    json = said(&out, 0, "anomalies");
    assert_int_equal(json_length(json, "values"), 1);
    expect_verdict(json, 0, bytes, 0.875, 1000);
    json_decref(json);

    t = maker_tick(&m);
    oracle_say(&o, t, "node_network_carrier", 0, 1, 0.5);
    tick_ref(t);
    step(f, t, &out);
    json = said(&out, 0, "anomalies");
    assert_int_equal(json_length(json, "values"), 2);
    expect_verdict(json, bytes < carrier ? 0 : 1, bytes, 0.875, 1000);
    expect_verdict(json, bytes < carrier ? 1 : 0, carrier, 0, 1);
    json_decref(json);

    parcels_fini(&out); /* who joins now: all series, and this tick's */
    feed_snapshot(f, t, &out);
    assert_int_equal(out.count, 2);
    json = said(&out, 0, "series");
    assert_int_equal(json_length(json, "series"), 2);
    json_decref(json);
    json = said(&out, 1, "anomalies");
    assert_int_equal(json_length(json, "values"), 2);
    json_decref(json);
    tick_unref(t);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* A slow feed tells the worst that has been since its last message, and what is usual now. */
static void test_slow_pace(void **state)
{
    static const double scores[] = {0.1, 0.9, 0.2};
    (void)state;
    struct oracle o = {0};
    struct maker m = maker_new(1000);
    struct feed *f = feed_asking(&o, 3000, "node_network_carrier");
    struct parcels out = PARCELS_INIT;
    struct tick *t = maker_tick(&m);
    int64_t carrier = id_of(t, "node_network_carrier");
    step(f, t, &out); /* the first message is due at once */
    unsigned messages = 0;
    for (int i = 0; i < 9; i++) {
        t = maker_tick(&m);
        oracle_say(&o, t, "node_network_receive_bytes_total", 1, 1, 1); /* not of this feed */
        oracle_say(&o, t, "node_network_carrier", scores[i % 3], i, 1);
        bool due = t->t_ms % 3000 == 0;
        step(f, t, &out);
        assert_int_equal(out.count, due);
        if (!due)
            continue;
        json_t *json = said(&out, 0, "anomalies");
        assert_int_equal(json_length(json, "values"), 1);
        if (messages++) /* the first may not have had all three */
            expect_verdict(json, 0, carrier, 0.9, i);
        json_decref(json);
    }
    assert_int_equal(messages, 3);

    /* Unusual in between, unknown now: the score is told, the band is not. */
    for (int i = 0; i < 2; i++) {
        t = maker_tick(&m);
        oracle_say(&o, t, "node_network_carrier", i == 0 ? 0.5 : NAN, 1, 1);
        step(f, t, &out);
    }
    json_t *json = said(&out, 0, "anomalies");
    expect_verdict(json, 0, carrier, 0.5, NAN);
    json_decref(json);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

/* A hub without a detector says so by empty lists, and asks nobody. */
static void test_nobody_knows(void **state)
{
    (void)state;
    struct maker m = maker_new(1000);
    struct feed *f = feed_of(CHANNEL_ANOMALIES, 0, NULL);
    struct parcels out = PARCELS_INIT;
    step(f, maker_tick(&m), &out);
    json_t *json = said(&out, 1, "anomalies");
    assert_int_equal(json_length(json, "values"), 0);
    json_decref(json);
    parcels_fini(&out);
    feed_free(f);
    maker_free(&m);
}

static void test_viewer(void **state)
{
    (void)state;
    struct oracle o = {0};
    struct rig *rig = rig_new((struct rig_options){.verdicts = {oracle_get, &o}});
    struct client *c = client_new(rig, 0, 0);
    struct tick *t = maker_tick(&rig->maker);
    oracle_say(&o, t, "node_network_carrier", 0.25, 1, 0.5);
    int64_t carrier = id_of(t, "node_network_carrier");
    rig_publish(rig, t);
    client_say(c, "{\"op\":\"subscribe\",\"id\":3,\"channel\":\"anomalies\",\"since\":1,"
                  "\"metric\":[\"node_network_car*\"],\"match\":\"device=eth*\"}");
    client_expect_ok(c, 3);
    json_t *json = client_expect(c, "series"); /* nothing is repeated: the present state */
    assert_int_equal(json_length(json, "series"), 1);
    json_decref(json);
    json = client_expect(c, "anomalies");
    assert_int_equal(json_whole(json, "seq"), rig->maker.seq);
    expect_verdict(json, 0, carrier, 0.25, 1);
    json_decref(json);
    rig_tick(rig);
    client_expect_seq(c, "anomalies", rig->maker.seq);
    client_expect_nothing(c);
    client_say(c, "{\"op\":\"subscribe\",\"id\":4,\"channel\":\"anomalies\",\"sort\":\"id\"}");
    client_expect_error(c, 4, "bad_request");
    client_drop(c);
    rig_free(rig);
}

/* Only the newest counts for who does not read; the loss is told. */
static void test_conflates(void **state)
{
    (void)state;
    struct oracle o = {0};
    struct rig *rig = rig_new((struct rig_options){.verdicts = {oracle_get, &o}});
    struct client *c = client_new(rig, 0, 4096);
    client_subscribe(c, "anomalies");
    for (int i = 0; i < 400; i++) {
        rig_tick(rig);
        rig_turn(rig);
    }
    assert_true(rig_station(rig, 0).conflated > 0);
    bool gap = false;
    for (uint64_t seq = 0; seq < rig->maker.seq;) {
        json_t *json = client_next(c);
        if (strcmp(json_text(json, "type"), "anomalies") == 0)
            seq = (uint64_t)json_whole(json, "seq");
        gap |= strcmp(json_text(json, "type"), "gap") == 0;
        json_decref(json);
    }
    assert_true(gap);
    client_drop(c);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tick),   cmocka_unit_test(test_slow_pace),
        cmocka_unit_test(test_nobody_knows), cmocka_unit_test(test_viewer),
        cmocka_unit_test(test_conflates),
    };
    return cmocka_run_group_tests_name("hub/anomalies", tests, NULL, NULL);
}
