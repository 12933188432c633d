/*
 * secret.h: what is given to people and shown back by them: 256 random bits as text, of which the
 * daemon keeps the digest alone. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/vault.h"

#define SECRET_BYTES 32
#define SECRET_TEXT_LEN 47 /* prefix and 43 characters */
#define SECRET_TEXT_MAX 64 /* prefix, 43 characters and a NUL fit */

/* The prefixes say what a secret is good for, to people and to programs that look for leaked ones.
 */
#define SECRET_TOKEN "nst_"   /* Authorization: Bearer, and the login page */
#define SECRET_LOGIN "nsl_"   /* once, in the fragment of /login */
#define SECRET_SESSION "nss_" /* the cookie */

/* 0 or -EIO: the kernel gives no random bytes. */
int secret_new(const char *prefix, char text[SECRET_TEXT_MAX]);

/* SHA-256 of the text; false when it does not have the form of a secret of this prefix. */
bool secret_digest(const char *prefix, const char *text, uint8_t digest[VAULT_DIGEST_LEN]);

/* `len` random bytes as lower-case hexadecimal digits, with a NUL. 0 or -EIO. */
int secret_id(char *text, size_t len);
