/*
 * keyring.h: who shows what: tokens, sessions, and how often somebody may guess. One for all loops;
 * any thread. Times are epoch milliseconds but where "mono" is said.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/throttle.h"
#include "http/access.h"
#include "http/secret.h"
#include "http/tokens.h"
#include "net/address.h"
#include "wire/http.h"

/* Why somebody may ask. */
enum identity_kind {
    IDENTITY_NONE,    /* shows nothing */
    IDENTITY_WRONG,   /* shows a token that is not good */
    IDENTITY_TOKEN,   /* Authorization: Bearer */
    IDENTITY_SESSION, /* the cookie */
};

struct identity {
    enum identity_kind kind;
    enum access_role role;
    char id[VAULT_OWNER_MAX];         /* of the token, also of a session's */
    uint8_t digest[VAULT_DIGEST_LEN]; /* of a session's cookie */
    int64_t expires_ms;               /* INT64_MAX: never */
};

struct keyring;

/* `name` tells daemons on one host apart, whose cookies a browser mixes: any text. The tokens are
 * taken. */
struct keyring *keyring_new(const char *name, struct tokens *tokens);
void keyring_free(struct keyring *k); /* NULL allowed */

void keyring_set_tokens(struct keyring *k, struct tokens *tokens); /* takes them */
struct tokens *keyring_tokens(struct keyring *k);                  /* a reference */
/* Grows when somebody may have lost what he had. */
uint64_t keyring_changes(struct keyring *k);
size_t keyring_sessions(struct keyring *k);

/* What the head shows. Only IDENTITY_TOKEN and IDENTITY_SESSION have the other members. A cookie
 * that is not good counts as none: it is the rest of a session. */
void keyring_identify(struct keyring *k, const struct http_head *head, int64_t now_ms,
                      struct identity *ret);
/* Is it still? */
bool keyring_is_good(struct keyring *k, const struct identity *identity, int64_t now_ms);

/* What became of a login. */
struct login {
    struct identity identity;
    char session[SECRET_TEXT_MAX]; /* for the cookie; to be wiped by the caller */
    bool once;                     /* it was a one-time secret: the file is to be changed */
};

/* 0, -EACCES: not good, -EIO: no random bytes. */
int keyring_login(struct keyring *k, const char *secret, int64_t now_ms, struct login *ret);

/* The session ends; its streams with it. */
void keyring_logout(struct keyring *k, const struct identity *identity, int64_t now_ms);

/* May this address try? 0, or the milliseconds it has to wait. NULL: only all together count. */
int64_t keyring_try(struct keyring *k, const struct net_address *client, int64_t mono_ms);
void keyring_succeeded(struct keyring *k, const struct net_address *client);

/* The value of a Set-Cookie header. session NULL: takes the cookie away. `path` is the base path.
 */
void keyring_cookie(const struct keyring *k, const char *session, const char *path, bool secure,
                    int64_t lifetime_ms, struct buf *out);
