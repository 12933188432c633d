/* Whose connections send again, and how long their round trips take. */
#include "census_stand.h"

static struct socket_seen with_quality(struct socket_seen seen, uint64_t bytes, uint32_t rtt_us,
                                       uint32_t retransmits)
{
    seen.has_bytes = seen.has_quality = true;
    seen.rx_bytes = bytes;
    seen.quality = (struct socket_quality){.rtt_us = rtt_us, .retransmits = retransmits};
    return seen;
}

static void show(struct fixture *f, const struct socket_seen *sockets, size_t count)
{
    begin(f);
    for (size_t i = 0; i < count; i++)
        census_socket(f->census, &sockets[i]);
    census_sockets_complete(f->census, "sock_diag");
    end(f);
}

static uint64_t resent_of_series(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->result->groups_count; i++) {
        if (strcmp(f->result->groups[i].process, name) == 0)
            return f->result->groups[i].resent;
    }
    return UINT64_MAX;
}

/* What was sent again before anybody looked is nobody's; what comes while the owner is sought is
 * his when he is found; and a process that has gone leaves its sum to its name. */
static void test_resent(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7};
    const struct socket_seen old = tcp(5, 5000, "192.0.2.9", 22, 0);
    const struct socket_seen born = tcp(6, 5001, "192.0.2.9", 22, 0);
    tree_process(&f.tree, 42, 7, "srv", 0, "/a.service");

    struct socket_seen sockets[] = {with_quality(old, 10, 900, 100), {0}};
    show(&f, sockets, 1);
    sockets[0] = with_quality(old, 10, 900, 103);
    sockets[1] = with_quality(born, 10, 900, 20);
    show(&f, sockets, 2); /* nobody's yet */
    begin(&f);
    census_owner(f.census, 0, 5, &srv);
    census_owner(f.census, 0, 6, &srv);
    sockets[0] = with_quality(old, 10, 900, 104);
    census_socket(f.census, &sockets[0]);
    census_socket(f.census, &sockets[1]);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    UINT(process(&f, "srv", PROC_RETRANSMITS), 4 + 20);
    assert_int_equal(resent_of_series(&f, "srv"), 24);
    /* Bytes of this process were counted by nobody: sending again does not change that. */
    TEXT(process(&f, "srv", PROC_METHOD), "procfs");
    assert_int_equal(process(&f, "srv", PROC_RX_BYTES)->type, CELL_NULL);

    /* A smaller number of another engine, read earlier, takes nothing away. */
    sockets[0] = with_quality(old, 10, 900, 102);
    show(&f, sockets, 2);
    UINT(process(&f, "srv", PROC_RETRANSMITS), 24);
    begin(&f);
    sockets[1] = with_quality(born, 10, 900, 25);
    census_socket_closed(f.census, &sockets[1], now_ms(&f));
    census_process_ended(f.census, &srv, now_ms(&f));
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    UINT(process(&f, "srv", PROC_RETRANSMITS), 29);

    f.later_ns = 61 * NS_PER_S; /* its own row goes */
    f.round += 31;
    show(&f, NULL, 0);
    show(&f, NULL, 0);
    UINT(process(&f, "srv", PROC_RETRANSMITS), 29);
    assert_int_equal(process(&f, "srv", PROC_PID)->type, CELL_NULL);
    assert_int_equal(resent_of_series(&f, "srv"), 29);
    assert_int_equal(f.result->retransmits, 4 + 25);
    fixture_free(&f);
}

/* Without an engine that can tell, nothing is said: 0 would be a statement. */
static void test_unknown(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7, .command = "srv"};
    const struct traffic t = {.rx_bytes = 7};
    begin(&f);
    census_traffic(f.census, &srv, &t, "ebpf");
    end(&f);
    assert_int_equal(process(&f, "srv", PROC_RETRANSMITS)->type, CELL_NULL);
    assert_int_equal(process(&f, "srv", PROC_RTT_MS)->type, CELL_NULL);
    fixture_free(&f);
}

