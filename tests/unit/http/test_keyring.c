/* test_keyring.c: tokens, sessions and one-time logins on a clock of the test's own. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/mem.h"
#include "http/keyring.h"

#define NOW 1000000
#define DAY (24LL * 3600 * 1000)

struct fixture {
    char key[SECRET_TEXT_MAX], admin[SECRET_TEXT_MAX], once[SECRET_TEXT_MAX];
    struct token items[3];
    struct keyring *keyring;
};

static void fill(struct token *t, const char *prefix, const char *id, enum token_kind kind,
                 enum access_role role, int64_t expires_ms, char secret[SECRET_TEXT_MAX])
{
    *t = (struct token){.kind = kind, .role = role, .expires_ms = expires_ms};
    snprintf(t->id, sizeof(t->id), "%s", id);
    assert_int_equal(secret_new(prefix, secret), 0);
    assert_true(secret_digest(prefix, secret, t->digest));
}

static void begin(struct fixture *f)
{
    fill(&f->items[0], SECRET_TOKEN, "aaaaaaaa", TOKEN_KEY, ACCESS_VIEWER, INT64_MAX, f->key);
    fill(&f->items[1], SECRET_TOKEN, "bbbbbbbb", TOKEN_KEY, ACCESS_ADMIN, NOW + DAY, f->admin);
    fill(&f->items[2], SECRET_LOGIN, "cccccccc", TOKEN_LOGIN, ACCESS_VIEWER, NOW + 600000, f->once);
    f->keyring = keyring_new("a host", tokens_new(f->items, 3));
}

static struct identity show(struct fixture *f, const char *name, const char *format,
                            const char *secret, int64_t now_ms)
{
    struct identity who;
    char *value CLEANUP(mem_freep) = mem_printf(format, secret);
    struct http_field field = {name, value};
    struct http_head head = {.headers = &field, .header_count = 1};
    keyring_identify(f->keyring, &head, now_ms, &who);
    return who;
}

static struct identity bearer(struct fixture *f, const char *secret, int64_t now_ms)
{
    return show(f, "authorization", "Bearer %s", secret, now_ms);
}

/* The name of the cookie is part of what it says. */
static struct identity cookie(struct fixture *f, const char *session, int64_t now_ms)
{
    CLEANUP(buf_fini) struct buf set = BUF_INIT;
    keyring_cookie(f->keyring, session, "", false, 1000, &set);
    char *text = (char *)buf_string(&set);
    text[strcspn(text, ";")] = '\0';
    return show(f, "cookie", "a=b; %s; c=d", text, now_ms);
}

static void test_bearer(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct identity who = bearer(&f, f.key, NOW);
    assert_int_equal(who.kind, IDENTITY_TOKEN);
    assert_int_equal(who.role, ACCESS_VIEWER);
    assert_string_equal(who.id, "aaaaaaaa");
    assert_int_equal(bearer(&f, f.admin, NOW).role, ACCESS_ADMIN);
    assert_int_equal(bearer(&f, f.admin, NOW + DAY).kind, IDENTITY_WRONG);
    assert_int_equal(bearer(&f, f.once, NOW).kind, IDENTITY_WRONG); /* not for this */
    assert_int_equal(bearer(&f, "", NOW).kind, IDENTITY_WRONG);
    assert_int_equal(show(&f, "authorization", "bearer   %s", f.key, NOW).kind, IDENTITY_TOKEN);
    /* for somebody else, e.g. a proxy */
    assert_int_equal(show(&f, "authorization", "Basic %s", f.key, NOW).kind, IDENTITY_NONE);
    assert_int_equal(show(&f, "authorization", "%s", f.key, NOW).kind, IDENTITY_NONE);
    assert_int_equal(show(&f, "x-token", "Bearer %s", f.key, NOW).kind, IDENTITY_NONE);

    who = bearer(&f, f.key, NOW);
    uint64_t before = keyring_changes(f.keyring);
    assert_true(keyring_is_good(f.keyring, &who, NOW));
    keyring_set_tokens(f.keyring, tokens_new(f.items + 1, 2)); /* revoked */
    assert_true(keyring_changes(f.keyring) != before);
    assert_false(keyring_is_good(f.keyring, &who, NOW));
    assert_int_equal(bearer(&f, f.key, NOW).kind, IDENTITY_WRONG);
    keyring_free(f.keyring);
}

