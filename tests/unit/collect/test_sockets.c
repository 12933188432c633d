/* /proc/net/tcp and its like, line by line and as files, and what the census makes of them. */
#include "census_stand.h"

#include "collect/procfs/parts.h"

#include <netinet/in.h>

#define HEAD                                                                                       \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "  \
    "inode\n"
#define REST "00000000:00000000 00:00000000 00000000"

static bool parse(const char *line, uint8_t family, struct socket_seen *ret)
{
    return sockets_parse_line(scan_text(line, strlen(line)), IPPROTO_TCP, family, ret);
}

static void test_lines(void **state)
{
    (void)state;
    struct socket_seen s;
    /* The kernel prints the word in memory as a number: by the machine's byte order. */
    uint32_t word;
    memcpy(&word, (uint8_t[]){127, 0, 0, 1}, 4);
    char line[256];
    snprintf(line, sizeof(line),
             "   0: %08X:1D35 00000000:0000 0A " REST "  1000        0 2190 1 00", word);
    assert_true(parse(line, AF_INET, &s));
    const uint8_t loopback[16] = {127, 0, 0, 1};
    assert_memory_equal(s.local.address, loopback, 16);
    assert_int_equal(s.local.port, 7477);
    assert_int_equal(s.remote.port, 0);
    assert_int_equal(s.state, SOCKET_LISTEN);
    assert_int_equal(s.uid, 1000);
    assert_int_equal(s.inode, 2190);
    assert_false(s.has_bytes);

    memcpy(&word, (uint8_t[]){0, 0, 0, 1}, 4);
    snprintf(line, sizeof(line),
             "9: 000000000000000000000000%08X:0050 000000000000000000000000%08X:FFFF 01 " REST
             " 0 0 0 1",
             word, word);
    assert_true(parse(line, AF_INET6, &s));
    assert_int_equal(s.local.address[15], 1);
    assert_int_equal(s.remote.port, 65535);
    assert_int_equal(s.local.family, AF_INET6);

    static const char *const bad[] = {
        "",
        "0:",
        "0: 0100007F:1D35",
        "0: 0100007F:1D35 00000000:0000",
        "0: 0100007F:1D35 00000000:0000 00 " REST " 0 0 1", /* states begin at 1 */
        "0: 0100007F:1D35 00000000:0000 0D " REST " 0 0 1",
        "0: 0100007F:1D35 00000000:0000 XX " REST " 0 0 1",
        "0: 0100007F-1D35 00000000:0000 0A " REST " 0 0 1",
        "0: 0100007G:1D35 00000000:0000 0A " REST " 0 0 1",
        "0: 0100007F:1D355 00000000:0000 0A " REST " 0 0 1",
        "0: 0100007F:1D35 00000000:0000 0A " REST " -1 0 1",
        "0: 0100007F:1D35 00000000:0000 0A " REST " 0 0 4294967296",
        "0: 0100007F:1D35 00000000:0000 0A " REST " 0 0",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(parse(bad[i], AF_INET, &s));
    assert_false(parse(line, AF_INET, &s));
}

static void survey(struct fixture *f, struct sockets *s, size_t bad)
{
    begin(f);
    assert_int_equal(sockets_survey(s, f->census), bad);
    end(f);
}

static void test_files(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    f.settings.sockets_max = 10000;
    struct sockets *s = sockets_new(f.tree.root);
    survey(&f, s, 0); /* no file at all */
    assert_false(f.result->has_tcp);

    /* Longer than a piece, so that lines are cut between two of them. */
    struct buf text = BUF_INIT;
    buf_text(&text, HEAD);
    for (unsigned i = 0; i < 2000; i++)
        buf_printf(&text, "%4u: 0100007F:%04X 0200007F:0050 01 " REST "   0 0 %u 1 x\n", i,
                   1024 + i, 5000 + i);
    tree_write(&f.tree, "net/tcp", buf_string(&text));
    tree_write(&f.tree, "net/udp",
               HEAD " 1: 00000000:0035 00000000:0000 07 " REST " 0 0 9 2 x 0\n");
    survey(&f, s, 0);
    const struct table *t = f.result->tables[TABLE_CONNECTIONS];
    assert_int_equal(t->rows_count, 2001);
    assert_int_equal(f.result->tcp[SOCKET_ESTABLISHED], 2000);
    assert_true(f.result->has_tcp);
    assert_int_equal(f.result->events_count, 0);
    TEXT(table_cell(t, 0, CONN_METHOD), "procfs");
    assert_int_equal(table_cell(t, 0, CONN_RX_BYTES)->type, CELL_NULL);
    size_t udp = row_of(t, CONN_PROTOCOL, "udp");
    TEXT(table_cell(t, udp, CONN_STATE), "close");

    /* A line that makes no sense: nothing is concluded from what is missing. */
    tree_write(&f.tree, "net/tcp", HEAD "nonsense\n");
    survey(&f, s, 1);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 2001);
    assert_int_equal(count_events(&f, EVENT_LOSS), 1);

    /* All are there again but one, and a new one. */
    text.len = 0;
    buf_text(&text, HEAD);
    for (unsigned i = 1; i < 2001; i++)
        buf_printf(&text, "%4u: 0100007F:%04X 0200007F:0050 01 " REST "   0 0 %u 1 x\n", i,
                   1024 + i, 5000 + i);
    tree_write(&f.tree, "net/tcp", buf_string(&text));
    survey(&f, s, 0);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_CLOSED), 1);
    size_t opened = count_events(&f, EVENT_CONNECTION_OPENED);
    for (int i = 0; i < 2; i++) { /* its owner is looked for before it is told */
        survey(&f, s, 0);
        opened += count_events(&f, EVENT_CONNECTION_OPENED);
    }
    assert_int_equal(opened, 1);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 2001);

    /* A line without end. */
    text.len = 0;
    for (size_t i = 0; i < 100000; i++)
        buf_char(&text, 'x');
    tree_write(&f.tree, "net/tcp", buf_string(&text));
    survey(&f, s, 0);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 2001);
    buf_fini(&text);
    sockets_free(s);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
