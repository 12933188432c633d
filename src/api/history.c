/*
 * history.c: GET /api/v1/query, /api/v1/events and at= of the tables: the past, read on the pool.
 */
#include "api/api_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "api/question.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/json.h"

#define QUERY_RANGE_MS (15 * 60 * MS_PER_S) /* CONTRACT section 4 */
#define EVENTS_RANGE_MS (7 * 24 * 3600 * MS_PER_S)
#define EVENTS_LIMIT 100

struct history_question {
    struct question question;
    struct query query;
    struct event_query events;
    struct {
        enum table_kind kind;
        int64_t at_ms;
        struct view_spec *spec; /* owned; NULL: no table is asked for */
        size_t limit, offset;
    } table;
};

static struct history_question *history_of(struct question *q)
{
    return CONTAINER_OF(q, struct history_question, question);
}

static void history_free(struct question *q)
{
    struct history_question *h = history_of(q);
    selector_fini(&h->query.selector);
    view_spec_free(h->table.spec);
    free(h);
}

static struct history_question *history_new(int (*work)(struct question *q,
                                                        const struct reading *reading))
{
    struct history_question *h = mem_alloc(sizeof(*h));
    h->question.work = work;
    h->question.free = history_free;
    return h;
}

/* ---- query ------------------------------------------------------------------------------- */

static int query_work(struct question *q, const struct reading *reading)
{
    struct answer *answer = NULL;
    int err =
        store_query(reading->reader, &history_of(q)->query, &reading->recent, &answer, &q->error);
    if (!err)
        answer_json(&q->body, answer);
    answer_free(answer);
    return err;
}

static bool query_read(struct http_request *request, struct query *ret)
{
    uint64_t points;
    const char *agg = http_request_param(request, "agg");
    if (!api_range(request, QUERY_RANGE_MS, &ret->from_ms, &ret->to_ms) ||
        !api_number(request, "points", QUERY_POINTS_DEFAULT, QUERY_POINTS_MAX, &points))
        return false;
    if (points == 0) {
        http_respond_error(request, 400, NULL, "points", "\"points\" must be at least 1");
        return false;
    }
    ret->points = (uint32_t)points;
    ret->aggregate = AGG_AVG;
    if (agg && aggregate_parse(agg, &ret->aggregate) < 0) {
        http_respond_error(request, 400, NULL, "agg",
                           "\"agg\" must be avg, min, max, last, sum, p50, p90 or p99");
        return false;
    }
    return api_selector(request, &ret->selector);
}

void api_get_query(struct http_request *request, void *user)
{
    struct api *api = user;
    struct query query = {0};
    if (!query_read(request, &query))
        return;
    if (!query.selector.globs_count && !query.selector.matches_count) {
        http_respond_error(request, 400, NULL, "metric",
                           "say which series: metric=node_network_* or match=device=eth0");
        return;
    }
    struct history_question *h = history_new(query_work);
    h->query = query;
    question_ask(&h->question, api, request);
}

/* ---- events ------------------------------------------------------------------------------ */

static int events_work(struct question *q, const struct reading *reading)
{
    struct event_page *page = NULL;
    int err =
        store_events(reading->reader, &history_of(q)->events, &reading->recent, &page, &q->error);
    if (err)
        return err;
    struct buf *out = &q->body;
    json_open(out, '{');
    json_put_key(out, "total");
    json_put_u64(out, page->total);
    json_put_key(out, "events");
    json_open(out, '[');
    for (size_t i = 0; i < page->count; i++) {
        const struct event_record *e = &page->records[i];
        size_t len = strlen(e->fields);
        json_open(out, '{');
        json_put_key(out, "seq");
        json_put_u64(out, e->seq);
        json_put_key(out, "t");
        json_put_i64(out, e->t_ms);
        json_put_key(out, "kind");
        json_put_string(out, event_kind_name(e->kind));
        if (len > 2) { /* "{...}": its members join ours, as in the stream's message */
            buf_char(out, ',');
            buf_append(out, e->fields + 1, len - 2);
        }
        buf_char(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
    event_page_free(page);
    return 0;
}

void api_get_events(struct http_request *request, void *user)
{
    struct api *api = user;
    struct event_query events = {0};
    uint64_t limit, offset;
    if (!api_range(request, EVENTS_RANGE_MS, &events.from_ms, &events.to_ms) ||
        !api_number(request, "limit", EVENTS_LIMIT, EVENT_PAGE_MAX, &limit) ||
        !api_number(request, "offset", 0, UINT32_MAX, &offset))
        return;
    events.limit = limit;
    events.offset = offset;
    const struct http_head *head = http_request_head(request);
    for (size_t i = 0; i < head->param_count; i++) {
        enum event_kind kind;
        if (strcmp(head->params[i].name, "kind") != 0)
            continue;
        if (event_kind_parse(head->params[i].value, &kind) < 0) {
            http_respond_error(request, 400, NULL, "kind",
                               "\"kind\" must be link, address, route, connection_opened, "
                               "connection_closed, dns, loss or error");
            return;
        }
        events.kinds |= 1U << kind;
    }
    struct history_question *h = history_new(events_work);
    h->events = events;
    question_ask(&h->question, api, request);
}

/* ---- tables as they were ------------------------------------------------------------------- */

static int table_work(struct question *q, const struct reading *reading)
{
    const struct history_question *h = history_of(q);
    struct stored_table stored;
    if (!reading->reader) { /* nothing was ever written */
        snprintf(q->error.text, sizeof(q->error.text), "no history is stored yet");
        return -ENOENT;
    }
    int err = store_table(reading->reader, h->table.kind, h->table.at_ms, &stored, &q->error);
    if (err)
        return err;
    struct view view;
    bool cut = stored.total > stored.table->rows_count;
    view_make(stored.table, h->table.spec, h->table.limit, h->table.offset, &view);
    answer_table_json(&q->body, stored.table, stored.t_ms, &view, cut ? stored.total : 0);
    view_fini(&view);
    table_unref(stored.table);
    return 0;
}

void api_table_of_past(struct http_request *request, const struct table_route *route,
                       struct view_spec *spec, size_t limit, size_t offset, int64_t at_ms)
{
    struct history_question *h = history_new(table_work);
    h->question.about = "at";
    h->table.kind = route->kind;
    h->table.at_ms = at_ms;
    h->table.spec = spec;
    h->table.limit = limit;
    h->table.offset = offset;
    question_ask(&h->question, route->api, request);
}
