/* Folding: what is kept, what the sums are, and that they never fall. */
#include "stand.h"

#include "base/mem.h"
#include "model/others.h"

#define MINUTE_MS (60 * MS_PER_S)

static const struct metric mtu = {"node_network_mtu_bytes", "bytes", "No sum of these.",
                                  METRIC_GAUGE, 1};
static const struct metric process = {"netsonde_process_receive_bytes_total", "bytes", "Bytes.",
                                      METRIC_COUNTER, 1};
static const struct metric bucket = {"x_seconds_bucket", "", "How long.", METRIC_COUNTER, 1};
static const struct metric sum = {"x_seconds_sum", "seconds", "How long.", METRIC_COUNTER, 1e-9};
static const struct metric count = {"x_seconds_count", "", "How long.", METRIC_COUNTER, 1};

/* The sum of this key in the last tick; NAN: there is none. */
static double other(const struct stand *s, const char *key)
{
    const struct tick_others *o = s->tick->others;
    for (size_t i = 0; o && i < o->plan->sums_count; i++) {
        if (strcmp(o->plan->sums[i].key, key) == 0)
            return o->values[i];
    }
    return NAN;
}

/* Samples that the page has, the sums among them. */
static size_t page_rows(const struct stand *s)
{
    const struct tick *t = s->tick;
    size_t rows = 0, folded = 0;
    for (uint32_t slot = 0; slot < t->count; slot++) {
        if (t->state[slot] == SAMPLE_ABSENT)
            continue;
        folded += others_has(t->others, slot);
        rows += !others_has(t->others, slot);
    }
    if (!t->others)
        return rows;
    assert_int_equal(folded, t->others->folded_count);
    for (size_t i = 0; i < t->others->plan->sums_count; i++)
        rows += isnan(t->others->values[i]) ? 0 : 1;
    return rows;
}

static bool kept(const struct stand *s, const char *key)
{
    const struct tick *t = s->tick;
    for (uint32_t slot = 0; slot < t->count; slot++) {
        if (t->state[slot] != SAMPLE_ABSENT && strcmp(t->set->slots[slot]->key, key) == 0)
            return !others_has(t->others, slot);
    }
    return false;
}

static void device_count(struct stand *s, unsigned device, uint64_t absolute)
{
    char name[16];
    snprintf(name, sizeof(name), "d%u", device);
    draft_counter(s->draft, stand_series(s, &stand_counter, name), absolute, 1);
}

static void seal(struct stand *s, struct others *o)
{
    stand_seal(s);
    others_fold(o, s->tick);
}

#define BYTES(device) "test_bytes_total{device=\"" device "\"}"

static void test_room_for_all(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct others *o = others_new(20);
    stand_begin(&s);
    for (unsigned i = 0; i < 20; i++)
        device_count(&s, i, i);
    seal(&s, o);
    assert_null(s.tick->others);
    others_free(o);
    stand_free(&s);
}

