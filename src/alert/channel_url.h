/*
 * channel_url.h: an address of a channel, looked at: RFC 3986's form, narrowed to what a receiver
 * can have. No name or password, no fragment, no blank or control character. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum channel_scheme { CHANNEL_HTTP, CHANNEL_HTTPS, CHANNEL_SMTP, CHANNEL_SMTPS, CHANNEL_SCHEMES };

struct channel_url {
    enum channel_scheme scheme;
    size_t authority_end; /* bytes up to the path */
    bool path, query;     /* more than "/"; "?" */
    bool local;           /* localhost, 127.0.0.0/8 or ::1 */
};

/* False: not of the form, or longer than 1024 bytes; *ret is then undefined. */
bool channel_url_read(const char *text, struct channel_url *ret);
bool channel_url_is_http(const struct channel_url *url);
