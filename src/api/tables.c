/*
 * tables.c: GET /api/v1/interfaces and, with their issues, the other tables: the newest one that a
 * tick brought, as the client wants to see it.
 */
#include "api/api_internal.h"

#include "api/view.h"
#include "hub/encode.h"
#include "wire/json.h"

/* The newest table of a kind: a tick need not bring every table. */
static const struct table *table_newest(const struct api *api, enum table_kind kind,
                                        int64_t *ret_t_ms)
{
    const struct tick_ring *ring = station_ring(api->station);
    for (size_t i = tick_ring_count(ring); i-- > 0;) {
        const struct tick *t = tick_ring_at(ring, i);
        if (t->tables[kind]) {
            *ret_t_ms = t->t_ms;
            return t->tables[kind];
        }
    }
    return NULL;
}

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

static void api_get_table(struct http_request *request, struct api *api, enum table_kind kind)
{
    uint64_t limit, offset;
    if (!api_number(request, "limit", VIEW_LIMIT_DEFAULT, VIEW_LIMIT_MAX, &limit) ||
        !api_number(request, "offset", 0, UINT32_MAX, &offset))
        return;
    if (http_request_param(request, "at")) {
        http_respond_error(request, 400, NULL, "at",
                           "no history is kept of this table; ask /api/v1/query for its series");
        return;
    }
    int64_t t_ms = 0;
    const struct table *t = table_newest(api, kind, &t_ms);
    if (!t) {
        http_respond_error(request, 503, "not_ready", NULL,
                           "no engine has delivered this table yet; see /api/v1/info");
        return;
    }
    struct view view;
    char why[128];
    const char *field;
    if (view_make(t, http_request_param(request, "filter"), http_request_param(request, "sort"),
                  limit, offset, &view, &field, why, sizeof(why)) < 0) {
        http_respond_error(request, 400, NULL, field, "%s", why);
        return;
    }
    table_respond(request, t, t_ms, &view);
    view_fini(&view);
}

void api_get_interfaces(struct http_request *request, void *user)
{
    api_get_table(request, user, TABLE_INTERFACES);
}
