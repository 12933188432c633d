/* The census as a whole: rounds with sockets and processes of a made-up /proc, and what comes out.
 */
#include "census_stand.h"

/* ---- one connection from its opening to its end -------------------------------------------- */

static void test_life(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7000, "ng\"in/x\n", 1000, "/system.slice/nginx.service");
    tree_socket(&f.tree, 42, 3, 901);
    tree_socket(&f.tree, 42, 4, 900);
    struct socket_seen listener = tcp(1, 80, "0.0.0.0", 0, 900), conn;
    listener.state = SOCKET_LISTEN;
    listener.local = ipv4("0.0.0.0", 80);

    /* The first round is no event, whatever there is. */
    begin(&f);
    census_count_sockets(f.census, true);
    struct socket_seen old = tcp(2, 80, "192.0.2.9", 1000, 901);
    show_bytes(f.census, old, 5000, 5000);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 0);
    const struct cell *row = connection(&f, "192.0.2.1:80", 0);
    TEXT(&row[CONN_PROTOCOL], "tcp");
    TEXT(&row[CONN_REMOTE], "192.0.2.9:1000");
    TEXT(&row[CONN_STATE], "established");
    TEXT(&row[CONN_DIRECTION], "in");
    UINT(&row[CONN_PID], 42);
    TEXT(&row[CONN_PROCESS], "ng\"in/x?");
    TEXT(&row[CONN_UNIT], "nginx.service");
    UINT(&row[CONN_RX_BYTES], 5000);
    assert_int_equal(row[CONN_RX_RATE].type, CELL_NULL);
    assert_int_equal(row[CONN_RTT_MS].type, CELL_NULL);
    TEXT(&row[CONN_METHOD], "sock_diag");
    row = connection(&f, "0.0.0.0:80", 0);
    TEXT(&row[CONN_STATE], "listen");
    assert_int_equal(row[CONN_REMOTE].type, CELL_NULL);
    assert_int_equal(row[CONN_DIRECTION].type, CELL_NULL);
    /* What it had moved before we looked is nobody's. */
    UINT(process(&f, "ng\"in/x?", PROC_RX_BYTES), 0);
    TEXT(process(&f, "ng\"in/x?", PROC_USER), "alice");
    UINT(process(&f, "ng\"in/x?", PROC_CONNECTIONS), 2);

    /* A second one is opened, by the same process. */
    begin(&f);
    tree_socket(&f.tree, 42, 5, 902);
    conn = tcp(3, 80, "192.0.2.9", 1001, 902);
    conn.has_quality = true;
    conn.quality = (struct socket_quality){.rtt_us = 1500, .retransmits = 2};
    census_count_sockets(f.census, true);
    show_bytes(f.census, conn, 100, 1000);
    show_bytes(f.census, old, 5600, 5000);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    const struct event *e = event_of(&f, EVENT_CONNECTION_OPENED);
    assert_string_equal(event_get_text(e, "remote"), "192.0.2.9:1001");
    assert_string_equal(event_get_text(e, "direction"), "in");
    assert_string_equal(event_get_text(e, "process"), "ng\"in/x?");
    assert_string_equal(event_get_text(e, "unit"), "nginx.service");
    assert_int_equal(event_get(e, "pid"), 42);
    row = connection(&f, "192.0.2.1:80", 0);
    REAL(&row[CONN_RX_RATE], 300);
    UINT(process(&f, "ng\"in/x?", PROC_RX_BYTES), 700);
    UINT(process(&f, "ng\"in/x?", PROC_TX_BYTES), 1000);
    UINT(process(&f, "ng\"in/x?", PROC_LOCAL_BYTES), 0);
    REAL(process(&f, "ng\"in/x?", PROC_RX_RATE), 350);
    assert_int_equal(f.result->retransmits, 2);
    assert_int_equal(f.result->rtt.count, 1);
    assert_int_equal(f.result->rtt.sum_ns, 1500000);
    assert_int_equal(f.result->tcp[SOCKET_ESTABLISHED], 2);
    assert_int_equal(f.result->tcp[SOCKET_LISTEN], 1);

    /* It ends in time-wait: one event, the row stays, with another cookie and no inode. */
    begin(&f);
    struct socket_seen wait = tcp(77, 80, "192.0.2.9", 1001, 0);
    wait.state = SOCKET_TIME_WAIT;
    census_socket(f.census, &wait);
    show_bytes(f.census, old, 5600, 5000);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    e = event_of(&f, EVENT_CONNECTION_CLOSED);
    assert_int_equal(event_get(e, "duration_ms"), 2000);
    assert_int_equal(event_get(e, "tx_bytes"), 1000);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 3);
    assert_int_equal(f.result->tcp[SOCKET_TIME_WAIT], 1);

    /* The end of time-wait is none; the end of the other connection is one. */
    begin(&f);
    census_socket(f.census, &listener);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    e = event_of(&f, EVENT_CONNECTION_CLOSED);
    assert_string_equal(event_get_text(e, "remote"), "192.0.2.9:1000");
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 1);
    fixture_free(&f);
}

