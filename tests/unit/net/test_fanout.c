/*
 * test_fanout.c: one message to many, by a ring and without one: who is slow, ending or gone has
 * his own result and disturbs nobody.
 */
#include "fixture.h"

#include "base/buf.h"
#include "net/fanout.h"
#include "net/ring.h"
#include "net/ring_internal.h"

#define MANY (RING_BATCH * 2 + 44) /* batches, and a part of one */

struct member {
    struct conn *conn;
    int peer;
    size_t closed;
    int error;
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
    struct member *m = user;
    (void)conn;
    m->closed++;
    m->error = error;
}

static const struct conn_ops ops = {.data = on_data, .closed = on_closed};

struct hall {
    uv_loop_t loop;
    uv_timer_t guard;
    struct net *net;
    struct ring *ring;
    struct member members[MANY];
    struct conn *conns[MANY];
    int results[MANY];
};

static const bool with_ring = true;

/* NULL: the kernel does not let us have a ring. */
static struct hall *hall_open(bool ring)
{
    struct hall *h = test_calloc(1, sizeof(*h));
    assert_int_equal(uv_loop_init(&h->loop), 0);
    guard_start(&h->loop, &h->guard);
    h->net = net_new(&h->loop, &NET_LIMITS_DEFAULT);
    if (ring) {
        int err = ring_open(&h->ring);
        if (err) {
            print_message("# skipped: io_uring: %s\n", strerror(-err));
            net_stop(h->net, 0);
            loop_end(&h->loop, &h->guard);
            net_free(h->net);
            test_free(h);
            return NULL;
        }
        net_set_ring(h->net, h->ring);
    }
    for (size_t i = 0; i < MANY; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                         0);
        struct member *m = &h->members[i];
        m->peer = pair[1];
        m->conn = h->conns[i] = conn_new(h->net, pair[0]);
        conn_set_owner(m->conn, &ops, m);
    }
    return h;
}

static void hall_close(struct hall *h)
{
    net_stop(h->net, 0);
    loop_end(&h->loop, &h->guard);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(h->members[i].closed, 1);
        close(h->members[i].peer);
    }
    assert_int_equal(net_counters(h->net)->queued_bytes, 0);
    net_free(h->net);
    ring_close(h->ring);
    test_free(h);
}

static struct bytes *text_of(size_t len, int seed)
{
    struct bytes *m = bytes_new(len);
    for (size_t i = 0; i < len; i++)
        m->data[i] = (uint8_t)(i * 7 + (size_t)seed);
    return m;
}

/* Everything that is there for the peer; fails when it is not `message` from `offset` on. */
static size_t read_message(int peer, const struct bytes *message, size_t offset)
{
    uint8_t data[65536];
    size_t at = offset;
    ssize_t n;
    while ((n = recv(peer, data, sizeof(data), 0)) > 0) {
        assert_true(at + (size_t)n <= message->len);
        assert_memory_equal(data, message->data + at, (size_t)n);
        at += (size_t)n;
    }
    return at - offset;
}

static void everybody(bool ring)
{
    struct hall *h = hall_open(ring);
    if (!h) {
        skip();
        return;
    }
    for (int round = 0; round < 3; round++) {
        struct bytes *m = text_of(1000, round);
        assert_int_equal(fanout_send(h->conns, MANY, m, h->results), MANY);
        for (size_t i = 0; i < MANY; i++) {
            assert_int_equal(h->results[i], 0);
            assert_int_equal(read_message(h->members[i].peer, m, 0), 1000);
        }
        assert_int_equal(atomic_load(&m->refs), 1); /* nobody had to keep it */
        bytes_unref(m);
    }
    assert_int_equal(net_counters(h->net)->bytes_out, 3 * 1000 * MANY);
    assert_int_equal(net_counters(h->net)->sends, 3 * (ring ? 3 : MANY));
    hall_close(h);
}

static void test_everybody(void **state)
{
    (void)state;
    everybody(!with_ring);
}

static void test_everybody_ring(void **state)
{
    (void)state;
    everybody(with_ring);
}

/* One whose peer does not read, one whose peer is gone, one that is ending, one that has something
 * queued; and all others. */
