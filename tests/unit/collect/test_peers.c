/* Names of peers: which connection gets which, how long they hold, what is refused, and the bounds.
 */
#include "census_stand.h"

#include "collect/census/peers.h"

static void test_peer_names(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    begin(&f);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    begin(&f);
    const struct endpoint named = ipv4("192.0.2.9", 0), other = ipv4("192.0.2.8", 0);
    census_peer_name(f.census, &named, "old.example", 300);
    census_peer_name(f.census, &other, "other.example", 300);
    census_peer_name(f.census, &named, "www.exam\nple", 300);
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 443, 0);
    const struct process_seen browser = {.pid = 8, .start_ticks = 1, .command = "browser"};
    census_socket(f.census, &seen);
    census_owner(f.census, 0, 5, &browser);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    const struct event *e = event_of(&f, EVENT_CONNECTION_OPENED);
    assert_string_equal(event_get_text(e, "remote_name"), "www.exam?ple");

    TEXT(connection(&f, "192.0.2.1:5000", CONN_REMOTE_NAME), "www.exam?ple");
    assert_int_equal(f.result->peer_names, 2);

    /* Bounded: of many the first are forgotten, but a connection keeps what it was made for. */
    for (unsigned i = 0; i < 10000; i++) {
        struct endpoint many = ipv4("198.51.100.1", 0);
        many.address[2] = (uint8_t)(i >> 8);
        many.address[3] = (uint8_t)i;
        census_peer_name(f.census, &many, "many.example", 300);
    }
    begin(&f);
    struct socket_seen second = tcp(6, 5001, "192.0.2.9", 443, 0);
    census_socket(f.census, &seen);
    census_socket(f.census, &second);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    TEXT(connection(&f, "192.0.2.1:5000", CONN_REMOTE_NAME), "www.exam?ple");
    assert_int_equal(connection(&f, "192.0.2.1:5001", CONN_REMOTE_NAME)->type, CELL_NULL);
    assert_int_equal(f.result->peer_names, PEERS_MAX);
    assert_int_equal(f.result->peer_names_evicted, 10002 - PEERS_MAX);
    begin(&f);
    census_sockets_complete(f.census, "sock_diag");
    end(&f);
    assert_string_equal(event_get_text(event_of(&f, EVENT_CONNECTION_CLOSED), "remote_name"),
                        "www.exam?ple");
    fixture_free(&f);
}

/* A round with one more connection to the address; the cell with its peer's name. */
static const struct cell *named_in_round(struct fixture *f, struct socket_seen seen,
                                         const char *local)
{
    begin(f);
    census_socket(f->census, &seen);
    end(f);
    return connection(f, local, CONN_REMOTE_NAME);
}

