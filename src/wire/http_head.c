/*
 * http_head.c: a complete head to a struct http_head.
 *
 * The head is read twice, by two readers that must agree. llhttp goes first and knows methods,
 * versions, and which characters may stand where. But its versions differ: 8.1 (Debian 12) lets
 * pass continued lines, a space before the colon and a second Host. So the second reader, here,
 * walks the lines itself, refuses all that on every version, and compares the number of fields.
 * What decides about framing (Content-Length, Transfer-Encoding) and about who is addressed (Host)
 * is read here alone and may come once. Refused, because a proxy in front could read it another
 * way: Content-Length together with Transfer-Encoding, either of them twice, any transfer coding
 * but a single "chunked", a length that is not digits alone, no Host or two.
 *
 * The path is decoded once. What could mean different files to different readers is refused
 * rather than repaired: "." and ".." segments, encoded slashes, NUL and control characters, bytes
 * that are not UTF-8.
 */
#include <ctype.h>
#include <errno.h>
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "base/text.h"
#include "wire/http_internal.h"

static bool refuse(struct http_refusal *ret, unsigned status, const char *reason)
{
    *ret = (struct http_refusal){status, reason};
    return false;
}

/* ---- the request line ---- */

/* Three words, the last of which is the version. Read before llhttp, whose versions differ in what
 * they make of HTTP/0.9 and HTTP/2.0. */
static bool read_request_line(const char *text, size_t len, struct http_head *head,
                              struct http_refusal *ret)
{
    const char *end = memmem(text, len, "\r\n", 2);
    const char *target = memchr(text, ' ', (size_t)(end - text));
    const char *version = memrchr(text, ' ', (size_t)(end - text));
    if (!target || version == target || memchr(target + 1, ' ', (size_t)(version - target - 1)) ||
        end - version != 9 || memcmp(version, " HTTP/", 6) != 0 || version[7] != '.' ||
        !isdigit((unsigned char)version[6]) || !isdigit((unsigned char)version[8]))
        return refuse(ret, 400, "The request line is not method, target and version.");
    if (version[6] != '1' || version[8] > '1')
        return refuse(ret, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    head->minor = (unsigned)(version[8] - '0');
    return true;
}

/* ---- the first reader ---- */

struct first_reading {
    size_t fields;
    bool complete;
};

static int on_field_value_complete(llhttp_t *parser)
{
    ((struct first_reading *)parser->data)->fields++;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    ((struct first_reading *)parser->data)->complete = true;
    return HPE_PAUSED; /* the body is not llhttp's */
}

static bool read_with_llhttp(const char *text, size_t len, struct http_head *head, size_t *fields,
                             struct http_refusal *ret)
{
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_header_value_complete = on_field_value_complete;
    settings.on_headers_complete = on_headers_complete;

    struct first_reading reading = {0};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &reading;
    llhttp_errno_t error = llhttp_execute(&parser, text, len);
    if (!reading.complete) {
        switch (error) {
        case HPE_INVALID_METHOD:
            return refuse(ret, 501, "The method is not known here.");
        case HPE_INVALID_CONTENT_LENGTH:
        case HPE_UNEXPECTED_CONTENT_LENGTH:
            return refuse(ret, 400, "The length of the body is not clear.");
        default:
            return refuse(ret, 400, "The request is not HTTP.");
        }
    }
    *fields = reading.fields;

