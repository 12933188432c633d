/*
 * http.c: the framing of a request: where its head ends, where its body ends.
 *
 * The head is gathered whole (at most 16 KiB), byte by byte through a small state machine that
 * refuses everything two programs could understand differently: a line feed without carriage
 * return and the reverse, a line that continues the one before (obs-fold), control characters.
 * Only then http_head.c looks at it, so nothing depends on how the bytes were cut into packets.
 *
 * The body comes by Content-Length or in chunks. Chunks are decoded here and not by llhttp,
 * because its versions differ in what they let pass between size and data; ours takes hexadecimal
 * digits, an extension without control characters, CR LF, and nothing else.
 */
#include "wire/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "wire/http_internal.h"

#define BLANK_LINES_MAX 4      /* empty lines in front of a request: RFC 9112 2.2 */
#define ROOM_MIN 1024          /* for a head or a body: most fit */
#define CHUNK_LINE_MAX 256     /* size and extension */
#define CHUNK_TRAILER_MAX 4096 /* all trailer fields; they are thrown away */

enum state {
    STATE_HEAD,
    STATE_HEAD_GIVEN, /* HEAD was reported, the body begins */
    STATE_LENGTH,
    STATE_CHUNK_SIZE,
    STATE_CHUNK_EXTENSION,
    STATE_CHUNK_SIZE_LF,
    STATE_CHUNK_DATA,
    STATE_CHUNK_DATA_CR,
    STATE_CHUNK_DATA_LF,
    STATE_TRAILER,
    STATE_TRAILER_LF,
    STATE_DONE,
    STATE_BAD,
};

struct http_parser {
    struct http_limits limits;
    size_t body_bytes; /* the limit of this request */
    enum state state;
    bool head_read;    /* completely, whatever came then */
    struct buf text;   /* the head as it came, later cut into pieces */
    size_t line_start; /* in text: where the line at hand begins */
    unsigned lines;    /* complete lines of the head */
    unsigned blank_lines;
    char *decoded; /* decoded path and query */
    struct http_head head;
    struct http_framing framing;
    uint64_t left;       /* bytes of the body, or of the chunk, still to come */
    unsigned line_bytes; /* of the chunk line, or of all trailers */
    unsigned digits;     /* of the chunk size */
    bool line_has_text;  /* the trailer line at hand is not empty */
    struct buf body;
    struct http_refusal refusal;
};

struct http_parser *http_parser_new(const struct http_limits *limits)
{
    struct http_parser *p = mem_alloc(sizeof(*p));
    p->limits = *limits;
    p->body_bytes = limits->body_bytes;
    return p;
}

static void wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->len);
    buf_fini(b);
}

/* Room for so many bytes more. What they outgrow is wiped, which realloc would leave behind. */
static bool grow(struct buf *b, size_t more)
{
    struct buf larger = BUF_INIT;
    if (more <= b->cap - b->len)
        return true;
    if (!buf_reserve(&larger, MAX(MAX(2 * b->cap, b->len + more), (size_t)ROOM_MIN)))
        return false;
    buf_append(&larger, b->data, b->len);
    wipe(b);
    *b = larger;
    return true;
}

void http_parser_free(struct http_parser *p)
{
    if (!p)
        return;
    wipe(&p->text); /* with the tokens and cookies that were in it */
    wipe(&p->body);
    free(p->head.params);
    free(p->head.headers);
    free(p->decoded);
    free(p);
}

const struct http_head *http_parser_head(const struct http_parser *p)
{
    CHECK(p->head_read);
    return &p->head;
}

bool http_parser_has_head(const struct http_parser *p)
{
    return p->head_read;
}

const char *http_parser_body(const struct http_parser *p, size_t *ret_len)
{
    CHECK(p->state == STATE_DONE);
    *ret_len = p->body.len;
    return p->body.len ? p->body.data : "";
}

unsigned http_parser_status(const struct http_parser *p)
{
    CHECK(p->state == STATE_BAD);
    return p->refusal.status;
}

