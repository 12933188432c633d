/* test_conn.c: a conn on one end of a socket pair (or of a TCP connection), the test on the other.
 */
#include "fixture.h"

#include <malloc.h>
#include <poll.h>

#include "base/buf.h"
#include "base/defs.h"
#include "net/net_internal.h"

struct owner {
    struct buf got;
    size_t use_at_most; /* of each call; 0 = nothing */
    bool pause_after;   /* each call */

    struct owner *next; /* gets the conn after the first call */
    unsigned calls, drained, closed;
    int error;
    enum conn_wait expired;
    bool in_test; /* the test is inside a call of conn.h */
};

static const struct conn_ops ops;

static size_t on_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct owner *o = user;
    size_t used = MIN(len, o->use_at_most);
    o->calls++;
    buf_append(&o->got, data, used);
    if (o->pause_after)
        conn_pause(conn);
    if (o->next)
        conn_set_owner(conn, &ops, o->next);
    return used;
}

static void on_drained(struct conn *conn, void *user)
{
    (void)conn;
    ((struct owner *)user)->drained++;
}

static void on_expired(struct conn *conn, void *user, enum conn_wait wait)
{
    ((struct owner *)user)->expired = wait;
    conn_abort(conn);
}

static void on_closed(struct conn *conn, void *user, int error)
{
    struct owner *o = user;
    (void)conn;
    assert_false(o->in_test); /* never from inside a call */
    o->closed++;
    o->error = error;
}

static const struct conn_ops ops = {on_data, on_drained, on_expired, on_closed};

/* ---- a conn and its peer ---- */

struct bench {
    uv_loop_t loop;
    uv_timer_t guard;
    struct net *net;
    struct conn *conn;
    struct owner owner;
    int peer;
};

static void bench_start(struct bench *b, const struct net_limits *limits)
{
    int pair[2];
    memset(b, 0, sizeof(*b));
    b->owner.use_at_most = SIZE_MAX;
    assert_int_equal(uv_loop_init(&b->loop), 0);
    guard_start(&b->loop, &b->guard);
    b->net = net_new(&b->loop, limits);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    b->conn = conn_new(b->net, pair[0]);
    assert_non_null(b->conn);
    conn_set_owner(b->conn, &ops, &b->owner);
    b->peer = pair[1];
}

static void bench_end(struct bench *b)
{
    net_stop(b->net, 0);
    loop_end(&b->loop, &b->guard);
    assert_int_equal(b->owner.closed, 1);
    assert_int_equal(net_counters(b->net)->open, 0);
    assert_int_equal(net_counters(b->net)->queued_bytes, 0);
    net_free(b->net);
    buf_fini(&b->owner.got);
    if (b->peer >= 0)
        close(b->peer);
}

static void setup(struct bench *b)
{
    bench_start(b, &NET_LIMITS_DEFAULT);
}

static struct bytes *message(size_t len, char c)
{
    struct bytes *m = bytes_new(len);
    memset(m->data, c, len);
    return m;
}

static int send_one(struct bench *b, size_t len, char c)
{
    struct bytes *m = message(len, c);
    b->owner.in_test = true;
    int result = conn_send(b->conn, m);
    b->owner.in_test = false;
    bytes_unref(m);
    return result;
}

/* What the peer can read now. Returns false at the end of the stream. */
static bool peer_read(struct bench *b, struct buf *out)
{
    char data[65536];
    ssize_t n;
    while ((n = recv(b->peer, data, sizeof(data), MSG_DONTWAIT)) > 0)
        buf_append(out, data, (size_t)n);
    return n < 0;
}

/* Sends messages of 4 KiB until the kernel takes no more. */
static size_t fill(struct bench *b)
{
    size_t total = 0;
    for (char c = 'a'; conn_queued_bytes(b->conn) == 0; c = c == 'z' ? 'a' : (char)(c + 1)) {
        assert_int_equal(send_one(b, 4096, c), 0);
        total += 4096;
    }
    return total;
}

static void assert_filled(const struct buf *got, size_t total)
{
    char block[4096];
    assert_int_equal(got->len, total);
    for (size_t i = 0; i < total; i += sizeof(block)) {
        memset(block, 'a' + (int)(i / sizeof(block) % 26), sizeof(block));
        assert_memory_equal(got->data + i, block, sizeof(block));
    }
}

/* ---- out ---- */

