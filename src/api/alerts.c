/*
 * alerts.c: GET /api/v1/alerts: what is active, from memory, and what is over, from the history;
 * POST …/{id}/ack.
 *
 * Asked for both at once, the active ones come first: the list is one, so `offset` may lie in
 * either part.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_internal.h"
#include "api/body.h"
#include "api/command.h"
#include "api/question.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "hub/encode_alert.h"
#include "store/alerts.h"
#include "wire/json.h"

#define ALERTS_LIMIT 100
#define ALERTS_LIMIT_MAX 1000 /* active ones are put into JSON on the loop's thread */
#define STATES_ACTIVE ((1U << ALERT_RESOLVED) - 1)
_Static_assert(ALERT_RESOLVED == ALERT_STATES - 1, "all states before it are active");

struct alerts_question {
    struct question question;
    unsigned states, severities; /* bits */
    char *rule, *series;         /* globs; NULL: all */
    int64_t from_ms, to_ms;
    size_t limit, offset;
    struct alert_set *active; /* as of the question; NULL: not asked for */
};

static struct alerts_question *alerts_of(struct question *q)
{
    return CONTAINER_OF(q, struct alerts_question, question);
}

static void alerts_question_free(struct question *q)
{
    struct alerts_question *a = alerts_of(q);
    alert_set_unref(a->active);
    free(a->rule);
    free(a->series);
    free(a);
}

/* ---- the answer -------------------------------------------------------------------------- */

/* Of an active one: it holds from when it began to now. */
static bool is_wanted(const struct alerts_question *q, const struct alert *a)
{
    int64_t began_ms = a->pending_ms ? a->pending_ms : a->started_ms;
    return q->states >> a->state & 1 && q->severities >> a->severity & 1 && began_ms <= q->to_ms &&
           (!q->rule || text_glob(q->rule, a->rule)) &&
           (!q->series || text_glob(q->series, a->series));
}

/* Puts those on the page; returns how many are wanted in all. */
static size_t put_active(const struct alerts_question *q, struct buf *out, size_t *ret_put)
{
    size_t wanted = 0;
    *ret_put = 0;
    for (size_t i = 0; q->active && i < q->active->count; i++) {
        const struct alert *a = q->active->alerts[i];
        if (!is_wanted(q, a))
            continue;
        if (wanted++ < q->offset || *ret_put == q->limit)
            continue;
        encode_alert_json(out, a);
        ++*ret_put;
    }
    return wanted;
}

/* Both parts. The history is only asked when it has a part in it. */
static int put_alerts(struct alerts_question *q, const struct reading *reading, struct buf *out)
{
    struct alert_page *page = NULL;
    size_t put, total;
    json_open(out, '{');
    json_put_key(out, "t");
    json_put_i64(out, clock_wall_ms());
    json_put_key(out, "alerts");
    json_open(out, '[');
    total = put_active(q, out, &put);
    if (reading && reading->reader) {
        struct alert_query query = {
            .states = 1U << ALERT_RESOLVED,
            .severities = q->severities,
            .rule = q->rule,
            .series = q->series,
            .from_ms = q->from_ms,
            .to_ms = q->to_ms,
            .limit = q->limit - put,
            .offset = q->offset > total ? q->offset - total : 0,
        };
        int err = store_alerts(reading->reader, &query, &page, &q->question.error);
        if (err)
            return err;
        for (size_t i = 0; i < page->count; i++)
            encode_alert_json(out, page->alerts[i]);
        total += page->total;
        alert_page_free(page);
    }
    json_close(out, ']');
    json_put_key(out, "total");
    json_put_u64(out, total);
    json_close(out, '}');
    return 0;
}

static int alerts_work(struct question *q, const struct reading *reading)
{
    return put_alerts(alerts_of(q), reading, &q->body);
}

/* ---- the question ------------------------------------------------------------------------ */

