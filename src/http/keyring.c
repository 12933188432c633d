/*
 * keyring.c: who shows what.
 *
 * Tokens are an immutable set in a slot: a request takes a reference, a reload puts another set
 * there. A session is an entry in a vault: the digest of its cookie, and the token that it came
 * from. It is good only as long as that token is in the set, so taking a token away ends its
 * sessions without looking for them.
 *
 * A one-time secret is claimed in a second vault before anything else happens, so that of two who
 * come with it at the same time one is let in. Its session is then written into the file in its
 * place (api/login.c), where a restart finds it; the vault's entry bridges the time until then. A
 * session from the file that is logged out is in the vault `spent`, until the file has lost it.
 */
#include "http/keyring.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/slot.h"

#define SESSION_MS (30 * 24 * 3600 * MS_PER_S)
#define SESSIONS_MAX 1024
#define SESSIONS_PER_TOKEN 64
#define COOKIES_LOOKED_AT 8 /* of the name: other paths may have set it, too */

struct keyring {
    struct slot *tokens;    /* struct tokens */
    struct vault *sessions; /* owner: the token's id */
    struct vault *spent;    /* one-time secrets that were used, sessions that were ended */
    struct throttle *attempts;
    atomic_ullong changes; /* beside what leaves the vault */
    char cookie[32];
};

static void *ref_tokens(void *item)
{
    return tokens_ref(item);
}

static void unref_tokens(void *item)
{
    tokens_unref(item);
}

struct keyring *keyring_new(const char *name, struct tokens *tokens)
{
    uint8_t digest[VAULT_DIGEST_LEN];
    struct keyring *k = mem_alloc(sizeof(*k));
    k->tokens = slot_new(tokens, ref_tokens, unref_tokens);
    k->sessions = vault_new(SESSIONS_MAX, SESSIONS_PER_TOKEN);
    k->spent = vault_new(2 * TOKENS_MAX, 2 * TOKENS_MAX);
    k->attempts = throttle_new(&THROTTLE_LOGIN);
    CHECK(EVP_Digest(name, strlen(name), digest, NULL, EVP_sha256(), NULL) == 1);
    snprintf(k->cookie, sizeof(k->cookie), "netsonde-%02x%02x%02x%02x", digest[0], digest[1],
             digest[2], digest[3]);
    return k;
}

void keyring_free(struct keyring *k)
{
    if (!k)
        return;
    slot_free(k->tokens);
    vault_free(k->sessions);
    vault_free(k->spent);
    throttle_free(k->attempts);
    free(k);
}

void keyring_set_tokens(struct keyring *k, struct tokens *tokens)
{
    slot_set(k->tokens, tokens);
    atomic_fetch_add(&k->changes, 1);
}

struct tokens *keyring_tokens(struct keyring *k)
{
    return slot_get(k->tokens);
}

uint64_t keyring_changes(struct keyring *k)
{
    return atomic_load(&k->changes) + vault_departures(k->sessions);
}

size_t keyring_sessions(struct keyring *k)
{
    return vault_count(k->sessions);
}

/* ---- what is shown ----------------------------------------------------------------------- */

static void be(struct identity *ret, enum identity_kind kind, const struct token *t,
               const uint8_t digest[VAULT_DIGEST_LEN], int64_t expires_ms)
{
    ret->kind = kind;
    ret->role = t->role;
    memcpy(ret->id, t->id, sizeof(ret->id));
    memcpy(ret->digest, digest, VAULT_DIGEST_LEN);
    ret->expires_ms = MIN(expires_ms, t->kind == TOKEN_LOGIN ? INT64_MAX : t->expires_ms);
}