static void test_a_message_is_one_system_call(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    CLEANUP(buf_fini) struct buf got = BUF_INIT;
    assert_int_equal(send_one(&b, 1000, 'x'), 0);
    assert_true(peer_read(&b, &got)); /* without the loop having run */
    assert_int_equal(got.len, 1000);
    assert_int_equal(net_counters(b.net)->sends, 1);
    assert_int_equal(net_counters(b.net)->bytes_out, 1000);
    assert_int_equal(net_counters(b.net)->sends_blocked, 0);
    bench_end(&b);
    assert_int_equal(b.owner.drained, 0);
}

static void test_backlog_is_bounded_and_complete(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    CLEANUP(buf_fini) struct buf got = BUF_INIT;
    conn_set_queue_limit(b.conn, 100000);
    size_t total = fill(&b);
    int result;
    for (size_t i = total / 4096; (result = send_one(&b, 4096, (char)('a' + i % 26))) == 0; i++)
        total += 4096;
    assert_int_equal(result, -ENOBUFS);
    assert_in_range(conn_queued_bytes(b.conn), 100000 - 2 * 4096, 100000);
    assert_int_equal(net_counters(b.net)->queue_full, 1);
    assert_int_equal(net_counters(b.net)->queued_bytes, conn_queued_bytes(b.conn));
    while (got.len < total) {
        peer_read(&b, &got);
        if (got.len < total)
            uv_run(&b.loop, UV_RUN_ONCE);
    }
    RUN_UNTIL(&b.loop, b.owner.drained);
    assert_filled(&got, total);
    assert_int_equal(conn_queued_bytes(b.conn), 0);
    assert_int_equal(b.owner.drained, 1);
    assert_int_equal(net_counters(b.net)->bytes_out, total);
    bench_end(&b);
}

/* A queue of tiny messages takes more memory than they have bytes: that counts, too. */
static void test_tiny_messages_count_for_more(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    conn_set_queue_limit(b.conn, 100000);
    fill(&b);
    size_t before = conn_queued_bytes(b.conn), tiny = 0;
    while (send_one(&b, 1, 'x') == 0)
        tiny++;
    assert_int_equal(conn_queued_bytes(b.conn), before + tiny);
    assert_in_range(tiny, 1000, 2000);
    conn_set_queue_limit(b.conn, SIZE_MAX); /* the last word has room whatever waits */
    assert_int_equal(send_one(&b, 1, 'x'), 0);
    bench_end(&b);
}

/* A single message may be larger than the limit, when nothing else is queued. */
static void test_a_large_message_into_an_empty_queue(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    conn_set_queue_limit(b.conn, 1000);
    assert_int_equal(send_one(&b, 4 << 20, 'x'), 0);
    assert_true(conn_queued_bytes(b.conn) > 1000);
    assert_int_equal(send_one(&b, 1, 'x'), -ENOBUFS);
    bench_end(&b);
}

static void test_messages_are_shared_not_copied(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    fill(&b);
    struct bytes *m = message(10, 'x');
    assert_int_equal(conn_send(b.conn, m), 0);
    assert_int_equal(atomic_load(&m->refs), 2);
    conn_abort(b.conn);
    assert_int_equal(atomic_load(&m->refs), 1); /* released at once */
    assert_int_equal(conn_send(b.conn, m), -EPIPE);
    bytes_unref(m);
    bench_end(&b);
}

/* ---- in ---- */

