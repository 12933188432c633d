/*
 * stream.h: answers that are made while they are sent: chunked for HTTP/1.1, up to the connection's
 * end for HTTP/1.0. The maker is asked for the next piece when the connection has taken all of the
 * last one, so a slow client makes nobody hold more than one piece; one that takes nothing is ended
 * by the connection's own time-out, one that takes less than a piece in net_limits.take_ms is told
 * of in the log and cut. The loop's thread.
 */
#pragma once

#include "base/buf.h"
#include "http/request.h"

struct http_stream; /* lives until http_stream_end, http_stream_cut or `gone` */

struct http_stream_ops {
    /* Everything has been taken: answer with write, end or cut, now or later. */
    void (*more)(void *user);
    /* The client has left or does not take anything any more. Last call. */
    void (*gone)(void *user);
};

struct http_stream_head {
    const char *content_type;
    bool packed;          /* what will be written is gzip */
    bool varies;          /* it would not be for another client */
    const char *trailers; /* "Name, Name": what http_stream_end will say; NULL: nothing */
};

/* Begins the answer 200. NULL: only the head was asked for, or the connection is gone; the request
 * has ended, no call will come. Neither is `ops` called from inside: follow up with the first
 * piece. */
struct http_stream *http_stream_begin(struct http_request *request,
                                      const struct http_stream_head *head,
                                      const struct http_stream_ops *ops, void *user);

/* The next piece; the text is copied. An empty one is skipped: `more` comes all the same, possibly
 * from inside this call. */
void http_stream_write(struct http_stream *stream, const struct buf *piece);

/* The last piece (may be empty), and lines "Name: value\r\n" behind it. Ends the request. */
void http_stream_end(struct http_stream *stream, const struct buf *piece,
                     const struct buf *trailers);

/* It cannot be brought to its end: the connection ends in a way that shows it, and it is counted.
 * Ends the request. */
void http_stream_cut(struct http_stream *stream);
