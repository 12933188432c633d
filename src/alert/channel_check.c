/*
 * channel_check.c: what is asked of channels that are made: where they go, and whether all of them
 * make sense together. See channel.h.
 */
#include "alert/channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alert/channel_url.h"
#include "base/text.h"

bool channel_is_courier(const struct channel_spec *c)
{
    return c->type != CHANNEL_TYPE_WEBSOCKET && (c->type != CHANNEL_TYPE_LOG || c->path[0]);
}

static size_t find_name(const struct channel_spec *const *channels, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(channels[i]->name, name) != 0)
        i++;
    return i;
}

int channel_check_all(const struct channel_spec *const *channels, size_t count, size_t *ret_index,
                      const char **ret_key, char *why, size_t why_size)
{
    for (size_t i = 0; i < count; i++) {
        *ret_index = i;
        if (find_name(channels, count, channels[i]->name) != i) {
            *ret_key = "name";
            snprintf(why, why_size, "there are two channels called %s", channels[i]->name);
            return -EINVAL;
        }
        *ret_key = "fallback";
        size_t at = i, steps = 0;
        while (at < count && channels[at]->fallback[0]) {
            const char *next = channels[at]->fallback;
            at = find_name(channels, count, next);
            if (at == count && strcmp(next, channel_type_name(CHANNEL_TYPE_LOG)) != 0) {
                snprintf(why, why_size, "there is no channel called %s", next);
                return -EINVAL;
            }
            if (at < count && channels[at]->type == CHANNEL_TYPE_WEBSOCKET) {
                snprintf(why, why_size, "websocket cannot be one: nobody may be there to see it");
                return -EINVAL;
            }
            if (++steps > count) {
                snprintf(why, why_size, "the fallbacks of %s go round in a circle",
                         channels[i]->name);
                return -EINVAL;
            }
        }
    }
    return 0;
}

bool channel_is_local(const struct channel_spec *c)
{
    struct channel_url url;
    return channel_url_read(c->url, &url) && url.local;
}

void channel_target(const struct channel_spec *c, char *out, size_t size)
{
    struct channel_url url;
    if (c->type == CHANNEL_TYPE_EMAIL)
        snprintf(out, size, "%s by %s", c->to[0], c->url);
    else if (c->url[0] && channel_url_read(c->url, &url))
        snprintf(out, size, "%.*s%s", (int)url.authority_end, c->url,
                 url.path || url.query ? "/…" : "");
    else if (c->type == CHANNEL_TYPE_EXEC)
        snprintf(out, size, "%s", c->command[0]);
    else
        snprintf(out, size, "%s", c->path);
    out[text_utf8_valid(out, strlen(out))] = '\0';
}