    switch ((llhttp_method_t)llhttp_get_method(&parser)) {
    case HTTP_GET:
        head->method = HTTP_METHOD_GET;
        break;
    case HTTP_HEAD:
        head->method = HTTP_METHOD_HEAD;
        break;
    case HTTP_POST:
        head->method = HTTP_METHOD_POST;
        break;
    case HTTP_PUT:
        head->method = HTTP_METHOD_PUT;
        break;
    case HTTP_DELETE:
        head->method = HTTP_METHOD_DELETE;
        break;
    case HTTP_PATCH:
        head->method = HTTP_METHOD_PATCH;
        break;
    case HTTP_OPTIONS:
        head->method = HTTP_METHOD_OPTIONS;
        break;
    default:
        head->method = HTTP_METHOD_OTHER;
        break;
    }
    return true;
}

/* ---- the second reader: lines ---- */

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Cuts "Name: value" in place. False when it is none. */
static bool cut_field(char *line, char *end, struct http_field *ret)
{
    char *at = line;
    while (is_token_char(*at)) {
        *at = (char)tolower((unsigned char)*at);
        at++;
    }
    if (at == line || *at != ':')
        return false;
    *at++ = '\0';
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    *ret = (struct http_field){line, at};
    return true;
}

/* Cuts the head into its lines. *ret_target is the second word of the first line. */
static bool cut_lines(char *text, size_t len, size_t fields, struct http_head *head,
                      char **ret_target, struct http_refusal *ret)
{
    char *end = memmem(text, len, "\r\n", 2);
    char *target = memchr(text, ' ', (size_t)(end - text));
    char *version = memrchr(text, ' ', (size_t)(end - text));
    *version = '\0';
    *ret_target = target + 1;

    head->headers = mem_try_array(fields, sizeof(*head->headers));
    if (!head->headers)
        return refuse(ret, 503, "The server is out of memory.");
    for (char *line = end + 2; *line != '\r'; line = end + 2) {
        end = memmem(line, (size_t)(text + len - line), "\r\n", 2);
        if (head->header_count == fields ||
            !cut_field(line, end, &head->headers[head->header_count]))
            return refuse(ret, 400, "A header field is not a name, a colon and a value.");
        head->header_count++;
    }
    if (head->header_count != fields)
        return refuse(ret, 400, "The header fields can be read in more than one way.");
    return true;
}

/* ---- the second reader: meaning ---- */

/* The only field of that name; NULL with *ret_count 0 or more than 1 otherwise. */
static const char *single_field(const struct http_head *head, const char *name, size_t *ret_count)
{
    const char *value = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcmp(head->headers[i].name, name) == 0) {
            value = head->headers[i].value;
            ++*ret_count;
        }
    }
    return *ret_count == 1 ? value : NULL;
}

static bool read_framing(const struct http_head *head, struct http_framing *framing,
                         struct http_refusal *ret)
{
    size_t lengths, codings;
    const char *length = single_field(head, "content-length", &lengths);
    const char *coding = single_field(head, "transfer-encoding", &codings);
    if (lengths > 1 || codings > 1 || (lengths && codings))
        return refuse(ret, 400, "The length of the body is given more than once.");
    if (codings) {
        if (head->minor == 0)
            return refuse(ret, 400, "Transfer-Encoding does not exist in HTTP/1.0.");
        if (strcasecmp(coding, "chunked") != 0)
            return refuse(ret, 501, "The only transfer coding known here is chunked.");
        framing->chunked = true;
    }
    if (lengths) {
        size_t digits = strspn(length, "0123456789");
        if (digits == 0 || length[digits] || digits > 18)
            return refuse(ret, 400, "Content-Length is not a number.");
        framing->content_length = strtoull(length, NULL, 10);
    }
    return true;
}

/* host[:port] with the characters of names, IP addresses and brackets only. */
static bool is_authority(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("-._~:[]%", *c))
            return false;
    }
    return true;
}

static bool read_connection(struct http_head *head, struct http_refusal *ret)
{
    size_t count;
    const char *host = single_field(head, "host", &count);
    if (count > 1 || (count == 0 && head->minor == 1))
        return refuse(ret, 400, "The request must have exactly one Host field.");
    if (!head->authority)
        head->authority = host ? host : "";
    if (!is_authority(head->authority) || (host && !is_authority(host)))
        return refuse(ret, 400, "The Host field is not a name or an address.");

    head->keep_alive = head->minor == 1 ? !http_header_has(head, "connection", "close")
                                        : http_header_has(head, "connection", "keep-alive");
    head->upgrade = http_header_has(head, "connection", "upgrade") && http_header(head, "upgrade");
    const char *expect = http_header(head, "expect");
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return refuse(ret, 417, "The only expectation known here is 100-continue.");
    head->expect_continue = expect && head->minor == 1;
    return true;
}

/* ---- the second reader: the target ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place (and '+' to a space in queries). False for a bad escape, a control
 * character or what is not UTF-8. */
