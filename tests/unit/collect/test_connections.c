/* What becomes of a connection while the census knows it: other ends, other engines, its end. */
#include "census_stand.h"

/* ---- other ends ---------------------------------------------------------------------------- */

/* Bound at first, connected rounds later: where it goes is looked at then. */
static void test_bound_first(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    tree_socket(&f.tree, 42, 3, 901);
    struct socket_seen seen = tcp(5, 5000, "0.0.0.0", 0, 901);
    seen.state = SOCKET_CLOSE;
    for (uint64_t i = 0; i < 5; i++) {
        begin(&f);
        census_count_sockets(f.census, true);
        if (i == 2) {
            seen.state = SOCKET_ESTABLISHED;
            seen.local = ipv4("127.0.0.1", 5000);
            seen.remote = ipv4("127.0.0.1", 80);
        }
        show_bytes(f.census, seen, i * 100, 0);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    UINT(process(&f, "srv", PROC_RX_BYTES), 400);
    UINT(process(&f, "srv", PROC_LOCAL_BYTES), 300); /* since it was connected */
    fixture_free(&f);
}

/* A dump is no single instant: it may show one end of a connection within this host in one round
 * and the other in the next. */
static void test_other_end_later(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    tree_socket(&f.tree, 42, 3, 901);
    struct socket_seen one = tcp(5, 5000, "192.0.2.7", 80, 901), other = one;
    other.cookie = 6;
    other.inode = 0;
    other.local = one.remote;
    other.remote = one.local;
    for (uint64_t i = 0; i < 3; i++) {
        begin(&f);
        census_count_sockets(f.census, true);
        show_bytes(f.census, one, i * 100, 0);
        if (i > 0)
            show_bytes(f.census, other, 0, i * 100);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    UINT(process(&f, "srv", PROC_RX_BYTES), 200);
    assert_true(process(&f, "srv", PROC_LOCAL_BYTES)->uint >= 100);
    fixture_free(&f);
}

/* The same TCP socket, disconnected and connected again (connect(2), AF_UNSPEC): the kernel counts
 * from 0 on, and it is another connection. */
static void test_connected_again(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    tree_socket(&f.tree, 42, 3, 901);
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 80, 901);
    for (uint64_t i = 0; i < 2; i++) {
        begin(&f);
        census_count_sockets(f.census, true);
        show_bytes(f.census, seen, i * 1000, 0);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    seen.remote = ipv4("192.0.2.10", 80);
    begin(&f);
    census_count_sockets(f.census, true);
    show_bytes(f.census, seen, 30, 0);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_string_equal(event_get_text(event_of(&f, EVENT_CONNECTION_CLOSED), "remote"),
                        "192.0.2.9:80");
    assert_string_equal(event_get_text(event_of(&f, EVENT_CONNECTION_OPENED), "remote"),
                        "192.0.2.10:80");
    UINT(connection(&f, "192.0.2.1:5000", CONN_RX_BYTES), 30);
    UINT(connection(&f, "192.0.2.1:5000", CONN_PID), 42);
    UINT(process(&f, "srv", PROC_RX_BYTES), 1030);
    /* A dump that comes between the two shows a socket without a peer. */
    struct socket_seen idle = seen;
    idle.state = SOCKET_CLOSE;
    idle.remote = ipv4("0.0.0.0", 0);
    begin(&f);
    census_count_sockets(f.census, true);
    show_bytes(f.census, idle, 0, 0);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    assert_string_equal(event_get_text(event_of(&f, EVENT_CONNECTION_CLOSED), "remote"),
                        "192.0.2.10:80");
    begin(&f);
    census_count_sockets(f.census, true);
    show_bytes(f.census, seen, 5, 0);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), 1);
    UINT(process(&f, "srv", PROC_RX_BYTES), 1035);
    fixture_free(&f);
}

/* ---- numbers that nobody reads any more ---------------------------------------------------- */

/* One of another network namespace: its opening is told, and nothing more until its end. Bytes of
 * the opening are not its bytes an hour later. */
