/*
 * tls.h: TLS 1.2 and 1.3 for the connections of conn.c, by OpenSSL.
 *
 * struct tls is a certificate with its key: made on the main thread, counted, used on any thread,
 * so that a renewed certificate takes the place of the old one for those who come, while those who
 * are there go on. struct tls_session is one connection's state, on its loop's thread; it reads
 * from and writes to a non-blocking socket that it does not own. The process must ignore SIGPIPE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls;
struct tls_session;

/* PEM files: the certificate with its chain, the key without a password. 0 or a negative errno, and
 * then in `why` a sentence with the file and what is wrong with it. */
int tls_new(const char *cert_path, const char *key_path, struct tls **ret, char *why,
            size_t why_size);
struct tls *tls_ref(struct tls *tls);
void tls_unref(struct tls *tls); /* NULL is allowed */

struct tls_session *tls_session_new(const struct tls *tls, int fd); /* NULL: no memory */
void tls_session_free(struct tls_session *session);                 /* NULL is allowed */

/* As recv and send on a non-blocking socket, but a negative errno. The handshake is made on the
 * way. -EAGAIN: go on when the socket is readable, or writable when tls_wants_write says so. 0 of a
 * read: the peer has ended. -EPROTO: what came is no TLS that we speak; -EPROTOTYPE: it is plain
 * HTTP. `len` of a read must have room for a record (TLS_RECORD_BYTES), so that nothing stays
 * behind in the session. A write that was not taken must be repeated with the same bytes. */
ssize_t tls_read(struct tls_session *session, void *data, size_t len);
ssize_t tls_write(struct tls_session *session, const void *data, size_t len);
bool tls_is_established(struct tls_session *session);    /* the handshake is behind us */
bool tls_wants_write(const struct tls_session *session); /* the last call waits for room */

/* close_notify. False: the socket has no room for it now; to be called again when it is writable.
 */
bool tls_goodbye(struct tls_session *session);

#define TLS_RECORD_BYTES 16384