/* How long a name holds, and for which connections. */
static void test_peer_names_age(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct endpoint address = ipv4("192.0.2.9", 53);
    struct socket_seen first = tcp(5, 5000, "192.0.2.9", 443, 0), mapped;
    begin(&f);
    end(&f);
    /* The answer is told after the connection: a round later, and it is named all the same. */
    assert_int_equal(named_in_round(&f, first, "192.0.2.1:5000")->type, CELL_NULL);
    census_peer_name(f.census, &address, "a.example", 0);
    TEXT(named_in_round(&f, first, "192.0.2.1:5000"), "a.example");
    /* An answer of no duration holds for a while; IPv6 sockets have the same peers. */
    mapped = tcp(6, 5001, "0.0.0.0", 443, 0);
    mapped.local.family = mapped.remote.family = AF_INET6;
    memcpy(mapped.remote.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\x09", 16);
    memset(mapped.local.address, 0, 16);
    mapped.local.address[15] = 7;
    TEXT(named_in_round(&f, mapped, "[::7]:5001"), "a.example");
    /* The same address under another name: who has a name keeps it. */
    census_peer_name(f.census, &address, "b.example", 0);
    TEXT(named_in_round(&f, first, "192.0.2.1:5000"), "a.example");
    TEXT(named_in_round(&f, tcp(7, 5002, "192.0.2.9", 443, 0), "192.0.2.1:5002"), "b.example");
    f.later_ns = (PEER_TTL_LEAST_S + 10) * NS_PER_S;
    assert_int_equal(named_in_round(&f, tcp(8, 5003, "192.0.2.9", 443, 0), "192.0.2.1:5003")->type,
                     CELL_NULL);
    assert_int_equal(f.result->peer_names, 0);
    TEXT(named_in_round(&f, first, "192.0.2.1:5000"), "a.example");
    /* "For ever" is an hour. */
    census_peer_name(f.census, &address, "c.example", UINT32_MAX);
    f.later_ns += (PEER_TTL_MOST_S - 10) * NS_PER_S;
    TEXT(named_in_round(&f, tcp(9, 5004, "192.0.2.9", 443, 0), "192.0.2.1:5004"), "c.example");
    f.later_ns += 20 * NS_PER_S;
    assert_int_equal(named_in_round(&f, tcp(10, 5005, "192.0.2.9", 443, 0), "192.0.2.1:5005")->type,
                     CELL_NULL);
    assert_int_equal(f.result->peer_names_evicted, 0); /* what is over was not evicted */
    /* A datagram socket that is connected elsewhere has another peer. */
    struct socket_seen datagrams = tcp(11, 5006, "192.0.2.9", 443, 0);
    datagrams.protocol = IPPROTO_UDP;
    census_peer_name(f.census, &address, "d.example", 300);
    TEXT(named_in_round(&f, datagrams, "192.0.2.1:5006"), "d.example");
    datagrams.remote = ipv4("192.0.2.10", 443);
    assert_int_equal(named_in_round(&f, datagrams, "192.0.2.1:5006")->type, CELL_NULL);
    fixture_free(&f);
}

/* Who answers may be who connects: names that only connections hold are bounded, too. */
static void test_peer_names_held(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    f.settings.sockets_max = 3 * PEERS_MAX;
    /* The same hosts under other names in each round, and connections to all of them. */
    for (unsigned round = 0; round < 3; round++) {
        begin(&f);
        for (unsigned i = 0; i < PEERS_MAX; i++) {
            char name[32], address[32];
            snprintf(name, sizeof(name), "n%u-%u.example", round, i);
            snprintf(address, sizeof(address), "198.18.%u.%u", i / 256, i % 256);
            const struct endpoint host = ipv4(address, 0);
            census_peer_name(f.census, &host, name, 300);
            unsigned number = round * PEERS_MAX + i;
            struct socket_seen seen = tcp(100 + number, (uint16_t)(1000 + number), address, 443, 0);
            census_socket(f.census, &seen);
        }
        end(&f);
    }
    assert_int_equal(f.result->peer_names_evicted, 0);
    char local[32];
    TEXT(connection(&f, "192.0.2.1:1000", CONN_REMOTE_NAME), "n0-0.example");
    snprintf(local, sizeof(local), "192.0.2.1:%u", 1000 + PEERS_MAX - 1);
    TEXT(connection(&f, local, CONN_REMOTE_NAME), "n0-4095.example");
    for (unsigned number = PEERS_MAX; number < 3 * PEERS_MAX; number += PEERS_MAX / 2) {
        snprintf(local, sizeof(local), "192.0.2.1:%u", 1000 + number);
        assert_int_equal(connection(&f, local, CONN_REMOTE_NAME)->type, CELL_NULL);
    }
    /* They end, and learning never stopped. */
    for (int i = 0; i < 3; i++) {
        begin(&f);
        census_sockets_complete(f.census, "sock_diag");
        end(&f);
    }
    TEXT(named_in_round(&f, tcp(99, 900, "198.18.0.7", 443, 0), "192.0.2.1:900"), "n2-7.example");
    fixture_free(&f);
}

/* Who connects to this host has no name from an answer, nor has a connection that is much older,
 * nor this host itself; and letters are small. */
static void test_peer_names_refused(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct endpoint address = ipv4("192.0.2.9", 0), self = ipv4("127.0.0.1", 0);
    struct socket_seen in = tcp(5, 5000, "192.0.2.9", 443, 0),
                       old = tcp(6, 5001, "192.0.2.9", 443, 0),
                       here = tcp(7, 5002, "127.0.0.1", 443, 0);
    in.direction = DIRECTION_IN;
    old.direction = DIRECTION_OUT;
    begin(&f);
    end(&f);
    begin(&f);
    old.opened_ms = now_ms(&f) - 60000;
    census_socket(f.census, &old);
    end(&f);
    census_peer_name(f.census, &address, "wWw.exaMPle", 300);
    census_peer_name(f.census, &self, "ads.example", 300);
    begin(&f);
    census_socket(f.census, &old);
    census_socket(f.census, &in);
    census_socket(f.census, &here);
    end(&f);
    assert_int_equal(connection(&f, "192.0.2.1:5000", CONN_REMOTE_NAME)->type, CELL_NULL);
    assert_int_equal(connection(&f, "192.0.2.1:5001", CONN_REMOTE_NAME)->type, CELL_NULL);
    assert_int_equal(connection(&f, "192.0.2.1:5002", CONN_REMOTE_NAME)->type, CELL_NULL);
    struct socket_seen out = tcp(8, 5003, "192.0.2.9", 443, 0);
    out.direction = DIRECTION_OUT;
    TEXT(named_in_round(&f, out, "192.0.2.1:5003"), "www.example");
    assert_int_equal(f.result->peer_names, 1);
    fixture_free(&f);
}

/* A datagram socket that is connected elsewhere is named anew, whether the name is known already
 * or comes a little later, and however old the socket is. */
static void test_connected_elsewhere(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    const struct endpoint first = ipv4("192.0.2.9", 0), second = ipv4("192.0.2.10", 0),
                          third = ipv4("192.0.2.11", 0);
    begin(&f);
    census_peer_name(f.census, &first, "a.example", 300);
    census_peer_name(f.census, &second, "b.example", 300);
    end(&f);
    struct socket_seen seen = tcp(5, 5000, "192.0.2.9", 443, 0);
    seen.protocol = IPPROTO_UDP;
    TEXT(named_in_round(&f, seen, "192.0.2.1:5000"), "a.example");
    for (int i = 0; i < 10; i++)
        TEXT(named_in_round(&f, seen, "192.0.2.1:5000"), "a.example");
    seen.remote = ipv4("192.0.2.10", 443);
    TEXT(named_in_round(&f, seen, "192.0.2.1:5000"), "b.example");
    seen.remote = ipv4("192.0.2.11", 443);
    assert_int_equal(named_in_round(&f, seen, "192.0.2.1:5000")->type, CELL_NULL);
    census_peer_name(f.census, &third, "c.example", 300);
    TEXT(named_in_round(&f, seen, "192.0.2.1:5000"), "c.example");
    fixture_free(&f);
}

static void test_nameless(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    f.settings.nameless = true;
    const struct endpoint address = ipv4("192.0.2.9", 0);
    begin(&f);
    census_peer_name(f.census, &address, "a.example", 300);
    end(&f);
    assert_int_equal(named_in_round(&f, tcp(5, 5000, "192.0.2.9", 443, 0), "192.0.2.1:5000")->type,
                     CELL_NULL);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peer_names),          cmocka_unit_test(test_peer_names_age),
        cmocka_unit_test(test_peer_names_held),     cmocka_unit_test(test_peer_names_refused),
        cmocka_unit_test(test_connected_elsewhere), cmocka_unit_test(test_nameless),
    };
    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
