/* rules.c: GET and POST /api/v1/rules, PUT and DELETE …/{name}. */
#include <stdio.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/body.h"
#include "api/command.h"
#include "api/rule_json.h"
#include "base/text.h"

void api_get_rules(struct http_request *request, void *user)
{
    const struct api *api = user;
    struct rule_set *set = board_rules(api->settings.board);
    struct buf body = BUF_INIT;
    json_open(&body, '{');
    json_put_key(&body, "rules");
    json_open(&body, '[');
    for (size_t i = 0; i < set->count; i++)
        rule_json(&body, &set->rules[i]);
    json_close(&body, ']');
    json_close(&body, '}');
    message_unref(&set->msg);
    http_respond_json(request, 200, &body);
}

/* A rule that tells nobody because of a slip would not be noticed. */
static bool channels_known(struct http_request *request, const struct api *api,
                           const struct rule *r)
{
    struct channel_set *set = board_channels(api->settings.board);
    const char *unknown = NULL;
    for (size_t i = 0; i < r->channels_count && !unknown; i++) {
        size_t k = 0;
        while (k < set->count && strcmp(set->channels[k].name, r->channels[i]) != 0)
            k++;
        unknown = k == set->count ? r->channels[i] : NULL;
    }
    message_unref(&set->msg);
    if (unknown)
        http_respond_error(request, 400, NULL, "channels", "there is no channel \"%s\"", unknown);
    return !unknown;
}

static void put_rule(struct http_request *request, struct api *api, const char *name)
{
    struct rule *rule;
    char field[RULE_FIELD_MAX], why[256];
    json_t *body = body_read(request);
    if (!body)
        return;
    int err = rule_from_json(body, name, &rule, field, why, sizeof(why));
    json_decref(body);
    if (err) {
        http_respond_error(request, 400, NULL, field, "%s", why);
        return;
    }
    if (!channels_known(request, api, rule)) {
        rule_unref(rule);
        return;
    }
    struct api_command *cmd = command_new(COMMAND_PUT_RULE);
    cmd->rule = rule;
    cmd->replace = name != NULL;
    command_ask(cmd, api, request);
}

void api_post_rule(struct http_request *request, void *user)
{
    put_rule(request, user, NULL);
}

/* The name in the address. /api/v1/rules/test is a route of its own: there nothing is taken out of
 * the address. */
static const char *rule_name(struct http_request *request)
{
    const char *name = http_request_arg(request, "name");
    return name ? name : "test";
}

void api_put_rule(struct http_request *request, void *user)
{
    const char *name = rule_name(request);
    if (text_is_name(name)) {
        put_rule(request, user, name);
        return;
    }
    http_respond_error(request, 400, NULL, "name",
                       "the name must be 1 to 64 letters, digits, dots, dashes and underscores");
}

void api_delete_rule(struct http_request *request, void *user)
{
    const char *name = rule_name(request);
    if (!text_is_name(name)) {
        http_respond_error(request, 404, NULL, NULL, "there is no such rule");
        return;
    }
    struct api_command *cmd = command_new(COMMAND_DELETE_RULE);
    snprintf(cmd->name, sizeof(cmd->name), "%s", name);
    command_ask(cmd, user, request);
}
