/*
 * secret.c: getrandom for the bits, base64url for the text, SHA-256 for what is kept. A slow hash
 * (bcrypt and its like) would protect passwords, which people choose; it adds nothing to 256 bits
 * that nobody chose, and would let strangers keep the daemon busy.
 */
#include "http/secret.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define TEXT_LEN 43 /* 32 bytes in base64 without padding */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void put_base64url(const uint8_t bytes[SECRET_BYTES], char *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 6; have -= 6)
            *out++ = alphabet[bits >> (have - 6) & 63];
    }
    *out++ = alphabet[bits << (6 - have) & 63];
    *out = '\0';
}

int secret_new(const char *prefix, char text[SECRET_TEXT_MAX])
{
    uint8_t bytes[SECRET_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    size_t len = strlen(prefix);
    memcpy(text, prefix, len);
    put_base64url(bytes, text + len);
    explicit_bzero(bytes, sizeof(bytes));
    return 0;
}

bool secret_digest(const char *prefix, const char *text, uint8_t digest[VAULT_DIGEST_LEN])
{
    size_t len = strlen(prefix);
    if (strncmp(text, prefix, len) != 0 || strlen(text) != len + TEXT_LEN ||
        strspn(text + len, alphabet) != TEXT_LEN)
        return false;
    return EVP_Digest(text, len + TEXT_LEN, digest, NULL, EVP_sha256(), NULL) == 1;
}

int secret_id(char *text, size_t len)
{
    uint8_t bytes[16];
    if (len > sizeof(bytes) || getrandom(bytes, len, 0) != (ssize_t)len)
        return -EIO;
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}
