/*
 * api.c: the list of routes, and how parameters are read. Each route's work is in a file of its
 * own. A bad parameter is answered with its name and what was expected; nothing is guessed.
 */
#include "api/api_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/tally.h"
#include "base/text.h"
#include "wire/benchmark.h"

struct api *api_new(const struct api_settings *settings, struct station *station, uv_loop_t *uv)
{
    struct api *api = mem_alloc(sizeof(*api));
    api->settings = *settings;
    api->station = station;
    api->uv = uv;
    api->born_mono_ns = clock_mono_ns();
    list_init(&api->commands);
    api->own_places = settings->places ? NULL : tally_new();
    api->places = settings->places ? settings->places : api->own_places;
    api->complete = settings->complete ? settings->complete : &api->own_complete;
    api->readers = readers_new(uv, settings->data_dir, settings->history_damaged, settings->user);
    return api;
}

struct tick *api_tick(const struct api *api)
{
    return tick_ring_newest(station_ring(api->station));
}

static void api_get_healthz(struct http_request *request, void *user)
{
    (void)user;
    struct buf body = BUF_INIT;
    buf_text(&body, "ok\n");
    http_respond(request, 200, "text/plain; charset=utf-8", &body);
}

/* So old a tick may be before something is wrong. */
static int64_t late_after_ns(int64_t interval_ms)
{
    return (5 * interval_ms + 2000) * NS_PER_MS;
}

/* A table that somebody provides and that has not come; TABLE_KINDS: there is none. */
static enum table_kind table_awaited(const struct api *api)
{
    enum table_kind kind = 0;
    for (const char *why; kind < TABLE_KINDS; kind++) {
        struct tick_table *newest = station_table(api->station, kind);
        bool here = newest != NULL;
        tick_table_unref(newest);
        if (!here && api_table_absence(api, kind, &why) == 0)
            break;
    }
    return kind;
}

/*
 * Ready: the first tick has come, and the last one is not older than five intervals and two
 * seconds. For as long after the start the tables that engines provide are waited for, too; what
 * was ready stays so, whatever engine comes then.
 */
static void api_get_readyz(struct http_request *request, void *user)
{
    struct api *api = user;
    const struct tick *t = api_tick(api);
    struct buf body = BUF_INIT;
    int64_t now_ns = clock_mono_ns(), age_ns = t ? now_ns - t->read_mono_ns : 0;
    enum table_kind awaited = TABLE_KINDS;
    if (t && !*api->complete) {
        if (now_ns - api->born_mono_ns <= late_after_ns(api->settings.interval_ms))
            awaited = table_awaited(api);
        if (awaited == TABLE_KINDS)
            *api->complete = true;
    }
    if (!t)
        buf_text(&body, "starting: no tick yet\n");
    else if (age_ns > late_after_ns(t->interval_ms))
        buf_printf(&body, "stale: the last tick is %lld ms old\n", (long long)(age_ns / NS_PER_MS));
    else if (awaited < TABLE_KINDS)
        buf_printf(&body, "starting: no table of %s yet\n", table_schema(awaited)->name);
    unsigned status = body.len ? 503 : 200;
    if (!body.len)
        buf_text(&body, "ok\n");
    http_respond(request, status, "text/plain; charset=utf-8", &body);
}

void api_get_stream(struct http_request *request, void *user)
{
    struct api *api = user;
    const char *subscribe = http_request_param(request, "subscribe");
    char *copy = subscribe ? mem_string(subscribe) : NULL;
    struct identity identity = *http_request_identity(request);
    struct viewer_terms terms = {.admin = http_request_role(request) == ACCESS_ADMIN};
    struct conn *conn = http_upgrade(request, "netsonde.v1", &terms.deflate);
    if (conn)
        api_note_stream(api, station_open(api->station, conn, copy, terms), &identity);
    free(copy);
}

static const char *const table_routes[TABLE_KINDS] = {
    [TABLE_INTERFACES] = "/api/v1/interfaces",
    [TABLE_CONNECTIONS] = "/api/v1/connections",
    [TABLE_PROCESSES] = "/api/v1/processes",
    [TABLE_FLOWS] = "/api/v1/flows",
    [TABLE_DNS] = "/api/v1/dns",
};

