/*
 * tables.c: GET /api/v1/interfaces, connections, processes, flows, dns: the newest table that a
 * tick brought, as the client wants to see it.
 */
#include "api/api_internal.h"

#include <string.h>

#include "hub/encode.h"
#include "model/view.h"
#include "wire/json.h"

static void table_respond(struct http_request *request, const struct table *t, int64_t t_ms,
                          const struct view *view)
{
    struct buf body = BUF_INIT;
    json_open(&body, '{');
    json_put_key(&body, "t");
    json_put_i64(&body, t_ms);
    json_put_key(&body, "total");
    json_put_u64(&body, view->total);
    json_put_key(&body, "columns");
    encode_columns_json(&body, t->schema);
    json_put_key(&body, "rows");
    json_open(&body, '[');
    for (size_t i = 0; i < view->count; i++)
        encode_row_json(&body, t, view->rows[i]);
    json_close(&body, ']');
    json_close(&body, '}');
    http_respond_json(request, 200, &body);
}

/* Why nobody provides the table: a line of what the daemon told; empty: somebody does, or that is
 * not known yet. */
static size_t table_absence(const struct api *api, enum table_kind kind, const char **ret)
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

static void table_refuse(struct http_request *request, const struct api *api, enum table_kind kind)
{
    const char *why;
    size_t len = table_absence(api, kind, &why);
    if (len)
        http_respond_error(request, 503, "unavailable", NULL, "%.*s", (int)len, why);
    else
        http_respond_error(request, 503, "not_ready", NULL,
                           "no engine has delivered this table yet; see /api/v1/info");
}

void api_get_table(struct http_request *request, void *user)
{
    const struct table_route *route = user;
    uint64_t limit, offset;
    if (!api_number(request, "limit", VIEW_LIMIT_DEFAULT, VIEW_LIMIT_MAX, &limit) ||
        !api_number(request, "offset", 0, UINT32_MAX, &offset))
        return;
    if (http_request_param(request, "at")) {
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
    struct tick_table *newest = station_table(route->api->station, route->kind);
    if (newest) {
        struct view view;
        view_make(newest->table, spec, limit, offset, &view);
        table_respond(request, newest->table, newest->t_ms, &view);
        view_fini(&view);
    } else {
        table_refuse(request, route->api, route->kind);
    }
    tick_table_unref(newest);
    view_spec_free(spec);
}