/* The session of that digest: of the vault, or of the file. */
static bool find_session(struct keyring *k, const struct tokens *tokens,
                         const uint8_t digest[VAULT_DIGEST_LEN], int64_t now_ms,
                         struct identity *ret)
{
    struct vault_entry e;
    if (vault_has(k->spent, digest, now_ms))
        return false;
    const struct token *t = tokens_find(tokens, TOKEN_SESSION, digest, now_ms);
    if (t) {
        be(ret, IDENTITY_SESSION, t, digest, t->expires_ms);
        return true;
    }
    if (!vault_get(k->sessions, digest, now_ms, &e))
        return false;
    t = tokens_by_id(tokens, e.owner);
    /* A one-time secret's time is for the login, not for what comes after. */
    if (!t || (t->kind != TOKEN_LOGIN && t->expires_ms <= now_ms))
        return false;
    be(ret, IDENTITY_SESSION, t, digest, e.expires_ms);
    return true;
}

/* The token of "Bearer TOKEN"; NULL when it is another scheme, which is for a proxy, say. */
static const char *bearer_of(const char *value)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    value += sizeof(scheme) - 1;
    return value + strspn(value, " ");
}

static void identify_bearer(const struct tokens *tokens, const char *text, int64_t now_ms,
                            struct identity *ret)
{
    uint8_t digest[VAULT_DIGEST_LEN];
    const struct token *t = NULL;
    if (secret_digest(SECRET_TOKEN, text, digest))
        t = tokens_find(tokens, TOKEN_KEY, digest, now_ms);
    if (t)
        be(ret, IDENTITY_TOKEN, t, digest, INT64_MAX);
    else
        ret->kind = IDENTITY_WRONG;
}

/* The next cookie of the name in a Cookie header; false: there is none. */
static bool next_cookie(const char **at, const char *name, char value[SECRET_TEXT_MAX])
{
    size_t name_len = strlen(name);
    while (**at) {
        const char *pair = *at + strspn(*at, " \t;");
        size_t len = strcspn(pair, ";");
        *at = pair + len;
        if (len <= name_len || strncmp(pair, name, name_len) != 0 || pair[name_len] != '=')
            continue;
        len -= name_len + 1;
        if (len >= SECRET_TEXT_MAX)
            continue;
        memcpy(value, pair + name_len + 1, len);
        value[len] = '\0';
        return true;
    }
    return false;
}

static void identify_cookies(struct keyring *k, const struct tokens *tokens,
                             const struct http_head *head, int64_t now_ms, struct identity *ret)
{
    char value[SECRET_TEXT_MAX];
    uint8_t digest[VAULT_DIGEST_LEN];
    size_t looked_at = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        const char *at = head->headers[i].value;
        if (strcmp(head->headers[i].name, "cookie") != 0)
            continue;
        while (looked_at < COOKIES_LOOKED_AT && next_cookie(&at, k->cookie, value)) {
            looked_at++;
            bool found = secret_digest(SECRET_SESSION, value, digest) &&
                         find_session(k, tokens, digest, now_ms, ret);
            explicit_bzero(value, sizeof(value));
            if (found)
                return;
        }
    }
}

void keyring_identify(struct keyring *k, const struct http_head *head, int64_t now_ms,
                      struct identity *ret)
{
    const char *authorization = http_header(head, "authorization");
    const char *bearer = authorization ? bearer_of(authorization) : NULL;
    *ret = (struct identity){0};
    if (!bearer && !http_header(head, "cookie"))
        return; /* most requests of this host: nothing is locked for them */
    struct tokens *tokens = keyring_tokens(k);
    if (bearer)
        identify_bearer(tokens, bearer, now_ms, ret);
    else
        identify_cookies(k, tokens, head, now_ms, ret);
    tokens_unref(tokens);
}

bool keyring_is_good(struct keyring *k, const struct identity *identity, int64_t now_ms)
{
    struct identity now = {0};
    struct tokens *tokens = keyring_tokens(k);
    bool good = true;
    if (identity->kind == IDENTITY_TOKEN)
        good = tokens_find(tokens, TOKEN_KEY, identity->digest, now_ms);
    else if (identity->kind == IDENTITY_SESSION)
        good = find_session(k, tokens, identity->digest, now_ms, &now);
    tokens_unref(tokens);
    return good;
}

