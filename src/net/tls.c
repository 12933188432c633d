/*
 * tls.c: see tls.h.
 *
 * Memory: SSL_MODE_RELEASE_BUFFERS gives the record buffers back while nothing is in them, which is
 * most of what an idle connection would cost; sessions are kept by the clients (tickets), not here.
 *
 * Versions and ciphers: TLS 1.2 with forward secrecy and authenticated encryption, and 1.3. No
 * renegotiation, no compression: both have only ever been used for attacks.
 *
 * OpenSSL keeps a queue of errors per thread and looks into it to classify the next one, so it is
 * emptied before each call.
 *
 * What was deciphered is wiped behind the reader (SSL_OP_CLEANSE_PLAINTEXT): a token would stay in
 * the freed record buffer otherwise.
 */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"

#define CIPHERS_OF_1_2                                                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

struct tls {
    atomic_uint refs;
    SSL_CTX *context;
};

struct tls_session {
    SSL *ssl;
    bool established;
    bool wants_write;
    bool failed; /* nothing more may be asked of it */
};

/* ---- certificate and key ------------------------------------------------------------------- */

static int explain(char *why, size_t size, const char *what, const char *path)
{
    unsigned long code = ERR_peek_error(); /* the first is the cause */
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    snprintf(why, size, "%s %s cannot be used: %s", what, path,
             ERR_SYSTEM_ERROR(code) ? strerror((int)ERR_GET_REASON(code))
             : reason               ? reason
                                    : "unknown error");
    ERR_clear_error();
    return -EINVAL;
}

/* Nobody is there to type a password. */
static int no_password(char *buf, int size, int writing, void *user)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)user;
    return 0;
}

static int load(SSL_CTX *context, const char *cert_path, const char *key_path, char *why,
                size_t size)
{
    SSL_CTX_set_default_passwd_cb(context, no_password);
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1)
        return explain(why, size, "the certificate", cert_path);
    if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1)
        return explain(why, size, "the key", key_path);
    if (SSL_CTX_check_private_key(context) != 1)
        return explain(why, size, "the key", key_path);
    return 0;
}

/* RFC 7301. Who offers protocols, but not ours, must not be let on: whatever he would say next was
 * meant for another server. */
static int select_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                           const unsigned char *offered, unsigned offered_len, void *user)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)user;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours) - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int tls_new(const char *cert_path, const char *key_path, struct tls **ret, char *why,
            size_t why_size)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) {
        snprintf(why, why_size, "OpenSSL cannot be used: no memory");
        return -ENOMEM;
    }
    int err = load(context, cert_path, key_path, why, why_size);
    if (err) {
        SSL_CTX_free(context);
        return err;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, CIPHERS_OF_1_2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    struct tls *tls = mem_alloc(sizeof(*tls));
    atomic_init(&tls->refs, 1);
    tls->context = context;
    *ret = tls;
    return 0;
}

struct tls *tls_ref(struct tls *tls)
{
    atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

/* ---- a connection -------------------------------------------------------------------------- */

struct tls_session *tls_session_new(const struct tls *tls, int fd)
{
    struct tls_session *session = calloc(1, sizeof(*session));
    SSL *ssl = session ? SSL_new(tls->context) : NULL;
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        free(session);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(ssl);
    session->ssl = ssl;
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    free(session);
}

/* What a call that did not succeed means. */
static ssize_t outcome(struct tls_session *session, int result)
{
    int saved = errno;
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        session->wants_write = true;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        session->failed = true;
        ERR_clear_error();
        return saved ? -saved : -ECONNRESET;
    default:
        session->failed = true;
        saved = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST ? EPROTOTYPE : EPROTO;
        ERR_clear_error();
        return -saved;
    }
}

ssize_t tls_read(struct tls_session *session, void *data, size_t len)
{
    size_t got = 0;
    if (session->failed)
        return -EPROTO;
    session->wants_write = false;
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(session->ssl, data, len, &got);
    return result == 1 ? (ssize_t)got : outcome(session, result);
}

ssize_t tls_write(struct tls_session *session, const void *data, size_t len)
{
    size_t taken = 0;
    if (session->failed)
        return -EPROTO;
    session->wants_write = false;
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(session->ssl, data, len, &taken);
    if (result == 1)
        return (ssize_t)taken;
    ssize_t error = outcome(session, result);
    return error ? error : -EPIPE;
}

/* Once and for all: new keys, too, are a handshake to OpenSSL, which may wait for room. */
bool tls_is_established(struct tls_session *session)
{
    if (!session->established)
        session->established = SSL_is_init_finished(session->ssl);
    return session->established;
}

bool tls_wants_write(const struct tls_session *session)
{
    return session->wants_write;
}

bool tls_goodbye(struct tls_session *session)
{
    session->wants_write = false;
    if (session->failed || SSL_in_init(session->ssl))
        return true;
    ERR_clear_error();
    int result = SSL_shutdown(session->ssl);
    session->wants_write =
        result < 0 && SSL_get_error(session->ssl, result) == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    return !session->wants_write;
}
