/* Connection tracking: sums over CPUs whose 32-bit numbers wrap one by one. */
#include "stand.h"

#include "collect/procfs/parts.h"

#define HEAD "entries  found invalid ignore insert insert_failed drop early_drop search_restart\n"

static size_t parse(struct stand *s, struct conntrack *part, const char *text)
{
    char *copy;
    struct scan scan = stand_text(&copy, text, strlen(text));
    size_t bad = conntrack_parse(part, scan, stand_begin(s));
    stand_end(s);
    free(copy);
    return bad;
}

static void test_sums(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct conntrack *part = conntrack_new(&s.sampler, CONNTRACK_FILE_STAT);
    assert_int_equal(parse(&s, part, HEAD "5 a 1 2 3 4 5 6 7\n5 b 10 20 30 40 50 60 70\n"), 0);
    assert_counter(&s, "node_nf_conntrack_stat_found", SAMPLE_GAP, 0xa + 0xb, 0);
    assert_counter(&s, "node_nf_conntrack_stat_search_restart", SAMPLE_GAP, 0x77, 0);
    assert_gauge(&s, "node_nf_conntrack_entries", 5); /* each CPU says the same */
    assert_int_equal(stand_sampled(&s), CONNTRACK_STATS + 1);
    conntrack_free(part);
    stand_free(&s);
}

/* Newer kernels leave columns out and name others; only what is there is shown. */
static void test_columns_by_name(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct conntrack *part = conntrack_new(&s.sampler, CONNTRACK_FILE_STAT);
    assert_int_equal(parse(&s, part, "clashres drop entries found\n1 2 1f 3\n"), 0);
    assert_counter(&s, "node_nf_conntrack_stat_drop", SAMPLE_GAP, 2, 0);
    assert_counter(&s, "node_nf_conntrack_stat_found", SAMPLE_GAP, 3, 0);
    assert_gauge(&s, "node_nf_conntrack_entries", 0x1f);
    assert_int_equal(stand_sampled(&s), 3);
    conntrack_free(part);
    stand_free(&s);
}

static void test_one_cpu_wraps(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct conntrack *part = conntrack_new(&s.sampler, CONNTRACK_FILE_STAT);
    parse(&s, part, "found\nfffffff0\nfffffff8\n");
    parse(&s, part, "found\n00000010\nfffffffa\n");
    assert_counter(&s, "node_nf_conntrack_stat_found", SAMPLE_OK,
                   UINT64_C(0x100000010) + 0xfffffffa, 0x20 + 2);
    parse(&s, part, "found\n00000011\nfffffffa\n");
    assert_counter(&s, "node_nf_conntrack_stat_found", SAMPLE_OK,
                   UINT64_C(0x100000011) + 0xfffffffa, 1);
    conntrack_free(part);
    stand_free(&s);
}

static void test_numbers(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct conntrack *count = conntrack_new(&s.sampler, CONNTRACK_FILE_COUNT);
    struct conntrack *limit = conntrack_new(&s.sampler, CONNTRACK_FILE_MAX);
    assert_int_equal(parse(&s, count, "17\n"), 0);
    assert_gauge(&s, "node_nf_conntrack_entries", 17);
    assert_int_equal(parse(&s, limit, "65536\n"), 0);
    assert_gauge(&s, "node_nf_conntrack_entries_limit", 65536);
    assert_int_equal(parse(&s, count, "x\n"), 1);
    assert_int_equal(parse(&s, count, ""), 1);
    assert_int_equal(parse(&s, count, "17"), 1);
    conntrack_free(count);
    conntrack_free(limit);
    stand_free(&s);
}

static void test_broken_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bad, sampled;
    } cases[] = {
        {"", 1, 0},
        {"\n", 1, 0},
        {"nothing of interest\n1 2 3\n", 1, 0},
        {"found\n", 0, 1}, /* no CPU: sums of nothing */
        {"found\nx\n", 1, 1},
        {"found drop\n1\n2 3\n", 1, 2}, /* the first line is too short and left out */
        {"found\n1", 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stand s = stand_new(100);
        struct conntrack *part = conntrack_new(&s.sampler, CONNTRACK_FILE_STAT);
        size_t bad = parse(&s, part, cases[i].text);
        if (bad != cases[i].bad || stand_sampled(&s) != cases[i].sampled)
            fail_msg("case %zu: %zu bad, %zu sampled", i, bad, stand_sampled(&s));
        conntrack_free(part);
        stand_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),          cmocka_unit_test(test_columns_by_name),
        cmocka_unit_test(test_one_cpu_wraps), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_broken_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
