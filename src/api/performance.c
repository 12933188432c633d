/* performance.c: GET /api/v1/performance: the newest message of the channel, as this role gets it.
 */
#include "api/api_internal.h"

void api_get_performance(struct http_request *request, void *user)
{
    const struct api *api = user;
    bool admin = http_request_role(request) == ACCESS_ADMIN;
    const struct bytes *newest = station_performance(api->station, admin);
    if (!newest) {
        http_respond_error(request, 503, "not_ready", NULL,
                           "nothing has been measured yet; try again in a second");
        return;
    }
    struct buf body = BUF_INIT;
    buf_append(&body, newest->data, newest->len);
    http_respond_json(request, 200, &body);
}
