/* test_peer.c: the kernel knows who is at the other end. */
#include "fixture.h"

#include <poll.h>
#include <sys/wait.h>

#include "base/defs.h"
#include "net/listener.h"
#include "net/peer.h"

struct ends {
    int listener, client, server;
    struct net_address remote, local; /* as the server sees them */
};

static void ends_open(struct ends *e, int family)
{
    struct sockaddr_storage at = {.ss_family = (sa_family_t)family};
    if (family == AF_INET)
        ((struct sockaddr_in *)&at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)&at)->sin6_addr = in6addr_loopback;
    socklen_t len = sizeof(at);
    e->listener = socket(family, SOCK_STREAM, 0);
    if (e->listener < 0 || bind(e->listener, (struct sockaddr *)&at, len) != 0) {
        print_message("this host does not have that loopback address\n");
        skip();
    }
    assert_int_equal(listen(e->listener, 1), 0);
    assert_int_equal(getsockname(e->listener, (struct sockaddr *)&at, &len), 0);
    e->local = net_address_from(&at);
}

static void ends_accept(struct ends *e)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof(from);
    e->server = accept(e->listener, (struct sockaddr *)&from, &len);
    assert_true(e->server >= 0);
    e->remote = net_address_from(&from);
}

static void test_own_uid(void **state)
{
    (void)state;
    static const int families[] = {AF_INET, AF_INET6};
    struct peer *peer;
    assert_int_equal(peer_open(&peer), 0);
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        struct ends e;
        uid_t uid = 12345;
        ends_open(&e, families[i]);
        e.client = client_connect(&e.local);
        ends_accept(&e);
        assert_int_equal(peer_uid(peer, &e.remote, &e.local, &uid), 0);
        assert_int_equal(uid, getuid());
        /* Not the listener, not a port where nobody is. */
        struct net_address nobody = e.remote;
        nobody.port = 1;
        uid = 12345;
        assert_int_equal(peer_uid(peer, &nobody, &e.local, &uid), -ENOENT);
        nobody.family = 0;
        assert_int_equal(peer_uid(peer, &nobody, &e.local, &uid), -ENOENT);
        assert_int_equal(uid, 12345);
        close(e.client);
        close(e.server);
        close(e.listener);
    }
    peer_close(peer);
}

/* What the kernel keeps of a closed socket belongs to user 0: it must not count. */
static void test_a_closed_socket_is_nobodys(void **state)
{
    (void)state;
    struct peer *peer;
    struct ends e;
    uid_t uid = 12345;
    assert_int_equal(peer_open(&peer), 0);
    ends_open(&e, AF_INET);
    e.client = client_connect(&e.local);
    ends_accept(&e);
    close(e.client); /* FIN_WAIT2 without an owner */
    struct pollfd end = {.fd = e.server, .events = POLLRDHUP};
    assert_int_equal(poll(&end, 1, 5000), 1);
    assert_int_equal(peer_uid(peer, &e.remote, &e.local, &uid), -ENOENT);
    close(e.server); /* TIME_WAIT */
    assert_int_equal(peer_uid(peer, &e.remote, &e.local, &uid), -ENOENT);
    assert_int_equal(uid, 12345);
    close(e.listener);
    peer_close(peer);
}

static void test_another_users_socket(void **state)
{
    (void)state;
    enum { NOBODY = 65534 };
    if (getuid() != 0) {
        print_message("only root can be another user\n");
        skip();
    }
    struct peer *peer;
    struct ends e;
    int hold[2];
    uid_t uid = 12345;
    assert_int_equal(peer_open(&peer), 0);
    ends_open(&e, AF_INET);
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    if (child == 0) {
        struct sockaddr_storage at;
        socklen_t len = net_address_to(&e.local, &at);
        close(hold[1]);
        if (setuid(NOBODY) != 0)
            _exit(1);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&at, len) != 0)
            _exit(1);
        char c;
        _exit(read(hold[0], &c, 1) != 0); /* until the parent closes its end */
    }
    ends_accept(&e);
    assert_int_equal(peer_uid(peer, &e.remote, &e.local, &uid), 0);
    assert_int_equal(uid, NOBODY);
    close(hold[0]);
    close(hold[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(e.server);
    close(e.listener);
    peer_close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_uid),
        cmocka_unit_test(test_a_closed_socket_is_nobodys),
        cmocka_unit_test(test_another_users_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
