/* Processes of the census: whose bytes and sockets they are when pids are given away again, what is
 * told without a start, and what a full house costs. */
#include "census_stand.h"

/* ---- whose it is --------------------------------------------------------------------------- */

/* The walk over /proc knows pids alone. Nobody has looked since the pid changed hands. */
static void test_pid_given_away(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    tree_process(&f.tree, 50, 1, "old", 0, "/");
    tree_socket(&f.tree, 50, 3, 901);
    begin(&f);
    census_count_sockets(f.census, true);
    show_bytes(f.census, tcp(1, 5000, "192.0.2.9", 1, 901), 0, 0);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    UINT(connection(&f, "192.0.2.1:5000", CONN_PID), 50);
    tree_remove(&f.tree, "50");
    tree_process(&f.tree, 50, 2, "new", 0, "/");
    tree_socket(&f.tree, 50, 3, 902);
    begin(&f);
    census_count_sockets(f.census, true);
    show_bytes(f.census, tcp(2, 5001, "192.0.2.9", 1, 902), 500, 0);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    TEXT(connection(&f, "192.0.2.1:5001", CONN_PROCESS), "new");
    UINT(process(&f, "new", PROC_RX_BYTES), 500);
    fixture_free(&f);
}

/* The same told by an engine that has no start. */
static void test_told_without_start(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen alone = {.pid = 50};
    const struct traffic t = {.rx_bytes = 10};
    tree_process(&f.tree, 50, 1, "old", 0, "/");
    begin(&f);
    census_traffic(f.census, &alone, &t, "ebpf");
    end(&f);
    UINT(process(&f, "old", PROC_RX_BYTES), 10);
    tree_process(&f.tree, 50, 2, "new", 0, "/");
    begin(&f);
    census_traffic(f.census, &alone, &t, "ebpf");
    end(&f);
    UINT(process(&f, "old", PROC_RX_BYTES), 10);
    TEXT(process(&f, "old", PROC_STATE), "ended");
    UINT(process(&f, "new", PROC_RX_BYTES), 10);
    /* An end without a start may be the predecessor's. */
    begin(&f);
    census_process_ended(f.census, &alone, now_ms(&f));
    end(&f);
    TEXT(process(&f, "new", PROC_STATE), "running");
    tree_remove(&f.tree, "50");
    begin(&f);
    census_process_ended(f.census, &alone, now_ms(&f));
    end(&f);
    TEXT(process(&f, "new", PROC_STATE), "ended");
    fixture_free(&f);
}

/* Of two processes of one pid at most one lives, also before anybody has looked at the other. */
static void test_predecessor(void **state)
{
    (void)state;
    enum { MANY = 200, PID = 150 };
    struct fixture f = fixture_new();
    const struct traffic t = {.rx_bytes = 10};
    f.settings.processes_max = 2 * MANY;
    begin(&f);
    for (unsigned i = 0; i < MANY; i++) {
        tree_process(&f.tree, 1 + i, 1, "p", 0, "/");
        census_traffic(f.census, &(struct process_seen){.pid = 1 + i, .start_ticks = 1}, &t,
                       "ebpf");
    }
    end(&f);
    tree_process(&f.tree, PID, 2, "p", 0, "/");
    begin(&f);
    census_traffic(f.census, &(struct process_seen){.pid = PID, .start_ticks = 2}, &t, "ebpf");
    end(&f);
    const struct table *table = f.result->tables[TABLE_PROCESSES];
    size_t running = 0, ended = 0;
    for (size_t i = 0; i < table->rows_count; i++) {
        if (table_cell(table, i, PROC_PID)->uint != PID)
            continue;
        running += strcmp(table_cell(table, i, PROC_STATE)->text, "running") == 0;
        ended += strcmp(table_cell(table, i, PROC_STATE)->text, "ended") == 0;
    }
    assert_int_equal(running, 1);
    assert_int_equal(ended, 1);
    fixture_free(&f);
}

