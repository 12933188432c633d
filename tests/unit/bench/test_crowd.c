/*
 * test_crowd.c: the crowd against a server that does as it is told: everything right, a number left
 * out, a number twice, a wrong length, nonsense, compressed messages, a refusal, an end. What the
 * bench says is worth something only if it notices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/sockios.h>
#include <math.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bench/crowd.h"
#include "wire/websocket.h"

enum { CLIENTS = 3, SIZE = 200, EVERY_MS = 10, WRONG_SEQ = 12, STALLED_MOST = 4096 };

enum fault {
    NONE,
    GAP,
    TWICE,
    LENGTH,
    NONSENSE,
    FRAGMENT,
    CLOSE,
    HANG_UP,
    REFUSE,
    DEFLATE,
    TLS,
    BAD_DEFLATE
};

struct server {
    enum fault fault;
    unsigned stalled; /* clients that will not read: nothing waits for them */
    int listener;
    uint16_t port;
    pthread_t thread;
};

/* By descriptor; NULL: plain. */
static SSL *tls[1024];

/* A key and a certificate that it has signed itself. */
static SSL_CTX *tls_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_true(context && key && cert);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    return context;
}

static ssize_t take(int fd, void *data, size_t len)
{
    return tls[fd] ? SSL_read(tls[fd], data, (int)len) : recv(fd, data, len, 0);
}

static void put(int fd, const void *data, size_t len)
{
    if (tls[fd]) {
        SSL_write(tls[fd], data, (int)len);
        return;
    }
    (void)!send(fd, data, len, MSG_NOSIGNAL); /* the crowd goes as soon as it has noticed */
}

static void put_text(int fd, const char *text)
{
    put(fd, text, strlen(text));
}

static bool read_until(int fd, const char *mark)
{
    char text[2048];
    size_t len = 0;
    for (;;) {
        ssize_t got = take(fd, text + len, sizeof(text) - 1 - len);
        if (got <= 0)
            return false;
        len += (size_t)got;
        text[len] = '\0';
        if (strstr(text, mark))
            return true;
    }
}

static void put_packed(int fd, uint64_t seq, bool broken)
{
    char text[SIZE];
    uint8_t out[SIZE * 2], head[10];
    z_stream z = {0};
    message_write(text, SIZE, seq, clock_mono_ns());
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (uint8_t *)text;
    z.avail_in = SIZE;
    z.next_out = out;
    z.avail_out = sizeof(out);
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    size_t len = sizeof(out) - z.avail_out - 4; /* RFC 7692: without 00 00 ff ff */
    deflateEnd(&z);
    if (broken)
        memset(out, 0xff, len);
    size_t head_len = ws_header(WS_TEXT, len, head);
    head[0] |= 0x40;
    put(fd, head, head_len);
    put(fd, out, len);
}

static void put_message(const struct server *s, int fd, uint64_t seq)
{
    enum fault fault = seq == WRONG_SEQ ? s->fault : NONE;
    if (fault == GAP)
        return;
    if (s->fault == DEFLATE || s->fault == BAD_DEFLATE) {
        put_packed(fd, seq, fault == BAD_DEFLATE);
        return;
    }
    struct bytes *frame = fault == NONSENSE ? ws_frame(WS_TEXT, "nonsense", 8)
                          : fault == CLOSE
                              ? ws_frame_close(1011, "broken")
                              : message_frame(fault == LENGTH ? SIZE - 1 : SIZE,
                                              fault == TWICE ? seq - 1 : seq, clock_mono_ns());
    if (fault == FRAGMENT)
        frame->data[0] &= 0x7f;
    /* In two pieces, so that the crowd has to keep one. */
    put(fd, frame->data, frame->len / 2);
    put(fd, frame->data + frame->len / 2, frame->len - frame->len / 2);
    bytes_unref(frame);
    if (fault == HANG_UP)
        shutdown(fd, SHUT_RDWR);
}

