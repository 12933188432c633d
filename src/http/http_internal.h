/* http_internal.h: what the files of src/http know of each other. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "http/keyring.h"
#include "http/server.h"

#define ROUTE_ARGS_MAX 4

struct http_server {
    struct net *net;
    struct http_config config;
    char *base; /* base_path without its last slash; "" for "/" */
    struct http_route *routes;
    size_t route_count;
    struct list sessions;
    struct http_counters counters;
    unsigned packing; /* bodies that are being compressed on other threads */
    size_t held;      /* bytes of answers that are compressed or not taken by clients yet */
    bool stopping;
};

/* HTTP's side of a connection: small, since it lives as long as the connection idles. */
struct http_session {
    struct http_server *server;
    struct conn *conn;
    struct http_request *request; /* being received or answered; NULL in between */
    size_t held;                  /* its part of the server's */
    struct list node;
};

struct route_arg {
    const char *name; /* in the pattern, name_len bytes */
    size_t name_len;
    char *value; /* owned */
};

/* From the first byte of a request to its answer. */
struct http_request {
    struct http_session *session; /* NULL: the client left while the body was being compressed */
    struct http_parser *parser;
    const struct http_head *head; /* NULL until the head is understood */
    struct net_address client;    /* whom it comes from: see request_meet */
    enum forwarded client_by;     /* ... and how that is known; FORWARDED_UNCLEAR: it is not */
    bool dispatched;              /* the request is complete and is being answered */
    bool packing;                 /* another thread compresses the answer: not to be freed */
    struct route_arg args[ROUTE_ARGS_MAX];
    size_t arg_count;
    struct identity identity; /* what the request shows, once `identified` */
    bool identified;
    enum access_role role; /* known to be at least this */
    bool role_known;       /* ... and at most */
    void (*gone)(struct http_request *request, void *user);
    void *gone_user;
    struct http_stream *stream; /* the answer is made while it is sent; owned */
    struct buf headers;         /* more lines of the answer's head */
    char *etag;
};

/* The first byte of the next request is here. */
struct http_request *request_new(struct http_session *session);
void request_free(struct http_request *request);

/* The request has been answered with what was given to the conn: goes on with the next one, or
 * closes. Frees the request. */
void session_answered(struct http_request *request, bool close);
/* Says in the log, once in a while, that this went wrong because of this client: the one that a
 * trusted proxy speaks for as soon as the head is complete, before that the peer. */
void request_complain(const struct http_request *request, const char *cause);
void session_free(struct http_session *session);
/* Its answer waits and takes so many bytes; 0: none does. */
void session_hold(struct http_session *session, size_t bytes);

/* How many bytes the body of this request may have, once its head is known. */
size_t body_allowed(struct http_request *request);
/* Answers a complete request: access, routes, assets. */
void dispatch(struct http_request *request);
const struct http_route *route_find(const struct http_server *server, const char *path,
                                    unsigned method, struct http_request *request,
                                    unsigned *ret_methods);

/* What may be kept where: the Cache-Control of an answer. */
#define CACHE_NEVER "no-store"
#define CACHE_ASK "no-cache"
#define CACHE_FOR_EVER "public, max-age=31536000, immutable"

struct answer_body {
    const char *content_type; /* NULL: no body */
    const char *encoding;     /* "gzip" or NULL */
    const char *cache;        /* CACHE_* */
    bool varies;              /* by Accept-Encoding */
    bool streamed;            /* its length is not known yet */
    const char *trailers;     /* names of what comes behind a streamed one; NULL: nothing */
    const void *data;
    size_t len;
};

/* The lines before a body. */
void answer_put_head(struct buf *b, const struct http_request *request, unsigned status,
                     const struct answer_body *body, bool close);
/* Writes the answer, ends the request. */
void answer_send(struct http_request *request, unsigned status, const struct answer_body *body);
void answer_asset(struct http_request *request, const struct asset *asset);
/* stream.c: the connection has taken all that was written. */
void stream_drained(struct http_request *request);
/* stream.c: it has not, for too long. */
void stream_too_slow(struct http_request *request);
/* True when the answer's ETag is known to the client: 304. */
bool answer_is_known(const struct http_request *request);
