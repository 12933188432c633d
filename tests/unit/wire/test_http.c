/*
 * test_http.c: requests are fed whole, byte by byte and cut at every place, and must come out the
 * same. The table of refused shapes is what makes two programs disagree about where a request ends
 * or whom it addresses; it must hold with every version of llhttp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "wire/http.h"

#define HOST "Host: localhost\r\n"

/* ---- feeding ---- */

/* What became of the bytes, as text: the status of a refusal, or the request's parts. */
static void describe(struct buf *out, const struct http_parser *p, enum http_event event)
{
    if (event == HTTP_EVENT_BAD) {
        buf_u64(out, http_parser_status(p));
        assert_true(strlen(http_parser_reason(p)) > 10);
        return;
    }
    if (event != HTTP_EVENT_DONE) {
        buf_text(out, "incomplete");
        return;
    }
    const struct http_head *head = http_parser_head(p);
    size_t body_len;
    const char *body = http_parser_body(p, &body_len);
    buf_printf(out, "%u %s", (unsigned)head->method, head->path);
    for (size_t i = 0; i < head->param_count; i++)
        buf_printf(out, " %s=%s", head->params[i].name, head->params[i].value);
    for (size_t i = 0; i < head->header_count; i++)
        buf_printf(out, " [%s: %s]", head->headers[i].name, head->headers[i].value);
    if (body_len) {
        buf_char(out, ' ');
        buf_append(out, body, body_len);
    }
}

/* Feeds one piece until it is used up or the request is over. Returns how much was used. */
static size_t feed(struct http_parser *p, const char *data, size_t len, enum http_event *event)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    size_t at = 0;
    while (at < len && *event != HTTP_EVENT_DONE && *event != HTTP_EVENT_BAD) {
        size_t used = SIZE_MAX;
        *event = http_parse(p, copy + at, len - at, &used);
        assert_true(used <= len - at);
        at += used;
        if (*event == HTTP_EVENT_HEAD)
            assert_true(http_parser_head(p)->has_body);
    }
    free(copy);
    return at;
}

static void check_cut(const char *text, size_t len, size_t cut, size_t step, const char *expected)
{
    struct http_parser *p = http_parser_new(&HTTP_LIMITS_DEFAULT);
    enum http_event event = HTTP_EVENT_MORE;
    CLEANUP(buf_fini) struct buf got = BUF_INIT;
    feed(p, text, cut, &event);
    for (size_t at = cut; at < len; at += step)
        feed(p, text + at, MIN(step, len - at), &event);
    describe(&got, p, event);
    http_parser_free(p);
    if (strcmp(buf_string(&got), expected) != 0)
        fail_msg("\"%.200s\"\ncut at %zu, then every %zu: expected\n%s\ngot\n%s", text, cut, step,
                 expected, buf_string(&got));
}

static void check_n(const char *text, size_t len, const char *expected)
{
    for (size_t cut = 0; cut <= len; cut++)
        check_cut(text, len, cut, len, expected);
    check_cut(text, len, 0, 1, expected);
}

static void check(const char *text, const char *expected)
{
    check_n(text, strlen(text), expected);
}

/* ---- what is taken ---- */

