/*
 * test_roomy.c: sockets of netlink that the keeper opens, with the real one, and what is opened
 * without it. Needs CAP_NET_ADMIN, or there is nothing to keep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "collect/netlink/socket.h"
#include "keeper/keeper.h"

#define BYTES (16U << 20) /* far beyond net.core.rmem_max */

static const struct keeper_settings settings = {.capabilities = UINT64_C(1) << CAP_NET_ADMIN};

static int start(void **state)
{
    struct keeper *k = NULL;
    int err = keeper_start(&settings, &k);
    *state = k;
    return err;
}

static int stop(void **state)
{
    keeper_stop(*state);
    return 0;
}

/* Waits, within bounds, until another one answers. */
static int next_keeper(struct keeper *k, int before)
{
    struct keeper_status status;
    for (int i = 0; i < 2000; i++) {
        keeper_status(k, &status);
        if (status.alive && status.pid != before)
            return status.pid;
        poll(NULL, 0, 10);
    }
    fail_msg("%s", status.text);
    return 0;
}

/* Killed so often that the next one is some seconds off. */
static void leave_without(struct keeper *k)
{
    int pid = next_keeper(k, 0);
    for (int i = 0; i < 3; i++) {
        pid = i ? next_keeper(k, pid) : pid;
        assert_int_equal(kill(pid, SIGKILL), 0);
    }
    while (keeper_ping(k) != -EAGAIN)
        continue;
}

static int room_of(struct rtsocket *s)
{
    int size = 0;
    socklen_t len = sizeof(size);
    assert_int_equal(getsockopt(rtsocket_fd(s), SOL_SOCKET, SO_RCVBUF, &size, &len), 0);
    return size;
}

static void test_has_the_room(void **state)
{
    struct rtsocket *s = NULL;
    assert_int_equal(rtsocket_open_roomy(&s, *state, NETLINK_ROUTE, 0, BYTES), 0);
    assert_int_equal(room_of(s), 2 * BYTES); /* the kernel doubles what it is asked for */
    rtsocket_close(s);
}

static void test_does_not_wait(void **state)
{
    struct rtsocket *s = NULL;
    leave_without(*state);
    assert_int_equal(rtsocket_open_roomy(&s, *state, NETLINK_ROUTE, 0, BYTES), 0);
    rtsocket_close(s);
}

static void test_goes_on_without_one(void **state)
{
    struct rtsocket *s = NULL;
    (void)state;
    assert_int_equal(rtsocket_open_roomy(&s, NULL, NETLINK_ROUTE, 0, BYTES), 0);
    rtsocket_close(s);
}

int main(void)
{
    struct keeper *k = NULL;
    if (keeper_start(&settings, &k) == -EPERM) {
        puts("needs CAP_NET_ADMIN: without it there is no keeper");
        return 77;
    }
    keeper_stop(k);
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(test_has_the_room),
        CASE(test_does_not_wait),
        cmocka_unit_test(test_goes_on_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
