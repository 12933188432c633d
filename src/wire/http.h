/*
 * http.h: HTTP/1.1 requests out of bytes, response heads into bytes; no I/O.
 *
 * A parser lives for one request. Whatever could be read in two ways by two programs is refused,
 * whatever the version of llhttp below thinks of it: see http.c for the list. All text in a
 * struct http_head is terminated by NUL, holds none inside, belongs to the parser and stays until
 * http_parser_free. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Bits, so that a route can name a set of methods. */
enum http_method {
    HTTP_METHOD_GET = 1 << 0,
    HTTP_METHOD_HEAD = 1 << 1,
    HTTP_METHOD_POST = 1 << 2,
    HTTP_METHOD_PUT = 1 << 3,
    HTTP_METHOD_DELETE = 1 << 4,
    HTTP_METHOD_PATCH = 1 << 5,
    HTTP_METHOD_OPTIONS = 1 << 6,
    HTTP_METHOD_OTHER = 1 << 7, /* known to HTTP, but to no route of ours */
};

struct http_field {
    const char *name; /* header names in lower case */
    const char *value;
};

struct http_head {
    enum http_method method;
    unsigned minor;        /* of HTTP/1.x */
    const char *target;    /* the path and query as sent, for messages */
    const char *path;      /* decoded; begins with '/', holds no "." or ".."; "*" in OPTIONS * */
    const char *authority; /* Host, or the authority of an absolute target; "" in HTTP/1.0 */
    struct http_field *params; /* the query, decoded, in order; a name may come more than once */
    size_t param_count;
    struct http_field *headers; /* in order */
    size_t header_count;
    bool keep_alive;
    bool upgrade;         /* Connection: upgrade together with an Upgrade header */
    bool expect_continue; /* the client waits for 100 before it sends the body */
    bool has_body;        /* Content-Length above 0 or chunked */
};

/* The first header of that (lower-case) name, NULL when there is none. */
const char *http_header(const struct http_head *head, const char *name);
/* The first query parameter of that name, NULL when there is none. */
const char *http_param(const struct http_head *head, const char *name);

/* True when a comma-separated header value has this token, whatever its case. All headers of the
 * name are looked at. */
bool http_header_has(const struct http_head *head, const char *name, const char *token);

/* True when Accept-Encoding takes gzip (q above 0). */
bool http_accepts_gzip(const struct http_head *head);

/* True when an If-None-Match value names this ETag (weak comparison, "*" matches). */
bool http_etag_matches(const char *if_none_match, const char *etag);

struct http_limits {
    size_t head_bytes;   /* past it 431 */
    size_t target_bytes; /* past it 414 */
    size_t body_bytes;   /* past it 413 */
    size_t headers;      /* number of headers, and of query parameters; past it 431 and 414 */
    size_t body_most;    /* so much may http_parser_allow_body allow; 0: not more than body_bytes */
};
#define HTTP_LIMITS_DEFAULT ((struct http_limits){16384, 8192, 65536, 100, 0})

enum http_event {
    HTTP_EVENT_MORE, /* all bytes are used, nothing is complete */
    HTTP_EVENT_HEAD, /* the head is complete; the body is still to come (only when has_body) */
    HTTP_EVENT_DONE, /* the request is complete; bytes after it belong to the next one */
    HTTP_EVENT_BAD,  /* answer with http_parser_status and close */
};

struct http_parser;

struct http_parser *http_parser_new(const struct http_limits *limits);
void http_parser_free(struct http_parser *p); /* NULL is allowed */

/* Takes bytes until an event; *ret_used says how many. After DONE and BAD: not again. */
enum http_event http_parse(struct http_parser *p, const void *data, size_t len, size_t *ret_used);

/* After HEAD, where limits.body_most is set: this request may have a body of so many bytes. HEAD
 * again, or BAD: it has more. */
enum http_event http_parser_allow_body(struct http_parser *p, size_t bytes);

/* After HEAD and DONE, and after BAD when the head was none of what is bad: http_parser_has_head.
 */
const struct http_head *http_parser_head(const struct http_parser *p);
bool http_parser_has_head(const struct http_parser *p);
const char *http_parser_body(const struct http_parser *p, size_t *ret_len); /* after DONE */
unsigned http_parser_status(const struct http_parser *p);    /* after BAD: 4xx or 5xx */
const char *http_parser_reason(const struct http_parser *p); /* after BAD: one plain sentence */

/* Decodes a query or form text into fields; `text` is overwritten and the fields point into it.
 * Returns their number or -EINVAL (bad escape, NUL, not UTF-8) or -E2BIG. */
int http_query_split(char *text, struct http_field *fields, size_t capacity);

/* ---- responses ---- */

const char *http_status_text(unsigned status); /* "Not Found"; "Unknown" for a strange number */
void http_put_status(struct buf *b, unsigned status); /* "HTTP/1.1 404 Not Found\r\n" */
void http_put_header(struct buf *b, const char *name,
                     const char *value);            /* control bytes become spaces */
void http_put_date(struct buf *b, int64_t wall_ms); /* "Date: Mon, ..." with CRLF */
