/*
 * test_server.c: what other threads give a hub loop: of each kind the newest arrives, however much
 * was posted before it while the loop could not look. And what a loop asks of the core thread: the
 * answer comes back to the client that waits, or the client hears that the loop ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alert/board.h"
#include "api/command.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bench/certificate.h"
#include "daemon/server.h"
#include "http/assets.h"
#include "net/admission.h"
#include "net/tls.h"

#define PATIENCE_NS (20 * NS_PER_S)
/* Of the dashboard nothing is asked for. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

#define MANY 300 /* more than any queue of a loop holds */

struct rig {
    uv_loop_t loop; /* the core's: it does nothing here */
    struct hub *hub;
    struct admission *admission;
    struct access *access;
    struct server *server;
    uint16_t port;
    struct board *board;
    /* What the loop asked for; the test's thread plays the core's. */
    pthread_mutex_t lock;
    struct api_command *commands[COMMANDS_MAX];
    size_t commands_count;
};

static int rig_command(void *user, struct api_command *cmd)
{
    struct rig *rig = user;
    pthread_mutex_lock(&rig->lock);
    rig->commands[rig->commands_count++] = cmd;
    pthread_mutex_unlock(&rig->lock);
    return 0;
}

/* The next one. */
static struct api_command *rig_take(struct rig *rig)
{
    struct api_command *cmd = NULL;
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    while (!cmd) {
        pthread_mutex_lock(&rig->lock);
        if (rig->commands_count)
            cmd = rig->commands[--rig->commands_count];
        pthread_mutex_unlock(&rig->lock);
        assert_true(clock_mono_ns() < until_ns);
    }
    return cmd;
}

static void rig_begin(struct rig *rig, struct tls *tls)
{
    static const char *const hosts[] = {"127.0.0.1"};
    char why[300] = "";
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    struct hub_settings hub = {.version = "1.2.3",
                               .limits = HUB_LIMITS_DEFAULT,
                               .host = "test",
                               .interval_ms = 1000,
                               .client_queue_bytes = 1U << 20,
                               .heartbeat_ms = 3600 * MS_PER_S,
                               .ring_ticks = 10,
                               .ring_bytes = 1U << 20};
    assert_non_null(rig->hub = hub_new(&hub, &rig->loop));
    rig->admission = admission_new(100, 100);
    rig->access = access_new(
        &(struct access_config){.mode = ACCESS_MODE_NONE, .hosts = hosts, .host_count = 1});
    rig->board = board_new();
    assert_int_equal(pthread_mutex_init(&rig->lock, NULL), 0);
    rig->commands_count = 0;
    struct server_lane lane = {.listeners = listeners_new(false), .access = rig->access};
    if (listeners_add(lane.listeners, "127.0.0.1:0", why, sizeof(why)) != 0)
        fail_msg("%s", why);
    rig->port = listeners_address(lane.listeners, 0)->port;
    struct server_settings settings = {.hub = rig->hub,
                                       .admission = rig->admission,
                                       .tls = tls,
                                       .limits = NET_LIMITS_DEFAULT,
                                       .base_path = "/",
                                       .api = {.version = "1.2.3",
                                               .host = "test",
                                               .data_dir = "/nowhere",
                                               .interval_ms = 1000,
                                               .board = rig->board,
                                               .command = rig_command,
                                               .command_user = rig}};
    assert_non_null(rig->server = server_new(&settings, &lane));
}

static void rig_end(struct rig *rig)
{
    server_stop(rig->server);
    server_join(rig->server);
    hub_close(rig->hub);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    server_free(rig->server);
    hub_free(rig->hub);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    access_free(rig->access);
    admission_free(rig->admission);
    board_free(rig->board);
    pthread_mutex_destroy(&rig->lock);
}

static void post_number(struct rig *rig, enum api_info_part part, int number)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "\"number%d\":%d", (int)part, number);
    server_post_info(rig->server, part, bytes_copy(text, (size_t)len));
}

