/* test_listener.c: real sockets on 127.0.0.1 and ::1. */
#include "fixture.h"

#include <netinet/tcp.h>
#include <sys/resource.h>

#include "base/defs.h"
#include "net/listener.h"

struct bench {
    uv_loop_t loop;
    uv_timer_t guard;
    struct net *net;
    struct listeners *listeners;
    unsigned accepted, closed;
    struct conn *last;
};

static size_t on_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    (void)conn;
    (void)user;
    (void)data;
    return len;
}

static void on_closed(struct conn *conn, void *user, int error)
{
    (void)conn;
    (void)error;
    ((struct bench *)user)->closed++;
}

static const struct conn_ops ops = {.data = on_data, .closed = on_closed};

static void on_accepted(struct conn *conn, void *user)
{
    struct bench *b = user;
    b->accepted++;
    b->last = conn;
    conn_set_owner(conn, &ops, b);
}

static void add(struct listeners *l, const char *spec)
{
    char why[300] = "";
    if (listeners_add(l, spec, why, sizeof(why)) != 0)
        fail_msg("%s: %s", spec, why);
}

static void bench_start(struct bench *b, const struct net_limits *limits)
{
    memset(b, 0, sizeof(*b));
    assert_int_equal(uv_loop_init(&b->loop), 0);
    guard_start(&b->loop, &b->guard);
    b->net = net_new(&b->loop, limits);
    b->listeners = listeners_new(false);
    add(b->listeners, "127.0.0.1:0");
    assert_int_equal(listeners_start(b->listeners, b->net, on_accepted, b), 0);
}

static void bench_end(struct bench *b)
{
    listeners_stop(b->listeners);
    net_stop(b->net, 0);
    loop_end(&b->loop, &b->guard);
    assert_int_equal(b->closed, b->accepted);
    listeners_free(b->listeners);
    net_free(b->net);
}

static const struct net_address *address(struct bench *b)
{
    return listeners_address(b->listeners, 0);
}

static void test_accept(void **state)
{
    (void)state;
    struct bench b;
    bench_start(&b, &NET_LIMITS_DEFAULT);
    assert_int_equal(address(&b)->family, 4);
    assert_true(address(&b)->port > 0);
    assert_true(listeners_loopback_only(b.listeners));
    assert_string_equal(listeners_name(b.listeners, 0), "127.0.0.1");
    int client = client_connect(address(&b));
    RUN_UNTIL(&b.loop, b.accepted == 1);
    assert_true(net_address_is_loopback(conn_peer(b.last)));
    assert_int_equal(conn_local(b.last)->port, address(&b)->port);
    struct sockaddr_storage own;
    socklen_t len = sizeof(own);
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &len), 0);
    assert_int_equal(conn_peer(b.last)->port, net_address_from(&own).port);
    assert_int_equal(net_counters(b.net)->accepted, 1);
    assert_int_equal(net_counters(b.net)->open, 1);
    close(client);
    RUN_UNTIL(&b.loop, b.closed == 1);
    bench_end(&b);
}

/* What was set on the listener must hold for what it accepts. */
static void test_options_are_inherited(void **state)
{
    (void)state;
    struct listeners *l = listeners_new(false);
    add(l, "127.0.0.1:0");
    int client = client_connect(listeners_address(l, 0));
    struct sockaddr_storage at;
    int fd = -1;
    for (int i = 3; i < 64 && fd < 0; i++) { /* the listening descriptor is not in the interface */
        int listening = 0;
        socklen_t len = sizeof(listening);
        if (getsockopt(i, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening)
            fd = accept(i, (struct sockaddr *)&at, &(socklen_t){sizeof(at)});
    }
    assert_true(fd >= 0);
    int value = 0;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    assert_int_equal(value, 1);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &len), 0);
    assert_int_equal(value, 131072);
    close(fd);
    close(client);
    listeners_free(l);
}

static void test_port_in_use(void **state)
{
    (void)state;
    struct bench b;
    char spec[100], why[300] = "";
    bench_start(&b, &NET_LIMITS_DEFAULT);
    net_address_format(address(&b), spec);
    struct listeners *second = listeners_new(false);
    assert_int_equal(listeners_add(second, spec, why, sizeof(why)), -EADDRINUSE);
    assert_non_null(strstr(why, spec));
    assert_non_null(strstr(why, "another program is using it"));
    assert_non_null(strstr(why, "--listen"));
    assert_int_equal(listeners_count(second), 0);
    listeners_free(second);
    bench_end(&b);
}

static void test_bad_specs(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "127.0.0.1",    "127.0.0.1:", "127.0.0.1:http", "::1:7477",
        ":65536", "127.0.0.1:-1", "[::1]",      "127.0.0.1:1 ",   "[::1]:99999"};
    struct listeners *l = listeners_new(false);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char why[300] = "";
        assert_int_equal(listeners_add(l, bad[i], why, sizeof(why)), -EINVAL);
        assert_non_null(strstr(why, "expected ADDRESS:PORT"));
    }
    char why[300] = "";
    assert_int_equal(listeners_add(l, "192.0.2.77:0", why, sizeof(why)), -EADDRNOTAVAIL);
    assert_non_null(strstr(why, "192.0.2.77"));
    assert_int_equal(listeners_add(l, "no-such-host.invalid:0", why, sizeof(why)), -EADDRNOTAVAIL);
    assert_int_equal(listeners_count(l), 0);
    listeners_free(l);
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    bool works = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    if (fd >= 0)
        close(fd);
    return works;
}