static void test_session(void **state)
{
    (void)state;
    struct fixture f;
    struct login login;
    begin(&f);
    assert_int_equal(keyring_login(f.keyring, "nst_wrong", NOW, &login), -EACCES);
    assert_int_equal(keyring_login(f.keyring, f.admin, NOW, &login), 0);
    assert_false(login.once);
    assert_int_equal(login.identity.expires_ms, NOW + DAY); /* not longer than the token */
    struct identity who = cookie(&f, login.session, NOW);
    assert_int_equal(who.kind, IDENTITY_SESSION);
    assert_int_equal(who.role, ACCESS_ADMIN);
    assert_string_equal(who.id, "bbbbbbbb");
    assert_int_equal(cookie(&f, login.session, NOW + DAY - 1).kind, IDENTITY_SESSION);
    assert_int_equal(cookie(&f, login.session, NOW + DAY).kind, IDENTITY_NONE);
    assert_int_equal(bearer(&f, login.session, NOW).kind,
                     IDENTITY_WRONG);                               /* a cookie is no token */
    assert_int_equal(cookie(&f, f.admin, NOW).kind, IDENTITY_NONE); /* nor the reverse */
    assert_true(keyring_is_good(f.keyring, &who, NOW));

    uint64_t before = keyring_changes(f.keyring);
    keyring_logout(f.keyring, &who, NOW);
    assert_true(keyring_changes(f.keyring) != before);
    assert_false(keyring_is_good(f.keyring, &who, NOW));
    assert_int_equal(cookie(&f, login.session, NOW).kind, IDENTITY_NONE);

    assert_int_equal(keyring_login(f.keyring, f.key, NOW, &login), 0);
    who = cookie(&f, login.session, NOW);
    keyring_set_tokens(f.keyring, tokens_new(f.items + 1, 2)); /* its token is revoked */
    assert_false(keyring_is_good(f.keyring, &who, NOW));
    assert_int_equal(cookie(&f, login.session, NOW).kind, IDENTITY_NONE);
    keyring_free(f.keyring);
}

static void test_one_time(void **state)
{
    (void)state;
    struct fixture f;
    struct login login, again;
    begin(&f);
    assert_int_equal(keyring_login(f.keyring, f.once, NOW + 600000, &login), -EACCES); /* late */
    assert_int_equal(keyring_login(f.keyring, f.once, NOW, &login), 0);
    assert_true(login.once);
    assert_int_equal(keyring_login(f.keyring, f.once, NOW, &again), -EACCES);
    /* ten minutes were for the login, not for what came of it */
    struct identity who = cookie(&f, login.session, NOW + DAY);
    assert_int_equal(who.kind, IDENTITY_SESSION);

    /* what the file then says of it; a new keyring is a restart */
    struct token kept = f.items[2];
    kept.kind = TOKEN_SESSION;
    kept.expires_ms = NOW + 30 * DAY;
    memcpy(kept.digest, who.digest, sizeof(kept.digest));
    keyring_free(f.keyring);
    f.keyring = keyring_new("a host", tokens_new(&kept, 1));
    who = cookie(&f, login.session, NOW + DAY);
    assert_int_equal(who.kind, IDENTITY_SESSION);
    assert_int_equal(cookie(&f, login.session, NOW + 30 * DAY).kind, IDENTITY_NONE);
    assert_int_equal(keyring_login(f.keyring, f.once, NOW, &again), -EACCES);

    keyring_logout(f.keyring, &who, NOW); /* at once, although the file still has it */
    assert_int_equal(cookie(&f, login.session, NOW).kind, IDENTITY_NONE);
    assert_false(keyring_is_good(f.keyring, &who, NOW));
    keyring_free(f.keyring);
}

static void test_bounded(void **state)
{
    (void)state;
    struct fixture f;
    struct login first, login;
    begin(&f);
    assert_int_equal(keyring_login(f.keyring, f.admin, NOW, &first), 0);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(keyring_login(f.keyring, f.key, NOW + 1 + i, &login), 0);
    assert_int_equal(keyring_sessions(f.keyring), 1 + 64);
    /* who logs in often drives out nobody but himself */
    assert_int_equal(cookie(&f, first.session, NOW).kind, IDENTITY_SESSION);
    assert_int_equal(cookie(&f, login.session, NOW).kind, IDENTITY_SESSION);
    keyring_free(f.keyring);
}