static void test_opening_alone(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    begin(&f);
    end(&f);
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 80, 0);
    seen.netns = 77;
    seen.method = "ebpf";
    seen.has_quality = true;
    seen.quality.rtt_us = 1000;
    begin(&f);
    seen.opened_ms = now_ms(&f) - 100;
    show_bytes(f.census, seen, 0, 0);
    end(&f);
    UINT(connection(&f, "192.0.2.1:5000", CONN_RX_BYTES), 0);
    begin(&f);
    end(&f);
    assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_RX_BYTES)->type, CELL_NULL);
    assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_RETRANSMITS)->type, CELL_NULL);
    assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_RTT_MS)->type, CELL_NULL);
    begin(&f);
    seen.state = SOCKET_CLOSE;
    seen.has_bytes = true;
    seen.rx_bytes = 12345;
    census_socket_closed(f.census, &seen, now_ms(&f));
    end(&f);
    assert_int_equal(event_get(event_of(&f, EVENT_CONNECTION_CLOSED), "rx_bytes"), 12345);
    fixture_free(&f);
}

/* An engine without bytes takes over: what the other one read last is not shown for ever, and
 * counts on when that is back. */
static void test_bytes_of_before(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    tree_socket(&f.tree, 42, 3, 901);
    struct socket_seen with = tcp(5, 5000, "192.0.2.9", 22, 901), without = with;
    without.cookie = 0;
    without.method = "procfs";
    for (unsigned i = 0; i < 12; i++) {
        begin(&f);
        if (i < 2 || i >= 10) {
            census_count_sockets(f.census, true);
            show_bytes(f.census, with, 1000 + i * 100, 0);
            census_sockets_complete(f.census, "sock_diag");
        } else {
            census_socket(f.census, &without);
            census_sockets_complete(f.census, "procfs");
        }
        end(&f);
        if (i == 9) {
            assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_RX_BYTES)->type, CELL_NULL);
            TEXT(connection(&f, "192.0.2.1:5000", CONN_METHOD), "procfs");
        }
    }
    UINT(connection(&f, "192.0.2.1:5000", CONN_RX_BYTES), 2100);
    TEXT(connection(&f, "192.0.2.1:5000", CONN_METHOD), "sock_diag");
    UINT(process(&f, "srv", PROC_RX_BYTES), 1100);
    fixture_free(&f);
}

/* Rounds in which one engine counts processes, or has failed, or sockets count instead. */
static void test_counting_fails(void **state)
{
    (void)state;
    static const struct {
        uint64_t counted; /* by the engine; with `fails` it could not be read */
        bool fails, sockets;
        uint64_t socket, expected;
    } rounds[] = {
        {100, false, false, 100, 100}, {0, true, false, 200, 100},
        {200, false, false, 300, 300}, /* it is back, and has it all */
        {0, true, false, 400, 300},    {0, true, false, 500, 300},
        {0, false, true, 600, 600}, /* it is not: sockets have what nobody counted */
        {0, false, true, 650, 650},    {50, false, false, 700, 700},
    };
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7, .command = "srv"};
    const struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 22, 0);
    begin(&f);
    census_owner(f.census, 0, 5, &srv);
    show_bytes(f.census, seen, 0, 0);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
        const struct traffic t = {.rx_bytes = rounds[i].counted};
        begin(&f);
        if (t.rx_bytes)
            census_traffic(f.census, &srv, &t, "ebpf");
        if (rounds[i].sockets)
            census_count_sockets(f.census, true);
        else if (!rounds[i].fails)
            census_traffic_complete(f.census, "ebpf");
        show_bytes(f.census, seen, rounds[i].socket, 0);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        UINT(process(&f, "srv", PROC_RX_BYTES), rounds[i].expected);
    }
    fixture_free(&f);
}

/* Nothing moves for a while, and it is still known who would have counted it. */
static void test_counting_idle(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7, .command = "srv"};
    for (int round = 0; round < 8; round++) {
        begin(&f);
        census_owner(f.census, 0, 5, &srv);
        census_traffic_complete(f.census, "ebpf");
        end(&f);
        UINT(process(&f, "srv", PROC_RX_BYTES), 0);
        TEXT(process(&f, "srv", PROC_METHOD), "ebpf");
    }
    fixture_free(&f);
}

/* ---- ends ---------------------------------------------------------------------------------- */

/* What an engine tells of an end may come a round after a dump that no longer has the connection:
 * one end, with its numbers. */
