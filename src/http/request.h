/*
 * request.h: what a handler sees of a request, and how it answers. A request lives from the call
 * of the handler until it is answered, upgraded or gone; the pointer must not be used after
 * http_respond*, http_upgrade or the gone callback. The loop's thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/defs.h"
#include "http/access.h"
#include "net/conn.h"
#include "wire/http.h"

struct http_request;
struct identity;

const struct http_head *http_request_head(const struct http_request *request);
const char *http_request_param(const struct http_request *request, const char *name); /* or NULL */
/* The text that {name} of the route's pattern took; NULL when the pattern has no such name. */
const char *http_request_arg(const struct http_request *request, const char *name);
const char *http_request_body(const struct http_request *request, size_t *ret_len);
enum access_role http_request_role(struct http_request *request); /* finds out whether admin */
/* What the request shows of tokens and sessions. Borrowed. */
const struct identity *http_request_identity(struct http_request *request);
/* Whom it comes from, a proxy's client when the proxy is trusted. False: whom exactly is not known,
 * *ret is the proxy. */
bool http_request_client(const struct http_request *request, struct net_address *ret);
/* Did the browser ask by https: by TLS of our own, or as a proxy or the browser itself says? */
bool http_request_is_https(const struct http_request *request);
/* The path of the dashboard without its last slash, "" for "/". Borrowed from the server. */
const char *http_request_base(const struct http_request *request);
/* May this client try a secret now? False: 429 has been answered. It counts as wrong until
 * http_request_succeeded; http_request_failed answers 401. */
bool http_request_try(struct http_request *request);
void http_request_succeeded(struct http_request *request);
void http_request_failed(struct http_request *request, const char *message);

/* Whether it asks for gzip and the server compresses. */
bool http_request_takes_gzip(const struct http_request *request);

/* For answers that come later: `gone` is called when the client leaves first; the request may not
 * be answered then. */
void http_request_on_gone(struct http_request *request,
                          void (*gone)(struct http_request *request, void *user), void *user);

/* ---- before the answer ---- */

/* One more header of the answer. */
void http_answer_header(struct http_request *request, const char *name, const char *value);
/* An ETag (with quotes): a matching If-None-Match makes the answer a 304 without body. */
void http_answer_etag(struct http_request *request, const char *etag);

/* ---- the answer: each ends the request ---- */

/* `body` is taken: it is empty afterwards. Compressed when the client takes it and it pays. A
 * buffer that failed for want of memory gives 500. */
void http_respond(struct http_request *request, unsigned status, const char *content_type,
                  struct buf *body);
void http_respond_json(struct http_request *request, unsigned status, struct buf *body);
void http_respond_empty(struct http_request *request, unsigned status);

/* {"error":{"code":CODE,"message":...,"field":FIELD}}; field may be NULL. The code by default is
 * the status' own: see http_error_code. */
void http_respond_error(struct http_request *request, unsigned status, const char *code,
                        const char *field, const char *format, ...) PRINTF_LIKE(5, 6);
const char *http_error_code(unsigned status); /* 400 "bad_request", 404 "not_found", ... */

/* Checks the WebSocket handshake, answers 101 and gives the connection away: the caller must call
 * conn_set_owner at once; bytes that came behind the head go to the new owner. `protocol` is
 * spoken when the client offers it, and nothing is said about it otherwise. *ret_deflate: whether
 * permessage-deflate was agreed on (wire/extension); it never is with serve.compression off, or
 * when ret_deflate is NULL. NULL: the handshake
 * was none, 400 or 426 has been answered. The request is over in both cases: read what is needed
 * from it before. */
struct conn *http_upgrade(struct http_request *request, const char *protocol, bool *ret_deflate);