static void peer_write(struct bench *b, const char *text)
{
    assert_int_equal(send(b->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void test_data_arrives(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    peer_write(&b, "hello");
    RUN_UNTIL(&b.loop, b.owner.got.len == 5);
    assert_memory_equal(b.owner.got.data, "hello", 5);
    assert_int_equal(net_counters(b.net)->bytes_in, 5);
    bench_end(&b);
}

static void test_what_is_not_used_is_offered_again(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.owner.use_at_most = 2;
    peer_write(&b, "hello");
    RUN_UNTIL(&b.loop, b.owner.got.len == 5);
    assert_int_equal(b.owner.calls, 3);
    assert_memory_equal(b.owner.got.data, "hello", 5);
    bench_end(&b);
}

/* However much there is of it: the others get their turn. */
static void test_one_call_in_a_turn(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.owner.use_at_most = 1;
    peer_write(&b, "hello");
    RUN_UNTIL(&b.loop, b.owner.calls);
    assert_int_equal(b.owner.got.len, 1);
    for (size_t len = 1; len < 5; len = b.owner.got.len) {
        uv_run(&b.loop, UV_RUN_ONCE);
        assert_in_range(b.owner.got.len, len, len + 1);
    }
    bench_end(&b);
}

static void test_pause_keeps_the_rest(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.owner.use_at_most = 2;
    b.owner.pause_after = true;
    peer_write(&b, "hello");
    RUN_UNTIL(&b.loop, b.owner.calls == 1);
    peer_write(&b, " world");
    for (int i = 0; i < 5; i++)
        uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(b.owner.calls, 1);
    for (unsigned call = 2; call <= 3; call++) {
        b.owner.in_test = true;
        conn_resume(b.conn);
        b.owner.in_test = false;
        assert_int_equal(b.owner.calls, call - 1); /* from the loop, not from the call */
        RUN_UNTIL(&b.loop, b.owner.calls == call);
    }
    b.owner.pause_after = false;
    b.owner.use_at_most = SIZE_MAX;
    conn_resume(b.conn);
    RUN_UNTIL(&b.loop, b.owner.got.len == 11);
    assert_memory_equal(b.owner.got.data, "hello world", 11);
    bench_end(&b);
}

/* None used and paused: what an HTTP server does with a request that comes too early. */
static void test_pause_before_the_first_byte(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    b.owner.use_at_most = 0;
    b.owner.pause_after = true;
    peer_write(&b, "hello");
    RUN_UNTIL(&b.loop, b.owner.calls == 1);
    b.owner.use_at_most = SIZE_MAX;
    b.owner.pause_after = false;
    conn_resume(b.conn);
    RUN_UNTIL(&b.loop, b.owner.got.len == 5);
    bench_end(&b);
}

static void test_a_new_owner_gets_the_rest(void **state)
{
    (void)state;
    struct bench b;
    struct owner second = {.use_at_most = SIZE_MAX};
    setup(&b);
    b.owner.use_at_most = 3;
    b.owner.next = &second;
    peer_write(&b, "GETframes");
    RUN_UNTIL(&b.loop, second.got.len == 6);
    assert_memory_equal(b.owner.got.data, "GET", 3);
    assert_memory_equal(second.got.data, "frames", 6);
    b.owner.next = NULL;
    conn_set_owner(b.conn, &ops, &b.owner);
    buf_fini(&second.got);
    bench_end(&b);
    assert_int_equal(second.closed, 0);
}

/* ---- the end ---- */

/* The conn ends with it, without an error. */
static void peer_leaves(struct bench *b)
{
    close(b->peer);
    b->peer = -1;
    RUN_UNTIL(&b->loop, b->owner.closed);
    assert_int_equal(b->owner.error, 0);
    bench_end(b);
}

static void setup_paused(struct bench *b)
{
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.linger_ms = 10 * GUARD_MS; /* so it is not this that ends the conn */
    bench_start(b, &limits);
    conn_pause(b->conn);
}

static void test_peer_closes(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    peer_leaves(&b);
}

static void test_peer_leaves_while_paused(void **state)
{
    (void)state;
    struct bench b;
    setup_paused(&b);
    peer_leaves(&b);
}

/* What it said before waits, and must not keep the loop busy. */
static void test_peer_talks_and_leaves_while_paused(void **state)
{
    (void)state;
    struct bench b;
    setup_paused(&b);
    peer_write(&b, "later");
    for (int turn = 0; turn < 4; turn++)
        uv_run(&b.loop, UV_RUN_NOWAIT);
    struct pollfd pending = {.fd = uv_backend_fd(&b.loop), .events = POLLIN};
    assert_int_equal(poll(&pending, 1, 0), 0);
    assert_int_equal(b.owner.calls, 0);
    assert_int_equal(b.owner.closed, 0);
    conn_resume(b.conn);
    RUN_UNTIL(&b.loop, b.owner.calls);
    conn_pause(b.conn);
    peer_leaves(&b);
}

static void test_close_sends_the_queue_first(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    CLEANUP(buf_fini) struct buf got = BUF_INIT;
    size_t total = fill(&b);
    b.owner.in_test = true;
    conn_close(b.conn);
    b.owner.in_test = false;
    assert_true(conn_is_ending(b.conn));
    assert_int_equal(send_one(&b, 1, 'x'), -EPIPE);
    peer_write(&b, "still talking"); /* must not turn the end into a reset */
    while (peer_read(&b, &got))
        uv_run(&b.loop, UV_RUN_ONCE);
    assert_filled(&got, total);
    assert_int_equal(b.owner.closed, 0); /* until the peer has ended as well */
    assert_int_equal(b.owner.calls, 0);
    close(b.peer);
    b.peer = -1;
    RUN_UNTIL(&b.loop, b.owner.closed);
    assert_int_equal(b.owner.error, 0);
    bench_end(&b);
}

static void test_close_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.linger_ms = 20;
    bench_start(&b, &limits);
    conn_close(b.conn);
    RUN_UNTIL(&b.loop, b.owner.closed); /* the peer never answers */
    assert_int_equal(b.owner.error, 0);
    bench_end(&b);
}

static void test_a_reset_is_an_error(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&at, len), 0);
    int server = accept(listener, NULL, NULL);
    struct owner tcp = {.use_at_most = SIZE_MAX};
    struct conn *conn = conn_new(b.net, server);
    conn_set_owner(conn, &ops, &tcp);
    assert_int_equal(conn_local(conn)->port, ntohs(at.sin_port));
    assert_int_equal(conn_peer(conn)->family, 4);
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(client);
    RUN_UNTIL(&b.loop, tcp.closed);
    assert_int_equal(tcp.error, -ECONNRESET);
    assert_int_equal(net_counters(b.net)->errors, 1);
    close(listener);
    bench_end(&b);
}