/* ---- processes ----------------------------------------------------------------------------- */

static void test_ended_process(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    f.settings.ended_keep_ms = 4000;
    tree_process(&f.tree, 50, 1, "curl", 0, "/user.slice/user-0.slice/session-1.scope");
    const struct process_seen curl = {.pid = 50, .start_ticks = 1, .uid = 0};
    const struct traffic t = {.rx_bytes = 10, .tx_bytes = 20, .local_bytes = 5};
    begin(&f);
    census_traffic(f.census, &curl, &t, "ebpf");
    end(&f);
    TEXT(process(&f, "curl", PROC_STATE), "running");
    TEXT(process(&f, "curl", PROC_UNIT), "session-1.scope");
    uint64_t id = process(&f, "curl", PROC_ID)->uint;

    /* It ends and another one gets its pid, with the same name: two rows. */
    begin(&f);
    tree_process(&f.tree, 50, 2, "curl", 0, "/user.slice/user-0.slice/session-1.scope");
    const struct process_seen again = {.pid = 50, .start_ticks = 2, .uid = 0};
    census_traffic(f.census, &again, &t, "ebpf");
    end(&f);
    const struct table *table = f.result->tables[TABLE_PROCESSES];
    assert_int_equal(table->rows_count, 2);
    for (size_t i = 0; i < 2; i++)
        TEXT(table_cell(table, i, PROC_STATE),
             table_cell(table, i, PROC_ID)->uint == id ? "ended" : "running");

    /* After a while the first is folded into the row of its name. */
    begin(&f);
    end(&f);
    begin(&f);
    census_traffic(f.census, &again, &t, "ebpf");
    end(&f);
    table = f.result->tables[TABLE_PROCESSES];
    assert_int_equal(table->rows_count, 2);
    bool folded = false;
    for (size_t i = 0; i < 2; i++) {
        if (table_cell(table, i, PROC_PID)->type != CELL_NULL)
            continue;
        folded = true;
        assert_true(table_cell(table, i, PROC_ID)->uint != id);
        UINT(table_cell(table, i, PROC_RX_BYTES), 10);
        UINT(table_cell(table, i, PROC_LOCAL_BYTES), 5);
        TEXT(table_cell(table, i, PROC_STATE), "ended");
        TEXT(table_cell(table, i, PROC_METHOD), "ebpf");
    }
    assert_true(folded);
    assert_int_equal(f.result->groups_count, 1);
    assert_int_equal(f.result->groups[0].rx, 30);
    assert_string_equal(f.result->groups[0].process, "curl");
    fixture_free(&f);
}

/* ---- joining what several engines see ------------------------------------------------------ */

/* One that /proc here does not show under any number: it lives until its end is told, is its own
 * row, and nobody takes the host's number for one of here. */
