/*
 * test_keyring_look.c: what it costs to look at streams again (api/login.c does once a second when
 * somebody lost something): digests compared are counted by the linker's --wrap. With as many
 * tokens and sessions as there can be, a stream costs a few, not thousands.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/mem.h"
#include "http/keyring.h"

#define NOW 1000000
#define DAY (24LL * 3600 * 1000)
#define STREAMS 10000
#define SESSIONS 1024 /* as many as the keyring keeps */
#define OWNERS 64     /* tokens that sessions are of */

static size_t compared;

bool __real_vault_same(const uint8_t a[VAULT_DIGEST_LEN], const uint8_t b[VAULT_DIGEST_LEN]);
bool __wrap_vault_same(const uint8_t a[VAULT_DIGEST_LEN], const uint8_t b[VAULT_DIGEST_LEN]);

bool __wrap_vault_same(const uint8_t a[VAULT_DIGEST_LEN], const uint8_t b[VAULT_DIGEST_LEN])
{
    compared++;
    return __real_vault_same(a, b);
}

struct fixture {
    struct token items[TOKENS_MAX];
    char secrets[TOKENS_MAX][SECRET_TEXT_MAX];
    struct identity sessions[SESSIONS], by_token[TOKENS_MAX - 1];
    struct keyring *keyring;
};

/* Keys, and last a one-time secret's session in the file. */
static void make_tokens(struct fixture *f)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token *t = &f->items[i];
        bool is_key = i < TOKENS_MAX - 1;
        const char *prefix = is_key ? SECRET_TOKEN : SECRET_SESSION;
        *t = (struct token){.kind = is_key ? TOKEN_KEY : TOKEN_SESSION,
                            .role = ACCESS_VIEWER,
                            .expires_ms = INT64_MAX};
        snprintf(t->id, sizeof(t->id), "%08zx", i);
        assert_int_equal(secret_new(prefix, f->secrets[i]), 0);
        assert_true(secret_digest(prefix, f->secrets[i], t->digest));
    }
}

static struct fixture *begin(void)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    struct login login;
    make_tokens(f);
    f->keyring = keyring_new("a host", tokens_new(f->items, TOKENS_MAX));
    for (size_t i = 0; i < SESSIONS; i++) {
        const char *secret = f->secrets[i % OWNERS];
        assert_int_equal(keyring_login(f->keyring, secret, NOW, &login), 0);
        f->sessions[i] = login.identity;
    }
    assert_int_equal(keyring_sessions(f->keyring), SESSIONS);
    for (size_t i = 0; i < ARRAY_LEN(f->by_token); i++) {
        struct identity *who = &f->by_token[i];
        *who = (struct identity){.kind = IDENTITY_TOKEN, .expires_ms = INT64_MAX};
        memcpy(who->id, f->items[i].id, sizeof(who->id));
        memcpy(who->digest, f->items[i].digest, sizeof(who->digest));
    }
    /* Sessions of the file that were logged out are looked at, too. */
    struct identity ended = {.kind = IDENTITY_SESSION, .expires_ms = INT64_MAX};
    memcpy(ended.id, f->items[TOKENS_MAX - 1].id, sizeof(ended.id));
    memcpy(ended.digest, f->items[TOKENS_MAX - 1].digest, sizeof(ended.digest));
    assert_true(keyring_is_good(f->keyring, &ended, NOW));
    keyring_logout(f->keyring, &ended, NOW);
    assert_false(keyring_is_good(f->keyring, &ended, NOW));
    return f;
}

static void end(struct fixture *f)
{
    keyring_free(f->keyring);
    free(f);
}

/* All streams, each of the next of `count` identities; how many are good. */
static size_t look(struct fixture *f, const struct identity *who, size_t count)
{
    size_t good = 0;
    compared = 0;
    for (size_t i = 0; i < STREAMS; i++)
        good += keyring_is_good(f->keyring, &who[i % count], NOW + 1);
    print_message("%d streams, %d tokens, %d sessions: %zu digests compared\n", STREAMS, TOKENS_MAX,
                  SESSIONS, compared);
    return good;
}

/* Three look-ups for a session, in tables that are half full: 5 comparisons for one that is in none
 * of them, 2 for one that is, on the average over 1024. */
static void test_sessions(void **state)
{
    (void)state;
    struct fixture *f = begin();
    assert_int_equal(look(f, f->sessions, SESSIONS), STREAMS);
    assert_in_range(compared, STREAMS, 10 * STREAMS);
    end(f);
}

static void test_tokens(void **state)
{
    (void)state;
    struct fixture *f = begin();
    assert_int_equal(look(f, f->by_token, ARRAY_LEN(f->by_token)), STREAMS);
    assert_in_range(compared, STREAMS, 5 * STREAMS);
    end(f);
}

/* The answers are right while most leave: half of the tokens, and with them half of the sessions.
 */
static void test_who_lost(void **state)
{
    (void)state;
    struct fixture *f = begin();
    keyring_set_tokens(f->keyring, tokens_new(f->items, OWNERS / 2));
    for (size_t i = 0; i < SESSIONS; i++)
        assert_int_equal(keyring_is_good(f->keyring, &f->sessions[i], NOW),
                         i % OWNERS < OWNERS / 2);
    for (size_t i = 0; i < ARRAY_LEN(f->by_token); i++)
        assert_int_equal(keyring_is_good(f->keyring, &f->by_token[i], NOW), i < OWNERS / 2);
    for (size_t i = 0; i < SESSIONS; i += 3)
        keyring_logout(f->keyring, &f->sessions[i], NOW);
    for (size_t i = 0; i < SESSIONS; i++)
        assert_int_equal(keyring_is_good(f->keyring, &f->sessions[i], NOW),
                         i % 3 && i % OWNERS < OWNERS / 2);
    (void)look(f, f->sessions, SESSIONS);
    assert_true(compared < 10 * STREAMS);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_who_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
