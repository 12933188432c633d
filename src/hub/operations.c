/*
 * operations.c: what a client asks for, in JSON. Nothing is guessed: what is not understood is
 * answered with an error that says what was expected, and changes nothing. Who asks more often than
 * any dashboard would is told so without being read: what he makes the server do is bounded by the
 * allowance, what he makes it say by his queue.
 */
#include "hub/viewer_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/encode.h"
#include "wire/json.h"

#define INTERVAL_MAX_MS (3600 * MS_PER_S)

struct operation {
    json_t *json;
    bool has_id;
    int64_t id;
};

static void viewer_refuse(struct viewer *v, const struct operation *op, const char *code,
                          const char *message)
{
    char cause[160];
    snprintf(cause, sizeof(cause), "did not do what a viewer asked for: %s", message);
    viewer_complain(v, cause);
    viewer_say(v, encode_error(op->has_id, op->id, code, message));
}

/* The member as integer of at least `least`. 0, -ENOENT: absent, -EINVAL. */
static int member_integer(const json_t *json, const char *key, int64_t least, int64_t *ret)
{
    const json_t *value = json_object_get(json, key);
    if (!value || json_is_null(value))
        return -ENOENT;
    if (!json_is_integer(value) || json_integer_value(value) < least)
        return -EINVAL;
    *ret = json_integer_value(value);
    return 0;
}

/* Adds the member, a text or a list of texts, piece by piece. 0 or a negative errno. */
static int member_texts(const json_t *json, const char *key, struct selector *selector,
                        int (*add)(struct selector *selector, const char *text))
{
    const json_t *value = json_object_get(json, key);
    if (!value || json_is_null(value))
        return 0;
    if (json_is_string(value))
        return add(selector, json_string_value(value));
    if (!json_is_array(value))
        return -EINVAL;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));
        int err = text ? add(selector, text) : -EINVAL;
        if (err)
            return err;
    }
    return 0;
}

static bool operation_channel(struct viewer *v, const struct operation *op, enum channel *ret)
{
    const char *name = json_string_value(json_object_get(op->json, "channel"));
    if (name && channel_parse(name, ret) == 0)
        return true;
    viewer_refuse(v, op, name ? "unknown_channel" : "bad_request",
                  name ? "there is no such channel; the hello message lists them"
                       : "\"channel\" must be the name of a channel");
    return false;
}

static void viewer_wish(struct viewer *v, const struct operation *op, struct request *r)
{
    struct subscription *sub = viewer_subscription(v, r->spec.channel);
    uint32_t before = sub->ticket;
    r->kind = REQUEST_SUBSCRIBE;
    r->spec.admin = v->admin && r->spec.channel == CHANNEL_PERFORMANCE;
    r->viewer = v->id;
    r->deflate = viewer_deflates(v);
    r->ticket = ++sub->ticket;
    r->has_id = op->has_id;
    r->id = op->id;
    if (station_request(v->station, r) < 0) {
        sub->ticket = before;
        viewer_refuse(v, op, "busy", "too many requests at once; try again");
    }
}

static const char *member_text(const json_t *json, const char *key, bool *ret_wrong)
{
    const json_t *value = json_object_get(json, key);
    bool absent = !value || json_is_null(value);
    *ret_wrong |= !absent && !json_is_string(value);
    return absent ? NULL : json_string_value(value);
}

/* sort, limit and filter of a table, as GET /api/v1/TABLE takes them. What is wrong, in `why`, or
 * NULL. */
static const char *subscribe_view(const json_t *json, enum channel channel, struct feed_spec *spec,
                                  char *why, size_t why_size)
{
    enum table_kind kind;
    bool wrong = false;
    const char *filter = member_text(json, "filter", &wrong), *field;
    const char *sort = member_text(json, "sort", &wrong);
    int64_t rows = 0;
    int err = member_integer(json, "limit", 1, &rows);
    if (!channel_table(channel, &kind)) {
        bool any = filter || sort || wrong || err != -ENOENT;
        return any ? "\"sort\", \"limit\" and \"filter\" go with the channels of tables only"
                   : NULL;
    }
    if (wrong)
        return "\"sort\" and \"filter\" must be texts";
    if (err == -EINVAL || rows > FEED_ROWS_MAX)
        return "\"limit\" must be a whole number of rows from 1 to 2000";
    _Static_assert(FEED_ROWS_MAX == 2000, "the sentence above");
    spec->rows = (size_t)rows;
    char reason[128];
    if (view_spec_new(table_schema(kind), filter, sort, &spec->view, &field, reason,
                      sizeof(reason)) == 0)
        return NULL;
    snprintf(why, why_size, "\"%s\": %s", field, reason);
    return why;
}