void api_routes(struct api *api, struct http_server *server)
{
    enum {
        GET = HTTP_METHOD_GET,
        POST = HTTP_METHOD_POST,
        PUT = HTTP_METHOD_PUT,
        DELETE = HTTP_METHOD_DELETE
    };
    static const struct {
        unsigned methods;
        const char *pattern;
        enum access_role role;
        void (*handler)(struct http_request *request, void *user);
        enum { ALWAYS, KEYRING, BOARD } needs;
    } routes[] = {
        {GET, "/healthz", ACCESS_ANYONE, api_get_healthz, ALWAYS},
        {GET, "/readyz", ACCESS_ANYONE, api_get_readyz, ALWAYS},
        {GET, "/metrics", ACCESS_VIEWER, api_get_metrics, ALWAYS},
        {GET, "/api/v1/info", ACCESS_VIEWER, api_get_info, ALWAYS},
        {GET, "/api/v1/config", ACCESS_ADMIN, api_get_config, ALWAYS},
        {GET, "/api/v1/performance", ACCESS_VIEWER, api_get_performance, ALWAYS},
        {GET, "/api/v1/series", ACCESS_VIEWER, api_get_series, ALWAYS},
        {GET, "/api/v1/query", ACCESS_VIEWER, api_get_query, ALWAYS},
        {GET, "/api/v1/export", ACCESS_VIEWER, api_get_export, ALWAYS},
        {GET, "/api/v1/events", ACCESS_VIEWER, api_get_events, ALWAYS},
        {GET, "/api/v1/baselines", ACCESS_VIEWER, api_get_baselines, ALWAYS},
        {POST, "/api/v1/baselines", ACCESS_ADMIN, api_post_baseline, ALWAYS},
        {GET, "/api/v1/baselines/{name}", ACCESS_VIEWER, api_get_baseline, ALWAYS},
        {DELETE, "/api/v1/baselines/{name}", ACCESS_ADMIN, api_delete_baseline, ALWAYS},
        {GET, "/api/v1/baselines/{name}/comparison", ACCESS_VIEWER, api_get_comparison, ALWAYS},
        {GET, "/api/v1/comparisons", ACCESS_VIEWER, api_get_comparisons, ALWAYS},
        {GET, "/api/v1/dashboards", ACCESS_VIEWER, api_get_dashboards, ALWAYS},
        {GET, "/api/v1/dashboards/{name}", ACCESS_VIEWER, api_get_dashboard, ALWAYS},
        {PUT, "/api/v1/dashboards/{name}", ACCESS_ADMIN, api_put_dashboard, ALWAYS},
        {DELETE, "/api/v1/dashboards/{name}", ACCESS_ADMIN, api_delete_dashboard, ALWAYS},
        {GET, "/api/v1/stream", ACCESS_VIEWER, api_get_stream, ALWAYS},
        {GET, "/api/v1/benchmarks", ACCESS_VIEWER, api_get_benchmarks, ALWAYS},
        {POST, "/api/v1/login", ACCESS_ANYONE, api_post_login, KEYRING},
        {POST, "/api/v1/logout", ACCESS_ANYONE, api_post_logout, KEYRING},
        {GET, "/api/v1/alerts", ACCESS_VIEWER, api_get_alerts, BOARD},
        {POST, "/api/v1/alerts/{id}/ack", ACCESS_ADMIN, api_acknowledge, BOARD},
        {GET, "/api/v1/anomalies", ACCESS_VIEWER, api_get_anomalies, BOARD},
        {GET, "/api/v1/silences", ACCESS_VIEWER, api_get_silences, BOARD},
        {POST, "/api/v1/silences", ACCESS_ADMIN, api_post_silence, BOARD},
        {DELETE, "/api/v1/silences/{id}", ACCESS_ADMIN, api_delete_silence, BOARD},
        {GET, "/api/v1/channels", ACCESS_VIEWER, api_get_channels, BOARD},
        {POST, "/api/v1/channels/{name}/test", ACCESS_ADMIN, api_test_channel, BOARD},
        {GET, "/api/v1/rules", ACCESS_VIEWER, api_get_rules, BOARD},
        {POST, "/api/v1/rules", ACCESS_ADMIN, api_post_rule, BOARD},
        {PUT, "/api/v1/rules/{name}", ACCESS_ADMIN, api_put_rule, BOARD},
        {DELETE, "/api/v1/rules/{name}", ACCESS_ADMIN, api_delete_rule, BOARD},
        {POST, "/api/v1/rules/test", ACCESS_VIEWER, api_test_rule, BOARD},
        {PUT, "/api/v1/rules/test", ACCESS_ADMIN, api_put_rule, BOARD},
        {DELETE, "/api/v1/rules/test", ACCESS_ADMIN, api_delete_rule, BOARD},
    };
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if ((routes[i].needs == KEYRING && !api->settings.keyring) ||
            (routes[i].needs == BOARD && !api->settings.board))
            continue;
        struct http_route route = {
            .methods = routes[i].methods,
            .pattern = routes[i].pattern,
            .role = routes[i].role,
            .handler = routes[i].handler,
            .user = api,
        };
        http_server_route(server, &route);
    }
    /* The only one whose bodies may be larger than what people write. */
    http_server_route(server, &(struct http_route){.methods = POST,
                                                   .pattern = "/api/v1/benchmarks",
                                                   .role = ACCESS_ADMIN,
                                                   .handler = api_post_benchmark,
                                                   .user = api,
                                                   .body_bytes = BENCHMARK_BYTES_MAX});
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        struct http_route route = {
            .methods = HTTP_METHOD_GET,
            .pattern = table_routes[kind],
            .role = ACCESS_VIEWER,
            .handler = api_get_table,
            .user = &api->tables[kind],
        };
        api->tables[kind] = (struct table_route){api, (enum table_kind)kind};
        http_server_route(server, &route);
    }
}