const char *http_parser_reason(const struct http_parser *p)
{
    CHECK(p->state == STATE_BAD);
    return p->refusal.reason;
}

static enum http_event refuse(struct http_parser *p, unsigned status, const char *reason)
{
    p->refusal = (struct http_refusal){status, reason};
    p->state = STATE_BAD;
    return HTTP_EVENT_BAD;
}

/* ---- the head ---- */

static enum http_event head_complete(struct http_parser *p)
{
    if (!http_head_read(p->text.data, p->text.len, &p->limits, &p->head, &p->framing, &p->decoded,
                        &p->refusal)) {
        p->state = STATE_BAD;
        return HTTP_EVENT_BAD;
    }
    p->head_read = true;
    if (!p->framing.chunked && p->framing.content_length == 0) {
        p->state = STATE_DONE;
        return HTTP_EVENT_DONE;
    }
    if (p->framing.content_length > MAX(p->limits.body_bytes, p->limits.body_most))
        return refuse(p, 413, "The body is larger than this server takes.");
    p->head.has_body = true;
    p->left = p->framing.content_length;
    p->state = STATE_HEAD_GIVEN;
    return HTTP_EVENT_HEAD;
}

enum http_event http_parser_allow_body(struct http_parser *p, size_t bytes)
{
    CHECK(p->state == STATE_HEAD_GIVEN);
    p->body_bytes = MIN(bytes, MAX(p->limits.body_bytes, p->limits.body_most));
    if (!p->framing.chunked && p->framing.content_length > p->body_bytes)
        return refuse(p, 413, "The body is larger than this server takes.");
    return HTTP_EVENT_HEAD;
}

/* A line of the head has ended with CR LF. */
static enum http_event head_line(struct http_parser *p)
{
    bool empty = p->text.len - p->line_start == 2;
    if (empty && p->lines == 0) {
        if (++p->blank_lines > BLANK_LINES_MAX)
            return refuse(p, 400, "Empty lines where a request should be.");
        buf_clear(&p->text);
        return HTTP_EVENT_MORE;
    }
    if (empty)
        return head_complete(p);
    p->lines++;
    p->line_start = p->text.len;
    if (p->lines > p->limits.headers + 1)
        return refuse(p, 431, "The request has too many header fields.");
    return HTTP_EVENT_MORE;
}

static enum http_event head_byte(struct http_parser *p, uint8_t c)
{
    bool at_start = p->text.len == p->line_start;
    bool after_cr = !at_start && p->text.data[p->text.len - 1] == '\r';
    if (after_cr && c != '\n')
        return refuse(p, 400, "A carriage return without a line feed in the head.");
    if (c == '\n' && !after_cr)
        return refuse(p, 400, "A line feed without a carriage return in the head.");
    if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
        return refuse(p, 400, "A control character in the head.");
    if (at_start && (c == ' ' || c == '\t'))
        return refuse(p, 400, "A line of the head begins with white space.");
    if (p->lines == 0 && p->text.len > p->limits.target_bytes + 32) /* method and version */
        return refuse(p, 414, "The request's target is too long.");
    if (p->text.len >= p->limits.head_bytes)
        return refuse(p, 431, "The request's head is too long.");
    if (!grow(&p->text, 1))
        return refuse(p, 503, "The server is out of memory.");
    buf_char(&p->text, (char)c);
    return c == '\n' ? head_line(p) : HTTP_EVENT_MORE;
}

/* ---- the body ---- */

/* Takes what belongs to the body or the chunk out of `data`; returns how much that is. */
static size_t body_take(struct http_parser *p, const uint8_t *data, size_t len)
{
    size_t n = (size_t)MIN(p->left, (uint64_t)len);
    if (!grow(&p->body, n))
        p->body.failed = true;
    buf_append(&p->body, data, n);
    p->left -= n;
    return n;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum http_event chunk_size_byte(struct http_parser *p, uint8_t c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && p->digits < 8) {
        p->left = p->left << 4 | (unsigned)digit;
        p->digits++;
        return HTTP_EVENT_MORE;
    }
    if (digit >= 0)
        return refuse(p, 413, "A chunk is larger than this server takes.");
    if (p->digits == 0 || (c != '\r' && c != ';'))
        return refuse(p, 400, "A chunk's size is not a hexadecimal number.");
    p->line_bytes = 0;
    p->state = c == '\r' ? STATE_CHUNK_SIZE_LF : STATE_CHUNK_EXTENSION;
    return HTTP_EVENT_MORE;
}