static void test_process_elsewhere(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 50, 1, "mine", 0, "/user.slice/user-0.slice/session-1.scope");
    struct process_seen elsewhere = {
        .pid = PID_ELSEWHERE | 50, .start_ticks = 1, .uid = 0, .command = "theirs"};
    const struct traffic t = {.rx_bytes = 10, .tx_bytes = 20};
    for (int round = 0; round < 3; round++) {
        begin(&f);
        census_traffic(f.census, &elsewhere, &t, "ebpf");
        end(&f);
        TEXT(process(&f, "theirs", PROC_STATE), "running");
    }
    UINT(process(&f, "theirs", PROC_RX_BYTES), 30);
    assert_int_equal(process(&f, "theirs", PROC_PID)->type, CELL_NULL);
    assert_int_equal(f.result->tables[TABLE_PROCESSES]->rows_count, 1);
    begin(&f);
    census_process_ended(f.census, &elsewhere, now_ms(&f));
    end(&f);
    TEXT(process(&f, "theirs", PROC_STATE), "ended");

    /* One whose end nobody tells has ended when nothing was told of it for long enough, and lives
     * again when something is. */
    struct process_seen silent = elsewhere;
    silent.pid++;
    memcpy(silent.command, "silent", sizeof("silent"));
    begin(&f);
    census_traffic(f.census, &silent, &t, "ebpf");
    end(&f);
    TEXT(process(&f, "silent", PROC_STATE), "running");
    for (int64_t i = 0; i <= f.settings.ended_keep_ms / 2000; i++) {
        begin(&f);
        end(&f);
    }
    TEXT(process(&f, "silent", PROC_STATE), "ended");
    begin(&f);
    census_traffic(f.census, &silent, &t, "ebpf");
    end(&f);
    TEXT(process(&f, "silent", PROC_STATE), "running");
    UINT(process(&f, "silent", PROC_RX_BYTES), 20);
    fixture_free(&f);
}

static void test_owner_first(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen ssh = {
        .pid = 77, .start_ticks = 9, .uid = 0, .command = "ssh", .cgroup_id = 0};
    begin(&f);
    census_owner(f.census, 0, 5, &ssh);
    end(&f);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 0);
    assert_int_equal(f.result->tables[TABLE_PROCESSES]->rows_count, 1);
    begin(&f);
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 22, 0);
    seen.direction = DIRECTION_OUT;
    census_socket(f.census, &seen);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    const struct cell *row = connection(&f, "192.0.2.1:5000", 0);
    UINT(&row[CONN_PID], 77);
    TEXT(&row[CONN_PROCESS], "ssh"); /* /proc does not have it any more */
    TEXT(&row[CONN_DIRECTION], "out");
    assert_int_equal(row[CONN_RX_BYTES].type, CELL_NULL);

    /* An owner of a socket that nobody ever shows is forgotten. */
    for (int i = 0; i < 2000; i++) {
        begin(&f);
        census_owner(f.census, 0, 100 + (uint64_t)i, &ssh);
        census_socket(f.census, &seen);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    assert_true(process(&f, "ssh", PROC_CONNECTIONS)->uint < 20);
    assert_int_equal(f.result->lost, 0);
    fixture_free(&f);
}

/* The row stays the same when another engine takes over, with or without cookies. */
static void test_methods(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    tree_socket(&f.tree, 42, 3, 901);
    struct socket_seen with = tcp(5, 5000, "192.0.2.9", 22, 901), without = with;
    without.cookie = 0;
    without.method = "procfs";
    struct socket_seen left = tcp(0, 5001, "192.0.2.9", 22, 902);
    left.method = "procfs";
    begin(&f);
    census_socket(f.census, &without);
    census_socket(f.census, &left);
    census_sockets_complete(f.census, "procfs");
    end(&f);
    uint64_t id = connection(&f, "192.0.2.1:5000", CONN_ID)->uint;
    TEXT(connection(&f, "192.0.2.1:5000", CONN_METHOD), "procfs");
    assert_int_equal(process(&f, "srv", PROC_RX_BYTES)->type, CELL_NULL); /* nobody counts */
    TEXT(process(&f, "srv", PROC_METHOD), "procfs");

    for (int i = 0; i < 6; i++) {
        begin(&f);
        census_count_sockets(f.census, true);
        show_bytes(f.census, with, 1000 + (uint64_t)i * 10, 0);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        UINT(connection(&f, "192.0.2.1:5000", CONN_ID), id);
        assert_int_equal(f.result->events_count, 0);
    }
    /* The one that procfs alone has shown is no longer vouched for, and no end is made up. */
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 1);
    TEXT(connection(&f, "192.0.2.1:5000", CONN_METHOD), "sock_diag");
    UINT(process(&f, "srv", PROC_RX_BYTES), 50);

    /* And back. */
    for (int i = 0; i < 6; i++) {
        begin(&f);
        census_socket(f.census, &without);
        census_sockets_complete(f.census, "procfs");
        end(&f);
        UINT(connection(&f, "192.0.2.1:5000", CONN_ID), id);
        assert_int_equal(f.result->events_count, 0);
        if (i)
            assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_RX_RATE)->type, CELL_NULL);
    }
    begin(&f);
    census_sockets_complete(f.census, "procfs");
    end(&f);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_CLOSED), 1);
    fixture_free(&f);
}

