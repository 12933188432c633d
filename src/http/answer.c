/*
 * answer.c: from a status and a body to bytes on the connection.
 *
 * An answer is one struct bytes, head and body together: one system call, and nothing to keep
 * track of. What clients do not take waits in memory; when that is much for all of them together,
 * no further large answer is given. ETags are weak (W/), because the same content leaves compressed
 * or not. Bodies that repay it are compressed: small ones at once, large ones on a thread of
 * libuv's pool, so that a long history does not hold up the streams that live on the same loop; the
 * request stays open meanwhile, and if the client leaves, it is let go of when the thread is done.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/gzip.h"
#include "http/http_internal.h"
#include "wire/json.h"

#define PACK_MIN_BYTES 1024   /* below that a packet is saved by nothing */
#define PACK_INLINE_MAX 32768 /* about 0.3 ms; above that another thread does it */

#define LARGE_BYTES 32768
#define HELD_MAX_BYTES (128U << 20) /* of answers that wait for all clients together */

/* The page loads nothing but what is embedded, talks to nobody but us, and sits in no frame. */
static const char security_headers[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\r\n";

static bool has_no_body(unsigned status)
{
    return status == 204 || status == 304;
}

/* HTTP/1.0 knows no chunks: there the end of the connection is the end of the answer. */
static void put_length(struct buf *b, const struct http_request *request,
                       const struct answer_body *body)
{
    if (!body->streamed) {
        buf_text(b, "Content-Length: ");
        buf_u64(b, body->len);
        buf_text(b, "\r\n");
        return;
    }
    if (request->head->minor == 0)
        return;
    buf_text(b, "Transfer-Encoding: chunked\r\n");
    if (body->trailers)
        http_put_header(b, "Trailer", body->trailers);
}

void answer_put_head(struct buf *b, const struct http_request *request, unsigned status,
                     const struct answer_body *body, bool close)
{
    http_put_status(b, status);
    http_put_date(b, clock_wall_ms());
    if (body->content_type && !has_no_body(status))
        http_put_header(b, "Content-Type", body->content_type);
    if (!has_no_body(status)) {
        put_length(b, request, body);
        if (body->encoding)
            http_put_header(b, "Content-Encoding", body->encoding);
    }
    if (body->varies)
        buf_text(b, "Vary: Accept-Encoding\r\n");
    if (request->etag) {
        buf_text(b, "ETag: W/");
        buf_text(b, request->etag);
        buf_text(b, "\r\n");
    }
    http_put_header(b, "Cache-Control", body->cache);
    if (close)
        buf_text(b, "Connection: close\r\n");
    else if (request->head->minor == 0)
        buf_text(b, "Connection: keep-alive\r\n");
    buf_append(b, security_headers, sizeof(security_headers) - 1);
    buf_append(b, request->headers.data, request->headers.len);
    buf_text(b, "\r\n");
}

/* Whether one more answer may be held, beside those of all other clients. */
static bool has_room(const struct http_session *session, size_t len)
{
    size_t others = session->server->held - session->held;
    return !others || len <= LARGE_BYTES || others + len <= HELD_MAX_BYTES;
}

/* Whether there is room for the answer is the caller's question. */
static void put_answer(struct http_request *request, unsigned status,
                       const struct answer_body *body)
{
    struct http_session *session = request->session;
    const struct http_head *head = request->head;
    bool close = !head || !head->keep_alive || !request->dispatched || session->server->stopping;
    bool with_body = !has_no_body(status) && !(head && head->method == HTTP_METHOD_HEAD);
    size_t body_len = with_body ? body->len : 0;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    answer_put_head(&text, request, status, body, close);

    struct bytes *message =
        buf_ok(&text) && buf_ok(&request->headers) ? bytes_new(text.len + body_len) : NULL;
    if (!message) { /* no memory for an answer: the client sees the connection end */
        conn_abort(session->conn);
        session_answered(request, true);
        return;
    }
    memcpy(message->data, text.data, text.len);
    if (body_len)
        memcpy(message->data + text.len, body->data, body_len);
    session->server->counters.answers_by_class[status / 100]++;
    conn_send(session->conn, message); /* when it fails, the session hears of it by `closed` */
    session_hold(session, conn_queued_bytes(session->conn) ? message->len : 0);
    bytes_unref(message);
    session_answered(request, close);
}

static void write_error(struct buf *b, const char *code, const char *message, const char *field)
{
    json_open(b, '{');
    json_put_key(b, "error");
    json_open(b, '{');
    json_put_key(b, "code");
    json_put_string(b, code);
    json_put_key(b, "message");
    json_put_string(b, message);
    if (field) {
        json_put_key(b, "field");
        json_put_string(b, field);
    }
    json_close(b, '}');
    json_close(b, '}');
    buf_char(b, '\n');
}

/* Small enough to be sent in any case. */
static void respond_busy(struct http_request *request)
{
    CLEANUP(buf_fini) struct buf body = BUF_INIT;
    write_error(&body, "busy", "Too many large answers wait for their clients; try again.", NULL);
    request->gone = NULL;
    free(TAKE(request->etag)); /* that of what is not sent */
    put_answer(request, 503,
               &(struct answer_body){.content_type = "application/json",
                                     .cache = CACHE_NEVER,
                                     .data = body.data,
                                     .len = body.len});
}

void answer_send(struct http_request *request, unsigned status, const struct answer_body *body)
{
    const struct http_head *head = request->head;
    bool with_body = !has_no_body(status) && !(head && head->method == HTTP_METHOD_HEAD);
    if (has_room(request->session, with_body ? body->len : 0))
        put_answer(request, status, body);
    else
        respond_busy(request);
}

/* ---- compression ---- */

struct packing {
    uv_work_t work;
    struct http_server *server;
    struct http_request *request; /* session is NULL when the client has left */
    unsigned status;
    char *content_type;
    struct buf plain, packed;
    int error;
};

static void send_body(struct http_request *request, unsigned status, const char *content_type,
                      const struct buf *plain, const struct buf *packed)
{
    bool pays = packed && packed->len < plain->len;
    const struct buf *sent = pays ? packed : plain;
    answer_send(request, status,
                &(struct answer_body){.content_type = content_type,
                                      .encoding = pays ? "gzip" : NULL,
                                      .cache = request->etag ? CACHE_ASK : CACHE_NEVER,
                                      .varies = packed != NULL,
                                      .data = sent->data,
                                      .len = sent->len});
}

static void pack(uv_work_t *work)
{
    struct packing *p = work->data;
    p->error = gzip_pack(p->plain.data, p->plain.len, &p->packed);
}

static void packed(uv_work_t *work, int status)
{
    struct packing *p = work->data;
    CHECK(status == 0); /* nobody cancels it */
    p->server->packing--;
    p->request->packing = false;
    if (p->request->session) {
        send_body(p->request, p->status, p->content_type, &p->plain, p->error ? NULL : &p->packed);
    } else {
        p->server->held -= p->plain.len;
        request_free(p->request);
    }
    buf_fini(&p->plain);
    buf_fini(&p->packed);
    free(p->content_type);
    free(p);
}

static void pack_elsewhere(struct http_request *request, unsigned status, const char *content_type,
                           struct buf *body)
{
    struct packing *p = mem_alloc(sizeof(*p));
    p->work.data = p;
    p->server = request->session->server;
    p->request = request;
    p->status = status;
    p->content_type = mem_string(content_type);
    p->plain = *body;
    *body = BUF_INIT;
    request->packing = true;
    p->server->packing++;
    session_hold(request->session, p->plain.len);
    CHECK(uv_queue_work(net_loop(p->server->net), &p->work, pack, packed) == 0);
}

bool http_request_takes_gzip(const struct http_request *request)
{
    return request->session->server->config.compress && http_accepts_gzip(request->head);
}

static bool is_worth_packing(const struct http_request *request, const char *content_type,
                             size_t len)
{
    return request->session->server->config.compress && request->head && len >= PACK_MIN_BYTES &&
           (strncmp(content_type, "text/", 5) == 0 ||
            strncmp(content_type, "application/", 12) == 0) &&
           http_accepts_gzip(request->head);
}

void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct buf *body)
{
    request->gone = NULL; /* whoever answers need not be told any more */
    if (!buf_ok(body)) {
        buf_fini(body);
        http_respond_error(request, 500, NULL, NULL, "The server is out of memory.");
        return;
    }
    if (status == 200 && answer_is_known(request)) {
        http_respond_empty(request, 304);
    } else if (!is_worth_packing(request, content_type, body->len)) {
        send_body(request, status, content_type, body, NULL);
    } else if (!has_room(request->session, body->len)) {
        respond_busy(request);
    } else if (body->len > PACK_INLINE_MAX) {
        pack_elsewhere(request, status, content_type, body);
    } else {
        CLEANUP(buf_fini) struct buf packed_body = BUF_INIT;
        int error = gzip_pack(body->data, body->len, &packed_body);
        send_body(request, status, content_type, body, error ? NULL : &packed_body);
    }
    buf_fini(body);
}