static void test_end_told_late(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7, .command = "srv"};
    struct socket_seen dumped = tcp(5, 5000, "192.0.2.9", 22, 0), told = dumped;
    size_t opened = 0, closed = 0;
    told.method = "ebpf";
    for (int round = 0; round < 6; round++) {
        begin(&f);
        census_count_sockets(f.census, true);
        census_await_ends(f.census);
        if (round == 1) {
            told.opened_ms = now_ms(&f) - 100;
            show_bytes(f.census, told, 0, 0);
            census_owner(f.census, 0, 5, &srv);
            show_bytes(f.census, dumped, 10, 0);
        } else if (round == 3) {
            told.state = SOCKET_CLOSE;
            told.has_bytes = true;
            told.rx_bytes = 77;
            census_socket_closed(f.census, &told, now_ms(&f) - 2100);
        }
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        opened += count_events(&f, EVENT_CONNECTION_OPENED);
        closed += count_events(&f, EVENT_CONNECTION_CLOSED);
        if (count_events(&f, EVENT_CONNECTION_CLOSED)) {
            const struct event *e = event_of(&f, EVENT_CONNECTION_CLOSED);
            assert_int_equal(event_get(e, "rx_bytes"), 77);
            assert_int_equal(e->t_ms, now_ms(&f) - 2100);
        }
        assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, round == 1);
    }
    assert_int_equal(opened, 1);
    assert_int_equal(closed, 1);
    UINT(process(&f, "srv", PROC_RX_BYTES), 77);
    fixture_free(&f);
}

/* Its end was lost, and no dump ever had it: it has ended all the same. One of another network
 * namespace is in no dump. */
static void test_end_lost(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct socket_seen here = tcp(5, 5000, "192.0.2.9", 22, 0), elsewhere = here;
    size_t closed = 0;
    here.method = elsewhere.method = "ebpf";
    elsewhere.netns = 77;
    elsewhere.local.port = 5001;
    for (int round = 0; round < 6; round++) {
        begin(&f);
        census_await_ends(f.census);
        if (round == 1) {
            here.opened_ms = elsewhere.opened_ms = now_ms(&f) - 100;
            show_bytes(f.census, here, 0, 0);
            show_bytes(f.census, elsewhere, 0, 0);
        }
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        closed += count_events(&f, EVENT_CONNECTION_CLOSED);
    }
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 1);
    connection(&f, "192.0.2.1:5001", 0);
    assert_int_equal(closed, 1);
    fixture_free(&f);
}

/* A handshake may take longer than rounds are apart: it was opened when it was over. */
static void test_slow_handshake(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 22, 0);
    const struct process_seen owner = {.pid = 42, .start_ticks = 7, .command = "srv"};
    seen.netns = 77;
    seen.method = "ebpf";
    seen.connect_us = 7000000;
    for (int round = 0; round < 4; round++) {
        begin(&f);
        end(&f);
    }
    begin(&f);
    seen.opened_ms = now_ms(&f) - 7100;
    show_bytes(f.census, seen, 0, 0);
    census_owner(f.census, 77, 5, &owner);
    end(&f);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), 1);
    fixture_free(&f);
}

/* ---- the next connection of a socket, and the last bytes of one --------------------------------
 */

static size_t rows_named(const struct fixture *f, const char *local)
{
    const struct table *t = f->result->tables[TABLE_CONNECTIONS];
    size_t count = 0;
    for (size_t i = 0; i < t->rows_count; i++)
        count += strcmp(table_cell(t, i, CONN_LOCAL)->text, local) == 0;
    return count;
}

static size_t closed_with(const struct fixture *f, double rx)
{
    size_t count = 0;
    for (size_t i = 0; i < f->result->events_count; i++) {
        const struct event *e = f->result->events[i];
        for (size_t n = 0; n < e->fields_count; n++)
            count += e->kind == EVENT_CONNECTION_CLOSED &&
                     strcmp(e->fields[n].name, "rx_bytes") == 0 && e->fields[n].number == rx;
    }
    return count;
}

static struct socket_seen with_bytes(struct socket_seen seen, uint64_t rx)
{
    seen.method = "ebpf";
    seen.has_bytes = true;
    seen.rx_bytes = rx;
    return seen;
}

/* Refused and tried again, or disconnected and connected elsewhere, within a round: the end of one
 * does not hide the other, in this namespace or another. */
