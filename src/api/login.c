/*
 * login.c: POST /api/v1/login and /logout, and the streams that end with what they were opened by.
 *
 * A login gives a token, or a one-time secret, and gets a session. What a one-time secret becomes
 * is written into the file `tokens` in its place, on libuv's pool, because writing waits for the
 * disk; the answer does not wait for it. If the disk refuses, the session is good until the daemon
 * stops, and for as long the secret is good for nobody (keyring.c). A session of the file that is
 * logged out then comes back with the next start, a one-time secret of the file likewise; the log
 * says which.
 *
 * Streams outlive the request that opened them, so who opened one by a token or a session is noted
 * here and looked at again whenever somebody lost something, when the first of them expires, and
 * once a minute so that a session whose stream runs counts as used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_internal.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/keyring.h"
#include "http/token_file.h"
#include "wire/json.h"
#include "wire/websocket.h"

#define LOOK_EVERY_MS (60 * MS_PER_S)

/* ---- the file ---------------------------------------------------------------------------- */

/* What is to be done with one line of it. */
struct amendment {
    uv_work_t work;
    struct api *api;
    char id[VAULT_OWNER_MAX];
    bool remove;    /* else it becomes this session: */
    bool unwritten; /* the file has the one-time secret still */
    uint8_t digest[VAULT_DIGEST_LEN];
    int64_t expires_ms;
    int err;
    char why[256];
};

static int amend(void *user, struct token *items, size_t *count)
{
    struct amendment *a = user;
    size_t i = 0;
    while (i < *count && strcmp(items[i].id, a->id) != 0)
        i++;
    if (i == *count)
        return -ENOENT; /* revoked meanwhile */
    a->unwritten = items[i].kind == TOKEN_LOGIN;
    if (a->remove) {
        items[i] = items[--*count];
        return 0;
    }
    if (items[i].kind != TOKEN_LOGIN)
        return -EEXIST;
    items[i].kind = TOKEN_SESSION;
    items[i].expires_ms = a->expires_ms;
    memcpy(items[i].digest, a->digest, VAULT_DIGEST_LEN);
    return 0;
}

static void amend_work(uv_work_t *work)
{
    struct amendment *a = CONTAINER_OF(work, struct amendment, work);
    a->err = token_file_update(a->api->settings.data_dir, amend, a, a->why, sizeof(a->why));
}

static void amend_done(uv_work_t *work, int status)
{
    struct amendment *a = CONTAINER_OF(work, struct amendment, work);
    const struct api_settings *settings = &a->api->settings;
    char what[VAULT_OWNER_MAX + 64];
    snprintf(what, sizeof(what), "%s %s that was %s", a->unwritten ? "one-time login" : "session",
             a->id, a->unwritten ? "used" : "logged out");
    if (status == 0 && a->err && *a->why && a->remove)
        log_warning("access",
                    "%s; the %s is good again after a restart, until: netsonde token revoke %s",
                    a->why, what, a->id);
    else if (status == 0 && a->err && *a->why)
        log_warning("access", "%s; the session ends with this run of the daemon", a->why);
    else if (status == 0 && !a->err && settings->tokens_changed)
        settings->tokens_changed(settings->user);
    free(a);
}

static void amend_file(struct api *api, const struct identity *identity, bool remove)
{
    struct amendment *a = mem_alloc(sizeof(*a));
    a->api = api;
    memcpy(a->id, identity->id, sizeof(a->id));
    memcpy(a->digest, identity->digest, sizeof(a->digest));
    a->remove = remove;
    a->expires_ms = identity->expires_ms;
    int err = uv_queue_work(api->uv, &a->work, amend_work, amend_done);
    CHECK(err == 0);
}

/* ---- login ------------------------------------------------------------------------------- */

/* Takes the secret out of the body and leaves as many x in its place: the JSON parser makes copies
 * of its own, which nobody could wipe. False: there is none; what is there is no secret. */
static bool cut_secret(char *body, size_t len, char secret[SECRET_TEXT_MAX])
{
    static const char *const prefixes[] = {SECRET_TOKEN, SECRET_LOGIN};
    uint8_t digest[VAULT_DIGEST_LEN];
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        char *at = len ? memmem(body, len, prefixes[i], strlen(prefixes[i])) : NULL;
        if (!at || (size_t)(body + len - at) < SECRET_TEXT_LEN)
            continue;
        memcpy(secret, at, SECRET_TEXT_LEN);
        secret[SECRET_TEXT_LEN] = '\0';
        if (!secret_digest(prefixes[i], secret, digest))
            continue;
        memset(at, 'x', SECRET_TEXT_LEN);
        return true;
    }
    return false;
}

/* The secret in {"token":"…"}, or "" when the text there is none. False: an error has been
 * answered. The body is good for nothing afterwards. */
static bool take_secret(struct http_request *request, char secret[SECRET_TEXT_MAX])
{
    char why[160];
    size_t len;
    char *body = (char *)http_request_body(request, &len); /* the request's own, and so ours */
    bool found = cut_secret(body, len, secret);
    json_t *json = json_parse(len ? body : "", len, why, sizeof(why));
    const char *text = json_string_value(json_object_get(json, "token"));
    bool is_json = json, is_text = text;
    /* It was all of the text, and nowhere else. */
    found =
        found && text && strlen(text) == SECRET_TEXT_LEN && strspn(text, "x") == SECRET_TEXT_LEN;
    json_decref(json);
    if (!found)
        explicit_bzero(secret, SECRET_TEXT_MAX);
    if (!is_text)
        http_respond_error(request, 400, NULL, "token", "%s",
                           is_json ? "\"token\" must be the text of a token" : why);
    return is_text;
}