static void trouble(bool ring)
{
    enum { SLOW = 3, GONE = 5, ENDING = 7 };
    struct hall *h = hall_open(ring);
    if (!h) {
        skip();
        return;
    }
    struct bytes *large = text_of(1 << 20, 1), *small = text_of(300, 2);
    assert_int_equal(conn_send(h->conns[SLOW], large), 0); /* the kernel takes a part of it */
    assert_true(conn_queued_bytes(h->conns[SLOW]) > 0);
    close(h->members[GONE].peer);
    h->members[GONE].peer = dup(h->members[0].peer); /* something for hall_close */
    conn_close(h->conns[ENDING]);

    assert_int_equal(fanout_send(h->conns, MANY, small, h->results), MANY - 2);
    assert_int_equal(h->results[SLOW], 0); /* behind what is queued already */
    assert_int_equal(h->results[GONE], -EPIPE);
    assert_int_equal(h->results[ENDING], -EPIPE);
    for (size_t i = 0; i < MANY; i++) {
        if (i != SLOW && i != GONE && i != ENDING)
            assert_int_equal(read_message(h->members[i].peer, small, 0), small->len);
    }
    RUN_UNTIL(&h->loop, h->members[GONE].closed);
    assert_int_equal(h->members[GONE].error, -EPIPE);

    size_t got = 0;
    while (got < large->len) {
        uint8_t data[65536];
        size_t wanted = MIN(sizeof(data), large->len - got);
        ssize_t n = recv(h->members[SLOW].peer, data, wanted, 0);
        if (n > 0) {
            assert_memory_equal(data, large->data + got, (size_t)n);
            got += (size_t)n;
        } else {
            uv_run(&h->loop, UV_RUN_NOWAIT);
        }
    }
    RUN_UNTIL(&h->loop, conn_queued_bytes(h->conns[SLOW]) == 0);
    assert_int_equal(read_message(h->members[SLOW].peer, small, 0), small->len);
    bytes_unref(large);
    bytes_unref(small);
    hall_close(h);
}

static void test_trouble(void **state)
{
    (void)state;
    trouble(!with_ring);
}

static void test_trouble_ring(void **state)
{
    (void)state;
    trouble(with_ring);
}

/* The kernel takes a part of the message: the rest comes from the queue, in order. */
static void partly(bool ring)
{
    struct hall *h = hall_open(ring);
    if (!h) {
        skip();
        return;
    }
    enum { FEW = 6 };
    struct bytes *large = text_of(3 << 20, 3);
    size_t got[FEW] = {0};
    assert_int_equal(fanout_send(h->conns, FEW, large, h->results), FEW);
    assert_int_equal(net_counters(h->net)->sends_blocked, FEW);
    for (size_t i = 0; i < FEW; i++)
        assert_true(conn_queued_bytes(h->conns[i]) > 0);
    for (size_t left = FEW; left > 0;) {
        uv_run(&h->loop, UV_RUN_NOWAIT);
        left = 0;
        for (size_t i = 0; i < FEW; i++) {
            got[i] += read_message(h->members[i].peer, large, got[i]);
            left += got[i] < large->len;
        }
    }
    assert_int_equal(net_counters(h->net)->bytes_out, (uint64_t)FEW * large->len);
    bytes_unref(large);
    hall_close(h);
}

static void test_partly(void **state)
{
    (void)state;
    partly(!with_ring);
}

static void test_partly_ring(void **state)
{
    (void)state;
    partly(with_ring);
}

/* What the kernel says to a ring that wants to read a byte. */
static int try_to_read(struct ring *r, int fd)
{
    char byte;
    struct io_uring_cqe *cqe;
    io_uring_prep_recv(io_uring_get_sqe(&r->uring), fd, &byte, 1, MSG_DONTWAIT);
    int err = io_uring_submit_and_wait(&r->uring, 1);
    if (err < 0)
        return err;
    err = io_uring_wait_cqe(&r->uring, &cqe);
    if (err)
        return err;
    err = cqe->res;
    io_uring_cqe_seen(&r->uring, cqe);
    return err;
}

/* Whatever it is asked for, it sends only: no file is opened, nothing is read. */
static void test_ring_is_restricted(void **state)
{
    (void)state;
    struct ring *ring = NULL;
    if (ring_open(&ring) != 0)
        skip();
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(try_to_read(ring, pair[0]), -EACCES);
    struct ring_send send = {.fd = pair[0], .data = "x", .len = 1};
    ring_send(ring, &send, 1);
    assert_int_equal(send.result, 1);
    struct ring_send bad[] = {{.fd = -1, .data = "x", .len = 1}, send};
    ring_send(ring, bad, 2);
    assert_int_equal(bad[0].result, -EBADF);
    assert_int_equal(bad[1].result, 1);
    ring_close(ring);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody),
        cmocka_unit_test(test_everybody_ring),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_trouble_ring),
        cmocka_unit_test(test_partly),
        cmocka_unit_test(test_partly_ring),
        cmocka_unit_test(test_ring_is_restricted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