static int dial(const struct rig *rig)
{
    struct timeval limit = {.tv_sec = 10};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(rig->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* ---- info -------------------------------------------------------------------------------- */

static bool info_has(const struct rig *rig, const char *member)
{
    static const char request[] =
        "GET /api/v1/info HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    char answer[8192];
    size_t len = 0;
    ssize_t n;
    int fd = dial(rig);
    assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
    while ((n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
        len += (size_t)n;
    assert_int_equal(n, 0);
    answer[len] = '\0';
    close(fd);
    assert_non_null(strstr(answer, " 200 OK"));
    return strstr(answer, member);
}

static void expect_info(const struct rig *rig, const char *member)
{
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    while (!info_has(rig, member)) {
        if (clock_mono_ns() > until_ns)
            fail_msg("never told: %s", member);
    }
}

static void test_info(void **state)
{
    struct rig rig;
    (void)state;
    rig_begin(&rig, NULL);
    for (int i = 0; i < MANY; i++)
        post_number(&rig, API_INFO_ENGINES, i);
    post_number(&rig, API_INFO_SANDBOX, 5);
    assert_int_equal(server_start(rig.server), 0);
    expect_info(&rig, "\"number0\":299");
    expect_info(&rig, "\"number1\":5");
    for (int i = 1000; i < 2000; i++) /* against the running loop */
        post_number(&rig, API_INFO_ENGINES, i);
    expect_info(&rig, "\"number0\":1999");
    expect_info(&rig, "\"number1\":5");
    rig_end(&rig);
}

/* ---- certificates ------------------------------------------------------------------------ */

struct print {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len;
};

/* Of the certificate that whoever comes now is shown. */
static struct print shown(const struct rig *rig)
{
    struct print print = {.len = 0};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context);
    int fd = dial(rig);
    SSL_set_fd(client, fd);
    assert_int_equal(SSL_connect(client), 1);
    X509 *seen = SSL_get1_peer_certificate(client);
    assert_non_null(seen);
    assert_int_equal(X509_digest(seen, EVP_sha256(), print.bytes, &print.len), 1);
    X509_free(seen);
    SSL_free(client);
    SSL_CTX_free(context);
    close(fd);
    return print;
}

static bool same(struct print a, struct print b)
{
    return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static struct print print_of(struct tls *tls)
{
    struct rig rig;
    rig_begin(&rig, tls);
    assert_int_equal(server_start(rig.server), 0);
    struct print print = shown(&rig);
    rig_end(&rig);
    return print;
}

static void expect_shown(const struct rig *rig, struct print wanted)
{
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    while (!same(shown(rig), wanted)) {
        if (clock_mono_ns() > until_ns)
            fail_msg("the new certificate was never shown");
    }
}

static void test_certificates(void **state)
{
    struct tls *first, *second;
    struct rig rig;
    char why[200];
    (void)state;
    assert_int_equal(certificate_make(&first, why, sizeof(why)), 0);
    assert_int_equal(certificate_make(&second, why, sizeof(why)), 0);
    struct print of_first = print_of(first), of_second = print_of(second);
    assert_false(same(of_first, of_second));

    rig_begin(&rig, first);
    for (int i = 0; i < MANY; i++) {
        post_number(&rig, API_INFO_ENGINES, i);
        post_number(&rig, API_INFO_SANDBOX, i);
    }
    server_post_tls(rig.server, first);
    server_post_tls(rig.server, second);
    assert_int_equal(server_start(rig.server), 0);
    expect_shown(&rig, of_second);
    server_post_tls(rig.server, first);
    expect_shown(&rig, of_first);
    post_number(&rig, API_INFO_ENGINES, 1); /* does not bring an older one back */
    server_post_tls(rig.server, second);
    expect_shown(&rig, of_second);
    assert_true(same(shown(&rig), of_second));
    rig_end(&rig);
    tls_unref(first);
    tls_unref(second);
}

/* ---- commands ---------------------------------------------------------------------------- */

static int acknowledge(const struct rig *rig)
{
    static const char request[] = "POST /api/v1/alerts/12/ack HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                  "Content-Type: application/json\r\nContent-Length: 2\r\n"
                                  "Connection: close\r\n\r\n{}";
    int fd = dial(rig);
    assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
    return fd;
}

static void expect_answer(int fd, const char *status)
{
    char answer[4096];
    size_t len = 0;
    ssize_t n;
    while ((n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    close(fd);
    if (!strstr(answer, status))
        fail_msg("%s instead of %s", answer, status);
}

static void test_commands(void **state)
{
    struct rig rig;
    (void)state;
    rig_begin(&rig, NULL);
    assert_int_equal(server_start(rig.server), 0);
    for (int i = 0; i < MANY; i++) { /* more than can be under way at once, one after the other */
        int fd = acknowledge(&rig);
        struct api_command *cmd = rig_take(&rig);
        assert_int_equal(cmd->id, 12);
        cmd->err = i % 2 ? -ENOENT : 0;
        server_post_reply(cmd);
        expect_answer(fd, i % 2 ? " 404 Not Found" : " 200 OK");
    }
    rig_end(&rig);
}

/* The loop ends with clients that wait, and with commands that come back too late. */
static void test_commands_at_the_end(void **state)
{
    struct rig rig;
    int fds[8];
    struct api_command *commands[ARRAY_LEN(fds)];
    (void)state;
    rig_begin(&rig, NULL);
    assert_int_equal(server_start(rig.server), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = acknowledge(&rig);
        commands[i] = rig_take(&rig);
    }
    close(fds[0]); /* this one does not wait */
    server_stop(rig.server);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++)
        expect_answer(fds[i], " 503 ");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        server_post_reply(commands[i]);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_commands_at_the_end),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_certificates),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