static void test_connected_after_its_end(void **state)
{
    (void)state;
    static const uint64_t namespaces[] = {0, 4026539999};
    for (size_t n = 0; n < ARRAY_LEN(namespaces); n++) {
        struct fixture f = fixture_new();
        struct socket_seen one = with_bytes(tcp(6, 5001, "192.0.2.9", 22, 0), 100);
        struct socket_seen two = with_bytes(tcp(6, 5002, "192.0.2.10", 22, 0), 0);
        one.netns = two.netns = namespaces[n];
        begin(&f);
        end(&f);
        begin(&f);
        one.opened_ms = two.opened_ms = now_ms(&f);
        census_socket(f.census, &one);
        census_socket_closed(f.census, &one, now_ms(&f));
        census_socket(f.census, &two);
        end(&f);
        assert_int_equal(rows_named(&f, "192.0.2.1:5002"), 1);
        assert_int_equal(closed_with(&f, 100), 1);
        begin(&f);
        two.rx_bytes = 777;
        census_socket_closed(f.census, &two, now_ms(&f));
        end(&f);
        assert_int_equal(closed_with(&f, 777), 1);
        /* Both ends in one round. */
        begin(&f);
        one.cookie = two.cookie = 9;
        census_socket(f.census, &one);
        census_socket_closed(f.census, &one, now_ms(&f));
        census_socket(f.census, &two);
        census_socket_closed(f.census, &two, now_ms(&f));
        end(&f);
        assert_int_equal(closed_with(&f, 100), 1);
        assert_int_equal(closed_with(&f, 777), 1);
        fixture_free(&f);
    }
}

/* One closes while the engine that counts cannot be read; then the sockets count. */
static void test_closed_uncounted(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7};
    const struct socket_seen one = tcp(6, 5001, "192.0.2.9", 22, 0);
    const struct socket_seen two = tcp(7, 5002, "192.0.2.9", 22, 0);
    tree_process(&f.tree, 42, 7, "srv", 0, "/a.service");
    for (unsigned round = 0; round < 6; round++) {
        begin(&f);
        if (round == 0)
            census_traffic_complete(f.census, "ebpf");
        census_count_sockets(f.census, round >= 3);
        if (round < 2)
            show_bytes(f.census, one, 1000 * round, 0);
        show_bytes(f.census, two, round ? 500 : 0, 0);
        if (round == 0) {
            census_owner(f.census, 0, 6, &srv);
            census_owner(f.census, 0, 7, &srv);
        }
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        assert_int_equal(rows_named(&f, "192.0.2.1:5001"), round < 2);
    }
    UINT(process(&f, "srv", PROC_RX_BYTES), 1500);
    fixture_free(&f);
}

/* Its last bytes were told with its process; its time-wait shows when sockets count. */
static void test_counted_end(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7};
    const struct traffic t = {.rx_bytes = 500};
    struct socket_seen seen = with_bytes(tcp(6, 5001, "192.0.2.9", 22, 0), 500);
    tree_process(&f.tree, 42, 7, "srv", 0, "/a.service");
    begin(&f);
    end(&f);
    begin(&f);
    seen.opened_ms = now_ms(&f) - 100;
    census_socket(f.census, &seen);
    census_owner(f.census, 0, 6, &srv);
    census_socket_closed(f.census, &seen, now_ms(&f));
    census_traffic(f.census, &srv, &t, "ebpf");
    census_traffic_complete(f.census, "ebpf");
    end(&f);
    UINT(process(&f, "srv", PROC_RX_BYTES), 500);
    struct socket_seen rest = tcp(6, 5001, "192.0.2.9", 22, 0);
    rest.state = SOCKET_TIME_WAIT;
    begin(&f);
    census_count_sockets(f.census, true);
    census_socket(f.census, &rest);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    UINT(process(&f, "srv", PROC_RX_BYTES), 500);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_first),      cmocka_unit_test(test_other_end_later),
        cmocka_unit_test(test_connected_again),  cmocka_unit_test(test_opening_alone),
        cmocka_unit_test(test_bytes_of_before),  cmocka_unit_test(test_counting_fails),
        cmocka_unit_test(test_counting_idle),    cmocka_unit_test(test_end_told_late),
        cmocka_unit_test(test_end_lost),         cmocka_unit_test(test_connected_after_its_end),
        cmocka_unit_test(test_closed_uncounted), cmocka_unit_test(test_counted_end),
        cmocka_unit_test(test_slow_handshake),
    };
    return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