/* The bytes around chunks, one at a time. */
static enum http_event chunk_byte(struct http_parser *p, uint8_t c)
{
    bool control = (c < 0x20 && c != '\t') || c == 0x7f;
    switch (p->state) {
    case STATE_CHUNK_SIZE:
        return chunk_size_byte(p, c);
    case STATE_CHUNK_EXTENSION:
        if (c == '\r')
            p->state = STATE_CHUNK_SIZE_LF;
        else if (control || ++p->line_bytes > CHUNK_LINE_MAX)
            return refuse(p, 400, "A chunk's extension is too long or has a control character.");
        return HTTP_EVENT_MORE;
    case STATE_CHUNK_SIZE_LF:
        if (c != '\n')
            break;
        if (p->left > p->body_bytes - p->body.len)
            return refuse(p, 413, "The body is larger than this server takes.");
        p->line_bytes = 0;
        p->line_has_text = false;
        p->state = p->left ? STATE_CHUNK_DATA : STATE_TRAILER;
        return HTTP_EVENT_MORE;
    case STATE_CHUNK_DATA_CR:
        if (c != '\r')
            break;
        p->state = STATE_CHUNK_DATA_LF;
        return HTTP_EVENT_MORE;
    case STATE_CHUNK_DATA_LF:
        if (c != '\n')
            break;
        p->digits = 0;
        p->state = STATE_CHUNK_SIZE;
        return HTTP_EVENT_MORE;
    case STATE_TRAILER:
        if (c == '\r')
            p->state = STATE_TRAILER_LF;
        else if (control || ++p->line_bytes > CHUNK_TRAILER_MAX)
            return refuse(p, 400, "The trailer is too long or has a control character.");
        else
            p->line_has_text = true;
        return HTTP_EVENT_MORE;
    case STATE_TRAILER_LF:
        if (c != '\n')
            break;
        p->state = p->line_has_text ? STATE_TRAILER : STATE_DONE;
        p->line_has_text = false;
        return p->state == STATE_DONE ? HTTP_EVENT_DONE : HTTP_EVENT_MORE;
    default:
        CHECK(p->state == STATE_CHUNK_SIZE); /* no other state comes here */
    }
    return refuse(p, 400, "A chunk does not end where its size says.");
}

enum http_event http_parse(struct http_parser *p, const void *data, size_t len, size_t *ret_used)
{
    const uint8_t *bytes = data;
    enum http_event event = HTTP_EVENT_MORE;
    size_t at = 0;
    CHECK(p->state != STATE_DONE && p->state != STATE_BAD);
    if (p->state == STATE_HEAD_GIVEN)
        p->state = p->framing.chunked ? STATE_CHUNK_SIZE : STATE_LENGTH;
    while (at < len && event == HTTP_EVENT_MORE) {
        switch (p->state) {
        case STATE_HEAD:
            event = head_byte(p, bytes[at++]);
            break;
        case STATE_LENGTH:
        case STATE_CHUNK_DATA:
            at += body_take(p, bytes + at, len - at);
            if (!buf_ok(&p->body)) {
                event = refuse(p, 503, "The server is out of memory.");
            } else if (p->left == 0 && p->state == STATE_LENGTH) {
                p->state = STATE_DONE;
                event = HTTP_EVENT_DONE;
            } else if (p->left == 0) {
                p->state = STATE_CHUNK_DATA_CR;
            }
            break;
        default:
            event = chunk_byte(p, bytes[at++]);
            break;
        }
    }
    *ret_used = at;
    return event;
}