static void test_stop_gives_time_to_flush(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    CLEANUP(buf_fini) struct buf got = BUF_INIT;
    size_t total = fill(&b);
    net_stop(b.net, 60000);
    while (peer_read(&b, &got))
        uv_run(&b.loop, UV_RUN_ONCE);
    assert_filled(&got, total);
    close(b.peer);
    loop_end(&b.loop, &b.guard);
    assert_int_equal(b.owner.closed, 1);
    net_free(b.net);
}

static void test_stop_ends_who_does_not_read(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    fill(&b);
    net_stop(b.net, 30);
    loop_end(&b.loop, &b.guard);
    assert_int_equal(b.owner.closed, 1);
    assert_null(conn_new(b.net, dup(b.peer))); /* too late */
    net_free(b.net);
    close(b.peer);
}

/* ---- waits ---- */

static struct net_limits short_limits(void)
{
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.handshake_ms = limits.idle_ms = limits.keepalive_ms = limits.stall_ms = 40;
    return limits;
}

static void test_waits_expire(void **state)
{
    (void)state;
    static const enum conn_wait waits[] = {CONN_WAIT_HANDSHAKE, CONN_WAIT_KEEPALIVE,
                                           CONN_WAIT_IDLE};
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        struct bench b;
        struct net_limits limits = short_limits();
        bench_start(&b, &limits);
        uint64_t start = uv_now(&b.loop);
        conn_set_wait(b.conn, waits[i]);
        RUN_UNTIL(&b.loop, b.owner.closed);
        assert_int_equal(b.owner.expired, waits[i]);
        assert_true(uv_now(&b.loop) - start >= 40);
        const struct net_counters *c = net_counters(b.net);
        assert_int_equal(c->expired_handshake + c->expired_keepalive + c->expired_idle, 1);
        bench_end(&b);
    }
}

/* Bytes put off the idle wait, but not the handshake's: a client that drips gains nothing. Seen in
 * the deadline itself, so that a busy machine changes nothing. */
static void test_only_idle_is_put_off_by_data(void **state)
{
    (void)state;
    static const enum conn_wait waits[] = {CONN_WAIT_HANDSHAKE, CONN_WAIT_IDLE};
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        struct bench b;
        setup(&b);
        conn_set_wait(b.conn, waits[i]);
        struct list *list = &b.net->waits[waits[i]];
        uint64_t deadline_ms = LIST_ENTRY(list->next, struct wait, node)->deadline_ms;
        uint64_t start_ms = uv_now(&b.loop);
        while (uv_now(&b.loop) == start_ms)
            uv_run(&b.loop, UV_RUN_NOWAIT);
        peer_write(&b, "x");
        RUN_UNTIL(&b.loop, b.owner.got.len == 1);
        assert_false(list_empty(list));
        uint64_t later_ms = LIST_ENTRY(list->next, struct wait, node)->deadline_ms;
        if (waits[i] == CONN_WAIT_IDLE)
            assert_true(later_ms > deadline_ms);
        else
            assert_int_equal(later_ms, deadline_ms);
        bench_end(&b);
    }
}

static void test_a_wait_can_be_called_off(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = short_limits();
    bench_start(&b, &limits);
    conn_set_wait(b.conn, CONN_WAIT_HANDSHAKE);
    conn_set_wait(b.conn, CONN_WAIT_NONE);
    RUN_UNTIL(&b.loop, !uv_is_active((uv_handle_t *)&b.net->timer)); /* nobody waits: no ticks */
    assert_int_equal(b.owner.expired, CONN_WAIT_NONE);
    bench_end(&b);
}

static void test_stalled_writes_end_the_conn(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = short_limits();
    bench_start(&b, &limits);
    fill(&b);
    RUN_UNTIL(&b.loop, b.owner.closed);
    assert_int_equal(b.owner.error, -ETIMEDOUT);
    assert_int_equal(net_counters(b.net)->expired_stall, 1);
    bench_end(&b);
}

