/*
 * test_tls.c: connections that speak TLS, with OpenSSL's client at the other end of a socket pair;
 * certificates are made on the spot.
 */
#include "fixture.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/fanout.h"
#include "net/ring.h"
#include "net/tls.h"

/* ---- certificates -------------------------------------------------------------------------- */

struct files {
    char dir[64], cert[96], key[96];
};

static void write_pem(const char *path, EVP_PKEY *key, X509 *cert)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    int ok = cert ? PEM_write_X509(out, cert)
                  : PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    assert_int_equal(ok, 1);
    fclose(out);
}

static void make_certificate(struct files *f, long serial)
{
    strcpy(f->dir, "/tmp/netsonde-tls-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->cert, sizeof(f->cert), "%s/cert.pem", f->dir);
    snprintf(f->key, sizeof(f->key), "%s/key.pem", f->dir);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    assert_true(key && cert);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    write_pem(f->cert, NULL, cert);
    write_pem(f->key, key, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void remove_files(const struct files *f)
{
    unlink(f->cert);
    unlink(f->key);
    rmdir(f->dir);
}

static struct tls *make_tls(long serial)
{
    struct files f;
    struct tls *tls = NULL;
    char why[512] = "";
    make_certificate(&f, serial);
    if (tls_new(f.cert, f.key, &tls, why, sizeof(why)) != 0)
        fail_msg("%s", why);
    remove_files(&f);
    return tls;
}

/* ---- OpenSSL's memory ---------------------------------------------------------------------- */

static const char secret[] = "a token that nobody else may read";
static size_t secrets_given_back; /* pieces of memory that were freed with it inside */

struct piece {
    size_t len;
    max_align_t data[];
};

static struct piece *piece_of(void *data)
{
    return (struct piece *)((char *)data - offsetof(struct piece, data));
}

static void *watched_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    struct piece *piece = malloc(sizeof(*piece) + len);
    if (!piece)
        return NULL;
    piece->len = len;
    return memset(piece->data, 0, len); /* what was there before is none of its doing */
}

static void watched_free(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!data)
        return;
    struct piece *piece = piece_of(data);
    if (memmem(data, piece->len, secret, sizeof(secret) - 1))
        secrets_given_back++;
    free(piece);
}

static void *watched_realloc(void *data, size_t len, const char *file, int line)
{
    void *larger = watched_malloc(len, file, line);
    if (data && larger) {
        memcpy(larger, data, MIN(piece_of(data)->len, len));
        watched_free(data, file, line);
    }
    return larger;
}

/* ---- a server's loop and a client ---------------------------------------------------------- */

struct bench {
    uv_loop_t loop;
    uv_timer_t guard;
    struct net *net;
    struct conn *conn;
    struct buf got;
    size_t closed, drained;
    int error;
    SSL_CTX *context;
    SSL *client;
    int client_error; /* of the last call that failed */
    int fd;
};

static size_t on_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct bench *b = user;
    (void)conn;
    buf_append(&b->got, data, len);
    return len;
}

static void on_drained(struct conn *conn, void *user)
{
    (void)conn;
    ((struct bench *)user)->drained++;
}

static void on_closed(struct conn *conn, void *user, int error)
{
    struct bench *b = user;
    (void)conn;
    b->closed++;
    b->error = error;
}

static const struct conn_ops ops = {.data = on_data, .drained = on_drained, .closed = on_closed};

static void bench_start_with(struct bench *b, struct tls *tls, const struct net_limits *limits)
{
    int pair[2];
    memset(b, 0, sizeof(*b));
    assert_int_equal(uv_loop_init(&b->loop), 0);
    guard_start(&b->loop, &b->guard);
    b->net = net_new(&b->loop, limits);
    net_set_tls(b->net, tls, "HTTP/1.1 400 plain\r\n\r\n");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    b->conn = conn_new(b->net, pair[0]);
    assert_non_null(b->conn);
    assert_true(conn_is_secure(b->conn));
    conn_set_owner(b->conn, &ops, b);
    b->fd = pair[1];
    b->context = SSL_CTX_new(TLS_client_method());
    b->client = SSL_new(b->context);
    SSL_set_fd(b->client, b->fd);
    SSL_set_connect_state(b->client);
}

