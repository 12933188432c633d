/* info.c: GET /api/v1/info: what this daemon is, what it can see here, what holds it in. */
#include "api/api_internal.h"

#include "base/clock.h"
#include "wire/json.h"

void api_get_info(struct http_request *request, void *user)
{
    struct api *api = user;
    const struct tick *t = api_tick(api);
    struct buf body = BUF_INIT;
    int64_t now_ms = clock_wall_ms();
    json_open(&body, '{');
    json_put_key(&body, "version");
    json_put_string(&body, api->settings.version);
    json_put_key(&body, "host");
    json_put_string(&body, api->settings.host);
    json_put_key(&body, "t");
    json_put_i64(&body, now_ms);
    json_put_key(&body, "started");
    json_put_i64(&body, api->settings.started_ms);
    json_put_key(&body, "uptime_seconds");
    json_put_i64(&body, (now_ms - api->settings.started_ms) / MS_PER_S);
    json_put_key(&body, "interval_ms");
    json_put_i64(&body, t ? t->interval_ms : api->settings.interval_ms);
    json_put_key(&body, "seq");
    json_put_u64(&body, t ? t->seq : 0);
    json_put_key(&body, "role");
    json_put_string(&body, http_request_role(request) == ACCESS_ADMIN ? "admin" : "viewer");
    json_put_key(&body, "session"); /* of a login: there is something to log out of */
    json_put_bool(&body, http_request_identity(request)->kind == IDENTITY_SESSION);
    for (size_t i = 0; i < API_INFO_MEMBERS; i++) {
        if (!api->info[i])
            continue;
        buf_char(&body, ',');
        buf_append(&body, api->info[i]->data, api->info[i]->len);
    }
    buf_char(&body, '}');
    http_respond_json(request, 200, &body);
}