static bool read_states(struct http_request *request, struct alerts_question *q)
{
    const char *text = http_request_param(request, "state");
    enum alert_state state;
    if (!text || strcmp(text, "active") == 0)
        q->states = STATES_ACTIVE;
    else if (strcmp(text, "all") == 0)
        q->states = STATES_ACTIVE | 1U << ALERT_RESOLVED;
    else if (alert_state_parse(text, &state) == 0)
        q->states = 1U << state;
    else
        http_respond_error(request, 400, NULL, "state",
                           "\"state\" must be active, pending, firing, acknowledged, silenced, "
                           "resolved or all");
    return q->states;
}

static bool read_severity(struct http_request *request, struct alerts_question *q)
{
    const char *text = http_request_param(request, "severity");
    enum alert_severity severity;
    if (!text || !*text)
        q->severities = 1U << ALERT_WARNING | 1U << ALERT_CRITICAL;
    else if (alert_severity_parse(text, &severity) == 0)
        q->severities = 1U << severity;
    else
        http_respond_error(request, 400, NULL, "severity",
                           "\"severity\" must be warning or critical");
    return q->severities;
}

/* An empty one is as good as none: what a page's filter has when nothing is typed in. */
static bool read_glob(struct http_request *request, const char *name, char **ret)
{
    const char *text = http_request_param(request, name);
    if (text && strlen(text) >= SILENCE_GLOB_MAX) {
        http_respond_error(request, 400, NULL, name, "\"%s\" must be a pattern of at most %d bytes",
                           name, SILENCE_GLOB_MAX - 1);
        return false;
    }
    *ret = text && *text ? mem_string(text) : NULL;
    return true;
}

static bool read_question(struct http_request *request, struct alerts_question *q)
{
    uint64_t limit, offset;
    if (!read_states(request, q) || !read_severity(request, q) ||
        !read_glob(request, "rule", &q->rule) || !read_glob(request, "series", &q->series) ||
        !api_range(request, INT64_MAX, &q->from_ms, &q->to_ms) ||
        !api_number(request, "limit", ALERTS_LIMIT, ALERTS_LIMIT_MAX, &limit) ||
        !api_number(request, "offset", 0, UINT32_MAX, &offset))
        return false;
    q->limit = limit;
    q->offset = offset;
    return true;
}

void api_get_alerts(struct http_request *request, void *user)
{
    struct api *api = user;
    struct alerts_question *q = mem_alloc(sizeof(*q));
    q->question.work = alerts_work;
    q->question.free = alerts_question_free;
    if (!read_question(request, q)) {
        alerts_question_free(&q->question);
        return;
    }
    if (q->states & STATES_ACTIVE)
        q->active = board_alerts(api->settings.board);
    if (q->states >> ALERT_RESOLVED & 1) {
        question_ask(&q->question, api, request);
        return;
    }
    struct buf body = BUF_INIT;
    put_alerts(q, NULL, &body);
    http_respond_json(request, 200, &body);
    alerts_question_free(&q->question);
}

/* ---- acknowledging ----------------------------------------------------------------------- */

void api_acknowledge(struct http_request *request, void *user)
{
    static const char *const members[] = {"by"};
    struct api *api = user;
    uint64_t id;
    json_t *body = body_read(request);
    if (!body)
        return;
    struct api_command *cmd = command_new(COMMAND_ACKNOWLEDGE);
    api_author(request, cmd->by, sizeof(cmd->by));
    bool good = body_only(request, body, members, ARRAY_LEN(members)) &&
                body_text(request, body, "by", cmd->by, sizeof(cmd->by));
    json_decref(body);
    if (good && text_u64(http_request_arg(request, "id"), &id) < 0) {
        http_respond_error(request, 404, NULL, NULL, "no such alert is active");
        good = false;
    }
    if (!good) {
        api_command_free(cmd);
        return;
    }
    cmd->id = id;
    command_ask(cmd, api, request);
}