static void test_both_families_on_one_port(void **state)
{
    (void)state;
    if (!has_ipv6()) {
        print_message("this host has no ::1\n");
        skip();
    }
    struct bench b;
    char spec[100];
    bench_start(&b, &NET_LIMITS_DEFAULT);
    snprintf(spec, sizeof(spec), "[::1]:%u", address(&b)->port);
    struct listeners *six = listeners_new(false);
    add(six, spec);
    assert_string_equal(listeners_name(six, 0), "::1");
    assert_int_equal(listeners_start(six, b.net, on_accepted, &b), 0);
    int client = client_connect(listeners_address(six, 0));
    RUN_UNTIL(&b.loop, b.accepted == 1);
    assert_int_equal(conn_peer(b.last)->family, 6);
    close(client);
    listeners_stop(six);
    bench_end(&b);
    listeners_free(six);
}

static void test_any_address_is_not_loopback(void **state)
{
    (void)state;
    struct listeners *l = listeners_new(false);
    add(l, ":0");
    assert_true(listeners_count(l) >= 1);
    assert_true(net_address_is_any(listeners_address(l, 0)));
    assert_string_equal(listeners_name(l, 0), "");
    assert_false(listeners_loopback_only(l));
    listeners_free(l);
}

static void test_shared_port(void **state)
{
    (void)state;
    char spec[100], why[300];
    struct listeners *one = listeners_new(true);
    add(one, "127.0.0.1:0");
    add(one, "[::1]:0");
    struct listeners *two = listeners_again(one);
    assert_non_null(two);
    assert_int_equal(listeners_count(two), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(listeners_address(two, i), listeners_address(one, i),
                            sizeof(struct net_address));
        assert_string_equal(listeners_name(two, i), listeners_name(one, i));
    }
    /* Another program, even one of ours that shares its ports, is told. */
    struct listeners *stranger = listeners_new(true);
    net_address_format(listeners_address(one, 0), spec);
    assert_int_equal(listeners_add(stranger, spec, why, sizeof(why)), -EADDRINUSE);
    assert_non_null(strstr(why, "another program"));
    listeners_free(one);
    assert_int_equal(listeners_add(stranger, spec, why, sizeof(why)), -EADDRINUSE); /* `two` */
    listeners_free(two);
    assert_int_equal(listeners_add(stranger, spec, why, sizeof(why)), 0);
    listeners_free(stranger);
}

static void assert_turned_away(int client, const char *text)
{
    char data[100];
    ssize_t n = recv(client, data, sizeof(data), MSG_WAITALL);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(data, text, strlen(text));
    close(client);
}

static void test_too_many_clients(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.max_clients = 2;
    bench_start(&b, &limits);
    net_set_refusal(b.net, "full\n");
    int clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = client_connect(address(&b));
    RUN_UNTIL(&b.loop, net_counters(b.net)->refused_clients == 1);
    assert_int_equal(b.accepted, 2);
    assert_turned_away(clients[2], "full\n");
    close(clients[0]);
    RUN_UNTIL(&b.loop, b.closed == 1);
    clients[0] = client_connect(address(&b)); /* there is room again */
    RUN_UNTIL(&b.loop, b.accepted == 3);
    close(clients[0]);
    close(clients[1]);
    bench_end(&b);
}

/* valgrind keeps descriptors of its own and answers for the limit in the kernel's place. */
static void skip_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    if (preload && strstr(preload, "vgpreload")) {
        print_message("valgrind changes what a lack of descriptors looks like\n");
        skip();
    }
}

static void test_out_of_descriptors(void **state)
{
    (void)state;
    skip_under_valgrind();
    struct bench b;
    struct rlimit before, none;
    bench_start(&b, &NET_LIMITS_DEFAULT);
    net_set_refusal(b.net, "full\n");
    int client = client_connect(address(&b));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    int next = dup(0);
    close(next);
    none.rlim_cur = (rlim_t)next; /* the lowest free number, and so none, is out of reach */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    RUN_UNTIL(&b.loop, net_counters(b.net)->refused_descriptors == 1);
    assert_int_equal(b.accepted, 0);
    assert_turned_away(client, "full\n");
    /* The spare is back: a second one is turned away as fast, and the loop does not spin. */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    client = client_connect(address(&b));
    RUN_UNTIL(&b.loop, b.accepted == 1);
    close(client);
    bench_end(&b);
}

/* Without a spare listening pauses, and goes on by itself. */
static void test_out_of_descriptors_without_a_spare(void **state)
{
    (void)state;
    skip_under_valgrind();
    struct bench b;
    struct rlimit before, none;
    bench_start(&b, &NET_LIMITS_DEFAULT);
    int client = client_connect(address(&b));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3; /* not even the spare's number can be used again */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    RUN_UNTIL(&b.loop, net_counters(b.net)->refused_descriptors >= 1);
    uint64_t start = uv_now(&b.loop), refused = net_counters(b.net)->refused_descriptors;
    while (uv_now(&b.loop) - start < 150)
        uv_run(&b.loop, UV_RUN_ONCE);
    assert_in_range(net_counters(b.net)->refused_descriptors - refused, 0, 3);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    RUN_UNTIL(&b.loop, b.accepted == 1);
    close(client);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_options_are_inherited),
        cmocka_unit_test(test_port_in_use),
        cmocka_unit_test(test_bad_specs),
        cmocka_unit_test(test_both_families_on_one_port),
        cmocka_unit_test(test_any_address_is_not_loopback),
        cmocka_unit_test(test_shared_port),
        cmocka_unit_test(test_too_many_clients),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_out_of_descriptors_without_a_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
