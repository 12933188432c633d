/*
 * http_text.c: looking into a request's fields, and writing the head of a response. Lists in
 * header values are walked in place: nothing is allocated, nothing is copied.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/defs.h"
#include "wire/http.h"

static const char *find(const struct http_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    }
    return NULL;
}

const char *http_header(const struct http_head *head, const char *name)
{
    return find(head->headers, head->header_count, name);
}

const char *http_param(const struct http_head *head, const char *name)
{
    return find(head->params, head->param_count, name);
}

/* The next element of a comma-separated list: its start, and its length without the white space
 * around it and without parameters behind ';'. *list moves on; NULL at the end. */
static const char *list_next(const char **list, size_t *ret_len)
{
    const char *start = *list + strspn(*list, ", \t");
    if (!*start)
        return NULL;
    size_t len = strcspn(start, ",");
    *list = start + len;
    *ret_len = strcspn(start, ",; \t");
    return start;
}

bool http_header_has(const struct http_head *head, const char *name, const char *token)
{
    size_t wanted = strlen(token);
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcmp(head->headers[i].name, name) != 0)
            continue;
        const char *list = head->headers[i].value;
        const char *element;
        size_t len;
        while ((element = list_next(&list, &len))) {
            if (len == wanted && strncasecmp(element, token, len) == 0)
                return true;
        }
    }
    return false;
}

/* "gzip;q=0" and "gzip; q=0.000" decline. */
static bool is_declined(const char *element, const char *end)
{
    const char *q = memchr(element, ';', (size_t)(end - element));
    if (!q)
        return false;
    q += 1 + strspn(q + 1, " \t");
    if ((*q != 'q' && *q != 'Q') || q[1] != '=')
        return false;
    q += 2;
    return *q == '0' && strspn(q, "0.") == strcspn(q, ", \t");
}

bool http_accepts_gzip(const struct http_head *head)
{
    const char *list = http_header(head, "accept-encoding");
    const char *element;
    size_t len;
    bool any = false;
    while (list && (element = list_next(&list, &len))) {
        bool declined = is_declined(element, list);
        if ((len == 4 && strncasecmp(element, "gzip", 4) == 0) ||
            (len == 6 && strncasecmp(element, "x-gzip", 6) == 0))
            return !declined;
        if (len == 1 && *element == '*')
            any = !declined;
    }
    return any;
}

bool http_etag_matches(const char *if_none_match, const char *etag)
{
    const char *list = if_none_match;
    size_t wanted = strlen(etag);
    while (*list) {
        list += strspn(list, ", \t");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, etag, wanted) == 0)
            return true;
        if (*list == '"') /* a tag may hold commas */
            list += 1 + strcspn(list + 1, "\"");
        list += strcspn(list, ",");
    }
    return false;
}

const char *http_status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Unknown";
}

void http_put_status(struct buf *b, unsigned status)
{
    buf_text(b, "HTTP/1.1 ");
    buf_u64(b, status);
    buf_char(b, ' ');
    buf_text(b, http_status_text(status));
    buf_text(b, "\r\n");
}

void http_put_header(struct buf *b, const char *name, const char *value)
{
    buf_text(b, name);
    buf_text(b, ": ");
    /* A value that carries a stranger's text must not be able to begin a new line. */
    for (const char *c = value; *c; c++)
        buf_char(b, (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c);
    buf_text(b, "\r\n");
}

void http_put_date(struct buf *b, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / MS_PER_S);
    struct tm tm;
    char text[64];
    gmtime_r(&seconds, &tm);
    /* The program stays in the C locale, so the names of days and months are English. */
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    http_put_header(b, "Date", text);
}
