/*
 * test_who.c: whom the log names when a request goes wrong behind a proxy that is trusted: the
 * client that the proxy speaks for, as soon as the head is complete, else the proxy; and never the
 * client of another request on the same connection. What is said is read by the linker's --wrap.
 */
#include "fixture.h"

#include "base/complaints.h"
#include "http/http_internal.h"

#define HOST "Host: localhost\r\n"
#define FOR(address) "X-Forwarded-For: " address "\r\n"
#define CHUNKED "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

static char named[64], caused[160];

void __wrap_complaints_add(struct complaints *c, const char *module, const char *cause,
                           uint64_t count, const char *who, int64_t now_ns);

void __wrap_complaints_add(struct complaints *c, const char *module, const char *cause,
                           uint64_t count, const char *who, int64_t now_ns)
{
    (void)c;
    (void)now_ns;
    assert_string_equal(module, "http");
    assert_int_equal(count, 1);
    snprintf(named, sizeof(named), "%s", who);
    snprintf(caused, sizeof(caused), "%s", cause);
}

static struct access *behind_proxy(struct bench *b, const struct net_limits *limits)
{
    static const char *const proxies[] = {"127.0.0.1"}, *const hosts[] = {"127.0.0.1"};
    bench_start(b, limits, "/");
    struct access *access = access_new(&(struct access_config){
        .trusted_proxies = proxies, .trusted_proxy_count = 1, .hosts = hosts, .host_count = 1});
    b->server->config.access = access;
    return access;
}

static void expect(struct bench *b, int fd, const char *request, unsigned status, const char *who,
                   const char *cause)
{
    CLEANUP(answer_fini) struct answer a;
    named[0] = caused[0] = '\0';
    if (request)
        client_text(b, fd, request);
    assert_int_equal(client_answer(b, fd, false, &a), status);
    if (strcmp(named, who) != 0 || !strstr(caused, cause))
        fail_msg("said of %s: %s", named, caused);
}

static void expect_one(struct bench *b, const char *request, unsigned status, const char *who,
                       const char *cause)
{
    int fd = client_open(b);
    expect(b, fd, request, status, who, cause);
    close(fd);
}

static void test_bad_requests(void **state)
{
    (void)state;
    struct bench b;
    struct access *access = behind_proxy(&b, NULL);
    expect_one(&b, "GET / HTTP/1.1\r\n" FOR("192.0.2.1") "A:\x01\r\n\r\n", 400, "127.0.0.1",
               "A control character in the head");
    expect_one(&b, "POST /api/echo HTTP/1.1\r\n" HOST FOR("192.0.2.2") CHUNKED "z\r\n", 400,
               "192.0.2.2", "A chunk's size");
    expect_one(&b,
               "POST /api/echo HTTP/1.1\r\n" HOST "Forwarded: for=192.0.2.3\r\n" CHUNKED "z\r\n",
               400, "192.0.2.3", "A chunk's size");
    expect_one(
        &b, "POST /api/echo HTTP/1.1\r\n" HOST FOR("192.0.2.4") "Content-Length: 1000000\r\n\r\n",
        413, "192.0.2.4", "larger than");
    expect_one(&b, "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n" FOR("192.0.2.5") "\r\n", 421,
               "192.0.2.5", "refused a request for a host");
    /* Two who are named are nobody. */
    expect_one(&b,
               "POST /api/echo HTTP/1.1\r\n" HOST FOR(
                   "192.0.2.6") "Forwarded: for=192.0.2.7\r\n" CHUNKED "z\r\n",
               400, "127.0.0.1", "A chunk's size");
    bench_end(&b);
    access_free(access);
}

/* A proxy sends its clients' requests over one connection, one after the other. */
static void test_one_connection(void **state)
{
    (void)state;
    struct bench b;
    struct access *access = behind_proxy(&b, NULL);
    for (int i = 0; i < 2; i++) {
        int fd = client_open(&b);
        expect(&b, fd, "GET /healthz HTTP/1.1\r\n" HOST FOR("192.0.2.1") "\r\n", 200, "", "");
        expect(&b, fd, "GET /api/hello HTTP/1.1\r\n" HOST FOR("192.0.2.2") "\r\n", 401, "192.0.2.2",
               "lack of a role");
        if (i == 0)
            expect(&b, fd, "POST /api/echo HTTP/1.1\r\n" HOST FOR("192.0.2.3") CHUNKED "z\r\n", 400,
                   "192.0.2.3", "A chunk's size");
        else
            expect(&b, fd, "rubbish\r\n\r\n", 400, "127.0.0.1", "malformed");
        close(fd);
    }
    bench_end(&b);
    access_free(access);
}

static void test_late_requests(void **state)
{
    (void)state;
    struct bench b;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.handshake_ms = 400; /* more than a busy machine's pauses */
    struct access *access = behind_proxy(&b, &limits);
    int fd = client_open(&b);
    client_text(&b, fd,
                "POST /api/echo HTTP/1.1\r\n" HOST FOR(
                    "192.0.2.1") "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    expect(&b, fd, NULL, 408, "192.0.2.1", "not complete in time");
    close(fd);
    fd = client_open(&b);
    client_text(&b, fd, "POST /api/echo HTTP/1.1\r\n" HOST FOR("192.0.2.1"));
    expect(&b, fd, NULL, 408, "127.0.0.1", "not complete in time");
    close(fd);
    bench_end(&b);
    access_free(access);
}

/* Whoever is no proxy of ours speaks for himself. */
static void test_without_proxies(void **state)
{
    (void)state;
    struct bench b;
    bench_start(&b, NULL, "/");
    expect_one(&b, "POST /api/echo HTTP/1.1\r\n" HOST FOR("192.0.2.2") CHUNKED "z\r\n", 400,
               "127.0.0.1", "A chunk's size");
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_one_connection),
        cmocka_unit_test(test_late_requests),
        cmocka_unit_test(test_without_proxies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