static void bench_start(struct bench *b, struct tls *tls)
{
    bench_start_with(b, tls, &NET_LIMITS_DEFAULT);
}

static void bench_end(struct bench *b)
{
    net_stop(b->net, 0);
    loop_end(&b->loop, &b->guard);
    assert_int_equal(b->closed, 1);
    assert_int_equal(net_counters(b->net)->queued_bytes, 0);
    net_free(b->net);
    buf_fini(&b->got);
    SSL_free(b->client);
    SSL_CTX_free(b->context);
    close(b->fd);
}

/* One turn of the loop; whether the client's call only has to be repeated. */
static bool again(struct bench *b, int result)
{
    int error = b->client_error = SSL_get_error(b->client, result);
    uv_run(&b->loop, UV_RUN_NOWAIT); /* the server's OpenSSL has the same queue of errors */
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* The handshake's result: 1, or what SSL_do_handshake says when it cannot go on. */
static int shake(struct bench *b)
{
    int result;
    ERR_clear_error();
    do {
        result = SSL_do_handshake(b->client);
    } while (result != 1 && again(b, result));
    uv_run(&b->loop, UV_RUN_NOWAIT); /* the client's last word of it */
    return result;
}

static void client_write(struct bench *b, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = 0;
        int result = SSL_write_ex(b->client, data + at, MIN(len - at, (size_t)16384), &n);
        at += n;
        if (result != 1)
            assert_true(again(b, result));
    }
}

static void client_read(struct bench *b, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = 0;
        int result = SSL_read_ex(b->client, data + at, len - at, &n);
        at += n;
        if (result != 1)
            assert_true(again(b, result));
    }
}

