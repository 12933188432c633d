/*
 * silences.c: GET and POST /api/v1/silences, DELETE …/{id}. A silence is a glob on rules' names,
 * one on series, and an end: one that covered everything for ever would be no alerting any more, so
 * what it is about and when it ends must be said.
 */
#include <string.h>

#include "api/api_internal.h"
#include "api/body.h"
#include "api/command.h"
#include "base/clock.h"
#include "base/text.h"
#include "wire/json.h"

static void put_text(struct buf *b, const char *key, const char *text)
{
    json_put_key(b, key);
    json_put_string(b, text);
}

static void put_i64(struct buf *b, const char *key, int64_t value)
{
    json_put_key(b, key);
    json_put_i64(b, value);
}

static void put_silence(struct buf *b, const struct silence *s, int64_t now_ms)
{
    json_open(b, '{');
    json_put_key(b, "id");
    json_put_u64(b, s->id);
    put_text(b, "rule", s->rule);
    put_text(b, "series", s->series);
    put_text(b, "comment", s->comment);
    put_text(b, "by", s->by);
    put_i64(b, "from", s->from_ms);
    put_i64(b, "to", s->to_ms);
    json_put_key(b, "active");
    json_put_bool(b, s->from_ms <= now_ms && now_ms < s->to_ms);
    json_close(b, '}');
}

void api_get_silences(struct http_request *request, void *user)
{
    const struct api *api = user;
    struct silence_set *set = board_silences(api->settings.board);
    int64_t now_ms = clock_wall_ms();
    struct buf body = BUF_INIT;
    json_open(&body, '{');
    json_put_key(&body, "silences");
    json_open(&body, '[');
    for (size_t i = 0; i < set->count; i++)
        put_silence(&body, &set->silences[i], now_ms);
    json_close(&body, ']');
    json_close(&body, '}');
    silence_set_unref(set);
    http_respond_json(request, 200, &body);
}

/* `duration` instead of `to`. False: an error has been answered. */
static bool read_duration(struct http_request *request, const json_t *body, int64_t from_ms,
                          int64_t *ret_to_ms)
{
    const char *text = json_string_value(json_object_get(body, "duration"));
    int64_t duration_ms;
    if (text && text_duration_ms(text, &duration_ms) == 0 && duration_ms > 0 &&
        !__builtin_add_overflow(from_ms, duration_ms, ret_to_ms))
        return true;
    http_respond_error(request, 400, NULL, "duration",
                       "\"duration\" must be a duration such as 2h");
    return false;
}

static bool read_times(struct http_request *request, const json_t *body, int64_t now_ms,
                       struct silence *ret)
{
    ret->from_ms = now_ms;
    if (!body_time(request, body, "from", now_ms, &ret->from_ms) ||
        !body_time(request, body, "to", now_ms, &ret->to_ms))
        return false;
    bool until = body_has(body, "to");
    if (until == body_has(body, "duration")) {
        http_respond_error(request, 400, NULL, "to",
                           "say when it ends: either by \"to\" or by \"duration\"");
        return false;
    }
    if (!until && !read_duration(request, body, ret->from_ms, &ret->to_ms))
        return false;
    if (ret->to_ms > now_ms && ret->to_ms > ret->from_ms)
        return true;
    http_respond_error(request, 400, NULL, until ? "to" : "duration",
                       "it must end after now and after its beginning");
    return false;
}

static bool read_silence(struct http_request *request, const json_t *body, struct silence *ret)
{
    static const char *const members[] = {"rule", "series", "comment", "by",
                                          "from", "to",     "duration"};
    if (!body_only(request, body, members, ARRAY_LEN(members)) ||
        !body_text(request, body, "rule", ret->rule, sizeof(ret->rule)) ||
        !body_text(request, body, "series", ret->series, sizeof(ret->series)) ||
        !body_text(request, body, "comment", ret->comment, sizeof(ret->comment)) ||
        !body_text(request, body, "by", ret->by, sizeof(ret->by)) ||
        !read_times(request, body, clock_wall_ms(), ret))
        return false;
    if (ret->rule[0] || ret->series[0])
        return true;
    http_respond_error(request, 400, NULL, "rule",
                       "say what it is about: \"rule\" or \"series\", \"*\" for all");
    return false;
}

void api_post_silence(struct http_request *request, void *user)
{
    struct api *api = user;
    json_t *body = body_read(request);
    if (!body)
        return;
    struct silence silence = {0};
    api_author(request, silence.by, sizeof(silence.by));
    bool good = read_silence(request, body, &silence);
    json_decref(body);
    if (!good)
        return;
    if (!silence.rule[0])
        strcpy(silence.rule, "*");
    if (!silence.series[0])
        strcpy(silence.series, "*");
    struct api_command *cmd = command_new(COMMAND_ADD_SILENCE);
    cmd->silence = silence;
    command_ask(cmd, api, request);
}

void api_delete_silence(struct http_request *request, void *user)
{
    struct api *api = user;
    uint64_t id;
    if (text_u64(http_request_arg(request, "id"), &id) < 0) {
        http_respond_error(request, 404, NULL, NULL, "there is no such silence");
        return;
    }
    struct api_command *cmd = command_new(COMMAND_END_SILENCE);
    cmd->id = id;
    command_ask(cmd, api, request);
}
