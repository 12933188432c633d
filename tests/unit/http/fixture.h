/*
 * fixture.h: a server on 127.0.0.1 with a few routes, and clients that are plain sockets. Client
 * and server live on one thread: a client that waits lets the loop run.
 */
#pragma once

#include "../net/fixture.h"

#include <poll.h>

#include "base/buf.h"
#include "base/defs.h"
#include "http/gzip.h"
#include "http/server.h"
#include "net/listener.h"

struct bench {
    uv_loop_t loop;
    uv_timer_t guard;
    struct net *net;
    struct listeners *listeners;
    struct access *access;
    struct http_server *server;
    uid_t peer_uid;            /* what the "kernel" says about every peer */
    struct http_request *kept; /* by the route /api/later */
    unsigned gone;
    struct conn *upgraded; /* by /api/stream */
    struct buf frames;     /* what came over it */
    unsigned streams_closed;
    bool deflate; /* agreed by the last upgrade */
};

void bench_start(struct bench *b, const struct net_limits *limits, const char *base_path);
void bench_end(struct bench *b);

int client_open(struct bench *b);
void client_write(struct bench *b, int fd, const char *data, size_t len);
void client_text(struct bench *b, int fd, const char *text);

/* Reads one answer as its Content-Length says; head and body follow each other in `out`. Returns
 * its status, 0 when the connection ended instead. */
struct answer {
    unsigned status;
    struct buf head, body;
};
void answer_fini(struct answer *a);
unsigned client_answer(struct bench *b, int fd, bool head_only, struct answer *a);

/* Is the header there, with this value? NULL: any. */
bool answer_has(const struct answer *a, const char *name, const char *value);
const char *answer_body(struct answer *a);

bool client_at_end(struct bench *b, int fd); /* waits for bytes or the end */

/* One request on a connection of its own. */
unsigned ask(struct bench *b, const char *request, struct answer *a);