/* The counter of others counts on whoever is in it. */
static void test_members_change(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct others *o = others_new(10);
    stand_begin(&s);
    for (unsigned i = 0; i < 20; i++)
        device_count(&s, i, 100 * i);
    seal(&s, o);
    assert_int_equal(page_rows(&s), 10);
    assert_true(kept(&s, BYTES("d19")) && kept(&s, BYTES("d11")));
    assert_false(kept(&s, BYTES("d10")));
    double value = 100 * (0 + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10);
    assert_true(other(&s, BYTES("other")) == value);

    stand_begin(&s); /* each counts one; d0 to d2 are gone, d20 is new with much on its clock */
    for (unsigned i = 3; i < 20; i++)
        device_count(&s, i, 100 * i + 1);
    device_count(&s, 20, 1000000);
    seal(&s, o);
    assert_false(kept(&s, BYTES("d20")));
    assert_true(other(&s, BYTES("other")) == (value += 8));

    stand_begin(&s); /* one starts over, the new one counts */
    for (unsigned i = 3; i < 20; i++)
        device_count(&s, i, i == 5 ? 2 : 100 * i + 2);
    device_count(&s, 20, 1000050);
    seal(&s, o);
    assert_true(other(&s, BYTES("other")) == (value += 7 + 50));

    stand_begin_after(&s, 15 * MINUTE_MS); /* a new plan: d20 is large, d12 is not any more */
    for (unsigned i = 3; i < 20; i++)
        device_count(&s, i, i == 5 ? 3 : 100 * i + 3);
    device_count(&s, 20, 1000060);
    seal(&s, o);
    assert_true(kept(&s, BYTES("d20")));
    assert_false(kept(&s, BYTES("d11")));
    assert_int_equal(page_rows(&s), 10);
    assert_true(other(&s, BYTES("other")) == (value += 9)); /* d3 to d11 */

    stand_begin(&s); /* few are left: no more folding */
    for (unsigned i = 3; i < 10; i++)
        device_count(&s, i, 100 * i + 3);
    seal(&s, o);
    assert_null(s.tick->others);

    stand_begin(&s); /* many again: it goes on from where it was */
    for (unsigned i = 3; i < 30; i++)
        device_count(&s, i, 100 * i + 3);
    seal(&s, o);
    assert_true(other(&s, BYTES("other")) >= value && other(&s, BYTES("other")) < value + 1000);
    others_free(o);
    stand_free(&s);
}

static void histogram_sample(struct stand *s, unsigned path, uint64_t times)
{
    static const char *const les[] = {"0.1", "1", "+Inf"};
    char value[16];
    snprintf(value, sizeof(value), "p%u", path);
    struct label labels[] = {{"path", value}, {"le", NULL}};
    for (uint64_t i = 0; i < ARRAY_LEN(les); i++) {
        labels[1].value = les[i];
        draft_counter(s->draft, registry_get(s->registry, &bucket, labels, 2, "test"),
                      times * (i + 1), 1);
    }
    draft_counter(s->draft, registry_get(s->registry, &sum, labels, 1, "test"), times * 2000000000,
                  1);
    draft_counter(s->draft, registry_get(s->registry, &count, labels, 1, "test"), times * 3, 1);
}

/* Part by part, and never half of one. */
static void test_histograms(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct others *o = others_new(13); /* the sums and one more: another would need 15 */
    for (uint64_t tick = 1; tick <= 2; tick++) {
        stand_begin(&s);
        for (unsigned path = 1; path <= 4; path++)
            histogram_sample(&s, path, path * tick);
        seal(&s, o);
        assert_int_equal(page_rows(&s), 10);
        assert_true(kept(&s, "x_seconds_count{path=\"p4\"}"));
        assert_true(kept(&s, "x_seconds_bucket{le=\"+Inf\",path=\"p4\"}"));
        assert_false(kept(&s, "x_seconds_count{path=\"p3\"}"));
        double times = 6.0 * (double)tick;
        assert_true(other(&s, "x_seconds_bucket{le=\"0.1\",path=\"other\"}") == times);
        assert_true(other(&s, "x_seconds_bucket{le=\"1\",path=\"other\"}") == 2 * times);
        assert_true(other(&s, "x_seconds_bucket{le=\"+Inf\",path=\"other\"}") == 3 * times);
        assert_true(other(&s, "x_seconds_count{path=\"other\"}") == 3 * times);
        assert_true(other(&s, "x_seconds_sum{path=\"other\"}") == 2 * times);
        const struct others_plan *plan = s.tick->others->plan;
        assert_int_equal(plan->sums_count, 5);
        for (size_t i = 0; i < plan->sums_count; i++)
            assert_string_equal(plan->sums[i].family, "x_seconds");
    }
    others_free(o);
    stand_free(&s);
}