static struct bytes *text_of(size_t len, int seed)
{
    struct bytes *m = bytes_new(len);
    for (size_t i = 0; i < len; i++)
        m->data[i] = (uint8_t)(i * 13 + (size_t)seed);
    return m;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_both_ways(void **state)
{
    (void)state;
    struct bench b;
    struct tls *tls = make_tls(1);
    bench_start(&b, tls);
    assert_int_equal(shake(&b), 1);
    assert_true(SSL_version(b.client) == TLS1_3_VERSION);
    struct bytes *large = text_of(3000000, 1), *small = text_of(10, 2);
    uint8_t *data = malloc(large->len);

    client_write(&b, large->data, large->len);
    RUN_UNTIL(&b.loop, b.got.len == large->len);
    assert_memory_equal(b.got.data, large->data, large->len);

    assert_int_equal(conn_send(b.conn, large), 0);
    assert_true(conn_queued_bytes(b.conn) > 0); /* more than the socket takes */
    assert_int_equal(conn_send(b.conn, small), -ENOBUFS);
    conn_set_queue_limit(b.conn, SIZE_MAX);
    assert_int_equal(conn_send(b.conn, small), 0);
    client_read(&b, data, large->len);
    assert_memory_equal(data, large->data, large->len);
    client_read(&b, data, small->len);
    assert_memory_equal(data, small->data, small->len);
    RUN_UNTIL(&b.loop, conn_queued_bytes(b.conn) == 0);
    assert_int_equal(b.drained, 1);
    free(data);
    bytes_unref(large);
    bytes_unref(small);
    tls_unref(tls);
    bench_end(&b);
}

/* Both sides are told properly, not by a cut connection. */
static void test_goodbye(void **state)
{
    (void)state;
    struct bench b;
    struct tls *tls = make_tls(1);
    bench_start(&b, tls);
    assert_int_equal(shake(&b), 1);
    conn_close(b.conn);
    uint8_t byte;
    size_t n;
    int result;
    do {
        result = SSL_read_ex(b.client, &byte, 1, &n);
    } while (result != 1 && again(&b, result));
    assert_int_equal(b.client_error, SSL_ERROR_ZERO_RETURN);
    SSL_shutdown(b.client);
    shutdown(b.fd, SHUT_WR);
    RUN_UNTIL(&b.loop, b.closed);
    assert_int_equal(b.error, 0);
    tls_unref(tls);
    bench_end(&b);

    tls = make_tls(1);
    bench_start(&b, tls);
    assert_int_equal(shake(&b), 1);
    SSL_shutdown(b.client); /* the peer first */
    shutdown(b.fd, SHUT_WR);
    RUN_UNTIL(&b.loop, b.closed);
    assert_int_equal(b.error, 0);
    tls_unref(tls);
    bench_end(&b);
}

/* The socket is just full when everything else is said: the goodbye waits for room, too. */
static void test_goodbye_to_a_full_socket(void **state)
{
    (void)state;
    struct tls *tls = make_tls(1);
    bool was_full = false;
    for (size_t records = 1; !was_full; records++) {
        struct bench b;
        bench_start(&b, tls);
        assert_int_equal(shake(&b), 1);
        struct bytes *m = text_of(records * TLS_RECORD_BYTES, 1);
        uint8_t *data = malloc(m->len);
        assert_int_equal(conn_send(b.conn, m), 0);
        was_full = conn_queued_bytes(b.conn) > 0; /* one record less filled it to the brim */
        conn_close(b.conn);
        client_read(&b, data, m->len);
        assert_memory_equal(data, m->data, m->len);
        size_t n;
        int result;
        do {
            result = SSL_read_ex(b.client, data, 1, &n);
        } while (result != 1 && again(&b, result));
        if (b.client_error != SSL_ERROR_ZERO_RETURN)
            fail_msg("after %zu records: %d", records, b.client_error);
        shutdown(b.fd, SHUT_WR);
        RUN_UNTIL(&b.loop, b.closed);
        assert_int_equal(b.error, 0);
        free(data);
        bytes_unref(m);
        bench_end(&b);
    }
    tls_unref(tls);
}

/* ... but not for ever: who never makes room is given up like who never reads a message. */
static void test_goodbye_that_nobody_reads(void **state)
{
    (void)state;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.stall_ms = 40;
    struct tls *tls = make_tls(1);
    bool waited = false, was_full = false;
    for (size_t records = 1; !was_full; records++) {
        struct bench b;
        bench_start_with(&b, tls, &limits);
        assert_int_equal(shake(&b), 1);
        struct bytes *m = text_of(records * TLS_RECORD_BYTES, 1);
        assert_int_equal(conn_send(b.conn, m), 0);
        was_full = conn_queued_bytes(b.conn) > 0;
        conn_close(b.conn);
        shutdown(b.fd, SHUT_WR); /* ends who has said goodbye */
        RUN_UNTIL(&b.loop, b.closed);
        if (!was_full && net_counters(b.net)->expired_stall) {
            waited = true; /* with nothing but the goodbye left to say */
            assert_int_equal(b.error, -ETIMEDOUT);
        }
        bytes_unref(m);
        bench_end(&b);
    }
    assert_true(waited);
    tls_unref(tls);
}

/* TLS 1.3: a peer asks for new keys when the socket is just full. What they wait for is room, and
 * until then the connection is as good as before. */
static void test_new_keys_for_a_full_socket(void **state)
{
    (void)state;
    struct tls *tls = make_tls(1);
    struct bytes *small = text_of(10, 2);
    bool was_full = false;
    for (size_t records = 1; !was_full; records++) {
        struct bench b;
        bench_start(&b, tls);
        assert_int_equal(shake(&b), 1);
        struct bytes *m = text_of(records * TLS_RECORD_BYTES, 1);
        uint8_t *data = malloc(m->len);
        assert_int_equal(conn_send(b.conn, m), 0);
        was_full = conn_queued_bytes(b.conn) > 0; /* one record less filled it to the brim */
        assert_int_equal(SSL_key_update(b.client, SSL_KEY_UPDATE_REQUESTED), 1);
        client_write(&b, (const uint8_t *)"new", 3);
        RUN_UNTIL(&b.loop, b.got.len == 3);
        for (int i = 0; i < 3; i++) {
            if (conn_send(b.conn, small) != 0)
                fail_msg("message %d after %zu records", i, records);
        }
        client_read(&b, data, m->len);
        assert_memory_equal(data, m->data, m->len);
        for (int i = 0; i < 3; i++) {
            client_read(&b, data, small->len);
            assert_memory_equal(data, small->data, small->len);
        }
        assert_int_equal(b.closed, 0);
        free(data);
        bytes_unref(m);
        bench_end(&b);
    }
    bytes_unref(small);
    tls_unref(tls);
}

/* What was deciphered is in no memory that OpenSSL gives back to the allocator. */
static void test_secrets_are_wiped(void **state)
{
    (void)state;
    struct tls *tls = make_tls(1);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct bench b;
        bench_start(&b, tls);
        SSL_set_max_proto_version(b.client, version);
        assert_int_equal(shake(&b), 1);
        client_write(&b, (const uint8_t *)secret, sizeof(secret));
        RUN_UNTIL(&b.loop, b.got.len == sizeof(secret));
        assert_string_equal(b.got.data, secret);
        bench_end(&b);
        assert_int_equal(secrets_given_back, 0);
    }
    tls_unref(tls);
}