/* ---- coming and going -------------------------------------------------------------------- */

/* The token behind a secret: a key, or one that nobody has used yet and now is. */
static const struct token *admit(struct keyring *k, const struct tokens *tokens, const char *secret,
                                 int64_t now_ms)
{
    struct vault_entry once = {0};
    if (secret_digest(SECRET_TOKEN, secret, once.digest))
        return tokens_find(tokens, TOKEN_KEY, once.digest, now_ms);
    if (!secret_digest(SECRET_LOGIN, secret, once.digest))
        return NULL;
    const struct token *t = tokens_find(tokens, TOKEN_LOGIN, once.digest, now_ms);
    if (!t)
        return NULL;
    once.expires_ms = t->expires_ms;
    return vault_claim(k->spent, &once, now_ms) ? t : NULL;
}

int keyring_login(struct keyring *k, const char *secret, int64_t now_ms, struct login *ret)
{
    struct tokens *tokens = keyring_tokens(k);
    int err = 0;
    *ret = (struct login){0};
    const struct token *t = admit(k, tokens, secret, now_ms);
    if (!t)
        err = -EACCES;
    else
        err = secret_new(SECRET_SESSION, ret->session);
    if (!err) {
        struct vault_entry e = {.role = t->role, .expires_ms = now_ms + SESSION_MS};
        CHECK(secret_digest(SECRET_SESSION, ret->session, e.digest));
        memcpy(e.owner, t->id, sizeof(e.owner));
        be(&ret->identity, IDENTITY_SESSION, t, e.digest, e.expires_ms);
        vault_put(k->sessions, &e, now_ms);
        ret->once = t->kind == TOKEN_LOGIN;
    }
    tokens_unref(tokens);
    return err;
}

void keyring_logout(struct keyring *k, const struct identity *identity, int64_t now_ms)
{
    if (identity->kind != IDENTITY_SESSION)
        return;
    struct tokens *tokens = keyring_tokens(k);
    const struct token *t = tokens_by_id(tokens, identity->id);
    if (t && t->kind != TOKEN_KEY) { /* the file has it, or is about to */
        struct vault_entry e = {.expires_ms = identity->expires_ms};
        memcpy(e.digest, identity->digest, sizeof(e.digest));
        vault_put(k->spent, &e, now_ms);
    }
    tokens_unref(tokens);
    vault_remove(k->sessions, identity->digest);
    atomic_fetch_add(&k->changes, 1);
}

/* ---- guessing ---------------------------------------------------------------------------- */

/* A host of IPv6 has a whole /64 to choose from. */
static void key_of(const struct net_address *a, uint8_t key[THROTTLE_KEY_LEN])
{
    memset(key, 0, THROTTLE_KEY_LEN);
    if (a->family == 4) {
        memcpy(key, a->ip, 4);
        key[15] = 4;
    } else {
        memcpy(key, a->ip, 8);
    }
}

int64_t keyring_try(struct keyring *k, const struct net_address *client, int64_t mono_ms)
{
    uint8_t key[THROTTLE_KEY_LEN];
    if (client)
        key_of(client, key);
    return throttle_take(k->attempts, client ? key : NULL, mono_ms);
}

void keyring_succeeded(struct keyring *k, const struct net_address *client)
{
    uint8_t key[THROTTLE_KEY_LEN];
    if (client)
        key_of(client, key);
    throttle_forgive(k->attempts, client ? key : NULL);
}

void keyring_cookie(const struct keyring *k, const char *session, const char *path, bool secure,
                    int64_t lifetime_ms, struct buf *out)
{
    buf_printf(out, "%s=%s; Path=%s; Max-Age=%lld; HttpOnly; SameSite=Strict%s", k->cookie,
               session ? session : "", *path ? path : "/",
               session ? (long long)(lifetime_ms / MS_PER_S) : 0LL, secure ? "; Secure" : "");
}