static void test_gauges(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct others *o = others_new(10);
    for (int tick = 0; tick < 2; tick++) {
        stand_begin(&s);
        for (unsigned i = 0; i < 20; i++) {
            char name[16];
            snprintf(name, sizeof(name), "d%u", i);
            draft_gauge(s.draft, stand_series(&s, &stand_gauge, name), i + (unsigned)tick);
            draft_gauge(s.draft, stand_series(&s, &mtu, name), 1500);
        }
        seal(&s, o);
        /* Five each: the gauge's four largest, the first five of what has no sum. */
        assert_int_equal(page_rows(&s), 10);
        assert_true(other(&s, "test_level{device=\"other\"}") == 120 + 16 * tick);
        assert_true(kept(&s, "node_network_mtu_bytes{device=\"d4\"}"));
        assert_false(kept(&s, "node_network_mtu_bytes{device=\"d5\"}"));
        assert_true(isnan(other(&s, "node_network_mtu_bytes{device=\"other\"}")));
    }
    others_free(o);
    stand_free(&s);
}

/* Who is called "other" already is in it, so the page never has two of the name. */
static void test_called_other(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct others *o = others_new(4);
    stand_begin(&s);
    for (unsigned i = 0; i < 9; i++) {
        char name[16];
        snprintf(name, sizeof(name), i ? "p%u" : "other", i);
        const struct label labels[] = {{"process", name}, {"unit", i ? "u" : "other"}};
        draft_counter(s.draft, registry_get(s.registry, &process, labels, 2, "test"),
                      i ? i : 1000000, 1);
    }
    seal(&s, o);
    const char *key = "netsonde_process_receive_bytes_total{process=\"other\",unit=\"other\"}";
    assert_false(kept(&s, key));
    assert_true(other(&s, key) == 1000000 + 1 + 2 + 3 + 4 + 5);
    others_free(o);
    stand_free(&s);
}

/* Devices come and go for an hour: the page keeps to its limit but for what comes within ten
 * seconds of a plan, and no sum ever falls. */
static void test_hour(void **state)
{
    (void)state;
    enum { DEVICES = 300, LIMIT = 64 };
    struct stand s = stand_new(5000);
    struct others *o = others_new(LIMIT);
    uint64_t counts[DEVICES] = {0};
    unsigned random = 1;
    double last = 0;
    size_t over = 0;
    for (int tick = 0; tick < 3600; tick++) {
        stand_begin(&s);
        for (unsigned i = 0; i < DEVICES; i++) {
            random = random * 1103515245 + 12345;
            counts[i] += random >> 20 & 0xff;
            if ((random >> 16 & 31) == 0)
                counts[i] = 0;
            if (i < 70 || (tick / 50 + (int)i) % 7)
                device_count(&s, i, counts[i]);
            if (i < 40 && (tick / 300 + (int)i) % 3)
                draft_gauge(s.draft, stand_series(&s, &stand_gauge, i % 2 ? "one" : "two"), i);
        }
        seal(&s, o);
        over += page_rows(&s) > LIMIT;
        double now = other(&s, BYTES("other"));
        assert_true(now >= last);
        last = now;
    }
    assert_true(last > 0);
    assert_int_equal(over, 0);
    others_free(o);
    stand_free(&s);
}

/* More families than room: each folded one has its sum, and the page is cut by who writes it. */
static void test_many_families(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct others *o = others_new(5);
    char names[10][32];
    struct metric metrics[10];
    stand_begin(&s);
    for (unsigned m = 0; m < 10; m++) {
        snprintf(names[m], sizeof(names[m]), "family%u_total", m);
        metrics[m] = stand_counter;
        metrics[m].name = names[m];
        for (unsigned i = 0; i < 3; i++)
            draft_counter(s.draft, stand_series(&s, &metrics[m], i ? i == 1 ? "a" : "b" : "c"),
                          m + i, 1);
    }
    seal(&s, o);
    assert_int_equal(page_rows(&s), 10);
    assert_true(other(&s, "family3_total{device=\"other\"}") == 3 + 4 + 5);
    others_free(o);
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_for_all),  cmocka_unit_test(test_members_change),
        cmocka_unit_test(test_histograms),    cmocka_unit_test(test_gauges),
        cmocka_unit_test(test_called_other),  cmocka_unit_test(test_hour),
        cmocka_unit_test(test_many_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
