/* test_server.c: requests over real sockets, from the shape of answers to clients that leave. */
#include "fixture.h"

#include "http/http_internal.h"

#include <malloc.h>

#define HOST "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static void setup(struct bench *b)
{
    bench_start(b, NULL, "/");
}

/* Asks and expects a status; *a is to be ended by the caller. */
static void expect(struct bench *b, const char *request, unsigned status, struct answer *a)
{
    unsigned got = ask(b, request, a);
    if (got != status)
        fail_msg("%s\nexpected %u, got %u", request, status, got);
}

static void expect_status(struct bench *b, const char *request, unsigned status)
{
    CLEANUP(answer_fini) struct answer a;
    expect(b, request, status, &a);
}

/* An error as every error is: JSON with the status' code and a sentence. */
static void expect_error(struct bench *b, const char *request, unsigned status)
{
    CLEANUP(answer_fini) struct answer a;
    char start[100];
    expect(b, request, status, &a);
    snprintf(start, sizeof(start), "{\"error\":{\"code\":\"%s\",\"message\":\"",
             http_error_code(status));
    if (strncmp(answer_body(&a), start, strlen(start)) != 0)
        fail_msg("%s", answer_body(&a));
    assert_true(answer_has(&a, "Content-Type", "application/json"));
    assert_true(answer_has(&a, "Cache-Control", "no-store"));
}

/* ---- answers ---- */

static void test_an_answer(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a;
    setup(&b);
    expect(&b, GET("/api/hello?name=w%C3%B6rld%22"), 200, &a);
    assert_string_equal(answer_body(&a), "{\"hello\":\"w\xc3\xb6rld\\\"\"}");
    assert_true(answer_has(&a, "Content-Type", "application/json"));
    assert_true(answer_has(&a, "Cache-Control", "no-store"));
    assert_true(answer_has(&a, "Date", NULL));
    assert_true(answer_has(&a, "X-Content-Type-Options", "nosniff"));
    assert_true(answer_has(&a, "Referrer-Policy", "no-referrer"));
    assert_true(answer_has(&a, "Cross-Origin-Opener-Policy", "same-origin"));
    assert_true(answer_has(&a, "Cross-Origin-Resource-Policy", "same-origin"));
    assert_true(answer_has(&a, "Permissions-Policy", NULL));
    assert_true(answer_has(&a, "Content-Security-Policy",
                           "default-src 'none'; script-src 'self'; style-src 'self'; img-src "
                           "'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
                           "form-action 'self'; frame-ancestors 'none'"));
    assert_false(answer_has(&a, "Connection", NULL));
    assert_int_equal(http_server_counters(b.server)->requests, 1);
    assert_int_equal(http_server_counters(b.server)->answers_by_class[2], 1);
    bench_end(&b);
}

static void test_head(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd, "HEAD /api/hello?name=x HTTP/1.1\r\n" HOST "\r\n" GET("/api/hello"));
    assert_int_equal(client_answer(&b, fd, true, &a), 200);
    assert_true(answer_has(&a, "Content-Length", "13"));
    CLEANUP(answer_fini) struct answer next;
    assert_int_equal(client_answer(&b, fd, false, &next), 200); /* and no body in between */
    assert_string_equal(answer_body(&next), "{\"hello\":null}");
    close(fd);
    bench_end(&b);
}

static void test_errors(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    expect_error(&b, GET("/nowhere"), 404);
    expect_error(&b, GET("/api/items/"), 404);
    expect_error(&b, GET("/api/items/a/b"), 404);
    expect_error(&b, GET("/api/hello/"), 404);
    expect_error(&b, "DELETE /api/hello HTTP/1.1\r\n" HOST "\r\n", 405);
    expect_error(&b, "POST / HTTP/1.1\r\n" HOST "\r\n", 405);
    expect_error(&b, "PROPFIND /api/hello HTTP/1.1\r\n" HOST "\r\n", 405);
    expect_error(&b, GET("/api/failed"), 500);
    CLEANUP(answer_fini) struct answer a;
    expect(&b, GET("/api/refuse?from=yes%22"), 400, &a);
    assert_string_equal(answer_body(&a),
                        "{\"error\":{\"code\":\"bad_range\",\"message\":\"\\\"yes\\\"\\\" is no "
                        "time.\",\"field\":\"from\"}}\n");
    bench_end(&b);
}