/* A new certificate is for those who come; who is there goes on with the old one. */
static void test_renewal(void **state)
{
    (void)state;
    struct bench b;
    struct tls *old = make_tls(7), *renewed = make_tls(8);
    bench_start(&b, old);
    assert_int_equal(shake(&b), 1);
    net_set_tls(b.net, renewed, NULL);
    tls_unref(old);
    tls_unref(renewed); /* the net has its own */
    X509 *seen = SSL_get1_peer_certificate(b.client);
    assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(seen)), 7);
    X509_free(seen);
    client_write(&b, (const uint8_t *)"still here", 10);
    RUN_UNTIL(&b.loop, b.got.len == 10);

    struct bench other = {.loop = b.loop};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    struct conn *conn = conn_new(b.net, pair[0]);
    conn_set_owner(conn, &ops, &other);
    SSL *client = SSL_new(b.context);
    SSL_set_fd(client, pair[1]);
    SSL_set_connect_state(client);
    while (SSL_do_handshake(client) != 1)
        uv_run(&b.loop, UV_RUN_NOWAIT);
    seen = SSL_get1_peer_certificate(client);
    assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(seen)), 8);
    X509_free(seen);
    SSL_free(client);
    conn_abort(conn);
    RUN_UNTIL(&b.loop, other.closed);
    close(pair[1]);
    bench_end(&b);
}

static void test_versions_and_protocols(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *protocols; /* NULL: none offered */
        int result;
    } cases[] = {
        {TLS1_3_VERSION, NULL, 1},           {TLS1_2_VERSION, NULL, 1},
        {TLS1_1_VERSION, NULL, -1},          {TLS1_3_VERSION, "\x02h2\x08http/1.1", 1},
        {TLS1_2_VERSION, "\x08http/1.1", 1}, {TLS1_3_VERSION, "\x02h2", -1},
        {TLS1_3_VERSION, "\x04smtp", -1},
    };
    struct tls *tls = make_tls(1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench b;
        bench_start(&b, tls);
        SSL_set_min_proto_version(b.client, cases[i].version);
        SSL_set_max_proto_version(b.client, cases[i].version);
        SSL_set_security_level(b.client, 0); /* or the client itself would refuse */
        const char *p = cases[i].protocols;
        if (p)
            SSL_set_alpn_protos(b.client, (const unsigned char *)p, (unsigned)strlen(p));
        int result = shake(&b);
        if ((result == 1) != (cases[i].result == 1))
            fail_msg("case %zu: %d", i, result);
        if (p && result == 1) {
            const unsigned char *chosen;
            unsigned len;
            SSL_get0_alpn_selected(b.client, &chosen, &len);
            assert_int_equal(len, 8);
            assert_memory_equal(chosen, "http/1.1", 8);
        }
        bench_end(&b);
    }
    tls_unref(tls);
    ERR_clear_error();
}

