/* /proc/net/softnet_stat: hexadecimal, more columns in newer kernels. */
#include "stand.h"

#include "collect/procfs/parts.h"

static size_t parse(struct stand *s, struct softnet *part, const char *text)
{
    char *copy;
    struct scan scan = stand_text(&copy, text, strlen(text));
    size_t bad = softnet_parse(part, scan, stand_begin(s));
    stand_end(s);
    free(copy);
    return bad;
}

/* Columns 0..14 as a kernel from 5.14 on writes them; CPU 1 is offline. */
static void test_columns(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct softnet *part = softnet_new(&s.sampler);
    assert_int_equal(
        parse(&s, part,
              "0000000e 00000001 00000002 0 0 0 0 0 00000003 00000004 00000005 00000006 00000000 "
              "00000006 00000000\n"
              "00001725 00000000 00000000 0 0 0 0 0 00000000 00000000 00000000 00000000 00000002 "
              "00000000 00000000\n"),
        0);
    assert_counter(&s, "node_softnet_processed_total{cpu=\"0\"}", SAMPLE_GAP, 14, 0);
    assert_counter(&s, "node_softnet_dropped_total{cpu=\"0\"}", SAMPLE_GAP, 1, 0);
    assert_counter(&s, "node_softnet_times_squeezed_total{cpu=\"0\"}", SAMPLE_GAP, 2, 0);
    assert_counter(&s, "node_softnet_cpu_collision_total{cpu=\"0\"}", SAMPLE_GAP, 3, 0);
    assert_counter(&s, "node_softnet_received_rps_total{cpu=\"0\"}", SAMPLE_GAP, 4, 0);
    assert_counter(&s, "node_softnet_flow_limit_count_total{cpu=\"0\"}", SAMPLE_GAP, 5, 0);
    assert_gauge(&s, "node_softnet_backlog_len{cpu=\"0\"}", 6);
    assert_counter(&s, "node_softnet_processed_total{cpu=\"2\"}", SAMPLE_GAP, 0x1725, 0);
    assert_false(stand_has(&s, "node_softnet_processed_total{cpu=\"1\"}"));
    softnet_free(part);
    stand_free(&s);
}

/* Ten columns, no CPU number: the line tells. */
static void test_old_kernel(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct softnet *part = softnet_new(&s.sampler);
    assert_int_equal(parse(&s, part, "10 0 0 0 0 0 0 0 0 7\n20 0 0 0 0 0 0 0 0 8\n"), 0);
    assert_counter(&s, "node_softnet_processed_total{cpu=\"1\"}", SAMPLE_GAP, 0x20, 0);
    assert_counter(&s, "node_softnet_received_rps_total{cpu=\"1\"}", SAMPLE_GAP, 8, 0);
    assert_false(stand_has(&s, "node_softnet_backlog_len{cpu=\"0\"}"));
    assert_int_equal(stand_sampled(&s), 10);
    softnet_free(part);
    stand_free(&s);
}

static void test_wrap_and_cpu_moves(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct softnet *part = softnet_new(&s.sampler);
    parse(&s, part, "ffffff00 0 0\n");
    parse(&s, part, "ffffff80 0 0\n");
    parse(&s, part, "00000010 0 0\n");
    assert_counter(&s, "node_softnet_processed_total{cpu=\"0\"}", SAMPLE_OK, 0x10, 0x90);
    softnet_free(part);
    stand_free(&s);
}

static void test_broken_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bad, sampled;
    } cases[] = {
        {"", 0, 0},
        {"\n", 1, 0},
        {"1 2\n", 1, 0},
        {"1 2 3\n", 0, 3},
        {"1 2 3", 1, 0},
        {"1 2 x 4\n", 1, 0},
        {"1 2 3 4 5 6 7 8 9 a b c zz\n", 1, 0},
        {"123456789 2 3\n", 1, 0},
        {"1 2 3 4 5 6 7 8 9 a b c ffffffff\n", 1, 0}, /* no machine has that CPU */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stand s = stand_new(100);
        struct softnet *part = softnet_new(&s.sampler);
        size_t bad = parse(&s, part, cases[i].text);
        if (bad != cases[i].bad || stand_sampled(&s) != cases[i].sampled)
            fail_msg("case %zu: %zu bad, %zu sampled", i, bad, stand_sampled(&s));
        softnet_free(part);
        stand_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_old_kernel),
        cmocka_unit_test(test_wrap_and_cpu_moves),
        cmocka_unit_test(test_broken_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
