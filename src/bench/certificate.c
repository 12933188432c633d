/*
 * certificate.c: made with libcrypto, handed to net/tls as every certificate is: as files. They lie
 * in memory (memfd), named by /proc, and are gone with their descriptors.
 */
#include "bench/certificate.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/tls.h"

#define VALID_S 3600
#define EARLIER_S (-60) /* clocks that are set meanwhile */

static X509 *sign(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (name && X509_set_version(cert, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(cert), EARLIER_S) &&
        X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1,
                                   -1, 0) == 1 &&
        X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

/* A file in memory with the certificate or, without one, the key. Its descriptor or -1. */
static int store(X509 *cert, EVP_PKEY *key, char *path, size_t size)
{
    int fd = memfd_create("netsonde-bench", MFD_CLOEXEC);
    BIO *out = fd < 0 ? NULL : BIO_new_fd(fd, BIO_NOCLOSE);
    int good = out && (cert ? PEM_write_bio_X509(out, cert)
                            : PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
    BIO_free(out);
    snprintf(path, size, "/proc/self/fd/%d", fd);
    if (good || fd < 0)
        return fd;
    close(fd);
    return -1;
}

int certificate_make(struct tls **ret, char *why, size_t why_size)
{
    char cert_path[64], key_path[64];
    int err = -ENOMEM;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? sign(key) : NULL;
    int cert_fd = cert ? store(cert, NULL, cert_path, sizeof(cert_path)) : -1;
    int key_fd = cert ? store(NULL, key, key_path, sizeof(key_path)) : -1;
    if (cert_fd >= 0 && key_fd >= 0)
        err = tls_new(cert_path, key_path, ret, why, why_size);
    else
        snprintf(why, why_size, "no certificate can be made");
    if (cert_fd >= 0)
        close(cert_fd);
    if (key_fd >= 0)
        close(key_fd);
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}