static void test_requests(void **state)
{
    (void)state;
    check("GET / HTTP/1.1\r\n" HOST "\r\n", "1 / [host: localhost]");
    check("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "1 / [host: localhost]");
    check("HEAD /x HTTP/1.1\r\n" HOST "\r\n", "2 /x [host: localhost]");
    check("DELETE /x HTTP/1.1\r\n" HOST "\r\n", "16 /x [host: localhost]");
    check("PROPFIND /x HTTP/1.1\r\n" HOST "\r\n", "128 /x [host: localhost]");
    check("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "64 * [host: localhost]");
    check("GET / HTTP/1.0\r\n\r\n", "1 /");
    check("GET /a HTTP/1.1\r\nHOST:  [::1]:7477 \t\r\nX-Empty:\r\nX-Tab:\ta\tb\r\n\r\n",
          "1 /a [host: [::1]:7477] [x-empty: ] [x-tab: a\tb]");
    check("GET http://localhost:7477/a?b HTTP/1.1\r\nHost: other\r\n\r\n", "1 /a b= [host: other]");
    check("GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", "1 / [host: localhost]");
    check("GET http://localhost?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "1 / q=1 [host: localhost]");
}

static void test_bodies(void **state)
{
    (void)state;
    check("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET",
          "4 /x [host: localhost] [content-length: 5] hello");
    check("POST /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
          "4 /x [host: localhost] [content-length: 0]");
    check("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
          "3\r\nhel\r\nA;name=\"v\"\r\nlo, world!\r\n0\r\n\r\n",
          "4 /x [host: localhost] [transfer-encoding: chunked] hello, world!");
    check("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
          "00000003\r\nabc\r\n000\r\nX-Trailer: 1\r\nX-Two: 2\r\n\r\n",
          "4 /x [host: localhost] [transfer-encoding: Chunked] abc");
    check("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nab", "incomplete");
}

static void test_targets(void **state)
{
    (void)state;
    static const struct {
        const char *target, *expected;
    } cases[] = {
        {"/a%20b/%7Ec", "1 /a b/~c [host: localhost]"},
        {"/%e2%82%ac", "1 /\xe2\x82\xac [host: localhost]"},
        {"/x?a=1&b=2&a=3", "1 /x a=1 b=2 a=3 [host: localhost]"},
        {"/x?a=b%3Dc%26d&e+f=g+h", "1 /x a=b=c&d e f=g h [host: localhost]"},
        {"/x?a=%2Fetc%2f", "1 /x a=/etc/ [host: localhost]"},
        {"/x?&&a&&=b&", "1 /x a= =b [host: localhost]"},
        {"/x?a=b=c?d", "1 /x a=b=c?d [host: localhost]"},
        {"/x?", "1 /x [host: localhost]"},
        {"/a+b", "1 /a+b [host: localhost]"},
        {"/...", "1 /... [host: localhost]"},
        {"/a/.b", "1 /a/.b [host: localhost]"},
        {"/..", "400"},
        {"/a/../b", "400"},
        {"/a/.", "400"},
        {"/%2e%2E/etc", "400"},
        {"/a%2fb", "400"},
        {"/a%2Fb", "400"},
        {"/a%00b", "400"},
        {"/a%0ab", "400"},
        {"/a%7f", "400"},
        {"/a%", "400"},
        {"/a%4", "400"},
        {"/a%zz", "400"},
        {"/%ff", "400"},
        {"/x?a=%00", "400"},
        {"/x?a=%", "400"},
        {"/x?a=%c3", "400"},
        {"/a#b", "400"},
        {"/\xc3\xbc", "400"},
        {"x", "400"},
        {"*", "400"},
        {"http:///x", "400"},
        {"http://user@localhost/", "400"},
        {"ftp://localhost/", "400"},
        {"localhost:80", "400"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[200];
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i].target);
        check(text, cases[i].expected);
    }
}

/* ---- what is refused ---- */

static void test_smuggling_shapes(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        /* two lengths, or none that is clear */
        "POST / HTTP/1.1\r\n" HOST
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 4, 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: +4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 4 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        /* the shape of lines */
        "POST / HTTP/1.1\r\n" HOST "Content-Length : 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST "Content-Length\t: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\n" HOST " Content-Length: 4\r\n\r\nabcd",
        "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n",
        "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n",
        "GET / HTTP/1.1\n" HOST "\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\rTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r" HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "\r\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\x01"
        "b\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST ": no name\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "a b: c\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "a\x80: c\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "(a): c\r\n\r\n",
        " GET / HTTP/1.1\r\n" HOST "\r\n",
        "GET  / HTTP/1.1\r\n" HOST "\r\n",
        "GET / /x HTTP/1.1\r\n" HOST "\r\n",
        "GET /\r\n\r\n",
        "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
        /* whom it addresses */
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST HOST "\r\n",
        "GET / HTTP/1.1\r\n" HOST "host: other\r\n\r\n",
        "GET / HTTP/1.0\r\n" HOST HOST "\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "GET http://localhost/ HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        check(shapes[i], "400");
    check_n("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 26, "400");
}

static void test_bad_chunks(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "\r\n",
        "x\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nX: 1\n\r\n",
        "3\r\nabc\r\n0\r\nX: 1\r\r\n",
        "3\r\nabc\r\n0\r\n\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char text[300];
        snprintf(text, sizeof(text),
                 "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
        check(text, "400");
    }
}

static void test_other_refusals(void **state)
{
    (void)state;
    check("BREW / HTTP/1.1\r\n" HOST "\r\n", "501");
    check("GET / HTTP/2.0\r\n" HOST "\r\n", "505");
    check("GET / HTTP/0.9\r\n" HOST "\r\n", "505");
    check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505");
    check("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "501");
    check("POST / HTTP/1.1\r\n" HOST "Expect: a miracle\r\n\r\n", "417");
    check("POST / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", "413");
    check("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10001\r\n", "413");
    check("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "413");
    check("\x16\x03\x01\x02", "400"); /* a TLS hello */
}

/* ---- limits ---- */

static void check_fast(const struct buf *b, const char *expected)
{
    check_cut(b->data, b->len, 0, b->len, expected);
    check_cut(b->data, b->len, 0, 1, expected);
}

static void put_repeated(struct buf *b, char c, size_t count)
{
    char *room = buf_reserve(b, count);
    memset(room, c, count);
    b->len += count;
}

static void test_target_limit(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        CLEANUP(buf_fini) struct buf b = BUF_INIT;
        CLEANUP(buf_fini) struct buf expected = BUF_INIT;
        buf_text(&b, "GET /");
        put_repeated(&b, 'a', 8191 + (size_t)over);
        buf_text(&b, " HTTP/1.1\r\n" HOST "\r\n");
        buf_text(&expected, "1 /");
        put_repeated(&expected, 'a', 8191);
        buf_text(&expected, " [host: localhost]");
        check_fast(&b, over ? "414" : buf_string(&expected));
    }
    /* Refused before its end is seen. */
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    put_repeated(&b, 'a', 9000);
    check_fast(&b, "414");
}

static void test_head_limits(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf big = BUF_INIT;
    buf_text(&big, "GET / HTTP/1.1\r\n" HOST "X: ");
    put_repeated(&big, 'a', 16384);
    check_fast(&big, "431");

    for (int over = 0; over <= 1; over++) {
        CLEANUP(buf_fini) struct buf many = BUF_INIT;
        CLEANUP(buf_fini) struct buf expected = BUF_INIT;
        buf_text(&many, "GET / HTTP/1.1\r\n" HOST);
        buf_text(&expected, "1 / [host: localhost]");
        for (int i = 0; i < 99 + over; i++) {
            buf_text(&many, "a: b\r\n");
            buf_text(&expected, " [a: b]");
        }
        buf_text(&many, "\r\n");
        check_fast(&many, over ? "431" : buf_string(&expected));
    }
    CLEANUP(buf_fini) struct buf query = BUF_INIT;
    buf_text(&query, "GET /?");
    for (int i = 0; i < 101; i++)
        buf_text(&query, "a=b&");
    buf_text(&query, " HTTP/1.1\r\n" HOST "\r\n");
    check_fast(&query, "414");
}

static void test_body_limit(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    CLEANUP(buf_fini) struct buf expected = BUF_INIT;
    buf_text(&b, "POST / HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
    put_repeated(&b, 'a', 65536);
    buf_text(&expected, "4 / [host: localhost] [content-length: 65536] ");
    put_repeated(&expected, 'a', 65536);
    check_fast(&b, buf_string(&expected));
    /* The sum of chunks counts. */
    CLEANUP(buf_fini) struct buf chunks = BUF_INIT;
    buf_text(&chunks, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17; i++) {
        buf_text(&chunks, "1000\r\n");
        put_repeated(&chunks, 'a', 4096);
        buf_text(&chunks, "\r\n");
    }
    check_fast(&chunks, "413");
    /* Trailers and extensions have an end, too. */
    CLEANUP(buf_fini) struct buf trailer = BUF_INIT;
    buf_text(&trailer, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ");
    put_repeated(&trailer, 'a', 5000);
    check_fast(&trailer, "400");
    CLEANUP(buf_fini) struct buf extension = BUF_INIT;
    buf_text(&extension, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;");
    put_repeated(&extension, 'a', 300);
    check_fast(&extension, "400");
}

static void test_pipelining_stops_at_the_request(void **state)
{
    (void)state;
    static const char one[] = "GET /1 HTTP/1.1\r\n" HOST "\r\n";
    static const char two[] = "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok";
    char text[300];
    snprintf(text, sizeof(text), "%s%sGET", one, two);
    const char *at = text;
    for (int i = 0; i < 2; i++) {
        struct http_parser *p = http_parser_new(&HTTP_LIMITS_DEFAULT);
        enum http_event event = HTTP_EVENT_MORE;
        size_t used = feed(p, at, strlen(at), &event);
        assert_int_equal(event, HTTP_EVENT_DONE);
        assert_int_equal(used, i == 0 ? strlen(one) : strlen(two));
        at += used;
        http_parser_free(p);
    }
    assert_string_equal(at, "GET");
}

/* ---- meaning ---- */

/* The user of the parser may allow one request more than others, up to a bound of all. */
static void test_larger_bodies(void **state)
{
    (void)state;
    static const struct {
        size_t announced, allowed;
        enum http_event event;
    } cases[] = {
        {101, 100, HTTP_EVENT_BAD},   {101, 101, HTTP_EVENT_HEAD},
        {200, 1000, HTTP_EVENT_HEAD}, {60, 50, HTTP_EVENT_BAD}, /* also less than usual */
        {50, 50, HTTP_EVENT_HEAD},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_limits limits = HTTP_LIMITS_DEFAULT;
        limits.body_bytes = 100;
        limits.body_most = 200;
        struct http_parser *p = http_parser_new(&limits);
        enum http_event event = HTTP_EVENT_MORE;
        char head[120], body[201] = "";
        memset(body, 'x', 200);
        snprintf(head, sizeof(head), "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                 cases[i].announced);
        feed(p, head, strlen(head), &event);
        assert_int_equal(event, HTTP_EVENT_HEAD);
        assert_int_equal(http_parser_allow_body(p, cases[i].allowed), cases[i].event);
        if (cases[i].event == HTTP_EVENT_BAD) {
            assert_int_equal(http_parser_status(p), 413);
        } else {
            event = HTTP_EVENT_MORE;
            feed(p, body, cases[i].announced, &event);
            assert_int_equal(event, HTTP_EVENT_DONE);
        }
        http_parser_free(p);
    }
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    limits.body_bytes = 100;
    limits.body_most = 200;
    struct http_parser *p = http_parser_new(&limits);
    enum http_event event = HTTP_EVENT_MORE;
    static const char head[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 201\r\n\r\n";
    feed(p, head, strlen(head), &event);
    assert_int_equal(event, HTTP_EVENT_BAD); /* nobody may allow that */
    http_parser_free(p);
}

static struct http_parser *parse(const char *text)
{
    struct http_parser *p = http_parser_new(&HTTP_LIMITS_DEFAULT);
    enum http_event event = HTTP_EVENT_MORE;
    feed(p, text, strlen(text), &event);
    assert_int_equal(event, HTTP_EVENT_DONE);
    return p;
}

static void test_connection(void **state)
{
    (void)state;
    static const struct {
        const char *version, *headers;
        bool keep_alive, upgrade;
    } cases[] = {
        {"1.1", "", true, false},
        {"1.0", "", false, false},
        {"1.1", "Connection: close\r\n", false, false},
        {"1.1", "Connection: x, Close\r\n", false, false},
        {"1.0", "Connection: Keep-Alive\r\n", true, false},
        {"1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", true, true},
        {"1.1", "Connection: a\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n", true, true},
        {"1.1", "Upgrade: websocket\r\n", true, false},
        {"1.1", "Connection: upgrade\r\n", true, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[300];
        snprintf(text, sizeof(text), "GET / HTTP/%s\r\n" HOST "%s\r\n", cases[i].version,
                 cases[i].headers);
        struct http_parser *p = parse(text);
        assert_int_equal(http_parser_head(p)->keep_alive, cases[i].keep_alive);
        assert_int_equal(http_parser_head(p)->upgrade, cases[i].upgrade);
        http_parser_free(p);
    }
    struct http_parser *p = parse("GET http://a:1/ HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_string_equal(http_parser_head(p)->authority, "a:1");
    http_parser_free(p);
}

static void test_fields(void **state)
{
    (void)state;
    struct http_parser *p = parse("GET /?m=1&m=2 HTTP/1.1\r\n" HOST "Accept: a;q=1, b\r\n\r\n");
    const struct http_head *head = http_parser_head(p);
    assert_string_equal(http_param(head, "m"), "1");
    assert_null(http_param(head, "x"));
    assert_string_equal(http_header(head, "accept"), "a;q=1, b");
    assert_null(http_header(head, "accep"));
    assert_true(http_header_has(head, "accept", "A"));
    assert_true(http_header_has(head, "accept", "b"));
    assert_false(http_header_has(head, "accept", "q"));
    http_parser_free(p);
}

static void test_accepts_gzip(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool accepts;
    } cases[] = {
        {"gzip", true},
        {"deflate, gzip, br", true},
        {"GZIP;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.001", true},
        {"*", true},
        {"*;q=0", false},
        {"*;q=0, gzip", true},
        {"gzip;q=0, *", false},
        {"br", false},
        {"", false},
        {"identity, x-gzip", true},
        {"gzipped", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[300];
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
                 cases[i].value);
        struct http_parser *p = parse(text);
        if (http_accepts_gzip(http_parser_head(p)) != cases[i].accepts)
            fail_msg("Accept-Encoding: %s", cases[i].value);
        http_parser_free(p);
    }
}

static void test_etags(void **state)
{
    (void)state;
    assert_true(http_etag_matches("\"abc\"", "\"abc\""));
    assert_true(http_etag_matches("W/\"abc\"", "\"abc\""));
    assert_true(http_etag_matches("\"x\", W/\"a,b\" , \"abc\"", "\"abc\""));
    assert_true(http_etag_matches("*", "\"abc\""));
    assert_false(http_etag_matches("\"abcd\"", "\"abc\""));
    assert_false(http_etag_matches("\"x,\"", "\"abc\""));
    assert_false(http_etag_matches("\"x,\"abc\"", "\"y\""));
    assert_false(http_etag_matches("", "\"abc\""));
    assert_false(http_etag_matches("\"", "\"abc\""));
}

static void test_response_head(void **state)
{
    (void)state;
    CLEANUP(buf_fini) struct buf b = BUF_INIT;
    http_put_status(&b, 404);
    http_put_header(&b, "X-Name", "a\r\nSet-Cookie: b");
    http_put_date(&b, 784111777000);
    assert_string_equal(buf_string(&b), "HTTP/1.1 404 Not Found\r\n"
                                        "X-Name: a  Set-Cookie: b\r\n"
                                        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_smuggling_shapes),
        cmocka_unit_test(test_bad_chunks),
        cmocka_unit_test(test_other_refusals),
        cmocka_unit_test(test_target_limit),
        cmocka_unit_test(test_head_limits),
        cmocka_unit_test(test_body_limit),
        cmocka_unit_test(test_pipelining_stops_at_the_request),
        cmocka_unit_test(test_larger_bodies),
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_accepts_gzip),
        cmocka_unit_test(test_etags),
        cmocka_unit_test(test_response_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
