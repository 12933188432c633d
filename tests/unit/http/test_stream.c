/*
 * test_stream.c: answers that are made while they are sent: what a client can tell of their end,
 * and what becomes of one that hardly takes them.
 */
#include "fixture.h"

#include <sys/socket.h>

#include "http/http_internal.h"
#include "http/stream.h"

#define HOST "Host: localhost\r\n"

static struct maker {
    struct http_stream *stream;
    unsigned asked, gone;
    bool goes_on; /* writes whenever it is asked */
    struct buf piece;
} maker;

static void more(void *user)
{
    struct maker *m = user;
    m->asked++;
    if (m->goes_on && m->asked % 100) /* the socket's buffer is full long before */
        http_stream_write(m->stream, &m->piece);
}

static void gone(void *user)
{
    struct maker *m = user;
    m->stream = NULL;
    m->gone++;
}

static const struct http_stream_ops ops = {.more = more, .gone = gone};

/* A request of that version whose answer has begun; the client's socket. */
static int begin(struct bench *b, const struct net_limits *limits, const char *version)
{
    char text[128];
    const struct http_stream_head head = {.content_type = "text/plain"};
    maker = (struct maker){0};
    buf_text(&maker.piece, "some of it");
    bench_start(b, limits, "/");
    int fd = client_open(b);
    snprintf(text, sizeof(text), "GET /api/later HTTP/%s\r\n" HOST "\r\n", version);
    client_text(b, fd, text);
    RUN_UNTIL(&b->loop, b->kept);
    maker.stream = http_stream_begin(b->kept, &head, &ops, &maker);
    assert_non_null(maker.stream);
    return fd;
}

static void end(struct bench *b, int fd)
{
    close(fd);
    bench_end(b);
    buf_fini(&maker.piece);
}

/* How the connection ends for who reads it: 0 or an errno. All that came before is in `text`. */
static int read_end(struct bench *b, int fd, char *text, size_t size)
{
    size_t len = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        while (poll(&p, 1, 0) == 0) /* peeking would take the error away */
            uv_run(&b->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, text + len, size - 1 - len, 0);
        if (n <= 0)
            return n < 0 ? errno : 0;
        len += (size_t)n;
        text[len] = '\0';
    }
}

static void test_whole(void **state)
{
    (void)state;
    static const char *const versions[] = {"1.0", "1.1"};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct bench b;
        char text[2000];
        int fd = begin(&b, NULL, versions[i]);
        http_stream_write(maker.stream, &maker.piece);
        assert_int_equal(maker.asked, 1);
        http_stream_end(maker.stream, &maker.piece, NULL);
        shutdown(fd, SHUT_WR);
        assert_int_equal(read_end(&b, fd, text, sizeof(text)), 0);
        if (i == 0)
            assert_non_null(strstr(text, "\r\n\r\nsome of itsome of it"));
        else
            assert_non_null(strstr(text, "\r\n0\r\n\r\n"));
        assert_int_equal(http_server_counters(b.server)->cut, 0);
        end(&b, fd);
    }
}

/* What has no last chunk must not end like something whole. */
static void test_cut_in_http_1_0(void **state)
{
    (void)state;
    struct bench b;
    char text[2000];
    int fd = begin(&b, NULL, "1.0");
    http_stream_write(maker.stream, &maker.piece);
    http_stream_cut(maker.stream);
    assert_int_equal(read_end(&b, fd, text, sizeof(text)), ECONNRESET);
    assert_int_equal(http_server_counters(b.server)->cut, 1);
    end(&b, fd);

    /* Nor when the server ends, which says goodbye to everybody else. */
    fd = begin(&b, NULL, "1.0");
    http_stream_write(maker.stream, &maker.piece);
    conn_close(b.kept->session->conn); /* as net_stop does */
    assert_int_equal(read_end(&b, fd, text, sizeof(text)), ECONNRESET);
    RUN_UNTIL(&b.loop, maker.gone);
    end(&b, fd);
}

/* Nor when the client stops before it has the last piece. */
static void test_stalled_in_http_1_0(void **state)
{
    (void)state;
    struct bench b;
    static char text[1 << 16];
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.stall_ms = 100;
    int fd = begin(&b, &limits, "1.0");
    for (int i = 0; i < 2000000; i++) /* more than sockets hold */
        buf_text(&maker.piece, "0123456789");
    http_stream_end(maker.stream, &maker.piece, NULL);
    RUN_UNTIL(&b.loop, net_counters(b.net)->expired_stall);
    size_t len = 0;
    ssize_t n;
    while ((n = recv(fd, text, sizeof(text), 0)) > 0)
        len += (size_t)n;
    assert_int_equal(n < 0 ? errno : 0, ECONNRESET);
    assert_true(len < maker.piece.len);
    end(&b, fd);
}

/* A few bytes now and then are no way to keep an answer for ever. */
static void test_too_slow(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.take_ms = 300; /* stall_ms stays: bytes leave all the time */
    int fd = begin(&b, &limits, "1.1");
    for (int i = 0; i < 400000; i++)
        buf_text(&maker.piece, "0123456789");
    maker.goes_on = true;
    http_stream_write(maker.stream, &maker.piece);
    char some[16];
    uint64_t start_ms = uv_now(&b.loop);
    while (!maker.gone) {
        uv_run(&b.loop, UV_RUN_ONCE);
        if (!maker.gone)
            (void)!recv(fd, some, sizeof(some), 0);
        assert_true(uv_now(&b.loop) - start_ms < 20000);
    }
    assert_true(uv_now(&b.loop) - start_ms >= 300);
    assert_int_equal(net_counters(b.net)->expired_stall, 1);
    assert_int_equal(http_server_counters(b.server)->cut, 1);
    end(&b, fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_cut_in_http_1_0),
        cmocka_unit_test(test_stalled_in_http_1_0),
        cmocka_unit_test(test_too_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
