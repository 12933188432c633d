/*
 * stream.c: see stream.h.
 *
 * One piece is under way at a time. It becomes one struct bytes with the chunk's frame around it
 * (RFC 9112 section 7.1), and `more` is called when the connection's queue is empty: at once when
 * the kernel took all of it, else from `drained`, for which there is a time limit: who takes a byte
 * now and then would hold what the maker holds for ever. A client can tell an answer that was cut
 * from one that is whole by the last chunk, which is missing; in HTTP/1.0, which proxies speak, by
 * the reset that any end but the proper one is.
 */
#include "http/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/mem.h"
#include "http/http_internal.h"

struct http_stream {
    struct http_request *request;
    const struct http_stream_ops *ops;
    void *user;
    bool chunked;
    bool close;   /* the connection after it */
    bool waiting; /* a piece was written and not taken yet */
};

static void on_gone(struct http_request *request, void *user)
{
    struct http_stream *stream = user;
    (void)request;
    stream->ops->gone(stream->user);
}

/* False: the connection is ending, `gone` will come. */
static bool send_bytes(struct http_stream *stream, struct bytes *message)
{
    struct http_session *session = stream->request->session;
    if (!message) {
        conn_abort(session->conn);
        return false;
    }
    int error = conn_send(session->conn, message);
    bytes_unref(message);
    if (error == -ENOBUFS) /* it waited for an empty queue, so this is a piece beyond all bounds */
        conn_abort(session->conn);
    return error == 0;
}

struct http_stream *http_stream_begin(struct http_request *request,
                                      const struct http_stream_head *head,
                                      const struct http_stream_ops *ops, void *user)
{
    struct http_session *session = request->session;
    const struct answer_body body = {
        .content_type = head->content_type,
        .encoding = head->packed ? "gzip" : NULL,
        .cache = CACHE_NEVER,
        .varies = head->varies,
        .streamed = true,
        .trailers = head->trailers,
    };
    bool chunked = request->head->minor > 0;
    bool close = !request->head->keep_alive || !chunked || session->server->stopping;
    bool only_head = request->head->method == HTTP_METHOD_HEAD;
    CLEANUP(buf_fini) struct buf text = BUF_INIT;
    answer_put_head(&text, request, 200, &body, close);
    struct bytes *message =
        buf_ok(&text) && buf_ok(&request->headers) ? bytes_copy(text.data, text.len) : NULL;
    struct http_stream *stream = mem_alloc(sizeof(*stream));
    *stream = (struct http_stream){
        .request = request, .ops = ops, .user = user, .chunked = chunked, .close = close};
    request->gone = NULL;
    session->server->counters.answers_by_class[2]++;
    bool sent = send_bytes(stream, message);
    if (!sent || only_head) {
        free(stream);
        session_answered(request, close || !sent);
        return NULL;
    }
    request->stream = stream;
    http_request_on_gone(request, on_gone, stream);
    if (!chunked)
        conn_set_reset(session->conn, true);
    return stream;
}

/* The piece, the last chunk and the trailers as one message. */
static struct bytes *frame(const struct http_stream *stream, const struct buf *piece, bool last,
                           const struct buf *trailers)
{
    char size[24] = "";
    size_t lines = last && trailers ? trailers->len : 0;
    bool framed = stream->chunked && piece->len > 0;
    if (framed)
        snprintf(size, sizeof(size), "%zx\r\n", piece->len);
    struct buf out = BUF_INIT;
    buf_reserve(&out, strlen(size) + piece->len + lines + 16);
    buf_text(&out, size);
    buf_append(&out, piece->data, piece->len);
    if (framed)
        buf_text(&out, "\r\n");
    if (stream->chunked && last) {
        buf_text(&out, "0\r\n");
        if (lines)
            buf_append(&out, trailers->data, lines);
        buf_text(&out, "\r\n");
    }
    struct bytes *message = buf_ok(&out) ? bytes_copy(out.data, out.len) : NULL;
    buf_fini(&out);
    return message;
}

void stream_drained(struct http_request *request)
{
    struct http_stream *stream = request->stream;
    if (!stream->waiting)
        return;
    stream->waiting = false;
    conn_set_wait(request->session->conn, CONN_WAIT_NONE);
    stream->ops->more(stream->user);
}

void stream_too_slow(struct http_request *request)
{
    struct http_session *session = request->session;
    request_complain(request, "an answer was taken too slowly");
    session->server->counters.cut++;
    conn_abort(session->conn); /* `gone` will come */
}

void http_stream_write(struct http_stream *stream, const struct buf *piece)
{
    struct http_session *session = stream->request->session;
    CHECK(!stream->waiting);
    if (piece->len && !send_bytes(stream, frame(stream, piece, false, NULL)))
        return;
    size_t queued = conn_queued_bytes(session->conn);
    session_hold(session, queued);
    stream->waiting = queued > 0;
    if (queued)
        conn_set_wait(session->conn, CONN_WAIT_TAKE);
    else
        stream->ops->more(stream->user);
}

void http_stream_end(struct http_stream *stream, const struct buf *piece,
                     const struct buf *trailers)
{
    struct http_request *request = stream->request;
    struct http_session *session = request->session;
    bool close = stream->close || session->server->stopping;
    CHECK(!stream->waiting);
    request->gone = NULL;
    bool sent = !(piece->len || stream->chunked) ||
                send_bytes(stream, frame(stream, piece, true, trailers));
    if (sent && !stream->chunked)
        conn_set_reset(session->conn, false);
    session_hold(session, conn_queued_bytes(session->conn));
    session_answered(request, close);
}

void http_stream_cut(struct http_stream *stream)
{
    struct http_request *request = stream->request;
    struct http_session *session = request->session;
    request->gone = NULL;
    session->server->counters.cut++;
    conn_abort(session->conn);
    session_answered(request, true);
}