/* The mean of what moved in the round and left this host, kept while nothing moves. */
static void test_round_trip(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7};
    const struct socket_seen near = tcp(5, 5000, "192.0.2.9", 22, 0);
    const struct socket_seen far = tcp(6, 5001, "192.0.2.10", 22, 0);
    const struct socket_seen local = tcp(7, 5002, "127.0.0.1", 22, 0);
    static const struct {
        uint64_t near, far;
        uint32_t near_us, far_us;
        double ms;
    } rounds[] = {
        {10, 10, 1000, 3000, 2},
        {20, 10, 1500, 9000, 1.5},
        {20, 10, 7000, 9000, 1.5},
        {20, 30, 7000, 4500, 4.5},
    };
    tree_process(&f.tree, 42, 7, "srv", 0, "/a.service");
    show(&f, NULL, 0);
    show(&f, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
        begin(&f);
        struct socket_seen sockets[] = {
            with_quality(near, rounds[i].near, rounds[i].near_us, 0),
            with_quality(far, rounds[i].far, rounds[i].far_us, 0),
            with_quality(local, 1000 * (i + 1), 20, 0),
        };
        for (size_t n = 0; n < ARRAY_LEN(sockets); n++) {
            census_socket(f.census, &sockets[n]);
            census_owner(f.census, 0, sockets[n].cookie, &srv);
        }
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
        REAL(process(&f, "srv", PROC_RTT_MS), rounds[i].ms);
    }
    /* One that came and went between two looks is measured, too. */
    begin(&f);
    struct socket_seen brief = with_quality(tcp(8, 5003, "192.0.2.9", 22, 0), 5, 12000, 0);
    census_owner(f.census, 0, 8, &srv);
    census_socket_closed(f.census, &brief, now_ms(&f));
    end(&f);
    REAL(process(&f, "srv", PROC_RTT_MS), 12);
    fixture_free(&f);
}

/* The same socket with another peer: the kernel counts from 0 on. */
static void test_connected_again(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7};
    tree_process(&f.tree, 42, 7, "srv", 0, "/a.service");
    show(&f, NULL, 0);
    struct socket_seen seen = with_quality(tcp(6, 5001, "192.0.2.9", 22, 0), 10, 900, 20);
    begin(&f);
    census_socket(f.census, &seen);
    census_owner(f.census, 0, 6, &srv);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    UINT(process(&f, "srv", PROC_RETRANSMITS), 20);
    seen = with_quality(tcp(6, 5002, "192.0.2.10", 22, 0), 10, 900, 1);
    show(&f, &seen, 1);
    UINT(process(&f, "srv", PROC_RETRANSMITS), 21);
    assert_int_equal(resent_of_series(&f, "srv"), 21);
    fixture_free(&f);
}

/* One that is told as closed and shown as time-wait in the same round weighs no more than others.
 */
static void test_closed_once(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct process_seen srv = {.pid = 42, .start_ticks = 7};
    const struct socket_seen one = tcp(6, 5001, "192.0.2.9", 22, 0);
    const struct socket_seen two = tcp(7, 5002, "192.0.2.10", 22, 0);
    tree_process(&f.tree, 42, 7, "srv", 0, "/a.service");
    for (uint64_t round = 0; round < 2; round++) {
        begin(&f);
        struct socket_seen first = with_quality(one, 50 * round, 30000, 0);
        struct socket_seen second = with_quality(two, 50 * round, 10000, 0);
        first.method = "ebpf";
        if (round == 0) {
            census_socket(f.census, &first);
            census_owner(f.census, 0, 6, &srv);
            census_owner(f.census, 0, 7, &srv);
        } else {
            struct socket_seen rest = one;
            rest.state = SOCKET_TIME_WAIT;
            census_socket_closed(f.census, &first, now_ms(&f));
            census_socket(f.census, &rest);
        }
        census_socket(f.census, &second);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    REAL(process(&f, "srv", PROC_RTT_MS), 20);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resent),          cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_connected_again), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_closed_once),
    };
    return cmocka_run_group_tests_name("census_quality", tests, NULL, NULL);
}