/* What is no TLS ends at once, plain HTTP with an answer; both are counted. */
/* TLS 1.2: without forward secrecy or authenticated encryption there is no connection. 1.3 has no
 * others. */
static void test_ciphers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int result;
    } cases[] = {
        {"ECDHE-ECDSA-AES128-GCM-SHA256", 1},
        {"ECDHE-ECDSA-AES256-GCM-SHA384", 1},
        {"ECDHE-ECDSA-CHACHA20-POLY1305", 1},
        {"ECDHE-ECDSA-AES128-SHA256", -1},
        {"ECDHE-ECDSA-AES256-SHA", -1},
        {"AES128-GCM-SHA256", -1},
        {"AECDH-AES128-SHA", -1},
    };
    struct tls *tls = make_tls(1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench b;
        bench_start(&b, tls);
        SSL_set_max_proto_version(b.client, TLS1_2_VERSION);
        SSL_set_security_level(b.client, 0); /* or the client itself would refuse */
        assert_int_equal(SSL_set_cipher_list(b.client, cases[i].name), 1);
        if ((shake(&b) == 1) != (cases[i].result == 1))
            fail_msg("%s", cases[i].name);
        bench_end(&b);
    }
    tls_unref(tls);
    ERR_clear_error();
}

/* TLS 1.2: a client that asks for another handshake on the connection gets none. */
static void test_no_second_handshake(void **state)
{
    (void)state;
    struct bench b;
    struct tls *tls = make_tls(1);
    bench_start(&b, tls);
    SSL_set_max_proto_version(b.client, TLS1_2_VERSION);
    assert_int_equal(shake(&b), 1);
    assert_int_equal(SSL_get_secure_renegotiation_support(b.client), 1); /* it could be asked for */
    assert_int_equal(SSL_renegotiate(b.client), 1);
    assert_int_not_equal(shake(&b), 1);
    bench_end(&b);
    tls_unref(tls);
    ERR_clear_error();
}

/* A client that offers DEFLATE before no compression gets none (CRIME). Written by hand, RFC 5246
 * section 7.4.1: OpenSSL's client as Debian builds it cannot offer it. */
static void test_no_compression(void **state)
{
    (void)state;
    static const uint8_t hello[] = {
        22,   3,  1,    0,    79,      /* record: handshake */
        1,    0,  0,    75,   3,    3, /* client_hello, TLS 1.2 */
        1,    2,  3,    4,    5,    6,    7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
        17,   18, 19,   20,   21,   22,   23, 24, 25, 26, 27, 28, 29, 30, 31, 32, /* random */
        0,                                                                        /* no session */
        0,    4,  0xc0, 0x2b, 0x00, 0xff,                 /* ECDHE-ECDSA-AES128-GCM-SHA256, SCSV */
        2,    1,  0,                                      /* compression: DEFLATE, none */
        0,    29,                                         /* extensions */
        0,    10, 0,    6,    0,    4,    0,  29, 0,  23, /* groups: X25519, P-256 */
        0,    13, 0,    4,    0,    2,    4,  3,          /* ecdsa_secp256r1_sha256 */
        0,    11, 0,    2,    1,    0,                    /* points: uncompressed */
        0xff, 1,  0,    1,    0,                          /* renegotiation_info, empty */
    };
    enum { BEFORE_SESSION = 5 + 4 + 2 + 32 };
    uint8_t answer[4096];
    ssize_t n = -1;
    struct bench b;
    struct tls *tls = make_tls(1);
    bench_start(&b, tls);
    assert_int_equal(send(b.fd, hello, sizeof(hello), 0), sizeof(hello));
    RUN_UNTIL(&b.loop, (n = recv(b.fd, answer, sizeof(answer), 0)) > 0 || b.closed);
    assert_true(n > BEFORE_SESSION + 1 + 32 + 3);
    assert_int_equal(answer[0], 22);
    assert_int_equal(answer[5], 2); /* server_hello */
    size_t at = BEFORE_SESSION + 1 + answer[BEFORE_SESSION];
    assert_int_equal(answer[at] << 8 | answer[at + 1], 0xc02b);
    assert_int_equal(answer[at + 2], 0);
    shutdown(b.fd, SHUT_WR);
    RUN_UNTIL(&b.loop, b.closed);
    bench_end(&b);
    tls_unref(tls);
    ERR_clear_error();
}