/* ---- the kinds of answers ---- */

void http_respond_json(struct http_request *request, unsigned status, struct buf *body)
{
    http_respond(request, status, "application/json", body);
}

void http_respond_empty(struct http_request *request, unsigned status)
{
    request->gone = NULL;
    answer_send(request, status,
                &(struct answer_body){.cache = request->etag ? CACHE_ASK : CACHE_NEVER});
}

const char *http_error_code(unsigned status)
{
    switch (status) {
    case 401:
        return "unauthorized";
    case 403:
        return "forbidden";
    case 404:
        return "not_found";
    case 405:
        return "method_not_allowed";
    case 408:
        return "request_timeout";
    case 409:
        return "conflict";
    case 413:
        return "too_large";
    case 414:
        return "uri_too_long";
    case 415:
        return "unsupported_media_type";
    case 421:
        return "misdirected_request";
    case 422:
        return "unprocessable";
    case 426:
        return "upgrade_required";
    case 429:
        return "too_many_requests";
    case 431:
        return "headers_too_large";
    case 500:
        return "internal";
    case 501:
        return "not_implemented";
    case 503:
        return "unavailable";
    case 505:
        return "http_version";
    default:
        return status < 500 ? "bad_request" : "internal";
    }
}

void http_respond_error(struct http_request *request, unsigned status, const char *code,
                        const char *field, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);

    CLEANUP(buf_fini) struct buf body = BUF_INIT;
    write_error(&body, code ? code : http_error_code(status), message, field);
    request->gone = NULL;
    free(TAKE(request->etag)); /* that of what was not found out */
    send_body(request, status, "application/json", &body, NULL);
}