/* ---- limits ---- */

static struct net_address remote(const char *ip)
{
    struct net_address a;
    assert_true(net_address_parse_ip(ip, &a));
    return a;
}

static void test_limits_per_address(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.max_clients_per_address = 2;
    limits.max_clients = 8;
    bench_start(&b, &limits); /* is one client already */
    struct net_address a = remote("192.0.2.1"), other = remote("192.0.2.2");
    struct net_address six = remote("2001:db8:0:1::1"), same_64 = remote("2001:db8:0:1:ffff::2");
    struct net_address other_64 = remote("2001:db8:0:2::1"), local = remote("127.0.0.1");
    assert_true(net_admit(b.net, &a));
    assert_true(net_admit(b.net, &a));
    assert_false(net_admit(b.net, &a));
    assert_true(net_admit(b.net, &other));
    net_release(b.net, &a);
    assert_true(net_admit(b.net, &a));
    assert_true(net_admit(b.net, &six));
    assert_true(net_admit(b.net, &same_64));
    assert_false(net_admit(b.net, &same_64));
    assert_true(net_admit(b.net, &other_64));
    assert_int_equal(net_counters(b.net)->refused_address, 2);
    assert_true(net_admit(b.net, &local));
    assert_int_equal(net_counters(b.net)->open, 8);
    assert_false(net_admit(b.net, &local));
    assert_int_equal(net_counters(b.net)->refused_clients, 1);
    net_release(b.net, &local);
    const struct net_address *all[] = {&a, &a, &other, &six, &same_64, &other_64};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        net_release(b.net, all[i]);
    bench_end(&b);
}

static void test_loopback_has_no_limit_per_address(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.max_clients_per_address = 1;
    bench_start(&b, &limits);
    struct net_address local = remote("::1");
    for (int i = 0; i < 10; i++)
        assert_true(net_admit(b.net, &local));
    for (int i = 0; i < 10; i++)
        net_release(b.net, &local);
    bench_end(&b);
}

/* An idle connection costs one small struct. */
static void test_idle_memory(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct bench b;
    struct owner others[COUNT];
    int peers[COUNT];
    setup(&b);
    memset(others, 0, sizeof(others));
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < COUNT; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        struct conn *conn = conn_new(b.net, pair[0]);
        others[i].use_at_most = SIZE_MAX;
        conn_set_owner(conn, &ops, &others[i]);
        conn_set_wait(conn, CONN_WAIT_IDLE);
        struct bytes *m = message(100, 'x');
        assert_int_equal(conn_send(conn, m), 0);
        bytes_unref(m);
        peers[i] = pair[1];
    }
    size_t each = (mallinfo2().uordblks - before) / COUNT;
    print_message("an idle conn takes %zu bytes\n", each);
    assert_true(each <= 600); /* 0 where malloc is replaced */
    for (int i = 0; i < COUNT; i++)
        close(peers[i]);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_is_one_system_call),
        cmocka_unit_test(test_backlog_is_bounded_and_complete),
        cmocka_unit_test(test_tiny_messages_count_for_more),
        cmocka_unit_test(test_a_large_message_into_an_empty_queue),
        cmocka_unit_test(test_messages_are_shared_not_copied),
        cmocka_unit_test(test_data_arrives),
        cmocka_unit_test(test_what_is_not_used_is_offered_again),
        cmocka_unit_test(test_one_call_in_a_turn),
        cmocka_unit_test(test_pause_keeps_the_rest),
        cmocka_unit_test(test_pause_before_the_first_byte),
        cmocka_unit_test(test_a_new_owner_gets_the_rest),
        cmocka_unit_test(test_peer_closes),
        cmocka_unit_test(test_peer_leaves_while_paused),
        cmocka_unit_test(test_peer_talks_and_leaves_while_paused),
        cmocka_unit_test(test_close_sends_the_queue_first),
        cmocka_unit_test(test_close_does_not_wait_for_ever),
        cmocka_unit_test(test_a_reset_is_an_error),
        cmocka_unit_test(test_stop_gives_time_to_flush),
        cmocka_unit_test(test_stop_ends_who_does_not_read),
        cmocka_unit_test(test_waits_expire),
        cmocka_unit_test(test_only_idle_is_put_off_by_data),
        cmocka_unit_test(test_a_wait_can_be_called_off),
        cmocka_unit_test(test_stalled_writes_end_the_conn),
        cmocka_unit_test(test_limits_per_address),
        cmocka_unit_test(test_loopback_has_no_limit_per_address),
        cmocka_unit_test(test_idle_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