static void test_methods(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer wrong, options, star, page;
    setup(&b);
    expect(&b, "POST /api/items/a HTTP/1.1\r\n" HOST "\r\n", 405, &wrong);
    assert_true(answer_has(&wrong, "Allow", "OPTIONS, GET, HEAD, DELETE"));
    expect(&b, "OPTIONS /api/echo HTTP/1.1\r\n" HOST "\r\n", 204, &options);
    assert_true(answer_has(&options, "Allow", "OPTIONS, POST"));
    assert_false(answer_has(&options, "Content-Length", NULL));
    expect(&b, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 204, &star);
    expect(&b, "DELETE /interfaces HTTP/1.1\r\n" HOST "\r\n", 405, &page);
    assert_true(answer_has(&page, "Allow", "OPTIONS, GET, HEAD"));
    bench_end(&b);
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *request, *body;
    } cases[] = {
        {GET("/api/items/a%20b"), "[\"pattern\",\"a b\",null,1]"},
        {GET("/api/items/test"), "[\"literal\",null,null,1]"},
        {GET("/api/items/testing"), "[\"pattern\",\"testing\",null,1]"},
        {GET("/api/items/a/parts/b"), "[\"two\",\"a\",\"b\",1]"},
    };
    struct bench b;
    setup(&b);
    b.peer_uid = 4711;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(answer_fini) struct answer a;
        expect(&b, cases[i].request, 200, &a);
        assert_string_equal(answer_body(&a), cases[i].body);
    }
    b.peer_uid = 0; /* a handler that asks learns that it is an admin */
    CLEANUP(answer_fini) struct answer a;
    expect(&b, GET("/api/items/x"), 200, &a);
    assert_string_equal(answer_body(&a), "[\"pattern\",\"x\",null,2]");
    bench_end(&b);
}

static void test_base_path(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer moved;
    bench_start(&b, NULL, "/net/sonde/");
    expect_status(&b, GET("/net/sonde/api/hello"), 200);
    expect_status(&b, GET("/net/sonde/"), 200);
    expect_status(&b, GET("/net/sonde/interfaces"), 200);
    expect_error(&b, GET("/api/hello"), 404);
    expect_error(&b, GET("/"), 404);
    expect_error(&b, GET("/net/sondeapi/hello"), 404);
    expect(&b, GET("/net/sonde"), 308, &moved);
    assert_true(answer_has(&moved, "Location", "/net/sonde/"));
    bench_end(&b);
}

/* ---- connections ---- */