/* The first process of a machine that boots quickly. */
static void test_start_of_zero(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct traffic t = {.rx_bytes = 10};
    tree_process(&f.tree, 1, 0, "systemd", 0, "/init.scope");
    for (int i = 0; i < 3; i++) {
        begin(&f);
        census_traffic(f.census, &(struct process_seen){.pid = 1}, &t, "ebpf");
        end(&f);
        TEXT(process(&f, "systemd", PROC_UNIT), "init.scope");
        TEXT(process(&f, "systemd", PROC_STATE), "running");
    }
    UINT(process(&f, "systemd", PROC_RX_BYTES), 30);
    fixture_free(&f);
}

/* Where /proc shows nobody else's processes (hidepid=2), not even the first, absence says nothing:
 * who is told of lives, until it is not told of for as long as an ended one is kept. */
static void test_hidden(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen seen = {.pid = 42, .start_ticks = 7, .uid = 0, .command = "srv"};
    const struct traffic t = {.rx_bytes = 1};
    tree_remove(&f.tree, "1");
    for (int i = 0; i < 60; i++) { /* two minutes */
        begin(&f);
        census_traffic(f.census, &seen, &t, "ebpf");
        end(&f);
        TEXT(process(&f, "srv", PROC_STATE), "running");
    }
    for (int i = 0; i < 29; i++) {
        begin(&f);
        end(&f);
        TEXT(process(&f, "srv", PROC_STATE), "running");
    }
    for (int i = 0; i < 2; i++) {
        begin(&f);
        end(&f);
    }
    TEXT(process(&f, "srv", PROC_STATE), "ended");
    fixture_free(&f);
}

/* ---- what it becomes ----------------------------------------------------------------------- */

/* A round in which it is told of; twelve looks are enough to be looked at less closely. */
static void told_in_round(struct fixture *f, const struct process_seen *seen)
{
    const struct traffic t = {.rx_bytes = 1};
    begin(f);
    census_traffic(f->census, seen, &t, "ebpf");
    end(f);
}

/* Its end was told: what its connections say later does not bring it back. */
static void test_hidden_end(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen seen = {.pid = 42, .start_ticks = 7, .command = "curl"};
    struct socket_seen socket = tcp(6, 5001, "192.0.2.9", 22, 0);
    socket.method = "ebpf";
    tree_remove(&f.tree, "1");
    begin(&f);
    census_socket(f.census, &socket);
    census_owner(f.census, 0, 6, &seen);
    end(&f);
    TEXT(process(&f, "curl", PROC_STATE), "running");
    begin(&f);
    census_process_ended(f.census, &seen, now_ms(&f));
    end(&f);
    begin(&f);
    census_owner(f.census, 0, 6, &seen);
    census_socket_closed(f.census, &socket, now_ms(&f));
    end(&f);
    TEXT(process(&f, "curl", PROC_STATE), "ended");
    fixture_free(&f);
}

/* Directories that are there and cannot be looked into (hidepid=1): whoever is told of lives. */
static void test_closed_directories(void **state)
{
    (void)state;
    if (geteuid() == 0 && setegid(65534) == 0 && seteuid(65534) < 0)
        skip();
    struct fixture f = fixture_new();
    const struct process_seen seen = {.pid = 42, .start_ticks = 7, .uid = 0, .command = "srv"};
    char path[96];
    tree_process(&f.tree, 42, 7, "srv", 0, "/");
    snprintf(path, sizeof(path), "%s/42", f.tree.root);
    assert_int_equal(chmod(path, 0), 0);
    for (int i = 0; i < 40; i++) {
        told_in_round(&f, &seen);
        TEXT(process(&f, "srv", PROC_STATE), "running");
    }
    assert_int_equal(chmod(path, 0700), 0);
    fixture_free(&f);
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(setegid(0), 0);
    }
}

/* Another user and another unit, without another name: seen with the next look. */
static void test_user_and_unit(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("a directory of another user cannot be made without being root\n");
        skip();
    }
    struct fixture f = fixture_new();
    const struct process_seen seen = {.pid = 42, .start_ticks = 7, .uid = UINT32_MAX};
    tree_process(&f.tree, 42, 7, "srv", 0, "/system.slice/old.service");
    for (int i = 0; i < 12; i++)
        told_in_round(&f, &seen);
    TEXT(process(&f, "srv", PROC_USER), "root");
    tree_process(&f.tree, 42, 7, "srv", 1000, "/system.slice/new.service");
    char path[96];
    snprintf(path, sizeof(path), "%s/42", f.tree.root);
    assert_int_equal(chown(path, 1000, 1000), 0); /* as the kernel shows it */
    told_in_round(&f, &seen);
    TEXT(process(&f, "srv", PROC_UNIT), "new.service");
    TEXT(process(&f, "srv", PROC_USER), "alice");
    fixture_free(&f);
}

