/* /proc/net/snmp6 and sockstat: a name and a number. */
#include "stand.h"

#include "collect/procfs/parts.h"

static size_t parse_n(struct stand *s, struct pairs *part, const char *text, size_t len)
{
    char *copy;
    struct scan scan = stand_text(&copy, text, len);
    size_t bad = pairs_parse(part, scan, stand_begin(s));
    stand_end(s);
    free(copy);
    return bad;
}

static size_t parse(struct stand *s, struct pairs *part, const char *text)
{
    return parse_n(s, part, text, strlen(text));
}

static void test_snmp6(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct pairs *part = pairs_new(&s.sampler, PAIRS_SNMP6);
    assert_int_equal(parse(&s, part,
                           "Ip6InReceives                   \t1\n"
                           "Icmp6OutMsgs\t9\nUdp6NoPorts\t3\nUdpLite6InErrors\t4\n"),
                     0);
    assert_counter(&s, "node_netstat_Ip6_InReceives", SAMPLE_GAP, 1, 0);
    assert_counter(&s, "node_netstat_UdpLite6_InErrors", SAMPLE_GAP, 4, 0);

    /* A line appears in the middle, one goes, two change places. */
    assert_int_equal(parse(&s, part,
                           "Ip6InReceives\t5\nIcmp6InType1\t2\nUdp6NoPorts\t4\n"
                           "Icmp6OutMsgs\t10\n"),
                     0);
    assert_counter(&s, "node_netstat_Ip6_InReceives", SAMPLE_OK, 5, 4);
    assert_counter(&s, "node_netstat_Icmp6_InType1", SAMPLE_GAP, 2, 0);
    assert_counter(&s, "node_netstat_Udp6_NoPorts", SAMPLE_OK, 4, 1);
    assert_counter(&s, "node_netstat_Icmp6_OutMsgs", SAMPLE_OK, 10, 1);
    assert_false(stand_has(&s, "node_netstat_UdpLite6_InErrors"));
    pairs_free(part);
    stand_free(&s);
}

static void test_sockstat(void **state)
{
    (void)state;
    struct stand s = stand_new(100);
    struct pairs *part = pairs_new(&s.sampler, PAIRS_SOCKSTAT);
    assert_int_equal(parse(&s, part,
                           "sockets: used 14\n"
                           "TCP: inuse 1 orphan 0 tw 2 alloc 3 mem 26\n"
                           "UDP: inuse 0 mem 5\nFRAG: inuse 0 memory 512\n"),
                     0);
    assert_gauge(&s, "node_sockstat_sockets_used", 14);
    assert_gauge(&s, "node_sockstat_TCP_tw", 2);
    assert_gauge(&s, "node_sockstat_TCP_mem", 26);
    assert_gauge(&s, "node_sockstat_TCP_mem_bytes", 26.0 * (double)sysconf(_SC_PAGESIZE));
    assert_gauge(&s, "node_sockstat_FRAG_memory", 512);
    assert_false(stand_has(&s, "node_sockstat_FRAG_memory_bytes"));
    assert_int_equal(stand_sampled(&s), 12);
    pairs_free(part);
    stand_free(&s);
}

static void test_broken_text(void **state)
{
    (void)state;
    static const struct {
        enum pairs_format format;
        const char *text;
        size_t bad, sampled;
    } cases[] = {
        {PAIRS_SNMP6, "", 0, 0},
        {PAIRS_SNMP6, "\n", 1, 0},
        {PAIRS_SNMP6, "Ip6InReceives\n", 1, 0},
        {PAIRS_SNMP6, "Ip6InReceives x\nIp6InDelivers 1\n", 1, 1},
        {PAIRS_SNMP6, "Ip6InReceives 12\nIp6InDelivers 1", 1, 1},
        {PAIRS_SNMP6, "NoSuchDigit 12\n", 1, 0},
        {PAIRS_SNMP6, "6 12\n", 1, 0},
        {PAIRS_SNMP6, "Ip6 12\n", 1, 0},
        {PAIRS_SNMP6, "6InReceives 12\n", 0, 1},
        {PAIRS_SNMP6, "Ip6In\"Receives 12\n", 1, 0},
        {PAIRS_SOCKSTAT, "TCP: inuse\n", 1, 0},
        {PAIRS_SOCKSTAT, "TCP: inuse x orphan 3\n", 1, 1},
        {PAIRS_SOCKSTAT, "TCP inuse 3\n", 1, 0},
        {PAIRS_SOCKSTAT, ": inuse 3\n", 1, 0},
        {PAIRS_SOCKSTAT, "TCP:\n", 0, 0},
        {PAIRS_SOCKSTAT, "TCP: inuse -3\n", 0, 1},
        {PAIRS_SOCKSTAT, "TCP: inuse 1 orphan 2", 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stand s = stand_new(100);
        struct pairs *part = pairs_new(&s.sampler, cases[i].format);
        size_t bad = parse(&s, part, cases[i].text);
        if (bad != cases[i].bad || stand_sampled(&s) != cases[i].sampled)
            fail_msg("case %zu: %zu bad, %zu sampled", i, bad, stand_sampled(&s));
        pairs_free(part);
        stand_free(&s);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct stand s = stand_new(20000);
    struct pairs *part = pairs_new(&s.sampler, PAIRS_SNMP6);
    struct buf text = BUF_INIT;
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "Ip6Field%d %d\n", i, i);
    buf_text(&text, "Ip6");
    for (int i = 0; i < 300; i++)
        buf_char(&text, 'x');
    buf_text(&text, " 1\n");
    assert_int_equal(parse_n(&s, part, text.data, text.len), 3000 - 2048 + 1);
    assert_int_equal(stand_sampled(&s), 2048);
    buf_fini(&text);
    pairs_free(part);
    stand_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snmp6),
        cmocka_unit_test(test_sockstat),
        cmocka_unit_test(test_broken_text),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
