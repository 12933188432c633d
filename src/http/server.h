/*
 * server.h: HTTP on connections: routes, limits, access, assets. One server per loop, on the
 * loop's thread. Answers go out in the order of the requests; of each connection one request is
 * worked on at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/access.h"
#include "http/assets.h"
#include "http/request.h"
#include "net/conn.h"

struct http_route {
    unsigned methods;      /* bits of enum http_method; GET answers HEAD too */
    const char *pattern;   /* "/api/v1/rules/{name}": {} takes one segment that is not empty */
    enum access_role role; /* the least that is needed */
    /* Answers now by a call of http_respond*, http_upgrade, or keeps `request` and answers later
     * on the same thread. */
    void (*handler)(struct http_request *request, void *user);
    void *user;
    /* A body may have so many bytes when who sends it has the role, if that is more than
     * limits.body_bytes. */
    size_t body_bytes;
};

struct http_config {
    const struct asset *assets; /* sorted by path; may be NULL */
    size_t asset_count;
    const char *const *pages; /* paths answered with /index.html: "/", "/interfaces", ... */
    size_t page_count;
    const char *base_path;       /* "/" or "/some/where"; stripped before routing */
    const struct access *access; /* borrowed */
    struct keyring *keyring;     /* borrowed; NULL: no tokens are known */
    struct http_limits limits;   /* HTTP_LIMITS_DEFAULT */
    bool compress;               /* serve.compression */

    /* Borrowed; where bad requests are said. May be NULL. */
    struct complaints *complaints;
};

struct http_counters {
    uint64_t requests;
    uint64_t answers_by_class[6]; /* [2] = 2xx, ...; [1] = upgrades (101) */
    uint64_t malformed;           /* 400, 413, 414, 431, 501, 505 by the parser */
    uint64_t refused_host;        /* 421 */
    uint64_t refused_origin;      /* 403 */
    uint64_t refused_role;        /* 401, 403 */
    uint64_t refused_type;        /* 415 */
    uint64_t wrong_token;         /* 401: a token or one-time secret that is not good */
    uint64_t limited_token;       /* 429: after too many of these */
    uint64_t timed_out;           /* 408 */
    uint64_t gone;                /* the client left before its answer */
    uint64_t cut;                 /* streamed answers that were given up before their end */
};

struct keyring;
struct http_server;

/* For net_set_tls: the answer to who speaks plain HTTP where TLS is spoken. */
extern const char http_plain_refusal[];

struct http_server *http_server_new(struct net *net, const struct http_config *config);

/* Adds a route; strings are borrowed for the server's life. Longer literal patterns win over
 * patterns with {}; two equal patterns with different methods share one path. */
void http_server_route(struct http_server *server, const struct http_route *route);

/* For listeners_start: takes the conn; `user` is the struct http_server. */
void http_server_accept(struct conn *conn, void *user);

const struct http_counters *http_server_counters(const struct http_server *server);

/* From now on every answer says "Connection: close"; idle connections are closed. */
void http_server_stop(struct http_server *server);

/* When all its connections are closed (net_stop and the loop has run). */
void http_server_free(struct http_server *server);