static void test_no_tls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool told;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"POST /a HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"SSH-2.0-OpenSSH_9.2\r\n", false},
        {"\x16\x03\x01\xff\xff\xff\xff\xff\xff\xff", false},
        {"\x80\x2e\x01\x00\x02\x00\x15\x00", false}, /* SSLv2 */
    };
    struct tls *tls = make_tls(1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench b;
        bench_start(&b, tls);
        size_t len = MAX(strlen(cases[i].text), (size_t)8);
        assert_int_equal(send(b.fd, cases[i].text, len, 0), len);
        if (i >= 3) /* a record that never comes whole: the handshake's time-out is for that */
            shutdown(b.fd, SHUT_WR);
        RUN_UNTIL(&b.loop, b.closed);
        char answer[100];
        ssize_t n = recv(b.fd, answer, sizeof(answer), 0);
        bool told = n > 12 && memcmp(answer, "HTTP/1.1 400", 12) == 0;
        if (told != cases[i].told)
            fail_msg("case %zu: %zd bytes", i, n);
        assert_int_equal(b.got.len, 0);
        if (i < 3)
            assert_int_equal(net_counters(b.net)->tls_errors, 1);
        bench_end(&b);
    }
    tls_unref(tls);
}

/* Every byte of the handshake and of a request alone; and cut off at every byte. */
static void test_split_and_cut(void **state)
{
    (void)state;
    struct tls *tls = make_tls(1);
    uint8_t hello[2000];
    struct bench b;
    bench_start(&b, tls);
    BIO *out = BIO_new(BIO_s_mem());
    SSL *talker = SSL_new(b.context);
    SSL_set_bio(talker, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(talker);
    SSL_do_handshake(talker);
    int len = BIO_read(out, hello, sizeof(hello));
    assert_true(len > 100);
    SSL_free(talker);
    for (int i = 0; i < len; i++) {
        assert_int_equal(send(b.fd, hello + i, 1, 0), 1);
        uv_run(&b.loop, UV_RUN_NOWAIT);
        assert_int_equal(b.closed, 0);
    }
    uint8_t answer[8192];
    ssize_t n;
    while ((n = recv(b.fd, answer, sizeof(answer), 0)) < 0)
        uv_run(&b.loop, UV_RUN_NOWAIT);
    assert_true(n > 100 && answer[0] == 0x16); /* the server's part of the handshake */
    bench_end(&b);
    for (int cut = 0; cut < len; cut += 7) {
        bench_start(&b, tls);
        if (cut)
            assert_int_equal(send(b.fd, hello, (size_t)cut, 0), cut);
        shutdown(b.fd, SHUT_WR);
        RUN_UNTIL(&b.loop, b.closed);
        assert_int_equal(b.got.len, 0);
        bench_end(&b);
    }
    tls_unref(tls);
}

/* Before the handshake is through nothing can be said: whoever tries ends the connection. */
static void test_nothing_to_say_before(void **state)
{
    (void)state;
    struct bench b;
    struct tls *tls = make_tls(1);
    bench_start(&b, tls);
    struct bytes *m = text_of(100, 1);
    assert_int_equal(conn_send(b.conn, m), -EPIPE);
    RUN_UNTIL(&b.loop, b.closed);
    bytes_unref(m);
    tls_unref(tls);
    bench_end(&b);
}

/* In a fan-out it takes its own way beside plain ones. */
static void test_fanout(void **state)
{
    (void)state;
    enum { PLAIN = 8 };
    struct bench b, plain[PLAIN];
    struct tls *tls = make_tls(1);
    struct ring *ring = NULL;
    bench_start(&b, tls);
    if (ring_open(&ring) == 0)
        net_set_ring(b.net, ring);
    assert_int_equal(shake(&b), 1);
    net_set_tls(b.net, NULL, NULL);
    tls_unref(tls);
    struct conn *conns[PLAIN + 1];
    int results[PLAIN + 1], peers[PLAIN];
    memset(plain, 0, sizeof(plain));
    for (int i = 0; i < PLAIN; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        conns[i] = conn_new(b.net, pair[0]);
        conn_set_owner(conns[i], &ops, &plain[i]);
        peers[i] = pair[1];
    }
    conns[PLAIN] = b.conn;
    struct bytes *m = text_of(500, 5);
    assert_int_equal(fanout_send(conns, PLAIN + 1, m, results), PLAIN + 1);
    uint8_t data[500];
    for (int i = 0; i < PLAIN; i++) {
        assert_int_equal(recv(peers[i], data, sizeof(data), 0), 500);
        assert_memory_equal(data, m->data, 500);
    }
    client_read(&b, data, 500);
    assert_memory_equal(data, m->data, 500);
    bytes_unref(m);
    bench_end(&b);
    for (int i = 0; i < PLAIN; i++)
        close(peers[i]);
    ring_close(ring);
}

static void test_bad_files(void **state)
{
    (void)state;
    struct files a, other;
    struct tls *tls = NULL;
    char why[512];
    make_certificate(&a, 1);
    make_certificate(&other, 2);
    assert_int_equal(tls_new("/nonexistent/cert.pem", a.key, &tls, why, sizeof(why)), -EINVAL);
    assert_non_null(strstr(why, "the certificate /nonexistent/cert.pem"));
    assert_non_null(strstr(why, "No such file"));
    assert_int_equal(tls_new(a.key, a.key, &tls, why, sizeof(why)), -EINVAL); /* no certificate */
    assert_non_null(strstr(why, "the certificate"));
    assert_int_equal(tls_new(a.cert, other.key, &tls, why, sizeof(why)), -EINVAL);
    assert_non_null(strstr(why, other.key));
    assert_non_null(strstr(why, "mismatch"));
    assert_int_equal(tls_new(a.cert, a.cert, &tls, why, sizeof(why)), -EINVAL);
    assert_non_null(strstr(why, "the key"));
    assert_null(tls);
    remove_files(&a);
    remove_files(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_goodbye_to_a_full_socket),
        cmocka_unit_test(test_goodbye_that_nobody_reads),
        cmocka_unit_test(test_new_keys_for_a_full_socket),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_renewal),
        cmocka_unit_test(test_versions_and_protocols),
        cmocka_unit_test(test_ciphers),
        cmocka_unit_test(test_no_second_handshake),
        cmocka_unit_test(test_no_compression),
        cmocka_unit_test(test_no_tls),
        cmocka_unit_test(test_split_and_cut),
        cmocka_unit_test(test_nothing_to_say_before),
        cmocka_unit_test(test_fanout),
        cmocka_unit_test(test_bad_files),
    };
    if (CRYPTO_set_mem_functions(watched_malloc, watched_realloc, watched_free) != 1)
        return 1;             /* only before OpenSSL's first piece of memory */
    signal(SIGPIPE, SIG_IGN); /* as tls.h wants it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
