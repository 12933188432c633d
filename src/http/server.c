/*
 * server.c: sessions: which request of a connection is where.
 *
 * A session owns a connection between its accept and its close or upgrade. A struct http_request
 * exists from the first byte of a request to its answer, so a connection that idles costs a
 * session of a few words. From the moment a request is complete until its answer has left, the
 * connection is paused: requests that are sent ahead (pipelining) wait in the socket and are
 * answered in order, and a client cannot make us hold more than one answer.
 *
 * Waits: `handshake` from the first byte (or the accept) to the last of a request, `keepalive`
 * between requests, none while a handler works.
 */
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/complaints.h"
#include "base/mem.h"
#include "http/http_internal.h"

/* The largest answer; it is the only thing in the queue when it is put there. */
#define QUEUE_LIMIT_BYTES (64U << 20)

const char http_plain_refusal[] = "HTTP/1.1 400 Bad Request\r\n"
                                  "Content-Type: text/plain\r\n"
                                  "Content-Length: 49\r\n"
                                  "Connection: close\r\n"
                                  "\r\n"
                                  "This port speaks TLS: use https:// and not http:\n";

static const char refusal[] = "HTTP/1.1 503 Service Unavailable\r\n"
                              "Content-Type: application/json\r\n"
                              "Content-Length: 90\r\n"
                              "Retry-After: 10\r\n"
                              "Connection: close\r\n"
                              "\r\n"
                              "{\"error\":{\"code\":\"unavailable\","
                              "\"message\":\"The server has no room for more clients now.\"}}\n";

/* ---- requests ---- */

struct http_request *request_new(struct http_session *session)
{
    struct http_request *request = mem_alloc(sizeof(*request));
    request->session = session;
    request->client = *conn_peer(session->conn);
    request->client.port = 0;
    request->parser = http_parser_new(&session->server->config.limits);
    session->request = request;
    conn_set_wait(session->conn, CONN_WAIT_HANDSHAKE);
    return request;
}

void request_free(struct http_request *request)
{
    CHECK(!request->packing);
    http_parser_free(request->parser);
    for (size_t i = 0; i < request->arg_count; i++)
        free(request->args[i].value);
    buf_fini(&request->headers);
    free(request->etag);
    free(request->stream);
    free(request);
}

/* The head is complete. Who asks is decided here, for limits, the log and the stream's tables
 * alike: a proxy may speak for somebody else with the next request. */
static void request_meet(struct http_request *request)
{
    const struct http_session *session = request->session;
    request->head = http_parser_head(request->parser);
    request->client_by = access_client(session->server->config.access, request->head,
                                       conn_peer(session->conn), &request->client);
}

void request_complain(const struct http_request *request, const char *cause)
{
    char who[NET_ADDRESS_TEXT_MAX];
    net_address_format_ip(&request->client, who);
    complaints_add(request->session->server->config.complaints, "http", cause, 1, who,
                   clock_mono_ns());
}

/* The answer has left: ready for the next request. */
static void next_request(struct http_session *session)
{
    conn_set_wait(session->conn, CONN_WAIT_KEEPALIVE);
    conn_resume(session->conn);
}

void session_answered(struct http_request *request, bool close)
{
    struct http_session *session = request->session;
    request_free(request);
    session->request = NULL;
    if (close) {
        conn_close(session->conn);
        return;
    }
    if (conn_queued_bytes(session->conn) == 0)
        next_request(session); /* otherwise when it is drained */
}

/* ---- the connection's callbacks ---- */

static void malformed(struct http_request *request)
{
    unsigned status = http_parser_status(request->parser);
    char cause[160];
    request->session->server->counters.malformed++;
    snprintf(cause, sizeof(cause), "refused a malformed request: %s",
             http_parser_reason(request->parser));
    request_complain(request, cause);
    http_respond_error(request, status, NULL, NULL, "%s", http_parser_reason(request->parser));
}

static void send_continue(struct http_session *session)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct bytes *message = bytes_copy(text, sizeof(text) - 1);
    if (message)
        conn_send(session->conn, message);
    bytes_unref(message);
}