/* Many sockets with the same addresses are told apart by their inodes. */
static void test_same_addresses(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    for (int round = 0; round < 3; round++) {
        begin(&f);
        for (uint32_t i = 0; i < 100; i++) {
            struct socket_seen seen = tcp(0, 53, "0.0.0.0", 0, 1000 + i);
            seen.protocol = IPPROTO_UDP;
            seen.state = SOCKET_CLOSE;
            seen.method = "procfs";
            census_socket(f.census, &seen);
            census_socket(f.census, &seen); /* a dump may show one twice */
        }
        census_sockets_complete(f.census, "procfs");
        end(&f);
        assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 100);
        assert_int_equal(f.result->events_count, 0); /* no connections */
    }
    fixture_free(&f);
}

static void test_exact_ends(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    const struct process_seen srv = {.pid = 42, .start_ticks = 7, .uid = 0};
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 22, 0);
    for (int i = 0; i < 2; i++) {
        begin(&f);
        census_count_sockets(f.census, true);
        census_owner(f.census, 0, 5, &srv);
        show_bytes(f.census, seen, 100, 0);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    /* One that was known, one that lived between two dumps. The dump that follows still has a
     * time-wait of the first. */
    begin(&f);
    census_count_sockets(f.census, true);
    seen.has_bytes = true;
    seen.rx_bytes = 150;
    seen.state = SOCKET_CLOSE;
    census_socket_closed(f.census, &seen, now_ms(&f) - 500);
    struct socket_seen brief = tcp(6, 5001, "192.0.2.9", 22, 0);
    brief.state = SOCKET_CLOSE;
    brief.has_bytes = true;
    brief.tx_bytes = 9;
    census_owner(f.census, 0, 6, &srv);
    census_socket_closed(f.census, &brief, now_ms(&f) - 100);
    census_socket_closed(f.census, &brief, now_ms(&f)); /* told twice: once is enough */
    struct socket_seen wait = tcp(7, 5000, "192.0.2.9", 22, 0);
    wait.state = SOCKET_TIME_WAIT;
    census_socket(f.census, &wait);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_CLOSED), 2);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), 1);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 1);
    TEXT(connection(&f, "192.0.2.1:5000", CONN_STATE), "time_wait");
    UINT(process(&f, "srv", PROC_RX_BYTES), 50);
    UINT(process(&f, "srv", PROC_TX_BYTES), 9);

    /* The other way round: the dump has the time-waits before the ends are told. */
    begin(&f);
    census_count_sockets(f.census, true);
    struct socket_seen third = tcp(20, 5003, "192.0.2.9", 22, 0);
    census_owner(f.census, 0, 20, &srv);
    show_bytes(f.census, third, 1, 1);
    census_socket(f.census, &wait);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1); /* opened */
    uint64_t id = connection(&f, "192.0.2.1:5003", CONN_ID)->uint;
    begin(&f);
    census_count_sockets(f.census, true);
    struct socket_seen waits[] = {tcp(30, 5003, "192.0.2.9", 22, 0),
                                  tcp(31, 5004, "192.0.2.9", 22, 0)};
    for (size_t i = 0; i < 2; i++) {
        waits[i].state = SOCKET_TIME_WAIT;
        census_socket(f.census, &waits[i]);
    }
    third.state = SOCKET_CLOSE;
    third.has_bytes = true;
    third.rx_bytes = 41;
    third.tx_bytes = 1;
    census_socket_closed(f.census, &third, now_ms(&f));
    struct socket_seen unseen = third;
    unseen.cookie = 21;
    unseen.local.port = 5004;
    census_socket_closed(f.census, &unseen, now_ms(&f));
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_CLOSED), 2);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), 1);
    assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 2);
    UINT(connection(&f, "192.0.2.1:5003", CONN_ID), id);
    TEXT(connection(&f, "192.0.2.1:5003", CONN_STATE), "time_wait");
    UINT(connection(&f, "192.0.2.1:5003", CONN_RX_BYTES), 41);
    UINT(process(&f, "srv", PROC_RX_BYTES), 91);
    begin(&f); /* and nothing more of it */
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 0);

    /* Engines with events of their own. */
    begin(&f);
    census_make_events(f.census, false);
    struct socket_seen other = tcp(8, 5002, "192.0.2.9", 22, 0);
    census_socket(f.census, &other);
    struct event *own = event_new(EVENT_CONNECTION_OPENED, now_ms(&f));
    census_event(f.census, own);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(f.result->events_count, 1);
    assert_ptr_equal(f.result->events[0], own);
    fixture_free(&f);
}