bool answer_is_known(const struct http_request *request)
{
    const struct http_head *head = request->head;
    const char *known = head ? http_header(head, "if-none-match") : NULL;
    return known && request->etag && http_etag_matches(known, request->etag) &&
           (head->method & (HTTP_METHOD_GET | HTTP_METHOD_HEAD));
}

void answer_asset(struct http_request *request, const struct asset *asset)
{
    CLEANUP(buf_fini) struct buf plain = BUF_INIT;
    struct answer_body body = {.content_type = asset->content_type,
                               .cache = asset->immutable ? CACHE_FOR_EVER : CACHE_ASK,
                               .varies = asset->gzip != NULL,
                               .data = asset->plain,
                               .len = asset->plain_size};
    http_answer_etag(request, asset->etag);
    if (answer_is_known(request)) {
        answer_send(request, 304, &body);
        return;
    }
    if (asset->gzip && http_accepts_gzip(request->head)) {
        body.encoding = "gzip";
        body.data = asset->gzip;
        body.len = asset->gzip_size;
    } else if (!asset->plain) {
        if (gzip_unpack(asset->gzip, asset->gzip_size, asset->plain_size, &plain) != 0) {
            http_respond_error(request, 500, NULL, NULL, "The file cannot be unpacked.");
            return;
        }
        body.data = plain.data;
    }
    answer_send(request, 200, &body);
}

void http_answer_header(struct http_request *request, const char *name, const char *value)
{
    http_put_header(&request->headers, name, value);
}

void http_answer_etag(struct http_request *request, const char *etag)
{
    free(request->etag);
    request->etag = mem_string(etag);
}