/* Who is moved takes his bytes to another unit, not the name of the unit he was in. */
static void test_unit_left(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen moved = {.pid = 42, .start_ticks = 7, .cgroup_id = 900};
    const struct process_seen brief = {
        .pid = 43, .start_ticks = 9, .cgroup_id = 900, .command = "brief"};
    tree_process(&f.tree, 42, 7, "srv", 0, "/system.slice/old.service");
    told_in_round(&f, &moved);
    tree_process(&f.tree, 42, 7, "srv", 0, "/system.slice/new.service");
    for (int i = 0; i < 3; i++)
        told_in_round(&f, &moved);
    TEXT(process(&f, "srv", PROC_UNIT), "new.service");
    told_in_round(&f, &brief); /* has ended; its cgroup is all that is known */
    TEXT(process(&f, "brief", PROC_UNIT), "old.service");
    fixture_free(&f);
}

/* ---- what a full house costs --------------------------------------------------------------- */

/* One process after the other that moves some bytes, maybe by a socket, and ends. */
static void come_and_go(struct fixture *f, uint32_t from, uint32_t count, bool with_socket)
{
    const struct traffic t = {.rx_bytes = 1};
    for (uint32_t i = from; i < from + count; i++) {
        const struct process_seen seen = {
            .pid = PID_ELSEWHERE | i, .start_ticks = 1, .command = "brief"};
        census_traffic(f->census, &seen, &t, "ebpf");
        if (with_socket)
            census_owner(f->census, 0, 1000000 + i, &seen);
        census_process_ended(f->census, &seen, now_ms(f));
    }
}

/* Whoever comes into a full house takes the place of one that has ended, without a look at all of
 * them: that would take longer than this program may run. */
static void test_full_house(void **state)
{
    (void)state;
    enum { ROOM = 100000, MORE = 400000 };
    struct fixture f = fixture_new();
    f.settings.processes_max = ROOM;
    begin(&f);
    come_and_go(&f, 1, ROOM + MORE, false);
    end(&f);
    UINT(process(&f, "brief", PROC_TX_BYTES), 0);
    uint64_t sum = 0;
    const struct table *table = f.result->tables[TABLE_PROCESSES];
    for (size_t i = 0; i < table->rows_count; i++)
        sum += table_cell(table, i, PROC_RX_BYTES)->uint;
    assert_int_equal(sum, ROOM + MORE);
    assert_int_equal(f.result->lost, 0);
    fixture_free(&f);
}

/* Who goes early may own a socket; the others are not asked, or it would take as long. */
static void test_sockets_of_others(void **state)
{
    (void)state;
    enum { SOCKETS = 200000, PROCESSES = 100000 };
    struct fixture f = fixture_new();
    f.settings.processes_max = 64;
    f.settings.sockets_max = SOCKETS + PROCESSES;
    begin(&f);
    for (uint32_t i = 0; i < SOCKETS; i++) {
        struct socket_seen seen = tcp(1 + i, (uint16_t)(1024 + i), "192.0.2.9", 443, 0);
        census_socket(f.census, &seen);
    }
    come_and_go(&f, 1, PROCESSES, true);
    end(&f);
    assert_int_equal(f.result->lost, 0);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pid_given_away),
        cmocka_unit_test(test_told_without_start),
        cmocka_unit_test(test_predecessor),
        cmocka_unit_test(test_start_of_zero),
        cmocka_unit_test(test_user_and_unit),
        cmocka_unit_test(test_unit_left),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_hidden_end),
        cmocka_unit_test(test_closed_directories),
        cmocka_unit_test(test_full_house),
        cmocka_unit_test(test_sockets_of_others),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