static size_t on_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct http_session *session = user;
    struct http_request *request = session->request ? session->request : request_new(session);
    size_t used;
    switch (http_parse(request->parser, data, len, &used)) {
    case HTTP_EVENT_MORE:
        break;
    case HTTP_EVENT_HEAD:
        request_meet(request);
        if (http_parser_allow_body(request->parser, body_allowed(request)) == HTTP_EVENT_BAD) {
            request->head = NULL;
            malformed(request);
        } else if (request->head->expect_continue) {
            send_continue(session);
        }
        break;
    case HTTP_EVENT_DONE:
        if (!request->head)
            request_meet(request);
        request->dispatched = true;
        conn_set_wait(conn, CONN_WAIT_NONE);
        conn_pause(conn);
        dispatch(request); /* an upgrade frees the session: nothing of it is used below */
        break;
    case HTTP_EVENT_BAD:
        if (!request->head && http_parser_has_head(request->parser))
            request_meet(request);
        request->head = NULL; /* nothing else of a bad request can be relied on */
        malformed(request);
        break;
    }
    return used;
}

void session_hold(struct http_session *session, size_t bytes)
{
    session->server->held += bytes - session->held;
    session->held = bytes;
}

static void on_drained(struct conn *conn, void *user)
{
    struct http_session *session = user;
    (void)conn;
    if (!session->request || !session->request->packing)
        session_hold(session, 0);
    if (!session->request)
        next_request(session);
    else if (session->request->stream)
        stream_drained(session->request);
}

static void on_expired(struct conn *conn, void *user, enum conn_wait wait)
{
    struct http_session *session = user;
    if (wait == CONN_WAIT_HANDSHAKE && session->request) {
        session->server->counters.timed_out++;
        request_complain(session->request, "a request was not complete in time");
        session->request->head = NULL;
        http_respond_error(session->request, 408, NULL, NULL,
                           "The request was not complete in time.");
        return;
    }
    if (wait == CONN_WAIT_TAKE && session->request) {
        stream_too_slow(session->request);
        return;
    }
    conn_close(conn);
}

void session_free(struct http_session *session)
{
    session_hold(session, 0);
    list_remove(&session->node);
    free(session);
}

static void on_closed(struct conn *conn, void *user, int error)
{
    struct http_session *session = user;
    struct http_request *request = session->request;
    (void)conn;
    (void)error;
    if (request && request->dispatched)
        session->server->counters.gone++;
    if (request && request->gone)
        request->gone(request, request->gone_user);
    if (request && request->packing) {
        request->session = NULL; /* its thread still works on it: answer.c frees it */
        session->held = 0;       /* ... and gives back what is held for it */
    } else if (request) {
        request_free(request);
    }
    session_free(session);
}

static const struct conn_ops session_ops = {
    .data = on_data,
    .drained = on_drained,
    .expired = on_expired,
    .closed = on_closed,
};

void http_server_accept(struct conn *conn, void *user)
{
    struct http_server *server = user;
    struct http_session *session = mem_alloc(sizeof(*session));
    session->server = server;
    session->conn = conn;
    list_append(&server->sessions, &session->node);
    conn_set_queue_limit(conn, QUEUE_LIMIT_BYTES);
    conn_set_wait(conn, CONN_WAIT_HANDSHAKE);
    conn_set_owner(conn, &session_ops, session);
    if (server->stopping)
        conn_close(conn);
}

/* ---- the server ---- */

static bool is_exempt(void *user, const struct net_address *remote)
{
    const struct http_server *server = user;
    return access_is_shared(server->config.access, remote);
}

struct http_server *http_server_new(struct net *net, const struct http_config *config)
{
    struct http_server *server = mem_alloc(sizeof(*server));
    server->net = net;
    server->config = *config;
    size_t len = strlen(config->base_path);
    while (len && config->base_path[len - 1] == '/')
        len--;
    server->base = mem_string_n(config->base_path, len);
    list_init(&server->sessions);
    net_set_refusal(net, refusal);
    net_set_exempt(net, is_exempt, server);
    return server;
}

void http_server_route(struct http_server *server, const struct http_route *route)
{
    server->routes = mem_resize(server->routes, server->route_count + 1, sizeof(*server->routes));
    server->routes[server->route_count++] = *route;
    server->config.limits.body_most = MAX(server->config.limits.body_most, route->body_bytes);
}

const struct http_counters *http_server_counters(const struct http_server *server)
{
    return &server->counters;
}

void http_server_stop(struct http_server *server)
{
    server->stopping = true;
    LIST_EACH(node, &server->sessions)
    {
        struct http_session *session = LIST_ENTRY(node, struct http_session, node);
        if (!session->request)
            conn_close(session->conn);
    }
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    CHECK(list_empty(&server->sessions) && server->packing == 0);
    free(server->routes);
    free(server->base);
    free(server);
}
