/*
 * fixture.h: a loop that runs until something has happened, for tests of src/net and src/http.
 * A timer ends a test that would wait for ever; nothing sleeps.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "base/watched.h"
#include "net/address.h"
#include "net/conn.h"
#include "net/net.h"

#define GUARD_MS 20000
#define GUARD_WATCHED_MS 200000 /* valgrind is slow */

#define GUARD_TURN_MS 20

static inline void guard_turn(uv_timer_t *guard)
{
    if (uv_now(guard->loop) < (uintptr_t)guard->data)
        return;
    fprintf(stderr, "the test waited too long\n");
    abort();
}

/*
 * Turns the loop, too: RUN_UNTIL looks at its condition between two turns, and a turn in which a
 * timer makes it true goes on to wait for whatever comes next, which may be nothing.
 */
static inline void guard_start(uv_loop_t *loop, uv_timer_t *guard)
{
    uv_timer_init(loop, guard);
    guard->data = (void *)(uintptr_t)(uv_now(loop) + (watched_by() ? GUARD_WATCHED_MS : GUARD_MS));
    uv_timer_start(guard, guard_turn, GUARD_TURN_MS, GUARD_TURN_MS);
    uv_unref((uv_handle_t *)guard);
}

#define RUN_UNTIL(loop, condition)                                                                 \
    do {                                                                                           \
        while (!(condition))                                                                       \
            uv_run((loop), UV_RUN_ONCE);                                                           \
    } while (0)

/* Runs the loop to its end and closes it: nothing may have been left open. */
static inline void loop_end(uv_loop_t *loop, uv_timer_t *guard)
{
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)guard, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

/* A blocking client, connected to 127.0.0.1 or ::1. */
static inline int client_connect(const struct net_address *to)
{
    struct sockaddr_storage address;
    socklen_t len = net_address_to(to, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
    return fd;
}

static inline void set_nonblocking(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}
