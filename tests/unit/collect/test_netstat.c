/* /proc/net/snmp and /proc/net/netstat: pairs of lines. */
#include "stand.h"

#include "collect/procfs/parts.h"

struct fixture {
    struct stand stand;
    struct netstat *part;
};

static struct fixture fixture_new(size_t limit)
{
    struct fixture f = {.stand = stand_new(limit)};
    return f;
}

/* The sampler is inside the fixture, so the part is made once the fixture has its place. */
static void fixture_start(struct fixture *f)
{
    f->part = netstat_new(&f->stand.sampler);
}

static void fixture_free(struct fixture *f)
{
    netstat_free(f->part);
    stand_free(&f->stand);
}

static size_t parse_n(struct fixture *f, const char *text, size_t len)
{
    char *copy;
    struct scan scan = stand_text(&copy, text, len);
    size_t bad = netstat_parse(f->part, scan, stand_begin(&f->stand));
    stand_end(&f->stand);
    free(copy);
    return bad;
}

static size_t parse(struct fixture *f, const char *text)
{
    return parse_n(f, text, strlen(text));
}

static void test_names_kinds_numbers(void **state)
{
    (void)state;
    struct fixture f = fixture_new(100);
    fixture_start(&f);
    assert_int_equal(parse(&f, "Ip: Forwarding DefaultTTL InReceives\nIp: 2 64 5937\n"
                               "Tcp: RtoMin MaxConn ActiveOpens CurrEstab\nTcp: 200 -1 42 3\n"
                               "TcpExt: SyncookiesSent NewInALaterKernel\nTcpExt: 1 2\n"),
                     0);
    assert_gauge(&f.stand, "node_netstat_Ip_Forwarding", 2);
    assert_gauge(&f.stand, "node_netstat_Ip_DefaultTTL", 64);
    assert_gauge(&f.stand, "node_netstat_Tcp_MaxConn", -1);
    assert_gauge(&f.stand, "node_netstat_Tcp_CurrEstab", 3);
    assert_counter(&f.stand, "node_netstat_Ip_InReceives", SAMPLE_GAP, 5937, 0);
    assert_counter(&f.stand, "node_netstat_TcpExt_NewInALaterKernel", SAMPLE_GAP, 2, 0);

    assert_int_equal(parse(&f, "Ip: Forwarding DefaultTTL InReceives\nIp: 1 64 5940\n"), 0);
    assert_counter(&f.stand, "node_netstat_Ip_InReceives", SAMPLE_OK, 5940, 3);
    assert_false(stand_has(&f.stand, "node_netstat_Tcp_ActiveOpens"));
    fixture_free(&f);
}

/* IcmpMsg gets a column, a group appears between others, groups change places. */
static void test_layout_changes(void **state)
{
    (void)state;
    struct fixture f = fixture_new(100);
    fixture_start(&f);
    parse(&f, "IcmpMsg: InType3\nIcmpMsg: 1\nTcp: InSegs\nTcp: 10\n");
    assert_int_equal(parse(&f, "IcmpMsg: InType0 InType3\nIcmpMsg: 7 3\nTcp: InSegs\nTcp: 30\n"),
                     0);
    assert_counter(&f.stand, "node_netstat_IcmpMsg_InType3", SAMPLE_OK, 3, 2);
    assert_counter(&f.stand, "node_netstat_IcmpMsg_InType0", SAMPLE_GAP, 7, 0);
    assert_counter(&f.stand, "node_netstat_Tcp_InSegs", SAMPLE_OK, 30, 20);

    assert_int_equal(parse(&f, "Udp: NoPorts\nUdp: 5\nTcp: InSegs\nTcp: 31\n"
                               "IcmpMsg: InType0 InType3\nIcmpMsg: 8 4\n"),
                     0);
    assert_counter(&f.stand, "node_netstat_IcmpMsg_InType0", SAMPLE_OK, 8, 1);
    assert_counter(&f.stand, "node_netstat_Tcp_InSegs", SAMPLE_OK, 31, 1);
    assert_counter(&f.stand, "node_netstat_Udp_NoPorts", SAMPLE_GAP, 5, 0);
    fixture_free(&f);
}