void api_set_info(struct api *api, enum api_info_part part, struct bytes *members)
{
    bytes_unref(api->info[part]);
    api->info[part] = members;
}

void api_close(struct api *api)
{
    api_close_commands(api);
    api->closing = true;
    readers_close(api->readers);
}

void api_free(struct api *api)
{
    if (!api)
        return;
    readers_free(api->readers);
    tally_free(api->own_places);
    for (size_t i = 0; i < API_INFO_PARTS; i++)
        bytes_unref(api->info[i]);
    free(api->passes);
    free(api->order);
    free(api);
}

/* ---- parameters -------------------------------------------------------------------------- */

bool api_selector(struct http_request *request, struct selector *ret)
{
    const struct http_head *head = http_request_head(request);
    selector_init(ret);
    for (size_t i = 0; i < head->param_count; i++) {
        const struct http_field *p = &head->params[i];
        const char *form = NULL;
        int err = 0;
        if (strcmp(p->name, "metric") == 0) {
            err = selector_add_glob(ret, p->value);
            form = "a metric name or pattern such as node_network_*, at most 64 times and 4 KiB";
        } else if (strcmp(p->name, "match") == 0) {
            err = selector_add_match(ret, p->value);
            form = "label=pattern such as device=eth*, at most 16 times and 4 KiB";
        }
        if (!err)
            continue;
        http_respond_error(request, 400, NULL, p->name, "\"%s\" must be %s", p->name, form);
        selector_fini(ret);
        return false;
    }
    return true;
}

bool api_time(struct http_request *request, const char *name, int64_t fallback_ms, int64_t *ret)
{
    const char *text = http_request_param(request, name);
    *ret = fallback_ms;
    if (!text || text_time_ms(text, clock_wall_ms(), ret) == 0)
        return true;
    http_respond_error(request, 400, NULL, name,
                       "\"%s\" must be a time: epoch milliseconds, RFC 3339, -60 or now-15m", name);
    return false;
}

bool api_number(struct http_request *request, const char *name, uint64_t fallback, uint64_t most,
                uint64_t *ret)
{
    const char *text = http_request_param(request, name);
    *ret = fallback;
    if (!text || (text_u64(text, ret) == 0 && *ret <= most))
        return true;
    http_respond_error(request, 400, NULL, name, "\"%s\" must be a whole number up to %llu", name,
                       (unsigned long long)most);
    return false;
}

#define RUN "run" /* in the tally of all loops */

bool api_take_run(struct api *api, struct http_request *request)
{
    if (tally_add(api->places, RUN, RUNS_MAX))
        return true;
    http_answer_header(request, "Retry-After", "1");
    http_respond_error(request, 503, "busy", NULL,
                       "others' runs over the history are under way; try again");
    return false;
}

void api_leave_run(struct api *api)
{
    tally_remove(api->places, RUN);
}

void api_author(struct http_request *request, char *ret, size_t size)
{
    const struct identity *identity = http_request_identity(request);
    const char *role = access_role_name(http_request_role(request));
    bool known = identity->kind == IDENTITY_TOKEN || identity->kind == IDENTITY_SESSION;
    snprintf(ret, size, "%s%s%s", role, known ? " " : "", known ? identity->id : "");
}

bool api_range(struct http_request *request, int64_t range_ms, int64_t *ret_from_ms,
               int64_t *ret_to_ms)
{
    if (!api_time(request, "to", clock_wall_ms(), ret_to_ms))
        return false;
    int64_t from_ms = *ret_to_ms < INT64_MIN + range_ms ? INT64_MIN : *ret_to_ms - range_ms;
    if (!api_time(request, "from", from_ms, ret_from_ms))
        return false;
    if (*ret_from_ms <= *ret_to_ms)
        return true;
    http_respond_error(request, 400, NULL, "from", "\"from\" must not be later than \"to\"");
    return false;
}
