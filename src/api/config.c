/*
 * config.c: GET /api/v1/config, for admins: the configuration in force as the daemon's main thread
 * described it, and which tokens there are. Neither has a secret: of tokens only digests are known
 * here, and what the other part leaves out is decided where it is made (config_dump.c).
 */
#include "api/api_internal.h"

#include "base/clock.h"
#include "wire/json.h"

static void put_token(struct buf *b, const struct token *t, int64_t now_ms)
{
    json_open(b, '{');
    json_put_key(b, "id");
    json_put_string(b, t->id);
    json_put_key(b, "kind");
    json_put_string(b, token_kind_name(t->kind));
    json_put_key(b, "role");
    json_put_string(b, access_role_name(t->role));
    json_put_key(b, "note");
    json_put_string(b, t->note);
    json_put_key(b, "created");
    json_put_i64(b, t->created_ms);
    json_put_key(b, "expires");
    if (t->expires_ms == INT64_MAX)
        json_put_null(b);
    else
        json_put_i64(b, t->expires_ms);
    json_put_key(b, "expired");
    json_put_bool(b, t->expires_ms <= now_ms);
    json_close(b, '}');
}

static void put_tokens(struct buf *b, struct keyring *keyring)
{
    int64_t now_ms = clock_wall_ms();
    struct tokens *tokens = keyring ? keyring_tokens(keyring) : NULL;
    json_put_key(b, "tokens");
    json_open(b, '[');
    for (size_t i = 0; tokens && i < tokens_count(tokens); i++)
        put_token(b, tokens_at(tokens, i), now_ms);
    json_close(b, ']');
    json_put_key(b, "sessions"); /* of browsers that are logged in */
    json_put_u64(b, keyring ? keyring_sessions(keyring) : 0);
    tokens_unref(tokens);
}

void api_get_config(struct http_request *request, void *user)
{
    struct api *api = user;
    const struct bytes *members = api->info[API_INFO_CONFIG];
    struct buf body = BUF_INIT;
    if (!members) {
        http_respond_error(request, 503, "not_ready", NULL,
                           "the daemon is starting; try again in a second");
        return;
    }
    json_open(&body, '{');
    put_tokens(&body, api->settings.keyring);
    buf_char(&body, ',');
    buf_append(&body, members->data, members->len);
    json_close(&body, '}');
    http_respond_json(request, 200, &body);
}
