/*
 * tables.c: GET /api/v1/interfaces, connections, processes, flows, dns: the newest table that a
 * tick brought, as the client wants to see it; with at= one of those that are stored (history.c).
 */
#include "api/api_internal.h"

#include <string.h>

#include "api/answer.h"
#include "model/view.h"

size_t api_table_absence(const struct api *api, enum table_kind kind, const char **ret)
{
    const struct bytes *lines = api->info[API_INFO_TABLES];
    const char *at = lines ? (const char *)lines->data : "", *end = lines ? at + lines->len : at;
    for (int i = 0; at < end; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline ? newline : end) - at);
        *ret = at;
        if (i == (int)kind)
            return len;
        at += len + 1;
    }
    return 0;
}

void api_refuse_table(struct http_request *request, const struct api *api, enum table_kind kind)
{
    const char *why;
    size_t len = api_table_absence(api, kind, &why);
    if (len)
        http_respond_error(request, 503, "unavailable", NULL, "%.*s", (int)len, why);
    else
        http_respond_error(request, 503, "not_ready", NULL,
                           "no engine has delivered this table yet; see /api/v1/info");
}

/* As it is now. */
static void table_respond(struct http_request *request, const struct table_route *route,
                          const struct view_spec *spec, size_t limit, size_t offset)
{
    struct tick_table *newest = station_table(route->api->station, route->kind);
    if (!newest) {
        api_refuse_table(request, route->api, route->kind);
        return;
    }
    struct buf body = BUF_INIT;
    struct view view;
    view_make(newest->table, spec, limit, offset, &view);
    answer_table_json(&body, newest->table, newest->t_ms, &view, 0);
    http_respond_json(request, 200, &body);
    view_fini(&view);
    tick_table_unref(newest);
}

void api_get_table(struct http_request *request, void *user)
{
    const struct table_route *route = user;
    uint64_t limit, offset;
    int64_t at_ms;
    if (!api_number(request, "limit", VIEW_LIMIT_DEFAULT, VIEW_LIMIT_MAX, &limit) ||
        !api_number(request, "offset", 0, UINT32_MAX, &offset) ||
        !api_time(request, "at", 0, &at_ms))
        return;
    bool past = http_request_param(request, "at") != NULL;
    if (past && !store_keeps_table(route->kind)) {
        http_respond_error(request, 400, NULL, "at",
                           "no history is kept of this table; ask /api/v1/query for its series");
        return;
    }
    struct view_spec *spec;
    char why[128];
    const char *field;
    if (view_spec_new(table_schema(route->kind), http_request_param(request, "filter"),
                      http_request_param(request, "sort"), &spec, &field, why, sizeof(why)) < 0) {
        http_respond_error(request, 400, NULL, field, "%s", why);
        return;
    }
    if (past) {
        api_table_of_past(request, route, spec, limit, offset, at_ms);
        return;
    }
    table_respond(request, route, spec, limit, offset);
    view_spec_free(spec);
}
