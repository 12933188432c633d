/*
 * command.c: the loop's part of command.h: sending commands off, and answering when they are back.
 *
 * api->commands lists those that are under way. When the loop closes they are answered that the
 * server is stopping, and forgotten: what comes back then finds a closed mailbox and is freed by
 * it.
 */
#include "api/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/rule_json.h"
#include "base/mem.h"
#include "wire/json.h"

struct api_command *command_new(enum command_kind kind)
{
    struct api_command *cmd = mem_alloc(sizeof(*cmd));
    cmd->kind = kind;
    cmd->err = -ECANCELED;
    return cmd;
}

void api_command_free(struct api_command *cmd)
{
    if (!cmd)
        return;
    rule_unref(cmd->rule);
    free(cmd);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void answer_done(struct http_request *request, unsigned status)
{
    struct buf body = BUF_INIT;
    json_open(&body, '{');
    json_put_key(&body, "ok");
    json_put_bool(&body, true);
    json_close(&body, '}');
    http_respond_json(request, status, &body);
}

static void answer_silence(struct http_request *request, uint64_t id)
{
    struct buf body = BUF_INIT;
    json_open(&body, '{');
    json_put_key(&body, "id");
    json_put_u64(&body, id);
    json_close(&body, '}');
    http_respond_json(request, 201, &body);
}

static void answer_rule(struct http_request *request, const struct api_command *cmd)
{
    struct buf body = BUF_INIT;
    struct rule_status status = {.rule = cmd->rule};
    rule_json(&body, &status);
    http_respond_json(request, cmd->replace ? 200 : 201, &body);
}

static void answer_success(struct http_request *request, const struct api_command *cmd)
{
    switch (cmd->kind) {
    case COMMAND_ACKNOWLEDGE:
        answer_done(request, 200);
        break;
    case COMMAND_TEST_CHANNEL:
        answer_done(request, 202);
        break;
    case COMMAND_ADD_SILENCE:
        answer_silence(request, cmd->ret_id);
        break;
    case COMMAND_PUT_RULE:
        answer_rule(request, cmd);
        break;
    case COMMAND_END_SILENCE:
    case COMMAND_DELETE_RULE:
        http_respond_empty(request, 204);
        break;
    }
}

/* What an error means depends on what was asked for. */
static const struct {
    enum command_kind kind;
    int err;
    unsigned status;
    const char *code, *field, *message;
} refusals[] = {
    {COMMAND_ACKNOWLEDGE, -ENOENT, 404, NULL, NULL, "no such alert is active"},
    {COMMAND_ACKNOWLEDGE, -EALREADY, 409, NULL, NULL, "somebody has acknowledged it already"},
    {COMMAND_ADD_SILENCE, -ENOSPC, 409, "too_many", NULL,
     "there are as many silences as may be: end some"},
    {COMMAND_END_SILENCE, -ENOENT, 404, NULL, NULL, "there is no such silence"},
    {COMMAND_END_SILENCE, -EALREADY, 409, NULL, NULL, "this silence has ended already"},
    {COMMAND_PUT_RULE, -EALREADY, 409, "exists", "name", "there is a rule of this name already"},
    {COMMAND_PUT_RULE, -EEXIST, 409, "exists", "name", "there is a rule of this name already"},
    {COMMAND_PUT_RULE, -EPERM, 409, "read_only", "name",
     "the rule of this name is in the configuration file: change it there"},
    {COMMAND_PUT_RULE, -ENOSPC, 409, "too_many", NULL,
     "there are as many rules as may be: delete some"},
    {COMMAND_DELETE_RULE, -ENOENT, 404, NULL, NULL, "there is no such rule"},
    {COMMAND_DELETE_RULE, -EPERM, 409, "read_only", NULL,
     "only rules that were made here can be deleted; turn others off with \"enabled\": false, or "
     "in the configuration file"},
    {COMMAND_TEST_CHANNEL, -ENOENT, 404, NULL, NULL, "there is no such channel"},
};

static void answer_refusal(struct http_request *request, const struct api_command *cmd)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].kind != cmd->kind || refusals[i].err != cmd->err)
            continue;
        http_respond_error(request, refusals[i].status, refusals[i].code, refusals[i].field, "%s",
                           refusals[i].message);
        return;
    }
    if (cmd->err == -ECANCELED)
        http_respond_error(request, 503, NULL, NULL, "the server is stopping");
    else
        http_respond_error(request, 500, NULL, NULL, "it could not be done: %s",
                           strerror(-cmd->err));
}

/* ---- there and back ---------------------------------------------------------------------- */

static void command_gone(struct http_request *request, void *user)
{
    struct api_command *cmd = user;
    (void)request;
    cmd->request = NULL;
}

void command_ask(struct api_command *cmd, struct api *api, struct http_request *request)
{
    const struct api_settings *settings = &api->settings;
    bool room = !api->closing && api->commands_count < COMMANDS_MAX && settings->command;
    cmd->api = api;
    cmd->request = request;
    list_append(&api->commands, &cmd->node);
    api->commands_count++;
    /* From here on it may be the core's. */
    if (room && settings->command(settings->command_user, cmd) == 0) {
        http_request_on_gone(request, command_gone, cmd);
        return;
    }
    list_remove(&cmd->node);
    api->commands_count--;
    http_respond_error(request, 503, "busy", NULL, "too many changes at once; try again");
    api_command_free(cmd);
}

static void command_end(struct api_command *cmd)
{
    struct http_request *request = TAKE(cmd->request);
    list_remove(&cmd->node);
    cmd->api->commands_count--;
    if (request && cmd->err)
        answer_refusal(request, cmd);
    else if (request)
        answer_success(request, cmd);
}

void api_take_reply(struct api *api, struct api_command *cmd)
{
    if (!api->closing) /* else it was answered, and is in no list any more */
        command_end(cmd);
    api_command_free(cmd);
}

void api_close_commands(struct api *api)
{
    LIST_EACH(node, &api->commands)
    {
        struct api_command *cmd = LIST_ENTRY(node, struct api_command, node);
        struct http_request *request = TAKE(cmd->request);
        list_remove(&cmd->node);
        api->commands_count--;
        if (request)
            http_respond_error(request, 503, NULL, NULL, "the server is stopping");
    }
}