static void test_resets_and_wraps(void **state)
{
    (void)state;
    struct fixture f = fixture_new(100);
    fixture_start(&f);
    parse(&f, "Tcp: InSegs\nTcp: 4294967000\n");
    parse(&f, "Tcp: InSegs\nTcp: 4294967200\n");
    parse(&f, "Tcp: InSegs\nTcp: 104\n"); /* 32 bits, 200 further on */
    assert_counter(&f.stand, "node_netstat_Tcp_InSegs", SAMPLE_OK, 104, 200);
    parse(&f, "Tcp: InSegs\nTcp: 5\n");
    assert_counter(&f.stand, "node_netstat_Tcp_InSegs", SAMPLE_GAP, 5, 0);
    parse(&f, "Tcp: InSegs\nTcp: 6\n");
    assert_counter(&f.stand, "node_netstat_Tcp_InSegs", SAMPLE_OK, 6, 1);
    fixture_free(&f);
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
        {"\n\n\n", 3, 0},
        {"Tcp", 1, 0},
        {"Tcp:", 1, 0},
        {"Tcp:\nTcp:\n", 0, 0},
        {": a b\n: 1 2\n", 2, 0},
        {"Tcp: InSegs\n", 1, 0},
        {"Tcp: InSegs OutSegs\nTcp: 1 2", 2, 0}, /* last line cut off: no pair */
        {"Tcp: InSegs OutSegs\nTcp: 1\n", 1, 1}, /* a number too few */
        {"Tcp: InSegs\nTcp: 1 2 3\n", 0, 1},     /* more than names */
        {"Tcp: InSegs OutSegs\nTcp: x 2\n", 1, 1},
        {"Tcp: InSegs OutSegs\nTcp: -5 2\n", 1, 1},
        {"Tcp: InSegs\nTcp: 99999999999999999999\n", 1, 0},
        {"Tcp: InSegs\nUdp: NoPorts\nUdp: 4\n", 1, 1}, /* a line is missing */
        {"Tcp: In-Segs Out\"Segs\nTcp: 1 2\n", 2, 0},  /* no metric can be called that */
        {"T\xff: InSegs\nT\xff: 1\n", 1, 0},
        {"Tcp: InSegs InSegs\nTcp: 1 2\n", 0, 1}, /* twice the same */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f = fixture_new(100);
        fixture_start(&f);
        size_t bad = parse(&f, cases[i].text);
        if (bad != cases[i].bad || stand_sampled(&f.stand) != cases[i].sampled)
            fail_msg("case %zu: %zu bad, %zu sampled", i, bad, stand_sampled(&f.stand));
        fixture_free(&f);
    }
}

/* Cut off anywhere, a known number never changes: it is there as it was, or not there. */
static void test_cut_off_everywhere(void **state)
{
    (void)state;
    static const char text[] = "Ip: Forwarding InReceives\nIp: 2 12345\n"
                               "Tcp: CurrEstab InSegs OutSegs\nTcp: 17 123456 98765\n";
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        struct fixture f = fixture_new(100);
        fixture_start(&f);
        parse(&f, text);
        parse_n(&f, text, len);
        for (uint32_t i = 0; i < f.stand.tick->count; i++) {
            if (f.stand.tick->state[i] == SAMPLE_ABSENT)
                continue;
            if (f.stand.tick->set->slots[i]->kind == METRIC_COUNTER)
                assert_int_equal(f.stand.tick->value[i].increment, 0);
        }
        parse(&f, text);
        assert_int_equal(stand_sampled(&f.stand), 5);
        fixture_free(&f);
    }
}

static void test_limits(void **state)
{
    (void)state;
    /* More columns and groups than there is room for, and a name that is too long. */
    struct buf text = BUF_INIT;
    for (int line = 0; line < 2; line++) {
        buf_text(&text, "Wide:");
        for (int i = 0; i < 3000; i++)
            buf_printf(&text, line ? " %d" : " f%d", i);
        buf_char(&text, '\n');
    }
    for (int i = 0; i < 100; i++)
        buf_printf(&text, "G%d: a\nG%d: 1\n", i, i);
    buf_text(&text, "Tcp: ");
    for (int i = 0; i < 200; i++)
        buf_char(&text, 'n');
    buf_text(&text, "\nTcp: 1\n");

    struct fixture f = fixture_new(20000);
    fixture_start(&f);
    assert_int_equal(parse_n(&f, text.data, text.len), 1 + 37 + 1);
    assert_int_equal(stand_sampled(&f.stand), 1024 + 63);
    buf_fini(&text);
    fixture_free(&f);
}

static void test_full_registry(void **state)
{
    (void)state;
    struct fixture f = fixture_new(2);
    fixture_start(&f);
    parse(&f, "Tcp: InSegs OutSegs InErrs\nTcp: 1 2 3\n");
    assert_int_equal(stand_sampled(&f.stand), 2);
    assert_true(f.stand.sampler.refused);
    uint64_t refused = registry_refused(f.stand.registry);
    parse(&f, "Tcp: InSegs OutSegs InErrs\nTcp: 1 2 3\n");
    assert_int_equal(registry_refused(f.stand.registry), refused); /* not asked every tick */
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_kinds_numbers), cmocka_unit_test(test_layout_changes),
        cmocka_unit_test(test_resets_and_wraps),    cmocka_unit_test(test_broken_text),
        cmocka_unit_test(test_cut_off_everywhere),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_full_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