/* ---- bounds -------------------------------------------------------------------------------- */

static void test_full(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    f.settings.sockets_max = 300;
    begin(&f);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    for (int round = 0; round < 3; round++) {
        begin(&f);
        for (uint32_t i = 0; i < 1000; i++) {
            struct socket_seen seen = tcp(100 + i, (uint16_t)(2000 + i), "192.0.2.9", 1, 0);
            census_socket(f.census, &seen);
        }
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        assert_int_equal(f.result->tables[TABLE_CONNECTIONS]->rows_count, 300);
        assert_int_equal(f.result->lost, 700 * (round + 1));
        assert_int_equal(f.result->tcp[SOCKET_ESTABLISHED], 1000);
        /* Nobody's: they are told when the owner has been looked for long enough. */
        assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), round == 2 ? 300 : 0);
        assert_int_equal(count_events(&f, EVENT_LOSS), round ? 0 : 1); /* not every round */
    }
    /* Those that had no place before are no new ones. */
    begin(&f);
    for (uint32_t i = 500; i < 700; i++) {
        struct socket_seen seen = tcp(100 + i, (uint16_t)(2000 + i), "192.0.2.9", 1, 0);
        census_socket(f.census, &seen);
    }
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), 0);
    fixture_free(&f);
}

static void test_many_events(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    begin(&f);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    for (int round = 0; round < 3; round++) {
        begin(&f);
        for (uint32_t i = 0; i < 900; i++) {
            struct socket_seen seen = tcp(100 + i, (uint16_t)(2000 + i), "192.0.2.9", 1, 0);
            census_socket(f.census, &seen);
        }
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        assert_true(round == 2 || f.result->events_count == 0);
    }
    assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), 512);
    assert_int_equal(count_events(&f, EVENT_LOSS), 1);
    assert_int_equal(event_get(event_of(&f, EVENT_LOSS), "count"), 900 - 512);
    fixture_free(&f);
}

static void test_hidden_owners(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 22, 901);
    for (int i = 0; i < 5; i++) {
        begin(&f);
        census_socket(f.census, &seen);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_PID)->type, CELL_NULL);
    }
    /* It was looked for and given up: a descriptor that comes later is not found. Another socket
     * makes it look again, for that one. */
    tree_socket(&f.tree, 42, 3, 901);
    tree_socket(&f.tree, 42, 4, 902);
    begin(&f);
    census_socket(f.census, &seen);
    struct socket_seen other = tcp(6, 5001, "192.0.2.9", 22, 902);
    census_socket(f.census, &other);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_PID)->type, CELL_NULL);
    UINT(connection(&f, "192.0.2.1:5001", CONN_PID), 42);

    /* A child inherits it and the parent ends. */
    tree_process(&f.tree, 43, 8, "child", 0, "/");
    tree_socket(&f.tree, 43, 4, 902);
    tree_remove(&f.tree, "42");
    for (int i = 0; i < 3; i++) {
        begin(&f);
        census_socket(f.census, &other);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    UINT(connection(&f, "192.0.2.1:5001", CONN_PID), 43);
    fixture_free(&f);
}