static bool percent_decode(char *text, bool query)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        int c = (unsigned char)*at;
        if (c == '%') {
            int high = hex_digit(at[1]);
            int low = high < 0 ? -1 : hex_digit(at[2]);
            if (low < 0)
                return false;
            c = high << 4 | low;
            at += 2;
            if (c == '/' && !query)
                return false;
        } else if (c == '+' && query) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        *out++ = (char)c;
    }
    *out = '\0';
    size_t len = (size_t)(out - text);
    return text_utf8_valid(text, len) == len;
}

static bool has_dot_segment(const char *path)
{
    while (*path) {
        path++; /* the slash */
        size_t len = strcspn(path, "/");
        if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return true;
        path += len;
    }
    return false;
}

int http_query_split(char *text, struct http_field *fields, size_t capacity)
{
    size_t count = 0;
    for (char *next = text; next;) {
        char *part = strsep(&next, "&");
        if (!*part)
            continue;
        if (count == capacity)
            return -E2BIG;
        char *value = strchr(part, '=');
        if (value)
            *value++ = '\0';
        else
            value = part + strlen(part);
        if (!percent_decode(part, true) || !percent_decode(value, true))
            return -EINVAL;
        fields[count++] = (struct http_field){part, value};
    }
    return (int)count;
}

/* An absolute target ("http://host/path") counts as its path; its host replaces Host's. */
static bool read_absolute(char **target, struct http_head *head, struct http_refusal *ret)
{
    char *authority = strstr(*target, "://");
    if (!authority ||
        (strncasecmp(*target, "http:", 5) != 0 && strncasecmp(*target, "https:", 6) != 0))
        return refuse(ret, 400, "The request's target is not a path.");
    authority += 3;
    size_t len = strcspn(authority, "/?");
    if (len == 0)
        return refuse(ret, 400, "The request's target has no host.");
    *target = authority + len;
    memmove(authority - 1, authority, len); /* over the slash, so that a NUL fits behind */
    authority[len - 1] = '\0';
    head->authority = authority - 1;
    return true;
}

static bool read_target(char *target, const struct http_limits *limits, struct http_head *head,
                        char **ret_decoded, struct http_refusal *ret)
{
    if (strlen(target) > limits->target_bytes)
        return refuse(ret, 414, "The request's target is too long.");
    for (const char *c = target; *c; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '#')
            return refuse(ret, 400, "The request's target has a character that must be encoded.");
    }
    if (strcmp(target, "*") == 0 && head->method == HTTP_METHOD_OPTIONS) {
        head->target = head->path = target;
        return true;
    }
    if (*target != '/' && !read_absolute(&target, head, ret))
        return false;
    head->target = target;

    size_t path_len = strcspn(target, "?");
    char *decoded = *ret_decoded = calloc(1, strlen(target) + 3);
    if (!decoded)
        return refuse(ret, 503, "The server is out of memory.");
    if (path_len)
        memcpy(decoded, target, path_len);
    else
        decoded[path_len++] = '/';
    char *query = decoded + path_len + 1;
    const char *question = strchr(target, '?');
    if (question)
        memcpy(query, question + 1, strlen(question + 1) + 1);
    if (!percent_decode(decoded, false) || has_dot_segment(decoded))
        return refuse(ret, 400, "The request's path is not well formed.");
    head->path = decoded;

    size_t most = 0;
    for (const char *c = query; *c; c += strcspn(c, "&"), c += *c == '&')
        most++;
    if (most > limits->headers)
        return refuse(ret, 414, "The query has too many parameters.");
    head->params = mem_try_array(most, sizeof(*head->params));
    if (!head->params)
        return refuse(ret, 503, "The server is out of memory.");
    int count = http_query_split(query, head->params, most);
    if (count < 0)
        return refuse(ret, 400, "The query is not well formed.");
    head->param_count = (size_t)count;
    return true;
}

bool http_head_read(char *text, size_t len, const struct http_limits *limits,
                    struct http_head *head, struct http_framing *framing, char **ret_decoded,
                    struct http_refusal *ret)
{
    size_t fields;
    char *target;
    return read_request_line(text, len, head, ret) &&
           read_with_llhttp(text, len, head, &fields, ret) &&
           cut_lines(text, len, fields, head, &target, ret) &&
           read_target(target, limits, head, ret_decoded, ret) &&
           read_framing(head, framing, ret) && read_connection(head, ret);
}
