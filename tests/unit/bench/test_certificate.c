/* test_certificate.c: a client that looks at the certificate agrees with it, twice are two, and
 * nothing of it is left open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/defs.h"
#include "bench/certificate.h"
#include "net/tls.h"

static int open_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* The server's certificate as a client sees it; one reference. */
static X509 *shown(const struct tls *tls)
{
    int fds[2];
    uint8_t data[TLS_RECORD_BYTES];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    struct tls_session *server = tls_session_new(tls, fds[0]);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context);
    assert_int_equal(SSL_set_fd(client, fds[1]), 1);
    int result = 0;
    for (int turns = 0; turns < 10 && result != 1; turns++) {
        result = SSL_connect(client);
        (void)!tls_read(server, data, sizeof(data));
    }
    assert_int_equal(result, 1);
    X509 *cert = SSL_get1_peer_certificate(client);
    SSL_free(client);
    SSL_CTX_free(context);
    tls_session_free(server);
    close(fds[0]);
    close(fds[1]);
    return cert;
}

static void test_certificate(void **state)
{
    (void)state;
    char why[160] = "";
    struct tls *tls;
    X509 *certs[2];
    int before = open_descriptors();
    for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
        assert_int_equal(certificate_make(&tls, why, sizeof(why)), 0);
        certs[i] = shown(tls);
        tls_unref(tls);
        assert_non_null(certs[i]);
        time_t now = time(NULL), later = now + 30 * 60, tomorrow = now + 24 * 60 * 60;
        assert_true(X509_cmp_time(X509_get0_notBefore(certs[i]), &now) < 0);
        assert_true(X509_cmp_time(X509_get0_notAfter(certs[i]), &later) > 0);
        assert_true(X509_cmp_time(X509_get0_notAfter(certs[i]), &tomorrow) < 0);
        assert_int_equal(X509_verify(certs[i], X509_get0_pubkey(certs[i])), 1);
    }
    assert_int_equal(X509_verify(certs[0], X509_get0_pubkey(certs[1])), 0);
    assert_int_equal(open_descriptors(), before);
    X509_free(certs[0]);
    X509_free(certs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_certificate)};
    return cmocka_run_group_tests_name("bench certificate", tests, NULL, NULL);
}
