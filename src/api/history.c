/*
 * history.c: GET /api/v1/query, /api/v1/events and at= of the tables: the past, read on the pool.
 *
 * A job may outlive its request when the client leaves first: `request` is then NULL, the work is
 * given up as soon as possible, and the answer, if there is one, is thrown away.
 */
#include "api/api_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/json.h"

#define QUERY_RANGE_MS (15 * 60 * MS_PER_S) /* CONTRACT section 4 */
#define EVENTS_RANGE_MS (7 * 24 * 3600 * MS_PER_S)
#define EVENTS_LIMIT 100

struct history_job {
    struct job job;
    struct http_request *request; /* NULL: the client has left */
    struct readers *readers;
    struct query query;
    struct event_query events;
    struct {
        enum table_kind kind;
        int64_t at_ms;
        struct view_spec *spec; /* owned; NULL: no table is asked for */
        size_t limit, offset;
    } table;
    int err;
    struct store_error error;
    struct buf body; /* the answer, encoded on the pool */
};

static void history_gone(struct http_request *request, void *user)
{
    struct history_job *job = user;
    (void)request;
    job->request = NULL;
    readers_forget(job->readers, &job->job);
}

static void history_free(struct history_job *job)
{
    selector_fini(&job->query.selector);
    view_spec_free(job->table.spec);
    buf_fini(&job->body);
    free(job);
}

static void history_done(struct job *base)
{
    struct history_job *job = CONTAINER_OF(base, struct history_job, job);
    if (job->request) {
        if (job->table.spec && job->err == -ENOENT)
            http_respond_error(job->request, 404, NULL, "at", "%s", job->error.text);
        else if (job->err == -EINVAL)
            http_respond_error(job->request, 400, NULL, NULL, "%s", job->error.text);
        else if (job->err)
            http_respond_error(job->request, 503, "history_unavailable", NULL,
                               "the history cannot be read: %s", job->error.text);
        else
            http_respond_json(job->request, 200, &job->body);
    }
    history_free(job);
}

static void history_submit(struct api *api, struct history_job *job, struct http_request *request,
                           int (*work)(struct job *job, const struct reading *reading))
{
    job->job.work = work;
    job->job.done = history_done;
    job->request = request;
    job->readers = api->readers;
    job->error.code = -ECANCELED;
    job->err = -ECANCELED;
    memcpy(job->error.text, "the server is stopping", sizeof("the server is stopping"));
    http_request_on_gone(request, history_gone, job);
    if (readers_submit(api->readers, &job->job, station_ring(api->station)))
        return;
    http_respond_error(request, 503, "busy", NULL,
                       "too many questions to the history at once; try again");
    history_free(job);
}

/* What cannot be read must not look like what was never recorded. False: the job has failed. */
static bool history_readable(struct history_job *job, const struct reading *reading)
{
    if (!reading->unreadable)
        return true;
    job->error = *reading->unreadable;
    job->err = job->error.code;
    return false;
}

/* ---- query ------------------------------------------------------------------------------- */

static int query_work(struct job *base, const struct reading *reading)
{
    struct history_job *job = CONTAINER_OF(base, struct history_job, job);
    struct answer *answer = NULL;
    if (!history_readable(job, reading))
        return job->err;
    job->err = store_query(reading->reader, &job->query, &reading->recent, &answer, &job->error);
    if (!job->err)
        answer_json(&job->body, answer);
    answer_free(answer);
    return job->err;
}

/* Reads from= and to=; the range ends now and is `range_ms` long when they are absent. */
static bool range_read(struct http_request *request, int64_t range_ms, int64_t *ret_from_ms,
                       int64_t *ret_to_ms)
{
    if (!api_time(request, "to", clock_wall_ms(), ret_to_ms) ||
        !api_time(request, "from", *ret_to_ms - range_ms, ret_from_ms))
        return false;
    if (*ret_from_ms <= *ret_to_ms)
        return true;
    http_respond_error(request, 400, NULL, "from", "\"from\" must not be later than \"to\"");
    return false;
}

static bool query_read(struct http_request *request, struct query *ret)
{
    uint64_t points;
    const char *agg = http_request_param(request, "agg");
    if (!range_read(request, QUERY_RANGE_MS, &ret->from_ms, &ret->to_ms) ||
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
    struct history_job *job = mem_alloc(sizeof(*job));
    job->query = query;
    history_submit(api, job, request, query_work);
}

/* ---- events ------------------------------------------------------------------------------ */

static int events_work(struct job *base, const struct reading *reading)
{
    struct history_job *job = CONTAINER_OF(base, struct history_job, job);
    struct event_page *page = NULL;
    if (!history_readable(job, reading))
        return job->err;
    job->err = store_events(reading->reader, &job->events, &reading->recent, &page, &job->error);
    if (job->err)
        return job->err;
    struct buf *out = &job->body;
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
    if (!range_read(request, EVENTS_RANGE_MS, &events.from_ms, &events.to_ms) ||
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
    struct history_job *job = mem_alloc(sizeof(*job));
    job->events = events;
    history_submit(api, job, request, events_work);
}

/* ---- tables as they were ------------------------------------------------------------------- */

static int table_work(struct job *base, const struct reading *reading)
{
    struct history_job *job = CONTAINER_OF(base, struct history_job, job);
    struct stored_table stored;
    if (!history_readable(job, reading))
        return job->err;
    if (!reading->reader) { /* nothing was ever written */
        snprintf(job->error.text, sizeof(job->error.text), "no history is stored yet");
        return job->err = -ENOENT;
    }
    job->err =
        store_table(reading->reader, job->table.kind, job->table.at_ms, &stored, &job->error);
    if (job->err)
        return job->err;
    struct view view;
    bool cut = stored.total > stored.table->rows_count;
    view_make(stored.table, job->table.spec, job->table.limit, job->table.offset, &view);
    answer_table_json(&job->body, stored.table, stored.t_ms, &view, cut ? stored.total : 0);
    view_fini(&view);
    table_unref(stored.table);
    return 0;
}

void api_table_of_past(struct http_request *request, const struct table_route *route,
                       struct view_spec *spec, size_t limit, size_t offset, int64_t at_ms)
{
    struct history_job *job = mem_alloc(sizeof(*job));
    job->table.kind = route->kind;
    job->table.at_ms = at_ms;
    job->table.spec = spec;
    job->table.limit = limit;
    job->table.offset = offset;
    history_submit(route->api, job, request, table_work);
}
