/* body.c: see body.h. */
#include "api/body.h"

#include <string.h>

#include "base/text.h"

json_t *body_read(struct http_request *request)
{
    char why[160] = "The body must be a JSON object.";
    size_t len;
    const char *text = http_request_body(request, &len);
    json_t *body = len ? json_parse(text, len, why, sizeof(why)) : json_object();
    if (json_is_object(body))
        return body;
    json_decref(body);
    http_respond_error(request, 400, NULL, NULL, "%s", why);
    return NULL;
}

bool body_only(struct http_request *request, const json_t *body, const char *const *names,
               size_t count)
{
    const char *key;
    json_t *value;
    /* jansson's macro wants to be able to change the object; it is not changed. */
    json_object_foreach((json_t *)body, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i < count)
            continue;
        http_respond_error(request, 400, NULL, key, "there is no member \"%.64s\" here", key);
        return false;
    }
    return true;
}

bool body_has(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);
    return value && !json_is_null(value);
}

static bool is_line(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

bool body_text(struct http_request *request, const json_t *body, const char *name, char *ret,
               size_t size)
{
    if (!body_has(body, name))
        return true;
    const json_t *value = json_object_get(body, name);
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (!text || len >= size || !is_line(text, len)) {
        http_respond_error(request, 400, NULL, name,
                           "\"%s\" must be one line of text of at most %zu bytes", name, size - 1);
        return false;
    }
    memcpy(ret, text, len + 1);
    return true;
}

bool body_time(struct http_request *request, const json_t *body, const char *name, int64_t now_ms,
               int64_t *ret)
{
    if (!body_has(body, name))
        return true;
    const json_t *value = json_object_get(body, name);
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret = json_integer_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (text && text_time_ms(text, now_ms, ret) == 0)
        return true;
    http_respond_error(request, 400, NULL, name,
                       "\"%s\" must be a time: epoch milliseconds, RFC 3339, -60 or now-15m", name);
    return false;
}

bool body_number(struct http_request *request, const json_t *body, const char *name, uint64_t least,
                 uint64_t most, uint64_t *ret)
{
    if (!body_has(body, name))
        return true;
    const json_t *value = json_object_get(body, name);
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        (uint64_t)json_integer_value(value) >= least &&
        (uint64_t)json_integer_value(value) <= most) {
        *ret = (uint64_t)json_integer_value(value);
        return true;
    }
    http_respond_error(request, 400, NULL, name, "\"%s\" must be a whole number from %llu to %llu",
                       name, (unsigned long long)least, (unsigned long long)most);
    return false;
}
