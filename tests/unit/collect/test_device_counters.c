/*
 * test_device_counters.c: rows that come, go, change places and are counted by somebody else.
 */
#include "stand.h"

#include "collect/catalogue.h"
#include "collect/device_counters.h"

#define ALL ((1U << QDISC_METRICS) - 1)

static void row(struct device_counters *d, struct stand *s, const char *device, uint64_t source,
                uint64_t bytes)
{
    const uint64_t values[QDISC_METRICS] = {[QDISC_BYTES] = bytes, [QDISC_BACKLOG] = bytes / 2};
    device_counters_row(d, &s->sink, device, "tbf", source, ALL, values);
}

static void test_rows(void **state)
{
    (void)state;
    const char *a = "node_qdisc_bytes_total{device=\"a\",kind=\"tbf\"}";
    const char *b = "node_qdisc_bytes_total{device=\"b\",kind=\"tbf\"}";
    struct stand s = stand_new(100);
    struct device_counters *d = device_counters_new(&s.sampler, catalogue_qdisc, QDISC_METRICS);
    stand_begin(&s);
    device_counters_begin(d);
    row(d, &s, "a", 1, 100);
    row(d, &s, "b", 1, 500);
    device_counters_end(d);
    stand_end(&s);
    assert_counter(&s, a, SAMPLE_GAP, 100, 0);
    assert_gauge(&s, "node_qdisc_backlog{device=\"b\",kind=\"tbf\"}", 250);

    /* In another order; one of them is another one now. */
    stand_begin(&s);
    device_counters_begin(d);
    row(d, &s, "b", 1, 510);
    row(d, &s, "a", 2, 130);
    row(d, &s, "b", 1, 999); /* once more, in a dump that was changed meanwhile */
    device_counters_end(d);
    stand_end(&s);
    assert_counter(&s, a, SAMPLE_GAP, 130, 0);
    assert_counter(&s, b, SAMPLE_OK, 510, 10);

    /* One goes. */
    stand_begin(&s);
    device_counters_begin(d);
    row(d, &s, "b", 1, 520);
    device_counters_end(d);
    stand_end(&s);
    assert_false(stand_has(&s, a));
    assert_counter(&s, b, SAMPLE_OK, 520, 10);
    device_counters_free(d);
    stand_free(&s);
}

/* What a card does not count has no series. */
static void test_some(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct device_counters *d =
        device_counters_new(&s.sampler, catalogue_nic, CATALOGUE_NIC_METRICS);
    const uint64_t values[CATALOGUE_NIC_METRICS] = {11, 12, 13};
    for (int tick = 0; tick < 2; tick++) {
        stand_begin(&s);
        device_counters_begin(d);
        device_counters_row(d, &s.sink, "eth0", NULL, 2, tick ? 6 : 2, values);
        device_counters_end(d);
        stand_end(&s);
        assert_int_equal(stand_sampled(&s), tick ? 2 : 1);
    }
    assert_counter(&s, "netsonde_nic_transmit_frames_total{device=\"eth0\"}", SAMPLE_OK, 12, 0);
    assert_counter(&s, "netsonde_nic_single_collisions_total{device=\"eth0\"}", SAMPLE_GAP, 13, 0);
    /* All are asked for again after this. */
    device_counters_forget(d);
    stand_begin(&s);
    device_counters_begin(d);
    device_counters_row(d, &s.sink, "eth0", NULL, 2, 2, values);
    device_counters_end(d);
    stand_end(&s);
    assert_counter(&s, "netsonde_nic_transmit_frames_total{device=\"eth0\"}", SAMPLE_OK, 12, 0);
    device_counters_free(d);
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_some),
    };
    return cmocka_run_group_tests_name("collect/device_counters", tests, NULL, NULL);
}