static void set_cookie(const struct api *api, struct http_request *request, const char *session,
                       int64_t lifetime_ms)
{
    CLEANUP(buf_fini) struct buf cookie = BUF_INIT;
    keyring_cookie(api->settings.keyring, session, http_request_base(request),
                   http_request_is_https(request), lifetime_ms, &cookie);
    http_answer_header(request, "Set-Cookie", buf_string(&cookie));
    if (cookie.data)
        explicit_bzero(cookie.data, cookie.len);
}

static void welcome(struct api *api, struct http_request *request, struct login *login,
                    int64_t now_ms)
{
    struct buf body = BUF_INIT;
    struct net_address client;
    char from[NET_ADDRESS_TEXT_MAX];
    bool known = http_request_client(request, &client);
    net_address_format_ip(&client, from);
    log_info("access", "%s %s logged in as %s from %s%s", login->once ? "one-time login" : "token",
             login->identity.id, access_role_name(login->identity.role), known ? "" : "behind ",
             from);
    http_request_succeeded(request);
    set_cookie(api, request, login->session, login->identity.expires_ms - now_ms);
    explicit_bzero(login->session, sizeof(login->session));
    if (login->once)
        amend_file(api, &login->identity, false);
    json_open(&body, '{');
    json_put_key(&body, "role");
    json_put_string(&body, access_role_name(login->identity.role));
    json_put_key(&body, "expires");
    json_put_i64(&body, login->identity.expires_ms);
    json_close(&body, '}');
    http_respond_json(request, 200, &body);
}

void api_post_login(struct http_request *request, void *user)
{
    struct api *api = user;
    struct login login;
    char secret[SECRET_TEXT_MAX] = "";
    if (!take_secret(request, secret))
        return;
    if (!http_request_try(request)) {
        explicit_bzero(secret, sizeof(secret));
        return;
    }
    int64_t now_ms = clock_wall_ms();
    int err = keyring_login(api->settings.keyring, secret, now_ms, &login);
    explicit_bzero(secret, sizeof(secret));
    if (!err)
        welcome(api, request, &login, now_ms);
    else if (err == -EACCES)
        http_request_failed(request, "This token is not known here, or not any more; a one-time "
                                     "login works once, for ten minutes.");
    else
        http_respond_error(request, 503, NULL, NULL, "The system has no random bytes now.");
}

void api_post_logout(struct http_request *request, void *user)
{
    struct api *api = user;
    const struct identity *identity = http_request_identity(request);
    if (identity->kind == IDENTITY_SESSION) {
        struct tokens *tokens = keyring_tokens(api->settings.keyring);
        const struct token *t = tokens_by_id(tokens, identity->id);
        if (t && t->kind != TOKEN_KEY)
            amend_file(api, identity, true);
        tokens_unref(tokens);
        keyring_logout(api->settings.keyring, identity, clock_wall_ms());
    }
    set_cookie(api, request, NULL, 0);
    http_respond_empty(request, 204);
    api_look_at_streams(api);
}

/* ---- streams ----------------------------------------------------------------------------- */

struct pass {
    uint64_t viewer;
    struct identity identity;
};

void api_note_stream(struct api *api, uint64_t viewer, const struct identity *identity)
{
    if (identity->kind != IDENTITY_TOKEN && identity->kind != IDENTITY_SESSION)
        return;
    if (api->passes_count == api->passes_room) {
        api->passes_room = MAX(api->passes_room * 2, (size_t)16);
        api->passes = mem_resize(api->passes, api->passes_room, sizeof(*api->passes));
    }
    api->passes[api->passes_count++] = (struct pass){viewer, *identity};
    api->look_ms = MIN(api->look_ms, identity->expires_ms);
}

static void look_at(struct api *api, int64_t now_ms)
{
    size_t kept = 0;
    api->look_ms = now_ms + LOOK_EVERY_MS;
    for (size_t i = 0; i < api->passes_count; i++) {
        const struct pass *p = &api->passes[i];
        if (!station_has_viewer(api->station, p->viewer))
            continue;
        if (!keyring_is_good(api->settings.keyring, &p->identity, now_ms)) {
            station_close_viewer(api->station, p->viewer, WS_CLOSE_POLICY,
                                 "the token or session is not good any more");
            continue;
        }
        api->look_ms = MIN(api->look_ms, p->identity.expires_ms);
        api->passes[kept++] = *p;
    }
    api->passes_count = kept;
}

void api_look_at_streams(struct api *api)
{
    struct keyring *keyring = api->settings.keyring;
    int64_t now_ms = clock_wall_ms();
    if (!keyring)
        return;
    uint64_t changes = keyring_changes(keyring);
    /* A clock that was set back makes the next look late; the keyring's answers hold all the same.
     */
    bool due = changes != api->looked_changes || now_ms >= api->look_ms ||
               api->look_ms - now_ms > LOOK_EVERY_MS;
    if (!due)
        return;
    api->looked_changes = changes;
    look_at(api, now_ms);
}