static void test_directions(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct socket_seen any = tcp(1, 80, "0.0.0.0", 0, 1), one = tcp(2, 81, "0.0.0.0", 0, 2);
    struct socket_seen elsewhere = tcp(3, 82, "0.0.0.0", 0, 3), dns = tcp(4, 53, "0.0.0.0", 0, 4);
    any.state = one.state = elsewhere.state = SOCKET_LISTEN;
    any.local = ipv4("0.0.0.0", 80);
    elsewhere.local = ipv4("192.0.2.77", 82);
    dns.protocol = IPPROTO_UDP;
    dns.state = SOCKET_CLOSE;
    struct socket_seen sockets[] = {
        tcp(10, 80, "192.0.2.9", 1, 0), tcp(11, 81, "192.0.2.9", 1, 0),
        tcp(12, 82, "192.0.2.9", 1, 0), tcp(13, 53, "192.0.2.9", 1, 0),
        tcp(14, 53, "192.0.2.9", 2, 0), tcp(15, 90, "192.0.2.9", 1, 0),
        tcp(16, 91, "192.0.2.9", 1, 0), tcp(17, 80, "192.0.2.9", 5, 0),
    };
    static const char *const expected[] = {"in", "in", "out", "in", "out", "out", "in", "in"};
    sockets[3].protocol = IPPROTO_UDP;
    sockets[5].state = SOCKET_SYN_SENT;
    sockets[6].state = SOCKET_SYN_RECV;
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
        census_socket(f.census, &sockets[i]);
    census_socket(f.census, &any);
    census_socket(f.census, &one);
    census_socket(f.census, &elsewhere);
    census_socket(f.census, &dns);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    const struct table *t = f.result->tables[TABLE_CONNECTIONS];
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
        TEXT(table_cell(t, i, CONN_DIRECTION), expected[i]);
    /* It stays when the listener goes, and whoever comes then calls. */
    begin(&f);
    struct socket_seen later = tcp(18, 80, "192.0.2.9", 6, 0);
    census_socket(f.census, &sockets[0]);
    census_socket(f.census, &later);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    t = f.result->tables[TABLE_CONNECTIONS];
    assert_int_equal(t->rows_count, 2);
    for (size_t i = 0; i < 2; i++)
        TEXT(table_cell(t, i, CONN_DIRECTION),
             strcmp(table_cell(t, i, CONN_REMOTE)->text, "192.0.2.9:1") == 0 ? "in" : "out");
    fixture_free(&f);
}

/* One that ended in its handshake, of whose listener nobody kept anything, is told by its end
 * alone; without a byte it was no connection, whoever thinks so. */
static void test_never_established(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    begin(&f);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 22, 0);
    begin(&f);
    seen.method = "ebpf";
    seen.has_bytes = true;
    census_socket_closed(f.census, &seen, now_ms(&f));
    end(&f);
    assert_int_equal(f.result->events_count, 0);
    begin(&f);
    end(&f);
    assert_int_equal(f.result->events_count, 0);
    fixture_free(&f);
}

/* A pid without a start, and without a process behind it by now: one row, however often. */
static void test_pid_alone(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen gone = {.pid = 77, .uid = 0, .command = "ssh"};
    const struct traffic increment = {.rx_bytes = 10, .tx_bytes = 5};
    size_t rows = 0;
    for (int i = 0; i < 3; i++) {
        begin(&f);
        census_traffic(f.census, &gone, &increment, "ebpf");
        end(&f);
    }
    const struct table *t = f.result->tables[TABLE_PROCESSES];
    for (size_t i = 0; i < t->rows_count; i++)
        rows += table_cell(t, i, PROC_PID)->uint == 77;
    assert_int_equal(rows, 1);
    UINT(process(&f, "ssh", PROC_RX_BYTES), 30);
    TEXT(process(&f, "ssh", PROC_STATE), "ended");
    /* The pid is given away again: that is somebody else. */
    tree_process(&f.tree, 77, 9, "later", 0, "/");
    begin(&f);
    census_traffic(f.census, &gone, &increment, "ebpf");
    end(&f);
    UINT(process(&f, "later", PROC_RX_BYTES), 10);
    UINT(process(&f, "ssh", PROC_RX_BYTES), 30);
    fixture_free(&f);
}

/* A long-lived process may be moved and may become another user: seen soon, with or without a new
 * name. */
static void test_process_changes(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct socket_seen seen = tcp(2, 80, "192.0.2.9", 1000, 901);
    size_t waited = 0;
    tree_process(&f.tree, 42, 7, "srv", 0, "/system.slice/old.service");
    tree_socket(&f.tree, 42, 3, 901);
    for (unsigned round = 0; round < 40; round++) {
        if (round == 33)
            tree_process(&f.tree, 42, 7, "srv", 1000, "/system.slice/new.service");
        begin(&f);
        census_socket(f.census, &seen);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        waited += round >= 33 && strcmp(process(&f, "srv", PROC_UNIT)->text, "new.service") != 0;
    }
    assert_int_equal(waited, 0);
    TEXT(process(&f, "srv", PROC_USER), "alice");
    tree_process(&f.tree, 42, 7, "other", 0, "/system.slice/last.service");
    begin(&f);
    census_socket(f.census, &seen);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    TEXT(process(&f, "other", PROC_UNIT), "last.service"); /* with the name, at once */
    fixture_free(&f);
}