static void test_keep_alive(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    int fd = client_open(&b);
    for (int i = 0; i < 5; i++) {
        CLEANUP(answer_fini) struct answer a;
        client_text(&b, fd, GET("/api/hello?name=again"));
        assert_int_equal(client_answer(&b, fd, false, &a), 200);
    }
    CLEANUP(answer_fini) struct answer last;
    client_text(&b, fd, "GET /api/hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_int_equal(client_answer(&b, fd, false, &last), 200);
    assert_true(answer_has(&last, "Connection", "close"));
    assert_true(client_at_end(&b, fd));
    close(fd);
    assert_int_equal(net_counters(b.net)->accepted, 1);

    CLEANUP(answer_fini) struct answer old, kept;
    fd = client_open(&b);
    client_text(&b, fd, "GET /api/hello HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n");
    assert_int_equal(client_answer(&b, fd, false, &kept), 200);
    assert_true(answer_has(&kept, "Connection", "keep-alive"));
    client_text(&b, fd, "GET /api/hello HTTP/1.0\r\n" HOST "\r\n");
    assert_int_equal(client_answer(&b, fd, false, &old), 200);
    assert_true(client_at_end(&b, fd));
    close(fd);
    bench_end(&b);
}

static void test_pipelining(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    int fd = client_open(&b);
    client_text(
        &b, fd,
        GET("/api/hello?name=1") GET("/api/big?size=3000000")
            GET("/api/hello?name=3") "POST /api/echo HTTP/1.1\r\n" HOST
                                     "Content-Type: application/json\r\n"
                                     "Content-Length: 3\r\n\r\n[4]" GET("/api/big?size=2000000"));
    static const struct {
        unsigned status;
        const char *body;
        size_t len;
    } expected[] = {
        {200, "{\"hello\":\"1\"}", 13}, {200, NULL, 3000000},
        {200, "{\"hello\":\"3\"}", 13}, {201, "[4]", 3},
        {200, NULL, 2000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        CLEANUP(answer_fini) struct answer a;
        assert_int_equal(client_answer(&b, fd, false, &a), expected[i].status);
        assert_int_equal(a.body.len, expected[i].len);
        if (expected[i].body)
            assert_string_equal(answer_body(&a), expected[i].body);
        /* Of the large ones never more than one is held. */
        assert_true(net_counters(b.net)->queued_bytes <= 3001000);
    }
    close(fd);
    bench_end(&b);
}

/* Who asks for much and does not take it cannot make the server hold any amount. */
static void test_large_answers_are_bounded(void **state)
{
    enum { CLIENTS = 10, BYTES = 20000000, ROOM = 6 };
    (void)state;
    struct bench b;
    int fds[CLIENTS];
    setup(&b);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_open(&b);
        client_text(&b, fds[i], GET("/api/big?size=20000000"));
        RUN_UNTIL(&b.loop, http_server_counters(b.server)->requests == (uint64_t)i + 1);
    }
    assert_int_equal(http_server_counters(b.server)->answers_by_class[2], ROOM);
    assert_int_equal(http_server_counters(b.server)->answers_by_class[5], CLIENTS - ROOM);
    CLEANUP(answer_fini) struct answer busy, small, first, again;
    expect(&b, GET("/api/big?size=20000000"), 503, &busy);
    assert_non_null(strstr(answer_body(&busy), "\"busy\""));
    expect(&b, GET("/api/hello"), 200, &small); /* little things are not concerned */
    /* There is room as soon as one has taken his, or left. */
    assert_int_equal(client_answer(&b, fds[0], false, &first), 200);
    assert_int_equal(first.body.len, BYTES);
    expect(&b, GET("/api/big?size=20000000"), 200, &again);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    RUN_UNTIL(&b.loop, net_counters(b.net)->open == 0);
    for (int i = 0; i < ROOM; i++) {
        fds[i] = client_open(&b);
        client_text(&b, fds[i], GET("/api/big?size=20000000"));
    }
    RUN_UNTIL(&b.loop, http_server_counters(b.server)->answers_by_class[2] == 2U * ROOM + 2);
    for (int i = 0; i < ROOM; i++)
        close(fds[i]);
    bench_end(&b);
}

/* What is being compressed is held as well. */
static void test_what_is_compressed_counts(void **state)
{
    enum { BYTES = 3000000 };
    (void)state;
    struct bench b;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd,
                "GET /api/big?size=3000000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    RUN_UNTIL(&b.loop, http_server_counters(b.server)->requests == 1);
    assert_int_equal(b.server->held, BYTES); /* it comes back in another turn of the loop */
    CLEANUP(answer_fini) struct answer a;
    assert_int_equal(client_answer(&b, fd, false, &a), 200);
    assert_true(answer_has(&a, "Content-Encoding", "gzip"));
    RUN_UNTIL(&b.loop, b.server->held == 0);

    client_text(&b, fd,
                "GET /api/big?size=3000000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
    RUN_UNTIL(&b.loop, http_server_counters(b.server)->requests == 2);
    close(fd); /* meanwhile */
    RUN_UNTIL(&b.loop, net_counters(b.net)->open == 0 && b.server->held == 0);
    bench_end(&b);
}

static void block(uv_work_t *work)
{
    uv_sem_wait(work->data);
}

static void unblocked(uv_work_t *work, int status)
{
    (void)work;
    assert_int_equal(status, 0);
}

/* Who leaves does not give back what is still being compressed for him: the next ones would come
 * on top of it, as fast as they can ask and leave. */
static void test_what_is_compressed_for_nobody_counts(void **state)
{
    enum { CLIENTS = 10, ROOM = 6, POOL = 8 };
    (void)state;
    struct bench b;
    uv_sem_t go_on;
    uv_work_t works[POOL];
    setup(&b);
    assert_int_equal(uv_sem_init(&go_on, 0), 0);
    for (int i = 0; i < POOL; i++) {
        works[i].data = &go_on;
        assert_int_equal(uv_queue_work(&b.loop, &works[i], block, unblocked), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        int fd = client_open(&b);
        client_text(&b, fd,
                    "GET /api/big?size=20000000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
        RUN_UNTIL(&b.loop, http_server_counters(b.server)->requests == (uint64_t)i + 1);
        close(fd);
        RUN_UNTIL(&b.loop, net_counters(b.net)->open == 0);
    }
    unsigned turned_away = (unsigned)http_server_counters(b.server)->answers_by_class[5];
    for (int i = 0; i < POOL; i++)
        uv_sem_post(&go_on);
    assert_int_equal(turned_away, CLIENTS - ROOM);
    RUN_UNTIL(&b.loop, b.server->held == 0 && b.server->packing == 0);
    CLEANUP(answer_fini) struct answer again;
    expect(&b, GET("/api/big?size=20000000"), 200, &again);
    bench_end(&b);
    uv_sem_destroy(&go_on);
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    static const char request[] =
        "POST /api/echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    struct bench b;
    CLEANUP(answer_fini) struct answer a;
    setup(&b);
    int fd = client_open(&b);
    uint64_t sent = 0;
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        client_write(&b, fd, request + i, 1);
        RUN_UNTIL(&b.loop, net_counters(b.net)->bytes_in == sent + 1);
        sent++;
    }
    assert_int_equal(client_answer(&b, fd, false, &a), 201);
    assert_string_equal(answer_body(&a), "{}");
    close(fd);
    bench_end(&b);
}

static void test_expect_continue(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer go_on, a;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd,
                "POST /api/echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
                "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(client_answer(&b, fd, true, &go_on), 100);
    client_text(&b, fd, "{}");
    assert_int_equal(client_answer(&b, fd, false, &a), 201);
    close(fd);
    /* Who announces too much is told so instead. */
    expect_error(&b,
                 "POST /api/echo HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
                 "Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n",
                 413);
    bench_end(&b);
}

/* A post of that many bytes, chunked or not; the status of the answer. */
static unsigned post_bytes(struct bench *b, const char *path, size_t len, bool chunked)
{
    CLEANUP(answer_fini) struct answer a;
    struct buf request = BUF_INIT;
    int fd = client_open(b);
    buf_printf(&request, "POST %s HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n", path);
    if (chunked)
        buf_printf(&request, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
    else
        buf_printf(&request, "Content-Length: %zu\r\n\r\n", len);
    for (size_t i = 0; i < len; i++)
        buf_char(&request, ' ');
    if (chunked)
        buf_text(&request, "\r\n0\r\n\r\n");
    client_write(b, fd, request.data, request.len);
    buf_fini(&request);
    unsigned status = client_answer(b, fd, false, &a);
    if (status == 201)
        assert_int_equal(a.body.len, len);
    close(fd);
    return status;
}

/* A route may take more than the others, of those who have its role. */
static void test_large_bodies(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    for (int chunked = 0; chunked < 2; chunked++) {
        b.peer_uid = 0;
        assert_int_equal(post_bytes(&b, "/api/large", 100000, chunked), 201);
        assert_int_equal(post_bytes(&b, "/api/large", 100001, chunked), 413);
        assert_int_equal(post_bytes(&b, "/api/large", 65537, chunked), 201);
        assert_int_equal(post_bytes(&b, "/api/echo", 65536, chunked), 201);
        assert_int_equal(post_bytes(&b, "/api/echo", 65537, chunked), 413);
        assert_int_equal(post_bytes(&b, "/api/largest", 65537, chunked), 413);
        b.peer_uid = 4711;
        assert_int_equal(post_bytes(&b, "/api/large", 65537, chunked), 413);
        assert_int_equal(post_bytes(&b, "/api/large", 65536, chunked), 403);
    }
    expect_error(&b,
                 "POST /api/large HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n"
                 "Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n",
                 413);
    assert_int_equal(http_server_counters(b.server)->malformed, 9);
    bench_end(&b);
}

/* A half-closed connection still gets the answer to what it sent. */
static void test_half_close(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd, GET("/api/big?size=1000000"));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(client_answer(&b, fd, false, &a), 200);
    assert_int_equal(a.body.len, 1000000);
    assert_true(client_at_end(&b, fd));
    close(fd);
    bench_end(&b);
}

/* ---- bad input ---- */

static void test_malformed_requests_disturb_nobody(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    int good = client_open(&b);
    expect_error(&b, "\x16\x03\x01\r\n", 400);
    expect_error(&b, "GET / HTTP/1.1\r\n\r\n", 400);
    expect_error(&b, "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400);
    expect_error(&b, "GET /../etc HTTP/1.1\r\n" HOST "\r\n", 400);
    expect_error(&b, "GET / HTTP/3.0\r\n" HOST "\r\n", 505);
    expect_error(&b, "BREW / HTTP/1.1\r\n" HOST "\r\n", 501);
    assert_int_equal(http_server_counters(b.server)->malformed, 6);
    CLEANUP(answer_fini) struct answer a;
    client_text(&b, good, GET("/api/hello"));
    assert_int_equal(client_answer(&b, good, false, &a), 200);
    close(good);
    bench_end(&b);
}

/* The answer reaches a client that is still sending, and then the connection ends. */
static void test_the_rest_of_a_bad_request_is_drained(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd, "POST /api/echo HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    char *body = calloc(1, 1000000);
    client_write(&b, fd, body, 1000000);
    free(body);
    assert_int_equal(client_answer(&b, fd, false, &a), 413);
    assert_true(answer_has(&a, "Connection", "close"));
    assert_true(client_at_end(&b, fd));
    close(fd);
    bench_end(&b);
}

static void test_time_outs(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a, first;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.handshake_ms = limits.keepalive_ms = 400; /* more than a busy machine's pauses */
    bench_start(&b, &limits, "/");
    int fd = client_open(&b);
    client_text(&b, fd, "GET / HTTP/1.1\r\nHost: loc");
    assert_int_equal(client_answer(&b, fd, false, &a), 408);
    assert_true(client_at_end(&b, fd));
    close(fd);
    int silent = client_open(&b); /* browsers connect ahead of need: no answer to no question */
    assert_true(client_at_end(&b, silent));
    close(silent);
    int idle = client_open(&b);
    client_text(&b, idle, GET("/api/hello"));
    assert_int_equal(client_answer(&b, idle, false, &first), 200);
    assert_true(client_at_end(&b, idle));
    close(idle);
    assert_int_equal(http_server_counters(b.server)->timed_out, 1);
    assert_int_equal(net_counters(b.net)->expired_handshake, 2);
    assert_int_equal(net_counters(b.net)->expired_keepalive, 1);
    bench_end(&b);
}

/* ---- access ---- */

static void test_access(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    const struct http_counters *c = http_server_counters(b.server);
    expect_error(&b, "GET /api/hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421);
    expect_error(&b, "GET / HTTP/1.0\r\n\r\n", 421);
    assert_int_equal(c->refused_host, 2);

#define POST(headers) "POST /api/echo HTTP/1.1\r\n" HOST headers "Content-Length: 2\r\n\r\n{}"
#define JSON "Content-Type: application/json\r\n"
    expect_status(&b, POST(JSON), 201);
    expect_status(&b, POST(JSON "Origin: http://localhost\r\n"), 201);
    expect_error(&b, POST(JSON "Origin: http://evil.example\r\n"), 403);
    expect_error(&b, POST(JSON "Sec-Fetch-Site: cross-site\r\n"), 403);
    expect_error(&b, "OPTIONS /api/echo HTTP/1.1\r\n" HOST "Origin: http://evil\r\n\r\n", 403);
    assert_int_equal(c->refused_origin, 3);
    expect_status(&b, "GET /api/hello HTTP/1.1\r\n" HOST "Sec-Fetch-Site: cross-site\r\n\r\n", 200);
    expect_error(&b, POST("Content-Type: text/plain\r\n"), 415);
    expect_error(&b, POST(""), 415);
    assert_int_equal(c->refused_type, 2);
    bench_end(&b);
}

static void test_roles(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a;
    setup(&b);
#define DELETE(headers) "DELETE /api/items/a HTTP/1.1\r\n" HOST headers "\r\n"
    b.peer_uid = 0;
    expect_status(&b, DELETE(""), 200);
    b.peer_uid = 1000;
    expect_status(&b, DELETE(""), 200);
    b.peer_uid = 1001;
    expect_error(&b, DELETE(""), 403);
    b.peer_uid = 0;
    expect(&b, DELETE("Via: 1.1 proxy\r\n"), 401, &a);
    assert_true(answer_has(&a, "WWW-Authenticate", "Bearer realm=\"netsonde\""));
#define FORWARDED "X-Forwarded-For: 192.0.2.1\r\n\r\n"
    expect_error(&b, "GET /api/hello HTTP/1.1\r\n" HOST FORWARDED, 401);
    expect_status(&b, "GET /healthz HTTP/1.1\r\n" HOST FORWARDED, 200);
    expect_status(&b, "GET / HTTP/1.1\r\n" HOST FORWARDED, 200);
    assert_int_equal(http_server_counters(b.server)->refused_role, 3);
    bench_end(&b);
}

/* ---- later answers ---- */

static void test_a_deferred_answer(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a, next;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd, GET("/api/later") GET("/api/hello?name=next"));
    RUN_UNTIL(&b.loop, b.kept);
    for (int i = 0; i < 5; i++)
        uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_int_equal(http_server_counters(b.server)->requests, 1); /* the next one waits */
    struct buf body = BUF_INIT;
    buf_text(&body, "\"at last\"");
    http_respond_json(b.kept, 200, &body);
    assert_int_equal(client_answer(&b, fd, false, &a), 200);
    assert_string_equal(answer_body(&a), "\"at last\"");
    assert_int_equal(client_answer(&b, fd, false, &next), 200);
    assert_string_equal(answer_body(&next), "{\"hello\":\"next\"}");
    close(fd);
    bench_end(&b);
    assert_int_equal(b.gone, 0);
}

static void test_the_client_leaves_first(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd, GET("/api/later"));
    RUN_UNTIL(&b.loop, b.kept);
    close(fd);
    RUN_UNTIL(&b.loop, b.gone);
    assert_null(b.kept);
    assert_int_equal(http_server_counters(b.server)->gone, 1);
    bench_end(&b);
}

static void test_the_server_stops_first(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd, GET("/api/later"));
    RUN_UNTIL(&b.loop, b.kept);
    bench_end(&b);
    assert_int_equal(b.gone, 1);
    close(fd);
}

static void test_stop(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a, first;
    setup(&b);
    int idle = client_open(&b), busy = client_open(&b);
    client_text(&b, idle, GET("/api/hello"));
    assert_int_equal(client_answer(&b, idle, false, &first), 200);
    client_text(&b, busy, GET("/api/later"));
    RUN_UNTIL(&b.loop, b.kept);
    http_server_stop(b.server);
    assert_true(client_at_end(&b, idle));
    http_respond_empty(b.kept, 204);
    assert_int_equal(client_answer(&b, busy, false, &a), 204);
    assert_true(answer_has(&a, "Connection", "close"));
    assert_true(client_at_end(&b, busy));
    close(idle);
    close(busy);
    bench_end(&b);
}

/* ---- compression ---- */

static void expect_big(struct bench *b, size_t size, const char *header, bool packed)
{
    CLEANUP(answer_fini) struct answer a;
    CLEANUP(buf_fini) struct buf plain = BUF_INIT;
    char request[300];
    snprintf(request, sizeof(request), "GET /api/big?size=%zu HTTP/1.1\r\n" HOST "%s\r\n", size,
             header);
    expect(b, request, 200, &a);
    assert_int_equal(answer_has(&a, "Content-Encoding", "gzip"), packed);
    assert_int_equal(answer_has(&a, "Vary", "Accept-Encoding"), packed);
    if (packed) {
        assert_true(a.body.len < size);
        assert_int_equal(gzip_unpack(a.body.data, a.body.len, size, &plain), 0);
    } else {
        buf_append(&plain, a.body.data, a.body.len);
    }
    assert_int_equal(plain.len, size);
    for (size_t i = 0; i < size; i++) {
        if (plain.data[i] != (char)('0' + i / 7 % 10))
            fail_msg("byte %zu", i);
    }
}

static void test_compression(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    expect_big(&b, 500, "Accept-Encoding: gzip\r\n", false); /* does not pay */
    expect_big(&b, 5000, "Accept-Encoding: gzip\r\n", true);
    expect_big(&b, 5000, "Accept-Encoding: gzip;q=0\r\n", false);
    expect_big(&b, 5000, "", false);
    expect_big(&b, 500000, "Accept-Encoding: br, gzip\r\n", true); /* on another thread */
    expect_big(&b, 500000, "", false);
    CLEANUP(answer_fini) struct answer head;
    expect(&b, "HEAD /api/big?size=500000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n", 200,
           &head);
    assert_true(answer_has(&head, "Content-Encoding", "gzip"));
    bench_end(&b);
}

static void test_the_client_leaves_while_its_answer_is_compressed(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    for (int i = 0; i < 20; i++) {
        int fd = client_open(&b);
        client_text(&b, fd,
                    "GET /api/big?size=400000 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
        uint64_t before = http_server_counters(b.server)->requests;
        RUN_UNTIL(&b.loop, http_server_counters(b.server)->requests > before);
        close(fd);
    }
    bench_end(&b);
}

static void test_etag(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a, known, other;
    setup(&b);
    expect(&b, GET("/api/tagged"), 200, &a);
    assert_true(answer_has(&a, "ETag", "W/\"v1\""));
    assert_true(answer_has(&a, "Cache-Control", "no-cache"));
    assert_true(answer_has(&a, "X-Extra", "yes"));
    expect(&b, "GET /api/tagged HTTP/1.1\r\n" HOST "If-None-Match: W/\"v1\"\r\n\r\n", 304, &known);
    assert_true(answer_has(&known, "ETag", "W/\"v1\""));
    assert_false(answer_has(&known, "Content-Length", NULL));
    expect(&b, "GET /api/tagged HTTP/1.1\r\n" HOST "If-None-Match: W/\"v0\"\r\n\r\n", 200, &other);
    bench_end(&b);
}

/* ---- files ---- */

static void test_files(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer page, other, known, packed, plain, head;
    setup(&b);
    expect(&b, GET("/"), 200, &page);
    assert_string_equal(answer_body(&page), "<!doctype html><title>index</title>\n");
    assert_true(answer_has(&page, "Content-Type", "text/html; charset=utf-8"));
    assert_true(answer_has(&page, "Cache-Control", "no-cache"));
    assert_true(answer_has(&page, "ETag", "W/\"index\""));
    expect(&b, GET("/interfaces?from=now-15m"), 200, &other);
    assert_string_equal(answer_body(&other), answer_body(&page));
    expect(&b, "GET / HTTP/1.1\r\n" HOST "If-None-Match: W/\"index\"\r\n\r\n", 304, &known);
    expect(&b, "GET /assets/main-1a2b.js HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n", 200,
           &packed);
    assert_true(answer_has(&packed, "Content-Encoding", "gzip"));
    assert_true(answer_has(&packed, "Vary", "Accept-Encoding"));
    assert_true(answer_has(&packed, "Cache-Control", "public, max-age=31536000, immutable"));
    expect(&b, GET("/assets/main-1a2b.js"), 200, &plain);
    assert_false(answer_has(&plain, "Content-Encoding", NULL));
    assert_string_equal(answer_body(&plain), "console.log('main');\n");
    expect(&b, "HEAD /assets/main-1a2b.js HTTP/1.1\r\n" HOST "\r\n", 200, &head);
    assert_true(answer_has(&head, "Content-Length", "21"));
    expect_error(&b, GET("/assets/other.js"), 404);
    expect_error(&b, GET("/connections"), 404); /* no page of this table */
    bench_end(&b);
}

/* ---- WebSocket ---- */

#define UPGRADE                                                                                    \
    HOST "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void test_upgrade(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a;
    setup(&b);
    int fd = client_open(&b);
    client_text(&b, fd,
                "GET /api/stream?subscribe=metrics HTTP/1.1\r\n" UPGRADE KEY
                "Sec-WebSocket-Protocol: other, netsonde.v1\r\nOrigin: http://localhost\r\n\r\n"
                "first frame");
    assert_int_equal(client_answer(&b, fd, true, &a), 101);
    assert_true(answer_has(&a, "Upgrade", "websocket"));
    assert_true(answer_has(&a, "Connection", "Upgrade"));
    assert_true(answer_has(&a, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_true(answer_has(&a, "Sec-WebSocket-Protocol", "netsonde.v1"));
    RUN_UNTIL(&b.loop, b.frames.len == 11); /* what came with the head belongs to the stream */
    client_text(&b, fd, ", second");
    RUN_UNTIL(&b.loop, b.frames.len == 19);
    assert_string_equal(buf_string(&b.frames), "first frame, second");
    assert_int_equal(http_server_counters(b.server)->answers_by_class[1], 1);
    close(fd);
    RUN_UNTIL(&b.loop, b.streams_closed == 1);

    CLEANUP(answer_fini) struct answer plain, other;
    expect(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "\r\n", 101, &plain);
    assert_false(answer_has(&plain, "Sec-WebSocket-Protocol", NULL));
    expect(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "Sec-WebSocket-Protocol: x\r\n\r\n", 101,
           &other);
    assert_false(answer_has(&other, "Sec-WebSocket-Protocol", NULL));
    bench_end(&b);
}

static void test_extensions(void **state)
{
    (void)state;
    static const char agreed[] =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    struct bench b;
    CLEANUP(answer_fini) struct answer none, browser, lines, declined;
    setup(&b);
    expect(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "\r\n", 101, &none);
    assert_false(answer_has(&none, "Sec-WebSocket-Extensions", NULL));
    assert_false(b.deflate);
    expect(&b,
           "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY
           "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
           101, &browser);
    assert_true(answer_has(&browser, "Sec-WebSocket-Extensions", agreed));
    assert_true(b.deflate);
    expect(&b,
           "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY
           "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n\r\n",
           101, &declined);
    assert_false(answer_has(&declined, "Sec-WebSocket-Extensions", NULL));
    assert_false(b.deflate);
    expect(&b,
           "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY
           "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n"
           "sec-websocket-extensions: x, permessage-deflate\r\n\r\n",
           101, &lines);
    assert_true(answer_has(&lines, "Sec-WebSocket-Extensions", agreed));
    assert_true(b.deflate);
    expect_error(&b,
                 "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY
                 "Sec-WebSocket-Extensions: permessage-deflate; =\r\n\r\n",
                 400);
    expect_error(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "Sec-WebSocket-Extensions:\r\n\r\n",
                 400);
    bench_end(&b);
}

static void test_refused_upgrades(void **state)
{
    (void)state;
    struct bench b;
    CLEANUP(answer_fini) struct answer a, old;
    setup(&b);
    expect(&b, GET("/api/stream"), 426, &a);
    assert_true(answer_has(&a, "Upgrade", "websocket"));
    assert_true(answer_has(&a, "Sec-WebSocket-Version", "13"));
    expect(&b,
           "GET /api/stream HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 8\r\n" KEY "\r\n",
           426, &old);
    expect_error(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE "\r\n", 400);
    expect_error(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE "Sec-WebSocket-Key: short\r\n\r\n",
                 400);
    expect_error(&b, "GET /api/stream HTTP/1.0\r\n" UPGRADE KEY "\r\n", 400);
    expect_error(
        &b, "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "Origin: http://evil.example\r\n\r\n", 403);
    expect_error(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "Sec-Fetch-Site: same-site\r\n\r\n",
                 403);
    expect_error(&b, "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "Via: 1.1 x\r\n\r\n", 401);
    assert_null(b.upgraded);
    /* An upgrade that nobody asked us to understand is an ordinary request. */
    expect_status(
        &b, "GET /api/hello HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200);
    bench_end(&b);
}

/* After a request, and after an upgrade, a connection holds no more than before. */
static void test_idle_memory(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    static const char *const requests[] = {GET("/api/hello"),
                                           "GET /api/stream HTTP/1.1\r\n" UPGRADE KEY "\r\n"};
    static const size_t most[] = {600, 500};
    for (size_t kind = 0; kind < 2; kind++) {
        struct bench b;
        int fds[COUNT];
        setup(&b);
        size_t before = 0;
        for (int i = 0; i < COUNT; i++) {
            CLEANUP(answer_fini) struct answer a;
            fds[i] = client_open(&b);
            client_text(&b, fds[i], requests[kind]);
            assert_in_range(client_answer(&b, fds[i], kind == 1, &a), 101, 200);
            answer_fini(&a);
            if (i == COUNT / 2 - 1)
                before = mallinfo2().uordblks; /* tables have grown by now */
        }
        size_t each = (mallinfo2().uordblks - before) / (COUNT / 2);
        print_message("%s takes %zu bytes\n", kind ? "an upgraded conn" : "an idle session", each);
        assert_true(each <= most[kind]); /* 0 where malloc is replaced */
        for (int i = 0; i < COUNT; i++)
            close(fds[i]);
        bench_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_base_path),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_large_answers_are_bounded),
        cmocka_unit_test(test_what_is_compressed_counts),
        cmocka_unit_test(test_what_is_compressed_for_nobody_counts),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_malformed_requests_disturb_nobody),
        cmocka_unit_test(test_the_rest_of_a_bad_request_is_drained),
        cmocka_unit_test(test_time_outs),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_a_deferred_answer),
        cmocka_unit_test(test_the_client_leaves_first),
        cmocka_unit_test(test_the_server_stops_first),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_the_client_leaves_while_its_answer_is_compressed),
        cmocka_unit_test(test_etag),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_refused_upgrades),
        cmocka_unit_test(test_idle_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
