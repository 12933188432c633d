/*
 * test_server.c: what other threads give a hub loop: of each kind the newest arrives, however much
 * was posted before it while the loop could not look. What a loop asks of the core thread: the
 * answer comes back to the client that waits, or the client hears that the loop ends. And what one
 * loop has found is so for all.
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
#include "daemon/servers.h"
#include "http/assets.h"
#include "net/admission.h"
#include "net/tls.h"

#include "../hub/maker.h"

#define PATIENCE_NS (20 * NS_PER_S)
/* Of the dashboard nothing is asked for. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

#define MANY 300 /* more than any queue of a loop holds */
#define LANES 2

struct rig {
    uv_loop_t loop; /* the core's: it does nothing here */
    struct hub *hub;
    struct admission *admission;
    struct access *access;
    struct servers *servers;
    uint16_t ports[LANES];
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
    struct server_lane lanes[LANES];
    for (size_t i = 0; i < LANES; i++) {
        lanes[i] = (struct server_lane){.listeners = listeners_new(false), .access = rig->access};
        if (listeners_add(lanes[i].listeners, "127.0.0.1:0", why, sizeof(why)) != 0)
            fail_msg("%s", why);
        rig->ports[i] = listeners_address(lanes[i].listeners, 0)->port;
    }
    struct server_settings settings = {.hub = rig->hub,
                                       .admission = rig->admission,
                                       .tls = tls,
                                       .limits = NET_LIMITS_DEFAULT,
                                       .base_path = "/",
                                       .api = {.version = "1.2.3",
                                               .host = "test",
                                               .data_dir = "/nowhere",
                                               .interval_ms = 3600 * MS_PER_S,
                                               .board = rig->board,
                                               .command = rig_command,
                                               .command_user = rig}};
    assert_non_null(rig->servers = servers_new(&settings, lanes, LANES));
}

static void rig_end(struct rig *rig)
{
    servers_stop(rig->servers);
    servers_join(rig->servers);
    hub_close(rig->hub);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    servers_free(rig->servers);
    hub_free(rig->hub);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    access_free(rig->access);
    admission_free(rig->admission);
    board_free(rig->board);
    pthread_mutex_destroy(&rig->lock);
}

static void post_text(struct rig *rig, enum api_info_part part, const char *text)
{
    servers_post_info(rig->servers, part, bytes_copy(text, strlen(text)));
}

static void post_number(struct rig *rig, enum api_info_part part, int number)
{
    char text[64];
    snprintf(text, sizeof(text), "\"number%d\":%d", (int)part, number);
    post_text(rig, part, text);
}

static int dial(const struct rig *rig, size_t lane)
{
    struct timeval limit = {.tv_sec = 10};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(rig->ports[lane])};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* ---- info -------------------------------------------------------------------------------- */

static bool answer_has(const struct rig *rig, size_t lane, const char *path, const char *words)
{
    char request[128], answer[8192];
    int request_len =
        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    size_t len = 0;
    ssize_t n;
    int fd = dial(rig, lane);
    assert_int_equal(send(fd, request, (size_t)request_len, MSG_NOSIGNAL), request_len);
    while ((n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
        len += (size_t)n;
    assert_int_equal(n, 0);
    answer[len] = '\0';
    close(fd);
    return strstr(answer, words);
}

/* Sooner or later. */
static void expect_words(const struct rig *rig, size_t lane, const char *path, const char *words)
{
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    while (!answer_has(rig, lane, path, words)) {
        if (clock_mono_ns() > until_ns)
            fail_msg("%s of loop %zu never said: %s", path, lane, words);
    }
}

static void expect_info(const struct rig *rig, const char *member)
{
    for (size_t i = 0; i < LANES; i++)
        expect_words(rig, i, "/api/v1/info", member);
}

static void test_info(void **state)
{
    struct rig rig;
    (void)state;
    rig_begin(&rig, NULL);
    for (int i = 0; i < MANY; i++)
        post_number(&rig, API_INFO_ENGINES, i);
    post_number(&rig, API_INFO_SANDBOX, 5);
    assert_int_equal(servers_start(rig.servers), 0);
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
    int fd = dial(rig, 0);
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
    assert_int_equal(servers_start(rig.servers), 0);
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
    servers_post_tls(rig.servers, first);
    servers_post_tls(rig.servers, second);
    assert_int_equal(servers_start(rig.servers), 0);
    expect_shown(&rig, of_second);
    servers_post_tls(rig.servers, first);
    expect_shown(&rig, of_first);
    post_number(&rig, API_INFO_ENGINES, 1); /* does not bring an older one back */
    servers_post_tls(rig.servers, second);
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
    int fd = dial(rig, 0);
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
    assert_int_equal(servers_start(rig.servers), 0);
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
    assert_int_equal(servers_start(rig.servers), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = acknowledge(&rig);
        commands[i] = rig_take(&rig);
    }
    close(fds[0]); /* this one does not wait */
    servers_stop(rig.servers);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++)
        expect_answer(fds[i], " 503 ");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        server_post_reply(commands[i]);
    rig_end(&rig);
}

/* ---- readiness --------------------------------------------------------------------------- */

/* What one loop has found complete is complete for one that was never asked, and that would have
 * to wait by now. */
static void test_ready_is_ready(void **state)
{
    struct rig rig;
    struct maker m = maker_new(1000);
    struct tick *tick = maker_tick(&m);
    (void)state;
    rig_begin(&rig, NULL);
    assert_int_equal(servers_start(rig.servers), 0);
    hub_publish(rig.hub, tick);
    expect_words(&rig, 0, "/readyz", "no table of interfaces yet");
    post_text(&rig, API_INFO_TABLES, "none\nnone\nnone\nnone\nnone");
    expect_words(&rig, 0, "/readyz", " 200 OK");
    post_text(&rig, API_INFO_TABLES, "");
    post_number(&rig, API_INFO_SANDBOX, 1);
    expect_info(&rig, "\"number1\":1");
    expect_info(&rig, "\"seq\":101");
    for (size_t i = 0; i < LANES; i++)
        assert_true(answer_has(&rig, i, "/readyz", " 200 OK"));
    rig_end(&rig);
    tick_unref(tick);
    maker_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),       cmocka_unit_test(test_commands_at_the_end),
        cmocka_unit_test(test_info),           cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_ready_is_ready),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