/* An opening waits for the owner, but not for ever, and not beyond the end. */
static void test_opening_waits(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    begin(&f);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 22, 0); /* not accepted yet */
    struct socket_seen brief = tcp(6, 5001, "192.0.2.9", 22, 0);
    begin(&f);
    census_socket(f.census, &seen);
    census_socket(f.census, &brief);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    int64_t opened_ms = now_ms(&f);
    assert_int_equal(f.result->events_count, 0);
    tree_socket(&f.tree, 42, 3, 901);
    seen.inode = 901;
    begin(&f);
    census_socket(f.census, &seen);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_OPENED), 2);
    assert_int_equal(count_events(&f, EVENT_CONNECTION_CLOSED), 1);
    for (size_t i = 0; i < f.result->events_count; i++) {
        const struct event *e = f.result->events[i];
        if (strcmp(event_get_text(e, "local"), "192.0.2.1:5000") != 0)
            continue;
        assert_string_equal(event_get_text(e, "process"), "srv");
        assert_int_equal(e->t_ms, opened_ms);
    }
    fixture_free(&f);
}

static struct socket_seen moving(uint64_t bytes)
{
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 443, 0);
    seen.has_quality = true;
    seen.quality.rtt_us = 300;
    seen.has_bytes = true;
    seen.rx_bytes = bytes;
    return seen;
}

/* One observation for each round in which bytes moved; none of these while an engine measures. */
static void test_round_trips(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        bool measured;
        uint64_t count;
    } rounds[] = {{0, false, 0},  {100, false, 1}, {100, false, 1}, {150, false, 2},
                  {200, true, 3}, {250, false, 3}, {250, true, 4}};
    struct fixture f = fixture_new();
    for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
        struct socket_seen seen = moving(rounds[i].bytes);
        begin(&f);
        census_socket(f.census, &seen);
        if (rounds[i].measured)
            census_round_trip(f.census, 5000);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        assert_int_equal(f.result->rtt.count, rounds[i].count);
    }
    /* Some rounds after the last measurement the sockets' count again. */
    for (unsigned i = 0; i < 12; i++) {
        struct socket_seen seen = moving(300 + i);
        begin(&f);
        census_socket(f.census, &seen);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    assert_int_equal(f.result->rtt.count, 4 + 2);
    REAL(connection(&f, "192.0.2.1:5000", CONN_RTT_MS), 0.3);
    fixture_free(&f);
}

/* ---- nothing lost, nothing doubled --------------------------------------------------------- */

#define PIDS 40

/* Bytes in the rows of processes, and in the groups of the series. */
static void check_sums(const struct fixture *f, uint64_t rx, uint64_t tx, uint64_t *last)
{
    const struct table *t = f->result->tables[TABLE_PROCESSES];
    uint64_t rows_rx = 0, rows_tx = 0, groups_rx = 0, groups_tx = 0;
    for (size_t i = 0; i < t->rows_count; i++) {
        const struct cell *row = table_cell(t, i, 0);
        rows_rx += row[PROC_RX_BYTES].uint;
        rows_tx += row[PROC_TX_BYTES].uint;
    }
    for (size_t i = 0; i < f->result->groups_count; i++) {
        const struct group_total *g = &f->result->groups[i];
        assert_true(g->rx >= last[2 * i] && g->tx >= last[2 * i + 1]);
        last[2 * i] = g->rx;
        last[2 * i + 1] = g->tx;
        groups_rx += g->rx;
        groups_tx += g->tx;
    }
    assert_int_equal(rows_rx, rx);
    assert_int_equal(rows_tx, tx);
    assert_int_equal(groups_rx, rx);
    assert_int_equal(groups_tx, tx);
}

/* Processes come, move bytes, become others, end and have their pids given away again, more of
 * them than there is room for. */
