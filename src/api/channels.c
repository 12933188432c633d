/* channels.c: GET /api/v1/channels: where alerts go and how that fares; POST …/{name}/test. */
#include <stdio.h>

#include "api/api_internal.h"
#include "api/body.h"
#include "api/command.h"
#include "base/text.h"
#include "wire/json.h"

static void put_text(struct buf *b, const char *key, const char *text)
{
    json_put_key(b, key);
    json_put_string(b, text);
}

static void put_u64(struct buf *b, const char *key, uint64_t value)
{
    json_put_key(b, key);
    json_put_u64(b, value);
}

static void put_channel(struct buf *b, const struct channel_status *c)
{
    json_open(b, '{');
    put_text(b, "name", c->name);
    put_text(b, "type", c->type);
    put_text(b, "target", c->target);
    put_text(b, "fallback", c->fallback);
    json_put_key(b, "default");
    json_put_bool(b, c->by_default);
    put_u64(b, "sent", c->sent);
    put_u64(b, "failed", c->failed);
    put_u64(b, "retried", c->retried);
    put_u64(b, "fell_back", c->fell_back);
    put_u64(b, "merged", c->merged);
    put_u64(b, "dropped", c->dropped);
    put_u64(b, "held_back", c->held_back);
    put_u64(b, "queued", c->queued);
    json_put_key(b, "last");
    if (c->last_ms)
        json_put_i64(b, c->last_ms);
    else
        json_put_null(b);
    put_text(b, "last_error", c->last_error);
    json_close(b, '}');
}

void api_get_channels(struct http_request *request, void *user)
{
    const struct api *api = user;
    struct channel_set *set = board_channels(api->settings.board);
    struct buf body = BUF_INIT;
    json_open(&body, '{');
    json_put_key(&body, "channels");
    json_open(&body, '[');
    for (size_t i = 0; i < set->count; i++)
        put_channel(&body, &set->channels[i]);
    json_close(&body, ']');
    json_close(&body, '}');
    message_unref(&set->msg);
    http_respond_json(request, 200, &body);
}

void api_test_channel(struct http_request *request, void *user)
{
    struct api *api = user;
    const char *name = http_request_arg(request, "name");
    json_t *body = body_read(request);
    if (!body)
        return;
    bool good = body_only(request, body, NULL, 0);
    json_decref(body);
    if (!good)
        return;
    if (!text_is_name(name)) {
        http_respond_error(request, 404, NULL, NULL, "there is no such channel");
        return;
    }
    struct api_command *cmd = command_new(COMMAND_TEST_CHANNEL);
    snprintf(cmd->name, sizeof(cmd->name), "%s", name);
    command_ask(cmd, api, request);
}