/* Until the crowd has gone. */
static void *serve(void *user)
{
    static const struct timespec pause = {.tv_nsec = EVERY_MS * 1000000};
    struct server *s = user;
    int fds[CLIENTS], count = 0;
    char byte;
    SSL_CTX *context = s->fault == TLS ? tls_context() : NULL;
    for (; count < CLIENTS; count++) {
        fds[count] = accept(s->listener, NULL, NULL);
        if (fds[count] >= 0 && s->fault == TLS) {
            tls[fds[count]] = SSL_new(context);
            SSL_set_fd(tls[fds[count]], fds[count]);
            assert_int_equal(SSL_accept(tls[fds[count]]), 1);
        }
        if (fds[count] < 0 || !read_until(fds[count], "\r\n\r\n"))
            break;
        if (s->fault == REFUSE) {
            put_text(fds[count++], "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            break;
        }
        put_text(fds[count], "HTTP/1.1 101 Switching Protocols\r\n");
        if (s->fault == DEFLATE || s->fault == BAD_DEFLATE)
            put_text(fds[count], "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        put_text(fds[count], "\r\n");
    }
    if (count == CLIENTS && take(fds[CLIENTS - 1], &byte, 1) == 1) { /* "go" */
        for (uint64_t seq = 1; seq < 1000; seq++) {
            for (int i = 0; i < CLIENTS; i++) {
                int waiting = 0;
                if (i < (int)s->stalled &&
                    (ioctl(fds[i], SIOCOUTQ, &waiting) < 0 || waiting > STALLED_MOST))
                    continue;
                put_message(s, fds[i], seq);
            }
            if (recv(fds[0], &byte, 1, MSG_DONTWAIT) == 0)
                break;
            if (send(fds[0], "", 0, MSG_NOSIGNAL) < 0)
                break;
            nanosleep(&pause, NULL); /* the rate */
        }
    }
    for (int i = 0; i < count; i++) {
        SSL_free(tls[fds[i]]);
        tls[fds[i]] = NULL;
        close(fds[i]);
    }
    SSL_CTX_free(context);
    return NULL;
}

static int run(enum fault fault, unsigned stalled, struct crowd_result *ret)
{
    struct server s = {.fault = fault, .stalled = stalled};
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof(at);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s.listener >= 0);
    assert_int_equal(bind(s.listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(s.listener, CLIENTS), 0);
    assert_int_equal(getsockname(s.listener, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(pthread_create(&s.thread, NULL, serve, &s), 0);
    const struct crowd_settings settings = {
        .port = ntohs(at.sin_port),
        .clients = CLIENTS,
        .stalled = stalled,
        .path = "/",
        .size_bytes = SIZE,
        .seconds = 0.2,
        .deflate = fault == DEFLATE || fault == BAD_DEFLATE,
        .tls = fault == TLS,
        .server = getpid(),
    };
    int result = crowd_run(&settings, ret);
    shutdown(s.listener, SHUT_RDWR); /* should it still wait for a client */
    assert_int_equal(pthread_join(s.thread, NULL), 0);
    close(s.listener);
    return result;
}

static void run_well(enum fault fault, unsigned stalled, struct crowd_result *ret)
{
    if (run(fault, stalled, ret) < 0)
        fail_msg("%s", ret->why);
}

static void test_all_well(void **state)
{
    struct crowd_result r;
    (void)state;
    run_well(NONE, 0, &r);
    assert_true(r.seconds >= 0.2);
    assert_true(r.ticks >= 2);
    assert_true(r.delivered >= CLIENTS);
    assert_int_equal(r.lost, 0);
    assert_int_equal(r.payload_bytes, r.delivered * SIZE);
    assert_int_equal(r.wire_bytes, r.delivered * (SIZE + 4));
    assert_true(r.cpu_ns > 0 && r.memory_bytes >= 0);
    assert_true(isnan(r.malloc_bytes));
    assert_true(r.first.max_ms <= r.last.max_ms && r.last.max_ms == r.all.max_ms);
    assert_true(r.first.p50_ms >= 0 && r.first.p50_ms <= r.last.p50_ms);
}

static void test_stalled(void **state)
{
    struct crowd_result r;
    (void)state;
    run_well(NONE, 2, &r);
    assert_true(r.ticks >= 2 && r.delivered >= 2); /* by the one that reads alone */
    assert_int_equal(r.lost, 0);
}

static void test_gap(void **state)
{
    struct crowd_result r;
    (void)state;
    run_well(GAP, 0, &r);
    assert_int_equal(r.lost, CLIENTS);
}

static void test_deflate(void **state)
{
    struct crowd_result r;
    (void)state;
    run_well(DEFLATE, 0, &r);
    assert_int_equal(r.lost, 0);
    assert_int_equal(r.payload_bytes, r.delivered * SIZE);
    assert_true(r.wire_bytes < r.payload_bytes);
}

static void test_tls(void **state)
{
    struct crowd_result r;
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* the crowd goes while the server writes */
    run_well(TLS, 0, &r);
    assert_int_equal(r.lost, 0);
    assert_true(r.delivered >= CLIENTS);
    assert_int_equal(r.wire_bytes, r.delivered * (SIZE + 4)); /* without what TLS adds */
}

static void test_faults(void **state)
{
    static const struct {
        enum fault fault;
        const char *words;
    } cases[] = {
        {TWICE, "message 11 after 11"},
        {LENGTH, "199 bytes instead of 200"},
        {NONSENSE, "8 bytes that is none of the bench's"},
        {FRAGMENT, "a frame that is none"},
        {CLOSE, "ended a connection (frame 8: broken)"},
        {HANG_UP, "the server ended a connection"},
        {REFUSE, "answered with HTTP/1.1 403 Forbidden"},
        {BAD_DEFLATE, "cannot be read"},
    };
    struct crowd_result r;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(run(cases[i].fault, 0, &r), -1);
        if (!strstr(r.why, cases[i].words))
            fail_msg("\"%s\" instead of \"%s\"", r.why, cases[i].words);
    }
}

static void test_nobody_there(void **state)
{
    struct crowd_result r;
    const struct crowd_settings settings = {
        .port = 1, .clients = 2, .path = "/", .seconds = 1, .server = getpid()};
    (void)state;
    assert_int_equal(crowd_run(&settings, &r), -1);
    assert_non_null(strstr(r.why, "cannot connect: Connection refused"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_well),     cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_gap),          cmocka_unit_test(test_deflate),
        cmocka_unit_test(test_tls),          cmocka_unit_test(test_faults),
        cmocka_unit_test(test_nobody_there),
    };
    return cmocka_run_group_tests_name("bench crowd", tests, NULL, NULL);
}
