/* channel_url.c: see channel_url.h. */
#include "alert/channel_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/defs.h"
#include "base/text.h"

#define URL_MAX 1024

static const char *const schemes[CHANNEL_SCHEMES] = {"http://", "https://", "smtp://", "smtps://"};

bool channel_url_is_http(const struct channel_url *url)
{
    return url->scheme <= CHANNEL_HTTPS;
}

static bool read_scheme(const char *text, struct channel_url *ret)
{
    for (size_t i = 0; i < CHANNEL_SCHEMES; i++) {
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0) {
            ret->scheme = (enum channel_scheme)i;
            return true;
        }
    }
    return false;
}

static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if (!isgraph((unsigned char)*text) || strchr("\"<>\\^`{|}", *text))
            return false;
    }
    return true;
}

static bool read_port(const char *text, size_t len)
{
    char digits[6];
    uint64_t port;
    if (len >= sizeof(digits))
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return text_u64(digits, &port) == 0 && port >= 1 && port <= UINT16_MAX;
}

static bool read_host(const char *text, size_t len, struct channel_url *ret)
{
    char host[256];
    struct in6_addr six;
    struct in_addr four;
    bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
    if (bracketed) {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (bracketed) {
        if (inet_pton(AF_INET6, host, &six) != 1)
            return false;
        ret->local = IN6_IS_ADDR_LOOPBACK(&six);
        return true;
    }
    for (const char *c = host; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr(".-_", *c))
            return false;
    }
    ret->local = strcasecmp(host, "localhost") == 0 ||
                 (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
    return true;
}

bool channel_url_read(const char *text, struct channel_url *ret)
{
    *ret = (struct channel_url){0};
    if (strlen(text) > URL_MAX || !is_printable(text) || strchr(text, '#') ||
        !read_scheme(text, ret))
        return false;
    const char *authority = text + strlen(schemes[ret->scheme]);
    size_t len = strcspn(authority, "/?");
    const char *rest = authority + len;
    ret->authority_end = (size_t)(rest - text);
    ret->query = strchr(rest, '?') != NULL;
    ret->path = rest[0] == '/' && rest[1] && rest[1] != '?';
    if (memchr(authority, '@', len))
        return false;
    const char *colon = memrchr(authority, ':', len), *bracket = memrchr(authority, ']', len);
    if (colon && (!bracket || bracket < colon)) {
        if (!read_port(colon + 1, (size_t)(authority + len - colon - 1)))
            return false;
        len = (size_t)(colon - authority);
    }
    return read_host(authority, len, ret);
}