static void test_sums(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 6; seed++) {
        srandom(seed);
        struct fixture f = fixture_new();
        f.settings.processes_max = seed % 2 ? 12 : 100;
        f.settings.process_series_max = 5;
        f.settings.ended_keep_ms = 9000;
        uint64_t starts[PIDS] = {0}, rx = 0, tx = 0, last[2 * 8] = {0};
        for (int round = 0; round < 60; round++) {
            begin(&f);
            for (int i = 0; i < 30; i++) {
                unsigned pid = (unsigned)random() % PIDS;
                char command[16], path[16];
                snprintf(command, sizeof(command), "c%ld", random() % 9);
                snprintf(path, sizeof(path), "%u", 100 + pid);
                if (!starts[pid] || random() % 8 == 0) {
                    starts[pid] = (uint64_t)round * 100 + (uint64_t)i + 1;
                    tree_process(&f.tree, 100 + pid, starts[pid], command, 0,
                                 random() % 2 ? "/a.service" : "/");
                }
                const struct process_seen seen = {.pid = 100 + pid, .start_ticks = starts[pid]};
                const struct traffic t = {.rx_bytes = (uint64_t)random() % 1000,
                                          .tx_bytes = (uint64_t)random() % 1000,
                                          .local_bytes = (uint64_t)random() % 100};
                census_traffic(f.census, &seen, &t, "ebpf");
                rx += t.rx_bytes;
                tx += t.tx_bytes;
                if (random() % 10 == 0) {
                    census_process_ended(f.census, &seen, now_ms(&f));
                    tree_remove(&f.tree, path);
                    starts[pid] = 0;
                }
            }
            end(&f);
            check_sums(&f, rx, tx, last);
            assert_true(f.result->groups_count <= 6);
        }
        fixture_free(&f);
    }
}

/* The same for bytes of sockets: all that a socket has moved since it was first seen is its
 * owner's, at the latest when it closes, whenever the owner was found out. */
static void test_socket_sums(void **state)
{
    (void)state;
    enum { SOCKETS = 50 };
    srandom(4);
    struct fixture f = fixture_new();
    f.settings.process_series_max = 2;
    struct {
        uint64_t cookie, rx, tx;
        bool owned;
    } sockets[SOCKETS] = {0};
    uint64_t rx = 0, tx = 0, last[2 * 8] = {0}, cookie = 1;
    for (unsigned pid = 0; pid < 5; pid++) {
        char command[8];
        snprintf(command, sizeof(command), "c%u", pid);
        tree_process(&f.tree, 100 + pid, 1, command, 0, "/");
    }
    begin(&f);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    for (int round = 0; round < 200; round++) {
        begin(&f);
        census_count_sockets(f.census, true);
        for (unsigned i = 0; i < SOCKETS; i++) {
            if (!sockets[i].cookie && random() % 4 == 0)
                sockets[i].cookie = cookie++;
            if (!sockets[i].cookie)
                continue;
            struct socket_seen seen =
                tcp(sockets[i].cookie, (uint16_t)(1000 + i), "192.0.2.9", 1, 0);
            sockets[i].rx += (uint64_t)random() % 100;
            sockets[i].tx += (uint64_t)random() % 100;
            if (!sockets[i].owned && random() % 3 == 0) {
                const struct process_seen owner = {.pid = 100 + i % 5, .start_ticks = 1};
                census_owner(f.census, 0, sockets[i].cookie, &owner);
                sockets[i].owned = true;
            }
            if (sockets[i].owned && random() % 5 == 0) {
                seen.has_bytes = true;
                seen.rx_bytes = sockets[i].rx;
                seen.tx_bytes = sockets[i].tx;
                census_socket_closed(f.census, &seen, now_ms(&f));
                rx += sockets[i].rx;
                tx += sockets[i].tx;
                memset(&sockets[i], 0, sizeof(sockets[i]));
                continue;
            }
            show_bytes(f.census, seen, sockets[i].rx, sockets[i].tx);
        }
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        uint64_t open_rx = 0, open_tx = 0;
        for (unsigned i = 0; i < SOCKETS; i++) {
            open_rx += sockets[i].owned ? sockets[i].rx : 0;
            open_tx += sockets[i].owned ? sockets[i].tx : 0;
        }
        check_sums(&f, rx + open_rx, tx + open_tx, last);
    }
    assert_int_equal(f.result->lost, 0);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_ended_process),
        cmocka_unit_test(test_process_elsewhere),
        cmocka_unit_test(test_owner_first),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_same_addresses),
        cmocka_unit_test(test_exact_ends),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_many_events),
        cmocka_unit_test(test_hidden_owners),
        cmocka_unit_test(test_directions),
        cmocka_unit_test(test_opening_waits),
        cmocka_unit_test(test_process_changes),
        cmocka_unit_test(test_pid_alone),
        cmocka_unit_test(test_never_established),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_socket_sums),
    };
    return cmocka_run_group_tests_name("census", tests, NULL, NULL);
}