static void test_cookies(void **state)
{
    (void)state;
    struct fixture f;
    struct login login;
    begin(&f);
    CLEANUP(buf_fini) struct buf set = BUF_INIT;
    assert_int_equal(keyring_login(f.keyring, f.key, NOW, &login), 0);
    keyring_cookie(f.keyring, login.session, "/net/sonde", true, 90000, &set);
    const char *text = buf_string(&set);
    assert_non_null(
        strstr(text, "; Path=/net/sonde; Max-Age=90; HttpOnly; SameSite=Strict; Secure"));
    size_t name_len = strcspn(text, "=");
    char *name CLEANUP(mem_freep) = mem_string_n(text, name_len);

    /* Others of the same name stand beside it: other paths, another port of this host. */
    char *value CLEANUP(mem_freep) =
        mem_printf("%s=old; %s=; %s=%s", name, name, name, login.session);
    assert_int_equal(show(&f, "cookie", "%s", value, NOW).kind, IDENTITY_SESSION);
    char *longer CLEANUP(mem_freep) = mem_printf("x%s=%s", name, login.session);
    assert_int_equal(show(&f, "cookie", "%s", longer, NOW).kind, IDENTITY_NONE);
    char *huge CLEANUP(mem_freep) = mem_printf("%s=%s%s", name, login.session, login.session);
    assert_int_equal(show(&f, "cookie", "%s", huge, NOW).kind, IDENTITY_NONE);

    struct keyring *other = keyring_new("another host", tokens_new(NULL, 0));
    CLEANUP(buf_fini) struct buf elsewhere = BUF_INIT;
    keyring_cookie(other, NULL, "", false, 0, &elsewhere);
    assert_true(strncmp(buf_string(&elsewhere), name, name_len) != 0);
    assert_non_null(strstr(buf_string(&elsewhere), "=; Path=/; Max-Age=0; HttpOnly"));
    assert_null(strstr(buf_string(&elsewhere), "Secure"));
    keyring_free(other);
    keyring_free(f.keyring);
}

static void test_attempts(void **state)
{
    (void)state;
    struct fixture f;
    struct net_address a, b, same, v4;
    begin(&f);
    assert_true(net_address_parse_ip("2001:db8::1", &a));
    assert_true(net_address_parse_ip("2001:db8::ffff:ffff:ffff:1", &same)); /* of the same /64 */
    assert_true(net_address_parse_ip("2001:db8:0:1::1", &b));
    assert_true(net_address_parse_ip("32.1.13.184", &v4)); /* the same first bytes */
    for (int i = 0; i < 5; i++)
        assert_int_equal(keyring_try(f.keyring, i % 2 ? &a : &same, 0), 0);
    assert_int_equal(keyring_try(f.keyring, &a, 0), 1000);
    assert_int_equal(keyring_try(f.keyring, &same, 0), 1000);
    assert_int_equal(keyring_try(f.keyring, &b, 0), 0);
    assert_int_equal(keyring_try(f.keyring, &v4, 0), 0);
    assert_int_equal(keyring_try(f.keyring, NULL, 0), 0);
    keyring_succeeded(f.keyring, &a);
    assert_int_equal(keyring_try(f.keyring, &a, 0), 0);
    keyring_free(f.keyring);
}

/* ---- many loops -------------------------------------------------------------------------- */

struct loop_of_requests {
    struct fixture *f;
    pthread_t thread;
    unsigned let_in; /* by the one-time secret */
    unsigned seen;   /* sessions that were good */
};

static void *ask_and_ask(void *user)
{
    struct loop_of_requests *l = user;
    struct login login;
    for (int i = 0; i < 200; i++) {
        l->let_in += keyring_login(l->f->keyring, l->f->once, NOW, &login) == 0;
        if (keyring_login(l->f->keyring, l->f->admin, NOW, &login) == 0) {
            l->seen += keyring_is_good(l->f->keyring, &login.identity, NOW);
            keyring_logout(l->f->keyring, &login.identity, NOW);
        }
        (void)keyring_try(l->f->keyring, NULL, i);
    }
    return NULL;
}

/* The tokens are changed meanwhile: that of the sessions stays, another comes and goes. */
static void test_threads(void **state)
{
    (void)state;
    struct fixture f;
    struct loop_of_requests loops[4] = {0};
    unsigned let_in = 0;
    begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
        loops[i].f = &f;
        assert_int_equal(pthread_create(&loops[i].thread, NULL, ask_and_ask, &loops[i]), 0);
    }
    for (int i = 0; i < 500; i++)
        keyring_set_tokens(f.keyring, tokens_new(f.items + i % 2, 3 - (size_t)(i % 2)));
    for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
        assert_int_equal(pthread_join(loops[i].thread, NULL), 0);
        assert_int_equal(loops[i].seen, 200);
        let_in += loops[i].let_in;
    }
    assert_int_equal(let_in, 1); /* of 800 that came with it */
    keyring_free(f.keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bearer),   cmocka_unit_test(test_session),
        cmocka_unit_test(test_one_time), cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_cookies),  cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