static void operation_subscribe(struct viewer *v, const struct operation *op)
{
    enum channel channel;
    if (!operation_channel(v, op, &channel))
        return;
    struct request *r = mem_alloc(sizeof(*r));
    r->spec.channel = channel;
    const char *wrong = NULL;
    int64_t since = 0;
    int err = member_integer(op->json, "interval_ms", 0, &r->spec.interval_ms);
    if (err == -EINVAL || r->spec.interval_ms > INTERVAL_MAX_MS)
        wrong = "\"interval_ms\" must be a whole number of milliseconds, at most an hour";
    err = member_integer(op->json, "since", 0, &since);
    if (err == -EINVAL)
        wrong = "\"since\" must be the seq of the last message received";
    r->has_since = err == 0;
    r->since = (uint64_t)since;
    if (member_texts(op->json, "metric", &r->spec.selector, selector_add_glob) < 0)
        wrong = "\"metric\" must be a list of at most 64 name patterns, 4 KiB in all";
    if (member_texts(op->json, "match", &r->spec.selector, selector_add_match) < 0)
        wrong =
            "\"match\" must be a list of at most 16 texts of the form label=pattern, 4 KiB in all";
    if (!wrong && channel != CHANNEL_METRICS && channel != CHANNEL_ANOMALIES &&
        (r->spec.selector.globs_count || r->spec.selector.matches_count))
        wrong = "\"metric\" and \"match\" go with the channels metrics and anomalies only";
    char why[160];
    if (!wrong)
        wrong = subscribe_view(op->json, channel, &r->spec, why, sizeof(why));
    if (wrong) {
        hub_request_free(r);
        viewer_refuse(v, op, "bad_request", wrong);
        return;
    }
    viewer_wish(v, op, r);
}

static void operation_unsubscribe(struct viewer *v, const struct operation *op)
{
    enum channel channel;
    if (!operation_channel(v, op, &channel))
        return;
    viewer_leave(v, channel);
    if (op->has_id)
        viewer_say(v, encode_ok(op->id));
}

static void operation_ping(struct viewer *v, const struct operation *op)
{
    viewer_say(v, encode_pong(op->has_id, op->id));
}

static void operation_ack(struct viewer *v, const struct operation *op)
{
    int64_t seq;
    if (member_integer(op->json, "seq", 0, &seq) < 0)
        viewer_refuse(v, op, "bad_request", "\"seq\" must be the seq of a message");
    else
        viewer_ack(v, (uint64_t)seq);
}

static const struct {
    const char *name;
    void (*run)(struct viewer *v, const struct operation *op);
} operations[] = {
    {"subscribe", operation_subscribe},
    {"unsubscribe", operation_unsubscribe},
    {"ping", operation_ping},
    {"ack", operation_ack},
};

/* Takes one from the viewer's allowance; false: there is none left, which has been said. */
static bool viewer_may_operate(struct viewer *v)
{
    if (allowance_take(&v->operations, 1, station_now_ms(v->station)))
        return true;
    station_counters(v->station)->limited++;
    viewer_refuse(v, &(struct operation){0}, "rate_limited",
                  "too many messages; this one was not read, wait a little");
    return false;
}

void viewer_operate(struct viewer *v, const struct ws_received *message)
{
    char why[160];
    struct operation op = {0};
    station_counters(v->station)->received++;
    if (!viewer_may_operate(v))
        return;
    if (message->opcode != WS_TEXT) {
        viewer_refuse(v, &op, "bad_request", "messages must be JSON text");
        return;
    }
    op.json = json_parse((const char *)message->data, message->len, why, sizeof(why));
    if (!op.json) { /* why has places and numbers in it: for the viewer, not for the log */
        viewer_complain(v, "a viewer's message is not JSON");
        viewer_say(v, encode_error(false, 0, "bad_request", why));
        return;
    }
    if (!json_is_object(op.json)) {
        viewer_refuse(v, &op, "bad_request", "a message must be a JSON object");
        json_decref(op.json);
        return;
    }
    int err = member_integer(op.json, "id", INT64_MIN, &op.id);
    op.has_id = err == 0;
    const char *name = json_string_value(json_object_get(op.json, "op"));
    size_t i = 0;
    while (name && i < ARRAY_LEN(operations) && strcmp(name, operations[i].name) != 0)
        i++;
    if (err == -EINVAL)
        viewer_refuse(v, &op, "bad_request", "\"id\" must be a whole number");
    else if (!name || i == ARRAY_LEN(operations))
        viewer_refuse(v, &op, "unknown_op", "\"op\" must be subscribe, unsubscribe, ping or ack");
    else
        operations[i].run(v, &op);
    json_decref(op.json);
}

void viewer_subscribe_list(struct viewer *v, const char *names)
{
    char *copy = mem_string(names), *rest = copy;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        struct operation op = {0};
        enum channel channel;
        if (!*name)
            continue;
        if (!viewer_may_operate(v))
            break;
        if (channel_parse(name, &channel) < 0) {
            viewer_refuse(v, &op, "unknown_channel",
                          "there is no such channel; the hello message lists them");
            continue;
        }
        struct request *r = mem_alloc(sizeof(*r));
        r->spec.channel = channel;
        viewer_wish(v, &op, r);
    }
    free(copy);
}
